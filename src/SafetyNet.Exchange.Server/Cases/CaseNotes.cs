using System.Text;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>What notes a caller looks for, besides being allowed to read them.</summary>
/// <param name="Words">Folded words that the text contains; none: any text.</param>
/// <param name="Classes">Classes; none: any.</param>
/// <param name="AuthorUnitId">Author unit; empty: any.</param>
/// <param name="From">Inclusive; null: from the beginning.</param>
/// <param name="Until">Exclusive; null: until now.</param>
internal sealed record NoteSearch(
    IReadOnlyList<string> Words, IReadOnlyCollection<Wire.ConfidentialityClass> Classes, string AuthorUnitId, DateTimeOffset? From, DateTimeOffset? Until)
{
    public static readonly NoteSearch Everything = new([], [], "", null, null);

    public static NoteSearch Of(Wire.SearchNotesRequest request) => new(
        Fold(request.Text).Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), request.ConfidentialityClasses, request.AuthorUnitId,
        request.WrittenFrom?.ToDateTimeOffset(), request.WrittenUntil?.ToDateTimeOffset());

    /// <summary>Asked before anything is decided or opened: these criteria are no content.</summary>
    public bool Fits(CaseNote note) =>
        (Classes.Count == 0 || Classes.Contains(note.ConfidentialityClass))
        && (AuthorUnitId.Length == 0 || string.Equals(AuthorUnitId, note.AuthorUnitId, StringComparison.Ordinal))
        && !(note.WrittenAt < From) && !(note.WrittenAt >= Until);

    public bool Fits(string text)
    {
        if (Words.Count == 0) return true;
        var folded = Fold(text);
        return Words.All(word => folded.Contains(word, StringComparison.Ordinal));
    }

    /// <summary>One spelling of what people write in several: letter case, full and half width, 臺 and 台.</summary>
    private static string Fold(string text) => text.Normalize(NormalizationForm.FormKC).ToLowerInvariant().Replace('臺', '台');
}

/// <summary>Notes of a case as a caller may read them.</summary>
internal static class CaseNotes
{
    /// <summary>Asked for without a size.</summary>
    public const int PageSize = 50;

    /// <summary>A page of the notes that the acting unit may read and looks for, oldest first.</summary>
    /// <param name="pageToken">As the caller sent it.</param>
    /// <param name="pageSize">As the caller sent it; 0: not set.</param>
    /// <param name="search">What is looked for; null: all.</param>
    /// <returns>Notes and the token of the next page; empty: there is none.</returns>
    public static (List<Wire.CaseNote> Notes, string NextPageToken) NotesOf(
        this Call call, SharedCase shared, CaseView view, string pageToken, int pageSize, NoteSearch? search = null)
    {
        var (size, notes, after, wanted) = (pageSize == 0 ? PageSize : pageSize, new List<Wire.CaseNote>(), PageToken.Read(pageToken, Guid.Empty), search ?? NoteSearch.Everything);
        if (view.IsOver) throw new Refusal(Wire.ErrorReason.NotFound);
        var caseIds = call.Read.WithMerged(shared.File.CaseId);
        // A page is full when it has that many readable notes, so that its length does not tell how many others there are.
        for (var more = true; more;)
        {
            var found = call.Read.ListNotes(caseIds, after, size);
            more = found.Count == size;
            var (all, latest) = (call.Read.SharesOf(found), call.Read.LatestOf(found));
            foreach (var note in found)
            {
                after = note.NoteId;
                if (!wanted.Fits(note)) continue;
                List<NoteShareRow> shares = [.. all[note.NoteId]];
                if (!call.MayRead(shared, view, note, shares)) continue;
                var version = latest.GetValueOrDefault(note.NoteId);
                var wire = call.ToWire(note, shares, version, call.TextOf(note, version));
                if (!wanted.Fits(wire.Text)) continue;
                call.Touches("note", note.NoteId);
                notes.Add(wire);
                if (notes.Count == size) return (notes, PageToken.Of(note.NoteId));
            }
        }

        return (notes, "");
    }

    /// <summary>The note as its latest version says it, with whom it is shown to for the unit that wrote it.</summary>
    public static Wire.CaseNote ToWire(this Call call, CaseNote note, IEnumerable<NoteShareRow> shares)
    {
        var latest = call.Read.LatestOf(note);
        return call.ToWire(note, shares, latest, call.TextOf(note, latest));
    }

    /// <summary>The same, as a version says it that the caller has at hand.</summary>
    public static Wire.CaseNote ToWire(this Call call, CaseNote note, IEnumerable<NoteShareRow> shares, NoteVersion? latest, string text)
    {
        var wire = new Wire.CaseNote
        {
            NoteId = note.NoteId.ToString(), ConfidentialityClass = note.ConfidentialityClass, AuthorUnitId = note.AuthorUnitId,
            AuthorPersonId = note.AuthorPersonId, WrittenAt = Timestamp.FromDateTimeOffset(note.WrittenAt), Text = text, Version = note.Version,
            AmendedAt = latest is null ? null : Timestamp.FromDateTimeOffset(latest.WrittenAt),
        };
        if (!string.Equals(note.AuthorUnitId, call.Unit.UnitId, StringComparison.Ordinal)) return wire;
        foreach (var share in shares)
        {
            wire.Shares.Add(new Wire.NoteShare
            {
                UnitId = share.UnitId, LegalBasis = share.LegalBasis, Until = share.Until is { } until ? Timestamp.FromDateTimeOffset(until) : null,
            });
        }

        return wire;
    }

    /// <summary>What a note says in a version; null: its first.</summary>
    public static string TextOf(this Call call, CaseNote note, NoteVersion? version) => version is null
        ? call.Vault.OpenText(CaseQueries.NoteColumn, note.NoteId, note.Sealed)
        : call.Vault.OpenText(NoteVersionQueries.TextColumn, version.VersionId, version.Sealed);
}
