using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>Who of a unit has a case in hand (R-CASE-1).</summary>
internal sealed class CaseWorkerRow : IVersioned, IFamilyFact
{
    public Guid CaseId { get; set; }

    public string UnitId { get; set; } = "";

    /// <summary>Staff number; empty: nobody is assigned.</summary>
    public string WorkerPersonId { get; set; } = "";

    /// <summary>Staff number; empty: none is stated.</summary>
    public string SupervisorPersonId { get; set; } = "";

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Where workers of cases lie.</summary>
internal sealed class CaseWorkerMapping : IEntityTypeConfiguration<CaseWorkerRow>
{
    public void Configure(EntityTypeBuilder<CaseWorkerRow> builder)
    {
        builder.ToTable("case_worker");
        builder.HasKey(w => new { w.CaseId, w.UnitId });
        builder.HasIndex(w => new { w.UnitId, w.WorkerPersonId, w.CaseId });
        builder.Property(w => w.Version).IsConcurrencyToken();
    }
}

/// <summary>Reads who has which case in hand.</summary>
internal static class CaseWorkers
{
    /// <summary>The unit's worker and supervisor in a case; null: nobody was ever assigned.</summary>
    public static CaseWorkerRow? FindWorker(this ReadSession session, Guid caseId, string unitId) =>
        session.Db.Set<CaseWorkerRow>().AsNoTracking().FirstOrDefault(w => w.CaseId == caseId && w.UnitId == unitId);
}
