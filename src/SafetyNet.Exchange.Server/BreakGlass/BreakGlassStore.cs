using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.BreakGlass;

/// <summary>Where broken glass lies.</summary>
internal sealed class BreakGlassMapping : IEntityTypeConfiguration<BrokenGlass>
{
    public void Configure(EntityTypeBuilder<BrokenGlass> builder)
    {
        builder.ToTable("broken_glass");
        builder.HasKey(g => g.BreakGlassId);
        builder.Property(g => g.Version).IsConcurrencyToken();
        // Two at once take the same number, and one of them is run again: it sees the other then.
        builder.HasIndex(g => new { g.AgencyKey, g.Number }).IsUnique();
        builder.HasIndex(g => g.PersonId);
    }
}

/// <summary>Reads broken glass.</summary>
internal static class BreakGlassQueries
{
    public static readonly SealedColumn JustificationColumn = new("broken_glass", "justification");

    public static readonly SealedColumn ReasonColumn = new("broken_glass", "verdict_reason");

    public static BrokenGlass? FindBrokenGlass(this ReadSession session, Guid id) => session.Db.Set<BrokenGlass>().FirstOrDefault(g => g.BreakGlassId == id);

    public static BreakGlassRight RightOf(this ReadSession session, string agencyKey)
    {
        var ofAgency = session.Db.Set<BrokenGlass>().Where(g => g.AgencyKey == agencyKey);
        return new BreakGlassRight(
            [.. ofAgency.Where(g => g.Verdict == Wire.BreakGlassVerdict.Unspecified).OrderBy(g => g.Number)], [.. ofAgency.Where(g => g.Reached != ReachedLimits.None)]);
    }

    public static long LastNumber(this ReadSession session, string agencyKey) =>
        session.Db.Set<BrokenGlass>().Where(g => g.AgencyKey == agencyKey).Max(g => (long?)g.Number) ?? 0;

    /// <summary>Break-glasses of some agencies, oldest first, after an id.</summary>
    public static List<BrokenGlass> ListBrokenGlass(this ReadSession session, IReadOnlyList<string> agencyKeys, bool openOnly, Guid after, int count) =>
    [
        .. session.Db.Set<BrokenGlass>().Where(g => agencyKeys.Contains(g.AgencyKey) && g.BreakGlassId.CompareTo(after) > 0
            && (!openOnly || g.Verdict == Wire.BreakGlassVerdict.Unspecified)).OrderBy(g => g.BreakGlassId).Take(count),
    ];
}
