using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Visits;

/// <summary>Visits and protocols through the wire (R-CASE-4, R-CASE-5).</summary>
[Trait("Rule", "R-CASE-5")]
public sealed class VisitWireTests(TestExchange exchange) : WireTests(exchange)
{
    private DateTimeOffset Now => Exchange.Clock.GetUtcNow();

    [Fact]
    public async Task A_suicide_follow_up_is_planned_at_its_start_and_counts_month_by_month_what_was_made_over_five_months()
    {
        var from = VisitMoves.NoonOf("2026-01-31");
        await using var own = await TestExchange.StartAsync(span: (from, from.AddMonths(6)));
        var the = new The(own);
        var (nurse, of) = (the.MentalHealthCentre, await the.VisitedAsync());
        var run = await nurse.StartsAsync(of);
        Assert.Equal(("2026-01-31", "2026-04-29", VisitMoves.Suicide, Suicide, false, Wire.ProtocolEnd.Unspecified),
            (run.StartsOn, run.MinimumEndsOn, run.Protocol, run.ConfidentialityClass, run.Short, run.End));
        Assert.Equal(["1 2026-01-31 2026-02-27 4 0 0 4 0", "2 2026-02-28 2026-03-30 2 0 0 2 0", "3 2026-03-31 2026-04-29 2 0 0 2 0"], run.Months.Select(Line));
        var planned = await nurse.ListsRunAsync(run.RunId);
        Assert.Equal(["2026-02-03", "2026-02-10", "2026-02-17", "2026-02-24", "2026-03-07", "2026-03-23", "2026-04-07", "2026-04-22"], planned.Select(v => v.PlannedOn));

        // Three visits and two attempts in the first month: one is missing, and stays so.
        foreach (var visit in planned.Take(3)) await MadeAsync(visit, visit.PlannedOn);
        foreach (var day in (string[])["2026-02-24", "2026-02-26"])
        {
            own.Clock.PinAt(VisitMoves.NoonOf(day));
            Assert.Equal(Wire.VisitState.Planned, (await nurse.AttemptsAsync(nurse.Attempt(planned[3].VisitId, own.Clock.GetUtcNow()))).State);
        }

        run = await nurse.SeesProtocolAsync(run.RunId);
        Assert.Equal(("1 2026-01-31 2026-02-27 4 3 2 1 0", false), (Line(run.Months[0]), run.Short));
        own.Clock.PinAt(VisitMoves.NoonOf("2026-02-28"));
        run = await nurse.SeesProtocolAsync(run.RunId);
        Assert.Equal(("1 2026-01-31 2026-02-27 4 3 2 1 1", true), (Line(run.Months[0]), run.Short));
        // Made late it counts for the month in which it was made.
        await MadeAsync(planned[3], "2026-03-02");
        run = await nurse.SeesProtocolAsync(run.RunId);
        Assert.Equal(["1 2026-01-31 2026-02-27 4 3 2 0 1", "2 2026-02-28 2026-03-30 2 1 0 2 0"], run.Months.Take(2).Select(Line));

        // Put off beyond its month it leaves the month short; cancelled it does so too.
        var moved = await nurse.ReschedulesAsync(planned[5].VisitId, "2026-04-02");
        Assert.Equal(("2026-04-02", 2, Wire.VisitAction.Reschedule), (moved.PlannedOn, moved.Moves.Count, moved.Moves[1].Action));
        Assert.Equal(Wire.VisitState.Cancelled, (await nurse.CancelsAsync(planned[4].VisitId)).State);
        run = await nurse.SeesProtocolAsync(run.RunId);
        Assert.Equal(["2 2026-02-28 2026-03-30 2 1 0 0 1", "3 2026-03-31 2026-04-29 2 0 0 3 0"], run.Months.Skip(1).Select(Line));
        await nurse.PlansAsync(nurse.Plan(of, "2026-03-20", run.RunId));
        Assert.Equal("2 2026-02-28 2026-03-30 2 1 0 1 0", Line((await nurse.SeesProtocolAsync(run.RunId)).Months[1]));

        // It goes on beyond three months: each further month is planned when it begins, once, also by a server that was down.
        Assert.Equal(0, await own.Composition.Protocols.RunAsync(CancellationToken.None));
        own.Clock.PinAt(VisitMoves.NoonOf("2026-06-10"));
        var before = own.RecordCount();
        Assert.Equal((2, 0), (await own.Composition.Protocols.RunAsync(CancellationToken.None), await own.Composition.Protocols.RunAsync(CancellationToken.None)));
        var record = Assert.Single(own.RecordsFrom(before));
        Assert.Equal(("visits/PlanMonth", "protocol-job"), (record.Method, record.ActorPersonId));
        Assert.Equal(4, record.Resources.Count);
        Assert.Contains($"protocol-run/{run.RunId}", record.Resources);
        run = await nurse.SeesProtocolAsync(run.RunId);
        // Of the month that was over when the server was back nothing can be planned any more.
        Assert.Equal(["4 2026-04-30 2026-05-30 2 0 0 0 2", "5 2026-05-31 2026-06-29 2 0 0 2 0"], run.Months.Skip(3).Select(Line));
        Assert.Equal(["2026-06-10", "2026-06-22"], (await nurse.ListsVisitsAsync(new() { RunId = run.RunId, Listing = Wire.VisitListing.Due })).Select(v => v.PlannedOn));
        var ended = await nurse.EndsAsync(run.RunId);
        Assert.Equal((Wire.ProtocolEnd.Completed, "2026-06-10", 5, "5 2026-05-31 2026-06-29 0 0 0 0 0"), (ended.End, ended.EndedOn, ended.Months.Count, Line(ended.Months[4])));
        Assert.DoesNotContain(await nurse.ListsRunAsync(run.RunId), v => v.State == Wire.VisitState.Planned);
        Assert.Equal(0, own.Query("SELECT count(*) FROM clock WHERE kind = $0 AND stopped_at IS NULL", r => r.GetInt64(0), (int)Wire.ClockKind.VisitDue)[0]);
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => nurse.EndsAsync(run.RunId))).Reason);
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => nurse.PlansAsync(nurse.Plan(of, "2026-06-12", run.RunId)))).Reason);
        // Another may begin now.
        Assert.NotEqual(run.RunId, (await nurse.StartsAsync(of)).RunId);

        async Task MadeAsync(Wire.Visit visit, string day)
        {
            own.Clock.PinAt(VisitMoves.NoonOf(day));
            var made = await nurse.VisitsAsync(visit.VisitId, own.Clock.GetUtcNow().AddMinutes(-30));
            Assert.Equal((Wire.VisitState.Done, Wire.VisitChannel.Home), (made.State, made.Channel));
        }
    }

    [Fact]
    public async Task A_visit_or_attempt_of_the_future_is_refused_with_rule_field_and_remedy()
    {
        var (nurse, of) = (The.MentalHealthCentre, await The.VisitedAsync());
        var visit = await nurse.PlansAsync(nurse.Plan(of, Now.DayIn(1)));
        foreach (var ask in (Func<Task>[])[() => nurse.VisitsAsync(visit.VisitId, Now.AddMinutes(5)), () => nurse.AttemptsAsync(nurse.Attempt(visit.VisitId, Now.AddDays(1)))])
        {
            var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.VisitInTheFuture, ask);
            Assert.Equal(("R-CASE-5", "happened_at", "happened_at"), (refused.Refusal.Metadata["rule"], refused.Refusal.Metadata["field"], refused.Refusal.Faults[0].Field));
            Assert.Contains("PlanVisit", refused.Refusal.MessageEn, StringComparison.Ordinal);
        }

        // Made before it was planned for, it is made.
        Assert.Equal(Wire.VisitState.Done, (await nurse.VisitsAsync(visit.VisitId, Now)).State);
        var again = await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => nurse.VisitsAsync(visit.VisitId, Now));
        Assert.Equal(("DONE", "RECORD_VISIT", ""), (again.Refusal.Metadata["state"], again.Refusal.Metadata["action"], again.Refusal.Metadata["allowed"]));
    }

    [Fact]
    public async Task Bug_A_text_of_no_class_hid_that_the_visit_was_made_already()
    {
        var (nurse, of) = (The.MentalHealthCentre, await The.VisitedAsync());
        var visit = await nurse.PlansAsync(nurse.Plan(of, Now.DayIn(1)));
        await nurse.VisitsAsync(visit.VisitId, Now);
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => nurse.VisitsAsync(nurse.Visit(visit.VisitId, Now, "沒有類別")));
    }

    [Fact]
    public async Task An_end_before_the_minimum_needs_a_reason_which_stays_with_the_run()
    {
        var (nurse, of) = (The.MentalHealthCentre, await The.VisitedAsync());
        var run = await nurse.StartsAsync(of);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ProtocolMinimumNotReached, () => nurse.EndsAsync(run.RunId));
        Assert.Equal(("R-CASE-5", "reason", "3", run.MinimumEndsOn),
            (refused.Refusal.Metadata["rule"], refused.Refusal.Metadata["field"], refused.Refusal.Metadata["months"], refused.Refusal.Metadata["until"]));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => nurse.EndsAsync(run.RunId, "因為因為因為因為因為因為因為因為因為因為"));
        var request = nurse.Ending(run.RunId, VisitMoves.Why);
        request.Etag = run.Etag;
        var ended = (await nurse.AskAsync(to => to.Visits.EndProtocolAsync(request))).Run;
        Assert.Equal((Wire.ProtocolEnd.Early, VisitMoves.Why, Suicide, 1, 0), (ended.End, ended.EndReason.Text, ended.EndReason.ConfidentialityClass, ended.Months.Count, ended.Months[0].Needed));
        Assert.Equal(8, (await nurse.ListsRunAsync(run.RunId)).Count(v => v.State == Wire.VisitState.Ended));
        // The same request again is answered as it stands, and nothing happens twice.
        Assert.Equal(ended, (await nurse.AskAsync(to => to.Visits.EndProtocolAsync(request))).Run);
        Assert.DoesNotContain(Exchange.Query("SELECT end_reason FROM visit_protocol_run", r => System.Text.Encoding.UTF8.GetString(r.GetFieldValue<byte[]>(0))), text => text.Contains("關懷", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_protocol_runs_for_a_person_in_a_unit_whoever_starts_how_many_at_once()
    {
        var (nurse, of) = (The.MentalHealthCentre, await The.VisitedAsync());
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            var request = nurse.Colleague($"H1{i:000}").Protocol(of);
            return (await Refused.IfAsync(() => nurse.Channel.Visits.StartProtocolAsync(request).ResponseAsync))?.Reason;
        })));
        Assert.Single(outcomes, reason => reason is null);
        Assert.All(outcomes.OfType<Wire.ErrorReason>(), reason => Assert.True(reason is Wire.ErrorReason.ProtocolRunning or Wire.ErrorReason.ConcurrentChange, $"{reason}"));
        Assert.Equal(8, (await nurse.ListsVisitsAsync(new() { CaseId = of.CaseId })).Count);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ProtocolRunning, () => nurse.StartsAsync(of));
        Assert.Equal((VisitMoves.Suicide, "R-CASE-5"), (refused.Refusal.Metadata["protocol"], refused.Refusal.Metadata["rule"]));
    }

    [Fact]
    [Trait("Rule", "R-NTK-2")]
    [Trait("Rule", "R-NTK-8")]
    public async Task Each_unit_sees_its_own_visits_the_primary_those_whose_class_it_may_see_without_texts_and_nobody_else_any()
    {
        var (nurse, lead, labor, of) = (The.MentalHealthCentre, The.Centre, The.Labor, await The.VisitedAsync(The.Labor));
        var run = await nurse.StartsAsync(of);
        var visits = await nurse.ListsRunAsync(run.RunId);
        await nurse.AttemptsAsync(nurse.Attempt(visits[0].VisitId, Now, "案家無人應門", CaseNote));
        var made = await nurse.VisitsAsync(nurse.Visit(visits[0].VisitId, Now, "案主談及輕生念頭", Suicide));
        Assert.Equal(["", "案家無人應門", "案主談及輕生念頭"], made.Moves.Select(m => m.Text?.Text ?? ""));
        var plain = await nurse.PlansAsync(nurse.Plan(of, Now.DayIn(3)));
        var note = await nurse.PlansAsync(nurse.Plan(of, Now.DayIn(4), one: CaseNote));
        var job = await labor.PlansAsync(labor.Plan(of, Now.DayIn(5)));
        var all = new Wire.ListVisitsRequest { CaseId = of.CaseId, Listing = Wire.VisitListing.All };

        // The unit itself: everything, texts too.
        Assert.Equal(10, (await nurse.ListsVisitsAsync(all)).Count);
        Assert.Equal("案主談及輕生念頭", (await nurse.ListsRunAsync(run.RunId)).Single(v => v.VisitId == made.VisitId).Moves[^1].Text.Text);
        // The primary under Article 6: visits that tell of nothing; under the danger of suicide the protocol too; never a text, never what is the unit's own record.
        var seen = await lead.ListsVisitsAsync(all);
        Assert.Equal([plain.VisitId, job.VisitId], seen.Select(v => v.VisitId));
        Assert.Equal((The.MentalHealthCentre.UnitId, of.PersonId, ""), (seen[0].UnitId, seen[0].PersonId, seen[0].Protocol));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => lead.SeesProtocolAsync(run.RunId));
        var inDanger = await lead.ListsVisitsAsync(all, Wire.LegalBasis.SuicideRisk);
        Assert.Equal(10, inDanger.Count);
        Assert.DoesNotContain(inDanger, v => v.VisitId == note.VisitId);
        Assert.All(inDanger.SelectMany(v => v.Moves), move => Assert.Null(move.Text));
        Assert.Equal((1, Wire.VisitState.Done, VisitMoves.Suicide), inDanger.Where(v => v.VisitId == made.VisitId).Select(v => (v.Attempts, v.State, v.Protocol)).Single());
        var theirs = await lead.SeesProtocolAsync(run.RunId, Wire.LegalBasis.SuicideRisk);
        Assert.Equal((VisitMoves.Suicide, 1, 1), (theirs.Protocol, theirs.Months[0].Done, theirs.Months[0].Attempts));
        // It may see it, and the deed is another's.
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, async () =>
        {
            var request = lead.Ending(run.RunId, VisitMoves.Why);
            request.Context.LegalBasis = Wire.LegalBasis.SuicideRisk;
            await lead.AskAsync(to => to.Visits.EndProtocolAsync(request));
        });
        // Another unit of the case sees its own, whatever it says it is for.
        foreach (var basis in (Wire.LegalBasis[])[Wire.LegalBasis.Article6IntegratedService, Wire.LegalBasis.SuicideRisk])
        {
            Assert.Equal([job.VisitId], (await labor.ListsVisitsAsync(all, basis)).Select(v => v.VisitId));
            await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => labor.SeesProtocolAsync(run.RunId, basis));
        }

        // Nor does anybody move another's visit, the primary not either.
        foreach (var party in (Party[])[lead, labor, The.Police]) await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => party.CancelsAsync(plain.VisitId));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Police.ListsVisitsAsync(all));
        // What was written lies sealed.
        Assert.DoesNotContain(Exchange.Query("SELECT text FROM visit_move", r => System.Text.Encoding.UTF8.GetString(r.GetFieldValue<byte[]>(0))), text => text.Contains("輕生", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_list_is_by_day_the_same_in_pages_of_any_size_and_says_what_is_due_overdue_and_done()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (nurse, of, now) = (the.MentalHealthCentre, await the.VisitedAsync(), own.Clock.GetUtcNow());
        var other = await the.VisitedAsync();
        foreach (var day in (int[])[5, 1, 9, 1, 3]) await nurse.PlansAsync(nurse.Plan(day == 3 ? other : of, now.DayIn(day)));
        own.Clock.Advance(TimeSpan.FromDays(3));
        var open = await nurse.ListsVisitsAsync();
        Assert.Equal([now.DayIn(1), now.DayIn(1), now.DayIn(3), now.DayIn(5), now.DayIn(9)], open.Select(v => v.PlannedOn));
        Assert.Equal([true, true, false, false, false], open.Select(v => v.Overdue));
        foreach (var size in (int[])[1, 2, 5]) Assert.Equal(open, await nurse.ListsVisitsAsync(new() { PageSize = size }));
        await nurse.VisitsAsync(open[1].VisitId, own.Clock.GetUtcNow());
        await nurse.CancelsAsync(open[4].VisitId);
        async Task<List<string>> IdsAsync(Wire.VisitListing listing, string caseId = "", string until = "", string unit = "") =>
            [.. (await nurse.ListsVisitsAsync(new() { Listing = listing, CaseId = caseId, PlannedUntil = until, UnitId = unit })).Select(v => v.VisitId)];
        Assert.Equal([open[0].VisitId], await IdsAsync(Wire.VisitListing.Overdue));
        Assert.Equal([open[2].VisitId, open[3].VisitId], await IdsAsync(Wire.VisitListing.Due));
        Assert.Equal([open[2].VisitId], await IdsAsync(Wire.VisitListing.Due, other.CaseId));
        Assert.Equal([open[0].VisitId, open[2].VisitId], await IdsAsync(default, until: now.DayIn(3)));
        Assert.Equal([open[1].VisitId], await IdsAsync(Wire.VisitListing.Done));
        Assert.Equal([open[4].VisitId], await IdsAsync(Wire.VisitListing.Cancelled));
        Assert.Empty(await IdsAsync(Wire.VisitListing.Ended));
        Assert.Equal(5, (await IdsAsync(Wire.VisitListing.All, unit: nurse.UnitId)).Count);
        Assert.Equal(Wire.ErrorReason.InvalidField, (await Refused.ByAsync(() => IdsAsync(default, unit: the.Centre.UnitId))).Reason);
        // The primary of a case asks for one unit of it.
        Assert.Equal(2, (await the.Centre.ListsVisitsAsync(new() { CaseId = of.CaseId, UnitId = nurse.UnitId })).Count);
        Assert.Empty(await the.Centre.ListsVisitsAsync(new() { CaseId = of.CaseId, UnitId = the.Centre.UnitId }));
        Assert.Empty(await the.Centre.ListsVisitsAsync());
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_with_its_field()
    {
        var (nurse, of) = (The.MentalHealthCentre, await The.VisitedAsync());
        await FaultAsync("protocol", () => nurse.StartsAsync(nurse.Protocol(of, protocol: "NO_SUCH")));
        await FaultAsync("starts_on", () => nurse.StartsAsync(of, Now.DayIn(-8)));
        await FaultAsync("starts_on", () => nurse.StartsAsync(of, Now.DayIn(32)));
        await FaultAsync("planned_on", () => nurse.PlansAsync(nurse.Plan(of, Now.DayIn(-1))));
        await FaultAsync("planned_on", () => nurse.PlansAsync(nurse.Plan(of, Now.DayIn(367))));
        await FaultAsync("confidentiality_class", () => nurse.PlansAsync(nurse.Plan(of, Now.DayIn(), one: Wire.ConfidentialityClass.Identity)));
        var run = await nurse.StartsAsync(of, Now.DayIn(-7));
        await FaultAsync("confidentiality_class", () => nurse.PlansAsync(nurse.Plan(of, Now.DayIn(), run.RunId, MentalHealth)));
        var visit = (await nurse.ListsRunAsync(run.RunId))[0];
        Assert.Equal(Now.DayIn(), visit.PlannedOn);
        await FaultAsync("happened_at", () => nurse.VisitsAsync(visit.VisitId, Now.AddDays(-9)));
        await FaultAsync("confidentiality_class", () => nurse.VisitsAsync(nurse.Visit(visit.VisitId, Now, "紀錄")));
        await FaultAsync("confidentiality_class", () => nurse.VisitsAsync(nurse.Visit(visit.VisitId, Now, "紀錄", PublicStatus)));
        await FaultAsync("planned_on", () => nurse.ReschedulesAsync(visit.VisitId, Now.DayIn(-1)));
        var stale = nurse.Visit(visit.VisitId, Now);
        stale.Etag = visit.Etag;
        await nurse.AttemptsAsync(nurse.Attempt(visit.VisitId, Now));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ConcurrentChange, () => nurse.VisitsAsync(stale));
        Assert.Equal((await nurse.ListsRunAsync(run.RunId))[0].Etag, refused.Refusal.Metadata["etag"]);
        // A person who is no subject of the case, and a run of another, are as if they were not there.
        var other = await The.VisitedAsync();
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => nurse.StartsAsync(nurse.Protocol(of with { PersonId = other.PersonId })));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => nurse.PlansAsync(nurse.Plan(other, Now.DayIn(), run.RunId)));

        async Task FaultAsync(string field, Func<Task> ask) =>
            Assert.Equal(field, (await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, ask)).Refusal.Faults[0].Field);
    }

    private static string Line(Wire.ProtocolMonth m) => $"{m.Number} {m.BeginsOn} {m.EndsOn} {m.Needed} {m.Done} {m.Attempts} {m.Planned} {m.Missing}";
}
