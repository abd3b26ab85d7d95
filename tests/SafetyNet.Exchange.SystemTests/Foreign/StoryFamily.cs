using System.Globalization;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Sandbox.Population;

namespace SafetyNet.Exchange.SystemTests.Foreign;

/// <summary>A family of Taipei that the story can be told of: a child of school age, the mother of the same household, a grandparent of another.</summary>
internal sealed record StoryFamily(SyntheticPerson Child, SyntheticPerson Mother, SyntheticPerson Grandparent, SyntheticHousehold Home)
{
    private static readonly DateOnly EldestBirth = SyntheticPopulation.AsOf.AddYears(-15);
    private static readonly DateOnly YoungestBirth = SyntheticPopulation.AsOf.AddYears(-7);

    /// <summary>Every such family, one child each, in the order of the register.</summary>
    public static IEnumerable<StoryFamily> FindAll(IReadOnlyCollection<SyntheticHousehold> households)
    {
        var people = households.SelectMany(home => home.Members).ToDictionary(person => person.Number);
        return from home in households
               where string.Equals(home.JurisdictionCode, "TPE", StringComparison.Ordinal)
               let child = home.Members.FirstOrDefault(member => IsOrdinary(member) && member.BirthDate > EldestBirth && member.BirthDate <= YoungestBirth)
               where child is not null
               let mother = home.Members.FirstOrDefault(member => member.Number == child.MotherNumber && IsOrdinary(member))
               where mother is not null
               let grandparent = ParentsOf(mother.Number, people).Concat(ParentsOf(child.FatherNumber, people))
                   .FirstOrDefault(elder => elder.HouseholdNumber != home.Number && IsOrdinary(elder))
               where grandparent is not null
               select new StoryFamily(child, mother, grandparent, home);
    }

    /// <summary>A national id with a good checksum that nobody of the population has.</summary>
    public static string NobodysNationalId(IReadOnlyCollection<SyntheticHousehold> households)
    {
        var taken = households.SelectMany(home => home.Members).Select(person => person.NationalId).ToHashSet();
        return Enumerable.Range(0, 10_000_000)
            .Select(number => "A2" + number.ToString("0000000", CultureInfo.InvariantCulture))
            .Select(nine => NationalId.Parse(nine + NationalId.ComputeCheckDigit(nine)))
            .First(id => !taken.Contains(id)).Canonical;
    }

    private static IEnumerable<SyntheticPerson> ParentsOf(int? number, Dictionary<int, SyntheticPerson> people) =>
        number is { } of ? ((int?[])[people[of].MotherNumber, people[of].FatherNumber]).OfType<int>().Select(parent => people[parent]) : [];

    // The dead have no case, and protected whereabouts are a story of their own.
    private static bool IsOrdinary(SyntheticPerson person) => person.DeathDate is null && !person.IsProtected;
}
