using System.Text.Json;
using SafetyNet.Exchange.Cli.Commands;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Cli.Policy;

/// <summary>The two files of a policy on this machine. Which is which is told by what is in it; where one is not given, that of this program stands in.</summary>
internal sealed record PolicyFiles(string RulesName, byte[] Rules, string BasesName, byte[] Bases)
{
    public static PolicyFiles BuiltIn { get; } = new(
        NeedToKnowPolicy.RulesFile, NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.RulesFile),
        NeedToKnowPolicy.BasesFile, NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.BasesFile));

    public static DateOnly Today => CivilDate.InTaiwan(TimeProvider.System.GetUtcNow());

    /// <summary>Reads a rule file, a registry, both, or a folder that holds them.</summary>
    /// <exception cref="CommandFailedException">A file is not there, or two are of one kind.</exception>
    public static PolicyFiles Read(IReadOnlyList<string> paths)
    {
        var files = BuiltIn;
        var (rules, bases) = (false, false);
        foreach (var path in paths.SelectMany(Expand))
        {
            if (!File.Exists(path))
                throw new CommandFailedException($"There is no file {path}.");
            var bytes = File.ReadAllBytes(path);
            var isRegistry = IsRegistry(path, bytes);
            if (isRegistry ? bases : rules)
                throw new CommandFailedException($"{path} is a second {(isRegistry ? "legal-basis registry" : "rule file")}; a policy has one of each.");
            files = isRegistry ? files with { BasesName = path, Bases = bytes } : files with { RulesName = path, Rules = bytes };
            (rules, bases) = (rules || !isRegistry, bases || isRegistry);
        }

        return files;
    }

    /// <summary>The policy for questions; null where a file cannot be read as one.</summary>
    public NeedToKnowPolicy? TryLoad(out IReadOnlyList<PolicyProblem> problems) => NeedToKnowPolicy.TryLoad(Rules, Bases, out problems, RulesName, BasesName);

    /// <summary>The policy where nothing speaks against its activation today.</summary>
    public NeedToKnowPolicy? TryAccept(out IReadOnlyList<PolicyProblem> problems) => PolicyReview.TryAccept(Rules, Bases, Today, out problems, RulesName, BasesName);

    /// <exception cref="CommandFailedException">It cannot be read; the message lists every problem.</exception>
    public NeedToKnowPolicy Load() => TryLoad(out var problems) ?? throw new CommandFailedException(string.Join('\n', problems));

    private static IEnumerable<string> Expand(string path) => Directory.Exists(path)
        ? [Path.Combine(path, NeedToKnowPolicy.RulesFile), Path.Combine(path, NeedToKnowPolicy.BasesFile)]
        : [path];

    /// <summary>By its `entries`; where it is no whole JSON, by its name.</summary>
    private static bool IsRegistry(string path, byte[] bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("entries", out _);
        }
        catch (JsonException)
        {
            return Path.GetFileName(path).Contains("bases", StringComparison.OrdinalIgnoreCase);
        }
    }
}
