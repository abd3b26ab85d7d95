using System.Text.Json.Nodes;
using FsCheck.Fluent;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>Do the proofs notice? The policy is changed in one place at a time, in all the ways that a slip of the hand takes, and the golden file and the baseline table
/// must each tell the changed policy from the one in force.</summary>
[Trait("Rule", "R-NTK-2")]
[Trait("Rule", "R-NTK-15")]
public sealed class MutatedPolicyTests
{
    private const int Sampled = 20_000;

    /// <summary>Forbid what no rule opens: nothing is shown otherwise without them.</summary>
    private static readonly string[] Idle = ["NTK-DENY-STATISTICS", "NTK-DENY-AUDIT"];

    private static readonly Lazy<(NeedToKnowQuestion Question, ClassSet Visible)[]> Baseline =
        new(() => [.. Gen.Sample(Some.Questions, Sampled, new FsCheck.Rnd(20_261_122), 50).Select(question => (question, BaselineTable.Visible(question)))]);

    public static TheoryData<string> Rules => [.. Some.Policy.Rules.Select(rule => rule.Id).Where(id => id.StartsWith("NTK-", StringComparison.Ordinal) && id != "NTK-JURISDICTION").Except(Idle)];

    /// <summary>Entries that carry a class; those of statistics and audits carry none.</summary>
    public static TheoryData<string> LegalBases =>
        [.. Some.Policy.Registry.Entries.Where(entry => !(entry.Rule.Classes & ClassSet.Personal).IsEmpty).Select(entry => entry.Id)];

    public static TheoryData<string> BasisSlips => [.. BasisChanges.Keys];

    public static TheoryData<string> Slips => [.. Changes.Keys];

    /// <summary>What is wrong with the policy, by the rule that it is wrong in. What the registry of legal bases would stop all the same is no difference, and not here.</summary>
    private static Dictionary<string, Action<JsonObject>> Changes { get; } = new(StringComparer.Ordinal)
    {
        // A limit or a requirement is forgotten.
        ["NTK-REFERRER-SENT: whatever it sent"] = p => Drop(p, "NTK-REFERRER-SENT", "limits"),
        ["NTK-MATCHED-IDENTITY: as others know it"] = p => Drop(p, "NTK-MATCHED-IDENTITY", "limits"),
        ["NTK-HOUSEHOLD-SENT: unsent"] = p => Drop(p, "NTK-HOUSEHOLD-SENT", "limits"),
        ["NTK-AGENDA: off the agenda"] = p => Drop(p, "NTK-AGENDA", "limits"),
        ["NTK-NOTE: everybody's notes"] = p => Drop(p, "NTK-NOTE", "limits"),
        ["NTK-NOTE: own notes only"] = p => Set(p, "NTK-NOTE", "limits", "own"),
        ["NTK-NOTE-OWN-CONTENT: of others"] = p => Set(p, "NTK-NOTE-OWN-CONTENT", "limits", "supplied"),
        ["NTK-PROTECTIVE-SCOPE: outside the scope"] = p => Drop(p, "NTK-PROTECTIVE-SCOPE", "limits"),
        ["NTK-PROTECTIVE-AGENDA-SCOPE: outside the scope"] = p => Set(p, "NTK-PROTECTIVE-AGENDA-SCOPE", "limits", "agenda"),
        ["NTK-GRANT: ungranted"] = p => Drop(p, "NTK-GRANT", "limits"),
        ["NTK-GRANT-APPLICANT: what others wrote"] = p => Drop(p, "NTK-GRANT-APPLICANT", "limits"),
        ["NTK-BREAK-GLASS: behind the glass"] = p => Drop(p, "NTK-BREAK-GLASS", "requires"),
        ["NTK-REVEAL: unrevealed"] = p => Drop(p, "NTK-REVEAL", "limits"),
        ["NTK-DENY-AUDIT: whatever was revealed"] = p => SpoiltPolicy.Rule(p, "NTK-DENY-AUDIT")["unless"]!.AsArray().RemoveAt(1),
        ["NTK-DENY-AUDIT: the review too"] = p => Drop(p, "NTK-DENY-AUDIT", "unless"),
        ["NTK-MISSING-PERSON: without a case"] = p => Drop(p, "NTK-MISSING-PERSON", "requires"),
        ["NTK-DENY-PROTECTED-ADDRESS: of everyone"] = p => Drop(p, "NTK-DENY-PROTECTED-ADDRESS", "requires"),
        ["NTK-DENY-OTHER-PARTY: of everyone"] = p => Drop(p, "NTK-DENY-OTHER-PARTY", "requires"),

        // A basis is forgotten, added, or mistaken for another.
        ["NTK-BREAK-GLASS: on a duty to warn"] = p => Add(p, "NTK-BREAK-GLASS", "bases", "DUTY_TO_WARN"),
        ["NTK-HEALTH-DANGER: on any basis"] = p => Drop(p, "NTK-HEALTH-DANGER", "bases"),
        ["NTK-HEALTH-DANGER: on a statutory report"] = p => Add(p, "NTK-HEALTH-DANGER", "bases", "STATUTORY_REPORT"),
        ["NTK-HEALTH-SENT-DANGER: without a waiver"] = p => Set(p, "NTK-HEALTH-SENT-DANGER", "bases", "IMMINENT_DANGER"),
        ["NTK-SUICIDE-RISK: on any basis"] = p => Drop(p, "NTK-SUICIDE-RISK", "bases"),
        ["NTK-SUBSTANCE-CRIMINAL: on danger"] = p => Set(p, "NTK-SUBSTANCE-CRIMINAL", "bases", "DUTY_TO_WARN"),
        ["NTK-CRIMINAL-DANGER: without a duty to warn"] = p => Set(p, "NTK-CRIMINAL-DANGER", "bases", "IMMINENT_DANGER", "CRIMINAL_CASE"),
        ["NTK-INFECTIOUS-LETHAL: any infection"] = p => Drop(p, "NTK-INFECTIOUS-LETHAL", "bases"),
        ["NTK-INTAKE-HEALTH: not on a report"] = p => Set(p, "NTK-INTAKE-HEALTH", "bases", "IMMINENT_DANGER", "SUICIDE_RISK"),

        // A kind of agency or unit is forgotten, added, or mistaken for another.
        ["NTK-HOUSEHOLD-SERVING: labour too"] = p => Add(p, "NTK-HOUSEHOLD-SERVING", "agencyKinds", "LABOR"),
        ["NTK-INVOLVEMENT-POLICE: every police unit"] = p => Drop(p, "NTK-INVOLVEMENT-POLICE", "unitKinds"),
        ["NTK-INVOLVEMENT-POLICE: the unit in any agency"] = p => Drop(p, "NTK-INVOLVEMENT-POLICE", "agencyKinds"),
        ["NTK-ECONOMIC-PRIMARY: any primary"] = p => Drop(p, "NTK-ECONOMIC-PRIMARY", "agencyKinds"),
        ["NTK-ECONOMIC-SENT: not to labour"] = p => Set(p, "NTK-ECONOMIC-SENT", "agencyKinds", "SOCIAL_WELFARE", "FINANCE", "NGO"),
        ["NTK-PROTECTIVE-UNITS: schools too"] = p => Add(p, "NTK-PROTECTIVE-UNITS", "unitKinds", "SCHOOL"),
        ["NTK-JUVENILE-SERVING-YOUTH: no schools"] = p => Set(p, "NTK-JUVENILE-SERVING-YOUTH", "unitKinds", "YOUTH_GUIDANCE"),
        ["NTK-REGISTRAR: any agency"] = p => Drop(p, "NTK-REGISTRAR", "agencyKinds"),
        ["NTK-DENY-BOROUGH: districts may"] = p => Set(p, "NTK-DENY-BOROUGH", "unitKinds", "BOROUGH_OFFICE"),

        // A relationship, a purpose or a class too many or too few.
        ["NTK-IDENTITY-SERVING: the referrer too"] = p => Add(p, "NTK-IDENTITY-SERVING", "relationships", "REFERRER"),
        ["NTK-CRIMINAL-SERVING: on being asked"] = p => Add(p, "NTK-CRIMINAL-SERVING", "relationships", "REFERRED_TO"),
        ["NTK-STATUS: strangers too"] = p => Add(p, "NTK-STATUS", "relationships", "NONE"),
        ["NTK-STATUS: for screening only"] = p => Set(p, "NTK-STATUS", "purposes", "INTAKE_SCREENING"),
        ["NTK-MATCHED-INVOLVEMENT: for any service"] = p => Add(p, "NTK-MATCHED-INVOLVEMENT", "purposes", "SERVICE_DELIVERY"),
        ["NTK-REGISTRAR: in a crisis"] = p => Add(p, "NTK-REGISTRAR", "purposes", "CRISIS_RESPONSE"),
        ["NTK-INTAKE: no criminal records"] = p => SpoiltPolicy.Rule(p, "NTK-INTAKE")["classes"]!.AsArray().RemoveAll(c => c!.GetValue<string>() == "CRIMINAL"),
        ["NTK-BREAK-GLASS: mental health too"] = p => Add(p, "NTK-BREAK-GLASS", "classes", "MENTAL_HEALTH"),
        ["NTK-GRANT: for a search too"] = p => Add(p, "NTK-GRANT", "purposes", "MISSING_PERSON_SEARCH"),
        ["NTK-AGENDA: violence too"] = p => Add(p, "NTK-AGENDA", "classes", "DOMESTIC_VIOLENCE"),
        ["NTK-NOTE-OWN-CONTENT: no mental health"] = p => SpoiltPolicy.Rule(p, "NTK-NOTE-OWN-CONTENT")["classes"]!.AsArray().RemoveAll(c => c!.GetValue<string>() == "MENTAL_HEALTH"),

        // An exception or a denial too many or too few.
        ["NTK-DENY-BOROUGH: whatever the agenda"] = p => Drop(p, "NTK-DENY-BOROUGH", "unless"),
        ["NTK-DENY-PROTECTED-ADDRESS: all police"] = p => SpoiltPolicy.Rule(p, "NTK-DENY-PROTECTED-ADDRESS")["unless"]![2]!.AsObject().Remove("purposes"),
        ["NTK-DENY-PROTECTED-ADDRESS: serving units may"] = p => SpoiltPolicy.Rule(p, "NTK-DENY-PROTECTED-ADDRESS")["unless"]![0]!["relationships"]!.AsArray().Add("SERVING"),
        ["NTK-DENY-OTHER-PARTY: the household goes out"] = p => Set(p, "NTK-DENY-OTHER-PARTY", "classes", "CONTACT"),

        // The frame: other jurisdictions.
        ["NTK-JURISDICTION: intake everywhere"] = p => p["otherJurisdictions"]!["relationships"]!.AsArray().Add("CENTRAL_INTAKE"),
        ["NTK-JURISDICTION: no referrals across"] = p => p["otherJurisdictions"]!["relationships"]!.AsArray().RemoveAll(r => r!.GetValue<string>() == "REFERRED_TO"),
    };

    /// <summary>What is wrong with the registry of legal bases, by the entry that it is wrong in.</summary>
    private static Dictionary<string, Action<JsonObject>> BasisChanges { get; } = new(StringComparer.Ordinal)
    {
        ["LB-ART6-SERVICE: ended"] = b => SpoiltPolicy.Entry(b, "LB-ART6-SERVICE")["until"] = "2026-07-01",
        ["LB-WAIVER-SERVICE: revoked"] = b => SpoiltPolicy.Entry(b, "LB-WAIVER-SERVICE")["revokedAt"] = "2026-06-30",
        ["LB-REPORT-INTAKE: not yet"] = b => SpoiltPolicy.Entry(b, "LB-REPORT-INTAKE")["from"] = "2026-07-02",
        ["LB-ART6-SERVICE: no police"] = b => Take(b, "LB-ART6-SERVICE", "agencyKinds", "POLICE"),
        ["LB-DANGER-SERVICE: no suicide"] = b => Take(b, "LB-DANGER-SERVICE", "classes", "SUICIDE"),
        ["LB-DANGER-SERVICE: no crisis"] = b => Take(b, "LB-DANGER-SERVICE", "purposes", "CRISIS_RESPONSE"),
        ["LB-ART6-SERVICE: a crisis too"] = b => SpoiltPolicy.Entry(b, "LB-ART6-SERVICE")["purposes"]!.AsArray().Add("CRISIS_RESPONSE"),
        ["LB-ROSTER-MATCHING: Article 6 instead"] = b => SpoiltPolicy.Entry(b, "LB-ROSTER-MATCHING")["basis"] = "ARTICLE_6_INTEGRATED_SERVICE",
    };

    [Theory]
    [MemberData(nameof(LegalBases))]
    [Trait("Rule", "R-NTK-16")]
    public void A_legal_basis_that_is_left_out_is_noticed(string id) => AssertNoticed(
        id, SpoiltPolicy.LoadBases(bases => bases["entries"]!.AsArray().RemoveAll(entry => entry!["id"]!.GetValue<string>() == id)));

    [Theory]
    [MemberData(nameof(BasisSlips))]
    [Trait("Rule", "R-NTK-16")]
    public void A_slip_of_the_hand_in_the_registry_is_noticed(string slip) =>
        AssertNoticed(slip[..(slip.IndexOf(':', StringComparison.Ordinal))], SpoiltPolicy.LoadBases(BasisChanges[slip]));

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_that_is_left_out_is_noticed(string id) => AssertNoticed(
        id, SpoiltPolicy.Load(policy => policy["rules"]!.AsArray().RemoveAll(rule => rule!["id"]!.GetValue<string>() == id)));

    [Theory]
    [MemberData(nameof(Slips))]
    public void A_slip_of_the_hand_is_noticed(string slip) => AssertNoticed(slip[..(slip.IndexOf(':', StringComparison.Ordinal))], SpoiltPolicy.Load(Changes[slip]));

    /// <summary>Education sees guardians only: the way of showing is in the golden file, not in the baseline table of classes.</summary>
    [Fact]
    public void An_obligation_that_is_forgotten_or_overruled_is_noticed()
    {
        Situation[] serving = [new Situation(Wire.Relationship.Serving, Wire.Purpose.ServiceDelivery, TableFacts.Plain)];

        Assert.NotNull(FirstDifference(SpoiltPolicy.Load(p => Drop(p, "NTK-HOUSEHOLD-GUARDIANS", "obligations")), serving));
        Assert.NotNull(FirstDifference(SpoiltPolicy.Load(p => Add(p, "NTK-HOUSEHOLD-SERVING", "agencyKinds", "EDUCATION")), serving));
    }

    /// <summary>The other way round: a policy that says the same in another order and twice is not taken for another.</summary>
    [Fact]
    public void A_policy_that_says_the_same_is_not_taken_for_another()
    {
        var policy = SpoiltPolicy.Load(p =>
        {
            var rules = p["rules"]!.AsArray();
            var again = rules.Select((rule, at) =>
            {
                var copy = rule!.DeepClone();
                copy["id"] = $"NTK-AGAIN-{at}";
                return copy;
            });
            p["rules"] = new JsonArray([.. rules.Reverse().Select(rule => rule!.DeepClone()), .. again]);
        });

        Assert.Null(FirstDifference(policy, DecisionTable.Situations.Where(part => part.Relationship is Wire.Relationship.Serving or Wire.Relationship.Conference)));
        Assert.All(Baseline.Value, asked => Assert.Equal(asked.Visible, policy.Decide(asked.Question).Visible));
    }

    private static void AssertNoticed(string rule, NeedToKnowPolicy policy)
    {
        // Where the rule speaks, the difference is found soonest.
        var speaks = Some.Policy.GetRule(rule).When;
        var parts = DecisionTable.Situations.OrderBy(part =>
            (speaks.Relationships & CodeTable.Relationships.BitOf((int)part.Relationship)) != 0 && (speaks.Purposes & CodeTable.Purposes.BitOf((int)part.Purpose)) != 0 ? 0 : 1);

        Assert.True(FirstDifference(policy, parts) is not null, "the golden file does not notice");
        Assert.True(Array.Exists(Baseline.Value, asked => policy.Decide(asked.Question).Visible != asked.Visible), "the baseline table does not notice");
    }

    private static string? FirstDifference(NeedToKnowPolicy policy, IEnumerable<Situation> parts)
    {
        var table = DecisionTable.Of(policy);
        return parts.SelectMany(part => DecisionTableText.Differences(Golden.Table, table, [part])).FirstOrDefault();
    }

    private static void Take(JsonObject bases, string entry, string member, string code) =>
        SpoiltPolicy.Entry(bases, entry)[member]!.AsArray().RemoveAll(c => c!.GetValue<string>() == code);

    private static void Drop(JsonObject policy, string rule, string member) => SpoiltPolicy.Rule(policy, rule).Remove(member);

    private static void Add(JsonObject policy, string rule, string member, string code) => SpoiltPolicy.Rule(policy, rule)[member]!.AsArray().Add(code);

    private static void Set(JsonObject policy, string rule, string member, params string[] codes) =>
        SpoiltPolicy.Rule(policy, rule)[member] = new JsonArray([.. codes.Select(code => (JsonNode)code)]);
}
