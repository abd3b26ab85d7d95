using SafetyNet.Exchange.Server.Policy;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Policy;

public sealed class NeedToKnowPolicyTests
{
    private static NeedToKnowPolicy Policy => Some.Policy;

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public void Without_a_relationship_nothing_is_shown_and_no_rule_is_named()
    {
        var decision = Policy.Decide(Some.Question());

        Assert.False(decision.Allowed);
        Assert.True(decision.Visible.IsEmpty);
        Assert.Empty(decision.Rules);
        Assert.Equal(Obligations.None, decision.Obligations);
    }

    [Fact]
    [Trait("Rule", "R-NTK-4")]
    public void The_referrer_sees_the_status_and_what_it_sent_itself()
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Referrer) with { Supplied = ClassSet.Of(Wire.ConfidentialityClass.Identity, MentalHealth), Sent = ClassSet.All });

        Assert.Equal(ClassSet.Of(NotPersonal, PublicStatus, Wire.ConfidentialityClass.Identity), decision.Visible);
        Assert.Equal(["LB-ART6-SERVICE", "NTK-REFERRER-SENT", "NTK-STATUS"], decision.Rules);
    }

    [Fact]
    [Trait("Rule", "R-NTK-5")]
    public void Who_reported_is_told_to_intake_while_it_screens_and_not_after()
    {
        var question = Some.Question(Wire.Relationship.CentralIntake) with
        {
            UnitKind = Wire.UnitKind.CentralIntake,
            Purpose = Wire.Purpose.IntakeScreening,
            LegalBasis = Wire.LegalBasis.StatutoryReport,
        };

        Assert.True(Policy.Decide(question with { Screening = true }).Visible.Contains(ReporterIdentity));
        Assert.False(Policy.Decide(question).Visible.Contains(ReporterIdentity));
    }

    [Fact]
    [Trait("Rule", "R-NTK-6")]
    public void A_borough_office_that_serves_sees_the_status_only_and_its_rule_is_named()
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Serving) with
        {
            AgencyKind = Wire.AgencyKind.CivilAffairs,
            UnitKind = Wire.UnitKind.BoroughOffice,
        });

        Assert.Equal(ClassSet.Of(NotPersonal, PublicStatus), decision.Visible);
        Assert.Equal(["LB-ART6-SERVICE", "NTK-DENY-BOROUGH", "NTK-STATUS"], decision.Rules);
    }

    [Fact]
    [Trait("Rule", "R-NTK-6")]
    public void A_borough_office_at_a_conference_sees_what_is_on_the_agenda()
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Conference) with
        {
            AgencyKind = Wire.AgencyKind.CivilAffairs,
            UnitKind = Wire.UnitKind.BoroughOffice,
            Purpose = Wire.Purpose.CaseConference,
            LegalBasis = Wire.LegalBasis.ConferenceResolution,
            Agenda = ClassSet.Of(Wire.ConfidentialityClass.Identity, Household),
        });

        Assert.Equal(ClassSet.Of(NotPersonal, PublicStatus, Wire.ConfidentialityClass.Identity, Household), decision.Visible);
    }

    /// <summary>The example under the table of domain.md 3.1.</summary>
    [Theory]
    [InlineData(Wire.LegalBasis.SubjectWaiver, true)]
    [InlineData(Wire.LegalBasis.ImminentDanger, true)]
    [InlineData(Wire.LegalBasis.Article6IntegratedService, false)]
    [InlineData(Wire.LegalBasis.SuicideRisk, false)]
    [Trait("Rule", "R-NTK-8")]
    [Trait("Rule", "R-NTK-17")]
    public void A_mental_health_note_reaches_a_social_welfare_primary_by_a_share_under_waiver_or_danger(Wire.LegalBasis shareBasis, bool readable)
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Primary) with
        {
            SharedWithCaller = true,
            Shared = ClassSet.Of(MentalHealth),
            ShareBasis = shareBasis,
        });

        Assert.True(decision.Visible.Contains(CaseNote));
        Assert.Equal(readable, decision.Visible.Contains(MentalHealth));
    }

    [Fact]
    [Trait("Rule", "R-NTK-8")]
    public void A_note_that_is_not_shared_stays_with_its_author_whatever_its_class_and_basis()
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Primary) with
        {
            LegalBasis = Wire.LegalBasis.SubjectWaiver,
            Shared = ClassSet.Of(MentalHealth),
            ShareBasis = Wire.LegalBasis.SubjectWaiver,
        });

        Assert.False(decision.Visible.Contains(CaseNote));
    }

    [Fact]
    [Trait("Rule", "R-CASE-3")]
    public void A_unit_reads_back_the_note_that_it_wrote()
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Serving) with { OwnUnit = true, Supplied = ClassSet.Of(Suicide) });

        Assert.True(decision.Visible.ContainsAll(ClassSet.Of(CaseNote, Suicide)));
        Assert.False(decision.Visible.Contains(MentalHealth));
    }

    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public void Protected_whereabouts_are_withheld_from_a_serving_unit_and_the_rule_is_named()
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Serving) with { ProtectedAddress = true });

        Assert.False(decision.Visible.Contains(Contact));
        Assert.True(decision.Visible.Contains(Wire.ConfidentialityClass.Identity));
        Assert.Contains("NTK-DENY-PROTECTED-ADDRESS", decision.Rules);
    }

    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public void The_other_partys_unit_never_gets_protected_whereabouts_not_even_as_primary()
    {
        var question = Some.Question(Wire.Relationship.Primary) with { ProtectedAddress = true };

        Assert.True(Policy.Decide(question).Visible.Contains(Contact));
        var decision = Policy.Decide(question with { ServesOtherParty = true });
        Assert.False(decision.Visible.Contains(Contact));
        Assert.False(decision.Visible.Contains(Household));
        Assert.Contains("NTK-DENY-OTHER-PARTY", decision.Rules);
    }

    [Theory]
    [InlineData(Wire.Relationship.CentralIntake, Wire.Purpose.IntakeScreening, false)]
    [InlineData(Wire.Relationship.Registrar, Wire.Purpose.ServiceDelivery, false)]
    [InlineData(Wire.Relationship.ReferredTo, Wire.Purpose.ServiceDelivery, true)]
    [InlineData(Wire.Relationship.Serving, Wire.Purpose.ServiceDelivery, true)]
    [Trait("Rule", "R-NTK-13")]
    public void Another_jurisdictions_data_is_reached_by_referral_and_service_only(Wire.Relationship relationship, Wire.Purpose purpose, bool reached)
    {
        var question = Some.Question(relationship) with { Purpose = purpose, ResourceJurisdiction = Wire.Jurisdiction.Khh };

        var decision = Policy.Decide(question);
        Assert.Equal(reached, decision.Allowed);
        Assert.Equal(!reached, decision.Rules.Contains("NTK-JURISDICTION"));
        Assert.True(Policy.Decide(question with { CallerJurisdiction = Wire.Jurisdiction.Tw }).Allowed);
        Assert.Equal(reached, Policy.Decide(question with { ResourceJurisdiction = Wire.Jurisdiction.Unspecified }).Allowed);
    }

    [Fact]
    public void Classes_that_the_agency_may_not_hold_are_withheld_but_the_status_is_not()
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Primary) with { Holdable = ClassSet.Of(Wire.ConfidentialityClass.Identity) });

        Assert.Equal(ClassSet.Of(NotPersonal, PublicStatus, Wire.ConfidentialityClass.Identity), decision.Visible);
        Assert.Equal(["LB-ART6-SERVICE", "NTK-IDENTITY-SERVING", "NTK-STATUS"], decision.Rules);
    }

    [Fact]
    public void A_school_that_serves_is_shown_guardians_only_until_another_relationship_opens_the_household()
    {
        var school = Some.Question(Wire.Relationship.Serving) with { AgencyKind = Wire.AgencyKind.Education, UnitKind = Wire.UnitKind.School };

        Assert.True(Policy.Decide(school).Obligations.HasFlag(Obligations.GuardiansOnly));
        var both = Policy.Decide(school with { Relationships = RelationshipSet.Of(Wire.Relationship.Serving, Wire.Relationship.Primary) });
        Assert.False(both.Obligations.HasFlag(Obligations.GuardiansOnly));
        Assert.True(both.Visible.Contains(Household));
    }

    [Fact]
    [Trait("Rule", "R-HH-6")]
    public void Seeing_which_systems_serve_a_household_tells_its_primary()
    {
        Assert.Equal(Obligations.NotifyPrimary, Policy.Decide(Some.Question(Wire.Relationship.Serving)).Obligations);
        Assert.Equal(Obligations.None, Policy.Decide(Some.Question(Wire.Relationship.ReferredTo)).Obligations);
    }

    [Fact]
    public void A_basis_that_never_carried_the_purpose_opens_nothing_and_names_nothing()
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Primary) with { LegalBasis = Wire.LegalBasis.RosterMatchingPlan });

        Assert.False(decision.Allowed);
        Assert.Empty(decision.Rules);
    }

    [Fact]
    public void Each_basis_carries_just_the_purposes_that_the_policy_lists()
    {
        foreach (var purpose in Enum.GetValues<Wire.Purpose>())
        foreach (var basis in Enum.GetValues<Wire.LegalBasis>())
            Assert.Equal(BaselineTable.Carries(purpose).Contains(basis), Carries(purpose, basis));
        Assert.False(Carries((Wire.Purpose)77, Wire.LegalBasis.Article6IntegratedService));
        Assert.False(Carries(Wire.Purpose.ServiceDelivery, (Wire.LegalBasis)77));
        Assert.False(Carries(Wire.Purpose.ServiceDelivery, Wire.LegalBasis.Article6IntegratedService, (Wire.AgencyKind)77));
        Assert.Equal("ROSTER_MATCHING_PLAN", Policy.BasesOf(Wire.Purpose.RosterMatching, Wire.AgencyKind.Police, Some.Today));

        static bool Carries(Wire.Purpose purpose, Wire.LegalBasis basis, Wire.AgencyKind kind = Wire.AgencyKind.Police) =>
            Policy.AskBasis(purpose, basis, kind, Some.Today).Standing == BasisStanding.Carries;
    }

    [Theory]
    [InlineData(Wire.AgencyKind.Labor, Wire.UnitKind.EmploymentService, Wire.LegalBasis.Article6IntegratedService, Economic, true)]
    [InlineData(Wire.AgencyKind.Labor, Wire.UnitKind.EmploymentService, Wire.LegalBasis.Article6IntegratedService, MentalHealth, false)]
    [InlineData(Wire.AgencyKind.Labor, Wire.UnitKind.EmploymentService, Wire.LegalBasis.SubjectWaiver, MentalHealth, true)]
    [InlineData(Wire.AgencyKind.Labor, Wire.UnitKind.EmploymentService, Wire.LegalBasis.SuicideRisk, Suicide, true)]
    [InlineData(Wire.AgencyKind.Health, Wire.UnitKind.CommunityMentalHealthCenter, Wire.LegalBasis.Article6IntegratedService, Suicide, true)]
    [InlineData(Wire.AgencyKind.Police, Wire.UnitKind.PolicePrecinct, Wire.LegalBasis.Article6IntegratedService, DomesticViolence, false)]
    [InlineData(Wire.AgencyKind.Police, Wire.UnitKind.WomenChildrenPolice, Wire.LegalBasis.Article6IntegratedService, DomesticViolence, true)]
    [InlineData(Wire.AgencyKind.CivilAffairs, Wire.UnitKind.BoroughOffice, Wire.LegalBasis.Article6IntegratedService, Wire.ConfidentialityClass.Identity, false)]
    [InlineData(Wire.AgencyKind.SocialWelfare, Wire.UnitKind.ProtectionCenter, Wire.LegalBasis.Article6IntegratedService, ReporterIdentity, false)]
    [InlineData(Wire.AgencyKind.SocialWelfare, Wire.UnitKind.SocialWelfareCenter, Wire.LegalBasis.RosterMatchingPlan, Wire.ConfidentialityClass.Identity, false)]
    [InlineData(Wire.AgencyKind.SocialWelfare, Wire.UnitKind.SocialWelfareCenter, Wire.LegalBasis.Article6IntegratedService, Unspecified, false)]
    [Trait("Rule", "R-NTK-17")]
    public void A_sender_may_open_to_a_receiver_what_policy_lets_it_hold(
        Wire.AgencyKind agencyKind, Wire.UnitKind unitKind, Wire.LegalBasis basis, Wire.ConfidentialityClass one, bool mayHold) =>
        Assert.Equal(mayHold, Policy.MayHold(agencyKind, unitKind, basis, one, Some.Today));

    [Fact]
    [Trait("Rule", "R-NTK-9")]
    public void A_protective_note_may_be_shared_with_a_serving_unit_that_has_the_class_on_its_scope()
    {
        var serving = RelationshipSet.Of(Wire.Relationship.Serving);
        bool MayHold(ClassSet scope) => Policy.MayHold(
            Wire.AgencyKind.SocialWelfare, Wire.UnitKind.SocialWelfareCenter, Wire.LegalBasis.Article6IntegratedService, ChildProtection, serving, scope, Some.Today);

        Assert.True(MayHold(ClassSet.Of(ChildProtection)));
        Assert.False(MayHold(ClassSet.Of(DomesticViolence)));
    }

    [Fact]
    public void A_decision_names_rules_that_can_be_looked_up_and_the_same_revision()
    {
        var decision = Policy.Decide(Some.Question(Wire.Relationship.Serving));

        Assert.Equal(Policy.Revision, decision.PolicyRevision);
        Assert.Equal(decision.Rules.Order(StringComparer.Ordinal), decision.Rules);
        Assert.All(decision.Rules, id => Assert.NotEmpty(Policy.GetRule(id).Source));
        Assert.Throws<KeyNotFoundException>(() => Policy.GetRule("NTK-GONE"));
        Assert.Null(Policy.FindRule("NTK-GONE"));
    }

    [Fact]
    public void A_decision_allocates_its_answer_and_no_more()
    {
        var question = Some.Question(Wire.Relationship.Serving);
        Policy.Decide(question);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Policy.Decide(question);

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before <= 1000 * 64, "a decision allocates more than 64 bytes");
    }
}
