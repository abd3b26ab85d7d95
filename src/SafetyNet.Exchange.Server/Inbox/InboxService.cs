using System.Collections.Concurrent;
using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Inbox;

/// <summary>The RPCs of a unit's inbox (R-NOT-1, R-NOT-2).</summary>
internal sealed class InboxService(SqliteStore store, UnitSignals signals) : Wire.InboxService.InboxServiceBase
{
    /// <summary>Notices that a stream takes from the store at once. It takes the next ones when the reader has room for them: whoever reads slowly holds up nobody, and keeps no more than this.</summary>
    private const int NoticesAtOnce = 200;

    /// <summary>Places that one call looks through for parked notices.</summary>
    private const int PlacesAtOnce = 5000;

    private const int MostTold = 1000;

    private readonly ConcurrentDictionary<(string, long), bool> _told = new();

    public override Task<Wire.ListNoticesResponse> ListNotices(Wire.ListNoticesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var response = new Wire.ListNoticesResponse();
        var unitId = call.Unit.UnitId;
        response.Notices.Add(call.Read.ReadInbox(unitId, After(call.Read, unitId, request.AfterSequence), request.PageSize == 0 ? 100 : request.PageSize).Select(place => Show(unitId, place)));
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
            List<NoticePlace> places;
            using (var read = store.Read())
            {
                after ??= After(read, unitId, request.AfterSequence);
                places = read.ReadInbox(unitId, after.Value, NoticesAtOnce);
            }

            foreach (var place in places)
            {
                call.RequireActive();
                await responseStream.WriteAsync(new Wire.WatchInboxResponse { Notice = Show(unitId, place) }, context.CancellationToken);
                after = place.Sequence;
            }

            if (places.Count < NoticesAtOnce) await signal.WaitAsync(context.CancellationToken);
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

    public override Task<Wire.ListParkedNoticesResponse> ListParkedNotices(Wire.ListParkedNoticesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var places = call.Read.ReadInbox(call.Unit.UnitId, PageToken.Read(request.PageToken, 0L), PlacesAtOnce);
        var response = new Wire.ListParkedNoticesResponse();
        response.Notices.Add(places.Where(place => place.Notice is null).Select(place => new Wire.ParkedNotice { Sequence = (ulong)place.Sequence, Reason = place.Reason }));
        if (places.Count == PlacesAtOnce) response.NextPageToken = PageToken.Of(places[^1].Sequence);
        return Task.FromResult(response);
    }

    /// <summary>The notice; of one that cannot be read its number, so that the reader knows of it and goes on.</summary>
    private Wire.Notice Show(string unitId, NoticePlace place)
    {
        if (place.Notice is { } notice) return notice;
        if (_told.Count < MostTold && _told.TryAdd((unitId, place.Sequence), true)) ServerLog.NoticeParked(unitId, place.Sequence, place.Reason);
        return new Wire.Notice { Sequence = (ulong)place.Sequence, Kind = Wire.NoticeKind.Parked };
    }

    /// <summary>0 stands for the first notice that is not acknowledged.</summary>
    private static long After(ReadSession read, string unitId, ulong after) =>
        after == 0 ? read.FindInbox(unitId).Acknowledged : (long)Math.Min(after, long.MaxValue);
}
