using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// Step 9 for a stream: each message leaves with what decisions made visible since the message before it, as a single answer would, and only while the legal basis
/// of the access still carries it under the policy of that moment. What was decided for one message opens nothing in the next: a step may have ended in between (B46).
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
        call.BeginNextMessage();
        return message;
    }
}
