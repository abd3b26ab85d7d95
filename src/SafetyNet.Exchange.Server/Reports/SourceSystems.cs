using System.Text.Json;
using System.Text.Json.Serialization;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>What an originating system (通報來源系統) hands in: domain.md 2.5.</summary>
internal sealed record SourceProfile
{
    public required Wire.SourceSystem System { get; init; }

    public required string NameZh { get; init; }

    /// <summary>Kinds of agency that run it or enter its reports.</summary>
    public required IReadOnlyList<Wire.AgencyKind> AgencyKinds { get; init; }

    /// <summary>Types of report that it has; empty: it gives rosters only.</summary>
    public required IReadOnlyList<Wire.ReportKind> Kinds { get; init; }

    /// <summary>Fields below <c>content</c> that it must fill besides those that every report must.</summary>
    public IReadOnlyList<string> Requires { get; init; } = [];

    /// <summary>Lists of the roster matching that it gives (R-MAT-1).</summary>
    public IReadOnlyList<string> RosterLists { get; init; } = [];
}

/// <summary>Profiles of the originating systems: data (form: <c>source-systems.schema.json</c>), one for each code of the table, or the server does not start. Immutable.</summary>
internal sealed record SourceSystems
{
    private const string BuiltIn = "source-systems.json";

    /// <summary>Fields that a profile can require, with how a report is asked for them.</summary>
    private static readonly Dictionary<string, Func<Wire.ReportContent, bool>> Fields = new(StringComparer.Ordinal)
    {
        ["facts"] = content => content.Facts.Count > 0,
        ["risk_facts"] = content => content.RiskFacts.Count > 0,
        ["needs"] = content => content.Needs.Count > 0,
        ["district"] = content => content.District.Length > 0,
        ["psychiatric_care_level"] = content => content.PsychiatricCareLevel > 0,
        ["school_unit_id"] = content => content.SchoolUnitId.Length > 0,
        ["subjects[0].address"] = content => content.Subjects[0].Address.Length > 0,
        ["subjects[0].phone"] = content => content.Subjects[0].Phone.Length > 0,
    };

    private static readonly string[] Lists = ["A", "B", "C", "D"];

    /// <summary>Where editors find the form; not read.</summary>
    [JsonPropertyName("$schema")]
    public string Schema { get; init; } = "";

    public required string Revision { get; init; }

    public required IReadOnlyList<SourceProfile> Systems { get; init; }

    /// <summary>The profiles of a deployment, or those that the server is built with.</summary>
    /// <param name="path">File of the profiles; empty: the built-in ones.</param>
    /// <exception cref="FormatException">The file is not in the form; the message says where.</exception>
    public static SourceSystems Load(string path) => DataFile.Load<SourceSystems>(path, BuiltIn, Options, Problem);

    /// <summary>The report is one that the caller's agency hands in for that system, with all that its profile asks for.</summary>
    public void Require(Wire.ReportContent content, Wire.AgencyKind agencyKind)
    {
        var profile = Systems.First(one => one.System == content.SourceSystem);
        if (!profile.AgencyKinds.Contains(agencyKind) || profile.Kinds.Count == 0)
        {
            throw new Refusal(Wire.ErrorReason.SourceNotYours, ("source_system", CodeText.Of(profile.System)),
                ("allowed", string.Join(", ", Systems.Where(one => one.Kinds.Count > 0 && one.AgencyKinds.Contains(agencyKind)).Select(one => CodeText.Of(one.System)))));
        }

        if (!profile.Kinds.Contains(content.Kind))
            throw new Refusal(Wire.ErrorReason.ReportKindNotOfSource, ("source_system", CodeText.Of(profile.System)), ("kinds", string.Join(", ", profile.Kinds.Select(one => CodeText.Of(one)))));
        var missing = profile.Requires.Where(field => !Fields[field](content)).Select(field => new FieldFault($"content.{field}", FieldFaultKind.Required)).ToArray();
        if (missing.Length > 0) throw Refusal.InvalidField(missing);
        if (content.SchoolUnitId.Length > 0 && content.Kind != Wire.ReportKind.JuvenileNotice)
            throw Refusal.InvalidField(new FieldFault("content.school_unit_id", FieldFaultKind.NotAllowedHere));
    }

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new CodeConverter<Wire.SourceSystem>(), new CodeConverter<Wire.AgencyKind>(), new CodeConverter<Wire.ReportKind>() },
    };

    private static string? Problem(SourceSystems read)
    {
        var known = read.Systems.Select(one => one.System).ToList();
        if (known.Distinct().Count() < known.Count) return "a system stands twice";
        var absent = Enum.GetValues<Wire.SourceSystem>().Where(code => code != Wire.SourceSystem.Unspecified && !known.Contains(code)).Select(code => CodeText.Of(code)).ToList();
        if (absent.Count > 0) return $"no profile of {string.Join(", ", absent)}";
        if (read.Systems.FirstOrDefault(one => one.AgencyKinds.Count == 0) is { } nobodys) return $"{CodeText.Of(nobodys.System)} names no kind of agency";
        if (read.Systems.SelectMany(one => one.Requires).FirstOrDefault(field => !Fields.ContainsKey(field)) is { } field) return $"`{field}` is not one of {string.Join(", ", Fields.Keys)}";
        if (read.Systems.SelectMany(one => one.RosterLists).FirstOrDefault(list => !Lists.Contains(list, StringComparer.Ordinal)) is { } list) return $"there is no roster list `{list}`";
        if (read.Systems.FirstOrDefault(one => one.Kinds.Contains(Wire.ReportKind.JuvenileNotice) && !one.Requires.Contains("school_unit_id", StringComparer.Ordinal)) is { } notice)
            return $"{CodeText.Of(notice.System)} has juvenile notices and does not require school_unit_id (R-INT-8)";
        return null;
    }
}
