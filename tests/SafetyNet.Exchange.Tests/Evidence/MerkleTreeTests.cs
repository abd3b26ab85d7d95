using System.Globalization;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Evidence;

[Trait("Rule", "R-AUD-3")]
public sealed class MerkleTreeTests
{
    private const int LargestTree = 4_096;

    // The eight records and roots that certificate transparency's own tests use.
    private static readonly string[] WellKnownRecords =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    private static readonly string[] WellKnownRoots =
    [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    private static int Campaign =>
        int.TryParse(
            Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN"), NumberStyles.None, CultureInfo.InvariantCulture, out var trees)
            ? trees : 2_000;

    [Fact]
    public void The_roots_of_the_well_known_records_are_the_well_known_roots()
    {
        var range = new CompactRange();
        Assert.Equal(WellKnownRoots[0], range.Root().ToHex());
        for (var i = 0; i < WellKnownRecords.Length; i++)
        {
            range.Append(MerkleTree.LeafHash(Convert.FromHexString(WellKnownRecords[i])));
            Assert.Equal(WellKnownRoots[i + 1], range.Root().ToHex());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1022)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(300_000)]
    public void A_record_of_any_length_hashes_as_prefix_and_bytes(int length)
    {
        var record = new byte[length];
        new Random(length).NextBytes(record);
        Assert.Equal(new MerkleHash(NaiveTree.Leaf(record)), MerkleTree.LeafHash(record));
    }

    [Fact]
    public void Random_trees_agree_with_plain_recursion_in_roots_and_proofs_and_altered_proofs_are_refused()
    {
        // Each tree has its own numbers, so that the trees may be grown side by side and one of them again by its number.
        Parallel.For(0, Campaign, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, () => new byte[LargestTree][], (tree, _, leaves) =>
        {
            Agree(new Random(20_261_122 + tree), leaves);
            return leaves;
        }, _ => { });
    }

    [Fact]
    public void Every_pair_of_sizes_up_to_40_has_a_proof_and_every_other_pair_of_roots_is_refused()
    {
        var store = new NodeStore();
        var roots = new List<MerkleHash> { store.Range.Root() };
        for (var i = 0; i < 40; i++)
        {
            store.Append(MerkleTree.LeafHash([(byte)i]));
            roots.Add(store.Range.Root());
        }

        for (var second = 0; second <= 40; second++)
        {
            for (var first = 0; first <= second; first++)
            {
                var proof = MerkleProof.Consistency(first, second, store.Read);
                for (var other = 0; other <= 40; other++)
                {
                    var verdict = MerkleProof.VerifyConsistency(first, roots[other], second, roots[second], proof);
                    Assert.Equal(other == first, verdict == ProofVerdict.Valid);
                }
            }
        }
    }

    [Fact]
    public void A_log_restored_from_its_snapshot_grows_to_the_same_root()
    {
        var whole = new CompactRange();
        for (var i = 0; i < 300; i++)
        {
            var snapshot = whole.Snapshot();
            var restored = CompactRange.Restore(snapshot);
            Assert.Equal(i, restored.Size);
            Assert.Equal(whole.Root(), restored.Root());
            var leaf = MerkleTree.LeafHash([(byte)i, (byte)(i >> 8)]);
            whole.Append(leaf);
            restored.Append(leaf);
            Assert.Equal(whole.Root(), restored.Root());
            Assert.Equal(whole.Snapshot(), restored.Snapshot());
        }
    }

    [Fact]
    public void A_snapshot_that_is_short_long_negative_or_of_another_version_is_refused()
    {
        var range = new CompactRange();
        for (var i = 0; i < 5; i++)
            range.Append(MerkleTree.LeafHash([(byte)i]));
        var good = range.Snapshot();
        Assert.Equal(1 + 8 + (2 * 32), good.Length);
        for (var length = 0; length < good.Length; length++)
            Assert.Throws<FormatException>(() => CompactRange.Restore(good.AsSpan(0, length)));
        Assert.Throws<FormatException>(() => CompactRange.Restore([.. good, 0]));
        Assert.Throws<FormatException>(() => CompactRange.Restore([.. good, .. new byte[32]]));
        Assert.Throws<FormatException>(() => CompactRange.Restore([2, .. good[1..]]));
        Assert.Throws<FormatException>(() => CompactRange.Restore([1, 0x80, .. good[2..]]));
    }

    [Fact]
    public void A_copy_grows_without_changing_the_original()
    {
        var range = new CompactRange();
        for (var i = 0; i < 7; i++)
            range.Append(MerkleTree.LeafHash([(byte)i]));
        var before = range.Root();
        var copy = range.Copy();
        copy.Append(MerkleTree.LeafHash([7]));
        Assert.Equal(before, range.Root());
        Assert.Equal(7, range.Size);
        Assert.NotEqual(before, copy.Root());
    }

    [Fact]
    public void The_edge_and_the_proofs_are_the_same_from_stored_nodes_and_from_stored_leaves()
    {
        var store = new NodeStore();
        var leaves = Enumerable.Range(0, 1_000).Select(i => MerkleTree.LeafHash(BitConverter.GetBytes(i))).ToArray();
        foreach (var leaf in leaves)
            store.Append(leaf);
        var fromLeaves = MerkleTree.NodesOver((first, into) => leaves.AsSpan((int)first, into.Length).CopyTo(into));

        Assert.Equal(store.Range.Snapshot(), CompactRange.FromNodes(1_000, fromLeaves).Snapshot());
        Assert.Equal(store.Range.Snapshot(), CompactRange.FromNodes(1_000, store.Read).Snapshot());
        Assert.Equal(MerkleProof.Inclusion(777, 1_000, store.Read), MerkleProof.Inclusion(777, 1_000, fromLeaves));
        Assert.Equal(MerkleProof.Consistency(333, 1_000, store.Read), MerkleProof.Consistency(333, 1_000, fromLeaves));
    }

    [Fact]
    public void A_proof_reads_no_more_nodes_than_twice_the_height_of_the_tree()
    {
        var store = new NodeStore();
        for (var i = 0; i < 5_000; i++)
            store.Append(MerkleTree.LeafHash(BitConverter.GetBytes(i)));
        foreach (var index in new[] { 0, 1, 2_500, 4_095, 4_096, 4_999 })
        {
            var before = store.Reads;
            MerkleProof.Inclusion(index, 5_000, store.Read);
            Assert.InRange(store.Reads - before, 1, 2 * 13);
        }
    }

    [Fact]
    public void A_refused_proof_says_whether_its_length_its_numbers_or_its_hashes_are_wrong()
    {
        var store = new NodeStore();
        for (var i = 0; i < 7; i++)
            store.Append(MerkleTree.LeafHash([(byte)i]));
        var (root, leaf) = (store.Range.Root(), MerkleTree.LeafHash([2]));
        var path = MerkleProof.Inclusion(2, 7, store.Read);
        Assert.Equal(ProofVerdict.WrongLength, MerkleProof.VerifyInclusion(leaf, 2, 7, [.. path, root], root));
        Assert.Equal(ProofVerdict.WrongLength, MerkleProof.VerifyInclusion(leaf, 2, 7, path.AsSpan(0, path.Length - 1), root));
        Assert.Equal(ProofVerdict.OutOfRange, MerkleProof.VerifyInclusion(leaf, 7, 7, path, root));
        Assert.Equal(ProofVerdict.RootMismatch, MerkleProof.VerifyInclusion(leaf, 3, 7, path, root));

        var three = MerkleTree.Root(3, store.Read);
        var proof = MerkleProof.Consistency(3, 7, store.Read);
        Assert.Equal(ProofVerdict.WrongLength, MerkleProof.VerifyConsistency(3, three, 7, root, [.. proof, root]));
        Assert.Equal(ProofVerdict.WrongLength, MerkleProof.VerifyConsistency(3, three, 7, root, proof.AsSpan(0, proof.Length - 1)));
        Assert.Equal(ProofVerdict.WrongLength, MerkleProof.VerifyConsistency(3, three, 7, root, []));
        Assert.Equal(ProofVerdict.WrongLength, MerkleProof.VerifyConsistency(7, root, 7, root, [root]));
        Assert.Equal(ProofVerdict.OutOfRange, MerkleProof.VerifyConsistency(8, three, 7, root, proof));
        Assert.Equal(ProofVerdict.RootMismatch, MerkleProof.VerifyConsistency(3, root, 7, three, proof));
    }

    [Theory]
    [InlineData(-1, 5)]
    [InlineData(5, 5)]
    [InlineData(0, 0)]
    public void No_inclusion_proof_is_made_for_an_entry_outside_the_log(long index, long size) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleProof.Inclusion(index, size, (_, _) => default));

    [Theory]
    [InlineData(-1, 5)]
    [InlineData(6, 5)]
    public void No_consistency_proof_is_made_from_a_later_log_to_an_earlier_one(long first, long second) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleProof.Consistency(first, second, (_, _) => default));

    [Fact]
    public void Appending_allocates_nothing()
    {
        var range = new CompactRange();
        var record = new byte[300];
        for (var i = 0; i < 100; i++)
            range.Append(MerkleTree.LeafHash(record));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
            range.Append(MerkleTree.LeafHash(record));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
    }

    [Fact]
    public void A_hash_reads_back_from_its_texts_and_from_no_other_spelling()
    {
        var hash = MerkleTree.LeafHash([1]);
        Assert.True(MerkleHash.TryParseHex(hash.ToHex(), out var fromHex));
        Assert.Equal(hash, fromHex);
        Assert.True(MerkleHash.TryParseBase64(hash.ToBase64(), out var fromBase64));
        Assert.Equal(hash, fromBase64);
        Assert.False(MerkleHash.TryParseHex(hash.ToHex() + "00", out _));
        Assert.False(MerkleHash.TryParseHex(hash.ToHex().AsSpan(2), out _));
        Assert.False(MerkleHash.TryParseHex(string.Concat("zz", hash.ToHex().AsSpan(2)), out _));
        Assert.False(MerkleHash.TryParseBase64(hash.ToBase64().TrimEnd('='), out _));
        Assert.Throws<ArgumentException>(() => new MerkleHash(new byte[31]));
    }

    private static void Agree(Random random, byte[][] leaves)
    {
        // Sizes even on a logarithmic scale: small trees hold the odd shapes, and a few are full.
        var size = Math.Clamp((int)Math.Exp(random.NextDouble() * Math.Log(LargestTree + 1)), 1, LargestTree);
        var store = new NodeStore();
        for (var i = 0; i < size; i++)
        {
            leaves[i] = new byte[MerkleHash.SizeBytes];
            random.NextBytes(leaves[i]);
            store.Append(new MerkleHash(leaves[i]));
        }

        var d = leaves.AsSpan(0, size);
        var root = new MerkleHash(NaiveTree.Root(d));
        Assert.Equal(root, store.Range.Root());
        Assert.Equal(root, MerkleTree.Root(size, store.Read));

        var index = random.Next(size);
        var inclusion = MerkleProof.Inclusion(index, size, store.Read);
        Assert.Equal(NaiveTree.Path(index, d).AsHashes(), inclusion);
        Assert.Equal(ProofVerdict.Valid, MerkleProof.VerifyInclusion(new MerkleHash(d[index]), index, size, inclusion, root));

        var first = random.Next(1, size + 1);
        var firstRoot = new MerkleHash(NaiveTree.Root(d[..first]));
        var consistency = MerkleProof.Consistency(first, size, store.Read);
        Assert.Equal(NaiveTree.Proof(first, d).AsHashes(), consistency);
        Assert.Equal(ProofVerdict.Valid, MerkleProof.VerifyConsistency(first, firstRoot, size, root, consistency));

        if (inclusion.Length > 0)
        {
            Alter(inclusion, random);
            Assert.Equal(
                ProofVerdict.RootMismatch, MerkleProof.VerifyInclusion(new MerkleHash(d[index]), index, size, inclusion, root));
        }

        if (consistency.Length > 0)
        {
            Alter(consistency, random);
            Assert.Equal(ProofVerdict.RootMismatch, MerkleProof.VerifyConsistency(first, firstRoot, size, root, consistency));
        }
    }

    private static void Alter(MerkleHash[] proof, Random random)
    {
        var at = random.Next(proof.Length);
        var bytes = proof[at].ToArray();
        bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        proof[at] = new MerkleHash(bytes);
    }
}
