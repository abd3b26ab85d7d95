using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// A line of the disclosure ledger (揭露帳, R-NTK-17): one step showed these classes of one person to one unit. Written in the commit of the step; its classes are
/// never forgotten: what is taken out of a view becomes a line of its own that has ended. No decision reads it: access follows from the step, not from here.
/// </summary>
internal sealed class DisclosureRow : IVersioned, IFamilyFact, INamesPersons
{
    public Guid DisclosureId { get; set; }

    public Guid PersonId { get; set; }

    public Wire.DisclosureStep Step { get; set; }

    /// <summary>Id of the step, of the kind that <see cref="Step"/> says.</summary>
    public Guid StepId { get; set; }

    /// <summary>Case that the step belongs to; null: none.</summary>
    public Guid? CaseId { get; set; }

    public string FromUnitId { get; set; } = "";

    public string ToUnitId { get; set; } = "";

    /// <summary>Classes disclosed, as bits of the code table.</summary>
    public uint Classes { get; set; }

    public Wire.Purpose Purpose { get; set; }

    public Wire.LegalBasis LegalBasis { get; set; }

    public DateTimeOffset At { get; set; }

    /// <summary>First instant at which the view is over by its own terms; null: it lasts as long as its step.</summary>
    public DateTimeOffset? Until { get; set; }

    /// <summary>When the step, its sender or its end closed the view; null: nothing did.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    public int Version { get; set; }

    /// <summary>No decision reads the ledger, so no family does.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    public bool IsOpenAt(DateTimeOffset now) => EndedAt is null && !(Until <= now);

    /// <summary>The part of the line that ends now, as a line of its own; the rest stays open.</summary>
    public DisclosureRow Split(uint ended, Guid id, DateTimeOffset now)
    {
        Classes &= ~ended;
        return new DisclosureRow
        {
            DisclosureId = id, PersonId = PersonId, Step = Step, StepId = StepId, CaseId = CaseId, FromUnitId = FromUnitId, ToUnitId = ToUnitId, Classes = ended,
            Purpose = Purpose, LegalBasis = LegalBasis, At = At, Until = Until, EndedAt = now, Version = 1,
        };
    }

    public IEnumerable<Guid> NamedPersons() => [PersonId];
}

/// <summary>Where the ledger lies.</summary>
internal sealed class LedgerMapping : IEntityTypeConfiguration<DisclosureRow>
{
    public void Configure(EntityTypeBuilder<DisclosureRow> builder)
    {
        builder.ToTable("disclosure");
        builder.HasKey(d => d.DisclosureId);
        builder.Property(d => d.Version).IsConcurrencyToken();
        builder.HasIndex(d => new { d.PersonId, d.DisclosureId });
        builder.HasIndex(d => d.StepId);
        builder.HasIndex(d => d.CaseId);
    }
}

/// <summary>Reads the ledger.</summary>
internal static class Ledger
{
    /// <summary>Lines of one step, oldest first; ended ones too.</summary>
    public static List<DisclosureRow> DisclosuresOfStep(this ReadSession session, Wire.DisclosureStep step, Guid stepId) =>
        [.. session.Db.Set<DisclosureRow>().AsNoTracking().Where(d => d.StepId == stepId && d.Step == step).OrderBy(d => d.DisclosureId)];

    /// <summary>
    /// Lines that did not end of what hangs on a part in one of these cases, to one unit or to all: shares of notes, goals, protective classes. Referrals, grants, conferences and broken glass are
    /// steps with ends of their own.
    /// </summary>
    public static List<DisclosureRow> OpenDisclosuresOfCases(this ReadSession session, IReadOnlyList<Guid> caseIds, string? unitId) =>
        [.. session.Db.Set<DisclosureRow>().AsNoTracking().Where(d => d.CaseId != null && caseIds.Contains(d.CaseId.Value) && d.EndedAt == null && (unitId == null || d.ToUnitId == unitId)
            && (d.Step == Wire.DisclosureStep.NoteShare || d.Step == Wire.DisclosureStep.ServiceGoal || d.Step == Wire.DisclosureStep.ServiceScope))];

    /// <summary>Did the unit ever disclose anything of this person?</summary>
    public static bool HasDisclosed(this ReadSession session, string unitId, Guid personId)
    {
        using var reader = session.Query("SELECT 1 FROM disclosure WHERE person_id = $0 AND from_unit_id = $1 LIMIT 1", personId.ToByteArray(true), unitId);
        return reader.Read();
    }

    /// <summary>Lines of one person before an id, newest first.</summary>
    public static List<DisclosureRow> DisclosuresOfPerson(this ReadSession session, Guid personId, Guid before, int count) =>
        [.. session.Db.Set<DisclosureRow>().AsNoTracking().Where(d => d.PersonId == personId && d.DisclosureId.CompareTo(before) < 0)
            .OrderByDescending(d => d.DisclosureId).Take(count)];
}
