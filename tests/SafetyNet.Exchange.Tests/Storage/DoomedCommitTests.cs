using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Storage;

public sealed class DoomedCommitTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task Bug_one_person_named_twice_in_a_referral_stopped_the_whole_exchange()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        foreach (var subject in (Wire.ReferralSubject[])[Some.SubjectOf(Some.Family().Child), Some.Stranger()])
        {
            var request = Some.Referral(the.School, the.Centre.UnitId, subject);
            request.Subjects.Add(subject.Clone());
            var refused = await the.School.AskInVainAsync(to => to.Referrals.CreateReferralAsync(request));
            Assert.Equal(Wire.ErrorReason.InvalidField, refused.Reason);
            Assert.Equal("subjects[1].national_id", Assert.Single(refused.Refusal.Faults).Field);
        }

        Assert.False(own.Composition.Commits.IsBroken);
        await the.School.RefersAsync(the.Centre);
    }
}
