using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>What a log asks a witness to co-sign: a signed head, and the proof that it only adds to the head the witness signed last.</summary>
/// <remarks>Text form: <c>old </c> and the size of that last head in decimal; one line of base64 per hash of the consistency proof; an empty line; the signed note.
/// Source: C2SP tlog-witness, <c>add-checkpoint</c>. A witness answers 200 with its signature lines; 409 with its own size where <c>old</c> is another; 404 for a log it
/// does not know, 403 for a note that log did not sign, 400 for another form, 422 for a proof that does not lead there.</remarks>
/// <param name="OldSize">Entries of the head that the witness signed last; 0: none.</param>
/// <param name="Proof">Consistency proof (RFC 9162 2.1.4), at most 63 hashes; empty where <paramref name="OldSize"/> is 0 or the head is the same.</param>
/// <param name="Note">The new head.</param>
public sealed record WitnessRequest(long OldSize, IReadOnlyList<MerkleHash> Proof, SignedNote Note)
{
    /// <summary>Path of the one request, beneath the witness's address.</summary>
    public const string Path = "add-checkpoint";

    /// <summary>Content type of the body that tells the witness's own size.</summary>
    public const string SizeContentType = "text/x.tlog.size";

    /// <summary>63: as C2SP tlog-witness has it.</summary>
    public const int MaxProofHashes = 63;

    /// <summary>Longest body: the longest note and the longest proof.</summary>
    public const int MaxSizeBytes = SignedNote.MaxSizeBytes + (MaxProofHashes * 45) + 32;

    public byte[] Encode() => NoteText.Encode(
        string.Create(CultureInfo.InvariantCulture, $"old {OldSize}\n{string.Concat(Proof.Select(hash => hash.ToBase64() + "\n"))}\n{Note}"));

    /// <summary>Takes a request apart; nothing of it is believed yet.</summary>
    /// <param name="bytes">The whole body.</param>
    /// <param name="request">The parts, or null.</param>
    /// <param name="problem">What is wrong with the form; null on success.</param>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out WitnessRequest? request, [NotNullWhen(false)] out string? problem)
    {
        request = null;
        problem = Take(bytes, ref request);
        return request is not null;
    }

    private static string? Take(ReadOnlySpan<byte> bytes, ref WitnessRequest? request)
    {
        var divide = bytes.IndexOf("\n\n"u8);
        if (bytes.Length > MaxSizeBytes || divide < 0 || !NoteText.TryDecode(bytes[..divide], out var head))
            return "A request is: the line `old SIZE`, the hashes of the proof, an empty line, the checkpoint.";
        var lines = head.Split('\n');
        if (!lines[0].StartsWith("old ", StringComparison.Ordinal) || !TryParseSize(lines[0].AsSpan(4), out var oldSize))
            return "Line 1 is `old ` and a decimal number without sign or leading zeros.";
        if (lines.Length - 1 > MaxProofHashes)
            return $"A proof has at most {MaxProofHashes} hashes.";
        var proof = new MerkleHash[lines.Length - 1];
        for (var at = 0; at < proof.Length; at++)
        {
            if (!MerkleHash.TryParseBase64(lines[at + 1], out proof[at]))
                return $"Line {at + 2}, a hash of the proof, is 32 bytes in standard base64.";
        }

        if (!SignedNote.TryParse(bytes[(divide + 2)..], out var note, out var problem))
            return problem;
        request = new WitnessRequest(oldSize, proof, note);
        return null;
    }

    /// <summary>Reads a size in its one spelling, as requests and the answer 409 carry it.</summary>
    public static bool TryParseSize(ReadOnlySpan<char> text, out long size) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out size) && (text.Length == 1 || text[0] != '0');
}
