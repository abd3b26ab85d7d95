using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Grants;

/// <summary>A grant that has ended, or was made narrower, shows nothing after that (R-NTK-12, B46).</summary>
[Trait("Rule", "R-NTK-12")]
[Trait("Abuse", "B46")]
public sealed class GrantEndTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass WorkersRecord = Wire.ConfidentialityClass.CaseNote;

    [Fact]
    public async Task An_old_page_token_a_replay_and_a_watcher_get_nothing_by_a_grant_that_was_revoked()
    {
        var (family, opened, grantId) = await GrantedAsync(The, Exchange, Identity, WorkersRecord, EmploymentRecord);
        for (var i = 0; i < 3; i++) await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, EmploymentRecord, $"就業 {i}"));
        var page = await The.Labor.ReadsNotesOnAsync(The.Labor.On(grantId), opened.CaseId, size: 1);
        Assert.Equal("就業 0", Assert.Single(page.Notes).Text);
        var application = The.Labor.Application(Exchange, family.Child.NationalId.Canonical, Identity);
        var second = await The.Labor.AppliesAsync(application);
        await The.Centre.GrantsAsync(second.GrantId);
        await The.Labor.EmptiesInboxAsync();
        using var ends = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var watching = The.Labor.Channel.Inbox.WatchInbox(new() { Context = The.Labor.Context() }, cancellationToken: ends.Token);

        await The.Centre.RevokesAsync(grantId);
        await The.Centre.RevokesAsync(second.GrantId);

        await AssertNotFoundAsync(() => The.Labor.ReadsNotesOnAsync(The.Labor.On(grantId), opened.CaseId, size: 1, page.NextPageToken));
        await AssertNotFoundAsync(() => The.Labor.SeesCaseOnAsync(The.Labor.On(grantId), opened.CaseId));
        await AssertNotFoundAsync(() => The.Labor.LooksUpOnAsync(The.Labor.On(grantId), family.Child.NationalId.Canonical));
        // The replay tells where the application stands now, not what its first answer would have led to.
        Assert.Equal((Wire.GrantState.Revoked, Wire.GrantRefusal.PurposeFulfilled), (await The.Labor.AppliesAsync(application)) is var again ? (again.State, again.Refusal) : default);
        // The stream that was open all the time brings ids and kinds.
        Assert.True(await watching.ResponseStream.MoveNext(ends.Token));
        var notice = watching.ResponseStream.Current.Notice;
        Assert.Equal((Wire.NoticeKind.GrantChanged, grantId, ""), (notice.Kind, notice.GrantId, notice.CaseId));
    }

    [Fact]
    public async Task Of_a_grant_that_was_narrowed_the_next_look_up_shows_what_stayed()
    {
        var (family, _, grantId) = await GrantedAsync(The, Exchange, Identity, Contact);
        var id = family.Child.NationalId.Canonical;
        Assert.NotEmpty((await The.Labor.LooksUpOnAsync(The.Labor.On(grantId), id)).Person.Phone);
        await The.Centre.NarrowsAsync(grantId, null, Identity);
        var seen = (await The.Labor.LooksUpOnAsync(The.Labor.On(grantId), id)).Person;
        Assert.Equal((family.Child.Name, "", ""), (seen.Name, seen.Phone, seen.Address));
        var wider = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.NarrowsAsync(grantId, null, Identity, Contact));
        Assert.Equal("classes", Assert.Single(wider.Refusal.Faults).Field);
    }

    [Fact]
    public async Task It_ends_at_its_end_and_the_earlier_end_counts()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (family, opened, grantId) = await GrantedAsync(the, own, Identity, WorkersRecord, EmploymentRecord, PublicStatus);
        var id = family.Child.NationalId.Canonical;
        await the.Centre.NarrowsAsync(grantId, own.InDays(1));
        own.Clock.Advance(TimeSpan.FromDays(1) - TimeSpan.FromMinutes(2));
        Assert.Equal(family.Child.Name, (await the.Labor.LooksUpOnAsync(the.Labor.On(grantId), id)).Person.Name);
        own.Clock.Advance(TimeSpan.FromMinutes(2));
        await AssertNotFoundAsync(() => the.Labor.LooksUpOnAsync(the.Labor.On(grantId), id));
        await AssertNotFoundAsync(() => the.Labor.SeesCaseOnAsync(the.Labor.On(grantId), opened.CaseId));
        await AssertNotFoundAsync(() => the.Labor.ReadsNotesOnAsync(the.Labor.On(grantId), opened.CaseId));
        Assert.Equal(Wire.GrantState.Expired, (await the.Labor.SeesGrantAsync(grantId)).State);
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => the.Centre.RevokesAsync(grantId))).Reason);
    }

    [Fact]
    public async Task Whatever_is_under_way_while_it_is_revoked_no_record_behind_the_revocation_shows_anything()
    {
        var (family, _, grantId) = await GrantedAsync(The, Exchange, Identity, Contact);
        var id = family.Child.NationalId.Canonical;
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 8).Select(n => Task.Run(async () =>
        {
            var reader = The.Labor.Colleague($"L1{n:00}");
            while (!stop.IsCancellationRequested) await Refused.IfAsync(() => reader.LooksUpOnAsync(reader.On(grantId), id));
        })).ToList();
        await Eventually.TrueAsync(() => RecordsOf(grantId, 0).Count(r => r.ShownClasses.Count > 0) > 50, "look-ups under way");

        var revoked = await The.Centre.AnswerAsync(to => to.Grants.RevokeGrantAsync(The.Centre.Revocation(grantId)));

        await Eventually.TrueAsync(() => RecordsOf(grantId, revoked.Receipt.Position + 1).Count > 50, "look-ups behind the revocation");
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Assert.All(RecordsOf(grantId, revoked.Receipt.Position + 1), record =>
        {
            Assert.Equal((Wire.AuditOutcome.Refused, "NOT_FOUND"), (record.Outcome, record.Reason));
            Assert.Empty(record.ShownClasses);
        });
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task Bug_a_grant_was_open_again_when_its_closed_case_was_opened_again_and_the_ledger_never_told_of_it()
    {
        var (family, opened, grantId) = await GrantedAsync(The, Exchange, Identity, Contact, EducationRecord);
        var id = family.Child.NationalId.Canonical;
        Assert.Equal([("IDENTITY CONTACT EDUCATION_RECORD", true)], await LinesAsync());
        await The.Centre.NarrowsAsync(grantId, null, Identity, Contact);
        Assert.Equal([("IDENTITY CONTACT", true), ("IDENTITY CONTACT EDUCATION_RECORD", false)], await LinesAsync());
        await The.Labor.EmptiesInboxAsync();

        await The.Centre.ClosesCaseAsync(opened.CaseId);
        Assert.Equal([("IDENTITY CONTACT", false), ("IDENTITY CONTACT EDUCATION_RECORD", false)], await LinesAsync());
        var ended = await The.Labor.SeesGrantAsync(grantId);
        Assert.Equal((Wire.GrantState.Revoked, Wire.GrantRefusal.PurposeFulfilled), (ended.State, ended.Refusal));
        Assert.Equal([(Wire.NoticeKind.GrantChanged, grantId, "")], (await The.Labor.EmptiesInboxAsync()).Select(notice => (notice.Kind, notice.GrantId, notice.CaseId)));

        await The.Centre.ReopensAsync(opened.CaseId);
        await AssertNotFoundAsync(() => The.Labor.LooksUpOnAsync(The.Labor.On(grantId), id));
        await AssertNotFoundAsync(() => The.Labor.SeesCaseOnAsync(The.Labor.On(grantId), opened.CaseId));

        async Task<IEnumerable<(string Classes, bool Open)>> LinesAsync() => (await The.Officer.ListsDisclosuresAsync(id)).Where(line => line.Step == Wire.DisclosureStep.Grant && line.StepId == grantId)
            .Select(line => (string.Join(' ', line.Classes.Select(one => Server.Pipeline.CodeText.Of(one))), line.Open)).Order();
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task What_a_grant_showed_wrongly_is_corrected_to_its_unit_while_it_is_open()
    {
        var (family, _, grantId) = await GrantedAsync(The, Exchange, Identity, EmploymentRecord);
        var correction = await The.Centre.CorrectsAsync(Wire.DisclosureStep.Grant, grantId, family.Child.NationalId.Canonical, EmploymentRecord);
        var request = new Wire.GetCorrectionRequest { Context = The.Labor.Context(Wire.Purpose.CaseCoordination), CorrectionId = correction.CorrectionId };
        Assert.Equal("應為四年級", Assert.Single((await The.Labor.AskAsync(to => to.Disclosures.GetCorrectionAsync(request))).Texts).Right);
        await The.Centre.RevokesAsync(grantId);
        await AssertNotFoundAsync(() => The.Labor.AskAsync(to => to.Disclosures.GetCorrectionAsync(request)));
    }

    private List<Wire.AuditRecord> RecordsOf(string grantId, long from) => [.. Exchange.RecordsFrom(from).Where(r => r.Reference == $"grant/{grantId}")];

    private const Wire.ConfidentialityClass Identity = Wire.ConfidentialityClass.Identity;

    /// <summary>A case of the centre, and a grant of labor on the child.</summary>
    private static async Task<(Family Family, Wire.Case Case, string GrantId)> GrantedAsync(The the, TestExchange at, params Wire.ConfidentialityClass[] classes)
    {
        var family = Some.Family();
        var opened = await GrantMoves.CaseOfAsync(the, family);
        var applied = await the.Labor.AppliesAsync(the.Labor.Application(at, family.Child.NationalId.Canonical, classes));
        await the.Centre.GrantsAsync(applied.GrantId);
        return (family, opened, applied.GrantId);
    }

    private static async Task AssertNotFoundAsync(Func<Task> call) => Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(call)).Reason);
}
