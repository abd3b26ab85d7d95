using System.Globalization;
using System.Text.Json;
using SafetyNet.Exchange.Bench.Measures;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench;

/// <summary>The findings for people; <see cref="Json"/> for programs.</summary>
internal static class Report
{
    private const int WidthOfAFile = 130;

    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static IAnsiConsole Terminal(TextWriter writer)
    {
        var toFile = ReferenceEquals(writer, Console.Error) ? Console.IsErrorRedirected : Console.IsOutputRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = toFile ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = toFile ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = toFile ? InteractionSupport.No : InteractionSupport.Detect,
        });
        if (toFile) console.Profile.Width = WidthOfAFile;
        return console;
    }

    public static void Print(Findings findings, IAnsiConsole console)
    {
        console.Write(new Rule("[bold]SafetyNet.Exchange[/] against bare baselines, one run").LeftJustified());
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"""
            {findings.Persons:N0} persons; {findings.Rounds} rounds of {findings.Seconds} s; {findings.Connections} connections with {findings.InFlight} calls in flight each; every answer checked
            {findings.Processors} processors shared with the load, load average {findings.Load}; flush p50 {findings.FlushMicros:N0} µs; request {findings.RequestBytes} B, answer {findings.AnswerBytes} B, row {findings.RowBytes} B
            """);
        console.Write(Cases(findings));
        console.Write(Figures(findings));
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"{findings.Audit.Answers:N0} answers of the exchange, {findings.Audit.Records:N0} records in its logs: {(findings.Audit.IsEven ? "each answer has its record" : "THEY DIFFER")}");
    }

    private static Table Cases(Findings findings)
    {
        var table = new Table().RoundedBorder().AddColumn("case, medians of the rounds");
        foreach (var column in (string[])["calls/s", "p50 µs", "p99 µs", "server CPU µs/call", "bytes/call", "flushes/call"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var rounds in findings.Samples.GroupBy(s => s.Case, StringComparer.Ordinal))
        {
            table.AddRow(Markup.Escape(rounds.Key), Text(rounds, s => s.Rate), Text(rounds, s => s.P50Micros), Text(rounds, s => s.P99Micros),
                Text(rounds, s => s.CpuMicros, "N1"), Text(rounds, s => s.AllocatedBytes), Text(rounds, s => s.Flushes, "N3"));
        }

        return table;
    }

    private static Table Figures(Findings findings)
    {
        var table = new Table().RoundedBorder().AddColumn("figure").AddColumn(new TableColumn("median").RightAligned())
            .AddColumn("range; of pairs, 95 %").AddColumn("goal");
        foreach (var figure in findings.Figures)
        {
            var colour = figure.IsReached switch { true => "green", false => "yellow", null => "default" };
            table.AddRow(Markup.Escape(figure.Name), $"[{colour}]{Number(figure.Value.Median)}[/]", $"{Number(figure.Value.Low)} to {Number(figure.Value.High)}",
                figure.Goal is { } goal ? $"{(figure.IsCeiling ? "at most" : "at least")} {Number(goal)}" : "");
        }

        return table;
    }

    private static string Text(IEnumerable<Sample> rounds, Func<Sample, double> value, string format = "N0") =>
        Spread.Of(rounds.Select(value)).Median.ToString(format, CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 20 ? "N0" : "N2", CultureInfo.InvariantCulture);
}
