using System.Collections.Concurrent;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Refusals;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>The server did not answer, and will not.</summary>
internal sealed class ServerGoneException(Exception? cause) : Exception("The server does not answer.", cause);

/// <summary>
/// A day of agencies in calls: a family is referred, taken in, worked with, applied for and looked into, and beside it every method of the contract is
/// called once in vain. What a call is refused for want of a record is made again with the same request_id, as a member's system does.
/// </summary>
internal sealed class FaultScript : IDisposable
{
    private const string Why = "轄區派出所為安排聯合訪視，需確認當事人身分與聯絡方式。";

    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(15);

    private static int _strangers = 5_000_000;

    private readonly SandboxProcess _sandbox;
    private readonly Promises _promises;
    private readonly ConcurrentDictionary<string, ExchangeChannel> _channels = new(StringComparer.Ordinal);
    private readonly Caller _school, _centre, _health, _police, _station, _officer, _second, _desk, _register;

    public FaultScript(SandboxProcess sandbox, Promises promises)
    {
        (_sandbox, _promises) = (sandbox, promises);
        _school = Enter("edu", "tpe-school", "T0217");
        _centre = Enter("dosw", "tpe-wanhua-swc", "W0300");
        _health = Enter("health", "tpe-cmhc", "H0452");
        _station = Enter("health", "tpe-phs", "H0777");
        _police = Enter("police", "tpe-precinct", "P1189");
        _desk = Enter("dosw", "tpe-intake", "W0500");
        _register = Enter("civil", "tpe-household", "C0100");
        _officer = Enter("security", "tpe-security", "S0007", Wire.ActorRole.SecurityOfficer);
        _second = Enter("security", "tpe-security", "S0008", Wire.ActorRole.SecurityOfficer);
    }

    /// <summary>Methods that were permitted, over all scripts of a run.</summary>
    public static ConcurrentDictionary<string, int> Permitted { get; } = new(StringComparer.Ordinal);

    /// <summary>Methods that were refused with a record.</summary>
    public static ConcurrentDictionary<string, int> Refused { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers that nobody should have got.</summary>
    public ConcurrentBag<string> Broken { get; } = [];

    /// <summary>Calls refused because their record could not be written.</summary>
    public int Unrecorded { get; private set; }

    /// <summary>The day, and the calls in vain beside it.</summary>
    /// <exception cref="ServerGoneException">It went away on the way.</exception>
    public Task RunAsync() => Task.WhenAll(WorkAsync(), TryAllInVainAsync());

    public void Dispose()
    {
        foreach (var channel in _channels.Values)
            channel.Dispose();
    }

    private async Task WorkAsync()
    {
        await AskAsync<Wire.GetSelfResponse>(_school, new Wire.GetSelfRequest { Context = _school.Context() });
        await AskAsync<Wire.ListUnitsResponse>(_school, new Wire.ListUnitsRequest { Context = _school.Context() });
        var person = StrangersId();
        var taken = await ReferAsync(person);
        await EmptyInboxAsync();
        await AskAsync<IMessage>(_centre, new Wire.MarkReferralSeenRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = taken });
        await AskAsync<IMessage>(_centre, new Wire.AcceptReferralRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = taken });
        await WorkOnCaseAsync(taken, person);
        await AskAsync<IMessage>(_centre, new Wire.BeginServiceRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = taken });
        await AskAsync<IMessage>(_centre, new Wire.CloseReferralRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = taken, Outcome = Wire.ReferralOutcome.GoalsMet });
        await SendBackAsync();
        await ApplyAsync(person);
        await LookIntoAsync(person);
        await ReportAsync(person);
        await DeliverAsync();
    }

    /// <summary>A register delivers one person, after giving up what an earlier day left open.</summary>
    private async Task DeliverAsync()
    {
        try
        {
            var left = await AskAsync<Wire.GetDeliveryResponse>(_register, new Wire.GetDeliveryRequest { Context = _register.Context() });
            if (left.Delivery.State is Wire.DeliveryState.Open or Wire.DeliveryState.Short)
                await AskAsync<IMessage>(_register, new Wire.AbandonDeliveryRequest { Context = _register.Context(), RequestId = NewId(), DeliveryId = left.Delivery.DeliveryId });
        }
        catch (RpcException none) when (none.StatusCode == StatusCode.NotFound)
        {
            // The first day.
        }

        var begun = await AskAsync<Wire.BeginDeliveryResponse>(_register, new Wire.BeginDeliveryRequest
        {
            Context = _register.Context(), RequestId = NewId(), Kind = Wire.DeliveryKind.Delta, AsOf = TimeProvider.System.GetUtcNow().ToOffset(TimeSpan.FromHours(8)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        });
        var id = begun.Delivery.DeliveryId;
        _promises.Made("household_delivery", "delivery_id", id);
        var person = StrangersId();
        var registered = new Wire.RegisterRow
        {
            Event = Wire.RegisterEvent.Registered, NationalId = person, Name = "測試某", Sex = Wire.Sex.Male, BirthDate = "1990-01-01", HouseholdNumber = person, Role = "戶長", Address = "測試路 1 號",
            District = "萬華區", ValidFrom = "2026-01-01",
        };
        var taken = await AskAsync<Wire.DeliverRowsResponse>(_register, new Wire.DeliverRowsRequest
        {
            Context = _register.Context(), RequestId = NewId(), DeliveryId = id, FirstLine = 1, Sha256Before = ByteString.CopyFrom(new byte[32]),
            Rows = { registered, new Wire.RegisterRow { Event = Wire.RegisterEvent.Died, NationalId = StrangersId(), ValidFrom = "2026-01-01" } },
        });
        if (taken.Delivery is null) return;
        await AskAsync<IMessage>(_register, new Wire.CompleteDeliveryRequest { Context = _register.Context(), RequestId = NewId(), DeliveryId = id, TotalRows = 2, ContentSha256 = taken.Delivery.ContentSha256 });
        await AskAsync<IMessage>(_register, new Wire.ListRejectedRowsRequest { Context = _register.Context(), DeliveryId = id });
        var decided = await AskAsync<Wire.DecidePersonLinkResponse>(_register, new Wire.DecidePersonLinkRequest
        {
            Context = _register.Context(), RequestId = NewId(), KeptNationalId = person, OtherNationalId = StrangersId(), Decision = Wire.PersonLinkDecision.Same, Reason = "新舊統一證號經查為同一人",
        });
        _promises.Made("person_link", "link_id", decided.Link.LinkId);
        await AskAsync<IMessage>(_register, new Wire.ListPersonLinksRequest { Context = _register.Context(), NationalId = person });
    }

    /// <summary>Reports of a person: screened, dispatched, taken back, dispatched again and accepted; one that needs no service; a stream of two.</summary>
    private async Task ReportAsync(string person)
    {
        var report = await SubmitAsync(person);
        await AskAsync<IMessage>(_school, new Wire.ListProtocolsRequest { Context = _school.Context() });
        await AskAsync<IMessage>(_school, new Wire.ListSourceSystemsRequest { Context = _school.Context() });
        await AskAsync<IMessage>(_school, new Wire.ListReportsRequest { Context = _school.Context() });
        await AskAsync<IMessage>(_school, new Wire.GetReportRequest { Context = _school.Context(), ReportId = report });
        await AskAsync<IMessage>(_desk, new Wire.GetScreeningRequest { Context = Screening(), ReportId = report });
        await AskAsync<IMessage>(_desk, new Wire.ScreenReportRequest { Context = Screening(), RequestId = NewId(), ReportId = report, ReportClass = Wire.ReportClass.New });
        await DispatchAsync(report);
        await AskAsync<IMessage>(_desk, new Wire.RecallReportRequest { Context = Screening(), RequestId = NewId(), ReportId = report });
        var offered = await DispatchAsync(report);
        await EmptyInboxAsync();
        await AskAsync<IMessage>(_centre, new Wire.AcceptReferralRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = offered });
        await AskAsync<IMessage>(_centre, new Wire.RecordFirstContactRequest
        {
            Context = _centre.Context(), RequestId = NewId(), ReferralId = offered, ContactedAt = Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow()),
        });
        await AskAsync<IMessage>(_centre, new Wire.StateCapacityRequest
        {
            Context = _centre.Context(), RequestId = NewId(), Capacities = { new Wire.ServiceCapacity { Service = Wire.Article6Service.CareVisit, OpenPlaces = 1 } },
        });
        await DisputeAsync(report);
        var needless = await SubmitAsync(StrangersId());
        await AskAsync<IMessage>(_desk, new Wire.ScreenReportRequest { Context = Screening(), RequestId = NewId(), ReportId = needless, ReportClass = Wire.ReportClass.New });
        await AskAsync<IMessage>(_desk, new Wire.CloseReportRequest { Context = Screening(), RequestId = NewId(), ReportId = needless, Reason = Wire.NotOpenedReason.NeedAlreadyMet });
        var streamed = await AskAsync<Wire.SubmitReportsResponse>(_school, new Wire.SubmitReportsRequest { Context = _school.Context(), RequestId = NewId(), Content = Report(StrangersId()) });
        foreach (var result in streamed.Results.Where(result => result.Receipt is not null)) _promises.Made("report", "report_id", result.Receipt.ReportId);
    }

    /// <summary>The lead holds that another should lead, and the desk rules that it leads on.</summary>
    private async Task DisputeAsync(string report)
    {
        var opened = await AskAsync<Wire.OpenLeadDisputeResponse>(_centre, new Wire.OpenLeadDisputeRequest
        {
            Context = _centre.Context(), RequestId = NewId(), ReportId = report, RuleId = "R-INT-5", ProposedUnitId = "tpe-central-swc", Statement = "案家實際居住地在他區，依派案規則應由該地之中心主責",
        });
        var dispute = opened.Dispute.DisputeId;
        _promises.Made("lead_dispute", "dispute_id", dispute);
        await AskAsync<IMessage>(_centre, new Wire.ListLeadDisputesRequest { Context = _centre.Context() });
        await AskAsync<IMessage>(_desk, new Wire.DecideLeadDisputeRequest
        {
            Context = Screening(), RequestId = NewId(), DisputeId = dispute, LeadUnitId = _centre.UnitId, RuleId = "R-INT-5",
            Principle = "居住地與戶籍地不同時，由已建立服務關係之中心續行主責", Grounds = "訪視紀錄顯示服務關係已建立，改派將中斷服務",
        });
        await AskAsync<IMessage>(_centre, new Wire.GetLeadDisputeRequest { Context = _centre.Context(), DisputeId = dispute });
        await AskAsync<IMessage>(_centre, new Wire.AppealLeadDisputeRequest { Context = _centre.Context(), RequestId = NewId(), DisputeId = dispute, Statement = "裁定未審酌案家遷居後之通勤距離與幼兒就學情形" });
        await AskAsync<IMessage>(_school, new Wire.SearchPrecedentsRequest { Context = _school.Context() });
    }

    private async Task<string> SubmitAsync(string person)
    {
        var made = await AskAsync<Wire.SubmitReportResponse>(_school, new Wire.SubmitReportRequest { Context = _school.Context(), RequestId = NewId(), Content = Report(person) });
        _promises.Made("report", "report_id", made.Receipt.ReportId);
        return made.Receipt.ReportId;
    }

    private async Task<string> DispatchAsync(string report)
    {
        var made = await AskAsync<Wire.DispatchReportResponse>(_desk, new Wire.DispatchReportRequest
        {
            Context = Screening(), RequestId = NewId(), ReportId = report, UnitIds = { _centre.UnitId }, Services = { Wire.Article6Service.CareVisit }, OverrideReason = Why,
            View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact } },
        });
        var offer = made.Report.Offers[^1].ReferralId;
        _promises.Made("report_offer", "referral_id", offer);
        return offer;
    }

    private Wire.AccessContext Screening() => _desk.Context(Wire.Purpose.IntakeScreening, Wire.LegalBasis.StatutoryReport);

    private static Wire.ReportContent Report(string person) => new()
    {
        SourceSystem = Wire.SourceSystem.ECareReport, Kind = Wire.ReportKind.VulnerableFamily, Reporter = new Wire.Reporter { Kind = Wire.ReporterKind.Neighbor, Name = "通報某" },
        Subjects = { new Wire.ReportSubject { NationalId = person, Name = "測試某", BirthDate = "2014-05-06" } }, Problems = { Wire.ReportProblem.EconomicHardship },
        Facts = { new Wire.ReferralFact { ConfidentialityClass = Wire.ConfidentialityClass.Economic, Text = "積欠房租三個月" } },
        ReportedAt = Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow().AddHours(-1)),
    };

    private async Task WorkOnCaseAsync(string referral, string person)
    {
        var opening = new Wire.OpenCaseRequest { Context = _centre.Context(Wire.Purpose.CaseCoordination, referral: referral), RequestId = NewId(), ReferralId = referral };
        var opened = (await AskAsync<Wire.OpenCaseResponse>(_centre, opening)).Case;
        var file = opened.CaseId;
        _promises.Made("case_file", "case_id", file);
        Wire.AccessContext InCase(Caller by) => by.Context(Wire.Purpose.CaseCoordination, inCase: file);
        await AskAsync<IMessage>(_centre, new Wire.InviteUnitRequest
        {
            Context = InCase(_centre), RequestId = NewId(), CaseId = file, UnitId = _health.UnitId, Services = { Wire.Article6Service.MentalHealth },
        });
        await AskAsync<IMessage>(_health, new Wire.JoinCaseRequest { Context = InCase(_health), RequestId = NewId(), CaseId = file });
        var note = await AskAsync<Wire.CreateNoteResponse>(_centre, new Wire.CreateNoteRequest
        {
            Context = InCase(_centre), RequestId = NewId(), CaseId = file, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, Text = "家訪一次",
        });
        _promises.Made("case_note", "note_id", note.Note.NoteId);
        await AskAsync<IMessage>(_centre, new Wire.AmendNoteRequest
        {
            Context = InCase(_centre), RequestId = NewId(), CaseId = file, NoteId = note.Note.NoteId, BaseVersion = note.Note.Version, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote,
            Text = "家訪兩次", Reason = "補充第二次訪視", Corrects = true,
        });
        await AskAsync<IMessage>(_centre, new Wire.ShareNotesRequest
        {
            Context = InCase(_centre), RequestId = NewId(), CaseId = file, NoteIds = { note.Note.NoteId }, Share = new() { UnitId = _health.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver },
        });
        await AskAsync<IMessage>(_centre, new Wire.ListNotesRequest { Context = InCase(_centre), CaseId = file });
        await AskAsync<IMessage>(_centre, new Wire.ListNoteVersionsRequest { Context = InCase(_centre), CaseId = file, NoteId = note.Note.NoteId });
        await AskAsync<IMessage>(_centre, new Wire.SearchNotesRequest { Context = InCase(_centre), CaseId = file, Text = "家訪" });
        await AskAsync<IMessage>(_centre, new Wire.GetCaseRequest { Context = InCase(_centre), CaseId = file });
        await AskAsync<IMessage>(_centre, new Wire.LookUpHouseholdRequest { Context = _centre.Context(inCase: file), NationalId = person });
        await AskAsync<IMessage>(_centre, new Wire.BatchLookUpHouseholdsRequest
        {
            Context = _centre.Context(inCase: file), Keys = { new Wire.LookUpKey { NationalId = person }, new Wire.LookUpKey { NationalId = StrangersId() } },
        });
        await VisitAsync(file, opened.Subjects[0].PersonId);
        await AskAsync<IMessage>(_centre, new Wire.SetProtectiveScopeRequest { Context = InCase(_centre), RequestId = NewId(), CaseId = file, UnitId = _health.UnitId });
        await AskAsync<IMessage>(_centre, new Wire.MarkOtherPartyRequest
        {
            Context = InCase(_centre), RequestId = NewId(), CaseId = file, NationalId = StrangersId(), Reason = "保護令之相對人",
        });
        await AskAsync<IMessage>(_centre, new Wire.ProtectWhereaboutsRequest { Context = InCase(_centre), RequestId = NewId(), NationalId = person, Reason = "保護令核發中" });
        var conference = (await AskAsync<Wire.ConveneConferenceResponse>(_centre, new Wire.ConveneConferenceRequest
        {
            Context = _centre.Context(Wire.Purpose.CaseConference, inCase: file), RequestId = NewId(), CaseId = file, Level = Wire.ConferenceLevel.District,
            Indicators = { Wire.ConferenceIndicator.SelfHarm }, Ground = Wire.ConferenceGround.MechanismWithoutEffect, Statement = "網絡內多次協調後仍無成效",
            MeetingAt = InDays(3), Agenda = { Wire.ConfidentialityClass.Identity }, UnitIds = { _police.UnitId },
        })).Conference.ConferenceId;
        _promises.Made("conference", "conference_id", conference);
        var meeting = _centre.Context(Wire.Purpose.CaseConference);
        meeting.ConferenceId = conference;
        await AskAsync<IMessage>(_centre, new Wire.AmendConferenceRequest { Context = meeting, RequestId = NewId(), ConferenceId = conference, Agenda = { Wire.ConfidentialityClass.Identity } });
        await AskAsync<IMessage>(_centre, new Wire.InviteToConferenceRequest { Context = meeting, RequestId = NewId(), ConferenceId = conference, UnitIds = { "tpe-borough" } });
        await AskAsync<IMessage>(_centre, new Wire.WithdrawInvitationRequest { Context = meeting, RequestId = NewId(), ConferenceId = conference, UnitId = _police.UnitId });
        await AskAsync<IMessage>(_centre, new Wire.GetConferenceRequest { Context = meeting, ConferenceId = conference });
        await AskAsync<IMessage>(_centre, new Wire.ListConferencesRequest { Context = _centre.Context(Wire.Purpose.CaseConference) });
        await CorrectAsync(referral, person);
        await MeetAsync(file);
        await LiveAsync(file);
    }

    /// <summary>A conference meets: items are resolved, reported, given back, changed and done, one goes to the next level and is done there, and the case leaves the list.</summary>
    private async Task MeetAsync(string file)
    {
        var (first, read) = await ConveneAsync(Wire.ConferenceLevel.Case);
        await AskAsync<IMessage>(_health, new Wire.SubmitExtractRequest
        {
            Context = read(_health), RequestId = NewId(), ConferenceId = first, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, Text = "近況摘要",
        });
        await AskAsync<IMessage>(_health, new Wire.GetPreReadRequest { Context = read(_health), ConferenceId = first });
        await BeginAsync();
        var items = (await AskAsync<Wire.RecordResolutionResponse>(_centre, new Wire.RecordResolutionRequest
        {
            Context = read(_centre), RequestId = NewId(), ConferenceId = first, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, Text = "分工辦理",
            Items = { new Wire.NewItem { OwnerUnitId = _health.UnitId, Deed = "每週訪視", DueDate = "2099-01-31" }, new Wire.NewItem { OwnerUnitId = _centre.UnitId, Deed = "協調安置", DueDate = "2099-01-31" } },
        })).Resolution.Items;
        foreach (var made in items) _promises.Made("tracked_item", "item_id", made.ItemId);
        var (visits, place) = (items.Single(one => one.OwnerUnitId == _health.UnitId).ItemId, items.Single(one => one.OwnerUnitId == _centre.UnitId).ItemId);
        await AskAsync<IMessage>(_health, new Wire.ReportItemProgressRequest { Context = read(_health), RequestId = NewId(), ItemId = visits, Text = "已訪視一次" });
        await DoneAsync(_health, visits);
        await AskAsync<IMessage>(_centre, new Wire.ReturnItemRequest { Context = read(_centre), RequestId = NewId(), ItemId = visits, DueDate = "2099-02-28", Reason = "請續訪" });
        await AskAsync<IMessage>(_centre, new Wire.AmendItemRequest { Context = read(_centre), RequestId = NewId(), ItemId = visits, DueDate = "2099-03-31", Reason = "展延" });
        await DoneAsync(_health, visits);
        await AskAsync<IMessage>(_centre, new Wire.ConfirmItemDoneRequest { Context = read(_centre), RequestId = NewId(), ItemId = visits });
        await AskAsync<IMessage>(_centre, new Wire.EscalateItemRequest { Context = read(_centre), RequestId = NewId(), ItemId = place, Reason = "涉跨局處資源" });
        await AskAsync<IMessage>(_centre, new Wire.ListOpenItemsRequest { Context = read(_centre) });
        await AskAsync<IMessage>(_centre, new Wire.ListOwnItemsRequest { Context = read(_centre) });
        (first, read) = await ConveneAsync(Wire.ConferenceLevel.District);
        await BeginAsync();
        await DoneAsync(_centre, place);
        await AskAsync<IMessage>(_centre, new Wire.ConfirmItemDoneRequest { Context = read(_centre), RequestId = NewId(), ItemId = place });
        await AskAsync<IMessage>(_centre, new Wire.GetItemRequest { Context = read(_centre), ItemId = place });
        await AskAsync<IMessage>(_centre, new Wire.RecordAttendanceRequest
        {
            Context = read(_centre), RequestId = NewId(), ConferenceId = first, Attendances = { new Wire.UnitAttendance { UnitId = _health.UnitId, Attendance = Wire.Attendance.Present } },
        });
        await AskAsync<IMessage>(_health, new Wire.StateConsentRequest { Context = read(_health), RequestId = NewId(), ConferenceId = first, Consent = Wire.ListConsent.Agrees, Reason = Why });
        await AskAsync<IMessage>(_centre, new Wire.RemoveFromListRequest { Context = read(_centre), RequestId = NewId(), ConferenceId = first });
        await AskAsync<IMessage>(_health, new Wire.GetMinutesRequest { Context = read(_health), ConferenceId = first });

        Task<IMessage> DoneAsync(Caller by, string item) => AskAsync<IMessage>(by, new Wire.ReportItemDoneRequest { Context = read(by), RequestId = NewId(), ItemId = item, Text = "已完成" });

        async Task<(string Id, Func<Caller, Wire.AccessContext> Read)> ConveneAsync(Wire.ConferenceLevel level)
        {
            var made = (await AskAsync<Wire.ConveneConferenceResponse>(_centre, new Wire.ConveneConferenceRequest
            {
                Context = _centre.Context(Wire.Purpose.CaseConference, inCase: file), RequestId = NewId(), CaseId = file, Level = level, Indicators = { Wire.ConferenceIndicator.SelfHarm },
                Ground = Wire.ConferenceGround.MechanismWithoutEffect, Statement = "網絡內多次協調後仍無成效", MeetingAt = InDays(3), Agenda = { Wire.ConfidentialityClass.CaseNote }, UnitIds = { _health.UnitId },
            })).Conference.ConferenceId;
            _promises.Made("conference", "conference_id", made);
            return (made, by =>
            {
                var context = by.Context(Wire.Purpose.CaseConference);
                context.ConferenceId = made;
                return context;
            });
        }

        // The meeting is put to the next moment, and waited for.
        async Task BeginAsync()
        {
            for (var seconds = 0.25; ; seconds *= 4)
            {
                var at = TimeProvider.System.GetUtcNow().AddSeconds(seconds);
                try
                {
                    await AskAsync<IMessage>(_centre, new Wire.AmendConferenceRequest
                    {
                        Context = read(_centre), RequestId = NewId(), ConferenceId = first, Agenda = { Wire.ConfidentialityClass.CaseNote }, MeetingAt = Timestamp.FromDateTimeOffset(at),
                    });
                }
                catch (RpcException) when (seconds < 30)
                {
                    // It was asked again and again until the moment had passed.
                    continue;
                }

                if (at - TimeProvider.System.GetUtcNow() is { Ticks: > 0 } left) await Task.Delay(left + TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
                return;
            }
        }
    }

    /// <summary>Workers, a plan, the primary role handed over and back, a unit that leaves; another case that is closed and opened again.</summary>
    private async Task LiveAsync(string file)
    {
        Wire.AccessContext InCase(Caller by) => by.Context(Wire.Purpose.CaseCoordination, inCase: file);
        await AskAsync<IMessage>(_centre, new Wire.AssignWorkersRequest { Context = InCase(_centre), RequestId = NewId(), CaseId = file, WorkerPersonId = "W0301" });
        var supervisor = _centre with { PersonId = "W0399", Role = Wire.ActorRole.Supervisor };
        await AskAsync<IMessage>(supervisor, new Wire.ReassignWorkerRequest { Context = supervisor.Context(), RequestId = NewId(), FromPersonId = "W0301", ToPersonId = "W0302" });
        await AskAsync<IMessage>(_centre, new Wire.GetCaseloadRequest { Context = _centre.Context() });
        var goal = (await AskAsync<Wire.CreateGoalResponse>(_centre, new Wire.CreateGoalRequest
        {
            Context = InCase(_centre), RequestId = NewId(), CaseId = file, OwnerUnitId = _health.UnitId, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, Text = "每兩週訪視一次",
            TargetDate = "2099-01-31",
        })).Goal.GoalId;
        _promises.Made("service_goal", "goal_id", goal);
        await AskAsync<IMessage>(_health, new Wire.AddProgressRequest { Context = InCase(_health), RequestId = NewId(), CaseId = file, GoalId = goal, Text = "已完成第一次訪視" });
        await AskAsync<IMessage>(_centre, new Wire.UpdateGoalRequest { Context = InCase(_centre), RequestId = NewId(), CaseId = file, GoalId = goal, TargetDate = "2099-02-28" });
        await AskAsync<IMessage>(_health, new Wire.ListGoalsRequest { Context = InCase(_health), CaseId = file });
        await ProposeAsync(_centre, _health);
        await AskAsync<IMessage>(_health, new Wire.DeclinePrimaryRequest { Context = InCase(_health), RequestId = NewId(), CaseId = file, Reason = Why });
        await ProposeAsync(_centre, _health);
        await AskAsync<IMessage>(_centre, new Wire.WithdrawPrimaryProposalRequest { Context = InCase(_centre), RequestId = NewId(), CaseId = file });
        await ProposeAsync(_centre, _health);
        await AskAsync<IMessage>(_health, new Wire.AcceptPrimaryRequest { Context = InCase(_health), RequestId = NewId(), CaseId = file });
        await ProposeAsync(_health, _centre);
        await AskAsync<IMessage>(_centre, new Wire.AcceptPrimaryRequest { Context = InCase(_centre), RequestId = NewId(), CaseId = file });
        await AskAsync<IMessage>(_health, new Wire.LeaveCaseRequest { Context = InCase(_health), RequestId = NewId(), CaseId = file, Outcome = Wire.ReferralOutcome.GoalsMet });
        await AskAsync<IMessage>(_centre, new Wire.ListCaseMovesRequest { Context = InCase(_centre), CaseId = file });
        var taken = await ReferAsync(StrangersId());
        await EmptyInboxAsync();
        await AskAsync<IMessage>(_centre, new Wire.AcceptReferralRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = taken });
        var other = (await AskAsync<Wire.OpenCaseResponse>(_centre, new Wire.OpenCaseRequest { Context = _centre.Context(referral: taken), RequestId = NewId(), ReferralId = taken })).Case.CaseId;
        _promises.Made("case_file", "case_id", other);
        await AskAsync<IMessage>(_centre, new Wire.CloseCaseRequest { Context = _centre.Context(), RequestId = NewId(), CaseId = other, Outcome = Wire.ReferralOutcome.GoalsMet });
        await AskAsync<IMessage>(_centre, new Wire.ReopenCaseRequest { Context = _centre.Context(), RequestId = NewId(), CaseId = other, Reason = Why });

        Task<IMessage> ProposeAsync(Caller by, Caller to) => AskAsync<IMessage>(by, new Wire.ProposePrimaryRequest
        {
            Context = InCase(by), RequestId = NewId(), CaseId = file, ToUnitId = to.UnitId, Reason = Why,
        });
    }

    private async Task VisitAsync(string file, string personId)
    {
        Wire.AccessContext InCase(Caller by) => by.Context(Wire.Purpose.CaseCoordination, inCase: file);
        var today = TimeProvider.System.GetUtcNow().ToOffset(TimeSpan.FromHours(8));
        string DayIn(int days) => $"{today.AddDays(days):yyyy-MM-dd}";
        async Task<string> PlanAsync()
        {
            var planned = await AskAsync<Wire.PlanVisitResponse>(_centre, new Wire.PlanVisitRequest { Context = InCase(_centre), RequestId = NewId(), CaseId = file, PersonId = personId, PlannedOn = DayIn(2) });
            _promises.Made("visit", "visit_id", planned.Visit.VisitId);
            return planned.Visit.VisitId;
        }

        var run = (await AskAsync<Wire.StartProtocolResponse>(_centre, new Wire.StartProtocolRequest
        {
            Context = InCase(_centre), RequestId = NewId(), CaseId = file, PersonId = personId, Protocol = "SUICIDE_FOLLOW_UP",
        })).Run.RunId;
        _promises.Made("visit_protocol_run", "run_id", run);
        var (made, cancelled, now) = (await PlanAsync(), await PlanAsync(), Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow().AddMinutes(-1)));
        await AskAsync<IMessage>(_centre, new Wire.RecordAttemptRequest { Context = InCase(_centre), RequestId = NewId(), VisitId = made, HappenedAt = now, Channel = Wire.VisitChannel.Home });
        await AskAsync<IMessage>(_centre, new Wire.RescheduleVisitRequest { Context = InCase(_centre), RequestId = NewId(), VisitId = made, PlannedOn = DayIn(3), Reason = "案主住院，改期訪視" });
        await AskAsync<IMessage>(_centre, new Wire.RecordVisitRequest
        {
            Context = InCase(_centre), RequestId = NewId(), VisitId = made, HappenedAt = now, Channel = Wire.VisitChannel.Home, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, Text = "家訪一次",
        });
        await AskAsync<IMessage>(_centre, new Wire.CancelVisitRequest { Context = InCase(_centre), RequestId = NewId(), VisitId = cancelled, Reason = "重複排定，予以取消" });
        await AskAsync<IMessage>(_centre, new Wire.GetProtocolRequest { Context = InCase(_centre), RunId = run });
        await AskAsync<IMessage>(_centre, new Wire.ListVisitsRequest { Context = InCase(_centre), CaseId = file, Listing = Wire.VisitListing.All });
        await AskAsync<IMessage>(_centre, new Wire.EndProtocolRequest { Context = InCase(_centre), RequestId = NewId(), RunId = run, Reason = Why });
    }

    private async Task CorrectAsync(string referral, string person)
    {
        var correction = (await AskAsync<Wire.CorrectSharedDataResponse>(_school, new Wire.CorrectSharedDataRequest
        {
            Context = _school.Context(), RequestId = NewId(), Step = Wire.DisclosureStep.Referral, StepId = referral, NationalId = person,
            ConfidentialityClass = Wire.ConfidentialityClass.Identity, Wrong = "舊名", Right = "新名",
        })).Correction.CorrectionId;
        _promises.Made("correction", "correction_id", correction);
        await AskAsync<IMessage>(_centre, new Wire.GetCorrectionRequest { Context = _centre.Context(), CorrectionId = correction });
        await AskAsync<IMessage>(_centre, new Wire.ListCorrectionsRequest { Context = _centre.Context() });
        await AskAsync<IMessage>(_centre, new Wire.AcknowledgeCorrectionRequest { Context = _centre.Context(), RequestId = NewId(), CorrectionId = correction });
        await AskAsync<IMessage>(_centre, new Wire.ListDisclosuresRequest { Context = _centre.Context(), NationalId = person });
        await AskAsync<IMessage>(_school, new Wire.NarrowDisclosureRequest
        {
            Context = _school.Context(), RequestId = NewId(), Step = Wire.DisclosureStep.Referral, StepId = referral, ToUnitId = _centre.UnitId, Classes = { Wire.ConfidentialityClass.Contact },
        });
    }

    /// <summary>Referrals that go back, are declined, or taken back.</summary>
    private async Task SendBackAsync()
    {
        var (back, declined, withdrawn) = (await ReferAsync(StrangersId()), await ReferAsync(StrangersId()), await ReferAsync(StrangersId()));
        await EmptyInboxAsync();
        foreach (var id in (string[])[back, declined])
            await AskAsync<IMessage>(_centre, new Wire.MarkReferralSeenRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = id });
        await AskAsync<IMessage>(_centre, new Wire.ReturnReferralRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = back, Missing = { Wire.MissingPart.Contact } });
        await AskAsync<IMessage>(_school, new Wire.ResubmitReferralRequest { Context = _school.Context(), RequestId = NewId(), ReferralId = back });
        await AskAsync<IMessage>(_centre, new Wire.DeclineReferralRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = declined, Reason = Wire.DeclineReason.NeedAlreadyMet });
        await AskAsync<IMessage>(_school, new Wire.WithdrawReferralRequest { Context = _school.Context(), RequestId = NewId(), ReferralId = withdrawn });
        await HandOnAsync();
        await AskAsync<IMessage>(_school, new Wire.ListNoticesRequest { Context = _school.Context() });
        await AskAsync<IMessage>(_school, new Wire.ListParkedNoticesRequest { Context = _school.Context() });
        await AskAsync<IMessage>(_centre, new Wire.ListClocksRequest { Context = _centre.Context() });
        await AskAsync<IMessage>(_centre, new Wire.ListReferralsRequest { Context = _centre.Context() });
        await AskAsync<IMessage>(_centre, new Wire.GetReferralRequest { Context = _centre.Context(), ReferralId = back });
    }

    private async Task ApplyAsync(string person)
    {
        async Task<string> Applied()
        {
            var application = new Wire.ApplyForGrantRequest
            {
                Context = _police.Context(Wire.Purpose.CaseCoordination), RequestId = NewId(), NationalId = person, Classes = { Wire.ConfidentialityClass.Identity }, Until = InDays(30),
            };
            application.Context.Justification = Why;
            var id = (await AskAsync<Wire.ApplyForGrantResponse>(_police, application)).Grant.GrantId;
            _promises.Made("access_grant", "grant_id", id);
            return id;
        }

        var grant = await Applied();
        Wire.AccessContext Coordinating(Caller by) => by.Context(Wire.Purpose.CaseCoordination);
        await AskAsync<IMessage>(_centre, new Wire.DecideGrantRequest { Context = Coordinating(_centre), RequestId = NewId(), GrantId = grant, Action = Wire.GrantAction.Grant });
        await AskAsync<IMessage>(_centre, new Wire.NarrowGrantRequest { Context = Coordinating(_centre), RequestId = NewId(), GrantId = grant });
        await AskAsync<IMessage>(_centre, new Wire.GetGrantRequest { Context = Coordinating(_centre), GrantId = grant });
        await AskAsync<IMessage>(_centre, new Wire.RevokeGrantRequest { Context = Coordinating(_centre), RequestId = NewId(), GrantId = grant, Refusal = Wire.GrantRefusal.PurposeFulfilled });
        await AskAsync<IMessage>(_police, new Wire.ListGrantsRequest { Context = _police.Context(), Side = Wire.GrantSide.Made });
        var duty = _police with { PersonId = "P2001", Role = Wire.ActorRole.DutyOfficer };
        var breaking = new Wire.BreakGlassRequest { Context = duty.Context(Wire.Purpose.CrisisResponse, Wire.LegalBasis.ImminentDanger), RequestId = NewId(), NationalId = StrangersId() };
        breaking.Context.Justification = Why;
        var broken = (await AskAsync<Wire.BreakGlassResponse>(duty, breaking)).Opened.BreakGlassId;
        _promises.Made("broken_glass", "break_glass_id", broken);
        await AskAsync<IMessage>(_officer, new Wire.ListBreakGlassReviewsRequest { Context = _officer.Context() });
        await AskAsync<IMessage>(_officer, new Wire.ReviewBreakGlassRequest
        {
            Context = _officer.Context(), RequestId = NewId(), BreakGlassId = broken, Verdict = Wire.BreakGlassVerdict.Justified, Reason = Why,
        });
    }

    /// <summary>What officers and callers do with the log.</summary>
    private async Task LookIntoAsync(string person)
    {
        var (_, decision) = await AnswerAsync<Wire.GetSelfResponse>(_school, new Wire.GetSelfRequest { Context = _school.Context() });
        await AskAsync<IMessage>(_school, new Wire.ExplainDecisionRequest { Context = _school.Context(), DecisionId = decision });
        await AskAsync<IMessage>(_officer, new Wire.SearchAccessesRequest { Context = _officer.Context(), NationalId = person });
        await AskAsync<IMessage>(_officer, new Wire.ListAccessesRequest { Context = _officer.Context(), NationalId = person });
        await AskForPersonsAsync();
        await AskAsync<IMessage>(_officer, new Wire.ReportAccessesRequest { Context = _officer.Context(), NationalId = person });
        await AskAsync<IMessage>(_officer, new Wire.ListPossibleViewersRequest { Context = _officer.Context(), NationalId = person });
        var held = await AskAsync<Wire.PlaceLegalHoldResponse>(
            _officer, new Wire.PlaceLegalHoldRequest { Context = _officer.Context(), RequestId = NewId(), NationalId = person, Reason = Why });
        _promises.Made("legal_hold", "hold_id", held.Hold.HoldId);
        await AskAsync<IMessage>(_officer, new Wire.ListLegalHoldsRequest { Context = _officer.Context() });
        await AskAsync<IMessage>(_officer, new Wire.GetRetentionRequest { Context = _officer.Context() });
        await AskAsync<IMessage>(_second, new Wire.ReleaseLegalHoldRequest { Context = _second.Context(), RequestId = NewId(), HoldId = held.Hold.HoldId, Reason = Why });
        var head = await AskAsync<Wire.GetCheckpointResponse>(_school, new Wire.GetCheckpointRequest { Context = _school.Context() });
        _promises.Signed(head.Note);
        await AskAsync<IMessage>(_school, new Wire.GetInclusionProofRequest { Context = _school.Context(), Position = 0, TreeSize = 2 });
        await AskAsync<IMessage>(_school, new Wire.GetConsistencyProofRequest { Context = _school.Context(), FromSize = 1, ToSize = 2 });
        await AskAsync<IMessage>(_officer, new Wire.ListExpiringBasesRequest { Context = _officer.Context() });
        await AskAsync<IMessage>(_school, new Wire.GetPolicyRequest { Context = _school.Context() });
        await OpenAsync(_officer, new Wire.ReadLogRequest { Context = _officer.Context(), End = 3 });
        await AskAsync<IMessage>(_school, NewReferral(_station.UnitId, StrangersId(), Wire.Article6Service.MedicalCare));
        await OpenAsync(_station, new Wire.WatchInboxRequest { Context = _station.Context() });
        await OpenAsync(_centre, new Wire.WatchCasesRequest { Context = _centre.Context() });
    }

    /// <summary>A reveal by two officers, and a decoy that somebody asks for.</summary>
    private async Task AskForPersonsAsync()
    {
        var (second, stranger) = (_officer with { PersonId = "S0008" }, StrangersId());
        await AskAsync<IMessage>(_officer, new Wire.RegisterStaffRequest
        {
            Context = _officer.Context(), RequestId = NewId(), AgencyCode = "edu", StaffNumber = "T0217", NationalId = StrangersId(),
        });
        var canary = (await AskAsync<Wire.PlantCanaryResponse>(_officer, new Wire.PlantCanaryRequest { Context = _officer.Context(), RequestId = NewId(), NationalId = stranger })).CanaryId;
        _promises.Made("canary", "canary_id", canary);
        await AskAsync<IMessage>(_school, NewReferral(_centre.UnitId, stranger, Wire.Article6Service.CareVisit));
        var pseudonym = (await AskAsync<Wire.ListAccessesResponse>(_officer, new Wire.ListAccessesRequest { Context = _officer.Context(), NationalId = stranger })).Pseudonym;
        var reveal = (await AskAsync<Wire.RequestRevealResponse>(_officer, new Wire.RequestRevealRequest
        {
            Context = _officer.Context(), RequestId = NewId(), Subject = pseudonym, Reason = Why, Proceeding = "115-0042",
        })).Reveal.RevealId;
        _promises.Made("reveal", "reveal_id", reveal);
        await AskAsync<IMessage>(second, new Wire.DecideRevealRequest { Context = second.Context(), RequestId = NewId(), RevealId = reveal, Decision = Wire.RevealState.Approved, Reason = Why });
        await AskAsync<IMessage>(_officer, new Wire.GetRevealRequest { Context = _officer.Context(), RevealId = reveal });
        await AskAsync<IMessage>(_officer, new Wire.ListRevealsRequest { Context = _officer.Context() });
        await AskAsync<IMessage>(_officer, new Wire.ListMisuseRulesRequest { Context = _officer.Context() });
        // The scan runs by itself: the decoy is found within its pause.
        for (var tries = 0; tries < 100; tries++)
        {
            var found = await AskAsync<Wire.ListFindingsResponse>(_officer, new Wire.ListFindingsRequest
            {
                Context = _officer.Context(), Rule = Wire.MisuseRuleId.Canary, State = Wire.FindingState.Open,
            });
            if (found.Findings.Count > 0)
            {
                var id = found.Findings[0].FindingId;
                await AskAsync<IMessage>(_officer, new Wire.GetFindingRequest { Context = _officer.Context(), FindingId = id });
                await AskAsync<IMessage>(_officer, new Wire.DisposeFindingRequest { Context = _officer.Context(), RequestId = NewId(), FindingId = id, State = Wire.FindingState.Confirmed, Note = Why });
                break;
            }

            await Task.Delay(100);
        }

        await AskAsync<IMessage>(_officer, new Wire.WithdrawCanaryRequest { Context = _officer.Context(), RequestId = NewId(), CanaryId = canary });
    }

    /// <summary>Every method, for a purpose that it does not serve: the record of the refusal is all that may come of it.</summary>
    private async Task TryAllInVainAsync()
    {
        // The messages of a stream are refused in its answer, each with its record.
        foreach (var method in ContractMethods.All.Where(one => !one.IsClientStreaming))
        {
            var request = method.InputType.Parser.ParseFrom(ByteString.Empty);
            method.InputType.FindFieldByName("context").Accessor.SetValue(request, _school.Context(Wire.Purpose.Statistics));
            try
            {
                await (method.IsServerStreaming ? (Task)OpenAsync(_school, request) : AskAsync<IMessage>(_school, request));
                Broken.Add($"{method.FullName} was answered for a purpose that it does not serve");
            }
            catch (RpcException)
            {
                // With its receipt, or AskAsync would have found fault with it.
            }
        }
    }

    /// <summary>A referral that is worked on, asked back in vain, offered to a next unit in vain, and taken back by both.</summary>
    private async Task HandOnAsync()
    {
        var id = await ReferAsync(StrangersId());
        await EmptyInboxAsync();
        var taken = await AskAsync<Wire.AcceptReferralResponse>(_centre, new Wire.AcceptReferralRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = id });
        await AskAsync<IMessage>(_centre, new Wire.AssignReferralRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = id, AssignedPersonId = "W0301" });
        await AskAsync<IMessage>(_centre, new Wire.RecordPersuasionRequest
        {
            Context = _centre.Context(), RequestId = NewId(), ReferralId = id, ClientPersonId = taken.Referral.Subjects[0].PersonId, Kind = Wire.PersuasionKind.HomeVisit,
            Result = Wire.PersuasionResult.Unwilling, MadeAt = taken.Referral.CreatedAt,
        });
        await AskAsync<IMessage>(_centre, new Wire.RecordSearchStepRequest
        {
            Context = _centre.Context(), RequestId = NewId(), ReferralId = id, Kind = Wire.SearchStepKind.HomeVisit, MadeAt = taken.Referral.CreatedAt,
        });
        await AskAsync<IMessage>(_school, new Wire.RequestWithdrawalRequest { Context = _school.Context(), RequestId = NewId(), ReferralId = id });
        await AskAsync<IMessage>(_centre, new Wire.RefuseWithdrawalRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = id });
        var proposed = await AskAsync<Wire.ProposeTransferResponse>(_centre, new Wire.ProposeTransferRequest
        {
            Context = _centre.Context(), RequestId = NewId(), ReferralId = id, ToUnitId = "tpe-central-swc", Services = { Wire.Article6Service.CareVisit },
            View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity } },
        });
        _promises.Made("referral", "referral_id", proposed.Onward.ReferralId);
        await AskAsync<IMessage>(_centre, new Wire.WithdrawReferralRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = proposed.Onward.ReferralId });
        await AskAsync<IMessage>(_school, new Wire.RequestWithdrawalRequest { Context = _school.Context(), RequestId = NewId(), ReferralId = id });
        await AskAsync<IMessage>(_centre, new Wire.ConfirmWithdrawalRequest { Context = _centre.Context(), RequestId = NewId(), ReferralId = id });
    }

    private async Task<string> ReferAsync(string person)
    {
        var made = await AskAsync<Wire.CreateReferralResponse>(_school, NewReferral(_centre.UnitId, person, Wire.Article6Service.CareVisit));
        _promises.Made("referral", "referral_id", made.Referral.ReferralId);
        return made.Referral.ReferralId;
    }

    private Wire.CreateReferralRequest NewReferral(string toUnitId, string person, Wire.Article6Service service) => new()
    {
        Context = _school.Context(Wire.Purpose.CaseCoordination), RequestId = NewId(), ToUnitId = toUnitId, Services = { service },
        Subjects = { new Wire.ReferralSubject { NationalId = person, Name = "測試某", BirthDate = "2014-05-06", Phone = "0900-111-222", Address = "測試路 1 號" } },
        View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact } },
    };

    private async Task EmptyInboxAsync()
    {
        while (true)
        {
            var listed = await AskAsync<Wire.ListNoticesResponse>(_centre, new Wire.ListNoticesRequest { Context = _centre.Context(), PageSize = 500 });
            if (listed.Notices.Count == 0)
                return;
            await AskAsync<IMessage>(_centre, new Wire.AcknowledgeNoticesRequest { Context = _centre.Context(), RequestId = NewId(), UpToSequence = listed.Notices[^1].Sequence });
        }
    }

    private async Task<T> AskAsync<T>(Caller by, IMessage request)
        where T : class, IMessage => (await AnswerAsync<T>(by, request)).Answer;

    private Task<(T Answer, string Decision)> AnswerAsync<T>(Caller by, IMessage request)
        where T : class, IMessage => UntilRecordedAsync(by, request, async (method, options) =>
        {
            using var call = by.Channel.Invoker.AsyncUnaryCall(ContractMethods.ToGrpc(method), host: null, options, request);
            var answer = await call;
            if (CallReceipt.Read(call.GetTrailers()) is not { } receipt)
            {
                Broken.Add($"{method.FullName} was answered without a receipt");
                return ((T)answer, "");
            }

            _promises.Keep(receipt);
            if (method.InputType.FindFieldByName("request_id") is { } field)
                _promises.Acknowledged($"/{method.Service.FullName}/{method.Name}", (string)field.Accessor.GetValue(request));
            return ((T)answer, receipt.DecisionId);
        });

    /// <summary>Takes the first message of a stream, and leaves.</summary>
    private Task<bool> OpenAsync(Caller by, IMessage request) => UntilRecordedAsync(by, request, async (method, options) =>
    {
        using var call = by.Channel.Invoker.AsyncServerStreamingCall(ContractMethods.ToGrpc(method), host: null, options, request);
        return await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken);
    });

    private async Task<TAnswer> UntilRecordedAsync<TAnswer>(Caller by, IMessage request, Func<MethodDescriptor, CallOptions, Task<TAnswer>> ask)
    {
        var method = ContractMethods.All.Single(one => one.InputType == request.Descriptor);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var answer = await ask(method, new CallOptions(deadline: TimeProvider.System.GetUtcNow().UtcDateTime + CallLimit));
                Permitted.AddOrUpdate(method.Name, 1, (_, count) => count + 1);
                return answer;
            }
            catch (RpcException error) when (RefusalReader.TryRead(error, out var refusal))
            {
                var receipt = CallReceipt.Read(error.Trailers);
                if (receipt is not null)
                    _promises.Keep(receipt);
                if (refusal.Reason == Wire.ErrorReason.AuditUnavailable)
                {
                    Unrecorded++;
                    if (receipt is not null || error.StatusCode != StatusCode.Unavailable)
                        Broken.Add($"{method.FullName} without a record ended with {error.Status} and a receipt: {receipt}");
                }
                else if (receipt is null)
                {
                    Broken.Add($"{method.FullName} was refused without a receipt: {error.Status}");
                }
                else if (refusal.Reason is not (Wire.ErrorReason.TokenNotAccepted or Wire.ErrorReason.TokenExpired or Wire.ErrorReason.AuthorityUnavailable))
                {
                    Refused.AddOrUpdate(method.Name, 1, (_, count) => count + 1);
                    throw;
                }
                else
                {
                    by.Channel.ForgetToken();
                }

                if (attempt > 100 || (attempt > 3 && !_sandbox.IsRunning))
                    throw new ServerGoneException(error);
            }
            catch (Exception error) when (error is RpcException or OperationCanceledException or HttpRequestException)
            {
                if (attempt > 3 || !_sandbox.IsRunning)
                    throw new ServerGoneException(error);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }
    }

    private Caller Enter(string agency, string unitId, string personId, Wire.ActorRole role = Wire.ActorRole.Worker) =>
        new(_channels.GetOrAdd(agency, name => _sandbox.Connect(name)), unitId, personId, role);

    private static Timestamp InDays(int days) => Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow().AddDays(days));

    private static string NewId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();

    /// <summary>A valid national id that nobody of the register has.</summary>
    private static string StrangersId()
    {
        var nine = string.Create(CultureInfo.InvariantCulture, $"Z1{Interlocked.Increment(ref _strangers):0000000}");
        return nine + NationalId.ComputeCheckDigit(nine);
    }

    private sealed record Caller(ExchangeChannel Channel, string UnitId, string PersonId, Wire.ActorRole Role)
    {
        public Wire.AccessContext Context(
            Wire.Purpose purpose = Wire.Purpose.ServiceDelivery, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService, string referral = "", string inCase = "")
        {
            if (Role == Wire.ActorRole.SecurityOfficer && purpose == Wire.Purpose.ServiceDelivery)
                (purpose, basis) = (Wire.Purpose.Audit, Wire.LegalBasis.AuditDuty);
            return new Wire.AccessContext
            {
                Purpose = purpose, LegalBasis = basis, Actor = new Wire.ActingPerson { PersonId = PersonId, Role = Role, UnitId = UnitId }, ReferralId = referral, CaseId = inCase,
            };
        }
    }
}
