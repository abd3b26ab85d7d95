using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using SafetyNet.Exchange.Tests.GrpcCalls.Echo;
using Status = Grpc.Core.Status;

namespace SafetyNet.Exchange.Tests.GrpcCalls;

/// <summary>Headers and trailers as they cross the wire.</summary>
public sealed class CallMetadataTests : IClassFixture<EchoServer>
{
    private readonly EchoServer server;
    private readonly EchoService.EchoServiceClient client;

    public CallMetadataTests(EchoServer server)
    {
        this.server = server;
        server.Reset();
        client = server.Client();
    }

    [Fact]
    public async Task Text_and_bytes_arrive_as_sent_and_repeated_text_is_joined_by_commas()
    {
        var all = Enumerable.Range(0, 256).Select(value => (byte)value).ToArray();
        var seen = await HeadersSeen(new Metadata { { "X-Purpose", "protect !~" }, { "trace-bin", all }, { "n", "1" }, { "n", "2" }, { "empty-bin", [] } });
        Assert.Equal("protect !~", seen.GetValue("x-purpose"));
        Assert.Equal(all, seen.GetValueBytes("trace-bin")!);
        Assert.Empty(seen.GetValueBytes("empty-bin")!);
        Assert.Equal("1, 2", seen.GetValue("n")); // RFC 9110 5.3: one list, either way.
    }

    [Fact]
    public async Task Repeated_bytes_in_a_request_cannot_be_read_and_fail_the_call_that_reads_them()
    {
        // The client joins them into one header by commas; the server reads that as one base64 text.
        var sent = new Metadata { { "k-bin", [1] }, { "k-bin", [2, 3] } };
        Assert.Equal("", (await client.SayAsync(new EchoRequest(), sent)).Text);
        var refused = await Assert.ThrowsAsync<RpcException>(() => HeadersSeen(sent));
        Assert.Equal(StatusCode.Unknown, refused.StatusCode);
        Assert.True(server.Errors.TryDequeue(out _));
    }

    [Fact]
    public async Task Repeated_keys_in_headers_and_trailers_of_a_response_arrive_as_two_entries()
    {
        server.Say = async (request, context) =>
        {
            await context.WriteResponseHeadersAsync(new Metadata { { "n", "1" }, { "n", "2" }, { "k-bin", [1] }, { "k-bin", [2, 3] } });
            context.ResponseTrailers.Add("m", "3");
            context.ResponseTrailers.Add("M", "4");
            return await EchoServer.SayBack(request, context);
        };
        using var call = client.SayAsync(new EchoRequest());
        var headers = await call.ResponseHeadersAsync;
        await call;
        Assert.Equal(["1", "2"], headers.GetAll("n").Select(entry => entry.Value));
        Assert.Equal([[1], [2, 3]], headers.GetAll("k-bin").Select(entry => entry.ValueBytes));
        Assert.Equal(["3", "4"], call.GetTrailers().GetAll("m").Select(entry => entry.Value));
    }

    [Theory]
    [InlineData("grpc-timeout")]
    [InlineData("grpc-encoding")]
    [InlineData("grpc-accept-encoding")]
    [InlineData("content-type")]
    [InlineData("te")]
    public async Task Names_the_protocol_keeps_for_itself_do_not_reach_the_handler(string name)
    {
        var seen = await HeadersSeen([]);
        Assert.Null(seen.Get(name));
        Assert.DoesNotContain(seen, entry => entry.Key.StartsWith(':'));
    }

    [Fact]
    public async Task A_timeout_smuggled_in_as_metadata_is_no_deadline()
    {
        DateTime? deadline = null;
        server.Say = (request, context) =>
        {
            deadline = context.Deadline;
            return EchoServer.SayBack(request, context);
        };
        await client.SayAsync(new EchoRequest(), new Metadata { { "grpc-timeout", "1n" } }, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(30));
        Assert.InRange(deadline!.Value, TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(20), TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(31));
    }

    [Theory]
    [InlineData("line\nbreak")]
    [InlineData("carriage\rreturn")]
    public async Task A_text_value_that_would_break_out_of_its_header_does_not_arrive(string value)
    {
        var reached = false;
        server.Say = (request, context) =>
        {
            reached = true;
            return EchoServer.SayBack(request, context);
        };
        await Assert.ThrowsAnyAsync<Exception>(async () => await client.SayAsync(new EchoRequest(), new Metadata { { "x", value } }));
        Assert.False(reached);
    }

    [Fact]
    public async Task Response_headers_come_before_the_response_and_only_once()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Say = async (request, context) =>
        {
            await context.WriteResponseHeadersAsync(new Metadata { { "etag", "7" }, { "raw-bin", [0, 255] } });
            await Assert.ThrowsAsync<InvalidOperationException>(() => context.WriteResponseHeadersAsync([]));
            await release.Task;
            return await EchoServer.SayBack(request, context);
        };
        using var call = client.SayAsync(new EchoRequest { Text = "late" });
        var headers = await call.ResponseHeadersAsync.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(call.ResponseAsync.IsCompleted);
        Assert.Equal("7", headers.GetValue("etag"));
        Assert.Equal([0, 255], headers.GetValueBytes("raw-bin"));
        release.SetResult();
        Assert.Equal("late", (await call).Text);
    }

    [Fact]
    public async Task Trailers_come_with_success_and_with_failure()
    {
        server.Repeat = async (request, responses, context) =>
        {
            await EchoServer.RepeatText(request, responses, context);
            context.ResponseTrailers.Add("rows", "2");
            context.ResponseTrailers.Add("head-bin", [9, 8]);
        };
        using (var call = client.Repeat(new EchoRequest { Count = 2 }))
        {
            Assert.Equal(2, (await call.ResponseStream.ReadAllAsync().ToListAsync()).Count);
            Assert.Equal("2", call.GetTrailers().GetValue("rows"));
            Assert.Equal([9, 8], call.GetTrailers().GetValueBytes("head-bin"));
        }

        server.Say = (_, context) =>
        {
            context.ResponseTrailers.Add("from", "context");
            throw new RpcException(new Status(StatusCode.NotFound, "none"), new Metadata { { "of", "exception" } });
        };
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new EchoRequest()).ResponseAsync);
        Assert.Equal("exception", refused.Trailers.GetValue("of"));
        Assert.Equal("context", refused.Trailers.GetValue("from"));
    }

    [Fact]
    public async Task A_trailer_named_like_the_status_does_not_make_a_refusal_a_success()
    {
        server.Say = (_, context) =>
        {
            context.ResponseTrailers.Add("grpc-status", "0");
            throw new RpcException(new Status(StatusCode.PermissionDenied, "no"), new Metadata { { "grpc-message", "yes" } });
        };
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new EchoRequest()).ResponseAsync);
        Assert.NotEqual(StatusCode.OK, refused.StatusCode);
    }

    [Fact]
    public async Task A_refusal_carries_its_details()
    {
        // This version of the package names google.rpc.ErrorInfo's field 1 by its first name, `type`; on the wire it is `reason`.
        var info = new ErrorInfo { Type = "NATIONAL_ID_CHECKSUM", Domain = "exchange.test", Metadata = { ["field"] = "person.national_id" } };
        var bad = new BadRequest { FieldViolations = { new BadRequest.Types.FieldViolation { Field = "person.national_id", Description = "檢查碼不符" } } };
        server.Say = (_, _) =>
        {
            var status = new Google.Rpc.Status { Code = (int)StatusCode.InvalidArgument, Message = "checksum", Details = { Any.Pack(info), Any.Pack(bad) } };
            throw new RpcException(new Status(StatusCode.InvalidArgument, "checksum"), new Metadata { { "grpc-status-details-bin", status.ToByteArray() } });
        };

        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new EchoRequest()).ResponseAsync);

        var rich = Google.Rpc.Status.Parser.ParseFrom(refused.Trailers.GetValueBytes("grpc-status-details-bin"));
        Assert.Equal((int)refused.StatusCode, rich.Code);
        Assert.Equal(info, rich.Details[0].Unpack<ErrorInfo>());
        Assert.Equal((byte)(1 << 3 | 2), rich.Details[0].Value[0]);
        Assert.Equal(bad, rich.Details[1].Unpack<BadRequest>());
    }

    [Theory]
    [InlineData("100% of 個案 \n\r done")]
    [InlineData("%E5")]
    [InlineData("")]
    public async Task Any_text_survives_as_detail(string detail)
    {
        server.Say = (_, _) => throw new RpcException(new Status(StatusCode.InvalidArgument, detail));
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(new EchoRequest()).ResponseAsync);
        Assert.Equal(detail, refused.Status.Detail);
    }

    private async Task<Metadata> HeadersSeen(Metadata sent)
    {
        Metadata? seen = null;
        server.Say = (request, context) =>
        {
            seen = context.RequestHeaders;
            return EchoServer.SayBack(request, context);
        };
        await client.SayAsync(new EchoRequest(), sent, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(30));
        return seen!;
    }
}
