using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Lays out what screening finds, so that a duty officer can class and dispatch by it.</summary>
internal static class ScreeningView
{
    public static void Show(string reportId, Wire.Screening screening, DateTimeOffset now)
    {
        ShowHistory(screening);
        ShowCandidates(screening);
        ShowSuggestions(screening, now);
        Terminal.Output.MarkupLineInterpolated($"Suggested class 建議分類: [green]{ContractCodes.BothOf(screening.SuggestedClass)}[/]");
        // Unwrapped, to be copied.
        Console.Out.WriteLine($"next: safetynet report screen {reportId} --class {ContractCodes.NameOf(screening.SuggestedClass)}");
        if (screening.Candidates.Count > 0) Console.Out.WriteLine($"or:   safetynet report screen {reportId} --class DUPLICATE --first {screening.Candidates[0].ReportId}");
        if (screening.Suggestions.Count > 0)
        {
            var one = screening.Suggestions[0];
            Console.Out.WriteLine($"then: safetynet report dispatch {reportId} --to {one.UnitId} --service ... --view {string.Join(' ', one.View.Select(c => ContractCodes.NameOf(c)))}");
        }
    }

    private static void ShowHistory(Wire.Screening screening)
    {
        var table = ReportView.TableOf("person 對象", "reports 6/12 months", "household 6/12", "open case and primary unit", "serving 服務中");
        foreach (var one in screening.History)
        {
            var open = one.OpenCaseId.Length > 0 ? $"{one.PrimaryUnitId}\n{one.OpenCaseId}" : one.HadClosedCase ? "曾結案 had a closed case" : "-";
            var serving = string.Join('\n', one.Involvements.Select(Words));
            table.AddRow(
                new Text(one.NationalId), new Text($"{one.Person6Months} / {one.Person12Months}"), new Text($"{one.Household6Months} / {one.Household12Months}"), new Text(open),
                new Text(serving.Length > 0 ? serving : "-"));
        }

        Terminal.Output.Write(table);
    }

    private static string Words(Wire.Involvement one) =>
        one.UnitId.Length > 0 ? $"{one.UnitId} {one.ContactWindow}{(one.Primary ? " 主責" : "")}".Trim()
        : one.AgencyKind != default ? $"{ContractCodes.ChineseOf(one.AgencyKind)} {one.ContactWindow}".Trim() : ContractCodes.BothOf(one.Grade);

    private static void ShowCandidates(Wire.Screening screening)
    {
        if (screening.Candidates.Count == 0)
        {
            Terminal.Output.MarkupLine("[grey]No earlier report that may be the same 無疑似重複通報[/]");
            return;
        }

        var table = ReportView.TableOf("may be the same 疑似重複", "received", "state", "because");
        foreach (var one in screening.Candidates)
        {
            table.AddRow(
                new Text($"{one.ReceiptNumber}\n{one.ReportId}"), new Text(ReportView.Minute(one.ReceivedAt)), new Text(ContractCodes.BothOf(one.State)),
                new Text(string.Join('\n', one.Reasons.Select(reason => ContractCodes.BothOf(reason)))));
        }

        Terminal.Output.Write(table);
    }

    private static void ShowSuggestions(Wire.Screening screening, DateTimeOffset now)
    {
        if (screening.Suggestions.Count == 0)
        {
            Terminal.Output.MarkupLine("[yellow]No rule suggests a unit 無派案建議; dispatch needs --override-reason[/]");
            return;
        }

        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey).AddColumn(new TableColumn("suggested 派案建議").NoWrap()).AddColumn(new TableColumn("because").Width(44)).AddColumn("capacity 量能")
            .AddColumn("may be shown");
        foreach (var one in screening.Suggestions)
        {
            table.AddRow(
                new Text($"{one.UnitId}\n{one.RuleId}{(one.ServesDistrict ? "\n服務該行政區 serves the district" : "")}"), new Text($"{one.ReasonZh}\n{one.ReasonEn}"),
                new Text(one.CapacityStated ? $"{one.OpenPlaces}\n{AgeOf(now - one.CapacityStatedAt.ToDateTimeOffset())}" : "not stated 未填報", one is { CapacityStated: true, OpenPlaces: 0 } ? new Style(Color.Red) : Style.Plain),
                new Text(string.Join(' ', one.View.Select(c => ContractCodes.ChineseOf(c)))));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]Triage rules of revision {screening.TriageRevision}. They suggest; a person decides.[/]");
    }

    private static string AgeOf(TimeSpan age) => age < TimeSpan.FromMinutes(1) ? "just now" : age < TimeSpan.FromHours(1) ? $"{age.Minutes} min ago" : age < TimeSpan.FromDays(2) ? $"{(int)age.TotalHours} h ago" : $"{age.Days} days ago";
}
