using Grpc.Core;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>The caller took its stream back while it was read. The host tells a reader so before it tells the call, which is why the call's own token does not say it yet.</summary>
internal sealed class CallerLeftException(Exception cause) : Exception("The caller took its stream back.", cause);

/// <summary>The messages that a caller streams. What fails in reading them is the caller's connection and never the store: it is told apart here, where it is known.</summary>
internal sealed class CallersStream<T>(IAsyncStreamReader<T> stream) : IAsyncStreamReader<T>
{
    public T Current => stream.Current;

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        try
        {
            return await stream.MoveNext(cancellationToken);
        }
        catch (IOException cut)
        {
            throw new CallerLeftException(cut);
        }
    }
}
