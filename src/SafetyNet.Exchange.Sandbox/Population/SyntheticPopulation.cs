namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>
/// Invented families for the sandbox, tests and benchmarks: the same seed and size give the same persons on every machine.
/// </summary>
/// <remarks>
/// Made family by family, each of three generations or more spread over several households; kinship never leaves a family, so memory does not
/// grow with the size. The very first family lives in TPE and has a divorced mother whose whereabouts are protected, the second in TAO with a
/// wife on a resident certificate, so that both are there in the smallest population too; all 22 jurisdictions occur from about 4 000 persons.
/// </remarks>
public static class SyntheticPopulation
{
    public const int MinimumPersons = 100;

    public const int MaximumPersons = 1_000_000;

    /// <summary>The day the register is told of; ages are counted to it, and nobody is born or dies after it.</summary>
    public static readonly DateOnly AsOf = new(2026, 1, 1);

    /// <summary>Streams the households of a population, numbers ascending; each enumeration makes them anew.</summary>
    /// <param name="persons">Exactly that many persons, 100 to 1 000 000. A population is not a prefix of a larger one: its last family is cut to fit.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="persons"/> is outside its range.</exception>
    public static IEnumerable<SyntheticHousehold> Generate(int seed, int persons)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(persons, MinimumPersons);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(persons, MaximumPersons);
        return Stream(seed, persons);
    }

    /// <summary>One household by its number, or null past the last one. Makes all before it: for small populations.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="persons"/> is outside its range, or the number is below 1.</exception>
    public static SyntheticHousehold? FindHousehold(int seed, int persons, int householdNumber)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(householdNumber, 1);
        return Generate(seed, persons).ElementAtOrDefault(householdNumber - 1);
    }

    private static IEnumerable<SyntheticHousehold> Stream(int seed, int persons)
    {
        var numbers = new SyntheticNumbers(seed);
        var made = 0;
        var households = 0;
        for (var index = 0; made < persons; index++)
        {
            var homes = Fit(Family.Make(seed, index), persons - made);
            if (homes.Count == 0)
                homes = Family.MakeSingle(seed, index);
            foreach (var household in Numbered(homes, numbers, made, households))
            {
                made += household.Members.Count;
                households++;
                yield return household;
            }
        }
    }

    /// <summary>The first homes of a family that fit; parents who are left out become unknown.</summary>
    private static List<Home> Fit(List<Home> homes, int room)
    {
        var kept = new List<Home>(homes.Count);
        foreach (var home in homes)
        {
            room -= home.Members.Count;
            if (room < 0)
                break;
            kept.Add(home);
        }

        return kept;
    }

    private static List<SyntheticHousehold> Numbered(List<Home> homes, SyntheticNumbers numbers, int persons, int households)
    {
        var result = new List<SyntheticHousehold>(homes.Count);
        foreach (var home in homes)
        {
            home.PutInOrder();
            foreach (var member in home.Members)
                member.Number = ++persons;
        }

        foreach (var home in homes)
            result.Add(ToHousehold(home, ++households, numbers));
        return result;
    }

    private static SyntheticHousehold ToHousehold(Home home, int number, SyntheticNumbers numbers)
    {
        var members = home.Members.Select(member => ToPerson(member, home, number, numbers)).ToList();
        return new SyntheticHousehold(
            number, numbers.HouseholdId(number), home.Jurisdiction.Code, home.District, home.Address, home.Head.Number, members.AsReadOnly());
    }

    private static SyntheticPerson ToPerson(Relative member, Home home, int household, SyntheticNumbers numbers)
    {
        var (relation, text) = Kinship.ToHead(member, home.Head);
        return new SyntheticPerson(
            member.Number,
            numbers.PersonId(member.Number),
            numbers.NationalId(member.Number, member.IdLetter, member.IdSecond, member.IdSettled),
            member.Name,
            member.RomanisedName,
            member.Sex,
            member.Origin,
            member.Birth,
            member.Death,
            household,
            relation,
            text,
            NumberOf(member.Father),
            NumberOf(member.Mother),
            NumberOf(member.Spouse),
            member.IsAdopted,
            numbers.Phone(member.IsMinor ? home.Head.Number : member.Number),
            member.IsProtected);
    }

    private static int? NumberOf(Relative? relative) => relative is { Number: > 0 } ? relative.Number : null;
}
