using FsCheck;
using FsCheck.Fluent;
using SafetyNet.Exchange.Cli.Policy;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>A class is seen only where a rule permits it and an entry of the registry carries it on that day.</summary>
[Trait("Rule", "R-NTK-16")]
public sealed class LegalBasisTests
{
    private static readonly NeedToKnowQuestion Primary = Some.Question(Wire.Relationship.Primary);

    [Fact]
    [Trait("Abuse", "B37")]
    public void On_the_day_it_ends_a_basis_opens_nothing_and_the_decision_names_it()
    {
        var policy = PolicyText.BuiltIn.Ending(PolicyText.UnderArticle6, Some.Today.AddDays(1)).Load();

        Assert.Equal(Some.Policy.Decide(Primary).Visible, policy.Decide(Primary).Visible);
        Assert.Contains(PolicyText.UnderArticle6, policy.Decide(Primary).Rules);
        var after = policy.Decide(Primary with { On = Some.Today.AddDays(1) });
        Assert.False(after.Allowed);
        Assert.Equal([PolicyText.UnderArticle6], after.Rules);
        Assert.Equal(
            (BasisStanding.Expired, Some.Today.AddDays(1)), Standing(policy, Some.Today.AddDays(1)));
        Assert.Equal(BasisStanding.Carries, Standing(policy, Some.Today).Item1);
        Assert.Equal(BasisStanding.NotAllowed, Standing(policy, new DateOnly(2023, 12, 31)).Item1);
        Assert.True(policy.Decide(Primary with { On = Some.Today.AddDays(1), LegalBasis = Wire.LegalBasis.SubjectWaiver }).Allowed);

        static (BasisStanding, DateOnly) Standing(NeedToKnowPolicy policy, DateOnly on) =>
            policy.AskBasis(Wire.Purpose.ServiceDelivery, Wire.LegalBasis.Article6IntegratedService, Wire.AgencyKind.SocialWelfare, on) is var answer
                ? (answer.Standing, answer.EndedAt) : default;
    }

    [Fact]
    public void A_revoked_basis_ends_on_the_day_of_its_revocation_and_stays_named()
    {
        var policy = PolicyText.BuiltIn.WithEntry(PolicyText.UnderArticle6, "\"approvedBy\"", "\"revokedAt\": \"2026-06-30\", \"approvedBy\"");

        Assert.Empty(policy.Problems(Some.Today));
        Assert.Equal([PolicyText.UnderArticle6], policy.Load().Decide(Primary).Rules);
        Assert.True(policy.Load().Decide(Primary with { On = new DateOnly(2026, 6, 29) }).Allowed);
    }

    [Fact]
    public void A_basis_carries_its_own_classes_for_its_own_systems_only()
    {
        var narrow = PolicyText.BuiltIn.WithEntry(PolicyText.UnderArticle6, "\"CONTACT\", ", "").WithEntry(PolicyText.UnderArticle6, "\"POLICE\", ", "").Load();

        Assert.Equal(Some.Policy.Decide(Primary).Visible.Without(Contact), narrow.Decide(Primary).Visible);
        Assert.False(narrow.Decide(Primary with { AgencyKind = Wire.AgencyKind.Police }).Allowed);
        Assert.True(Some.Policy.Decide(Primary with { AgencyKind = Wire.AgencyKind.Police }).Allowed);
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public void What_was_shared_stands_on_the_basis_of_the_share_only_while_that_carries_the_class()
    {
        var shared = Some.Question(Wire.Relationship.Serving) with
        {
            Shared = ClassSet.Of(MentalHealth), SharedWithCaller = true, ShareBasis = Wire.LegalBasis.SubjectWaiver,
        };
        var decision = Some.Policy.Decide(shared);
        Assert.True(decision.Visible.Contains(MentalHealth));
        Assert.Contains("LB-WAIVER-SERVICE", decision.Rules);

        var ended = PolicyText.BuiltIn.Ending("LB-WAIVER-SERVICE", Some.Today).Load().Decide(shared);
        Assert.False(ended.Visible.Contains(MentalHealth));
        Assert.DoesNotContain("LB-WAIVER-SERVICE", ended.Rules);
        var without = PolicyText.BuiltIn.WithEntry("LB-WAIVER-SERVICE", "\"MENTAL_HEALTH\", ", "").Load().Decide(shared);
        Assert.False(without.Visible.Contains(MentalHealth));
    }

    [Fact]
    public void A_rule_counts_from_its_first_day_until_its_last_whether_it_opens_or_withholds()
    {
        var opens = PolicyText.BuiltIn.WithRule("NTK-IDENTITY-SERVING", "\"effect\"", "\"from\": \"2026-07-01\", \"until\": \"2026-08-01\", \"effect\"").Load();
        Assert.Equal([false, true, true, false], Days.Select(day => opens.Decide(Primary with { On = day }).Visible.Contains(Wire.ConfidentialityClass.Identity)));

        var withholds = PolicyText.BuiltIn.WithRule("NTK-DENY-BOROUGH", "\"effect\"", "\"from\": \"2026-07-01\", \"until\": \"2026-08-01\", \"effect\"").Load();
        Assert.Equal([true, false, false, true], Days.Select(day => withholds.Decide(Primary with { On = day, UnitKind = Wire.UnitKind.BoroughOffice }).Visible.Contains(Wire.ConfidentialityClass.Identity)));
    }

    [Fact]
    public void Without_a_date_nothing_is_open() => Some.Holds(Some.Questions, question => !Some.Policy.Decide(question with { On = default }).Allowed);

    [Fact]
    [Trait("Rule", "R-NTK-15")]
    public void Expiry_is_monotone_a_shorter_basis_never_shows_more()
    {
        var ending = Some.Policy.Registry.Entries.ToDictionary(e => e.Id, e => PolicyText.BuiltIn.Ending(e.Id, Some.Today).Load(), StringComparer.Ordinal);
        var cases = from question in Some.Questions from id in Gen.Elements(ending.Keys.ToArray()) select (question, id);
        Some.Holds(cases, c => Some.Policy.Decide(c.question).Visible.ContainsAll(ending[c.id].Decide(c.question).Visible));
    }

    [Fact]
    public void Whom_an_expiring_basis_stops_is_found_sixty_days_ahead()
    {
        var until = Some.Today.AddDays(60);
        var alone = PolicyText.BuiltIn.Ending("LB-ROSTER-MATCHING", until).Load();
        var found = Assert.Single(ExpiringBases.Find(alone, Some.Today, 60));
        Assert.Equal(("LB-ROSTER-MATCHING", ClassSet.Of(Wire.ConfidentialityClass.Identity, Involvement, PublicStatus)), (found.Entry.Id, found.Lost));
        Assert.Equal([Wire.Purpose.RosterMatching], found.Purposes);
        Assert.Equal(14, found.AgencyKinds.Count);
        Assert.Empty(ExpiringBases.Find(alone, Some.Today, 59));
        Assert.Empty(ExpiringBases.Find(Some.Policy, Some.Today, 366));

        var renewed = PolicyText.BuiltIn.Ending("LB-DANGER-INTAKE", until)
            .WithEntry("LB-DANGER-SERVICE", "\"purposes\": [", "\"purposes\": [\"INTAKE_SCREENING\", ").Load();
        Assert.True(Assert.Single(ExpiringBases.Find(renewed, Some.Today, 60)).Lost.IsEmpty);
    }

    [Fact]
    public void A_diff_says_who_gains_and_who_loses_which_class()
    {
        var after = PolicyText.BuiltIn.WithRule("NTK-EDUCATION-SERVING", "[\"EDUCATION\"]", "[\"LABOR\"]").Load();
        var changes = PolicyDiff.Between(Some.Policy, after, Some.Today);

        Assert.All(changes, c => Assert.Equal((EducationRecord, CodeTable.Relationships.BitOf((int)Wire.Relationship.Serving)), (c.Class, c.Relationships)));
        Assert.Equal(CodeTable.AgencyKinds.BitOf((int)Wire.AgencyKind.Education), changes.Where(c => !c.Gains).Aggregate(0u, (all, c) => all | c.AgencyKinds));
        Assert.Equal(CodeTable.AgencyKinds.BitOf((int)Wire.AgencyKind.Labor), changes.Where(c => c.Gains).Aggregate(0u, (all, c) => all | c.AgencyKinds));
        Assert.Empty(PolicyDiff.Between(Some.Policy, Some.Policy, Some.Today));
        foreach (var change in changes)
            AssertTrueOfEachCell(change, Some.Policy, after);
    }

    [Fact]
    [Trait("Rule", "R-NTK-15")]
    public void An_explanation_tells_what_would_have_to_be_so()
    {
        var school = Some.Question(Wire.Relationship.Serving) with { AgencyKind = Wire.AgencyKind.Education, UnitKind = Wire.UnitKind.School };
        var no = PolicyExplanation.Of(Some.Policy, school, MentalHealth);
        Assert.False(no.Sees);
        var missed = no.Rules.Single(r => r.Rule.Id == "NTK-HEALTH-DANGER");
        Assert.Equal("legal basis is not SUBJECT_WAIVER, IMMINENT_DANGER", Assert.Single(missed.Misses).En);
        Assert.True(no.Bases.Single(b => b.Rule.Id == PolicyText.UnderArticle6).Misses.Count == 0);

        var yes = PolicyExplanation.Of(Some.Policy, school with { LegalBasis = Wire.LegalBasis.SubjectWaiver }, MentalHealth);
        Assert.True(yes.Sees);
        Assert.Equal(["NTK-HEALTH-DANGER"], yes.Rules.Where(r => r.Decides).Select(r => r.Rule.Id));
        Assert.Equal(["LB-WAIVER-SERVICE"], yes.Bases.Where(r => r.Decides).Select(r => r.Rule.Id));

        var withheld = PolicyExplanation.Of(Some.Policy, school with { ProtectedAddress = true }, Contact);
        Assert.Equal(["NTK-DENY-PROTECTED-ADDRESS"], withheld.Denials.Select(d => d.Rule.Id));
        Assert.All(no.Rules.Concat(no.Bases), r => Assert.True(r.Rule.TextEn.Length > 0 && r.Rule.TextZh.Length > 0 && r.Rule.Source.Length > 0));
    }

    private static DateOnly[] Days => [new(2026, 6, 30), new(2026, 7, 1), new(2026, 7, 31), new(2026, 8, 1)];

    /// <summary>Putting cells together must not claim more than was found.</summary>
    private static void AssertTrueOfEachCell(VisibilityChange change, NeedToKnowPolicy before, NeedToKnowPolicy after)
    {
        foreach (var agency in Codes<Wire.AgencyKind>(change.AgencyKinds))
        foreach (var unit in Codes<Wire.UnitKind>(change.UnitKinds))
        foreach (var relationship in Codes<Wire.Relationship>(change.Relationships))
        foreach (var purpose in Codes<Wire.Purpose>(change.Purposes))
        foreach (var basis in Codes<Wire.LegalBasis>(change.Bases))
        foreach (var situation in Enum.GetValues<Situations>().Where(s => s is not (Situations.None or Situations.All) && change.Situations.HasFlag(s)))
        {
            var question = PolicyDiff.Ask(agency, unit, relationship, purpose, basis, situation, Some.Today);
            Assert.Equal((!change.Gains, change.Gains), (before.Decide(question).Visible.Contains(change.Class), after.Decide(question).Visible.Contains(change.Class)));
        }
    }

    private static IEnumerable<T> Codes<T>(uint set)
        where T : struct, Enum =>
        Enum.GetValues<T>().Where(code => (set & (1u << Convert.ToInt32(code, System.Globalization.CultureInfo.InvariantCulture))) != 0);
}
