using System.Collections.Concurrent;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Visits;

namespace SafetyNet.Exchange.Tests.Cases;

/// <summary>Sixty-four workers of four units on one case at once: plan, notes, visits and the primary role itself.</summary>
[Trait("Rule", "R-CASE-1")]
[Trait("Rule", "R-CASE-2")]
[Trait("Rule", "R-CASE-3")]
[Trait("Rule", "R-CASE-5")]
[Trait("Rule", "R-CASE-7")]
public sealed class ManyWorkersTests(TestExchange exchange) : WireTests(exchange)
{
    private const int Workers = 64, DeedsEach = 12;
    private const Wire.ConfidentialityClass WorkersRecord = Wire.ConfidentialityClass.CaseNote;

    private readonly ConcurrentDictionary<string, int> _goals = new(StringComparer.Ordinal), _notes = new(StringComparer.Ordinal), _refusals = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _progress = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<string> _visits = [];
    private int _passed;

    [Fact]
    public async Task No_change_is_lost_there_is_one_primary_at_every_instant_and_whoever_read_too_early_is_told_what_is_there_now()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var of = await the.VisitedAsync(the.Labor);
        await the.Centre.BringsInAsync(of.CaseId, the.WanhuaCentre);
        var units = (Party[])[the.Centre, the.WanhuaCentre, the.MentalHealthCentre, the.Labor];
        for (var i = 0; i < 4; i++) _goals[(await the.Centre.SetsGoalAsync(the.Centre.Goal(of.CaseId, units[i], $"目標 {i}"))).GoalId] = 0;
        for (var i = 0; i < 2; i++) _notes[(await the.Labor.WritesAsync(the.Labor.Note(of.CaseId, WorkersRecord, $"共同紀錄 {i}"))).NoteId] = 1;
        var (goalOwners, sharedNotes) = (_goals.Keys.ToList(), _notes.Keys.ToList());

        using var stop = new CancellationTokenSource();
        var watching = Task.Run(() => WatchPrimaries(own, of.CaseId, stop.Token));
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => WorkAsync(units, worker, of, goalOwners, sharedNotes)));
        await stop.CancelAsync();
        Assert.True(await watching > 20, "the primaries were looked at too rarely");

        await AssertAllThereAsync(own, the, of, units);
        Assert.Subset(new HashSet<string>(["ConcurrentChange", "MoveNotAllowed", "NotYourMove"], StringComparer.Ordinal), _refusals.Keys.ToHashSet(StringComparer.Ordinal));
        Assert.True(_refusals.ContainsKey("ConcurrentChange") && _passed > 0, $"{string.Join(", ", _refusals)}; passed {_passed}");
    }

    private async Task WorkAsync(Party[] units, int worker, VisitedCase of, List<string> goals, List<string> sharedNotes)
    {
        var (random, by) = (new Random(worker), units[worker % units.Length].Colleague($"S{4000 + worker}"));
        for (var deed = 0; deed < DeedsEach; deed++)
        {
            var refused = await Refused.IfAsync(() => random.Next(6) switch
            {
                0 => SetGoalDateAsync(by, of.CaseId, goals[random.Next(goals.Count)], random),
                1 => ReportAsync(by, of.CaseId, $"{worker}/{deed}"),
                2 => WriteAsync(by, of.CaseId, $"{worker}/{deed}"),
                3 => AmendAsync(units[3].Colleague(by.PersonId), of.CaseId, sharedNotes[random.Next(sharedNotes.Count)], $"{worker}/{deed}"),
                4 => PlanAsync(units[2].Colleague(by.PersonId), of),
                _ => PassAsync(units[random.Next(2)], units[0], units[1], of.CaseId),
            });
            if (refused is null) continue;
            _refusals.AddOrUpdate(refused.Reason.ToString(), 1, (_, count) => count + 1);
            if (refused.Reason == Wire.ErrorReason.ConcurrentChange) Assert.Equal(Grpc.Core.StatusCode.Aborted, refused.Exception.StatusCode);
        }
    }

    /// <summary>With the version that was read: of those who read the same, one wins.</summary>
    private async Task SetGoalDateAsync(Party by, string caseId, string goalId, Random random)
    {
        var goal = (await by.ListsGoalsAsync(caseId)).Single(one => one.GoalId == goalId);
        if (!goal.Own) return;
        var refused = await Refused.IfAsync(() => by.ChangesGoalAsync(by.GoalChange(caseId, goal, etag: goal.Etag, date: $"2099-{random.Next(1, 13):00}-01")));
        if (refused is null) _goals.AddOrUpdate(goalId, 1, (_, count) => count + 1);
        else if (refused.Reason == Wire.ErrorReason.ConcurrentChange && refused.Refusal.Metadata.TryGetValue("etag", out var now)) Assert.NotEqual(goal.Etag, now);
        if (refused is not null) throw refused.Exception;
    }

    private async Task ReportAsync(Party by, string caseId, string text)
    {
        if ((await by.ListsGoalsAsync(caseId)).FirstOrDefault(one => one.Own) is not { } goal) return;
        await by.ReportsProgressAsync(caseId, goal, text);
        Assert.True(_progress.TryAdd(text, goal.GoalId));
    }

    private async Task WriteAsync(Party by, string caseId, string text) => Assert.True(_notes.TryAdd((await by.WritesAsync(by.Note(caseId, WorkersRecord, text))).NoteId, 1));

    private async Task AmendAsync(Party by, string caseId, string noteId, string text)
    {
        var note = (await by.FindsNotesAsync(caseId, "")).Notes.Single(one => one.NoteId == noteId);
        await by.AmendsAsync(by.Amendment(caseId, note, text));
        _notes.AddOrUpdate(noteId, 1, (_, count) => count + 1);
    }

    private async Task PlanAsync(Party by, VisitedCase of) => _visits.Add((await by.PlansAsync(by.Plan(of, $"{Exchange.Clock.GetUtcNow().AddDays(30):yyyy-MM-dd}"))).VisitId);

    /// <summary>Whoever is primary proposes, the other takes over; most of those who try are not, or not any more.</summary>
    private async Task PassAsync(Party by, Party one, Party two, string caseId)
    {
        var other = by == one ? two : one;
        await by.HandsOverAsync(caseId, other);
        await other.TakesOverAsync(caseId);
        Interlocked.Increment(ref _passed);
    }

    private static int WatchPrimaries(TestExchange exchange, string caseId, CancellationToken stop)
    {
        var looks = 0;
        for (; !stop.IsCancellationRequested; looks++)
            Assert.Equal(1L, exchange.Query("SELECT count(*) FROM case_participant WHERE case_id = $0 AND role = 1", r => r.GetInt64(0), Guid.Parse(caseId).ToByteArray(bigEndian: true))[0]);
        return looks;
    }

    private async Task AssertAllThereAsync(TestExchange exchange, The the, VisitedCase of, Party[] units)
    {
        var versions = exchange.Query("SELECT goal_id, version FROM service_goal", r => (Id: new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), Version: r.GetInt32(1)));
        // Each hand-over may pass goals on, so a goal has at least the versions of what was acknowledged.
        Assert.All(versions, goal => Assert.True(goal.Version >= 1 + _goals[goal.Id], $"goal {goal.Id} lost a change: {goal.Version}, {_goals[goal.Id]}"));
        var told = new Dictionary<string, string>(StringComparer.Ordinal);
        var readable = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var unit in units)
        {
            foreach (var goal in (await unit.ListsGoalsAsync(of.CaseId)).Where(goal => goal.Own))
                foreach (var entry in goal.Content.Progress) told[entry.Text] = goal.GoalId;
            for (var token = ""; ;)
            {
                var page = await unit.FindsNotesAsync(of.CaseId, "", request => (request.PageSize, request.PageToken) = (100, token));
                foreach (var note in page.Notes) readable[note.NoteId] = note.Version;
                if ((token = page.NextPageToken).Length == 0) break;
            }
        }

        Assert.Equal(_progress.OrderBy(one => one.Key, StringComparer.Ordinal), told.OrderBy(one => one.Key, StringComparer.Ordinal));
        Assert.Equal(_notes.OrderBy(one => one.Key, StringComparer.Ordinal), readable.OrderBy(one => one.Key, StringComparer.Ordinal));
        var visits = (await the.MentalHealthCentre.AskAsync(to => to.Visits.ListVisitsAsync(new() { Context = the.MentalHealthCentre.Visiting(of.CaseId), CaseId = of.CaseId, PageSize = 200 }))).Visits;
        Assert.Equal(_visits.Order(StringComparer.Ordinal), visits.Select(visit => visit.VisitId).Order(StringComparer.Ordinal));
    }
}
