using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.NoticeKind;
using static SafetyNet.Exchange.V1.ReferralAction;

namespace SafetyNet.Exchange.Tests.Stories;

/// <summary>One family across five agencies: what each sees and does not see, field by field, what the log keeps, who hears of it.</summary>
public sealed class FamilyStoryTests(TestExchange exchange) : WireTests(exchange)
{
    private const string SchoolFact = "連續缺課 11 天";
    private const string MoneyFact = "積欠兩個月午餐費";
    private const string HomeFact = "母親獨力照顧";
    private const string JobFact = "餐飲業十年，可上日班";
    private const string MoodNote = "入睡困難、常自責";
    private const string ClosingRemark = "已穩定返校";

    private readonly Family _family = Some.Family();

    [Fact]
    [Trait("Rule", "R-NTK-2")]
    [Trait("Rule", "R-NTK-4")]
    [Trait("Rule", "R-NTK-17")]
    [Trait("Rule", "R-HH-2")]
    [Trait("Rule", "R-HH-6")]
    [Trait("Rule", "R-AUD-1")]
    [Trait("Rule", "R-AUD-4")]
    public async Task A_family_is_helped_by_five_agencies_and_each_sees_its_part()
    {
        var start = Exchange.RecordCount();
        var school = await SchoolRefersAsync();
        await CentreTakesInAsync(school);
        await CentreLooksUpAsync(school);
        var opened = await The.Centre.OpensCaseAsync(school, _family.Mother.Id);
        Assert.Equal(
            new[] { _family.Child.Id, _family.Mother.Id }.Select(id => id.ToString()).Order(StringComparer.Ordinal),
            opened.Subjects.Select(s => s.PersonId).Order(StringComparer.Ordinal));
        var job = await CentreAsksOthersInAsync(opened.CaseId);
        await LaborSeesItsPartAsync(opened.CaseId, job);
        await PoliceLearnNothingAsync(opened.CaseId);
        await HealthWritesNoteAsync(opened.CaseId);
        await CentreSeesWhoServesAsync(opened.CaseId);
        await LoopIsClosedAsync(school);
        await OfficerListsWhoSawTheChildAsync(start);
        AssertNotices(school, opened.CaseId, job);
    }

    private async Task<string> SchoolRefersAsync()
    {
        var request = Some.Referral(The.School, The.Centre.UnitId, Some.SubjectOf(_family.Child, _family.Home));
        request.View = Some.View(EducationRecord, Economic, Household);
        request.Facts.Add([Some.Fact(EducationRecord, SchoolFact), Some.Fact(Economic, MoneyFact), Some.Fact(Household, HomeFact)]);
        request.SourceSystem = Wire.SourceSystem.CampusSafety;
        var made = await The.School.AnswerAsync(to => to.Referrals.CreateReferralAsync(request));
        var seen = made.Value.Referral;
        Assert.Equal((Wire.ReferralState.Submitted, The.School.UnitId, The.Centre.UnitId, ""), (seen.State, seen.FromUnitId, seen.ToUnitId, seen.CaseId));
        Assert.Equal([Submit], seen.Moves.Select(m => m.Action));
        Assert.Equal(request.Subjects.Single(), seen.Subjects.Single());
        // Status and its own words about the person; what it told the centre is the centre's from now on (R-NTK-4).
        Assert.Empty(seen.Facts);

        var record = Exchange.RecordOf(made.Receipt);
        Assert.Equal(
            ("/safetynet.exchange.v1.ReferralService/CreateReferral", Wire.AuditOutcome.Permitted, Wire.Purpose.CaseCoordination, request.RequestId, "edu"),
            (record.Method, record.Outcome, record.Purpose, record.RequestId, record.AgencyCode));
        Assert.Equal([$"referral/{seen.ReferralId}"], record.Resources);
        Assert.Single(record.Subjects);
        return seen.ReferralId;
    }

    private async Task CentreTakesInAsync(string school)
    {
        Assert.Contains(await The.Centre.EmptiesInboxAsync(), n => n.Kind == ReferralReceived && n.ReferralId == school && n.UnitId == The.School.UnitId);
        var answer = await The.Centre.AskAsync(to => to.Referrals.GetReferralAsync(new() { Context = The.Centre.Context(referral: school), ReferralId = school }));
        var seen = answer.Referral;
        Assert.Equal((Wire.ReferralState.Delivered, Wire.SourceSystem.CampusSafety), (seen.State, seen.SourceSystem));
        Assert.Equal(
            (_family.Child.NationalId.Canonical, _family.Child.Name, $"{_family.Child.BirthDate:yyyy-MM-dd}", _family.Child.Phone, _family.Home.Address, _family.Child.Id.ToString()),
            (seen.Subjects[0].NationalId, seen.Subjects[0].Name, seen.Subjects[0].BirthDate, seen.Subjects[0].Phone, seen.Subjects[0].Address, seen.Subjects[0].PersonId));
        Assert.Equal([SchoolFact, MoneyFact, HomeFact], seen.Facts.Select(f => f.Text));
        Assert.Equal([Wire.Article6Service.CareVisit], seen.Services);
        Assert.Equal(Wire.ReferralState.InService, (await The.Centre.MovesAsync(school, See, Accept, BeginService)).State);
    }

    private async Task CentreLooksUpAsync(string school)
    {
        var answer = await The.Centre.AnswerAsync(to => to.Households.LookUpHouseholdAsync(The.Centre.LookUp(_family.Child.NationalId.Canonical, referral: school)));
        var seen = answer.Value;
        AssertIs(_family.Child, _family.Home.Address, seen.Person);
        var living = _family.Home.Members.Where(m => m.DeathDate is null && m.Number != _family.Child.Number).Select(m => (m.Id.ToString(), m.RelationText));
        Assert.Equal(living, seen.Members.Select(m => (m.Person.PersonId, m.Role)));
        AssertIs(_family.Mother, _family.Home.Address, seen.Members.Single(m => m.Person.PersonId == _family.Mother.Id.ToString()).Person);
        var mother = seen.Relatives.Single(r => r.Person.PersonId == _family.Mother.Id.ToString());
        Assert.Equal((Wire.Kinship.Parent, true), (mother.Kinship, mother.SameHousehold));
        var grandparent = seen.Relatives.Single(r => r.Person.PersonId == _family.Grandparent.Id.ToString());
        Assert.Equal((Wire.Kinship.Grandparent, false), (grandparent.Kinship, grandparent.SameHousehold));
        Assert.Equal([Wire.ConfidentialityClass.Identity, Contact, Household, Involvement], seen.Disclosure.ShownClasses);
        Assert.Empty(seen.Disclosure.WithheldClasses);

        var record = Exchange.RecordOf(answer.Receipt);
        Assert.Equal($"referral/{school}", record.Reference);
        Assert.Equal(seen.Disclosure.ShownClasses, record.ShownClasses);
        Assert.Contains(Wire.Relationship.Serving, record.Relationships);
        var persons = seen.Members.Select(m => m.Person).Concat(seen.Relatives.Select(r => r.Person)).Append(seen.Person).Select(p => p.NationalId);
        Assert.Equal(persons.Distinct(StringComparer.Ordinal).Count(), record.Subjects.Count);
        Assert.Equal(record.Subjects.Order(StringComparer.Ordinal), record.Subjects);
    }

    private async Task<string> CentreAsksOthersInAsync(string caseId)
    {
        var request = Some.Referral(The.Centre, The.Labor.UnitId, Some.SubjectOf(_family.Mother, _family.Home), Wire.Article6Service.EmploymentGuidance, caseId);
        request.View = Some.View(EmploymentRecord);
        request.Facts.Add(Some.Fact(EmploymentRecord, JobFact));
        var job = (await The.Centre.RefersAsync(request)).ReferralId;
        var asked = await The.Centre.AsksInAsync(caseId, The.MentalHealthCentre, Wire.Article6Service.MentalHealth, _family.Child.Id);
        Assert.Contains(asked.Participants, p => p.UnitId == The.MentalHealthCentre.UnitId && p.Role == Wire.ParticipantRole.Invited);
        // Asked is not in: an invited unit has no part to see yet.
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.MentalHealthCentre.SeesCaseAsync(caseId))).Reason);
        return job;
    }

    private async Task LaborSeesItsPartAsync(string caseId, string job)
    {
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.Labor.SeesCaseAsync(caseId))).Reason);
        await The.Labor.EmptiesInboxAsync();
        var accepted = await The.Labor.MovesAsync(Accept, job);
        Assert.Equal([JobFact], accepted.Facts.Select(f => f.Text));
        Assert.Equal(_family.Mother.Name, accepted.Subjects.Single().Name);

        var seen = await The.Labor.SeesCaseAsync(caseId);
        Assert.Equal(
            (Wire.CaseState.Open, Wire.ParticipantRole.Serving, Wire.Jurisdiction.Tpe), (seen.Case.State, seen.Case.OwnRole, seen.Case.Jurisdiction));
        Assert.Equal([Wire.Article6Service.EmploymentGuidance], seen.Case.OwnServices);
        Assert.Equal([_family.Mother.Id.ToString()], seen.Case.Subjects.Select(s => s.PersonId));
        Assert.Empty(seen.Case.Participants);
        Assert.Equal([Involvement], seen.Disclosure.WithheldClasses);
    }

    private async Task PoliceLearnNothingAsync(string caseId)
    {
        var child = await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Police.LooksUpAsync(_family.Child.NationalId.Canonical, inCase: caseId));
        var nobody = await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Police.LooksUpAsync(Some.StrangersId(), inCase: caseId));
        Assert.Equal(nobody.Look(), child.Look());
    }

    private async Task HealthWritesNoteAsync(string caseId)
    {
        Assert.Contains(await The.MentalHealthCentre.EmptiesInboxAsync(), n => n.Kind == CaseInvitation && n.CaseId == caseId && n.ReferralId.Length == 0);
        var joined = await The.MentalHealthCentre.JoinsAsync(caseId);
        Assert.Equal(Wire.ParticipantRole.Serving, joined.OwnRole);
        Assert.Equal([_family.Child.Id.ToString()], joined.Subjects.Select(s => s.PersonId));

        var share = new Wire.NoteShare { UnitId = The.Centre.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver };
        await The.MentalHealthCentre.WritesAsync(The.MentalHealthCentre.Note(caseId, MentalHealth, MoodNote, share));
        Assert.Equal([MoodNote], (await The.Centre.ReadsNotesAsync(caseId, Wire.LegalBasis.SubjectWaiver)).Notes.Select(n => n.Text));
        Assert.Equal([MoodNote], (await The.MentalHealthCentre.ReadsNotesAsync(caseId)).Notes.Select(n => n.Text));
        var labor = await The.Labor.ReadsNotesAsync(caseId, Wire.LegalBasis.SubjectWaiver);
        Assert.Empty(labor.Notes);
        Assert.Contains(Wire.ConfidentialityClass.CaseNote, labor.Disclosure.WithheldClasses);
        Assert.DoesNotContain(MentalHealth, labor.Disclosure.ShownClasses);
    }

    private async Task CentreSeesWhoServesAsync(string caseId)
    {
        var seen = await The.Centre.LooksUpAsync(_family.Child.NationalId.Canonical, inCase: caseId);
        Assert.Equal(2, seen.Involvements.Count);
        var labor = seen.Involvements.Single(i => i.AgencyKind == Wire.AgencyKind.Labor);
        Assert.Equal((Wire.InvolvementGrade.Unit, The.Labor.UnitId, false), (labor.Grade, labor.UnitId, labor.Primary));
        var health = seen.Involvements.Single(i => i.AgencyKind == Wire.AgencyKind.Health);
        Assert.Equal((Wire.InvolvementGrade.System, ""), (health.Grade, health.UnitId));
        Assert.All(seen.Involvements, i => Assert.NotEmpty(i.ContactWindow));

        // Health looks too: the primary hears that it was shown who serves (R-HH-6).
        var byHealth = await The.MentalHealthCentre.LooksUpAsync(_family.Child.NationalId.Canonical, inCase: caseId);
        Assert.Contains(byHealth.Involvements, i => i.UnitId == The.Centre.UnitId && i.Primary);
    }

    private async Task LoopIsClosedAsync(string school)
    {
        await The.Centre.MovesAsync(Close, school, remark: ClosingRemark);
        var seen = await The.School.AskAsync(to => to.Referrals.GetReferralAsync(new() { Context = The.School.Context(referral: school), ReferralId = school }));
        Assert.Equal((Wire.ReferralState.Closed, Wire.ReferralOutcome.GoalsMet), (seen.Referral.State, seen.Referral.Outcome));
        Assert.Equal([Submit, Deliver, See, Accept, BeginService, Close], seen.Referral.Moves.Select(m => m.Action));
        Assert.All(seen.Referral.Moves, m => Assert.Empty(m.Remark));
        Assert.Empty(seen.Referral.Facts);
        Assert.Contains(Wire.ConfidentialityClass.CaseNote, seen.Disclosure.WithheldClasses);
        Assert.DoesNotContain(ClosingRemark, seen.ToString(), StringComparison.Ordinal);
    }

    private async Task OfficerListsWhoSawTheChildAsync(long start)
    {
        var listed = await The.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new()
        {
            Context = The.Officer.Context(), NationalId = _family.Child.NationalId.Canonical, PageSize = 500,
        }));
        var entries = listed.Entries.Where(e => (long)e.Position >= start).Select(e => e.Record).ToList();
        Assert.All(entries, e => Assert.Contains(listed.Pseudonym, e.Subjects));
        Assert.Equal(
            new[] { The.School, The.Centre, The.MentalHealthCentre, The.Police }.Select(p => p.UnitId).Order(StringComparer.Ordinal),
            entries.Select(e => e.ActorUnitId).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        var police = Assert.Single(entries, e => e.ActorUnitId == The.Police.UnitId);
        Assert.Equal((Wire.AuditOutcome.Refused, "NOT_FOUND", Wire.Purpose.ServiceDelivery), (police.Outcome, police.Reason, police.Purpose));
        Assert.All(entries.Where(e => !ReferenceEquals(e, police)), e => Assert.Equal(Wire.AuditOutcome.Permitted, e.Outcome));
        Assert.All(entries, e => Assert.NotEqual(Wire.LegalBasis.Unspecified, e.LegalBasis));
        // The look-up of the officer is a record about the child too.
        Assert.Contains(Exchange.RecordsFrom(start), r => r.ActorUnitId == The.Officer.UnitId && r.Subjects.Contains(listed.Pseudonym));
    }

    private void AssertNotices(string school, string caseId, string job)
    {
        Assert.Equal([(ReferralReceived, The.School.UnitId)], Exchange.NoticesAbout(The.Centre.UnitId, school));
        Assert.Equal(Enumerable.Repeat((ReferralMoved, The.Centre.UnitId), 5), Exchange.NoticesAbout(The.School.UnitId, school));
        Assert.Equal([(ReferralReceived, The.Centre.UnitId)], Exchange.NoticesAbout(The.Labor.UnitId, job));
        Assert.Equal([(CaseInvitation, The.Centre.UnitId)], Exchange.NoticesAbout(The.MentalHealthCentre.UnitId, caseId));
        Assert.Equal(
            [
                (ReferralMoved, The.Labor.UnitId), (CaseJoined, The.Labor.UnitId), (ReferralMoved, The.Labor.UnitId), (CaseJoined, The.MentalHealthCentre.UnitId),
                (NoteShared, The.MentalHealthCentre.UnitId), (HouseholdLookedUp, The.MentalHealthCentre.UnitId),
            ],
            Exchange.NoticesAbout(The.Centre.UnitId, caseId));
        Assert.Empty(Exchange.NoticesAbout(The.Police.UnitId, caseId));
    }

    private static void AssertIs(Sandbox.Population.SyntheticPerson expected, string address, Wire.Person seen) => Assert.Equal(
        (expected.Id.ToString(), expected.NationalId.Canonical, expected.Name, $"{expected.BirthDate:yyyy-MM-dd}", address, expected.Phone),
        (seen.PersonId, seen.NationalId, seen.Name, seen.BirthDate, seen.Address, seen.Phone));
}
