using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Server.Identity;

/// <summary>How much one listener takes.</summary>
internal sealed record MemberListenerLimits
{
    /// <summary>Open connections in all, 1 or more. Default 10 000.</summary>
    public long Connections { get; init; } = 10_000;

    /// <summary>Open connections of one certificate, 1 or more. Default 64: one HTTP/2 connection carries <see cref="CallsPerConnection"/> calls at once.</summary>
    public int ConnectionsPerCertificate { get; init; } = 64;

    /// <summary>Calls at once on one connection, 1 or more. Default 256.</summary>
    public int CallsPerConnection { get; init; } = 256;

    /// <summary>How long a connection lives, give or take a fifth. Default 10 minutes.</summary>
    public TimeSpan ConnectionAge { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>What the members' listener needs to know.</summary>
internal sealed record MemberListener(
    IReadOnlyList<IPEndPoint> Endpoints,
    SslStreamCertificateContext Certificate,
    CertificateRules Rules,
    RevocationLists Revocation,
    OpenConnections Open,
    MemberListenerLimits Limits,
    TimeProvider Clock,
    ILogger Log);

/// <summary>Sets Kestrel up for member systems: TLS 1.3 with a member's certificate or nothing, HTTP/2 only, and a bound on everything a peer can make it hold.</summary>
internal static class KestrelSetup
{
    /// <summary>Largest message, bytes (design.md 3).</summary>
    public const int MessageSizeBytes = 4 * 1024 * 1024;

    // Five bytes of prefix come before a gRPC message.
    private const int FrameSizeBytes = 5;

    /// <summary>Opens the members' listener. Settings that Kestrel holds per process (limits, no Server header) are set for every listener of it.</summary>
    public static void ListenForMembers(this KestrelServerOptions kestrel, MemberListener listener)
    {
        Bound(kestrel, listener.Limits);
        foreach (var endpoint in listener.Endpoints)
        {
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = TimeSpan.FromSeconds(5),
                    OnConnection = context => new(MemberTls.ForListener(
                        listener.Certificate, listener.Rules, listener.Revocation, listener.Clock, decision => Remember(context.Connection, decision, listener.Log))),
                });
                listen.Use(next => connection => ServeAsync(connection, next, listener));
            });
        }
    }

    /// <summary>The member whose connection this call came on. Throws when the call did not come through <see cref="ListenForMembers"/>: there is no caller then.</summary>
    public static MemberConnection GetMember(this HttpContext call) =>
        call.Features.Get<MemberConnection>() ?? throw new InvalidOperationException("the call came on a listener without member certificates");

    /// <summary>
    /// What is wrong with the settings about proxies, for the start to report: forwarded headers believed from anyone would let a caller choose its own address (B13).
    /// Headers are read only when <c>ForwardedHeaders_Enabled</c> is set and <c>Identity:TrustedProxies</c> lists addresses.
    /// </summary>
    public static IEnumerable<string> ForwardingProblems(IConfiguration configuration)
    {
        if (!configuration.GetValue("ForwardedHeaders_Enabled", defaultValue: false)) yield break;
        var proxies = TrustedProxies(configuration);
        if (proxies.Length == 0)
            yield return "ASPNETCORE_FORWARDEDHEADERS_ENABLED is true without Identity:TrustedProxies; list the proxies' addresses or unset it";
        foreach (var proxy in proxies)
            if (!IPAddress.TryParse(proxy, out _)) yield return $"Identity:TrustedProxies: '{proxy}' is not an IP address";
    }

    /// <summary>Limits forwarded headers, where they are switched on at all, to the listed proxies. Call after <see cref="ForwardingProblems"/> found none.</summary>
    public static void TrustListedProxies(this IServiceCollection services, IConfiguration configuration) => services.PostConfigure<ForwardedHeadersOptions>(options =>
    {
        options.KnownIPNetworks.Clear();
        options.KnownProxies.Clear();
        foreach (var proxy in TrustedProxies(configuration)) options.KnownProxies.Add(IPAddress.Parse(proxy));
        if (options.KnownProxies.Count == 0) options.ForwardedHeaders = ForwardedHeaders.None;
    });

    private static string[] TrustedProxies(IConfiguration configuration) => configuration.GetSection("Identity:TrustedProxies").Get<string[]>() ?? [];

    private static void Bound(KestrelServerOptions kestrel, MemberListenerLimits limits)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowAlternateSchemes = false;
        kestrel.Limits.MaxConcurrentConnections = limits.Connections;
        kestrel.Limits.MaxRequestBodySize = MessageSizeBytes + FrameSizeBytes;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        kestrel.Limits.Http2.MaxStreamsPerConnection = limits.CallsPerConnection;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }

    private static void Remember(ConnectionContext connection, CertificateDecision decision, ILogger log)
    {
        if (decision.IsAccepted) connection.Features.Set(new MemberConnection(decision.Certificate));
        else log.CertificateRefused(connection.RemoteEndPoint, decision.Refusal, decision.Advice);
    }

    private static async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next, MemberListener listener)
    {
        if (connection.Features.Get<MemberConnection>() is not { } member || !listener.Open.TryAdd(connection, member))
        {
            connection.Abort(new ConnectionAbortedException("no member, or too many connections of one"));
            return;
        }
        try
        {
            await next(connection);
        }
        finally
        {
            listener.Open.Remove(connection);
        }
    }
}
