using System.Net.Http;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Protocol.Client;

/// <summary>
/// An agency system's way into the exchange: one long-lived HTTP/2 connection over mutual TLS on which every call carries the system's access token.
/// Open one at start, keep it, share it between threads, and make all calls through its clients.
/// </summary>
/// <remarks>
/// A call in full: fill <c>context</c> (who acts, why, for which referral or case; R-NTK-1), give writes a <c>request_id</c> of your own and keep it over
/// retries, await the answer, and keep the <see cref="CallReceipt"/> of its trailers. A refusal is an <see cref="RpcException"/> whose details say reason
/// and fields in English and Chinese.
/// <code>
/// using var exchange = ExchangeChannel.Open(new ExchangeChannelOptions
/// {
///     Exchange = new Uri("https://exchange.example:5443"),
///     Tokens = new Uri("https://exchange.example:5444"),
///     System = SpiffeId.Of("tpe", "edu", "case-system"),
///     Identity = MemberTls.LoadIdentity("tpe.edu.case-system.pem", "tpe.edu.case-system.key"),
///     Roots = MemberTls.LoadRoots("root.pem"),
/// });
/// using var call = exchange.Members.GetSelfAsync(new Wire.GetSelfRequest { Context = context });
/// var self = await call;
/// var receipt = CallReceipt.Read(call.GetTrailers());
/// </code>
/// </remarks>
public sealed class ExchangeChannel : IDisposable
{
    /// <summary>Largest message of the exchange, in either direction: 4 MiB.</summary>
    public const int MaximumMessageBytes = 4 * 1024 * 1024;

    private readonly SocketsHttpHandler _exchangeConnections;
    private readonly HttpClient _tokenHttp;
    private readonly AccessTokenCache _tokens;
    private readonly GrpcChannel _channel;

    private ExchangeChannel(ExchangeChannelOptions options)
    {
        System = options.System;
        _tokenHttp = new HttpClient(Connections(options, idle: TimeSpan.FromSeconds(5)), disposeHandler: true) { Timeout = options.TokenTimeout };
        var service = new TokenService(_tokenHttp, options.Tokens, options.System, options.Scopes);
        _tokens = new AccessTokenCache(service.RequestAsync, options.Clock);

        _exchangeConnections = Connections(options, idle: Timeout.InfiniteTimeSpan);
        var credentials = CallCredentials.FromInterceptor(async (call, metadata) =>
            metadata.Add("authorization", "Bearer " + await _tokens.GetAsync(call.CancellationToken)));
        _channel = GrpcChannel.ForAddress(options.Exchange, new GrpcChannelOptions
        {
            HttpHandler = _exchangeConnections,
            Credentials = ChannelCredentials.Create(ChannelCredentials.SecureSsl, credentials),
            MaxReceiveMessageSize = MaximumMessageBytes,
            MaxSendMessageSize = MaximumMessageBytes,
            ThrowOperationCanceledOnCancellation = true,
        });
        Invoker = _channel.CreateCallInvoker();
        Members = new Wire.MemberService.MemberServiceClient(Invoker);
        Referrals = new Wire.ReferralService.ReferralServiceClient(Invoker);
        Cases = new Wire.CaseService.CaseServiceClient(Invoker);
        Households = new Wire.HouseholdService.HouseholdServiceClient(Invoker);
        Inbox = new Wire.InboxService.InboxServiceClient(Invoker);
        Audit = new Wire.AuditService.AuditServiceClient(Invoker);
        Grants = new Wire.GrantService.GrantServiceClient(Invoker);
        BreakGlass = new Wire.BreakGlassService.BreakGlassServiceClient(Invoker);
        Policies = new Wire.PolicyService.PolicyServiceClient(Invoker);
        Conferences = new Wire.ConferenceService.ConferenceServiceClient(Invoker);
        Disclosures = new Wire.DisclosureService.DisclosureServiceClient(Invoker);
        Reveals = new Wire.RevealService.RevealServiceClient(Invoker);
        Clocks = new Wire.ClockService.ClockServiceClient(Invoker);
        Misuse = new Wire.MisuseService.MisuseServiceClient(Invoker);
        Reports = new Wire.ReportService.ReportServiceClient(Invoker);
        Retention = new Wire.RetentionService.RetentionServiceClient(Invoker);
        ReferralHandshakes = new Wire.ReferralHandshakeService.ReferralHandshakeServiceClient(Invoker);
        ReferralWork = new Wire.ReferralWorkService.ReferralWorkServiceClient(Invoker);
        LeadDisputes = new Wire.LeadDisputeService.LeadDisputeServiceClient(Invoker);
        CaseLife = new Wire.CaseLifeService.CaseLifeServiceClient(Invoker);
        ServicePlans = new Wire.ServicePlanService.ServicePlanServiceClient(Invoker);
        CaseNotes = new Wire.CaseNoteService.CaseNoteServiceClient(Invoker);
        CaseWatch = new Wire.CaseWatchService.CaseWatchServiceClient(Invoker);
        Visits = new Wire.VisitService.VisitServiceClient(Invoker);
        Meetings = new Wire.MeetingService.MeetingServiceClient(Invoker);
        TrackedItems = new Wire.TrackedItemService.TrackedItemServiceClient(Invoker);
        HouseholdDeliveries = new Wire.HouseholdDeliveryService.HouseholdDeliveryServiceClient(Invoker);
        PersonLinks = new Wire.PersonLinkService.PersonLinkServiceClient(Invoker);
    }

    /// <summary>The system that calls.</summary>
    public SpiffeId System { get; }

    /// <summary>What makes the calls; for interceptors of your own, generated clients of other services, and calls by name.</summary>
    public CallInvoker Invoker { get; }

    public Wire.MemberService.MemberServiceClient Members { get; }

    public Wire.ReferralService.ReferralServiceClient Referrals { get; }

    public Wire.CaseService.CaseServiceClient Cases { get; }

    public Wire.HouseholdService.HouseholdServiceClient Households { get; }

    public Wire.InboxService.InboxServiceClient Inbox { get; }

    public Wire.AuditService.AuditServiceClient Audit { get; }

    public Wire.GrantService.GrantServiceClient Grants { get; }

    public Wire.BreakGlassService.BreakGlassServiceClient BreakGlass { get; }

    public Wire.PolicyService.PolicyServiceClient Policies { get; }

    public Wire.ConferenceService.ConferenceServiceClient Conferences { get; }

    public Wire.DisclosureService.DisclosureServiceClient Disclosures { get; }

    public Wire.RevealService.RevealServiceClient Reveals { get; }

    public Wire.ClockService.ClockServiceClient Clocks { get; }

    public Wire.MisuseService.MisuseServiceClient Misuse { get; }

    public Wire.ReportService.ReportServiceClient Reports { get; }

    public Wire.RetentionService.RetentionServiceClient Retention { get; }

    public Wire.ReferralHandshakeService.ReferralHandshakeServiceClient ReferralHandshakes { get; }

    public Wire.ReferralWorkService.ReferralWorkServiceClient ReferralWork { get; }

    public Wire.LeadDisputeService.LeadDisputeServiceClient LeadDisputes { get; }

    public Wire.CaseLifeService.CaseLifeServiceClient CaseLife { get; }

    public Wire.ServicePlanService.ServicePlanServiceClient ServicePlans { get; }

    public Wire.CaseNoteService.CaseNoteServiceClient CaseNotes { get; }

    public Wire.CaseWatchService.CaseWatchServiceClient CaseWatch { get; }

    public Wire.VisitService.VisitServiceClient Visits { get; }

    public Wire.MeetingService.MeetingServiceClient Meetings { get; }

    public Wire.TrackedItemService.TrackedItemServiceClient TrackedItems { get; }

    public Wire.HouseholdDeliveryService.HouseholdDeliveryServiceClient HouseholdDeliveries { get; }

    public Wire.PersonLinkService.PersonLinkServiceClient PersonLinks { get; }

    /// <summary>Opens the way; nothing is sent before the first call, which also fetches the first token.</summary>
    /// <remarks>Refuses with <see cref="ArgumentException"/> an address that is not https.</remarks>
    public static ExchangeChannel Open(ExchangeChannelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var address in (Uri[])[options.Exchange, options.Tokens])
        {
            if (!string.Equals(address.Scheme, Uri.UriSchemeHttps, StringComparison.Ordinal))
                throw new ArgumentException($"{address} is not https; the exchange is reached over mutual TLS only.", nameof(options));
        }

        return new ExchangeChannel(options);
    }

    /// <summary>Makes the next call fetch a new token; for an answer of TOKEN_EXPIRED or TOKEN_NOT_ACCEPTED while the held one should still be good.</summary>
    public void ForgetToken() => _tokens.Forget();

    public void Dispose()
    {
        _channel.Dispose();
        _exchangeConnections.Dispose();
        _tokenHttp.Dispose();
        _tokens.Dispose();
    }

    private static SocketsHttpHandler Connections(ExchangeChannelOptions options, TimeSpan idle) => new()
    {
        SslOptions = MemberTls.ForClient(options.Roots, options.Identity),
        EnableMultipleHttp2Connections = options.MultipleConnections,
        // A connection whose peer is gone is noticed within 40 seconds, calls in flight or not; an idle one stays, for a handshake costs as much as 100 to 300 calls.
        KeepAlivePingDelay = TimeSpan.FromSeconds(30),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
        PooledConnectionIdleTimeout = idle,
        ConnectTimeout = options.ConnectTimeout,
        UseProxy = options.UseProxy,
        AllowAutoRedirect = false,
        UseCookies = false,
    };
}

/// <summary>Where the exchange is, and who calls it.</summary>
public sealed class ExchangeChannelOptions
{
    /// <summary>Address of the exchange, https, without path.</summary>
    public required Uri Exchange { get; init; }

    /// <summary>Address of the token service, https; its token endpoint is found by discovery (RFC 8414).</summary>
    public required Uri Tokens { get; init; }

    /// <summary>The calling system; must be what its certificate names.</summary>
    public required SpiffeId System { get; init; }

    /// <summary>The system's certificate with key and chain; see <see cref="MemberTls.LoadIdentity"/>.</summary>
    public required SslStreamCertificateContext Identity { get; init; }

    /// <summary>The exchange's roots; no other authority is trusted. See <see cref="MemberTls.LoadRoots"/>.</summary>
    public required X509Certificate2Collection Roots { get; init; }

    /// <summary>Scopes to ask the token for, e.g. <c>referrals.read</c>; empty (default): all that the system is registered for.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>Opens further connections when one carries as many calls as it may (100); default false. Only worth it above some thousand calls a second.</summary>
    public bool MultipleConnections { get; init; }

    /// <summary>Goes through the proxy of the environment; default false. TLS is end to end through it all the same.</summary>
    public bool UseProxy { get; init; }

    /// <summary>Longest time to open a connection; default 10 seconds.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time to fetch a token; default 10 seconds.</summary>
    public TimeSpan TokenTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Tells when a token is to be renewed; default the machine's clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
