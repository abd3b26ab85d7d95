using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>What is read of the life of a case and of its plan is what stands there, in pages of any size.</summary>
internal static class CaseWalk
{
    public static async Task GetCaseloadAsync(TestExchange exchange, The the)
    {
        var id = await the.SharedCaseAsync(the.WanhuaCentre);
        await the.WanhuaCentre.AssignsAsync(id, "W0377", role: Wire.CaseloadRole.CareVisitor);
        var told = await the.WanhuaCentre.CountsCasesAsync();
        Assert.Equal(new Wire.WorkerLoad { WorkerPersonId = "W0377", CaseloadRole = Wire.CaseloadRole.CareVisitor, Target = 30, OpenCases = 1 }, told.Workers.Single(w => w.WorkerPersonId == "W0377"));
        var open = exchange.Query("""
            SELECT count(*) FROM case_participant AS p JOIN case_file AS c ON c.case_id = p.case_id AND c.state = 1 WHERE p.unit_id = $0 AND p.role IN (1, 2)
            """, r => r.GetInt64(0), the.WanhuaCentre.UnitId)[0];
        Assert.Equal(open, told.UnassignedCases + told.Workers.Sum(w => w.OpenCases));
    }

    public static async Task ListCaseMovesAsync(TestExchange exchange, The the)
    {
        var id = await the.SharedCaseAsync(the.WanhuaCentre, null, the.Centre);
        await the.WanhuaCentre.HandsOverAsync(id, the.Centre);
        await the.Centre.TakesOverAsync(id);
        await the.WanhuaCentre.LeavesAsync(id);
        var kept = exchange.Query("SELECT action FROM case_move WHERE case_id = $0 ORDER BY move_id", r => (Wire.CaseAction)r.GetInt32(0), Guid.Parse(id).ToByteArray(bigEndian: true));
        // The clock stands: what was done in one instant has no order but that of its ids.
        Assert.Equal(
            [Wire.CaseAction.ProposePrimary, Wire.CaseAction.AcceptPrimary, Wire.CaseAction.Leave, Wire.CaseAction.Open, Wire.CaseAction.Invite, Wire.CaseAction.Join], kept.Order());
        foreach (var size in (int[])[0, 1]) Assert.Equal(kept, (await the.Centre.ListsCaseMovesAsync(id, size)).Select(m => m.Action));
    }

    public static async Task ListGoalsAsync(TestExchange exchange, The the)
    {
        var id = await the.SharedCaseAsync(the.WanhuaCentre, null, the.Centre);
        foreach (var owner in (Party[])[the.WanhuaCentre, the.Centre, the.WanhuaCentre]) await the.WanhuaCentre.SetsGoalAsync(the.WanhuaCentre.Goal(id, owner, $"由 {owner.UnitId} 辦理"));
        var kept = exchange.Query("SELECT owner_unit_id FROM service_goal WHERE case_id = $0 ORDER BY goal_id", r => r.GetString(0), Guid.Parse(id).ToByteArray(bigEndian: true));
        foreach (var size in (int[])[0, 1])
        {
            Assert.Equal(kept.Select(owner => (owner, $"由 {owner} 辦理")), (await the.WanhuaCentre.ListsGoalsAsync(id, size)).Select(g => (g.OwnerUnitId, g.Words())));
            Assert.Equal(kept.Select(owner => owner == the.Centre.UnitId ? $"由 {owner} 辦理" : ""), (await the.Centre.ListsGoalsAsync(id, size)).Select(g => g.Words()));
        }
    }
}
