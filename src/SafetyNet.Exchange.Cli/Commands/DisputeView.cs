using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Lays disputes over the lead out for reading: Chinese terms beside the codes, times of Taiwan.</summary>
internal static class DisputeView
{
    public static void ShowList(List<Wire.LeadDisputeLine> disputes)
    {
        var table = ReportView.TableOf("dispute", "state", "opened", "");
        foreach (var one in disputes)
        {
            table.AddRow(
                new Text($"{one.DisputeId}\nreport {one.ReportId}"), new Text(ContractCodes.BothOf(one.State)), new Text(ReportView.Minute(one.OpenedAt)),
                new Text(one.ToBeRuled ? "待本單位裁定\nyours to rule" : "", new Style(Color.Red)));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{disputes.Count} disputes, oldest first. Times of Taiwan. One of them: safetynet dispute show ID; rule: safetynet dispute decide ID --lead UNIT ...[/]");
    }

    public static void Show(Wire.LeadDispute dispute)
    {
        var lines = ReportView.Lines();
        ReportView.Row(lines, "dispute", dispute.DisputeId);
        ReportView.Row(lines, "report", dispute.ReportId);
        ReportView.Row(lines, "state 狀態", dispute.State == default ? "" : ContractCodes.BothOf(dispute.State));
        ReportView.Row(lines, "interim lead", dispute.InterimLeadUnitId);
        ReportView.Row(lines, "proposed", dispute.ProposedUnitId);
        ReportView.Row(lines, "cites", dispute.RuleId);
        ReportView.Row(lines, "arbiter 裁定", dispute.ArbiterUnitId);
        ReportView.Row(lines, "opened", dispute.OpenedAt is { } opened ? ReportView.Minute(opened) : "");
        ReportView.Row(lines, "statement 主張", dispute.Statement);
        foreach (var ruling in dispute.Rulings)
        {
            ReportView.Row(lines, "ruled", $"{ruling.LeadUnitId} leads, by {ruling.RuleId}; {ContractCodes.BothOf(ruling.Level)}, {ReportView.Minute(ruling.RuledAt)}");
            ReportView.Row(lines, "principle", ruling.Principle);
            ReportView.Row(lines, "grounds 理由", ruling.Grounds);
        }

        ReportView.Row(lines, "appeal 申訴", dispute.AppealedAt is { } appealed ? $"{dispute.AppealedByUnitId}, {ReportView.Minute(appealed)}" : "");
        ReportView.Row(lines, "", dispute.AppealStatement);
        ReportView.Row(lines, "handover", dispute.Handover == default ? "" : $"{ContractCodes.BothOf(dispute.Handover)} {dispute.HandoverReferralId}");
        Terminal.Output.Write(lines);
    }

    public static void ShowPrecedents(IReadOnlyCollection<Wire.Precedent> precedents, bool isMore)
    {
        var table = ReportView.TableOf("ruled", "rule", "lead", "level");
        table.AddColumn(new TableColumn("principle"));
        foreach (var one in precedents)
        {
            var kinds = $"{ContractCodes.ChineseOf(one.FromUnitKind)} → {ContractCodes.ChineseOf(one.ToUnitKind)}\n{(one.LeadChanges ? "變更 changes" : "維持 stays")}";
            table.AddRow(
                new Text(ReportView.Minute(one.RuledAt)), new Text(string.Equals(one.RuleId, one.CitedRuleId, StringComparison.Ordinal) ? one.RuleId : $"{one.RuleId}\ncited {one.CitedRuleId}"),
                new Text(kinds), new Text($"{ContractCodes.ChineseOf(one.Level)}{(one.Overruled ? "\n已改判 overruled" : "")}"), new Text(one.Principle));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{precedents.Count} rulings, newest first{(isMore ? "; there are more, see --limit, --rule and --unit-kind" : "")}.[/]");
    }
}
