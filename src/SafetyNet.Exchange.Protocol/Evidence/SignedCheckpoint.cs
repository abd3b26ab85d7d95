using System.Diagnostics.CodeAnalysis;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>A checkpoint whose signature by the log's key is good. There is no other way to come by one than signing or checking.</summary>
public sealed class SignedCheckpoint
{
    private SignedCheckpoint(Checkpoint checkpoint, SignedNote note, IReadOnlyList<string> witnesses)
    {
        Checkpoint = checkpoint;
        Note = note;
        Witnesses = witnesses;
    }

    public Checkpoint Checkpoint { get; }

    /// <summary>The published text with every signature line, known or not.</summary>
    public SignedNote Note { get; }

    /// <summary>Names of the known witnesses whose signature is good, each once; empty where none has signed yet.</summary>
    public IReadOnlyList<string> Witnesses { get; }

    /// <summary>Signs with the log's key, whose name must be the checkpoint's origin.</summary>
    public static SignedCheckpoint Sign(Checkpoint checkpoint, NoteSigner log)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(log);
        if (!string.Equals(checkpoint.Origin, log.Name, StringComparison.Ordinal))
            throw new ArgumentException($"The key {log.Name} does not sign for the log {checkpoint.Origin}.", nameof(log));
        return new SignedCheckpoint(checkpoint, SignedNote.Sign(checkpoint.ToText(), log), []);
    }

    /// <summary>Adds a witness's signature over the same text. That the witness saw no other head is the witness's to know, not checked
    /// here.</summary>
    public SignedCheckpoint WithWitness(NoteSigner witness)
    {
        ArgumentNullException.ThrowIfNull(witness);
        return new SignedCheckpoint(
            Checkpoint, Note.WithSignatureOf(witness), [.. Witnesses.Append(witness.Name).Distinct(StringComparer.Ordinal)]);
    }

    public byte[] Encode() => Note.Encode();

    /// <summary>Opens a published checkpoint.</summary>
    /// <param name="bytes">The note as it was received.</param>
    /// <param name="log">The log's key; its name is the origin the checkpoint must carry.</param>
    /// <param name="witnesses">Keys of known witnesses. How many must have signed is the caller's rule: see
    /// <see cref="Witnesses"/>.</param>
    /// <param name="opened">The checkpoint, or null.</param>
    /// <param name="problem">Why it is refused; null on success.</param>
    /// <remarks>Refuses, first match: form of the note; a signature of a known key that does not verify; no signature of the log; form
    /// of the
    /// checkpoint; another log's origin. Nothing of the text is looked at before a signature is good.</remarks>
    public static bool TryOpen(
        ReadOnlySpan<byte> bytes,
        NoteVerifier log,
        IReadOnlyCollection<NoteVerifier> witnesses,
        [NotNullWhen(true)] out SignedCheckpoint? opened,
        [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(witnesses);
        opened = null;
        if (!SignedNote.TryParse(bytes, out var note, out problem) || !note.TryVerify([log, .. witnesses], out var signers, out problem))
            return false;
        if (!signers.Contains(log))
        {
            problem = $"The log's own key {log.Name} did not sign this checkpoint.";
            return false;
        }

        if (!Checkpoint.TryParse(note.Text, out var checkpoint, out problem))
            return false;
        if (!string.Equals(checkpoint.Origin, log.Name, StringComparison.Ordinal))
        {
            problem = $"The checkpoint is of the log {checkpoint.Origin}, not of {log.Name}.";
            return false;
        }

        opened = new SignedCheckpoint(
            checkpoint, note, [.. signers.Where(s => s != log).Select(s => s.Name).Distinct(StringComparer.Ordinal)]);
        return true;
    }
}
