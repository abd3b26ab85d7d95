using System.Runtime.CompilerServices;

namespace Grpc.Core;

/// <summary>Where a channel stands with its connection.</summary>
public enum ConnectivityState
{
    /// <summary>Not connected and not trying.</summary>
    Idle,

    /// <summary>Trying.</summary>
    Connecting,

    /// <summary>Connected.</summary>
    Ready,

    /// <summary>Failed; will try again.</summary>
    TransientFailure,

    /// <summary>Closed for good.</summary>
    Shutdown,
}

/// <summary>Reading a stream to its end with <c>await foreach</c>.</summary>
public static class AsyncStreamReaderExtensions
{
    /// <summary>Every message until the end of the stream; one enumeration only.</summary>
    public static IAsyncEnumerable<T> ReadAllAsync<T>(this IAsyncStreamReader<T> streamReader, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(streamReader);
        return Messages(streamReader, cancellationToken);

        static async IAsyncEnumerable<T> Messages(IAsyncStreamReader<T> reader, [EnumeratorCancellation] CancellationToken cancellation)
        {
            while (await reader.MoveNext(cancellation)) yield return reader.Current;
        }
    }
}
