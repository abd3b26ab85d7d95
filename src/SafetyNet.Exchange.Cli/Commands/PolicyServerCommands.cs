using System.CommandLine;
using Google.Protobuf;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Policy;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>What an officer does to the policy of a running exchange, and what any officer asks of it.</summary>
internal static class PolicyServerCommands
{
    public static Command Propose()
    {
        var officer = new OfficerOptions();
        var files = new Argument<string[]>("FILE") { Description = "Rule file and legal-basis registry, or a folder with both", Arity = ArgumentArity.OneOrMore };
        var command = new CommandWithExamples(
            "propose",
            "Put policy files up for activation; the server checks them, and another officer activates them",
            """
            safetynet policy propose need-to-know.json legal-bases.json --person S0007
            """)
        {
            files,
        };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            var read = PolicyFiles.Read(parsed.GetRequiredValue(files));
            using var channel = officer.Connect(parsed);
            var answer = await channel.Policies.ProposePolicyAsync(
                new Wire.ProposePolicyRequest
                {
                    Context = officer.Context(parsed), RequestId = RequestId(), RuleFile = ByteString.CopyFrom(read.Rules), BasisFile = ByteString.CopyFrom(read.Bases),
                },
                cancellationToken: cancellation);
            Show(answer.Policy);
            Console.Out.WriteLine($"Another officer activates it: safetynet policy activate {answer.Policy.ProposalId} --person ...");
            return 0;
        });
        return command;
    }

    public static Command Activate()
    {
        var officer = new OfficerOptions();
        var proposal = new Argument<string>("PROPOSAL") { Description = "Id of the proposal" };
        var hash = new Option<string?>("--sha256") { Description = "Hash of the policy that you have read; left out: that of the proposal, once you have seen below what it changes" };
        var yes = new Option<bool>("--yes") { Description = "Activate; without it only what would change is shown" };
        var command = new CommandWithExamples(
            "activate",
            "Show who gains and loses which class by a proposal, and put it in force; never by the person who proposed it",
            """
            safetynet policy activate 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11 --person S0008
            safetynet policy activate 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11 --person S0008 --yes
            """)
        {
            proposal, hash, yes,
        };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var id = parsed.GetRequiredValue(proposal);
            var current = await channel.Policies.GetPolicyAsync(new Wire.GetPolicyRequest { Context = officer.Context(parsed), IncludeFiles = true }, cancellationToken: cancellation);
            var proposed = await channel.Policies.GetPolicyAsync(
                new Wire.GetPolicyRequest { Context = officer.Context(parsed), ProposalId = id, IncludeFiles = true }, cancellationToken: cancellation);
            var after = Load(proposed);
            if (!after.Sha256.Equals(proposed.Policy.Sha256, StringComparison.Ordinal))
                throw new CommandFailedException($"The files have SHA-256 {after.Sha256}, but the server says {proposed.Policy.Sha256}; do not activate this.");
            PolicyCommand.ShowChanges(PolicyDiff.Between(Load(current), after, PolicyFiles.Today));
            if (!parsed.GetValue(yes))
            {
                Show(proposed.Policy);
                Console.Out.WriteLine("Nothing was changed; add --yes to activate.");
                return 0;
            }

            var answer = await channel.Policies.ActivatePolicyAsync(
                new Wire.ActivatePolicyRequest { Context = officer.Context(parsed), RequestId = RequestId(), ProposalId = id, Sha256 = parsed.GetValue(hash) ?? after.Sha256 },
                cancellationToken: cancellation);
            Show(answer.Policy);
            return 0;
        });
        return command;
    }

    public static Command Show()
    {
        var officer = new OfficerOptions();
        var command = new CommandWithExamples("show", "Which policy is in force, and who activated it", "safetynet policy show");
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            Show((await channel.Policies.GetPolicyAsync(new Wire.GetPolicyRequest { Context = officer.Context(parsed) }, cancellationToken: cancellation)).Policy);
            return 0;
        });
        return command;
    }

    public static Command Expiring()
    {
        var officer = new OfficerOptions();
        var days = new Option<int>("--days") { Description = "Days ahead, 1 to 366", DefaultValueFactory = _ => 60 };
        var command = new CommandWithExamples(
            "expiring", "Legal bases that end soon, and whom that will stop; exit code 1 when there are any", "safetynet policy expiring --days 90")
        {
            days,
        };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var answer = await channel.Policies.ListExpiringBasesAsync(
                new Wire.ListExpiringBasesRequest { Context = officer.Context(parsed), Days = parsed.GetValue(days) }, cancellationToken: cancellation);
            if (answer.Bases.Count == 0)
                Console.Out.WriteLine($"No legal basis of revision {answer.PolicyRevision} ends within {parsed.GetValue(days)} days. 無即將屆期之法律依據。");
            foreach (var basis in answer.Bases)
            {
                Console.Out.WriteLine($"{basis.Until}  {basis.EntryId}  {basis.Article}");
                Console.Out.WriteLine($"    {ContractCodes.BothOf(basis.LegalBasis)}; {string.Join(", ", basis.Purposes.Select(ContractCodes.NameOf))}");
                Console.Out.WriteLine($"    loses 喪失: {(basis.LostClasses.Count == 0 ? "nothing, other entries carry it" : string.Join(", ", basis.LostClasses.Select(ContractCodes.NameOf)))}");
                foreach (var agency in basis.Agencies)
                    Console.Out.WriteLine($"    {ContractCodes.NameOf(agency.Jurisdiction)} {agency.AgencyCode}: {agency.OpenReferrals} open referrals, {agency.OpenCases} open cases");
            }

            return answer.Bases.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static NeedToKnowPolicy Load(Wire.GetPolicyResponse answer) => new PolicyFiles(
        NeedToKnowPolicy.RulesFile, answer.RuleFile.ToByteArray(), NeedToKnowPolicy.BasesFile, answer.BasisFile.ToByteArray()).Load();

    private static void Show(Wire.Policy policy)
    {
        Console.Out.WriteLine($"revision   {policy.Revision}{(policy.InForce ? "  in force 現行" : policy.ActivatedBy is null ? "  proposed 提案" : "  superseded 已被取代")}");
        Console.Out.WriteLine($"proposal   {policy.ProposalId}");
        Console.Out.WriteLine($"sha256     {policy.Sha256}");
        Console.Out.WriteLine($"proposed   {policy.ProposedAt.ToDateTimeOffset():u} by {policy.ProposedBy.Agency} {policy.ProposedBy.PersonId}");
        if (policy.ActivatedBy is { } officer)
            Console.Out.WriteLine($"activated  {policy.ActivatedAt.ToDateTimeOffset():u} by {officer.Agency} {officer.PersonId}");
    }

    private static string RequestId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
}
