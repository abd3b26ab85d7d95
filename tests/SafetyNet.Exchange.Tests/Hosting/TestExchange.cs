using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Members;
using SafetyNet.Exchange.Sandbox.Pki;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Deliveries;
using SafetyNet.Exchange.Server.Hosting;
using SafetyNet.Exchange.Server.Households;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Misuse;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Retention;
using SafetyNet.Exchange.Tokens;
using Serilog;

namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>
/// The real server in this process: composition, Kestrel with mutual TLS on ports of its own, token service, a database file. The sandbox PKI is made once for
/// the run; the population is seeded once and copied.
/// </summary>
public sealed class TestExchange : IAsyncLifetime
{
    public const int Persons = 34000;
    public const int Seed = 7;

    private static readonly Lazy<string> RunFolder = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("safetynet-wire-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    });

    private static readonly SemaphoreSlim Seeding = new(1, 1);
    private readonly ConcurrentBag<IDisposable> _opened = [];
    private readonly ConcurrentDictionary<SpiffeId, Lazy<ExchangeChannel>> _channels = new();
    private readonly ConcurrentDictionary<SpiffeId, Lazy<CallInvoker>> _bare = new();
    private readonly CallLimits _limits;
    private readonly string _folder;
    private bool _isTraced;
    private (DateTimeOffset From, DateTimeOffset Until)? _span;
    private WitnessSettings _witness = new();
    private MisuseSettings _misuse = new();
    private RetentionSettings _retention = new();
    private HouseholdSettings _households = new();
    private DeliverySettings _deliveries = new();
    private ECDsa? _tokenKey;
    private WebApplication? _app;
    private Composition? _composition;
    private SandboxPki? _pki;
    private ServerOptions? _options;

    /// <summary>What no test reaches.</summary>
    private static CallLimits Unlimited => new()
    {
        PerPersonPerMinute = 1_000_000, PerAgencyPerMinute = 1_000_000,
        LookUps = new LookUpLimits { PerPerson = 10_000_000, PerAgency = 10_000_000, MissesPerPerson = 10_000_000, MissesPerAgency = 10_000_000 },
    };

    public TestExchange()
        : this(Unlimited, folder: null)
    {
    }

    private TestExchange(CallLimits limits, string? folder)
    {
        _limits = limits;
        _folder = folder ?? Path.Combine(RunFolder.Value, $"exchange-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}");
    }

    internal TestClock Clock { get; } = new();

    /// <summary>The server wanted to stop by itself.</summary>
    internal bool HasGivenUp { get; private set; }

    internal Composition Composition => _composition!;

    internal SandboxPki Pki => _pki!;

    internal ServerOptions Options => _options!;

    internal AccessTokenIssuer Issuer => IssuerAt(Clock);

    /// <summary>Folder of database, keys and registry.</summary>
    public string Folder => _folder;

    public string DatabasePath => Path.Combine(_folder, "exchange.db");

    public Uri Address => new($"https://localhost:{Options.Exchange.Port}");

    /// <summary>A server of one's own, for a test that turns the clock, fills the disk or suspends members.</summary>
    /// <param name="folder">Data of an earlier one that was stopped; null: fresh data.</param>
    /// <param name="isTraced">Everything in the process logs all it can, host and libraries too.</param>
    /// <param name="witness">Who co-signs the log; null: nobody.</param>
    /// <param name="misuse">Rules of misuse; null: the built-in ones. The log is scanned when a test says so, not by itself.</param>
    /// <param name="retention">How long records are kept; null: as long as in a sandbox. Purges run when a test runs them.</param>
    /// <param name="households">Household offices that serve look-ups themselves; null: none.</param>
    /// <param name="span">Time that the test goes through: the clock stands at its beginning, and certificates hold until its end. Null: it begins now and is short.</param>
    /// <param name="deliveries">What deliveries of household registers go by; null: none is expected. Looks for late ones run when a test runs them.</param>
    internal static async Task<TestExchange> StartAsync(CallLimits? limits = null, string? folder = null, bool isTraced = false, WitnessSettings? witness = null,
        MisuseSettings? misuse = null, RetentionSettings? retention = null, (DateTimeOffset From, DateTimeOffset Until)? span = null, HouseholdSettings? households = null,
        DeliverySettings? deliveries = null)
    {
        var exchange = new TestExchange(limits ?? Unlimited, folder)
        {
            _isTraced = isTraced, _span = span, _witness = witness ?? new WitnessSettings(), _misuse = misuse ?? new MisuseSettings(), _retention = retention ?? new RetentionSettings(),
            _households = households ?? new HouseholdSettings(), _deliveries = deliveries ?? new DeliverySettings(),
        };
        try
        {
            await exchange.InitializeAsync();
            return exchange;
        }
        catch
        {
            await exchange.StopAsync();
            throw;
        }
    }

    /// <summary>A server of one's own in which nobody is registered, for a test that delivers a whole register.</summary>
    internal static Task<TestExchange> StartEmptyAsync(DeliverySettings? deliveries = null) =>
        StartAsync(folder: Directory.CreateDirectory(Path.Combine(RunFolder.Value, $"exchange-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}")).FullName, deliveries: deliveries);

    public async ValueTask InitializeAsync()
    {
        Log.Logger = _isTraced ? ServerOutput.Traced : ServerOutput.Logger;
        if (!Directory.Exists(_folder)) await CopySeededAsync(_folder);
        if (_span is { } span) Clock.PinAt(span.From);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await StartAsync(seed: false);
                return;
            }
            catch (IOException) when (attempt < 3)
            {
                // Somebody took one of the two ports between finding and using it.
                await StopAsync();
            }
        }
    }

    /// <summary>Stops the server; its folder stays until the run ends.</summary>
    public async Task StopAsync()
    {
        foreach (var one in _opened) one.Dispose();
        _opened.Clear();
        _channels.Clear();
        _bare.Clear();
        if (_app is not null) await _app.DisposeAsync();
        if (_composition is not null) await _composition.DisposeAsync();
        _tokenKey?.Dispose();
        (_app, _composition, _tokenKey) = (null, null, null);
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>Keeps something open until the server stops.</summary>
    internal T Own<T>(T opened)
        where T : IDisposable
    {
        _opened.Add(opened);
        return opened;
    }

    /// <summary>The system's one long-lived channel.</summary>
    internal ExchangeChannel ChannelOf(SpiffeId system) => _channels.GetOrAdd(system, id => new(() => Connect(id))).Value;

    /// <summary>A further channel of a system, with tokens of its own.</summary>
    internal ExchangeChannel Connect(SpiffeId system, params IReadOnlyList<string> scopes) => Own(ExchangeChannel.Open(new ExchangeChannelOptions
    {
        Exchange = Address, Tokens = new Uri(Options.Identity.Authority), System = system, Identity = Pki.ClientContext(system),
        Roots = MemberTls.LoadRoots(Pki.RootPath), Clock = Clock, Scopes = scopes,
    }));

    /// <summary>Bare calls over a system's certificate: no token but what a call brings itself.</summary>
    internal CallInvoker WithoutToken(SpiffeId system) => _bare.GetOrAdd(system, id => new(() => ConnectWithoutToken(id))).Value;

    private CallInvoker ConnectWithoutToken(SpiffeId system)
    {
        var handler = Own(new SocketsHttpHandler { SslOptions = MemberTls.ForClient(MemberTls.LoadRoots(Pki.RootPath), Pki.ClientContext(system)), UseProxy = false });
        return Own(GrpcChannel.ForAddress(Address, new GrpcChannelOptions { HttpHandler = handler })).CreateCallInvoker();
    }

    /// <summary>A token as the exchange's own authority would sign it, for any system, certificate and time.</summary>
    internal string TokenFor(SpiffeId system, SpiffeId? boundTo = null, TimeProvider? clock = null, params string[] scopes)
    {
        var registered = Composition.Members.FindSystem(system.Uri)!;
        return IssuerAt(clock ?? Clock).Issue(registered, CertificateOf(boundTo ?? system), scopes.Length == 0 ? registered.Scopes : scopes);
    }

    internal MemberCertificate CertificateOf(SpiffeId system) =>
        new CertificateRules([Pki.Root]).Decide(Pki.ClientCertificate(system), [.. Pki.Issuers.Values], Clock.GetUtcNow()).Certificate!;

    /// <summary>Changes the registry in force.</summary>
    internal async Task ChangeRegistryAsync(Action<Wire.MemberRegistry> change)
    {
        var before = Composition.Members;
        var registry = JsonParser.Default.Parse<Wire.MemberRegistry>(await File.ReadAllTextAsync(Options.Identity.RegistryPath));
        change(registry);
        await File.WriteAllTextAsync(Options.Identity.RegistryPath, JsonFormatter.Default.Format(registry));
        await Eventually.TrueAsync(() => !ReferenceEquals(before, Composition.Members), "the changed registry is in force");
    }

    /// <summary>A connection of one's own to the database file.</summary>
    internal SqliteConnection OpenDatabase() => OpenDatabase(DatabasePath);

    internal static SqliteConnection OpenDatabase(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 30 }.ToString());
        connection.Open();
        return connection;
    }

    internal List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<object> values)
    {
        using var connection = OpenDatabase();
        return Query(connection, sql, read, values);
    }

    private static List<T> Query<T>(SqliteConnection connection, string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<object> values)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of the tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 0; i < values.Length; i++) command.Parameters.AddWithValue($"${i}", values[i]);
        using var reader = command.ExecuteReader();
        var found = new List<T>();
        while (reader.Read()) found.Add(read(reader));
        return found;
    }

    /// <summary>Rows of each table; signed heads and inner nodes of the log are left out, for they come by the clock and by the size of the log.</summary>
    internal IReadOnlyDictionary<string, long> CountRows()
    {
        using var connection = OpenDatabase();
        var tables = Query(connection, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('audit_checkpoint', 'audit_node')", r => r.GetString(0));
        return tables.ToDictionary(table => table, table => Query(connection, $"SELECT count(*) FROM \"{table}\"", r => r.GetInt64(0))[0], StringComparer.Ordinal);
    }

    /// <summary>Records of the log from a position on.</summary>
    internal IReadOnlyList<Wire.AuditRecord> RecordsFrom(long position) =>
        Query("SELECT body FROM audit_record WHERE position >= $0 ORDER BY position", r => Wire.AuditRecord.Parser.ParseFrom(r.GetFieldValue<byte[]>(0)), position);

    internal long RecordCount() => Query("SELECT count(*) FROM audit_record", r => r.GetInt64(0))[0];

    /// <summary>The record that a receipt promises.</summary>
    internal Wire.AuditRecord RecordOf(CallReceipt receipt) => RecordsFrom(receipt.Position)[0];

    /// <summary>A unit's notices about one referral or case, oldest first.</summary>
    internal IReadOnlyList<(Wire.NoticeKind Kind, string Cause)> NoticesAbout(string unitId, string id) => Query(
        "SELECT kind, cause_unit_id FROM notice WHERE unit_id = $0 AND (referral_id = $1 OR case_id = $1) ORDER BY sequence",
        r => ((Wire.NoticeKind)r.GetInt32(0), r.GetString(1)), unitId, Guid.Parse(id).ToByteArray(bigEndian: true));

    /// <summary>The certificates of everyone, for who takes part before a server starts.</summary>
    internal static SandboxPki Everyones() =>
        SandboxPki.Ensure(Path.Combine(RunFolder.Value, "pki"), [.. SandboxMembers.Registry().Systems.Select(s => SpiffeId.Parse(s.SpiffeId))], TimeProvider.System);

    private string PkiFolder()
    {
        if (_span is not { } span) return Path.Combine(RunFolder.Value, "pki");
        // TLS goes by the machine's time, the server by the test's: the certificates hold in both.
        var (folder, now) = (Path.Combine(RunFolder.Value, $"pki-{span.Until:yyyyMMdd}"), TimeProvider.System.GetUtcNow());
        var (from, until) = (span.From < now ? span.From : now, span.Until > now ? span.Until : now);
        var begins = new TestClock();
        begins.PinAt(from);
        SandboxPki.Ensure(folder, [.. SandboxMembers.Registry().Systems.Select(s => SpiffeId.Parse(s.SpiffeId))], begins, until - from + TimeSpan.FromDays(40));
        return folder;
    }

    private async Task StartAsync(bool seed)
    {
        var sandbox = new SandboxSettings
        {
            DataDirectory = _folder, CertificateDirectory = PkiFolder(), Persons = Persons, Seed = Seed, TokenPort = FreePort(),
        };
        (_options, _pki) = SandboxSetup.Prepare(
            new ServerOptions
            {
                Exchange = new ExchangeSettings { Port = FreePort() }, Limits = _limits, Witness = _witness, Misuse = _misuse, Retention = _retention, Households = _households,
                Deliveries = _deliveries,
                // A connection is minutes old by the real clock when months have passed by the test's.
                Connections = _span is null ? new MemberListenerLimits() : new MemberListenerLimits { ConnectionAge = _span.Value.Until - _span.Value.From },
            },
            sandbox, Clock);
        StartRules.Require(_options.Problems());
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Sandbox", ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders().AddSerilog(Log.Logger);
        builder.Logging.SetMinimumLevel(_isTraced ? LogLevel.Trace : LogLevel.Debug);
        if (!_isTraced) builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning);
        using var logging = new Serilog.Extensions.Logging.SerilogLoggerFactory(Log.Logger);
        var log = logging.CreateLogger("SafetyNet.Exchange");
        var composition = _composition = new Composition(_options, Clock, log, stop: () => HasGivenUp = true);
        if (seed)
        {
            await new SandboxSeeding(composition.Store, composition.Commits, composition.Vault, Clock).SeedAsync(sandbox);
            return;
        }

        composition.AddTo(builder);
        _tokenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        SandboxTokens.AddTo(builder, _pki, sandbox, composition.Revocation, Clock, log);
        _app = builder.Build();
        Composition.Map(_app);
        _app.MapTokenService(Issuer, () => composition.Members, composition.Revocation, Clock, log);
        await composition.Witnesses.CheckAsync(CancellationToken.None);
        await _app.StartAsync();
        composition.Serving.Set(serving: true);
        composition.Witnesses.Begin(() => HasGivenUp = true);
        composition.Search.Begin();
    }

    private static async Task CopySeededAsync(string folder)
    {
        var seeded = Path.Combine(RunFolder.Value, "seeded");
        await Seeding.WaitAsync();
        try
        {
            if (!Directory.Exists(seeded))
            {
                var template = new TestExchange(new CallLimits(), seeded);
                await template.StartAsync(seed: true);
                await template.StopAsync();
            }
        }
        finally
        {
            Seeding.Release();
        }

        Directory.CreateDirectory(folder);
        foreach (var file in Directory.EnumerateFiles(seeded)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
    }

    private AccessTokenIssuer IssuerAt(TimeProvider clock) => new(new Uri(Options.Identity.Authority), Options.Identity.Audience, _tokenKey!, clock);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>Waits for what comes by itself, and no longer than that takes.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<bool> condition, string what)
    {
        for (var tries = 0; !condition(); tries++)
        {
            Assert.True(tries < 1000, $"waited 20 s in vain: {what}");
            await Task.Delay(20);
        }
    }
}
