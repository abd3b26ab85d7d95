using Grpc.Core;
using SafetyNet.Exchange.Cli.Evidence;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Refusals;
using SafetyNet.Exchange.V1;

namespace SafetyNet.Exchange.Cli.Demo;

/// <summary>
/// One family's story across five agencies, chapter by chapter: each makes the real calls of one agency, tells what came of them, and checks what the contract
/// promises there. Another client mirrors it by making the same calls in the same order.
/// </summary>
internal sealed partial class FamilyStory(Cast cast, StoryFamily family, string nobodysNationalId, Narrator narrator, Tally tally, TimeProvider clock)
{
    private const string SchoolFact = "連續缺課 11 天，導師兩次家訪未遇。Absent 11 days running; two home visits found nobody.";
    private const string MoneyFact = "母親九月起失業，積欠兩個月午餐費。Mother out of work since September; two months of lunch fees unpaid.";
    private const string HomeFact = "母親獨力照顧，祖父母分戶居住。Mother cares alone; grandparents live apart.";
    private const string JobFact = "餐飲業十年，可上日班，需托育配合。Ten years in catering; day shifts; needs child care.";
    private const string MoodNote = "入睡困難、常自責；已排每週會談。Trouble falling asleep, much self-blame; weekly sessions begun.";
    private const string ClosingRemark = "已穩定返校，母親參加職訓。Back at school; mother in training.";

    private readonly string _district = family.Home.District;
    private Party? _centre;
    private string _schoolReferral = "";
    private string _case = "";
    private string _laborReferral = "";
    private string _mother = "";
    private string _child = "";

    private Party Centre => _centre ?? throw new InvalidOperationException("The school has not chosen a centre yet.");

    /// <summary>Tells the whole story; false where the family has an open case already and another one must be told of.</summary>
    public async Task<LogCheck?> TellAsync(CancellationToken cancellation)
    {
        try
        {
            await SchoolRefersAsync();
            await CentreTakesInAsync();
            await CentreLooksUpAsync();
            if (!await CentreOpensCaseAsync())
                return null;
            await CentreAsksOthersInAsync();
            await LaborSeesItsPartAsync();
            await PoliceLearnNothingAsync();
            await HealthWritesNoteAsync();
            await CentreSeesWhoServesAsync();
            await LoopIsClosedAsync();
            await OfficerListsAccessesAsync();
            return await OfficerVerifiesLogAsync(cancellation);
        }
        finally
        {
            _centre?.Dispose();
        }
    }

    private async Task SchoolRefersAsync()
    {
        narrator.Chapter(1, "學校轉介", "The school refers a child to the centre of its district");
        var school = cast.School;
        var context = school.Context();
        narrator.Asks(school, "MemberService/ListUnits", context);
        var units = await school.AskAsync(to => to.Members.ListUnitsAsync(new ListUnitsRequest
        {
            Context = context, Jurisdiction = Jurisdiction.Tpe, Kind = UnitKind.SocialWelfareCenter, District = _district,
        }));
        Expect.That(units.Units.Count > 0, $"a social welfare centre serves {_district}");
        var unit = units.Units.FirstOrDefault(unit => unit.Districts.Contains(_district)) ?? units.Units[0];
        narrator.SeesTable(school, ["unit 單位", "name 名稱", "districts 行政區", "window 窗口"], units.Units.Select(one => (string[])
            [one.UnitId + (ReferenceEquals(one, unit) ? " ←" : ""), one.Name, one.Districts.Count == 0 ? "全市 all" : string.Join(' ', one.Districts), one.ContactWindow]));
        _centre = cast.EnterCentre(unit.UnitId);

        narrator.Asks(school, "ReferralService/CreateReferral", context);
        var made = await school.AskAsync(to => to.Referrals.CreateReferralAsync(new CreateReferralRequest
        {
            Context = context,
            RequestId = NewRequestId(),
            ToUnitId = Centre.UnitId,
            Subjects =
            {
                new ReferralSubject
                {
                    NationalId = family.Child.NationalId.Canonical, Name = family.Child.Name, BirthDate = $"{family.Child.BirthDate:yyyy-MM-dd}",
                    Phone = family.Mother.Phone, Address = family.Home.Address,
                },
            },
            Services = { Article6Service.CareVisit, Article6Service.FinancialAid },
            Facts = { Fact(ConfidentialityClass.EducationRecord, SchoolFact), Fact(ConfidentialityClass.Economic, MoneyFact), Fact(ConfidentialityClass.Household, HomeFact) },
            View = View(ConfidentialityClass.EducationRecord, ConfidentialityClass.Economic, ConfidentialityClass.Household),
            SourceSystem = SourceSystem.CampusSafety,
        }));
        Expect.Same(ReferralState.Submitted, made.Referral.State, "the state of a new referral");
        _schoolReferral = made.Referral.ReferralId;
        narrator.Sees(school,
            ("referral 轉介單", _schoolReferral),
            ("state 狀態", ContractCodes.BothOf(made.Referral.State)),
            ("to 受轉介單位", $"{unit.Name} {unit.UnitId}"),
            ("asked for 需求", string.Join("、", made.Referral.Services.Select(ContractCodes.BothOf))));
        narrator.Says("The school chose what the centre may see: identity, contact, school record, money, household. Nothing else travels.");
    }

    private async Task CentreTakesInAsync()
    {
        narrator.Chapter(2, "社福中心受理", "The centre finds it in its inbox and takes the child into its care");
        await FindNoticeAsync(Centre, NoticeKind.ReferralReceived, notice => notice.ReferralId, _schoolReferral);

        var context = Centre.Context(referral: _schoolReferral);
        narrator.Asks(Centre, "ReferralService/GetReferral", context);
        var read = await Centre.AskAsync(to => to.Referrals.GetReferralAsync(new GetReferralRequest { Context = context, ReferralId = _schoolReferral }));
        Expect.Same(ReferralState.Delivered, read.Referral.State, "the state after the inbox was acknowledged");
        Expect.That(read.Referral.Facts.Select(fact => fact.Text).SequenceEqual([SchoolFact, MoneyFact, HomeFact], StringComparer.Ordinal), "the centre reads the three facts that the school sent");
        Expect.Same(family.Child.NationalId.Canonical, read.Referral.Subjects.Single().NationalId, "the child of the referral");
        var subject = read.Referral.Subjects.Single();
        narrator.Sees(Centre,
        [
            ("child 學生", $"{subject.Name}  {subject.NationalId}  {subject.BirthDate}"),
            ("contact 聯絡", $"{subject.Phone}  {subject.Address}"),
            .. read.Referral.Facts.Select(fact => (ContractCodes.BothOf(fact.ConfidentialityClass), fact.Text)),
        ]);
        await ExplainAsync(Centre, read.Disclosure);

        var etag = read.Referral.Etag;
        var seen = await Centre.AskAsync(to => to.Referrals.MarkReferralSeenAsync(new MarkReferralSeenRequest
        {
            Context = context, RequestId = NewRequestId(), ReferralId = _schoolReferral, Etag = etag,
        }));
        var accepted = await Centre.AskAsync(to => to.Referrals.AcceptReferralAsync(new AcceptReferralRequest
        {
            Context = context, RequestId = NewRequestId(), ReferralId = _schoolReferral, Etag = seen.Referral.Etag,
        }));
        var begun = await Centre.AskAsync(to => to.Referrals.BeginServiceAsync(new BeginServiceRequest
        {
            Context = context, RequestId = NewRequestId(), ReferralId = _schoolReferral, Etag = accepted.Referral.Etag,
        }));
        Expect.Same(ReferralState.Seen, seen.Referral.State, "the state after reading");
        Expect.Same(ReferralState.Accepted, accepted.Referral.State, "the state after accepting");
        Expect.Same(ReferralState.InService, begun.Referral.State, "the state once service has begun");
        narrator.Works($"{string.Join(" → ", begun.Referral.Moves.Select(move => ContractCodes.BothOf(move.State)))}");
    }

    private async Task CentreLooksUpAsync()
    {
        narrator.Chapter(3, "家戶查詢", "The centre looks the household up, for this referral");
        var context = Centre.Context(referral: _schoolReferral);
        var found = await LookUpAsync(context);
        _child = found.Person.PersonId;
        Expect.Same(family.Child.NationalId.Canonical, found.Person.NationalId, "the person looked up");
        _mother = found.Members.Select(member => member.Person).FirstOrDefault(person => NameIs(person, family.Mother.NationalId.Canonical))?.PersonId ?? "";
        Expect.That(_mother.Length > 0, "the mother is among the members of the household");
        Expect.That(
            found.Relatives.Any(relative => relative.Kinship == Kinship.Grandparent && !relative.SameHousehold && NameIs(relative.Person, family.Grandparent.NationalId.Canonical)),
            "a grandparent of another household is among the relatives to the second degree");
        await ExplainAsync(Centre, found.Disclosure);
    }

    private async Task<bool> CentreOpensCaseAsync()
    {
        narrator.Chapter(4, "開案主責", "The centre opens a family case, child and mother, as its primary");
        var context = Centre.Context(Purpose.CaseCoordination, referral: _schoolReferral);
        narrator.Asks(Centre, "CaseService/OpenCase", context);
        OpenCaseResponse opened;
        try
        {
            opened = await Centre.AskAsync(to => to.Cases.OpenCaseAsync(new OpenCaseRequest
            {
                Context = context, RequestId = NewRequestId(), ReferralId = _schoolReferral, PersonIds = { _mother },
            }));
        }
        catch (RpcException error) when (RefusalReader.TryRead(error, out var refusal) && refusal.Reason == ErrorReason.CaseAlreadyOpen)
        {
            narrator.Refusal(refusal);
            await CloseReferralAsync(ReferralOutcome.ReturnedToOriginalSystem, "");
            narrator.Says("One family, one case (R-INT-4): this one has its primary already. The story turns to another family.");
            return false;
        }

        _case = opened.Case.CaseId;
        Expect.Same(ParticipantRole.Primary, opened.Case.OwnRole, "the centre's part in the case");
        Expect.That(opened.Case.Subjects.Select(subject => subject.PersonId).Order(StringComparer.Ordinal).SequenceEqual(((string[])[_child, _mother]).Order(StringComparer.Ordinal), StringComparer.Ordinal), "child and mother are the subjects of the case");
        ShowCase(Centre, opened.Case, opened.Disclosure);
        return true;
    }

    private async Task CentreAsksOthersInAsync()
    {
        narrator.Chapter(5, "連結資源", "The centre refers the mother to employment service and asks the mental health centre in");
        var context = Centre.Context(Purpose.CaseCoordination, inCase: _case);
        narrator.Asks(Centre, "ReferralService/CreateReferral", context);
        var referred = await Centre.AskAsync(to => to.Referrals.CreateReferralAsync(new CreateReferralRequest
        {
            Context = context,
            RequestId = NewRequestId(),
            ToUnitId = cast.Labor.UnitId,
            CaseId = _case,
            Subjects =
            {
                new ReferralSubject
                {
                    NationalId = family.Mother.NationalId.Canonical, Name = family.Mother.Name, BirthDate = $"{family.Mother.BirthDate:yyyy-MM-dd}",
                    Phone = family.Mother.Phone, Address = family.Home.Address,
                },
            },
            Services = { Article6Service.EmploymentGuidance },
            Facts = { Fact(ConfidentialityClass.EmploymentRecord, JobFact) },
            View = View(ConfidentialityClass.EmploymentRecord),
        }));
        _laborReferral = referred.Referral.ReferralId;
        narrator.Sees(Centre,
            ("referral 轉介單", _laborReferral),
            ("to 受轉介單位", referred.Referral.ToUnitId),
            ("asked for 需求", string.Join("、", referred.Referral.Services.Select(ContractCodes.BothOf))));

        narrator.Asks(Centre, "CaseService/InviteUnit", context);
        var invited = await Centre.AskAsync(to => to.Cases.InviteUnitAsync(new InviteUnitRequest
        {
            Context = context, RequestId = NewRequestId(), CaseId = _case, UnitId = cast.Health.UnitId, Services = { Article6Service.MentalHealth }, PersonIds = { _child },
        }));
        Expect.That(
            invited.Case.Participants.Any(one => Is(one.UnitId, cast.Health.UnitId) && one.Role == ParticipantRole.Invited), "the mental health centre is invited");
        ShowCase(Centre, invited.Case, invited.Disclosure);
    }

    private async Task LaborSeesItsPartAsync()
    {
        narrator.Chapter(6, "勞政協力", "The employment service accepts, and sees its part only");
        var labor = cast.Labor;
        await FindNoticeAsync(labor, NoticeKind.ReferralReceived, notice => notice.ReferralId, _laborReferral);
        var referralContext = labor.Context(referral: _laborReferral);
        narrator.Asks(labor, "ReferralService/AcceptReferral", referralContext);
        var accepted = await labor.AskAsync(to => to.Referrals.AcceptReferralAsync(new AcceptReferralRequest
        {
            Context = referralContext, RequestId = NewRequestId(), ReferralId = _laborReferral,
        }));
        Expect.Same(ReferralState.Accepted, accepted.Referral.State, "the state of the employment referral");
        narrator.Sees(labor,
        [
            ("state 狀態", ContractCodes.BothOf(accepted.Referral.State)),
            ("mother 母", string.Join("、", accepted.Referral.Subjects.Select(subject => subject.Name))),
            .. accepted.Referral.Facts.Select(fact => (ContractCodes.BothOf(fact.ConfidentialityClass), fact.Text)),
        ]);

        var caseContext = labor.Context(Purpose.CaseCoordination, inCase: _case);
        narrator.Asks(labor, "CaseService/GetCase", caseContext);
        var seen = await labor.AskAsync(to => to.Cases.GetCaseAsync(new GetCaseRequest { Context = caseContext, CaseId = _case }));
        Expect.Same(ParticipantRole.Serving, seen.Case.OwnRole, "the employment service's part in the case");
        Expect.That(seen.Case.Subjects.Select(subject => subject.PersonId).SequenceEqual([_mother], StringComparer.Ordinal), "the employment service sees the mother and not the child");
        Expect.That(seen.Case.OwnServices.SequenceEqual([Article6Service.EmploymentGuidance]), "its scope is employment guidance");
        Expect.That(seen.Case.Participants.All(one => Is(one.UnitId, labor.UnitId)), "which other systems serve the family is withheld from the employment service");
        Expect.That(seen.Disclosure.WithheldClasses.Contains(ConfidentialityClass.Involvement), "the answer names INVOLVEMENT as withheld");
        ShowCase(labor, seen.Case, seen.Disclosure);
        await ExplainAsync(labor, seen.Disclosure);
    }

    private async Task PoliceLearnNothingAsync()
    {
        narrator.Chapter(7, "無關係即不揭露", "Police without a relationship ask for the same child, and for a person who does not exist");
        var police = cast.Police;
        var context = police.Context(inCase: _case);
        narrator.Asks(police, "HouseholdService/LookUpHousehold", context);
        var aboutChild = await police.AskInVainAsync(to => to.Households.LookUpHouseholdAsync(new LookUpHouseholdRequest
        {
            Context = context, NationalId = family.Child.NationalId.Canonical,
        }));
        narrator.Refusal(aboutChild);
        narrator.Says("And now a national id with a good checksum that nobody has:");
        var aboutNobody = await police.AskInVainAsync(to => to.Households.LookUpHouseholdAsync(new LookUpHouseholdRequest
        {
            Context = context, NationalId = nobodysNationalId,
        }));
        narrator.Refusal(aboutNobody);
        Expect.Same(ErrorReason.NotFound, aboutChild.Reason, "the answer about the child");
        Expect.That(LooksLike(aboutChild, aboutNobody), "the two refusals look alike in everything but the id of the decision (R-NTK-14)");
        narrator.Works("The same answer, word for word: whether the child exists, police cannot tell (R-NTK-14).");
    }

    private async Task HealthWritesNoteAsync()
    {
        narrator.Chapter(8, "衛政加入", "Health joins and writes a note that only it and, by its choice, the centre may read");
        var health = cast.Health;
        await FindNoticeAsync(health, NoticeKind.CaseInvitation, notice => notice.CaseId, _case);
        var context = health.Context(Purpose.CaseCoordination, inCase: _case);
        narrator.Asks(health, "CaseService/JoinCase", context);
        var joined = await health.AskAsync(to => to.Cases.JoinCaseAsync(new JoinCaseRequest { Context = context, RequestId = NewRequestId(), CaseId = _case }));
        Expect.Same(ParticipantRole.Serving, joined.Case.OwnRole, "the mental health centre's part once it has joined");
        ShowCase(health, joined.Case, joined.Disclosure);

        narrator.Asks(health, "CaseService/CreateNote", context);
        var written = await health.AskAsync(to => to.Cases.CreateNoteAsync(new CreateNoteRequest
        {
            Context = context,
            RequestId = NewRequestId(),
            CaseId = _case,
            ConfidentialityClass = ConfidentialityClass.MentalHealth,
            Text = MoodNote,
            Shares = { new NoteShare { UnitId = Centre.UnitId, LegalBasis = LegalBasis.SubjectWaiver } },
        }));
        Expect.Same(MoodNote, written.Note.Text, "the note as its author reads it back");
        narrator.Sees(health,
            ("class 類別", ContractCodes.BothOf(written.Note.ConfidentialityClass)),
            ("note 紀錄", written.Note.Text),
            ("shared 分享", string.Join("、", written.Note.Shares.Select(share => $"{share.UnitId}, {ContractCodes.BothOf(share.LegalBasis)}"))));

        var shared = await ListNotesAsync(Centre);
        Expect.That(shared.Notes.Any(note => Is(note.NoteId, written.Note.NoteId) && Is(note.Text, MoodNote)), "the primary reads the note that health shared with it");
        ShowNotes(Centre, shared);

        var hidden = await ListNotesAsync(cast.Labor);
        Expect.That(hidden.Notes.Count == 0, "the employment service reads no note, whatever basis it declares");
        ShowNotes(cast.Labor, hidden);
        await ExplainAsync(cast.Labor, hidden.Disclosure);
    }

    private async Task CentreSeesWhoServesAsync()
    {
        narrator.Chapter(9, "服務系統", "As primary, the centre now also sees who else serves the household");
        var found = await LookUpAsync(Centre.Context(Purpose.CaseCoordination, inCase: _case));
        Expect.That(found.Involvements.Any(one => one.AgencyKind == AgencyKind.Labor && one.ContactWindow.Length > 0), "the look-up shows that labor serves the household, and its window");
        Expect.That(
            found.Involvements.Any(one => one.AgencyKind == AgencyKind.Health && one.Grade == InvolvementGrade.System && one.UnitId.Length == 0),
            "the look-up shows a health service by its system and window, not by its unit (R-HH-6)");
        await ExplainAsync(Centre, found.Disclosure);
    }

    private async Task LoopIsClosedAsync()
    {
        narrator.Chapter(10, "回覆轉介單位", "The centre closes the school's loop: status and outcome, no content");
        await CloseReferralAsync(ReferralOutcome.GoalsMet, ClosingRemark);
        var school = cast.School;
        await FindNoticeAsync(school, NoticeKind.ReferralMoved, notice => notice.ReferralId, _schoolReferral);
        var context = school.Context(referral: _schoolReferral);
        narrator.Asks(school, "ReferralService/GetReferral", context);
        var read = await school.AskAsync(to => to.Referrals.GetReferralAsync(new GetReferralRequest { Context = context, ReferralId = _schoolReferral }));
        Expect.Same(ReferralState.Closed, read.Referral.State, "the state that the school learns");
        Expect.Same(ReferralOutcome.GoalsMet, read.Referral.Outcome, "the outcome that the school learns");
        Expect.That(!read.Referral.ToString().Contains(ClosingRemark, StringComparison.Ordinal) && read.Referral.Moves.All(move => move.Remark.Length == 0), "no remark of the centre reaches the school (R-NTK-4)");
        narrator.Sees(school,
            ("state 狀態", ContractCodes.BothOf(read.Referral.State)),
            ("outcome 結果", ContractCodes.BothOf(read.Referral.Outcome)),
            ("moves 歷程", string.Join(" → ", read.Referral.Moves.Select(move => ContractCodes.ChineseOf(move.State)))),
            ("remarks 工作紀錄", Narrator.OrAbsent(string.Concat(read.Referral.Moves.Select(move => move.Remark)), read.Disclosure, ConfidentialityClass.CaseNote)));
        await ExplainAsync(school, read.Disclosure);
    }
}
