using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.SystemTests.Processes;

/// <summary>
/// A sandbox server in a process of its own: on free loopback ports, over a folder that goes when it is disposed of. It can be killed and started again on
/// the same folder and ports.
/// </summary>
public sealed class SandboxProcess : IAsyncDisposable
{
    /// <summary>Synthetic persons of a sandbox under test: enough for families of every kind, quick to seed.</summary>
    public const int Persons = 600;

    public const int Seed = 1;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);

    private readonly string[] _settings;
    private readonly string _home;
    private readonly int _exchangePort;
    private readonly List<string> _outputOfEarlierRuns = [];
    private ChildProcess? _server;

    private SandboxProcess(string[] settings, SandboxProcess? beside = null)
    {
        Folder = Directory.CreateTempSubdirectory("safetynet-system-").FullName;
        _home = beside?.Folder ?? Folder;
        (_exchangePort, var tokenPort) = FreePorts();
        Exchange = new Uri(string.Create(CultureInfo.InvariantCulture, $"https://localhost:{_exchangePort}"));
        Tokens = new Uri(string.Create(CultureInfo.InvariantCulture, $"https://localhost:{tokenPort}"));
        _settings =
        [
            string.Create(CultureInfo.InvariantCulture, $"--Exchange:Port={_exchangePort}"),
            string.Create(CultureInfo.InvariantCulture, $"--Sandbox:TokenPort={tokenPort}"),
            $"--Sandbox:DataDirectory={Data}",
            $"--Sandbox:CertificateDirectory={Certificates}",
            string.Create(CultureInfo.InvariantCulture, $"--Sandbox:Persons={Persons}"),
            string.Create(CultureInfo.InvariantCulture, $"--Sandbox:Seed={Seed}"),
            // The machine of a test does much else, and its disk pauses.
            "--Exchange:StoreLostAfter=00:00:20",
            .. settings,
        ];
    }

    public Uri Exchange { get; }

    public Uri Tokens { get; }

    /// <summary>Working directory of the server; everything it writes lies here.</summary>
    public string Folder { get; }

    public string Data => Path.Combine(_home, "data");

    /// <summary><c>root.pem</c>, and <c>systems/&lt;jurisdiction&gt;.&lt;agency&gt;.&lt;system&gt;.pem</c> with its <c>.key</c> each.</summary>
    public string Certificates => Path.Combine(_home, "certs");

    /// <summary>What the server wrote, of all its runs; for messages.</summary>
    public string Log => string.Join("\n--- killed and started again\n", [.. _outputOfEarlierRuns, _server?.Errors ?? ""]);

    /// <summary>What the server wrote to its standard output in this run.</summary>
    public string Output => _server?.Output ?? "";

    public bool IsRunning => _server is { HasExited: false };

    /// <summary>Process id of the server in this run.</summary>
    public int ProcessId => _server?.Id ?? throw new InvalidOperationException("It does not run.");

    /// <summary>The database file.</summary>
    public string Database => Path.Combine(Data, "exchange.db");

    private string Note => Path.Combine(Data, "sandbox.json");

    /// <summary>Starts one and waits until it serves.</summary>
    public static async Task<SandboxProcess> StartAsync(params string[] settings)
    {
        var sandbox = Prepare(settings);
        try
        {
            await sandbox.RunAsync();
            return sandbox;
        }
        catch
        {
            await sandbox.DisposeAsync();
            throw;
        }
    }

    /// <summary>One that was not started yet.</summary>
    public static SandboxProcess Prepare(params string[] settings) => new(settings);

    /// <summary>A second one over the database and certificates of another, on ports of its own; not started yet.</summary>
    public static SandboxProcess Beside(SandboxProcess other, params string[] settings) => new(settings, other);

    /// <summary>kill -9, without a word before.</summary>
    public async Task KillAsync()
    {
        var server = _server ?? throw new InvalidOperationException("It does not run.");
        _server = null;
        server.Kill();
        await server.FinishAsync();
        _outputOfEarlierRuns.Add(server.Errors);
        await server.DisposeAsync();
    }

    /// <summary>Waits for the server to end by itself.</summary>
    /// <returns>Its exit code, 128 and the signal where one ended it; null: it runs on, after the limit too.</returns>
    public async Task<int?> WaitForEndAsync(TimeSpan limit)
    {
        var server = _server ?? throw new InvalidOperationException("It does not run.");
        var started = TimeProvider.System.GetTimestamp();
        while (!server.HasExited)
        {
            if (TimeProvider.System.GetElapsedTime(started) > limit)
                return null;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }

        var ended = await server.FinishAsync();
        _server = null;
        _outputOfEarlierRuns.Add(ended.Errors);
        await server.DisposeAsync();
        return ended.ExitCode;
    }

    /// <summary>Starts the server as the child of another program, lets it get as far as it does, and kills both.</summary>
    /// <param name="program">A file, or a name to look for on the PATH.</param>
    /// <param name="arguments">Of that program, before the server's own command line.</param>
    /// <param name="limit">How long the start may take.</param>
    /// <returns>Exit code of the program; null: the server served, or the limit passed.</returns>
    public async Task<int?> RunUnderAsync(string program, IEnumerable<string> arguments, TimeSpan limit)
    {
        if (File.Exists(Note))
            File.Delete(Note);
        _server = ChildProcess.Start(program, [.. arguments, "dotnet", Repository.ServerDll, .. _settings], Folder);
        var started = TimeProvider.System.GetTimestamp();
        while (!_server.HasExited && !File.Exists(Note) && TimeProvider.System.GetElapsedTime(started) < limit)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        if (_server.HasExited)
            return await WaitForEndAsync(limit);
        await KillAsync();
        return null;
    }

    /// <summary>Starts the server and does not wait for it.</summary>
    public void Begin() => _server = ChildProcess.StartDotnet(Repository.ServerDll, _settings, Folder);

    /// <summary>Starts the server and kills it again in the middle of its start, or soon after.</summary>
    public async Task RunAndKillAsync(TimeSpan after)
    {
        _server = ChildProcess.StartDotnet(Repository.ServerDll, _settings, Folder);
        await Task.Delay(after);
        await KillAsync();
    }

    /// <summary>Starts the server on the folder and ports it had; answers what that took until it had announced itself and took connections.</summary>
    public async Task<StartTime> RunAsync()
    {
        if (File.Exists(Note))
            File.Delete(Note);
        var started = TimeProvider.System.GetTimestamp();
        _server = ChildProcess.StartDotnet(Repository.ServerDll, _settings, Folder);
        while (!(IsAnnounced() && await TakesConnectionsAsync()))
        {
            if (_server.HasExited)
                throw new InvalidOperationException($"The sandbox ended by itself. {await _server.FinishAsync()}");
            if (TimeProvider.System.GetElapsedTime(started) > StartLimit)
                throw new TimeoutException($"The sandbox does not serve after {StartLimit}.\n{Log}");
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        return new StartTime(TimeProvider.System.GetElapsedTime(started), _server.ProcessorTime);
    }

    /// <summary>The way into the exchange as a system of the sandbox, e.g. <c>tpe</c>, <c>edu</c>.</summary>
    public ExchangeChannel Connect(string agency, string jurisdiction = "tpe") => ExchangeChannel.Open(new ExchangeChannelOptions
    {
        Exchange = Exchange,
        Tokens = Tokens,
        System = SpiffeId.Of(jurisdiction, agency, "case-system"),
        Identity = MemberTls.LoadIdentity(CertificateOf(agency, jurisdiction), KeyOf(agency, jurisdiction)),
        Roots = MemberTls.LoadRoots(RootCertificate),
    });

    public string RootCertificate => Path.Combine(Certificates, "root.pem");

    public string CertificateOf(string agency, string jurisdiction = "tpe") => Path.Combine(Certificates, "systems", $"{jurisdiction}.{agency}.case-system.pem");

    public string KeyOf(string agency, string jurisdiction = "tpe") => Path.Combine(Certificates, "systems", $"{jurisdiction}.{agency}.case-system.key");

    /// <summary>The options by which <c>safetynet</c> finds this sandbox.</summary>
    public IReadOnlyList<string> CliOptions => ["--endpoint", Exchange.OriginalString, "--tokens", Tokens.OriginalString, "--certs", Certificates];

    /// <summary>Lines that the server logged as errors; a test that did not ask for one fails on it.</summary>
    public IReadOnlyList<string> LoggedErrors() =>
        [.. Log.Split('\n').Where(line => line.Contains(" ERR] ", StringComparison.Ordinal) || line.Contains(" FTL] ", StringComparison.Ordinal))];

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (IOException)
        {
            // A temporary folder that outlives us harms nobody.
        }
    }

    internal static (int One, int Other) FreePorts()
    {
        // Both held before either is let go, or the second could be the first again.
        using var one = new TcpListener(IPAddress.Loopback, 0);
        using var other = new TcpListener(IPAddress.Loopback, 0);
        one.Start();
        other.Start();
        return (((IPEndPoint)one.LocalEndpoint).Port, ((IPEndPoint)other.LocalEndpoint).Port);
    }

    private bool IsAnnounced()
    {
        try
        {
            using var note = JsonDocument.Parse(File.ReadAllBytes(Note));
            return note.RootElement.GetProperty("processId").GetInt32() == _server!.Id;
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            return false;
        }
    }

    public async Task<bool> TakesConnectionsAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _exchangePort);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>How long a start took.</summary>
/// <param name="Clock">On the wall, from the start of the process.</param>
/// <param name="Processor">Processor time that the process used. On a machine that does nothing else a start takes no longer than this.</param>
public readonly record struct StartTime(TimeSpan Clock, TimeSpan Processor)
{
    /// <summary>What the start itself takes: where other programs keep the processors busy, the clock counts their time too.</summary>
    public TimeSpan Own => Clock < Processor ? Clock : Processor;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Clock.TotalSeconds:0.00} ({Processor.TotalSeconds:0.00} of processor)");
}

/// <summary>One sandbox for the tests of a class. When they are done, an error that the server logged and no test asked for fails the class.</summary>
public sealed class SandboxFixture : IAsyncLifetime
{
    private SandboxProcess? _sandbox;

    public SandboxProcess Sandbox => _sandbox ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync() => _sandbox = await SandboxProcess.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_sandbox is null)
            return;
        var errors = _sandbox.LoggedErrors();
        await _sandbox.DisposeAsync();
        Assert.Empty(errors);
    }
}
