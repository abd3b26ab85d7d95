using Grpc.Core;
using SafetyNet.Exchange.Protocol.Refusals;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Inbox;

public sealed class WatchingTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NTK-17")]
    [Trait("Abuse", "B46")]
    public async Task Bug_a_unit_that_was_suspended_while_it_watched_was_told_of_further_notices()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        using var ends = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var watching = the.Labor.Channel.Inbox.WatchInbox(new() { Context = the.Labor.Context() }, cancellationToken: ends.Token);
        var first = await the.School.RefersAsync(the.Labor, service: Wire.Article6Service.EmploymentGuidance);
        Assert.True(await watching.ResponseStream.MoveNext(ends.Token));
        Assert.Equal(first.ReferralId, watching.ResponseStream.Current.Notice.ReferralId);

        // A notice that comes while the unit is active already waits in the store, and is not delivered any more.
        var waiting = await the.School.RefersAsync(the.Centre);
        await own.ChangeRegistryAsync(registry => registry.Units.Single(u => u.UnitId == the.Labor.UnitId).State = Wire.MemberState.Suspended);
        own.Query("INSERT INTO notice (unit_id, sequence, kind, at, referral_id, case_id, cause_unit_id, decision_id, resource) "
            + "SELECT $0, 2, kind, at, referral_id, case_id, cause_unit_id, decision_id, resource FROM notice WHERE unit_id = $1", _ => 0, the.Labor.UnitId, the.Centre.UnitId);
        own.Composition.Commits.Noticed!(the.Labor.UnitId);

        var refused = await Assert.ThrowsAsync<RpcException>(() => watching.ResponseStream.MoveNext(ends.Token));
        Assert.True(RefusalReader.TryRead(refused, out var refusal));
        Assert.Equal(Wire.ErrorReason.MemberSuspended, refusal.Reason);
        Assert.NotEqual(first.ReferralId, waiting.ReferralId);
    }
}
