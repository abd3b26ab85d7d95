using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Conferences;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.ViewingGround;

namespace SafetyNet.Exchange.Tests.Audit;

[Trait("Rule", "R-AUD-4")]
public sealed class PossibleViewersTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass Identity = Wire.ConfidentialityClass.Identity;

    [Fact]
    public async Task Everyone_who_could_have_looked_is_listed_with_what_it_could_see_and_how_often_it_did()
    {
        var family = Some.Family();
        var (child, begin) = (family.Child.NationalId.Canonical, Exchange.Clock.GetUtcNow());
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var opened = (await The.Centre.OpensCaseAsync(referral.ReferralId)).CaseId;
        await The.Centre.AsksInAsync(opened, The.Labor, Wire.Article6Service.EmploymentGuidance);
        var invited = Exchange.Clock.GetUtcNow();
        await The.Labor.JoinsAsync(opened);
        await The.Centre.WritesAsync(The.Centre.Note(opened, CaseNote, "家訪一次", new Wire.NoteShare { UnitId = The.Labor.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver }));
        await The.Centre.ConvenesAsync(The.Centre.Conference(opened, Exchange.Clock.GetUtcNow().AddDays(3), [The.WomenChildrenPolice], Identity));
        var grant = await The.Centre.GrantsAsync((await The.Police.AppliesAsync(The.Police.Application(Exchange, child, Identity))).GrantId);
        var seen = await The.Centre.LooksUpAsync(child, inCase: opened);
        await The.Centre.LooksUpAsync(child, inCase: opened);
        await The.Centre.RevokesAsync(grant.GrantId);

        var listed = await ListAsync(The.Officer, child, begin.AddSeconds(-1));
        Assert.False(listed.Incomplete);
        Assert.Equal(
            [
                (The.Centre.UnitId, ReferralReceived), (The.School.UnitId, ReferralSent), (The.Centre.UnitId, Wire.ViewingGround.Case), (The.Labor.UnitId, Wire.ViewingGround.Case),
                (The.Labor.UnitId, NoteShare), (The.WomenChildrenPolice.UnitId, Conference), (The.Police.UnitId, Grant),
            ],
            listed.Viewers.Select(v => (v.UnitId, v.Ground)));
        Wire.PossibleViewer Of(Party unit, Wire.ViewingGround ground) => listed.Viewers.Single(v => v.UnitId == unit.UnitId && v.Ground == ground);

        var primary = Of(The.Centre, Wire.ViewingGround.Case);
        Assert.Equal(($"case/{opened}", Wire.Jurisdiction.Tpe, "dosw", null), (primary.Resource, primary.Jurisdiction, primary.AgencyCode, primary.Until));
        Assert.Empty(seen.Disclosure.ShownClasses.Except(primary.Classes).Except([NotPersonal, PublicStatus]));
        Assert.DoesNotContain(ReporterIdentity, primary.Classes);
        Assert.InRange(primary.Accesses, 2, 12);
        Assert.Equal([Identity], Of(The.Police, Grant).Classes);
        Assert.NotNull(Of(The.Police, Grant).Until);
        Assert.Equal(0, Of(The.WomenChildrenPolice, Conference).Accesses);
        Assert.Contains(Identity, Of(The.WomenChildrenPolice, Conference).Classes);
        Assert.Contains(CaseNote, Of(The.Labor, NoteShare).Classes);
        Assert.Empty(Of(The.School, ReferralSent).Classes.Except([Identity, Contact]));

        Assert.DoesNotContain((await ListAsync(The.Officer, child, begin.AddSeconds(-1), invited)).Viewers, v => v.Ground is NoteShare or Conference or Grant);
        Assert.Empty((await ListAsync(The.Officer, child, begin.AddDays(-2), begin.AddDays(-1))).Viewers);
        Assert.Empty((await ListAsync(The.OfficerOfTaoyuan, child, begin.AddSeconds(-1))).Viewers);
        Assert.Empty((await ListAsync(The.Officer, Some.StrangersId(), begin)).Viewers);
    }

    [Fact]
    public async Task Who_owes_an_item_of_a_conference_could_see_its_class_until_it_is_done()
    {
        var (subject, begin) = (Some.Stranger(), Exchange.Clock.GetUtcNow().AddSeconds(-1));
        var met = await The.Centre.HoldsAsync(Exchange, await The.SharedCaseAsync(The.Centre, subject), Wire.ConferenceLevel.Case, [The.Labor], CaseNote, Economic);
        var item = (await The.Centre.ResolvesAsync(met, The.Labor.Owes("媒合就業")))[0].ItemId;
        async Task<Wire.PossibleViewer> Owner() => Assert.Single((await ListAsync(The.Officer, subject.NationalId, begin)).Viewers, viewer => viewer.Resource == $"item/{item}" && viewer.UnitId == The.Labor.UnitId);
        var viewer = await Owner();
        Assert.Equal((Conference, The.Labor.UnitId, null), (viewer.Ground, viewer.UnitId, viewer.Until));
        Assert.Equal([CaseNote], viewer.Classes);
        await The.Labor.FinishesAsync(item);
        await The.Centre.ConfirmsAsync(item);
        Assert.NotNull((await Owner()).Until);
    }

    [Fact]
    public async Task Who_broke_the_glass_could_see_until_it_closed()
    {
        var child = Some.Family().Child.NationalId.Canonical;
        var duty = The.Police.As(Wire.ActorRole.DutyOfficer, $"P{Random.Shared.Next(100_000, 999_999)}");
        var breaking = new Wire.BreakGlassRequest { Context = duty.Context(Wire.Purpose.CrisisResponse, Wire.LegalBasis.ImminentDanger), RequestId = Some.RequestId(), NationalId = child };
        breaking.Context.Justification = GrantMoves.Why;
        var broken = (await duty.AskAsync(to => to.BreakGlass.BreakGlassAsync(breaking))).Opened;
        var viewer = Assert.Single((await ListAsync(The.Officer, child, Exchange.Clock.GetUtcNow().AddHours(-1))).Viewers);
        Assert.Equal((Wire.ViewingGround.BreakGlass, $"break-glass/{broken.BreakGlassId}", broken.BrokenAt, broken.Until), (viewer.Ground, viewer.Resource, viewer.Since, viewer.Until));
        Assert.Contains(Identity, viewer.Classes);
        await The.Officer.AskAsync(to => to.BreakGlass.ReviewBreakGlassAsync(new()
        {
            Context = The.Officer.Context(), RequestId = Some.RequestId(), BreakGlassId = broken.BreakGlassId, Verdict = Wire.BreakGlassVerdict.NotJustified, Reason = GrantMoves.Why,
        }));
        var closed = Assert.Single((await ListAsync(The.Officer, child, Exchange.Clock.GetUtcNow().AddHours(-1))).Viewers);
        Assert.True(closed.Until.ToDateTimeOffset() <= Exchange.Clock.GetUtcNow());
    }

    private static Task<Wire.ListPossibleViewersResponse> ListAsync(Party officer, string nationalId, DateTimeOffset after, DateTimeOffset? before = null)
    {
        var request = new Wire.ListPossibleViewersRequest { Context = officer.Context(), NationalId = nationalId, After = Timestamp.FromDateTimeOffset(after) };
        if (before is { } until) request.Before = Timestamp.FromDateTimeOffset(until);
        return officer.AskAsync(to => to.Audit.ListPossibleViewersAsync(request));
    }
}
