using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>One move of a case: who made it, when, and why (R-REF-2); never changed.</summary>
internal sealed class CaseMoveRow : IFamilyFact
{
    public Guid MoveId { get; set; }

    public Guid CaseId { get; set; }

    public Wire.CaseAction Action { get; set; }

    public Wire.CaseState State { get; set; }

    public DateTimeOffset MovedAt { get; set; }

    public string UnitId { get; set; } = "";

    public string PersonId { get; set; } = "";

    /// <summary>Unit that it is addressed to, which may read the remark; empty: none.</summary>
    public string OtherUnitId { get; set; } = "";

    /// <summary>The other side of a merging; null: none.</summary>
    public Guid? OtherCaseId { get; set; }

    public Wire.ReferralOutcome Outcome { get; set; }

    /// <summary>Kinds of search that were stated, one bit per code of the table.</summary>
    public int SearchSteps { get; set; }

    /// <summary>Reassignment that it was made by together with others; null: it was made alone.</summary>
    public Guid? BatchId { get; set; }

    /// <summary>Sealed under <see cref="MoveId"/>; empty: none.</summary>
    public byte[] Remark { get; set; } = [];

    /// <summary>No decision reads it, so no family does.</summary>
    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Where moves of cases lie.</summary>
internal sealed class CaseMoveMapping : IEntityTypeConfiguration<CaseMoveRow>
{
    public void Configure(EntityTypeBuilder<CaseMoveRow> builder)
    {
        builder.ToTable("case_move");
        builder.HasKey(m => m.MoveId);
        builder.HasIndex(m => new { m.CaseId, m.MoveId });
        builder.HasIndex(m => m.BatchId);
    }
}

/// <summary>Reads moves of cases.</summary>
internal static class CaseMoveQueries
{
    public static readonly SealedColumn RemarkColumn = new("case_move", "remark");

    /// <summary>Moves of a case and of those merged into it, after an id, oldest first.</summary>
    public static List<CaseMoveRow> ListCaseMoves(this ReadSession session, IReadOnlyList<Guid> caseIds, Guid after, int count) =>
        [.. session.Db.Set<CaseMoveRow>().AsNoTracking().Where(m => caseIds.Contains(m.CaseId) && m.MoveId.CompareTo(after) > 0).OrderBy(m => m.MoveId).Take(count)];

    /// <summary>Cases that one reassignment moved to another worker, in the order of their ids.</summary>
    public static List<Guid> CasesOfBatch(this ReadSession session, Guid batchId)
    {
        var found = new List<Guid>();
        using var reader = session.Query("SELECT case_id FROM case_move WHERE batch_id = $0 ORDER BY case_id", batchId.ToByteArray(true));
        while (reader.Read()) found.Add(reader.GetId(0));
        return found;
    }
}
