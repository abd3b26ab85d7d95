using System.Diagnostics;
using System.Runtime;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SafetyNet.Exchange.Bench.Measures;
using SafetyNet.Exchange.Sandbox.Pki;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Hosting;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tokens;
using Serilog;
using Serilog.Extensions.Logging;

namespace SafetyNet.Exchange.Bench.Roles;

/// <summary>Where a server keeps its things and listens.</summary>
internal sealed record ExchangeRoleSettings(string DataDirectory, string CertificateDirectory, int Port, int TokenPort, int Persons);

/// <summary>The exchange as its own start-up composes it, seeded, with limits out of the way; and a count of what it costs.</summary>
internal static class ExchangeRole
{
    /// <summary>The same for exchange and echo: no connection is renewed within a run.</summary>
    public static readonly MemberListenerLimits Listener = new() { ConnectionAge = TimeSpan.FromHours(12) };

    /// <summary>Bytes of a created referral's rows beside its record and sealed content: keys, ids, times and names of units, in seven tables.</summary>
    private const int FixedRowBytes = 500;

    public static async Task RunAsync(ExchangeRoleSettings settings)
    {
        var (clock, builder) = (TimeProvider.System, NewBuilder(out var logging));
        using var keepLogging = logging;
        var log = logging.CreateLogger("SafetyNet.Exchange");
        var sandbox = new SandboxSettings
        {
            DataDirectory = settings.DataDirectory, CertificateDirectory = settings.CertificateDirectory, Persons = settings.Persons, TokenPort = settings.TokenPort,
        };
        var (options, pki) = SandboxSetup.Prepare(new ServerOptions
        {
            Exchange = new ExchangeSettings { Port = settings.Port }, Connections = Listener,
            Limits = new CallLimits
            {
                PerPersonPerMinute = 100_000_000, PerAgencyPerMinute = 100_000_000,
                LookUps = new LookUpLimits { PerPerson = int.MaxValue, PerAgency = int.MaxValue, MissesPerPerson = int.MaxValue, MissesPerAgency = int.MaxValue },
            },
        }, sandbox, clock);

        WebApplication? running = null;
        await using var composition = new Composition(options, clock, log, stop: () => running?.Lifetime.StopApplication());
        await new SandboxSeeding(composition.Store, composition.Commits, composition.Vault, clock).SeedAsync(sandbox);
        composition.AddTo(builder);
        using var tokenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        SandboxTokens.AddTo(builder, pki, sandbox, composition.Revocation, clock, log);

        await using var app = running = builder.Build();
        Composition.Map(app);
        app.MapTokenService(new AccessTokenIssuer(new Uri(options.Identity.Authority), options.Identity.Audience, tokenKey, clock),
            () => composition.Members, composition.Revocation, clock, log);
        await app.StartAsync();
        composition.Serving.Set(serving: true);
        composition.Search.Begin();
        composition.Misuse.Begin(TimeSpan.FromSeconds(options.Misuse.PauseSeconds));
        await OrderLoop.RunAsync(order =>
        {
            if (order.Case is Order.DecideNothing) composition.Policy.Swap(PermitAll.After(composition.Policy.Current));
            if (order.Case is Order.Decide) composition.Policy.Swap(PermitAll.BackAfter(composition.Policy.Current));
            return Task.FromResult(Read(composition.Commits.Flushes, composition.Log.Size - composition.Misuse.Records, RowBytes(composition.Store)));
        });
        await app.StopAsync();
    }

    /// <summary>The builder of every server of a run: the product's logging, from warnings up, and nothing else.</summary>
    public static WebApplicationBuilder NewBuilder(out SerilogLoggerFactory logging)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Sandbox", ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration["Log:Level"] = "Warning";
        Log.Logger = StartRules.CreateLog(builder.Configuration);
        logging = new SerilogLoggerFactory(Log.Logger);
        builder.Logging.ClearProviders().AddSerilog(Log.Logger);
        return builder;
    }

    public static ServerReading Read(long flushes, long records, int rowBytes)
    {
        using var self = Process.GetCurrentProcess();
        return new ServerReading((long)self.TotalProcessorTime.TotalMicroseconds, GC.GetTotalAllocatedBytes(precise: true), flushes, records, rowBytes, GCSettings.IsServerGC,
            (long)JitInfo.GetCompilationTime(currentThread: false).TotalMicroseconds, self.WorkingSet64);
    }

    private static int RowBytes(SqliteStore store)
    {
        using var read = store.Read();
        using var reader = read.Query("""
            SELECT (SELECT avg(length(body)) FROM (SELECT body FROM audit_record ORDER BY position DESC LIMIT 100))
                 + (SELECT avg(length(sealed)) FROM (SELECT sealed FROM referral ORDER BY referral_id DESC LIMIT 100))
            """);
        return reader.Read() && !reader.IsDBNull(0) ? (int)reader.GetDouble(0) + FixedRowBytes : 0;
    }
}
