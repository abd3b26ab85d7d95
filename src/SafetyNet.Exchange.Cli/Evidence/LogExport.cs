using System.Text;
using Grpc.Core;
using SafetyNet.Exchange.Cli.Commands;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Cli.Evidence;

/// <summary>What an export left in its folder.</summary>
/// <param name="Head">The newest checkpoint of the exchange.</param>
/// <param name="Fetched">Entries read from the exchange this time.</param>
/// <param name="LongRecords">Those of them that no bundle takes.</param>
/// <param name="Problem">What does not agree with a signed checkpoint; null: everything does.</param>
internal sealed record Exported(Checkpoint Head, long Fetched, long LongRecords, string? Problem);

/// <summary>
/// Reads the access log into a folder. What is there is held against the new checkpoint, and what is new against the old ones, so that an exchange which goes
/// back or tells a second story is seen at once; its checkpoint is kept either way.
/// </summary>
internal sealed class LogExport(Wire.AuditService.AuditServiceClient audit, Wire.AccessContext context, string folder, HeldKeys held)
{
    private const int MostRounds = 5;

    /// <exception cref="CommandFailedException">A checkpoint of the exchange or of the folder is not good under the log's key.</exception>
    public async Task<Exported> RunAsync(Action<long, long> progress, CancellationToken cancellation)
    {
        var answer = await audit.GetCheckpointAsync(new Wire.GetCheckpointRequest { Context = context }, cancellationToken: cancellation);
        using var stated = held.Log is null ? HeldKeys.ParseKey(answer.VerifierKey) : null;
        var key = held.Log ?? stated!;
        if (!SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(answer.Note), key, held.Witnesses, out var head, out var problem))
            throw new CommandFailedException($"The checkpoint of the exchange is not good. {problem}");
        var before = LogFolder.ReadCheckpoints(folder, key, held.Witnesses, out problem);
        if (problem is not null)
            throw new CommandFailedException($"The folder does not go on with this log, export into another. {problem}");

        var stamped = answer.TimeStamp is { } stamp ? OpenStamped(stamp, key, held.Witnesses) : null;
        var verifier = new LogVerifier([.. before, .. stamped is null ? [] : (SignedCheckpoint[])[stamped], head]);
        var writer = LogFolderWriter.Open(folder, hash => verifier.AddWithheld(verifier.Size, hash));
        writer.KeepKeys(key, held.Witnesses);
        writer.Keep(head);
        if (stamped is not null)
        {
            writer.Keep(stamped);
            writer.KeepTimeStamp(stamped.Checkpoint.Size, answer.TimeStamp.Token.Span);
        }

        var size = head.Checkpoint.Size;
        if (before.FirstOrDefault(b => b.Checkpoint.Size > size) is { } greater)
            return new Exported(head.Checkpoint, 0, 0, $"The exchange's newest checkpoint has {size} entries, and it signed one of {greater.Checkpoint.Size} before: it went back.");
        var start = writer.Size;
        for (var round = 0; ; round++)
        {
            await ReadAsync(writer, head, verifier, progress, cancellation);
            if (verifier.FirstUnrecordedPurge is null || round == MostRounds) break;
            // Purged while it was read: the log says so a little later.
            await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
            var later = LogCheck.Open(await audit.GetCheckpointAsync(new Wire.GetCheckpointRequest { Context = context }, cancellationToken: cancellation), key.ToVerifierKey());
            if (later.Checkpoint.Size <= writer.Size) break;
            writer.Keep(later);
            verifier.Expect(head = later);
        }

        if (writer.Size == head.Checkpoint.Size)
            writer.Complete(head);
        var verdict = verifier.Finish();
        return new Exported(head.Checkpoint, writer.Size - start, writer.LongRecords, verdict.IsIntact ? null : verdict.Explanation);
    }

    /// <summary>What the token says of the time is for the verification; here only what it stamps is looked at.</summary>
    private static SignedCheckpoint OpenStamped(Wire.TimeStamp stamp, NoteVerifier key, IReadOnlyList<NoteVerifier> witnesses) =>
        SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(stamp.Note), key, witnesses, out var stamped, out var problem)
            ? stamped
            : throw new CommandFailedException($"The checkpoint that was time-stamped is not good. {problem}");

    private async Task ReadAsync(LogFolderWriter writer, SignedCheckpoint head, LogVerifier verifier, Action<long, long> progress, CancellationToken cancellation)
    {
        var (start, size) = (writer.Size, head.Checkpoint.Size);
        if (start >= size) return;
        using var reading = audit.ReadLog(new Wire.ReadLogRequest { Context = context, Start = (ulong)start, End = (ulong)size }, cancellationToken: cancellation);
        await foreach (var step in reading.ResponseStream.ReadAllAsync(cancellation))
        {
            // A fault does not end the export: what the exchange gives is evidence against it.
            foreach (var entry in step.Entries())
            {
                writer.Append(entry);
                verifier.Add(entry);
            }

            progress(writer.Size, size);
        }
    }
}
