using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Lays agendas and tracked items out for reading: Chinese terms beside the codes, days and times of Taiwan.</summary>
internal static class ConferenceView
{
    private const string Withheld = "不予揭露 not shown to this unit";

    private static readonly Style Late = new(Color.Red), Grey = new(Color.Grey);

    public static void ShowAgenda(Wire.PreRead one, Wire.Disclosure? disclosure)
    {
        var lines = ReportView.Lines();
        ReportView.Row(lines, "conference", one.ConferenceId);
        ReportView.Row(lines, "level 層級", ContractCodes.BothOf(one.Level));
        ReportView.Row(lines, "meets", ReportView.Minute(one.MeetingAt));
        ReportView.Row(lines, "case", one.CaseId);
        ReportView.Row(lines, "why 提報事由", one.Ground == default ? Withheld : $"{ContractCodes.BothOf(one.Ground)}\n{one.Statement}");
        foreach (var indicator in one.Indicators) ReportView.Row(lines, "indicator 指標", ContractCodes.BothOf(indicator));
        foreach (var extract in one.Extracts) ReportView.Row(lines, extract.UnitId, $"{ReportView.Minute(extract.SubmittedAt)} {extract.Content?.Text ?? Withheld}");
        foreach (var missing in one.MissingUnitIds) ReportView.Row(lines, missing, "尚未提供 nothing yet");
        Terminal.Output.Write(lines);
        ShowItems([.. one.Items]);
        if (disclosure is { WithheldClasses.Count: > 0 })
            Terminal.Output.MarkupLineInterpolated($"[grey]Not shown to this unit 不予揭露: {string.Join(' ', disclosure.WithheldClasses.Select(withheld => ContractCodes.ChineseOf(withheld)))}. Why: safetynet explain {disclosure.DecisionId}[/]");
    }

    public static void ShowItems(IReadOnlyList<Wire.TrackedItem> items)
    {
        var table = ReportView.TableOf("due", "state", "owner", "level");
        table.AddColumn(new TableColumn("item"));
        foreach (var item in items)
        {
            var told = item.Moves.Where(move => move.Text is not null).Select(move => $"{ReportView.Minute(move.MovedAt)} {ContractCodes.ChineseOf(move.Action)} {move.Text.Text}");
            table.AddRow(
                new Text(item.DueDate, item.Overdue ? Late : Style.Plain), new Text(item.Overdue ? "逾期 overdue" : ContractCodes.BothOf(item.State), item.Overdue ? Late : Style.Plain),
                new Text($"{item.OwnerUnitId}{(item.Own ? "\n本單位 own" : "")}"), new Text($"{ContractCodes.BothOf(item.Level)}{(item.TimesCarriedOver > 0 ? $"\n賡續列管 {item.TimesCarriedOver}" : "")}"),
                new Text(string.Join('\n', told.Prepend(item.Deed?.Text ?? Withheld).Append(item.ItemId)), item.Deed is null ? Grey : Style.Plain));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{items.Count} items, the earliest first; {items.Count(item => item.Overdue)} overdue. Days of Taiwan.[/]");
    }
}
