using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Policy;
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

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task Classes_are_shared_until_a_date_and_close_by_themselves_for_every_way_of_reading()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var family = Some.Family();
        var opened = (await the.Centre.OpensCaseAsync((await the.Centre.TakesInAsync(the.School, Some.SubjectOf(family.Child))).ReferralId)).CaseId;
        await the.Centre.AsksInAsync(opened, the.ProtectionCentre, Wire.Article6Service.CareVisit);
        await the.ProtectionCentre.JoinsAsync(opened);
        var until = own.Clock.GetUtcNow().AddDays(3);
        await the.ProtectionCentre.ScopesUntilAsync(opened, the.Centre, until, DomesticViolence);
        await the.ProtectionCentre.WritesAsync(the.ProtectionCentre.Note(opened, DomesticViolence, "保護令核發",
            new Wire.NoteShare { UnitId = the.Centre.UnitId, LegalBasis = Wire.LegalBasis.StatutoryReport }));
        // What the primary may see for three days it puts onto another scope for one.
        var invite = Invite(the, opened, the.Labor, Wire.Article6Service.EmploymentGuidance, DomesticViolence);
        invite.ProtectiveUntil = Timestamp.FromDateTimeOffset(until.AddDays(-2));
        await the.Centre.AskAsync(to => to.Cases.InviteUnitAsync(invite));
        await the.Labor.JoinsAsync(opened);

        Assert.Equal(["保護令核發"], (await the.Centre.ReadsNotesAsync(opened)).Notes.Select(n => n.Text));
        Assert.Equal([(the.Centre.UnitId, until.Ticks / 10), (the.Labor.UnitId, until.AddDays(-2).Ticks / 10)], await ScopesAsync());
        Assert.Equal([(the.Centre.UnitId, until.Ticks / 10, true), (the.Labor.UnitId, until.AddDays(-2).Ticks / 10, true)], await LinesAsync());

        own.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal([(the.Centre.UnitId, until.Ticks / 10)], await ScopesAsync());
        Assert.Equal([(the.Centre.UnitId, until.Ticks / 10, true), (the.Labor.UnitId, until.AddDays(-2).Ticks / 10, false)], await LinesAsync());

        // Said again with a later end: the ledger has a line for it.
        await the.ProtectionCentre.ScopesUntilAsync(opened, the.Centre, until.AddDays(1), DomesticViolence);
        Assert.Equal(
            [(the.Centre.UnitId, until.Ticks / 10, false), (the.Centre.UnitId, until.AddDays(1).Ticks / 10, true), (the.Labor.UnitId, until.AddDays(-2).Ticks / 10, false)], await LinesAsync());
        own.Clock.Advance(TimeSpan.FromDays(3));
        Assert.Empty((await the.Centre.ReadsNotesAsync(opened)).Notes);
        Assert.All(await LinesAsync(), line => Assert.False(line.Open));
        Assert.Equal([true, false], (await the.Officer.AskAsync(to => to.Audit.ListPossibleViewersAsync(new()
        {
            Context = the.Officer.Context(), NationalId = family.Child.NationalId.Canonical,
        }))).Viewers.Where(v => v.UnitId == the.Centre.UnitId && v.Ground == Wire.ViewingGround.Case)
            .Select(v => v.Classes.Contains(DomesticViolence)));
        // The primary may not see it any more, so it may not put it onto a scope either.
        Assert.Equal(Wire.ErrorReason.ViewNotPermitted, (await Refused.ByAsync(() => the.Centre.ScopesAsync(opened, the.Labor, DomesticViolence))).Reason);

        async Task<IEnumerable<(string UnitId, long Until)>> ScopesAsync() => (await the.ProtectionCentre.SeesCaseAsync(opened)).Case.Participants
            .Where(p => p.ProtectiveClasses.Count > 0 || p.ProtectiveUntil is not null).Select(p => (p.UnitId, p.ProtectiveUntil.ToDateTimeOffset().Ticks / 10)).Order();

        async Task<IEnumerable<(string UnitId, long Until, bool Open)>> LinesAsync() => (await the.Officer.ListsDisclosuresAsync(family.Child.NationalId.Canonical))
            .Where(line => line.Step == Wire.DisclosureStep.ServiceScope).Select(line => (line.ToUnitId, line.Until.ToDateTimeOffset().Ticks / 10, line.Open)).Order();
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task An_end_is_in_the_future_and_of_something()
    {
        var opened = (await CaseAsync()).CaseId;
        await The.Centre.AsksInAsync(opened, The.ProtectionCentre, Wire.Article6Service.CareVisit);
        await The.ProtectionCentre.JoinsAsync(opened);
        var past = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField,
            () => The.ProtectionCentre.ScopesUntilAsync(opened, The.Centre, Exchange.Clock.GetUtcNow().AddMinutes(-1), DomesticViolence));
        var ofNothing = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.ProtectionCentre.ScopesUntilAsync(opened, The.Centre, Exchange.Clock.GetUtcNow().AddDays(1)));
        Assert.All((Refused[])[past, ofNothing], refused => Assert.Equal("protective_until", Assert.Single(refused.Refusal.Faults).Field));
        Assert.Empty((await The.ProtectionCentre.SeesCaseAsync(opened)).Case.Participants.SelectMany(p => p.ProtectiveClasses));
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task What_a_referral_brings_onto_a_scope_ends_as_the_view_of_the_referral_does()
    {
        var family = Some.Family();
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.ProtectionCentre, Wire.Article6Service.CareVisit);
        await The.ProtectionCentre.JoinsAsync(opened.CaseId);
        var until = Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow().AddDays(2));
        var request = Some.Referral(The.ProtectionCentre, The.WomenChildrenPolice.UnitId, Some.SubjectOf(family.Child), Wire.Article6Service.PersonalSafety, opened.CaseId);
        request.View = Some.View(DomesticViolence);
        request.View.Until = until;
        await The.WomenChildrenPolice.MovesAsync((await The.ProtectionCentre.RefersAsync(request)).ReferralId, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        var part = (await The.ProtectionCentre.SeesCaseAsync(opened.CaseId)).Case.Participants.Single(p => p.UnitId == The.WomenChildrenPolice.UnitId);
        Assert.Equal((DomesticViolence, until.ToDateTimeOffset().Ticks / 10), (Assert.Single(part.ProtectiveClasses), part.ProtectiveUntil.ToDateTimeOffset().Ticks / 10));
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public void One_scope_has_one_end_and_of_two_the_earlier()
    {
        var now = new DateTimeOffset(2026, 3, 1, 9, 0, 0, TimeSpan.Zero);
        var (violence, both) = (ClassSet.Of(DomesticViolence).Bits, ClassSet.Of(DomesticViolence, SexualAssault).Bits);
        DateTimeOffset? early = now.AddDays(1), late = now.AddDays(2);
        foreach (var (one, further, joined, common) in ((ProtectiveScope, ProtectiveScope, ProtectiveScope, ProtectiveScope)[])
            [
                (new(violence, null), new(violence, early), new(violence, null), new(violence, early)),
                (new(violence, late), new(both, early), new(both, early), new(violence, early)),
                (new(violence, early), new(both, null), new(both, early), new(violence, early)),
                (new(0, null), new(both, late), new(both, late), new(0, late)),
                (new(violence, now), new(both, late), new(both, late), new(0, now)),
                (new(violence, late), new(both, now), new(violence, late), new(0, now)),
            ])
        {
            Assert.Equal((joined, common), (one.Joined(further, now), one.Common(further, now)));
        }

        Assert.Equal((false, true), (new ProtectiveScope(both, early).At(now).IsEmpty, new ProtectiveScope(both, early).At(early.Value).IsEmpty));
    }

    private async Task<Wire.Case> CaseAsync() => await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(Some.Family().Child))).ReferralId);

    private Wire.InviteUnitRequest Invite(string caseId, Party whom, Wire.Article6Service service, params Wire.ConfidentialityClass[] classes) => Invite(The, caseId, whom, service, classes);

    private static Wire.InviteUnitRequest Invite(The the, string caseId, Party whom, Wire.Article6Service service, params Wire.ConfidentialityClass[] classes) => new()
    {
        Context = the.Centre.Context(Wire.Purpose.CaseCoordination, inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId, UnitId = whom.UnitId, Services = { service },
        ProtectiveClasses = { classes },
    };
}
