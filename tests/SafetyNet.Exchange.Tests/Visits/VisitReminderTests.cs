using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Visits;

/// <summary>Reminders of visits (R-CASE-5), each once, and what becomes of visits when workers and units go (R-CASE-4, R-REF-6).</summary>
public sealed class VisitReminderTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-CASE-5")]
    [Trait("Rule", "R-NOT-2")]
    public async Task Upcoming_and_overdue_remind_the_worker_and_then_the_supervisor_each_once_over_a_restart_and_a_time_when_the_server_was_down()
    {
        var from = VisitMoves.NoonOf("2026-03-02");
        var first = await TestExchange.StartAsync(span: (from, from.AddMonths(3)));
        var the = new The(first);
        var (nurse, of) = (the.MentalHealthCentre, await the.VisitedAsync());
        var visit = await nurse.PlansAsync(nurse.Plan(of, "2026-03-10"));
        var clock = Assert.Single((await nurse.AskAsync(to => to.Clocks.ListClocksAsync(new() { Context = nurse.Context(), Kind = Wire.ClockKind.VisitDue }))).Clocks);
        Assert.Equal(($"visit/{visit.VisitId}", "visit", false, Wire.ClockForecast.OnTime), (clock.Resource, clock.Profile, clock.WorkingTime, clock.Forecast));
        Assert.Equal(["REMINDER 2026-03-08 08:30", "OVERDUE 2026-03-11 08:30", "ESCALATED 2026-03-13 08:30"],
            clock.Steps.Select(s => $"{Server.Pipeline.CodeText.Of(s.Kind)} {s.DueAt.ToDateTimeOffset().ToOffset(TimeSpan.FromHours(8)):yyyy-MM-dd HH:mm}"));
        await nurse.EmptiesInboxAsync();

        first.Clock.PinAt(Taipei("2026-03-08", 8, 29));
        Assert.Equal(0, await first.Composition.Clocks.RunAsync(CancellationToken.None));
        first.Clock.PinAt(Taipei("2026-03-08", 8, 30));
        var before = first.RecordCount();
        Assert.Equal((1, 0), (await first.Composition.Clocks.RunAsync(CancellationToken.None), await first.Composition.Clocks.RunAsync(CancellationToken.None)));
        var record = Assert.Single(first.RecordsFrom(before));
        Assert.Equal((ClockJob.Method, "clock-job"), (record.Method, record.ActorPersonId));
        Assert.Contains($"visit/{visit.VisitId}", record.Resources);
        // An attempt is no visit: what is due stays due.
        await nurse.AttemptsAsync(nurse.Attempt(visit.VisitId, first.Clock.GetUtcNow()));
        await first.StopAsync();

        await using var second = await TestExchange.StartAsync(folder: first.Folder, span: (from, from.AddMonths(3)));
        the = new The(second);
        nurse = the.MentalHealthCentre;
        second.Clock.PinAt(VisitMoves.NoonOf("2026-03-20"));
        var jobs = Enumerable.Range(0, 4).Select(_ => second.Own(new JobOfTest(second))).ToList();
        Assert.Equal(2, (await Task.WhenAll(jobs.Select(job => Task.Run(() => job.Job.RunAsync(CancellationToken.None))))).Sum());
        Assert.Equal(0, await second.Composition.Clocks.RunAsync(CancellationToken.None));
        var told = (await nurse.EmptiesInboxAsync()).ToList();
        Assert.Equal([Wire.NoticeKind.VisitUpcoming, Wire.NoticeKind.VisitOverdue, Wire.NoticeKind.VisitOverdueSupervisor], told.Select(n => n.Kind));
        Assert.All(told, n => Assert.Equal((visit.VisitId, of.CaseId, nurse.UnitId, "", ""), (n.VisitId, n.CaseId, n.UnitId, n.ClockId, n.Resource)));
        Assert.True(Assert.Single(await nurse.ListsVisitsAsync(new() { Listing = Wire.VisitListing.Overdue })).Overdue);
    }

    [Fact]
    [Trait("Rule", "R-CASE-5")]
    public async Task A_visit_that_is_made_moved_or_cancelled_reminds_of_nothing_it_was_planned_for_before()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (nurse, of, now) = (the.MentalHealthCentre, await the.VisitedAsync(), own.Clock.GetUtcNow());
        var made = await nurse.PlansAsync(nurse.Plan(of, now.DayIn(3)));
        var moved = await nurse.PlansAsync(nurse.Plan(of, now.DayIn(3)));
        var cancelled = await nurse.PlansAsync(nurse.Plan(of, now.DayIn(3)));
        await nurse.EmptiesInboxAsync();
        await nurse.VisitsAsync(made.VisitId, now);
        await nurse.ReschedulesAsync(moved.VisitId, now.DayIn(20));
        await nurse.CancelsAsync(cancelled.VisitId);
        own.Clock.Advance(TimeSpan.FromDays(10));
        Assert.Equal(0, await own.Composition.Clocks.RunAsync(CancellationToken.None));
        own.Clock.Advance(TimeSpan.FromDays(9));
        await own.Composition.Clocks.RunAsync(CancellationToken.None);
        var told = Assert.Single(await nurse.EmptiesInboxAsync(), n => n.VisitId.Length > 0);
        Assert.Equal((Wire.NoticeKind.VisitUpcoming, moved.VisitId), (told.Kind, told.VisitId));
    }

    [Fact]
    [Trait("Rule", "R-CASE-5")]
    public async Task The_jobs_wake_by_themselves_when_a_visit_comes_near_and_when_a_month_begins()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (nurse, of) = (the.MentalHealthCentre, await the.VisitedAsync());
        var run = await nurse.StartsAsync(of);
        own.Composition.Protocols.Begin();
        own.Composition.Clocks.Begin();
        own.Clock.Advance(TimeSpan.FromDays(95));
        // The loops sleep by the clock of the test, at most a minute: a deed that is due before wakes them.
        await nurse.PlansAsync(nurse.Plan(of, own.Clock.GetUtcNow().DayIn(2)));
        await Eventually.TrueAsync(() => own.Query("SELECT months_planned FROM visit_protocol_run", r => r.GetInt32(0))[0] >= 4, "the month was planned");
        await Eventually.TrueAsync(() => own.Query("SELECT count(*) FROM notice WHERE kind = $0", r => r.GetInt64(0), (int)Wire.NoticeKind.VisitOverdue)[0] == 8, "eight visits were told to be overdue");
        Assert.Equal("", (await nurse.ListsRunAsync(run.RunId))[^1].Moves[0].PersonId);
    }

    [Fact]
    [Trait("Rule", "R-CASE-4")]
    [Trait("Rule", "R-REF-6")]
    public async Task A_part_that_passes_to_another_unit_ends_its_visits_in_the_same_instant_and_reminds_nobody_any_more()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var family = Some.Family();
        var referral = (await the.Centre.TakesInAsync(the.School, Some.SubjectOf(family.Child))).ReferralId;
        var of = new VisitedCase((await the.Centre.OpensCaseAsync(referral)).CaseId, family.Child.Id.ToString(), family);
        var run = await the.Centre.StartsAsync(of);
        var plain = await the.Centre.PlansAsync(the.Centre.Plan(of, own.Clock.GetUtcNow().DayIn(4)));
        await the.Centre.VisitsAsync(plain.VisitId, own.Clock.GetUtcNow());
        var next = (await the.Centre.ProposesAsync(the.Centre.Transfer(referral, the.WanhuaCentre.UnitId, inCase: of.CaseId))).Onward.ReferralId;
        await the.WanhuaCentre.MovesAsync(next, Wire.ReferralAction.See, Wire.ReferralAction.Accept);

        Assert.Equal(0, own.Query("SELECT count(*) FROM visit WHERE state = 1", r => r.GetInt64(0))[0]);
        Assert.Equal(0, own.Query("SELECT count(*) FROM clock WHERE kind = $0 AND stopped_at IS NULL", r => r.GetInt64(0), (int)Wire.ClockKind.VisitDue)[0]);
        // The new primary sees what was made and what ended; the unit that is gone sees nothing any more.
        var seen = await the.WanhuaCentre.ListsVisitsAsync(new() { CaseId = of.CaseId, Listing = Wire.VisitListing.All }, Wire.LegalBasis.SuicideRisk);
        Assert.Equal((1, 8), (seen.Count(v => v.State == Wire.VisitState.Done), seen.Count(v => v.State == Wire.VisitState.Ended)));
        Assert.Equal(Wire.ProtocolEnd.PartEnded, (await the.WanhuaCentre.SeesProtocolAsync(run.RunId, Wire.LegalBasis.SuicideRisk)).End);
        Assert.Empty(await the.Centre.ListsVisitsAsync(new() { Listing = Wire.VisitListing.All }));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => the.Centre.SeesProtocolAsync(run.RunId, Wire.LegalBasis.SuicideRisk), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => the.Centre.CancelsAsync(plain.VisitId), own);
        own.Clock.Advance(TimeSpan.FromDays(20));
        await own.Composition.Clocks.RunAsync(CancellationToken.None);
        Assert.DoesNotContain(await the.WanhuaCentre.EmptiesInboxAsync(), n => n.VisitId.Length > 0);
        Assert.DoesNotContain(await the.Centre.EmptiesInboxAsync(), n => n.VisitId.Length > 0);
    }

    private static DateTimeOffset Taipei(string day, int hour, int minute) => VisitMoves.NoonOf(day).AddHours(hour - 12).AddMinutes(minute);

    /// <summary>A further job over the same store, as if two had been started.</summary>
    private sealed class JobOfTest(TestExchange own) : IDisposable
    {
        public ClockJob Job { get; } = new(own.Composition.Store, own.Composition.Commits, () => own.Composition.Members, own.Composition.Policy, own.Clock);

        public void Dispose() => Job.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
