using Grpc.Core;
using Grpc.Core.Interceptors;
using SafetyNet.Exchange.Tests.GrpcCalls.Echo;

namespace SafetyNet.Exchange.Tests.GrpcCalls;

/// <summary>What stands around a call, on either side, and in which order.</summary>
public sealed class InterceptorTests : IClassFixture<EchoServer>
{
    private readonly EchoServer server;

    public InterceptorTests(EchoServer server)
    {
        this.server = server;
        server.Reset();
    }

    [Fact]
    public async Task The_servers_interceptors_run_in_order_around_every_kind_of_call()
    {
        await EveryKind(server.Client());
        Assert.Equal(
            Kinds.SelectMany(kind => new[] { $"outer {kind}", $"inner {kind}", $"service {kind}", "service out", "inner out", "outer out" }),
            server.Trail);
    }

    [Fact]
    public async Task A_definitions_own_interceptors_run_inside_the_servers()
    {
        await server.Plain().CreateCallInvoker().AsyncUnaryCall(EchoServer.HandMade.Unary, null, default, "x");
        Assert.Equal(
            ["outer unary", "inner unary", "first unary", "second unary", "second out", "first out", "inner out", "outer out"],
            server.Trail);
    }

    [Fact]
    public async Task The_clients_interceptors_run_first_to_last_around_every_kind_of_call()
    {
        var trail = new List<string>();
        var client = new EchoService.EchoServiceClient(server.Plain().Intercept(new ClientTrail(trail, "a"), new ClientTrail(trail, "b")));
        await EveryKind(client);
        Assert.Equal(Kinds.SelectMany(kind => new[] { $"a {kind}", $"b {kind}" }), trail);

        trail.Clear();
        client.Say(new EchoRequest());
        Assert.Equal(["a blocking", "b blocking"], trail);
    }

    [Fact]
    public async Task What_is_added_later_stands_further_out()
    {
        var trail = new List<string>();
        var invoker = server.Plain().Intercept(new ClientTrail(trail, "a")).Intercept(new ClientTrail(trail, "b")).Intercept(headers =>
        {
            trail.Add("headers");
            return headers;
        });
        await new EchoService.EchoServiceClient(invoker).SayAsync(new EchoRequest());
        Assert.Equal(["headers", "b unary", "a unary"], trail);
    }

    [Fact]
    public async Task A_client_interceptor_changes_headers_request_and_response()
    {
        string? seen = null;
        server.Say = (request, context) =>
        {
            seen = context.RequestHeaders.GetValue("purpose");
            return EchoServer.SayBack(request, context);
        };
        var client = new EchoService.EchoServiceClient(server.Plain().Intercept(new Changing()));
        var reply = await client.SayAsync(new EchoRequest { Text = "asked" });
        Assert.Equal("changed", seen);
        Assert.Equal("[asked, on the way]", reply.Text);
    }

    [Fact]
    public async Task A_header_function_adds_to_the_headers_of_the_call_and_leaves_the_callers_list_alone()
    {
        var seen = new List<string>();
        Task Note(ServerCallContext context)
        {
            seen.Add($"{context.RequestHeaders.GetValue("own")}{context.RequestHeaders.GetValue("added")}");
            return Task.CompletedTask;
        }

        server.Say = async (request, context) =>
        {
            await Note(context);
            return await EchoServer.SayBack(request, context);
        };
        server.Join = async (requests, context) =>
        {
            await Note(context);
            return await EchoServer.JoinAll(requests, context);
        };
        server.Repeat = async (request, responses, context) =>
        {
            await Note(context);
            await EchoServer.RepeatText(request, responses, context);
        };
        server.Chat = async (requests, responses, context) =>
        {
            await Note(context);
            await EchoServer.ChatBack(requests, responses, context);
        };
        var own = new Metadata { { "own", "o" } };
        var client = new EchoService.EchoServiceClient(server.Plain().Intercept(headers =>
        {
            headers.Add("added", "a");
            return headers;
        }));
        await EveryKind(client, own);
        client.Say(new EchoRequest(), own);
        await client.SayAsync(new EchoRequest());
        Assert.Equal(["oa", "oa", "oa", "oa", "oa", "a"], seen);
        Assert.Single(own);
    }

    [Fact]
    public async Task A_server_interceptor_that_refuses_keeps_the_rest_from_running()
    {
        var reached = false;
        server.Say = (request, context) =>
        {
            reached = true;
            return EchoServer.SayBack(request, context);
        };
        var headers = new Metadata { { ServerTrail.RefuseAtHeader, "inner" } };
        var refused = await Assert.ThrowsAsync<RpcException>(() => server.Client().SayAsync(new EchoRequest(), headers).ResponseAsync);
        Assert.Equal((StatusCode.PermissionDenied, "not past inner"), (refused.StatusCode, refused.Status.Detail));
        Assert.Equal(["outer unary", "inner unary"], server.Trail);
        Assert.False(reached);

        server.Trail.Clear();
        using var call = server.Client().Chat(headers);
        refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        Assert.Equal(["outer duplex", "inner duplex"], server.Trail);
    }

    [Fact]
    public async Task What_an_interceptor_leaves_for_the_call_is_found_by_the_handler()
    {
        object? found = null;
        server.Say = (request, context) =>
        {
            found = context.UserState["passed"];
            return EchoServer.SayBack(request, context);
        };
        await server.Client().SayAsync(new EchoRequest());
        Assert.Equal("outer inner service", found);
    }

    [Fact]
    public async Task A_client_for_another_host_says_so_in_every_kind_of_call()
    {
        var hosts = new List<string?>();
        var client = new EchoService.EchoServiceClient(server.Plain().Intercept(new HostTrail(hosts))).WithHost("exchange.test");
        await EveryKind(client);
        client.Say(new EchoRequest());
        Assert.Equal(Enumerable.Repeat<string?>("exchange.test", 5), hosts);
    }

    private static readonly string[] Kinds = ["unary", "client streaming", "server streaming", "duplex"];

    private static async Task EveryKind(EchoService.EchoServiceClient client, Metadata? headers = null)
    {
        await client.SayAsync(new EchoRequest(), headers);
        using var join = client.Join(headers);
        await join.RequestStream.CompleteAsync();
        await join;
        using var repeat = client.Repeat(new EchoRequest(), headers);
        await repeat.ResponseStream.ReadAllAsync().ToListAsync();
        using var chat = client.Chat(headers);
        await chat.RequestStream.CompleteAsync();
        await chat.ResponseStream.ReadAllAsync().ToListAsync();
    }

    private sealed class Changing : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            var echo = (EchoRequest)(object)request;
            echo.Text += ", on the way";
            var options = context.Options.WithHeaders(new Metadata { { "purpose", "changed" } });
            var call = continuation(request, new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, options));
            return new AsyncUnaryCall<TResponse>(Bracketed(call.ResponseAsync), call.ResponseHeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose);
        }

        private static async Task<TResponse> Bracketed<TResponse>(Task<TResponse> response)
        {
            var reply = await response;
            ((EchoReply)(object)reply!).Text = $"[{((EchoReply)(object)reply!).Text}]";
            return reply;
        }
    }

    private sealed class ClientTrail(List<string> trail, string name) : Interceptor
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, BlockingUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            trail.Add($"{name} blocking");
            return base.BlockingUnaryCall(request, context, continuation);
        }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            trail.Add($"{name} unary");
            return base.AsyncUnaryCall(request, context, continuation);
        }

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation)
        {
            trail.Add($"{name} server streaming");
            return base.AsyncServerStreamingCall(request, context, continuation);
        }

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context, AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation)
        {
            trail.Add($"{name} client streaming");
            return base.AsyncClientStreamingCall(context, continuation);
        }

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context, AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation)
        {
            trail.Add($"{name} duplex");
            return base.AsyncDuplexStreamingCall(context, continuation);
        }
    }

    /// <summary>Notes the host a call names, and sends it to the channel's instead.</summary>
    private sealed class HostTrail(List<string?> hosts) : Interceptor
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, BlockingUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Noted(context));

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Noted(context));

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Noted(context));

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context, AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(Noted(context));

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context, AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(Noted(context));

        private ClientInterceptorContext<TRequest, TResponse> Noted<TRequest, TResponse>(ClientInterceptorContext<TRequest, TResponse> context)
            where TRequest : class
            where TResponse : class
        {
            hosts.Add(context.Host);
            return new(context.Method, null, context.Options);
        }
    }
}
