using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>What a screening centre does with a report: <c>safetynet report screen</c>, <c>dispatch</c>, <c>recall</c>, <c>close</c>.</summary>
internal static class ReportDeskCommands
{
    public static CommandWithExamples Screen()
    {
        var (unit, id, json, remark) = (UnitOptions.OfDesk(), ReportCommand.IdArgument(), OfficerAnswers.JsonOption(), Remark());
        var code = new Option<string?>("--class") { Description = "Class it: NEW, DUPLICATE, INVALID, ERRONEOUS or RE_REPORT; without it: what is known of the family, and who is suggested" };
        var first = new Option<string?>("--first") { Description = "Report that it is a duplicate of" };
        var screen = new CommandWithExamples(
            "screen", "Screen a report 篩案: look at what is known, then class it",
            """
            safetynet report screen 0199...
            safetynet report screen 0199... --class NEW
            safetynet report screen 0199... --class DUPLICATE --first 0198...
            """)
        {
            id, code, first, remark, json,
        };
        unit.AddTo(screen);
        screen.SetGuardedAction(async (parsed, cancellation) =>
        {
            var (reportId, context) = (parsed.GetRequiredValue(id), unit.Context(parsed));
            if (parsed.GetValue(code) is null && (parsed.GetValue(first) ?? parsed.GetValue(remark)) is not null) throw new CommandFailedException("--first and --remark go with --class.");
            using var channel = unit.Connect(parsed);
            if (parsed.GetValue(code) is not { } given)
            {
                var found = await channel.Reports.GetScreeningAsync(new Wire.GetScreeningRequest { Context = context, ReportId = reportId }, cancellationToken: cancellation);
                return OfficerAnswers.Write(parsed, json, found, () => ScreeningView.Show(reportId, found.Screening, TimeProvider.System.GetUtcNow()));
            }

            var answer = await channel.Reports.ScreenReportAsync(
                new Wire.ScreenReportRequest
                {
                    Context = context, RequestId = OfficerAnswers.NewRequestId(), ReportId = reportId, ReportClass = ContractCodes.Parse<Wire.ReportClass>(given),
                    FirstReportId = parsed.GetValue(first) ?? "", Remark = parsed.GetValue(remark) ?? "",
                },
                cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => ReportView.ShowMove(answer.Report));
        });
        return screen;
    }

    public static CommandWithExamples Dispatch()
    {
        var (unit, id, json, remark) = (UnitOptions.OfDesk(), ReportCommand.IdArgument(), OfficerAnswers.JsonOption(), Remark());
        var to = Several("--to", "Unit that it is offered to; of several the first that accepts has it");
        var services = Several("--service", "Service asked of each of them, e.g. CARE_VISIT");
        var view = Several("--view", "Class that the units may see, e.g. ECONOMIC; IDENTITY and CONTACT are not implied");
        var viewUntil = new Option<DateTimeOffset?>("--view-until") { Description = "When the view ends by itself" };
        var why = new Option<string?>("--override-reason") { Description = "Why not the unit that the rules suggest first; 20 characters or more" };
        var until = new Option<DateTimeOffset?>("--until") { Description = "When the offers end by themselves, e.g. 2026-11-24T17:00+08:00" };
        var dispatch = new CommandWithExamples(
            "dispatch", "Dispatch a screened report 派案 to a unit, or offer it to several",
            """
            safetynet report dispatch 0199... --to tpe-wanhua-swc --service CARE_VISIT FINANCIAL_AID --view IDENTITY CONTACT ECONOMIC
            safetynet report dispatch 0199... --to tpe-central-swc tpe-wanhua-swc --service CARE_VISIT --view IDENTITY --until 2026-11-24T17:00+08:00
            """)
        {
            id, to, services, view, viewUntil, why, until, remark, json,
        };
        unit.AddTo(dispatch);
        dispatch.SetGuardedAction(async (parsed, cancellation) =>
        {
            var request = new Wire.DispatchReportRequest
            {
                Context = unit.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), ReportId = parsed.GetRequiredValue(id), UnitIds = { parsed.GetRequiredValue(to) },
                Services = { parsed.GetRequiredValue(services).Select(ContractCodes.Parse<Wire.Article6Service>) },
                View = new Wire.SenderView { Classes = { parsed.GetRequiredValue(view).Select(ContractCodes.Parse<Wire.ConfidentialityClass>) } },
                OverrideReason = parsed.GetValue(why) ?? "", Remark = parsed.GetValue(remark) ?? "",
            };
            if (parsed.GetValue(viewUntil) is { } ends) request.View.Until = Timestamp.FromDateTimeOffset(ends);
            if (parsed.GetValue(until) is { } last) request.OfferUntil = Timestamp.FromDateTimeOffset(last);
            using var channel = unit.Connect(parsed);
            var answer = await channel.Reports.DispatchReportAsync(request, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => ReportView.ShowMove(answer.Report));
        });
        return dispatch;
    }

    public static CommandWithExamples Recall()
    {
        var (unit, id, json, remark) = (UnitOptions.OfDesk(), ReportCommand.IdArgument(), OfficerAnswers.JsonOption(), Remark());
        var recall = new CommandWithExamples("recall", "Take offers back 收回 that nobody has accepted; the report is back on the desk", "safetynet report recall 0199... --remark \"量能已滿\"") { id, remark, json };
        unit.AddTo(recall);
        recall.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.Reports.RecallReportAsync(
                new Wire.RecallReportRequest { Context = unit.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), ReportId = parsed.GetRequiredValue(id), Remark = parsed.GetValue(remark) ?? "" },
                cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => ReportView.ShowMove(answer.Report));
        });
        return recall;
    }

    public static CommandWithExamples Close()
    {
        var (unit, id, json, remark) = (UnitOptions.OfDesk(), ReportCommand.IdArgument(), OfficerAnswers.JsonOption(), Remark());
        var reason = new Option<string>("--reason") { Description = "NEED_ALREADY_MET, OTHER_LAW_APPLIES or NOT_LOCATED", Required = true };
        var close = new CommandWithExamples("close", "End a screened report that needs no service 未開案", "safetynet report close 0199... --reason NEED_ALREADY_MET --remark \"學校已提供輔導\"") { id, reason, remark, json };
        unit.AddTo(close);
        close.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.Reports.CloseReportAsync(
                new Wire.CloseReportRequest
                {
                    Context = unit.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), ReportId = parsed.GetRequiredValue(id),
                    Reason = ContractCodes.Parse<Wire.NotOpenedReason>(parsed.GetRequiredValue(reason)), Remark = parsed.GetValue(remark) ?? "",
                },
                cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => ReportView.ShowMove(answer.Report));
        });
        return close;
    }

    private static Option<string?> Remark() => new("--remark") { Description = "Remark on the move, shown to the own unit alone" };

    private static Option<string[]> Several(string name, string description) => new(name) { Description = description, Required = true, AllowMultipleArgumentsPerToken = true };
}
