using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Members;
using SafetyNet.Exchange.Sandbox.Pki;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Tokens;

namespace SafetyNet.Exchange.Tests.Client;

/// <summary>A channel against the real listeners and token service, and a service that only writes down who called.</summary>
public sealed class ExchangeChannelTests : IAsyncLifetime
{
    private const string Audience = "https://exchange.example";
    private const string Decision = "0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11";
    private static readonly SpiffeId School = SpiffeId.Of("tpe", "edu", "case-system");
    private static readonly SpiffeId Police = SpiffeId.Of("tpe", "police", "case-system");

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-channel-").FullName;
    private readonly ECDsa _tokenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly Wire.MemberRegistry _registry = SandboxMembers.Registry();
    private readonly ConcurrentQueue<string> _tokensSeen = new();
    private readonly int _exchangePort = FreePort();
    private readonly int _tokenPort = FreePort();
    private SandboxPki _pki = null!;
    private RevocationLists _revocation = null!;
    private OpenConnections _open = null!;
    private WebApplication _app = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var clock = TimeProvider.System;
        var log = NullLogger.Instance;
        var limits = new MemberListenerLimits();
        var members = MemberDirectory.FromWire(_registry);
        _pki = SandboxPki.Ensure(_folder, [School, Police], clock);
        var rules = new CertificateRules(MemberTls.LoadRoots(_pki.RootPath));
        _revocation = new RevocationLists(_pki.CrlDirectory, _pki.IssuerDirectory, rules, clock, _ => { });
        _open = new OpenConnections(_revocation, () => members, limits, clock, log);
        var issuer = new AccessTokenIssuer(new Uri($"https://localhost:{_tokenPort}"), Audience, _tokenKey, clock);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(_tokensSeen);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ListenForMembers(new MemberListener([new(IPAddress.Loopback, _exchangePort)], _pki.ServerContext(), rules, _revocation, _open, limits, clock, log));
            kestrel.ListenForTokens(new TokenListener([new(IPAddress.Loopback, _tokenPort)], _pki.ServerContext(), rules, _revocation, clock, log));
        });
        _app = builder.Build();
        _app.MapTokenService(issuer, () => members, _revocation, clock, log);
        _app.MapGrpcService<WritesDownWhoCalls>();
        await _app.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _open.Dispose();
        _revocation.Dispose();
        _tokenKey.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Calls_go_over_the_systems_certificate_and_carry_one_token_between_them()
    {
        using var exchange = Open(School);
        for (var i = 0; i < 3; i++)
            Assert.Equal(School.Uri, (await exchange.Members.GetSelfAsync(new Wire.GetSelfRequest(), cancellationToken: Cancel)).System.SpiffeId);

        var token = Assert.Single(_tokensSeen.Distinct());
        Assert.StartsWith("Bearer ey", token, StringComparison.Ordinal);
        Assert.Equal(3, _tokensSeen.Count);
    }

    [Fact]
    public async Task A_token_that_was_let_go_is_replaced_on_the_next_call()
    {
        using var exchange = Open(School);
        await exchange.Members.GetSelfAsync(new Wire.GetSelfRequest(), cancellationToken: Cancel);
        exchange.ForgetToken();
        await exchange.Members.GetSelfAsync(new Wire.GetSelfRequest(), cancellationToken: Cancel);
        Assert.Equal(2, _tokensSeen.Distinct().Count());
    }

    [Fact]
    [Trait("Rule", "R-AUD-8")]
    public async Task The_receipt_of_an_answer_comes_with_its_trailers()
    {
        using var exchange = Open(School);
        using var call = exchange.Members.GetSelfAsync(new Wire.GetSelfRequest(), cancellationToken: Cancel);
        await call;
        Assert.Equal(new CallReceipt(Decision, 7, MerkleTree.EmptyRoot), CallReceipt.Read(call.GetTrailers()));
    }

    [Fact]
    public async Task A_call_by_name_is_the_same_call()
    {
        using var exchange = Open(School);
        var method = ContractMethods.Find("MemberService/GetSelf")!;
        var answer = await exchange.Invoker.AsyncUnaryCall(ContractMethods.ToGrpc(method), null, new CallOptions(cancellationToken: Cancel), new Wire.GetSelfRequest());
        Assert.Equal(School.Uri, Assert.IsType<Wire.GetSelfResponse>(answer).System.SpiffeId);
    }

    [Fact]
    public async Task A_system_gets_no_token_over_another_systems_certificate()
    {
        using var exchange = Open(School, certificateOf: Police);
        var failed = await Assert.ThrowsAsync<RpcException>(async () => await exchange.Members.GetSelfAsync(new Wire.GetSelfRequest(), cancellationToken: Cancel));
        Assert.IsType<TokenRefusedException>(failed.Status.DebugException);
        Assert.Empty(_tokensSeen);
    }

    [Fact]
    public async Task An_exchange_under_another_root_is_not_spoken_to()
    {
        var elsewhere = Directory.CreateTempSubdirectory("safetynet-other-root-").FullName;
        try
        {
            var other = SandboxPki.Ensure(elsewhere, [School], TimeProvider.System);
            using var exchange = Open(School, roots: other.RootPath);
            await Assert.ThrowsAsync<RpcException>(async () => await exchange.Members.GetSelfAsync(new Wire.GetSelfRequest(), cancellationToken: Cancel));
            Assert.Empty(_tokensSeen);
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    [Fact]
    public void An_address_without_tls_is_refused()
    {
        Assert.Throws<ArgumentException>(() => ExchangeChannel.Open(Options(School, School, _pki.RootPath, "http")));
    }

    private ExchangeChannel Open(SpiffeId system, SpiffeId? certificateOf = null, string? roots = null) =>
        ExchangeChannel.Open(Options(system, certificateOf ?? system, roots ?? _pki.RootPath, "https"));

    private ExchangeChannelOptions Options(SpiffeId system, SpiffeId certificateOf, string roots, string scheme) => new()
    {
        Exchange = new Uri($"{scheme}://localhost:{_exchangePort}"),
        Tokens = new Uri($"https://localhost:{_tokenPort}"),
        System = system,
        Identity = MemberTls.LoadIdentity(_pki.CertificatePath(certificateOf), _pki.KeyPath(certificateOf)),
        Roots = MemberTls.LoadRoots(roots),
    };

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class WritesDownWhoCalls(ConcurrentQueue<string> tokensSeen) : Wire.MemberService.MemberServiceBase
    {
        public override Task<Wire.GetSelfResponse> GetSelf(Wire.GetSelfRequest request, ServerCallContext context)
        {
            tokensSeen.Enqueue(context.RequestHeaders.GetValue("authorization") ?? "");
            context.ResponseTrailers.Add(CallReceipt.DecisionTrailer, Decision);
            context.ResponseTrailers.Add(CallReceipt.RecordTrailer, CallReceipt.FormatRecord(7, MerkleTree.EmptyRoot));
            var caller = context.GetHttpContext().GetMember().Certificate.Id;
            return Task.FromResult(new Wire.GetSelfResponse { System = new Wire.MemberSystem { SpiffeId = caller.Uri } });
        }
    }
}
