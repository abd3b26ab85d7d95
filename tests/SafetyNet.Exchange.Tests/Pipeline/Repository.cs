using System.Text.RegularExpressions;

namespace SafetyNet.Exchange.Tests.Pipeline;

/// <summary>Files of the repository that tests hold the code against: the contract's sources with their comments, and generated documents.</summary>
internal static partial class Repository
{
    /// <summary>Folder of the solution, found upwards from where the tests run.</summary>
    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> ContractFiles() => Directory.EnumerateFiles(Path.Combine(Root, "protos", "safetynet"), "*.proto", SearchOption.AllDirectories);

    /// <summary>The comment before each line of a .proto that matches, joined to one line, with the name that the pattern's group 1 captures.</summary>
    public static IEnumerable<(string Name, string Comment)> Commented(string file, Regex declaration)
    {
        var comment = new List<string>();
        foreach (var line in File.ReadLines(file).Select(line => line.Trim()))
        {
            if (line.StartsWith("//", StringComparison.Ordinal))
            {
                comment.Add(line[2..].Trim());
                continue;
            }

            if (declaration.Match(line) is { Success: true } match)
                yield return (match.Groups[1].Value, string.Join(' ', comment));
            comment.Clear();
        }
    }

    /// <summary>Every reason of error_reason.proto but UNSPECIFIED, with its comment, in order.</summary>
    public static IEnumerable<(string Name, string Comment)> Reasons() =>
        Commented(Path.Combine(Root, "protos", "safetynet", "exchange", "v1", "error_reason.proto"), ReasonLine()).Where(reason => reason.Name != "UNSPECIFIED");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "SafetyNet.Exchange.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("The tests run outside the repository.");
    }

    [GeneratedRegex(@"^ERROR_REASON_(\w+) = \d+;")]
    private static partial Regex ReasonLine();
}
