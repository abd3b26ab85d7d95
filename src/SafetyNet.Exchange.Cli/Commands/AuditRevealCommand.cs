using System.CommandLine;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit reveal</c>: who stands behind a pseudonym, by two officers.</summary>
internal static class AuditRevealCommand
{
    public static Command Create() => new("reveal", "Who stands behind a pseudonym: one officer asks, a second decides, the first is shown") { Request(), Decide(), Show(), List() };

    private static CommandWithExamples Request()
    {
        var officer = new OfficerOptions();
        var subject = new Argument<string>("PSEUDONYM") { Description = "Pseudonym as records have it" };
        var reason = new Option<string>("--reason") { Description = "Why the person must be known, in your own words; names nobody", Required = true };
        var proceeding = new Option<string>("--proceeding") { Description = "Number of the proceeding that needs the person", Required = true };
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples(
            "request",
            "Ask for the reveal of a pseudonym; nobody is shown before a second officer approves",
            """safetynet audit reveal request 3f0c...9a --person S0007 --proceeding 115-政風-0042 --reason "The disciplinary inquiry must hear the person concerned." """.Trim())
        {
            subject, reason, proceeding, json,
        };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var answer = await channel.Reveals.RequestRevealAsync(new Wire.RequestRevealRequest
            {
                Context = officer.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), Subject = parsed.GetRequiredValue(subject),
                Reason = parsed.GetRequiredValue(reason), Proceeding = parsed.GetRequiredValue(proceeding),
            }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () =>
            {
                Write(answer.Reveal);
                Console.Out.WriteLine($"A second officer decides: safetynet audit reveal decide {answer.Reveal.RevealId} --approve --reason ... --person ANOTHER");
            });
        });
        return command;
    }

    private static CommandWithExamples Decide()
    {
        var officer = new OfficerOptions();
        var id = new Argument<string>("REVEAL") { Description = "Id of the reveal" };
        var approve = new Option<bool>("--approve") { Description = "Let the requester see who it is" };
        var decline = new Option<bool>("--decline") { Description = "Do not" };
        var reason = new Option<string>("--reason") { Description = "Why, in your own words; names nobody", Required = true };
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples(
            "decide",
            "Approve or decline a reveal; never by the person who asked for it",
            """safetynet audit reveal decide 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11 --approve --person S0008 --reason "The file is open and needs the person's hearing." """.Trim())
        {
            id, approve, decline, reason, json,
        };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(approve) == parsed.GetValue(decline)) throw new CommandFailedException("Say --approve or --decline, one of them.");
            using var channel = officer.Connect(parsed);
            var answer = await channel.Reveals.DecideRevealAsync(new Wire.DecideRevealRequest
            {
                Context = officer.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), RevealId = parsed.GetRequiredValue(id),
                Decision = parsed.GetValue(approve) ? Wire.RevealState.Approved : Wire.RevealState.Declined, Reason = parsed.GetRequiredValue(reason),
            }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => Write(answer.Reveal));
        });
        return command;
    }

    private static CommandWithExamples Show()
    {
        var officer = new OfficerOptions();
        var id = new Argument<string>("REVEAL") { Description = "Id of the reveal" };
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples(
            "show", "Show who it is, to the officer who asked, while the approval is open", "safetynet audit reveal show 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11 --person S0007")
        {
            id, json,
        };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var answer = await channel.Reveals.GetRevealAsync(
                new Wire.GetRevealRequest { Context = officer.Context(parsed), RevealId = parsed.GetRequiredValue(id) }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () =>
            {
                Write(answer.Reveal);
                Console.Out.WriteLine(answer.Person is { } person
                    ? person.NationalId.Length == 0 ? "person      withheld 不予顯示: the agency may not hold IDENTITY" : $"person      {person.NationalId} {person.Name}"
                    : "person      nobody whom the exchange keeps 查無此人: somebody only asked for such a national id");
            });
        });
        return command;
    }

    private static CommandWithExamples List()
    {
        var officer = new OfficerOptions();
        var undecided = new Option<bool>("--undecided") { Description = "Only those that wait for a decision" };
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples("list", "List the reveals of the jurisdiction, oldest first; nobody is shown", "safetynet audit reveal list --undecided") { undecided, json };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var request = new Wire.ListRevealsRequest { Context = officer.Context(parsed), UndecidedOnly = parsed.GetValue(undecided), PageSize = 200 };
            var all = new Wire.ListRevealsResponse();
            do
            {
                var page = await channel.Reveals.ListRevealsAsync(request, cancellationToken: cancellation);
                all.Reveals.Add(page.Reveals);
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0);
            return OfficerAnswers.Write(parsed, json, all, () =>
            {
                foreach (var reveal in all.Reveals)
                {
                    Write(reveal);
                    Console.Out.WriteLine();
                }

                Console.Out.WriteLine($"{all.Reveals.Count} reveals. Times of Taiwan.");
            });
        });
        return command;
    }

    private static void Write(Wire.Reveal reveal)
    {
        Console.Out.WriteLine($"reveal      {reveal.RevealId}  {ContractCodes.BothOf(reveal.State)}");
        Console.Out.WriteLine($"pseudonym   {reveal.Subject}");
        Console.Out.WriteLine($"proceeding  {reveal.Proceeding}");
        Console.Out.WriteLine($"requested   {OfficerAnswers.Time(reveal.RequestedAt)} by {reveal.RequesterId} of {reveal.RequesterUnitId}: {reveal.Reason}");
        if (reveal.DecidedAt is not null)
            Console.Out.WriteLine($"decided     {OfficerAnswers.Time(reveal.DecidedAt)} by {reveal.DeciderId} of {reveal.DeciderUnitId}: {reveal.DecisionReason}");
        if (reveal.Until is not null) Console.Out.WriteLine($"until       {OfficerAnswers.Time(reveal.Until)}");
    }
}
