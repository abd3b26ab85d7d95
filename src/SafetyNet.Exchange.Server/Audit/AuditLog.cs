using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>A signed head of the log, before it is published.</summary>
/// <param name="Size">Records in the tree.</param>
/// <param name="SignedAt">When it was signed.</param>
/// <param name="Frontier">What a restart goes on from; <see cref="CompactRange.Snapshot"/>.</param>
/// <param name="Note">The signed note, as it is given out.</param>
internal sealed record LogHead(long Size, DateTimeOffset SignedAt, byte[] Frontier, byte[] Note);

/// <summary>An inner node of the tree that is kept: every eighth level, so that a proof reads a few stretches and never the whole log.</summary>
internal readonly record struct LogNode(int Level, long Index, MerkleHash Hash)
{
    /// <summary>Levels from one kept level to the next, as in tlog-tiles.</summary>
    public const int LevelsPerTile = 8;
}

/// <summary>
/// The append-only log in commit order (R-AUD-3): its growing edge in memory, its signed heads. Only the writer of <see cref="CommitQueue"/> appends and
/// signs; a head is given out only after the records under it and the head itself are durable.
/// </summary>
internal sealed class AuditLog
{
    /// <summary>Longest time between a record and the first signed head over it.</summary>
    public static readonly TimeSpan SignWithin = TimeSpan.FromMilliseconds(500);

    private readonly NoteSigner _signer;
    private CompactRange _committed;
    private CompactRange? _growing;
    private long _signedSize;
    private DateTimeOffset _signedAt;
    private volatile LogHead? _published;
    private readonly List<LogNode> _newNodes = [];
    private readonly NodeWriter _keepNode;

    private AuditLog(NoteSigner signer, CompactRange committed, LogHead? published)
    {
        (_signer, _committed, _published) = (signer, committed, published);
        _signedSize = published?.Size ?? 0;
        VerifierKey = signer.ToVerifier().ToVerifierKey();
        _keepNode = (int level, long index, in MerkleHash hash) =>
        {
            if (level > 0 && level % LogNode.LevelsPerTile == 0) _newNodes.Add(new LogNode(level, index, hash));
        };
    }

    /// <inheritdoc cref="LogSweep"/>
    /// <param name="store">The store.</param>
    /// <param name="head">The newest head that was durable at the start.</param>
    /// <param name="cancellation">Stops between two stretches of records.</param>
    /// <exception cref="EvidenceException">Something in it was changed, removed or moved; it names the first record where it can.</exception>
    public void Sweep(SqliteStore store, LogHead head, CancellationToken cancellation)
    {
        using var key = _signer.ToVerifier();
        new LogSweep(store, key, head.Size).Run(cancellation);
    }

    /// <summary>Public half of the key that signs, in the verifier form of signed notes.</summary>
    public string VerifierKey { get; }

    /// <summary>Signs a statement that is not a head of the log with the log's key. Its first line tells which it is: a head begins with the name of the log.</summary>
    /// <exception cref="ArgumentException">It could be taken for a head.</exception>
    public string SignStatement(string text) => text.StartsWith(_signer.Name, StringComparison.Ordinal)
        ? throw new ArgumentException("A statement does not begin as a head of the log does.", nameof(text))
        : SignedNote.Sign(text, _signer).ToString();

    /// <summary>Newest head that is durable; null: the log is empty.</summary>
    public LogHead? Published => _published;

    /// <summary>Records that are durable.</summary>
    public long Size => _committed.Size;

    /// <summary>There are records that no signed head covers yet.</summary>
    public bool HasUnsigned => (_growing ?? _committed).Size > _signedSize;

    /// <summary>
    /// Goes on where the store stopped: takes the last signed head, checks its signature and that its frontier has its root, then adds the records after it,
    /// each by its own bytes.
    /// </summary>
    /// <exception cref="EvidenceException">The store does not hold the log that was signed; do not start.</exception>
    public static AuditLog Open(SqliteStore store, NoteSigner signer)
    {
        using var session = store.Read();
        var range = new CompactRange();
        LogHead? published = null;
        using (var reader = session.Query("SELECT size, signed_at, frontier, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1"))
        {
            if (reader.Read())
            {
                published = new LogHead(reader.GetInt64(0), Instants.FromMicros(reader.GetInt64(1)),
                    reader.GetFieldValue<byte[]>(2), reader.GetFieldValue<byte[]>(3));
                range = Check(published, signer);
            }
        }

        using (var reader = session.Query("SELECT position, leaf_hash, body FROM audit_record WHERE position >= $0 ORDER BY position", range.Size))
        {
            while (reader.Read())
            {
                var position = reader.GetInt64(0);
                var leaf = MerkleTree.LeafHash(reader.GetFieldValue<byte[]>(2));
                if (position != range.Size || !leaf.Bytes.SequenceEqual(reader.GetFieldValue<byte[]>(1)))
                    throw new EvidenceException($"Record {range.Size} of the log is missing or was changed after the last signed head.", range.Size);
                range.Append(leaf);
            }
        }

        if (published is not null && CountRecords(session) < published.Size)
            throw new EvidenceException($"The log has fewer records than its signed head of size {published.Size}: it was cut or restored from an old copy.", CountRecords(session));
        return new AuditLog(signer, range, published);
    }

    /// <summary>Inner nodes that the records since the last flush completed, to be stored with them.</summary>
    public IReadOnlyList<LogNode> NewNodes => _newNodes;

    /// <summary>Gives the next record its place. Not durable, not visible, until <see cref="Publish"/>.</summary>
    public long Append(ReadOnlySpan<byte> leafHash)
    {
        _growing ??= _committed.Copy();
        _growing.Append(new MerkleHash(leafHash), _keepNode);
        return _growing.Size - 1;
    }

    /// <summary>Signs the head over all that was appended, where the last signed head is old enough; to be stored in the same commit.</summary>
    public LogHead? SignIfDue(DateTimeOffset now)
    {
        var range = _growing ?? _committed;
        // A clock that was set back must not keep heads from being signed.
        if (range.Size == _signedSize || (now >= _signedAt && now - _signedAt < SignWithin)) return null;
        var signed = SignedCheckpoint.Sign(new Checkpoint(_signer.Name, range.Size, range.Root()), _signer);
        return new LogHead(range.Size, now, range.Snapshot(), signed.Encode());
    }

    /// <summary>A head over no entries: what a witness is asked with where this log is new, or claims to be.</summary>
    public LogHead EmptyHead(DateTimeOffset now)
    {
        var none = new CompactRange();
        return new LogHead(0, now, none.Snapshot(), SignedCheckpoint.Sign(new Checkpoint(_signer.Name, 0, none.Root()), _signer).Encode());
    }

    /// <summary>All that was appended is durable now, and so is the head where one was signed.</summary>
    public void Publish(LogHead? checkpoint)
    {
        if (_growing is not null) (_committed, _growing) = (_growing, null);
        _newNodes.Clear();
        if (checkpoint is null) return;
        (_signedSize, _signedAt) = (checkpoint.Size, checkpoint.SignedAt);
        _published = checkpoint;
    }

    /// <summary>The flush failed: what was appended since the last one never happened.</summary>
    public void ForgetUncommitted()
    {
        _growing = null;
        _newNodes.Clear();
    }

    private static CompactRange Check(LogHead stored, NoteSigner signer)
    {
        if (!SignedCheckpoint.TryOpen(stored.Note, signer.ToVerifier(), [], out var head, out var problem))
            throw new EvidenceException($"The last head of the log is not signed by this exchange's key: {problem}");
        var range = CompactRange.Restore(stored.Frontier);
        if (stored.Size != head.Checkpoint.Size || range.Size != stored.Size || range.Root() != head.Checkpoint.Root)
            throw new EvidenceException("The stored edge of the log does not have the root that was signed.");
        return range;
    }

    private static long CountRecords(ReadSession session)
    {
        using var reader = session.Query("SELECT coalesce(max(position) + 1, 0) FROM audit_record");
        reader.Read();
        return reader.GetInt64(0);
    }
}

/// <summary>The store does not hold the evidence that was signed; the message says what differs.</summary>
internal sealed class EvidenceException(string message, long? firstBadIndex = null) : Exception(message)
{
    /// <summary>Position of the first record that cannot be trusted; null: that cannot be said.</summary>
    public long? FirstBadIndex { get; } = firstBadIndex;
}
