using Grpc.Core;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Cases;

/// <summary>Reads the stream of case changes.</summary>
internal static class CaseWatching
{
    /// <summary>Cursor before everything.</summary>
    public const string FromTheBeginning = "AAAAAAAAAAA";

    /// <summary>What comes after a cursor until nothing has come for a while.</summary>
    public static async Task<List<Wire.CaseChange>> WatchesCasesAsync(this Party by, string cursor, TimeSpan silence)
    {
        using var watching = by.Channel.CaseWatch.WatchCases(new() { Context = by.Context(), AfterCursor = cursor });
        using var enough = new CancellationTokenSource();
        var changes = new List<Wire.CaseChange>();
        try
        {
            enough.CancelAfter(silence);
            while (await watching.ResponseStream.MoveNext(enough.Token))
            {
                enough.CancelAfter(silence);
                if (watching.ResponseStream.Current.Change is { } change) changes.Add(change);
            }
        }
        catch (OperationCanceledException)
        {
            // All that was there has come.
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.Cancelled)
        {
            // The same, told by the channel.
        }

        return changes;
    }

    /// <summary>The next change, or null for an answer that only carries a cursor; and the cursor.</summary>
    public static async Task<(Wire.CaseChange? Change, string Cursor)> NextAsync(this AsyncServerStreamingCall<Wire.WatchCasesResponse> watching, CancellationToken cancellation)
    {
        Assert.True(await watching.ResponseStream.MoveNext(cancellation));
        return (watching.ResponseStream.Current.Change, watching.ResponseStream.Current.Cursor);
    }
}
