using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Starts;

/// <summary>A start on a production machine that nobody has set up.</summary>
public sealed class ProductionStartTests
{
    private static readonly string[] RequiredSettings =
    [
        "Exchange:Port", "Identity:Authority", "Identity:Audience", "Identity:RootsPath", "Identity:IssuersDirectory", "Identity:CrlDirectory", "Identity:RegistryPath",
        "Identity:CertificatePath", "Identity:CertificateKeyPath", "Storage:Path", "Storage:KeyPath", "Evidence:Origin", "Evidence:SigningKeyPath",
        "Witness:Peers", "Retention:KeepDays",
    ];

    private static readonly Dictionary<string, string?> Production = new(StringComparer.Ordinal) { ["DOTNET_ENVIRONMENT"] = "Production" };

    [Fact]
    public async Task Without_settings_it_says_everything_that_is_missing_at_once_and_creates_no_file()
    {
        var folder = Directory.CreateTempSubdirectory("safetynet-production-").FullName;
        var ended = await ChildProcess.RunDotnetAsync(Repository.ServerDll, [], folder, Production);
        Assert.Equal(2, ended.ExitCode);
        Assert.All(RequiredSettings, setting => Assert.Contains(setting, ended.Errors, StringComparison.Ordinal));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        Directory.Delete(folder);
    }

    [Fact]
    public async Task Sandbox_settings_have_no_place_in_it()
    {
        var folder = Directory.CreateTempSubdirectory("safetynet-production-").FullName;
        var ended = await ChildProcess.RunDotnetAsync(Repository.ServerDll, ["--Sandbox:Persons=100"], folder, Production);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("Sandbox: settings have no place in production", ended.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        Directory.Delete(folder);
    }

    [Fact]
    public async Task Production_settings_without_the_environment_that_says_so_do_not_become_a_sandbox()
    {
        var folder = Directory.CreateTempSubdirectory("safetynet-production-").FullName;
        var ended = await ChildProcess.RunDotnetAsync(Repository.ServerDll, ["--Identity:Audience=exchange"], folder);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("DOTNET_ENVIRONMENT is not Production", ended.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        Directory.Delete(folder);
    }
}
