using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.ReferralAction;

namespace SafetyNet.Exchange.Tests.Households;

public sealed class NeedToKnowWireTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task A_person_who_may_not_be_seen_looks_like_one_who_does_not_exist()
    {
        var family = Some.Family();
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        foreach (var reference in (string[])[referral.ReferralId, The.NobodysUuid])
        {
            await AssertSameAsync(
                () => The.Police.LooksUpAsync(family.Child.NationalId.Canonical, referral: reference), () => The.Police.LooksUpAsync(Some.StrangersId(), referral: reference));
            await AssertSameAsync(
                () => The.Police.AskAsync(to => to.Households.LookUpHouseholdAsync(ByName(family.Child, reference))),
                () => The.Police.AskAsync(to => to.Households.LookUpHouseholdAsync(ByName(family.Child with { Name = "無此人" }, reference))));
        }
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task A_referral_or_case_of_others_looks_like_one_that_does_not_exist()
    {
        var family = Some.Family();
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId);
        await AssertSameAsync(() => The.Police.ReadsAsync(referral.ReferralId), () => The.Police.ReadsAsync(The.NobodysUuid));
        await AssertSameAsync(() => The.Police.SeesCaseAsync(opened.CaseId), () => The.Police.SeesCaseAsync(The.NobodysUuid));
        await AssertSameAsync(() => The.Police.MovesAsync(Accept, referral.ReferralId), () => The.Police.MovesAsync(Accept, The.NobodysUuid));
        await AssertSameAsync(() => The.Police.JoinsAsync(opened.CaseId), () => The.Police.JoinsAsync(The.NobodysUuid));
        await AssertSameAsync(() => The.Police.ReadsNotesAsync(opened.CaseId), () => The.Police.ReadsNotesAsync(The.NobodysUuid));
        await AssertSameAsync(() => The.Police.OpensCaseAsync(referral.ReferralId), () => The.Police.OpensCaseAsync(The.NobodysUuid));
        await AssertSameAsync(
            () => The.Police.WritesAsync(The.Police.Note(opened.CaseId, CaseNote, "探問")), () => The.Police.WritesAsync(The.Police.Note(The.NobodysUuid, CaseNote, "探問")));
        await AssertSameAsync(
            () => The.Police.RefersAsync(Some.Referral(The.Police, The.Centre.UnitId, Some.SubjectOf(family.Child), inCase: opened.CaseId)),
            () => The.Police.RefersAsync(Some.Referral(The.Police, The.Centre.UnitId, Some.SubjectOf(family.Child), inCase: The.NobodysUuid)));
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    [Trait("Rule", "R-NTK-15")]
    public async Task What_the_caller_is_explained_about_its_refusal_does_not_tell_either()
    {
        var family = Some.Family();
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId);
        await AssertSameExplanationAsync(() => The.Police.ReadsAsync(referral.ReferralId), () => The.Police.ReadsAsync(The.NobodysUuid));
        await AssertSameExplanationAsync(() => The.Police.SeesCaseAsync(opened.CaseId), () => The.Police.SeesCaseAsync(The.NobodysUuid));
        await AssertSameExplanationAsync(
            () => The.Police.LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened.CaseId), () => The.Police.LooksUpAsync(Some.StrangersId(), inCase: opened.CaseId));
    }

    [Fact]
    [Trait("Rule", "R-NTK-1")]
    [Trait("Rule", "R-NTK-3")]
    public async Task A_look_up_is_answered_for_the_live_step_only_that_it_names()
    {
        var (family, other) = (Some.Family(), Some.Family());
        var id = family.Child.NationalId.Canonical;
        var referral = await The.WanhuaCentre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var elsewhere = await The.WanhuaCentre.TakesInAsync(The.School, Some.SubjectOf(other.Child));

        Assert.Equal(id, (await The.WanhuaCentre.LooksUpAsync(id, referral: referral.ReferralId)).Person.NationalId);
        // Another live step of the same unit, about other people, opens nothing here; nor does the school's own part in the step.
        await AssertNotFoundAsync(() => The.WanhuaCentre.LooksUpAsync(id, referral: elsewhere.ReferralId));
        await AssertNotFoundAsync(() => The.WanhuaCentre.LooksUpAsync(id, inCase: The.NobodysUuid));
        await AssertNotFoundAsync(() => The.School.LooksUpAsync(id, referral: referral.ReferralId));
        // Another unit of the same agency has no part either.
        await AssertNotFoundAsync(() => The.Centre.LooksUpAsync(id, referral: referral.ReferralId));

        await The.WanhuaCentre.MovesAsync(referral.ReferralId, BeginService, Close);
        await AssertNotFoundAsync(() => The.WanhuaCentre.LooksUpAsync(id, referral: referral.ReferralId));
    }

    [Fact]
    [Trait("Rule", "R-HH-1")]
    public async Task By_name_and_birth_date_the_same_person_is_found()
    {
        var family = Some.Family();
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var found = await The.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(ByName(family.Child, null, The.Centre.Context(referral: referral.ReferralId))));
        Assert.Equal(family.Child.NationalId.Canonical, found.Person.NationalId);
    }

    [Fact]
    [Trait("Rule", "R-NTK-2")]
    [Trait("Rule", "R-HH-2")]
    public async Task Labor_sees_its_part_only()
    {
        var family = Some.Family();
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId, family.Mother.Id);
        var request = Some.Referral(The.Centre, The.Labor.UnitId, Some.SubjectOf(family.Mother), Wire.Article6Service.EmploymentGuidance, opened.CaseId);
        var job = (await The.Centre.RefersAsync(request)).ReferralId;
        await The.Labor.MovesAsync(job, See, Accept);

        var found = await The.Labor.LooksUpAsync(family.Mother.NationalId.Canonical, inCase: opened.CaseId);
        Assert.Equal((family.Mother.Name, family.Mother.Phone, family.Home.Address), (found.Person.Name, found.Person.Phone, found.Person.Address));
        Assert.Empty(found.Members);
        Assert.Empty(found.Relatives);
        Assert.Empty(found.Involvements);
        Assert.Equal([Household, Involvement], found.Disclosure.WithheldClasses);
        await AssertNotFoundAsync(() => The.Labor.LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened.CaseId));
        await AssertNotFoundAsync(() => The.Labor.LooksUpAsync(family.Child.NationalId.Canonical, referral: job));
        await AssertNotFoundAsync(() => The.Labor.ReadsAsync(referral.ReferralId));
    }

    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public async Task Protected_whereabouts_go_to_the_primary_and_not_to_who_serves_beside_it()
    {
        var family = Some.Family();
        var (person, home) = (family.Child, family.Home);
        // The register says so; the sandbox's population has too few such persons to count on one.
        Exchange.Query("UPDATE person SET is_protected = 1 WHERE person_id = $0", r => 0, person.Id.ToByteArray(bigEndian: true));
        var id = person.NationalId.Canonical;
        var subject = Some.SubjectOf(person);
        (subject.Phone, subject.Address) = ("", "");
        var referral = await The.Centre.TakesInAsync(The.School, subject);
        AssertWithoutContact(await The.Centre.LooksUpAsync(id, referral: referral.ReferralId));

        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId);
        var asPrimary = await The.Centre.LooksUpAsync(id, inCase: opened.CaseId);
        Assert.Equal((person.Phone, home.Address), (asPrimary.Person.Phone, asPrimary.Person.Address));
        Assert.Equal(home.Address, opened.Subjects.Single().Address);

        await The.Centre.AsksInAsync(opened.CaseId, The.MentalHealthCentre, Wire.Article6Service.MentalHealth);
        var joined = await The.MentalHealthCentre.JoinsAsync(opened.CaseId);
        Assert.Equal((person.Name, "", ""), (joined.Subjects.Single().Name, joined.Subjects.Single().Phone, joined.Subjects.Single().Address));
        AssertWithoutContact(await The.MentalHealthCentre.LooksUpAsync(id, inCase: opened.CaseId));

        await The.Centre.AsksInAsync(opened.CaseId, The.ProtectionCentre, Wire.Article6Service.CareVisit);
        await The.ProtectionCentre.JoinsAsync(opened.CaseId);
        Assert.Equal(home.Address, (await The.ProtectionCentre.LooksUpAsync(id, inCase: opened.CaseId)).Person.Address);

        void AssertWithoutContact(Wire.LookUpHouseholdResponse found)
        {
            Assert.Equal((person.Name, "", ""), (found.Person.Name, found.Person.Phone, found.Person.Address));
        }
    }

    [Fact]
    [Trait("Rule", "R-NTK-13")]
    public async Task Taoyuan_sees_nothing_of_Taipei_without_a_referral_across()
    {
        var family = Some.Family();
        var id = family.Child.NationalId.Canonical;
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId);
        foreach (var (reference, inCase) in ((string?, string?)[])[(referral.ReferralId, null), (null, opened.CaseId)])
            await AssertNotFoundAsync(() => The.CentreOfTaoyuan.LooksUpAsync(id, reference, inCase));
        await AssertNotFoundAsync(() => The.CentreOfTaoyuan.ReadsAsync(referral.ReferralId));
        await AssertNotFoundAsync(() => The.CentreOfTaoyuan.SeesCaseAsync(opened.CaseId));
        var officer = The.OfficerOfTaoyuan;
        var listed = await officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = officer.Context(), NationalId = id }));
        Assert.All(listed.Entries, e => Assert.Equal(Wire.Jurisdiction.Tao, e.Record.Jurisdiction));

        // A referral across makes the relationship, and its end ends it.
        var across = await The.CentreOfTaoyuan.TakesInAsync(The.Centre, Some.SubjectOf(family.Child));
        Assert.Equal(id, (await The.CentreOfTaoyuan.LooksUpAsync(id, referral: across.ReferralId)).Person.NationalId);
        await The.CentreOfTaoyuan.MovesAsync(across.ReferralId, BeginService, Close);
        await AssertNotFoundAsync(() => The.CentreOfTaoyuan.LooksUpAsync(id, referral: across.ReferralId));
    }

    [Fact]
    [Trait("Rule", "R-HH-1")]
    public async Task A_person_is_found_by_a_name_however_two_systems_write_it()
    {
        var subject = Some.Stranger();
        subject.Name = "温峯‧巴奈";
        var referral = await The.Centre.TakesInAsync(The.School, subject);
        foreach (var written in (string[])["溫峰·巴奈", "溫峰巴奈", "溫　峰　巴奈"])
        {
            var found = await The.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(new()
            {
                Context = The.Centre.Context(referral: referral.ReferralId), NameAndBirthDate = new() { Name = written, BirthDate = subject.BirthDate },
            }));
            Assert.Equal((subject.NationalId, "温峯‧巴奈"), (found.Person.NationalId, found.Person.Name));
        }

        await AssertNotFoundAsync(() => The.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(new()
        {
            Context = The.Centre.Context(referral: referral.ReferralId), NameAndBirthDate = new() { Name = "溫□巴奈", BirthDate = subject.BirthDate },
        })));
    }

    private Wire.LookUpHouseholdRequest ByName(SyntheticPerson person, string? referral, Wire.AccessContext? context = null) => new()
    {
        Context = context ?? The.Police.Context(referral: referral),
        NameAndBirthDate = new() { Name = person.Name, BirthDate = $"{person.BirthDate:yyyy-MM-dd}" },
    };

    private async Task AssertNotFoundAsync(Func<Task> call) => Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(call)).Reason);

    private async Task AssertSameAsync(Func<Task> forbidden, Func<Task> absent)
    {
        var (one, other) = (await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, forbidden), await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, absent));
        Assert.Equal(other.Look(), one.Look());
    }

    private async Task AssertSameExplanationAsync(Func<Task> forbidden, Func<Task> absent)
    {
        var told = new List<string>();
        foreach (var call in (Func<Task>[])[forbidden, absent])
        {
            var refused = await Refused.ByAsync(call);
            told.Add((await The.Police.AskAsync(to => to.Audit.ExplainDecisionAsync(
                new() { Context = The.Police.Context(), DecisionId = refused.Refusal.DecisionId }))).ToString());
        }

        Assert.Equal(told[1], told[0]);
    }
}
