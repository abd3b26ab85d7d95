using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Lays cases, plans, caseloads and visits out for reading: Chinese terms beside the codes, days and times of Taiwan.</summary>
internal static class CaseView
{
    private static readonly Style Late = new(Color.Red);

    public static void Show(Wire.Case one, Wire.Disclosure? disclosure)
    {
        var lines = ReportView.Lines();
        ReportView.Row(lines, "case", one.CaseId);
        ReportView.Row(lines, "state 狀態", ContractCodes.BothOf(one.State));
        ReportView.Row(lines, "own part", ContractCodes.BothOf(one.OwnRole));
        ReportView.Row(lines, "opened", one.OpenedAt is { } opened ? ReportView.Minute(opened) : "");
        foreach (var subject in one.Subjects) ReportView.Row(lines, "subject 對象", $"{subject.Name} {subject.BirthDate}".Trim());
        foreach (var part in one.Participants) ReportView.Row(lines, ContractCodes.ChineseOf(part.Role), $"{part.UnitId} since {ReportView.Minute(part.Since)}");
        ReportView.Row(lines, "etag", one.Etag);
        Terminal.Output.Write(lines);
        if (disclosure is { WithheldClasses.Count: > 0 })
            Terminal.Output.MarkupLineInterpolated($"[grey]Not shown to this unit 不予揭露: {string.Join(' ', disclosure.WithheldClasses.Select(withheld => ContractCodes.ChineseOf(withheld)))}. Why: safetynet explain {disclosure.DecisionId}[/]");
    }

    public static void ShowPlan(List<Wire.ServiceGoal> goals)
    {
        var table = ReportView.TableOf("owner", "state", "target");
        table.AddColumn(new TableColumn("goal"));
        foreach (var goal in goals)
        {
            var text = goal.Content is { } content ? string.Join('\n', content.Progress.Select(entry => $"{ReportView.Minute(entry.WrittenAt)} {entry.Text}").Prepend(content.Text)) : "不予揭露 not shown to this unit";
            table.AddRow(
                new Text($"{goal.OwnerUnitId}{(goal.Own ? "\n本單位 own" : "")}"), new Text(ContractCodes.BothOf(goal.State)), new Text(goal.TargetDate),
                new Text(text, goal.Content is null ? new Style(Color.Grey) : Style.Plain));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{goals.Count} goals.[/]");
    }

    public static void ShowCaseload(Wire.GetCaseloadResponse answer)
    {
        var table = ReportView.TableOf("worker", "profession", "cases", "target", "");
        foreach (var load in answer.Workers)
        {
            table.AddRow(
                new Text(load.WorkerPersonId), new Text(load.CaseloadRole == default ? "-" : ContractCodes.BothOf(load.CaseloadRole)), new Text($"{load.OpenCases}"),
                new Text(load.Target > 0 ? $"{load.Target}" : "-"), new Text(load.OverTarget ? "超量 over target" : "", Late));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{answer.Workers.Count} workers; {answer.UnassignedCases} cases are nobody's: safetynet case assign CASE --worker NUMBER[/]");
    }

    public static void ShowVisits(List<Wire.Visit> visits)
    {
        var table = ReportView.TableOf("planned", "state", "worker", "protocol", "not found", "visit");
        foreach (var visit in visits)
        {
            table.AddRow(
                new Text(visit.PlannedOn, visit.Overdue ? Late : Style.Plain), new Text(visit.Overdue ? "逾期 overdue" : ContractCodes.BothOf(visit.State), visit.Overdue ? Late : Style.Plain),
                new Text(visit.WorkerPersonId.Length > 0 ? visit.WorkerPersonId : "-"), new Text(visit.Protocol.Length > 0 ? visit.Protocol : "-"), new Text($"{visit.Attempts}"),
                new Text($"{visit.VisitId}\ncase {visit.CaseId}"));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{visits.Count} visits, the earliest first; {visits.Count(visit => visit.Overdue)} overdue. Days of Taiwan.[/]");
    }
}
