using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>Where cases lie.</summary>
internal sealed class CaseMapping : IEntityTypeConfiguration<CaseFile>, IEntityTypeConfiguration<CaseSubjectRow>, IEntityTypeConfiguration<CaseParticipant>,
    IEntityTypeConfiguration<CaseNote>, IEntityTypeConfiguration<NoteShareRow>, IEntityTypeConfiguration<OtherPartyRow>
{
    public void Configure(EntityTypeBuilder<CaseFile> builder)
    {
        builder.ToTable("case_file");
        builder.HasKey(c => c.CaseId);
        builder.Ignore(c => c.IsProposed);
        builder.HasIndex(c => c.MergedIntoId);
        builder.Property(c => c.Version).IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<CaseSubjectRow> builder)
    {
        builder.ToTable("case_subject");
        builder.HasKey(s => new { s.CaseId, s.PersonId });
        builder.HasIndex(s => s.PersonId);
        builder.HasIndex(s => new { s.PersonId, s.Beside }, "ix_case_subject_one_open").IsUnique().HasFilter("is_open = 1");
    }

    public void Configure(EntityTypeBuilder<CaseParticipant> builder)
    {
        builder.ToTable("case_participant");
        builder.HasKey(p => new { p.CaseId, p.UnitId });
        builder.Ignore(p => p.ServiceList);
        builder.Ignore(p => p.Protective);
        builder.HasIndex(p => new { p.UnitId, p.CaseId });
        // The parts that go on: what a unit has in hand does not cost what it ever had.
        builder.HasIndex(p => p.UnitId).HasFilter("ended_at IS NULL").HasDatabaseName("ix_case_participant_now");
        // A second primary is refused by the database itself, whatever the code does.
        builder.HasIndex(p => p.CaseId).IsUnique().HasFilter("role = 1").HasDatabaseName("ix_case_one_primary");
    }

    public void Configure(EntityTypeBuilder<CaseNote> builder)
    {
        builder.ToTable("case_note");
        builder.HasKey(n => n.NoteId);
        builder.Property(n => n.Version).IsConcurrencyToken();
        builder.HasIndex(n => new { n.CaseId, n.NoteId });
    }

    public void Configure(EntityTypeBuilder<OtherPartyRow> builder)
    {
        builder.ToTable("case_other_party");
        builder.HasKey(o => new { o.CaseId, o.NationalIdIndex });
    }

    public void Configure(EntityTypeBuilder<NoteShareRow> builder)
    {
        builder.ToTable("note_share");
        builder.HasKey(s => new { s.NoteId, s.UnitId });
    }
}

/// <summary>Reads cases.</summary>
internal static class CaseQueries
{
    public static readonly SealedColumn NoteColumn = new("case_note", "sealed");

    public static readonly SealedColumn OtherPartyColumn = new("case_other_party", "reason");

    /// <summary>Marks of other parties of a case, lifted ones too.</summary>
    public static List<OtherPartyRow> OtherPartiesOf(this ReadSession session, Guid caseId) =>
        [.. session.Db.Set<OtherPartyRow>().AsNoTracking().Where(o => o.CaseId == caseId)];

    public static SharedCase? FindCase(this ReadSession session, Guid caseId) =>
        Queries.File(session.Db, caseId) is { } file
            ? new SharedCase(file, [.. Queries.Subjects(session.Db, caseId)], [.. Queries.Participants(session.Db, caseId)])
            : null;

    /// <summary>The case, and those that were merged into it: whose notes, goals and moves are found in it.</summary>
    public static List<Guid> WithMerged(this ReadSession session, Guid caseId)
    {
        var ids = new List<Guid> { caseId };
        using var reader = session.Query("SELECT case_id FROM case_file WHERE merged_into_id = $0", caseId.ToByteArray(true));
        while (reader.Read()) ids.Add(reader.GetId(0));
        return ids;
    }

    /// <summary>Cases that were merged into this one.</summary>
    public static List<CaseFile> MergedInto(this ReadSession session, Guid caseId) =>
        [.. session.Db.Set<CaseFile>().AsNoTracking().Where(c => c.MergedIntoId == caseId)];

    /// <summary>Notes of a case and of those merged into it, after an id, oldest first.</summary>
    public static List<CaseNote> ListNotes(this ReadSession session, IReadOnlyList<Guid> caseIds, Guid after, int count) =>
        [.. session.Db.Set<CaseNote>().Where(n => caseIds.Contains(n.CaseId) && n.NoteId.CompareTo(after) > 0).OrderBy(n => n.NoteId).Take(count)];

    /// <summary>Those of some notes of these cases that a unit wrote, oldest first.</summary>
    public static List<CaseNote> FindNotes(this ReadSession session, IReadOnlyList<Guid> caseIds, string authorUnitId, IReadOnlyList<Guid> noteIds) =>
        [.. session.Db.Set<CaseNote>().AsNoTracking().Where(n => noteIds.Contains(n.NoteId) && caseIds.Contains(n.CaseId) && n.AuthorUnitId == authorUnitId).OrderBy(n => n.NoteId)];

    /// <summary>Notes of these cases that a unit wrote of some classes, oldest first.</summary>
    public static List<CaseNote> NotesBy(this ReadSession session, IReadOnlyList<Guid> caseIds, string authorUnitId, IReadOnlyList<Wire.ConfidentialityClass> classes, int count) =>
        [.. session.Db.Set<CaseNote>().AsNoTracking().Where(n => caseIds.Contains(n.CaseId) && n.AuthorUnitId == authorUnitId && classes.Contains(n.ConfidentialityClass)).OrderBy(n => n.NoteId).Take(count)];

    /// <summary>Shares of the notes of these cases that are open, with one unit or with all.</summary>
    public static List<NoteShareRow> OpenSharesOfCases(this ReadSession session, IReadOnlyList<Guid> caseIds, string? unitId, DateTimeOffset now) =>
        [.. session.Db.Set<CaseNote>().AsNoTracking().Where(n => caseIds.Contains(n.CaseId))
            .Join(session.Db.Set<NoteShareRow>().AsNoTracking(), n => n.NoteId, s => s.NoteId, (n, s) => s)
            .Where(s => (unitId == null || s.UnitId == unitId) && (s.Until == null || s.Until > now))];

    public static CaseNote? FindNote(this ReadSession session, Guid noteId) => session.Db.Set<CaseNote>().FirstOrDefault(n => n.NoteId == noteId);

    public static List<NoteShareRow> SharesOf(this ReadSession session, Guid noteId) => [.. Queries.Shares(session.Db, noteId)];

    /// <summary>Shares of some notes, by note; those that have ended too.</summary>
    public static ILookup<Guid, NoteShareRow> SharesOf(this ReadSession session, IEnumerable<CaseNote> notes)
    {
        var ids = notes.Select(n => n.NoteId).ToList();
        return session.Db.Set<NoteShareRow>().AsNoTracking().Where(s => ids.Contains(s.NoteId)).OrderBy(s => s.NoteId).ThenBy(s => s.UnitId).ToLookup(s => s.NoteId);
    }

    /// <inheritdoc cref="CaseSubjectRow.Beside"/>
    public static int BesideOf(this ReadSession session, Guid caseId, Guid personId)
    {
        using var reader = session.Query("SELECT beside FROM case_subject WHERE case_id = $0 AND person_id = $1", caseId.ToByteArray(true), personId.ToByteArray(true));
        return reader.Read() ? reader.GetInt32(0) : 0;
    }

    private static class Queries
    {
        public static readonly Func<ExchangeDb, Guid, CaseFile?> File =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<CaseFile>().AsNoTracking().FirstOrDefault(c => c.CaseId == id));

        public static readonly Func<ExchangeDb, Guid, IEnumerable<Guid>> Subjects =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<CaseSubjectRow>().Where(s => s.CaseId == id).OrderBy(s => s.PersonId).Select(s => s.PersonId).AsQueryable());

        public static readonly Func<ExchangeDb, Guid, IEnumerable<CaseParticipant>> Participants =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<CaseParticipant>().AsNoTracking().Where(p => p.CaseId == id).OrderBy(p => p.UnitId).AsQueryable());

        public static readonly Func<ExchangeDb, Guid, IEnumerable<NoteShareRow>> Shares =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<NoteShareRow>().AsNoTracking().Where(s => s.NoteId == id).OrderBy(s => s.UnitId).AsQueryable());
    }
}
