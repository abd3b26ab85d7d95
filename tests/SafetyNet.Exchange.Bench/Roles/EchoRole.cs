using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using SafetyNet.Exchange.Bench.Echo;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Pki;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Hosting;
using SafetyNet.Exchange.Server.Identity;

namespace SafetyNet.Exchange.Bench.Roles;

/// <summary>The least that a call can cost: the members' listener with its certificates and limits, gRPC, and an answer without any work.</summary>
internal static class EchoRole
{
    public static async Task RunAsync(ExchangeRoleSettings settings)
    {
        var (clock, builder) = (TimeProvider.System, ExchangeRole.NewBuilder(out var logging));
        using var keepLogging = logging;
        var log = logging.CreateLogger("SafetyNet.Exchange");
        var (options, pki) = SandboxSetup.Prepare(new ServerOptions { Exchange = new ExchangeSettings { Port = settings.Port } }, new SandboxSettings
        {
            DataDirectory = settings.DataDirectory, CertificateDirectory = settings.CertificateDirectory, TokenPort = settings.TokenPort,
        }, clock);
        using var registry = new MemberDirectoryFile(options.Identity.RegistryPath, clock, _ => { });
        var rules = new CertificateRules(MemberTls.LoadRoots(pki.RootPath));
        using var revocation = new RevocationLists(pki.CrlDirectory, pki.IssuerDirectory, rules, clock, _ => { });
        revocation.Watch();
        using var connections = new OpenConnections(revocation, () => registry.Current, ExchangeRole.Listener, clock, log);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenForMembers(new MemberListener(
            Composition.Endpoints(options.Exchange.Addresses, options.Exchange.Port), MemberTls.LoadIdentity(pki.ServerCertificatePath, pki.ServerKeyPath),
            rules, revocation, connections, ExchangeRole.Listener, clock, log)));
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = KestrelSetup.MessageSizeBytes;
            grpc.MaxSendMessageSize = KestrelSetup.MessageSizeBytes;
            grpc.EnableDetailedErrors = false;
            grpc.IgnoreUnknownServices = false;
        });
        builder.Services.AddSingleton<EchoHandler>();
        await using var app = builder.Build();
        app.MapGrpcService<EchoHandler>();
        await app.StartAsync();
        await OrderLoop.RunAsync(_ => Task.FromResult(ExchangeRole.Read(flushes: 0, records: 0, rowBytes: 0)));
        await app.StopAsync();
    }

    private sealed class EchoHandler : EchoService.EchoServiceBase
    {
        private readonly ConcurrentDictionary<int, ByteString> _payloads = new();

        public override Task<EchoAnswer> Say(EchoRequest request, ServerCallContext context) =>
            Task.FromResult(new EchoAnswer { Payload = _payloads.GetOrAdd(request.AnswerBytes, static size => ByteString.CopyFrom(new byte[size])) });
    }
}
