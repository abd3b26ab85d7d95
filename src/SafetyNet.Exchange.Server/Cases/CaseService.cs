using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>The RPCs of shared cases: load, decide, change, answer. Identity, access, limits, validation and the record are the pipeline's.</summary>
internal sealed class CaseService : Wire.CaseService.CaseServiceBase, IReactTo<ViewNarrowed>
{
    public override Task<Wire.OpenCaseResponse> OpenCase(Wire.OpenCaseRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (call.Replayed is { } made) return Task.FromResult(new Wire.OpenCaseResponse { Case = LoadAndShow(call, made) });
        var (subjects, standing) = SubjectsOf(call, request);
        // The unit that opens the case is its primary from this instant; the decision asks for the referral that it grows out of.
        call.Decide(call.Ask(standing.Relationships, subjects[0].Row.Jurisdiction) with { Sent = standing.Sent });
        if (!standing.Relationships.Contains(Wire.Relationship.Serving))
            throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", "not accepted"), ("action", "OPEN_CASE"), ("allowed", "ACCEPT"));
        // Asked last: that a person has a case is told only to a unit that serves the person (R-INT-4, R-NTK-2).
        if (subjects.Exists(subject => Links.OfPerson(call.Read, subject.Id).Cases.Any())) throw new Refusal(Wire.ErrorReason.CaseAlreadyOpen, ("rule", "R-INT-4"));
        var file = new CaseFile
        {
            CaseId = call.NewId(), Jurisdiction = call.Agency.Jurisdiction, State = Wire.CaseState.Open, OpenedAt = call.Now, Version = 1,
        };
        var shared = new SharedCase(file, [.. subjects.Select(p => p.Id)], []);
        call.Change.Add(file);
        call.Change.Add(shared.Add(call.Unit.UnitId, Wire.ParticipantRole.Primary, [], [], call.Now));
        foreach (var subject in shared.Subjects) call.Change.Add(new CaseSubjectRow { CaseId = file.CaseId, PersonId = subject, IsOpen = true });
        CaseSteps.Record(call, shared, Wire.CaseAction.Open, CaseSteps.Words(call, shared, ""));
        call.Change.Key!.Outcome = file.CaseId.ToString();
        return Task.FromResult(new Wire.OpenCaseResponse { Case = Show(call, shared, call.DecideOn(shared)) });
    }

    public override Task<Wire.GetCaseResponse> GetCase(Wire.GetCaseRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        return Task.FromResult(new Wire.GetCaseResponse { Case = LoadAndShow(call, request.CaseId) });
    }

    public override Task<Wire.InviteUnitResponse> InviteUnit(Wire.InviteUnitRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        if (call.Replayed is not null) return Task.FromResult(new Wire.InviteUnitResponse { Case = Show(call, shared, view) });
        if (view.OwnPart.Role != Wire.ParticipantRole.Primary) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "primary"));
        var unit = Addressee.Require(call, request.UnitId, request.Services);
        CaseSteps.RequireReferredAcross(call, shared, unit, "unit_id");
        var persons = request.PersonIds.Select(id => call.Read.Kept(Guid.Parse(id))).Distinct().ToList();
        if (persons.Except(shared.Subjects).Any()) throw new Refusal(Wire.ErrorReason.NotFound);
        var protective = call.RequireProtective(view, unit.UnitId, request.ProtectiveClasses, request.ProtectiveUntil);
        var invited = shared.Invite(unit.UnitId, request.Services, persons, call.Now);
        invited.Protective = protective;
        call.Keep(invited);
        CaseSteps.Record(call, shared, Wire.CaseAction.Invite, CaseSteps.Words(call, shared, "", unit.UnitId));
        call.Disclose(shared.Scope, shared.SubjectsOf(invited), unit.UnitId, protective.At(call.Now), call.Context!.LegalBasis, protective.Until);
        Changed(call, shared, new NoticeDraft(unit.UnitId, Wire.NoticeKind.CaseInvitation, null, shared.File.CaseId));
        return Task.FromResult(new Wire.InviteUnitResponse { Case = Show(call, shared, view) });
    }

    public override Task<Wire.SetProtectiveScopeResponse> SetProtectiveScope(Wire.SetProtectiveScopeRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        if (call.Replayed is not null) return Task.FromResult(new Wire.SetProtectiveScopeResponse { Case = Show(call, shared, view) });
        if (!CasePolicy.MaySetScope(call.Unit, view.OwnPart)) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "primary"));
        if (string.Equals(request.UnitId, call.Unit.UnitId, StringComparison.Ordinal))
            throw Refusal.InvalidField(new FieldFault("unit_id", FieldFaultKind.NotAllowedHere));
        var part = shared.PartOf(request.UnitId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
        var was = part.Protective;
        part.Protective = call.RequireProtective(view, part.UnitId, request.ProtectiveClasses, request.ProtectiveUntil);
        var (before, after) = (was.At(call.Now), part.Protective.At(call.Now));
        call.Change.Update(part);
        // Where the end is another one, the ledger has a line with it from now on.
        var goesOn = was.Until == part.Protective.Until ? before & after : ClassSet.None;
        call.EndDisclosures(shared.Scope, part.UnitId, before - goesOn);
        call.Disclose(shared.Scope, shared.SubjectsOf(part), part.UnitId, after - goesOn, call.Context!.LegalBasis, part.Protective.Until);
        foreach (var id in shared.SubjectsOf(part))
            if (call.Read.FindPerson(call.Vault, id) is { } person) call.Concerns(person);
        Changed(call, shared, new NoticeDraft(part.UnitId, Wire.NoticeKind.ViewNarrowed, null, shared.File.CaseId), tell: !before.IsEmpty && !after.ContainsAll(before));
        return Task.FromResult(new Wire.SetProtectiveScopeResponse { Case = Show(call, shared, view) });
    }

    public override Task<Wire.MarkOtherPartyResponse> MarkOtherParty(Wire.MarkOtherPartyRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var nationalId = NationalId.Parse(request.NationalId).Canonical;
        call.Concerns(nationalId);
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        if (call.Replayed is not null) return Task.FromResult(new Wire.MarkOtherPartyResponse { Case = Show(call, shared, view) });
        if (view.OwnPart.Role != Wire.ParticipantRole.Primary) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "primary"));
        var index = call.Read.KeptIndex(call.Vault.Index.OfNationalId(nationalId));
        // One for each number under which the person was marked.
        var all = call.Read.OtherPartiesOf(shared.File.CaseId).FindAll(o => call.Read.KeptIndex(o.NationalIdIndex).AsSpan().SequenceEqual(index));
        var known = all.FirstOrDefault();
        if (known is null && request.Lifted) throw new Refusal(Wire.ErrorReason.NotFound);
        foreach (var further in all.Skip(1).Where(o => request.Lifted && o.LiftedAt is null))
        {
            further.LiftedAt = call.Now;
            call.Change.Update(further);
        }

        var mark = known ?? new OtherPartyRow { CaseId = shared.File.CaseId, NationalIdIndex = index, MarkId = call.NewId() };
        (mark.MarkedByUnitId, mark.MarkedAt, mark.LiftedAt) = (call.Unit.UnitId, call.Now, request.Lifted ? call.Now : null);
        mark.Reason = call.Vault.SealText(shared.File.Jurisdiction, CaseQueries.OtherPartyColumn, mark.MarkId, request.Reason);
        if (known is null) call.Change.Add(mark);
        else call.Change.Update(mark);
        call.Change.Update(shared.File);
        call.Change.Key!.Outcome = shared.File.CaseId.ToString();
        return Task.FromResult(new Wire.MarkOtherPartyResponse { Case = Show(call, shared, view, mark) });
    }

    public override Task<Wire.JoinCaseResponse> JoinCase(Wire.JoinCaseRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        var invited = shared.File.State == Wire.CaseState.Open ? shared.PartOf(call.Unit.UnitId) : null;
        if (invited is null) throw new Refusal(Wire.ErrorReason.NotFound);
        if (call.Replayed is null)
        {
            SharedCase.Join(invited, call.Now);
            call.Change.Update(invited);
            CaseSteps.Record(call, shared, Wire.CaseAction.Join, CaseSteps.Words(call, shared, ""));
            Changed(call, shared, new NoticeDraft(shared.Primary.UnitId, Wire.NoticeKind.CaseJoined, null, shared.File.CaseId));
        }

        return Task.FromResult(new Wire.JoinCaseResponse { Case = Show(call, shared, call.DecideOn(shared)) });
    }

    public override Task<Wire.CreateNoteResponse> CreateNote(Wire.CreateNoteRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        if (view.IsOver) throw new Refusal(Wire.ErrorReason.NotFound);
        call.Concerns(view);
        var (note, shares) = call.Replayed is { } made
            ? (call.Read.FindNote(Guid.Parse(made))!, call.Read.SharesOf(Guid.Parse(made)))
            : Write(call, shared, request);
        call.Touches("note", note.NoteId);
        if (!call.MayRead(shared, view, note, shares)) throw new Refusal(Wire.ErrorReason.NotFound);
        return Task.FromResult(new Wire.CreateNoteResponse { Note = call.ToWire(note, shares) });
    }

    public override Task<Wire.ListNotesResponse> ListNotes(Wire.ListNotesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        call.Concerns(view);
        var page = call.NotesOf(shared, view, request.PageToken, request.PageSize);
        return Task.FromResult(new Wire.ListNotesResponse { Notes = { page.Notes }, NextPageToken = page.NextPageToken });
    }

    /// <summary>The author ends the share of a note, or the primary unit takes protective classes off a scope.</summary>
    public void React(Call call, ViewNarrowed happened)
    {
        if (happened.Step.Kind == Wire.DisclosureStep.NoteShare && call.Read.FindNote(happened.Step.Id) is { } note && happened.Classes.Contains(note.ConfidentialityClass)
            && call.Read.SharesOf(note.NoteId).Find(s => string.Equals(s.UnitId, happened.ToUnitId, StringComparison.Ordinal)) is { } share)
        {
            share.Until = call.Now;
            call.Change.Update(share);
            call.Change.Tell(note.ToldTo(share.UnitId));
            happened.IsDone = true;
        }
        else if (happened.Step.Kind == Wire.DisclosureStep.ServiceScope && call.Read.FindCase(happened.Step.Id)?.PartOf(happened.ToUnitId) is { } part)
        {
            part.Protective = part.Protective with { Bits = part.Protective.Bits & ~happened.Classes.Bits };
            call.Change.Update(part);
            happened.IsDone = true;
        }
    }

    /// <summary>The referral's subjects and the further members asked for, who must be of their household or kin.</summary>
    private static (List<KnownPerson> Subjects, Standing Standing) SubjectsOf(Call call, Wire.OpenCaseRequest request)
    {
        var referralId = Guid.Parse(request.ReferralId);
        call.Touches("referral", referralId);
        if (!Reach.IsReceiverOf(call.Read, referralId, call.Unit.UnitId)) throw new Refusal(Wire.ErrorReason.NotFound);
        var subjects = new List<KnownPerson>();
        using (var reader = call.Read.Query("SELECT person_id FROM referral_subject WHERE referral_id = $0", referralId.ToByteArray(true)))
        {
            while (reader.Read()) subjects.Add(call.Read.FindPerson(call.Vault, reader.GetId(0))!);
        }

        if (subjects.Count == 0) throw new Refusal(Wire.ErrorReason.NotFound);
        var standing = Standing.ToHousehold(
            Links.OfPerson(call.Read, subjects[0].Id), call.Unit.UnitId, subjects[0].Id, referralId, null, call.Now);
        if (standing.Relationships == RelationshipSet.None) throw new Refusal(Wire.ErrorReason.NotFound);
        var family = subjects.SelectMany(s => Family(call, s)).DistinctBy(p => p.Id).Where(p => MayTakeIn(call, subjects, p)).ToDictionary(p => p.Id);
        foreach (var id in request.PersonIds.Select(id => call.Read.Kept(Guid.Parse(id))).Where(id => subjects.TrueForAll(s => s.Id != id)).Distinct())
            subjects.Add(family.TryGetValue(id, out var member) ? member : throw new Refusal(Wire.ErrorReason.NotFound));
        foreach (var subject in subjects) call.Concerns(subject);
        return (subjects, standing);
    }

    /// <summary>
    /// The primary unit sees protected whereabouts, and nobody makes itself that for a relative in hiding: who lives protected elsewhere comes into a case by a referral of that person, or by a
    /// protection centre (R-NTK-10).
    /// </summary>
    private static bool MayTakeIn(Call call, List<KnownPerson> referred, KnownPerson relative) => !relative.Row.IsProtected || call.Unit.Kind == Wire.UnitKind.ProtectionCenter
        || referred.Exists(one => one.Id == relative.Id || (one.Row.HouseholdId is { } home && home == relative.Row.HouseholdId));

    internal static IEnumerable<KnownPerson> Family(Call call, KnownPerson person) =>
        (person.Row.HouseholdId is { } household ? call.Read.MembersOf(call.Vault, household) : [])
        .Concat(call.Read.RelativesOf(call.Vault, person.Id).Select(r => r.Person));

    private static (CaseNote Note, List<NoteShareRow> Shares) Write(Call call, SharedCase shared, Wire.CreateNoteRequest request)
    {
        if (request.ConfidentialityClass is Wire.ConfidentialityClass.NotPersonal or Wire.ConfidentialityClass.PublicStatus)
            throw Refusal.InvalidField(new FieldFault("confidentiality_class", FieldFaultKind.NotAllowedHere));
        var note = new CaseNote
        {
            NoteId = call.NewId(), CaseId = shared.File.CaseId, ConfidentialityClass = request.ConfidentialityClass, AuthorUnitId = call.Unit.UnitId,
            AuthorPersonId = call.Context!.Actor.PersonId, WrittenAt = call.Now, Version = 1,
        };
        note.Sealed = call.Vault.SealText(shared.File.Jurisdiction, CaseQueries.NoteColumn, note.NoteId, request.Text);
        call.Change.Add(note);
        call.Change.Hold(shared.Held);
        var shares = new List<NoteShareRow>();
        for (var i = 0; i < request.Shares.Count; i++)
        {
            var share = NoteSharing.Require(call, shared, note, request.Shares[i], $"shares[{i}]");
            if (shares.Exists(s => string.Equals(s.UnitId, share.UnitId, StringComparison.Ordinal)))
                throw Refusal.InvalidField(new FieldFault($"shares[{i}].unit_id", FieldFaultKind.Duplicate));
            shares.Add(share);
            call.Change.Add(share);
            NoteSharing.Show(call, shared, note, share);
            NoteSharing.Notify(call, shared, share.UnitId);
        }

        call.Change.Key!.Outcome = note.NoteId.ToString();
        return (note, shares);
    }

    private static void Changed(Call call, SharedCase shared, NoticeDraft notice, bool tell = true)
    {
        call.Change.Update(shared.File);
        if (tell) call.Change.Notify(notice);
        call.Change.Key!.Outcome = shared.File.CaseId.ToString();
    }

    private static Wire.Case LoadAndShow(Call call, string caseId)
    {
        var shared = call.RequireCase(caseId);
        return Show(call, shared, call.DecideOn(shared));
    }

    internal static Wire.Case Show(Call call, SharedCase shared, CaseView view, OtherPartyRow? marked = null)
    {
        var part = view.Part;
        call.Touches("case", shared.File.CaseId);
        var wire = new Wire.Case
        {
            CaseId = shared.File.CaseId.ToString(), State = shared.File.State, Jurisdiction = shared.File.Jurisdiction,
            OpenedAt = Timestamp.FromDateTimeOffset(shared.File.OpenedAt), OwnRole = part?.Role ?? Wire.ParticipantRole.Unspecified, Etag = Etag.Of(shared.File),
            EndedAt = ToWire(shared.File.EndedAt), ReopenedAt = ToWire(shared.File.ReopenedAt), ReopenedWithinYear = shared.File.IsReopenedWithinYear,
            MergedIntoCaseId = shared.File.MergedIntoId?.ToString() ?? "",
        };
        wire.OwnServices.Add(part?.ServiceList ?? []);
        var isPrimary = part?.Role == Wire.ParticipantRole.Primary;
        if (isPrimary || string.Equals(shared.File.ProposedUnitId, call.Unit.UnitId, StringComparison.Ordinal)) wire.ProposedPrimaryUnitId = shared.File.ProposedUnitId;
        var workers = part is null ? [] : CaseWork.WorkersNow(call, shared.File.CaseId);
        if (workers.TryGetValue(call.Unit.UnitId, out var own)) (wire.OwnWorkerPersonId, wire.OwnSupervisorPersonId) = (own.WorkerPersonId, own.SupervisorPersonId);
        var otherParties = isPrimary ? call.Read.OtherPartiesOf(shared.File.CaseId) : [];
        if (marked is not null) otherParties = [.. otherParties.Where(o => o.MarkId != marked.MarkId), marked];
        foreach (var id in view.Subjects)
        {
            if (call.Read.FindPerson(call.Vault, id) is not { } person) continue;
            call.Concerns(person);
            wire.Subjects.Add(new Wire.CaseSubject
            {
                PersonId = person.Person.PersonId, Name = person.Person.Name, BirthDate = person.Person.BirthDate, Phone = person.Person.Phone,
                Address = person.Person.Address, OtherParty = IsOtherParty(call, otherParties, person),
            });
        }

        var within = view.Subjects.ToHashSet();
        foreach (var participant in shared.Present)
        {
            var protective = participant.Protective.At(call.Now) & view.Decision.Visible;
            // Who of a unit works in the case is for that unit, and for the unit that answers for the whole (R-CASE-1).
            var worker = isPrimary || participant == part ? workers.GetValueOrDefault(participant.UnitId) : null;
            wire.Participants.Add(new Wire.CaseParticipant
            {
                WorkerPersonId = worker?.WorkerPersonId ?? "", SupervisorPersonId = worker?.SupervisorPersonId ?? "",
                UnitId = participant.UnitId, Role = participant.Role, Since = Timestamp.FromDateTimeOffset(participant.Since),
                Services = { participant.ServiceList }, PersonIds = { IdList.FromBytes(participant.PersonIds).Where(within.Contains).Select(id => id.ToString()) },
                ProtectiveClasses = { protective.InTableOrder() }, ProtectiveUntil = protective.IsEmpty ? null : ToWire(participant.Protective.Until),
            });
        }

        RedactionPlan.For(Wire.Case.Descriptor).Redact(wire, view.Decision.Visible);
        return wire;
    }

    private static Timestamp? ToWire(DateTimeOffset? at) => at is { } instant ? Timestamp.FromDateTimeOffset(instant) : null;

    private static bool IsOtherParty(Call call, List<OtherPartyRow> marks, KnownPerson person)
    {
        if (marks.TrueForAll(mark => mark.LiftedAt is not null)) return false;
        var index = call.Vault.Index.OfNationalId(person.Person.NationalId);
        return marks.Exists(mark => mark.LiftedAt is null && call.Read.KeptIndex(mark.NationalIdIndex).AsSpan().SequenceEqual(index));
    }
}
