using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Worlds;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>A policy made by chance, with questions that its rules have something to say on.</summary>
internal sealed class RandomPolicy(JsonObject file, NeedToKnowQuestion[] questions)
{
    private NeedToKnowPolicy? _policy;

    public JsonObject File => file;

    public NeedToKnowQuestion[] Questions => questions;

    /// <summary>Whether something holds for each question.</summary>
    public bool ForEach(Func<NeedToKnowPolicy, NeedToKnowQuestion, bool> holds)
    {
        var policy = _policy ??= RandomPolicies.Load(file);
        return Array.TrueForAll(questions, question => holds(policy, question));
    }

    public override string ToString() =>
        $"{string.Join('\n', File["rules"]!.AsArray().Select(rule => rule!.ToJsonString()))}\n{string.Join('\n', Questions.Select(question => question.ToString()))}";
}

/// <summary>Random policy files that load, and changes to them.</summary>
internal static class RandomPolicies
{
    /// <summary>Questions put to each policy: making a policy costs as much as many questions.</summary>
    public const int QuestionsEach = 50;

    /// <summary>The policy in force without its rules.</summary>
    private static readonly Lazy<JsonObject> Frame = new(() =>
    {
        using var json = typeof(NeedToKnowPolicy).Assembly.GetManifestResourceStream("need-to-know.json")!;
        var policy = (JsonObject)JsonNode.Parse(json)!;
        policy.Remove("rules");
        return policy;
    });

    private static readonly string[] ClassCodes = Codes<Wire.ConfidentialityClass>("NOT_PERSONAL");
    private static readonly string[] ClassCodesButReporter = Codes<Wire.ConfidentialityClass>("NOT_PERSONAL", "REPORTER_IDENTITY");
    private static readonly string[] WithheldClassCodes = Codes<Wire.ConfidentialityClass>("NOT_PERSONAL", "PUBLIC_STATUS");
    private static readonly string[] RelationshipCodes = Codes<Wire.Relationship>();
    private static readonly string[] UnitKindCodes = Codes<Wire.UnitKind>();
    private static readonly string[] AgencyKindCodes = Codes<Wire.AgencyKind>();
    private static readonly string[] PurposeCodes = Codes<Wire.Purpose>();

    public static NeedToKnowPolicy Load(JsonObject policy) =>
        NeedToKnowPolicy.Load(new MemoryStream(Encoding.UTF8.GetBytes(policy.ToJsonString())), "random.json");

    /// <summary>The policy over the built-in registry of legal bases; null: it is refused.</summary>
    public static NeedToKnowPolicy? TryLoad(JsonObject policy, out IReadOnlyList<PolicyProblem> problems) =>
        NeedToKnowPolicy.TryLoad(Encoding.UTF8.GetBytes(policy.ToJsonString()), NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.BasesFile), out problems);

    /// <summary>The policy whose rules that open end on the given days, one after the other.</summary>
    public static JsonObject Ending(JsonObject policy, IEnumerable<DateOnly> days)
    {
        var ending = (JsonObject)policy.DeepClone();
        foreach (var (rule, day) in ending["rules"]!.AsArray().Where(rule => rule!["effect"]!.GetValue<string>() == "permit").Zip(days))
            rule!["until"] = day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return ending;
    }

    /// <summary>The policy with one rule more.</summary>
    public static JsonObject With(JsonObject policy, JsonObject rule)
    {
        var more = (JsonObject)policy.DeepClone();
        more["rules"]!.AsArray().Add(rule);
        return more;
    }

    /// <summary>The policy with a code taken out of a list of each rule that opens; a rule whose list is empty then is gone: an empty list would mean any.</summary>
    public static JsonObject WithoutCode(JsonObject policy, string member, string code)
    {
        var fewer = (JsonObject)policy.DeepClone();
        fewer["rules"]!.AsArray().RemoveAll(rule =>
        {
            if (rule!["effect"]!.GetValue<string>() != "permit" || rule[member] is not JsonArray codes)
                return false;
            codes.RemoveAll(c => c!.GetValue<string>() == code);
            return codes.Count == 0;
        });
        return fewer;
    }

    public static JsonObject Deny(string id, string[] classes) => Entry(id, new JsonObject { ["effect"] = "deny", ["classes"] = List(classes) });

    /// <summary>Policies of the given number of random permits and one or two denials, with the bases and jurisdictions of the policy in force; questions all have
    /// one purpose, and most have a basis that carries it.</summary>
    /// <param name="permits">Rules that open something.</param>
    /// <param name="reporter">REPORTER_IDENTITY is among what they open; such a policy seldom loads.</param>
    public static Gen<RandomPolicy> Of(int permits, bool reporter = false) => Some.Drawn(dice =>
    {
        var questions = new NeedToKnowQuestion[QuestionsEach];
        for (var at = 0; at < questions.Length; at++)
        {
            var one = Some.QuestionOf(dice);
            questions[at] = at == 0 ? one : one with { Purpose = questions[0].Purpose, LegalBasis = one.Purpose == questions[0].Purpose ? one.LegalBasis : questions[0].LegalBasis };
        }

        var opening = Enumerable.Range(0, permits).Select(_ => Permit(dice, questions[0], reporter));
        var withholding = Enumerable.Range(0, permits == 0 ? 2 : 1).Select(_ => Denial(dice));
        return new RandomPolicy(Build([.. opening, .. withholding]), questions);
    });

    private static JsonObject Build(JsonObject[] rules)
    {
        var policy = (JsonObject)Frame.Value.DeepClone();
        policy["rules"] = new JsonArray([.. rules.Select((rule, at) => Entry($"NTK-{at}", rule))]);
        return policy;
    }

    private static JsonObject Permit(Dice dice, NeedToKnowQuestion question, bool reporter)
    {
        var classes = Draw(dice, reporter ? ClassCodes : ClassCodesButReporter, least: 1);
        var relationships = Draw(dice, RelationshipCodes, least: 1);
        var (unitKinds, agencyKinds) = (Draw(dice, UnitKindCodes, least: 0), Draw(dice, AgencyKindCodes, least: 0));
        string[] limits = dice.Next(4) == 0 ? [dice.OneOf("sent", "supplied", "agenda", "scope", "own")] : [];
        string[] requires = dice.Next(4) == 0 ? [dice.OneOf("screening", "holdsCase")] : [];
        var obligation = dice.OneOf("", "", "notifyPrimary", "guardiansOnly");
        return Compose(
            obligation == "guardiansOnly" ? ["HOUSEHOLD"] : classes, relationships, Draw(dice, PurposeCodes, least: 0), unitKinds, agencyKinds, limits, requires,
            obligation.Length == 0 ? [] : [obligation], onBasis: dice.Falls(50), question);
    }

    /// <summary>At least so many codes and at most four, some of them perhaps twice.</summary>
    private static string[] Draw(Dice dice, string[] codes, int least) => [.. Enumerable.Range(0, least + dice.Next(5 - least)).Select(_ => codes[dice.Next(codes.Length)])];

    private static JsonObject Compose(
        IEnumerable<string> classes,
        IEnumerable<string> relationships,
        IEnumerable<string> purposes,
        IEnumerable<string> unitKinds,
        IEnumerable<string> agencyKinds,
        string[] limits,
        string[] requires,
        string[] obligations,
        bool onBasis,
        NeedToKnowQuestion question)
    {
        // Purposes and bases that fit the question, so that the rules come to speak.
        var purpose = question.Purpose == Wire.Purpose.Unspecified ? Wire.Purpose.ServiceDelivery : question.Purpose;
        var rule = new JsonObject
        {
            ["effect"] = "permit",
            ["classes"] = List(classes),
            ["relationships"] = List(relationships),
            ["purposes"] = List(purposes.Prepend(Code(purpose))),
        };
        AddUnlessEmpty(rule, "unitKinds", unitKinds);
        AddUnlessEmpty(rule, "agencyKinds", agencyKinds);
        AddUnlessEmpty(rule, "limits", limits);
        AddUnlessEmpty(rule, "requires", requires);
        AddUnlessEmpty(rule, "obligations", obligations);
        if (onBasis)
            rule["bases"] = List(BaselineTable.Carries(purpose).Select(b => Code(b)));
        return rule;
    }

    private static JsonObject Denial(Dice dice) => new()
    {
        ["effect"] = "deny",
        ["classes"] = List(Draw(dice, WithheldClassCodes, least: 1)),
        ["unitKinds"] = List(Draw(dice, UnitKindCodes, least: 0).Append("OTHER_UNIT")),
        ["unless"] = new JsonArray(new JsonObject { ["relationships"] = List(Draw(dice, RelationshipCodes, least: 1)) }),
    };

    private static JsonObject Entry(string id, JsonObject rule)
    {
        rule["id"] = id;
        rule["source"] = List(["R-NTK-15"]);
        rule["textEn"] = "A rule of a test.";
        rule["textZh"] = "測試規則。";
        return rule;
    }

    private static void AddUnlessEmpty(JsonObject rule, string member, IEnumerable<string> codes)
    {
        if (codes.Any())
            rule[member] = List(codes);
    }

    private static JsonArray List(IEnumerable<string> codes) =>
        new([.. codes.Distinct(StringComparer.Ordinal).Select(c => (JsonNode)c)]);

    /// <summary>The codes of a table, but for some.</summary>
    private static string[] Codes<T>(params string[] but)
        where T : struct, Enum => [.. Names<T>.All.Where(n => Convert.ToInt32(n.Key, CultureInfo.InvariantCulture) != 0).Select(n => n.Value).Except(but, StringComparer.Ordinal)];

    /// <summary>The code of a value as the contract writes it, without the prefix of its enum.</summary>
    public static string Code<T>(T value)
        where T : struct, Enum => Names<T>.All[value];

    private static class Names<T>
        where T : struct, Enum
    {
        public static Dictionary<T, string> All { get; } = Read();

        private static Dictionary<T, string> Read()
        {
            var table = Wire.CodesReflection.Descriptor.FindTypeByName<EnumDescriptor>(typeof(T).Name);
            var prefix = table.FindValueByNumber(0).Name.Length - "UNSPECIFIED".Length;
            return Enum.GetValues<T>().ToDictionary(value => value, value => table.FindValueByNumber(Convert.ToInt32(value, CultureInfo.InvariantCulture)).Name[prefix..]);
        }
    }
}
