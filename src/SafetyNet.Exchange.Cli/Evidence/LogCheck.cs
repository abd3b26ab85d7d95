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
    /// <summary>A log that is purged faster than it is read is verified when that is over.</summary>
    private const int MostRounds = 5;

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

    /// <summary>Reads the log up to a checkpoint and verifies it. Where records are purged while it reads, it goes on to a later checkpoint, below which the log says so.</summary>
    /// <param name="audit">The exchange.</param>
    /// <param name="context">Who reads.</param>
    /// <param name="signed">The checkpoint.</param>
    /// <param name="key">The log's key, for later checkpoints.</param>
    /// <param name="onEntry">Told each entry before it is verified.</param>
    /// <param name="cancellation">Stops between two answers.</param>
    public static async Task<LogCheck> RunAsync(
        Wire.AuditService.AuditServiceClient audit, Wire.AccessContext context, SignedCheckpoint signed, string key, Action<LogEntry> onEntry, CancellationToken cancellation)
    {
        var verifier = new LogVerifier([signed]);
        for (var round = 0; ; round++)
        {
            using var reading = audit.ReadLog(
                new Wire.ReadLogRequest { Context = context, Start = (ulong)verifier.Size, End = (ulong)signed.Checkpoint.Size }, cancellationToken: cancellation);
            var good = await TakeAsync(reading.ResponseStream, verifier, onEntry, cancellation);
            if (!good || verifier.FirstUnrecordedPurge is null || round == MostRounds) return new LogCheck(verifier.Finish(), signed);
            // A head is signed within a second of what it covers.
            await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
            var later = Open(await audit.GetCheckpointAsync(new Wire.GetCheckpointRequest { Context = context }, cancellationToken: cancellation), key);
            if (later.Checkpoint.Size <= verifier.Size) return new LogCheck(verifier.Finish(), signed);
            verifier.Expect(signed = later);
        }
    }

    /// <summary>Verifies one reading of the log up to a checkpoint.</summary>
    /// <param name="records">The answers of ReadLog from 0 to the checkpoint's size.</param>
    /// <param name="signed">The checkpoint.</param>
    /// <param name="onEntry">Told each entry before it is verified.</param>
    /// <param name="cancellation">Stops between two answers.</param>
    public static async Task<LogCheck> RunAsync(
        IAsyncStreamReader<Wire.ReadLogResponse> records, SignedCheckpoint signed, Action<LogEntry> onEntry, CancellationToken cancellation)
    {
        var verifier = new LogVerifier([signed]);
        await TakeAsync(records, verifier, onEntry, cancellation);
        return new LogCheck(verifier.Finish(), signed);
    }

    private static async Task<bool> TakeAsync(IAsyncStreamReader<Wire.ReadLogResponse> records, LogVerifier verifier, Action<LogEntry> onEntry, CancellationToken cancellation)
    {
        while (await records.MoveNext(cancellation))
        {
            foreach (var entry in records.Current.Entries())
            {
                onEntry(entry);
                if (!verifier.Add(entry))
                    return false;
            }
        }

        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Verdict.Explanation} Root {Verdict.Root.ToHex()}");
}
