using SafetyNet.Exchange.Tests.BreakGlass;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Existence;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Visits;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Stories;

/// <summary>
/// A family of domestic violence and five agencies: the protection centre leads for the mother and child who fled, mental health treats the father, labor and the police serve the mother, the
/// school referred the child. Whatever anybody is careless enough to share, where they live reaches nobody who must not know.
/// </summary>
[Trait("Rule", "R-NTK-10")]
[Trait("Rule", "R-NTK-12")]
[Trait("Rule", "R-NTK-17")]
[Trait("Rule", "R-CASE-1")]
[Trait("Rule", "R-CASE-2")]
[Trait("Rule", "R-CASE-3")]
public sealed class DomesticViolenceStoryTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass Identity = Wire.ConfidentialityClass.Identity;

    private const string Treatment = "完成加害人處遇計畫二十四週", JobGoal = "兩個月內媒合日班工作";

    private readonly Refuge _family = Refuge.First();

    private string Place => $"母子現住{_family.Home.Address}，聯絡電話{_family.Mother.Phone}";

    [Fact]
    public async Task Where_the_mother_fled_to_reaches_nobody_who_serves_the_other_party_by_any_way()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (school, treatment, labor, police) = (new Overheard(the.School), new Overheard(the.MentalHealthCentre), new Overheard(the.Labor), new Overheard(the.WomenChildrenPolice));
        var victims = new Overheard(the.ProtectionCentre);
        var child = Some.SubjectOf(_family.Child);
        child.Phone = "";
        var referral = (await victims.HearsAsync(by => by.TakesInAsync(the.School, child))).ReferralId;
        var id = (await victims.HearsAsync(by => by.OpensCaseAsync(referral, _family.Mother.Id, _family.Father.Id))).CaseId;
        await victims.By.MarksOtherPartyAsync(id, _family.Father.NationalId.Canonical);
        await victims.By.AsksInAsync(id, the.MentalHealthCentre, Wire.Article6Service.MentalHealth, _family.Father.Id);
        await victims.By.AsksInAsync(id, the.Labor, Wire.Article6Service.EmploymentGuidance, _family.Mother.Id);
        await victims.By.AsksInAsync(id, the.WomenChildrenPolice, Wire.Article6Service.PersonalSafety, _family.Mother.Id, _family.Child.Id);
        foreach (var unit in (Overheard[])[treatment, labor, police]) await unit.HearsAsync(by => by.JoinsAsync(id));

        var ids = await ShareCarelesslyAsync(own, the, id);
        await VictimsSeeAsync(victims, id);
        await TreatmentSeesAsync(treatment, id, ids);
        await LaborSeesAsync(labor, id);
        await PoliceSeeAsync(police, id);
        await SchoolSeesAsync(school, referral, id);

        foreach (var unit in (Overheard[])[treatment, labor, school]) await AskEverythingAsync(unit, ids);
        Assert.True(treatment is { Answers: > 100, Refusals: > 100 }, $"{treatment.Answers} answers, {treatment.Refusals} refusals");
        foreach (var unit in (Overheard[])[treatment, labor, school]) Assert.Empty(unit.Find(_family.Secrets));
        // The same look finds all of it where it belongs.
        Assert.Equal(_family.Secrets.Count, victims.Find(_family.Secrets).Select(found => found.Split(" by: ")[0]).Distinct().Count());
        Assert.NotEmpty(police.Find(_family.Secrets));
    }

    /// <summary>The protection centre shares with everybody what nobody but itself should read, by every step there is.</summary>
    private async Task<Ids> ShareCarelesslyAsync(TestExchange own, The the, string id)
    {
        var (by, of) = (the.ProtectionCentre, new VisitedCase(id, _family.Child.Id.ToString()));
        Wire.NoteShare[] shares = [NoteVersionTests.Share(the.MentalHealthCentre), NoteVersionTests.Share(the.Labor)];
        var note = await by.WritesAsync(by.Note(id, Contact, Place, shares));
        await by.WritesAsync(by.Note(id, Household, $"母子與友人同住：{Place}", NoteVersionTests.Share(the.MentalHealthCentre)));
        await by.AmendsAsync(by.Amendment(id, note, $"{Place}（更正電話）", corrects: true));
        var correction = await by.CorrectsAsync(Wire.DisclosureStep.NoteShare, note.NoteId, _family.Father.NationalId.Canonical, Contact, Place);
        await by.SetsGoalAsync(by.Goal(id, the.MentalHealthCentre, $"不得接近{Place}", Contact));
        await by.SetsGoalAsync(by.Goal(id, the.MentalHealthCentre, Treatment));
        await by.SetsGoalAsync(by.Goal(id, the.Labor, JobGoal));
        var visit = (await by.PlansAsync(by.Plan(of, own.Clock.GetUtcNow().DayIn()))).VisitId;
        await by.VisitsAsync(by.Visit(visit, own.Clock.GetUtcNow().AddMinutes(-20), Place, CaseNote));

        var within = Some.Referral(by, the.MentalHealthCentre.UnitId, Some.SubjectOf(_family.Father, _family.FathersHome), Wire.Article6Service.MentalHealth, id);
        within.Facts.Add(Some.Fact(Contact, Place));
        await the.MentalHealthCentre.MovesAsync((await by.RefersAsync(within)).ReferralId, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        var about = Some.Referral(by, the.MentalHealthCentre.UnitId, Some.SubjectOf(_family.Child, _family.Home), Wire.Article6Service.MentalHealth);
        about.Facts.Add(Some.Fact(Contact, Place));
        var referral = (await by.RefersAsync(about)).ReferralId;
        await the.MentalHealthCentre.MovesAsync(referral, Wire.ReferralAction.See, Wire.ReferralAction.Accept);

        var meetingAt = own.Clock.GetUtcNow().AddDays(3);
        Assert.Equal(Wire.ErrorReason.ViewNotPermitted, (await Refused.ByAsync(() => by.ConvenesAsync(by.Conference(id, meetingAt, [the.MentalHealthCentre], Identity, Contact)))).Reason);
        var met = await by.ConvenesAsync(by.Conference(id, meetingAt, [the.MentalHealthCentre, the.Labor], Identity, Household, Involvement));
        var applied = await the.MentalHealthCentre.AppliesAsync(the.MentalHealthCentre.Application(own, _family.Mother.NationalId.Canonical, Identity, Contact));
        await by.GrantsAsync(applied.GrantId);
        var glass = await GlassMoves.BreaksAsync(the.MentalHealthCentre.As(Wire.ActorRole.Supervisor, "H9001"), _family.Mother.NationalId.Canonical);
        return new Ids(referral, id, _family.Child.NationalId.Canonical, _family.Child.Name, $"{_family.Child.BirthDate:yyyy-MM-dd}", _family.Child.Id.ToString(), The.NobodysUuid)
        {
            Conference = met.ConferenceId, Correction = correction.CorrectionId, Grant = applied.GrantId, BreakGlass = glass, Visit = visit,
        };
    }

    /// <summary>The primary unit: all of the family, all that it wrote, and who is the other party.</summary>
    private async Task VictimsSeeAsync(Overheard victims, string id)
    {
        var seen = await victims.HearsAsync(by => by.SeesCaseAsync(id));
        Assert.Equal(
            new[] { (_family.Child, _family.Home.Address, false), (_family.Mother, _family.Home.Address, false), (_family.Father, _family.FathersHome.Address, true) }
                .Select(one => (one.Item1.Id.ToString(), one.Item1.Name, one.Item2, one.Item1.Phone, one.Item3)).OrderBy(one => one.Item1, StringComparer.Ordinal),
            seen.Case.Subjects.Select(s => (s.PersonId, s.Name, s.Address, s.Phone, s.OtherParty)).OrderBy(one => one.PersonId, StringComparer.Ordinal));
        Assert.Equal(4, seen.Case.Participants.Count);
        var found = await victims.HearsAsync(by => by.LooksUpAsync(_family.Mother.NationalId.Canonical, inCase: id));
        Assert.Equal((_family.Home.Address, _family.Mother.Phone), (found.Person.Address, found.Person.Phone));
        Assert.Contains(found.Members, m => m.Person.PersonId == _family.Child.Id.ToString() && m.Person.Address == _family.Home.Address);
        Assert.Equal(2, (await victims.HearsAsync(by => by.ReadsNotesAsync(id, Wire.LegalBasis.SubjectWaiver))).Notes.Count);
        Assert.Equal(2, (await victims.HearsAsync(by => by.FindsNotesAsync(id, _family.Mother.Phone))).Notes.Count);
        Assert.Equal(3, (await victims.HearsAsync(by => by.ListsGoalsAsync(id))).Count(goal => goal.Words().Length > 0));
        var visit = Assert.Single(await victims.HearsAsync(by => by.ListsVisitsAsync(new() { CaseId = id, Listing = Wire.VisitListing.All })));
        Assert.Equal(Place, visit.Moves[^1].Text.Text);
    }

    /// <summary>Who treats the father: him, his home, its own goal; of mother and child that they are in the case where it was told so, and nothing that leads to them.</summary>
    private async Task TreatmentSeesAsync(Overheard treatment, string id, Ids ids)
    {
        var seen = await treatment.HearsAsync(by => by.SeesCaseAsync(id));
        var father = Assert.Single(seen.Case.Subjects);
        Assert.Equal((_family.Father.Name, _family.FathersHome.Address, _family.Father.Phone, false), (father.Name, father.Address, father.Phone, father.OtherParty));
        Assert.All(seen.Case.Participants, p => Assert.Equal("", p.UnitId == "tpe-cmhc" ? "" : p.WorkerPersonId + p.SupervisorPersonId));
        Assert.DoesNotContain(seen.Case.Participants.SelectMany(p => p.PersonIds), person => person != _family.Father.Id.ToString());

        var (fathers, mothers, childs) = (_family.Father.NationalId.Canonical, _family.Mother.NationalId.Canonical, _family.Child.NationalId.Canonical);
        var home = await treatment.HearsAsync(by => by.LooksUpAsync(fathers, inCase: id));
        Assert.Equal(_family.FathersHome.Address, home.Person.Address);
        AssertLeavesOut(home, mothers, childs);
        await treatment.RefusedAsync(Wire.ErrorReason.NotFound, by => by.LooksUpAsync(mothers, inCase: id));
        await treatment.RefusedAsync(Wire.ErrorReason.NotFound, by => by.LooksUpAsync(childs, inCase: id));
        // The child was referred to it: who that is, and no way there.
        AssertAlone(await treatment.HearsAsync(by => by.LooksUpAsync(childs, referral: ids.Referral)), _family.Child.Name);
        var (right, wrong) = (await ByNameAsync(_family.Home.District), await ByNameAsync("無此區"));
        Assert.Equal(right.Person, wrong.Person);
        var about = (await treatment.HearsAsync(by => by.ReadsAsync(ids.Referral)));
        Assert.Equal((_family.Child.Name, "", "", 0), (about.Subjects.Single().Name, about.Subjects.Single().Address, about.Subjects.Single().Phone, about.Facts.Count));
        Assert.All((await treatment.HearsAsync(by => by.AskAsync(to => to.Referrals.ListReferralsAsync(new() { Context = by.Context(), PageSize = 100 })))).Referrals, one => Assert.Empty(one.Facts));

        foreach (var basis in (Wire.LegalBasis[])[Wire.LegalBasis.Article6IntegratedService, Wire.LegalBasis.SubjectWaiver])
            Assert.Empty((await treatment.HearsAsync(by => by.ReadsNotesAsync(id, basis))).Notes);
        foreach (var word in (string[])["", "現住", _family.Home.District]) Assert.Empty((await treatment.HearsAsync(by => by.FindsNotesAsync(id, word))).Notes);
        Assert.Equal(["", "", Treatment], (await treatment.HearsAsync(by => by.ListsGoalsAsync(id))).Select(CaseLifeMoves.Words).Order(StringComparer.Ordinal));
        Assert.Empty(await treatment.HearsAsync(by => by.ListsVisitsAsync(new() { CaseId = id, Listing = Wire.VisitListing.All }, Wire.LegalBasis.SubjectWaiver)));
        foreach (var person in (string[])[mothers, childs]) await treatment.RefusedAsync(Wire.ErrorReason.NotFound, by => by.ListsDisclosuresAsync(person));

        // Told that something changed, and what was corrected; not to what.
        await treatment.HearsAsync(by => by.EmptiesInboxAsync());
        var corrections = (await treatment.HearsAsync(by => by.ListsCorrectionsAsync())).Select(one => one.CorrectionId).ToList();
        Assert.Equal((2, true), (corrections.Count, corrections.Contains(ids.Correction)));
        Assert.Empty(string.Concat((await treatment.HearsAsync(by => by.ReadsCorrectionAsync(ids.Correction))).Texts.Select(text => text.Wrong + text.Right)));
        // The other one goes by a person outside of its scope.
        foreach (var one in corrections) await Refused.IfAsync(() => treatment.HearsAsync(by => by.ReadsCorrectionAsync(one)));
        Assert.Contains(await treatment.HearsAsync(by => by.WatchesCasesAsync(CaseWatching.FromTheBeginning, TimeSpan.FromMilliseconds(400))), change => change.CaseId == id);

        // Granted carelessly, broken open, and on the table of a conference.
        AssertAlone(await treatment.HearsAsync(by => by.LooksUpOnAsync(by.On(ids.Grant), mothers)), _family.Mother.Name);
        Assert.DoesNotContain((await treatment.HearsAsync(by => by.SeesCaseOnAsync(by.On(ids.Grant), id))).Case.Subjects, s => s.PersonId != _family.Father.Id.ToString());
        Assert.Empty((await treatment.HearsAsync(by => by.ReadsNotesOnAsync(by.On(ids.Grant), id))).Notes);
        AssertAlone(await treatment.HearsAsync(by => by.AskAsync(to => to.Households.LookUpHouseholdAsync(new() { Context = GlassMoves.On(by, ids.BreakGlass), NationalId = mothers }))), _family.Mother.Name);
        var table = (await treatment.HearsAsync(by => by.SeesCaseAtAsync(ids.Conference, id))).Case;
        Assert.Equal(3, table.Subjects.Count);
        Assert.All(table.Subjects, s => Assert.Equal(("", ""), (s.Address, s.Phone)));
        foreach (var person in (string[])[mothers, childs]) AssertAlone(await treatment.HearsAsync(by => by.LooksUpAtAsync(ids.Conference, person)));
        Assert.Empty((await treatment.HearsAsync(by => by.ReadsNotesAtAsync(ids.Conference, id))).Notes);
        await treatment.HearsAsync(by => by.SeesConferenceAsync(ids.Conference));

        Task<Wire.LookUpHouseholdResponse> ByNameAsync(string district) => treatment.HearsAsync(by => by.AskAsync(to => to.Households.LookUpHouseholdAsync(new()
        {
            Context = by.Context(referral: ids.Referral),
            NameAndBirthDate = new() { Name = _family.Child.Name, BirthDate = $"{_family.Child.BirthDate:yyyy-MM-dd}", District = district },
        })), $"look-up by name in {district.Length} characters");
    }

    /// <summary>The employment service: the mother, without a way to her home; its own goal.</summary>
    private async Task LaborSeesAsync(Overheard labor, string id)
    {
        var seen = await labor.HearsAsync(by => by.SeesCaseAsync(id));
        var mother = Assert.Single(seen.Case.Subjects);
        Assert.Equal((_family.Mother.Name, $"{_family.Mother.BirthDate:yyyy-MM-dd}", "", ""), (mother.Name, mother.BirthDate, mother.Address, mother.Phone));
        Assert.Empty(seen.Case.Participants);
        Assert.Equal([Contact, Involvement], seen.Disclosure.WithheldClasses);
        var found = await labor.HearsAsync(by => by.LooksUpAsync(_family.Mother.NationalId.Canonical, inCase: id));
        Assert.Equal((_family.Mother.Name, "", "", 0, 0), (found.Person.Name, found.Person.Address, found.Person.Phone, found.Members.Count, found.Relatives.Count));
        Assert.Empty((await labor.HearsAsync(by => by.ReadsNotesAsync(id, Wire.LegalBasis.SubjectWaiver))).Notes);
        Assert.Equal(["", "", JobGoal], (await labor.HearsAsync(by => by.ListsGoalsAsync(id))).Select(CaseLifeMoves.Words).Order(StringComparer.Ordinal));
        await labor.HearsAsync(by => by.EmptiesInboxAsync());
    }

    /// <summary>The police of women and children: in everyday work who they are; in a crisis where.</summary>
    private async Task PoliceSeeAsync(Overheard police, string id)
    {
        var everyday = new Overheard(police.By);
        var seen = (await everyday.HearsAsync(by => by.SeesCaseAsync(id))).Case;
        Assert.Equal(new[] { _family.Child.Name, _family.Mother.Name }.Order(StringComparer.Ordinal), seen.Subjects.Select(s => s.Name).Order(StringComparer.Ordinal));
        Assert.All(seen.Subjects, s => Assert.Equal(("", ""), (s.Address, s.Phone)));
        Assert.Equal("", (await everyday.HearsAsync(by => by.LooksUpAsync(_family.Mother.NationalId.Canonical, inCase: id))).Person.Address);
        Assert.Empty((await everyday.HearsAsync(by => by.ReadsNotesAsync(id))).Notes);
        Assert.Empty(everyday.Find(_family.Secrets));
        var crisis = await police.HearsAsync(by => by.AskAsync(to => to.Households.LookUpHouseholdAsync(new()
        {
            Context = by.Context(Wire.Purpose.CrisisResponse, Wire.LegalBasis.ImminentDanger, inCase: id), NationalId = _family.Mother.NationalId.Canonical,
        })));
        Assert.Equal((_family.Home.Address, _family.Mother.Phone), (crisis.Person.Address, crisis.Person.Phone));
    }

    /// <summary>The school that referred: its own words, and how its referral stands.</summary>
    private async Task SchoolSeesAsync(Overheard school, string referral, string id)
    {
        var status = await school.HearsAsync(by => by.ReadsAsync(referral));
        Assert.Equal((Wire.ReferralState.Accepted, "", 0, _family.Child.Name, ""), (status.State, status.CaseId, status.Facts.Count, status.Subjects.Single().Name, status.Subjects.Single().Address));
        await school.RefusedAsync(Wire.ErrorReason.NotFound, by => by.SeesCaseAsync(id));
        await school.RefusedAsync(Wire.ErrorReason.NotFound, by => by.LooksUpAsync(_family.Child.NationalId.Canonical, inCase: id));
        await school.RefusedAsync(Wire.ErrorReason.NotFound, by => by.ListsGoalsAsync(id));
        await school.RefusedAsync(Wire.ErrorReason.NotFound, by => by.ReadsNotesAsync(id));
        Assert.All(await school.HearsAsync(by => by.ListsDisclosuresAsync(_family.Child.NationalId.Canonical)), line => Assert.Equal("tpe-school", line.FromUnitId));
        await school.HearsAsync(by => by.EmptiesInboxAsync());
    }

    /// <summary>Every method, about each of the family, by each step, for each purpose.</summary>
    private async Task AskEverythingAsync(Overheard unit, Ids ids)
    {
        var accesses = new List<Wire.AccessContext>();
        foreach (var (purpose, basis) in ((Wire.Purpose, Wire.LegalBasis)[])[(Wire.Purpose.CaseCoordination, Wire.LegalBasis.SubjectWaiver),
            (Wire.Purpose.CrisisResponse, Wire.LegalBasis.ImminentDanger), (Wire.Purpose.CaseConference, Wire.LegalBasis.ConferenceResolution)])
        {
            var context = unit.By.Context(purpose, basis);
            accesses.AddRange(
                new(context) { CaseId = ids.Case }, new(context) { ReferralId = ids.Referral }, new(context) { ConferenceId = ids.Conference }, new(context) { GrantId = ids.Grant },
                new(context) { BreakGlassId = ids.BreakGlass });
        }

        await unit.AsksEverythingAsync(
            [.. new[] { _family.Mother, _family.Child, _family.Father }.Select(p => ids with { NationalId = p.NationalId.Canonical, Name = p.Name, BirthDate = $"{p.BirthDate:yyyy-MM-dd}", Person = p.Id.ToString() })],
            accesses);
    }

    private static void AssertAlone(Wire.LookUpHouseholdResponse found, string? name = null)
    {
        if (name is not null) Assert.Equal(name, found.Person.Name);
        Assert.Equal(("", "", 0, 0), (found.Person.Address, found.Person.Phone, found.Members.Count, found.Relatives.Count));
    }

    private static void AssertLeavesOut(Wire.LookUpHouseholdResponse found, params string[] nationalIds) =>
        Assert.DoesNotContain(found.Members.Select(m => m.Person).Concat(found.Relatives.Select(r => r.Person)), person => nationalIds.Contains(person.NationalId));
}
