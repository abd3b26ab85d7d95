using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Tests.Witness;

namespace SafetyNet.Exchange.Tests.Evidence;

/// <summary>A proof of one call is believed where everything of it fits, and nowhere else.</summary>
[Trait("Rule", "R-AUD-8")]
public sealed class ReceiptProofTests
{
    private static readonly NoteSigner Log = WitnessedLog.NewSigner("log.example.tw"), Witness = WitnessedLog.NewSigner("witness.example.tw"), Other = WitnessedLog.NewSigner("log.example.tw");

    [Fact]
    public void A_proof_holds_through_its_file_with_log_witness_and_record()
    {
        foreach (var (size, position) in ((int, int)[])[(1, 0), (2, 1), (7, 0), (7, 6), (64, 31), (100, 64)])
        {
            var (proof, record) = Proof(size, position);
            Assert.True(ReceiptProof.TryParse(proof.ToJson(), out var read, out var problem), problem);
            Assert.True(read.TryVerify(Log.ToVerifier(), [Witness.ToVerifier()], out var head, out problem, record), problem);
            Assert.Equal(["witness.example.tw"], head.Witnesses);
            Assert.Equal(size, head.Checkpoint.Size);
        }
    }

    [Fact]
    public void Whatever_is_changed_in_a_proof_it_is_not_believed()
    {
        var (proof, record) = Proof(100, 64);
        var (another, _) = Proof(100, 65);
        var flipped = proof.Hashes.ToArray();
        flipped[3] = Flip(flipped[3]);
        ReceiptProof[] bad =
        [
            proof with { Position = 65 }, proof with { Position = -1 }, proof with { Position = 100 }, proof with { RecordHash = Flip(proof.RecordHash) }, proof with { RecordHash = "x" },
            proof with { RecordHash = another.RecordHash }, proof with { Hashes = flipped }, proof with { Hashes = [.. proof.Hashes.Skip(1)] }, proof with { Hashes = [.. proof.Hashes, proof.Hashes[0]] },
            proof with { Hashes = ["", .. proof.Hashes.Skip(1)] }, proof with { Hashes = another.Hashes }, proof with { Checkpoint = proof.Checkpoint.Replace("\n100\n", "\n101\n", StringComparison.Ordinal) },
            proof with { Checkpoint = Proof(99, 64).Proof.Checkpoint }, proof with { Checkpoint = "" }, proof with { Checkpoint = proof.Checkpoint + "x" },
        ];
        foreach (var one in bad)
        {
            Assert.False(one.TryVerify(Log.ToVerifier(), [Witness.ToVerifier()], out var head, out var problem, record), one.ToJson());
            Assert.Null(head);
            Assert.NotEmpty(problem);
        }

        Assert.False(proof.TryVerify(Other.ToVerifier(), [], out _, out _));
        Assert.False(proof.TryVerify(Log.ToVerifier(), [], out _, out _, new byte[] { 1 }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"decisionId\":\"x\",\"position\":1,\"recordHash\":\"x\",\"checkpoint\":\"x\",\"hashes\":[],\"more\":1}")]
    [InlineData("{\"decisionId\":\"x\",\"position\":\"a\",\"recordHash\":\"x\",\"checkpoint\":\"x\",\"hashes\":[]}")]
    public void Another_form_is_told(string json)
    {
        Assert.False(ReceiptProof.TryParse(json, out _, out var problem));
        Assert.NotEmpty(problem);
    }

    private static (ReceiptProof Proof, byte[] Record) Proof(int size, int position)
    {
        var leaves = Enumerable.Range(0, size).Select(i => MerkleTree.LeafHash(BitConverter.GetBytes(i))).ToList();
        NodeReader nodes = (level, index) =>
        {
            var range = new CompactRange();
            foreach (var leaf in leaves.GetRange((int)(index << level), 1 << level)) range.Append(leaf);
            return range.Root();
        };
        var all = new CompactRange();
        foreach (var leaf in leaves) all.Append(leaf);
        var head = SignedCheckpoint.Sign(new Checkpoint(Log.Name, size, all.Root()), Log).WithWitness(Witness);
        return (new ReceiptProof("01a204bd-49c5-7950-976d-9d3a9025aa62", position, leaves[position].ToBase64(), System.Text.Encoding.UTF8.GetString(head.Encode()),
            [.. MerkleProof.Inclusion(position, size, nodes).Select(hash => hash.ToBase64())]), BitConverter.GetBytes(position));
    }

    private static string Flip(string base64)
    {
        var bytes = Convert.FromBase64String(base64);
        bytes[7] ^= 1;
        return Convert.ToBase64String(bytes);
    }
}
