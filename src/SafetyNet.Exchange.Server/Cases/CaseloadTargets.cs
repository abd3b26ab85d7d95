using System.Text.Json;
using System.Text.Json.Serialization;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Reports;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>Most cases that a worker of a profession should have (R-CASE-6).</summary>
internal sealed record CaseloadTarget
{
    public required Wire.CaseloadRole Role { get; init; }

    /// <summary>At least 1.</summary>
    public required int OpenCases { get; init; }

    /// <summary>Where the figure comes from.</summary>
    public required string Source { get; init; }
}

/// <summary>Targets of caseloads: data, each profession at most once; one that is not there has no target. Immutable.</summary>
internal sealed record CaseloadTargets
{
    private const string BuiltIn = "caseload-targets.json";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, Converters = { new CodeConverter<Wire.CaseloadRole>() },
    };

    public required IReadOnlyList<CaseloadTarget> Targets { get; init; }

    /// <summary>The targets of a deployment, or those that the server is built with.</summary>
    /// <param name="path">File of the targets; empty: the built-in ones.</param>
    /// <exception cref="FormatException">The file is not in the form; the message says where.</exception>
    public static CaseloadTargets Load(string path) => DataFile.Load<CaseloadTargets>(path, BuiltIn, Options, Problem);

    /// <summary>0: none.</summary>
    public int Of(Wire.CaseloadRole role) => Targets.FirstOrDefault(target => target.Role == role)?.OpenCases ?? 0;

    private static string? Problem(CaseloadTargets read) =>
        read.Targets.GroupBy(target => target.Role).FirstOrDefault(group => group.Count() > 1) is { } twice ? $"{CodeText.Of(twice.Key)} has two targets"
        : read.Targets.FirstOrDefault(target => target.OpenCases < 1 || target.Role == Wire.CaseloadRole.Unspecified) is { } wrong ? $"{CodeText.Of(wrong.Role)} has no target that could be met"
        : null;
}
