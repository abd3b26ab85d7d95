using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.LegalBasis;

namespace SafetyNet.Exchange.Tests.Cases;

/// <summary>Notes that were written before are shown to a unit of the case, until when their author unit says.</summary>
[Trait("Rule", "R-NTK-17")]
public sealed class NoteSharingTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass WorkersRecord = Wire.ConfidentialityClass.CaseNote;

    private readonly Wire.ReferralSubject _subject = Some.Stranger();

    [Fact]
    public async Task A_note_of_yesterday_is_shared_until_a_date_and_the_ledger_says_so()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (opened, nurse, lead) = (await CaseAsync(the), the.MentalHealthCentre, the.Centre);
        var note = await nurse.WritesAsync(nurse.Note(opened.CaseId, MentalHealth, "晤談一"));
        await nurse.WritesAsync(nurse.Note(opened.CaseId, MentalHealth, "晤談二"));
        own.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Empty((await lead.ReadsNotesAsync(opened.CaseId, SubjectWaiver)).Notes);
        var until = own.Clock.GetUtcNow().AddDays(2);
        await lead.EmptiesInboxAsync();

        var sharing = nurse.Sharing(opened.CaseId, With(lead, until), note);
        Assert.Equal([note.NoteId], (await nurse.SharesAsync(sharing)).NoteIds);
        Assert.Equal([note.NoteId], (await nurse.SharesAsync(sharing)).NoteIds);
        var notice = Assert.Single(await lead.EmptiesInboxAsync());
        Assert.Equal((Wire.NoticeKind.NoteShared, opened.CaseId), (notice.Kind, notice.CaseId));
        Assert.Equal(["晤談一"], (await lead.ReadsNotesAsync(opened.CaseId, SubjectWaiver)).Notes.Select(n => n.Text));
        var line = Assert.Single(await LinesAsync(the, note));
        Assert.Equal((nurse.UnitId, lead.UnitId, SubjectWaiver, true, until.Ticks / 10), (line.FromUnitId, line.ToUnitId, line.LegalBasis, line.Open, line.Until.ToDateTimeOffset().Ticks / 10));

        own.Clock.Advance(TimeSpan.FromDays(2));
        Assert.Empty((await lead.ReadsNotesAsync(opened.CaseId, SubjectWaiver)).Notes);
    }

    [Fact]
    public async Task All_notes_of_a_class_are_shared_at_once_and_those_of_other_units_and_classes_are_not()
    {
        var (opened, nurse) = (await CaseAsync(The), The.MentalHealthCentre);
        foreach (var text in (string[])["晤談一", "晤談二"]) await nurse.WritesAsync(nurse.Note(opened.CaseId, MentalHealth, text));
        await nurse.WritesAsync(nurse.Note(opened.CaseId, WorkersRecord, "內部紀錄"));
        await The.Labor.WritesAsync(The.Labor.Note(opened.CaseId, EmploymentRecord, "他單位"));

        var sharing = nurse.Sharing(opened.CaseId, With(The.Centre));
        sharing.ConfidentialityClasses.Add([MentalHealth, EmploymentRecord]);
        Assert.Equal(2, (await nurse.SharesAsync(sharing)).NoteIds.Count);
        Assert.Equal(["晤談一", "晤談二"], (await The.Centre.ReadsNotesAsync(opened.CaseId, SubjectWaiver)).Notes.Select(n => n.Text));
        // What is written afterwards is shared by who writes it.
        await nurse.WritesAsync(nurse.Note(opened.CaseId, MentalHealth, "晤談三"));
        Assert.Equal(2, (await The.Centre.ReadsNotesAsync(opened.CaseId, SubjectWaiver)).Notes.Count);
    }

    [Fact]
    public async Task New_terms_take_the_place_of_the_old_and_the_ledger_keeps_both()
    {
        var (opened, nurse, now) = (await CaseAsync(The), The.MentalHealthCentre, Exchange.Clock.GetUtcNow());
        var note = await nurse.WritesAsync(nurse.Note(opened.CaseId, MentalHealth, "晤談", With(The.Centre, now.AddDays(1))));
        await nurse.SharesAsync(nurse.Sharing(opened.CaseId, With(The.Centre, now.AddDays(9)), note));
        // On the same terms again: nothing happens, and nobody is told.
        await The.Centre.EmptiesInboxAsync();
        await nurse.SharesAsync(nurse.Sharing(opened.CaseId, With(The.Centre, now.AddDays(9)), note));
        Assert.Empty(await The.Centre.EmptiesInboxAsync());

        var shown = Assert.Single((await nurse.ReadsNotesAsync(opened.CaseId)).Notes).Shares.Single();
        Assert.Equal(now.AddDays(9).Ticks / 10, shown.Until.ToDateTimeOffset().Ticks / 10);
        Assert.Equal(
            [(false, now.AddDays(1).Ticks / 10), (true, now.AddDays(9).Ticks / 10)],
            (await LinesAsync(The, note)).OrderBy(line => line.Open).Select(line => (line.Open, line.Until.ToDateTimeOffset().Ticks / 10)));
    }

    [Fact]
    public async Task Nobody_shares_what_another_unit_wrote()
    {
        var (opened, nurse) = (await CaseAsync(The), The.MentalHealthCentre);
        var note = await nurse.WritesAsync(nurse.Note(opened.CaseId, MentalHealth, "晤談", With(The.Centre)));
        var own = await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, WorkersRecord, "家訪"));
        var others = await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Centre.SharesAsync(The.Centre.Sharing(opened.CaseId, With(The.Labor), own, note)));
        var nobodys = await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound,
            () => The.Centre.SharesAsync(The.Centre.Sharing(opened.CaseId, With(The.Labor), own, new Wire.CaseNote { NoteId = The.NobodysUuid })));
        Assert.Equal(nobodys.Look(), others.Look());
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Police.SharesAsync(The.Police.Sharing(opened.CaseId, With(The.Labor), note)));
    }

    [Fact]
    public async Task Where_the_unit_may_not_hold_one_class_nothing_is_shared()
    {
        var (opened, nurse) = (await CaseAsync(The), The.MentalHealthCentre);
        var plain = await nurse.WritesAsync(nurse.Note(opened.CaseId, WorkersRecord, "家訪"));
        var health = await nurse.WritesAsync(nurse.Note(opened.CaseId, MentalHealth, "晤談"));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted,
            () => nurse.SharesAsync(nurse.Sharing(opened.CaseId, With(The.Centre, basis: Article6IntegratedService), plain, health)));
        Assert.Equal(("MENTAL_HEALTH", The.Centre.UnitId), (refused.Refusal.Metadata["class"], refused.Refusal.Metadata["unit_id"]));
        await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => nurse.SharesAsync(nurse.Sharing(opened.CaseId, With(The.Police), plain)));
    }

    [Fact]
    public async Task A_request_names_notes_or_classes_and_an_end_that_is_ahead()
    {
        var (opened, nurse) = (await CaseAsync(The), The.MentalHealthCentre);
        var note = await nurse.WritesAsync(nurse.Note(opened.CaseId, MentalHealth, "晤談"));
        var neither = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => nurse.SharesAsync(nurse.Sharing(opened.CaseId, With(The.Centre))));
        Assert.Equal("note_ids", neither.Refusal.Faults.Single().Field);
        var both = nurse.Sharing(opened.CaseId, With(The.Centre), note);
        both.ConfidentialityClasses.Add(MentalHealth);
        Assert.Equal("note_ids", (await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => nurse.SharesAsync(both))).Refusal.Faults.Single().Field);
        var past = nurse.Sharing(opened.CaseId, With(The.Centre, Exchange.Clock.GetUtcNow().AddMinutes(-1)), note);
        Assert.Equal("share.until", (await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => nurse.SharesAsync(past))).Refusal.Faults.Single().Field);
    }

    [Fact]
    public async Task Two_workers_who_share_one_note_at_once_share_it_once()
    {
        var (opened, nurse) = (await CaseAsync(The), The.MentalHealthCentre);
        var note = await nurse.WritesAsync(nurse.Note(opened.CaseId, MentalHealth, "晤談"));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => nurse.SharesAsync(nurse.Sharing(opened.CaseId, With(The.Centre), note))));
        Assert.Single(await LinesAsync(The, note), line => line.Open);
        Assert.Single(Assert.Single((await nurse.ReadsNotesAsync(opened.CaseId)).Notes).Shares);
    }

    private static Wire.NoteShare With(Party unit, DateTimeOffset? until = null, Wire.LegalBasis basis = SubjectWaiver) =>
        new() { UnitId = unit.UnitId, LegalBasis = basis, Until = until is { } end ? Timestamp.FromDateTimeOffset(end) : null };

    private async Task<List<Wire.DisclosureEntry>> LinesAsync(The the, Wire.CaseNote note) =>
        [.. (await the.Officer.ListsDisclosuresAsync(_subject.NationalId)).Where(line => line.StepId == note.NoteId)];

    /// <summary>A case of the centre in which labor and the mental-health centre serve.</summary>
    private async Task<Wire.Case> CaseAsync(The the)
    {
        var opened = await the.Centre.OpensCaseAsync((await the.Centre.TakesInAsync(the.School, _subject)).ReferralId);
        foreach (var (unit, service) in ((Party, Wire.Article6Service)[])[(the.MentalHealthCentre, Wire.Article6Service.MentalHealth), (the.Labor, Wire.Article6Service.EmploymentGuidance)])
        {
            await the.Centre.AsksInAsync(opened.CaseId, unit, service);
            await unit.JoinsAsync(opened.CaseId);
        }

        return opened;
    }
}
