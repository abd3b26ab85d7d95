using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Tests.Cases;
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
    public async Task The_jobs_do_by_themselves_what_is_due_when_they_begin()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (nurse, of) = (the.MentalHealthCentre, await the.VisitedAsync());
        await nurse.StartsAsync(of);
        own.Clock.Advance(TimeSpan.FromDays(95));
        own.Composition.Protocols.Begin();
        own.Composition.Clocks.Begin();
        await Eventually.TrueAsync(() => own.Query("SELECT months_planned FROM visit_protocol_run", r => r.GetInt32(0))[0] >= 4, "the month was planned");
        await Eventually.TrueAsync(() => own.Query("SELECT count(*) FROM notice WHERE kind = $0", r => r.GetInt64(0), (int)Wire.NoticeKind.VisitOverdue)[0] == 8, "eight visits were told to be overdue");
        // What the protocol planned by itself, no person planned.
        Assert.Equal(2, own.Query("SELECT count(*) FROM visit_move WHERE action = 1 AND person_id = ''", r => r.GetInt64(0))[0]);
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
        var of = new VisitedCase((await the.Centre.OpensCaseAsync(referral)).CaseId, family.Child.Id.ToString());
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

    [Fact]
    [Trait("Rule", "R-CASE-4")]
    public async Task A_worker_who_leaves_takes_no_visit_along_one_call_gives_all_of_them_to_another()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (nurse, cases) = (the.MentalHealthCentre, new[] { await the.VisitedAsync(), await the.VisitedAsync(), await the.VisitedAsync() });
        foreach (var of in cases) await nurse.StartsAsync(of);
        var planned = (await nurse.ListsVisitsAsync()).Select(v => v.VisitId).ToList();
        Assert.Equal(24, planned.Count);
        Assert.Empty(await nurse.ListsVisitsAsync(new() { WorkerPersonId = "H1001" }));
        await nurse.AssignsAsync(cases[0].CaseId, "H1001", "H9001");
        await nurse.AssignsAsync(cases[1].CaseId, "H1001", "H9001");
        await nurse.AssignsAsync(cases[2].CaseId, "H1002", "H9001");
        var theirs = await nurse.ListsVisitsAsync(new() { WorkerPersonId = "H1001", PageSize = 5 });
        Assert.Equal(16, theirs.Count);
        Assert.All(theirs, v => Assert.Equal(("H1001", "H9001"), (v.WorkerPersonId, v.SupervisorPersonId)));
        Assert.Equal(planned, (await nurse.ListsVisitsAsync(new() { SupervisorPersonId = "H9001" })).Select(v => v.VisitId));

        var supervisor = nurse.As(Wire.ActorRole.Supervisor, "H9001");
        await supervisor.AskAsync(to => to.CaseLife.ReassignWorkerAsync(supervisor.Reassignment("H1001", "H1003")));
        Assert.Empty(await nurse.ListsVisitsAsync(new() { WorkerPersonId = "H1001" }));
        Assert.Equal(theirs.Select(v => v.VisitId), (await nurse.ListsVisitsAsync(new() { WorkerPersonId = "H1003" })).Select(v => v.VisitId));
        Assert.Equal(planned, (await nurse.ListsVisitsAsync()).Select(v => v.VisitId));
        // The reminders go on as they were: the first visit of each case is told of, whoever makes it now.
        await nurse.EmptiesInboxAsync();
        own.Clock.Advance(TimeSpan.FromDays(2));
        await own.Composition.Clocks.RunAsync(CancellationToken.None);
        Assert.Equal(cases.Select(of => of.CaseId).Order(), (await nurse.EmptiesInboxAsync()).Where(n => n.Kind == Wire.NoticeKind.VisitUpcoming).Select(n => n.CaseId).Order());
    }

    [Fact]
    [Trait("Rule", "R-CASE-5")]
    public async Task A_unit_that_leaves_and_a_case_that_closes_end_what_is_planned_and_a_case_that_is_merged_takes_it_along()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (nurse, lead, of) = (the.MentalHealthCentre, the.Centre, await the.VisitedAsync());
        await nurse.StartsAsync(of);
        var kept = await lead.PlansAsync(lead.Plan(of, own.Clock.GetUtcNow().DayIn(6)));
        await nurse.LeavesAsync(of.CaseId);
        Assert.Equal((8L, 1L), (Count("state = 4"), Count("state = 1")));
        Assert.Equal(kept.VisitId, Assert.Single(await lead.ListsVisitsAsync()).VisitId);
        await lead.ClosesCaseAsync(of.CaseId);
        Assert.Equal((9L, 0L), (Count("state = 4"), Count("state = 1")));
        Assert.Equal(0, own.Query("SELECT count(*) FROM clock WHERE kind = $0 AND stopped_at IS NULL", r => r.GetInt64(0), (int)Wire.ClockKind.VisitDue)[0]);
        Assert.Empty(await lead.ListsVisitsAsync(new() { Listing = Wire.VisitListing.All }));
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => lead.PlansAsync(lead.Plan(of, own.Clock.GetUtcNow().DayIn(2))))).Reason);

        // Two cases of one family become one: what is planned in either goes on.
        var family = Some.Family();
        var (child, mother) = (await OpenedAsync(family.Child), await OpenedAsync(family.Mother));
        var planned = await lead.PlansAsync(lead.Plan(new VisitedCase(mother, family.Mother.Id.ToString()), own.Clock.GetUtcNow().DayIn(3)));
        var run = await lead.StartsAsync(new VisitedCase(mother, family.Mother.Id.ToString()));
        await lead.EmptiesInboxAsync();
        await lead.MergesAsync(child, mother);
        Assert.Equal(9, (await lead.ListsVisitsAsync(new() { CaseId = child })).Count);
        Assert.Equal(child, (await lead.SeesProtocolAsync(run.RunId)).CaseId);
        own.Clock.Advance(TimeSpan.FromDays(2));
        await own.Composition.Clocks.RunAsync(CancellationToken.None);
        Assert.Contains(await lead.EmptiesInboxAsync(), n => n.VisitId == planned.VisitId && n.CaseId == child);
        Assert.Equal(Wire.VisitState.Done, (await lead.VisitsAsync(planned.VisitId, own.Clock.GetUtcNow())).State);

        long Count(string where) => own.Query($"SELECT count(*) FROM visit WHERE {where}", r => r.GetInt64(0))[0];

        async Task<string> OpenedAsync(SyntheticPerson person) =>
            (await lead.OpensCaseAsync((await lead.TakesInAsync(the.School, Some.SubjectOf(person))).ReferralId)).CaseId;
    }

    private static DateTimeOffset Taipei(string day, int hour, int minute) => VisitMoves.NoonOf(day).AddHours(hour - 12).AddMinutes(minute);

    /// <summary>A further job over the same store, as if two had been started.</summary>
    private sealed class JobOfTest(TestExchange own) : IDisposable
    {
        public ClockJob Job { get; } = new(own.Composition.Store, own.Composition.Commits, () => own.Composition.Members, own.Composition.Policy, own.Clock);

        public void Dispose() => Job.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
