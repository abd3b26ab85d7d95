using System.Diagnostics.CodeAnalysis;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>Text with the signatures of one or more keys beneath it. The text is worth nothing until <see cref="TryVerify"/> says who
/// signed.</summary>
/// <remarks>Form: the text, which ends in a newline; an empty line; per signature <c>— name base64(key hash || signature)</c> and a
/// newline.
/// Source: C2SP signed-note.</remarks>
public sealed class SignedNote
{
    /// <summary>256 KiB; longer notes are refused unread.</summary>
    public const int MaxSizeBytes = 256 * 1024;

    /// <summary>64 signature lines; C2SP asks for 16 at least.</summary>
    public const int MaxSignatures = 64;

    private SignedNote(string text, IReadOnlyList<NoteSignature> signatures)
    {
        Text = text;
        Signatures = signatures;
    }

    /// <summary>What is signed, its last newline included.</summary>
    public string Text { get; }

    /// <summary>At least one, in the order of the lines; known and unknown keys.</summary>
    public IReadOnlyList<NoteSignature> Signatures { get; }

    /// <summary>Signs a text. Errors: <see cref="ArgumentException"/> for text that does not end in a newline or has control
    /// characters.</summary>
    public static SignedNote Sign(string text, NoteSigner signer)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(signer);
        if (!NoteText.IsValid(text))
            throw new ArgumentException("What is signed ends in a newline and has no other control character.", nameof(text));
        return new SignedNote(text, [signer.Sign(NoteText.Encode(text))]);
    }

    /// <summary>The same text with one more signature at the end, as a witness adds it.</summary>
    public SignedNote WithSignatureOf(NoteSigner signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        return new SignedNote(Text, [.. Signatures, signer.Sign(NoteText.Encode(Text))]);
    }

    /// <summary>The same text with signatures that somebody else made over it, as a witness answers them; nothing is believed yet.</summary>
    /// <param name="lines">Signature lines, each with its newline.</param>
    /// <param name="note">The note with them, or null.</param>
    public bool TryAddSignatures(string lines, [NotNullWhen(true)] out SignedNote? note) => TryParse(NoteText.Encode(ToString() + lines), out note, out _);

    /// <summary>The signature lines alone, each with its newline.</summary>
    public string SignatureLines() => string.Concat(Signatures.Select(s => s.ToLine()));

    public byte[] Encode() => NoteText.Encode(ToString());

    public override string ToString() => $"{Text}\n{string.Concat(Signatures.Select(s => s.ToLine()))}";

    /// <summary>Takes a note apart without believing it.</summary>
    /// <param name="bytes">The whole note, nothing after its last newline.</param>
    /// <param name="note">The parts, or null.</param>
    /// <param name="problem">What is wrong with the form; null on success.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out SignedNote? note, [NotNullWhen(false)] out string? problem)
    {
        note = null;
        problem = Take(bytes, ref note);
        return note is not null;
    }

    /// <summary>Finds who signed, among keys the caller trusts.</summary>
    /// <param name="known">The keys to believe; signatures of all others are passed over.</param>
    /// <param name="signers">Those of <paramref name="known"/> whose signature is good; at least one on success.</param>
    /// <param name="problem">Why the note is refused; null on success.</param>
    /// <returns>False where no known key signed, and also where a line names a known key and does not verify, whatever else is
    /// good.</returns>
    public bool TryVerify(
        IReadOnlyCollection<NoteVerifier> known, out IReadOnlyList<NoteVerifier> signers, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(known);
        signers = [];
        var text = NoteText.Encode(Text);
        var good = new List<NoteVerifier>();
        foreach (var signature in Signatures)
        {
            foreach (var verifier in known)
            {
                if (verifier.KeyHash != signature.KeyHash || !string.Equals(verifier.Name, signature.KeyName, StringComparison.Ordinal))
                    continue;
                if (!verifier.Verify(text, signature.Signature.Span))
                {
                    problem =
                        $"The signature of {verifier.Name} does not fit the text: "
                        + "the note was altered, or another key signed under this name.";
                    return false;
                }

                if (!good.Contains(verifier))
                    good.Add(verifier);
            }
        }

        if (good.Count == 0)
        {
            problem = "None of the known keys signed this note.";
            return false;
        }

        signers = good;
        problem = null;
        return true;
    }

    private static string? Take(ReadOnlySpan<byte> bytes, ref SignedNote? note)
    {
        if (bytes.Length > MaxSizeBytes)
            return $"A note has at most {MaxSizeBytes} bytes.";
        if (!NoteText.TryDecode(bytes, out var all))
            return "A note is valid UTF-8.";
        if (!NoteText.IsValid(all))
            return "A note ends in a newline and has no other control character.";

        // The text may have empty lines of its own: the last one divides.
        var divide = all.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (divide < 0)
            return "A note has an empty line between text and signatures.";
        var text = all[..(divide + 1)];
        var lines = all[(divide + 2)..].Split('\n')[..^1];
        if (lines.Length == 0)
            return "A note has at least one signature.";
        if (lines.Length > MaxSignatures)
            return $"A note has at most {MaxSignatures} signatures.";

        var signatures = new NoteSignature[lines.Length];
        for (var i = 0; i < lines.Length; i++)
        {
            if (NoteSignature.FromLine(lines[i]) is not { } signature)
                return $"Signature line {i + 1} is not of the form: dash, name, base64.";
            signatures[i] = signature;
        }

        note = new SignedNote(text, signatures);
        return null;
    }
}
