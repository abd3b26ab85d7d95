using System.CommandLine;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet report</c>: reports from both sides, those who hand them in and the duty officers (值班人員) at the desk.</summary>
internal static class ReportCommand
{
    private const int PageSize = 500;

    public static Command Create() => new("report", "Reports 通報: hand them in, one or a file of them; screen, dispatch and close them at the desk; tell of the first contact")
    {
        List(), Show(), ReportDeskCommands.Screen(), ReportDeskCommands.Dispatch(), ReportDeskCommands.Recall(), ReportDeskCommands.Close(),
        ReportWorkCommands.Contact(), ReportWorkCommands.Capacity(), ReportWorkCommands.Submit(), ReportImportCommand.Create(),
    };

    /// <summary>The argument that names a report.</summary>
    public static Argument<string> IdArgument() => new("ID") { Description = "Id of the report, as `report list` shows it" };

    private static CommandWithExamples List()
    {
        var unit = UnitOptions.OfDesk();
        var state = new Option<string?>("--state") { Description = "Only in a state, e.g. RECEIVED, SCREENED, OFFERED" };
        var protective = new Option<bool>("--protective") { Description = "Only protective ones" };
        var limit = new Option<int>("--limit") { Description = "Most reports; 0: all", DefaultValueFactory = _ => 100 };
        var json = new Option<bool>("--json") { Description = "One report one line, as JSON" };
        var list = new CommandWithExamples(
            "list", "The desk of a screening centre, oldest first; of any other unit what it handed in",
            """
            safetynet report list --state RECEIVED
            safetynet report list --protective --json
            safetynet report list --as tpe-edu --unit tpe-school --purpose SERVICE_DELIVERY
            """)
        {
            state, protective, limit, json,
        };
        unit.AddTo(list);
        list.SetGuardedAction(async (parsed, cancellation) =>
        {
            var request = new Wire.ListReportsRequest { Context = unit.Context(parsed), ProtectiveOnly = parsed.GetValue(protective), PageSize = PageSize };
            if (parsed.GetValue(state) is { } code) request.State = ContractCodes.Parse<Wire.ReportState>(code);
            var most = parsed.GetValue(limit) is > 0 and var given ? given : int.MaxValue;
            using var channel = unit.Connect(parsed);
            var found = new List<Wire.ReportLine>();
            do
            {
                var page = await channel.Reports.ListReportsAsync(request, cancellationToken: cancellation);
                found.AddRange(page.Reports);
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0 && found.Count < most);
            var isMore = found.Count > most || request.PageToken.Length > 0;
            if (found.Count > most) found.RemoveRange(most, found.Count - most);
            if (!parsed.GetValue(json)) ReportView.ShowList(found, isMore);
            else
                foreach (var report in found) Console.Out.WriteLine(Google.Protobuf.JsonFormatter.Default.Format(report));
            return 0;
        });
        return list;
    }

    private static CommandWithExamples Show()
    {
        var unit = UnitOptions.OfDesk();
        var (id, json) = (IdArgument(), OfficerAnswers.JsonOption());
        var show = new CommandWithExamples(
            "show", "A report as the acting unit may see it",
            """
            safetynet report show 0199...
            safetynet report show 0199... --as tpe-edu --unit tpe-school --purpose SERVICE_DELIVERY
            """)
        {
            id, json,
        };
        unit.AddTo(show);
        show.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.Reports.GetReportAsync(new Wire.GetReportRequest { Context = unit.Context(parsed), ReportId = parsed.GetRequiredValue(id) }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => ReportView.Show(answer.Report, answer.Disclosure));
        });
        return show;
    }
}
