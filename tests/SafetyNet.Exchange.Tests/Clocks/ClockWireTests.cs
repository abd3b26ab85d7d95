using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Clocks;

/// <summary>The clock of a referral through the wire (R-REF-7): reminders to the receiver, then escalation to its supervisor and to the referrer, each once.</summary>
[Trait("Rule", "R-REF-7")]
public sealed class ClockWireTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task A_silent_receiver_is_reminded_and_then_its_supervisor_and_the_referrer_hear_of_it_each_step_once()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        await own.ChangeRegistryAsync(registry => registry.Units.Single(u => u.UnitId == the.Centre.UnitId).SupervisorUnitId = the.ProtectionCentre.UnitId);
        var referral = (await the.School.RefersAsync(the.Centre)).ReferralId;
        var clock = Assert.Single(await ListAsync(the.Centre));
        Assert.Equal((Wire.ClockKind.ReferralAcceptance, "standard", $"referral/{referral}", Wire.ClockForecast.OnTime, true), (clock.Kind, clock.Profile, clock.Resource, clock.Forecast, clock.WorkingTime));
        Assert.InRange(clock.MinutesLeft, (27 * 60) - 2, 27 * 60);
        Assert.Equal(0, await own.Composition.Clocks.RunAsync(CancellationToken.None));

        foreach (var step in clock.Steps)
        {
            own.Clock.Advance(step.DueAt.ToDateTimeOffset() - own.Clock.GetUtcNow());
            var before = own.RecordCount();
            Assert.Equal(1, await own.Composition.Clocks.RunAsync(CancellationToken.None));
            Assert.Equal(0, await own.Composition.Clocks.RunAsync(CancellationToken.None));
            var record = Assert.Single(own.RecordsFrom(before));
            Assert.Equal((ClockJob.Method, "clock-job", Wire.Jurisdiction.Tpe), (record.Method, record.ActorPersonId, record.Jurisdiction));
            Assert.Equal([$"clock/{clock.ClockId}", $"referral/{referral}"], record.Resources);
        }

        Assert.Equal([Wire.NoticeKind.ClockReminder, Wire.NoticeKind.ClockReminder, Wire.NoticeKind.ClockOverdue], await ToldAsync(the.Centre, clock, referral));
        Assert.Equal([Wire.NoticeKind.ClockEscalated], await ToldAsync(the.ProtectionCentre, clock, referral));
        Assert.Equal([Wire.NoticeKind.ClockEscalated], await ToldAsync(the.School, clock, referral));
        var late = Assert.Single(await ListAsync(the.Centre));
        Assert.Equal(Wire.ClockForecast.Overdue, late.Forecast);
        Assert.InRange(late.MinutesLeft, -242, -240);
        Assert.All(late.Steps, step => Assert.True(step.Told));
        // Its supervisor sees it too; another unit does not.
        Assert.Equal(clock.ClockId, Assert.Single(await ListAsync(the.ProtectionCentre, the.Centre.UnitId)).ClockId);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => ListAsync(the.School, the.Centre.UnitId), own);
    }

    [Fact]
    public async Task It_stops_with_the_answer_starts_anew_with_a_resubmission_and_tells_nothing_after_it_stopped()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var since = own.Clock.GetUtcNow();
        var referral = (await the.School.RefersAsync(the.Centre)).ReferralId;
        await the.Centre.MovesAsync(referral, Wire.ReferralAction.See, Wire.ReferralAction.Return);
        Assert.Empty(await ListAsync(the.Centre));
        await the.School.MovesAsync(Wire.ReferralAction.Resubmit, referral);
        var second = Assert.Single(await ListAsync(the.Centre));
        await the.Centre.MovesAsync(referral, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        own.Clock.Advance(TimeSpan.FromDays(6));
        Assert.Equal(0, await own.Composition.Clocks.RunAsync(CancellationToken.None));
        var stopped = (await the.Centre.AskAsync(to => to.Clocks.ListClocksAsync(new()
        {
            Context = the.Centre.Context(), StoppedSince = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(since), PageSize = 1,
        })));
        Assert.NotEqual("", stopped.NextPageToken);
        var next = await the.Centre.AskAsync(to => to.Clocks.ListClocksAsync(new()
        {
            Context = the.Centre.Context(), StoppedSince = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(since), PageSize = 1, PageToken = stopped.NextPageToken,
        }));
        Assert.Equal((second.ClockId, Wire.ClockForecast.Unspecified, ""), (Assert.Single(next.Clocks).ClockId, next.Clocks[0].Forecast, next.NextPageToken));
        Assert.NotNull(next.Clocks[0].StoppedAt);
    }

    [Fact]
    public async Task A_server_that_was_down_over_the_limit_tells_each_missed_step_once_and_in_order()
    {
        var first = await TestExchange.StartAsync();
        var the = new The(first);
        var request = Some.Referral(the.School, the.Centre.UnitId);
        request.Protective = true;
        var referral = (await the.School.RefersAsync(request)).ReferralId;
        var clock = Assert.Single(await ListAsync(the.Centre));
        Assert.Equal((false, "protective", TimeSpan.FromHours(24)), (clock.WorkingTime, clock.Profile, (clock.DueAt - clock.StartedAt).ToTimeSpan()));
        first.Clock.Advance(TimeSpan.FromHours(13));
        Assert.Equal(1, await first.Composition.Clocks.RunAsync(CancellationToken.None));
        await first.StopAsync();

        await using var second = await TestExchange.StartAsync(folder: first.Folder);
        the = new The(second);
        second.Clock.Advance(TimeSpan.FromDays(2));
        Assert.Equal(3, await second.Composition.Clocks.RunAsync(CancellationToken.None));
        Assert.Equal(0, await second.Composition.Clocks.RunAsync(CancellationToken.None));
        Assert.Equal([Wire.NoticeKind.ClockReminder, Wire.NoticeKind.ClockReminder, Wire.NoticeKind.ClockOverdue, Wire.NoticeKind.ClockEscalated], await ToldAsync(the.Centre, clock, referral));
        Assert.Equal([Wire.NoticeKind.ClockEscalated], await ToldAsync(the.School, clock, referral));
    }

    [Fact]
    public async Task Eight_jobs_at_once_beside_units_that_answer_tell_each_step_once_and_none_after_an_answer()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var referrals = new List<string>();
        for (var i = 0; i < 40; i++) referrals.Add((await the.School.RefersAsync(the.Centre)).ReferralId);
        await the.Centre.EmptiesInboxAsync();
        own.Clock.Advance(TimeSpan.FromDays(2));
        var jobs = Enumerable.Range(0, 8).Select(_ => own.Own(new JobOfTest(own))).ToList();
        var answered = referrals.Take(20).ToList();
        var answering = Task.WhenAll(answered.Select(id => Task.Run(() => the.Centre.MovesAsync(Wire.ReferralAction.Accept, id))));
        await Task.WhenAll(jobs.Select(job => Task.Run(() => job.Job.RunAsync(CancellationToken.None))));
        // No deed of a unit fails because a step was told beside it.
        await answering;
        own.Clock.Advance(TimeSpan.FromDays(10));
        await Task.WhenAll(jobs.Select(job => Task.Run(() => job.Job.RunAsync(CancellationToken.None))));

        var told = own.Query("SELECT referral_id, kind, unit_id, count(*), max(at) FROM notice WHERE resource LIKE 'clock/%' GROUP BY referral_id, kind, unit_id",
            r => (Id: new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), Kind: (Wire.NoticeKind)r.GetInt32(1), Count: r.GetInt64(3)));
        foreach (var id in referrals.Skip(20))
            Assert.Equal([(Wire.NoticeKind.ClockReminder, 2L), (Wire.NoticeKind.ClockOverdue, 1L), (Wire.NoticeKind.ClockEscalated, 1L), (Wire.NoticeKind.ClockEscalated, 1L)],
                told.Where(one => one.Id == id).Select(one => (one.Kind, one.Count)).Order());
        Assert.DoesNotContain(told, one => answered.Contains(one.Id) && one.Kind != Wire.NoticeKind.ClockReminder);
        Assert.Equal(20, (await ListAsync(the.Centre)).Count);
    }

    [Fact]
    public async Task The_job_wakes_when_the_next_step_is_due_and_when_a_clock_starts_and_finds_it_by_the_index()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var referral = (await the.School.RefersAsync(the.Centre)).ReferralId;
        var clock = Assert.Single(await ListAsync(the.Centre));
        own.Clock.Advance(clock.Steps[0].DueAt.ToDateTimeOffset() - own.Clock.GetUtcNow() - TimeSpan.FromSeconds(1));
        own.Composition.Clocks.Begin();
        await Eventually.TrueAsync(() => own.Query("SELECT count(*) FROM notice WHERE resource = $0", r => r.GetInt64(0), $"clock/{clock.ClockId}")[0] == 1, "the step was told");
        Assert.Equal(referral, clock.Resource["referral/".Length..]);
        using var connection = own.OpenDatabase();
        using var plan = connection.CreateCommand();
        plan.CommandText = "EXPLAIN QUERY PLAN SELECT clock_id FROM clock WHERE next_at IS NOT NULL AND next_at <= 5 ORDER BY next_at, clock_id LIMIT 200";
        using var steps = plan.ExecuteReader();
        Assert.True(steps.Read());
        Assert.Contains("IX_clock_next_at", steps.GetString(3), StringComparison.Ordinal);
    }

    private static async Task<IReadOnlyList<Wire.Clock>> ListAsync(Party by, string unitId = "") =>
        (await by.AskAsync(to => to.Clocks.ListClocksAsync(new() { Context = by.Context(), UnitId = unitId, PageSize = 500 }))).Clocks;

    /// <summary>Kinds of the notices that a unit got of a clock, in order.</summary>
    private static async Task<List<Wire.NoticeKind>> ToldAsync(Party party, Wire.Clock clock, string referral)
    {
        var notices = (await party.EmptiesInboxAsync()).Where(n => n.ClockId == clock.ClockId).ToList();
        Assert.All(notices, n => Assert.Equal((referral, clock.UnitId, ""), (n.ReferralId, n.UnitId, n.Resource)));
        return [.. notices.Select(n => n.Kind)];
    }

    /// <summary>A further job over the same store, as if two had been started.</summary>
    private sealed class JobOfTest(TestExchange own) : IDisposable
    {
        public ClockJob Job { get; } = new(own.Composition.Store, own.Composition.Commits, () => own.Composition.Members, own.Composition.Policy, own.Clock);

        public void Dispose() => Job.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
