using System.Text.Json;
using System.Text.Json.Serialization;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>How plainly an involvement is told, as <c>involvement-rules.json</c> writes it.</summary>
internal enum ShownGrade
{
    /// <summary>It is not told at all.</summary>
    None,
    Protected,
    System,
    Unit,
}

/// <summary>One rule of how plainly a unit's involvement is told. A list that is empty fits every unit.</summary>
internal sealed record GradeRule
{
    public required string Id { get; init; }

    public required IReadOnlyList<string> Source { get; init; }

    public required string TextEn { get; init; }

    public required string TextZh { get; init; }

    public IReadOnlyList<Wire.UnitKind> UnitKinds { get; init; } = [];

    public IReadOnlyList<Wire.AgencyKind> AgencyKinds { get; init; } = [];

    /// <summary>It is only for a caller that serves the other party of a case of the household (R-NTK-10).</summary>
    public bool ToOtherParty { get; init; }

    public required ShownGrade Grade { get; init; }

    public bool IsForAll => UnitKinds.Count + AgencyKinds.Count == 0 && !ToOtherParty;

    /// <param name="involved">Unit that serves the household.</param>
    /// <param name="servesOtherParty">Does the caller serve the other party? Asked only where it matters.</param>
    public bool Fits(Unit involved, Func<bool> servesOtherParty) => (UnitKinds.Count == 0 || UnitKinds.Contains(involved.Kind))
        && (AgencyKinds.Count == 0 || AgencyKinds.Contains(involved.Agency.Kind)) && (!ToOtherParty || servesOtherParty());
}

/// <summary>One rule by which the primary unit does not hear of a look-up. Each list that is not empty must hold what the look-up has.</summary>
internal sealed record SilenceRule
{
    public required string Id { get; init; }

    public required IReadOnlyList<string> Source { get; init; }

    public required string TextEn { get; init; }

    public required string TextZh { get; init; }

    public IReadOnlyList<Wire.LegalBasis> Bases { get; init; } = [];

    public IReadOnlyList<Wire.AgencyKind> AgencyKinds { get; init; } = [];

    public IReadOnlyList<Wire.UnitKind> UnitKinds { get; init; } = [];

    /// <summary>It is not for a unit that takes part in the primary unit's case, and is known there.</summary>
    public bool UnlessInCase { get; init; }

    public bool IsForAll => Bases.Count + AgencyKinds.Count + UnitKinds.Count == 0;

    /// <param name="basis">Basis of the look-up.</param>
    /// <param name="asking">Unit that looks somebody up.</param>
    /// <param name="isInCase">Does it take part in the case?</param>
    public bool Fits(Wire.LegalBasis basis, Unit asking, bool isInCase) => (Bases.Count == 0 || Bases.Contains(basis)) && (AgencyKinds.Count == 0 || AgencyKinds.Contains(asking.Agency.Kind))
        && (UnitKinds.Count == 0 || UnitKinds.Contains(asking.Kind)) && !(UnlessInCase && isInCase);
}

/// <summary>What the involvement pointer tells, and whom it tells of a look-up (R-HH-6): data, so that who answers for it can read it.</summary>
internal sealed record InvolvementRules
{
    public const string File = "involvement-rules.json";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters =
        {
            new CodeConverter<Wire.UnitKind>(), new CodeConverter<Wire.AgencyKind>(), new CodeConverter<Wire.LegalBasis>(),
            new JsonStringEnumConverter<ShownGrade>(JsonNamingPolicy.SnakeCaseUpper, allowIntegerValues: false),
        },
    };

    private static readonly Lazy<InvolvementRules> Loaded = new(() => Parse(ReadFile()));

    public required int Revision { get; init; }

    public required string Description { get; init; }

    public required IReadOnlyList<GradeRule> Grades { get; init; }

    public required IReadOnlyList<SilenceRule> SilentLookUps { get; init; }

    public static InvolvementRules Default => Loaded.Value;

    /// <exception cref="JsonException">An unknown member or code, or one that is missing.</exception>
    /// <exception cref="InvalidDataException">A unit would have no grade, a rule would never be reached or silence everything, or an id stands twice.</exception>
    public static InvolvementRules Parse(ReadOnlySpan<byte> json)
    {
        var rules = JsonSerializer.Deserialize<InvolvementRules>(json, Options)!;
        if (rules.Grades.Count == 0 || !rules.Grades[^1].IsForAll) throw new InvalidDataException($"{File}: the last of grades must fit every unit");
        if (rules.Grades.SkipLast(1).FirstOrDefault(rule => rule.IsForAll) is { } first) throw new InvalidDataException($"{File}: no rule after {first.Id} is ever reached");
        if (rules.SilentLookUps.FirstOrDefault(rule => rule.IsForAll) is { } all) throw new InvalidDataException($"{File}: {all.Id} names nothing and would silence every look-up");
        string[] ids = [.. rules.Grades.Select(rule => rule.Id), .. rules.SilentLookUps.Select(rule => rule.Id)];
        if (ids.Distinct(StringComparer.Ordinal).Count() < ids.Length) throw new InvalidDataException($"{File}: an id stands twice");
        return rules;
    }

    public ShownGrade GradeOf(Unit involved, Func<bool> servesOtherParty) => Grades.First(rule => rule.Fits(involved, servesOtherParty)).Grade;

    public bool IsSilent(Wire.LegalBasis basis, Unit asking, bool isInCase) => SilentLookUps.Any(rule => rule.Fits(basis, asking, isInCase));

    private static byte[] ReadFile()
    {
        using var stream = typeof(InvolvementRules).Assembly.GetManifestResourceStream(File)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
