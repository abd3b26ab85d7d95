using Grpc.Core;
using Microsoft.AspNetCore.Http;
using SafetyNet.Exchange.Tests.GrpcCalls.Echo;

namespace SafetyNet.Exchange.Tests.GrpcCalls;

/// <summary>The four kinds of call, and the ways a call ends early.</summary>
public sealed class CallTests : IClassFixture<EchoServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly EchoServer server;
    private readonly EchoService.EchoServiceClient client;

    public CallTests(EchoServer server)
    {
        this.server = server;
        server.Reset();
        client = server.Client();
    }

    [Fact]
    public async Task One_request_gets_one_response()
    {
        using var call = client.SayAsync(new EchoRequest { Text = "安全網" });
        Assert.Equal("安全網", (await call).Text);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public void A_blocking_call_gets_the_same_response() => Assert.Equal("安全網", client.Say(new EchoRequest { Text = "安全網" }).Text);

    [Fact]
    public async Task Streamed_requests_get_one_response()
    {
        using var call = client.Join();
        foreach (var text in new[] { "一", "二", "三" }) await call.RequestStream.WriteAsync(new EchoRequest { Text = text });
        await call.RequestStream.CompleteAsync();
        Assert.Equal("一+二+三", (await call).Text);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task One_request_gets_streamed_responses_in_order()
    {
        using var call = client.Repeat(new EchoRequest { Text = "again", Count = 100 });
        var counts = await call.ResponseStream.ReadAllAsync().Select(reply => reply.Count).ToListAsync();
        Assert.Equal(Enumerable.Range(1, 100), counts);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Both_sides_stream_and_answer_each_other()
    {
        using var call = client.Chat();
        for (var i = 1; i <= 20; i++)
        {
            await call.RequestStream.WriteAsync(new EchoRequest { Text = $"turn {i}" });
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(($"turn {i}", i), (call.ResponseStream.Current.Text, call.ResponseStream.Current.Count));
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task All_kinds_work_for_a_service_put_together_by_hand()
    {
        var invoker = server.Plain().CreateCallInvoker();
        Assert.Equal("UP", await invoker.AsyncUnaryCall(EchoServer.HandMade.Unary, null, default, "up"));
        Assert.Equal("UP", invoker.BlockingUnaryCall(EchoServer.HandMade.Unary, null, default, "up"));

        using var join = invoker.AsyncClientStreamingCall(EchoServer.HandMade.ClientStreaming, null, default);
        await join.RequestStream.WriteAsync("a");
        await join.RequestStream.WriteAsync("b");
        await join.RequestStream.CompleteAsync();
        Assert.Equal("ab", await join);

        using var letters = invoker.AsyncServerStreamingCall(EchoServer.HandMade.ServerStreaming, null, default, "xyz");
        Assert.Equal(["x", "y", "z"], await letters.ResponseStream.ReadAllAsync().ToListAsync());

        using var chat = invoker.AsyncDuplexStreamingCall(EchoServer.HandMade.DuplexStreaming, null, default);
        await chat.RequestStream.WriteAsync("ping");
        await chat.RequestStream.CompleteAsync();
        Assert.Equal(["ping"], await chat.ResponseStream.ReadAllAsync().ToListAsync());
    }

    [Fact]
    public async Task A_handler_sees_which_method_host_and_peer()
    {
        var seen = "";
        server.Say = (request, context) =>
        {
            seen = $"{context.Method} {context.Host} {context.Peer.Split(':')[0]}";
            return EchoServer.SayBack(request, context);
        };
        await client.SayAsync(new EchoRequest());
        var authority = new Uri(server.PlainAddress).Authority;
        Assert.Equal($"/safetynet.exchange.tests.grpc.EchoService/Say {authority} ipv4", seen);
    }

    [Fact]
    public async Task A_method_declared_and_not_written_is_unimplemented()
    {
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.MissingAsync(new EchoRequest()).ResponseAsync);
        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
    }

    [Theory]
    [InlineData("safetynet.exchange.tests.grpc.EchoService", "NoSuchMethod")]
    [InlineData("safetynet.exchange.tests.grpc.NoSuchService", "Say")]
    public async Task A_method_or_service_that_is_not_there_is_unimplemented(string service, string name)
    {
        var method = new Method<string, string>(MethodType.Unary, service, name, Marshallers.StringMarshaller, Marshallers.StringMarshaller);
        using var call = server.Plain().CreateCallInvoker().AsyncUnaryCall(method, null, default, "hello");
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
    }

    [Fact]
    public async Task A_status_set_by_the_handler_reaches_the_caller()
    {
        server.Say = (_, context) =>
        {
            context.Status = new Status(StatusCode.FailedPrecondition, "案件已結案");
            return Task.FromResult(new EchoReply());
        };
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new EchoRequest()).ResponseAsync);
        Assert.Equal((StatusCode.FailedPrecondition, "案件已結案"), (refused.StatusCode, refused.Status.Detail));
    }

    [Fact]
    public async Task An_exception_nobody_meant_tells_the_caller_nothing()
    {
        server.Say = (_, _) => throw new InvalidDataException("the secret is 42");
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new EchoRequest()).ResponseAsync);
        Assert.Equal(StatusCode.Unknown, refused.StatusCode);
        Assert.DoesNotContain("42", refused.Status.Detail, StringComparison.Ordinal);
        Assert.True(server.Errors.TryDequeue(out var logged));
        Assert.Contains("the secret is 42", logged, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Responses_sent_before_a_failure_are_read_before_it()
    {
        server.Repeat = async (request, responses, context) =>
        {
            await EchoServer.RepeatText(request, responses, context);
            throw new RpcException(new Status(StatusCode.Aborted, "enough"));
        };
        using var call = client.Repeat(new EchoRequest { Text = "x", Count = 2 });
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.True(await call.ResponseStream.MoveNext());
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.Aborted, refused.StatusCode);
        Assert.Equal(StatusCode.Aborted, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task The_handler_knows_the_deadline_in_utc()
    {
        var seen = new List<DateTime>();
        server.Say = (request, context) =>
        {
            seen.Add(context.Deadline);
            return EchoServer.SayBack(request, context);
        };
        var deadline = Now.AddSeconds(30);
        await client.SayAsync(new EchoRequest(), deadline: deadline);
        await client.SayAsync(new EchoRequest());
        Assert.Equal(DateTimeKind.Utc, seen[0].Kind);
        Assert.InRange(seen[0] - deadline, TimeSpan.FromSeconds(-1), TimeSpan.FromSeconds(1));
        Assert.Equal(DateTime.MaxValue, seen[1]);
    }

    [Fact]
    public async Task A_deadline_ends_the_call_on_both_sides()
    {
        var (started, cancelled) = WaitInHandler();
        using var call = client.SayAsync(new EchoRequest(), deadline: Now.AddMilliseconds(150));
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.DeadlineExceeded, refused.StatusCode);
        Assert.Equal(StatusCode.DeadlineExceeded, call.GetStatus().StatusCode);
        await started.WaitAsync(Patience);
        await cancelled.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_deadline_ends_a_stream_half_read()
    {
        server.Repeat = async (request, responses, context) =>
        {
            await EchoServer.RepeatText(request, responses, context);
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        };
        using var call = client.Repeat(new EchoRequest { Count = 1 }, deadline: Now.AddMilliseconds(300));
        Assert.True(await call.ResponseStream.MoveNext());
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.DeadlineExceeded, refused.StatusCode);
    }

    [Fact]
    public async Task A_deadline_in_the_past_never_reaches_the_handler()
    {
        var called = false;
        server.Say = (request, context) =>
        {
            called = true;
            return EchoServer.SayBack(request, context);
        };
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new EchoRequest(), deadline: Now.AddSeconds(-1)).ResponseAsync);
        Assert.Equal(StatusCode.DeadlineExceeded, refused.StatusCode);
        Assert.False(called);
    }

    [Fact]
    public void A_deadline_in_local_time_is_refused() => Assert.Throws<InvalidOperationException>(
        () => client.SayAsync(new EchoRequest(), deadline: new DateTime(2099, 1, 1, 0, 0, 0, DateTimeKind.Local)));

    [Fact]
    public async Task The_callers_token_cancels_the_handler()
    {
        var (started, cancelled) = WaitInHandler();
        using var cancellation = new CancellationTokenSource();
        using var call = client.SayAsync(new EchoRequest(), cancellationToken: cancellation.Token);
        await started.WaitAsync(Patience);
        await cancellation.CancelAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.Cancelled, refused.StatusCode);
        await cancelled.WaitAsync(Patience);
    }

    [Fact]
    public async Task Disposing_a_call_cancels_the_handler()
    {
        var (started, cancelled) = WaitInHandler();
        var call = client.SayAsync(new EchoRequest());
        await started.WaitAsync(Patience);
        call.Dispose();
        await cancelled.WaitAsync(Patience);
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.Cancelled, refused.StatusCode);
    }

    [Fact]
    public async Task Cancelling_one_read_cancels_the_stream()
    {
        server.Repeat = (_, _, context) => Task.Delay(Timeout.Infinite, context.CancellationToken);
        using var call = client.Repeat(new EchoRequest());
        using var cancellation = new CancellationTokenSource(50);
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(cancellation.Token));
        Assert.Equal(StatusCode.Cancelled, refused.StatusCode);
    }

    [Fact]
    public async Task A_server_that_stops_listening_answers_while_the_caller_still_sends()
    {
        server.Join = async (requests, _) =>
        {
            await requests.MoveNext();
            return new EchoReply { Text = "one is enough" };
        };
        using var call = client.Join();
        await call.RequestStream.WriteAsync(new EchoRequest { Text = "1" });
        Assert.Equal("one is enough", (await call.ResponseAsync.WaitAsync(Patience)).Text);
        await Assert.ThrowsAnyAsync<Exception>(() => call.RequestStream.WriteAsync(new EchoRequest { Text = "2" }));
    }

    [Fact]
    public async Task A_server_that_cancels_is_heard_as_cancelled()
    {
        server.Say = (_, _) => throw new RpcException(Status.DefaultCancelled);
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new EchoRequest()).ResponseAsync);
        Assert.Equal(StatusCode.Cancelled, refused.StatusCode);
    }

    [Fact]
    public async Task A_server_that_breaks_the_stream_is_no_success()
    {
        server.Repeat = async (request, responses, context) =>
        {
            await EchoServer.RepeatText(request, responses, context);
            context.GetHttpContext().Abort();
        };
        using var call = client.Repeat(new EchoRequest { Count = 1 });
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext())
            {
            }
        });
        Assert.NotEqual(StatusCode.OK, refused.StatusCode);
    }

    [Fact]
    public async Task The_status_of_a_running_call_is_not_known_yet()
    {
        using var call = client.Chat();
        await call.RequestStream.WriteAsync(new EchoRequest { Text = "x" });
        Assert.Throws<InvalidOperationException>(() => call.GetStatus());
        Assert.Throws<InvalidOperationException>(() => call.GetTrailers());
        await call.RequestStream.CompleteAsync();
        Assert.Equal("x", Assert.Single(await call.ResponseStream.ReadAllAsync().ToListAsync()).Text);
    }

    [Fact]
    public async Task Nobody_listening_is_unavailable()
    {
        using var channel = global::Grpc.Net.Client.GrpcChannel.ForAddress("http://127.0.0.1:1");
        var refused = await Assert.ThrowsAsync<RpcException>(() => new EchoService.EchoServiceClient(channel).SayAsync(new EchoRequest()).ResponseAsync);
        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.NotNull(refused.Status.DebugException);
    }

    private static DateTime Now => TimeProvider.System.GetUtcNow().UtcDateTime;

    private (Task Started, Task Cancelled) WaitInHandler()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Say = async (_, context) =>
        {
            started.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
            catch (OperationCanceledException)
            {
                cancelled.SetResult();
                throw;
            }

            return new EchoReply();
        };
        return (started.Task, cancelled.Task);
    }
}
