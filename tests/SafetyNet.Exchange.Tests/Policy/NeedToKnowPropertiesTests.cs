using System.Text;
using System.Text.Json.Nodes;
using FsCheck.Fluent;
using SafetyNet.Exchange.Server.Policy;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>R-NTK-15: what always holds, for the policy in force and for random policies that load.</summary>
[Trait("Rule", "R-NTK-15")]
public sealed class NeedToKnowPropertiesTests
{
    [Fact]
    public void A_policy_without_a_permitting_rule_shows_nothing() =>
        Some.HoldsForPolicies(RandomPolicies.Of(permits: 0), p => p.ForEach((policy, question) => !policy.Decide(question).Allowed));

    [Fact]
    public void Nothing_is_shown_without_a_relationship_or_on_a_basis_that_does_not_carry_the_purpose() => Some.Holds(
        Some.Questions,
        q => !Some.Policy.Decide(q with { Relationships = RelationshipSet.None }).Allowed
            && (BaselineTable.Carries(q.Purpose).Contains(q.LegalBasis) || !Some.Policy.Decide(q).Allowed));

    [Fact]
    public void Whatever_is_shown_a_named_rule_opens_to_this_unit_in_this_relationship_for_this_purpose_on_this_basis()
    {
        Some.Holds(Some.Questions, q => OpenedByNamedRules(Some.Policy, q));
        Some.HoldsForPolicies(RandomPolicies.Of(permits: 4), p => p.ForEach(OpenedByNamedRules));
    }

    [Fact]
    public void What_one_rule_denies_no_number_of_permits_shows()
    {
        Some.HoldsForPolicies(RandomPolicies.Of(permits: 4), p =>
        {
            var denied = ClassSet.Of(MentalHealth, Contact);
            var denying = RandomPolicies.Load(RandomPolicies.With(p.File, RandomPolicies.Deny("NTK-DENY-ALL", ["MENTAL_HEALTH", "CONTACT"])));
            return p.ForEach((policy, question) =>
            {
                var visible = denying.Decide(question).Visible;
                return (visible & denied).IsEmpty && visible == Without(policy.Decide(question).Visible, denied);
            });
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
        var random = from p in RandomPolicies.Of(permits: 4) from added in Some.RelationshipSets select (p, added);
        Some.HoldsForPolicies(random, c => c.p.ForEach((policy, q) => NeverLess(policy, q, q with { Relationships = q.Relationships | c.added })));
    }

    [Fact]
    public void Removing_a_basis_never_shows()
    {
        Some.Holds(Some.Questions, q => NeverLess(Some.Policy, q with { LegalBasis = Wire.LegalBasis.Unspecified }, q)
            && NeverLess(Some.Policy, q with { ShareBasis = Wire.LegalBasis.Unspecified }, q));

        // Taken out of the policy: no rule stands on it any more.
        var removals = from p in RandomPolicies.Of(permits: 4) from basis in Some.Of<Wire.LegalBasis>() select (p, basis);
        Some.HoldsForPolicies(removals, c => NeverMoreWithout(c.p, "bases", RandomPolicies.Code(c.basis)));
    }

    [Fact]
    public void Narrowing_the_purpose_never_shows()
    {
        // A rule speaks for the purposes that it names: one that is taken out of it shows less, and a purpose that no rule names shows nothing.
        var removals = from p in RandomPolicies.Of(permits: 4) from purpose in Some.Of<Wire.Purpose>() select (p, purpose);
        Some.HoldsForPolicies(removals, c => NeverMoreWithout(c.p, "purposes", RandomPolicies.Code(c.purpose)));
        Some.HoldsForPolicies(removals, c =>
        {
            var named = c.p.File["rules"]!.AsArray().SelectMany(rule => rule!["purposes"]?.AsArray().Select(p => p!.GetValue<string>()) ?? []).ToHashSet(StringComparer.Ordinal);
            return named.Contains(RandomPolicies.Code(c.purpose)) || c.p.ForEach((policy, q) => !policy.Decide(q with { Purpose = c.purpose }).Allowed);
        });
        Some.Holds(Some.Questions, q => Some.Policy.Decide(q with { Purpose = Wire.Purpose.Unspecified }).Visible.IsEmpty
            && (Some.Policy.Decide(q with { Purpose = Wire.Purpose.Statistics, LegalBasis = Wire.LegalBasis.Article6IntegratedService }).Visible & ClassSet.Personal).IsEmpty
            && (Some.Policy.Decide(q with { Purpose = Wire.Purpose.Audit, LegalBasis = Wire.LegalBasis.AuditDuty, BreakGlass = false, Revealed = ClassSet.None }).Visible & ClassSet.Personal).IsEmpty);
    }

    [Fact]
    public void Withdrawing_what_someone_put_forward_never_shows()
    {
        var fewer = from question in Some.Questions from kept in Some.ClassSets from flags in Gen.Choose(0, 31) select (question, kept, flags);
        Some.Holds(fewer, c => NeverLess(
            Some.Policy,
            c.question with
            {
                Sent = c.question.Sent & c.kept,
                Shared = c.question.Shared & c.kept,
                Supplied = c.question.Supplied & c.kept,
                Agenda = c.question.Agenda & c.kept,
                ServiceScope = c.question.ServiceScope & c.kept,
                Granted = c.question.Granted & c.kept,
                Revealed = c.question.Revealed & c.kept,
                Holdable = c.question.Holdable & c.kept,
                SharedWithCaller = c.question.SharedWithCaller && (c.flags & 1) != 0,
                OwnUnit = c.question.OwnUnit && (c.flags & 2) != 0,
                Screening = c.question.Screening && (c.flags & 4) != 0,
                HoldsCase = c.question.HoldsCase && (c.flags & 8) != 0,
                BreakGlass = c.question.BreakGlass && (c.flags & 16) != 0,
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
        });
    }

    [Fact]
    [Trait("Rule", "R-NTK-11")]
    public void A_break_glass_that_ended_never_shows() =>
        Some.Holds(Some.Questions, q => NeverLess(Some.Policy, q with { BreakGlass = false }, q with { BreakGlass = true }));

    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public void A_protection_never_shows() => Some.Holds(
        Some.Questions,
        q => NeverLess(Some.Policy, q with { ProtectedAddress = true }, q with { ProtectedAddress = false })
            && NeverLess(Some.Policy, q with { ProtectedAddress = true, ServesOtherParty = true }, q with { ProtectedAddress = true, ServesOtherParty = false }));

    /// <summary>A sender's view that ends: at no later instant is there more of it, and nothing is left of it from its end on.</summary>
    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public void Time_that_passes_never_shows()
    {
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var views = from question in Some.Questions
                    from state in Some.Of<Wire.ReferralState>()
                    from classes in Some.ClassSets
                    from minutes in Gen.ArrayOf(Gen.Choose(0, 60), 3)
                    select (question, state, classes, until: start.AddMinutes(minutes[0]), early: start.AddMinutes(Math.Min(minutes[1], minutes[2])), late: start.AddMinutes(Math.Max(minutes[1], minutes[2])));
        Some.Holds(views, c =>
        {
            NeedToKnowQuestion At(DateTimeOffset now) =>
                Standing.OfReceiver(c.state, c.classes.Bits, c.until, now) is var standing ? c.question with { Relationships = standing.Relationships, Sent = standing.Sent } : default;
            return NeverLess(Some.Policy, At(c.late), At(c.early)) && (c.late < c.until || At(c.late).Sent.IsEmpty);
        });
    }

    /// <summary>Rules that end: a later day never shows more, nor does an earlier end.</summary>
    [Fact]
    [Trait("Rule", "R-NTK-16")]
    public void Rules_that_end_never_show_more_later()
    {
        var ending = from p in RandomPolicies.Of(permits: 4)
                     from ends in Gen.ArrayOf(Gen.Choose(0, 60), 4)
                     from days in Gen.ArrayOf(Gen.Choose(0, 60), 2)
                     select (p, ends, early: Some.Today.AddDays(days.Min()), late: Some.Today.AddDays(days.Max()));
        Some.HoldsForPolicies(ending, c =>
        {
            var policy = RandomPolicies.Load(RandomPolicies.Ending(c.p.File, c.ends.Select(days => Some.Today.AddDays(days))));
            var sooner = RandomPolicies.Load(RandomPolicies.Ending(c.p.File, c.ends.Select(days => Some.Today.AddDays(days / 2))));
            return c.p.ForEach((endless, q) => NeverLess(policy, q with { On = c.late }, q with { On = c.early })
                && endless.Decide(q with { On = c.early }).Visible.ContainsAll(policy.Decide(q with { On = c.early }).Visible)
                && policy.Decide(q with { On = c.early }).Visible.ContainsAll(sooner.Decide(q with { On = c.early }).Visible));
        });
    }

    [Fact]
    [Trait("Rule", "R-NTK-5")]
    public void Who_reported_is_shown_by_R_NTK_5_and_by_nothing_else() =>
        Some.Holds(Some.Questions, q => !Some.Policy.Decide(q).Visible.Contains(ReporterIdentity) || MayKnowWhoReported(q));

    [Fact]
    [Trait("Rule", "R-NTK-5")]
    public void No_policy_file_that_loads_shows_who_reported_to_anyone_else() => Some.HoldsForPolicies(RandomPolicies.Of(permits: 3, reporter: true), p =>
    {
        var policy = RandomPolicies.TryLoad(p.File, out var problems);
        return policy is null
            ? problems.All(problem => problem.What.Contains("R-NTK-5", StringComparison.Ordinal))
            : Array.TrueForAll(p.Questions, q => !policy.Decide(q).Visible.Contains(ReporterIdentity) || MayKnowWhoReported(q));
    });

    [Fact]
    public void The_order_of_rules_and_their_repetition_do_not_matter()
    {
        var shuffled = from p in RandomPolicies.Of(permits: 5)
                       from order in Gen.Shuffle(Enumerable.Range(0, p.File["rules"]!.AsArray().Count).ToArray())
                       select (p, order);
        Some.HoldsForPolicies(shuffled, c =>
        {
            var other = RandomPolicies.Load(ShuffledTwice(c.p.File, c.order));
            return c.p.ForEach((policy, question) => SaysTheSame(policy.Decide(question), other.Decide(question)));
        });

        // The policy in force too.
        var orders = from order in Gen.Shuffle(Enumerable.Range(0, Some.Policy.Rules.Count(rule => rule.Id.StartsWith("NTK-", StringComparison.Ordinal)) - 1).ToArray())
                     from questions in Gen.ArrayOf(Some.Questions, RandomPolicies.QuestionsEach)
                     select (order, questions);
        Some.HoldsForPolicies(orders, c =>
        {
            var other = SpoiltPolicy.Load(policy => policy["rules"] = new JsonArray([.. c.order.Select(at => policy["rules"]![at]!.DeepClone())]));
            return Array.TrueForAll(c.questions, question => SaysTheSame(Some.Policy.Decide(question), other.Decide(question)));
        });

        static bool SaysTheSame(Decision one, Decision two) => one.Visible == two.Visible && one.Allowed == two.Allowed && one.Obligations == two.Obligations
            && one.Rules.SequenceEqual(two.Rules.Where(id => !id.StartsWith("NTK-COPY-", StringComparison.Ordinal)), StringComparer.Ordinal);
    }

    [Fact]
    public void The_same_question_has_the_same_answer_again_and_on_any_thread()
    {
        var again = NeedToKnowPolicy.LoadBuiltIn();
        Some.Holds(Some.Questions, q => Same(Some.Policy.Decide(q), Some.Policy.Decide(q)) && Same(Some.Policy.Decide(q), again.Decide(q)));

        var questions = Gen.Sample(Some.Questions, 100_000).ToArray();
        var both = new Decision[2][];
        var threads = Enumerable.Range(0, both.Length).Select(number => new Thread(() =>
        {
            // From both ends: at no time are the two at the same question, but where they meet.
            var said = new Decision[questions.Length];
            for (var at = 0; at < questions.Length; at++)
            {
                var place = number == 0 ? at : questions.Length - 1 - at;
                said[place] = again.Decide(questions[place]);
            }

            both[number] = said;
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.All(questions.Zip(both[0], both[1]), c => Assert.True(Same(c.Second, c.Third) && Same(c.Second, Some.Policy.Decide(c.First))));

        static bool Same(Decision one, Decision two) => one.Visible == two.Visible && one.Allowed == two.Allowed && one.Obligations == two.Obligations
            && one.PolicyRevision == two.PolicyRevision && one.Rules.SequenceEqual(two.Rules, StringComparer.Ordinal);
    }

    private static bool MayKnowWhoReported(NeedToKnowQuestion q) =>
        (q.Relationships.Contains(Wire.Relationship.CentralIntake) && q.UnitKind == Wire.UnitKind.CentralIntake && q.Screening)
        || (q.UnitKind == Wire.UnitKind.ProtectionCenter && q.HoldsCase);

    /// <summary>Each class that is shown is opened by a rule that the decision names and whose condition the question meets, and carried by an entry of the registry that it
    /// names.</summary>
    private static bool OpenedByNamedRules(NeedToKnowPolicy policy, NeedToKnowQuestion q)
    {
        var decision = policy.Decide(q);
        var (opened, carried) = (ClassSet.Of(NotPersonal), ClassSet.Of(NotPersonal));
        foreach (var rule in decision.Rules.Select(policy.GetRule).Where(rule => rule.Effect == PolicyEffect.Permit))
        {
            var when = rule.When;
            var shareMayCarry = q.SharedWithCaller && ((when.Limits & RuleLimits.Sent) != RuleLimits.None || rule.Id.StartsWith("LB-", StringComparison.Ordinal));
            if ((when.Relationships & q.Relationships.Bits) != 0 && (when.AgencyKinds & CodeTable.AgencyKinds.BitOf((int)q.AgencyKind)) != 0
                && (when.UnitKinds & CodeTable.UnitKinds.BitOf((int)q.UnitKind)) != 0 && (when.Purposes & CodeTable.Purposes.BitOf((int)q.Purpose)) != 0
                && ((when.Bases & CodeTable.Bases.BitOf((int)q.LegalBasis)) != 0 || (shareMayCarry && (when.Bases & CodeTable.Bases.BitOf((int)q.ShareBasis)) != 0)))
            {
                if (rule.Id.StartsWith("LB-", StringComparison.Ordinal))
                    carried |= rule.Classes;
                else
                    opened |= rule.Classes;
            }
        }

        return opened.ContainsAll(decision.Visible) && carried.ContainsAll(decision.Visible) && decision.Allowed == !decision.Visible.IsEmpty;
    }

    private static bool NeverMoreWithout(RandomPolicy p, string member, string code)
    {
        var fewer = RandomPolicies.Load(RandomPolicies.WithoutCode(p.File, member, code));
        return p.ForEach((policy, question) => policy.Decide(question).Visible.ContainsAll(fewer.Decide(question).Visible));
    }

    private static bool NeverLess(NeedToKnowPolicy policy, NeedToKnowQuestion less, NeedToKnowQuestion more)
    {
        var (few, many) = (policy.Decide(less), policy.Decide(more));
        // Guardians only is a way of hiding too: more must not narrow a household that less showed as a whole.
        var narrowed = many.Obligations.HasFlag(Obligations.GuardiansOnly) && !few.Obligations.HasFlag(Obligations.GuardiansOnly)
            && few.Visible.Contains(Household);
        return many.Visible.ContainsAll(few.Visible) && !narrowed;
    }

    private static JsonObject ShuffledTwice(JsonObject policy, int[] order)
    {
        var other = (JsonObject)policy.DeepClone();
        var rules = policy["rules"]!.AsArray();
        other["rules"] = new JsonArray([.. order.Select(at => rules[at]!.DeepClone()), .. rules.Select((rule, at) => Copy(rule!, $"NTK-COPY-{at}"))]);
        return other;

        static JsonNode Copy(JsonNode rule, string id)
        {
            var copy = rule.DeepClone();
            copy["id"] = id;
            return copy;
        }
    }
}
