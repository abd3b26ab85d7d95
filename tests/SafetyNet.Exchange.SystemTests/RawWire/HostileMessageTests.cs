using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.RawWire;

/// <summary>
/// A member's own certificate and token, and bytes that no gRPC library would send. Each is answered as gRPC defines, tells nothing of the server's inside, and
/// leaves it serving.
/// </summary>
public sealed class HostileMessageTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private const string Method = "/safetynet.exchange.v1.MemberService/GetSelf";

    private readonly SandboxProcess _sandbox = fixture.Sandbox;

    [Fact]
    public async Task A_well_formed_message_is_answered()
    {
        var answer = await PostAsync(Framed(WellFormed()));
        Assert.Equal(("0", ""), (answer.Status, answer.Message));
        Assert.NotEmpty(answer.Body);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_above_4_MiB_is_RESOURCE_EXHAUSTED_whether_or_not_its_length_is_told_before(bool told)
    {
        var answer = await PostAsync(Framed(new byte[5 * 1024 * 1024]), tellsLength: told);
        Assert.Equal("8", answer.Status);
        AssertTellsNothing(answer);
    }

    [Fact]
    public async Task A_message_that_grows_above_4_MiB_when_it_is_unpacked_is_RESOURCE_EXHAUSTED()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (var i = 0; i < 64; i++)
                await gzip.WriteAsync(new byte[1024 * 1024], TestContext.Current.CancellationToken);
        }

        Assert.Equal("8", (await PostAsync(Framed(packed.ToArray(), compressed: true), encoding: "gzip")).Status);
    }

    [Theory]
    [InlineData("FFFFFFFFFFFFFFFFFFFFFFFF", "a tag of more than ten bytes")]
    [InlineData("0AFF01", "a field that is longer than the message")]
    [InlineData("0A0308FF", "a number that ends in the middle")]
    [InlineData("0F", "a wire type that does not exist")]
    [InlineData("0A021200", "a context with no more than an empty field")]
    public async Task Bug_Bytes_that_are_no_message_are_INVALID_ARGUMENT_and_not_a_fault_of_the_server(string hex, string what)
    {
        var answer = await PostAsync(Framed(Convert.FromHexString(hex)));
        Assert.True(answer.Status is "3", $"{what}: {answer}");
        AssertTellsNothing(answer);
    }

    [Theory]
    [InlineData("0000000064010203", "13,3", "a frame that is shorter than it says")]
    [InlineData("00000000", "13,3", "a frame header of four bytes")]
    [InlineData("", "13,3", "no frame at all")]
    [InlineData("0100000000", "13,3", "a packed message where no packing was named")]
    [InlineData("0200000000", "13,3", "a flag that does not exist")]
    [InlineData("00000000000000000000", "13,3,12", "two messages where one is asked for")]
    public async Task A_frame_that_is_none_is_refused(string hex, string statuses, string what)
    {
        var answer = await PostAsync(Convert.FromHexString(hex));
        Assert.True(statuses.Split(',').Contains(answer.Status, StringComparer.Ordinal), $"{what}: {answer}");
        AssertTellsNothing(answer);
    }

    [Fact]
    public async Task A_packing_that_the_server_does_not_know_is_UNIMPLEMENTED() =>
        Assert.Equal("12", (await PostAsync(Framed(WellFormed(), compressed: true), encoding: "snappy")).Status);

    [Fact]
    public async Task Bytes_that_do_not_unpack_are_refused()
    {
        var answer = await PostAsync(Framed([1, 2, 3, 4], compressed: true), encoding: "gzip");
        Assert.True(answer.Status is "3" or "13", answer.ToString());
        AssertTellsNothing(answer);
    }

    [Fact]
    public async Task A_method_that_does_not_exist_is_UNIMPLEMENTED() =>
        Assert.Equal("12", (await PostAsync(Framed(WellFormed()), path: "/safetynet.exchange.v1.MemberService/DropTables")).Status);

    [Fact]
    public async Task Something_that_is_not_gRPC_is_an_unsupported_media_type()
    {
        var answer = await PostAsync("{}"u8.ToArray(), contentType: "application/json");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.Http);
    }

    private static void AssertTellsNothing(Answer answer)
    {
        Assert.DoesNotContain("Exception", answer.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SafetyNet", answer.Message, StringComparison.Ordinal);
        Assert.Empty(answer.Body);
    }

    private static byte[] WellFormed() => new Wire.GetSelfRequest
    {
        Context = new Wire.AccessContext
        {
            Purpose = Wire.Purpose.ServiceDelivery,
            LegalBasis = Wire.LegalBasis.Article6IntegratedService,
            Actor = new Wire.ActingPerson { PersonId = "T0001", Role = Wire.ActorRole.Worker, UnitId = "tpe-school" },
        },
    }.ToByteArray();

    /// <summary>A message in its frame: one byte for packing, four for the length.</summary>
    private static byte[] Framed(byte[] message, bool compressed = false)
    {
        var frame = new byte[5 + message.Length];
        frame[0] = compressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    /// <summary>Posts bytes as a call, then asks the server over the same connection whether it still serves.</summary>
    private async Task<Answer> PostAsync(byte[] body, string path = Method, string contentType = "application/grpc", string? encoding = null, bool tellsLength = true)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = MemberTls.ForClient(MemberTls.LoadRoots(_sandbox.RootCertificate), MemberTls.LoadIdentity(_sandbox.CertificateOf("edu"), _sandbox.KeyOf("edu"))),
        };
        using var http = new HttpClient(handler);
        var token = await new TokenService(http, _sandbox.Tokens, SpiffeId.Of("tpe", "edu", "case-system"), []).RequestAsync(TestContext.Current.CancellationToken);
        var answer = await PostOnceAsync(http, token.Value, body, path, contentType, encoding, tellsLength);
        var health = await PostOnceAsync(http, token.Value, Framed([]), "/grpc.health.v1.Health/Check", "application/grpc", encoding: null);
        Assert.Equal(("0", "0801"), (health.Status, Convert.ToHexString(health.Body.AsSpan(5))));
        return answer;
    }

    private async Task<Answer> PostOnceAsync(HttpClient http, string token, byte[] body, string path, string contentType, string? encoding, bool tellsLength = true)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_sandbox.Exchange, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = tellsLength ? new ByteArrayContent(body) : new UntoldLengthContent(body),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        if (encoding is not null)
            request.Headers.Add("grpc-encoding", encoding);
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var answered = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        return new Answer(response.StatusCode, Trailer("grpc-status"), Uri.UnescapeDataString(Trailer("grpc-message")), answered);

        // An answer without a message carries its trailers as headers.
        string Trailer(string name) =>
            response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? string.Join(',', values) : "";
    }

    /// <summary>As gRPC libraries send: the length stands in the frame only.</summary>
    private sealed class UntoldLengthContent(byte[] body) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(body).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    private sealed record Answer(HttpStatusCode Http, string Status, string Message, byte[] Body)
    {
        public override string ToString() => $"HTTP {(int)Http}, grpc-status {Status}, {Message}, {Body.Length} bytes";
    }
}
