using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Cases;

[Trait("Rule", "R-CASE-3")]
public sealed class NoteSearchTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass WorkersRecord = Wire.ConfidentialityClass.CaseNote;

    [Theory]
    [InlineData("家訪", "訪視：家訪未遇", "臺北家訪 ＡＢＣ")]
    [InlineData("家訪 未遇", "訪視：家訪未遇")]
    [InlineData("未遇 家訪", "訪視：家訪未遇")]
    [InlineData("台北 abc", "臺北家訪 ＡＢＣ")]
    [InlineData("  臺北  ", "臺北家訪 ＡＢＣ")]
    [InlineData("ABC", "臺北家訪 ＡＢＣ")]
    [InlineData("別人的話")]
    [InlineData("", "訪視：家訪未遇", "臺北家訪 ＡＢＣ", "電話聯繫")]
    public async Task Notes_are_found_by_each_of_their_words_however_they_are_written(string text, params string[] found)
    {
        var opened = await CaseAsync();
        foreach (var one in (string[])["訪視：家訪未遇", "臺北家訪 ＡＢＣ", "電話聯繫"]) await The.Centre.WritesAsync(The.Centre.Note(opened, WorkersRecord, one));
        Assert.Equal(found, (await The.Centre.FindsNotesAsync(opened, text)).Notes.Select(note => note.Text));
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task A_note_that_may_not_be_read_is_not_found_either()
    {
        var opened = await CaseAsync();
        await The.Centre.WritesAsync(The.Centre.Note(opened, WorkersRecord, "家訪：未分享"));
        var shared = await The.Centre.WritesAsync(The.Centre.Note(opened, WorkersRecord, "家訪：已分享", NoteVersionTests.Share(The.Labor)));
        await The.Labor.WritesAsync(The.Labor.Note(opened, EmploymentRecord, "家訪：就業"));
        Assert.Equal(["家訪：已分享", "家訪：就業"], (await The.Labor.FindsNotesAsync(opened, "家訪")).Notes.Select(note => note.Text));
        Assert.Empty((await The.Labor.FindsNotesAsync(opened, "未分享")).Notes);

        // What an amendment took out is not found any more, by nobody.
        await The.Centre.AmendsAsync(The.Centre.Amendment(opened, shared, "電訪：已分享"));
        Assert.Equal(["家訪：就業"], (await The.Labor.FindsNotesAsync(opened, "家訪")).Notes.Select(note => note.Text));
        Assert.Equal(["電訪：已分享"], (await The.Labor.FindsNotesAsync(opened, "電訪")).Notes.Select(note => note.Text));
    }

    [Fact]
    public async Task Criteria_narrow_each_other_and_pages_go_on_where_the_last_one_ended()
    {
        var opened = await CaseAsync();
        var written = new List<Wire.CaseNote>();
        for (var i = 0; i < 6; i++) written.Add(await The.Centre.WritesAsync(The.Centre.Note(opened, i % 2 == 0 ? WorkersRecord : EmploymentRecord, $"家訪 {i}")));
        await The.Labor.WritesAsync(The.Labor.Note(opened, EmploymentRecord, "家訪 6", NoteVersionTests.Share(The.Centre)));

        Assert.Equal(["家訪 1", "家訪 3", "家訪 5", "家訪 6"], await FoundAsync(request => request.ConfidentialityClasses.Add(EmploymentRecord)));
        Assert.Equal(["家訪 6"], await FoundAsync(request => request.AuthorUnitId = The.Labor.UnitId));
        Assert.Equal(["家訪 2", "家訪 3"], await FoundAsync(request => (request.WrittenFrom, request.WrittenUntil) = (written[2].WrittenAt, written[4].WrittenAt)));
        Assert.Empty(await FoundAsync(request => (request.AuthorUnitId, request.WrittenUntil) = (The.Labor.UnitId, written[4].WrittenAt)));

        var (texts, token) = (new List<string>(), "");
        do
        {
            var page = await The.Centre.FindsNotesAsync(opened, "家訪", request => (request.PageSize, request.PageToken) = (2, token));
            texts.AddRange(page.Notes.Select(note => note.Text));
            token = page.NextPageToken;
        }
        while (token.Length > 0);

        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"家訪 {i}"), texts);

        async Task<IEnumerable<string>> FoundAsync(Action<Wire.SearchNotesRequest> more) => (await The.Centre.FindsNotesAsync(opened, "家訪", more)).Notes.Select(note => note.Text);
    }

    [Fact]
    public async Task A_stretch_of_time_that_ends_before_it_begins_is_refused()
    {
        var opened = await CaseAsync();
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.FindsNotesAsync(opened, "", request =>
            (request.WrittenFrom, request.WrittenUntil) = (new Timestamp { Seconds = 2 }, new Timestamp { Seconds = 1 })));
        Assert.Equal("written_until", refused.Refusal.Faults[0].Field);
    }

    private async Task<string> CaseAsync()
    {
        var referral = await The.Centre.TakesInAsync(The.School, Some.Stranger());
        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.Labor, Wire.Article6Service.EmploymentGuidance);
        await The.Labor.JoinsAsync(opened.CaseId);
        return opened.CaseId;
    }
}
