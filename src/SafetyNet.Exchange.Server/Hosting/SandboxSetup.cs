using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Sandbox.Members;
using SafetyNet.Exchange.Sandbox.Pki;

namespace SafetyNet.Exchange.Server.Hosting;

/// <summary>Settings of a sandbox; each has a default, none survives a production start.</summary>
internal sealed record SandboxSettings
{
    /// <summary>Folder of database, keys and registry. Default <c>data</c> under the working directory.</summary>
    public string DataDirectory { get; init; } = "data";

    /// <summary>Folder of the development PKI. Default <c>certs/sandbox</c> under the working directory.</summary>
    public string CertificateDirectory { get; init; } = Path.Combine("certs", "sandbox");

    /// <summary>Synthetic persons, 100 to 1 000 000. Default 3 000.</summary>
    public int Persons { get; init; } = 3000;

    /// <summary>Seed of the population; the same seed gives the same people. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Port of the token service. Default 5444.</summary>
    public int TokenPort { get; init; } = 5444;
}

/// <summary>
/// Makes what a sandbox needs, or takes what an earlier start made: development PKI, registry, keys, database path. The outcome is the same
/// <see cref="ServerOptions"/> that production reads from its configuration.
/// </summary>
internal static class SandboxSetup
{
    /// <summary>Days that a sandbox keeps its records where nothing else is set: five years.</summary>
    private const int KeepDays = 1825;

    public const string Audience = "safetynet-exchange-sandbox";

    /// <summary>Settings that only a production start has; where one is set and the environment is not Production, somebody forgot to say so.</summary>
    private static readonly string[] ProductionSettings = ["Identity", "Storage", "Evidence"];

    public static IEnumerable<string> Problems(IConfiguration configuration) =>
        ProductionSettings.Where(section => configuration.GetSection(section).GetChildren().Any()).Select(section =>
            $"{section}: is set, but DOTNET_ENVIRONMENT is not Production; a sandbox makes its own. Set DOTNET_ENVIRONMENT=Production, or remove the setting");

    public static (ServerOptions Options, SandboxPki Pki) Prepare(ServerOptions given, SandboxSettings sandbox, TimeProvider clock)
    {
        Directory.CreateDirectory(sandbox.DataDirectory);
        var registry = SandboxMembers.Registry();
        var pki = SandboxPki.Ensure(sandbox.CertificateDirectory, [.. registry.Systems.Select(s => SpiffeId.Parse(s.SpiffeId))], clock);
        var registryPath = In(sandbox, "members.json");
        WriteWhole(registryPath, JsonFormatter.Default.Format(registry));
        var keyPath = In(sandbox, "storage.key");
        if (!IsWritten(keyPath)) WriteSecret(keyPath, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        var signingPath = In(sandbox, "log.key");
        if (!IsWritten(signingPath))
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            WriteSecret(signingPath, key.ExportPkcs8PrivateKeyPem());
        }

        return (given with
        {
            Exchange = given.Exchange with
            {
                Port = given.Exchange.Port == 0 ? 5443 : given.Exchange.Port,
                Addresses = ["127.0.0.1", "::1"],
            },
            Identity = new IdentitySettings
            {
                Authority = $"https://localhost:{sandbox.TokenPort}", Audience = Audience, RootsPath = pki.RootPath, IssuersDirectory = pki.IssuerDirectory,
                CrlDirectory = pki.CrlDirectory, RegistryPath = registryPath, CertificatePath = pki.ServerCertificatePath, CertificateKeyPath = pki.ServerKeyPath,
            },
            Storage = new StorageSettings { Path = In(sandbox, "exchange.db"), KeyPath = keyPath },
            Retention = given.Retention.KeepDays == 0 ? given.Retention with { KeepDays = KeepDays } : given.Retention,
            Policy = new PolicySettings { ProposedBy = "sandbox-proposer", ActivatedBy = "sandbox-activator" },
            Evidence = new EvidenceSettings { Origin = "sandbox.safetynet.gov.tw/log", SigningKeyPath = signingPath },
        }, pki);
    }

    /// <summary>Tells programs where the sandbox is; written when it listens.</summary>
    public static void Announce(ServerOptions options, SandboxSettings sandbox) => WriteWhole(In(sandbox, "sandbox.json"), JsonSerializer.Serialize(new
    {
        exchange = $"https://localhost:{options.Exchange.Port}",
        tokens = options.Identity.Authority,
        certificates = Path.GetFullPath(sandbox.CertificateDirectory),
        seed = sandbox.Seed,
        persons = sandbox.Persons,
        processId = Environment.ProcessId,
    }));

    private static string In(SandboxSettings sandbox, string name) => Path.Combine(sandbox.DataDirectory, name);

    /// <summary>A start that was killed between making the file and writing it leaves an empty one.</summary>
    private static bool IsWritten(string path) => new FileInfo(path) is { Exists: true, Length: > 0 };

    private static void WriteSecret(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(path, options);
        using var writer = new StreamWriter(stream);
        writer.Write(text);
    }

    private static void WriteWhole(string path, string text)
    {
        var draft = $"{path}.{Environment.ProcessId}.tmp";
        File.WriteAllText(draft, text);
        File.Move(draft, path, overwrite: true);
    }
}
