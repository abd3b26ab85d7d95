using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Sandbox.Population;

namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>A family of Taipei out of the invented population: a child of school age, the mother of the same household, a grandparent of another.</summary>
internal sealed record Family(SyntheticPerson Child, SyntheticPerson Mother, SyntheticPerson Grandparent, SyntheticHousehold Home);

/// <summary>Something of a kind, of which one is as good as another; each call gives one that no other test has.</summary>
internal static class Some
{
    private static readonly Lazy<IReadOnlyList<SyntheticHousehold>> Households =
        new(() => [.. SyntheticPopulation.Generate(TestExchange.Seed, TestExchange.Persons)]);

    private static readonly Lazy<IReadOnlyList<Family>> Families = new(() => [.. FindFamilies()]);

    private static readonly Lazy<IReadOnlyList<(SyntheticPerson Child, SyntheticPerson Mother, SyntheticHousehold Home)>> HomesWithChildren = new(() =>
        [.. from home in Households.Value
            let child = home.Members.FirstOrDefault(p => IsOrdinary(p) && p.BirthDate > SyntheticPopulation.AsOf.AddYears(-18))
            let mother = child is null ? null : home.Members.FirstOrDefault(p => p.Number == child.MotherNumber && IsOrdinary(p))
            where mother is not null
            orderby home.JurisdictionCode == "TPE" descending, home.Number
            select (child, mother, home)]);

    private static readonly Lazy<HashSet<string>> NationalIds = new(() => Population.Select(p => p.NationalId.Canonical).ToHashSet(StringComparer.Ordinal));

    private static int _families = -1;
    private static int _strangers;

    public static IEnumerable<SyntheticPerson> Population => Households.Value.SelectMany(h => h.Members);

    public static IReadOnlyList<SyntheticHousehold> Homes => Households.Value;

    public static string RequestId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();

    public static Family Family()
    {
        var next = Interlocked.Increment(ref _families);
        Assert.True(next < Families.Value.Count, $"the population has only {Families.Value.Count} families");
        return Families.Value[next];
    }

    /// <summary>A home with a child and its mother, by a fixed order, Taipei's first and then those of other jurisdictions: for a test with a server of its own.</summary>
    public static (SyntheticPerson Child, SyntheticPerson Mother, SyntheticHousehold Home) HomeAt(int place) => HomesWithChildren.Value[place];

    /// <summary>A valid national id that nobody of the register has.</summary>
    public static string StrangersId()
    {
        while (true)
        {
            var nine = $"Z1{Interlocked.Increment(ref _strangers):0000000}";
            var id = nine + NationalId.ComputeCheckDigit(nine);
            if (!NationalIds.Value.Contains(id)) return id;
        }
    }

    /// <summary>A person whom no register knows.</summary>
    public static Wire.ReferralSubject Stranger() => new()
    {
        NationalId = StrangersId(), Name = "測試某", BirthDate = "2014-05-06", Phone = "0900-111-222", Address = "測試路 1 號",
    };

    public static Wire.ReferralSubject SubjectOf(SyntheticPerson person, SyntheticHousehold? home = null) => new()
    {
        NationalId = person.NationalId.Canonical, Name = person.Name, BirthDate = $"{person.BirthDate:yyyy-MM-dd}", Phone = person.Phone, Address = home?.Address ?? "",
    };

    public static Wire.ReferralFact Fact(Wire.ConfidentialityClass one, string text) => new() { ConfidentialityClass = one, Text = text };

    /// <summary>A sender's view: identity, contact and these.</summary>
    public static Wire.SenderView View(params Wire.ConfidentialityClass[] further) =>
        new() { Classes = { Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact, further } };

    /// <summary>A referral of a stranger by the school to the centre, or as told.</summary>
    public static Wire.CreateReferralRequest Referral(
        Party from, string toUnitId, Wire.ReferralSubject? subject = null, Wire.Article6Service service = Wire.Article6Service.CareVisit, string? inCase = null) => new()
        {
            Context = from.Context(Wire.Purpose.CaseCoordination, inCase: inCase), RequestId = RequestId(), ToUnitId = toUnitId, Subjects = { subject ?? Stranger() },
            Services = { service }, View = View(), CaseId = inCase ?? "",
        };

    /// <summary>No two of them share a home, the grandparent's included: a test that protects a mother would hide another test's grandparent.</summary>
    private static IEnumerable<Family> FindFamilies()
    {
        var taken = new HashSet<int>();
        var people = Population.ToDictionary(p => p.Number);
        foreach (var home in Households.Value.Where(h => h.JurisdictionCode == "TPE"))
        {
            foreach (var child in home.Members.Where(p => IsOrdinary(p) && p.BirthDate > SyntheticPopulation.AsOf.AddYears(-18)))
            {
                var mother = home.Members.FirstOrDefault(p => p.Number == child.MotherNumber && IsOrdinary(p));
                var elder = ((int?[])[child.MotherNumber, child.FatherNumber]).OfType<int>().Select(n => people[n])
                    .SelectMany(parent => (int?[])[parent.MotherNumber, parent.FatherNumber]).OfType<int>().Select(n => people[n])
                    .FirstOrDefault(p => p.HouseholdNumber != home.Number && !taken.Contains(p.HouseholdNumber) && IsOrdinary(p));
                if (mother is null || elder is null || taken.Contains(home.Number)) continue;
                taken.UnionWith([home.Number, elder.HouseholdNumber]);
                yield return new Family(child, mother, elder, home);
                break;
            }
        }
    }

    private static bool IsOrdinary(SyntheticPerson person) => person is { DeathDate: null, IsProtected: false };
}
