using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Cases;

public sealed class CaseLeakTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NTK-2")]
    public async Task Bug_a_unit_that_had_not_accepted_learnt_whether_the_person_has_an_open_case()
    {
        var family = Some.Family();
        await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId);
        var second = await The.School.RefersAsync(The.WanhuaCentre, Some.SubjectOf(family.Child));
        await The.WanhuaCentre.MovesAsync(Wire.ReferralAction.See, second.ReferralId);

        var refused = await Refused.ByAsync(() => The.WanhuaCentre.OpensCaseAsync(second.ReferralId));
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, refused.Reason);
    }

    [Fact]
    [Trait("Rule", "R-CASE-1")]
    public async Task Bug_a_participant_was_told_the_ids_of_subjects_outside_of_its_scope()
    {
        var family = Some.Family();
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId, family.Mother.Id);
        await The.Centre.AsksInAsync(opened.CaseId, The.ProtectionCentre, OneOf(The.ProtectionCentre), family.Child.Id);
        await The.Centre.AsksInAsync(opened.CaseId, The.MentalHealthCentre, OneOf(The.MentalHealthCentre), family.Mother.Id);
        await The.MentalHealthCentre.JoinsAsync(opened.CaseId);

        var seen = await The.MentalHealthCentre.SeesCaseAsync(opened.CaseId);
        Assert.Equal(3, seen.Case.Participants.Count);
        Assert.DoesNotContain(family.Child.Id.ToString(), seen.ToString(), StringComparison.Ordinal);
        var whole = await The.Centre.SeesCaseAsync(opened.CaseId);
        Assert.Contains(whole.Case.Participants, p => p.PersonIds.SequenceEqual([family.Child.Id.ToString()]));
    }

    [Fact]
    [Trait("Rule", "R-AUD-1")]
    public async Task Bug_a_contact_that_was_withheld_as_protected_was_recorded_as_shown()
    {
        var family = Some.Family();
        using (var database = Exchange.OpenDatabase())
        using (var command = database.CreateCommand())
        {
            command.CommandText = "UPDATE person SET is_protected = 1 WHERE person_id = $id";
            command.Parameters.AddWithValue("$id", family.Mother.Id.ToByteArray(bigEndian: true));
            command.ExecuteNonQuery();
        }

        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Mother))).ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.MentalHealthCentre, OneOf(The.MentalHealthCentre));
        await The.MentalHealthCentre.JoinsAsync(opened.CaseId);

        var seen = await The.MentalHealthCentre.SeesCaseAsync(opened.CaseId);
        Assert.Equal("", Assert.Single(seen.Case.Subjects).Address);
        Assert.DoesNotContain(Wire.ConfidentialityClass.Contact, seen.Disclosure.ShownClasses);
        Assert.Contains(Wire.ConfidentialityClass.Contact, seen.Disclosure.WithheldClasses);
    }

    private Wire.Article6Service OneOf(Party party) => Exchange.Composition.Members.FindUnit(party.UnitId)!.Registered.Services[0];
}
