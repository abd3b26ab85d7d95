using Grpc.Core;
using SafetyNet.Exchange.Tests.GrpcCalls.Echo;

namespace SafetyNet.Exchange.Tests.GrpcCalls;

/// <summary>Credentials that travel with calls, over TLS.</summary>
public sealed class CredentialTests : IClassFixture<EchoServer>
{
    private readonly EchoServer server;
    private string? seen;

    public CredentialTests(EchoServer server)
    {
        this.server = server;
        server.Reset();
        server.Say = (request, context) =>
        {
            seen = string.Join(' ', context.RequestHeaders.GetAll("authorization").Concat(context.RequestHeaders.GetAll("x-more")).Select(entry => entry.Value));
            return EchoServer.SayBack(request, context);
        };
    }

    [Fact]
    public async Task The_channels_credentials_are_on_every_call_and_know_which()
    {
        AuthInterceptorContext? asked = null;
        var token = CallCredentials.FromInterceptor((context, headers) =>
        {
            asked = context;
            headers.Add("authorization", "Bearer t");
            return Task.CompletedTask;
        });
        var client = new EchoService.EchoServiceClient(server.Tls(options => options.Credentials = ChannelCredentials.Create(ChannelCredentials.SecureSsl, token)));
        await client.SayAsync(new EchoRequest());
        Assert.Equal("Bearer t", seen);
        Assert.Equal("Say", asked!.MethodName);
        Assert.Equal($"https://{new Uri(server.TlsAddress).Authority}/safetynet.exchange.tests.grpc.EchoService", asked.ServiceUrl);
    }

    [Fact]
    public async Task A_calls_own_credentials_join_the_channels_and_a_composition_keeps_its_order()
    {
        var order = new List<string>();
        CallCredentials Adding(string key, string value) => CallCredentials.FromInterceptor(async (_, headers) =>
        {
            await Task.Yield();
            order.Add(value);
            headers.Add(key, value);
        });
        var client = new EchoService.EchoServiceClient(
            server.Tls(options => options.Credentials = ChannelCredentials.Create(new SslCredentials(), Adding("authorization", "channel"))));
        await client.SayAsync(new EchoRequest(), new CallOptions(credentials: CallCredentials.Compose(Adding("x-more", "one"), Adding("x-more", "two"))));
        Assert.Equal("channel one, two", seen);
        Assert.Equal(["channel", "one", "two"], order.Order(StringComparer.Ordinal));
        Assert.True(order.IndexOf("one") < order.IndexOf("two"));
    }

    [Fact]
    public async Task Credentials_that_fail_keep_the_call_from_being_made()
    {
        var failing = CallCredentials.FromInterceptor((_, _) => throw new InvalidOperationException("token service down"));
        var client = new EchoService.EchoServiceClient(server.Tls());
        var refused = await Assert.ThrowsAsync<RpcException>(
            () => client.SayAsync(new EchoRequest(), new CallOptions(credentials: failing)).ResponseAsync);
        Assert.Equal(StatusCode.Internal, refused.StatusCode);
        Assert.Null(seen);
    }

    [Fact]
    public async Task Over_plain_text_a_calls_credentials_are_not_sent()
    {
        var token = CallCredentials.FromInterceptor((_, headers) =>
        {
            headers.Add("authorization", "Bearer t");
            return Task.CompletedTask;
        });
        await server.Client().SayAsync(new EchoRequest(), new CallOptions(credentials: token));
        Assert.Equal("", seen);
    }

    [Fact]
    public async Task A_server_whose_certificate_is_not_trusted_is_not_talked_to()
    {
        var client = new EchoService.EchoServiceClient(server.Tls(options => options.HttpHandler = new SocketsHttpHandler()));
        await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new EchoRequest()).ResponseAsync);
        Assert.Null(seen);
    }

    [Fact]
    public void Pem_credentials_are_refused_by_this_client_which_takes_certificates_through_its_handler() =>
        Assert.ThrowsAny<Exception>(() => server.Tls(options => options.Credentials = new SslCredentials("-----BEGIN CERTIFICATE-----")));
}
