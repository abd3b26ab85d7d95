using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Households;

/// <summary>Families kept in memory show what a snapshot of the moment would: a step that ended or began is seen by the very next look-up.</summary>
public sealed class FamiliesTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NTK-17")]
    [Trait("Abuse", "B46")]
    public async Task A_relationship_that_ended_opens_nothing_although_the_family_was_looked_up_before()
    {
        var child = Some.SubjectOf(Some.Family().Child);
        var referral = await The.Centre.TakesInAsync(The.School, child);
        for (var again = 0; again < 3; again++)
            Assert.Equal(child.NationalId, (await The.Centre.LooksUpAsync(child.NationalId, referral: referral.ReferralId)).Person.NationalId);

        await The.Centre.MovesAsync(referral.ReferralId, Wire.ReferralAction.BeginService, Wire.ReferralAction.Close);

        var refused = await The.Centre.AskInVainAsync(to => to.Households.LookUpHouseholdAsync(new()
        {
            Context = The.Centre.Context(referral: referral.ReferralId), NationalId = child.NationalId,
        }));
        Assert.Equal(Wire.ErrorReason.NotFound, refused.Reason);
    }

    [Fact]
    [Trait("Rule", "R-HH-6")]
    public async Task A_unit_that_joined_is_pointed_at_by_the_next_look_up_and_what_one_caller_is_shown_does_not_reach_another()
    {
        var family = Some.Family();
        var child = Some.SubjectOf(family.Child);
        var referral = await The.Centre.TakesInAsync(The.School, child);
        Assert.Empty((await The.Centre.LooksUpAsync(child.NationalId, referral: referral.ReferralId)).Involvements);
        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.Labor, Wire.Article6Service.EmploymentGuidance);
        await The.Labor.JoinsAsync(opened.CaseId);

        var ofLabor = await The.Labor.LooksUpAsync(child.NationalId, inCase: opened.CaseId);
        var ofPrimary = await The.Centre.LooksUpAsync(child.NationalId, inCase: opened.CaseId);
        Assert.Empty(ofLabor.Members);
        Assert.NotEmpty(ofPrimary.Members);
        Assert.Contains(ofPrimary.Involvements, i => i.UnitId == The.Labor.UnitId);
        Assert.NotEmpty(ofPrimary.Person.Address);
    }
}
