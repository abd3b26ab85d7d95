using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.LegalBasis;

namespace SafetyNet.Exchange.Tests.Cases;

[Trait("Rule", "R-NTK-8")]
[Trait("Rule", "R-NTK-17")]
public sealed class NoteTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task A_note_is_read_by_its_unit_and_by_those_it_is_shared_with_who_may_hold_its_class()
    {
        var opened = await CaseWithAllAsync();
        var notes = new (Wire.ConfidentialityClass Class, Party Author, Party[] SharedWith, Party[] Readers)[]
        {
            (MentalHealth, The.MentalHealthCentre, [], [The.MentalHealthCentre]),
            (MentalHealth, The.MentalHealthCentre, [The.Centre], [The.MentalHealthCentre, The.Centre]),
            (EmploymentRecord, The.Labor, [The.Centre], [The.Labor, The.Centre]),
            (WorkersRecord, The.Centre, [The.Labor, The.MentalHealthCentre], [The.Centre, The.Labor, The.MentalHealthCentre]),
            (WorkersRecord, The.Centre, [], [The.Centre]),
        };
        var written = new List<(string Id, string Text, Party[] Readers)>();
        foreach (var (one, author, sharedWith, readers) in notes)
        {
            var text = $"紀錄 {written.Count}";
            var note = await author.WritesAsync(author.Note(opened.CaseId, one, text, [.. sharedWith.Select(p => Share(p))]));
            Assert.Equal((text, one, author.UnitId, author.PersonId), (note.Text, note.ConfidentialityClass, note.AuthorUnitId, note.AuthorPersonId));
            Assert.Equal(sharedWith.Select(p => p.UnitId), note.Shares.Select(s => s.UnitId));
            written.Add((note.NoteId, text, readers));
        }

        foreach (var reader in (Party[])[The.Centre, The.MentalHealthCentre, The.Labor])
        {
            var seen = await reader.ReadsNotesAsync(opened.CaseId, SubjectWaiver);
            Assert.Equal(written.Where(w => w.Readers.Contains(reader)).Select(w => (w.Id, w.Text)), seen.Notes.Select(n => (n.NoteId, n.Text)));
            Assert.All(seen.Notes, n => Assert.True(n.Shares.Count == 0 || n.AuthorUnitId == reader.UnitId));
        }
    }

    [Fact]
    public async Task A_health_note_is_not_shared_without_a_ground_that_carries_it()
    {
        var opened = await CaseWithAllAsync();
        var note = The.MentalHealthCentre.Note(opened.CaseId, MentalHealth, "不應寫入", Share(The.Centre, Article6IntegratedService));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.MentalHealthCentre.WritesAsync(note));
        Assert.Equal(("MENTAL_HEALTH", The.Centre.UnitId), (refused.Refusal.Metadata["class"], refused.Refusal.Metadata["unit_id"]));
    }

    [Fact]
    public async Task A_note_is_not_shared_with_a_unit_outside_of_the_case()
    {
        var opened = await CaseWithAllAsync();
        var note = The.Centre.Note(opened.CaseId, WorkersRecord, "不應寫入", Share(The.Police));
        await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.Centre.WritesAsync(note));
        await The.Centre.AsksInAsync(opened.CaseId, The.Police, Wire.Article6Service.PersonalSafety);
        note.RequestId = Some.RequestId();
        await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.Centre.WritesAsync(note));
    }

    [Fact]
    public async Task A_share_ends_when_its_author_said()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var opened = await CaseWithAllAsync(the);
        var share = Share(the.Centre);
        share.Until = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(own.Clock.GetUtcNow() + TimeSpan.FromMinutes(2));
        await the.MentalHealthCentre.WritesAsync(the.MentalHealthCentre.Note(opened.CaseId, MentalHealth, "兩分鐘", share));
        Assert.Single((await the.Centre.ReadsNotesAsync(opened.CaseId, SubjectWaiver)).Notes);
        own.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty((await the.Centre.ReadsNotesAsync(opened.CaseId, SubjectWaiver)).Notes);
        Assert.Single((await the.MentalHealthCentre.ReadsNotesAsync(opened.CaseId)).Notes);
    }

    [Fact]
    [Trait("Rule", "R-CASE-3")]
    public async Task Any_worker_of_a_participant_may_write_and_pages_do_not_tell_of_notes_in_between()
    {
        var opened = await CaseWithAllAsync();
        for (var i = 0; i < 6; i++)
        {
            var author = i % 2 == 0 ? The.Labor.Colleague("L0034") : The.Centre;
            await author.WritesAsync(author.Note(opened.CaseId, i % 2 == 0 ? EmploymentRecord : WorkersRecord, $"第 {i} 筆"));
        }

        var page = await The.Labor.AskAsync(to => to.Cases.ListNotesAsync(
            new() { Context = The.Labor.Context(Wire.Purpose.CaseCoordination, inCase: opened.CaseId), CaseId = opened.CaseId, PageSize = 2 }));
        Assert.Equal(["第 0 筆", "第 2 筆"], page.Notes.Select(n => n.Text));
        Assert.All(page.Notes, n => Assert.Equal("L0034", n.AuthorPersonId));
        var next = await The.Labor.AskAsync(to => to.Cases.ListNotesAsync(new()
        {
            Context = The.Labor.Context(Wire.Purpose.CaseCoordination, inCase: opened.CaseId), CaseId = opened.CaseId, PageSize = 2, PageToken = page.NextPageToken,
        }));
        Assert.Equal(["第 4 筆"], next.Notes.Select(n => n.Text));
    }

    private const Wire.ConfidentialityClass WorkersRecord = Wire.ConfidentialityClass.CaseNote;

    private static Wire.NoteShare Share(Party with, Wire.LegalBasis basis = SubjectWaiver) => new() { UnitId = with.UnitId, LegalBasis = basis };

    private Task<Wire.Case> CaseWithAllAsync() => CaseWithAllAsync(The);

    /// <summary>A case of the centre in which labor and the mental health centre serve.</summary>
    private static async Task<Wire.Case> CaseWithAllAsync(The the)
    {
        var referral = await the.Centre.TakesInAsync(the.School, Some.Stranger());
        var opened = await the.Centre.OpensCaseAsync(referral.ReferralId);
        await the.Centre.AsksInAsync(opened.CaseId, the.MentalHealthCentre, Wire.Article6Service.MentalHealth);
        await the.MentalHealthCentre.JoinsAsync(opened.CaseId);
        await the.Centre.AsksInAsync(opened.CaseId, the.Labor, Wire.Article6Service.EmploymentGuidance);
        return await the.Labor.JoinsAsync(opened.CaseId);
    }
}
