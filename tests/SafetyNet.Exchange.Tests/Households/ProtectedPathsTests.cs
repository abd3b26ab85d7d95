using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Conferences;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Households;

/// <summary>Ways by which protected whereabouts reached a unit that must not know them.</summary>
[Trait("Rule", "R-NTK-10")]
public sealed class ProtectedPathsTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task Bug_a_correction_told_the_unit_of_the_other_party_what_the_note_itself_did_not()
    {
        var (family, id, unit) = await BothSidesAsync();
        var note = await The.Centre.WritesAsync(The.Centre.Note(id, Contact, "母子住在某處", NoteVersionTests.Share(unit)));
        Assert.Empty((await unit.ReadsNotesAsync(id, Wire.LegalBasis.SubjectWaiver)).Notes);

        // By the line of the ledger about him, whose whereabouts are not protected.
        var correction = await The.Centre.CorrectsAsync(Wire.DisclosureStep.NoteShare, note.NoteId, family.Grandparent.NationalId.Canonical, Contact);
        var seen = await unit.ReadsCorrectionAsync(correction.CorrectionId);
        Assert.Equal(correction.CorrectionId, seen.Correction.CorrectionId);
        Assert.Empty(string.Concat(seen.Texts.Select(text => text.Wrong + text.Right)));
        Assert.DoesNotContain(Contact, seen.Disclosure.ShownClasses);

        await The.Centre.ProtectsAsync(family.Mother.NationalId.Canonical, id, lifted: true);
        Assert.Equal("應為四年級", Assert.Single((await unit.ReadsCorrectionAsync(correction.CorrectionId)).Texts).Right);
    }

    [Fact]
    public async Task Bug_a_fact_in_a_referral_of_the_other_party_told_its_receiver_where_the_family_lives()
    {
        var (family, id, unit) = await BothSidesAsync();
        var request = Some.Referral(The.Centre, unit.UnitId, Some.SubjectOf(family.Grandparent, family.Home with { Address = "他處 1 號" }), Wire.Article6Service.MentalHealth, id);
        request.View = Some.View(Household, MentalHealth);
        request.Facts.Add([Some.Fact(Contact, "母子住在某處"), Some.Fact(Household, "母子與友人同住"), Some.Fact(MentalHealth, "情緒不穩")]);
        var referral = (await The.Centre.RefersAsync(request)).ReferralId;

        var seen = await unit.AskAsync(to => to.Referrals.GetReferralAsync(new() { Context = unit.Context(), ReferralId = referral }));
        Assert.Equal(["情緒不穩"], seen.Referral.Facts.Select(fact => fact.Text));
        Assert.Equal("他處 1 號", seen.Referral.Subjects.Single().Address);
        Assert.Contains(Household, seen.Disclosure.WithheldClasses);

        await The.Centre.ProtectsAsync(family.Mother.NationalId.Canonical, id, lifted: true);
        Assert.Equal(3, (await unit.ReadsAsync(referral)).Facts.Count);
    }

    [Fact]
    public async Task Bug_whoever_led_the_case_of_a_relative_saw_the_protected_address_of_another_home()
    {
        var family = Some.Family();
        Shield(family.Mother);
        var id = (await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Grandparent))).ReferralId)).CaseId;

        var found = await The.Centre.LooksUpAsync(family.Grandparent.NationalId.Canonical, inCase: id);
        Assert.NotEmpty(found.Person.Address);
        var child = found.Relatives.Single(r => r.Person.PersonId == family.Child.Id.ToString()).Person;
        Assert.Equal((family.Child.Name, "", ""), (child.Name, child.Address, child.Phone));
        Assert.Contains(Contact, found.Disclosure.WithheldClasses);

        // Primary there too, it knows.
        var second = (await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId)).CaseId;
        Assert.Equal(family.Home.Address, (await The.Centre.LooksUpAsync(family.Child.NationalId.Canonical, inCase: second)).Person.Address);
        found = await The.Centre.LooksUpAsync(family.Grandparent.NationalId.Canonical, inCase: id);
        Assert.Equal(family.Home.Address, found.Relatives.Single(r => r.Person.PersonId == family.Child.Id.ToString()).Person.Address);
    }

    [Fact]
    public async Task Bug_a_unit_made_itself_primary_for_a_relative_in_hiding_by_opening_a_case_with_that_person()
    {
        var family = Some.Family();
        Shield(family.Mother);
        var referral = (await The.MentalHealthCentre.TakesInAsync(The.School, Some.SubjectOf(family.Grandparent), Wire.Article6Service.MentalHealth)).ReferralId;
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.MentalHealthCentre.OpensCaseAsync(referral, family.Child.Id));
        var nobody = await Refused.ByAsync(() => The.MentalHealthCentre.OpensCaseAsync(referral, Guid.Parse(The.NobodysUuid)));
        Assert.Equal(nobody.Look(), refused.Look());

        // Referred itself, the person comes with its own household; a protection centre may take in whom it must.
        var own = (await The.MentalHealthCentre.TakesInAsync(The.School, Some.SubjectOf(family.Child), Wire.Article6Service.MentalHealth)).ReferralId;
        Assert.Equal(2, (await The.MentalHealthCentre.OpensCaseAsync(own, family.Mother.Id)).Subjects.Count);
        var other = Some.Family();
        Shield(other.Mother);
        var taken = (await The.ProtectionCentre.TakesInAsync(The.School, Some.SubjectOf(other.Grandparent))).ReferralId;
        Assert.Equal(2, (await The.ProtectionCentre.OpensCaseAsync(taken, other.Child.Id)).Subjects.Count);
    }

    [Fact]
    [Trait("Rule", "R-CON-2")]
    public async Task Bug_what_was_put_onto_the_table_of_a_conference_told_the_unit_of_the_other_party_where_the_family_lives()
    {
        var (family, id, unit) = await BothSidesAsync();
        var met = await The.Centre.BringsAsync(Exchange, id, Wire.ConferenceLevel.Case, [unit, The.ProtectionCentre, The.Labor], CaseNote, Household);
        await The.ProtectionCentre.SubmitsAsync(The.ProtectionCentre.Extract(met, Household, "母子與友人同住"));
        foreach (var reader in (Party[])[The.ProtectionCentre, The.Labor, The.Centre])
            Assert.Equal("母子與友人同住", Assert.Single((await reader.ReadsBeforeAsync(met)).PreRead.Extracts).Content.Text);
        var seen = await unit.ReadsBeforeAsync(met);
        Assert.Null(Assert.Single(seen.PreRead.Extracts).Content);
        Assert.Contains(Household, seen.Disclosure.WithheldClasses);
        await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => unit.SubmitsAsync(unit.Extract(met, Household, "母子據聞與親戚同住")));

        // What was resolved while nobody was protected is withheld from the moment on that somebody is, from whoever owes it too.
        await The.Centre.ProtectsAsync(family.Mother.NationalId.Canonical, id, lifted: true);
        Exchange.MeetAt(met, Exchange.Clock.GetUtcNow().AddMinutes(-1));
        var item = (await The.Centre.ResolvesAsync(The.Centre.Resolution(met, Household, unit.Owes("與同住友人會談")))).Items.Single();
        Assert.Equal("與同住友人會談", (await unit.SeesItemAsync(item.ItemId)).Item.Deed.Text);
        await The.Centre.ProtectsAsync(family.Mother.NationalId.Canonical, id);
        var owed = await unit.SeesItemAsync(item.ItemId);
        Assert.Equal((unit.UnitId, true), (owed.Item.OwnerUnitId, owed.Item.Deed is null));
        Assert.Contains(Household, owed.Disclosure.WithheldClasses);
        Assert.All((await unit.AskAsync(to => to.TrackedItems.ListOwnItemsAsync(new() { Context = unit.AtConference() }))).Items, one => Assert.NotEqual("與同住友人會談", one.Deed?.Text));
        Assert.Null(Assert.Single((await unit.ReadsMinutesAsync(met)).Resolutions).Content);
    }

    /// <summary>A case of the centre about child and mother, who are protected, and a grandparent who is the other party and whom mental health treats.</summary>
    private async Task<(Family Family, string CaseId, Party Unit)> BothSidesAsync()
    {
        var family = Some.Family();
        var id = (await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId, family.Mother.Id, family.Grandparent.Id)).CaseId;
        await The.Centre.AsksInAsync(id, The.MentalHealthCentre, Wire.Article6Service.MentalHealth, family.Grandparent.Id);
        await The.MentalHealthCentre.JoinsAsync(id);
        await The.Centre.MarksOtherPartyAsync(id, family.Grandparent.NationalId.Canonical);
        await The.Centre.ProtectsAsync(family.Mother.NationalId.Canonical, id);
        return (family, id, The.MentalHealthCentre);
    }

    /// <summary>As the register does it.</summary>
    private void Shield(SyntheticPerson person)
    {
        using var database = Exchange.OpenDatabase();
        using var command = database.CreateCommand();
        command.CommandText = "UPDATE person SET is_protected = 1 WHERE person_id = $id";
        command.Parameters.AddWithValue("$id", person.Id.ToByteArray(bigEndian: true));
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
