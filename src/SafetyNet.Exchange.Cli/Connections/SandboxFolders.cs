namespace SafetyNet.Exchange.Cli.Connections;

/// <summary>
/// Where a sandbox keeps its things when nobody says otherwise: in the repository that the command is run in, or else in the current folder. The environment
/// variables that move them for the server move them here too.
/// </summary>
internal static class SandboxFolders
{
    private const string Solution = "SafetyNet.Exchange.sln";

    public static string Data => Environment.GetEnvironmentVariable("Sandbox__DataDirectory") ?? Path.Combine(Home(), "data");

    public static string Certificates => Environment.GetEnvironmentVariable("Sandbox__CertificateDirectory") ?? Path.Combine(Home(), "certs", "sandbox");

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
