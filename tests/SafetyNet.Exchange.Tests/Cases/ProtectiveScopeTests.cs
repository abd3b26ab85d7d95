using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Cases;

[Trait("Rule", "R-NTK-9")]
public sealed class ProtectiveScopeTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task A_protective_class_comes_onto_a_scope_only_by_who_may_see_it_and_leaves_it_at_once()
    {
        var opened = await CaseAsync();
        var caseId = opened.CaseId;
        await The.Centre.AsksInAsync(caseId, The.ProtectionCentre, Wire.Article6Service.CareVisit);
        var invite = Invite(caseId, The.Labor, Wire.Article6Service.EmploymentGuidance, DomesticViolence);
        await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.Centre.AskAsync(to => to.Cases.InviteUnitAsync(invite)));
        // Invited only, the protection centre has no part in the case yet.
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.ProtectionCentre.ScopesAsync(caseId, The.Centre, DomesticViolence));
        await The.ProtectionCentre.JoinsAsync(caseId);

        var share = new Wire.NoteShare { UnitId = The.Centre.UnitId, LegalBasis = Wire.LegalBasis.StatutoryReport };
        var note = The.ProtectionCentre.Note(caseId, DomesticViolence, "保護令核發", share);
        await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.ProtectionCentre.WritesAsync(note));
        await The.ProtectionCentre.ScopesAsync(caseId, The.Centre, DomesticViolence);
        note.RequestId = Some.RequestId();
        await The.ProtectionCentre.WritesAsync(note);
        Assert.Equal(["保護令核發"], (await The.Centre.ReadsNotesAsync(caseId)).Notes.Select(n => n.Text));

        // Now the primary may see it, and may put it onto the scope of another; but not one that it may not see.
        invite.RequestId = Some.RequestId();
        await The.Centre.AskAsync(to => to.Cases.InviteUnitAsync(invite));
        await The.Labor.JoinsAsync(caseId);
        Assert.Contains((await The.Centre.SeesCaseAsync(caseId)).Case.Participants, p => p.UnitId == The.Labor.UnitId && p.ProtectiveClasses.SequenceEqual([DomesticViolence]));
        await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.Centre.ScopesAsync(caseId, The.Labor, DomesticViolence, SexualAssault));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.ScopesAsync(caseId, The.Centre, DomesticViolence));
        var other = await Refused.ByAsync(() => The.ProtectionCentre.ScopesAsync(caseId, The.Labor, MentalHealth));
        Assert.Equal("protective_classes[0]", other.Refusal.Faults[0].Field);
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.ProtectionCentre.ScopesAsync(caseId, The.ProtectionCentre, DomesticViolence));

        await The.ProtectionCentre.ScopesAsync(caseId, The.Centre);
        Assert.Empty((await The.Centre.ReadsNotesAsync(caseId)).Notes);
        Assert.All((await The.Centre.SeesCaseAsync(caseId)).Case.Participants, p => Assert.Empty(p.ProtectiveClasses));
        Assert.Contains((Wire.NoticeKind.ViewNarrowed, The.ProtectionCentre.UnitId), Exchange.NoticesAbout(The.Centre.UnitId, caseId));
    }

    [Fact]
    public async Task An_accepted_referral_puts_the_protective_classes_of_its_view_onto_the_scope_if_its_sender_might()
    {
        var family = Some.Family();
        var subject = Some.SubjectOf(family.Child);
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, subject)).ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.ProtectionCentre, Wire.Article6Service.CareVisit);
        await The.ProtectionCentre.JoinsAsync(opened.CaseId);
        foreach (var (from, view, expected) in ((Party, Wire.ConfidentialityClass, Wire.ConfidentialityClass[])[])
            [(The.Centre, SexualAssault, []), (The.ProtectionCentre, DomesticViolence, [DomesticViolence])])
        {
            var request = Some.Referral(from, The.WomenChildrenPolice.UnitId, subject, Wire.Article6Service.PersonalSafety, opened.CaseId);
            request.View = Some.View(view);
            var made = await from.RefersAsync(request);
            await The.WomenChildrenPolice.MovesAsync(made.ReferralId, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
            var seen = await The.ProtectionCentre.SeesCaseAsync(opened.CaseId);
            Assert.Equal(expected, seen.Case.Participants.Single(p => p.UnitId == The.WomenChildrenPolice.UnitId).ProtectiveClasses);
        }
    }

    private async Task<Wire.Case> CaseAsync() => await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(Some.Family().Child))).ReferralId);

    private Wire.InviteUnitRequest Invite(string caseId, Party whom, Wire.Article6Service service, params Wire.ConfidentialityClass[] classes) => new()
    {
        Context = The.Centre.Context(Wire.Purpose.CaseCoordination, inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId, UnitId = whom.UnitId, Services = { service },
        ProtectiveClasses = { classes },
    };
}
