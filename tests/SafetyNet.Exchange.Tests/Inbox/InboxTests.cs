using Grpc.Core;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Inbox;

[Trait("Rule", "R-NOT-1")]
public sealed class InboxTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task Fifty_writers_at_once_leave_a_sequence_without_gaps()
    {
        var senders = (Party[])[The.School, The.Police, The.Centre, The.Labor, The.CentreOfTaoyuan];
        var made = await Task.WhenAll(Enumerable.Range(0, 50).Select(i =>
            senders[i % senders.Length].Colleague($"N{i:000}").RefersAsync(The.HealthStation, service: Wire.Article6Service.MedicalCare)));

        var notices = Exchange.Query(
            "SELECT sequence, referral_id FROM notice WHERE unit_id = $0 ORDER BY sequence",
            r => (Sequence: r.GetInt64(0), Referral: new Guid(r.GetFieldValue<byte[]>(1), bigEndian: true)), The.HealthStation.UnitId);
        Assert.Equal(Enumerable.Range(1, notices.Count).Select(n => (long)n), notices.Select(n => n.Sequence));
        Assert.Subset(notices.Select(n => n.Referral).ToHashSet(), made.Select(r => Guid.Parse(r.ReferralId)).ToHashSet());
        var last = Exchange.Query("SELECT last_sequence FROM inbox WHERE unit_id = $0", r => r.GetInt64(0), The.HealthStation.UnitId);
        Assert.Equal([notices.Count], last);
    }

    [Fact]
    public async Task A_watcher_that_loses_its_connection_goes_on_where_it_was()
    {
        var watcher = The.ProtectionCentre;
        await watcher.EmptiesInboxAsync();
        var seen = new List<Wire.Notice>();
        using var sending = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var expected = new List<string>();
        var sender = Task.Run(async () =>
        {
            for (var i = 0; i < 60; i++)
            {
                expected.Add((await The.School.RefersAsync(watcher)).ReferralId);
                await Task.Delay(2, sending.Token);
            }
        });
        var after = 0UL;
        while (seen.Count < 60)
        {
            // Each round is a new connection that breaks after a few notices, without a good-bye.
            var channel = Exchange.Connect(watcher.System);
            using var call = channel.Inbox.WatchInbox(new() { Context = watcher.Context(), AfterSequence = after }, cancellationToken: sending.Token);
            for (var i = 0; i < 17 && seen.Count < 60 && await call.ResponseStream.MoveNext(sending.Token); i++)
            {
                seen.Add(call.ResponseStream.Current.Notice);
                after = seen[^1].Sequence;
            }

            channel.Dispose();
        }

        await sender;
        Assert.Equal(expected, seen.Select(n => n.ReferralId));
        Assert.Equal(Enumerable.Range(0, 60).Select(i => seen[0].Sequence + (ulong)i), seen.Select(n => n.Sequence));
    }

    [Fact]
    public async Task A_notice_that_is_not_acknowledged_comes_again_and_one_that_is_does_not()
    {
        var party = The.ProtectionCentre;
        await The.School.RefersAsync(party);
        await party.EmptiesInboxAsync();
        var id = (await The.School.RefersAsync(party)).ReferralId;
        async Task<IReadOnlyList<Wire.Notice>> List() =>
            (await party.AskAsync(to => to.Inbox.ListNoticesAsync(new() { Context = party.Context() }))).Notices;

        var first = Assert.Single(await List());
        Assert.Equal((Wire.NoticeKind.ReferralReceived, id, "", The.School.UnitId), (first.Kind, first.ReferralId, first.CaseId, first.UnitId));
        Assert.Equal(first, Assert.Single(await List()));
        await party.EmptiesInboxAsync();
        Assert.Empty(await List());
        // It stays where it was: a reader that names its place gets it.
        var again = await party.AskAsync(to => to.Inbox.ListNoticesAsync(new() { Context = party.Context(), AfterSequence = first.Sequence - 1 }));
        Assert.Equal(first, again.Notices[0]);
    }

    [Fact]
    [Trait("Rule", "R-REF-1")]
    public async Task Acknowledging_makes_the_referrals_delivered_and_tells_the_referrer()
    {
        var party = The.ProtectionCentre;
        await party.EmptiesInboxAsync();
        var (first, second) = ((await The.School.RefersAsync(party)).ReferralId, (await The.School.RefersAsync(party)).ReferralId);
        var listed = await party.AskAsync(to => to.Inbox.ListNoticesAsync(new() { Context = party.Context() }));
        var request = new Wire.AcknowledgeNoticesRequest { Context = party.Context(), RequestId = Some.RequestId(), UpToSequence = listed.Notices[0].Sequence };
        var answer = await party.AskAsync(to => to.Inbox.AcknowledgeNoticesAsync(request));
        Assert.Equal(listed.Notices[0].Sequence, answer.AcknowledgedSequence);
        Assert.Equal(answer, await party.AskAsync(to => to.Inbox.AcknowledgeNoticesAsync(request)));

        var delivered = await The.School.ReadsAsync(first);
        Assert.Equal(Wire.ReferralState.Delivered, delivered.State);
        Assert.Equal([Wire.ReferralAction.Submit, Wire.ReferralAction.Deliver], delivered.Moves.Select(m => m.Action));
        Assert.Equal(Wire.ReferralState.Submitted, (await The.School.ReadsAsync(second)).State);
        Assert.Equal([(Wire.NoticeKind.ReferralMoved, party.UnitId)], Exchange.NoticesAbout(The.School.UnitId, first));
        Assert.Empty(Exchange.NoticesAbout(The.School.UnitId, second));
    }

    [Fact]
    public async Task A_unit_sees_its_own_inbox_only()
    {
        var id = (await The.School.RefersAsync(The.Centre)).ReferralId;
        var police = await The.Police.EmptiesInboxAsync();
        Assert.DoesNotContain(police, n => n.ReferralId == id);
        var context = The.Police.Context();
        context.Actor.UnitId = The.Centre.UnitId;
        await AssertRefusedAloneAsync(Wire.ErrorReason.ActorUnitMismatch, () => The.Police.AskAsync(to => to.Inbox.ListNoticesAsync(new() { Context = context })));
    }

    [Fact]
    [Trait("Rule", "R-NOT-2")]
    public void A_notice_has_no_field_that_could_carry_content()
    {
        var notPersonal = Wire.Notice.Descriptor.Fields.InDeclarationOrder()
            .All(f => f.GetOptions()!.GetExtension(Wire.OptionsExtensions.Confidentiality) == Wire.ConfidentialityClass.NotPersonal);
        Assert.True(notPersonal);
    }
}
