using System.Buffers.Text;
using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Storage;
using SQLitePCL;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>
/// Reads the whole log below a signed head and compares everything that is stored of it with what was signed: each record with its hash and its decision, each
/// kept node with the records under it, each head with the records before it. Takes some seconds for a million records, so it runs beside the first calls; a start
/// itself looks only at what came after the head. When a head was signed or co-signed is not under any signature and not looked at.
/// </summary>
internal sealed class LogSweep
{
    private const int RecordsPerStretch = 4096;

    // Of the canonical bytes of a record: version, a varint of one byte, then decision_id, 36 characters.
    private const byte VersionTag = Wire.AuditRecord.VersionFieldNumber << 3;
    private const byte DecisionTag = (Wire.AuditRecord.DecisionIdFieldNumber << 3) | 2;
    private const int DecisionAt = 4;
    private const int DecisionText = 36;
    private const int DecisionBytes = 16;

    private readonly SqliteStore _store;
    private readonly NoteVerifier _key;
    private readonly long _end;
    private readonly CompactRange _range = new();
    private readonly NodeWriter _keepNode;
    private readonly List<LogNode> _nodes = [];
    private Queue<(long Size, byte[] Frontier, byte[] Note)> _heads = [];
    private readonly EntryRanges _purged = new(), _named = new();
    private long _vouched, _nodeCount;

    public LogSweep(SqliteStore store, NoteVerifier key, long end)
    {
        (_store, _key, _end) = (store, key, end);
        _keepNode = (int level, long index, in MerkleHash hash) =>
        {
            if (level > 0 && level % LogNode.LevelsPerTile == 0) _nodes.Add(new LogNode(level, index, hash));
        };
    }

    /// <exception cref="EvidenceException">The first difference.</exception>
    public void Run(CancellationToken cancellation)
    {
        while (_range.Size < _end)
        {
            cancellation.ThrowIfCancellationRequested();
            using var session = _store.Read();
            var before = _range.Size;
            ReadHeads(session, before);
            using (var reader = session.Query(
                "SELECT position, leaf_hash, coalesce(body, x''), decision_id FROM audit_record WHERE position >= $0 AND position < $1 ORDER BY position LIMIT $2", before, _end, RecordsPerStretch))
            {
                // Where SQLite has them, until the next row: a million records are not copied to be looked at once.
                while (reader.Read())
                    Take(reader.GetInt64(0), raw.sqlite3_column_blob(reader.Handle, 1), raw.sqlite3_column_blob(reader.Handle, 2), raw.sqlite3_column_blob(reader.Handle, 3));
            }

            if (_range.Size == before) throw new EvidenceException($"Record {_range.Size} of the log is missing.", _range.Size);
            foreach (var node in _nodes) CheckNode(session, node);
            _nodes.Clear();
        }

        using var last = _store.Read();
        // A purge whose record came after the head, as the process ended between the two.
        if (_purged.All.Any(range => _named.FirstMissing(range) is not null)) ReadNamesAfterHead(last);
        foreach (var range in _purged.All)
        {
            if (_named.FirstMissing(range) is { } first) throw new EvidenceException($"Record {first} of the log is gone, and no later record says that retention purged it.", first);
        }

        foreach (var range in _named.All.Where(range => range.Last < _end))
        {
            if (_purged.FirstMissing(range) is { } first) throw new EvidenceException($"Record {first} of the log was purged by retention, and is there again.", first);
        }

        using var counted = last.Query("SELECT count(*) FROM audit_node WHERE ((node_index + 1) << level) <= $0", _end);
        counted.Read();
        if (counted.GetInt64(0) != _nodeCount) throw new EvidenceException("The log keeps inner nodes that its records do not have.");
    }

    private void ReadNamesAfterHead(ReadSession session)
    {
        foreach (var (position, _, body) in session.ReadEntries(_end, long.MaxValue, int.MaxValue))
            foreach (var range in PurgedRecords.Read(position, body)) _named.Add(range);
    }

    private void Take(long position, ReadOnlySpan<byte> leafHash, ReadOnlySpan<byte> body, ReadOnlySpan<byte> decision)
    {
        if (position != _range.Size) throw new EvidenceException($"Record {_range.Size} of the log is missing.", _range.Size);
        var leaf = body.Length == 0 && leafHash.Length == MerkleHash.SizeBytes ? new MerkleHash(leafHash) : MerkleTree.LeafHash(body);
        if (!leaf.Bytes.SequenceEqual(leafHash)) throw new EvidenceException($"Record {position} of the log was changed.", position);
        if (!(body.Length == 0 ? decision.SequenceEqual(Purge.NameOf(position).ToByteArray(true)) : IsOf(decision, body)))
            throw new EvidenceException($"Record {position} of the log is kept under another decision than its own.", position);
        if (body.Length == 0) _purged.Add(position);
        foreach (var range in PurgedRecords.Read(position, body)) _named.Add(range);
        _range.Append(leaf, _keepNode);
        while (_heads.TryPeek(out var head) && head.Size <= _range.Size) CheckHead(_heads.Dequeue());
    }

    private static bool IsOf(ReadOnlySpan<byte> decision, ReadOnlySpan<byte> body) =>
        decision.Length == DecisionBytes && DecisionOf(body) is { } id && id == new Guid(decision, bigEndian: true);

    /// <summary>The decision that a record names; null: it names none, or is no record.</summary>
    private static Guid? DecisionOf(ReadOnlySpan<byte> body)
    {
        // Canonical bytes have their fields in order, so the decision stands behind the version, and the rest needs no parsing.
        if (body.Length > DecisionAt + DecisionText && body[0] == VersionTag && body[1] < 0x80 && body[2] == DecisionTag && body[3] == DecisionText
            && Utf8Parser.TryParse(body.Slice(DecisionAt, DecisionText), out Guid first, out var read) && read == DecisionText)
            return first;
        try
        {
            return Guid.TryParse(Wire.AuditRecord.Parser.ParseFrom(body).DecisionId, out var id) ? id : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>The heads that the next stretch reaches.</summary>
    private void ReadHeads(ReadSession session, long from)
    {
        var heads = new Queue<(long, byte[], byte[])>();
        using var reader = session.Query(
            "SELECT size, frontier, note FROM audit_checkpoint WHERE (size > $0 OR size < 1) AND size <= $1 ORDER BY size", from, Math.Min(_end, from + RecordsPerStretch));
        while (reader.Read()) heads.Enqueue((reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2)));
        _heads = heads;
    }

    private void CheckHead((long Size, byte[] Frontier, byte[] Note) stored)
    {
        if (!SignedCheckpoint.TryOpen(stored.Note, _key, [], out var head, out var problem))
            throw new EvidenceException($"The head of the log over {stored.Size} records is not good: {problem}");
        if (head.Checkpoint.Size != stored.Size) throw new EvidenceException($"The head of the log over {head.Checkpoint.Size} records is kept as one over {stored.Size}.");
        if (_range.Root() != head.Checkpoint.Root)
        {
            throw new EvidenceException(
                $"Records {_vouched} to {stored.Size - 1} of the log do not have the root that was signed over {stored.Size} records: some were rewritten.", _vouched);
        }

        if (!_range.Snapshot().AsSpan().SequenceEqual(stored.Frontier)) throw new EvidenceException($"The edge of the log that is stored with the head over {stored.Size} records is not its own.");
        _vouched = stored.Size;
    }

    private void CheckNode(ReadSession session, LogNode node)
    {
        _nodeCount++;
        using var reader = session.Query("SELECT hash FROM audit_node WHERE level = $0 AND node_index = $1", node.Level, node.Index);
        if (reader.Read() && node.Hash.Bytes.SequenceEqual(reader.GetFieldValue<byte[]>(0))) return;
        throw new EvidenceException($"The inner node {node.Index} of level {node.Level} is not the hash of the records under it.", node.Index << node.Level);
    }
}
