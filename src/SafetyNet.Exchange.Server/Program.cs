using System.Security.Cryptography;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Pki;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Hosting;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tokens;
using Serilog;
using Serilog.Extensions.Logging;

// The order of a start. Anything that fails says what to do, all problems at once, and ends with exit code 2.
var clock = TimeProvider.System;
var isProduction = StartRules.IsProduction();
var builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args, EnvironmentName = isProduction ? Environments.Production : "Sandbox", ContentRootPath = AppContext.BaseDirectory,
});
Log.Logger = StartRules.CreateLog(builder.Configuration);
using var logging = new SerilogLoggerFactory(Log.Logger);
builder.Logging.ClearProviders().AddSerilog(Log.Logger);
var log = logging.CreateLogger("SafetyNet.Exchange");
var isServing = false;

try
{
    var options = builder.Configuration.Get<ServerOptions>() ?? new ServerOptions();
    var sandbox = builder.Configuration.GetSection("Sandbox").Get<SandboxSettings>() ?? new SandboxSettings();
    StartRules.Require([.. KestrelSetup.ForwardingProblems(builder.Configuration), .. isProduction
        ? StartRules.ProductionProblems(builder.Configuration) : SandboxSetup.Problems(builder.Configuration)]);
    SandboxPki? pki = null;
    if (!isProduction) (options, pki) = SandboxSetup.Prepare(options, sandbox, clock);
    StartRules.Require([.. options.Problems(), .. isProduction ? options.Witness.Missing().Concat(options.TimeStamps.Missing()).Concat(options.Retention.Missing()) : []]);

    var lease = options.Exchange.Standby ? await StoreLease.TakeWhenFreeAsync(options.Storage.Path) : StoreLease.Take(options.Storage.Path);

    WebApplication? running = null;
    await using var composition = new Composition(options, clock, log, stop: () => running?.Lifetime.StopApplication(), lease);
    if (!isProduction) await new SandboxSeeding(composition.Store, composition.Commits, composition.Vault, clock).SeedAsync(sandbox);
    composition.AddTo(builder);
    using var tokenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    if (pki is not null) SandboxTokens.AddTo(builder, pki, sandbox, composition.Revocation, clock, log);
    builder.Services.TrustListedProxies(builder.Configuration);

    await using var app = running = builder.Build();
    Composition.Map(app);
    app.Lifetime.ApplicationStopping.Register(composition.EndStreams);
    if (pki is not null)
        app.MapTokenService(new AccessTokenIssuer(new Uri(options.Identity.Authority), options.Identity.Audience, tokenKey, clock),
            () => composition.Members, composition.Revocation, clock, log);
    await composition.Witnesses.CheckAsync(app.Lifetime.ApplicationStopping);
    await app.StartAsync();
    composition.Serving.Set(serving: true);
    composition.BeginSweep(app.Lifetime.StopApplication);
    composition.Witnesses.Begin(app.Lifetime.StopApplication);
    composition.TimeStamps.Begin();
    composition.Commits.Begin(options.Exchange.StoreLostAfter);
    composition.Search.Begin();
    composition.Misuse.Begin(TimeSpan.FromSeconds(options.Misuse.PauseSeconds));
    composition.BeginRetention();
    composition.Clocks.Begin();
    composition.Offers.Begin();
    composition.Protocols.Begin();
    composition.DeliveryWatch.Begin();
    isServing = true;
    ServerLog.Started($"https://localhost:{options.Exchange.Port}", options.Identity.Authority, composition.Policy.Current);
    if (pki is not null) SandboxWelcome.Print(options, sandbox);
    await app.WaitForShutdownAsync();
    return composition.Commits.IsBroken ? 3 : 0;
}
catch (StartRefusedException refused)
{
    await Console.Error.WriteLineAsync("The exchange does not start:");
    foreach (var problem in refused.Problems) await Console.Error.WriteLineAsync($"  - {problem}");
    return 2;
}
catch (Exception problem) when (!isServing)
{
    // Key, policy, registry, certificate, log, database, port: each says itself what is wrong with it.
    await Console.Error.WriteLineAsync($"The exchange does not start:\n  - {problem.Message}");
    return 2;
}
finally
{
    await Log.CloseAndFlushAsync();
}
