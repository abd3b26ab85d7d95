namespace Grpc.Core;

/// <summary>Messages coming in, one after the other. One reader at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message read last; only after <see cref="MoveNext"/> returned true.</summary>
    T Current { get; }

    /// <summary>Waits for the next message; false at the end of the stream.</summary>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}

/// <summary>Messages going out. One write at a time.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>For the following writes; null for those of the call.</summary>
    WriteOptions? WriteOptions { get; set; }

    /// <summary>Completes when the next write may begin, which is not yet delivery.</summary>
    Task WriteAsync(T message);

    /// <summary>As the other, and gives up when cancelled; an implementation that cannot be cancelled refuses a token that can be.</summary>
    /// <exception cref="NotSupportedException">the writer cannot be cancelled</exception>
    Task WriteAsync(T message, CancellationToken cancellationToken) => cancellationToken.CanBeCanceled
        ? throw new NotSupportedException("This gRPC implementation cannot cancel the write of a message.")
        : WriteAsync(message);
}

/// <summary>A client's stream of requests.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>No more requests follow.</summary>
    Task CompleteAsync();
}

/// <summary>A server's stream of responses; ends when the handler returns.</summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>
{
}

/// <summary>Reading without a token.</summary>
public static class AsyncStreamReaderExtensions
{
    /// <summary>Waits for the next message; false at the end of the stream.</summary>
    public static Task<bool> MoveNext<T>(this IAsyncStreamReader<T> streamReader)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(streamReader);
        return streamReader.MoveNext(CancellationToken.None);
    }
}
