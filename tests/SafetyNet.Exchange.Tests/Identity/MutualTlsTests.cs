using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Tokens;

namespace SafetyNet.Exchange.Tests.Identity;

/// <summary>Both listeners in one process on the loopback address, with real TLS, certificates and tokens.</summary>
public sealed class MutualTlsTests : IAsyncLifetime
{
    private const string Audience = "https://exchange.example";

    private readonly TestPki _pki = new();
    private readonly ECDsa _tokenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly int _memberPort = FreePort();
    private readonly int _tokenPort = FreePort();
    private readonly Wire.MemberRegistry _registry = TestRegistry.Of("police", "health");
    private MemberDirectory _members = null!;
    private RevocationLists _revocation = null!;
    private OpenConnections _open = null!;
    private AuthorityKeys _keys = null!;
    private AccessTokens _tokens = null!;
    private WebApplication _app = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var clock = TimeProvider.System;
        var log = NullLogger.Instance;
        var limits = new MemberListenerLimits { ConnectionsPerCertificate = 2 };
        _members = MemberDirectory.FromWire(_registry);
        _revocation = new RevocationLists(_pki.Pki.CrlDirectory, _pki.Pki.IssuerDirectory, _pki.Rules, clock, _ => { });
        _open = new OpenConnections(_revocation, () => _members, limits, clock, log);
        var issuer = new AccessTokenIssuer(new Uri($"https://localhost:{_tokenPort}"), Audience, _tokenKey, clock);
        _keys = new AuthorityKeys(AuthorityKeys.NewClient(MemberTls.ForClient(_pki.Rules.Roots, _pki.Pki.ServerContext())), new Uri(issuer.Issuer), clock, log);
        _tokens = new AccessTokens(_keys, issuer.Issuer, Audience, clock);

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ListenForMembers(new MemberListener([new(IPAddress.Loopback, _memberPort)], _pki.Pki.ServerContext(), _pki.Rules, _revocation, _open, limits, clock, log));
            kestrel.ListenForTokens(new TokenListener([new(IPAddress.Loopback, _tokenPort)], _pki.Pki.ServerContext(), _pki.Rules, _revocation, clock, log));
        });
        _app = builder.Build();
        _app.MapTokenService(issuer, () => _members, _revocation, clock, log);
        _app.MapGet("/whoami", async call =>
        {
            var certificate = call.GetMember().Certificate;
            var decision = await _tokens.DecideAsync(call.Request.Headers.Authorization, certificate, call.RequestAborted);
            await call.Response.WriteAsync(decision.Claims is { } claims
                ? $"{MemberAgreement.Decide(certificate, _revocation.StatusOf(certificate), claims, _members, clock.GetUtcNow(), out var member)} {member?.System.Id}"
                : decision.Refusal.ToString());
        });
        _app.MapGet("/wait", call => Task.Delay(Timeout.Infinite, call.RequestAborted));
        await _app.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _open.Dispose();
        _keys.Dispose();
        _revocation.Dispose();
        _tokenKey.Dispose();
        _pki.Dispose();
    }

    [Fact]
    public async Task A_member_gets_a_token_and_is_known_by_it_over_its_own_certificate()
    {
        using var client = Client(TestPki.Police);
        Assert.Equal($"None {TestPki.Police.Uri}", await WhoAmI(client, await Token(TestPki.Police)));
    }

    [Fact]
    public async Task B01_a_token_over_another_members_certificate_is_refused()
    {
        using var client = Client(TestPki.Health);
        Assert.Equal(nameof(TokenRefusal.OtherCertificate), await WhoAmI(client, await Token(TestPki.Police)));
    }

    [Fact]
    public async Task No_certificate_ends_the_handshake_on_both_listeners()
    {
        await AssertCut(() => HandshakeAndRead(_memberPort, null));
        await AssertCut(() => HandshakeAndRead(_tokenPort, null));
        Assert.Equal(0, _open.Count);
    }

    [Fact]
    public async Task The_handshake_that_the_refusals_are_measured_against_succeeds() => await HandshakeAndRead(_memberPort, _pki.Pki.ClientCertificate(TestPki.Police));

    [Fact]
    public async Task B06_a_certificate_without_clientAuth_ends_the_handshake() => await Refused(new Deviation { Usages = null });

    [Fact]
    public async Task A_certificate_of_another_agencys_authority_ends_the_handshake() => await Refused(new Deviation { Uris = [TestPki.Health.Uri] });

    [Fact]
    public async Task B08_an_expired_certificate_ends_the_handshake() => await Refused(new Deviation { StartsIn = TimeSpan.FromDays(-5), EndsIn = TimeSpan.FromMinutes(-1) });

    [Fact]
    public async Task B12_TLS_1_2_is_refused() => await AssertCut(
        () => HandshakeAndRead(_memberPort, _pki.Pki.ClientCertificate(TestPki.Police), SslProtocols.Tls12));

    [Fact]
    public async Task B12_a_revoked_certificate_ends_the_handshake_also_of_a_client_that_was_here_before()
    {
        using (var before = Client(TestPki.Police)) Assert.Equal(nameof(TokenRefusal.Missing), await WhoAmI(before, null));
        Revoke(TestPki.Police);
        using var after = Client(TestPki.Police);
        await Assert.ThrowsAsync<HttpRequestException>(() => WhoAmI(after, null));
        using var other = Client(TestPki.Health);
        Assert.Equal(nameof(TokenRefusal.Missing), await WhoAmI(other, null));
    }

    [Fact]
    public async Task B11_revoked_on_an_open_connection_the_next_call_is_refused_and_an_open_one_ends()
    {
        using var client = Client(TestPki.Police);
        var token = await Token(TestPki.Police);
        Assert.StartsWith("None", await WhoAmI(client, token), StringComparison.Ordinal);
        var waiting = client.GetAsync(new Uri($"https://localhost:{_memberPort}/wait"), Cancel);

        Revoke(TestPki.Police);
        Assert.StartsWith(nameof(AgreementRefusal.CertificateRevoked), await WhoAmI(client, token), StringComparison.Ordinal);
        _open.Sweep();
        Assert.False(waiting.IsCompleted);
        _open.Sweep();
        await Assert.ThrowsAsync<HttpRequestException>(() => waiting);
    }

    [Fact]
    public async Task B11_a_suspended_member_is_refused_on_the_next_call_and_gets_no_further_token()
    {
        using var client = Client(TestPki.Police);
        var token = await Token(TestPki.Police);
        _registry.Agencies[0].State = Wire.MemberState.Suspended;
        _members = MemberDirectory.FromWire(_registry);
        Assert.StartsWith(nameof(AgreementRefusal.Suspended), await WhoAmI(client, token), StringComparison.Ordinal);
        using var response = await AskForToken(TestPki.Police);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("invalid_client", (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("error").GetString());
    }

    [Fact]
    public async Task B18_one_certificate_may_not_hold_more_connections_than_its_cap()
    {
        using var first = await Handshake(_memberPort, _pki.Pki.ClientCertificate(TestPki.Police), SslProtocols.Tls13);
        using var second = await Handshake(_memberPort, _pki.Pki.ClientCertificate(TestPki.Police), SslProtocols.Tls13);
        await ReadOne(first);
        await ReadOne(second);
        Assert.Equal(2, _open.Count);
        await AssertCut(() => HandshakeAndRead(_memberPort, _pki.Pki.ClientCertificate(TestPki.Police)));
        await HandshakeAndRead(_memberPort, _pki.Pki.ClientCertificate(TestPki.Health));
    }

    [Fact]
    public async Task The_token_service_answers_on_its_own_listener_only()
    {
        using var client = Client(TestPki.Police);
        foreach (var path in (string[])["/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"])
        {
            using var elsewhere = await client.GetAsync(new Uri($"https://localhost:{_memberPort}{path}"), Cancel);
            Assert.Equal(HttpStatusCode.NotFound, elsewhere.StatusCode);
            using var here = await client.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"https://localhost:{_tokenPort}{path}"), Cancel);
            Assert.Equal(HttpStatusCode.OK, here.StatusCode);
            Assert.False(here.Headers.Contains("Server"));
        }
        using var form = Form(TestPki.Police, null);
        using var posted = await client.PostAsync(new Uri($"https://localhost:{_memberPort}/token"), form, Cancel);
        Assert.Equal(HttpStatusCode.NotFound, posted.StatusCode);
    }

    [Fact]
    public async Task A_token_form_that_is_too_large_or_no_form_is_refused()
    {
        using var client = Client(TestPki.Police);
        foreach (var content in (HttpContent[])[new StringContent("{}"), Form(TestPki.Police, new string('x', 9000))])
        {
            using var response = await client.PostAsync(new Uri($"https://localhost:{_tokenPort}/token"), content, Cancel);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal("invalid_request", (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("error").GetString());
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Revoke(SpiffeId system)
    {
        _pki.Pki.Revoke(system);
        _revocation.Reload();
    }

    private HttpClient Client(SpiffeId system) => new(new SocketsHttpHandler { SslOptions = MemberTls.ForClient(_pki.Rules.Roots, _pki.Pki.ClientContext(system)) })
    {
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        Timeout = TimeSpan.FromSeconds(20),
    };

    private static FormUrlEncodedContent Form(SpiffeId system, string? scope) => new(new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["grant_type"] = "client_credentials",
        ["client_id"] = system.Uri,
        ["scope"] = scope ?? "referrals.read",
    });

    private async Task<HttpResponseMessage> AskForToken(SpiffeId system)
    {
        using var client = Client(system);
        return await client.PostAsync(new Uri($"https://localhost:{_tokenPort}/token"), Form(system, null), Cancel);
    }

    private async Task<string> Token(SpiffeId system)
    {
        using var response = await AskForToken(system);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.Equal(("Bearer", 600, "no-store"), (answer.GetProperty("token_type").GetString(), answer.GetProperty("expires_in").GetInt32(), response.Headers.CacheControl?.ToString()));
        return answer.GetProperty("access_token").GetString()!;
    }

    private async Task<string> WhoAmI(HttpClient client, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://localhost:{_memberPort}/whoami") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (token is not null) request.Headers.Authorization = new("Bearer", token);
        using var response = await client.SendAsync(request, Cancel);
        return await response.Content.ReadAsStringAsync(Cancel);
    }

    private async Task Refused(Deviation deviation)
    {
        using var issuer = _pki.Pki.LoadIssuerWithKey(TestPki.Police);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var bare = _pki.Issue(deviation with { Key = new PublicKey(key) }, issuer);
        using var certificate = bare.CopyWithPrivateKey(key);
        await AssertCut(() => HandshakeAndRead(_memberPort, certificate));
        Assert.Equal(0, _open.Count);
    }

    // Cut by the listener, not given up by the test.
    private static async Task AssertCut(Func<Task> connect)
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(connect);
        Assert.True(error is IOException or AuthenticationException, error.ToString());
    }

    // In TLS 1.3 the client's part ends before the listener has looked at its certificate: only a byte read tells that it was let in.
    private async Task HandshakeAndRead(int port, X509Certificate2? certificate, SslProtocols protocols = SslProtocols.Tls13)
    {
        using var tls = await Handshake(port, certificate, protocols);
        await ReadOne(tls);
    }

    // Both preface and empty SETTINGS of a client (RFC 9113 3.4); an HTTP/2 listener answers with its own settings, without a request.
    private static async Task ReadOne(SslStream tls)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(10));
        await tls.WriteAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0], patience.Token);
        if (await tls.ReadAsync(new byte[1], patience.Token) == 0) throw new AuthenticationException("the listener closed the connection");
    }

    private async Task<SslStream> Handshake(int port, X509Certificate2? certificate, SslProtocols protocols)
    {
        var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port, Cancel);
        var tls = new SslStream(tcp.GetStream());
        var options = MemberTls.ForClient(_pki.Rules.Roots, certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true));
        options.TargetHost = "localhost";
        options.EnabledSslProtocols = protocols;
        options.ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        await tls.AuthenticateAsClientAsync(options, Cancel);
        return tls;
    }
}
