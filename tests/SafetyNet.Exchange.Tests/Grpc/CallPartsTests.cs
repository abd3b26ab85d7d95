using System.Buffers;
using System.Text;
using Grpc.Core;
using SafetyNet.Exchange.Tests.GrpcCalls.Echo;

namespace SafetyNet.Exchange.Tests.GrpcCalls;

/// <summary>What the contract assemblies do by themselves, without a server.</summary>
public sealed class CallPartsTests
{
    [Fact]
    public void Options_are_copied_and_each_With_changes_one_thing()
    {
        var headers = new Metadata { { "a", "1" } };
        var deadline = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
        using var cancellation = new CancellationTokenSource();
        var write = new WriteOptions(WriteFlags.NoCompress | WriteFlags.BufferHint);
        var credentials = CallCredentials.FromInterceptor((_, _) => Task.CompletedTask);
        var empty = new CallOptions();

        var full = empty.WithHeaders(headers).WithDeadline(deadline).WithCancellationToken(cancellation.Token)
            .WithWriteOptions(write).WithCredentials(credentials).WithWaitForReady();

        Assert.Same(headers, full.Headers);
        Assert.Equal(deadline, full.Deadline);
        Assert.Equal(cancellation.Token, full.CancellationToken);
        Assert.Same(write, full.WriteOptions);
        Assert.Same(credentials, full.Credentials);
        Assert.True(full.IsWaitForReady);
        Assert.False(full.WithWaitForReady(false).IsWaitForReady);
        Assert.Null(full.PropagationToken);
        Assert.Null(empty.Headers);
        Assert.Null(empty.Deadline);
        Assert.Null(empty.Credentials);
        Assert.False(empty.IsWaitForReady);
    }

    [Fact]
    public void A_status_says_what_it_is()
    {
        Assert.Equal("Status(StatusCode=\"NotFound\", Detail=\"no such case\")", new Status(StatusCode.NotFound, "no such case").ToString());
        var local = new Status(StatusCode.Internal, "broken", new IOException("disk"));
        Assert.Contains("disk", local.ToString(), StringComparison.Ordinal);
        Assert.Equal(StatusCode.OK, Status.DefaultSuccess.StatusCode);
        Assert.Equal(StatusCode.Cancelled, Status.DefaultCancelled.StatusCode);
        Assert.Equal(StatusCode.OK, default(Status).StatusCode);
    }

    [Fact]
    public void Status_codes_have_their_numbers_on_the_wire() => Assert.Equal(
        "OK Cancelled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition "
        + "Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated",
        string.Join(' ', Enumerable.Range(0, 17).Select(number => (StatusCode)number)));

    [Fact]
    public void An_exception_carries_status_trailers_and_cause()
    {
        var cause = new IOException("disk");
        var status = new Status(StatusCode.DataLoss, "gone", cause);
        var trailers = new Metadata { { "a", "1" } };

        Assert.Equal(status.ToString(), new RpcException(status).Message);
        Assert.Same(cause, new RpcException(status).InnerException);
        Assert.Same(Metadata.Empty, new RpcException(status).Trailers);
        Assert.Equal("said", new RpcException(status, "said").Message);
        Assert.Same(trailers, new RpcException(status, trailers).Trailers);
        Assert.Equal("said", new RpcException(status, trailers, "said").Message);
        Assert.Equal(StatusCode.DataLoss, new RpcException(status).StatusCode);
        Assert.Throws<ArgumentNullException>(() => new RpcException(status, (Metadata)null!));
    }

    [Fact]
    public void A_marshaller_of_arrays_works_over_buffers_and_one_of_buffers_over_arrays()
    {
        var arrays = Marshallers.Create(Encoding.UTF8.GetBytes, Encoding.UTF8.GetString);
        var buffers = Marshallers.Create<string>(
            (text, context) =>
            {
                context.SetPayloadLength(Encoding.UTF8.GetByteCount(text));
                Encoding.UTF8.GetBytes(text, context.GetBufferWriter());
                context.Complete();
            },
            context => Encoding.UTF8.GetString(context.PayloadAsReadOnlySequence()) + context.PayloadLength);

        var context = new Buffer();
        arrays.ContextualSerializer("安全網", context);
        Assert.Equal("安全網", arrays.ContextualDeserializer(context.Read()));
        Assert.Equal("安全網9", buffers.Deserializer(buffers.Serializer("安全網")));
        Assert.Equal("網", Marshallers.StringMarshaller.Deserializer(Marshallers.StringMarshaller.Serializer("網")));
        Assert.Throws<InvalidOperationException>(() => Marshallers.Create<string>((_, _) => { }, _ => "").Serializer("never completed"));
    }

    [Fact]
    public void A_definition_refuses_the_same_method_twice()
    {
        var builder = ServerServiceDefinition.CreateBuilder().AddMethod(EchoServer.HandMade.Unary, (text, _) => Task.FromResult(text));
        Assert.Throws<ArgumentException>(() => builder.AddMethod(EchoServer.HandMade.Unary, (text, _) => Task.FromResult(text)));
    }

    [Fact]
    public void A_method_knows_its_path()
    {
        var method = EchoServer.HandMade.ServerStreaming;
        Assert.Equal("/safetynet.tests.HandMade/ServerStreaming", method.FullName);
        Assert.Equal("safetynet.tests.HandMade", method.ServiceName);
        Assert.Equal("ServerStreaming", method.Name);
        Assert.Equal(MethodType.ServerStreaming, method.Type);
    }

    [Fact]
    public void Composing_wants_two_credentials_and_a_secured_channel()
    {
        var token = CallCredentials.FromInterceptor((_, _) => Task.CompletedTask);
        Assert.Throws<ArgumentException>(() => CallCredentials.Compose(token));
        Assert.Throws<ArgumentNullException>(() => CallCredentials.Compose(token, null!));
        Assert.Throws<ArgumentNullException>(() => CallCredentials.FromInterceptor(null!));
        Assert.Throws<ArgumentException>(() => ChannelCredentials.Create(ChannelCredentials.Insecure, token));
        var composed = ChannelCredentials.Create(ChannelCredentials.SecureSsl, token);
        Assert.Throws<ArgumentException>(() => ChannelCredentials.Create(composed, token));
    }

    [Fact]
    public void What_is_known_of_a_peer_is_found_by_name()
    {
        byte[] name = [.. "moe.example"u8];
        var context = new AuthContext("spiffe", new Dictionary<string, List<AuthProperty>>
        {
            ["spiffe"] = [AuthProperty.Create("spiffe", name)],
            ["other"] = [AuthProperty.Create("other", [1]), AuthProperty.Create("other", [2])],
        });
        name[0] = 0;
        Assert.True(context.IsPeerAuthenticated);
        Assert.Equal("moe.example", Assert.Single(context.PeerIdentity).Value);
        Assert.Equal([[1], [2]], context.FindPropertiesByName("other").Select(property => property.ValueBytes));
        Assert.Equal(3, context.Properties.Count());
        Assert.Empty(context.FindPropertiesByName("none"));

        var nobody = new AuthContext(null, []);
        Assert.False(nobody.IsPeerAuthenticated);
        Assert.Empty(nobody.PeerIdentity);
    }

    [Fact]
    public void A_client_without_a_channel_is_for_test_doubles()
    {
        Assert.Throws<NotImplementedException>(() => new Unconnected().Say(new EchoRequest()));
        Assert.Throws<ArgumentNullException>(() => new EchoService.EchoServiceClient((ChannelBase)null!));
    }

    [Fact]
    public async Task A_writer_that_cannot_be_cancelled_refuses_a_token_that_can()
    {
        IAsyncStreamWriter<string> writer = new PlainWriter();
        using var cancellation = new CancellationTokenSource();
        await writer.WriteAsync("message", CancellationToken.None);
        await Assert.ThrowsAsync<NotSupportedException>(() => writer.WriteAsync("message", cancellation.Token));
    }

    [Fact]
    public void Context_goes_on_whole_unless_said_otherwise()
    {
        Assert.True(ContextPropagationOptions.Default is { IsPropagateDeadline: true, IsPropagateCancellation: true });
        Assert.True(new ContextPropagationOptions(propagateDeadline: false) is { IsPropagateDeadline: false, IsPropagateCancellation: true });
    }

    [Fact]
    public void Pem_credentials_keep_what_they_were_given()
    {
        var pair = new KeyCertificatePair("chain", "key");
        var credentials = new SslCredentials("roots", pair, context => context.TargetName == "exchange");
        Assert.Equal("roots", credentials.RootCertificates);
        Assert.Same(pair, credentials.KeyCertificatePair);
        Assert.Equal(("chain", "key"), (pair.CertificateChain, pair.PrivateKey));
        Assert.Null(new SslCredentials().RootCertificates);
        Assert.Throws<ArgumentNullException>(() => new KeyCertificatePair(null!, "key"));
    }

    private sealed class Unconnected : EchoService.EchoServiceClient;

    private sealed class PlainWriter : IAsyncStreamWriter<string>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(string message) => Task.CompletedTask;
    }

    private sealed class Buffer : SerializationContext
    {
        private byte[] payload = [];

        public override void Complete(byte[] payload) => this.payload = payload;

        public DeserializationContext Read() => new Reader(payload);

        private sealed class Reader(byte[] payload) : DeserializationContext
        {
            public override int PayloadLength => payload.Length;

            public override byte[] PayloadAsNewBuffer() => payload;

            public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(payload);
        }
    }
}
