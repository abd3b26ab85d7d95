using System.Globalization;
using System.Text;
using Grpc.Core;
using SafetyNet.Exchange.Cli.Commands;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Cli.Evidence;

/// <summary>The whole access log read and held against a signed checkpoint, by the public key and nothing of the server's word.</summary>
/// <param name="Verdict">What was found.</param>
/// <param name="Signed">The checkpoint it was held against.</param>
internal sealed record LogCheck(LogVerdict Verdict, SignedCheckpoint Signed)
{
    /// <summary>Opens a checkpoint under a key.</summary>
    /// <param name="answer">The exchange's newest checkpoint.</param>
    /// <param name="heldKey">The log's key as the verifying party holds it; null: the one the answer states, which proves only that the log agrees with itself.</param>
    /// <exception cref="CommandFailedException">The key is not one, or did not sign the checkpoint.</exception>
    public static SignedCheckpoint Open(Wire.GetCheckpointResponse answer, string? heldKey)
    {
        if (!NoteVerifier.TryParse(heldKey ?? answer.VerifierKey, out var key, out var problem))
            throw new CommandFailedException($"The log's key cannot be used. {problem}");
        using (key)
        {
            return SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(answer.Note), key, [], out var signed, out problem)
                ? signed
                : throw new CommandFailedException($"The checkpoint is not good. {problem}");
        }
    }

    /// <summary>Reads the log up to a checkpoint and verifies it.</summary>
    /// <param name="records">The answers of ReadLog from 0 to the checkpoint's size.</param>
    /// <param name="signed">The checkpoint.</param>
    /// <param name="onEntry">Told each entry before it is verified.</param>
    /// <param name="cancellation">Stops between two answers.</param>
    public static async Task<LogCheck> RunAsync(
        IAsyncStreamReader<Wire.ReadLogResponse> records, SignedCheckpoint signed, Action<LogEntry> onEntry, CancellationToken cancellation)
    {
        var verifier = new LogVerifier([signed]);
        var good = true;
        while (good && await records.MoveNext(cancellation))
        {
            foreach (var entry in records.Current.Entries())
            {
                onEntry(entry);
                good = verifier.Add(entry);
                if (!good)
                    break;
            }
        }

        return new LogCheck(verifier.Finish(), signed);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Verdict.Explanation} Root {Verdict.Root.ToHex()}");
}
