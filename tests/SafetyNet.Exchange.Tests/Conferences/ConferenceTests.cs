using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Hosting;
using Family = SafetyNet.Exchange.Tests.Hosting.Family;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Conferences;

[Trait("Rule", "R-CON-2")]
public sealed class ConferenceTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass Identity = Wire.ConfidentialityClass.Identity;

    [Fact]
    [Trait("Rule", "R-NTK-8")]
    public async Task Who_is_invited_sees_the_classes_of_the_agenda_and_nothing_else()
    {
        var (family, opened) = await OpenAsync();
        await The.Centre.AsksInAsync(opened.CaseId, The.MentalHealthCentre, Wire.Article6Service.MentalHealth);
        await The.MentalHealthCentre.JoinsAsync(opened.CaseId);
        var toCentre = new Wire.NoteShare { UnitId = The.Centre.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver };
        await The.MentalHealthCentre.WritesAsync(The.MentalHealthCentre.Note(opened.CaseId, MentalHealth, "已分享", toCentre));
        await The.MentalHealthCentre.WritesAsync(The.MentalHealthCentre.Note(opened.CaseId, MentalHealth, "未分享"));
        await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, Economic, "不在議程"));
        await AssertNotFoundAsync(() => The.Labor.SeesCaseAtAsync(The.NobodysUuid, opened.CaseId));

        var met = await ConveneAsync(opened.CaseId, [The.Labor], Identity, Household, MentalHealth, CaseNote);

        var seen = await The.Labor.SeesCaseAtAsync(met.ConferenceId, opened.CaseId);
        Assert.Equal((family.Child.Name, "", ""), (seen.Case.Subjects.Single().Name, seen.Case.Subjects.Single().Phone, seen.Case.Subjects.Single().Address));
        Assert.Equal(2, seen.Case.Participants.Count);
        Assert.Equal(["已分享"], (await The.Labor.ReadsNotesAtAsync(met.ConferenceId, opened.CaseId)).Notes.Select(n => n.Text));
        var found = await The.Labor.LooksUpAtAsync(met.ConferenceId, family.Child.NationalId.Canonical);
        Assert.Equal((family.Child.Name, ""), (found.Person.Name, found.Person.Address));
        Assert.NotEmpty(found.Members);
        Assert.Contains(Contact, found.Disclosure.WithheldClasses);
        // The rest of the household is not what the case is about, and another purpose is not the conference.
        await AssertNotFoundAsync(() => The.Labor.LooksUpAtAsync(met.ConferenceId, family.Mother.NationalId.Canonical));
        await AssertNotFoundAsync(() => The.Labor.SeesCaseAsync(opened.CaseId));
        var refused = await Refused.ByAsync(() => The.Labor.JoinsAsync(opened.CaseId));
        Assert.Equal(Wire.ErrorReason.NotFound, refused.Reason);
        Assert.Contains((Wire.NoticeKind.ConferenceInvitation, The.Centre.UnitId), Exchange.NoticesAbout(The.Labor.UnitId, opened.CaseId));
    }

    [Fact]
    [Trait("Rule", "R-NTK-6")]
    public async Task A_borough_office_sees_the_status_and_what_is_on_the_agenda()
    {
        var (family, opened) = await OpenAsync();
        await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, CaseNote, "里長亦可見"));
        var met = await ConveneAsync(opened.CaseId, [The.Borough], CaseNote);

        var seen = await The.Borough.SeesCaseAtAsync(met.ConferenceId, opened.CaseId);
        Assert.Equal("", seen.Case.Subjects.Single().Name);
        Assert.Empty(seen.Case.Participants);
        Assert.Equal(Wire.CaseState.Open, seen.Case.State);
        Assert.Equal(["里長亦可見"], (await The.Borough.ReadsNotesAtAsync(met.ConferenceId, opened.CaseId)).Notes.Select(n => n.Text));

        await The.Centre.AmendsAsync(met.ConferenceId, Identity);
        Assert.Empty((await The.Borough.ReadsNotesAtAsync(met.ConferenceId, opened.CaseId)).Notes);
        Assert.Equal(family.Child.Name, (await The.Borough.SeesCaseAtAsync(met.ConferenceId, opened.CaseId)).Case.Subjects.Single().Name);
        Assert.Empty((await The.Borough.LooksUpAtAsync(met.ConferenceId, family.Child.NationalId.Canonical)).Involvements);
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task Bug_A_case_that_was_opened_again_was_open_again_to_the_conference_of_before()
    {
        var (family, opened) = await OpenAsync();
        var met = await ConveneAsync(opened.CaseId, [The.Labor], Identity);
        Assert.Equal(family.Child.Name, (await The.Labor.SeesCaseAtAsync(met.ConferenceId, opened.CaseId)).Case.Subjects.Single().Name);
        await The.Labor.EmptiesInboxAsync();

        await The.Centre.ClosesCaseAsync(opened.CaseId);
        Assert.Equal([Wire.NoticeKind.ConferenceChanged], (await The.Labor.EmptiesInboxAsync()).Select(n => n.Kind));
        await The.Centre.ReopensAsync(opened.CaseId);
        await AssertNotFoundAsync(() => The.Labor.SeesCaseAtAsync(met.ConferenceId, opened.CaseId));
        await AssertNotFoundAsync(() => The.Labor.LooksUpAtAsync(met.ConferenceId, family.Child.NationalId.Canonical));
        var ledger = (await The.Centre.ListsDisclosuresAsync(family.Child.NationalId.Canonical)).Where(line => line.StepId == met.ConferenceId).ToList();
        Assert.NotEmpty(ledger);
        Assert.All(ledger, line => Assert.False(line.Open));

        var again = await ConveneAsync(opened.CaseId, [The.Labor], Identity);
        Assert.Equal(family.Child.Name, (await The.Labor.SeesCaseAtAsync(again.ConferenceId, opened.CaseId)).Case.Subjects.Single().Name);
    }

    [Fact]
    public async Task An_invitation_ends_30_days_after_the_meeting_and_at_once_when_it_is_withdrawn()
    {
        var (family, opened) = await OpenAsync();
        var met = await ConveneAsync(opened.CaseId, [The.Labor, The.Police], Identity);
        var id = family.Child.NationalId.Canonical;
        await The.Police.LooksUpAtAsync(met.ConferenceId, id);
        await The.Centre.UninvitesAsync(met.ConferenceId, The.Police);
        await AssertNotFoundAsync(() => The.Police.LooksUpAtAsync(met.ConferenceId, id));
        await AssertNotFoundAsync(() => The.Police.SeesCaseAtAsync(met.ConferenceId, opened.CaseId));
        await AssertNotFoundAsync(() => The.Police.SeesConferenceAsync(met.ConferenceId));
        await The.Centre.InvitesAsync(met.ConferenceId, The.Police);
        await The.Police.SeesConferenceAsync(met.ConferenceId);

        MeetAt(met, Exchange.Clock.GetUtcNow().AddDays(-30).AddMinutes(2));
        await The.Labor.SeesConferenceAsync(met.ConferenceId);
        await The.Labor.SeesCaseAtAsync(met.ConferenceId, opened.CaseId);
        Assert.Contains((await ListAsync(The.Labor)), c => c.ConferenceId == met.ConferenceId);
        var late = await Refused.ByAsync(() => The.Centre.AmendsAsync(met.ConferenceId, Identity, Economic));
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, late.Reason);

        MeetAt(met, Exchange.Clock.GetUtcNow().AddDays(-30));
        await AssertNotFoundAsync(() => The.Labor.SeesConferenceAsync(met.ConferenceId));
        await AssertNotFoundAsync(() => The.Labor.SeesCaseAtAsync(met.ConferenceId, opened.CaseId));
        Assert.DoesNotContain((await ListAsync(The.Labor)), c => c.ConferenceId == met.ConferenceId);
        Assert.Contains((await ListAsync(The.Centre)), c => c.ConferenceId == met.ConferenceId);
    }

    [Fact]
    public void The_last_instant_of_an_invitation_is_the_one_before_30_days_are_over()
    {
        var (person, conference, meeting) = (Guid.Parse(Some.RequestId()), Guid.Parse(Some.RequestId()), new DateTimeOffset(2026, 3, 1, 9, 0, 0, TimeSpan.Zero));
        var links = new Links([], []) { Conferences = [new ConferenceLink(conference, Guid.Parse(Some.RequestId()), person, "tpe-employment", "tpe-central-swc", ClassSet.Of(Identity).Bits, meeting)] };
        foreach (var (at, open) in ((DateTimeOffset, bool)[])[(meeting.AddDays(30).AddTicks(-1), true), (meeting.AddDays(30), false)])
            Assert.Equal(open, Standing.ToHousehold(links, "tpe-employment", person, null, null, at, conference).Agenda.Contains(Identity));
        Assert.Equal(Standing.None, Standing.ToHousehold(links, "tpe-employment", Guid.Parse(Some.RequestId()), null, null, meeting, conference));
        Assert.Equal(Standing.None, Standing.ToHousehold(links, "tpe-employment", person, null, null, meeting, Guid.Parse(Some.RequestId())));
    }

    [Fact]
    [Trait("Rule", "R-CON-1")]
    public async Task Only_the_primary_or_the_screening_centre_convenes_with_indicator_and_ground_and_within_the_jurisdiction()
    {
        var (_, opened) = await OpenAsync();
        await The.Centre.AsksInAsync(opened.CaseId, The.Labor, Wire.Article6Service.EmploymentGuidance);
        await The.Labor.JoinsAsync(opened.CaseId);
        var ahead = Exchange.Clock.GetUtcNow().AddDays(7);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.ConvenesAsync(The.Labor.Conference(opened.CaseId, ahead, [The.Police], Identity)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Police.ConvenesAsync(The.Police.Conference(opened.CaseId, ahead, [The.Labor], Identity)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.UnitNotAvailable,
            () => The.Centre.ConvenesAsync(The.Centre.Conference(opened.CaseId, ahead, [The.CentreOfTaoyuan], Identity)));
        foreach (var one in (Wire.ConfidentialityClass[])[Contact, InfectiousDisease, ReporterIdentity])
            await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.Centre.ConvenesAsync(The.Centre.Conference(opened.CaseId, ahead, [The.Police], one)));
        foreach (var (field, spoil) in ((string, Action<Wire.ConveneConferenceRequest>)[])
            [
                ("indicators", r => r.Indicators.Clear()), ("ground", r => r.Ground = Wire.ConferenceGround.Unspecified), ("statement", r => r.Statement = ""),
                ("meeting_at", r => r.MeetingAt = r.MeetingAt - Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromDays(8))),
                ("unit_ids[1]", r => r.UnitIds.Add(The.Police.UnitId)),
            ])
        {
            var request = The.Centre.Conference(opened.CaseId, ahead, [The.Police], Identity);
            spoil(request);
            var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.ConvenesAsync(request));
            Assert.Equal(field, refused.Refusal.Faults[0].Field);
        }

        var met = await The.Intake.ConvenesAsync(The.Intake.Conference(opened.CaseId, ahead, [The.Police], Identity));
        Assert.Contains((Wire.NoticeKind.ConferenceInvitation, The.Intake.UnitId), Exchange.NoticesAbout(The.Centre.UnitId, opened.CaseId));
        await The.Centre.SeesConferenceAsync(met.ConferenceId);
        Assert.Equal(Wire.ErrorReason.NotYourMove, (await Refused.ByAsync(() => The.Centre.AmendsAsync(met.ConferenceId, Identity))).Reason);
        await AssertNotFoundAsync(() => The.Labor.SeesConferenceAsync(met.ConferenceId));
        // To convene shows nothing of the case but that it is one.
        Assert.Empty((await The.Intake.SeesConferenceAsync(met.ConferenceId)).Conference.Statement);
        await AssertNotFoundAsync(() => The.Intake.SeesCaseAtAsync(met.ConferenceId, opened.CaseId));
    }

    [Fact]
    [Trait("Rule", "R-NTK-9")]
    public async Task A_protective_class_on_the_agenda_is_seen_by_those_only_who_may_see_it()
    {
        var (_, opened) = await OpenAsync();
        await The.Centre.AsksInAsync(opened.CaseId, The.ProtectionCentre, Wire.Article6Service.CareVisit);
        await The.ProtectionCentre.JoinsAsync(opened.CaseId);
        await The.ProtectionCentre.ScopesAsync(opened.CaseId, The.Centre, DomesticViolence);
        await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, DomesticViolence, "保護令"));
        var met = await ConveneAsync(opened.CaseId, [The.Labor, The.WomenChildrenPolice], CaseNote, DomesticViolence);

        Assert.Empty((await The.Labor.ReadsNotesAtAsync(met.ConferenceId, opened.CaseId)).Notes);
        Assert.Equal(["保護令"], (await The.WomenChildrenPolice.ReadsNotesAtAsync(met.ConferenceId, opened.CaseId)).Notes.Select(n => n.Text));
    }

    [Fact]
    public async Task Bug_a_meeting_was_answered_with_another_time_than_it_was_kept_with()
    {
        var opened = await The.SharedCaseAsync(The.Centre);
        var at = new DateTimeOffset(Exchange.Clock.GetUtcNow().AddDays(7).UtcTicks / 10_000_000 * 10_000_000, TimeSpan.Zero).AddTicks(1234567);
        var met = await The.Centre.ConvenesAsync(The.Centre.Conference(opened, at, [The.Labor], Identity));
        Assert.Equal(met.MeetingAt, (await The.Labor.SeesConferenceAsync(met.ConferenceId)).Conference.MeetingAt);
    }

    private async Task<(Family Family, Wire.Case Case)> OpenAsync()
    {
        var family = Some.Family();
        return (family, await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId));
    }

    private Task<Wire.Conference> ConveneAsync(string caseId, Party[] invited, params Wire.ConfidentialityClass[] agenda) =>
        The.Centre.ConvenesAsync(The.Centre.Conference(caseId, Exchange.Clock.GetUtcNow().AddDays(7), invited, agenda));

    private static async Task<IReadOnlyList<Wire.Conference>> ListAsync(Party by) =>
        (await by.AskAsync(to => to.Conferences.ListConferencesAsync(new() { Context = by.AtConference(), PageSize = 100 }))).Conferences;

    /// <summary>As if the meeting had been then.</summary>
    private void MeetAt(Wire.Conference met, DateTimeOffset at) => Exchange.Query("UPDATE conference SET meeting_at = $0 WHERE conference_id = $1", _ => 0,
        Instants.ToMicros(at), Guid.Parse(met.ConferenceId).ToByteArray(bigEndian: true));

    private static async Task AssertNotFoundAsync(Func<Task> call) => Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(call)).Reason);
}
