using System.Text;
using System.Text.Json;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Evidence;

/// <summary>The vectors other implementers test with, made by Vectors/merkle.py and openssl.</summary>
[Trait("Rule", "R-AUD-3")]
public sealed class MerkleVectorTests
{
    private static readonly JsonElement Vectors =
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "merkle.json"))).RootElement;

    [Fact]
    public void Leaves_and_roots_of_every_size_are_as_in_the_vectors()
    {
        var range = new CompactRange();
        Assert.Equal(Text(Vectors.GetProperty("roots")[0]), range.Root().ToHex());
        var records = Vectors.GetProperty("records");
        for (var i = 0; i < records.GetArrayLength(); i++)
        {
            var leaf = MerkleTree.LeafHash(Convert.FromHexString(Text(records[i])));
            Assert.Equal(Text(Vectors.GetProperty("leafHashes")[i]), leaf.ToHex());
            range.Append(leaf);
            Assert.Equal(Text(Vectors.GetProperty("roots")[i + 1]), range.Root().ToHex());
        }
    }

    [Fact]
    public void Every_inclusion_vector_gets_its_verdict() =>
        Each("inclusion", (v, proof) =>
            MerkleProof.VerifyInclusion(
                Hash(v, "leafHash"), v.GetProperty("index").GetInt64(), v.GetProperty("size").GetInt64(), proof, Hash(v, "root")));

    [Fact]
    public void Every_consistency_vector_gets_its_verdict() =>
        Each("consistency", (v, proof) => MerkleProof.VerifyConsistency(
            v.GetProperty("firstSize").GetInt64(), Hash(v, "firstRoot"),
                v.GetProperty("secondSize").GetInt64(), Hash(v, "secondRoot"), proof));

    [Fact]
    public void Every_checkpoint_vector_is_read_or_refused_as_it_says_and_reads_back_the_same()
    {
        foreach (var v in Vectors.GetProperty("checkpoints").EnumerateArray())
        {
            var text = Text(v.GetProperty("text"));
            var read = Checkpoint.TryParse(text, out var checkpoint, out var problem);
            Assert.True(read == (Text(v.GetProperty("expected")) == "valid"), $"{Text(v.GetProperty("name"))}: {problem}");
            Assert.Equal(read, problem is null);
            if (read)
                Assert.Equal(text, checkpoint!.ToText());
        }
    }

    [Fact]
    public void A_checkpoint_that_openssl_signed_opens()
    {
        var v = Vectors.GetProperty("signedNote");
        Assert.True(NoteVerifier.TryParse(Text(v.GetProperty("verifierKey")), out var log, out var problem), problem);
        Assert.True(
            SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(Text(v.GetProperty("note"))), log, [], out var opened, out problem), problem);
        Assert.Equal(21, opened.Checkpoint.Size);
        Assert.Equal(Text(Vectors.GetProperty("roots")[21]), opened.Checkpoint.Root.ToHex());
    }

    private static void Each(string kind, Func<JsonElement, MerkleHash[], ProofVerdict> verify)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var v in Vectors.GetProperty(kind).EnumerateArray())
        {
            var got = !MerkleProof.TryDecode(Convert.FromHexString(Text(v.GetProperty("proof"))), out var proof) ? "undecodable"
                : verify(v, proof) == ProofVerdict.Valid ? "valid" : "refused";
            var expected = Text(v.GetProperty("expected"));
            Assert.True(expected == got, $"{Text(v.GetProperty("name"))}: expected {expected}, got {got}");
            seen.Add(got);
        }

        Assert.Equal(3, seen.Count);
    }

    private static string Text(JsonElement element) => element.GetString()!;

    private static MerkleHash Hash(JsonElement vector, string name) => new(Convert.FromHexString(Text(vector.GetProperty(name))));
}
