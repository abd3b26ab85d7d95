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

    public byte[] Body { get; set; } = [];
}

/// <summary>A signed head of the log.</summary>
internal sealed class CheckpointRow
{
    public long Size { get; set; }

    public DateTimeOffset SignedAt { get; set; }

    public byte[] Frontier { get; set; } = [];

    public byte[] Note { get; set; } = [];
}

/// <summary>Where the log lies: the body beside its leaf, so that a body can be purged and proofs still hold.</summary>
internal sealed class AuditMapping : IEntityTypeConfiguration<AuditRow>, IEntityTypeConfiguration<CheckpointRow>
{
    public void Configure(EntityTypeBuilder<AuditRow> builder)
    {
        builder.ToTable("audit_record");
        builder.HasKey(r => r.Position);
        builder.Property(r => r.Position).HasColumnName("position").ValueGeneratedNever();
        builder.Property(r => r.DecisionId).HasColumnName("decision_id");
        builder.Property(r => r.LeafHash).HasColumnName("leaf_hash");
        builder.Property(r => r.Body).HasColumnName("body");
        builder.HasIndex(r => r.DecisionId).IsUnique();
    }

    public void Configure(EntityTypeBuilder<CheckpointRow> builder)
    {
        builder.ToTable("audit_checkpoint");
        builder.HasKey(c => c.Size);
        builder.Property(c => c.Size).HasColumnName("size").ValueGeneratedNever();
        builder.Property(c => c.SignedAt).HasColumnName("signed_at");
        builder.Property(c => c.Frontier).HasColumnName("frontier");
        builder.Property(c => c.Note).HasColumnName("note");
    }
}

/// <summary>Reads the log.</summary>
internal static class AuditQueries
{
    /// <summary>Record bytes from a position on, at most <paramref name="count"/>, in order.</summary>
    public static List<(long Position, byte[] Body)> ReadBodies(this ReadSession session, long start, long end, int count)
    {
        var found = new List<(long, byte[])>(Math.Min(count, 1024));
        using var reader = session.Query(
            "SELECT position, body FROM audit_record WHERE position >= $0 AND position < $1 ORDER BY position LIMIT $2", start, end, count);
        while (reader.Read()) found.Add((reader.GetInt64(0), reader.GetFieldValue<byte[]>(1)));
        return found;
    }

    public static (long Position, byte[] LeafHash, byte[] Body)? FindDecision(this ReadSession session, Guid decisionId)
    {
        using var reader = session.Query(
            "SELECT position, leaf_hash, body FROM audit_record WHERE decision_id = $0", decisionId.ToByteArray(true));
        return reader.Read() ? (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2)) : null;
    }

    /// <summary>Records before a position, newest first.</summary>
    public static IEnumerable<(long Position, byte[] LeafHash, byte[] Body)> ReadBackwards(this ReadSession session, long before)
    {
        using var reader = session.Query("SELECT position, leaf_hash, body FROM audit_record WHERE position < $0 ORDER BY position DESC", before);
        while (reader.Read()) yield return (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2));
    }

    /// <summary>Nodes of the tree, hashed from the stored leaf hashes.</summary>
    public static NodeReader Nodes(this ReadSession session) => MerkleTree.NodesOver((first, into) =>
    {
        using var reader = session.Query("SELECT leaf_hash FROM audit_record WHERE position >= $0 AND position < $1 ORDER BY position",
            first, first + into.Length);
        for (var i = 0; i < into.Length; i++)
        {
            if (!reader.Read()) throw new EvidenceException($"Record {first + i} of the log is missing.");
            into[i] = new MerkleHash(reader.GetFieldValue<byte[]>(0));
        }
    });
}
