using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Disputes;

/// <summary>A ruling (裁定). But for the grounds nothing in it is personal: others search it as a precedent.</summary>
internal sealed class LeadRulingRow : IVersioned, IFamilyFact
{
    public Guid RulingId { get; set; }

    public Guid DisputeId { get; set; }

    public Wire.ArbiterLevel Level { get; set; }

    /// <summary>Unit that leads by it.</summary>
    public string LeadUnitId { get; set; } = "";

    /// <summary>The proposed unit leads by it.</summary>
    public bool LeadChanges { get; set; }

    /// <summary>Rule that the dispute cites.</summary>
    public string CitedRuleId { get; set; } = "";

    /// <summary>Rule that the ruling follows from.</summary>
    public string RuleId { get; set; } = "";

    public Wire.UnitKind FromUnitKind { get; set; }

    public Wire.UnitKind ToUnitKind { get; set; }

    public Wire.ReportKind ReportKind { get; set; }

    /// <summary>General words, checked to be such.</summary>
    public string Principle { get; set; } = "";

    /// <summary>Why, in this family; sealed.</summary>
    public byte[] Grounds { get; set; } = [];

    public DateTimeOffset RuledAt { get; set; }

    public string ByUnitId { get; set; } = "";

    /// <summary>Staff number of who ruled.</summary>
    public string ByPersonId { get; set; } = "";

    /// <summary>The city level ruled otherwise.</summary>
    public bool IsOverruled { get; set; }

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Where disputes lie.</summary>
internal sealed class LeadDisputeMapping : IEntityTypeConfiguration<LeadDispute>, IEntityTypeConfiguration<LeadRulingRow>
{
    public void Configure(EntityTypeBuilder<LeadDispute> builder)
    {
        builder.ToTable("lead_dispute");
        builder.HasKey(d => d.DisputeId);
        builder.Ignore(d => d.ArbiterUnitId);
        builder.Ignore(d => d.IsWaiting);
        builder.Ignore(d => d.IsPending);
        builder.Property(d => d.Version).IsConcurrencyToken();
        builder.HasIndex(d => d.ReportId);
        builder.HasIndex(d => d.HandoverReferralId);
        builder.HasIndex(d => new { d.InterimLeadUnitId, d.DisputeId });
        builder.HasIndex(d => new { d.ProposedUnitId, d.DisputeId });
        builder.HasIndex(d => new { d.IntakeUnitId, d.DisputeId });
        builder.HasIndex(d => new { d.CityUnitId, d.DisputeId });
    }

    public void Configure(EntityTypeBuilder<LeadRulingRow> builder)
    {
        builder.ToTable("lead_ruling");
        builder.HasKey(r => r.RulingId);
        builder.Property(r => r.Version).IsConcurrencyToken();
        builder.HasIndex(r => r.DisputeId);
    }
}

/// <summary>Reads disputes and rulings.</summary>
internal static class LeadDisputeQueries
{
    public static readonly SealedColumn StatementColumn = new("lead_dispute", "statement");

    public static readonly SealedColumn AppealColumn = new("lead_dispute", "appeal_statement");

    public static readonly SealedColumn GroundsColumn = new("lead_ruling", "grounds");

    public static LeadDispute? FindLeadDispute(this ReadSession session, Guid disputeId) =>
        session.Db.Set<LeadDispute>().AsNoTracking().FirstOrDefault(d => d.DisputeId == disputeId);

    /// <summary>Disputes of a report, oldest first.</summary>
    public static List<LeadDispute> LeadDisputesOf(this ReadSession session, Guid reportId) =>
        [.. session.Db.Set<LeadDispute>().AsNoTracking().Where(d => d.ReportId == reportId).OrderBy(d => d.OpenedAt).ThenBy(d => d.DisputeId)];

    /// <summary>The dispute whose ruling a referral carries out; null: none, or it is carried out already.</summary>
    public static LeadDispute? FindHandover(this ReadSession session, Guid referralId) =>
        session.Db.Set<LeadDispute>().AsNoTracking().FirstOrDefault(d => d.HandoverReferralId == referralId && d.Handover == Wire.LeadHandover.Pending);

    /// <summary>Rulings of a dispute, oldest first.</summary>
    public static List<LeadRulingRow> RulingsOn(this ReadSession session, Guid disputeId) =>
        [.. session.Db.Set<LeadRulingRow>().AsNoTracking().Where(r => r.DisputeId == disputeId).OrderBy(r => r.Level)];

    /// <summary>Disputes in which a unit is party or arbiter, oldest first, after an id.</summary>
    public static List<LeadDispute> ListLeadDisputes(this ReadSession session, string unitId, Wire.LeadDisputeState state, Guid after, int count) =>
        [.. session.Db.Set<LeadDispute>().AsNoTracking()
            .Where(d => d.DisputeId.CompareTo(after) > 0 && (state == Wire.LeadDisputeState.Unspecified || d.State == state)
                && (d.InterimLeadUnitId == unitId || d.ProposedUnitId == unitId || d.IntakeUnitId == unitId || d.CityUnitId == unitId))
            .OrderBy(d => d.DisputeId).Take(count)];

    /// <summary>Rulings of everywhere, newest first, before an id.</summary>
    public static List<LeadRulingRow> SearchRulings(this ReadSession session, string ruleId, Wire.UnitKind unitKind, Guid before, int count) =>
        [.. session.Db.Set<LeadRulingRow>().AsNoTracking()
            .Where(r => r.RulingId.CompareTo(before) < 0 && (ruleId == "" || r.RuleId == ruleId || r.CitedRuleId == ruleId)
                && (unitKind == Wire.UnitKind.Unspecified || r.FromUnitKind == unitKind || r.ToUnitKind == unitKind))
            .OrderByDescending(r => r.RulingId).Take(count)];
}
