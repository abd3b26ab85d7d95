using System.Buffers;
using System.Numerics;
using System.Security.Cryptography;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>Reads one complete subtree's hash of a stored log.</summary>
/// <param name="level">0 for leaves; a subtree at level L covers 2^L leaves.</param>
/// <param name="index">Position among the subtrees of that level, from 0: it covers leaves index * 2^level up to, not including, (index
/// + 1) * 2^level.</param>
public delegate MerkleHash NodeReader(int level, long index);

/// <summary>Receives each complete subtree's hash at the moment it is complete, leaves (level 0) included; what a store of tiles or
/// nodes keeps.</summary>
public delegate void NodeWriter(int level, long index, in MerkleHash hash);

/// <summary>Fills <paramref name="into"/> with the leaf hashes of consecutive entries beginning at <paramref name="first"/>.</summary>
public delegate void LeafReader(long first, Span<MerkleHash> into);

/// <summary>The hash tree over all records of the log, as certificate transparency defines it.</summary>
/// <remarks>Leaf = SHA-256(0x00 || record), node = SHA-256(0x01 || left || right), empty tree = SHA-256(""). The two prefixes
/// keep a record from being passed off as a node. Source: RFC 6962 2.1, RFC 9162 2.1.</remarks>
public static class MerkleTree
{
    private const byte LeafPrefix = 0x00;
    private const byte NodePrefix = 0x01;
    private const int StackLimitBytes = 1024;
    private const int ReadAheadLeaves = 256;

    /// <summary>The root of a log without entries.</summary>
    public static MerkleHash EmptyRoot { get; } = new(SHA256.HashData([]));

    /// <summary>The hash under which a record's canonical bytes stand in the log.</summary>
    public static MerkleHash LeafHash(ReadOnlySpan<byte> record)
    {
        var length = record.Length + 1;
        if (length <= StackLimitBytes)
        {
            Span<byte> input = stackalloc byte[length];
            return Prefixed(record, input);
        }

        var rented = ArrayPool<byte>.Shared.Rent(length);
        var hash = Prefixed(record, rented.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(rented);
        return hash;
    }

    /// <summary>The hash of two neighbouring subtrees, the older one first.</summary>
    public static MerkleHash NodeHash(in MerkleHash left, in MerkleHash right)
    {
        Span<byte> input = stackalloc byte[1 + (2 * MerkleHash.SizeBytes)];
        input[0] = NodePrefix;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + MerkleHash.SizeBytes)..]);
        return Sha256(input);
    }

    /// <summary>The root over the given leaf hashes, in log order.</summary>
    public static MerkleHash Root(ReadOnlySpan<MerkleHash> leaves)
    {
        var range = new CompactRange();
        foreach (ref readonly var leaf in leaves)
            range.Append(leaf);
        return range.Root();
    }

    /// <summary>The root of the first <paramref name="size"/> entries of a stored log; reads at most 63 nodes.</summary>
    public static MerkleHash Root(long size, NodeReader nodes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        ArgumentNullException.ThrowIfNull(nodes);
        return size == 0 ? EmptyRoot : RangeHash(0, size, nodes);
    }

    /// <summary>Answers for nodes by hashing stored leaf hashes each time.</summary>
    /// <remarks>For a store that keeps leaf hashes only. A node at level L costs 2^L leaves, so a proof reads the whole log once;
    /// a store that keeps what <see cref="NodeWriter"/> hands it answers a proof with O(log n) reads.</remarks>
    public static NodeReader NodesOver(LeafReader leaves)
    {
        ArgumentNullException.ThrowIfNull(leaves);
        return (level, index) =>
        {
            ArgumentOutOfRangeException.ThrowIfNegative(level);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 62);
            var range = new CompactRange();
            var buffer = new MerkleHash[(int)Math.Min(1L << level, ReadAheadLeaves)];
            var end = checked((index + 1) << level);
            for (var first = index << level; first < end; first += buffer.Length)
            {
                leaves(first, buffer);
                foreach (ref readonly var leaf in buffer.AsSpan())
                    range.Append(leaf);
            }

            return range.Root();
        };
    }

    /// <summary>The hash of leaves start..end (end not included), where start is a multiple of a power of two not below the range's
    /// length.</summary>
    internal static MerkleHash RangeHash(long start, long end, NodeReader nodes)
    {
        // Complete subtrees from left to right, each smaller than the one before; joined from the right, as a frontier is.
        Span<MerkleHash> frontier = stackalloc MerkleHash[64];
        var count = 0;
        while (start < end)
        {
            var level = BitOperations.Log2((ulong)(end - start));
            frontier[count++] = nodes(level, start >> level);
            start += 1L << level;
        }

        return Fold(frontier[..count]);
    }

    /// <summary>Joins a frontier, largest subtree first, into one root. At least one subtree.</summary>
    internal static MerkleHash Fold(ReadOnlySpan<MerkleHash> frontier)
    {
        var hash = frontier[^1];
        for (var i = frontier.Length - 2; i >= 0; i--)
            hash = NodeHash(frontier[i], hash);
        return hash;
    }

    /// <summary>Where a tree of this many leaves (2 or more) divides: the largest power of two below it.</summary>
    internal static long Split(long size) => 1L << BitOperations.Log2((ulong)(size - 1));

    private static MerkleHash Prefixed(ReadOnlySpan<byte> record, Span<byte> input)
    {
        input[0] = LeafPrefix;
        record.CopyTo(input[1..]);
        return Sha256(input);
    }

    private static MerkleHash Sha256(ReadOnlySpan<byte> input)
    {
        MerkleHash hash = default;
        SHA256.HashData(input, MerkleHash.Writable(ref hash));
        return hash;
    }
}
