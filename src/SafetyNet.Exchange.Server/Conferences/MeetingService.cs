using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>The RPCs of meetings: load, decide, change, answer. Identity, access, limits, validation and the record are the pipeline's.</summary>
internal sealed class MeetingService : Wire.MeetingService.MeetingServiceBase
{
    public override Task<Wire.SubmitExtractResponse> SubmitExtract(Wire.SubmitExtractRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var view = MeetingView.Require(call, request.ConferenceId);
        var (conference, unitId) = (view.Conference, call.Unit.UnitId);
        var row = call.Read.ExtractsFor(conference.ConferenceId).Find(e => string.Equals(e.UnitId, unitId, StringComparison.Ordinal));
        if (call.Replayed is not null) return Task.FromResult(new Wire.SubmitExtractResponse { Extract = view.Show(call, row!) });
        Meeting.RequireNotMet(conference, call.Now, "SUBMIT_EXTRACT");
        RequireOnAgenda(call, view.Table, call.Unit, request.ConfidentialityClass);
        CaseSteps.RequireCurrent(request.Etag, row is null ? "" : Etag.Of(row), row is null ? "MISSING" : "SUBMITTED");
        var extract = row ?? new ExtractRow { ExtractId = call.NewId(), ConferenceId = conference.ConferenceId, UnitId = unitId, Version = 1 };
        (extract.ConfidentialityClass, extract.SubmittedAt, extract.PersonId) = (request.ConfidentialityClass, call.Now, call.Context!.Actor.PersonId);
        extract.Sealed = call.Vault.SealText(conference.Jurisdiction, MeetingQueries.ExtractColumn, extract.ExtractId, request.Text);
        if (row is null) call.Change.Add(extract);
        else call.Change.Update(extract);
        ShowToChair(call, view.Table, request.ConfidentialityClass);
        call.Change.Key!.Outcome = conference.ConferenceId.ToString();
        return Task.FromResult(new Wire.SubmitExtractResponse { Extract = view.Show(call, extract) });
    }

    public override Task<Wire.GetPreReadResponse> GetPreRead(Wire.GetPreReadRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        return Task.FromResult(new Wire.GetPreReadResponse { PreRead = MeetingView.Require(call, request.ConferenceId).PreRead(call) });
    }

    public override Task<Wire.RecordAttendanceResponse> RecordAttendance(Wire.RecordAttendanceRequest request, ServerCallContext context)
    {
        var (call, view, units) = Load(context, request.ConferenceId);
        if (call.Replayed is null)
        {
            var conference = view.RequireChair(call);
            Meeting.RequireLatest(call, conference, "RECORD_ATTENDANCE");
            for (var i = 0; i < request.Attendances.Count; i++)
            {
                var (unitId, field) = (request.Attendances[i].UnitId, $"attendances[{i}].unit_id");
                if (request.Attendances.Take(i).Any(other => string.Equals(other.UnitId, unitId, StringComparison.Ordinal))) throw Refusal.InvalidField(new FieldFault(field, FieldFaultKind.Duplicate));
                if (!view.Table.IsInvited(unitId)) throw new Refusal(Wire.ErrorReason.UnitNotAtMeeting, ("unit_id", unitId), ("field", field), ("rule", "R-CON-6"));
                RowOf(call, units, conference, unitId).Attendance = request.Attendances[i].Attendance;
            }

            ConferenceTable.Changed(call, conference);
        }

        return Task.FromResult(new Wire.RecordAttendanceResponse { Minutes = view.Minutes(call, units) });
    }

    public override Task<Wire.RecordResolutionResponse> RecordResolution(Wire.RecordResolutionRequest request, ServerCallContext context)
    {
        var (call, view, units) = Load(context, request.ConferenceId);
        if (call.Replayed is { } made)
        {
            var kept = call.Read.ResolutionsOf(view.Conference.ConferenceId).First(r => r.ResolutionId == Guid.Parse(made));
            return Task.FromResult(new Wire.RecordResolutionResponse { Resolution = view.Show(call, kept, call.Read.ItemsOfResolutions([kept.ResolutionId])) });
        }

        var (conference, about) = (view.RequireChair(call), view.Table.Case);
        Meeting.RequireMet(conference, call.Now, "RECORD_RESOLUTION");
        RequireOnAgenda(call, view.Table, call.Unit, request.ConfidentialityClass);
        if (request.Items.Count == 0) throw TrackedItem.Incomplete("items", FieldFaultKind.Required);
        var resolution = new Resolution
        {
            ResolutionId = call.NewId(), ConferenceId = conference.ConferenceId, ConfidentialityClass = request.ConfidentialityClass, RecordedAt = call.Now, PersonId = call.Context!.Actor.PersonId,
        };
        resolution.Sealed = call.Vault.SealText(about.Jurisdiction, MeetingQueries.ResolutionColumn, resolution.ResolutionId, request.Text);
        call.Change.Add(resolution);
        var items = request.Items.Select((one, i) => Assign(call, view.Table, resolution, one, i)).ToList();
        var listed = ItemLists.Touch(call, about.CaseId);
        if (!listed.IsListed) (listed.IsListed, listed.ListedAt) = (true, call.Now);
        ItemLists.PutOnNextAgenda(call, about, conference.ConferenceId, items);
        foreach (var item in items) ItemSteps.StartClock(call, item);
        foreach (var unit in units.Where(unit => unit.Consent != default))
        {
            // They agreed, or not, without knowing of these items.
            (unit.Consent, unit.ConsentAt, unit.Reason) = (default, null, []);
            call.Change.Update(unit);
        }

        call.Change.Update(conference);
        call.Change.Key!.Outcome = resolution.ResolutionId.ToString();
        return Task.FromResult(new Wire.RecordResolutionResponse { Resolution = view.Show(call, resolution, items) });
    }

    public override Task<Wire.StateConsentResponse> StateConsent(Wire.StateConsentRequest request, ServerCallContext context)
    {
        var (call, view, units) = Load(context, request.ConferenceId);
        if (call.Replayed is null)
        {
            var conference = view.Conference;
            Meeting.RequireLatest(call, conference, "STATE_CONSENT");
            var recorded = units.Find(unit => string.Equals(unit.UnitId, call.Unit.UnitId, StringComparison.Ordinal))?.Attendance ?? default;
            var isThere = ConferencePolicy.IsConvenor(call, conference) || (view.Table.IsInvited(call.Unit.UnitId) && recorded == Wire.Attendance.Present);
            if (!isThere) throw new Refusal(Wire.ErrorReason.NotPresent, ("attendance", recorded == default ? "NOT_RECORDED" : CodeText.Of(recorded)), ("rule", "R-CON-4"));
            var row = RowOf(call, units, conference, call.Unit.UnitId);
            (row.Consent, row.ConsentAt, row.ReasonId) = (request.Consent, call.Now, call.NewId());
            row.Reason = call.Vault.SealText(conference.Jurisdiction, MeetingQueries.ReasonColumn, row.ReasonId, request.Reason);
            ConferenceTable.Changed(call, conference);
        }

        return Task.FromResult(new Wire.StateConsentResponse { Minutes = view.Minutes(call, units) });
    }

    public override Task<Wire.RemoveFromListResponse> RemoveFromList(Wire.RemoveFromListRequest request, ServerCallContext context)
    {
        var (call, view, units) = Load(context, request.ConferenceId);
        if (call.Replayed is null)
        {
            var conference = view.RequireChair(call);
            Meeting.RequireLatest(call, conference, "REMOVE_FROM_LIST");
            ConferenceTable.RequireEtag(conference, request.Etag);
            ItemLists.Remove(call, view.Table);
            ConferenceTable.Changed(call, conference);
        }

        return Task.FromResult(new Wire.RemoveFromListResponse { Minutes = view.Minutes(call, units) });
    }

    public override Task<Wire.GetMinutesResponse> GetMinutes(Wire.GetMinutesRequest request, ServerCallContext context)
    {
        var (call, view, units) = Load(context, request.ConferenceId);
        return Task.FromResult(new Wire.GetMinutesResponse { Minutes = view.Minutes(call, units) });
    }

    private static (Call Call, MeetingView View, List<MeetingUnitRow> Units) Load(ServerCallContext context, string conferenceId)
    {
        var call = Call.Of(context);
        var view = MeetingView.Require(call, conferenceId);
        return (call, view, call.Read.UnitsAtMeeting(view.Conference.ConferenceId));
    }

    /// <summary>The unit's row, of which the call changes something.</summary>
    private static MeetingUnitRow RowOf(Call call, List<MeetingUnitRow> units, Conference conference, string unitId)
    {
        if (units.Find(unit => string.Equals(unit.UnitId, unitId, StringComparison.Ordinal)) is { } known)
        {
            call.Change.Update(known);
            return known;
        }

        var row = new MeetingUnitRow { ConferenceId = conference.ConferenceId, UnitId = unitId, Version = 1 };
        units.Add(row);
        call.Change.Add(row);
        return row;
    }

    /// <summary>One item of a resolution: owner, deed and due date, or the resolution is none (R-CON-3).</summary>
    private static TrackedItem Assign(Call call, ConferenceTable table, Resolution resolution, Wire.NewItem one, int i)
    {
        var (conference, about) = (table.Conference, table.Case);
        if (one.OwnerUnitId.Length == 0) throw TrackedItem.Incomplete($"items[{i}].owner_unit_id", FieldFaultKind.Required);
        var due = TrackedItem.RequireDue(one.DueDate, $"items[{i}].due_date", call.On);
        ItemPolicy.RequireOwner(call, about, table.Invited, one.OwnerUnitId, resolution.ConfidentialityClass, $"items[{i}].owner_unit_id");
        var item = new TrackedItem
        {
            ItemId = call.NewId(), CaseId = about.CaseId, ConferenceId = conference.ConferenceId, ResolutionId = resolution.ResolutionId, Jurisdiction = about.Jurisdiction,
            ChairUnitId = conference.ConvenedByUnitId, OwnerUnitId = one.OwnerUnitId, State = Wire.ItemState.Open, IsOpen = true, Level = conference.Level, DueOn = due,
            ConfidentialityClass = resolution.ConfidentialityClass, LegalBasis = call.Context!.LegalBasis, MadeAt = call.Now, Version = 1,
        };
        item.Deed = call.Vault.SealText(about.Jurisdiction, TrackedItemQueries.DeedColumn, item.ItemId, one.Deed);
        call.Change.Add(item);
        ItemSteps.Record(call, item, Wire.ItemAction.Assign);
        call.ShowTo(about, item, item.OwnerUnitId, item.ChairUnitId);
        ItemSteps.Tell(call, item, item.OwnerUnitId, Wire.NoticeKind.ItemAssigned);
        return item;
    }

    /// <summary>What is put onto the table is of a class that is on the agenda, and that the unit which puts it there may itself be shown at the table.</summary>
    private static void RequireOnAgenda(Call call, ConferenceTable table, Unit unit, Wire.ConfidentialityClass one)
    {
        if (!new ClassSet(table.Conference.Agenda).Contains(one))
            throw new Refusal(Wire.ErrorReason.ViewNotPermitted, ("class", CodeText.Of(one)), ("unit_id", table.Conference.ConvenedByUnitId), ("rule", "R-CON-2"));
        ItemPolicy.RequireHolder(call, table.Case, unit, one);
    }

    /// <summary>The ledger says that extracts of a class are shown to the chair, as it says of those invited since they are (R-NTK-17).</summary>
    private static void ShowToChair(Call call, ConferenceTable table, Wire.ConfidentialityClass one)
    {
        var (conference, chairId) = (table.Conference, table.Conference.ConvenedByUnitId);
        if (string.Equals(chairId, call.Unit.UnitId, StringComparison.Ordinal) || call.Members.FindUnit(chairId) is not { } chair) return;
        var classes = ConferencePolicy.OpenedTo(call, table.Case, chair, ClassSet.Of(one)) & ClassSet.Of(one);
        if (call.Read.DisclosuresOfStep(Wire.DisclosureStep.Conference, conference.ConferenceId)
            .Any(line => line.IsOpenAt(call.Now) && string.Equals(line.ToUnitId, chairId, StringComparison.Ordinal) && new ClassSet(line.Classes).ContainsAll(classes))) return;
        call.Disclose(table.Step, table.Case.Subjects, chairId, classes, call.Context!.LegalBasis, conference.OpenUntil);
    }
}
