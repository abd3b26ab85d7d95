using System.CommandLine;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit findings</c>: what the scan of the log found, and what officers make of it.</summary>
internal static class AuditFindingsCommand
{
    public static Command Create() => new("findings", "Misuse that the scan of the log found: read it, dispose of it, see how good each rule is") { List(), Show(), Dispose(), Rules() };

    private static CommandWithExamples List()
    {
        var officer = new OfficerOptions();
        var rule = new Option<string?>("--rule") { Description = "SELF, COLLEAGUE, RELATIVE, NO_ACTIVITY, VOLUME, OFF_HOURS or CANARY" };
        var state = new Option<string?>("--state") { Description = "OPEN, CONFIRMED, JUSTIFIED or FALSE_ALARM" };
        var actor = new Option<string?>("--actor") { Description = "Staff number of who acted" };
        var unit = new Option<string?>("--actor-unit") { Description = "Unit for which was acted" };
        var agency = new Option<string?>("--agency") { Description = "Code of the agency" };
        var after = new Option<DateTimeOffset?>("--after") { Description = "Newest record from this instant on" };
        var before = new Option<DateTimeOffset?>("--before") { Description = "Newest record until this instant, exclusive" };
        var limit = new Option<int>("--limit") { Description = "Most findings; 0: all", DefaultValueFactory = _ => 100 };
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples(
            "list",
            "List findings, newest first",
            """
            safetynet audit findings list --state OPEN
            safetynet audit findings list --rule CANARY --after 2026-11-01T00:00+08:00 --json
            """)
        {
            rule, state, actor, unit, agency, after, before, limit, json,
        };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var most = parsed.GetValue(limit) is > 0 and var given ? given : int.MaxValue;
            var request = new Wire.ListFindingsRequest
            {
                Context = officer.Context(parsed), Rule = Code<Wire.MisuseRuleId>(parsed.GetValue(rule)), State = Code<Wire.FindingState>(parsed.GetValue(state)),
                ActorPersonId = parsed.GetValue(actor) ?? "", ActorUnitId = parsed.GetValue(unit) ?? "", AgencyCode = parsed.GetValue(agency) ?? "", PageSize = Math.Min(most, 200),
            };
            if (parsed.GetValue(after) is { } from) request.After = Timestamp.FromDateTimeOffset(from);
            if (parsed.GetValue(before) is { } to) request.Before = Timestamp.FromDateTimeOffset(to);
            var all = new Wire.ListFindingsResponse();
            do
            {
                var page = await channel.Misuse.ListFindingsAsync(request, cancellationToken: cancellation);
                all.Findings.Add(page.Findings.Take(most - all.Findings.Count));
                all.NextPageToken = request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0 && all.Findings.Count < most);
            return OfficerAnswers.Write(parsed, json, all, () => Table(all));
        });
        return command;
    }

    private static CommandWithExamples Show()
    {
        var officer = new OfficerOptions();
        var id = new Argument<string>("FINDING") { Description = "Id of the finding" };
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples("show", "Show a finding with its numbers, its records and what officers said", "safetynet audit findings show 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11") { id, json };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var answer = await channel.Misuse.GetFindingAsync(
                new Wire.GetFindingRequest { Context = officer.Context(parsed), FindingId = parsed.GetRequiredValue(id) }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => Write(answer.Finding, answer.Dispositions));
        });
        return command;
    }

    private static CommandWithExamples Dispose()
    {
        var officer = new OfficerOptions();
        var id = new Argument<string>("FINDING") { Description = "Id of the finding" };
        var state = new Argument<string>("OUTCOME") { Description = "CONFIRMED, JUSTIFIED or FALSE_ALARM" };
        var note = new Option<string>("--note") { Description = "Why, in your own words; names nobody", Required = true };
        var correction = new Option<bool>("--correct") { Description = "Correct an earlier disposition, which stays in the history" };
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples(
            "dispose",
            "Say what a finding is; never by the person whom it is about",
            """safetynet audit findings dispose 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11 JUSTIFIED --note "The supervisor had assigned the family that very morning." """.Trim())
        {
            id, state, note, correction, json,
        };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var answer = await channel.Misuse.DisposeFindingAsync(new Wire.DisposeFindingRequest
            {
                Context = officer.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), FindingId = parsed.GetRequiredValue(id),
                State = Code<Wire.FindingState>(parsed.GetRequiredValue(state)), Note = parsed.GetRequiredValue(note), Correction = parsed.GetValue(correction),
            }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => Write(answer.Finding, answer.Dispositions));
        });
        return command;
    }

    private static CommandWithExamples Rules()
    {
        var officer = new OfficerOptions();
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples("rules", "Show the rules with their thresholds, and how many of their findings were confirmed", "safetynet audit findings rules") { json };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var answer = await channel.Misuse.ListMisuseRulesAsync(new Wire.ListMisuseRulesRequest { Context = officer.Context(parsed) }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () =>
            {
                foreach (var rule in answer.Rules)
                {
                    Console.Out.WriteLine($"{ContractCodes.NameOf(rule.Rule)}  {rule.TextZh} {rule.TextEn}");
                    if (rule.Parameters.Count + rule.Codes.Count > 0)
                        Console.Out.WriteLine($"    thresholds  {string.Join(", ", rule.Parameters.Select(p => $"{p.Name} {p.Value:0.##}").Concat(rule.Codes))}");
                    Console.Out.WriteLine($"    findings    {rule.Open} open, {rule.Confirmed} confirmed, {rule.Justified} justified, {rule.FalseAlarms} false alarms");
                    Console.Out.WriteLine(rule.Confirmed + rule.Justified + rule.FalseAlarms > 0
                        ? string.Create(CultureInfo.InvariantCulture, $"    precision   {rule.Precision * 100:0.0} % (95 %: {rule.PrecisionLow * 100:0.0} to {rule.PrecisionHigh * 100:0.0} %)")
                        : "    precision   not known yet: none was disposed of");
                }

                Console.Out.WriteLine($"Rule file revision {answer.Revision}, SHA-256 {answer.Sha256}");
            });
        });
        return command;
    }

    private static void Table(Wire.ListFindingsResponse found)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        foreach (var column in (string[])["rule", "who", "whom", "records", "last", "state"]) table.AddColumn(new TableColumn(column).NoWrap());
        foreach (var finding in found.Findings)
        {
            table.AddRow(
                new Text($"{ContractCodes.NameOf(finding.Rule)}\n{finding.FindingId}"), new Text($"{finding.ActorUnitId}\n{finding.ActorPersonId}"),
                new Text(finding.Subject.Length == 0 ? "-" : finding.Subject[..8] + "…"), new Text($"{finding.Records}"), new Text(OfficerAnswers.Time(finding.LastAt)),
                new Text(ContractCodes.NameOf(finding.State), finding.State == Wire.FindingState.Open ? new Style(Color.Yellow) : Style.Plain));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{found.Findings.Count} findings{(found.NextPageToken.Length > 0 ? "; there are more, see --limit" : "")}. Times of Taiwan. One of them in full: safetynet audit findings show FINDING[/]");
    }

    private static void Write(Wire.Finding finding, IEnumerable<Wire.FindingDisposition> dispositions)
    {
        Console.Out.WriteLine($"finding     {finding.FindingId}  {ContractCodes.BothOf(finding.State)}");
        Console.Out.WriteLine($"rule        {ContractCodes.NameOf(finding.Rule)}: {ContractCodes.BothOf(finding.Rule)} (revision {finding.RulesRevision})");
        Console.Out.WriteLine($"who         {finding.ActorPersonId} of {finding.ActorUnitId}, {ContractCodes.NameOf(finding.Jurisdiction)} {finding.AgencyCode}");
        if (finding.Subject.Length > 0) Console.Out.WriteLine($"whom        {finding.Subject}");
        Console.Out.WriteLine($"when        {OfficerAnswers.Time(finding.FirstAt)} to {OfficerAnswers.Time(finding.LastAt)}, raised {OfficerAnswers.Time(finding.RaisedAt)}");
        if (finding.Numbers.Count > 0)
            Console.Out.WriteLine($"why         {string.Join(", ", finding.Numbers.Select(n => string.Create(CultureInfo.InvariantCulture, $"{n.Name} {n.Value:0.##}")))}");
        Console.Out.WriteLine($"records     {finding.Records}, at positions {string.Join(", ", finding.Positions)}{(finding.Records > finding.Positions.Count ? " ..." : "")}");
        foreach (var said in dispositions)
            Console.Out.WriteLine($"said        {OfficerAnswers.Time(said.DisposedAt)} {ContractCodes.NameOf(said.State)} by {said.OfficerId} of {said.OfficerUnitId}: {said.Note}");
    }

    private static T Code<T>(string? text)
        where T : struct, System.Enum => text is null ? default : ContractCodes.Parse<T>(text);
}
