using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SafetyNet.Exchange.Tests.GrpcCalls.Echo;

namespace SafetyNet.Exchange.Tests.GrpcCalls;

/// <summary>A real server on loopback, one port in plain HTTP/2 and one in TLS, whose handlers each test writes; and channels to it.</summary>
/// <remarks>The server's interceptors leave their names in <see cref="Trail"/>. Disposing fails when the server logged an error that no test took from <see cref="Errors"/>.</remarks>
public sealed class EchoServer : IAsyncLifetime
{
    /// <summary>The largest message the server takes.</summary>
    public const int MaxReceiveSizeBytes = 1024 * 1024;

    private readonly List<GrpcChannel> channels = [];
    private X509Certificate2? certificate;
    private WebApplication? app;

    public Func<EchoRequest, ServerCallContext, Task<EchoReply>> Say { get; set; } = SayBack;

    public Func<IAsyncStreamReader<EchoRequest>, ServerCallContext, Task<EchoReply>> Join { get; set; } = JoinAll;

    public Func<EchoRequest, IServerStreamWriter<EchoReply>, ServerCallContext, Task> Repeat { get; set; } = RepeatText;

    public Func<IAsyncStreamReader<EchoRequest>, IServerStreamWriter<EchoReply>, ServerCallContext, Task> Chat { get; set; } = ChatBack;

    /// <summary>What interceptors and handlers did, in order.</summary>
    public ConcurrentQueue<string> Trail { get; } = [];

    /// <summary>What the server logged as error or worse.</summary>
    public ConcurrentQueue<string> Errors { get; } = [];

    /// <summary>The plain endpoint's address.</summary>
    public string PlainAddress => Addresses.Single(address => address.StartsWith("http:", StringComparison.Ordinal));

    /// <summary>The TLS endpoint's address.</summary>
    public string TlsAddress => Addresses.Single(address => address.StartsWith("https:", StringComparison.Ordinal));

    private ICollection<string> Addresses => app!.Urls;

    public static Task<EchoReply> SayBack(EchoRequest request, ServerCallContext context) =>
        Task.FromResult(new EchoReply { Text = request.Text, Count = 1, Blob = request.Blob });

    public static async Task<EchoReply> JoinAll(IAsyncStreamReader<EchoRequest> requests, ServerCallContext context)
    {
        var texts = new List<string>();
        await foreach (var request in requests.ReadAllAsync(context.CancellationToken)) texts.Add(request.Text);
        return new EchoReply { Text = string.Join('+', texts), Count = texts.Count };
    }

    public static async Task RepeatText(EchoRequest request, IServerStreamWriter<EchoReply> responses, ServerCallContext context)
    {
        for (var i = 1; i <= Math.Max(1, request.Count); i++)
            await responses.WriteAsync(new EchoReply { Text = request.Text, Count = i }, context.CancellationToken);
    }

    public static async Task ChatBack(IAsyncStreamReader<EchoRequest> requests, IServerStreamWriter<EchoReply> responses, ServerCallContext context)
    {
        var count = 0;
        while (await requests.MoveNext()) await responses.WriteAsync(new EchoReply { Text = requests.Current.Text, Count = ++count });
    }

    public async ValueTask InitializeAsync()
    {
        certificate = SelfSigned();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(new ErrorLog(Errors));
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate));
        });
        builder.Services.AddSingleton(this);
        builder.Services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = MaxReceiveSizeBytes;
            options.Interceptors.Add<ServerTrail>("outer");
            options.Interceptors.Add<ServerTrail>("inner");
        }).AddServiceOptions<EchoServiceHandlers>(options => options.Interceptors.Add<ServerTrail>("service"));
        app = builder.Build();
        app.MapGrpcService<EchoServiceHandlers>();
        app.MapGrpcService(Definition());
        await app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in channels) channel.Dispose();
        if (app is not null)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        certificate?.Dispose();
        Assert.Empty(Errors);
    }

    /// <summary>Back to the handlers that echo, with an empty trail.</summary>
    public void Reset()
    {
        Say = SayBack;
        Join = JoinAll;
        Repeat = RepeatText;
        Chat = ChatBack;
        Trail.Clear();
    }

    /// <summary>A channel in plain HTTP/2; closed with the server.</summary>
    public GrpcChannel Plain(Action<GrpcChannelOptions>? configure = null) => Open(PlainAddress, configure);

    /// <summary>A channel in TLS that trusts this server's certificate; closed with the server.</summary>
    public GrpcChannel Tls(Action<GrpcChannelOptions>? configure = null) => Open(TlsAddress, options =>
    {
        var thumbprint = certificate!.Thumbprint;
        options.DisposeHttpClient = true;
        options.HttpHandler = new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is X509Certificate2 leaf && leaf.Thumbprint == thumbprint },
        };
        configure?.Invoke(options);
    });

    /// <summary>A client over a fresh plain channel.</summary>
    public EchoService.EchoServiceClient Client(Action<GrpcChannelOptions>? configure = null) => new(Plain(configure));

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var signed = request.CreateSelfSigned(now.AddMinutes(-5), now.AddHours(1));
        return X509CertificateLoader.LoadPkcs12(signed.Export(X509ContentType.Pkcs12), null);
    }

    private GrpcChannel Open(string address, Action<GrpcChannelOptions>? configure)
    {
        var options = new GrpcChannelOptions();
        configure?.Invoke(options);
        var channel = GrpcChannel.ForAddress(address, options);
        lock (channels) channels.Add(channel);
        return channel;
    }

    /// <summary>A service put together by hand instead of generated, with interceptors of its own.</summary>
    private ServerServiceDefinition Definition() => ServerServiceDefinition.CreateBuilder()
        .AddMethod(HandMade.Unary, (text, _) => Task.FromResult(text.ToUpperInvariant()))
        .AddMethod(HandMade.ClientStreaming, async (IAsyncStreamReader<string> texts, ServerCallContext _) => string.Concat(await texts.ReadAllAsync().ToListAsync()))
        .AddMethod(HandMade.ServerStreaming, async (string text, IServerStreamWriter<string> responses, ServerCallContext _) =>
        {
            foreach (var letter in text) await responses.WriteAsync(letter.ToString());
        })
        .AddMethod(HandMade.DuplexStreaming, async (IAsyncStreamReader<string> texts, IServerStreamWriter<string> responses, ServerCallContext _) =>
        {
            await foreach (var text in texts.ReadAllAsync()) await responses.WriteAsync(text);
        })
        .Build()
        .Intercept(new ServerTrail(this, "first"), new ServerTrail(this, "second"));

    /// <summary>Methods of a service nobody generated, whose messages are text.</summary>
    internal static class HandMade
    {
        public static readonly Method<string, string> Unary = Of(MethodType.Unary);
        public static readonly Method<string, string> ClientStreaming = Of(MethodType.ClientStreaming);
        public static readonly Method<string, string> ServerStreaming = Of(MethodType.ServerStreaming);
        public static readonly Method<string, string> DuplexStreaming = Of(MethodType.DuplexStreaming);

        private static Method<string, string> Of(MethodType type) =>
            new(type, "safetynet.tests.HandMade", type.ToString(), Marshallers.StringMarshaller, Marshallers.StringMarshaller);
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Made by the server, one per call.")]
    private sealed class EchoServiceHandlers(EchoServer server) : EchoService.EchoServiceBase
    {
        public override Task<EchoReply> Say(EchoRequest request, ServerCallContext context) => server.Say(request, context);

        public override Task<EchoReply> Join(IAsyncStreamReader<EchoRequest> requestStream, ServerCallContext context) => server.Join(requestStream, context);

        public override Task Repeat(EchoRequest request, IServerStreamWriter<EchoReply> responseStream, ServerCallContext context) =>
            server.Repeat(request, responseStream, context);

        public override Task Chat(IAsyncStreamReader<EchoRequest> requestStream, IServerStreamWriter<EchoReply> responseStream, ServerCallContext context) =>
            server.Chat(requestStream, responseStream, context);
    }

    private sealed class ErrorLog(ConcurrentQueue<string> errors) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) errors.Enqueue($"{formatter(state, exception)} {exception}");
        }

        public void Dispose()
        {
        }
    }
}

/// <summary>A server interceptor that notes when a call passes it, in and out, tells the handler, and refuses when the call asks it to.</summary>
internal sealed class ServerTrail(EchoServer server, string name) : Interceptor
{
    /// <summary>Names the interceptor that refuses the call.</summary>
    public const string RefuseAtHeader = "refuse-at";

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        Note("unary", context);
        var response = await continuation(request, context);
        Leave();
        return response;
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Note("client streaming", context);
        var response = await continuation(requestStream, context);
        Leave();
        return response;
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Note("server streaming", context);
        await continuation(request, responseStream, context);
        Leave();
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Note("duplex", context);
        await continuation(requestStream, responseStream, context);
        Leave();
    }

    private void Note(string kind, ServerCallContext context)
    {
        server.Trail.Enqueue($"{name} {kind}");
        context.UserState["passed"] = context.UserState.TryGetValue("passed", out var before) ? $"{before} {name}" : name;
        if (context.GetHttpContext().Request.Headers[RefuseAtHeader] == name)
            throw new RpcException(new Status(StatusCode.PermissionDenied, $"not past {name}"));
    }

    private void Leave() => server.Trail.Enqueue($"{name} out");
}
