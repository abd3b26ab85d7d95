using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.ReferralAction;

namespace SafetyNet.Exchange.Tests.Disclosures;

[Trait("Rule", "R-NTK-17")]
public sealed class CorrectionTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task A_correction_reaches_who_holds_the_data_is_read_while_the_view_is_open_and_is_acknowledged()
    {
        var (subject, referral) = await SendAsync();
        var step = Wire.DisclosureStep.Referral;
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.School.CorrectsAsync(step, referral.ReferralId, subject.NationalId, Economic));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.School.CorrectsAsync(step, referral.ReferralId, Some.StrangersId(), EducationRecord));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Centre.CorrectsAsync(step, referral.ReferralId, subject.NationalId, EducationRecord));

        var made = await The.School.CorrectsAsync(step, referral.ReferralId, subject.NationalId, EducationRecord);
        Assert.Equal([(The.Centre.UnitId, false)], made.Receivers.Select(r => (r.UnitId, r.AcknowledgedAt is not null)));
        var notice = (await The.Centre.EmptiesInboxAsync()).Single(n => n.CorrectionId == made.CorrectionId);
        Assert.Equal(Wire.NoticeKind.DataCorrected, notice.Kind);
        Assert.DoesNotContain("年級", notice.ToString(), StringComparison.Ordinal);
        var text = (await The.Centre.ReadsCorrectionAsync(made.CorrectionId)).Texts.Single();
        Assert.Equal(("原載為三年級", "應為四年級"), (text.Wrong, text.Right));
        foreach (var stranger in (Party[])[The.Police, The.School, The.CentreOfTaoyuan])
        {
            Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => stranger.ReadsCorrectionAsync(made.CorrectionId))).Reason);
            Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => stranger.AcknowledgesAsync(made.CorrectionId))).Reason);
        }

        Assert.Contains(await The.School.ListsCorrectionsAsync(sent: true, unacknowledgedOnly: true), c => c.CorrectionId == made.CorrectionId);
        Assert.NotNull((await The.Centre.AcknowledgesAsync(made.CorrectionId)).Receivers.Single().AcknowledgedAt);
        Assert.DoesNotContain(await The.School.ListsCorrectionsAsync(sent: true, unacknowledgedOnly: true), c => c.CorrectionId == made.CorrectionId);
        Assert.NotNull((await The.School.ListsCorrectionsAsync(sent: true)).Single(c => c.CorrectionId == made.CorrectionId).Receivers.Single().AcknowledgedAt);
        Assert.Contains(await The.School.EmptiesInboxAsync(), n => n.Kind == Wire.NoticeKind.CorrectionAcknowledged && n.CorrectionId == made.CorrectionId);
    }

    [Fact]
    public async Task Who_held_it_once_is_told_and_acknowledges_but_reads_no_content()
    {
        var (subject, referral) = await SendAsync();
        await The.Centre.MovesAsync(referral.ReferralId, See, Decline);
        var made = await The.School.CorrectsAsync(Wire.DisclosureStep.Referral, referral.ReferralId, subject.NationalId, EducationRecord);
        Assert.Contains(await The.Centre.EmptiesInboxAsync(), n => n.CorrectionId == made.CorrectionId);
        Assert.Equal(EducationRecord, (await The.Centre.ListsCorrectionsAsync()).Single(c => c.CorrectionId == made.CorrectionId).ConfidentialityClass);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.Centre.ReadsCorrectionAsync(made.CorrectionId))).Reason);
        await The.Centre.AcknowledgesAsync(made.CorrectionId);
    }

    [Fact]
    public async Task A_view_that_was_narrowed_shows_no_correction_of_what_was_taken_out_of_it()
    {
        var (subject, referral) = await SendAsync();
        var made = await The.School.CorrectsAsync(Wire.DisclosureStep.Referral, referral.ReferralId, subject.NationalId, EducationRecord);
        await The.Centre.ReadsCorrectionAsync(made.CorrectionId);
        await The.School.NarrowsAsync(Wire.DisclosureStep.Referral, referral.ReferralId, The.Centre, EducationRecord);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.Centre.ReadsCorrectionAsync(made.CorrectionId))).Reason);
    }

    [Fact]
    public async Task A_corrected_note_reaches_whom_it_was_shared_with()
    {
        var family = Some.Family();
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.MentalHealthCentre, Wire.Article6Service.MentalHealth);
        await The.MentalHealthCentre.JoinsAsync(opened.CaseId);
        var share = new Wire.NoteShare { UnitId = The.Centre.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver };
        var note = await The.MentalHealthCentre.WritesAsync(The.MentalHealthCentre.Note(opened.CaseId, MentalHealth, "一筆", share));
        var made = await The.MentalHealthCentre.CorrectsAsync(Wire.DisclosureStep.NoteShare, note.NoteId, family.Child.NationalId.Canonical, MentalHealth);

        // The basis of the share carries the class, whatever the basis of the call is.
        Assert.Equal("應為四年級", (await The.Centre.ReadsCorrectionAsync(made.CorrectionId)).Texts.Single().Right);
    }

    private async Task<(Wire.ReferralSubject Subject, Wire.Referral Referral)> SendAsync()
    {
        var subject = Some.Stranger();
        var request = Some.Referral(The.School, The.Centre.UnitId, subject);
        request.View = Some.View(EducationRecord);
        request.Facts.Add(Some.Fact(EducationRecord, "三年級"));
        return (subject, await The.School.RefersAsync(request));
    }
}
