using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>How the unit that wrote a note shows it to another unit of the case, with its line in the ledger (R-NTK-17).</summary>
internal static class NoteSharing
{
    /// <summary>Notes of one unit and some classes that one call shows at most.</summary>
    private const int MostAtOnce = 500;

    /// <summary>A note is shared with a participant that may hold its class under the basis of the share.</summary>
    public static NoteShareRow Require(Call call, SharedCase shared, CaseNote note, Wire.NoteShare share, string field)
    {
        if (share.Until is { } until && until.ToDateTimeOffset() <= call.Now)
            throw Refusal.InvalidField(new FieldFault($"{field}.until", FieldFaultKind.NotInTheFuture));
        // One answer for a unit that takes no part and one that may not hold the class: who takes part is not for every participant to know.
        if (shared.PartOf(share.UnitId) is not { Role: not Wire.ParticipantRole.Invited } part || call.Members.FindUnit(share.UnitId) is not { } unit
            || !call.MayHold(unit, share.LegalBasis, note.ConfidentialityClass, Standing.OfParticipant(part.Role), part.Protective.At(call.Now)))
        {
            throw new Refusal(Wire.ErrorReason.ViewNotPermitted,
                ("class", CodeText.Of(note.ConfidentialityClass)), ("unit_id", share.UnitId), ("rule", "R-NTK-17"));
        }

        return new NoteShareRow { NoteId = note.NoteId, UnitId = unit.UnitId, LegalBasis = share.LegalBasis, Until = share.Until?.ToDateTimeOffset() is { } end ? Instants.Whole(end) : null };
    }

    /// <summary>The ledger and the watchers are told of a share that begins.</summary>
    public static void Show(Call call, SharedCase shared, CaseNote note, NoteShareRow share)
    {
        call.Change.Tell(note.ToldTo(share.UnitId));
        call.Disclose(StepOf(shared, note), shared.Subjects, share.UnitId, ClassSet.Of(note.ConfidentialityClass), share.LegalBasis, share.Until);
    }

    public static void Notify(Call call, SharedCase shared, string unitId) =>
        call.Change.Notify(new NoticeDraft(unitId, Wire.NoticeKind.NoteShared, null, shared.File.CaseId));

    /// <summary>Notes of the acting unit that a request names, or that are of the classes it names, oldest first.</summary>
    public static List<CaseNote> NotesAsked(Call call, SharedCase shared, CaseView view, Wire.ShareNotesRequest request)
    {
        if (request.NoteIds.Count == 0 == (request.ConfidentialityClasses.Count == 0))
            throw Refusal.InvalidField(new FieldFault("note_ids", FieldFaultKind.SomeRequired, "note_ids | confidentiality_classes"));
        var caseIds = call.Read.WithMerged(shared.File.CaseId);
        var found = request.NoteIds.Count > 0
            ? call.Read.FindNotes(caseIds, call.Unit.UnitId, [.. request.NoteIds.Select(Guid.Parse)])
            : call.Read.NotesBy(caseIds, call.Unit.UnitId, [.. request.ConfidentialityClasses], MostAtOnce + 1);
        if (found.Count > MostAtOnce) throw Refusal.InvalidField(new FieldFault("confidentiality_classes", FieldFaultKind.TooMany, $"{MostAtOnce}"));
        // A note of others is as one that is not there; and what the unit itself may not read any more it shows to nobody.
        var own = found.Where(note => call.MayRead(shared, view, note, [])).ToList();
        if (request.NoteIds.Count > 0 && own.Count != request.NoteIds.Select(Guid.Parse).Distinct().Count()) throw new Refusal(Wire.ErrorReason.NotFound);
        foreach (var note in own) call.Touches("note", note.NoteId);
        return own;
    }

    /// <summary>Shows notes on the terms of a share from now on; where a note was shown on these terms already, nothing happens.</summary>
    public static void Share(Call call, SharedCase shared, IReadOnlyList<CaseNote> notes, Wire.NoteShare terms)
    {
        var (known, begun) = (call.Read.SharesOf(notes), false);
        foreach (var note in notes)
        {
            var share = Require(call, shared, note, terms, "share");
            if (known[note.NoteId].FirstOrDefault(s => string.Equals(s.UnitId, share.UnitId, StringComparison.Ordinal)) is not { } before)
            {
                call.Change.Add(share);
            }
            else if (before.IsOpenAt(call.Now) && before.LegalBasis == share.LegalBasis && before.Until == share.Until)
            {
                continue;
            }
            else
            {
                (before.LegalBasis, before.Until) = (share.LegalBasis, share.Until);
                call.Change.Update(before);
                call.EndDisclosures(StepOf(shared, note), share.UnitId);
            }

            Show(call, shared, note, share);
            begun = true;
        }

        if (begun) Notify(call, shared, terms.UnitId);
    }

    private static SharingStep StepOf(SharedCase shared, CaseNote note) => new(Wire.DisclosureStep.NoteShare, note.NoteId, shared.File.CaseId);
}
