using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Inbox;

/// <summary>10 000 notices, with SAFETYNET_CAMPAIGN=n that many, to readers that break off, come twice, or do not read at all.</summary>
[Trait("Rule", "R-NOT-1")]
public sealed class ManyNoticesTests(TestExchange exchange) : WireTests(exchange)
{
    private const int DefaultNotices = 10_000, SleepingReaders = 20;

    private static readonly int Notices =
        int.TryParse(Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN"), NumberStyles.None, CultureInfo.InvariantCulture, out var asked) && asked > 0 ? asked : DefaultNotices;

    [Fact]
    public async Task Each_is_seen_in_order_and_readers_that_do_not_read_slow_nobody_and_pile_up_nothing()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        using var ends = new CancellationTokenSource(TimeSpan.FromMinutes(8));
        var asleep = Enumerable.Range(0, SleepingReaders).Select(_ => own.Connect(the.Labor.System).Inbox.WatchInbox(new() { Context = the.Labor.Context() }, cancellationToken: ends.Token)).ToList();
        var reading = Enumerable.Range(0, 3).Select(seed => Task.Run(() => ReadAsync(own, the.Labor, new Random(seed), ends.Token))).ToList();
        var memory = GC.GetTotalMemory(forceFullCollection: true);

        for (var written = 0; written < Notices; written += 100)
            await Task.WhenAll(Enumerable.Range(written, Math.Min(100, Notices - written)).Select(_ => own.Composition.Commits.CommitAsync(Entry(own), Told(own, the.Labor.UnitId))));

        foreach (var read in reading) Assert.Equal(Enumerable.Range(1, Notices).Select(n => (ulong)n), await read.WaitAsync(ends.Token));
        // What sleepers wait for stays in the store: less than one notice each is kept of the many that wait.
        var grown = GC.GetTotalMemory(forceFullCollection: true) - memory;
        Assert.True(grown < 64L * 1024 * 1024, $"{grown / 1024} KiB more for {SleepingReaders} readers that do not read");
        // Whoever wakes up late gets all of it.
        using var late = asleep[0];
        for (var next = 1UL; next <= (ulong)Notices; next++)
        {
            Assert.True(await late.ResponseStream.MoveNext(ends.Token));
            Assert.Equal(next, late.ResponseStream.Current.Notice.Sequence);
        }

        foreach (var one in asleep.Skip(1)) one.Dispose();
    }

    /// <summary>Sequence numbers that a reader saw first, in the order in which it saw them; it breaks off again and again, and resumes a little before where it was.</summary>
    private static async Task<List<ulong>> ReadAsync(TestExchange own, Party party, Random random, CancellationToken cancellation)
    {
        var seen = new List<ulong>();
        while (seen.Count < Notices)
        {
            using var channel = own.Connect(party.System);
            // 0 stands for the first that is not acknowledged, which here is the first of all.
            var after = (ulong)Math.Max(0, seen.Count - random.Next(20));
            using var call = channel.Inbox.WatchInbox(new() { Context = party.Context(), AfterSequence = after }, cancellationToken: cancellation);
            for (var left = random.Next(1, Notices / 3); left > 0 && seen.Count < Notices && await call.ResponseStream.MoveNext(cancellation); left--)
            {
                var sequence = call.ResponseStream.Current.Notice.Sequence;
                Assert.Equal(++after, sequence);
                if (sequence == (ulong)seen.Count + 1) seen.Add(sequence);
                else Assert.True(sequence <= (ulong)seen.Count, $"{sequence} came after {seen.Count}");
            }
        }

        return seen;
    }

    private static Change Told(TestExchange own, string unitId)
    {
        var change = new Change();
        change.Notify(new NoticeDraft(unitId, Wire.NoticeKind.ReferralReceived, Guid.CreateVersion7(own.Clock.GetUtcNow()), null) { CauseUnitId = "tpe-school" });
        return change;
    }

    private static AuditEntry Entry(TestExchange own) => AuditEntry.Of(new Wire.AuditRecord
    {
        Version = 1, DecisionId = Guid.CreateVersion7(own.Clock.GetUtcNow()).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(own.Clock.GetUtcNow()), Method = "test/Tell",
        Jurisdiction = Wire.Jurisdiction.Tpe, Outcome = Wire.AuditOutcome.Permitted,
    });
}
