using System.Globalization;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Lays reports out for duty officers: Chinese terms beside the codes, times of Taiwan.</summary>
internal static class ReportView
{
    public static void ShowList(List<Wire.ReportLine> reports, bool isMore)
    {
        var table = TableOf("number", "state", "class", "", "received", "lead unit");
        foreach (var report in reports)
        {
            table.AddRow(
                new Text($"{report.ReceiptNumber}\n{report.ReportId}"), new Text(ContractCodes.BothOf(report.State), StyleOf(report.State)), new Text(ClassOf(report.ReportClass)),
                new Text($"{(report.Protective ? "保護 protective" : "")}{(report.ActionRequired ? "\n待辦 action" : "")}".Trim(), new Style(Color.Red)), new Text(Minute(report.ReceivedAt)),
                new Text(report.LeadUnitId.Length > 0 ? report.LeadUnitId : "-"));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{reports.Count} reports, oldest first{(isMore ? "; there are more, see --limit and --state" : "")}. Times of Taiwan. One of them: safetynet report show ID; next: safetynet report screen ID[/]");
    }

    public static void ShowReceipt(Wire.ReportReceipt receipt)
    {
        var lines = Lines();
        Row(lines, "receipt 收據", receipt.ReceiptNumber);
        Row(lines, "id", receipt.ReportId);
        Row(lines, "received", OfficerAnswers.Time(receipt.ReceivedAt));
        Row(lines, "at", receipt.IntakeUnitId);
        foreach (var action in receipt.RequiredActions) Row(lines, "to do 待辦", ContractCodes.BothOf(action.Kind));
        foreach (var referral in receipt.ReferralIds) Row(lines, "referral", referral);
        Terminal.Output.Write(lines);
    }

    /// <summary>Where a report stands after a move, in few lines.</summary>
    public static void ShowMove(Wire.Report report)
    {
        Terminal.Output.MarkupLineInterpolated($"[green]{report.ReceiptNumber}[/] is {ContractCodes.BothOf(report.State)}, class {ClassOf(report.ReportClass)}{(report.Protective ? ", 保護 protective" : "")}");
        if (report.FirstReportId.Length > 0) Terminal.Output.MarkupLineInterpolated($"duplicate of {report.FirstReportId}");
        if (report.Offers.Count > 0) ShowOffers(report);
    }

    public static void Show(Wire.Report report, Wire.Disclosure? disclosure)
    {
        var lines = Lines();
        Row(lines, "receipt 收據", report.ReceiptNumber);
        Row(lines, "id", report.ReportId);
        Row(lines, "state 狀態", ContractCodes.BothOf(report.State));
        Row(lines, "class 分類", ClassOf(report.ReportClass));
        Row(lines, "", report.Protective ? "保護 protective" : "");
        Row(lines, "received", $"{OfficerAnswers.Time(report.ReceivedAt)} of {report.SubmittedByUnitId}, at {report.IntakeUnitId}");
        Row(lines, "duplicate of", report.FirstReportId);
        Row(lines, "lead unit 主責", report.LeadUnitId);
        Row(lines, "first contact", report.FirstContactAt is { } met ? OfficerAnswers.Time(met) : "");
        Row(lines, "not opened", report.NotOpenedReason == default ? "" : ContractCodes.BothOf(report.NotOpenedReason));
        foreach (var action in report.RequiredActions)
            Row(lines, "to do 待辦", $"{ContractCodes.BothOf(action.Kind)}, since {Minute(action.Since)}{(action.DoneAt is { } done ? $", done {Minute(done)}" : "")}");
        Terminal.Output.Write(lines);
        if (report.Content is { } content) ShowContent(content);
        if (report.Offers.Count > 0) ShowOffers(report);
        ShowMoves(report);
        if (disclosure is { WithheldClasses.Count: > 0 })
            Terminal.Output.MarkupLineInterpolated($"[grey]Not shown to this unit 不予揭露: {string.Join(' ', disclosure.WithheldClasses.Select(one => ContractCodes.ChineseOf(one)))}. Why: safetynet explain {disclosure.DecisionId}[/]");
    }

    public static Table TableOf(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        foreach (var column in columns) table.AddColumn(new TableColumn(column).NoWrap());
        return table;
    }

    public static void Row(Grid lines, string label, string value)
    {
        if (value.Length > 0) lines.AddRow(new Markup(label, new Style(Color.Grey)), new Text(value));
    }

    public static Grid Lines() => new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();

    public static string Codes<T>(IEnumerable<T> codes)
        where T : struct, Enum => string.Join(", ", codes.Select(code => ContractCodes.BothOf(code)));

    public static string Minute(Google.Protobuf.WellKnownTypes.Timestamp at) => OfficerAnswers.Time(at)[..^3];

    private static void ShowContent(Wire.ReportContent content)
    {
        var lines = Lines();
        Row(lines, "from 來源", content.SourceSystem == default ? "" : $"{ContractCodes.BothOf(content.SourceSystem)}, {ContractCodes.BothOf(content.Kind)}");
        Row(lines, "reported", content.ReportedAt is { } at ? Minute(at) : "");
        if (content.Reporter is { } by && by.CalculateSize() > 0)
            Row(lines, "reporter 通報人", string.Join(", ", ((string[])[ContractCodes.BothOf(by.Kind), by.Name, by.Phone, by.Organization]).Where(part => part.Length > 0)));
        foreach (var subject in content.Subjects.Where(subject => subject.CalculateSize() > 0))
        {
            Row(lines, subject.Relation == default ? "person 對象" : ContractCodes.BothOf(subject.Relation),
                string.Join(", ", ((string[])[subject.Name, subject.NationalId, subject.BirthDate, subject.Phone, subject.Address]).Where(part => part.Length > 0)));
        }

        Row(lines, "problems 問題", Codes(content.Problems));
        Row(lines, "risk 風險", Codes(content.RiskFacts));
        Row(lines, "needs 需求", Codes(content.Needs));
        Row(lines, "care level", content.PsychiatricCareLevel > 0 ? content.PsychiatricCareLevel.ToString(CultureInfo.InvariantCulture) : "");
        Row(lines, "district 行政區", content.District);
        Row(lines, "school 學校", content.SchoolUnitId);
        Row(lines, "answers", content.AnswersReportId);
        foreach (var fact in content.Facts) Row(lines, ContractCodes.ChineseOf(fact.ConfidentialityClass), fact.Text.Length > 0 ? fact.Text : "(not shown)");
        Terminal.Output.Write(new Panel(lines).Header(" content 通報內容 ").BorderColor(Color.Grey).RoundedBorder());
    }

    private static void ShowOffers(Wire.Report report)
    {
        var table = TableOf("offered to", "referral", "state", "since");
        foreach (var offer in report.Offers)
        {
            var after = offer.NextAction == default ? "" : $"\nnext: {ContractCodes.BothOf(offer.NextAction)} {offer.ProposedUnitId}".TrimEnd();
            table.AddRow(
                new Text($"{offer.UnitId}{(offer.OverrideReason.Length > 0 ? "\n" + offer.OverrideReason : "")}"), new Text(offer.ReferralId), new Text(ContractCodes.BothOf(offer.State) + after),
                new Text(Minute(offer.OfferedAt) + (offer.Until is { } until ? $"\nuntil {Minute(until)}" : "")));
        }

        Terminal.Output.Write(table);
    }

    private static void ShowMoves(Wire.Report report)
    {
        var table = TableOf("when", "what", "by", "remark");
        foreach (var move in report.Moves)
            table.AddRow(new Text(OfficerAnswers.Time(move.MovedAt)), new Text($"{ContractCodes.ChineseOf(move.Action)} -> {ContractCodes.BothOf(move.State)}"), new Text($"{move.UnitId} {move.PersonId}".Trim()), new Text(move.Remark));
        Terminal.Output.Write(table);
    }

    private static string ClassOf(Wire.ReportClass one) => one == default ? "-" : ContractCodes.BothOf(one);

    private static Style StyleOf(Wire.ReportState state) => state switch
    {
        Wire.ReportState.Received => new Style(Color.Yellow), Wire.ReportState.Contacted => new Style(Color.Green), _ => Style.Plain,
    };
}
