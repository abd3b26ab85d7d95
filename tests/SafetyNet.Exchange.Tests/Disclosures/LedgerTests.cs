using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.ReferralAction;

namespace SafetyNet.Exchange.Tests.Disclosures;

[Trait("Rule", "R-NTK-17")]
public sealed class LedgerTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass Identity = Wire.ConfidentialityClass.Identity;

    [Fact]
    public async Task The_ledger_tells_which_class_went_to_whom_by_which_step_and_whether_it_is_open()
    {
        var family = Some.Family();
        var id = family.Child.NationalId.Canonical;
        var request = Some.Referral(The.School, The.Centre.UnitId, Some.SubjectOf(family.Child));
        request.View = Some.View(EducationRecord);
        var referral = await The.School.RefersAsync(request);
        await The.Centre.MovesAsync(referral.ReferralId, See, Accept);
        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.Labor, Wire.Article6Service.EmploymentGuidance);
        await The.Labor.JoinsAsync(opened.CaseId);
        var until = Exchange.Clock.GetUtcNow().AddDays(1);
        var share = new Wire.NoteShare { UnitId = The.Labor.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver, Until = Timestamp.FromDateTimeOffset(until) };
        var note = await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, CaseNote, "一筆", share));
        var met = await The.Centre.ConvenesAsync(The.Centre.Conference(opened.CaseId, until, [The.Borough, The.Police], Identity, Economic));

        var all = await The.Centre.ListsDisclosuresAsync(id);
        Assert.Equal(all.OrderByDescending(e => e.DisclosedAt).Select(e => e.DisclosureId), all.Select(e => e.DisclosureId));
        Assert.Equal(
            [
                (Wire.DisclosureStep.Conference, met.ConferenceId, The.Centre.UnitId, The.Borough.UnitId, "IDENTITY ECONOMIC", true),
                (Wire.DisclosureStep.Conference, met.ConferenceId, The.Centre.UnitId, The.Police.UnitId, "IDENTITY INVOLVEMENT ECONOMIC", true),
                (Wire.DisclosureStep.NoteShare, note.NoteId, The.Centre.UnitId, The.Labor.UnitId, "CASE_NOTE", true),
                (Wire.DisclosureStep.Referral, referral.ReferralId, The.School.UnitId, The.Centre.UnitId, "IDENTITY CONTACT EDUCATION_RECORD", true),
            ],
            all.Select(e => (e.Step, e.StepId, e.FromUnitId, e.ToUnitId, Names(e), e.Open)).OrderBy(e => -(int)e.Step).ThenBy(e => e.ToUnitId, StringComparer.Ordinal));
        var shared = all.Single(e => e.Step == Wire.DisclosureStep.NoteShare);
        Assert.Equal((Wire.LegalBasis.SubjectWaiver, Wire.Purpose.CaseCoordination, until.Ticks / 10), (shared.LegalBasis, shared.Purpose, shared.Until.ToDateTimeOffset().Ticks / 10));
        Assert.All(all.Where(e => e.Step == Wire.DisclosureStep.Conference), e => Assert.Equal(until.AddDays(30).Ticks / 10, e.Until.ToDateTimeOffset().Ticks / 10));

        // The sender sees its own, an officer of the jurisdiction all, and nobody else anything.
        Assert.Equal([referral.ReferralId], (await The.School.ListsDisclosuresAsync(id)).Select(e => e.StepId));
        Assert.Equal(all.Select(e => e.DisclosureId), (await The.Officer.ListsDisclosuresAsync(id)).Select(e => e.DisclosureId));
        Assert.Empty(await The.OfficerOfTaoyuan.ListsDisclosuresAsync(id));
        Assert.Empty(await The.Officer.ListsDisclosuresAsync(Some.StrangersId()));
        var (one, two) = (await Refused.ByAsync(() => The.Labor.ListsDisclosuresAsync(id)), await Refused.ByAsync(() => The.Labor.ListsDisclosuresAsync(Some.StrangersId())));
        Assert.Equal((Wire.ErrorReason.NotFound, two.Look()), (one.Reason, one.Look()));
        var audit = await Refused.ByAsync(() => The.Centre.AskAsync(to => to.Disclosures.ListDisclosuresAsync(new()
        {
            Context = The.Centre.Context(Wire.Purpose.Audit, Wire.LegalBasis.AuditDuty), NationalId = id,
        })));
        Assert.Equal(Wire.ErrorReason.RoleNotAllowed, audit.Reason);

        await The.Centre.MovesAsync(referral.ReferralId, BeginService, Close);
        var closed = (await The.School.ListsDisclosuresAsync(id)).Single();
        Assert.False(closed.Open);
        Assert.NotNull(closed.EndedAt);
        await The.Centre.AmendsAsync(met.ConferenceId, Identity);
        await The.Centre.UninvitesAsync(met.ConferenceId, The.Borough);
        var after = (await The.Centre.ListsDisclosuresAsync(id)).Where(e => e.Step == Wire.DisclosureStep.Conference).ToList();
        Assert.Equal(["IDENTITY INVOLVEMENT"], after.Where(e => e.Open).Select(Names));
        Assert.All(after.Where(e => e.Open), e => Assert.Equal(The.Police.UnitId, e.ToUnitId));
        Assert.Equal(["ECONOMIC", "ECONOMIC", "IDENTITY"], after.Where(e => !e.Open).Select(Names).Order(StringComparer.Ordinal));
    }

    [Fact]
    [Trait("Rule", "R-NTK-2")]
    [Trait("Abuse", "B38")]
    public async Task The_ledger_does_not_tell_the_primary_that_there_is_something_of_a_class_it_may_not_see()
    {
        var family = Some.Family();
        var id = family.Child.NationalId.Canonical;
        await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId);
        var request = Some.Referral(The.HealthStation, The.MentalHealthCentre.UnitId, Some.SubjectOf(family.Child), Wire.Article6Service.MentalHealth);
        request.View = Some.View(MentalHealth);
        await The.HealthStation.RefersAsync(request);

        Assert.DoesNotContain((await The.Centre.ListsDisclosuresAsync(id)).SelectMany(e => e.Classes), c => c == MentalHealth);
        Assert.Contains((await The.Centre.ListsDisclosuresAsync(id, Wire.LegalBasis.SubjectWaiver)).SelectMany(e => e.Classes), c => c == MentalHealth);
        Assert.Contains((await The.HealthStation.ListsDisclosuresAsync(id)).SelectMany(e => e.Classes), c => c == MentalHealth);
    }

    [Fact]
    [Trait("Abuse", "B46")]
    public async Task A_sender_narrows_or_ends_its_view_and_the_very_next_read_shows_it()
    {
        var request = Some.Referral(The.School, The.Centre.UnitId, Some.Stranger());
        request.View = Some.View(EducationRecord, Economic);
        request.Facts.Add([Some.Fact(EducationRecord, "缺課二十日"), Some.Fact(Economic, "中低收入戶")]);
        var referral = await The.School.RefersAsync(request);
        Assert.Equal(2, (await The.Centre.ReadsAsync(referral.ReferralId)).Facts.Count);

        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Centre.NarrowsAsync(Wire.DisclosureStep.Referral, referral.ReferralId, The.Centre));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.School.NarrowsAsync(Wire.DisclosureStep.Referral, The.NobodysUuid, The.Centre));
        Assert.Equal([Identity, Contact, EducationRecord], await The.School.NarrowsAsync(Wire.DisclosureStep.Referral, referral.ReferralId, The.Centre, Economic));
        Assert.Equal(["缺課二十日"], (await The.Centre.ReadsAsync(referral.ReferralId)).Facts.Select(f => f.Text));
        Assert.Contains((Wire.NoticeKind.ViewNarrowed, The.School.UnitId), Exchange.NoticesAbout(The.Centre.UnitId, referral.ReferralId));
        Assert.Empty(await The.School.NarrowsAsync(Wire.DisclosureStep.Referral, referral.ReferralId, The.Centre));
        Assert.Empty((await The.Centre.ReadsAsync(referral.ReferralId)).Facts);
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => The.School.NarrowsAsync(Wire.DisclosureStep.Referral, referral.ReferralId, The.Centre))).Reason);
        // The referral itself goes on.
        await The.Centre.MovesAsync(referral.ReferralId, See, Accept);
    }

    [Fact]
    public async Task The_share_of_a_note_is_ended_by_its_author_and_an_agenda_by_its_convenor_only()
    {
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(Some.Family().Child))).ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.Labor, Wire.Article6Service.EmploymentGuidance);
        await The.Labor.JoinsAsync(opened.CaseId);
        var share = new Wire.NoteShare { UnitId = The.Labor.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver };
        var note = await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, CaseNote, "一筆", share));
        Assert.Single((await The.Labor.ReadsNotesAsync(opened.CaseId)).Notes);
        Assert.Empty(await The.Centre.NarrowsAsync(Wire.DisclosureStep.NoteShare, note.NoteId, The.Labor));
        Assert.Empty((await The.Labor.ReadsNotesAsync(opened.CaseId)).Notes);
        Assert.Single((await The.Centre.ReadsNotesAsync(opened.CaseId)).Notes);

        var met = await The.Centre.ConvenesAsync(The.Centre.Conference(opened.CaseId, Exchange.Clock.GetUtcNow().AddDays(1), [The.Police], Identity));
        var refused = await Refused.ByAsync(() => The.Centre.NarrowsAsync(Wire.DisclosureStep.Conference, met.ConferenceId, The.Police));
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, refused.Reason);
    }

    [Fact]
    public void A_view_is_over_at_the_instant_it_ends()
    {
        var until = new DateTimeOffset(2026, 3, 1, 9, 0, 0, TimeSpan.Zero);
        var line = new DisclosureRow { Classes = 6, Until = until };
        Assert.True(line.IsOpenAt(until.AddTicks(-1)));
        Assert.False(line.IsOpenAt(until));
        var ended = line.Split(2, Guid.Parse(Some.RequestId()), until.AddDays(-1));
        Assert.Equal((4u, 2u, true, false), (line.Classes, ended.Classes, line.IsOpenAt(until.AddDays(-1)), ended.IsOpenAt(until.AddDays(-1))));
    }

    private static string Names(Wire.DisclosureEntry entry) => string.Join(' ', entry.Classes.Select(c => SafetyNet.Exchange.Server.Pipeline.CodeText.Of(c)));
}
