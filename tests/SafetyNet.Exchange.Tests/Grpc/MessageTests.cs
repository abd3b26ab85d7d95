using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Compression;
using SafetyNet.Exchange.Tests.GrpcCalls.Echo;

namespace SafetyNet.Exchange.Tests.GrpcCalls;

/// <summary>How messages are packed, and how large they may be. Bytes are counted on the socket.</summary>
public sealed class MessageTests : IClassFixture<EchoServer>
{
    private const int LargeSizeBytes = 200_000;

    private readonly EchoServer server;
    private readonly Traffic traffic = new();
    private readonly EchoService.EchoServiceClient client;

    public MessageTests(EchoServer server)
    {
        this.server = server;
        server.Reset();
        client = server.Client(Counted);
    }

    [Fact]
    public async Task Without_asking_nothing_is_compressed()
    {
        var reply = await client.SayAsync(Large());
        Assert.Equal(LargeSizeBytes, reply.Blob.Length);
        Assert.True(traffic.SentBytes > LargeSizeBytes);
        Assert.True(traffic.ReceivedBytes > LargeSizeBytes);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task A_request_is_compressed_on_the_wire_when_the_call_asks(string encoding)
    {
        var reply = await client.SayAsync(Large(), Asking(encoding));
        Assert.Equal(Large().Blob, reply.Blob);
        Assert.InRange(traffic.SentBytes, 1, LargeSizeBytes / 10);
        Assert.True(traffic.ReceivedBytes > LargeSizeBytes);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task A_response_is_compressed_on_the_wire_when_the_handler_asks(string encoding)
    {
        server.Say = async (request, context) =>
        {
            await context.WriteResponseHeadersAsync(Asking(encoding));
            return await EchoServer.SayBack(request, context);
        };
        var reply = await client.SayAsync(Large());
        Assert.Equal(Large().Blob, reply.Blob);
        Assert.True(traffic.SentBytes > LargeSizeBytes);
        Assert.InRange(traffic.ReceivedBytes, 1, LargeSizeBytes / 10);
    }

    [Fact]
    public async Task A_write_flagged_so_goes_uncompressed_in_a_compressed_stream()
    {
        using var call = client.Join(Asking("gzip"));
        await call.RequestStream.WriteAsync(Large());
        await WaitUntilQuiet();
        var compressed = traffic.SentBytes;
        call.RequestStream.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
        await call.RequestStream.WriteAsync(Large());
        await call.RequestStream.CompleteAsync();
        Assert.Equal(2, (await call).Count);
        Assert.InRange(compressed, 1, LargeSizeBytes / 10);
        Assert.True(traffic.SentBytes - compressed > LargeSizeBytes);
    }

    [Fact]
    public async Task A_response_flagged_so_goes_uncompressed()
    {
        server.Say = async (request, context) =>
        {
            await context.WriteResponseHeadersAsync(Asking("gzip"));
            context.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
            return await EchoServer.SayBack(request, context);
        };
        await client.SayAsync(Large());
        Assert.True(traffic.ReceivedBytes > LargeSizeBytes);
    }

    [Fact]
    public async Task Options_of_the_call_flag_a_unary_request()
    {
        await client.SayAsync(Large(), new CallOptions(Asking("gzip"), writeOptions: new WriteOptions(WriteFlags.NoCompress)));
        Assert.True(traffic.SentBytes > LargeSizeBytes);
    }

    [Fact]
    public async Task Buffered_responses_all_arrive()
    {
        server.Repeat = async (request, responses, _) =>
        {
            responses.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
            for (var i = 1; i <= 3; i++) await responses.WriteAsync(new EchoReply { Count = i });
        };
        using var call = client.Repeat(new EchoRequest());
        Assert.Equal([1, 2, 3], await call.ResponseStream.ReadAllAsync().Select(reply => reply.Count).ToListAsync());
    }

    [Fact]
    public async Task An_encoding_the_server_does_not_know_is_unimplemented()
    {
        var fluent = server.Client(options => options.CompressionProviders = [new Unheard()]);
        var refused = await Assert.ThrowsAsync<RpcException>(() => fluent.SayAsync(Large(), Asking("unheard")).ResponseAsync);
        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
    }

    [Theory]
    [InlineData(typeof(GzipCompressionProvider), "gzip")]
    [InlineData(typeof(DeflateCompressionProvider), "deflate")]
    public void A_provider_leaves_the_stream_open_and_reads_back_what_it_wrote(Type type, string name)
    {
        var provider = (ICompressionProvider)Activator.CreateInstance(type, CompressionLevel.Fastest)!;
        Assert.Equal(name, provider.EncodingName);
        using var packed = new MemoryStream();
        using (var writing = provider.CreateCompressionStream(packed, null)) writing.Write(Large().Blob.Span);
        Assert.InRange(packed.Length, 1, LargeSizeBytes / 10);
        Assert.Equal(name == "gzip" ? 0x1F : 0x78, packed.GetBuffer()[0]); // RFC 1952 and RFC 1950.
        packed.Position = 0;
        using var reading = provider.CreateDecompressionStream(packed);
        using var back = new MemoryStream();
        reading.CopyTo(back);
        Assert.Equal(Large().Blob, ByteString.CopyFrom(back.ToArray()));
    }

    [Fact]
    public async Task A_message_just_below_the_limit_goes_through_and_one_above_it_is_refused()
    {
        var under = new EchoRequest { Blob = ByteString.CopyFrom(new byte[EchoServer.MaxReceiveSizeBytes - 16]) };
        Assert.Equal(under.Blob, (await client.SayAsync(under)).Blob);

        var over = new EchoRequest { Blob = ByteString.CopyFrom(new byte[EchoServer.MaxReceiveSizeBytes + 1]) };
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(over).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    [Fact]
    public async Task The_limit_holds_for_what_a_small_compressed_message_unpacks_to()
    {
        var bomb = new EchoRequest { Blob = ByteString.CopyFrom(new byte[EchoServer.MaxReceiveSizeBytes * 4]) };
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(bomb, Asking("gzip")).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.InRange(traffic.SentBytes, 1, LargeSizeBytes);
    }

    [Fact]
    public async Task The_caller_refuses_to_send_and_to_take_more_than_its_own_limits()
    {
        var small = server.Client(options =>
        {
            options.MaxSendMessageSize = 1000;
            options.MaxReceiveMessageSize = 500;
        });
        var sending = await Assert.ThrowsAsync<RpcException>(() => small.SayAsync(Large()).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, sending.StatusCode);
        var taking = await Assert.ThrowsAsync<RpcException>(() => small.SayAsync(new EchoRequest { Text = new string('x', 800) }).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, taking.StatusCode);
    }

    [Fact]
    public async Task Large_messages_stream_both_ways()
    {
        server.Chat = async (requests, responses, _) =>
        {
            await foreach (var request in requests.ReadAllAsync()) await responses.WriteAsync(new EchoReply { Blob = request.Blob });
        };
        using var call = client.Chat();
        var blob = ByteString.CopyFrom([.. Enumerable.Range(0, 900_000).Select(i => (byte)(i * 31))]);
        for (var i = 0; i < 5; i++)
        {
            await call.RequestStream.WriteAsync(new EchoRequest { Blob = blob });
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(blob, call.ResponseStream.Current.Blob);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task A_message_of_no_bytes_is_a_message()
    {
        using var call = client.Repeat(new EchoRequest());
        server.Repeat = (_, responses, _) => responses.WriteAsync(new EchoReply());
        Assert.Single(await call.ResponseStream.ReadAllAsync().ToListAsync());
    }

    private static EchoRequest Large() => new() { Blob = ByteString.CopyFrom(new byte[LargeSizeBytes]) };

    private static Metadata Asking(string encoding) => new() { { "grpc-internal-encoding-request", encoding } };

    private async Task WaitUntilQuiet()
    {
        long before;
        do
        {
            before = traffic.SentBytes;
            await Task.Delay(100);
        }
        while (traffic.SentBytes != before);
    }

    private void Counted(GrpcChannelOptions options) => options.HttpHandler = new SocketsHttpHandler { ConnectCallback = traffic.ConnectAsync };

    private sealed class Unheard : ICompressionProvider
    {
        public string EncodingName => "unheard";

        public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) => new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true);

        public Stream CreateDecompressionStream(Stream stream) => new GZipStream(stream, CompressionMode.Decompress);
    }

    /// <summary>Counts the bytes of a channel's connections.</summary>
    private sealed class Traffic
    {
        private long sentBytes;
        private long receivedBytes;

        public long SentBytes => Interlocked.Read(ref sentBytes);

        public long ReceivedBytes => Interlocked.Read(ref receivedBytes);

        public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, context.DnsEndPoint.Port), cancellationToken);
            return new Counting(this, new NetworkStream(socket, ownsSocket: true));
        }

        private sealed class Counting(Traffic traffic, NetworkStream inner) : Stream
        {
            public override bool CanRead => true;

            public override bool CanSeek => false;

            public override bool CanWrite => true;

            public override long Length => throw new NotSupportedException();

            public override long Position
            {
                get => throw new NotSupportedException();
                set => throw new NotSupportedException();
            }

            public override void Flush() => inner.Flush();

            public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

            public override void SetLength(long value) => throw new NotSupportedException();

            public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            {
                var read = await inner.ReadAsync(buffer, cancellationToken);
                Interlocked.Add(ref traffic.receivedBytes, read);
                return read;
            }

            public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            {
                Interlocked.Add(ref traffic.sentBytes, buffer.Length);
                return inner.WriteAsync(buffer, cancellationToken);
            }

            protected override void Dispose(bool disposing)
            {
                if (disposing) inner.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
