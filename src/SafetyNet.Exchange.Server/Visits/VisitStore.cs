using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Visits;

/// <summary>Where visits and protocols lie. What a unit has to do next, what a case has, and which month begins next is each found by an index.</summary>
internal sealed class VisitMapping : IEntityTypeConfiguration<Visit>, IEntityTypeConfiguration<VisitMoveRow>, IEntityTypeConfiguration<ProtocolRun>, IEntityTypeConfiguration<VisitPart>
{
    public void Configure(EntityTypeBuilder<Visit> builder)
    {
        builder.ToTable("visit");
        builder.HasKey(v => v.VisitId);
        builder.Property(v => v.Version).IsConcurrencyToken();
        builder.HasIndex(v => new { v.UnitId, v.State, v.PlannedOn, v.VisitId });
        builder.HasIndex(v => new { v.CaseId, v.PlannedOn, v.VisitId });
        builder.HasIndex(v => v.RunId).HasFilter("run_id IS NOT NULL");
    }

    public void Configure(EntityTypeBuilder<VisitMoveRow> builder)
    {
        builder.ToTable("visit_move");
        builder.HasKey(m => m.MoveId);
        builder.HasIndex(m => new { m.VisitId, m.Number }).IsUnique();
    }

    public void Configure(EntityTypeBuilder<VisitPart> builder)
    {
        builder.ToTable("visit_part");
        builder.HasKey(p => new { p.CaseId, p.UnitId });
        builder.Property(p => p.Version).IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<ProtocolRun> builder)
    {
        builder.ToTable("visit_protocol_run");
        builder.HasKey(r => r.RunId);
        builder.Property(r => r.Version).IsConcurrencyToken();
        // A unit follows a protocol for a person once at a time, whoever starts how many at once.
        builder.HasIndex(r => new { r.CaseId, r.UnitId, r.PersonId, r.Protocol }, "ix_visit_protocol_run_one_runs").IsUnique().HasFilter("ended_on IS NULL");
        builder.HasIndex(r => new { r.CaseId, r.UnitId });
        builder.HasIndex(r => r.NextMonthAt).HasFilter("next_month_at IS NOT NULL");
    }
}

/// <summary>Which visits a page of a list is about.</summary>
/// <param name="CaseId">Null: those of every case.</param>
/// <param name="UnitId">Empty: those of every unit.</param>
/// <param name="After">Place of the last visit of the page before.</param>
internal sealed record VisitPage(Guid? CaseId, string UnitId, string WorkerPersonId, string SupervisorPersonId, Guid? RunId, Wire.VisitListing Listing, DateOnly? Until, DateOnly Today,
    (DateOnly Day, Guid Id) After, int Count);

/// <summary>Reads visits and protocols.</summary>
internal static class VisitQueries
{
    public static readonly SealedColumn TextColumn = new("visit_move", "text");

    public static readonly SealedColumn EndReasonColumn = new("visit_protocol_run", "end_reason");

    /// <summary>A visit of a unit; another's is none (R-NTK-14).</summary>
    public static Visit? FindVisit(this ReadSession session, Guid visitId, string unitId) => session.Db.Set<Visit>().AsNoTracking().FirstOrDefault(v => v.VisitId == visitId && v.UnitId == unitId);

    /// <summary>A protocol of a unit, or of a case that the unit is primary of; another's is none (R-NTK-14).</summary>
    public static ProtocolRun? FindRun(this ReadSession session, Guid runId, string unitId) => session.Db.Set<ProtocolRun>().AsNoTracking().FirstOrDefault(r => r.RunId == runId
        && (r.UnitId == unitId || session.Db.Set<CaseParticipant>().Any(p => p.CaseId == r.CaseId && p.UnitId == unitId && p.Role == Wire.ParticipantRole.Primary)));

    /// <summary>Code of the protocol of a run.</summary>
    public static string ProtocolOf(this ReadSession session, Guid runId) => session.Db.Set<ProtocolRun>().Where(r => r.RunId == runId).Select(r => r.Protocol).First();

    public static bool HasRunning(this ReadSession session, Guid caseId, string unitId, Guid personId, string protocol) =>
        session.Db.Set<ProtocolRun>().Any(r => r.CaseId == caseId && r.UnitId == unitId && r.PersonId == personId && r.Protocol == protocol && r.EndedOn == null);

    public static List<Visit> VisitsOfRun(this ReadSession session, Guid runId) => [.. session.Db.Set<Visit>().AsNoTracking().Where(v => v.RunId == runId).OrderBy(v => v.VisitId)];

    /// <summary>Visits of a run as its months are reckoned by them.</summary>
    public static List<CountedVisit> CountedVisitsOf(this ReadSession session, Guid runId)
    {
        var attempts = (from visit in session.Db.Set<Visit>() where visit.RunId == runId
            join move in session.Db.Set<VisitMoveRow>() on visit.VisitId equals move.VisitId
            where move.Action == Wire.VisitAction.RecordAttempt
            select new { move.VisitId, move.HappenedAt }).ToLookup(one => one.VisitId, one => CivilDate.InTaiwan(one.HappenedAt!.Value));
        return [.. session.VisitsOfRun(runId).Select(v => new CountedVisit(v.State, v.PlannedOn, v.DoneAt is { } at ? CivilDate.InTaiwan(at) : null, [.. attempts[v.VisitId]]))];
    }

    public static List<VisitMoveRow> MovesOf(this ReadSession session, Guid visitId) => [.. session.Db.Set<VisitMoveRow>().AsNoTracking().Where(m => m.VisitId == visitId).OrderBy(m => m.Number)];

    /// <summary>What was done with each of a page of visits, by visit, in order.</summary>
    public static ILookup<Guid, VisitMoveRow> MovesOf(this ReadSession session, IReadOnlyList<Visit> visits)
    {
        var ids = visits.Select(v => v.VisitId).ToList();
        return session.Db.Set<VisitMoveRow>().AsNoTracking().Where(m => ids.Contains(m.VisitId)).OrderBy(m => m.VisitId).ThenBy(m => m.Number).ToLookup(m => m.VisitId);
    }

    /// <summary>Visits of a unit in a case that are planned.</summary>
    public static List<Visit> PlannedVisitsOf(this ReadSession session, Guid caseId, string unitId) =>
        [.. session.Db.Set<Visit>().AsNoTracking().Where(v => v.CaseId == caseId && v.UnitId == unitId && v.State == Wire.VisitState.Planned).OrderBy(v => v.VisitId)];

    /// <summary>Protocols of a unit in a case that run.</summary>
    public static List<ProtocolRun> RunningOf(this ReadSession session, Guid caseId, string unitId) =>
        [.. session.Db.Set<ProtocolRun>().AsNoTracking().Where(r => r.CaseId == caseId && r.UnitId == unitId && r.EndedOn == null).OrderBy(r => r.RunId)];

    public static VisitPart? FindVisitPart(this ReadSession session, Guid caseId, string unitId) =>
        session.Db.Set<VisitPart>().AsNoTracking().FirstOrDefault(p => p.CaseId == caseId && p.UnitId == unitId);

    /// <summary>Units that have, or had, a part in a case.</summary>
    public static List<string> UnitsOfCase(this ReadSession session, Guid caseId) => [.. session.Db.Set<CaseParticipant>().Where(p => p.CaseId == caseId).Select(p => p.UnitId)];

    public static List<Visit> VisitsOfCase(this ReadSession session, Guid caseId) => [.. session.Db.Set<Visit>().AsNoTracking().Where(v => v.CaseId == caseId)];

    public static List<ProtocolRun> RunsOfCase(this ReadSession session, Guid caseId) => [.. session.Db.Set<ProtocolRun>().AsNoTracking().Where(r => r.CaseId == caseId)];

    /// <summary>Protocols of which a month begins that is not planned yet, those that wait longest first.</summary>
    /// <remarks>Of two persons who were found to be one, with the same protocol in the same case, one run goes on (R-HH-7).</remarks>
    public static List<ProtocolRun> RunsWithNewMonth(this ReadSession session, DateTimeOffset now, int count) =>
        [.. session.Db.Set<ProtocolRun>().AsNoTracking().Where(r => r.NextMonthAt != null && r.NextMonthAt <= now && !session.Db.Set<PersonRow>().Any(p => p.PersonId == r.PersonId && p.SameAs != null)).OrderBy(r => r.NextMonthAt).ThenBy(r => r.RunId).Take(count)];

    /// <summary>When the next month of any protocol begins; null: none runs.</summary>
    public static DateTimeOffset? NextMonthAt(this ReadSession session)
    {
        using var reader = session.Query("SELECT min(next_month_at) FROM visit_protocol_run AS r WHERE next_month_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM person AS p WHERE p.person_id = r.person_id AND p.same_as IS NOT NULL)");
        return reader.Read() && !reader.IsDBNull(0) ? Instants.FromMicros(reader.GetInt64(0)) : null;
    }

    /// <summary>Visits by the day that they are planned for.</summary>
    public static List<Visit> ListVisits(this ReadSession session, VisitPage page)
    {
        var ((day, id), today, workers) = (page.After, page.Today, session.Db.Set<CaseWorkerRow>());
        var visits = session.Db.Set<Visit>().AsNoTracking().Where(v => v.PlannedOn > day || (v.PlannedOn == day && v.VisitId.CompareTo(id) > 0));
        if (page.CaseId is { } caseId) visits = visits.Where(v => v.CaseId == caseId);
        if (page.UnitId.Length > 0) visits = visits.Where(v => v.UnitId == page.UnitId);
        if (page.RunId is { } runId) visits = visits.Where(v => v.RunId == runId);
        if (page.Until is { } until) visits = visits.Where(v => v.PlannedOn <= until);
        // The worker of a visit is that of the unit's part in the case, whoever it was when the visit was planned (R-CASE-4).
        if (page.WorkerPersonId.Length > 0) visits = visits.Where(v => workers.Any(w => w.CaseId == v.CaseId && w.UnitId == v.UnitId && w.WorkerPersonId == page.WorkerPersonId));
        if (page.SupervisorPersonId.Length > 0) visits = visits.Where(v => workers.Any(w => w.CaseId == v.CaseId && w.UnitId == v.UnitId && w.SupervisorPersonId == page.SupervisorPersonId));
        visits = page.Listing switch
        {
            Wire.VisitListing.All => visits,
            Wire.VisitListing.Due => visits.Where(v => v.State == Wire.VisitState.Planned && v.PlannedOn >= today),
            Wire.VisitListing.Overdue => visits.Where(v => v.State == Wire.VisitState.Planned && v.PlannedOn < today),
            Wire.VisitListing.Done => visits.Where(v => v.State == Wire.VisitState.Done),
            Wire.VisitListing.Cancelled => visits.Where(v => v.State == Wire.VisitState.Cancelled),
            Wire.VisitListing.Ended => visits.Where(v => v.State == Wire.VisitState.Ended),
            _ => visits.Where(v => v.State == Wire.VisitState.Planned),
        };
        return [.. visits.OrderBy(v => v.PlannedOn).ThenBy(v => v.VisitId).Take(page.Count)];
    }
}
