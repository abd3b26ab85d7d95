using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>A goal of the service plan (服務目標, R-CASE-2), owned by one unit of the case; its text lies sealed.</summary>
internal sealed class ServiceGoal : IVersioned, IFamilyFact, ICaseRow
{
    public Guid GoalId { get; set; }

    public Guid CaseId { get; set; }

    public string OwnerUnitId { get; set; } = "";

    public Wire.GoalState State { get; set; }

    public DateOnly TargetDate { get; set; }

    public Wire.ConfidentialityClass ConfidentialityClass { get; set; }

    public string AuthorUnitId { get; set; } = "";

    /// <summary>Basis under which it was written, and is shown to owner and primary unit.</summary>
    public Wire.LegalBasis LegalBasis { get; set; }

    public DateTimeOffset SetAt { get; set; }

    public byte[] Sealed { get; set; } = [];

    public int Version { get; set; }

    /// <summary>The step by which it is shown to others than its author.</summary>
    public SharingStep Step(SharedCase shared) => new(Wire.DisclosureStep.ServiceGoal, GoalId, shared.File.CaseId);

    /// <summary>No decision reads it, so no family does.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    public CaseEvent Tells() => new(CaseId, Wire.CaseChangeKind.Goal, OwnerUnitId, GoalId);
}

/// <summary>What was done for a goal; never changed. Its text lies sealed.</summary>
internal sealed class GoalProgressRow : IFamilyFact
{
    public Guid ProgressId { get; set; }

    public Guid GoalId { get; set; }

    public string AuthorUnitId { get; set; } = "";

    public string AuthorPersonId { get; set; } = "";

    public Wire.LegalBasis LegalBasis { get; set; }

    public DateTimeOffset WrittenAt { get; set; }

    public byte[] Sealed { get; set; } = [];

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Where goals lie.</summary>
internal sealed class ServiceGoalMapping : IEntityTypeConfiguration<ServiceGoal>, IEntityTypeConfiguration<GoalProgressRow>
{
    public void Configure(EntityTypeBuilder<ServiceGoal> builder)
    {
        builder.ToTable("service_goal");
        builder.HasKey(g => g.GoalId);
        builder.HasIndex(g => new { g.CaseId, g.GoalId });
        builder.Property(g => g.Version).IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<GoalProgressRow> builder)
    {
        builder.ToTable("goal_progress");
        builder.HasKey(p => p.ProgressId);
        builder.HasIndex(p => new { p.GoalId, p.ProgressId });
    }
}

/// <summary>Reads goals.</summary>
internal static class GoalQueries
{
    public static readonly SealedColumn GoalColumn = new("service_goal", "sealed");

    public static readonly SealedColumn ProgressColumn = new("goal_progress", "sealed");

    public static ServiceGoal? FindGoal(this ReadSession session, Guid goalId) => session.Db.Set<ServiceGoal>().AsNoTracking().FirstOrDefault(g => g.GoalId == goalId);

    /// <summary>Goals of these cases after an id, oldest first.</summary>
    public static List<ServiceGoal> ListGoals(this ReadSession session, IReadOnlyList<Guid> caseIds, Guid after, int count) =>
        [.. session.Db.Set<ServiceGoal>().AsNoTracking().Where(g => caseIds.Contains(g.CaseId) && g.GoalId.CompareTo(after) > 0).OrderBy(g => g.GoalId).Take(count)];

    /// <summary>Goals of these cases that are worked on.</summary>
    public static List<ServiceGoal> ActiveGoals(this ReadSession session, IReadOnlyList<Guid> caseIds) =>
        [.. session.Db.Set<ServiceGoal>().AsNoTracking().Where(g => caseIds.Contains(g.CaseId) && g.State == Wire.GoalState.Active).OrderBy(g => g.GoalId)];

    /// <summary>The newest entries of a goal, newest first.</summary>
    public static IEnumerable<GoalProgressRow> ProgressOf(this ReadSession session, Guid goalId) => Queries.Progress(session.Db, goalId);

    private static class Queries
    {
        public static readonly Func<ExchangeDb, Guid, IEnumerable<GoalProgressRow>> Progress = EF.CompileQuery((ExchangeDb db, Guid id) =>
            db.Set<GoalProgressRow>().AsNoTracking().Where(p => p.GoalId == id).OrderByDescending(p => p.ProgressId).Take(50).AsQueryable());
    }
}
