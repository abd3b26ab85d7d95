using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Audit;

/// <summary>A decision is explained: to its caller by rules, classes and what would open them, to a security officer by every input (R-NTK-15).</summary>
[Trait("Rule", "R-NTK-15")]
public sealed class ExplainTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task The_caller_is_told_the_rules_and_for_each_withheld_class_what_would_open_it()
    {
        var (looked, decision) = await LaborLooksUpAsync();
        var told = await ExplainAsync(The.Labor, decision);

        Assert.Equal((Wire.AuditOutcome.Permitted, "", Exchange.Composition.Policy.Current.Revision), (told.Outcome, told.Reason, told.PolicyRevision));
        Assert.Contains(told.Rules, r => r.TextEn.Length > 0 && r.Source.Length > 0 && r.TextZh.Any(c => c is >= '\u4e00' and <= '\u9fff'));
        Assert.Equal(looked.Disclosure.ShownClasses, told.ShownClasses);
        Assert.Equal(looked.Disclosure.WithheldClasses, told.WithheldClasses);
        Assert.Equal(told.WithheldClasses, told.Withheld.Select(w => w.ConfidentialityClass));
        Assert.Null(told.Entry);

        var household = told.Withheld.Single(w => w.ConfidentialityClass == Household);
        Assert.False(household.NotHoldable);
        Assert.Contains(household.Openings, o => o.Relationships.Contains(Wire.Relationship.Primary));
        Assert.Contains(household.Openings, o => o.Relationships.SequenceEqual([Wire.Relationship.Conference]) && o.Limits.SequenceEqual([Wire.OpeningLimit.Agenda]));
        // What is for units of other kinds only is not offered.
        Assert.DoesNotContain(household.Openings, o => o.Rule.RuleId.Contains("GUARDIANS", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_security_officer_is_told_every_input_and_can_decide_anew_from_them()
    {
        var (_, decision) = await LaborLooksUpAsync();
        var told = await ExplainAsync(The.Officer, decision);
        var record = told.Entry.Record;

        Assert.Equal((Wire.AgencyKind.Labor, Wire.UnitKind.EmploymentService), (record.Inputs.AgencyKind, record.Inputs.UnitKind));
        var question = Assert.Single(record.Inputs.Questions);
        Assert.Equal([Wire.Relationship.Serving], question.Relationships);
        Assert.Equal((Wire.Jurisdiction.Tpe, false), (question.ResourceJurisdiction, question.Ended));
        Assert.Equal((Wire.Purpose.ServiceDelivery, Wire.LegalBasis.Article6IntegratedService), (record.Purpose, record.LegalBasis));
        Assert.Equal([Wire.ConfidentialityClass.Identity, Contact, EmploymentRecord, PublicStatus], question.VisibleClasses);
        AssertDecidedAnew(Exchange.Composition.Policy.Current, record);
    }

    [Fact]
    public async Task What_was_shared_and_what_was_protected_stand_among_the_inputs()
    {
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.Stranger())).ReferralId);
        Exchange.Query("UPDATE person SET is_protected = 1 WHERE person_id = $0", _ => 0, Guid.Parse(opened.Subjects[0].PersonId).ToByteArray(bigEndian: true));
        await The.Centre.AsksInAsync(opened.CaseId, The.MentalHealthCentre, Wire.Article6Service.MentalHealth);
        await The.MentalHealthCentre.JoinsAsync(opened.CaseId);
        await The.MentalHealthCentre.WritesAsync(The.MentalHealthCentre.Note(opened.CaseId, MentalHealth, "已分享",
            new Wire.NoteShare { UnitId = The.Centre.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver }));
        var read = await The.Centre.ReadsNotesAsync(opened.CaseId);
        Assert.Single(read.Notes);

        var record = (await ExplainAsync(The.Officer, read.Disclosure.DecisionId)).Entry.Record;
        var (ofCase, ofNote) = (record.Inputs.Questions[0], record.Inputs.Questions[1]);
        Assert.Equal([Wire.DecisionFact.ProtectedAddress], ofCase.Facts);
        Assert.Equal([Wire.DecisionFact.ProtectedAddress, Wire.DecisionFact.SharedWithCaller], ofNote.Facts);
        Assert.Equal((Wire.LegalBasis.SubjectWaiver, true), (ofNote.ShareBasis, ofNote.SharedClasses.Contains(MentalHealth)));
        Assert.NotEmpty(ofNote.Rules);
        AssertDecidedAnew(Exchange.Composition.Policy.Current, record);
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task A_decision_of_another_agency_or_jurisdiction_is_not_there()
    {
        var (_, decision) = await LaborLooksUpAsync();
        foreach (var stranger in (Party[])[The.Police, The.OfficerOfTaoyuan])
        {
            var refused = await Refused.ByAsync(() => ExplainAsync(stranger, decision));
            Assert.Equal(Wire.ErrorReason.NotFound, refused.Reason);
        }
    }

    [Fact]
    public async Task A_refusal_is_explained_without_a_word_of_what_there_is()
    {
        var referral = await The.School.RefersAsync(The.Centre);
        var refused = await Refused.ByAsync(() => The.Police.ReadsAsync(referral.ReferralId));
        var told = await ExplainAsync(The.Police, refused.Refusal.DecisionId);
        Assert.Equal((Wire.AuditOutcome.Refused, "NOT_FOUND"), (told.Outcome, told.Reason));
        // The legal basis that it stood on, and nothing else: that is the same for what is there and what is not.
        Assert.All(told.Rules, rule => Assert.StartsWith("LB-", rule.RuleId, StringComparison.Ordinal));
        Assert.Empty(told.Withheld);
    }

    [Fact]
    public void What_would_open_a_class_follows_from_kinds_and_policy_alone()
    {
        var rules = Exchange.Composition.Policy.Current.Contents.Rules;
        string[] Of(Wire.AgencyKind agency, Wire.UnitKind unit, Wire.ConfidentialityClass one) => [.. Openings.Of(rules, agency, unit, one).Select(r => r.Id)];

        // R-NTK-5: who reported is opened by two rules, each to one kind of unit.
        Assert.Equal(["NTK-INTAKE-REPORTER"], Of(Wire.AgencyKind.SocialWelfare, Wire.UnitKind.CentralIntake, ReporterIdentity));
        Assert.Equal(["NTK-REPORTER-PROTECTION"], Of(Wire.AgencyKind.SocialWelfare, Wire.UnitKind.ProtectionCenter, ReporterIdentity));
        Assert.Empty(Of(Wire.AgencyKind.Police, Wire.UnitKind.PolicePrecinct, ReporterIdentity));
        // R-NTK-6: a borough office sees what stands on an agenda, and nothing else opens it anything.
        Assert.All(Openings.Of(rules, Wire.AgencyKind.CivilAffairs, Wire.UnitKind.BoroughOffice, Economic),
            rule => Assert.True(rule.When.Limits.HasFlag(RuleLimits.Agenda), rule.Id));
        Assert.NotEmpty(Of(Wire.AgencyKind.CivilAffairs, Wire.UnitKind.BoroughOffice, Economic));
    }

    /// <summary>A decision is a pure function of what stands in its record.</summary>
    internal static void AssertDecidedAnew(NeedToKnowPolicy policy, Wire.AuditRecord record)
    {
        var on = CivilDate.InTaiwan(record.DecidedAt.ToDateTimeOffset());
        // The record names what the access stands on, whatever was decided then.
        var standsOn = policy.AskBasis(record.Purpose, record.LegalBasis, record.Inputs.AgencyKind, on).Entries;
        foreach (var question in record.Inputs.Questions)
        {
            var decision = policy.Decide(new NeedToKnowQuestion
            {
                AgencyKind = record.Inputs.AgencyKind, UnitKind = record.Inputs.UnitKind, CallerJurisdiction = record.Jurisdiction,
                Holdable = question.Ended ? ClassSet.None : ClassSet.All.Without(ClassSet.FromWire(record.Inputs.NotHoldableClasses)), Purpose = record.Purpose, LegalBasis = record.LegalBasis,
                Relationships = question.Relationships.Aggregate(RelationshipSet.None, (all, one) => all | RelationshipSet.Of(one)), ResourceJurisdiction = question.ResourceJurisdiction,
                On = on,
                Sent = ClassSet.FromWire(question.SentClasses), Supplied = ClassSet.FromWire(question.SuppliedClasses), Agenda = ClassSet.FromWire(question.AgendaClasses),
                Shared = ClassSet.FromWire(question.SharedClasses), ShareBasis = question.ShareBasis, ServiceScope = ClassSet.FromWire(question.ScopeClasses),
                SharedWithCaller = question.Facts.Contains(Wire.DecisionFact.SharedWithCaller), OwnUnit = question.Facts.Contains(Wire.DecisionFact.OwnRecord),
                ProtectedAddress = question.Facts.Contains(Wire.DecisionFact.ProtectedAddress), ServesOtherParty = question.Facts.Contains(Wire.DecisionFact.ServesOtherParty),
                Screening = question.Facts.Contains(Wire.DecisionFact.Screening), HoldsCase = question.Facts.Contains(Wire.DecisionFact.HoldsCase),
                Granted = ClassSet.FromWire(question.GrantedClasses), Revealed = ClassSet.FromWire(question.RevealedClasses), BreakGlass = question.Facts.Contains(Wire.DecisionFact.BreakGlass),
            });
            Assert.Equal(question.VisibleClasses, decision.Visible.Without(NotPersonal).InTableOrder());
            if (record.Inputs.Questions.Count == 1) Assert.Equal(record.Rules, decision.Rules.Union(standsOn, StringComparer.Ordinal).Order(StringComparer.Ordinal));
            else Assert.Equal(question.Rules, decision.Rules);
        }
    }

    private static Task<Wire.ExplainDecisionResponse> ExplainAsync(Party by, string decision) =>
        by.AskAsync(to => to.Audit.ExplainDecisionAsync(new() { Context = by.Context(), DecisionId = decision }));

    private async Task<(Wire.LookUpHouseholdResponse Looked, string Decision)> LaborLooksUpAsync()
    {
        var child = Some.Stranger();
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, child)).ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.Labor, Wire.Article6Service.EmploymentGuidance);
        await The.Labor.JoinsAsync(opened.CaseId);
        var looked = await The.Labor.LooksUpAsync(child.NationalId, inCase: opened.CaseId);
        return (looked, looked.Disclosure.DecisionId);
    }
}
