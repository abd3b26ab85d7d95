using System.CommandLine;
using System.Text.Json;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Reports;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet report import</c>: a file of reports handed in, row by row, with what became of each.</summary>
internal static class ReportImportCommand
{
    private const int MostReasons = 10;

    public static CommandWithExamples Create()
    {
        var unit = UnitOptions.OfWork();
        var file = new Argument<string>("FILE") { Description = "CSV file of reports: docs/formats/report-csv.md" };
        var big5 = new Option<bool>("--big5") { Description = "The file is Big5 大五碼; without it: UTF-8" };
        var into = new Option<string>("--results") { Description = "CSV file for what becomes of each row; one of a run that was cut is gone on with", Required = true };
        var json = new Option<bool>("--json") { Description = "Print the totals as one JSON object" };
        var import = new CommandWithExamples(
            "import", "Hand in a file of reports; exit code 0: every row was taken, 1: some were not, or the exchange was lost. Run it again after a cut: nothing is reported twice",
            """
            safetynet report import reports.csv --results results.csv
            safetynet report import reports-big5.csv --big5 --results results.csv --as tpe-edu --unit tpe-school
            """)
        {
            file, big5, into, json,
        };
        unit.AddTo(import);
        import.SetGuardedAction(async (parsed, cancellation) =>
        {
            var (context, path) = (unit.Context(parsed), parsed.GetRequiredValue(into));
            var by = $"{context.Actor.UnitId} {context.Actor.PersonId}";
            using var reports = ReportFile.Open(parsed.GetRequiredValue(file), parsed.GetValue(big5));
            using var channel = unit.Connect(parsed);
            using var results = ReportResults.Open(path, reports, by);
            var before = results.All.Count();
            await Terminal.Error.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).StartAsync(async progress =>
            {
                var task = progress.AddTask("handing in", maxValue: Math.Max(1, reports.Rows));
                await new ReportImport(channel.Reports, context, reports, results, by).RunAsync(
                    done =>
                    {
                        task.Value = done;
                        task.Description = $"handing in {done} of {reports.Rows}";
                    },
                    cancellation);
                task.Value = task.MaxValue;
            });
            results.Finish();
            return Tell(results, reports, before, path, parsed.GetValue(json));
        });
        return import;
    }

    private static int Tell(ReportResults results, ReportFile file, int before, string path, bool json)
    {
        var (all, taken) = (results.All.ToList(), results.All.Count(result => result.IsTaken));
        var refused = all.Count - taken;
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new
            {
                sha256 = Convert.ToHexStringLower([.. file.Hash]), rows = file.Rows, taken, takenBefore = before, refused, results = path,
            }));
        }
        else
        {
            Terminal.Output.MarkupLineInterpolated($"[{(taken == file.Rows ? "green" : "yellow")}]{taken} of {file.Rows} reports taken 已收案{(before > 0 ? $", {before} of them in an earlier run" : "")}; {refused} refused 退回.[/]");
            foreach (var group in all.Where(result => !result.IsTaken).GroupBy(result => (result.Reason, result.Field)).OrderByDescending(group => group.Count()).Take(MostReasons))
            {
                var lines = string.Join(", ", group.Take(5).Select(result => result.Line)) + (group.Count() > 5 ? ", ..." : "");
                Terminal.Output.MarkupLineInterpolated($"  {group.Count(),6}  {group.Key.Reason}{(group.Key.Field.Length > 0 ? " " + group.Key.Field : "")}: line {lines}");
            }

            Terminal.Output.MarkupLineInterpolated($"[grey]What became of each row: {path}[/]");
        }

        return refused == 0 ? 0 : 1;
    }
}
