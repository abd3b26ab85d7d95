using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Disclosures;

/// <summary>A correction (更正) of data that a step shared (R-NTK-17); its two texts lie sealed and are of the class of what they correct.</summary>
internal sealed class Correction : IFamilyFact, INamesPersons
{
    public Guid CorrectionId { get; set; }

    public Guid PersonId { get; set; }

    /// <summary>Jurisdiction of the unit that corrects; its keys seal the texts.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    public Wire.DisclosureStep Step { get; set; }

    public Guid StepId { get; set; }

    public Guid? CaseId { get; set; }

    public Wire.ConfidentialityClass ConfidentialityClass { get; set; }

    public string FromUnitId { get; set; } = "";

    public DateTimeOffset At { get; set; }

    /// <summary>What was wrong and what is right, as a sealed <see cref="Wire.CorrectedText"/>.</summary>
    public byte[] Sealed { get; set; } = [];

    public IEnumerable<Guid> AffectedIds() => [];

    public IEnumerable<Guid> NamedPersons() => [PersonId];
}

/// <summary>A unit that a correction was sent to, because it holds or held the data.</summary>
internal sealed class CorrectionReceiver : IFamilyFact
{
    public Guid CorrectionId { get; set; }

    public string UnitId { get; set; } = "";

    /// <summary>When it acknowledged; null: not yet.</summary>
    public DateTimeOffset? AcknowledgedAt { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Where corrections lie.</summary>
internal sealed class CorrectionMapping : IEntityTypeConfiguration<Correction>, IEntityTypeConfiguration<CorrectionReceiver>
{
    public void Configure(EntityTypeBuilder<Correction> builder)
    {
        builder.ToTable("correction");
        builder.HasKey(c => c.CorrectionId);
        builder.HasIndex(c => new { c.FromUnitId, c.CorrectionId });
    }

    public void Configure(EntityTypeBuilder<CorrectionReceiver> builder)
    {
        builder.ToTable("correction_receiver");
        builder.HasKey(r => new { r.CorrectionId, r.UnitId });
        builder.HasIndex(r => new { r.UnitId, r.CorrectionId });
    }
}

/// <summary>Reads corrections.</summary>
internal static class CorrectionQueries
{
    public static readonly SealedColumn TextColumn = new("correction", "sealed");

    public static Correction? FindCorrection(this ReadSession session, Guid correctionId) =>
        session.Db.Set<Correction>().AsNoTracking().FirstOrDefault(c => c.CorrectionId == correctionId);

    /// <summary>Units that a correction was sent to, by id.</summary>
    public static List<CorrectionReceiver> ReceiversOf(this ReadSession session, Guid correctionId) =>
        [.. session.Db.Set<CorrectionReceiver>().AsNoTracking().Where(r => r.CorrectionId == correctionId).OrderBy(r => r.UnitId)];

    /// <summary>Corrections that a unit sent before an id, newest first.</summary>
    public static List<Correction> CorrectionsSentBy(this ReadSession session, string unitId, bool openOnly, Guid before, int count)
    {
        var waiting = session.Db.Set<CorrectionReceiver>().Where(r => r.AcknowledgedAt == null).Select(r => r.CorrectionId);
        var sent = session.Db.Set<Correction>().AsNoTracking().Where(c => c.FromUnitId == unitId && c.CorrectionId.CompareTo(before) < 0);
        if (openOnly) sent = sent.Where(c => waiting.Contains(c.CorrectionId));
        return [.. sent.OrderByDescending(c => c.CorrectionId).Take(count)];
    }

    /// <summary>Corrections that were sent to a unit before an id, newest first.</summary>
    public static List<Correction> CorrectionsSentTo(this ReadSession session, string unitId, bool openOnly, Guid before, int count)
    {
        var received = session.Db.Set<CorrectionReceiver>().Where(r => r.UnitId == unitId && (!openOnly || r.AcknowledgedAt == null)).Select(r => r.CorrectionId);
        return [.. session.Db.Set<Correction>().AsNoTracking().Where(c => c.CorrectionId.CompareTo(before) < 0 && received.Contains(c.CorrectionId))
            .OrderByDescending(c => c.CorrectionId).Take(count)];
    }
}
