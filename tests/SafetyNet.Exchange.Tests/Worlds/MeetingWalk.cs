using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Conferences;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>What is read of meetings and tracked items is what stands there, in pages of any size.</summary>
internal static class MeetingWalk
{
    public static async Task GetPreReadAsync(TestExchange exchange, The the)
    {
        var chair = the.WanhuaCentre;
        var listed = await the.ListedAsync(exchange, chair, the.Labor, the.Centre);
        var next = await chair.BringsAsync(exchange, listed.CaseId, Wire.ConferenceLevel.Case, [the.Labor, the.Centre]);
        await the.Labor.SubmitsAsync(the.Labor.Extract(next, CaseNote, "求職輔導摘要"));
        var kept = Query(exchange, "SELECT item_id FROM tracked_item WHERE conference_id = $0 ORDER BY due_on, item_id", next);
        foreach (var by in (Party[])[chair, the.Centre])
        {
            var read = (await by.ReadsBeforeAsync(next)).PreRead;
            Assert.Equal(kept, read.Items.Select(item => item.ItemId));
            Assert.Equal([(the.Labor.UnitId, "求職輔導摘要")], read.Extracts.Select(extract => (extract.UnitId, extract.Content.Text)));
            Assert.Equal([the.Centre.UnitId], read.MissingUnitIds);
        }
    }

    public static async Task GetMinutesAsync(TestExchange exchange, The the)
    {
        var chair = the.WanhuaCentre;
        var listed = await the.ListedAsync(exchange, chair, the.Labor);
        await chair.ResolvesAsync(listed.ConferenceId, the.Labor.Owes("再行媒合"), chair.Owes("每月家訪"));
        await chair.CountsAsync(listed.ConferenceId, (the.Labor, Wire.Attendance.Excused));
        var kept = Query(exchange, "SELECT resolution_id FROM conference_resolution WHERE conference_id = $0 ORDER BY resolution_id", listed.ConferenceId);
        var read = await the.Labor.ReadsMinutesAsync(listed.ConferenceId);
        Assert.Equal(kept, read.Resolutions.Select(resolution => resolution.ResolutionId));
        Assert.Equal([1, 2], read.Resolutions.Select(resolution => resolution.Items.Count).Order());
        Assert.Equal([(the.Labor.UnitId, Wire.Attendance.Excused), (chair.UnitId, Wire.Attendance.Present)], read.Units.Select(unit => (unit.UnitId, unit.Attendance)));
    }

    public static async Task GetItemAsync(TestExchange exchange, The the)
    {
        var listed = await the.ListedAsync(exchange, the.WanhuaCentre, the.Labor);
        for (var i = 0; i < 3; i++) await the.Labor.AdvancesAsync(listed.Items[0].ItemId, $"進度 {i}");
        var kept = exchange.Query("SELECT action, number FROM item_move WHERE item_id = $0 ORDER BY number", r => ((Wire.ItemAction)r.GetInt32(0), r.GetInt32(1)),
            Guid.Parse(listed.Items[0].ItemId).ToByteArray(bigEndian: true));
        Assert.Equal([1, 2, 3, 4], kept.Select(move => move.Item2));
        var seen = (await the.WanhuaCentre.SeesItemAsync(listed.Items[0].ItemId)).Item;
        Assert.Equal(kept.Select(move => move.Item1), seen.Moves.Select(move => move.Action));
        Assert.Equal(["進度 0", "進度 1", "進度 2"], seen.Moves.Skip(1).Select(move => move.Text.Text));
    }

    public static async Task ListOpenItemsAsync(TestExchange exchange, The the)
    {
        await the.ListedAsync(exchange, the.WanhuaCentre, the.Labor, the.Labor, the.Centre);
        var kept = exchange.Query("""
            SELECT i.item_id FROM tracked_item AS i JOIN case_file AS c ON c.case_id = i.case_id AND c.state = 1 WHERE i.chair_unit_id = $0 AND i.state IN (1, 2, 4) ORDER BY i.due_on, i.item_id
            """, r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), the.WanhuaCentre.UnitId);
        foreach (var size in (int[])[0, 1, 2]) Assert.Equal(kept, (await the.WanhuaCentre.ListsOpenItemsAsync(size: size)).Select(item => item.ItemId));
    }

    public static async Task ListOwnItemsAsync(TestExchange exchange, The the)
    {
        await the.ListedAsync(exchange, the.WanhuaCentre, the.Labor, the.Labor, the.Centre);
        var kept = exchange.Query("""
            SELECT i.item_id FROM tracked_item AS i JOIN case_file AS c ON c.case_id = i.case_id AND c.state = 1 WHERE i.owner_unit_id = $0 AND i.state IN (1, 2, 4) ORDER BY i.due_on, i.item_id
            """, r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), the.Labor.UnitId);
        foreach (var size in (int[])[0, 1, 2]) Assert.Equal(kept, (await the.Labor.ListsOwnItemsAsync(size: size)).Select(item => item.ItemId));
    }

    private static List<string> Query(TestExchange exchange, string sql, string id) =>
        exchange.Query(sql, r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), Guid.Parse(id).ToByteArray(bigEndian: true));
}
