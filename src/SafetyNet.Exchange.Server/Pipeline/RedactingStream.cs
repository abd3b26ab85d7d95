using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// Step 9 for a stream: each message leaves with what decisions of the call made visible, as a single answer would, and only while the legal basis of the
/// access still carries it under the policy of that moment.
/// </summary>
internal sealed class RedactingStream<T>(IServerStreamWriter<T> inner, Call call, TimeProvider clock) : IServerStreamWriter<T>
{
    public WriteOptions? WriteOptions
    {
        get => inner.WriteOptions;
        set => inner.WriteOptions = value;
    }

    public Task WriteAsync(T message) => inner.WriteAsync(Redacted(message));

    public Task WriteAsync(T message, CancellationToken cancellationToken) => inner.WriteAsync(Redacted(message), cancellationToken);

    private T Redacted(T message)
    {
        call.Renew(clock.GetUtcNow());
        AccessStep.RequireBasis(call);
        var wire = (IMessage)message!;
        RedactionPlan.For(wire.Descriptor).Redact(wire, call.Visible);
        return message;
    }
}
