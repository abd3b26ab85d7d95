using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit viewers</c>: which units could have seen a person's data, whether or not they looked.</summary>
internal static class AuditViewersCommand
{
    public static Command Create()
    {
        var officer = new OfficerOptions();
        var after = new Option<DateTimeOffset?>("--after") { Description = "From this instant on, e.g. 2026-11-01T00:00+08:00" };
        var before = new Option<DateTimeOffset?>("--before") { Description = "Until this instant, exclusive" };
        var json = new Option<bool>("--json") { Description = "One unit and ground one line, as JSON" };
        var viewers = new CommandWithExamples(
            "viewers", "Units that could have seen a person's data in an interval, by what, which classes, and how often they looked; the national id is read from standard input",
            """
            echo A123456789 | safetynet audit viewers --after 2026-11-01T00:00+08:00
            """)
        {
            after, before, json,
        };
        officer.AddTo(viewers);
        viewers.SetGuardedAction(async (parsed, cancellation) =>
        {
            var request = new Wire.ListPossibleViewersRequest { Context = officer.Context(parsed), NationalId = (await Console.In.ReadLineAsync(cancellation))?.Trim() ?? "" };
            if (parsed.GetValue(after) is { } from) request.After = Timestamp.FromDateTimeOffset(from);
            if (parsed.GetValue(before) is { } to) request.Before = Timestamp.FromDateTimeOffset(to);
            using var channel = officer.Connect(parsed);
            var found = await channel.Audit.ListPossibleViewersAsync(request, cancellationToken: cancellation);
            if (parsed.GetValue(json))
            {
                foreach (var viewer in found.Viewers) Console.Out.WriteLine(JsonFormatter.Default.Format(viewer));
                return 0;
            }

            Show(found);
            return 0;
        });
        return viewers;
    }

    private static void Show(Wire.ListPossibleViewersResponse found)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        foreach (var column in (string[])["unit", "by", "from, until"]) table.AddColumn(new TableColumn(column).NoWrap());
        foreach (var column in (string[])["could see", "looked"]) table.AddColumn(new TableColumn(column));
        foreach (var viewer in found.Viewers)
        {
            table.AddRow(
                new Text($"{viewer.UnitId}\n{viewer.AgencyCode}"), new Text($"{ContractCodes.BothOf(viewer.Ground)}\n{viewer.Resource}"),
                new Text($"{Local(viewer.Since)}\n{(viewer.Until is { } until ? Local(until) : "open")}"),
                new Text(viewer.Classes.Count == 0 ? "-" : string.Join(' ', viewer.Classes.Select(one => ContractCodes.ChineseOf(one)))),
                new Text(viewer.Accesses == 0 ? "-" : $"{viewer.Accesses}", viewer.Accesses == 0 ? Style.Plain : new Style(Color.Yellow)));
        }

        if (found.Viewers.Count > 0) Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated(
            $"[grey]{found.Viewers.Count} relationships{(found.Incomplete ? ", and more: ask for a shorter interval" : "")}. Classes by policy revision {found.PolicyRevision}. Times of Taiwan. What they looked at: safetynet audit search --subject {found.Pseudonym}[/]");
    }

    private static string Local(Timestamp at) => $"{at.ToDateTimeOffset().ToOffset(TimeSpan.FromHours(8)):yyyy-MM-dd HH:mm}";
}
