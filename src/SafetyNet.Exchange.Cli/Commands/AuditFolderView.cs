using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using SafetyNet.Exchange.Cli.Evidence;
using SafetyNet.Exchange.Protocol.Evidence;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit verify DIR</c>: the verdict over an exported log, to a person or to a program.</summary>
internal static class AuditFolderView
{
    private const int Intact = 0, NotIntact = 1, Unreadable = 2;

    private static readonly JsonSerializerOptions Compact = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter<LogFault>() },
    };

    /// <summary>Exit code 0: intact; 1: a fault was found; 2: it cannot be read, or a key is none.</summary>
    public static int Verify(string folder, string? heldKey, IReadOnlyList<string> heldWitnesses, X509Certificate2Collection? timeStampRoots, bool asJson, CancellationToken cancellation)
    {
        try
        {
            if (!Directory.Exists(folder))
                throw new FormatException($"There is no folder {folder}.");
            using var keys = HeldKeys.Parse(heldKey ?? LogFolder.ReadKey(folder), heldWitnesses.Count > 0 ? heldWitnesses : LogFolder.ReadWitnessKeys(folder));
            var found = Terminal.Error.Progress().Start(progress =>
            {
                var task = progress.AddTask("verifying the export");
                return LogFolder.Verify(folder, keys.Log!, keys.Witnesses, (read, all) => (task.MaxValue, task.Value) = (all, read), cancellation);
            });
            var stamps = timeStampRoots is null ? null : KeptTimeStamp.ReadAll(folder, keys.Log!, timeStampRoots);
            if (asJson)
                ShowJson(found, heldKey is not null, stamps);
            else
                Show(found, heldKey is not null, heldWitnesses.Count > 0, stamps);
            return found.Log.IsIntact && stamps?.All(stamp => stamp.Problem is null) != false ? Intact : NotIntact;
        }
        catch (Exception error) when (error is FormatException or CommandFailedException or IOException or UnauthorizedAccessException)
        {
            if (asJson)
                Console.Out.WriteLine(JsonSerializer.Serialize(new { verdict = "Unreadable", explanation = error.Message }, Compact));
            Terminal.Error.MarkupLineInterpolated($"[red]Cannot be verified[/] 無法驗證: {error.Message}");
            return Unreadable;
        }
    }

    private static void ShowJson(LogFolderVerdict found, bool isKeyHeld, IReadOnlyList<KeptTimeStamp>? stamps) => Console.Out.WriteLine(JsonSerializer.Serialize(
        new
        {
            verdict = found.Log.IsIntact ? "Intact" : found.Log.Fault.ToString(),
            firstBadIndex = found.Log.FirstBadIndex,
            entries = found.Log.Size,
            purged = found.Log.PurgedRecords,
            hashOnly = found.Log.WithheldRecords,
            signedEntries = found.Log.VouchedSize,
            root = found.Log.Root.ToHex(),
            origin = found.Origin,
            checkpoints = found.Checkpoints,
            keyIsYours = isKeyHeld,
            witnesses = found.Witnesses,
            timeStamps = stamps?.Select(stamp => new { size = stamp.Size, at = stamp.Stamp?.At, authority = stamp.Stamp?.Authority, problem = stamp.Problem }),
            explanation = found.Log.Explanation,
        },
        Compact));

    private static void Show(LogFolderVerdict found, bool isKeyHeld, bool areWitnessesHeld, IReadOnlyList<KeptTimeStamp>? stamps)
    {
        // Unwrapped, to be copied and compared.
        Console.Out.WriteLine($"log          {found.Origin}");
        Console.Out.WriteLine($"root         {found.Log.Root.ToHex()}");
        Console.Out.WriteLine($"checkpoints  {found.Checkpoints}, all held against the entries");
        Console.Out.WriteLine($"key          {(isKeyHeld ? "the one you gave" : "the one in the folder")}");
        foreach (var witness in found.Witnesses)
            Console.Out.WriteLine($"witness      {witness.Name} signed up to {witness.Size} entries; {(areWitnessesHeld ? "the key you gave" : "the key in the folder")}");
        foreach (var stamp in stamps ?? [])
        {
            if (stamp.Stamp is { } at)
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"time-stamp   {stamp.Size} entries at {at.At:yyyy-MM-dd HH:mm:ss}Z by {at.Authority}"));
            else
                Terminal.Output.MarkupLineInterpolated($"[red]NOT a proof of time[/] 時戳不成立: {stamp.File}: {stamp.Problem}");
        }

        if (!isKeyHeld)
        {
            Terminal.Output.MarkupLine(
                "[yellow]The key lies in the folder itself: this proves only that the folder agrees with itself, for whoever made it could have made the key. Give the one you hold with --key.[/]");
        }

        if (found.Log.IsIntact)
            Terminal.Output.MarkupLineInterpolated($"[green]Intact[/] 軌跡完整: {found.Log.Explanation}");
        else
            Terminal.Output.MarkupLineInterpolated($"[red]NOT intact[/] 軌跡不完整: {found.Log.Explanation}");
        if (found.Log.FirstBadIndex is { } first)
            Terminal.Output.MarkupLineInterpolated($"First entry that cannot be trusted 首筆不可信之紀錄: {first}");
        if (found.Log.Fault == LogFault.PurgeUnrecorded)
            Terminal.Output.MarkupLine("Records that were purged while an export ran are named beyond its end: run the export again, it goes on, and verify then.");
        if (found.Log.Fault == LogFault.Truncated)
            Terminal.Output.MarkupLine("An export that was interrupted looks the same: run it again, it goes on where the folder ends.");
    }
}
