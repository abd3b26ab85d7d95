using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Visits;

/// <summary>The RPCs of visits and their protocols: load, decide, change, answer. Identity, access, limits, validation and the record are the pipeline's.</summary>
internal sealed class VisitService(VisitProtocols protocols) : Wire.VisitService.VisitServiceBase
{
    /// <summary>Most days that a visit is recorded after it was made, or planned ahead; and the days around today on which a protocol starts.</summary>
    private const int MostDaysLate = 60, MostDaysAhead = 366, MostDaysSinceStart = 7, MostDaysToStart = 31;

    private const int DefaultPage = 100;

    public override Task<Wire.StartProtocolResponse> StartProtocol(Wire.StartProtocolRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (call.Replayed is { } made) return Task.FromResult(new Wire.StartProtocolResponse { Run = LoadAndShow(call, made) });
        var (shared, view) = call.LoadCaseOfVisits(Guid.Parse(request.CaseId));
        var personId = RequireSubject(call, view, request.PersonId);
        var protocol = protocols.Find(request.Protocol) ?? throw Refusal.InvalidField(new FieldFault("protocol", FieldFaultKind.NotAllowedHere));
        var startsOn = request.StartsOn.Length == 0 ? call.On : DayOf(request.StartsOn);
        if (startsOn < call.On.AddDays(-MostDaysSinceStart)) throw Refusal.InvalidField(new FieldFault("starts_on", FieldFaultKind.TooLongAgo, $"{MostDaysSinceStart}"));
        if (startsOn > call.On.AddDays(MostDaysToStart)) throw Refusal.InvalidField(new FieldFault("starts_on", FieldFaultKind.OutOfRange, $"0..{MostDaysToStart} days ahead"));
        call.RequireOwn(view, protocol.ConfidentialityClass);
        if (call.Read.HasRunning(shared.File.CaseId, call.Unit.UnitId, personId, protocol.Code)) throw new Refusal(Wire.ErrorReason.ProtocolRunning, ("protocol", protocol.Code), ("rule", "R-CASE-5"));
        var run = new ProtocolRun
        {
            RunId = call.NewId(), CaseId = shared.File.CaseId, UnitId = call.Unit.UnitId, PersonId = personId, Jurisdiction = shared.File.Jurisdiction, Protocol = protocol.Code,
            ConfidentialityClass = protocol.ConfidentialityClass, ProtocolsRevision = protocols.Revision, StartsOn = startsOn, MinimumMonths = protocol.MinimumMonths,
            Needs = ProtocolRun.Write(protocol.Visits), Reminders = ProtocolRun.Write(protocol.Reminders), MonthsPlanned = protocol.MinimumMonths, StartedAt = call.Now, Version = 1,
        };
        run.NextMonthAt = VisitPlanning.BeginOf(run.Months().BeginOf(run.MonthsPlanned + 1));
        call.Change.Add(run);
        var visits = Enumerable.Range(1, run.MonthsPlanned).SelectMany(month => VisitPlanning.PlanMonth(call.Change, run, month, call.On, call.Now, call.Context!.Actor.PersonId)).ToList();
        TakePart(call, shared);
        call.Change.Key!.Outcome = run.RunId.ToString();
        return Task.FromResult(new Wire.StartProtocolResponse { Run = VisitView.Show(call, view, run, [.. visits.Select(visit => new CountedVisit(visit.State, visit.PlannedOn, null, []))]) });
    }

    public override Task<Wire.PlanVisitResponse> PlanVisit(Wire.PlanVisitRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (call.Replayed is { } made) return Task.FromResult(new Wire.PlanVisitResponse { Visit = LoadAndShowVisit(call, made) });
        var (shared, view) = call.LoadCaseOfVisits(Guid.Parse(request.CaseId));
        var personId = RequireSubject(call, view, request.PersonId);
        var plannedOn = RequirePlannable(call, request.PlannedOn);
        var run = request.RunId.Length == 0 ? null : RequireRun(call, Guid.Parse(request.RunId), shared.File.CaseId, personId);
        var one = request.ConfidentialityClass != default ? request.ConfidentialityClass : run?.ConfidentialityClass ?? Wire.ConfidentialityClass.PublicStatus;
        if (!VisitProtocols.IsContent(one) || (run is not null && one != run.ConfidentialityClass)) throw Refusal.InvalidField(new FieldFault("confidentiality_class", FieldFaultKind.NotAllowedHere));
        call.RequireOwn(view, one);
        if (run is { EndedOn: not null }) throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(run.End)), ("action", CodeText.Of(Wire.VisitAction.Plan)), ("allowed", ""));
        Visit visit;
        if (run is not null) visit = VisitPlanning.Plan(call.Change, run, plannedOn, call.Now, call.Context!.Actor.PersonId);
        else
        {
            visit = new Visit
            {
                VisitId = call.NewId(), CaseId = shared.File.CaseId, UnitId = call.Unit.UnitId, PersonId = personId, Jurisdiction = shared.File.Jurisdiction, ConfidentialityClass = one,
                State = Wire.VisitState.Planned, PlannedOn = plannedOn, Version = 1,
            };
            VisitPlanning.Add(call.Change, visit, protocols.Reminders, protocols.Revision, call.Now, call.Context!.Actor.PersonId);
        }

        TakePart(call, shared);
        call.Change.Key!.Outcome = visit.VisitId.ToString();
        return Task.FromResult(new Wire.PlanVisitResponse { Visit = VisitView.Show(call, view, visit, run?.Protocol ?? "", [.. call.Change.Added.OfType<VisitMoveRow>()]) });
    }

    public override Task<Wire.RecordVisitResponse> RecordVisit(Wire.RecordVisitRequest request, ServerCallContext context) => Task.FromResult(new Wire.RecordVisitResponse
    {
        Visit = Move(context, request.VisitId, request.Etag, Wire.VisitAction.RecordVisit, request.Text, request.ConfidentialityClass, (call, visit, move) =>
        {
            Happened(call, visit, move, request.HappenedAt, request.Channel);
            visit.DoneAt = move.HappenedAt;
        }),
    });

    public override Task<Wire.RecordAttemptResponse> RecordAttempt(Wire.RecordAttemptRequest request, ServerCallContext context) => Task.FromResult(new Wire.RecordAttemptResponse
    {
        Visit = Move(context, request.VisitId, request.Etag, Wire.VisitAction.RecordAttempt, request.Text, request.ConfidentialityClass,
            (call, visit, move) => Happened(call, visit, move, request.HappenedAt, request.Channel)),
    });

    public override Task<Wire.RescheduleVisitResponse> RescheduleVisit(Wire.RescheduleVisitRequest request, ServerCallContext context) => Task.FromResult(new Wire.RescheduleVisitResponse
    {
        Visit = Move(context, request.VisitId, request.Etag, Wire.VisitAction.Reschedule, request.Reason, null, (call, visit, move) =>
        {
            visit.PlannedOn = RequirePlannable(call, request.PlannedOn);
            move.PlannedOn = visit.PlannedOn;
            var run = visit.RunId is { } id ? call.Read.FindRun(id, visit.UnitId) : null;
            VisitPlanning.Remind(call.Change, visit, run?.ReminderRule() ?? protocols.Reminders, run?.ProtocolsRevision ?? protocols.Revision, call.Now);
        }),
    });

    public override Task<Wire.CancelVisitResponse> CancelVisit(Wire.CancelVisitRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.CancelVisitResponse { Visit = Move(context, request.VisitId, request.Etag, Wire.VisitAction.Cancel, request.Reason, null, (_, _, _) => { }) });

    public override Task<Wire.EndProtocolResponse> EndProtocol(Wire.EndProtocolRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (view, run) = LoadRun(call, request.RunId);
        if (call.Replayed is not null) return Task.FromResult(new Wire.EndProtocolResponse { Run = VisitView.Show(call, view, run, call.Read.CountedVisitsOf(run.RunId)) });
        // The primary unit may see what another unit follows; only that unit ends it.
        if (!string.Equals(run.UnitId, call.Unit.UnitId, StringComparison.Ordinal)) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "the unit whose protocol it is"));
        if (run.EndedOn is not null) throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(run.End)), ("action", CodeText.Of(Wire.VisitAction.End)), ("allowed", ""));
        RequireCurrent(request.Etag, run);
        var until = run.Months().MinimumEndsBefore;
        var isEarly = call.On < until;
        if (isEarly && request.Reason.Length == 0)
            throw new Refusal(Wire.ErrorReason.ProtocolMinimumNotReached, ("rule", "R-CASE-5"), ("field", "reason"), ("months", $"{run.MinimumMonths}"), ("until", CivilDate.ToText(until.AddDays(-1))));
        if (request.Reason.Length > 0)
        {
            RealText.Require(request.Reason, "reason");
            run.EndReason = call.Vault.SealText(run.Jurisdiction, VisitQueries.EndReasonColumn, run.RunId, request.Reason);
        }

        (run.End, run.EndedOn, run.NextMonthAt) = (isEarly ? Wire.ProtocolEnd.Early : Wire.ProtocolEnd.Completed, call.On, null);
        call.Change.Update(run);
        var counted = call.Read.CountedVisitsOf(run.RunId);
        foreach (var visit in call.Read.VisitsOfRun(run.RunId).Where(visit => visit.State == Wire.VisitState.Planned))
            VisitPlanning.Move(call.Change, visit, Wire.VisitAction.End, call.Now, call.Context!.Actor.PersonId);
        call.Change.Key!.Outcome = run.RunId.ToString();
        return Task.FromResult(new Wire.EndProtocolResponse
        {
            Run = VisitView.Show(call, view, run, [.. counted.Select(one => one.State == Wire.VisitState.Planned ? one with { State = Wire.VisitState.Ended } : one)]),
        });
    }

    public override Task<Wire.GetProtocolResponse> GetProtocol(Wire.GetProtocolRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.GetProtocolResponse { Run = LoadAndShow(Call.Of(context), request.RunId) });

    public override Task<Wire.ListProtocolsResponse> ListProtocols(Wire.ListProtocolsRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.ListProtocolsResponse { Revision = protocols.Revision, Protocols = { protocols.All.Select(VisitView.Show) } });

    public override Task<Wire.ListVisitsResponse> ListVisits(Wire.ListVisitsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        Guid? caseId = request.CaseId.Length == 0 ? null : Guid.Parse(request.CaseId);
        var isOwn = request.UnitId.Length == 0 || string.Equals(request.UnitId, call.Unit.UnitId, StringComparison.Ordinal);
        if (caseId is null && !isOwn) throw Refusal.InvalidField(new FieldFault("case_id", FieldFaultKind.Required));
        var cases = new Dictionary<Guid, (SharedCase Shared, CaseView View)?>();
        if (caseId is { } named) cases[named] = call.LoadCaseOfVisits(named);
        var size = request.PageSize == 0 ? DefaultPage : request.PageSize;
        var (after, codes, response) = (ReadPlace(request.PageToken), new Dictionary<Guid, string>(), new Wire.ListVisitsResponse());
        var page = new VisitPage(caseId, caseId is null ? call.Unit.UnitId : request.UnitId, request.WorkerPersonId, request.SupervisorPersonId,
            request.RunId.Length == 0 ? null : Guid.Parse(request.RunId), request.Listing, request.PlannedUntil.Length == 0 ? null : DayOf(request.PlannedUntil), call.On, after, size);
        // A page is full when it has that many visits that may be seen, so that its length does not tell how many others there are.
        for (var more = true; more && response.Visits.Count < size;)
        {
            var found = call.Read.ListVisits(page);
            more = found.Count == size;
            var moves = call.Read.MovesOf(found);
            foreach (var visit in found)
            {
                page = page with { After = (visit.PlannedOn, visit.VisitId) };
                if (!cases.TryGetValue(visit.CaseId, out var of)) cases[visit.CaseId] = of = call.FindCaseOfVisits(visit.CaseId);
                if (of is not { View: var view } || !call.MaySeeVisit(view, visit.UnitId, visit.ConfidentialityClass)) continue;
                response.Visits.Add(VisitView.Show(call, view, visit, CodeOf(call, visit, codes), [.. moves[visit.VisitId]]));
                if (response.Visits.Count < size) continue;
                response.NextPageToken = PageToken.Of(new DateTimeOffset(visit.PlannedOn.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero), visit.VisitId);
                break;
            }
        }

        return Task.FromResult(response);
    }

    /// <summary>Moves a visit of the acting unit: load, decide, move, record, answer; refused by the state first, then by the etag.</summary>
    /// <param name="context">The call.</param>
    /// <param name="visitId">The visit.</param>
    /// <param name="etag">Version that the caller has read; empty: any.</param>
    /// <param name="action">The move.</param>
    /// <param name="text">What is written of it; empty: nothing.</param>
    /// <param name="textClass">Class of the text; null: that of the visit, whose reason it is.</param>
    /// <param name="then">What the move does besides.</param>
    private static Wire.Visit Move(
        ServerCallContext context, string visitId, string etag, Wire.VisitAction action, string text, Wire.ConfidentialityClass? textClass, Action<Call, Visit, VisitMoveRow> then)
    {
        var call = Call.Of(context);
        var (view, visit, moves) = LoadVisit(call, visitId);
        if (call.Replayed is not null) return VisitView.Show(call, view, visit, CodeOf(call, visit), moves);
        var one = text.Length == 0 ? default : textClass ?? VisitView.ReasonClass(visit.ConfidentialityClass);
        // Of two who have read the same, the second hears of the state that the first left.
        var current = Etag.Of(visit);
        var move = VisitPlanning.Move(call.Change, visit, action, call.Now, call.Context!.Actor.PersonId);
        RequireCurrent(etag, current);
        if (text.Length > 0) RequireTextClass(call, view, one);
        then(call, visit, move);
        if (text.Length > 0) (move.TextClass, move.Text) = (one, call.Vault.SealText(visit.Jurisdiction, VisitQueries.TextColumn, move.MoveId, text));
        call.Change.Key!.Outcome = visit.VisitId.ToString();
        return VisitView.Show(call, view, visit, CodeOf(call, visit), [.. moves, move]);
    }

    /// <summary>When and how a visit or attempt was made: not in the future, not before its protocol, and not too long ago (R-CASE-5).</summary>
    private static void Happened(Call call, Visit visit, VisitMoveRow move, Timestamp happenedAt, Wire.VisitChannel channel)
    {
        var at = Instants.Whole(happenedAt.ToDateTimeOffset());
        if (at > call.Now)
        {
            throw new Refusal(Wire.ErrorReason.VisitInTheFuture, ("rule", "R-CASE-5"), ("field", "happened_at"))
            {
                Faults = [new FieldFault("happened_at", FieldFaultKind.InTheFuture)],
            };
        }

        var earliest = call.On.AddDays(-MostDaysLate);
        if (visit.RunId is { } id && call.Read.FindRun(id, visit.UnitId) is { } run && run.StartsOn > earliest) earliest = run.StartsOn;
        if (CivilDate.InTaiwan(at) < earliest)
            throw Refusal.InvalidField(new FieldFault("happened_at", FieldFaultKind.TooLongAgo, $"{Math.Max(0, call.On.DayNumber - earliest.DayNumber)}"));
        (move.HappenedAt, move.Channel) = (at, channel);
    }

    private static void RequireTextClass(Call call, CaseView view, Wire.ConfidentialityClass one)
    {
        if (one == default) throw Refusal.InvalidField(new FieldFault("confidentiality_class", FieldFaultKind.Required));
        if (!VisitProtocols.IsContent(one) || one == Wire.ConfidentialityClass.PublicStatus) throw Refusal.InvalidField(new FieldFault("confidentiality_class", FieldFaultKind.NotAllowedHere));
        call.RequireOwn(view, one);
    }

    /// <summary>
    /// What is planned is planned for a part that the unit has when it is committed: whoever ends that part meanwhile goes first, and the call runs again. The case keeps its version: an etag that changes would
    /// tell the other units that something is planned (R-NTK-2).
    /// </summary>
    private static void TakePart(Call call, SharedCase shared)
    {
        call.Change.Hold(new HeldRow(HeldTable.Case, shared.File.CaseId, shared.File.Version));
        VisitPlanning.TouchPart(call, shared.File.CaseId, call.Unit.UnitId);
    }

    private static Guid RequireSubject(Call call, CaseView view, string personId) =>
        call.Read.Kept(Guid.Parse(personId)) is var id && view.Subjects.Contains(id) ? id : throw new Refusal(Wire.ErrorReason.NotFound);

    /// <summary>A run of the acting unit for a person of a case; any other is none.</summary>
    private static ProtocolRun RequireRun(Call call, Guid runId, Guid caseId, Guid personId) => call.Read.FindRun(runId, call.Unit.UnitId) is { } run
        && string.Equals(run.UnitId, call.Unit.UnitId, StringComparison.Ordinal) && run.CaseId == caseId && run.PersonId == personId ? run : throw new Refusal(Wire.ErrorReason.NotFound);

    private static DateOnly RequirePlannable(Call call, string text)
    {
        var day = DayOf(text);
        return day >= call.On && day <= call.On.AddDays(MostDaysAhead) ? day
            : throw Refusal.InvalidField(new FieldFault("planned_on", FieldFaultKind.OutOfRange, $"0..{MostDaysAhead} days ahead"));
    }

    private static void RequireCurrent(string etag, ProtocolRun run) => RequireCurrent(etag, Etag.Of(run));

    private static void RequireCurrent(string etag, string current)
    {
        if (etag.Length > 0 && !string.Equals(etag, current, StringComparison.Ordinal)) throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", current));
    }

    private static (CaseView View, Visit Visit, List<VisitMoveRow> Moves) LoadVisit(Call call, string visitId)
    {
        var id = Guid.Parse(visitId);
        call.Touches("visit", id);
        var visit = call.Read.FindVisit(id, call.Unit.UnitId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
        var (_, view) = call.LoadCaseOfVisits(visit.CaseId);
        if (!call.MaySeeVisit(view, visit.UnitId, visit.ConfidentialityClass)) throw new Refusal(Wire.ErrorReason.NotFound);
        return (view, visit, call.Read.MovesOf(id));
    }

    private static Wire.Visit LoadAndShowVisit(Call call, string visitId)
    {
        var (view, visit, moves) = LoadVisit(call, visitId);
        return VisitView.Show(call, view, visit, CodeOf(call, visit), moves);
    }

    private static (CaseView View, ProtocolRun Run) LoadRun(Call call, string runId)
    {
        var id = Guid.Parse(runId);
        call.Touches("protocol-run", id);
        var run = call.Read.FindRun(id, call.Unit.UnitId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
        var (_, view) = call.LoadCaseOfVisits(run.CaseId);
        if (!call.MaySeeVisit(view, run.UnitId, run.ConfidentialityClass)) throw new Refusal(Wire.ErrorReason.NotFound);
        return (view, run);
    }

    private static Wire.ProtocolRun LoadAndShow(Call call, string runId)
    {
        var (view, run) = LoadRun(call, runId);
        return VisitView.Show(call, view, run, call.Read.CountedVisitsOf(run.RunId));
    }

    private static string CodeOf(Call call, Visit visit, Dictionary<Guid, string>? known = null)
    {
        if (visit.RunId is not { } id) return "";
        if (known?.GetValueOrDefault(id) is { } code) return code;
        code = call.Read.ProtocolOf(id);
        known?.Add(id, code);
        return code;
    }

    private static (DateOnly, Guid) ReadPlace(string token)
    {
        var (at, id) = PageToken.Read(token, (DateTimeOffset.UnixEpoch, Guid.Empty));
        return (DateOnly.FromDateTime(at.UtcDateTime), id);
    }

    private static DateOnly DayOf(string text) =>
        CivilDate.TryParse(text, out var day) ? day : throw new InvalidOperationException("the pipeline has checked the form");
}
