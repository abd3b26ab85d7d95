using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// Who of a unit has a case in hand (R-CASE-1). What a worker has to do in a case, a visit or a reminder, carries case and unit and finds the worker here: reassigning is one change of this row,
/// and nothing else has to move with it (R-CASE-4).
/// </summary>
internal sealed class CaseWorkerRow : IVersioned, IFamilyFact
{
    public Guid CaseId { get; set; }

    public string UnitId { get; set; } = "";

    /// <summary>Staff number; empty: nobody is assigned.</summary>
    public string WorkerPersonId { get; set; } = "";

    /// <summary>Staff number; empty: none is stated.</summary>
    public string SupervisorPersonId { get; set; } = "";

    public int Version { get; set; }

    /// <summary>No decision reads it, so no family does.</summary>
    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>A worker of a unit and the profession by which the caseload is measured (R-CASE-6), as the unit stated it last.</summary>
internal sealed class UnitWorkerRow : IVersioned, IFamilyFact
{
    public string UnitId { get; set; } = "";

    public string PersonId { get; set; } = "";

    public Wire.CaseloadRole Role { get; set; }

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Where workers of cases lie.</summary>
internal sealed class CaseWorkerMapping : IEntityTypeConfiguration<CaseWorkerRow>, IEntityTypeConfiguration<UnitWorkerRow>
{
    public void Configure(EntityTypeBuilder<CaseWorkerRow> builder)
    {
        builder.ToTable("case_worker");
        builder.HasKey(w => new { w.CaseId, w.UnitId });
        builder.HasIndex(w => new { w.UnitId, w.WorkerPersonId, w.CaseId });
        builder.Property(w => w.Version).IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<UnitWorkerRow> builder)
    {
        builder.ToTable("unit_worker");
        builder.HasKey(w => new { w.UnitId, w.PersonId });
        builder.Property(w => w.Version).IsConcurrencyToken();
    }
}

/// <summary>Open cases of one worker.</summary>
internal readonly record struct WorkerCases(string PersonId, Wire.CaseloadRole Role, int OpenCases);

/// <summary>Reads who has which case in hand. A unit has a case while it is primary or serves in it, and the case is open.</summary>
internal static class CaseWorkers
{
    /// <summary>SQL: open cases in which unit $0 takes part, with its worker; empty where none is assigned. Of a part that has ended it knows without looking at the case.</summary>
    private const string CasesOfUnit = """
        FROM case_participant AS p INDEXED BY ix_case_participant_now JOIN case_file AS c ON c.case_id = p.case_id AND c.state = 1
        LEFT JOIN case_worker AS w ON w.case_id = p.case_id AND w.unit_id = p.unit_id
        WHERE p.unit_id = $0 AND p.ended_at IS NULL AND p.role IN (1, 2)
        """;

    /// <summary>The unit's worker and supervisor in a case; null: nobody was ever assigned.</summary>
    public static CaseWorkerRow? FindWorker(this ReadSession session, Guid caseId, string unitId) =>
        session.Db.Set<CaseWorkerRow>().AsNoTracking().FirstOrDefault(w => w.CaseId == caseId && w.UnitId == unitId);

    /// <summary>Workers of all units in a case.</summary>
    public static List<CaseWorkerRow> WorkersOf(this ReadSession session, Guid caseId) => [.. Queries.OfCase(session.Db, caseId)];

    public static UnitWorkerRow? FindUnitWorker(this ReadSession session, string unitId, string personId) =>
        session.Db.Set<UnitWorkerRow>().AsNoTracking().FirstOrDefault(w => w.UnitId == unitId && w.PersonId == personId);

    /// <summary>Open cases that a worker of the unit has in hand, in the order of their ids.</summary>
    public static List<Guid> CasesOfWorker(this ReadSession session, string unitId, string personId)
    {
        var found = new List<Guid>();
        using var reader = session.Query("""
            SELECT w.case_id FROM case_worker AS w JOIN case_participant AS p ON p.case_id = w.case_id AND p.unit_id = w.unit_id AND p.role IN (1, 2)
            JOIN case_file AS c ON c.case_id = w.case_id AND c.state = 1 WHERE w.unit_id = $0 AND w.worker_person_id = $1 ORDER BY w.case_id
            """, unitId, personId);
        while (reader.Read()) found.Add(reader.GetId(0));
        return found;
    }

    /// <summary>Open cases of the unit per worker, most first; those without a worker under the empty staff number.</summary>
    public static List<WorkerCases> Caseload(this ReadSession session, string unitId, int count)
    {
        var found = new List<WorkerCases>();
        using var reader = session.Query($"""
            SELECT load.worker, coalesce(u.role, 0), load.cases FROM (SELECT coalesce(w.worker_person_id, '') AS worker, count(*) AS cases {CasesOfUnit} GROUP BY 1) AS load
            LEFT JOIN unit_worker AS u ON u.unit_id = $0 AND u.person_id = load.worker ORDER BY load.cases DESC, load.worker LIMIT $1
            """, unitId, count);
        while (reader.Read()) found.Add(new WorkerCases(reader.GetString(0), (Wire.CaseloadRole)reader.GetInt32(1), reader.GetInt32(2)));
        return found;
    }

    private static class Queries
    {
        public static readonly Func<ExchangeDb, Guid, IEnumerable<CaseWorkerRow>> OfCase =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<CaseWorkerRow>().AsNoTracking().Where(w => w.CaseId == id));
    }
}
