using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>A policy made by chance, with questions that its rules have something to say on.</summary>
internal sealed record RandomPolicy(JsonObject File, NeedToKnowQuestion[] Questions)
{
    public NeedToKnowPolicy Policy => RandomPolicies.Load(File);

    /// <summary>Whether something holds for each question.</summary>
    public bool ForEach(Func<NeedToKnowPolicy, NeedToKnowQuestion, bool> holds)
    {
        var policy = Policy;
        return Array.TrueForAll(Questions, question => holds(policy, question));
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
    public static Gen<RandomPolicy> Of(int permits, bool reporter = false) =>
        from first in Some.Questions
        from others in Gen.ArrayOf(Some.Questions, QuestionsEach - 1)
        from opening in Gen.ArrayOf(Permit(first, reporter).Resize(4), permits)
        from withholding in Gen.ArrayOf(Denial().Resize(4), permits == 0 ? 2 : 1)
        select new RandomPolicy(
            Build([.. opening, .. withholding]),
            [first, .. others.Select(q => q with { Purpose = first.Purpose, LegalBasis = q.Purpose == first.Purpose ? q.LegalBasis : first.LegalBasis })]);

    private static JsonObject Build(JsonObject[] rules)
    {
        var policy = (JsonObject)Frame.Value.DeepClone();
        policy["rules"] = new JsonArray([.. rules.Select((rule, at) => Entry($"NTK-{at}", rule))]);
        return policy;
    }

    private static Gen<JsonObject> Permit(NeedToKnowQuestion question, bool reporter) =>
        from classes in Gen.NonEmptyListOf(Gen.Elements(Codes<Wire.ConfidentialityClass>("NOT_PERSONAL", reporter ? "" : "REPORTER_IDENTITY")))
        from relationships in Gen.NonEmptyListOf(Gen.Elements(Codes<Wire.Relationship>()))
        from unitKinds in Gen.ListOf(Gen.Elements(Codes<Wire.UnitKind>()))
        from agencyKinds in Gen.ListOf(Gen.Elements(Codes<Wire.AgencyKind>()))
        from limits in Gen.Frequency((3, Gen.Constant<string[]>([])), (1, Gen.Elements("sent", "supplied", "agenda", "scope", "own").Select(l => (string[])[l])))
        from requires in Gen.Frequency((3, Gen.Constant<string[]>([])), (1, Gen.Elements("screening", "holdsCase").Select(r => (string[])[r])))
        from obligation in Gen.Elements("", "", "notifyPrimary", "guardiansOnly")
        from onBasis in Gen.Choose(0, 1)
        from purposes in Gen.ListOf(Gen.Elements(Codes<Wire.Purpose>()))
        select Compose(
            obligation == "guardiansOnly" ? ["HOUSEHOLD"] : classes, relationships, purposes, unitKinds, agencyKinds, limits, requires,
            obligation.Length == 0 ? [] : [obligation], onBasis == 1, question);

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

    private static Gen<JsonObject> Denial() =>
        from classes in Gen.NonEmptyListOf(Gen.Elements(Codes<Wire.ConfidentialityClass>("NOT_PERSONAL", "PUBLIC_STATUS")))
        from unitKinds in Gen.ListOf(Gen.Elements(Codes<Wire.UnitKind>()))
        from relationships in Gen.NonEmptyListOf(Gen.Elements(Codes<Wire.Relationship>()))
        select new JsonObject
        {
            ["effect"] = "deny",
            ["classes"] = List(classes),
            ["unitKinds"] = List(unitKinds.Append("OTHER_UNIT")),
            ["unless"] = new JsonArray(new JsonObject { ["relationships"] = List(relationships) }),
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
