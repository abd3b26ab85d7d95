using System.Globalization;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Witness;

/// <summary>What a witness answers; the numbers are the HTTP statuses of C2SP tlog-witness.</summary>
public enum WitnessVerdict
{
    /// <summary>The head is remembered, and signed.</summary>
    CoSigned = 200,

    /// <summary>The request is of another form, or goes back below what it says the witness has.</summary>
    Malformed = 400,

    /// <summary>The log did not sign this head.</summary>
    NotSigned = 403,

    /// <summary>The log is not one of those that this witness watches.</summary>
    UnknownLog = 404,

    /// <summary>The witness has signed another size than the request builds on, or another head of the same size.</summary>
    Conflict = 409,

    /// <summary>The new head does not contain the one that was signed before: the log was rewritten, or the proof is wrong.</summary>
    Inconsistent = 422,
}

/// <summary>A verdict with what goes with it.</summary>
/// <param name="Verdict">What was decided.</param>
/// <param name="Text">Co-signed: the signature lines. Conflict: the witness's own size and a newline. Otherwise one English sentence.</param>
public sealed record WitnessAnswer(WitnessVerdict Verdict, string Text);

/// <summary>
/// Remembers the newest head of each log it watches and co-signs only what contains it (R-AUD-3): whoever runs the log and its database cannot show one history today and
/// another tomorrow. Holds its own key and nothing of the exchange.
/// </summary>
/// <remarks>
/// Trust: whoever can write to the witness's folder can make it forget, and so sign a second history; it therefore belongs to another party than the log's. Safe for
/// concurrent use; requests are taken one after another.
/// </remarks>
public sealed class HeadWitness(NoteSigner signer, IReadOnlyCollection<NoteVerifier> logs, WitnessBook book)
{
    private readonly Lock _gate = new();

    /// <summary>The witness's public key, for those who check.</summary>
    public NoteVerifier Key { get; } = signer.ToVerifier();

    /// <summary>Checks a request, remembers its head on disk, and only then signs it.</summary>
    /// <param name="body">The body of <c>add-checkpoint</c>.</param>
    public WitnessAnswer Add(ReadOnlySpan<byte> body)
    {
        if (!WitnessRequest.TryParse(body, out var request, out var problem)) return new WitnessAnswer(WitnessVerdict.Malformed, problem);
        if (body.Length > WitnessBook.MaxNoteBytes) return new WitnessAnswer(WitnessVerdict.Malformed, $"A request has at most {WitnessBook.MaxNoteBytes} bytes here.");
        if (!Checkpoint.TryParse(request.Note.Text, out var claimed, out problem)) return new WitnessAnswer(WitnessVerdict.Malformed, problem);
        var keys = logs.Where(log => string.Equals(log.Name, claimed.Origin, StringComparison.Ordinal)).ToList();
        if (keys.Count == 0) return new WitnessAnswer(WitnessVerdict.UnknownLog, $"The log {claimed.Origin} is not watched here.");
        // A log may have several keys while it changes them; one good signature of any is enough.
        if (!keys.Exists(key => SignedCheckpoint.TryOpen(request.Note.Encode(), key, [], out _, out _)))
            return new WitnessAnswer(WitnessVerdict.NotSigned, "The log's key did not sign this head.");
        if (request.OldSize > claimed.Size) return new WitnessAnswer(WitnessVerdict.Malformed, "The new head is smaller than the one it builds on.");
        lock (_gate)
        {
            var (size, root) = book.Find(claimed.Origin) is { } known ? (known.Size, known.Root) : (0, MerkleTree.EmptyRoot);
            if (size != request.OldSize || (size == claimed.Size && root != claimed.Root))
                return new WitnessAnswer(WitnessVerdict.Conflict, string.Create(CultureInfo.InvariantCulture, $"{size}\n"));
            if (MerkleProof.VerifyConsistency(size, root, claimed.Size, claimed.Root, [.. request.Proof]) != ProofVerdict.Valid)
                return new WitnessAnswer(WitnessVerdict.Inconsistent, $"The proof does not lead from the head of {size} entries to this one.");
            // First on disk, then out: after a crash in between the witness has signed at most what it remembers.
            book.Keep(claimed, request.Note);
        }

        return new WitnessAnswer(WitnessVerdict.CoSigned, SignedNote.Sign(claimed.ToText(), signer).SignatureLines());
    }
}
