using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using SafetyNet.Exchange.Server.Policy;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>R-NTK-15: what always holds, for the policy in force and for random policies that load.</summary>
[Trait("Rule", "R-NTK-15")]
public sealed class NeedToKnowPropertiesTests
{
    [Fact]
    public void A_policy_without_a_permitting_rule_shows_nothing() => Some.Holds(
        Policies(permits: 0),
        p => !Load(p.Policy).Decide(p.Question).Allowed);

    [Fact]
    public void What_one_rule_denies_no_number_of_permits_shows()
    {
        Some.Holds(Policies(permits: 4), p =>
        {
            var denied = ClassSet.Of(MentalHealth, Contact);
            var visible = Load(With(p.Policy, Deny("NTK-DENY-ALL", ["MENTAL_HEALTH", "CONTACT"]))).Decide(p.Question).Visible;
            return (visible & denied).IsEmpty && visible == Without(Load(p.Policy).Decide(p.Question).Visible, denied);
        });

        static ClassSet Without(ClassSet visible, ClassSet denied)
        {
            var rest = visible - denied;
            return rest == ClassSet.Of(NotPersonal) ? ClassSet.None : rest;
        }
    }

    [Fact]
    public void Adding_a_relationship_never_hides()
    {
        var more = from question in Some.Questions from added in Some.RelationshipSets select (question, added);
        Some.Holds(more, c => NeverLess(Some.Policy, c.question, c.question with { Relationships = c.question.Relationships | c.added }));
        var random = from p in Policies(permits: 4) from added in Some.RelationshipSets select (p, added);
        Some.Holds(random, c =>
            NeverLess(Load(c.p.Policy), c.p.Question, c.p.Question with { Relationships = c.p.Question.Relationships | c.added }));
    }

    [Fact]
    public void Removing_a_basis_never_shows()
    {
        Some.Holds(Some.Questions, q => NeverLess(Some.Policy, q with { LegalBasis = Wire.LegalBasis.Unspecified }, q)
            && NeverLess(Some.Policy, q with { ShareBasis = Wire.LegalBasis.Unspecified }, q));

        // Taken out of the policy: no rule stands on it any more.
        var removals = from p in Policies(permits: 4) from basis in Gen.Elements(Codes<Wire.LegalBasis>()) select (p, basis);
        Some.Holds(removals, c =>
        {
            var fewer = (JsonObject)c.p.Policy.DeepClone();
            foreach (var rule in fewer["rules"]!.AsArray().ToList())
            {
                if (rule!["bases"] is not JsonArray bases)
                    continue;
                bases.RemoveAll(b => b!.GetValue<string>() == c.basis);
                if (bases.Count == 0)
                    fewer["rules"]!.AsArray().Remove(rule);
            }

            if (fewer["rules"]!.AsArray().Count == 0)
                return true;
            return Load(c.p.Policy).Decide(c.p.Question).Visible.ContainsAll(Load(fewer).Decide(c.p.Question).Visible);
        });
    }

    [Fact]
    public void Withdrawing_what_someone_put_forward_never_shows()
    {
        var fewer = from question in Some.Questions from kept in Some.ClassSets select (question, kept);
        Some.Holds(fewer, c => NeverLess(
            Some.Policy,
            c.question with
            {
                Sent = c.question.Sent & c.kept,
                Shared = c.question.Shared & c.kept,
                Agenda = c.question.Agenda & c.kept,
                ServiceScope = c.question.ServiceScope & c.kept,
                SharedWithCaller = false,
            },
            c.question));
    }

    [Fact]
    [Trait("Rule", "R-NTK-12")]
    public void Narrowing_or_removing_a_grant_never_shows_and_hides_nothing_but_what_it_opened()
    {
        var fewer = from question in Some.Questions from kept in Some.ClassSets select (question, kept);
        Some.Holds(fewer, c =>
        {
            var (wide, narrow) = (c.question, c.question with { Granted = c.question.Granted & c.kept });
            var none = c.question with { Granted = ClassSet.None };
            return NeverLess(Some.Policy, narrow, wide) && NeverLess(Some.Policy, none, narrow)
                && (Some.Policy.Decide(none).Visible | c.question.Granted | ClassSet.Of(NotPersonal)).ContainsAll(Some.Policy.Decide(wide).Visible);
        }, 10_000);
    }

    [Fact]
    [Trait("Rule", "R-NTK-11")]
    public void A_break_glass_that_ended_never_shows() =>
        Some.Holds(Some.Questions, q => NeverLess(Some.Policy, q with { BreakGlass = false }, q with { BreakGlass = true }), 10_000);

    [Fact]
    [Trait("Rule", "R-NTK-5")]
    public void Who_reported_is_shown_by_R_NTK_5_and_by_nothing_else() => Some.Holds(
        Some.Questions,
        q => !Some.Policy.Decide(q).Visible.Contains(ReporterIdentity)
            || (q.Relationships.Contains(Wire.Relationship.CentralIntake) && q.UnitKind == Wire.UnitKind.CentralIntake && q.Screening)
            || (q.UnitKind == Wire.UnitKind.ProtectionCenter && q.HoldsCase),
        10_000);

    [Fact]
    [Trait("Rule", "R-NTK-5")]
    public void No_policy_file_that_loads_shows_who_reported_to_anyone_else() => Some.Holds(Policies(permits: 3, reporter: true), p =>
    {
        var policy = NeedToKnowPolicy.TryLoad(
            Encoding.UTF8.GetBytes(p.Policy.ToJsonString()), NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.BasesFile), out var problems);
        if (policy is null)
            return problems.All(problem => problem.What.Contains("R-NTK-5", StringComparison.Ordinal));

        var q = p.Question;
        return !policy.Decide(q).Visible.Contains(ReporterIdentity)
            || (q.Relationships.Contains(Wire.Relationship.CentralIntake) && q.UnitKind == Wire.UnitKind.CentralIntake && q.Screening)
            || (q.UnitKind == Wire.UnitKind.ProtectionCenter && q.HoldsCase);
    });

    [Fact]
    public void The_order_of_rules_and_their_repetition_do_not_matter()
    {
        var shuffled = from p in Policies(permits: 5)
                       from order in Gen.Shuffle(Enumerable.Range(0, p.Policy["rules"]!.AsArray().Count).ToArray())
                       select (p, order);
        Some.Holds(shuffled, c =>
        {
            var other = (JsonObject)c.p.Policy.DeepClone();
            var rules = c.p.Policy["rules"]!.AsArray();
            other["rules"] = new JsonArray([.. c.order.Select(at => rules[at]!.DeepClone()), .. rules.Select((r, at) => Copy(r!, $"NTK-COPY-{at}"))]);
            var (one, two) = (Load(c.p.Policy).Decide(c.p.Question), Load(other).Decide(c.p.Question));
            return one.Visible == two.Visible && one.Allowed == two.Allowed && one.Obligations == two.Obligations
                && one.Rules.SequenceEqual(two.Rules.Where(id => !id.StartsWith("NTK-COPY-", StringComparison.Ordinal)), StringComparer.Ordinal);
        });

        static JsonNode Copy(JsonNode rule, string id)
        {
            var copy = rule.DeepClone();
            copy["id"] = id;
            return copy;
        }
    }

    [Fact]
    public void The_same_question_has_the_same_answer() => Some.Holds(
        Some.Questions,
        q => Some.Policy.Decide(q) is var one && NeedToKnowPolicyAgain.Value.Decide(q) is var two
            && one.Visible == two.Visible && one.Allowed == two.Allowed && one.Rules.SequenceEqual(two.Rules, StringComparer.Ordinal));

    private sealed record Case(JsonObject Policy, NeedToKnowQuestion Question)
    {
        public override string ToString() => $"{Question}\n{string.Join('\n', Policy["rules"]!.AsArray().Select(r => r!.ToJsonString()))}";
    }

    private static Lazy<NeedToKnowPolicy> NeedToKnowPolicyAgain { get; } = new(NeedToKnowPolicy.LoadBuiltIn);

    private static bool NeverLess(NeedToKnowPolicy policy, NeedToKnowQuestion less, NeedToKnowQuestion more)
    {
        var (few, many) = (policy.Decide(less), policy.Decide(more));
        // Guardians only is a way of hiding too: more must not narrow a household that less showed as a whole.
        var narrowed = many.Obligations.HasFlag(Obligations.GuardiansOnly) && !few.Obligations.HasFlag(Obligations.GuardiansOnly)
            && few.Visible.Contains(Household);
        return many.Visible.ContainsAll(few.Visible) && !narrowed;
    }

    private static NeedToKnowPolicy Load(JsonObject policy) =>
        NeedToKnowPolicy.Load(new MemoryStream(Encoding.UTF8.GetBytes(policy.ToJsonString())), "random.json");

    private static JsonObject With(JsonObject policy, JsonObject rule)
    {
        var more = (JsonObject)policy.DeepClone();
        more["rules"]!.AsArray().Add(rule);
        return more;
    }

    private static JsonObject Deny(string id, string[] classes) => Entry(id, new JsonObject { ["effect"] = "deny", ["classes"] = List(classes) });

    /// <summary>A policy of the given number of random permits and one or two denials, with the bases and jurisdictions of the policy in force, and a question.</summary>
    private static Gen<Case> Policies(int permits, bool reporter = false) =>
        from question in Some.Questions
        from opening in Gen.ArrayOf(Permit(question, reporter).Resize(4), permits)
        from withholding in Gen.ArrayOf(Denial().Resize(4), permits == 0 ? 2 : 1)
        select new Case(Build([.. opening, .. withholding]), question);

    private static JsonObject Build(JsonObject[] rules)
    {
        var policy = (JsonObject)Frame.Value.DeepClone();
        policy["rules"] = new JsonArray([.. rules.Select((rule, at) => Entry($"NTK-{at}", rule))]);
        return policy;
    }

    /// <summary>The policy in force without its rules.</summary>
    private static Lazy<JsonObject> Frame { get; } = new(() =>
    {
        using var json = typeof(NeedToKnowPolicy).Assembly.GetManifestResourceStream("need-to-know.json")!;
        var policy = (JsonObject)JsonNode.Parse(json)!;
        policy.Remove("rules");
        return policy;
    });

    private static Gen<JsonObject> Permit(NeedToKnowQuestion question, bool reporter) =>
        from classes in Gen.NonEmptyListOf(Gen.Elements(Codes<Wire.ConfidentialityClass>("NOT_PERSONAL", reporter ? "" : "REPORTER_IDENTITY")))
        from relationships in Gen.NonEmptyListOf(Gen.Elements(Codes<Wire.Relationship>()))
        from unitKinds in Gen.ListOf(Gen.Elements(Codes<Wire.UnitKind>()))
        from agencyKinds in Gen.ListOf(Gen.Elements(Codes<Wire.AgencyKind>()))
        from limits in Gen.Frequency((3, Gen.Constant<string[]>([])), (1, Gen.Elements("sent", "supplied", "agenda", "scope", "own").Select(l => (string[])[l])))
        from requires in Gen.Frequency((3, Gen.Constant<string[]>([])), (1, Gen.Elements("screening", "holdsCase").Select(r => (string[])[r])))
        from obligation in Gen.Elements("", "", "notifyPrimary", "guardiansOnly")
        from onBasis in Gen.Choose(0, 1)
        select Compose(
            obligation == "guardiansOnly" ? ["HOUSEHOLD"] : classes, relationships, unitKinds, agencyKinds, limits, requires,
            obligation.Length == 0 ? [] : [obligation], onBasis == 1, question);

    private static JsonObject Compose(
        IEnumerable<string> classes,
        IEnumerable<string> relationships,
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
            ["purposes"] = List([Code(purpose)]),
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

    private static string[] Codes<T>(params string[] but)
        where T : struct, Enum =>
        [.. Enum.GetValues<T>().Where(v => Convert.ToInt32(v, System.Globalization.CultureInfo.InvariantCulture) != 0).Select(v => Code(v)).Except(but, StringComparer.Ordinal)];

    /// <summary>The code of a value as the contract writes it, without the prefix of its enum.</summary>
    private static string Code<T>(T value)
        where T : struct, Enum
    {
        var name = typeof(T).GetField(value.ToString())!
            .GetCustomAttributes(typeof(Google.Protobuf.Reflection.OriginalNameAttribute), inherit: false)
            .Cast<Google.Protobuf.Reflection.OriginalNameAttribute>().Single().Name;
        var zero = typeof(T).GetField("Unspecified")!
            .GetCustomAttributes(typeof(Google.Protobuf.Reflection.OriginalNameAttribute), inherit: false)
            .Cast<Google.Protobuf.Reflection.OriginalNameAttribute>().Single().Name;
        return name[(zero.Length - "UNSPECIFIED".Length)..];
    }
}
