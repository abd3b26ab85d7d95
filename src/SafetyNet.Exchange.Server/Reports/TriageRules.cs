using System.Text.Json;
using System.Text.Json.Serialization;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>One condition: it holds where the report has any of what it lists.</summary>
internal sealed record TriageCondition
{
    public IReadOnlyList<Wire.ReportKind> Kinds { get; init; } = [];

    public IReadOnlyList<Wire.ReportProblem> Problems { get; init; } = [];

    public IReadOnlyList<Wire.RiskFact> RiskFacts { get; init; } = [];

    /// <summary>精神照護級別, 1 to 5.</summary>
    public IReadOnlyList<int> CareLevels { get; init; } = [];

    /// <summary>Numbers of services that the reporter holds to be needed.</summary>
    public IReadOnlyList<int> NeedCounts { get; init; } = [];

    public bool IsEmpty => Kinds.Count + Problems.Count + RiskFacts.Count + CareLevels.Count + NeedCounts.Count == 0;

    public bool Holds(Wire.ReportContent content) =>
        Kinds.Contains(content.Kind) || content.Problems.Any(Problems.Contains) || content.RiskFacts.Any(RiskFacts.Contains)
        || CareLevels.Contains(content.PsychiatricCareLevel) || NeedCounts.Contains(content.Needs.Distinct().Count());
}

/// <summary>One rule of R-INT-5: where all its conditions hold, units of these kinds, or those that offer what is needed, are suggested.</summary>
internal sealed record TriageRule
{
    public required string Id { get; init; }

    public required string Source { get; init; }

    public required string TextEn { get; init; }

    public required string TextZh { get; init; }

    /// <summary>All must hold; none: the rule always fits.</summary>
    public IReadOnlyList<TriageCondition> When { get; init; } = [];

    public IReadOnlyList<Wire.UnitKind> UnitKinds { get; init; } = [];

    /// <summary>Units that offer what is needed, of whatever kind.</summary>
    public bool ByNeed { get; init; }

    public bool Fits(Wire.ReportContent content) => When.All(condition => condition.Holds(content));

    public bool Suggests(Unit unit, Wire.ReportContent content) =>
        UnitKinds.Contains(unit.Kind) || (ByNeed && content.Needs.Count > 0 && content.Needs.All(unit.Registered.Services.Contains));
}

/// <summary>
/// The triage rules (派案規則, R-INT-5), as versioned data (form: <c>triage-rules.schema.json</c>), in their order. The last one always fits, so that no report is without a
/// suggestion. Immutable, and a suggestion is a pure function of the report and the rules.
/// </summary>
internal sealed record TriageRules
{
    private const string BuiltIn = "triage-rules.json";

    /// <summary>Where editors find the form; not read.</summary>
    [JsonPropertyName("$schema")]
    public string Schema { get; init; } = "";

    public required string Revision { get; init; }

    public required IReadOnlyList<TriageRule> Rules { get; init; }

    /// <summary>The rules of a deployment, or those that the server is built with.</summary>
    /// <param name="path">File of the rules; empty: the built-in ones.</param>
    /// <exception cref="FormatException">The file is not in the form; the message says where.</exception>
    public static TriageRules Load(string path) => DataFile.Load<TriageRules>(path, BuiltIn, Options, Problem);

    /// <summary>Rules that fit, in their order; the first is the choice, the others are alternatives.</summary>
    public IEnumerable<TriageRule> Fitting(Wire.ReportContent content) => Rules.Where(rule => rule.Fits(content));

    /// <summary>The first rule that fits, of those by which there is a unit at all.</summary>
    public TriageRule Choice(Wire.ReportContent content, IReadOnlyCollection<Unit> units) =>
        Fitting(content).FirstOrDefault(rule => units.Any(unit => rule.Suggests(unit, content))) ?? Rules[^1];

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new CodeConverter<Wire.UnitKind>(), new CodeConverter<Wire.ReportKind>(), new CodeConverter<Wire.ReportProblem>(), new CodeConverter<Wire.RiskFact>() },
    };

    private static string? Problem(TriageRules read)
    {
        if (read.Rules.Count == 0) return "there is no rule";
        if (read.Rules.Select(rule => rule.Id).Distinct(StringComparer.Ordinal).Count() < read.Rules.Count) return "an id stands twice";
        if (read.Rules.FirstOrDefault(rule => rule.UnitKinds.Count == 0 && !rule.ByNeed) is { } nowhere) return $"{nowhere.Id} suggests nobody";
        if (read.Rules.FirstOrDefault(rule => rule.When.Any(condition => condition.IsEmpty)) is { } empty) return $"{empty.Id} has a condition that never holds";
        if (read.Rules.SkipLast(1).FirstOrDefault(rule => rule.When.Count == 0) is { } always) return $"{always.Id} always fits, so that no rule after it is ever asked first";
        return read.Rules[^1].When.Count > 0 ? $"the last rule, {read.Rules[^1].Id}, must always fit: it has no condition" : null;
    }
}
