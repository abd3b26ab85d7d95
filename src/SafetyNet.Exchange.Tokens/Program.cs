using System.Net;
using Microsoft.Extensions.Configuration.Json;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Tokens;

var builder = WebApplication.CreateBuilder(args);
// Of its own name, for the server's sandbox has this project beside it; first, so that environment and command line win over it.
builder.Configuration.Sources.Insert(0, new JsonConfigurationSource { Path = "tokens.json", Optional = true, FileProvider = builder.Environment.ContentRootFileProvider });
var settings = builder.Configuration.GetSection("Tokens").Get<TokenHostSettings>() ?? new TokenHostSettings();
if (settings.Problems() is { Count: > 0 } problems)
{
    await Console.Error.WriteLineAsync("The token service does not start:\n  " + string.Join("\n  ", problems));
    return 2;
}

var clock = TimeProvider.System;
using var logging = LoggerFactory.Create(logger => logger.AddConfiguration(builder.Configuration.GetSection("Logging")).AddConsole());
var log = logging.CreateLogger("SafetyNet.Exchange.Tokens");
using var signingKey = settings.LoadSigningKey();
var issuer = new AccessTokenIssuer(new Uri(settings.Issuer), settings.Audience, signingKey, clock);
var rules = new CertificateRules(MemberTls.LoadRoots(settings.RootsPath));
using var revocation = new RevocationLists(settings.CrlDirectory, settings.IssuersDirectory, rules, clock, alert => log.RevocationProblem(alert.Problem, alert.Subject));
using var members = new MemberDirectoryFile(settings.RegistryPath, clock, log.RegistryProblem);
revocation.Watch();

builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Limits.MaxConcurrentConnections = 10_000;
    kestrel.Limits.MaxRequestBodySize = 8 * 1024;
    kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
    kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
    var certificate = MemberTls.LoadIdentity(settings.CertificatePath, settings.CertificateKeyPath);
    kestrel.ListenForTokens(new TokenListener([new IPEndPoint(IPAddress.IPv6Any, settings.Port)], certificate, rules, revocation, clock, log));
});

await using var app = builder.Build();
app.MapTokenService(issuer, () => members.Current, revocation, clock, log);
await app.RunAsync();
return 0;
