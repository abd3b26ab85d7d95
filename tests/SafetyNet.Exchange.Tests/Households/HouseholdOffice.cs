using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Households;

/// <summary>A household office's own system, which serves look-ups by the contract: a real host with a member's certificate, on loopback.</summary>
internal sealed class HouseholdOffice : IAsyncDisposable
{
    private readonly WebApplication _app;

    private HouseholdOffice(WebApplication app) => _app = app;

    /// <summary>What it was asked, with the name of the one who asked.</summary>
    public ConcurrentQueue<(string Caller, Wire.LookUpHouseholdRequest Request)> Asked { get; } = new();

    /// <summary>What it answers; until it is set, that it knows nobody.</summary>
    public Func<Wire.LookUpHouseholdRequest, CancellationToken, Task<Wire.LookUpHouseholdResponse>> Answer { get; set; } =
        (_, _) => throw new RpcException(new Status(StatusCode.NotFound, ""));

    public string Address => _app.Urls.Single();

    /// <param name="system">Whose certificate it has.</param>
    public static async Task<HouseholdOffice> StartAsync(SpiffeId system)
    {
        var pki = TestExchange.Everyones();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => new(new System.Net.Security.SslServerAuthenticationOptions
                {
                    ServerCertificateContext = pki.ClientContext(system), ClientCertificateRequired = true, RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
                }),
            });
        }));
        builder.Services.AddGrpc();
        HouseholdOffice? office = null;
        builder.Services.AddSingleton(_ => office!);
        var app = builder.Build();
        app.MapGrpcService<Service>();
        office = new HouseholdOffice(app);
        await app.StartAsync();
        return office;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private sealed class Service(HouseholdOffice office) : Wire.HouseholdService.HouseholdServiceBase
    {
        public override Task<Wire.LookUpHouseholdResponse> LookUpHousehold(Wire.LookUpHouseholdRequest request, ServerCallContext context)
        {
            var certificate = context.GetHttpContext().Connection.ClientCertificate!;
            office.Asked.Enqueue((certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), request));
            return office.Answer(request, context.CancellationToken);
        }
    }
}
