using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Hosting;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Retention;

namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>A server that should not start says everything that is wrong at once.</summary>
public sealed class StartTests
{
    private static readonly string[] RequiredSettings =
    [
        "Exchange:Port", "Identity:Authority", "Identity:Audience", "Identity:RootsPath", "Identity:IssuersDirectory", "Identity:CrlDirectory", "Identity:RegistryPath",
        "Identity:CertificatePath", "Identity:CertificateKeyPath", "Storage:Path", "Storage:KeyPath", "Evidence:Origin", "Evidence:SigningKeyPath",
    ];

    [Fact]
    public void Without_settings_every_one_that_is_missing_is_named()
    {
        var problems = new ServerOptions().Problems();
        Assert.Equal(RequiredSettings, problems.Select(p => p.Split(' ')[0]));
        Assert.All(problems, p => Assert.Contains("is not set: ", p, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(":memory:")]
    [InlineData("file:x?mode=memory&:memory:")]
    [InlineData("/dev/shm/exchange.db")]
    public void There_is_no_server_without_an_audit_store_that_survives(string path) =>
        Assert.Contains(new ServerOptions { Storage = new StorageSettings { Path = path } }.Problems(), p => p.StartsWith("Storage:Path must be a file", StringComparison.Ordinal));

    [Theory]
    [InlineData("http://tokens.example", true)]
    [InlineData("tokens.example", true)]
    [InlineData("https://tokens.example", false)]
    public void The_authority_is_an_https_address(string authority, bool isProblem)
    {
        var problems = new ServerOptions { Identity = new IdentitySettings { Authority = authority } }.Problems();
        Assert.Equal(isProblem, problems.Any(p => p.StartsWith("Identity:Authority", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Sandbox:Persons", "3000", "Sandbox")]
    [InlineData("Identity:RootsPath", "certs/sandbox/root.pem", "Identity:RootsPath")]
    [InlineData("Identity:CertificatePath", "C:\\exchange\\certs\\sandbox\\server.pem", "Identity:CertificatePath")]
    [InlineData("Identity:Audience", SandboxSetup.Audience, "Identity:Audience")]
    [InlineData("Log:Level", "Debug", "Log:Level")]
    public void No_default_of_a_sandbox_survives_a_production_start(string name, string value, string named) =>
        Assert.StartsWith(named, Assert.Single(StartRules.ProductionProblems(Configuration((name, value)))), StringComparison.Ordinal);

    [Theory]
    [InlineData(0, "Retention:KeepDays is not set")]
    [InlineData(179, "at least 180")]
    public void A_production_start_asks_how_long_records_are_kept(int days, string told) =>
        Assert.Contains(told, Assert.Single(new RetentionSettings { KeepDays = days }.Missing()), StringComparison.Ordinal);

    [Fact]
    public void Retention_within_its_bounds_is_taken()
    {
        Assert.Empty(new RetentionSettings { KeepDays = 180 }.Missing());
        Assert.Empty(new RetentionSettings { KeepDays = 36_500 }.Problems());
        Assert.Single(new RetentionSettings { KeepDays = 36_501 }.Problems());
        Assert.Single(new RetentionSettings { KeepDays = -1 }.Problems());
        Assert.Single(new RetentionSettings { BatchRecords = 0 }.Problems());
    }

    [Fact]
    public void A_production_start_takes_settings_of_production() => Assert.Empty(StartRules.ProductionProblems(Configuration(
        ("Identity:RootsPath", "/etc/safetynet/roots.pem"), ("Identity:Audience", "safetynet-exchange"), ("Log:Level", "Warning"))));

    [Fact]
    public void Settings_of_production_without_the_word_are_refused()
    {
        var problems = SandboxSetup.Problems(Configuration(("Identity:Authority", "https://tokens.example"), ("Storage:Path", "x"), ("Evidence:Origin", "x"))).ToList();
        Assert.Equal(["Identity", "Storage", "Evidence"], problems.Select(p => p.Split(':')[0]));
        Assert.All(problems, p => Assert.Contains("DOTNET_ENVIRONMENT=Production", p, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "", "Policy:ProposedBy is not set", "Policy:ActivatedBy is not set")]
    [InlineData("O-001", "o-001", "name the same person", "it takes two")]
    [InlineData("O-001", "王小明", "Policy:ActivatedBy is not set to a staff number", "two persons of the operator")]
    [Trait("Abuse", "B50")]
    public void An_empty_store_needs_two_persons_of_the_operator_for_its_first_policy(string proposedBy, string activatedBy, string one, string other)
    {
        var settings = new PolicySettings { ProposedBy = proposedBy, ActivatedBy = activatedBy };
        var problems = string.Join('\n', PolicyStart.Problems(settings));
        Assert.Contains(one, problems, StringComparison.Ordinal);
        Assert.Contains(other, problems, StringComparison.Ordinal);
        Assert.Empty(PolicyStart.Problems(new PolicySettings { ProposedBy = "O-001", ActivatedBy = "O-002" }));
    }

    [Fact]
    public async Task The_program_itself_lists_all_and_ends_with_2()
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "SafetyNet.Exchange.Server.dll"));
        start.Environment["DOTNET_ENVIRONMENT"] = "Production";
        using var process = Process.Start(start)!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(2, process.ExitCode);
        Assert.All(RequiredSettings, name => Assert.Contains($"- {name} ", errors, StringComparison.Ordinal));
    }

    /// <summary>A first start that was killed between making a key's file and writing it left an empty one, and no later start took it for a key or made another.</summary>
    [Fact]
    [Trait("Abuse", "B64")]
    public void Bug_A_sandbox_makes_the_keys_that_a_killed_start_left_empty()
    {
        var folder = Directory.CreateTempSubdirectory("safetynet-keys-").FullName;
        try
        {
            string[] keys = [Path.Combine(folder, "storage.key"), Path.Combine(folder, "log.key")];
            foreach (var key in keys) File.WriteAllBytes(key, []);
            var sandbox = new SandboxSettings { DataDirectory = folder, CertificateDirectory = Path.Combine(folder, "certs") };
            SandboxSetup.Prepare(new ServerOptions(), sandbox, TimeProvider.System);
            var made = keys.Select(File.ReadAllText).ToList();
            Assert.All(made, key => Assert.NotEmpty(key));
            SandboxSetup.Prepare(new ServerOptions(), sandbox, TimeProvider.System);
            Assert.Equal(made, keys.Select(File.ReadAllText));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IConfiguration Configuration(params (string Name, string Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value))).Build();
}
