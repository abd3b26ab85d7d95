using System.Text.Json;
using System.Text.Json.Serialization;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>One rule by which an access is left out of a person's report (R-AUD-5, R-HH-6). Each list that is not empty must hold what the access has.</summary>
internal sealed record SuppressionRule
{
    public required string Id { get; init; }

    public required string TextEn { get; init; }

    public required string TextZh { get; init; }

    /// <summary>Rule of the domain or article of law that it follows from.</summary>
    public required string Source { get; init; }

    public IReadOnlyList<Wire.Purpose> Purposes { get; init; } = [];

    public IReadOnlyList<Wire.LegalBasis> Bases { get; init; } = [];

    /// <summary>One of the classes was shown.</summary>
    public IReadOnlyList<Wire.ConfidentialityClass> Classes { get; init; } = [];

    public IReadOnlyList<Wire.AgencyKind> AgencyKinds { get; init; } = [];

    public IReadOnlyList<Wire.UnitKind> UnitKinds { get; init; } = [];

    /// <summary>The access is, or stands on, a break-glass that nobody has reviewed.</summary>
    public bool UnreviewedBreakGlass { get; init; }

    public bool IsEmpty => Purposes.Count + Bases.Count + Classes.Count + AgencyKinds.Count + UnitKinds.Count == 0 && !UnreviewedBreakGlass;

    /// <param name="record">The access.</param>
    /// <param name="unit">Unit that made it, as it is registered now; null: it is not.</param>
    /// <param name="isUnreviewed">Is the break-glass that the record names still to be reviewed?</param>
    public bool Fits(Wire.AuditRecord record, Unit? unit, Func<Wire.AuditRecord, bool> isUnreviewed) =>
        Fits(Purposes, record.Purpose) && Fits(Bases, record.LegalBasis) && (Classes.Count == 0 || record.ShownClasses.Any(Classes.Contains))
        && Fits(AgencyKinds, record.Inputs?.AgencyKind ?? unit?.Agency.Kind ?? default) && Fits(UnitKinds, record.Inputs?.UnitKind ?? unit?.Kind ?? default)
        && (!UnreviewedBreakGlass || (record.BreakGlass && isUnreviewed(record)));

    private static bool Fits<T>(IReadOnlyList<T> allowed, T actual) => allowed.Count == 0 || allowed.Contains(actual);
}

/// <summary>What a person's report leaves out, and the words that say so whether or not anything was: data, so that who answers for it can read it.</summary>
internal sealed record SuppressionRules
{
    public const string File = "report-suppression.json";

    private static readonly Lazy<SuppressionRules> Loaded = new(() => Parse(ReadFile()));

    public required IReadOnlyList<SuppressionRule> Rules { get; init; }

    public required string NoticeEn { get; init; }

    public required string NoticeZh { get; init; }

    public static SuppressionRules Default => Loaded.Value;

    /// <exception cref="JsonException">An unknown member or code, or one that is missing.</exception>
    /// <exception cref="InvalidDataException">A rule would leave out everything, or an id stands twice.</exception>
    public static SuppressionRules Parse(ReadOnlySpan<byte> json)
    {
        var rules = JsonSerializer.Deserialize<SuppressionRules>(json, Options)!;
        if (rules.Rules.FirstOrDefault(rule => rule.IsEmpty) is { } all) throw new InvalidDataException($"{File}: {all.Id} names nothing and would leave out everything");
        if (rules.Rules.Select(rule => rule.Id).Distinct(StringComparer.Ordinal).Count() < rules.Rules.Count) throw new InvalidDataException($"{File}: an id stands twice");
        return rules;
    }

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new CodeConverter<Wire.Purpose>(), new CodeConverter<Wire.LegalBasis>(), new CodeConverter<Wire.ConfidentialityClass>(), new CodeConverter<Wire.AgencyKind>(), new CodeConverter<Wire.UnitKind>() },
    };

    private static byte[] ReadFile()
    {
        using var stream = typeof(SuppressionRules).Assembly.GetManifestResourceStream(File)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
