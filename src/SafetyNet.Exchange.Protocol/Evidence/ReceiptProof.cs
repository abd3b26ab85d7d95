using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>
/// A calling system's own proof that a call of it is in the log (R-AUD-8): the commitment that came with the answer, a signed head over it, and the way from one to the
/// other. Verified from itself and public keys alone; it holds no personal content.
/// </summary>
/// <remarks>Shape as a file: one JSON object, UTF-8, members in camel case as below; docs/formats/evidence.md 9.</remarks>
/// <param name="DecisionId">Decision of the call, UUIDv7 as text. It is in the record and so under its hash; here it tells people which call this is.</param>
/// <param name="Position">Place of the record in the log, from 0.</param>
/// <param name="RecordHash">Leaf hash of the record (RFC 6962), base64.</param>
/// <param name="Checkpoint">Signed head, with the co-signatures of witnesses where there were some.</param>
/// <param name="Hashes">Inclusion proof (RFC 9162 2.1.3) in base64, nearest the leaf first.</param>
public sealed record ReceiptProof(
    [property: JsonRequired] string DecisionId,
    [property: JsonRequired] long Position,
    [property: JsonRequired] string RecordHash,
    [property: JsonRequired] string Checkpoint,
    [property: JsonRequired] IReadOnlyList<string> Hashes)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads the file form; nothing of it is believed yet.</summary>
    public static bool TryParse(string json, [NotNullWhen(true)] out ReceiptProof? proof, [NotNullWhen(false)] out string? problem)
    {
        (proof, problem) = (null, null);
        try
        {
            proof = JsonSerializer.Deserialize<ReceiptProof>(json, Json);
        }
        catch (JsonException error)
        {
            problem = $"The receipt is not in its form: line {error.LineNumber + 1}, {error.Path}.";
            return false;
        }

        if (proof is not null) return true;
        problem = "The receipt is empty.";
        return false;
    }

    /// <summary>Checks the signatures of the head, and that the record's hash stands at its place under it.</summary>
    /// <param name="log">The log's key, as the verifying party holds it.</param>
    /// <param name="witnesses">Keys of witnesses that are known; who of them signed is in <paramref name="head"/>.</param>
    /// <param name="head">The head that vouches for the record, or null.</param>
    /// <param name="problem">What does not fit; null on success.</param>
    /// <param name="record">The record's bytes where the verifying party has them; they must give the hash.</param>
    public bool TryVerify(
        NoteVerifier log, IReadOnlyCollection<NoteVerifier> witnesses, [NotNullWhen(true)] out SignedCheckpoint? head, [NotNullWhen(false)] out string? problem,
        ReadOnlyMemory<byte>? record = null)
    {
        if (!SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(Checkpoint), log, witnesses, out head, out problem)) return false;
        problem = Problem(head.Checkpoint, record);
        if (problem is not null) head = null;
        return problem is null;
    }

    private string? Problem(Checkpoint head, ReadOnlyMemory<byte>? record)
    {
        if (!MerkleHash.TryParseBase64(RecordHash, out var leaf)) return "The record's hash is not 32 bytes in base64.";
        if (record is { } bytes && MerkleTree.LeafHash(bytes.Span) != leaf) return "The record is not the one that the receipt is for: it gives another hash.";
        var path = new MerkleHash[Hashes.Count];
        for (var at = 0; at < path.Length; at++)
        {
            if (!MerkleHash.TryParseBase64(Hashes[at], out path[at])) return $"Hash {at + 1} of the proof is not 32 bytes in base64.";
        }

        return MerkleProof.VerifyInclusion(leaf, Position, head.Size, path, head.Root) switch
        {
            ProofVerdict.Valid => null,
            ProofVerdict.OutOfRange => $"Place {Position} is not under a head of {head.Size} entries.",
            ProofVerdict.WrongLength => "The proof has too many hashes or too few.",
            _ => $"The proof does not lead from this record at place {Position} to the head: the record, its place or the head is another.",
        };
    }
}
