using System.Security.Cryptography.Pkcs;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>A record of the log with its place.</summary>
internal sealed class AuditRow
{
    public long Position { get; set; }

    public Guid DecisionId { get; set; }

    public byte[] LeafHash { get; set; } = [];

    /// <summary>No bytes: retention purged them.</summary>
    public byte[] Body { get; set; } = [];
}

/// <summary>A signed head of the log.</summary>
internal sealed class CheckpointRow
{
    public long Size { get; set; }

    public DateTimeOffset SignedAt { get; set; }

    public byte[] Frontier { get; set; } = [];

    public byte[] Note { get; set; } = [];

    /// <summary>When enough witnesses had co-signed; their signatures are in the note. Null: not yet.</summary>
    public DateTimeOffset? WitnessedAt { get; set; }
}

/// <summary>The time-stamp of an authority over a signed head.</summary>
internal sealed class TimeStampRow
{
    /// <summary>Size of the head.</summary>
    public long Size { get; set; }

    /// <summary>When it was kept, by the clock of the exchange.</summary>
    public DateTimeOffset StampedAt { get; set; }

    /// <summary>DER of the TimeStampToken.</summary>
    public byte[] Token { get; set; } = [];
}

/// <summary>A head with its time-stamp.</summary>
/// <param name="StampedAt">When the stamp came, by the clock of the exchange: what the next one is due by.</param>
/// <param name="At">When the authority says it was.</param>
internal sealed record StampedHead(long Size, DateTimeOffset StampedAt, DateTimeOffset At, byte[] Note, byte[] Token);

/// <summary>A kept inner node of the tree.</summary>
internal sealed class LogNodeRow
{
    public int Level { get; set; }

    public long NodeIndex { get; set; }

    public byte[] Hash { get; set; } = [];
}

/// <summary>Where the log lies: the body beside its leaf, so that a body can be purged and proofs still hold.</summary>
internal sealed class AuditMapping : IEntityTypeConfiguration<AuditRow>, IEntityTypeConfiguration<LogNodeRow>, IEntityTypeConfiguration<CheckpointRow>, IEntityTypeConfiguration<TimeStampRow>
{
    public void Configure(EntityTypeBuilder<LogNodeRow> builder)
    {
        builder.ToTable("audit_node");
        builder.HasKey(n => new { n.Level, n.NodeIndex });
    }

    public void Configure(EntityTypeBuilder<TimeStampRow> builder)
    {
        builder.ToTable("audit_time_stamp");
        builder.HasKey(s => s.Size);
        builder.Property(s => s.Size).ValueGeneratedNever();
    }

    public void Configure(EntityTypeBuilder<AuditRow> builder)
    {
        builder.ToTable("audit_record");
        builder.HasKey(r => r.Position);
        builder.Property(r => r.Position).ValueGeneratedNever();
        builder.HasIndex(r => r.DecisionId).IsUnique();
    }

    public void Configure(EntityTypeBuilder<CheckpointRow> builder)
    {
        builder.ToTable("audit_checkpoint");
        builder.HasKey(c => c.Size);
        builder.Property(c => c.Size).ValueGeneratedNever();
        builder.HasIndex(c => c.WitnessedAt).HasFilter("witnessed_at IS NOT NULL");
    }
}

/// <summary>Reads the log.</summary>
internal static class AuditQueries
{
    /// <summary>Whole entries from a position on, at most <paramref name="count"/>, in order. Of a purged record the body has no bytes; no other record is empty.</summary>
    public static IEnumerable<(long Position, byte[] LeafHash, byte[] Body)> ReadEntries(this ReadSession session, long start, long end, int count)
    {
        using var reader = session.Query(
            "SELECT position, leaf_hash, coalesce(body, x'') FROM audit_record WHERE position >= $0 AND position < $1 ORDER BY position LIMIT $2", start, end, count);
        while (reader.Read()) yield return (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2));
    }

    /// <summary>Bodies only, as <see cref="ReadEntries"/>.</summary>
    public static IEnumerable<(long Position, byte[] Body)> ReadBodies(this ReadSession session, long start, long end, int count)
    {
        using var reader = session.Query("SELECT position, coalesce(body, x'') FROM audit_record WHERE position >= $0 AND position < $1 ORDER BY position LIMIT $2", start, end, count);
        while (reader.Read()) yield return (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1));
    }

    /// <summary>The record of a decision; null: there is none, or it was purged.</summary>
    public static (long Position, byte[] LeafHash, byte[] Body)? FindDecision(this ReadSession session, Guid decisionId) =>
        session.FindPlace(decisionId) is { } place && session.ReadEntries(place, place + 1, 1).FirstOrDefault() is { Body: not null } found ? found : null;

    /// <summary>Position of a decision's record; null: there is none.</summary>
    public static long? FindPlace(this ReadSession session, Guid decisionId)
    {
        using var reader = session.Query("SELECT position FROM audit_record WHERE decision_id = $0", decisionId.ToByteArray(true));
        return reader.Read() ? reader.GetInt64(0) : null;
    }

    /// <summary>Newest head that was co-signed; null: none.</summary>
    public static LogHead? FindWitnessed(this ReadSession session)
    {
        using var reader = session.Query("SELECT size, signed_at, frontier, note FROM audit_checkpoint WHERE witnessed_at IS NOT NULL ORDER BY witnessed_at DESC, size DESC LIMIT 1");
        return reader.Read()
            ? new LogHead(reader.GetInt64(0), Instants.FromMicros(reader.GetInt64(1)), reader.GetFieldValue<byte[]>(2), reader.GetFieldValue<byte[]>(3))
            : null;
    }

    /// <summary>When the first head above a size was signed; null: there is none.</summary>
    public static DateTimeOffset? FindFirstHeadAfter(this ReadSession session, long size)
    {
        using var reader = session.Query("SELECT signed_at FROM audit_checkpoint WHERE size > $0 ORDER BY size LIMIT 1", size);
        return reader.Read() ? Instants.FromMicros(reader.GetInt64(0)) : null;
    }

    /// <summary>The head that was stamped last; null: none was.</summary>
    public static StampedHead? FindNewestStamp(this ReadSession session)
    {
        using var reader = session.Query("""
            SELECT stamp.size, stamp.stamped_at, note, token FROM audit_time_stamp AS stamp JOIN audit_checkpoint USING (size) ORDER BY stamp.size DESC LIMIT 1
            """);
        if (!reader.Read()) return null;
        var token = reader.GetFieldValue<byte[]>(3);
        return Rfc3161TimestampToken.TryDecode(token, out var read, out _)
            ? new StampedHead(reader.GetInt64(0), Instants.FromMicros(reader.GetInt64(1)), read.TokenInfo.Timestamp, reader.GetFieldValue<byte[]>(2), token)
            : null;
    }

    /// <summary>Records before a position, newest first; the bytes of a purged one are empty.</summary>
    public static IEnumerable<(long Position, byte[] LeafHash, byte[] Body)> ReadBackwards(this ReadSession session, long before)
    {
        using var reader = session.Query("SELECT position, leaf_hash, coalesce(body, x'') FROM audit_record WHERE position < $0 ORDER BY position DESC", before);
        while (reader.Read()) yield return (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2));
    }

    /// <summary>
    /// Nodes of the tree: a kept level is read, one between is hashed from at most 128 nodes of the kept level below it. What is stored is not believed for
    /// being stored: a proof over changed nodes does not verify against the signed root.
    /// </summary>
    public static NodeReader Nodes(this ReadSession session) => (level, index) =>
    {
        var above = level % LogNode.LevelsPerTile;
        var count = 1L << above;
        var range = new CompactRange();
        using var reader = level - above == 0
            ? session.Query("SELECT leaf_hash FROM audit_record WHERE position >= $0 AND position < $1 ORDER BY position", index * count, (index + 1) * count)
            : session.Query("SELECT hash FROM audit_node WHERE level = $0 AND node_index >= $1 AND node_index < $2 ORDER BY node_index",
                level - above, index * count, (index + 1) * count);
        while (reader.Read()) range.Append(new MerkleHash(reader.GetFieldValue<byte[]>(0)));
        return range.Size == count ? range.Root() : throw new EvidenceException($"The log lacks entries under node {index} of level {level}.");
    };
}
