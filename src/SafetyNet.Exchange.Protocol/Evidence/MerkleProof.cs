using System.Runtime.InteropServices;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>What checking a proof found. Only <see cref="Valid"/> is a yes.</summary>
public enum ProofVerdict
{
    /// <summary>Never given: a result that was not set is not a yes.</summary>
    None = 0,

    Valid = 1,

    /// <summary>Sizes or index contradict each other (index not below size, first size above second, a negative number).</summary>
    OutOfRange = 2,

    /// <summary>More or fewer hashes than these sizes ask for.</summary>
    WrongLength = 3,

    /// <summary>The hashes do not lead to the root, or to one of the two roots.</summary>
    RootMismatch = 4,
}

/// <summary>Proofs that a record is in the log, and that a later log only added to an earlier one.</summary>
/// <remarks>A proof is a list of hashes, nearest the leaves first; as bytes they are concatenated without any frame.
/// Source: RFC 9162 2.1.3 (inclusion) and 2.1.4 (consistency).</remarks>
public static class MerkleProof
{
    /// <summary>64: no proof over 63-bit sizes has more hashes.</summary>
    public const int MaxHashes = 64;

    /// <summary>Proves that the entry at <paramref name="index"/> is in the log of <paramref name="size"/> entries.</summary>
    /// <returns>At most 63 hashes, the leaf's neighbour first; empty for a log of one entry.</returns>
    /// <remarks>Errors: <see cref="ArgumentOutOfRangeException"/> unless 0 &lt;= index &lt; size.</remarks>
    public static MerkleHash[] Inclusion(long index, long size, NodeReader nodes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        ArgumentNullException.ThrowIfNull(nodes);

        var path = new List<MerkleHash>();
        var (start, end) = (0L, size);
        while (end - start > 1)
        {
            var middle = start + MerkleTree.Split(end - start);
            if (index < middle)
            {
                path.Add(MerkleTree.RangeHash(middle, end, nodes));
                end = middle;
            }
            else
            {
                path.Add(MerkleTree.RangeHash(start, middle, nodes));
                start = middle;
            }
        }

        path.Reverse();
        return [.. path];
    }

    /// <summary>Proves that the log of <paramref name="first"/> entries is the beginning of the log of <paramref name="second"/>
    /// entries.</summary>
    /// <returns>At most 64 hashes; empty where the sizes are equal or the first is 0.</returns>
    /// <remarks>Errors: <see cref="ArgumentOutOfRangeException"/> unless 0 &lt;= first &lt;= second.</remarks>
    public static MerkleHash[] Consistency(long first, long second, NodeReader nodes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, second);
        ArgumentNullException.ThrowIfNull(nodes);
        if (first == 0 || first == second)
            return [];

        var path = new List<MerkleHash>();
        var (start, end) = (0L, second);
        while (end != first)
        {
            var middle = start + MerkleTree.Split(end - start);
            if (first <= middle)
            {
                path.Add(MerkleTree.RangeHash(middle, end, nodes));
                end = middle;
            }
            else
            {
                path.Add(MerkleTree.RangeHash(start, middle, nodes));
                start = middle;
            }
        }

        // Where the first log is itself a complete subtree of the second, its root is known to the verifier and left out.
        if (start != 0)
            path.Add(MerkleTree.RangeHash(start, end, nodes));
        path.Reverse();
        return [.. path];
    }

    /// <summary>Checks that <paramref name="leaf"/> stands at <paramref name="index"/> in the log of that size and root.</summary>
    /// <remarks>Source: RFC 9162 2.1.3.2. Too many hashes are refused as too few are.</remarks>
    public static ProofVerdict VerifyInclusion(
        in MerkleHash leaf, long index, long size, ReadOnlySpan<MerkleHash> proof, in MerkleHash root)
    {
        if (index < 0 || index >= size)
            return ProofVerdict.OutOfRange;

        var (node, last) = (index, size - 1);
        var hash = leaf;
        foreach (ref readonly var sibling in proof)
        {
            if (last == 0)
                return ProofVerdict.WrongLength;
            if ((node & 1) == 1 || node == last)
            {
                hash = MerkleTree.NodeHash(sibling, hash);
                // A last node without a right neighbour moves up unhashed until it is somebody's right neighbour.
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                hash = MerkleTree.NodeHash(hash, sibling);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        if (last != 0)
            return ProofVerdict.WrongLength;
        return hash == root ? ProofVerdict.Valid : ProofVerdict.RootMismatch;
    }

    /// <summary>Checks that the second log is the first with entries added at its end, and nothing else.</summary>
    /// <remarks>Source: RFC 9162 2.1.4.2, with the two cases it leaves to the caller: equal sizes need equal roots, an empty first log
    /// needs the empty root; both need an empty proof.</remarks>
    public static ProofVerdict VerifyConsistency(
        long first, in MerkleHash firstRoot, long second, in MerkleHash secondRoot, ReadOnlySpan<MerkleHash> proof)
    {
        if (first < 0 || first > second)
            return ProofVerdict.OutOfRange;
        if (first == 0 || first == second)
        {
            if (proof.Length != 0)
                return ProofVerdict.WrongLength;
            var agrees = (first != 0 || firstRoot == MerkleTree.EmptyRoot) && (first != second || firstRoot == secondRoot);
            return agrees ? ProofVerdict.Valid : ProofVerdict.RootMismatch;
        }

        var (node, last) = (first - 1, second - 1);
        while ((node & 1) == 1)
            (node, last) = (node >> 1, last >> 1);

        // node == 0 here means that the first size is a power of two: its root is the seed, and is not in the proof.
        var rest = proof;
        MerkleHash seed;
        if (node == 0)
        {
            seed = firstRoot;
        }
        else
        {
            if (proof.IsEmpty)
                return ProofVerdict.WrongLength;
            seed = proof[0];
            rest = proof[1..];
        }

        var (older, newer) = (seed, seed);
        foreach (ref readonly var sibling in rest)
        {
            if (last == 0)
                return ProofVerdict.WrongLength;
            if ((node & 1) == 1 || node == last)
            {
                older = MerkleTree.NodeHash(sibling, older);
                newer = MerkleTree.NodeHash(sibling, newer);
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                newer = MerkleTree.NodeHash(newer, sibling);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        if (last != 0)
            return ProofVerdict.WrongLength;
        return older == firstRoot && newer == secondRoot ? ProofVerdict.Valid : ProofVerdict.RootMismatch;
    }

    /// <summary>A proof as bytes: its hashes one after the other.</summary>
    public static byte[] Encode(ReadOnlySpan<MerkleHash> proof) => MemoryMarshal.AsBytes(proof).ToArray();

    /// <summary>Reads a proof's bytes; refuses a length that is no multiple of 32, or more than <see cref="MaxHashes"/> hashes.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out MerkleHash[] proof)
    {
        proof = [];
        if (bytes.Length % MerkleHash.SizeBytes != 0 || bytes.Length / MerkleHash.SizeBytes > MaxHashes)
            return false;
        proof = MemoryMarshal.Cast<byte, MerkleHash>(bytes).ToArray();
        return true;
    }
}
