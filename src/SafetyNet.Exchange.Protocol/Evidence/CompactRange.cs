using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>The growing right edge of the log: all that is needed to append and to state the root, at most 63 hashes.</summary>
/// <remarks>Holds one complete subtree per set bit of the size, largest first. Not safe for concurrent use; the log has one
/// writer. Source: RFC 6962 2.1; the name is that of the transparency-log community.</remarks>
public sealed class CompactRange
{
    private const byte SnapshotVersion = 1;
    private const int SnapshotHeaderBytes = 1 + sizeof(long);

    private readonly MerkleHash[] _subtrees = new MerkleHash[64];
    private int _count;

    /// <summary>An empty log's edge.</summary>
    public CompactRange()
    {
    }

    private CompactRange(CompactRange other)
    {
        Size = other.Size;
        _count = other._count;
        other._subtrees.AsSpan(0, _count).CopyTo(_subtrees);
    }

    /// <summary>Entries so far; also the index of the next one.</summary>
    public long Size { get; private set; }

    /// <summary>Puts the next entry at index <see cref="Size"/>; amortised one node hash, at most 63.</summary>
    public void Append(in MerkleHash leaf) => Append(leaf, written: null);

    /// <summary>Puts the next entry, handing over the leaf and each subtree it completes, smallest first.</summary>
    public void Append(in MerkleHash leaf, NodeWriter? written)
    {
        if (Size == long.MaxValue)
            throw new InvalidOperationException("The log is full: an index is a 63-bit number.");
        written?.Invoke(0, Size, leaf);
        var hash = leaf;
        var level = 0;
        for (var rest = Size; (rest & 1) == 1; rest >>= 1)
        {
            hash = MerkleTree.NodeHash(_subtrees[--_count], hash);
            level++;
            written?.Invoke(level, Size >> level, hash);
        }

        _subtrees[_count++] = hash;
        Size++;
    }

    /// <summary>The root over all entries so far; RFC 6962's empty root for none.</summary>
    public MerkleHash Root() => Size == 0 ? MerkleTree.EmptyRoot : MerkleTree.Fold(_subtrees.AsSpan(0, _count));

    /// <summary>A copy that grows on its own, for a batch that may yet be thrown away.</summary>
    public CompactRange Copy() => new(this);

    /// <summary>The bytes that a restart continues from.</summary>
    /// <remarks>Version 0x01, size (8 bytes, big-endian), then one 32-byte hash per set bit of the size, largest subtree first.</remarks>
    public byte[] Snapshot()
    {
        var bytes = new byte[SnapshotHeaderBytes + (_count * MerkleHash.SizeBytes)];
        bytes[0] = SnapshotVersion;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(1), Size);
        MemoryMarshal.AsBytes(_subtrees.AsSpan(0, _count)).CopyTo(bytes.AsSpan(SnapshotHeaderBytes));
        return bytes;
    }

    /// <summary>Continues from <see cref="Snapshot"/>. The bytes are not authenticated: compare the root with a signed
    /// checkpoint.</summary>
    /// <remarks>Errors: <see cref="FormatException"/> for an unknown version, a negative size, or any other length than the size asks
    /// for.</remarks>
    public static CompactRange Restore(ReadOnlySpan<byte> snapshot)
    {
        if (snapshot.Length < SnapshotHeaderBytes || snapshot[0] != SnapshotVersion)
            throw new FormatException("Not a snapshot of the log's edge, or of a newer version.");
        var size = BinaryPrimitives.ReadInt64BigEndian(snapshot[1..]);
        var hashes = snapshot[SnapshotHeaderBytes..];
        if (size < 0 || hashes.Length != BitOperations.PopCount((ulong)size) * MerkleHash.SizeBytes)
            throw new FormatException($"A snapshot of {size} entries does not have {hashes.Length} bytes of hashes.");

        var range = new CompactRange { Size = size, _count = hashes.Length / MerkleHash.SizeBytes };
        hashes.CopyTo(MemoryMarshal.AsBytes(range._subtrees.AsSpan()));
        return range;
    }

    /// <summary>The edge of a stored log of <paramref name="size"/> entries; reads at most 63 nodes.</summary>
    public static CompactRange FromNodes(long size, NodeReader nodes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        ArgumentNullException.ThrowIfNull(nodes);
        var range = new CompactRange { Size = size };
        for (var (start, rest) = (0L, size); rest > 0;)
        {
            var level = BitOperations.Log2((ulong)rest);
            range._subtrees[range._count++] = nodes(level, start >> level);
            start += 1L << level;
            rest -= 1L << level;
        }

        return range;
    }
}
