using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.ReferralAction;

namespace SafetyNet.Exchange.Tests.Households;

[Trait("Rule", "R-NTK-10")]
public sealed class OtherPartyTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task Whereabouts_are_protected_by_the_primary_and_lifted_by_who_set_it_or_the_protection_centre()
    {
        var (family, opened, _) = await OpenAsync();
        var id = family.Mother.NationalId.Canonical;
        await The.Centre.AsksInAsync(opened.CaseId, The.MentalHealthCentre, Wire.Article6Service.MentalHealth);
        await The.MentalHealthCentre.JoinsAsync(opened.CaseId);
        Assert.Equal(family.Home.Address, (await The.MentalHealthCentre.LooksUpAsync(id, inCase: opened.CaseId)).Person.Address);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.MentalHealthCentre.ProtectsAsync(id, opened.CaseId));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Police.ProtectsAsync(id, opened.CaseId));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Police.ProtectsAsync(Some.StrangersId(), opened.CaseId));

        Assert.True(await The.Centre.ProtectsAsync(id, opened.CaseId));
        var seen = await The.MentalHealthCentre.LooksUpAsync(id, inCase: opened.CaseId);
        Assert.Equal((family.Mother.Name, "", ""), (seen.Person.Name, seen.Person.Address, seen.Person.Phone));
        Assert.All((await The.MentalHealthCentre.SeesCaseAsync(opened.CaseId)).Case.Subjects, s => Assert.Equal(("", ""), (s.Address, s.Phone)));
        // Who lives with her is where she is.
        Assert.Equal("", (await The.MentalHealthCentre.LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened.CaseId)).Person.Address);
        Assert.Equal(family.Home.Address, (await The.Centre.LooksUpAsync(id, inCase: opened.CaseId)).Person.Address);

        await The.Centre.AsksInAsync(opened.CaseId, The.ProtectionCentre, Wire.Article6Service.CareVisit);
        await The.ProtectionCentre.JoinsAsync(opened.CaseId);
        Assert.False(await The.ProtectionCentre.ProtectsAsync(id, opened.CaseId, lifted: true));
        Assert.Equal(family.Home.Address, (await The.MentalHealthCentre.LooksUpAsync(id, inCase: opened.CaseId)).Person.Address);
        Assert.True(await The.ProtectionCentre.ProtectsAsync(id, opened.CaseId));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Centre.ProtectsAsync(id, opened.CaseId, lifted: true));
    }

    [Fact]
    public async Task Who_serves_the_other_party_learns_neither_whereabouts_nor_household_by_any_way()
    {
        var (family, opened, other) = await OpenAsync();
        var (mother, child) = (family.Mother.NationalId.Canonical, family.Child.NationalId.Canonical);
        var unit = The.MentalHealthCentre;
        await The.Centre.AsksInAsync(opened.CaseId, unit, Wire.Article6Service.MentalHealth);
        await unit.JoinsAsync(opened.CaseId);
        var toUnit = new Wire.NoteShare { UnitId = unit.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver };
        await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, Household, "與外婆同住", toUnit));
        await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, Contact, "住在某處", toUnit));
        var elder = await unit.TakesInAsync(The.School, Some.SubjectOf(family.Grandparent), Wire.Article6Service.MentalHealth);
        var sent = await The.School.RefersAsync(unit, Some.SubjectOf(family.Child, family.Home), Wire.Article6Service.MentalHealth);
        Assert.NotEmpty((await unit.LooksUpAsync(child, inCase: opened.CaseId)).Members);
        Assert.NotEmpty((await unit.ReadsAsync(sent.ReferralId)).Subjects.Single().Address);
        await The.Centre.ProtectsAsync(mother, opened.CaseId);
        Assert.NotEmpty((await unit.LooksUpAsync(child, inCase: opened.CaseId)).Members);

        // Marked, but the unit does not serve the other party yet; from the referral on it does, accepted or not.
        await The.Centre.MarksOtherPartyAsync(opened.CaseId, other.NationalId);
        Assert.NotEmpty((await unit.LooksUpAsync(child, inCase: opened.CaseId)).Members);
        var served = await The.School.RefersAsync(unit, other, Wire.Article6Service.MentalHealth);

        foreach (var id in (string[])[mother, child])
        {
            var found = await unit.LooksUpAsync(id, inCase: opened.CaseId);
            Assert.Equal((id, "", ""), (found.Person.NationalId, found.Person.Address, found.Person.Phone));
            Assert.Empty(found.Members);
            Assert.Empty(found.Relatives);
            Assert.Contains(Household, found.Disclosure.WithheldClasses);
        }

        var ofElder = await unit.LooksUpAsync(family.Grandparent.NationalId.Canonical, referral: elder.ReferralId);
        Assert.DoesNotContain(ofElder.Relatives, r => r.Person.NationalId == mother || r.Person.NationalId == child);
        Assert.All((await unit.SeesCaseAsync(opened.CaseId)).Case.Subjects, s => Assert.Equal(("", ""), (s.Address, s.Phone)));
        Assert.Equal("", (await unit.ReadsAsync(sent.ReferralId)).Subjects.Single().Address);
        var listed = await unit.AskAsync(to => to.Referrals.ListReferralsAsync(new() { Context = unit.Context(), PageSize = 100 }));
        Assert.All(listed.Referrals.Where(r => r.Subjects.Any(s => s.NationalId == child)), r => Assert.Equal("", r.Subjects.Single().Address));
        Assert.Empty((await unit.ReadsNotesAsync(opened.CaseId, Wire.LegalBasis.SubjectWaiver)).Notes);
        // The same unit still serves the other party, and sees it.
        Assert.Equal(other.Address, (await unit.ReadsAsync(served.ReferralId)).Subjects.Single().Address);
        // Whoever serves her side alone is not touched.
        Assert.NotEmpty((await The.Centre.LooksUpAsync(child, inCase: opened.CaseId)).Members);

        await The.School.MovesAsync(Withdraw, served.ReferralId);
        Assert.NotEmpty((await unit.LooksUpAsync(child, inCase: opened.CaseId)).Members);
    }

    [Fact]
    public async Task A_protection_centre_whose_scope_covers_the_other_party_is_no_exception_and_one_whose_scope_does_not_is_not_touched()
    {
        var family = Some.Family();
        var opened = await The.Centre.OpensCaseAsync(
            (await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId, family.Mother.Id, family.Grandparent.Id);
        await The.Centre.AsksInAsync(opened.CaseId, The.ProtectionCentre, Wire.Article6Service.CareVisit, family.Child.Id);
        await The.Centre.AsksInAsync(opened.CaseId, The.WanhuaCentre, Wire.Article6Service.CareVisit, family.Child.Id, family.Grandparent.Id);
        await The.ProtectionCentre.JoinsAsync(opened.CaseId);
        await The.WanhuaCentre.JoinsAsync(opened.CaseId);
        var shown = await The.Centre.MarksOtherPartyAsync(opened.CaseId, family.Grandparent.NationalId.Canonical);
        Assert.Equal([family.Grandparent.Id.ToString()], shown.Subjects.Where(s => s.OtherParty).Select(s => s.PersonId));
        await The.Centre.ProtectsAsync(family.Mother.NationalId.Canonical, opened.CaseId);
        var id = family.Child.NationalId.Canonical;

        Assert.Equal(family.Home.Address, (await The.ProtectionCentre.LooksUpAsync(id, inCase: opened.CaseId)).Person.Address);
        Assert.Empty((await The.WanhuaCentre.LooksUpAsync(id, inCase: opened.CaseId)).Members);
        Assert.DoesNotContain((await The.WanhuaCentre.SeesCaseAsync(opened.CaseId)).Case.Subjects, s => s.OtherParty);
        // The primary answers for both sides of its own case.
        Assert.Equal(family.Home.Address, (await The.Centre.LooksUpAsync(id, inCase: opened.CaseId)).Person.Address);

        var toCentre = await The.School.RefersAsync(The.ProtectionCentre, Some.SubjectOf(family.Grandparent));
        Assert.Equal("", (await The.ProtectionCentre.LooksUpAsync(id, inCase: opened.CaseId)).Person.Address);
        await The.School.MovesAsync(Withdraw, toCentre.ReferralId);
        await The.Centre.MarksOtherPartyAsync(opened.CaseId, family.Grandparent.NationalId.Canonical, lifted: true);
        Assert.NotEmpty((await The.WanhuaCentre.LooksUpAsync(id, inCase: opened.CaseId)).Members);
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task Marking_tells_nobody_whether_the_exchange_knows_the_person()
    {
        var (_, opened, other) = await OpenAsync();
        await The.Centre.AsksInAsync(opened.CaseId, The.Labor, Wire.Article6Service.EmploymentGuidance);
        await The.Labor.JoinsAsync(opened.CaseId);
        var unknown = await The.Centre.MarksOtherPartyAsync(opened.CaseId, Some.StrangersId());
        var known = await The.Centre.MarksOtherPartyAsync(opened.CaseId, other.NationalId);
        (unknown.Etag, known.Etag) = ("", "");
        Assert.Equal(unknown, known);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.MarksOtherPartyAsync(opened.CaseId, Some.StrangersId()));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Police.MarksOtherPartyAsync(opened.CaseId, Some.StrangersId()));
    }

    /// <summary>A case of the centre about child and mother; the other party is a registered person of another family.</summary>
    private async Task<(Family Family, Wire.Case Case, Wire.ReferralSubject Other)> OpenAsync()
    {
        var (family, other) = (Some.Family(), Some.Family());
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId, family.Mother.Id);
        return (family, opened, Some.SubjectOf(other.Mother, other.Home));
    }
}
