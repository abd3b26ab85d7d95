using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet clocks</c>: what a unit has to do until when.</summary>
internal static class ClocksCommand
{
    private const int PageSize = 500;

    public static Command Create()
    {
        var clocks = new Command("clocks", "Time limits of a unit (時限)");
        clocks.Subcommands.Add(CreateList());
        return clocks;
    }

    private static CommandWithExamples CreateList()
    {
        var unit = new UnitOptions();
        var of = new Option<string?>("--of") { Description = "Unit whose time limits are listed, where the asking one supervises it; unset: its own" };
        var kind = new Option<string?>("--kind") { Description = "Only of a kind, e.g. REFERRAL_ACCEPTANCE" };
        var stopped = new Option<DateTimeOffset?>("--stopped-since") { Description = "Those that stopped since this instant, in place of those that run, e.g. 2026-11-01T00:00+08:00" };
        var json = new Option<bool>("--json") { Description = "One clock one line, as JSON" };
        var list = new CommandWithExamples(
            "list", "What a unit has to do until when, soonest first, and what is likely to be late",
            """
            safetynet clocks list
            safetynet clocks list --as tpe-edu --unit tpe-school --json
            """)
        {
            of, kind, stopped, json,
        };
        unit.AddTo(list);
        list.SetGuardedAction(async (parsed, cancellation) =>
        {
            var request = new Wire.ListClocksRequest { Context = unit.Context(parsed), UnitId = parsed.GetValue(of) ?? "", PageSize = PageSize };
            if (parsed.GetValue(kind) is { } code) request.Kind = ContractCodes.Parse<Wire.ClockKind>(code);
            if (parsed.GetValue(stopped) is { } since) request.StoppedSince = Timestamp.FromDateTimeOffset(since);
            using var channel = unit.Connect(parsed);
            var found = await TakeAsync(channel, request, cancellation);
            if (!parsed.GetValue(json)) Show(found);
            else
                foreach (var clock in found) Console.Out.WriteLine(JsonFormatter.Default.Format(clock));
            return 0;
        });
        return list;
    }

    private static async Task<List<Wire.Clock>> TakeAsync(ExchangeChannel channel, Wire.ListClocksRequest request, CancellationToken cancellation)
    {
        var found = new List<Wire.Clock>();
        do
        {
            var page = await channel.Clocks.ListClocksAsync(request, cancellationToken: cancellation);
            found.AddRange(page.Clocks);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return found;
    }

    private static void Show(List<Wire.Clock> clocks)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        foreach (var column in (string[])["due", "left", "what", "for", "told"]) table.AddColumn(new TableColumn(column).NoWrap());
        foreach (var clock in clocks)
        {
            var style = clock.Forecast switch
            {
                Wire.ClockForecast.Overdue => new Style(Color.Red), Wire.ClockForecast.AtRisk => new Style(Color.Yellow), _ => Style.Plain,
            };
            var ends = clock.StoppedAt is { } at ? $"stopped {Local(at)}" : ContractCodes.ChineseOf(clock.Forecast);
            table.AddRow(
                new Text(Local(clock.DueAt)), new Text($"{Left(clock)}\n{ends}", style), new Text($"{ContractCodes.ChineseOf(clock.Kind)}\n{clock.Profile}"), new Text(clock.Resource),
                new Text($"{clock.Steps.Count(step => step.Told)} of {clock.Steps.Count}"));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{clocks.Count} time limits. Times of Taiwan; what is left is in office hours where it says so.[/]");
    }

    private static string Left(Wire.Clock clock)
    {
        var minutes = Math.Abs(clock.MinutesLeft);
        return $"{(clock.MinutesLeft < 0 ? "over by " : "")}{minutes / 60} h {minutes % 60:00} min{(clock.WorkingTime ? " of office hours" : "")}";
    }

    private static string Local(Timestamp at) => $"{at.ToDateTimeOffset().ToOffset(TimeSpan.FromHours(8)):yyyy-MM-dd HH:mm}";
}
