using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Retention;

/// <summary>Where legal holds lie.</summary>
internal sealed class HoldMapping : IEntityTypeConfiguration<LegalHold>
{
    public void Configure(EntityTypeBuilder<LegalHold> builder)
    {
        builder.ToTable("legal_hold");
        builder.HasKey(h => h.HoldId);
        builder.Ignore(h => h.Resource);
        builder.Property(h => h.Version).IsConcurrencyToken();
    }
}

/// <summary>Reads legal holds, and what retention goes by.</summary>
internal static class HoldQueries
{
    public const string ResourceKind = "hold";

    public static readonly SealedColumn SealedColumn = new("legal_hold", "sealed");

    public static LegalHold? FindHold(this ReadSession session, Guid holdId) => session.Db.Set<LegalHold>().AsNoTracking().FirstOrDefault(h => h.HoldId == holdId);

    public static List<LegalHold> OpenHolds(this ReadSession session) => [.. session.Db.Set<LegalHold>().AsNoTracking().Where(h => h.ReleasedAt == null).OrderBy(h => h.HoldId)];

    /// <summary>Holds of a jurisdiction, or of all for TW, newest first, before an id.</summary>
    public static List<LegalHold> ListHolds(this ReadSession session, Wire.Jurisdiction within, bool openOnly, Guid before, int count) =>
        [.. session.Db.Set<LegalHold>().AsNoTracking()
            .Where(h => h.HoldId.CompareTo(before) < 0 && (within == Wire.Jurisdiction.Tw || h.Jurisdiction == within) && (!openOnly || h.ReleasedAt == null))
            .OrderByDescending(h => h.HoldId).Take(count)];

    /// <summary>Grows with every hold that is placed or released; what a purge was thought out by is compared with it when it is written.</summary>
    public static long HoldsRevision(this ReadSession session)
    {
        using var reader = session.Query(Purge.HoldsRevisionSql);
        reader.Read();
        return reader.GetInt64(0);
    }

    /// <summary>Records of a stretch whose bytes are there, in order.</summary>
    public static List<(long Position, byte[] LeafHash, byte[] Body)> ReadKept(this ReadSession session, long start, long end, int count)
    {
        var found = new List<(long, byte[], byte[])>();
        using var reader = session.Query(
            "SELECT position, leaf_hash, body FROM audit_record WHERE position >= $0 AND position < $1 AND length(body) > 0 ORDER BY position LIMIT $2", start, end, count);
        while (reader.Read()) found.Add((reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2)));
        return found;
    }

    public static long CountPurged(this ReadSession session)
    {
        using var reader = session.Query("SELECT count(*) FROM audit_record WHERE length(body) = 0");
        reader.Read();
        return reader.GetInt64(0);
    }
}
