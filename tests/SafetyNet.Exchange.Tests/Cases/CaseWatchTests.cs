using System.Collections.Concurrent;
using Grpc.Core;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.CaseChangeKind;

namespace SafetyNet.Exchange.Tests.Cases;

[Trait("Rule", "R-NTK-17")]
[Trait("Rule", "R-NOT-2")]
public sealed class CaseWatchTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass WorkersRecord = Wire.ConfidentialityClass.CaseNote;

    [Fact]
    public async Task A_unit_hears_at_once_what_changes_in_its_cases_as_far_as_it_may_know_and_nothing_of_others()
    {
        using var ends = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        using var primary = the.Centre.Channel.CaseWatch.WatchCases(new() { Context = the.Centre.Context() }, cancellationToken: ends.Token);
        Assert.Null((await primary.NextAsync(ends.Token)).Change);
        using var outside = the.Police.Channel.CaseWatch.WatchCases(new() { Context = the.Police.Context() }, cancellationToken: ends.Token);
        Assert.Null((await outside.NextAsync(ends.Token)).Change);

        var opened = (await the.Centre.OpensCaseAsync((await the.Centre.TakesInAsync(the.School, Some.Stranger())).ReferralId)).CaseId;
        await the.Centre.AsksInAsync(opened, the.Labor, Wire.Article6Service.EmploymentGuidance);
        await the.Labor.JoinsAsync(opened);
        using var serving = the.Labor.Channel.CaseWatch.WatchCases(new() { Context = the.Labor.Context() }, cancellationToken: ends.Token);
        Assert.Null((await serving.NextAsync(ends.Token)).Change);
        await the.Centre.WritesAsync(the.Centre.Note(opened, WorkersRecord, "不分享"));
        var shared = await the.Centre.WritesAsync(the.Centre.Note(opened, WorkersRecord, "分享", NoteVersionTests.Share(the.Labor)));
        await the.Centre.AmendsAsync(the.Centre.Amendment(opened, shared, "分享，修正"));
        await the.Centre.AsksInAsync(opened, the.MentalHealthCentre, Wire.Article6Service.MentalHealth);

        // Labor does not see who takes part (R-NTK-5): it hears that the case changed, and of its own part.
        var toPrimary = await TakeAsync(primary, 13);
        Assert.Equal(
        [
            (Case, ""), (Participant, the.Centre.UnitId), (Case, ""), (Participant, the.Labor.UnitId), (Case, ""), (Participant, the.Labor.UnitId),
            (Note, the.Centre.UnitId), (Note, the.Centre.UnitId), (Note, the.Centre.UnitId), (Case, ""), (Participant, the.MentalHealthCentre.UnitId),
        ], InOrder(toPrimary));
        var toServing = await TakeAsync(serving, 3);
        Assert.Equal([(Note, the.Labor.UnitId, shared.NoteId), (Note, the.Labor.UnitId, shared.NoteId), (Case, "", "")], toServing.Select(change => (change.Kind, change.UnitId, change.NoteId)));
        Assert.All(toPrimary.Concat(toServing), change => Assert.Equal(opened, change.CaseId));
        Assert.Empty(await the.Police.WatchesCasesAsync(CaseWatching.FromTheBeginning, TimeSpan.FromMilliseconds(500)));

        async Task<List<Wire.CaseChange>> TakeAsync(AsyncServerStreamingCall<Wire.WatchCasesResponse> from, int count)
        {
            var taken = new List<Wire.CaseChange>();
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(ends.Token);
            while (taken.Count < count)
            {
                silence.CancelAfter(TimeSpan.FromSeconds(2));
                try
                {
                    if ((await from.NextAsync(silence.Token)).Change is { } change) taken.Add(change);
                }
                catch (Exception error) when (error is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
                {
                    return taken;
                }
            }

            return taken;
        }
    }

    [Fact]
    public async Task A_reader_that_is_cut_off_again_and_again_misses_nothing_and_hears_in_order_while_many_write()
    {
        using var ends = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var opened = (await the.Centre.OpensCaseAsync((await the.Centre.TakesInAsync(the.School, Some.Stranger())).ReferralId)).CaseId;
        const int Writers = 8, Notes = 30;
        var written = new ConcurrentBag<string>();
        using var first = the.Centre.Channel.CaseWatch.WatchCases(new() { Context = the.Centre.Context() }, cancellationToken: ends.Token);
        var cursor = (await first.NextAsync(ends.Token)).Cursor;
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            var worker = the.Centre.Colleague($"S{3000 + writer}");
            for (var i = 0; i < Notes; i++) written.Add((await worker.WritesAsync(worker.Note(opened, WorkersRecord, $"{writer}/{i}"))).NoteId);
        }));
        var (heard, seen, cuts, random) = (new List<string>(), new HashSet<string>(StringComparer.Ordinal), 0, new Random(5));
        while (seen.Count < Writers * Notes)
        {
            using var watching = the.Centre.Channel.CaseWatch.WatchCases(new() { Context = the.Centre.Context(), AfterCursor = cursor }, cancellationToken: ends.Token);
            for (var left = random.Next(1, 40); left > 0 && seen.Count < Writers * Notes; left--)
            {
                var (change, next) = await watching.NextAsync(ends.Token);
                // Some are handled, and the reader dies before it has kept the cursor.
                if (change is not null && seen.Add(change.NoteId)) heard.Add(change.NoteId);
                if (random.Next(10) > 0) cursor = next;
                else break;
            }

            cuts++;
        }

        await writing;
        var order = own.Query("SELECT resource_id FROM case_event WHERE kind = 3 ORDER BY sequence", r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString());
        Assert.Equal(written.Order(StringComparer.Ordinal), heard.Order(StringComparer.Ordinal));
        Assert.Equal(order, heard);
        Assert.InRange(cuts, 5, 1000);
    }

    [Fact]
    [Trait("Abuse", "B46")]
    public async Task A_unit_whose_part_has_ended_hears_nothing_more_with_an_old_cursor_either()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var opened = (await the.Centre.OpensCaseAsync((await the.Centre.TakesInAsync(the.School, Some.Stranger())).ReferralId)).CaseId;
        await the.Centre.AsksInAsync(opened, the.Labor, Wire.Article6Service.EmploymentGuidance);
        Assert.Empty(await the.Labor.WatchesCasesAsync(CaseWatching.FromTheBeginning, TimeSpan.FromMilliseconds(500)));
        await the.Labor.JoinsAsync(opened);
        Assert.Equal([Case, Participant], (await the.Labor.WatchesCasesAsync(CaseWatching.FromTheBeginning, TimeSpan.FromMilliseconds(500))).Select(change => change.Kind).Order());
        own.Query("UPDATE case_participant SET role = 4 WHERE unit_id = $0", _ => 0, the.Labor.UnitId);
        await the.Centre.AsksInAsync(opened, the.MentalHealthCentre, Wire.Article6Service.MentalHealth);
        Assert.Empty(await the.Labor.WatchesCasesAsync(CaseWatching.FromTheBeginning, TimeSpan.FromMilliseconds(500)));
    }

    [Fact]
    public async Task A_cursor_that_was_not_given_out_is_refused()
    {
        using var watching = The.Centre.Channel.CaseWatch.WatchCases(new() { Context = The.Centre.Context(), AfterCursor = "x" });
        var refused = await Refused.ByAsync(() => watching.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal((Wire.ErrorReason.InvalidField, "after_cursor"), (refused.Reason, refused.Refusal.Faults[0].Field));
    }

    /// <summary>Those of one commit have no order among each other; here the case comes first.</summary>
    private static IEnumerable<(Wire.CaseChangeKind, string)> InOrder(IEnumerable<Wire.CaseChange> changes) =>
        changes.OrderBy(change => change.ChangedAt.ToDateTimeOffset()).ThenBy(change => change.Kind).Select(change => (change.Kind, change.UnitId));
}
