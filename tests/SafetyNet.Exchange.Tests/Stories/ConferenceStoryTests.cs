using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Conferences;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Visits;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using Level = SafetyNet.Exchange.V1.ConferenceLevel;

namespace SafetyNet.Exchange.Tests.Stories;

/// <summary>
/// Seven items over three meetings on one case, one of them handed to the district and done there, until the case leaves the list: what each of five agencies sees of it, and when.
/// </summary>
[Trait("Rule", "R-CON-2")]
[Trait("Rule", "R-CON-3")]
[Trait("Rule", "R-CON-4")]
[Trait("Rule", "R-CON-5")]
[Trait("Rule", "R-CON-6")]
[Trait("Rule", "R-NTK-8")]
[Trait("Rule", "R-NTK-14")]
public sealed class ConferenceStoryTests(TestExchange exchange) : WireTests(exchange)
{
    private const string Job = "媒合就業並追蹤三個月", Patrol = "加強住家周邊巡守", Home = "每月家訪兩次", Clinic = "陪同回診", Mood = "評估自傷風險並調整用藥", Truant = "請假出缺席每週回報", Training = "安排職業訓練", Health = "近三月規律回診，睡眠改善";

    private static readonly DateTimeOffset From = VisitMoves.NoonOf("2026-03-02");

    [Fact]
    public async Task Seven_items_over_three_meetings_one_done_a_level_higher_and_the_case_leaves_the_list()
    {
        await using var own = await TestExchange.StartAsync(span: (From, From.AddMonths(8)));
        var the = new The(own);
        var (centre, health, labor, police, school) = (the.Centre, the.MentalHealthCentre, the.Labor, the.Police, the.School);
        var caseId = await the.SharedCaseAsync(centre, null, health);

        // The first meeting: health, labor and police sit at the table, the school does not.
        var first = await MeetAsync(own, centre, caseId, Level.Case, "2026-03-09", [health, labor, police], [CaseNote, MentalHealth], async met =>
        {
            await health.SubmitsAsync(health.Extract(met, MentalHealth, Health));
            foreach (var by in (Party[])[centre, health, labor, police])
            {
                var read = (await by.ReadsBeforeAsync(met)).PreRead;
                Assert.Equal([(health.UnitId, Health)], read.Extracts.Select(extract => (extract.UnitId, extract.Content.Text)));
                Assert.Equal([labor.UnitId, police.UnitId], read.MissingUnitIds.Order(StringComparer.Ordinal));
            }
        });
        await centre.CountsAsync(first, (health, Wire.Attendance.Present), (labor, Wire.Attendance.Present), (police, Wire.Attendance.Excused));
        var general = await centre.ResolvesAsync(first, labor.Owes(Job, "2026-03-23"), police.Owes(Patrol, "2026-04-10"), centre.Owes(Home, "2026-03-31"), health.Owes(Clinic, "2026-04-10"));
        var ids = general.ToDictionary(item => item.Deed.Text, item => item.ItemId, StringComparer.Ordinal);
        ids[Mood] = (await centre.ResolvesAsync(centre.Resolution(first, MentalHealth, health.Owes(Mood, "2026-03-31")))).Items[0].ItemId;
        foreach (var by in (Party[])[centre, health, labor, police]) Assert.Equal(ids.Keys.Order(StringComparer.Ordinal), await DeedsAsync(by, ids));
        Assert.Empty(await DeedsAsync(school, ids));

        own.Clock.PinAt(VisitMoves.NoonOf("2026-03-20"));
        foreach (var (owner, deed) in ((Party, string)[])[(labor, Job), (centre, Home), (health, Mood), (health, Clinic)]) await owner.FinishesAsync(ids[deed]);
        foreach (var deed in (string[])[Job, Home, Mood]) await centre.ConfirmsAsync(ids[deed]);
        await centre.GivesBackAsync(ids[Clinic], "2026-05-01");
        await police.AdvancesAsync(ids[Patrol], "已納入巡邏箱");

        // The second: what is open is on its agenda by itself, the overdue item marked; the police is not invited and still reads what it owes.
        own.Clock.PinAt(VisitMoves.NoonOf("2026-03-30"));
        var second = await MeetAsync(own, centre, caseId, Level.Case, "2026-04-13", [health, labor, school], [CaseNote], _ => Task.CompletedTask);
        Assert.Equal([(Patrol, true, police.UnitId), (Clinic, false, health.UnitId)], (await school.ReadsBeforeAsync(second)).PreRead.Items.Select(item => (item.Deed.Text, item.Overdue, item.OwnerUnitId)));
        foreach (var item in await centre.ResolvesAsync(second, school.Owes(Truant, "2026-05-15"), labor.Owes(Training, "2026-05-15"))) ids[item.Deed.Text] = item.ItemId;
        Assert.Equal(7, ids.Count);
        Assert.Equal(ids.Keys.Order(StringComparer.Ordinal), await DeedsAsync(centre, ids));
        foreach (var by in (Party[])[health, labor, school]) Assert.Equal(((string[])[Patrol, Clinic, Truant, Training]).Order(StringComparer.Ordinal), await DeedsAsync(by, ids));
        Assert.Equal([Patrol], await DeedsAsync(police, ids));
        foreach (var (owner, deed) in ((Party, string)[])[(police, Patrol), (health, Clinic), (school, Truant), (labor, Training)])
            Assert.Equal([(deed, owner.UnitId, centre.UnitId, second, true)], (await owner.ListsOwnItemsAsync()).Select(item => (item.Deed.Text, item.OwnerUnitId, item.ChairUnitId, item.ConferenceId, item.Own)));
        Assert.Equal([Patrol], (await centre.ListsOpenItemsAsync(overdue: true)).Select(item => item.Deed.Text));
        Assert.Equal("4", (await Refused.ByAsync(() => centre.TakesOffListAsync(second))).Refusal.Metadata["items"]);
        await centre.EscalatesAsync(ids[Patrol]);
        foreach (var (owner, deed) in ((Party, string)[])[(health, Clinic), (school, Truant), (labor, Training)])
        {
            await owner.FinishesAsync(ids[deed]);
            await centre.ConfirmsAsync(ids[deed]);
            Assert.Empty(await owner.ListsOwnItemsAsync());
        }

        // The district: the screening centre convenes, and follows the one item that is left.
        own.Clock.PinAt(VisitMoves.NoonOf("2026-05-18"));
        var third = await MeetAsync(own, the.Intake, caseId, Level.District, "2026-05-25", [centre, health, labor, police, school], [CaseNote], async met =>
        {
            Assert.Equal([(Patrol, Level.District, the.Intake.UnitId, 2)], (await police.ReadsBeforeAsync(met)).PreRead.Items.Select(item => (item.Deed.Text, item.Level, item.ChairUnitId, item.TimesCarriedOver)));
            Assert.Equal([Patrol], (await the.Intake.ListsOpenItemsAsync()).Select(item => item.Deed.Text));
            Assert.Empty(await centre.ListsOpenItemsAsync());
        });
        await police.FinishesAsync(ids[Patrol]);
        var done = await the.Intake.ConfirmsAsync(ids[Patrol]);
        Assert.Equal(
            [
                (Wire.ItemAction.Assign, first, Level.Case), (Wire.ItemAction.ReportProgress, first, Level.Case), (Wire.ItemAction.CarryOver, second, Level.Case), (Wire.ItemAction.Escalate, second, Level.District),
                (Wire.ItemAction.CarryOver, third, Level.District), (Wire.ItemAction.ReportDone, third, Level.District), (Wire.ItemAction.ConfirmDone, third, Level.District),
            ], done.Moves.Select(move => (move.Action, move.ConferenceId, move.Level)));
        await the.Intake.CountsAsync(third, (centre, Wire.Attendance.Present), (health, Wire.Attendance.Present), (labor, Wire.Attendance.Present), (police, Wire.Attendance.Present), (school, Wire.Attendance.Excused));
        foreach (var unit in (Party[])[centre, health, police]) await unit.SaysAsync(third);
        await labor.SaysAsync(third, Wire.ListConsent.Objects);
        Assert.Equal(labor.UnitId, (await Refused.ByAsync(() => the.Intake.TakesOffListAsync(third))).Refusal.Metadata["unit_ids"]);
        await health.LeavesAsync(caseId);
        Assert.Equal(Wire.ErrorReason.CaseOnList, (await Refused.ByAsync(() => centre.ClosesCaseAsync(caseId))).Reason);
        await labor.SaysAsync(third);
        Assert.False((await the.Intake.TakesOffListAsync(third)).Listed);

        // Off the list: those of the last meeting see the last item until its invitation is over; of the others the primary unit sees that they were.
        foreach (var by in (Party[])[health, labor, police, school]) Assert.Equal([Patrol], await DeedsAsync(by, ids));
        foreach (var id in ids.Values)
        {
            var item = (await centre.SeesItemAsync(id)).Item;
            Assert.Equal((Wire.ItemState.Removed, id == ids[Patrol]), (item.State, item.Deed is not null));
        }

        own.Clock.PinAt(VisitMoves.NoonOf("2026-06-25"));
        foreach (var by in (Party[])[health, labor, police, school]) Assert.Empty(await DeedsAsync(by, ids));
        Assert.Equal(Wire.CaseState.Closed, (await centre.ClosesCaseAsync(caseId)).State);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => centre.SeesItemAsync(ids[Patrol]))).Reason);
    }

    /// <summary>A conference is convened, read for, and meets.</summary>
    private static async Task<string> MeetAsync(TestExchange own, Party chair, string caseId, Level level, string day, Party[] invited, Wire.ConfidentialityClass[] agenda, Func<string, Task> before)
    {
        var request = chair.Conference(caseId, VisitMoves.NoonOf(day), invited, agenda);
        request.Level = level;
        var met = (await chair.ConvenesAsync(request)).ConferenceId;
        await before(met);
        own.Clock.PinAt(VisitMoves.NoonOf(day));
        return met;
    }

    /// <summary>Of these items the deeds that a party reads, in ordinal order; one that it may not know of is as one that does not exist.</summary>
    private static async Task<IReadOnlyList<string>> DeedsAsync(Party by, Dictionary<string, string> items)
    {
        var found = new List<string>();
        foreach (var (deed, id) in items)
        {
            Wire.TrackedItem? seen = null;
            if (await Refused.IfAsync(async () => seen = (await by.SeesItemAsync(id)).Item) is { } refused) Assert.Equal(Wire.ErrorReason.NotFound, refused.Reason);
            if (seen?.Deed is not { } text) continue;
            Assert.Equal(deed, text.Text);
            found.Add(deed);
        }

        return [.. found.Order(StringComparer.Ordinal)];
    }
}
