using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Cases;

[Trait("Rule", "R-CASE-3")]
public sealed class NoteVersionTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass WorkersRecord = Wire.ConfidentialityClass.CaseNote;

    [Fact]
    public async Task A_note_is_amended_by_a_new_version_and_what_it_said_before_stays_with_its_author()
    {
        var opened = await CaseWithLaborAsync();
        var note = await The.Centre.WritesAsync(The.Centre.Note(opened, WorkersRecord, "家訪一次", Share(The.Labor)));
        Assert.Equal((1, null), (note.Version, note.AmendedAt));
        var colleague = The.Centre.Colleague("S0077");
        var second = await colleague.AmendsAsync(colleague.Amendment(opened, note, "家訪兩次"));
        var third = await The.Centre.AmendsAsync(The.Centre.Amendment(opened, second, "家訪三次"));
        Assert.Equal((3, "家訪三次", note.NoteId, The.Centre.PersonId, note.WrittenAt), (third.Version, third.Text, third.NoteId, third.AuthorPersonId, third.WrittenAt));
        Assert.Equal(note.Shares, third.Shares);

        var seen = Assert.Single((await The.Labor.ReadsNotesAsync(opened)).Notes);
        Assert.Equal((3, "家訪三次", third.AmendedAt), (seen.Version, seen.Text, seen.AmendedAt));
        var versions = (await The.Centre.ReadsVersionsAsync(opened, note.NoteId)).Versions;
        Assert.Equal([(3, "家訪三次", The.Centre.PersonId), (2, "家訪兩次", "S0077"), (1, "家訪一次", The.Centre.PersonId)], versions.Select(v => (v.Version, v.Text, v.AuthorPersonId)));
        Assert.Equal(["補充訪視所得資料", "補充訪視所得資料", ""], versions.Select(v => v.Reason));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Labor.ReadsVersionsAsync(opened, note.NoteId));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Labor.AmendsAsync(The.Labor.Amendment(opened, seen, "不是我寫的")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(100)]
    public async Task Versions_come_in_pages_of_any_size_each_once(int size)
    {
        var opened = await CaseWithLaborAsync();
        var note = await The.Centre.WritesAsync(The.Centre.Note(opened, WorkersRecord, "第 1 版"));
        for (var version = 2; version <= 4; version++) note = await The.Centre.AmendsAsync(The.Centre.Amendment(opened, note, $"第 {version} 版"));
        var (texts, token) = (new List<string>(), "");
        do
        {
            var page = await The.Centre.ReadsVersionsAsync(opened, note.NoteId, size, token);
            Assert.InRange(page.Versions.Count, 1, size);
            texts.AddRange(page.Versions.Select(version => version.Text));
            token = page.NextPageToken;
        }
        while (token.Length > 0);

        Assert.Equal(["第 4 版", "第 3 版", "第 2 版", "第 1 版"], texts);
    }

    [Fact]
    public async Task Of_many_who_amend_one_version_one_wins_and_the_others_learn_the_version_that_is_there()
    {
        var opened = await CaseWithLaborAsync();
        var note = await The.Centre.WritesAsync(The.Centre.Note(opened, WorkersRecord, "共同撰寫"));
        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(async i =>
        {
            var colleague = The.Centre.Colleague($"S{2000 + i}");
            return await Refused.IfAsync(() => colleague.AmendsAsync(colleague.Amendment(opened, note, $"第 {i} 位")));
        }));
        Assert.Single(results, refused => refused is null);
        Assert.All(results.OfType<Refused>(), refused => Assert.Equal(Wire.ErrorReason.ConcurrentChange, refused.Reason));
        var late = await AssertRefusedAloneAsync(Wire.ErrorReason.ConcurrentChange, () => The.Centre.AmendsAsync(The.Centre.Amendment(opened, note, "太遲")));
        Assert.Equal("2", late.Refusal.Metadata["version"]);
        Assert.Equal([2, 1], (await The.Centre.ReadsVersionsAsync(opened, note.NoteId)).Versions.Select(v => v.Version));
    }

    [Fact]
    public async Task Whatever_is_under_way_while_its_unit_leaves_nothing_is_amended_behind_that()
    {
        var opened = await CaseWithLaborAsync();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 8).Select(n => Task.Run(async () =>
        {
            var writer = The.Labor.Colleague($"L3{n:00}");
            var note = await writer.WritesAsync(writer.Note(opened, WorkersRecord, "原文"));
            while (!stop.IsCancellationRequested)
                await Refused.IfAsync(async () => note = await writer.AmendsAsync(writer.Amendment(opened, note, "再修正")));
        })).ToList();
        await Eventually.TrueAsync(() => Amended(0).Count(one => one == Wire.AuditOutcome.Permitted) > 50, "amendments under way");

        var left = await The.Labor.AnswerAsync(to => to.CaseLife.LeaveCaseAsync(The.Labor.Leaving(opened)));

        await Eventually.TrueAsync(() => Amended(left.Receipt.Position + 1).Count > 50, "amendments behind the leaving");
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        Assert.DoesNotContain(Wire.AuditOutcome.Permitted, Amended(left.Receipt.Position + 1));

        List<Wire.AuditOutcome> Amended(long from) =>
            [.. Exchange.RecordsFrom(from).Where(r => r.Method.EndsWith("/AmendNote", StringComparison.Ordinal) && r.ActorPersonId.StartsWith("L3", StringComparison.Ordinal)).Select(r => r.Outcome)];
    }

    [Fact]
    public async Task An_amendment_happens_once_per_request_id_and_keeps_the_class_of_the_note()
    {
        var opened = await CaseWithLaborAsync();
        var note = await The.Centre.WritesAsync(The.Centre.Note(opened, WorkersRecord, "原文"));
        var request = The.Centre.Amendment(opened, note, "修正後");
        Assert.Equal(await The.Centre.AmendsAsync(request), await The.Centre.AmendsAsync(request));
        Assert.Equal(2, (await The.Centre.ReadsVersionsAsync(opened, note.NoteId)).Versions.Count);
        var other = The.Centre.Amendment(opened, note, "另一類別");
        (other.ConfidentialityClass, other.BaseVersion) = (EmploymentRecord, 2);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.AmendsAsync(other));
        Assert.Equal("confidentiality_class", refused.Refusal.Faults[0].Field);
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task Whoever_holds_a_note_hears_of_its_new_version_and_a_correction_is_acknowledged_by_everyone_who_ever_held_it()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var opened = await CaseWithLaborAsync(the);
        var note = await the.Centre.WritesAsync(the.Centre.Note(opened, WorkersRecord, "案主無業", Share(the.Labor)));
        await the.Labor.EmptiesInboxAsync();
        note = await the.Centre.AmendsAsync(the.Centre.Amendment(opened, note, "案主無業，正在求職"));
        Assert.Equal([(Wire.NoticeKind.NoteAmended, opened)], (await the.Labor.EmptiesInboxAsync()).Select(notice => (notice.Kind, notice.CaseId)));

        await the.Centre.AmendsAsync(the.Centre.Amendment(opened, note, "案主有固定工作", corrects: true));
        var told = await the.Labor.EmptiesInboxAsync();
        Assert.Equal([Wire.NoticeKind.NoteAmended, Wire.NoticeKind.DataCorrected], told.Select(notice => notice.Kind));
        var id = told[1].CorrectionId;
        var text = Assert.Single((await the.Labor.AskAsync(to => to.Disclosures.GetCorrectionAsync(
            new() { Context = the.Labor.Context(Wire.Purpose.CaseCoordination, Wire.LegalBasis.SubjectWaiver, inCase: opened), CorrectionId = id }))).Texts);
        Assert.Equal(("案主無業，正在求職", "案主有固定工作"), (text.Wrong, text.Right));
        await the.Labor.AskAsync(to => to.Disclosures.AcknowledgeCorrectionAsync(new() { Context = the.Labor.Context(inCase: opened), RequestId = Some.RequestId(), CorrectionId = id }));
        Assert.NotNull(Assert.Single(await ReceiversAsync()).AcknowledgedAt);

        // A share that has ended leaves a copy behind: that unit hears of what was wrong too, and of nothing else.
        await the.Centre.AskAsync(to => to.Disclosures.NarrowDisclosureAsync(new()
        {
            Context = the.Centre.Context(inCase: opened), RequestId = Some.RequestId(), Step = Wire.DisclosureStep.NoteShare, StepId = note.NoteId, ToUnitId = the.Labor.UnitId,
        }));
        await the.Labor.EmptiesInboxAsync();
        (note.Version, id) = (3, "");
        await the.Centre.AmendsAsync(the.Centre.Amendment(opened, note, "案主已離職", corrects: true));
        told = await the.Labor.EmptiesInboxAsync();
        Assert.Equal([Wire.NoticeKind.DataCorrected], told.Select(notice => notice.Kind));
        id = told[0].CorrectionId;
        Assert.Null(Assert.Single(await ReceiversAsync()).AcknowledgedAt);

        async Task<IEnumerable<Wire.CorrectionReceiver>> ReceiversAsync() =>
            (await the.Centre.AskAsync(to => to.Disclosures.ListCorrectionsAsync(new() { Context = the.Centre.Context(inCase: opened), Sent = true })))
            .Corrections.Single(one => one.CorrectionId == id).Receivers;
    }

    internal static Wire.NoteShare Share(Party with) => new() { UnitId = with.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver };

    private Task<string> CaseWithLaborAsync() => CaseWithLaborAsync(The);

    private static async Task<string> CaseWithLaborAsync(The the)
    {
        var referral = await the.Centre.TakesInAsync(the.School, Some.Stranger());
        var opened = await the.Centre.OpensCaseAsync(referral.ReferralId);
        await the.Centre.AsksInAsync(opened.CaseId, the.Labor, Wire.Article6Service.EmploymentGuidance);
        await the.Labor.JoinsAsync(opened.CaseId);
        return opened.CaseId;
    }
}
