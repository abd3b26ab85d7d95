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
internal sealed class FamilyStory(Cast cast, StoryFamily family, string nobodysNationalId, Narrator narrator, Tally tally, TimeProvider clock)
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

    private async Task OfficerListsAccessesAsync()
    {
        narrator.Chapter(11, "誰看過這個孩子", "The security officer lists who saw, or asked for, the child");
        var officer = cast.Officer;
        var context = officer.Context(Purpose.Audit, LegalBasis.AuditDuty);
        narrator.Asks(officer, "AuditService/ListAccesses", context);
        var listed = await officer.AskAsync(to => to.Audit.ListAccessesAsync(new ListAccessesRequest
        {
            Context = context, NationalId = family.Child.NationalId.Canonical, PageSize = 200,
        }));
        var entries = listed.Entries.OrderBy(entry => entry.Position).ToList();
        narrator.SeesTable(officer, ["when 時間 UTC", "who 誰", "call 呼叫", "why 目的／依據", "outcome 結果", "classes 揭露類別"], entries.Select(entry => (string[])
        [
            $"{entry.Record.DecidedAt.ToDateTime():HH:mm:ss.fff}",
            $"{entry.Record.ActorUnitId} {entry.Record.ActorPersonId}",
            entry.Record.Method[(entry.Record.Method.LastIndexOf('/') + 1)..],
            $"{ContractCodes.ChineseOf(entry.Record.Purpose)}／{ContractCodes.ChineseOf(entry.Record.LegalBasis)}",
            ContractCodes.ChineseOf(entry.Record.Outcome) + (entry.Record.Reason.Length > 0 ? $" {entry.Record.Reason}" : ""),
            string.Join('、', entry.Record.ShownClasses.Select(ContractCodes.ChineseOf)),
        ]));
        narrator.Says($"No name and no national id is in the log; the child is {listed.Pseudonym} there (R-AUD-6).");
        Expect.That(HasEntry(cast.School, AuditOutcome.Permitted) && HasEntry(Centre, AuditOutcome.Permitted) && HasEntry(cast.Health, AuditOutcome.Permitted), "school, centre and health are among those who saw the child");
        Expect.That(HasEntry(cast.Police, AuditOutcome.Refused), "the police, who asked in vain, are among them too");
        Expect.That(
            entries.Exists(entry => Is(entry.Record.ActorUnitId, Centre.UnitId) && entry.Record.ShownClasses.Contains(ConfidentialityClass.EducationRecord)),
            "the log tells that the centre was shown the school record (R-AUD-1)");
        Expect.That(entries.TrueForAll(entry => !Is(entry.Record.ActorUnitId, cast.Labor.UnitId)), "the employment service, which never saw the child, is not");

        bool HasEntry(Party party, AuditOutcome outcome) => entries.Exists(entry => Is(entry.Record.ActorUnitId, party.UnitId) && entry.Record.Outcome == outcome);
    }

    private async Task<LogCheck> OfficerVerifiesLogAsync(CancellationToken cancellation)
    {
        narrator.Chapter(12, "驗證軌跡", "The log is read whole and verified, by its public key alone");
        var officer = cast.Officer;
        var context = officer.Context(Purpose.Audit, LegalBasis.AuditDuty);
        var promised = tally.Receipts.ToDictionary(receipt => receipt.Position);
        var signed = await CheckpointOverAsync(promised.Keys.Max(), context, cancellation);

        narrator.Asks(officer, "AuditService/ReadLog", context);
        var kept = 0;
        using var reading = officer.Audit.ReadLog(new ReadLogRequest { Context = context, End = (ulong)signed.Checkpoint.Size }, cancellationToken: cancellation);
        var check = await LogCheck.RunAsync(reading.ResponseStream, signed, OnEntry, cancellation);
        tally.CountPermitted(new ReadLogResponse(), CallReceipt.Read(reading.GetTrailers()));
        Expect.That(check.Verdict.IsIntact, $"the log is intact. {check.Verdict.Explanation}");
        Expect.Same(promised.Count, kept, "the number of this story's calls that stand in the log as their receipts say");
        narrator.Works(check.Verdict.Explanation);
        narrator.Works($"{kept} calls of this story hold a receipt, and each stands in the log where and as its receipt says (R-AUD-8).");
        return check;

        void OnEntry(LogEntry entry)
        {
            if (promised.TryGetValue(entry.Index, out var receipt) && receipt.RecordHash == entry.LeafHash
                && entry.Record is { } record && Is(AuditRecord.Parser.ParseFrom(record.Span).DecisionId, receipt.DecisionId))
                kept++;
        }
    }

    // The log's head is signed within a second of a record (design.md 8).
    private async Task<SignedCheckpoint> CheckpointOverAsync(long position, AccessContext context, CancellationToken cancellation)
    {
        narrator.Asks(cast.Officer, "AuditService/GetCheckpoint", context);
        var started = clock.GetTimestamp();
        while (clock.GetElapsedTime(started) < TimeSpan.FromSeconds(15))
        {
            var answer = await cast.Officer.AskAsync(to => to.Audit.GetCheckpointAsync(new GetCheckpointRequest { Context = context }, cancellationToken: cancellation));
            var signed = LogCheck.Open(answer, heldKey: null);
            if (signed.Checkpoint.Size > position)
            {
                narrator.Sees(cast.Officer,
                    ("log", signed.Checkpoint.Origin), ("records 筆數", $"{signed.Checkpoint.Size}"), ("Merkle root", signed.Checkpoint.Root.ToHex()), ("key", answer.VerifierKey));
                return signed;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(250), clock, cancellation);
        }

        throw new StoryBrokenException($"Promised: a signed checkpoint over record {position} within seconds.");
    }

    private async Task FindNoticeAsync(Party party, NoticeKind kind, Func<Notice, string> about, string id)
    {
        var context = party.Context();
        narrator.Asks(party, "InboxService/ListNotices", context);
        var listed = await party.AskAsync(to => to.Inbox.ListNoticesAsync(new ListNoticesRequest { Context = context, PageSize = 500 }));
        var notice = listed.Notices.LastOrDefault(notice => notice.Kind == kind && Is(about(notice), id));
        Expect.That(notice is not null, $"{party.Name} finds {ContractCodes.NameOf(kind)} of {id} in its inbox");
        await party.AskAsync(to => to.Inbox.AcknowledgeNoticesAsync(new AcknowledgeNoticesRequest
        {
            Context = context, RequestId = NewRequestId(), UpToSequence = listed.Notices[^1].Sequence,
        }));
        narrator.Works($"{ContractCodes.BothOf(notice.Kind)}, notice {notice.Sequence}, from {notice.UnitId}: ids and kinds only; acknowledged.");
    }

    private async Task<LookUpHouseholdResponse> LookUpAsync(AccessContext context)
    {
        narrator.Asks(Centre, "HouseholdService/LookUpHousehold", context);
        var found = await Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(new LookUpHouseholdRequest
        {
            Context = context, NationalId = family.Child.NationalId.Canonical,
        }));
        narrator.Sees(Centre,
        [
            ("person 當事人", $"{found.Person.Name}  {found.Person.NationalId}  {ContractCodes.ChineseOf(found.Person.Sex)}  {found.Person.BirthDate}"),
            ("contact 聯絡", Narrator.OrAbsent($"{found.Person.Phone}  {found.Person.Address}".Trim(), found.Disclosure, ConfidentialityClass.Contact)),
            ("household 同戶", Narrator.OrAbsent(
                string.Join('\n', found.Members.Select(member => $"{member.Role}  {member.Person.Name}")), found.Disclosure, ConfidentialityClass.Household)),
            ("relatives 二親等", Narrator.OrAbsent(
                string.Join('\n', found.Relatives.Select(relative =>
                    $"{ContractCodes.BothOf(relative.Kinship)}  {relative.Person.Name}{(relative.SameHousehold ? "" : "  他戶 another household")}")),
                found.Disclosure, ConfidentialityClass.Household)),
            ("who serves 服務系統", Narrator.OrAbsent(
                string.Join('\n', found.Involvements.Select(Describe)), found.Disclosure, ConfidentialityClass.Involvement)),
        ]);
        return found;
    }

    private async Task<ListNotesResponse> ListNotesAsync(Party party)
    {
        var context = party.Context(Purpose.CaseCoordination, LegalBasis.SubjectWaiver, inCase: _case);
        narrator.Asks(party, "CaseService/ListNotes", context);
        return await party.AskAsync(to => to.Cases.ListNotesAsync(new ListNotesRequest { Context = context, CaseId = _case }));
    }

    private async Task CloseReferralAsync(ReferralOutcome outcome, string remark)
    {
        var context = Centre.Context(referral: _schoolReferral);
        narrator.Asks(Centre, "ReferralService/CloseReferral", context);
        var closed = await Centre.AskAsync(to => to.Referrals.CloseReferralAsync(new CloseReferralRequest
        {
            Context = context, RequestId = NewRequestId(), ReferralId = _schoolReferral, Outcome = outcome, Remark = remark,
        }));
        Expect.Same(ReferralState.Closed, closed.Referral.State, "the state after closing");
        narrator.Works($"{ContractCodes.BothOf(closed.Referral.State)}, {ContractCodes.BothOf(closed.Referral.Outcome)}");
    }

    // Why it is so: asked of the exchange by the party itself, for its own decision (R-NTK-15). An answer that withholds nothing needs no explanation.
    private async Task ExplainAsync(Party party, Disclosure disclosure)
    {
        if (disclosure.WithheldClasses.Count == 0)
            return;
        var told = await party.AskAsync(to => to.Audit.ExplainDecisionAsync(new ExplainDecisionRequest { Context = party.Context(), DecisionId = disclosure.DecisionId }));
        Expect.That(told.Rules.Count > 0, "a decision names the rules that made it (R-NTK-15)");
        Expect.That(told.WithheldClasses.SequenceEqual(disclosure.WithheldClasses), "the explanation and the answer name the same withheld classes");
        narrator.Explains(disclosure, told.Rules);
    }

    private void ShowCase(Party party, Case seen, Disclosure disclosure) => narrator.Sees(party,
        ("case 共案", seen.CaseId),
        ("own part 角色", $"{ContractCodes.BothOf(seen.OwnRole)} {string.Join("、", seen.OwnServices.Select(ContractCodes.BothOf))}".TrimEnd()),
        ("subjects 服務對象", string.Join("、", seen.Subjects.Select(subject => subject.Name))),
        ("participants 參與單位", Narrator.OrAbsent(
            string.Join('\n', seen.Participants.Select(one => $"{ContractCodes.BothOf(one.Role)}  {one.UnitId}")), disclosure, ConfidentialityClass.Involvement)));

    private void ShowNotes(Party party, ListNotesResponse listed) => narrator.Sees(party,
        ("notes 個案紀錄", Narrator.OrAbsent(
            string.Join('\n', listed.Notes.Select(note => $"{ContractCodes.BothOf(note.ConfidentialityClass)}, {note.AuthorUnitId}: {note.Text}")),
            listed.Disclosure, ConfidentialityClass.CaseNote)));

    private string NewRequestId() => Guid.CreateVersion7(clock.GetUtcNow()).ToString();

    private static string Describe(Involvement one) => one.Grade switch
    {
        InvolvementGrade.Unit => $"{ContractCodes.BothOf(one.AgencyKind)}: {one.UnitId}, {one.ContactWindow}{(one.Primary ? ", 主責 primary" : "")}",
        InvolvementGrade.System => $"{ContractCodes.BothOf(one.AgencyKind)}: {one.ContactWindow}",
        _ => $"受保護之服務 a protected service: {one.ContactWindow}",
    };

    // Everything a caller can see but the decision's own id, which differs between any two calls.
    private static bool LooksLike(ReceivedRefusal one, ReceivedRefusal other) =>
        one.StatusCode == other.StatusCode && Is(one.ReasonName, other.ReasonName) && Is(one.MessageEn, other.MessageEn) && Is(one.MessageZh, other.MessageZh)
        && one.RetryAfter == other.RetryAfter && one.Faults.SequenceEqual(other.Faults)
        && one.Metadata.Count == other.Metadata.Count && one.Metadata.All(pair => other.Metadata.TryGetValue(pair.Key, out var value) && Is(pair.Value, value));

    private static bool NameIs(Person person, string nationalId) => Is(person.NationalId, nationalId);

    private static bool Is(string one, string other) => string.Equals(one, other, StringComparison.Ordinal);

    private static ReferralFact Fact(ConfidentialityClass confidentialityClass, string text) => new() { ConfidentialityClass = confidentialityClass, Text = text };

    private static SenderView View(params ConfidentialityClass[] further) =>
        new() { Classes = { ConfidentialityClass.Identity, ConfidentialityClass.Contact, further } };
}
