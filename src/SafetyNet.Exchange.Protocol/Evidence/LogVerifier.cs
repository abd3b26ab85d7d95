using System.Runtime.CompilerServices;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>One entry as a store or an export gives it.</summary>
/// <param name="Index">Position in the log, from 0.</param>
/// <param name="Record">The record's canonical bytes, or null where only the hash is given: retention purged them, or they are not the reader's concern.</param>
/// <param name="LeafHash">The hash kept beside the record.</param>
/// <param name="IsWithheld">The record is there and was not given to this reader; without it, an entry with no record was purged.</param>
public readonly record struct LogEntry(long Index, ReadOnlyMemory<byte>? Record, MerkleHash LeafHash, bool IsWithheld = false);

/// <summary>What is wrong with a log.</summary>
public enum LogFault
{
    /// <summary>Nothing was found.</summary>
    None = 0,

    /// <summary>An entry between two others is not there.</summary>
    Missing = 1,

    /// <summary>An entry stands twice, or after a later one.</summary>
    OutOfOrder = 2,

    /// <summary>A record's bytes do not give the hash kept beside them.</summary>
    RecordChanged = 3,

    /// <summary>Records and hashes agree with each other but not with what was signed: hashes were recomputed, or entries swapped, added
    /// or taken out with them.</summary>
    Rewritten = 4,

    /// <summary>The log ends before a size that was signed.</summary>
    Truncated = 5,

    /// <summary>Two signed checkpoints of one size have different roots. The holder of the log's key told two stories; the checkpoints
    /// prove it.</summary>
    Fork = 6,

    /// <summary>What lies where a checkpoint should is not one, is not signed by the log's key, or is another log's. Of an exported log only.</summary>
    CheckpointRefused = 7,

    /// <summary>A file of an exported log is shorter or longer than what it should hold.</summary>
    FileDamaged = 8,

    /// <summary>A tile of an exported log does not hold the hashes of what lies beneath it.</summary>
    TileChanged = 9,

    /// <summary>A witness whose signature the reader expects signed none of the checkpoints of an exported log.</summary>
    NotWitnessed = 10,

    /// <summary>A record's bytes are gone, and no later record of retention says that it removed them.</summary>
    PurgeUnrecorded = 11,
}

/// <summary>Finds the stored hash of 256^<paramref name="level"/> entries; the fault that stands in its place, or none.</summary>
internal delegate LogFault StoredTile(int level, long index, out MerkleHash hash);

/// <summary>What checking a log found.</summary>
/// <param name="Fault">What is wrong first, or none.</param>
/// <param name="Size">Entries read before the check stopped; all of them where the log is intact.</param>
/// <param name="Root">Root over those entries.</param>
/// <param name="VouchedSize">Entries that a signed checkpoint vouches for; those after it only agree with themselves. 0 without a
/// checkpoint.</param>
/// <param name="PurgedRecords">Entries whose record retention removed, and said so in the log.</param>
/// <param name="FirstBadIndex">The first entry that cannot be trusted; null where the log is intact. For
/// <see cref="LogFault.Rewritten"/> the first after the last
/// checkpoint that still agrees: the change lies there or behind it.</param>
/// <param name="Explanation">One English sentence for the person who asked.</param>
public sealed record LogVerdict(
    LogFault Fault, long Size, MerkleHash Root, long VouchedSize, long PurgedRecords, long? FirstBadIndex, string Explanation)
{
    /// <summary>Entries of which only the hash was given to this reader: another jurisdiction's, or too long for a bundle.</summary>
    public long WithheldRecords { get; init; }

    public bool IsIntact => Fault == LogFault.None;
}

/// <summary>Reads a log from its first entry to its last and says whether anything was changed, removed, moved or added
/// (R-AUD-3).</summary>
/// <remarks>Needs the entries and signed checkpoints, no server. Checks each record against its hash, the order without gaps, and the
/// root at the
/// size of every checkpoint it was given; the more checkpoints, the closer it names the place. Not safe for concurrent use.</remarks>
public sealed class LogVerifier
{
    private readonly CompactRange _range = new();
    private readonly Queue<Checkpoint> _heads;
    private readonly NodeWriter? _compareTile;
    private (LogFault Fault, int Level, long Index)? _badTile, _absentTile;
    private LogVerdict? _fault;
    private readonly EntryRanges _purged = new(), _named = new();
    private long _vouched;
    private long _withheld;

    /// <param name="heads">Checkpoints to hold the log against, of one log, in any order. None: only the log's agreement with itself is
    /// checked.</param>
    public LogVerifier(IEnumerable<SignedCheckpoint> heads)
    {
        ArgumentNullException.ThrowIfNull(heads);
        var ordered = heads.Select(h => h.Checkpoint).OrderBy(c => c.Size).ToList();
        if (ordered.Select(c => c.Origin).Distinct(StringComparer.Ordinal).Count() > 1)
            throw new ArgumentException("The checkpoints are of different logs.", nameof(heads));
        _heads = new Queue<Checkpoint>(ordered);
        var fork = ordered.Zip(ordered.Skip(1))
            .FirstOrDefault(pair => pair.First.Size == pair.Second.Size && pair.First.Root != pair.Second.Root);
        if (fork.First is not null)
        {
            var good = ordered.LastOrDefault(c => c.Size < fork.First.Size)?.Size ?? 0;
            Fail(LogFault.Fork, good, $"Two signed checkpoints of {fork.First.Size} entries have different roots: the log was forked.");
        }

        CheckHeads();
    }

    /// <param name="heads">See the other constructor.</param>
    /// <param name="tiles">Where the hashes of 256, 65 536, ... entries are kept; each is compared when its last entry was taken.</param>
    internal LogVerifier(IEnumerable<SignedCheckpoint> heads, StoredTile tiles)
        : this(heads)
    {
        _compareTile = (int level, long index, in MerkleHash hash) =>
        {
            if (level == 0 || level % LogLayout.TreeLevels != 0 || _badTile is not null)
                return;
            var fault = tiles(level / LogLayout.TreeLevels, index, out var kept);
            if (fault == LogFault.None && kept != hash)
                fault = LogFault.TileChanged;
            // An export that was interrupted lacks tiles above too: that is no fault before all entries are there.
            if (fault == LogFault.Missing)
                _absentTile ??= (fault, level, index);
            else if (fault != LogFault.None)
                _badTile = (fault, level, index);
        };
    }

    /// <summary>Entries read so far.</summary>
    public long Size => _range.Size;

    /// <summary>Takes the next entry, with its record where there is one. False once a fault is found.</summary>
    public bool Add(in LogEntry entry) =>
        entry.Record is { } record ? Add(entry.Index, record.Span, entry.LeafHash)
        : entry.IsWithheld ? AddWithheld(entry.Index, entry.LeafHash)
        : AddPurged(entry.Index, entry.LeafHash);

    /// <summary>Takes the next entry with its record. False once a fault is found; more entries are then ignored.</summary>
    public bool Add(long index, ReadOnlySpan<byte> record, in MerkleHash leafHash)
    {
        if (!IsNext(index))
            return false;
        if (MerkleTree.LeafHash(record) != leafHash)
            return Fail(
                LogFault.RecordChanged, index, $"The record of entry {index} does not give the hash kept beside it: it was changed.");
        foreach (var range in PurgedRecords.Read(index, record))
            _named.Add(range);
        return Append(leafHash);
    }

    /// <summary>Takes the next entry, whose record is gone; a later record has to say that retention removed it.</summary>
    public bool AddPurged(long index, in MerkleHash leafHash)
    {
        if (!IsNext(index))
            return false;
        _purged.Add(index);
        return Append(leafHash);
    }

    /// <summary>Takes the next entry of which this reader is given the hash alone. Whether its record is there is for others to see.</summary>
    public bool AddWithheld(long index, in MerkleHash leafHash)
    {
        if (!IsNext(index))
            return false;
        _withheld++;
        return Append(leafHash);
    }

    /// <summary>Goes on to a later checkpoint: what was purged while the log was read is named after the one that the reading began with.</summary>
    public void Expect(SignedCheckpoint later)
    {
        ArgumentNullException.ThrowIfNull(later);
        _heads.Enqueue(later.Checkpoint);
        CheckHeads();
    }

    /// <summary>Index of the first entry whose record is gone without a record of it; null: there is none so far.</summary>
    public long? FirstUnrecordedPurge => _purged.All.Select(range => _named.FirstMissing(range)).FirstOrDefault(missing => missing is not null);

    /// <summary>The verdict after the last entry.</summary>
    public LogVerdict Finish()
    {
        if (_fault is null && _heads.TryPeek(out var head))
        {
            Fail(
                LogFault.Truncated,
                Size,
                $"The log ends after {Size} entries, but {head.Size} were signed: entries {Size} to {head.Size - 1} are gone.");
        }

        if (_fault is null && _absentTile is { } tile)
            FailTile(tile);
        if (_fault is null && FirstUnrecordedPurge is { } unrecorded)
            Fail(LogFault.PurgeUnrecorded, unrecorded, $"The record of entry {unrecorded} is gone, and no later record of retention says that it was purged: somebody took it away.");
        if (_fault is not null)
            return _fault;
        var rest = Size - _vouched;
        var vouched = rest == 0 ? "all under a signed checkpoint" : $"{rest} of them after the last signed checkpoint given";
        return new LogVerdict(
            LogFault.None, Size, _range.Root(), _vouched, _purged.Count, FirstBadIndex: null, $"Intact: {Size} entries, {vouched}{Purged()}{HashOnly()}.")
        {
            WithheldRecords = _withheld,
        };
    }

    /// <summary>Checks a whole log.</summary>
    /// <param name="entries">In the order of their index.</param>
    /// <param name="heads">See the constructor.</param>
    /// <param name="progress">Told how many entries were read, every <paramref name="progressEvery"/> entries and at the end; null for
    /// nobody.</param>
    /// <param name="progressEvery">1 or more; 10 000 by default.</param>
    /// <param name="cancellation">Stops between two entries.</param>
    public static async Task<LogVerdict> VerifyAsync(
        IAsyncEnumerable<LogEntry> entries,
        IEnumerable<SignedCheckpoint> heads,
        Action<long>? progress = null,
        int progressEvery = 10_000,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentOutOfRangeException.ThrowIfLessThan(progressEvery, 1);
        var verifier = new LogVerifier(heads);
        await foreach (var entry in entries.WithCancellation(cancellation))
        {
            if (!verifier.Add(entry))
                break;
            if (verifier.Size % progressEvery == 0)
                progress?.Invoke(verifier.Size);
        }

        progress?.Invoke(verifier.Size);
        return verifier.Finish();
    }

    private string Purged() => _purged.Count switch
    {
        0 => "",
        1 => ", 1 record purged by retention as the log says",
        var count => $", {count} records purged by retention as the log says",
    };

    private string HashOnly() => _withheld switch
    {
        0 => "",
        1 => ", 1 entry of which only the hash was given",
        _ => $", {_withheld} entries of which only the hash was given",
    };

    private bool IsNext(long index)
    {
        if (_fault is not null)
            return false;
        if (index > Size)
            return Fail(LogFault.Missing, Size, $"Entry {Size} is not there: {index} follows where it should stand.");
        return index == Size
            || Fail(LogFault.OutOfOrder, Size, $"Entry {index} stands again or too late, where entry {Size} should.");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Append(in MerkleHash leafHash)
    {
        _range.Append(leafHash, _compareTile);
        return _badTile is { } tile ? FailTile(tile) : CheckHeads();
    }

    private bool FailTile((LogFault Fault, int Level, long Index) found)
    {
        var (fault, level, index) = found;
        var (first, last) = (index << level, ((index + 1) << level) - 1);
        var tile = $"tile {LogLayout.TilePath(level / LogLayout.TreeLevels, index / LogLayout.Width)}";
        return Fail(fault, first, fault switch
        {
            LogFault.Missing => $"The hash of entries {first} to {last} is not there, which {tile} should hold.",
            LogFault.FileDamaged => $"The {tile} is shorter or longer than what it should hold.",
            _ => $"The {tile} does not hold the hash of entries {first} to {last}.",
        });
    }

    private bool CheckHeads()
    {
        while (_fault is null && _heads.TryPeek(out var head) && head.Size == Size)
        {
            if (_range.Root() != head.Root)
            {
                return Fail(
                    LogFault.Rewritten, _vouched,
                    $"Entries {_vouched} to {Size - 1} are not what was signed: the checkpoint of {Size} entries has another root.");
            }

            _vouched = head.Size;
            _heads.Dequeue();
        }

        return _fault is null;
    }

    /// <summary>A fault that the reader of the entries found.</summary>
    internal bool Fail(LogFault fault, long firstBad, string explanation)
    {
        _fault ??= new LogVerdict(fault, Size, _range.Root(), _vouched, _purged.Count, firstBad, explanation) { WithheldRecords = _withheld };
        return false;
    }
}
