using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Inbox;

/// <summary>A notice that cannot be read stands in nobody's way, and is told of.</summary>
[Trait("Rule", "R-NOT-1")]
public sealed class ParkedNoticeTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task Poisoned_and_missing_rows_are_parked_and_lists_streams_and_acknowledgements_go_on_after_them()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        for (var i = 0; i < 8; i++) await the.School.RefersAsync(the.Centre);
        foreach (var poison in (string[])
            ["UPDATE notice SET referral_id = x'00' WHERE sequence = 2", "DELETE FROM notice WHERE sequence = 3", "UPDATE notice SET kind = 'x' WHERE sequence = 4",
                "UPDATE notice SET at = 9223372036854775807 WHERE sequence = 5", "UPDATE notice SET resource = 'clock/nobody' WHERE sequence = 6", "DELETE FROM notice WHERE sequence = 8"])
            own.Query($"{poison} AND unit_id = $0", _ => 0, the.Centre.UnitId);

        var listed = new List<Wire.Notice>();
        while ((await the.Centre.AskAsync(to => to.Inbox.ListNoticesAsync(new() { Context = the.Centre.Context(), PageSize = 3, AfterSequence = listed.Count == 0 ? 0 : listed[^1].Sequence }))).Notices
            is { Count: > 0 } page) listed.AddRange(page);
        Assert.Equal(Enumerable.Range(1, 8).Select(n => (ulong)n), listed.Select(n => n.Sequence));
        Assert.Equal([2UL, 3UL, 4UL, 5UL, 6UL, 8UL], listed.Where(n => n.Kind == Wire.NoticeKind.Parked).Select(n => n.Sequence));

        using var ends = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var watching = the.Centre.Channel.Inbox.WatchInbox(new() { Context = the.Centre.Context() }, cancellationToken: ends.Token);
        foreach (var notice in listed)
        {
            Assert.True(await watching.ResponseStream.MoveNext(ends.Token));
            Assert.Equal(notice, watching.ResponseStream.Current.Notice);
        }

        var parked = await the.Centre.AskAsync(to => to.Inbox.ListParkedNoticesAsync(new() { Context = the.Centre.Context() }));
        Assert.Equal(
            [(2UL, Wire.ParkedReason.Id), (3UL, Wire.ParkedReason.Missing), (4UL, Wire.ParkedReason.Kind), (5UL, Wire.ParkedReason.Time), (6UL, Wire.ParkedReason.Id), (8UL, Wire.ParkedReason.Missing)],
            parked.Notices.Select(n => (n.Sequence, n.Reason)));
        Assert.Equal("", parked.NextPageToken);
        // Each was said once in the operating log, however often it was met.
        Assert.Equal(6, ServerOutput.TakeErrors().Count);
        await the.Centre.EmptiesInboxAsync();
        Assert.Empty((await the.Centre.AskAsync(to => to.Inbox.ListNoticesAsync(new() { Context = the.Centre.Context() }))).Notices);
        Assert.Empty((await the.School.AskAsync(to => to.Inbox.ListParkedNoticesAsync(new() { Context = the.School.Context() }))).Notices);
    }
}
