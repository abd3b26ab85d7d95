using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Storage;

public sealed class CommitQueueTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task A_commit_that_fails_takes_no_other_of_its_flush_with_it()
    {
        await using var own = await TestExchange.StartAsync();
        var commits = own.Composition.Commits;
        var existing = NewReferral();
        await commits.CommitAsync(NewEntry(), ChangeOf(c => c.Add(existing)));

        var (kept, doomed) = (new List<Referral>(), new List<Task>());
        var good = new List<Task<LogPlace>>();
        var before = commits.Flushes;
        for (var i = 0; i < 300; i++)
        {
            var referral = NewReferral();
            kept.Add(referral);
            good.Add(commits.CommitAsync(NewEntry(), ChangeOf(c => c.Add(referral))));
            if (i % 3 != 0) continue;
            doomed.Add(commits.CommitAsync(NewEntry(), ChangeOf(c =>
            {
                var twin = NewReferral();
                c.Add(twin);
                // The same key twice; a row that is there; an old version: three ways to fail, each with a row and a notice that must not stay.
                if (i % 9 == 0) c.Add(new Referral { ReferralId = twin.ReferralId });
                else if (i % 9 == 3) c.Add(new Referral { ReferralId = existing.ReferralId });
                else c.Update(new Referral { ReferralId = existing.ReferralId, Version = 77 });
                c.Notify(new NoticeDraft("tpe-school", Wire.NoticeKind.ReferralMoved, twin.ReferralId, null));
            })));
        }

        foreach (var task in doomed) await Assert.ThrowsAnyAsync<Exception>(() => task);
        var places = await Task.WhenAll(good);
        Assert.False(commits.IsBroken);
        Assert.True(commits.Flushes - before < 300, "some commits shared a flush, or this proves nothing");
        Assert.Equal(300, places.Select(p => p.Position).Distinct().Count());
        Assert.Equal(places.Select(p => p.Position).Order(), places.Select(p => p.Position));

        await own.StopAsync();
        var stored = own.Query("SELECT referral_id FROM referral", r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true)).ToHashSet();
        Assert.Equal([existing.ReferralId, .. kept.Select(r => r.ReferralId)], stored);
        Assert.Empty(own.Query("SELECT 1 FROM notice", r => r.GetInt64(0)));
        foreach (var place in places)
        {
            var record = own.Query("SELECT body FROM audit_record WHERE position = $0", r => r.GetFieldValue<byte[]>(0), place.Position).Single();
            Assert.Equal(new MerkleHash(place.LeafHash), MerkleTree.LeafHash(record));
        }
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart_and_the_log_goes_on_in_one_piece()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var made = await the.School.AnswerAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(the.School, the.Centre.UnitId)));
        await own.StopAsync();

        await using var again = await TestExchange.StartAsync(folder: own.Folder);
        the = new The(again);
        Assert.Equal(made.Value.Referral, await the.School.ReadsAsync(made.Value.Referral.ReferralId));
        Assert.Equal(made.Receipt.RecordHash, MerkleTree.LeafHash(Google.Protobuf.MessageExtensions.ToByteArray(again.RecordOf(made.Receipt))));
        var next = await the.School.AnswerAsync(to => to.Members.GetSelfAsync(new() { Context = the.School.Context() }));
        Assert.True(next.Receipt.Position > made.Receipt.Position);
        var positions = again.Query("SELECT position FROM audit_record ORDER BY position", r => r.GetInt64(0));
        Assert.Equal(Enumerable.Range(0, positions.Count).Select(i => (long)i), positions);
    }

    [Fact]
    [Trait("Rule", "R-AUD-2")]
    public async Task On_a_full_disk_nothing_is_shown_or_changed_and_the_exchange_goes_on_when_there_is_space_again()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var pages = own.Query("PRAGMA page_count", r => r.GetInt32(0))[0];
        own.Composition.Store.MaximumPages = pages + 40;
        var acknowledged = new List<string>();
        Refused? refused = null;
        while (refused is null)
        {
            Assert.True(acknowledged.Count < 2000, "the disk never filled");
            refused = await Refused.IfAsync(async () => acknowledged.Add((await the.School.RefersAsync(the.Centre)).ReferralId));
        }

        Assert.Equal((Wire.ErrorReason.AuditUnavailable, Grpc.Core.StatusCode.Unavailable), (refused.Reason, refused.Refusal.StatusCode));
        Assert.Equal(TimeSpan.FromSeconds(5), refused.Refusal.RetryAfter);
        Assert.Null(refused.Receipt);
        Assert.NotEmpty(acknowledged);
        // What only reads is not answered either once its record has no room.
        var reading = await Refused.ByAsync(async () =>
        {
            for (var i = 0; i < 500; i++) await the.School.ReadsAsync(acknowledged[0]);
        });
        Assert.Equal(Wire.ErrorReason.AuditUnavailable, reading.Reason);
        Assert.NotEmpty(ServerOutput.TakeErrors());
        Assert.False(own.Composition.Commits.IsBroken);

        own.Composition.Store.MaximumPages = 0;
        Assert.Equal(Wire.ReferralState.Submitted, (await the.School.ReadsAsync(acknowledged[^1])).State);
        var after = await the.School.RefersAsync(the.Centre);
        Assert.Equal(
            [.. acknowledged.Append(after.ReferralId).Order(StringComparer.Ordinal)],
            own.Query("SELECT referral_id FROM referral", r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString()).Order(StringComparer.Ordinal));
    }

    private static Referral NewReferral() => new()
    {
        ReferralId = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), FromUnitId = "tpe-school", ToUnitId = "tpe-central-swc", State = Wire.ReferralState.Submitted, Version = 1,
    };

    private static Change ChangeOf(Action<Change> fill)
    {
        var change = new Change();
        fill(change);
        return change;
    }

    private static AuditEntry NewEntry()
    {
        var now = TimeProvider.System.GetUtcNow();
        return AuditEntry.Of(new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(now).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Method = "test", ActorUnitId = "tpe-school",
        });
    }
}
