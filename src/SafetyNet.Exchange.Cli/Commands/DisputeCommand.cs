using System.CommandLine;
using Google.Protobuf;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet dispute</c>: disputes over the lead (主責爭議, R-INT-9), for the units that are parties and for the arbiters.</summary>
internal static class DisputeCommand
{
    private const int PageSize = 500;

    public static Command Create() => new("dispute", "Disputes over the lead 主責爭議: open one, rule, appeal, look up what was ruled before")
    {
        List(), Show(), Open(), Decide(), Appeal(), Precedents(),
    };

    private static CommandWithExamples List()
    {
        var unit = UnitOptions.OfDesk();
        var state = new Option<string?>("--state") { Description = "Only in a state: OPEN, RULED, APPEALED or FINAL" };
        var json = new Option<bool>("--json") { Description = "One dispute one line, as JSON" };
        var list = new CommandWithExamples(
            "list", "Disputes in which the unit is party or arbiter, oldest first",
            """
            safetynet dispute list --state OPEN
            safetynet dispute list --unit tpe-wanhua-swc --purpose SERVICE_DELIVERY --basis ARTICLE_6_INTEGRATED_SERVICE
            """)
        {
            state, json,
        };
        unit.AddTo(list);
        list.SetGuardedAction(async (parsed, cancellation) =>
        {
            var request = new Wire.ListLeadDisputesRequest { Context = unit.Context(parsed), PageSize = PageSize };
            if (parsed.GetValue(state) is { } code) request.State = ContractCodes.Parse<Wire.LeadDisputeState>(code);
            using var channel = unit.Connect(parsed);
            var found = new List<Wire.LeadDisputeLine>();
            do
            {
                var page = await channel.LeadDisputes.ListLeadDisputesAsync(request, cancellationToken: cancellation);
                found.AddRange(page.Disputes);
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0);
            return WriteLines(parsed, json, found, () => DisputeView.ShowList(found));
        });
        return list;
    }

    private static CommandWithExamples Show()
    {
        var (unit, id, json) = (UnitOptions.OfDesk(), IdArgument(), OfficerAnswers.JsonOption());
        var show = new CommandWithExamples("show", "A dispute with its statements and rulings", "safetynet dispute show 0199...") { id, json };
        unit.AddTo(show);
        show.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.LeadDisputes.GetLeadDisputeAsync(new() { Context = unit.Context(parsed), DisputeId = parsed.GetRequiredValue(id) }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => DisputeView.Show(answer.Dispute));
        });
        return show;
    }

    private static CommandWithExamples Open()
    {
        var (unit, rule, json) = (UnitOptions.OfWork(), RuleOption("Rule by which another unit is to lead, e.g. TRIAGE-SINGLE-NEED or R-INT-4"), OfficerAnswers.JsonOption());
        var report = new Argument<string>("REPORT") { Description = "Report that the unit leads" };
        var propose = new Option<string>("--propose") { Description = "Unit proposed to lead", Required = true };
        var statement = StatementOption("Why, in own words; 20 characters or more");
        var open = new CommandWithExamples(
            "open", "Hold that another unit should lead; the unit leads on until that is ruled",
            "safetynet dispute open 0199... --propose tpe-protection --rule R-INT-4 --statement \"案內有保護事件，依派案規則應由保護體系主責並提供安全計畫\" --unit tpe-wanhua-swc")
        {
            report, propose, rule, statement, json,
        };
        unit.AddTo(open);
        open.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.LeadDisputes.OpenLeadDisputeAsync(
                new Wire.OpenLeadDisputeRequest
                {
                    Context = unit.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), ReportId = parsed.GetRequiredValue(report),
                    RuleId = parsed.GetRequiredValue(rule), ProposedUnitId = parsed.GetRequiredValue(propose), Statement = parsed.GetRequiredValue(statement),
                },
                cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => DisputeView.Show(answer.Dispute));
        });
        return open;
    }

    private static CommandWithExamples Decide()
    {
        var (unit, id, rule, json) = (UnitOptions.OfDesk(), IdArgument(), RuleOption("Rule that the ruling follows from"), OfficerAnswers.JsonOption());
        var lead = new Option<string>("--lead") { Description = "Unit that leads: the interim lead or the proposed one", Required = true };
        var principle = new Option<string>("--principle") { Description = "What it says in general words, read by every unit as a precedent: no name, number or address; 20 characters or more", Required = true };
        var grounds = new Option<string>("--grounds") { Description = "Why, in this family; for the parties and arbiters, 20 characters or more", Required = true };
        var etag = new Option<string?>("--etag") { Description = "Rule only if the dispute still has this etag" };
        var decide = new CommandWithExamples(
            "decide", "Rule who leads 裁定主責, as the arbiter",
            """
            safetynet dispute decide 0199... --lead tpe-protection --rule R-INT-4 --principle "案內有保護事件者，由保護體系主責，其他體系協助" --grounds "..." --person S0030
            safetynet dispute decide 0199... --lead tpe-wanhua-swc --rule R-INT-5 --principle "..." --grounds "..." --person S0031 --unit tpe-dosw-office
            """)
        {
            id, lead, rule, principle, grounds, etag, json,
        };
        unit.AddTo(decide);
        decide.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.LeadDisputes.DecideLeadDisputeAsync(
                new Wire.DecideLeadDisputeRequest
                {
                    Context = unit.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), DisputeId = parsed.GetRequiredValue(id), LeadUnitId = parsed.GetRequiredValue(lead),
                    RuleId = parsed.GetRequiredValue(rule), Principle = parsed.GetRequiredValue(principle), Grounds = parsed.GetRequiredValue(grounds), Etag = parsed.GetValue(etag) ?? "",
                },
                cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => DisputeView.Show(answer.Dispute));
        });
        return decide;
    }

    private static CommandWithExamples Appeal()
    {
        var (unit, id, statement, json) = (UnitOptions.OfWork(), IdArgument(), StatementOption("Why the ruling is wrong; 20 characters or more"), OfficerAnswers.JsonOption());
        var appeal = new CommandWithExamples("appeal", "Appeal once 申訴 to the city level", "safetynet dispute appeal 0199... --statement \"裁定未審酌案家遷居後之通勤距離與幼兒就學情形\" --unit tpe-wanhua-swc") { id, statement, json };
        unit.AddTo(appeal);
        appeal.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.LeadDisputes.AppealLeadDisputeAsync(
                new() { Context = unit.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), DisputeId = parsed.GetRequiredValue(id), Statement = parsed.GetRequiredValue(statement) },
                cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => DisputeView.Show(answer.Dispute));
        });
        return appeal;
    }

    private static CommandWithExamples Precedents()
    {
        var unit = UnitOptions.OfDesk();
        var rule = new Option<string?>("--rule") { Description = "Only rulings that follow from this rule, or on disputes that cite it" };
        var kind = new Option<string?>("--unit-kind") { Description = "Only between units of which one is of this kind, e.g. PROTECTION_CENTER" };
        var limit = new Option<int>("--limit") { Description = "Most rulings, 1 to 500", DefaultValueFactory = _ => 50 };
        var json = new Option<bool>("--json") { Description = "One ruling one line, as JSON" };
        var precedents = new CommandWithExamples("precedents", "What was ruled before 裁定先例, in every jurisdiction, newest first; no person or unit is told", "safetynet dispute precedents --rule R-INT-4") { rule, kind, limit, json };
        unit.AddTo(precedents);
        precedents.SetGuardedAction(async (parsed, cancellation) =>
        {
            var request = new Wire.SearchPrecedentsRequest { Context = unit.Context(parsed), RuleId = parsed.GetValue(rule) ?? "", PageSize = parsed.GetValue(limit) };
            if (parsed.GetValue(kind) is { } code) request.UnitKind = ContractCodes.Parse<Wire.UnitKind>(code);
            using var channel = unit.Connect(parsed);
            var answer = await channel.LeadDisputes.SearchPrecedentsAsync(request, cancellationToken: cancellation);
            return WriteLines(parsed, json, answer.Precedents, () => DisputeView.ShowPrecedents(answer.Precedents, isMore: answer.NextPageToken.Length > 0));
        });
        return precedents;
    }

    private static int WriteLines(ParseResult parsed, Option<bool> json, IEnumerable<IMessage> found, Action layOut)
    {
        if (!parsed.GetValue(json)) layOut();
        else
            foreach (var one in found) Console.Out.WriteLine(JsonFormatter.Default.Format(one));
        return 0;
    }

    private static Argument<string> IdArgument() => new("ID") { Description = "Id of the dispute, as `dispute list` shows it" };

    private static Option<string> RuleOption(string description) => new("--rule") { Description = description, Required = true };

    private static Option<string> StatementOption(string description) => new("--statement") { Description = description, Required = true };
}
