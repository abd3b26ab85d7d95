using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Inbox;

/// <summary>The RPCs of a unit's inbox (R-NOT-1, R-NOT-2).</summary>
internal sealed class InboxService(SqliteStore store, InboxSignals signals) : Wire.InboxService.InboxServiceBase
{
    private const int NoticesAtOnce = 200;

    public override Task<Wire.ListNoticesResponse> ListNotices(Wire.ListNoticesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var response = new Wire.ListNoticesResponse();
        response.Notices.Add(call.Read.ListNotices(
            call.Unit.UnitId, After(call.Read, call.Unit.UnitId, request.AfterSequence), request.PageSize == 0 ? 100 : request.PageSize));
        return Task.FromResult(response);
    }

    public override async Task WatchInbox(Wire.WatchInboxRequest request, IServerStreamWriter<Wire.WatchInboxResponse> responseStream, ServerCallContext context)
    {
        var call = Call.Of(context);
        var unitId = call.Unit.UnitId;
        using var signal = signals.Watch(unitId);
        long? after = null;
        while (!signals.IsStopping && !context.CancellationToken.IsCancellationRequested)
        {
            List<Wire.Notice> notices;
            using (var read = store.Read())
            {
                after ??= After(read, unitId, request.AfterSequence);
                notices = read.ListNotices(unitId, after.Value, NoticesAtOnce);
            }

            foreach (var notice in notices)
            {
                call.RequireActive();
                await responseStream.WriteAsync(new Wire.WatchInboxResponse { Notice = notice }, context.CancellationToken);
                after = (long)notice.Sequence;
            }

            if (notices.Count < NoticesAtOnce) await signal.WaitAsync(context.CancellationToken);
        }
    }

    public override Task<Wire.AcknowledgeNoticesResponse> AcknowledgeNotices(Wire.AcknowledgeNoticesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var unitId = call.Unit.UnitId;
        var (last, acknowledged) = call.Read.FindInbox(unitId);
        var upTo = (long)Math.Min(request.UpToSequence, long.MaxValue);
        if (upTo > last) throw new Refusal(Wire.ErrorReason.NotFound);
        if (call.Replayed is null)
        {
            call.Change.Key!.Outcome = unitId;
            call.Change.Acknowledged = new Acknowledgement(unitId, upTo);
            call.Raise(new NoticesAcknowledged(unitId, call.Read.ReferralsReceived(unitId, acknowledged, upTo)));
        }

        return Task.FromResult(new Wire.AcknowledgeNoticesResponse { AcknowledgedSequence = (ulong)Math.Max(upTo, acknowledged) });
    }

    /// <summary>0 stands for the first notice that is not acknowledged.</summary>
    private static long After(ReadSession read, string unitId, ulong after) =>
        after == 0 ? read.FindInbox(unitId).Acknowledged : (long)Math.Min(after, long.MaxValue);
}
