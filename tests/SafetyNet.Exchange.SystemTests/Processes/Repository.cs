namespace SafetyNet.Exchange.SystemTests.Processes;

/// <summary>Where the programs under test lie: in the working copy that this test assembly was built from, in the same configuration.</summary>
internal static class Repository
{
    private const string Solution = "SafetyNet.Exchange.sln";

    public static string Root { get; } = FindRoot();

    public static string ServerDll { get; } = BuiltDll("SafetyNet.Exchange.Server", "SafetyNet.Exchange.Server.dll");

    public static string CliDll { get; } = BuiltDll("SafetyNet.Exchange.Cli", "safetynet.dll");

    public static string Protos { get; } = Path.Combine(Root, "protos");

    /// <summary>The clients in other languages.</summary>
    public static string Foreign { get; } = Path.Combine(Root, "tests", "SafetyNet.Exchange.SystemTests", "Foreign");

    private static string BuiltDll(string project, string file)
    {
        // This assembly lies in bin/<configuration>/<framework>; the programs were built beside it, as the project file asks.
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return Path.Combine(Root, "src", project, "bin", framework.Parent!.Name, framework.Name, file);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Solution)))
                return folder.FullName;
        }

        throw new InvalidOperationException($"{AppContext.BaseDirectory} lies in no working copy: no {Solution} above it.");
    }
}
