using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>What a note says since an amendment (R-CASE-3). The first version is the note's own row; none is ever written again.</summary>
internal sealed class NoteVersion : IFamilyFact
{
    public Guid VersionId { get; set; }

    public Guid NoteId { get; set; }

    /// <summary>2 and up.</summary>
    public int Number { get; set; }

    public string AuthorPersonId { get; set; } = "";

    public DateTimeOffset WrittenAt { get; set; }

    public byte[] Sealed { get; set; } = [];

    /// <summary>Why the version before was amended, sealed.</summary>
    public byte[] Reason { get; set; } = [];

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Where versions of notes lie.</summary>
internal sealed class NoteVersionMapping : IEntityTypeConfiguration<NoteVersion>
{
    public void Configure(EntityTypeBuilder<NoteVersion> builder)
    {
        builder.ToTable("case_note_version");
        builder.HasKey(v => v.VersionId);
        builder.HasIndex(v => new { v.NoteId, v.Number }).IsUnique();
    }
}

/// <summary>Reads versions of notes.</summary>
internal static class NoteVersionQueries
{
    public static readonly SealedColumn TextColumn = new("case_note_version", "sealed");

    public static readonly SealedColumn ReasonColumn = new("case_note_version", "reason");

    private static readonly Func<ExchangeDb, Guid, int, NoteVersion?> Version =
        EF.CompileQuery((ExchangeDb db, Guid noteId, int number) => db.Set<NoteVersion>().AsNoTracking().FirstOrDefault(v => v.NoteId == noteId && v.Number == number));

    /// <summary>The latest version; null: the note was never amended.</summary>
    public static NoteVersion? LatestOf(this ReadSession session, CaseNote note) => note.Version > 1 ? Version(session.Db, note.NoteId, note.Version) : null;

    /// <summary>The latest versions of those of some notes that were amended, by note.</summary>
    public static Dictionary<Guid, NoteVersion> LatestOf(this ReadSession session, IEnumerable<CaseNote> notes)
    {
        var amended = notes.Where(n => n.Version > 1).Select(n => n.NoteId).ToList();
        if (amended.Count == 0) return [];
        return session.Db.Set<CaseNote>().Where(n => amended.Contains(n.NoteId))
            .Join(session.Db.Set<NoteVersion>().AsNoTracking(), n => new { n.NoteId, Number = n.Version }, v => new { v.NoteId, v.Number }, (n, v) => v).ToDictionary(v => v.NoteId);
    }

    /// <summary>Amended versions of a note below a number, newest first.</summary>
    public static List<NoteVersion> VersionsOf(this ReadSession session, Guid noteId, int before, int count) =>
        [.. session.Db.Set<NoteVersion>().AsNoTracking().Where(v => v.NoteId == noteId && v.Number < before).OrderByDescending(v => v.Number).Take(count)];
}
