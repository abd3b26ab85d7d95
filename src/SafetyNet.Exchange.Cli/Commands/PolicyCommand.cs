using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using SafetyNet.Exchange.Cli.Policy;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet policy</c>: the need-to-know policy read, compared and explained on this machine, proposed and activated through the server.</summary>
internal static class PolicyCommand
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create() => new("policy", "The need-to-know policy: check, compare, explain, propose and activate it")
    {
        Check(), Diff(), Explain(), PolicyServerCommands.Propose(), PolicyServerCommands.Activate(), PolicyServerCommands.Show(), PolicyServerCommands.Expiring(),
    };

    /// <summary>Lists gains and losses as a person reads them.</summary>
    public static void ShowChanges(IReadOnlyList<VisibilityChange> changes)
    {
        if (changes.Count == 0)
            Console.Out.WriteLine("Nobody gains or loses a class. 無任何變更。");
        foreach (var group in changes.GroupBy(c => (c.Gains, c.Class)))
        {
            Console.Out.WriteLine($"{(group.Key.Gains ? "gains 增列" : "loses 減列")} {ContractCodes.NameOf(group.Key.Class)} {ContractCodes.ChineseOf(group.Key.Class)}");
            foreach (var change in group)
                Console.Out.WriteLine($"    {Describe(change)}");
        }
    }

    private static CommandWithExamples Check()
    {
        var files = FilesArgument("Rule file, legal-basis registry, both, or a folder with both; what is left out is taken from this program");
        var command = new CommandWithExamples(
            "check",
            "Check policy files without a server: every problem with file and line; exit code 0 when they may be proposed",
            """
            safetynet policy check need-to-know.json legal-bases.json
            safetynet policy check src/SafetyNet.Exchange.Server/Policy
            """)
        {
            files,
        };
        command.SetGuardedAction((parsed, _) =>
        {
            var read = PolicyFiles.Read(parsed.GetRequiredValue(files));
            var policy = read.TryAccept(out var problems);
            foreach (var problem in problems)
                Console.Out.WriteLine(problem.ToString());
            if (policy is null)
                return Task.FromResult(1);
            Console.Out.WriteLine($"Revision {policy.Revision} may be proposed 可提案: {policy.Contents.Rules.Count} rules, {policy.Registry.Entries.Count} legal bases, SHA-256 {policy.Sha256}");
            return Task.FromResult(0);
        });
        return command;
    }

    private static CommandWithExamples Diff()
    {
        var before = new Option<string[]>("--old") { Description = "Files or folder of the policy so far; left out: that of this program", AllowMultipleArgumentsPerToken = true };
        var after = FilesArgument("Files or folder of the policy to come");
        var on = OnOption();
        var json = new Option<bool>("--json") { Description = "As JSON, for a machine" };
        var command = new CommandWithExamples(
            "diff",
            "Who gains and who loses which class from one policy to another, by agency kind, unit kind, relationship, purpose and legal basis",
            """
            safetynet policy diff new/
            safetynet policy diff --old old/ --json new/
            """)
        {
            before, after, on, json,
        };
        command.SetGuardedAction((parsed, _) =>
        {
            var changes = PolicyDiff.Between(
                PolicyFiles.Read(parsed.GetValue(before) ?? []).Load(), PolicyFiles.Read(parsed.GetRequiredValue(after)).Load(), DateOf(parsed.GetValue(on)));
            if (parsed.GetValue(json))
                Console.Out.WriteLine(JsonSerializer.Serialize(changes.Select(ToJson), Readable));
            else
                ShowChanges(changes);
            return Task.FromResult(0);
        });
        return command;
    }

    private static CommandWithExamples Explain()
    {
        var agency = Required("--agency-kind", "System of the caller, e.g. EDUCATION");
        var unit = Required("--unit-kind", "Kind of the caller's unit, e.g. SCHOOL");
        var relationship = Required("--relationship", "How the unit stands to the person, e.g. SERVING");
        var one = Required("--class", "Class asked about, e.g. MENTAL_HEALTH");
        var purpose = new Option<string>("--purpose") { Description = "Purpose", DefaultValueFactory = _ => "SERVICE_DELIVERY" };
        var basis = new Option<string>("--basis") { Description = "Legal basis", DefaultValueFactory = _ => "ARTICLE_6_INTEGRATED_SERVICE" };
        var forward = new Option<bool>("--put-forward") { Description = "As if it was sent, shared, on the agenda and on the scope of the service, and the unit held the case" };
        var isProtected = new Option<bool>("--protected") { Description = "The same, and the person's whereabouts are protected" };
        var files = new Option<string[]>("--policy") { Description = "Files or folder of the policy; left out: that of this program", AllowMultipleArgumentsPerToken = true };
        var on = OnOption();
        var command = new CommandWithExamples(
            "explain",
            "Why a caller would see a class, or would not: the rules and legal bases that decide, in English and Traditional Chinese; exit code 0 when it would",
            """
            safetynet policy explain --agency-kind EDUCATION --unit-kind SCHOOL --relationship SERVING --class MENTAL_HEALTH
            safetynet policy explain --agency-kind POLICE --unit-kind POLICE_PRECINCT --relationship SERVING --class CONTACT --purpose CRISIS_RESPONSE --basis IMMINENT_DANGER --protected
            """)
        {
            agency, unit, relationship, one, purpose, basis, forward, isProtected, files, on,
        };
        command.SetGuardedAction((parsed, _) =>
        {
            var policy = PolicyFiles.Read(parsed.GetValue(files) ?? []).Load();
            var asked = ContractCodes.Parse<Wire.ConfidentialityClass>(parsed.GetRequiredValue(one));
            var situation = parsed.GetValue(isProtected) ? Situations.ProtectedAddress : parsed.GetValue(forward) ? Situations.PutForward : Situations.Plain;
            var explanation = PolicyExplanation.Of(policy, PolicyDiff.Ask(
                ContractCodes.Parse<Wire.AgencyKind>(parsed.GetRequiredValue(agency)), ContractCodes.Parse<Wire.UnitKind>(parsed.GetRequiredValue(unit)),
                ContractCodes.Parse<Wire.Relationship>(parsed.GetRequiredValue(relationship)), ContractCodes.Parse<Wire.Purpose>(parsed.GetRequiredValue(purpose)),
                ContractCodes.Parse<Wire.LegalBasis>(parsed.GetRequiredValue(basis)), situation, DateOf(parsed.GetValue(on))), asked);
            Show(explanation, asked, policy.Revision);
            return Task.FromResult(explanation.Sees ? 0 : 1);
        });
        return command;
    }

    private static void Show(PolicyExplanation explanation, Wire.ConfidentialityClass asked, string revision)
    {
        Console.Out.WriteLine(explanation.Sees
            ? $"Sees {ContractCodes.NameOf(asked)} under revision {revision}. 得見{ContractCodes.ChineseOf(asked)}。"
            : $"Does not see {ContractCodes.NameOf(asked)} under revision {revision}. 不得見{ContractCodes.ChineseOf(asked)}。");
        Section("Withheld by 予以限制", explanation.Denials);
        Section("Rules about this class 相關規則", explanation.Rules);
        Section("Legal bases 法律依據", explanation.Bases);
        if (explanation.Bases.Count == 0)
            Console.Out.WriteLine("  No entry of the registry carries this class on this basis. 登錄中無此依據得取用該類別之項目。");
    }

    private static void Section(string title, IReadOnlyList<RuleFinding> findings)
    {
        if (findings.Count == 0)
            return;
        Console.Out.WriteLine(title);
        foreach (var finding in findings)
        {
            Console.Out.WriteLine($"  {(finding.Decides ? "*" : "-")} {finding.Rule.Id}  [{finding.Rule.Source}]");
            Console.Out.WriteLine($"      {finding.Rule.TextEn}");
            Console.Out.WriteLine($"      {finding.Rule.TextZh}");
            foreach (var (en, zh) in finding.Misses)
                Console.Out.WriteLine($"      does not apply 不適用: {en} ({zh})");
        }
    }

    private static string Describe(VisibilityChange change) => string.Join(
        "; ",
        $"relationship {PolicyDiff.Text(CodeTable.Relationships, change.Relationships)}",
        $"agency {PolicyDiff.Text(CodeTable.AgencyKinds, change.AgencyKinds)}",
        $"unit {PolicyDiff.Text(CodeTable.UnitKinds, change.UnitKinds)}",
        $"purpose {PolicyDiff.Text(CodeTable.Purposes, change.Purposes)}",
        $"basis {PolicyDiff.Text(CodeTable.Bases, change.Bases)}",
        $"situation {(change.Situations == Situations.All ? "any" : change.Situations.ToString())}");

    private static object ToJson(VisibilityChange change) => new
    {
        change = change.Gains ? "gains" : "loses",
        @class = ContractCodes.NameOf(change.Class),
        relationships = Names(CodeTable.Relationships, change.Relationships),
        agencyKinds = Names(CodeTable.AgencyKinds, change.AgencyKinds),
        unitKinds = Names(CodeTable.UnitKinds, change.UnitKinds),
        purposes = Names(CodeTable.Purposes, change.Purposes),
        bases = Names(CodeTable.Bases, change.Bases),
        situations = change.Situations.ToString().Split(", "),
    };

    private static string[] Names(CodeTable table, uint set) => table.Names(set).Split(", ");

    private static Argument<string[]> FilesArgument(string description) => new("FILE") { Description = description, Arity = ArgumentArity.OneOrMore };

    private static Option<string> Required(string name, string description) => new(name) { Description = description, Required = true };

    private static Option<string?> OnOption() => new("--on") { Description = "Day for which it is asked, YYYY-MM-DD; default: today in Taiwan" };

    private static DateOnly DateOf(string? text) => text is null ? PolicyFiles.Today
        : CivilDate.TryParse(text, out var date) ? date : throw new CommandFailedException($"`{text}` is no day; write YYYY-MM-DD.");
}
