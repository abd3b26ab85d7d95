using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>The RPCs of notes after they were written: load, decide, change, answer (R-CASE-3).</summary>
internal sealed class CaseNoteService : Wire.CaseNoteService.CaseNoteServiceBase
{
    public override Task<Wire.AmendNoteResponse> AmendNote(Wire.AmendNoteRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (shared, note) = Own(call, request.CaseId, request.NoteId);
        var shares = call.Read.SharesOf(note.NoteId);
        if (call.Replayed is not null) return Task.FromResult(new Wire.AmendNoteResponse { Note = call.ToWire(note, shares) });
        if (request.ConfidentialityClass != note.ConfidentialityClass) throw Refusal.InvalidField(new FieldFault("confidentiality_class", FieldFaultKind.NotAllowedHere));
        if (request.BaseVersion != note.Version)
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("version", note.Version.ToString(CultureInfo.InvariantCulture)));
        var before = call.TextOf(note, call.Read.LatestOf(note));
        // A unit that leaves in this instant writes nothing afterwards.
        call.Change.Hold(shared.Held);
        call.Change.Update(note);
        var version = new NoteVersion { VersionId = call.NewId(), NoteId = note.NoteId, Number = note.Version, AuthorPersonId = call.Context!.Actor.PersonId, WrittenAt = call.Now };
        version.Sealed = call.Vault.SealText(shared.File.Jurisdiction, NoteVersionQueries.TextColumn, version.VersionId, request.Text);
        version.Reason = call.Vault.SealText(shared.File.Jurisdiction, NoteVersionQueries.ReasonColumn, version.VersionId, request.Reason);
        call.Change.Add(version);
        foreach (var share in shares.Where(share => share.IsOpenAt(call.Now)))
        {
            call.Change.Tell(note.ToldTo(share.UnitId));
            call.Change.Notify(new NoticeDraft(share.UnitId, Wire.NoticeKind.NoteAmended, null, shared.File.CaseId));
        }

        if (request.Corrects)
        {
            var step = new SharingStep(Wire.DisclosureStep.NoteShare, note.NoteId, shared.File.CaseId);
            call.Raise(new SharedDataCorrected(step, note.ConfidentialityClass, before, request.Text));
        }

        call.Change.Key!.Outcome = note.NoteId.ToString();
        return Task.FromResult(new Wire.AmendNoteResponse { Note = call.ToWire(note, shares, version, request.Text) });
    }

    public override Task<Wire.ListNoteVersionsResponse> ListNoteVersions(Wire.ListNoteVersionsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (_, note) = Own(call, request.CaseId, request.NoteId);
        var size = request.PageSize == 0 ? CaseNotes.PageSize : request.PageSize;
        var before = PageToken.Read(request.PageToken, long.MaxValue);
        var found = call.Read.VersionsOf(note.NoteId, (int)Math.Clamp(before, 1, int.MaxValue), size + 1);
        var response = new Wire.ListNoteVersionsResponse();
        foreach (var version in found.Take(size))
        {
            response.Versions.Add(new Wire.NoteVersion
            {
                Version = version.Number, ConfidentialityClass = note.ConfidentialityClass, Text = call.TextOf(note, version), AuthorPersonId = version.AuthorPersonId,
                WrittenAt = Timestamp.FromDateTimeOffset(version.WrittenAt), Reason = call.Vault.OpenText(NoteVersionQueries.ReasonColumn, version.VersionId, version.Reason),
            });
        }

        // The first version ends the list, on a page of its own where there is no room.
        if (found.Count < size && before > 1)
        {
            response.Versions.Add(new Wire.NoteVersion
            {
                Version = 1, ConfidentialityClass = note.ConfidentialityClass, Text = call.TextOf(note, version: null), AuthorPersonId = note.AuthorPersonId,
                WrittenAt = Timestamp.FromDateTimeOffset(note.WrittenAt),
            });
        }
        else if (found.Count >= size)
        {
            response.NextPageToken = PageToken.Of(response.Versions[^1].Version);
        }

        return Task.FromResult(response);
    }

    public override Task<Wire.ShareNotesResponse> ShareNotes(Wire.ShareNotesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        call.Concerns(view);
        _ = view.OwnPart;
        var notes = NoteSharing.NotesAsked(call, shared, view, request);
        if (call.Replayed is null)
        {
            NoteSharing.Share(call, shared, notes, request.Share);
            call.Change.Hold(shared.Held);
            call.Change.Key!.Outcome = shared.File.CaseId.ToString();
        }

        return Task.FromResult(new Wire.ShareNotesResponse { NoteIds = { notes.Select(note => note.NoteId.ToString()) } });
    }

    public override Task<Wire.SearchNotesResponse> SearchNotes(Wire.SearchNotesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (request.WrittenFrom is { } from && request.WrittenUntil is { } until && from.ToDateTimeOffset() >= until.ToDateTimeOffset())
            throw Refusal.InvalidField(new FieldFault("written_until", FieldFaultKind.NotAfter, "written_from"));
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        call.Concerns(view);
        var (notes, next) = call.NotesOf(shared, view, request.PageToken, request.PageSize, NoteSearch.Of(request));
        return Task.FromResult(new Wire.SearchNotesResponse { Notes = { notes }, NextPageToken = next });
    }

    /// <summary>A note of the acting unit in a case that it takes part in; anybody else's is as one that is not there.</summary>
    private static (SharedCase Shared, CaseNote Note) Own(Call call, string caseId, string noteId)
    {
        var shared = call.RequireCase(caseId);
        var view = call.DecideOn(shared);
        call.Concerns(view);
        var id = Guid.Parse(noteId);
        call.Touches("note", id);
        if (view.Part is null || call.Read.FindNote(id) is not { } note || !call.Read.WithMerged(shared.File.CaseId).Contains(note.CaseId)
            || !string.Equals(note.AuthorUnitId, call.Unit.UnitId, StringComparison.Ordinal) || !call.MayRead(shared, view, note, call.Read.SharesOf(id)))
        {
            throw new Refusal(Wire.ErrorReason.NotFound);
        }

        return (shared, note);
    }
}
