using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>The stream of what changes in the cases of a unit.</summary>
internal sealed class CaseWatchService(SqliteStore store, UnitSignals signals) : Wire.CaseWatchService.CaseWatchServiceBase
{
    public override async Task WatchCases(Wire.WatchCasesRequest request, IServerStreamWriter<Wire.WatchCasesResponse> responseStream, ServerCallContext context)
    {
        var call = Call.Of(context);
        using var signal = signals.Watch(call.Unit.UnitId);
        long told;
        using (var read = store.Read()) told = PageToken.Read(request.AfterCursor, read.LastCaseEvent(), "after_cursor");
        // Before anything happens: whoever is cut off until then resumes from here.
        await TellAsync(change: null);
        while (!signals.IsStopping && !context.CancellationToken.IsCancellationRequested)
        {
            CaseEventPage page;
            using (var read = store.Read()) page = read.CaseEventsOf(call.Unit.UnitId, told);
            foreach (var line in page.Lines)
            {
                call.RequireActive();
                told = line.Sequence;
                if (MayKnow(call, line)) await TellAsync(ToWire(line));
            }

            // What lies between is of others: a reader that resumes need not go through it again.
            if (page.Last - told >= CaseEventQueries.EventsAtOnce) await TellAsync(change: null, page.Last);
            told = Math.Max(told, page.Last);
            if (page.IsEnd) await signal.WaitAsync(context.CancellationToken);
        }

        Task TellAsync(Wire.CaseChange? change, long? cursor = null) =>
            responseStream.WriteAsync(new Wire.WatchCasesResponse { Change = change, Cursor = PageToken.Of(cursor ?? told) }, context.CancellationToken);
    }

    /// <summary>As the unit would see it if it read the case now; the policy is asked like anywhere else.</summary>
    private static bool MayKnow(Call call, CaseEventLine line)
    {
        var isOwn = string.Equals(line.UnitId, call.Unit.UnitId, StringComparison.Ordinal);
        return line.Kind switch
        {
            Wire.CaseChangeKind.Case => true,
            Wire.CaseChangeKind.Note or Wire.CaseChangeKind.Visit => isOwn,
            Wire.CaseChangeKind.Goal or Wire.CaseChangeKind.TrackedItem => isOwn || line.Role == Wire.ParticipantRole.Primary,
            Wire.CaseChangeKind.Participant => isOwn || call.Policy.Decide(call.Ask(Standing.OfParticipant(line.Role), line.Jurisdiction) with
            {
                ServiceScope = line.Protective.At(call.Now),
            }) is { Allowed: true, Visible: var visible } && visible.Contains(Wire.ConfidentialityClass.Involvement),
            _ => false,
        };
    }

    private static Wire.CaseChange ToWire(CaseEventLine line) => new()
    {
        CaseId = line.CaseId.ToString(), Kind = line.Kind, ChangedAt = Timestamp.FromDateTimeOffset(line.At), UnitId = line.UnitId,
        NoteId = IdOf(line, Wire.CaseChangeKind.Note), GoalId = IdOf(line, Wire.CaseChangeKind.Goal), VisitId = IdOf(line, Wire.CaseChangeKind.Visit),
        ItemId = IdOf(line, Wire.CaseChangeKind.TrackedItem),
    };

    private static string IdOf(CaseEventLine line, Wire.CaseChangeKind kind) => line.Kind == kind ? line.ResourceId!.Value.ToString() : "";
}
