using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Visits;

namespace SafetyNet.Exchange.Tests.Stories;

/// <summary>Five months of visits to a child after a suicide report, in a case of five agencies: what each sees of it, field by field, and that a worker who leaves takes nothing along.</summary>
[Trait("Rule", "R-CASE-2")]
[Trait("Rule", "R-CASE-4")]
[Trait("Rule", "R-CASE-5")]
[Trait("Rule", "R-NTK-4")]
[Trait("Rule", "R-NTK-8")]
[Trait("Rule", "R-NTK-14")]
public sealed class SuicideFollowUpStoryTests(TestExchange exchange) : WireTests(exchange)
{
    private const string VisitText = "情緒起伏大，已與家屬約定安全計畫", MoodNote = "入睡困難、常自責", HomeGoal = "每月訪視並追蹤安全計畫", JobGoal = "母親三個月內穩定就業";

    private static readonly DateTimeOffset From = VisitMoves.NoonOf("2026-03-02");

    private readonly Family _family = Some.Family();

    [Fact]
    public async Task A_child_is_visited_for_five_months_and_each_of_five_agencies_sees_its_part_and_no_more()
    {
        await using var own = await TestExchange.StartAsync(span: (From, From.AddMonths(8)));
        var the = new The(own);
        var (centre, nurse, labor) = (the.Centre, the.MentalHealthCentre, the.Labor);
        var referral = (await centre.TakesInAsync(the.School, Some.SubjectOf(_family.Child))).ReferralId;
        var id = (await centre.OpensCaseAsync(referral, _family.Mother.Id)).CaseId;
        await centre.BringsInAsync(id, nurse);
        await centre.BringsInAsync(id, labor);
        await nurse.AssignsAsync(id, "H1001", "H9001");
        await centre.SetsGoalAsync(centre.Goal(id, nurse, HomeGoal));
        await centre.SetsGoalAsync(centre.Goal(id, labor, JobGoal));
        var run = await nurse.StartsAsync(new VisitedCase(id, _family.Child.Id.ToString()));
        await nurse.WritesAsync(nurse.Note(id, Wire.ConfidentialityClass.MentalHealth, MoodNote, NoteVersionTests.Share(centre)));

        await VisitUntilAsync(own, nurse, run.RunId, "2026-04-20");
        await nurse.As(Wire.ActorRole.Supervisor, "H9001").AskAsync(to => to.CaseLife.ReassignWorkerAsync(nurse.As(Wire.ActorRole.Supervisor, "H9001").Reassignment("H1001", "H1002")));
        await VisitUntilAsync(own, nurse, run.RunId, "2026-08-01");

        // The health unit: every visit with its text, made by whoever has the case in hand now; no month short.
        var made = await nurse.ListsVisitsAsync(new() { RunId = run.RunId, Listing = Wire.VisitListing.Done });
        Assert.Equal(12, made.Count);
        Assert.All(made, visit => Assert.Equal((VisitText, "H1002", VisitMoves.Suicide, Wire.ConfidentialityClass.Suicide), (visit.Moves[^1].Text.Text, visit.WorkerPersonId, visit.Protocol, visit.ConfidentialityClass)));
        Assert.Equal([(4, 4), (2, 2), (2, 2), (2, 2), (2, 2)], (await nurse.SeesProtocolAsync(run.RunId)).Months.Select(month => (month.Needed, month.Done)));
        Assert.Equal([("", false), (HomeGoal, true)], (await nurse.ListsGoalsAsync(id)).Select(goal => (goal.Words(), goal.Own)).OrderBy(goal => goal.Own));

        // The primary: of the visits nothing in everyday work; where there is a risk of suicide that they were made and when, and no text. All goals; the note that was shared with it.
        Assert.Empty(await centre.ListsVisitsAsync(new() { CaseId = id, Listing = Wire.VisitListing.All }));
        var atRisk = await centre.ListsVisitsAsync(new() { CaseId = id, Listing = Wire.VisitListing.Done }, Wire.LegalBasis.SuicideRisk);
        Assert.Equal(made.Select(visit => (visit.VisitId, visit.DoneAt, "")), atRisk.Select(visit => (visit.VisitId, visit.DoneAt, string.Concat(visit.Moves.Select(move => move.Text?.Text)))));
        Assert.Equal([JobGoal, HomeGoal], (await centre.ListsGoalsAsync(id)).Select(CaseLifeMoves.Words).Order(StringComparer.Ordinal));
        Assert.Equal([MoodNote], (await centre.ReadsNotesAsync(id, Wire.LegalBasis.SubjectWaiver)).Notes.Select(note => note.Text));
        Assert.Equal(3, (await centre.SeesCaseAsync(id)).Case.Participants.Count);

        // The employment service: its own goal, that there is another one; neither visits, nor notes, nor who else serves.
        Assert.Equal([("", false), (JobGoal, true)], (await labor.ListsGoalsAsync(id)).Select(goal => (goal.Words(), goal.Own)).OrderBy(goal => goal.Own));
        Assert.Empty(await labor.ListsVisitsAsync(new() { CaseId = id, Listing = Wire.VisitListing.All }, Wire.LegalBasis.SuicideRisk));
        Assert.Empty((await labor.ReadsNotesAsync(id, Wire.LegalBasis.SubjectWaiver)).Notes);
        Assert.Empty((await labor.SeesCaseAsync(id)).Case.Participants);

        // The school that referred: how its referral stands. The police: that there is nothing.
        var status = await the.School.ReadsAsync(referral);
        Assert.Equal((Wire.ReferralState.Accepted, "", 0), (status.State, status.CaseId, status.Facts.Count));
        foreach (var outside in (Party[])[the.School, the.Police])
        {
            foreach (var ask in (Func<Task>[])[() => outside.SeesCaseAsync(id), () => outside.SeesProtocolAsync(run.RunId, Wire.LegalBasis.SuicideRisk), () => outside.ListsGoalsAsync(id), () => outside.ReadsNotesAsync(id),
                () => outside.ListsVisitsAsync(new() { CaseId = id }, Wire.LegalBasis.SuicideRisk)])
                Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(ask)).Reason);
        }

        await EndAsync(id, run.RunId, centre, nurse, labor);
    }

    /// <summary>Time passes: months are planned as they begin, and each visit is made on its day.</summary>
    private static async Task VisitUntilAsync(TestExchange exchange, Party nurse, string runId, string day)
    {
        for (var now = exchange.Clock.GetUtcNow(); string.CompareOrdinal(now.DayIn(), day) < 0; now = now.AddDays(1))
        {
            exchange.Clock.PinAt(now);
            await exchange.Composition.Protocols.RunAsync(CancellationToken.None);
            foreach (var visit in await nurse.ListsVisitsAsync(new() { RunId = runId, PlannedUntil = now.DayIn() }))
                await nurse.VisitsAsync(nurse.Visit(visit.VisitId, now.AddMinutes(-20), VisitText, Wire.ConfidentialityClass.Suicide));
        }
    }

    /// <summary>The follow-up ends, then the units leave, then the case closes; what was seen by a part is seen no more.</summary>
    private static async Task EndAsync(string id, string runId, Party centre, Party nurse, Party labor)
    {
        Assert.Equal(Wire.ProtocolEnd.Completed, (await nurse.EndsAsync(runId)).End);
        Assert.Equal(Wire.ErrorReason.CaseStillServed, (await Refused.ByAsync(() => centre.ClosesCaseAsync(id))).Reason);
        await nurse.LeavesAsync(id);
        await labor.LeavesAsync(id);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => nurse.SeesProtocolAsync(runId))).Reason);
        Assert.Equal([JobGoal, HomeGoal], (await centre.ListsGoalsAsync(id)).Where(goal => goal.Own).Select(CaseLifeMoves.Words).Order(StringComparer.Ordinal));
        Assert.Equal(Wire.CaseState.Closed, (await centre.ClosesCaseAsync(id)).State);
    }
}
