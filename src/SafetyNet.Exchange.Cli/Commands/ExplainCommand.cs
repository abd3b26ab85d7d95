using System.CommandLine;
using Google.Protobuf;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet explain</c>: one decision, as a person reads it.</summary>
internal static class ExplainCommand
{
    private static readonly JsonFormatter Json = new(JsonFormatter.Settings.Default.WithIndentation());

    public static Command Create()
    {
        var exchange = new ExchangeOptions();
        var decision = new Argument<string>("DECISION") { Description = "Id of the decision: of the trailer safetynet-decision, of a refusal, of Disclosure.decision_id" };
        var system = new Option<string>("--as") { Description = "System that asks, e.g. tpe-edu; its own agency's decisions only", Required = true };
        var unit = new Option<string?>("--unit") { Description = "Unit for which the person acts; default: the agency's first" };
        var person = new Option<string>("--person") { Description = "Staff number of the acting person", DefaultValueFactory = _ => "CLI001" };
        var officer = new Option<bool>("--officer") { Description = "Ask as a security officer, who is told every input of the decision" };
        var language = new Option<string>("--language") { Description = "en, or zh-TW for Traditional Chinese", DefaultValueFactory = _ => "en" };
        var json = new Option<bool>("--json") { Description = "Print the answer of ExplainDecision as one JSON object" };
        language.AcceptOnlyFromAmong("en", "zh-TW");
        var command = new CommandWithExamples(
            "explain",
            "Tell why a call was answered or refused as it was: the rules, the classes shown and withheld, and what would open what was withheld",
            """
            safetynet explain 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11 --as tpe-edu
            safetynet explain 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11 --as tpe-edu --language zh-TW
            safetynet explain 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11 --as tpe-security --officer
            """)
        {
            decision, system, unit, person, officer, language, json,
        };
        exchange.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            var sandbox = exchange.Resolve(parsed);
            var identities = SandboxIdentities.Open(sandbox.Certificates);
            var caller = identities.Find(parsed.GetRequiredValue(system));
            var isOfficer = parsed.GetValue(officer);
            using var channel = identities.Connect(caller, sandbox.Exchange, sandbox.Tokens);
            var answer = await channel.Audit.ExplainDecisionAsync(
                new Wire.ExplainDecisionRequest
                {
                    Context = new Wire.AccessContext
                    {
                        Purpose = isOfficer ? Wire.Purpose.Audit : Wire.Purpose.ServiceDelivery,
                        LegalBasis = isOfficer ? Wire.LegalBasis.AuditDuty : Wire.LegalBasis.Article6IntegratedService,
                        Actor = new Wire.ActingPerson
                        {
                            PersonId = parsed.GetRequiredValue(person), UnitId = parsed.GetValue(unit) ?? CallCommand.FirstUnitOf(caller),
                            Role = isOfficer ? Wire.ActorRole.SecurityOfficer : Wire.ActorRole.Worker,
                        },
                    },
                    DecisionId = parsed.GetRequiredValue(decision),
                },
                cancellationToken: cancellation);
            if (parsed.GetValue(json)) Console.Out.WriteLine(Json.Format(answer));
            else ExplanationView.Write(Console.Out, answer, parsed.GetValue(language) is "zh-TW" ? ExplanationWords.Chinese : ExplanationWords.English);
            return 0;
        });
        return command;
    }
}
