using System.Text;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Cases;

/// <summary>Goals of a case: who sees what of them, and who may change them.</summary>
[Trait("Rule", "R-CASE-2")]
public sealed class ServicePlanTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task The_primary_sees_every_goal_the_owner_its_own_and_the_others_the_summary()
    {
        var subject = Some.Stranger();
        var id = await The.SharedCaseAsync(The.Centre, subject, The.MentalHealthCentre, The.Labor);
        var job = await The.Centre.SetsGoalAsync(The.Centre.Goal(id, The.Labor, "三個月內媒合就業"));
        var visits = await The.MentalHealthCentre.SetsGoalAsync(The.MentalHealthCentre.Goal(id, The.MentalHealthCentre, "每兩週訪視一次"));
        await The.Labor.ReportsProgressAsync(id, job, "已完成職業評量");
        await The.Labor.ReportsProgressAsync(id, job, "已媒合一次面試");
        Assert.True(job is { Content.Text.Length: > 0, Own: false, State: Wire.GoalState.Active } && job.OwnerUnitId == The.Labor.UnitId);
        Assert.Equal([(The.Labor.UnitId, job.GoalId)], Notices(The.Labor, id));
        Assert.Empty(Notices(The.MentalHealthCentre, id));

        foreach (var size in (int[])[0, 1])
        {
            var all = await The.Centre.ListsGoalsAsync(id, size);
            Assert.Equal([("三個月內媒合就業", true), ("每兩週訪視一次", true)], all.Select(g => (g.Words(), g.Content.ConfidentialityClass == CaseNote)));
            Assert.Equal(["已完成職業評量", "已媒合一次面試"], all[0].Content.Progress.Select(p => p.Text));
            Assert.All(all[0].Content.Progress, p => Assert.Equal((The.Labor.UnitId, The.Labor.PersonId), (p.AuthorUnitId, p.AuthorPersonId)));
            foreach (var (reader, own, other) in ((Party, string, string)[])[(The.Labor, job.GoalId, visits.GoalId), (The.MentalHealthCentre, visits.GoalId, job.GoalId)])
            {
                var seen = (await reader.ListsGoalsAsync(id, size)).ToDictionary(g => g.GoalId);
                Assert.True(seen[own] is { Own: true, Content.Text.Length: > 0 });
                var summary = seen[other];
                Assert.Equal((Wire.GoalState.Active, "2099-01-31", false), (summary.State, summary.TargetDate, summary.Own));
                Assert.Null(summary.Content);
                // Which unit owns a goal is INVOLVEMENT: a labour unit that serves does not learn it.
                Assert.Equal(reader == The.Labor ? "" : The.Labor.UnitId, summary.OwnerUnitId);
            }
        }

        foreach (var stranger in (Party[])[The.Police, The.CentreOfTaoyuan])
            Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => stranger.ListsGoalsAsync(id))).Reason);
        Assert.Equal([(job.GoalId, The.Labor.UnitId), (visits.GoalId, The.Centre.UnitId)], (await The.Centre.ListsDisclosuresAsync(subject.NationalId))
            .Where(e => e.Step == Wire.DisclosureStep.ServiceGoal).Select(e => (e.StepId, e.ToUnitId)).Order());
        AssertSealed("三個月內媒合就業", "已完成職業評量");
    }

    [Fact]
    [Trait("Rule", "R-NTK-8")]
    public async Task Words_of_a_class_that_need_to_know_does_not_open_stay_with_the_unit_that_wrote_them()
    {
        var id = await The.SharedCaseAsync(The.Centre, null, The.MentalHealthCentre, The.Labor);
        var own = await The.MentalHealthCentre.SetsGoalAsync(The.MentalHealthCentre.Goal(id, The.MentalHealthCentre, "穩定服藥", MentalHealth));
        Assert.Equal("穩定服藥", own.Words());
        Assert.Null(Assert.Single(await The.Centre.ListsGoalsAsync(id)).Content);
        await The.MentalHealthCentre.SetsGoalAsync(The.MentalHealthCentre.Goal(id, The.MentalHealthCentre, "家屬衛教", MentalHealth, Wire.LegalBasis.SubjectWaiver));
        Assert.Equal(["", "家屬衛教"], (await The.Centre.ListsGoalsAsync(id)).Select(g => g.Words()));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.Centre.ChangesGoalAsync(The.Centre.GoalChange(id, own, owner: The.Labor.UnitId)));
        Assert.Equal(("MENTAL_HEALTH", The.Labor.UnitId), (refused.Refusal.Metadata["class"], refused.Refusal.Metadata["unit_id"]));
        Assert.Equal(["", ""], (await The.Labor.ListsGoalsAsync(id)).Select(g => g.Words()));
    }

    [Fact]
    public async Task A_goal_is_owned_by_a_unit_of_the_case_and_given_to_another_by_the_primary()
    {
        var id = await The.SharedCaseAsync(The.Centre, null, The.WanhuaCentre, The.Labor);
        foreach (var outside in (Party[])[The.Police, The.ProtectionCentre])
        {
            var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.UnitNotInCase, () => The.Centre.SetsGoalAsync(The.Centre.Goal(id, outside, "應不成立")));
            Assert.Equal((outside.UnitId, "owner_unit_id", "R-CASE-2"), (refused.Refusal.Metadata["unit_id"], refused.Refusal.Metadata["field"], refused.Refusal.Metadata["rule"]));
        }

        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.SetsGoalAsync(The.Labor.Goal(id, The.WanhuaCentre, "應不成立")));
        var past = The.Centre.Goal(id, The.Labor, "應不成立");
        past.TargetDate = "2020-01-01";
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.SetsGoalAsync(past));
        var request = The.Centre.Goal(id, The.Labor, "媒合就業");
        var goal = await The.Centre.SetsGoalAsync(request);
        Assert.Equal(goal, await The.Centre.SetsGoalAsync(request));

        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.WanhuaCentre.ChangesGoalAsync(The.WanhuaCentre.GoalChange(id, goal, Wire.GoalState.Achieved)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.ChangesGoalAsync(The.Labor.GoalChange(id, goal, owner: The.WanhuaCentre.UnitId)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Centre.ReportsProgressAsync(id, goal, "不是自己的目標"));
        await AssertRefusedAloneAsync(Wire.ErrorReason.UnitNotInCase, () => The.Centre.ChangesGoalAsync(The.Centre.GoalChange(id, goal, owner: The.Police.UnitId)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.ChangesGoalAsync(The.Centre.GoalChange(id, goal)));
        var changed = await The.Labor.ChangesGoalAsync(The.Labor.GoalChange(id, goal, Wire.GoalState.PartlyAchieved, date: "2099-06-30", etag: goal.Etag));
        Assert.Equal((Wire.GoalState.PartlyAchieved, "2099-06-30"), (changed.State, changed.TargetDate));
        var late = await AssertRefusedAloneAsync(Wire.ErrorReason.ConcurrentChange, () => The.Centre.ChangesGoalAsync(The.Centre.GoalChange(id, goal, Wire.GoalState.Cancelled, etag: goal.Etag)));
        Assert.Equal((changed.Etag, "PARTLY_ACHIEVED"), (late.Refusal.Metadata["etag"], late.Refusal.Metadata["state"]));
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => The.Labor.ReportsProgressAsync(id, goal, "已結束之目標"));

        await The.Centre.ChangesGoalAsync(The.Centre.GoalChange(id, goal, Wire.GoalState.Active, The.WanhuaCentre.UnitId));
        Assert.Contains((The.WanhuaCentre.UnitId, goal.GoalId), Notices(The.WanhuaCentre, id));
        Assert.Equal("媒合就業", Assert.Single(await The.WanhuaCentre.ListsGoalsAsync(id)).Words());
        Assert.Equal("", Assert.Single(await The.Labor.ListsGoalsAsync(id)).Words());
        var elsewhere = await The.SharedCaseAsync(The.Centre);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Centre.ChangesGoalAsync(The.Centre.GoalChange(elsewhere, goal, Wire.GoalState.Cancelled)));
    }

    [Fact]
    public async Task The_plan_passes_to_the_new_primary_and_the_old_one_keeps_its_own_goals()
    {
        var subject = Some.Stranger();
        var id = await The.SharedCaseAsync(The.Centre, subject, The.WanhuaCentre, The.Labor);
        await The.Centre.SetsGoalAsync(The.Centre.Goal(id, The.Centre, "家庭關係修復"));
        await The.Centre.SetsGoalAsync(The.Centre.Goal(id, The.Labor, "媒合就業"));
        await The.Centre.HandsOverAsync(id, The.WanhuaCentre);
        await The.WanhuaCentre.TakesOverAsync(id);
        Assert.Equal(["家庭關係修復", "媒合就業"], (await The.WanhuaCentre.ListsGoalsAsync(id)).Select(g => g.Words()));
        Assert.Equal(["家庭關係修復", ""], (await The.Centre.ListsGoalsAsync(id)).Select(g => g.Words()));
        Assert.Equal(["", "媒合就業"], (await The.Labor.ListsGoalsAsync(id)).Select(g => g.Words()));
        // One that leaves with the role leaves its goals too: all are the new primary's to see, and none is owned outside of the case.
        await The.WanhuaCentre.SetsGoalAsync(The.WanhuaCentre.Goal(id, The.WanhuaCentre, "親職教育"));
        await The.WanhuaCentre.HandsOverAsync(id, The.Centre, leaves: true);
        await The.Centre.TakesOverAsync(id);
        Assert.Equal([("家庭關係修復", The.Centre.UnitId), ("媒合就業", The.Labor.UnitId), ("親職教育", The.Centre.UnitId)], (await The.Centre.ListsGoalsAsync(id)).Select(g => (g.Words(), g.OwnerUnitId)));
        var shown = (await The.Centre.ListsDisclosuresAsync(subject.NationalId)).Where(e => e.Step == Wire.DisclosureStep.ServiceGoal).ToList();
        Assert.All(shown, e => Assert.Equal(e.ToUnitId != The.WanhuaCentre.UnitId, e.Open));
        Assert.Equal(shown.Count, shown.Select(e => (e.StepId, e.ToUnitId)).Distinct().Count());
    }

    [Fact]
    public async Task Sixty_four_that_work_on_one_plan_lose_nothing()
    {
        var id = await The.SharedCaseAsync(The.Centre, null, The.Labor);
        var goal = await The.Centre.SetsGoalAsync(The.Centre.Goal(id, The.Labor, "媒合就業"));
        var changed = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 64), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            if (i % 4 == 0)
            {
                var refused = await Refused.IfAsync(() => The.Centre.ChangesGoalAsync(The.Centre.GoalChange(id, goal, date: $"2099-03-{1 + (i / 4):00}", etag: goal.Etag)));
                if (refused is null) Interlocked.Increment(ref changed);
                else Assert.Equal(Wire.ErrorReason.ConcurrentChange, refused.Reason);
            }
            else if (i % 4 == 1)
            {
                await The.Centre.SetsGoalAsync(The.Centre.Goal(id, The.Centre, $"目標 {i}"));
            }
            else
            {
                await The.Labor.ReportsProgressAsync(id, goal, $"進度 {i}");
            }
        });
        Assert.Equal(1, changed);
        var all = await The.Centre.ListsGoalsAsync(id, 10);
        Assert.Equal((17, 32), (all.Count, all[0].Content.Progress.Count));
    }

    /// <summary>Cause and goal of the notices about goals in a unit's inbox.</summary>
    private List<(string, string)> Notices(Party unit, string caseId) => Exchange.Query(
        "SELECT unit_id, resource FROM notice WHERE unit_id = $0 AND case_id = $1 AND kind = $2", r => (r.GetString(0), r.GetString(1)["goal/".Length..]), unit.UnitId,
        Guid.Parse(caseId).ToByteArray(bigEndian: true), (int)Wire.NoticeKind.GoalAssigned);

    private void AssertSealed(params string[] texts)
    {
        foreach (var file in (string[])[Exchange.DatabasePath, Exchange.DatabasePath + "-wal"])
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            foreach (var text in texts) Assert.Equal(-1, bytes.GetBuffer().AsSpan(0, (int)bytes.Length).IndexOf(Encoding.UTF8.GetBytes(text)));
        }
    }
}
