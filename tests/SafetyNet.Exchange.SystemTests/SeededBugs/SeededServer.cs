using System.Text.Json;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.SeededBugs;

/// <summary>
/// The server with every seed in it, compiled from a copy of its source, and the worlds of SafetyNet.Exchange.Tests asked against it in a process of its own: once with
/// every switch off, then with each switch on alone.
/// </summary>
public sealed class SeededServer : IAsyncLifetime
{
    private const string Server = "SafetyNet.Exchange.Server", Tests = "SafetyNet.Exchange.Tests";

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-seeded-").FullName;

    /// <summary>First differences that the worlds found, by the name of the switch; the empty name is the server without a mistake.</summary>
    public IReadOnlyDictionary<string, string[]> Differences { get; private set; } = new Dictionary<string, string[]>(StringComparer.Ordinal);

    public async ValueTask InitializeAsync()
    {
        var (configuration, framework) = (new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, new DirectoryInfo(AppContext.BaseDirectory).Name);
        var built = await CompileAsync(configuration, framework);
        var run = Path.Combine(_folder, "run");
        Copy(Path.Combine(Repository.Root, "tests", Tests, "bin", configuration, framework), run, _ => true);
        File.Copy(built, Path.Combine(run, $"{Server}.dll"), overwrite: true);
        var report = Path.Combine(_folder, "report.json");
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["SAFETYNET_SEEDED_BUGS"] = string.Join(',', Seed.All.Select(s => s.Name)), ["SAFETYNET_SEEDED_REPORT"] = report,
        };
        var finished = await ChildProcess.RunDotnetAsync(
            Path.Combine(run, $"{Tests}.dll"), ["-class", $"{Tests}.Worlds.SeededWorlds"], run, environment, TimeSpan.FromMinutes(15));
        Assert.True(File.Exists(report), finished.ToString());
        Differences = JsonSerializer.Deserialize<Dictionary<string, string[]>>(await File.ReadAllTextAsync(report))!;
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task<string> CompileAsync(string configuration, string framework)
    {
        // The server's own folder is a copy; all beside it is the working copy itself, built already.
        var copy = Path.Combine(_folder, "src", Server);
        foreach (var beside in Directory.EnumerateDirectories(Path.Combine(Repository.Root, "src")).Where(d => Path.GetFileName(d) != Server))
            Link(beside, Path.Combine(_folder, "src", Path.GetFileName(beside)));
        foreach (var top in Directory.EnumerateFileSystemEntries(Repository.Root).Where(f => Path.GetFileName(f) is not ("src" or "tests" or ".git")))
            Link(top, Path.Combine(_folder, Path.GetFileName(top)));
        Copy(Path.Combine(Repository.Root, "src", Server), copy, file => !file.StartsWith("bin/", StringComparison.Ordinal) && !file.StartsWith($"obj/{configuration}/", StringComparison.Ordinal));
        foreach (var seed in Seed.All.Where(s => s.Right.Length > 0))
        {
            var file = Path.Combine(copy, seed.File);
            var source = await File.ReadAllTextAsync(file);
            Assert.True(source.Split(seed.Right).Length == 2, $"{seed.Name}: '{seed.Right}' stands {source.Split(seed.Right).Length - 1} times in {seed.File}; the seed follows the code");
            await File.WriteAllTextAsync(file, source.Replace(seed.Right, seed.Wrong, StringComparison.Ordinal));
        }

        await File.WriteAllTextAsync(Path.Combine(copy, "SeededBugs.cs"), Seed.Switch);
        var compiled = await ChildProcess.RunAsync(
            "dotnet", ["build", copy, "--no-restore", "-v", "q", "-nologo", "-c", configuration, "-p:BuildProjectReferences=false", "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false"],
            copy, limit: TimeSpan.FromMinutes(10));
        var dll = Path.Combine(copy, "obj", configuration, framework, $"{Server}.dll");
        Assert.True(compiled.ExitCode == 0 && File.Exists(dll), compiled.ToString());
        return dll;
    }

    private static void Link(string target, string link)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        if (Directory.Exists(target)) Directory.CreateSymbolicLink(link, target);
        else File.CreateSymbolicLink(link, target);
    }

    private static void Copy(string from, string to, Func<string, bool> isWanted)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(from, file).Replace('\\', '/');
            if (!isWanted(name)) continue;
            var target = Path.Combine(to, name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
