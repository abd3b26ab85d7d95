using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>Where reveals lie.</summary>
internal sealed class RevealMapping : IEntityTypeConfiguration<Reveal>
{
    public void Configure(EntityTypeBuilder<Reveal> builder)
    {
        builder.ToTable("reveal");
        builder.HasKey(r => r.RevealId);
        builder.Property(r => r.Version).IsConcurrencyToken();
    }
}

/// <summary>Reads reveals.</summary>
internal static class RevealQueries
{
    public static readonly SealedColumn ReasonColumn = new("reveal", "reason");

    public static readonly SealedColumn ProceedingColumn = new("reveal", "proceeding");

    public static readonly SealedColumn DecisionColumn = new("reveal", "decision_reason");

    public static Reveal? FindReveal(this ReadSession session, Guid id) => session.Db.Set<Reveal>().FirstOrDefault(r => r.RevealId == id);

    /// <summary>Reveals of a jurisdiction, oldest first, after an id; TW: of all.</summary>
    public static List<Reveal> ListReveals(this ReadSession session, Wire.Jurisdiction within, bool undecidedOnly, DateTimeOffset now, Guid after, int count) =>
    [
        .. session.Db.Set<Reveal>().Where(r => (within == Wire.Jurisdiction.Tw || r.Jurisdiction == within) && r.RevealId.CompareTo(after) > 0
            && (!undecidedOnly || (r.State == Wire.RevealState.Requested && r.Until > now))).OrderBy(r => r.RevealId).Take(count),
    ];
}
