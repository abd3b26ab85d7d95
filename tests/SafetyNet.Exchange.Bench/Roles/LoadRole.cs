using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using SafetyNet.Exchange.Bench.Echo;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Bench.Roles;

/// <summary>Whom the load process calls.</summary>
/// <param name="Large">The exchange with all persons.</param>
/// <param name="Small">The exchange with a tenth of them; null while databases are made.</param>
/// <param name="Echo">Address of the echo; null while databases are made.</param>
internal sealed record LoadPlan(string CertificateDirectory, int Connections, ExchangeAddress Large, ExchangeAddress? Small, Uri? Echo);

/// <summary>An exchange and the file with whom to ask it for.</summary>
internal sealed record ExchangeAddress(Uri Exchange, Uri Tokens, string SubjectsPath);

/// <summary>The agencies' side of a run, in a process of its own: long-lived connections, every answer checked.</summary>
internal sealed class LoadRole : IDisposable
{
    private static readonly SpiffeId School = SpiffeId.Of("tpe", "edu", "case-system");
    private static readonly SpiffeId Welfare = SpiffeId.Of("tpe", "dosw", "case-system");
    private readonly LoadPlan _plan;
    private readonly X509Certificate2Collection _roots;
    private readonly ExchangeCaller _large;
    private readonly ExchangeCaller? _small;
    private readonly List<GrpcChannel> _echoChannels = [];
    private readonly List<EchoService.EchoServiceClient> _echo = [];

    private LoadRole(LoadPlan plan)
    {
        _plan = plan;
        _roots = MemberTls.LoadRoots(Path.Combine(plan.CertificateDirectory, "root.pem"));
        _large = Caller(plan.Large);
        _small = plan.Small is { } small ? Caller(small) : null;
        if (plan.Echo is { } echo)
        {
            for (var i = 0; i < plan.Connections; i++)
            {
                var channel = GrpcChannel.ForAddress(echo, new GrpcChannelOptions
                {
                    HttpHandler = new SocketsHttpHandler { SslOptions = MemberTls.ForClient(_roots, Identity(Welfare)), UseProxy = false, UseCookies = false, AllowAutoRedirect = false },
                    DisposeHttpClient = true, MaxReceiveMessageSize = ExchangeChannel.MaximumMessageBytes, ThrowOperationCanceledOnCancellation = true,
                });
                _echoChannels.Add(channel);
                _echo.Add(new EchoService.EchoServiceClient(channel));
            }
        }
    }

    public static async Task RunAsync(LoadPlan plan)
    {
        using var role = new LoadRole(plan);
        await OrderLoop.RunAsync(role.DoAsync);
    }

    public void Dispose()
    {
        _large.Dispose();
        _small?.Dispose();
        foreach (var channel in _echoChannels) channel.Dispose();
    }

    private async Task<LoadResult> DoAsync(Order order)
    {
        try
        {
            return order.Case switch
            {
                Order.Prepare => await _large.PrepareAsync(),
                Order.Echo => await EchoAsync(order),
                Order.LookUp or Order.LookUpPermitAll or Order.LookUpDeciding => await ClosedLoop.RunAsync(order, _large.LookUpAsync),
                Order.LookUpSmall => await ClosedLoop.RunAsync(order, _small!.LookUpAsync),
                Order.Stock => await _large.StockAsync(order),
                Order.Accept => await ClosedLoop.RunAsync(order, _large.AcceptAsync),
                Order.Submit => await ClosedLoop.RunAsync(order, _large.SubmitAsync),
                Order.Create => await ClosedLoop.RunAsync(order, _large.CreateAsync),
                _ => throw new InvalidOperationException($"the load does not know `{order.Case}`"),
            };
        }
        catch (RpcException error)
        {
            return new LoadResult(0, 1, 0, 0, 0, 0, error.Message);
        }
    }

    private Task<LoadResult> EchoAsync(Order order)
    {
        var request = new EchoRequest { Payload = ByteString.CopyFrom(new byte[order.RequestBytes]), AnswerBytes = order.AnswerBytes };
        return ClosedLoop.RunAsync(order, async (connection, _, _) =>
        {
            using var call = _echo[connection].SayAsync(request);
            var answer = await call;
            if (answer.Payload.Length != order.AnswerBytes) throw new WrongAnswerException("the echo is not as long as asked");
            return new CallSize(order.RequestBytes, order.AnswerBytes);
        });
    }

    private ExchangeCaller Caller(ExchangeAddress address) => new(
        address.SubjectsPath, [.. Channels(address, Welfare)], [.. Channels(address, School)]);

    private IEnumerable<ExchangeChannel> Channels(ExchangeAddress address, SpiffeId system) => Enumerable.Range(0, _plan.Connections).Select(_ =>
        ExchangeChannel.Open(new ExchangeChannelOptions
        {
            Exchange = address.Exchange, Tokens = address.Tokens, System = system, Identity = Identity(system), Roots = _roots,
        }));

    private System.Net.Security.SslStreamCertificateContext Identity(SpiffeId system)
    {
        var name = Path.Combine(_plan.CertificateDirectory, "systems", $"{system.Jurisdiction}.{system.Agency}.{system.System}");
        return MemberTls.LoadIdentity(name + ".pem", name + ".key");
    }
}
