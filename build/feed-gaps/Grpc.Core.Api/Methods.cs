using System.Buffers;
using System.Text;

namespace Grpc.Core;

/// <summary>Which side sends a stream.</summary>
public enum MethodType
{
    /// <summary>One request, one response.</summary>
    Unary,

    /// <summary>A stream of requests, one response.</summary>
    ClientStreaming,

    /// <summary>One request, a stream of responses.</summary>
    ServerStreaming,

    /// <summary>Two streams.</summary>
    DuplexStreaming,
}

/// <summary>A method, whatever its messages are.</summary>
public interface IMethod
{
    /// <summary>Which side sends a stream.</summary>
    MethodType Type { get; }

    /// <summary>With its package.</summary>
    string ServiceName { get; }

    /// <summary>Without the service.</summary>
    string Name { get; }

    /// <summary><c>/service/method</c>, the path on the wire.</summary>
    string FullName { get; }
}

/// <summary>A method and how its messages become bytes.</summary>
public class Method<TRequest, TResponse> : IMethod
{
    /// <summary>None may be null.</summary>
    public Method(
        MethodType type, string serviceName, string name, Marshaller<TRequest> requestMarshaller, Marshaller<TResponse> responseMarshaller)
    {
        ArgumentNullException.ThrowIfNull(serviceName);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(requestMarshaller);
        ArgumentNullException.ThrowIfNull(responseMarshaller);
        Type = type;
        ServiceName = serviceName;
        Name = name;
        RequestMarshaller = requestMarshaller;
        ResponseMarshaller = responseMarshaller;
        FullName = $"/{serviceName}/{name}";
    }

    /// <inheritdoc/>
    public MethodType Type { get; }

    /// <inheritdoc/>
    public string ServiceName { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string FullName { get; }

    /// <summary>For requests.</summary>
    public Marshaller<TRequest> RequestMarshaller { get; }

    /// <summary>For responses.</summary>
    public Marshaller<TResponse> ResponseMarshaller { get; }
}

/// <summary>Turns a message into bytes and back, either as whole arrays or over buffers of the transport; each form works where the other was given.</summary>
public class Marshaller<T>
{
    /// <summary>Whole arrays.</summary>
    public Marshaller(Func<T, byte[]> serializer, Func<byte[], T> deserializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentNullException.ThrowIfNull(deserializer);
        Serializer = serializer;
        Deserializer = deserializer;
        ContextualSerializer = (message, context) => context.Complete(serializer(message));
        ContextualDeserializer = context => deserializer(context.PayloadAsNewBuffer());
    }

    /// <summary>Over buffers of the transport.</summary>
    public Marshaller(Action<T, SerializationContext> serializer, Func<DeserializationContext, T> deserializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentNullException.ThrowIfNull(deserializer);
        ContextualSerializer = serializer;
        ContextualDeserializer = deserializer;
        Serializer = message =>
        {
            var context = new ArraySerialization();
            serializer(message, context);
            return context.Payload;
        };
        Deserializer = payload => deserializer(new ArrayDeserialization(payload));
    }

    /// <summary>To an array.</summary>
    public Func<T, byte[]> Serializer { get; }

    /// <summary>From an array.</summary>
    public Func<byte[], T> Deserializer { get; }

    /// <summary>To a buffer of the transport.</summary>
    public Action<T, SerializationContext> ContextualSerializer { get; }

    /// <summary>From a buffer of the transport.</summary>
    public Func<DeserializationContext, T> ContextualDeserializer { get; }

    private sealed class ArraySerialization : SerializationContext
    {
        private readonly ArrayBufferWriter<byte> writer = new();
        private byte[]? payload;

        public byte[] Payload => payload ?? throw new InvalidOperationException("The serializer did not complete the message.");

        public override void Complete(byte[] payload)
        {
            if (this.payload is not null) throw new InvalidOperationException("The message is complete already.");
            this.payload = payload;
        }

        public override IBufferWriter<byte> GetBufferWriter() => writer;

        public override void Complete() => Complete(writer.WrittenSpan.ToArray());
    }

    private sealed class ArrayDeserialization(byte[] payload) : DeserializationContext
    {
        public override int PayloadLength => payload.Length;

        public override byte[] PayloadAsNewBuffer() => payload.AsSpan().ToArray();

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(payload);
    }
}

/// <summary>Makes marshallers.</summary>
public static class Marshallers
{
    /// <summary>Text as UTF-8.</summary>
    public static Marshaller<string> StringMarshaller { get; } = new(Encoding.UTF8.GetBytes, Encoding.UTF8.GetString);

    /// <summary>Over whole arrays.</summary>
    public static Marshaller<T> Create<T>(Func<T, byte[]> serializer, Func<byte[], T> deserializer) => new(serializer, deserializer);

    /// <summary>Over buffers of the transport.</summary>
    public static Marshaller<T> Create<T>(Action<T, SerializationContext> serializer, Func<DeserializationContext, T> deserializer) =>
        new(serializer, deserializer);
}

/// <summary>Where a serializer puts one message. Either one array, or the buffer writer and then <see cref="Complete()"/>.</summary>
public abstract class SerializationContext
{
    /// <summary>The whole message as one array, which then belongs to the transport.</summary>
    public virtual void Complete(byte[] payload) => throw new NotImplementedException();

    /// <summary>A writer over buffers of the transport.</summary>
    public virtual IBufferWriter<byte> GetBufferWriter() => throw new NotImplementedException();

    /// <summary>Optional, before <see cref="GetBufferWriter"/>: the exact length, which saves a copy.</summary>
    public virtual void SetPayloadLength(int payloadLength)
    {
    }

    /// <summary>What was written to the buffer writer is the message.</summary>
    public virtual void Complete() => throw new NotImplementedException();
}

/// <summary>Where a deserializer finds one message. Valid only until the deserializer returns.</summary>
public abstract class DeserializationContext
{
    /// <summary>In bytes.</summary>
    public abstract int PayloadLength { get; }

    /// <summary>A copy that belongs to the caller.</summary>
    public virtual byte[] PayloadAsNewBuffer() => throw new NotImplementedException();

    /// <summary>The transport's own buffers.</summary>
    public virtual ReadOnlySequence<byte> PayloadAsReadOnlySequence() => throw new NotImplementedException();
}
