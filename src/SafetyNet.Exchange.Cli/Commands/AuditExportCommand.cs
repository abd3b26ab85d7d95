using System.CommandLine;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Evidence;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit export</c>: the access log as files, to be verified by anybody without the exchange.</summary>
internal static class AuditExportCommand
{
    public static Command Create()
    {
        var officer = new OfficerOptions();
        var keys = new LogKeyOptions();
        var into = new Option<DirectoryInfo>("--out") { Description = "Folder to export into; one of an earlier export is gone on with", Required = true };
        var command = new CommandWithExamples(
            "export",
            "Write the access log up to its newest signed checkpoint into a folder (C2SP tlog-tiles); run it again to go on where the folder ends",
            """
            safetynet audit export --out exported --key log.key
            safetynet audit verify exported --key log.key
            """)
        {
            into,
        };
        keys.AddTo(command);
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            using var held = HeldKeys.Parse(keys.Log(parsed), keys.Witnesses(parsed));
            var export = new LogExport(channel.Audit, officer.Context(parsed), parsed.GetRequiredValue(into).FullName, held);
            var done = await Terminal.Error.Progress().StartAsync(async progress =>
            {
                var task = progress.AddTask("exporting the log", autoStart: true, maxValue: 1);
                return await export.RunAsync((entries, all) => (task.MaxValue, task.Value) = (Math.Max(1, all), entries), cancellation);
            });
            Console.Out.WriteLine($"log     {done.Head.Origin}");
            Console.Out.WriteLine($"size    {done.Head.Size} entries, {done.Fetched} of them new");
            Console.Out.WriteLine($"root    {done.Head.Root.ToHex()}");
            if (held.Log is null)
                Terminal.Output.MarkupLine("[yellow]The key is the exchange's own word for it; give the one you hold with --key.[/]");
            if (done.LongRecords > 0)
                Terminal.Output.MarkupLineInterpolated($"[yellow]{done.LongRecords} records are too long for a bundle and stand by their hash alone.[/]");
            if (done.Problem is { } problem)
            {
                Terminal.Output.MarkupLineInterpolated($"[red]NOT intact[/] 軌跡不完整: {problem}");
                return 1;
            }

            Terminal.Output.MarkupLineInterpolated($"[green]Exported[/] 已匯出. What was read agrees with every checkpoint in the folder; verify it: safetynet audit verify DIR --key FILE");
            return 0;
        });
        return command;
    }
}
