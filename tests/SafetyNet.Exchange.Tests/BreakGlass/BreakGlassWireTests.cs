using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.Tests.BreakGlass.GlassMoves;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.NoticeKind;

namespace SafetyNet.Exchange.Tests.BreakGlass;

[Trait("Rule", "R-NTK-11")]
public sealed class BreakGlassWireTests(TestExchange exchange) : WireTests(exchange), IAsyncLifetime
{
    private const Wire.ConfidentialityClass WorkersRecord = Wire.ConfidentialityClass.CaseNote;

    /// <summary>Glass of its own for each test: limits and suspensions outlast the one that reaches them.</summary>
    private TestExchange Own { get; set; } = null!;

    private The Those { get; set; } = null!;

    private Party OnDuty => Those.Police.As(Wire.ActorRole.DutyOfficer, "P2001");

    public async ValueTask InitializeAsync()
    {
        Own = await TestExchange.StartAsync();
        Those = new The(Own);
    }

    public async ValueTask DisposeAsync()
    {
        await Own.DisposeAsync();
        Dispose();
    }

    [Fact]
    public async Task Broken_glass_opens_the_serving_view_and_the_safety_classes_of_one_person_for_24_hours()
    {
        var family = Some.Family();
        var id = family.Child.NationalId.Canonical;
        var inCase = await GrantMoves.CaseOfAsync(Those, family);
        foreach (var one in (Wire.ConfidentialityClass[])[DomesticViolence, Suicide, EmploymentRecord, WorkersRecord])
            await Those.Centre.WritesAsync(Those.Centre.Note(inCase.CaseId, one, $"{one}"));
        var position = Own.RecordCount();

        var answer = await OnDuty.AnswerAsync(to => to.BreakGlass.BreakGlassAsync(Breaking(OnDuty, id)));
        var opened = answer.Value.Opened;
        Assert.Equal(inCase.CaseId, opened.CaseId);
        Assert.Equal(TimeSpan.FromHours(24), opened.Until.ToDateTimeOffset() - opened.BrokenAt.ToDateTimeOffset());
        Assert.True(Own.RecordOf(answer.Receipt).BreakGlass);

        var on = On(OnDuty, opened.BreakGlassId);
        var seen = await OnDuty.LooksUpOnAsync(on, id);
        Assert.Equal((family.Child.Name, family.Home.Address), (seen.Person.Name, seen.Person.Address));
        Assert.Single((await OnDuty.SeesCaseOnAsync(on, inCase.CaseId)).Case.Subjects);
        // Safety notes; not the worker's own record, and nothing that a serving police precinct would not see.
        Assert.Equal([$"{DomesticViolence}", $"{Suicide}"], (await OnDuty.ReadsNotesOnAsync(on, inCase.CaseId)).Notes.Select(n => n.Text));
        Assert.All(Own.RecordsFrom(position).Where(r => r.Reference == $"break-glass/{opened.BreakGlassId}"), r => Assert.True(r.BreakGlass));
        Assert.DoesNotContain(Own.RecordsFrom(0).Where(r => r.Reference.StartsWith("case/", StringComparison.Ordinal)), r => r.BreakGlass);

        // One person, one unit, the basis stated, a crisis.
        await AssertNotFoundAsync(() => OnDuty.LooksUpOnAsync(on, family.Mother.NationalId.Canonical));
        var labor = Those.Labor.As(Wire.ActorRole.DutyOfficer, "L2001");
        await AssertNotFoundAsync(() => labor.LooksUpOnAsync(On(labor, opened.BreakGlassId), id));
        await AssertNotFoundAsync(() => OnDuty.LooksUpOnAsync(On(OnDuty, opened.BreakGlassId, Wire.LegalBasis.SuicideRisk), id));
        var note = OnDuty.Note(inCase.CaseId, WorkersRecord, "不應寫入");
        note.Context = on;
        await AssertNotFoundAsync(() => OnDuty.WritesAsync(note));

        Own.Clock.Advance(TimeSpan.FromHours(24) - TimeSpan.FromMinutes(2));
        await OnDuty.LooksUpOnAsync(on, id);
        Own.Clock.Advance(TimeSpan.FromMinutes(2));
        await AssertNotFoundAsync(() => OnDuty.LooksUpOnAsync(on, id));
        await AssertNotFoundAsync(() => OnDuty.ReadsNotesOnAsync(on, inCase.CaseId));
    }

    [Fact]
    [Trait("Abuse", "B43")]
    public async Task The_primary_unit_and_the_officers_of_both_agencies_are_told_in_the_same_commit()
    {
        var family = Some.Family();
        var inCase = await GrantMoves.CaseOfAsync(Those, family);
        var taoyuan = Those.CentreOfTaoyuan.As(Wire.ActorRole.Supervisor, "W9100");
        var opened = await BreaksAsync(taoyuan, family.Child.NationalId.Canonical);
        Assert.Equal([GlassBroken], NoticesOf(Those.Centre, opened));
        Assert.Equal([GlassBroken], NoticesOf(Those.Officer, opened));
        Assert.Equal([GlassBroken], NoticesOf(Those.OfficerOfTaoyuan, opened));
        Assert.Equal([(GlassBroken, taoyuan.UnitId)], Own.NoticesAbout(Those.Centre.UnitId, inCase.CaseId).Where(n => n.Kind == GlassBroken));
        // Danger does not stop at the border of a county (R-NTK-13: SERVING reaches across).
        Assert.Equal(family.Child.Name, (await taoyuan.LooksUpOnAsync(On(taoyuan, opened), family.Child.NationalId.Canonical)).Person.Name);
    }

    [Fact]
    [Trait("Abuse", "B43")]
    public async Task Glass_stays_whole_while_the_store_cannot_take_it_or_nobody_would_be_told()
    {
        var id = Some.Family().Child.NationalId.Canonical;
        await Own.ChangeRegistryAsync(registry => registry.Agencies.Single(a => a.Jurisdiction == Wire.Jurisdiction.Tpe && a.Code == "police").SecurityUnitId = "");
        await AssertRefusedAloneAsync(Wire.ErrorReason.SecurityOfficeMissing, () => BreaksAsync(OnDuty, id), Own);

        var centre = Those.Centre.As(Wire.ActorRole.Supervisor, "W0200");
        var before = Own.CountRows();
        using (var holding = Own.OpenDatabase())
        using (var blocking = holding.CreateCommand())
        {
            blocking.CommandText = "ALTER TABLE audit_record RENAME TO away";
            blocking.ExecuteNonQuery();
            var refused = await Refused.ByAsync(() => BreaksAsync(centre, id));
            Assert.Equal(Wire.ErrorReason.AuditUnavailable, refused.Reason);
            blocking.CommandText = "ALTER TABLE away RENAME TO audit_record";
            blocking.ExecuteNonQuery();
        }

        Assert.Equal(before, Own.CountRows());
        ServerOutput.TakeErrors();
    }

    [Theory]
    [Trait("Abuse", "B40")]
    [InlineData("")]
    [InlineData("asdf")]
    [InlineData("asdf asdf asdf asdf as")]
    [InlineData("緊急緊急緊急緊急緊急緊急緊急緊急緊急緊急緊急")]
    public async Task Without_a_reason_in_real_words_it_is_refused(string why)
    {
        var request = Breaking(OnDuty, Some.StrangersId());
        request.Context.Justification = why;
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => OnDuty.AskAsync(to => to.BreakGlass.BreakGlassAsync(request)), Own);
        Assert.Equal("context.justification", Assert.Single(refused.Refusal.Faults).Field);
        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, refused.Refusal.StatusCode);
    }

    [Fact]
    [Trait("Abuse", "B40")]
    public async Task Without_a_person_or_by_who_has_no_right_it_is_refused()
    {
        var id = Some.StrangersId();
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => BreaksAsync(OnDuty, ""), Own);
        await RefusedAsync(Wire.ErrorReason.RoleNotAllowed, Those.Police, Breaking(Those.Police, id));
        await RefusedAsync(Wire.ErrorReason.RoleNotAllowed, OnDuty, Breaking(OnDuty.As(Wire.ActorRole.BatchJob, "nightly"), id));
        var school = Those.School.As(Wire.ActorRole.Supervisor, "T9000");
        await RefusedAsync(Wire.ErrorReason.UnitKindNotAllowed, school, Breaking(school, id));
        var nobody = Breaking(OnDuty, id);
        nobody.Context.Actor.PersonId = "";
        await RefusedAsync(Wire.ErrorReason.ActorMissing, OnDuty, nobody);
        var waiver = Breaking(OnDuty, id);
        waiver.Context.LegalBasis = Wire.LegalBasis.SubjectWaiver;
        await RefusedAsync(Wire.ErrorReason.LegalBasisNotAllowed, OnDuty, waiver);

        async Task RefusedAsync(Wire.ErrorReason reason, Party by, Wire.BreakGlassRequest request)
        {
            var refused = await AssertRefusedAloneAsync(reason, () => by.AskAsync(to => to.BreakGlass.BreakGlassAsync(request)), Own);
            Assert.Equal(Grpc.Core.StatusCode.PermissionDenied, refused.Refusal.StatusCode);
        }
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task Whether_a_person_exists_is_told_by_a_break_glass_that_was_told_and_is_reviewed_and_not_without()
    {
        var stranger = Some.StrangersId();
        var opened = await BreaksAsync(OnDuty, stranger);
        Assert.Equal([GlassBroken], NoticesOf(Those.Officer, opened));
        await AssertNotFoundAsync(() => OnDuty.LooksUpOnAsync(On(OnDuty, opened), stranger));
        Assert.Contains(await ReviewsAsync(openOnly: true), r => r.BreakGlassId == opened);
    }

    [Fact]
    [Trait("Abuse", "B42")]
    public async Task A_loop_over_a_list_is_stopped_the_officers_are_told_and_the_right_rests_until_the_reviews_are_done()
    {
        var opened = new List<string>();
        var refusals = new List<Refused>();
        var people = Enumerable.Range(0, 20).Select(_ => Some.StrangersId()).ToList();
        foreach (var person in people)
        {
            if (await Refused.IfAsync(async () => opened.Add(await BreaksAsync(OnDuty, person))) is { } refused) refusals.Add(refused);
        }

        Assert.Equal(5, opened.Count);
        Assert.All(refusals, r => Assert.Equal(
            (Wire.ErrorReason.BreakGlassLimited, Grpc.Core.StatusCode.ResourceExhausted), (r.Reason, r.Refusal.StatusCode)));
        Assert.Equal(string.Join(", ", opened), refusals[0].Refusal.Metadata["reviews"]);
        Assert.Equal([GlassBroken, BreakGlassLimitReached], NoticesOf(Those.Officer, opened[^1]));
        // Another person of the agency may go on; this one not, not even in the next shift.
        await BreaksAsync(OnDuty.Colleague("P2002"), people[^1]);
        Own.Clock.Advance(TimeSpan.FromHours(9));
        await AssertLimitedAsync();
        foreach (var id in opened[1..]) await ReviewAsync(Those.Officer, id);
        await AssertLimitedAsync();
        await ReviewAsync(Those.Officer, opened[0]);
        await BreaksAsync(OnDuty, people[^1]);

        async Task AssertLimitedAsync() =>
            Assert.Equal(Wire.ErrorReason.BreakGlassLimited, (await Refused.ByAsync(() => BreaksAsync(OnDuty, people[^1]))).Reason);
    }

    [Fact]
    [Trait("Abuse", "B42")]
    public async Task All_at_once_pass_no_more_than_one_by_one()
    {
        var opened = 0;
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            if (await Refused.IfAsync(() => BreaksAsync(OnDuty, Some.StrangersId())) is null) Interlocked.Increment(ref opened);
        }));
        Assert.InRange(opened, 1, 5);
        Assert.Equal(opened, (await ReviewsAsync(openOnly: false)).Count);
    }

    [Fact]
    public async Task Three_overdue_reviews_suspend_the_agency_until_one_is_done()
    {
        var opened = new List<string>();
        for (var i = 0; i < 3; i++) opened.Add(await BreaksAsync(OnDuty.Colleague($"P300{i}"), Some.StrangersId()));
        var due = DateOnly.ParseExact((await ReviewsAsync(openOnly: true))[0].ReviewDueOn, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        // The last moment of the last day, by Taiwan's clock.
        Own.Clock.Advance(new DateTimeOffset(due.AddDays(1).ToDateTime(TimeOnly.MinValue), TimeSpan.FromHours(8)) - Own.Clock.GetUtcNow() - TimeSpan.FromMinutes(1));
        var last = await BreaksAsync(OnDuty, Some.StrangersId());
        Own.Clock.Advance(TimeSpan.FromMinutes(1));

        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.BreakGlassSuspended, () => BreaksAsync(OnDuty.Colleague("P9999"), Some.StrangersId()), Own);
        Assert.Equal(("TPE/police", string.Join(", ", opened)), (refused.Refusal.Metadata["agency"], refused.Refusal.Metadata["reviews"]));
        Assert.All(await ReviewsAsync(openOnly: true), r => Assert.Equal(r.BreakGlassId != last, r.Overdue));
        // Other agencies go on, and so does this one when there are fewer than three.
        await BreaksAsync(Those.Centre.As(Wire.ActorRole.Supervisor, "W0200"), Some.StrangersId());
        await ReviewAsync(Those.Officer, opened[0]);
        await BreaksAsync(OnDuty, Some.StrangersId());
    }

    [Fact]
    public async Task A_review_takes_an_officer_of_the_agency_with_other_eyes_and_real_words()
    {
        var family = Some.Family();
        var id = family.Child.NationalId.Canonical;
        var opened = await BreaksAsync(OnDuty, id);
        await OnDuty.LooksUpOnAsync(On(OnDuty, opened), id);
        var listed = Assert.Single(await ReviewsAsync(openOnly: true));
        Assert.Equal((Why, "P2001", OnDuty.UnitId, 32), (listed.Justification, listed.PersonId, listed.UnitId, listed.Subject.Length));
        Assert.DoesNotContain(id, listed.ToString(), StringComparison.Ordinal);

        await AssertNotFoundAsync(() => ReviewAsync(Those.OfficerOfTaoyuan, opened));
        var ofThePolice = OnDuty.As(Wire.ActorRole.SecurityOfficer, "P5000");
        Assert.Equal(Wire.ErrorReason.ScopeMissing, (await Refused.ByAsync(() => ReviewAsync(ofThePolice, opened))).Reason);
        Assert.Equal(Wire.ErrorReason.NotYourMove, (await Refused.ByAsync(() => ReviewAsync(Those.Officer.Colleague("P2001"), opened))).Reason);
        Assert.Equal(Wire.ErrorReason.InvalidField, (await Refused.ByAsync(() => ReviewAsync(Those.Officer, opened, reason: "ok"))).Reason);

        var reviewed = await ReviewAsync(Those.Officer, opened, Wire.BreakGlassVerdict.NotJustified);
        Assert.Equal((Wire.BreakGlassVerdict.NotJustified, "S0007"), (reviewed.Verdict, reviewed.ReviewerId));
        Assert.Empty(await ReviewsAsync(openOnly: true));
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => ReviewAsync(Those.Officer, opened))).Reason);
        Assert.Contains(BreakGlassReviewed, NoticesOf(OnDuty, opened));
        // Not justified: closed at once.
        await AssertNotFoundAsync(() => OnDuty.LooksUpOnAsync(On(OnDuty, opened), id));
    }

    private async Task<IReadOnlyList<Wire.BreakGlassReview>> ReviewsAsync(bool openOnly)
    {
        var (all, token) = (new List<Wire.BreakGlassReview>(), "");
        do
        {
            var page = await Those.Officer.AskAsync(to => to.BreakGlass.ListBreakGlassReviewsAsync(
                new() { Context = Those.Officer.Context(), OpenOnly = openOnly, PageSize = 2, PageToken = token }));
            all.AddRange(page.Reviews);
            token = page.NextPageToken;
        }
        while (token.Length > 0);

        return all;
    }

    private List<Wire.NoticeKind> NoticesOf(Party party, string breakGlassId) => Own.Query(
        "SELECT kind FROM notice WHERE unit_id = $0 AND break_glass_id = $1 ORDER BY sequence",
        r => (Wire.NoticeKind)r.GetInt32(0), party.UnitId, Guid.Parse(breakGlassId).ToByteArray(bigEndian: true));

    private static async Task AssertNotFoundAsync(Func<Task> call) => Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(call)).Reason);
}
