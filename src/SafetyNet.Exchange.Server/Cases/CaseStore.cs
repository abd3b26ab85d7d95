using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>Where cases lie.</summary>
internal sealed class CaseMapping : IEntityTypeConfiguration<CaseFile>, IEntityTypeConfiguration<CaseSubjectRow>, IEntityTypeConfiguration<CaseParticipant>,
    IEntityTypeConfiguration<CaseNote>, IEntityTypeConfiguration<NoteShareRow>
{
    public void Configure(EntityTypeBuilder<CaseFile> builder)
    {
        builder.ToTable("case_file");
        builder.HasKey(c => c.CaseId);
        builder.Property(c => c.CaseId).HasColumnName("case_id");
        builder.Property(c => c.Jurisdiction).HasColumnName("jurisdiction");
        builder.Property(c => c.State).HasColumnName("state");
        builder.Property(c => c.OpenedAt).HasColumnName("opened_at");
        builder.Property(c => c.Version).HasColumnName("version").IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<CaseSubjectRow> builder)
    {
        builder.ToTable("case_subject");
        builder.HasKey(s => new { s.CaseId, s.PersonId });
        builder.Property(s => s.CaseId).HasColumnName("case_id");
        builder.Property(s => s.PersonId).HasColumnName("person_id");
        builder.Property(s => s.IsOpen).HasColumnName("is_open");
        builder.HasIndex(s => s.PersonId);
        builder.HasIndex(s => s.PersonId, "ix_case_subject_one_open").IsUnique().HasFilter("is_open = 1");
    }

    public void Configure(EntityTypeBuilder<CaseParticipant> builder)
    {
        builder.ToTable("case_participant");
        builder.HasKey(p => new { p.CaseId, p.UnitId });
        builder.Property(p => p.CaseId).HasColumnName("case_id");
        builder.Property(p => p.UnitId).HasColumnName("unit_id");
        builder.Property(p => p.Role).HasColumnName("role");
        builder.Property(p => p.Services).HasColumnName("services");
        builder.Property(p => p.PersonIds).HasColumnName("person_ids");
        builder.Property(p => p.Since).HasColumnName("since");
        builder.Ignore(p => p.ServiceList);
        // A second primary is refused by the database itself, whatever the code does.
        builder.HasIndex(p => p.CaseId).IsUnique().HasFilter("role = 1").HasDatabaseName("ix_case_one_primary");
    }

    public void Configure(EntityTypeBuilder<CaseNote> builder)
    {
        builder.ToTable("case_note");
        builder.HasKey(n => n.NoteId);
        builder.Property(n => n.NoteId).HasColumnName("note_id");
        builder.Property(n => n.CaseId).HasColumnName("case_id");
        builder.Property(n => n.ConfidentialityClass).HasColumnName("confidentiality_class");
        builder.Property(n => n.AuthorUnitId).HasColumnName("author_unit_id");
        builder.Property(n => n.AuthorPersonId).HasColumnName("author_person_id");
        builder.Property(n => n.WrittenAt).HasColumnName("written_at");
        builder.Property(n => n.Sealed).HasColumnName("sealed");
        builder.HasIndex(n => new { n.CaseId, n.NoteId });
    }

    public void Configure(EntityTypeBuilder<NoteShareRow> builder)
    {
        builder.ToTable("note_share");
        builder.HasKey(s => new { s.NoteId, s.UnitId });
        builder.Property(s => s.NoteId).HasColumnName("note_id");
        builder.Property(s => s.UnitId).HasColumnName("unit_id");
        builder.Property(s => s.LegalBasis).HasColumnName("legal_basis");
        builder.Property(s => s.Until).HasColumnName("until");
    }
}

/// <summary>Reads cases.</summary>
internal static class CaseQueries
{
    public static readonly SealedColumn NoteColumn = new("case_note", "sealed");

    public static SharedCase? FindCase(this ReadSession session, Guid caseId) =>
        Queries.File(session.Db, caseId) is { } file
            ? new SharedCase(file, [.. Queries.Subjects(session.Db, caseId)], [.. Queries.Participants(session.Db, caseId)])
            : null;

    /// <summary>Notes of a case after an id, oldest first.</summary>
    public static List<CaseNote> ListNotes(this ReadSession session, Guid caseId, Guid after, int count) =>
        [.. session.Db.Set<CaseNote>().Where(n => n.CaseId == caseId && n.NoteId.CompareTo(after) > 0).OrderBy(n => n.NoteId).Take(count)];

    public static CaseNote? FindNote(this ReadSession session, Guid noteId) => session.Db.Set<CaseNote>().FirstOrDefault(n => n.NoteId == noteId);

    public static List<NoteShareRow> SharesOf(this ReadSession session, Guid noteId) => [.. Queries.Shares(session.Db, noteId)];

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
