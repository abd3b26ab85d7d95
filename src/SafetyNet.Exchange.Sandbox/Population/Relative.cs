using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>Somebody of a family while it is being made.</summary>
internal sealed class Relative
{
    private readonly List<Relative> children = [];

    /// <summary>Given last, when the family is whole; 0 until then.</summary>
    public int Number { get; set; }

    public required Sex Sex { get; set; }

    public required DateOnly Birth { get; init; }

    public required string Surname { get; init; }

    public string Name { get; set; } = "";

    public string? RomanisedName { get; set; }

    public PersonOrigin Origin { get; init; } = PersonOrigin.Local;

    /// <summary>The indigenous name, which the children carry on; null for everybody else.</summary>
    public IndigenousName? IndigenousName { get; set; }

    public IndigenousName? IndigenousParent { get; init; }

    public DateOnly? Death { get; set; }

    public Relative? Father { get; private set; }

    public Relative? Mother { get; private set; }

    public Relative? Spouse { get; set; }

    public IReadOnlyList<Relative> Children => children;

    public bool IsAdopted { get; init; }

    public bool IsProtected { get; set; }

    public required char IdLetter { get; init; }

    public char IdSecond { get; set; }

    public int? IdSettled { get; set; }

    public int AgeAsOf
    {
        get
        {
            var today = SyntheticPopulation.AsOf;
            return today.Year - Birth.Year - (today.DayOfYear < Birth.DayOfYear ? 1 : 0);
        }
    }

    public bool IsMinor => AgeAsOf < 18;

    public void HasParents(Relative? father, Relative? mother)
    {
        Father = father;
        Mother = mother;
        father?.children.Add(this);
        mother?.children.Add(this);
    }
}
