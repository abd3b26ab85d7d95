using System.Security.Cryptography;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Sandbox.Population;

namespace SafetyNet.Exchange.Cli.Demo;

/// <summary>The family of the story, out of the sandbox's invented population: a child of school age, the mother of the same household, a grandparent of another.</summary>
internal sealed record StoryFamily(SyntheticPerson Child, SyntheticPerson Mother, SyntheticPerson Grandparent, SyntheticHousehold Home)
{
    private const string Taipei = "TPE";
    private const int YoungestYears = 7;
    private const int OldestYears = 14;

    /// <summary>Every such family of Taipei, in random order, so that demonstrations on one sandbox rarely meet the same one.</summary>
    public static IReadOnlyList<StoryFamily> Shuffled(int seed, int persons)
    {
        var households = SyntheticPopulation.Generate(seed, persons).ToList();
        var people = households.SelectMany(household => household.Members).ToDictionary(person => person.Number);
        var families = households.Where(household => household.JurisdictionCode.Equals(Taipei, StringComparison.Ordinal))
            .Select(home => FindIn(home, people)).OfType<StoryFamily>().ToArray();
        RandomNumberGenerator.Shuffle(families.AsSpan());
        return families;
    }

    /// <summary>A national id with a good checksum that nobody of the population has.</summary>
    public static string NobodysNationalId(int seed, int persons)
    {
        var taken = SyntheticPopulation.Generate(seed, persons).SelectMany(household => household.Members).Select(person => person.NationalId).ToHashSet();
        while (true)
        {
            var nine = $"A{RandomNumberGenerator.GetInt32(1, 3)}{RandomNumberGenerator.GetInt32(0, 10_000_000):0000000}";
            var id = NationalId.Parse(nine + NationalId.ComputeCheckDigit(nine));
            if (!taken.Contains(id))
                return id.Canonical;
        }
    }

    private static StoryFamily? FindIn(SyntheticHousehold home, Dictionary<int, SyntheticPerson> people)
    {
        foreach (var child in home.Members.Where(IsOfSchoolAge))
        {
            if (home.Members.FirstOrDefault(member => member.Number == child.MotherNumber && IsOrdinary(member)) is not { } mother)
                continue;
            var parents = (int?[])[child.MotherNumber, child.FatherNumber];
            var grandparent = parents.OfType<int>().Select(number => people[number])
                .SelectMany(parent => (int?[])[parent.MotherNumber, parent.FatherNumber]).OfType<int>().Select(number => people[number])
                .FirstOrDefault(elder => elder.HouseholdNumber != home.Number && IsOrdinary(elder));
            if (grandparent is not null)
                return new StoryFamily(child, mother, grandparent, home);
        }

        return null;
    }

    private static bool IsOfSchoolAge(SyntheticPerson person)
    {
        var today = SyntheticPopulation.AsOf;
        return IsOrdinary(person) && person.BirthDate > today.AddYears(-OldestYears - 1) && person.BirthDate <= today.AddYears(-YoungestYears);
    }

    // The dead have no case, and protected whereabouts are a story of their own.
    private static bool IsOrdinary(SyntheticPerson person) => person.DeathDate is null && !person.IsProtected;
}
