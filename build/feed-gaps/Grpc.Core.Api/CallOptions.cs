namespace Grpc.Core;

/// <summary>What a caller asks of one call beside its request. A value: every <c>With</c> method returns a changed copy.</summary>
public struct CallOptions
{
    private bool waitForReady;

    /// <param name="headers">sent with the call; null for none</param>
    /// <param name="deadline">UTC; null or <see cref="DateTime.MaxValue"/> for none</param>
    /// <param name="cancellationToken">cancels the call on both sides</param>
    /// <param name="writeOptions">null for the default</param>
    /// <param name="propagationToken">null for none</param>
    /// <param name="credentials">of this call, in addition to the channel's; null for none</param>
    public CallOptions(
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default,
        WriteOptions? writeOptions = null,
        ContextPropagationToken? propagationToken = null,
        CallCredentials? credentials = null)
    {
        Headers = headers;
        Deadline = deadline;
        CancellationToken = cancellationToken;
        WriteOptions = writeOptions;
        PropagationToken = propagationToken;
        Credentials = credentials;
        waitForReady = false;
    }

    /// <summary>Sent with the call; null for none.</summary>
    public Metadata? Headers { get; private set; }

    /// <summary>UTC; null for none.</summary>
    public DateTime? Deadline { get; private set; }

    /// <summary>Cancels the call on both sides.</summary>
    public CancellationToken CancellationToken { get; private set; }

    /// <summary>Null for the default.</summary>
    public WriteOptions? WriteOptions { get; private set; }

    /// <summary>Null for none.</summary>
    public ContextPropagationToken? PropagationToken { get; private set; }

    /// <summary>Of this call, in addition to the channel's; null for none.</summary>
    public CallCredentials? Credentials { get; private set; }

    /// <summary>True: wait for a connection instead of failing at once. Default false.</summary>
    public readonly bool IsWaitForReady => waitForReady;

    /// <summary>The same with other headers.</summary>
    public readonly CallOptions WithHeaders(Metadata headers) => this with { Headers = headers };

    /// <summary>The same with another deadline (UTC).</summary>
    public readonly CallOptions WithDeadline(DateTime deadline) => this with { Deadline = deadline };

    /// <summary>The same with another token.</summary>
    public readonly CallOptions WithCancellationToken(CancellationToken cancellationToken) => this with { CancellationToken = cancellationToken };

    /// <summary>The same with other write options.</summary>
    public readonly CallOptions WithWriteOptions(WriteOptions writeOptions) => this with { WriteOptions = writeOptions };

    /// <summary>The same with another propagation token.</summary>
    public readonly CallOptions WithPropagationToken(ContextPropagationToken propagationToken) => this with { PropagationToken = propagationToken };

    /// <summary>The same with other credentials.</summary>
    public readonly CallOptions WithCredentials(CallCredentials credentials) => this with { Credentials = credentials };

    /// <summary>The same, waiting for a connection or not.</summary>
    public readonly CallOptions WithWaitForReady(bool waitForReady = true) => this with { waitForReady = waitForReady };
}

/// <summary>How messages are written.</summary>
[Flags]
public enum WriteFlags
{
    /// <summary>The message may be held back and sent together with later ones.</summary>
    BufferHint = 0x1,

    /// <summary>The message is sent as it is although the call compresses.</summary>
    NoCompress = 0x2,
}

/// <summary>The flags of a write, or of a whole call.</summary>
public class WriteOptions
{
    /// <summary>No flags.</summary>
    public static readonly WriteOptions Default = new();

    /// <param name="flags">default none</param>
    public WriteOptions(WriteFlags flags = default) => Flags = flags;

    /// <summary>The flags.</summary>
    public WriteFlags Flags { get; }
}

/// <summary>What of the call being served goes on to calls made on its behalf.</summary>
public class ContextPropagationOptions
{
    /// <summary>Deadline and cancellation both.</summary>
    public static readonly ContextPropagationOptions Default = new();

    /// <param name="propagateDeadline">default true</param>
    /// <param name="propagateCancellation">default true</param>
    public ContextPropagationOptions(bool propagateDeadline = true, bool propagateCancellation = true)
    {
        IsPropagateDeadline = propagateDeadline;
        IsPropagateCancellation = propagateCancellation;
    }

    /// <summary>The inner call ends no later than the outer.</summary>
    public bool IsPropagateDeadline { get; }

    /// <summary>The inner call is cancelled with the outer.</summary>
    public bool IsPropagateCancellation { get; }
}

/// <summary>Carries the context of a call being served. Opaque; only a gRPC implementation makes and reads one.</summary>
public abstract class ContextPropagationToken
{
    internal ContextPropagationToken()
    {
    }
}
