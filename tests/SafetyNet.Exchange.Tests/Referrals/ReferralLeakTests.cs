using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Referrals;

public sealed class ReferralLeakTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task Bug_a_unit_gave_itself_a_relationship_to_anybody_by_referring_the_person_to_itself()
    {
        var refused = await The.Centre.AskInVainAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(The.Centre, The.Centre.UnitId, Some.Stranger())));
        Assert.Equal(Wire.ErrorReason.InvalidField, refused.Reason);
        Assert.Equal("to_unit_id", Assert.Single(refused.Refusal.Faults).Field);
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task Bug_what_one_sender_wrote_of_an_unregistered_person_was_shown_to_the_receiver_of_another()
    {
        var person = Some.Stranger();
        await The.ProtectionCentre.RefersAsync(The.Centre, person);
        var asAnotherKnowsIt = person.Clone();
        (asAnotherKnowsIt.Phone, asAnotherKnowsIt.Address) = ("", "");
        var referral = await The.WanhuaCentre.TakesInAsync(The.School, asAnotherKnowsIt);

        var seen = await The.WanhuaCentre.LooksUpAsync(person.NationalId, referral: referral.ReferralId);
        Assert.Equal(person.NationalId, seen.Person.NationalId);
        Assert.Equal(("", ""), (seen.Person.Phone, seen.Person.Address));
    }

    [Fact]
    [Trait("Rule", "R-AUD-1")]
    public async Task Bug_a_refused_call_did_not_record_what_it_asked_for()
    {
        var child = Some.Stranger();
        var referral = await The.School.RefersAsync(The.Centre, child);
        foreach (var id in (string[])[referral.ReferralId, The.NobodysUuid])
        {
            var refused = await The.Police.AskInVainAsync(to => to.Referrals.GetReferralAsync(new() { Context = The.Police.Context(), ReferralId = id }));
            Assert.Equal([$"referral/{id}"], Exchange.RecordOf(refused.Receipt!).Resources);
        }

        var inVain = await The.Police.AskInVainAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(The.Police, "no-such-unit", child)));
        Assert.Single(Exchange.RecordOf(inVain.Receipt!).Subjects);
    }

    [Fact]
    [Trait("Rule", "R-NTK-15")]
    public async Task Bug_a_receiver_could_get_a_referral_that_had_ended_but_not_find_it_in_its_list()
    {
        var receiver = The.WanhuaCentre.Colleague("W0399");
        var referral = await The.School.RefersAsync(receiver, Some.Stranger());
        await receiver.MovesAsync(referral.ReferralId, Wire.ReferralAction.See, Wire.ReferralAction.Decline);

        var got = await receiver.ReadsAsync(referral.ReferralId);
        var listed = await receiver.AskAsync(to => to.Referrals.ListReferralsAsync(new() { Context = receiver.Context(), State = Wire.ReferralState.Declined }));
        Assert.Equal(got, Assert.Single(listed.Referrals, r => r.ReferralId == referral.ReferralId));
        Assert.Equal(new Wire.ReferralSubject(), Assert.Single(got.Subjects));
    }
}
