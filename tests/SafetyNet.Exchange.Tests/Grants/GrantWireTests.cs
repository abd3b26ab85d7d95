using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.NoticeKind;

namespace SafetyNet.Exchange.Tests.Grants;

[Trait("Rule", "R-NTK-12")]
public sealed class GrantWireTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task A_unit_without_a_relationship_sees_what_the_primary_granted_and_no_more()
    {
        var family = Some.Family();
        var id = family.Child.NationalId.Canonical;
        var opened = await GrantMoves.CaseOfAsync(The, family);
        var applied = await The.Police.AppliesAsync(The.Police.Application(Exchange, id, Identity, Contact, Household, PublicStatus));
        Assert.Equal((Wire.GrantState.Applied, id, GrantMoves.Why, ""), (applied.State, applied.NationalId, applied.Justification, applied.CaseId));
        await AssertNotFoundAsync(() => The.Police.LooksUpOnAsync(The.Police.On(applied.GrantId), id));

        var received = await The.Centre.SeesGrantAsync(applied.GrantId);
        Assert.Equal((id, GrantMoves.Why, opened.CaseId, The.Police.UnitId), (received.NationalId, received.Justification, received.CaseId, received.FromUnitId));
        var granted = await The.Centre.GrantsAsync(applied.GrantId, Identity, Contact, PublicStatus);
        Assert.Equal((Wire.GrantState.Granted, applied.Until), (granted.State, granted.GrantedUntil));

        var seen = await The.Police.LooksUpOnAsync(The.Police.On(applied.GrantId), id);
        Assert.Equal((family.Child.Name, family.Child.Phone, family.Home.Address), (seen.Person.Name, seen.Person.Phone, seen.Person.Address));
        Assert.Empty(seen.Members);
        Assert.Empty(seen.Involvements);
        Assert.Equal([Household, Involvement], seen.Disclosure.WithheldClasses);
        var inCase = (await The.Police.SeesCaseOnAsync(The.Police.On(applied.GrantId), opened.CaseId)).Case;
        Assert.Equal((Wire.CaseState.Open, Wire.ParticipantRole.Unspecified), (inCase.State, inCase.OwnRole));
        Assert.Equal(family.Child.Name, Assert.Single(inCase.Subjects).Name);
        Assert.Empty(inCase.Participants);
        // For this person, this unit, this purpose.
        await AssertNotFoundAsync(() => The.Police.LooksUpOnAsync(The.Police.On(applied.GrantId), family.Mother.NationalId.Canonical));
        await AssertNotFoundAsync(() => The.Labor.LooksUpOnAsync(The.Labor.On(applied.GrantId), id));
        await AssertNotFoundAsync(() => The.Police.LooksUpOnAsync(The.Police.On(applied.GrantId, Wire.Purpose.ServiceDelivery), id));
        Assert.Equal([(GrantDecided, The.Centre.UnitId)], NoticesOf(The.Police, applied.GrantId));
        Assert.Equal([(GrantApplied, The.Police.UnitId)], NoticesOf(The.Centre, applied.GrantId));
    }

    [Fact]
    public async Task A_grant_opens_what_reads_and_nothing_that_changes()
    {
        var family = Some.Family();
        var opened = await GrantMoves.CaseOfAsync(The, family);
        var grant = await GrantedAsync(The.Labor, family, Identity, Wire.ConfidentialityClass.CaseNote, EmploymentRecord);
        await AssertNotFoundAsync(() => The.Labor.AskAsync(to => to.Cases.InviteUnitAsync(new()
        {
            Context = The.Labor.On(grant.GrantId), RequestId = Some.RequestId(), CaseId = opened.CaseId, UnitId = The.Police.UnitId, Services = { Wire.Article6Service.PersonalSafety },
        })));
        var note = The.Labor.Note(opened.CaseId, EmploymentRecord, "不應寫入");
        note.Context = The.Labor.On(grant.GrantId);
        await AssertNotFoundAsync(() => The.Labor.WritesAsync(note));
    }

    [Fact]
    [Trait("Abuse", "B38")]
    public async Task A_note_is_read_on_a_grant_of_notes_and_of_its_own_class()
    {
        var family = Some.Family();
        var opened = await GrantMoves.CaseOfAsync(The, family);
        foreach (var (one, text) in ((Wire.ConfidentialityClass, string)[])[(EmploymentRecord, "就業一"), (Economic, "經濟"), (EmploymentRecord, "就業二"), (WorkersRecord, "紀錄")])
            await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, one, text));

        var withoutFrame = await GrantedAsync(The.Labor, family, EmploymentRecord, PublicStatus);
        Assert.Empty((await The.Labor.ReadsNotesOnAsync(The.Labor.On(withoutFrame.GrantId), opened.CaseId)).Notes);
        var withoutContent = await GrantedAsync(The.Labor, family, WorkersRecord);
        Assert.Equal(["紀錄"], (await The.Labor.ReadsNotesOnAsync(The.Labor.On(withoutContent.GrantId), opened.CaseId)).Notes.Select(n => n.Text));
        var both = await GrantedAsync(The.Labor, family, WorkersRecord, EmploymentRecord);
        var first = await The.Labor.ReadsNotesOnAsync(The.Labor.On(both.GrantId), opened.CaseId, size: 2);
        Assert.Equal(["就業一", "就業二"], first.Notes.Select(n => n.Text));
        var second = await The.Labor.ReadsNotesOnAsync(The.Labor.On(both.GrantId), opened.CaseId, size: 2, first.NextPageToken);
        Assert.Equal(["紀錄"], second.Notes.Select(n => n.Text));
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task An_application_for_a_person_who_does_not_exist_looks_like_one_for_a_person_with_a_case()
    {
        var family = Some.Family();
        await GrantMoves.CaseOfAsync(The, family);
        var until = Exchange.InDays(30);
        var before = Exchange.CountRows();
        var answers = new List<(string Told, IReadOnlyDictionary<string, long> Rows)>();
        var ids = new List<string>();
        // Whoever has a case; a known person without any; a stranger to every register.
        foreach (var nationalId in (string[])[family.Child.NationalId.Canonical, Some.Family().Child.NationalId.Canonical, Some.StrangersId()])
        {
            var request = The.Police.Application(Exchange, nationalId, Identity, Contact);
            request.Until = until;
            var answer = await The.Police.AnswerAsync(to => to.Grants.ApplyForGrantAsync(request));
            var after = Exchange.CountRows();
            answers.Add((Bare(answer.Value, nationalId), after.ToDictionary(t => t.Key, t => t.Value - before[t.Key], StringComparer.Ordinal)));
            before = after;
            ids.Add(answer.Value.Grant.GrantId);
            var record = Exchange.RecordOf(answer.Receipt);
            Assert.Equal([$"grant/{ids[^1]}"], record.Resources);
            Assert.Single(record.Subjects);
            var explained = (await The.Police.AskAsync(to => to.Audit.ExplainDecisionAsync(
                new() { Context = The.Police.Context(), DecisionId = answer.Receipt.DecisionId }))).ToString();
            before = Exchange.CountRows();
            answers[^1] = (answers[^1].Told + explained, answers[^1].Rows);
        }

        Assert.All(answers, a => Assert.Equal(answers[0].Told, a.Told));
        Assert.All(answers, a => Assert.Equal(answers[0].Rows.Where(r => r.Key != "inbox"), a.Rows.Where(r => r.Key != "inbox")));
        foreach (var grantId in ids)
        {
            Assert.Empty(NoticesOf(The.Police, grantId));
            Assert.Equal(Wire.GrantState.Applied, (await The.Police.SeesGrantAsync(grantId)).State);
            var own = await Refused.ByAsync(() => The.Police.GrantsAsync(grantId));
            Assert.Equal(Wire.ErrorReason.NotYourMove, own.Reason);
        }

        // Nobody is primary there, so nobody can decide.
        foreach (var grantId in ids[1..]) await AssertNotFoundAsync(() => The.Centre.GrantsAsync(grantId));
        await The.Centre.RefusesAsync(ids[0]);
        Assert.Equal(Wire.GrantState.Refused, (await The.Police.SeesGrantAsync(ids[0])).State);

        static string Bare(Wire.ApplyForGrantResponse answer, string nationalId)
        {
            var bare = answer.Clone();
            Assert.Equal(nationalId, bare.Grant.NationalId);
            (bare.Grant.GrantId, bare.Grant.NationalId, bare.Grant.AppliedAt, bare.Grant.MovedAt, bare.Disclosure.DecisionId) = ("", "", null, null, "");
            return $"{bare}{bare.CalculateSize()}";
        }
    }

    [Fact]
    public async Task The_household_s_primary_decides_where_the_person_has_no_case_of_its_own()
    {
        var family = Some.Family();
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        await The.Centre.OpensCaseAsync(referral.ReferralId);
        var id = family.Mother.NationalId.Canonical;
        var applied = await The.Police.AppliesAsync(The.Police.Application(Exchange, id, Identity));
        await The.Centre.GrantsAsync(applied.GrantId);
        Assert.Equal(family.Mother.Name, (await The.Police.LooksUpOnAsync(The.Police.On(applied.GrantId), id)).Person.Name);
    }

    [Fact]
    public async Task A_refusal_says_why_by_a_code_and_opens_nothing()
    {
        var family = Some.Family();
        await GrantMoves.CaseOfAsync(The, family);
        var applied = await The.Police.AppliesAsync(The.Police.Application(Exchange, family.Child.NationalId.Canonical, Identity));
        var missing = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.RefusesAsync(applied.GrantId, Wire.GrantRefusal.Unspecified));
        Assert.Equal("refusal", Assert.Single(missing.Refusal.Faults).Field);
        await The.Centre.RefusesAsync(applied.GrantId, Wire.GrantRefusal.ReferInstead);
        var seen = await The.Police.SeesGrantAsync(applied.GrantId);
        Assert.Equal((Wire.GrantState.Refused, Wire.GrantRefusal.ReferInstead, ""), (seen.State, seen.Refusal, seen.CaseId));
        await AssertNotFoundAsync(() => The.Police.LooksUpOnAsync(The.Police.On(applied.GrantId), family.Child.NationalId.Canonical));
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => The.Centre.GrantsAsync(applied.GrantId))).Reason);
    }

    [Fact]
    [Trait("Rule", "R-NTK-5")]
    public async Task Who_reported_is_never_granted_nor_what_the_unit_s_kind_may_not_hold()
    {
        var id = Some.Family().Child.NationalId.Canonical;
        var reporter = The.Police.Application(Exchange, id, Identity, ReporterIdentity);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Police.AppliesAsync(reporter));
        Assert.Equal("classes[1]", Assert.Single(refused.Refusal.Faults).Field);
        // Mental health outside of health needs a ground that carries it (R-NTK-8).
        var health = await AssertRefusedAloneAsync(
            Wire.ErrorReason.GrantNotPermitted, () => The.School.AppliesAsync(The.School.Application(Exchange, id, Identity, MentalHealth)));
        Assert.Equal("MENTAL_HEALTH", health.Refusal.Metadata["class"]);
        await The.School.AppliesAsync(The.School.Application(Exchange, id, Wire.LegalBasis.SubjectWaiver, Identity, MentalHealth));
        var labor = await AssertRefusedAloneAsync(
            Wire.ErrorReason.GrantNotPermitted, () => The.Labor.AppliesAsync(The.Labor.Application(Exchange, id, DomesticViolence)));
        Assert.Equal(("DOMESTIC_VIOLENCE", The.Labor.UnitId), (labor.Refusal.Metadata["class"], labor.Refusal.Metadata["unit_id"]));
    }

    [Fact]
    [Trait("Rule", "R-NTK-8")]
    public async Task A_class_granted_under_consent_is_shown_under_consent()
    {
        var family = Some.Family();
        var opened = await GrantMoves.CaseOfAsync(The, family);
        await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, MentalHealth, "心理衛生"));
        var applied = await The.Labor.AppliesAsync(
            The.Labor.Application(Exchange, family.Child.NationalId.Canonical, Wire.LegalBasis.SubjectWaiver, WorkersRecord, MentalHealth));
        await The.Centre.GrantsAsync(applied.GrantId);
        var onConsent = The.Labor.On(applied.GrantId, basis: Wire.LegalBasis.SubjectWaiver);
        Assert.Equal(["心理衛生"], (await The.Labor.ReadsNotesOnAsync(onConsent, opened.CaseId)).Notes.Select(n => n.Text));
        Assert.Empty((await The.Labor.ReadsNotesOnAsync(The.Labor.On(applied.GrantId), opened.CaseId)).Notes);
    }

    [Fact]
    [Trait("Rule", "R-NTK-13")]
    public async Task A_grant_is_no_way_into_another_jurisdiction()
    {
        var family = Some.Family();
        await GrantMoves.CaseOfAsync(The, family);
        var applied = await The.CentreOfTaoyuan.AppliesAsync(The.CentreOfTaoyuan.Application(Exchange, family.Child.NationalId.Canonical, Identity));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.GrantNotPermitted, () => The.Centre.GrantsAsync(applied.GrantId));
        Assert.Equal("R-NTK-13", refused.Refusal.Metadata["rule"]);
    }

    [Fact]
    public async Task An_application_says_why_in_real_words_and_asks_for_90_days_at_most()
    {
        var id = Some.StrangersId();
        foreach (var why in (string[])["", "asdf asdf asdf asdf as"])
        {
            var request = The.Police.Application(Exchange, id, Identity);
            request.Context.Justification = why;
            var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Police.AppliesAsync(request));
            Assert.Equal("context.justification", Assert.Single(refused.Refusal.Faults).Field);
        }

        foreach (var days in (double[])[90.001, -0.001])
        {
            var request = The.Police.Application(Exchange, id, Identity);
            request.Until = Exchange.InDays(days);
            Assert.Equal("until", Assert.Single((await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Police.AppliesAsync(request))).Refusal.Faults).Field);
        }

        var longest = The.Police.Application(Exchange, id, Identity);
        longest.Until = Exchange.InDays(89.99);
        await The.Police.AppliesAsync(longest);
    }

    [Fact]
    public async Task Two_who_move_it_at_once_do_not_both_and_a_replay_moves_nothing()
    {
        var family = Some.Family();
        await GrantMoves.CaseOfAsync(The, family);
        var applied = await The.Police.AppliesAsync(The.Police.Application(Exchange, family.Child.NationalId.Canonical, Identity));
        var decision = The.Centre.Decision(applied.GrantId);
        decision.Etag = applied.Etag;
        var first = (await The.Centre.AskAsync(to => to.Grants.DecideGrantAsync(decision))).Grant;
        Assert.Equal(first, (await The.Centre.AskAsync(to => to.Grants.DecideGrantAsync(decision))).Grant);
        var late = The.Centre.Revocation(applied.GrantId);
        late.Etag = applied.Etag;
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ConcurrentChange, () => The.Centre.AskAsync(to => to.Grants.RevokeGrantAsync(late)));
        Assert.Equal(first.Etag, refused.Refusal.Metadata["etag"]);
        // Other units see nothing of it, the primary's colleagues in another centre included.
        foreach (var other in (Party[])[The.Labor, The.WanhuaCentre])
        {
            await AssertNotFoundAsync(() => other.SeesGrantAsync(applied.GrantId));
            await AssertNotFoundAsync(() => other.RevokesAsync(applied.GrantId));
        }
    }

    [Fact]
    public async Task Each_end_lists_its_own_in_pages()
    {
        var family = Some.Family();
        await GrantMoves.CaseOfAsync(The, family);
        var applicant = The.HealthStation;
        var made = new List<string>();
        for (var i = 0; i < 3; i++)
            made.Insert(0, (await applicant.AppliesAsync(applicant.Application(Exchange, family.Child.NationalId.Canonical, Identity))).GrantId);
        Assert.Equal(made, (await ListAllAsync(applicant, Wire.GrantSide.Made)).Take(3));
        Assert.Equal(made, (await ListAllAsync(The.Centre, Wire.GrantSide.Received)).Where(made.Contains));
        Assert.DoesNotContain(await ListAllAsync(The.WanhuaCentre, Wire.GrantSide.Received), made.Contains);
        Assert.DoesNotContain(await ListAllAsync(The.Centre, Wire.GrantSide.Made), made.Contains);

        static async Task<List<string>> ListAllAsync(Party by, Wire.GrantSide side)
        {
            var (all, token) = (new List<string>(), "");
            do
            {
                var page = await by.AskAsync(to => to.Grants.ListGrantsAsync(
                    new() { Context = by.Context(Wire.Purpose.CaseCoordination), Side = side, PageSize = 2, PageToken = token }));
                Assert.True(page.Grants.Count <= 2);
                all.AddRange(page.Grants.Select(g => g.GrantId));
                token = page.NextPageToken;
            }
            while (token.Length > 0);

            return all;
        }
    }

    private const Wire.ConfidentialityClass WorkersRecord = Wire.ConfidentialityClass.CaseNote;
    private const Wire.ConfidentialityClass Identity = Wire.ConfidentialityClass.Identity;

    private async Task<Wire.Grant> GrantedAsync(Party to, Family family, params Wire.ConfidentialityClass[] classes)
    {
        var applied = await to.AppliesAsync(to.Application(Exchange, family.Child.NationalId.Canonical, classes));
        return await The.Centre.GrantsAsync(applied.GrantId);
    }

    private static async Task AssertNotFoundAsync(Func<Task> call) => Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(call)).Reason);

    private List<(Wire.NoticeKind Kind, string Cause)> NoticesOf(Party party, string grantId) => Exchange.Query(
        "SELECT kind, cause_unit_id FROM notice WHERE unit_id = $0 AND grant_id = $1 ORDER BY sequence",
        r => ((Wire.NoticeKind)r.GetInt32(0), r.GetString(1)), party.UnitId, Guid.Parse(grantId).ToByteArray(bigEndian: true));
}
