using System.CommandLine;
using System.Globalization;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Evidence;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit</c>: the access log exported and verified.</summary>
internal static class AuditCommand
{
    public static Command Create() => new("audit", "The access log: search it, tell a person of it, look for misuse, keep it, export it, verify it, prove a call of one's own")
    {
        AuditSearchCommand.Create(), AuditReportCommand.Create(), AuditViewersCommand.Create(), AuditFindingsCommand.Create(), AuditCanaryCommand.Create(), AuditCanaryCommand.CreateStaff(),
        AuditRevealCommand.Create(), AuditHoldCommand.Create(), AuditRetentionCommand.Create(), Verify(), AuditExportCommand.Create(), AuditReceiptCommand.Create(),
    };

    private static CommandWithExamples Verify()
    {
        var officer = new OfficerOptions();
        var folder = new Argument<DirectoryInfo?>("DIR") { Description = "Export to verify from its files alone; without it the log is read from the exchange", Arity = ArgumentArity.ZeroOrOne };
        var keys = new LogKeyOptions();
        var json = new Option<bool>("--json") { Description = "Print the verdict over DIR as one JSON object" };
        var verify = new CommandWithExamples(
            "verify",
            "Verify every record of the access log against its place and the signed checkpoints; exit code 0: intact, 1: not, 2: the export cannot be read",
            """
            safetynet audit verify
            safetynet audit verify --key @log.key --as tpe-security
            safetynet audit verify exported --key log.key --witness witness.key --time-stamp-roots authority.pem
            """)
        {
            folder, json,
        };
        keys.AddTo(verify);
        keys.AddTimeStampRootsTo(verify);
        officer.AddTo(verify);
        verify.SetGuardedAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(folder) is { } exported)
                return AuditFolderView.Verify(exported.FullName, keys.Log(parsed), keys.Witnesses(parsed), keys.TimeStampRoots(parsed), parsed.GetValue(json), cancellation);
            if (parsed.GetValue(json) || keys.Witnesses(parsed).Count > 0 || keys.TimeStampRoots(parsed) is not null)
                throw new CommandFailedException("--json, --witness and --time-stamp-roots are for an export: safetynet audit verify DIR");
            using var channel = officer.Connect(parsed);
            return await VerifyAsync(channel, officer.Context(parsed), keys.Log(parsed), cancellation);
        });
        return verify;
    }

    private static async Task<int> VerifyAsync(ExchangeChannel channel, Wire.AccessContext context, string? heldKey, CancellationToken cancellation)
    {
        var answer = await channel.Audit.GetCheckpointAsync(new Wire.GetCheckpointRequest { Context = context }, cancellationToken: cancellation);
        var signed = LogCheck.Open(answer, heldKey);
        var size = signed.Checkpoint.Size;
        if (size == 0)
        {
            Terminal.Output.MarkupLine("[green]Intact[/]: the log is empty.");
            return 0;
        }

        var check = await Terminal.Error.Progress().StartAsync(async progress =>
        {
            var task = progress.AddTask("reading the log", maxValue: size);
            return await LogCheck.RunAsync(channel.Audit, context, signed, heldKey ?? answer.VerifierKey, entry => task.Value = entry.Index + 1, cancellation);
        });

        // Unwrapped, to be copied and compared.
        Console.Out.WriteLine($"log     {signed.Checkpoint.Origin}");
        Console.Out.WriteLine($"root    {check.Verdict.Root.ToHex()}");
        Console.Out.WriteLine($"key     {(heldKey is null ? answer.VerifierKey : "the one you gave")}");
        ShowHelpers(answer);
        if (heldKey is null)
            Terminal.Output.MarkupLine("[yellow]The key is the exchange's own word for it; give the one you hold with --key.[/]");
        if (!check.Verdict.IsIntact)
        {
            Terminal.Output.MarkupLineInterpolated($"[red]NOT intact[/] 軌跡不完整: {check.Verdict.Explanation}");
            return 1;
        }

        Terminal.Output.MarkupLineInterpolated($"[green]Intact[/] 軌跡完整: {check.Verdict.Explanation}");
        return 0;
    }

    /// <summary>How far witnesses and time-stamps are behind, and how long calls are still taken without them (R-AUD-9).</summary>
    private static void ShowHelpers(Wire.GetCheckpointResponse answer)
    {
        if (answer.WitnessKeys.Count > 0)
            Console.Out.WriteLine($"witness {(answer.WitnessedNote.Length == 0 ? "none has signed yet" : "signed")}; behind by {Age(answer.WitnessLag)}");
        if (answer.TimeStamp is { } stamp)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"stamped {stamp.StampedAt.ToDateTimeOffset().ToLocalTime():yyyy-MM-dd HH:mm:ss zzz}; what came later waits for {Age(answer.TimeStampLag)}"));
        else if (answer.TimeStampLag.ToTimeSpan() > TimeSpan.Zero)
            Console.Out.WriteLine($"stamped never; waits for {Age(answer.TimeStampLag)}");
        if (answer.TimeStampLeft is { } left && answer.TimeStampLag.ToTimeSpan() > TimeSpan.Zero)
            Console.Out.WriteLine($"        calls are taken for {Age(left)} more without the time-stamp authority");
    }

    private static string Age(Google.Protobuf.WellKnownTypes.Duration age) => age.ToTimeSpan().ToString(@"d\.hh\:mm\:ss", CultureInfo.InvariantCulture);
}
