namespace SafetyNet.Exchange.Cli.Connections;

/// <summary>Where a sandbox keeps its things when nobody says otherwise: in the repository that the command is run in, or else in the current folder.</summary>
internal static class SandboxFolders
{
    private const string Solution = "SafetyNet.Exchange.sln";

    public static string Data => Path.Combine(Home(), "data");

    public static string Certificates => Path.Combine(Home(), "certs", "sandbox");

    private static string Home()
    {
        for (var folder = new DirectoryInfo(Directory.GetCurrentDirectory()); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Solution)))
                return folder.FullName;
        }

        return Directory.GetCurrentDirectory();
    }
}
