using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.BreakGlass;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Households;
using SafetyNet.Exchange.Server.Deliveries;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Misuse;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Reports;
using SafetyNet.Exchange.Server.Retention;
using SafetyNet.Exchange.Server.Visits;

namespace SafetyNet.Exchange.Server;

/// <summary>
/// Settings of one server process, from configuration (environment, command line, appsettings.json). Nothing has a default that is right only in a
/// sandbox: what a sandbox needs it makes and fills in (<see cref="Hosting.SandboxSetup"/>), and from there on both run the same code.
/// </summary>
internal sealed record ServerOptions
{
    public ExchangeSettings Exchange { get; init; } = new();

    public IdentitySettings Identity { get; init; } = new();

    public StorageSettings Storage { get; init; } = new();

    public EvidenceSettings Evidence { get; init; } = new();

    public WitnessSettings Witness { get; init; } = new();

    public TimeStampSettings TimeStamps { get; init; } = new();

    public PolicySettings Policy { get; init; } = new();

    public CallLimits Limits { get; init; } = new();

    public MemberListenerLimits Connections { get; init; } = new();

    public BreakGlassSettings BreakGlass { get; init; } = new();

    public RevealSettings Reveal { get; init; } = new();

    public MisuseSettings Misuse { get; init; } = new();

    public ReportSettings Reports { get; init; } = new();

    public CaseSettings Cases { get; init; } = new();

    public DeliverySettings Deliveries { get; init; } = new();

    public RetentionSettings Retention { get; init; } = new();

    public HouseholdSettings Households { get; init; } = new();

    /// <summary>Everything that keeps the server from starting, all at once; empty: it may start.</summary>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        RequirePort(problems, "Exchange:Port", Exchange.Port);
        RequireUri(problems, "Identity:Authority", Identity.Authority, "https address of the token authority, exactly as it stands in `iss`");
        Require(problems, "Identity:Audience", Identity.Audience, "audience that access tokens must name; without it a token for another service would do");
        RequireFile(problems, "Identity:RootsPath", Identity.RootsPath, "PEM file of the certificate roots that members chain to");
        RequireDirectory(problems, "Identity:IssuersDirectory", Identity.IssuersDirectory, "folder with the issuing authorities' certificates");
        RequireDirectory(problems, "Identity:CrlDirectory", Identity.CrlDirectory, "folder that the issuing authorities' revocation lists are put into");
        RequireFile(problems, "Identity:RegistryPath", Identity.RegistryPath, "members.json, the member registry");
        RequireFile(problems, "Identity:CertificatePath", Identity.CertificatePath, "PEM file of the server's certificate chain");
        RequireFile(problems, "Identity:CertificateKeyPath", Identity.CertificateKeyPath, "PEM file of the server's private key");
        Require(problems, "Storage:Path", Storage.Path, "file of the embedded database, on a disk that keeps what is flushed");
        RequireFile(problems, "Storage:KeyPath", Storage.KeyPath, "file with the 32-byte key-encryption key in base64, kept apart from the database");
        Require(problems, "Evidence:Origin", Evidence.Origin, "name of the log in its checkpoints, e.g. `exchange.safetynet.gov.tw/log`");
        RequireFile(problems, "Evidence:SigningKeyPath", Evidence.SigningKeyPath, "PEM file of the EC P-256 key that signs checkpoints");
        if (Storage.Path.Length > 0 && (Storage.Path.StartsWith("/dev/", StringComparison.Ordinal) || Storage.Path.Contains(":memory:", StringComparison.Ordinal)))
            problems.Add("Storage:Path must be a file that survives a restart: there is no server without an audit store");
        if (Limits.PerPersonPerMinute < 1 || Limits.PerAgencyPerMinute < 1 || Limits.DeadlineCapSeconds is < 1 or > 300)
            problems.Add("Limits: PerPersonPerMinute and PerAgencyPerMinute are 1 or more, DeadlineCapSeconds 1 to 300");
        problems.AddRange(Limits.LookUps.Problems());
        if (Exchange.StoreLostAfter <= TimeSpan.Zero) problems.Add("Exchange:StoreLostAfter is more than zero: how long a flush may take before calls are refused");
        problems.AddRange(Witness.Problems());
        problems.AddRange(TimeStamps.Problems());
        problems.AddRange(BreakGlass.Problems());
        problems.AddRange(Reveal.Problems());
        problems.AddRange(Misuse.Problems());
        problems.AddRange(Retention.Problems());
        problems.AddRange(Households.LiveSources.Problems());
        problems.AddRange(Exchange.Clocks.Problems());
        problems.AddRange(Exchange.Visits.Problems());
        problems.AddRange(Deliveries.Problems());
        return problems;
    }

    private static void Require(List<string> problems, string name, string value, string meaning)
    {
        if (value.Length == 0) problems.Add($"{name} is not set: {meaning}");
    }

    private static void RequirePort(List<string> problems, string name, int port)
    {
        if (port is < 1 or > 65535) problems.Add($"{name} is not set: TCP port that members call, e.g. 5443");
    }

    private static void RequireUri(List<string> problems, string name, string value, string meaning)
    {
        if (!Uri.TryCreate(value, UriKind.Absolute, out var uri) || !string.Equals(uri.Scheme, "https", StringComparison.Ordinal))
            problems.Add($"{name} is not set: {meaning}");
    }

    private static void RequireFile(List<string> problems, string name, string path, string meaning)
    {
        if (!File.Exists(path)) problems.Add(path.Length == 0 ? $"{name} is not set: {meaning}" : $"{name} names a file that is not there: {meaning}");
    }

    private static void RequireDirectory(List<string> problems, string name, string path, string meaning)
    {
        if (!Directory.Exists(path)) problems.Add(path.Length == 0 ? $"{name} is not set: {meaning}" : $"{name} names a folder that is not there: {meaning}");
    }
}

/// <summary>Where members call.</summary>
internal sealed record ExchangeSettings
{
    /// <summary>TCP port, 1 to 65535. Required.</summary>
    public int Port { get; init; }

    /// <summary>Addresses to listen on; empty: all.</summary>
    public string[] Addresses { get; init; } = [];

    /// <summary>
    /// Another process may have the database: wait, without listening, and take its place when it ends. Default false: a second start is refused.
    /// </summary>
    public bool Standby { get; init; }

    /// <summary>
    /// Longest that a flush may take before calls are refused, until the disk answers. Default 0.8 seconds: looked at ten times a second, so that no call waits for more than one (R-AUD-2). Longer
    /// on a disk that is known to pause.
    /// </summary>
    public TimeSpan StoreLostAfter { get; init; } = TimeSpan.FromMilliseconds(800);

    /// <summary>What time limits go by.</summary>
    public ClockSettings Clocks { get; init; } = new();

    /// <summary>What visits go by.</summary>
    public VisitSettings Visits { get; init; } = new();
}

/// <summary>What identity is checked against.</summary>
internal sealed record IdentitySettings
{
    public string Authority { get; init; } = "";

    public string Audience { get; init; } = "";

    public string RootsPath { get; init; } = "";

    public string IssuersDirectory { get; init; } = "";

    public string CrlDirectory { get; init; } = "";

    public string RegistryPath { get; init; } = "";

    public string CertificatePath { get; init; } = "";

    public string CertificateKeyPath { get; init; } = "";
}

/// <summary>Where rows and keys lie.</summary>
internal sealed record StorageSettings
{
    public string Path { get; init; } = "";

    public string KeyPath { get; init; } = "";
}

/// <summary>The two persons of the operator who stand for the first policy of an empty store; afterwards policies are activated by officers alone.</summary>
internal sealed record PolicySettings
{
    /// <summary>Staff number of who proposes the built-in policy.</summary>
    public string ProposedBy { get; init; } = "";

    /// <summary>Staff number of who activates it; another person.</summary>
    public string ActivatedBy { get; init; } = "";
}

/// <summary>Who signs the log.</summary>
internal sealed record EvidenceSettings
{
    public string Origin { get; init; } = "";

    public string SigningKeyPath { get; init; } = "";
}
