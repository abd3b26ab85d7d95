using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Stories;

/// <summary>A mother who fled with her child, their home protected in the register, and the father who lives elsewhere; out of the invented population.</summary>
internal sealed record Refuge(SyntheticPerson Child, SyntheticPerson Mother, SyntheticPerson Father, SyntheticHousehold Home, SyntheticHousehold FathersHome)
{
    /// <summary>What must not be told, by name: the address, its parts, the phones that are reached there.</summary>
    public IReadOnlyDictionary<string, string> Secrets
    {
        get
        {
            var street = Home.Address[(Home.Address.IndexOf(Home.District, StringComparison.Ordinal) + Home.District.Length)..];
            var secrets = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["whole address"] = Home.Address, ["street"] = street, ["house number"] = street[(street.IndexOf('鄰', StringComparison.Ordinal) + 1)..], ["mother's phone"] = Mother.Phone,
            };
            Assert.All(secrets.Values, value => Assert.True(value.Length >= 5 && !FathersHome.Address.Contains(value, StringComparison.Ordinal) && Father.Phone != value));
            return secrets;
        }
    }

    /// <summary>The first of Taipei, fathers of Taipei first.</summary>
    public static Refuge First()
    {
        var (people, homes) = (Some.Population.ToDictionary(p => p.Number), Some.Homes.ToDictionary(h => h.Number));
        return (from home in Some.Homes
                where home.JurisdictionCode == "TPE"
                let child = home.Members.FirstOrDefault(p => p is { IsProtected: true, DeathDate: null, FatherNumber: not null } && p.BirthDate > SyntheticPopulation.AsOf.AddYears(-18))
                let mother = child is null ? null : home.Members.FirstOrDefault(p => p.Number == child.MotherNumber && p is { IsProtected: true, DeathDate: null })
                where mother is not null
                let father = people[child.FatherNumber!.Value]
                let fathersHome = homes[father.HouseholdNumber]
                where father.DeathDate is null && fathersHome.Number != home.Number && !fathersHome.Members.Any(p => p.IsProtected)
                orderby fathersHome.JurisdictionCode == "TPE" descending, home.Number
                select new Refuge(child, mother, father, home, fathersHome)).First();
    }
}
