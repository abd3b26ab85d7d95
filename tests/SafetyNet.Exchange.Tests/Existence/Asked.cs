using Google.Protobuf;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Conferences;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Reports;
using SafetyNet.Exchange.Tests.Visits;

namespace SafetyNet.Exchange.Tests.Existence;

/// <summary>Ids and keys that a caller may have got hold of, or made up.</summary>
internal sealed record Ids(string Referral, string Case, string NationalId, string Name, string BirthDate, string Person, string Decision)
{
    public string Conference { get; init; } = "";

    public string Correction { get; init; } = "";

    public string Grant { get; init; } = "";

    public string BreakGlass { get; init; } = "";

    public string Report { get; init; } = The.NobodysUuid;

    /// <summary>A dispute over the lead, and the report that it is about.</summary>
    public string Dispute { get; init; } = "0192f0a0-0000-7000-8000-000000000001";

    public string DisputedReport { get; init; } = "0192f0a0-0000-7000-8000-000000000001";

    /// <summary>A visit, and a run of a protocol.</summary>
    public string Visit { get; init; } = "0192f0a0-0000-7000-8000-000000000001";

    public string Run { get; init; } = "0192f0a0-0000-7000-8000-000000000001";

    /// <summary>A tracked item of a conference.</summary>
    public string Item { get; init; } = "0192f0a0-0000-7000-8000-000000000001";

    /// <summary>A finding, a reveal, a decoy: known to officers only.</summary>
    public string Finding { get; init; } = "0192f0a0-0000-7000-8000-000000000001";
}

/// <summary>Every method of the contract that takes an id or a key, and how somebody without a part in it asks by it.</summary>
internal static class Asked
{
    public static readonly IReadOnlyDictionary<string, Func<Party, Ids, IMessage[]>> Entries = new Dictionary<string, Func<Party, Ids, IMessage[]>>(StringComparer.Ordinal)
    {
        ["ReferralService/GetReferral"] = (by, ids) => [new Wire.GetReferralRequest { Context = by.Context(), ReferralId = ids.Referral }],
        ["ReferralService/MarkReferralSeen"] = (by, ids) => [new Wire.MarkReferralSeenRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral }],
        ["ReferralService/AcceptReferral"] = (by, ids) => [new Wire.AcceptReferralRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral }],
        ["ReferralService/ReturnReferral"] = (by, ids) =>
            [new Wire.ReturnReferralRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral, Missing = { Wire.MissingPart.Contact } }],
        ["ReferralService/ResubmitReferral"] = (by, ids) => [new Wire.ResubmitReferralRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral }],
        ["ReferralService/DeclineReferral"] = (by, ids) =>
            [new Wire.DeclineReferralRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral, Reason = Wire.DeclineReason.NeedAlreadyMet }],
        ["ReferralService/WithdrawReferral"] = (by, ids) => [new Wire.WithdrawReferralRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral }],
        ["ReferralService/BeginService"] = (by, ids) => [new Wire.BeginServiceRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral }],
        ["ReferralService/CloseReferral"] = (by, ids) =>
            [new Wire.CloseReferralRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral, Outcome = Wire.ReferralOutcome.GoalsMet }],
        ["ReferralService/CreateReferral"] = (by, ids) =>
        [
            Some.Referral(by, "tpe-central-swc", Subject(ids), inCase: ids.Case), Some.Referral(by, "tpe-central-swc", Subject(ids)),
        ],
        ["ReferralHandshakeService/RequestWithdrawal"] = (by, ids) =>
            [new Wire.RequestWithdrawalRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral }],
        ["ReferralHandshakeService/ConfirmWithdrawal"] = (by, ids) =>
            [new Wire.ConfirmWithdrawalRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral }],
        ["ReferralHandshakeService/RefuseWithdrawal"] = (by, ids) =>
            [new Wire.RefuseWithdrawalRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral }],
        ["ReferralHandshakeService/ProposeTransfer"] = (by, ids) => [by.Transfer(ids.Referral, "tpe-central-swc", inCase: ids.Case)],
        ["ReferralWorkService/AssignReferral"] = (by, ids) =>
            [new Wire.AssignReferralRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral, AssignedPersonId = "W0777" }],
        ["ReferralWorkService/RecordPersuasion"] = (by, ids) =>
        [
            new Wire.RecordPersuasionRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral, ClientPersonId = ids.Person, Kind = Wire.PersuasionKind.HomeVisit,
                Result = Wire.PersuasionResult.Unwilling, MadeAt = new() { Seconds = 1 },
            },
        ],
        ["ReferralWorkService/RecordSearchStep"] = (by, ids) =>
        [
            new Wire.RecordSearchStepRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral, Kind = Wire.SearchStepKind.HomeVisit, MadeAt = new() { Seconds = 1 },
            },
        ],
        ["CaseService/OpenCase"] = (by, ids) =>
        [
            new Wire.OpenCaseRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral },
            new Wire.OpenCaseRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral, PersonIds = { ids.Person } },
        ],
        ["CaseService/GetCase"] = (by, ids) => [new Wire.GetCaseRequest { Context = by.Context(inCase: ids.Case), CaseId = ids.Case }],
        ["CaseService/InviteUnit"] = (by, ids) =>
        [
            new Wire.InviteUnitRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, UnitId = "tpe-school", Services = { Wire.Article6Service.RightToSchooling }, PersonIds = { ids.Person },
            },
        ],
        ["CaseService/JoinCase"] = (by, ids) => [new Wire.JoinCaseRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case }],
        ["CaseService/CreateNote"] = (by, ids) => [by.Note(ids.Case, Wire.ConfidentialityClass.CaseNote, "探問")],
        ["CaseService/MarkOtherParty"] = (by, ids) =>
            [new Wire.MarkOtherPartyRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, NationalId = ids.NationalId, Reason = "保護令之相對人" }],
        ["CaseService/SetProtectiveScope"] = (by, ids) =>
            [new Wire.SetProtectiveScopeRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, UnitId = "tpe-school" }],
        ["CaseService/ListNotes"] = (by, ids) => [new Wire.ListNotesRequest { Context = by.Context(inCase: ids.Case), CaseId = ids.Case }],
        ["CaseLifeService/AssignWorkers"] = (by, ids) => [new Wire.AssignWorkersRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, WorkerPersonId = "P0001" }],
        ["CaseLifeService/ProposePrimary"] = (by, ids) =>
            [new Wire.ProposePrimaryRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, ToUnitId = "tpe-school", Reason = CaseLifeMoves.Why }],
        ["CaseLifeService/AcceptPrimary"] = (by, ids) => [new Wire.AcceptPrimaryRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case }],
        ["CaseLifeService/DeclinePrimary"] = (by, ids) => [new Wire.DeclinePrimaryRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, Reason = CaseLifeMoves.Why }],
        ["CaseLifeService/WithdrawPrimaryProposal"] = (by, ids) => [new Wire.WithdrawPrimaryProposalRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case }],
        ["CaseLifeService/LeaveCase"] = (by, ids) => [by.Leaving(ids.Case)],
        ["CaseLifeService/CloseCase"] = (by, ids) => [by.Closing(ids.Case)],
        ["CaseLifeService/ReopenCase"] = (by, ids) => [new Wire.ReopenCaseRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, Reason = CaseLifeMoves.Why }],
        ["CaseLifeService/MergeCases"] = (by, ids) => [by.Merging(ids.Case, ids.Case), by.Merging(The.NobodysUuid, ids.Case), by.Merging(ids.Case, The.NobodysUuid)],
        ["CaseLifeService/ListCaseMoves"] = (by, ids) => [new Wire.ListCaseMovesRequest { Context = by.InCase(ids.Case), CaseId = ids.Case }],
        ["ServicePlanService/CreateGoal"] = (by, ids) => [by.Goal(ids.Case, by, "媒合就業")],
        ["ServicePlanService/UpdateGoal"] = (by, ids) => [by.GoalChange(ids.Case, new() { GoalId = The.NobodysUuid }, Wire.GoalState.Achieved)],
        ["ServicePlanService/AddProgress"] = (by, ids) =>
            [new Wire.AddProgressRequest { Context = by.InCase(ids.Case), RequestId = Some.RequestId(), CaseId = ids.Case, GoalId = The.NobodysUuid, Text = "探問" }],
        ["ServicePlanService/ListGoals"] = (by, ids) => [new Wire.ListGoalsRequest { Context = by.InCase(ids.Case), CaseId = ids.Case }],
        ["CaseNoteService/SearchNotes"] = (by, ids) => [new Wire.SearchNotesRequest { Context = by.Context(inCase: ids.Case), CaseId = ids.Case, Text = "家訪" }],
        ["CaseNoteService/ListNoteVersions"] = (by, ids) =>
            [new Wire.ListNoteVersionsRequest { Context = by.Context(inCase: ids.Case), CaseId = ids.Case, NoteId = ids.Case }],
        ["CaseNoteService/AmendNote"] = (by, ids) =>
            [by.Amendment(ids.Case, new Wire.CaseNote { NoteId = ids.Case, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, Version = 1 }, "探問")],
        ["CaseNoteService/ShareNotes"] = (by, ids) =>
            [by.Sharing(ids.Case, new() { UnitId = "tpe-cmhc", LegalBasis = Wire.LegalBasis.SubjectWaiver }, new Wire.CaseNote { NoteId = ids.Case })],
        ["HouseholdService/LookUpHousehold"] = (by, ids) =>
        [
            LookUp(ids, by.Context(referral: ids.Referral), byName: false), LookUp(ids, by.Context(referral: ids.Referral), byName: true),
            LookUp(ids, by.Context(inCase: ids.Case), byName: false), LookUp(ids, by.Context(inCase: ids.Case), byName: true),
        ],
        ["HouseholdService/BatchLookUpHouseholds"] = (by, ids) =>
        [
            by.LookUpAll(by.Context(referral: ids.Referral), Key(ids, byName: false), Key(ids, byName: true)), by.LookUpAll(by.Context(inCase: ids.Case), Key(ids, byName: false), Key(ids, byName: true)),
        ],
        ["HouseholdService/ProtectWhereabouts"] = (by, ids) =>
        [
            new Wire.ProtectWhereaboutsRequest { Context = by.Context(inCase: ids.Case), RequestId = Some.RequestId(), NationalId = ids.NationalId, Reason = "保護令核發中" },
        ],
        ["ConferenceService/ConveneConference"] = (by, ids) => [Convening(by, ids)],
        ["ConferenceService/AmendConference"] = (by, ids) =>
        [
            new Wire.AmendConferenceRequest
            {
                Context = by.AtConference(ids.Conference), RequestId = Some.RequestId(), ConferenceId = ids.Conference, Agenda = { Wire.ConfidentialityClass.Identity },
            },
        ],
        ["ConferenceService/InviteToConference"] = (by, ids) =>
            [new Wire.InviteToConferenceRequest { Context = by.AtConference(ids.Conference), RequestId = Some.RequestId(), ConferenceId = ids.Conference, UnitIds = { "tpe-school" } }],
        ["ConferenceService/WithdrawInvitation"] = (by, ids) =>
            [new Wire.WithdrawInvitationRequest { Context = by.AtConference(ids.Conference), RequestId = Some.RequestId(), ConferenceId = ids.Conference, UnitId = "tpe-school" }],
        ["ConferenceService/GetConference"] = (by, ids) => [new Wire.GetConferenceRequest { Context = by.AtConference(ids.Conference), ConferenceId = ids.Conference }],
        ["DisclosureService/ListDisclosures"] = (by, ids) =>
        [
            new Wire.ListDisclosuresRequest { Context = by.Context(), NationalId = ids.NationalId }, new Wire.ListDisclosuresRequest { Context = by.Context(), PersonId = ids.Person },
        ],
        ["DisclosureService/NarrowDisclosure"] = (by, ids) =>
        [
            new Wire.NarrowDisclosureRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), Step = Wire.DisclosureStep.Referral, StepId = ids.Referral, ToUnitId = "tpe-school",
                Classes = { Wire.ConfidentialityClass.Identity },
            },
        ],
        ["DisclosureService/CorrectSharedData"] = (by, ids) =>
        [
            new Wire.CorrectSharedDataRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), Step = Wire.DisclosureStep.Referral, StepId = ids.Referral, NationalId = ids.NationalId,
                ConfidentialityClass = Wire.ConfidentialityClass.EducationRecord, Wrong = "原載為三年級", Right = "應為四年級",
            },
        ],
        ["DisclosureService/GetCorrection"] = (by, ids) => [new Wire.GetCorrectionRequest { Context = by.Context(), CorrectionId = ids.Correction }],
        ["DisclosureService/AcknowledgeCorrection"] = (by, ids) =>
            [new Wire.AcknowledgeCorrectionRequest { Context = by.Context(), RequestId = Some.RequestId(), CorrectionId = ids.Correction }],
        ["GrantService/ApplyForGrant"] = (by, ids) =>
        [
            new Wire.ApplyForGrantRequest
            {
                Context = Justified(by.Context()), RequestId = Some.RequestId(), NationalId = ids.NationalId, Classes = { Wire.ConfidentialityClass.Identity },
                Until = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow().AddDays(9)),
            },
        ],
        ["GrantService/DecideGrant"] = (by, ids) =>
            [new Wire.DecideGrantRequest { Context = by.Context(), RequestId = Some.RequestId(), GrantId = ids.Grant, Action = (Wire.GrantAction)1, Classes = { Wire.ConfidentialityClass.Identity } }],
        ["GrantService/NarrowGrant"] = (by, ids) =>
            [new Wire.NarrowGrantRequest { Context = by.Context(), RequestId = Some.RequestId(), GrantId = ids.Grant, Classes = { Wire.ConfidentialityClass.Identity } }],
        ["GrantService/RevokeGrant"] = (by, ids) =>
            [new Wire.RevokeGrantRequest { Context = by.Context(), RequestId = Some.RequestId(), GrantId = ids.Grant, Refusal = (Wire.GrantRefusal)1 }],
        ["GrantService/GetGrant"] = (by, ids) => [new Wire.GetGrantRequest { Context = by.Context(), GrantId = ids.Grant }],
        ["BreakGlassService/ReviewBreakGlass"] = (by, ids) =>
        [
            new Wire.ReviewBreakGlassRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), BreakGlassId = ids.BreakGlass, Verdict = (Wire.BreakGlassVerdict)1, Reason = "查閱紀錄後認屬必要且合於規定之調閱",
            },
        ],
        ["RevealService/DecideReveal"] = (by, ids) =>
        [
            new Wire.DecideRevealRequest { Context = by.Context(), RequestId = Some.RequestId(), RevealId = ids.Finding, Decision = Wire.RevealState.Approved, Reason = "查閱紀錄後認屬必要且合於規定之調閱" },
        ],
        ["RevealService/GetReveal"] = (by, ids) => [new Wire.GetRevealRequest { Context = by.Context(), RevealId = ids.Finding }],
        ["MisuseService/RegisterStaff"] = (by, ids) =>
            [new Wire.RegisterStaffRequest { Context = by.Context(), RequestId = Some.RequestId(), AgencyCode = "dosw", StaffNumber = "W7777", NationalId = ids.NationalId }],
        ["MisuseService/PlantCanary"] = (by, ids) => [new Wire.PlantCanaryRequest { Context = by.Context(), RequestId = Some.RequestId(), NationalId = ids.NationalId }],
        ["MisuseService/WithdrawCanary"] = (by, ids) => [new Wire.WithdrawCanaryRequest { Context = by.Context(), RequestId = Some.RequestId(), CanaryId = ids.Finding }],
        ["MisuseService/GetFinding"] = (by, ids) => [new Wire.GetFindingRequest { Context = by.Context(), FindingId = ids.Finding }],
        ["MisuseService/DisposeFinding"] = (by, ids) =>
        [
            new Wire.DisposeFindingRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), FindingId = ids.Finding, State = Wire.FindingState.Justified, Note = "查閱紀錄後認屬必要且合於規定之調閱",
            },
        ],
        ["ReportService/SubmitReport"] = (by, ids) => [by.Report(ReportMoves.Content(Subject(ids)))],
        ["ReportService/GetReport"] = (by, ids) => [new Wire.GetReportRequest { Context = by.Context(), ReportId = ids.Report }],
        ["ReportService/GetScreening"] = (by, ids) => [new Wire.GetScreeningRequest { Context = by.Screening(), ReportId = ids.Report }],
        ["ReportService/ScreenReport"] = (by, ids) => [by.Class(ids.Report, Wire.ReportClass.New)],
        ["ReportService/DispatchReport"] = (by, ids) => [by.Dispatch(ids.Report, by)],
        ["ReportService/RecallReport"] = (by, ids) => [new Wire.RecallReportRequest { Context = by.Screening(), RequestId = Some.RequestId(), ReportId = ids.Report }],
        ["ReportService/CloseReport"] = (by, ids) =>
            [new Wire.CloseReportRequest { Context = by.Screening(), RequestId = Some.RequestId(), ReportId = ids.Report, Reason = Wire.NotOpenedReason.NeedAlreadyMet }],
        ["ReportService/RecordFirstContact"] = (by, ids) =>
            [new Wire.RecordFirstContactRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = ids.Referral, ContactedAt = new() { Seconds = 1 } }],
        ["AuditService/ExplainDecision"] = (by, ids) => [new Wire.ExplainDecisionRequest { Context = by.Context(), DecisionId = ids.Decision }],
        ["LeadDisputeService/OpenLeadDispute"] = (by, ids) =>
        [
            new Wire.OpenLeadDisputeRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), ReportId = ids.DisputedReport, RuleId = "R-INT-4", ProposedUnitId = "tpe-school", Statement = "案家實際居住地在他區，依派案規則應由該地之中心主責",
            },
        ],
        ["LeadDisputeService/DecideLeadDispute"] = (by, ids) =>
        [
            new Wire.DecideLeadDisputeRequest
            {
                Context = by.Context(Wire.Purpose.IntakeScreening, Wire.LegalBasis.StatutoryReport), RequestId = Some.RequestId(), DisputeId = ids.Dispute, LeadUnitId = "tpe-school", RuleId = "R-INT-4",
                Principle = "居住地與戶籍地不同時，由實際居住地之中心主責服務", Grounds = "訪視紀錄顯示案家已遷居，續由原單位服務往返不便",
            },
        ],
        ["LeadDisputeService/AppealLeadDispute"] = (by, ids) =>
            [new Wire.AppealLeadDisputeRequest { Context = by.Context(), RequestId = Some.RequestId(), DisputeId = ids.Dispute, Statement = "案家實際居住地在他區，依派案規則應由該地之中心主責" }],
        ["MeetingService/SubmitExtract"] = (by, ids) => [by.Extract(ids.Conference, Wire.ConfidentialityClass.CaseNote, "探問")],
        ["MeetingService/GetPreRead"] = (by, ids) => [new Wire.GetPreReadRequest { Context = by.AtConference(ids.Conference), ConferenceId = ids.Conference }],
        ["MeetingService/RecordAttendance"] = (by, ids) => [by.Attendance(ids.Conference, (by, Wire.Attendance.Present))],
        ["MeetingService/RecordResolution"] = (by, ids) => [by.Resolution(ids.Conference, Wire.ConfidentialityClass.CaseNote, by.Owes("探問"))],
        ["MeetingService/StateConsent"] = (by, ids) => [by.Consent(ids.Conference)],
        ["MeetingService/RemoveFromList"] = (by, ids) => [by.Removal(ids.Conference)],
        ["MeetingService/GetMinutes"] = (by, ids) => [new Wire.GetMinutesRequest { Context = by.AtConference(ids.Conference), ConferenceId = ids.Conference }],
        ["TrackedItemService/ReportItemProgress"] = (by, ids) => [by.Progress(ids.Item)],
        ["TrackedItemService/ReportItemDone"] = (by, ids) => [by.Done(ids.Item)],
        ["TrackedItemService/ConfirmItemDone"] = (by, ids) => [by.Confirmation(ids.Item)],
        ["TrackedItemService/ReturnItem"] = (by, ids) => [by.Return(ids.Item)],
        ["TrackedItemService/AmendItem"] = (by, ids) => [by.ItemChange(ids.Item, "2099-01-01"), by.ItemChange(ids.Item, owner: by)],
        ["TrackedItemService/EscalateItem"] = (by, ids) => [by.Escalation(ids.Item)],
        ["TrackedItemService/GetItem"] = (by, ids) => [new Wire.GetItemRequest { Context = by.AtConference(), ItemId = ids.Item }],
        ["VisitService/StartProtocol"] = (by, ids) =>
        [
            new Wire.StartProtocolRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, PersonId = ids.Person, Protocol = VisitMoves.Suicide },
        ],
        ["VisitService/PlanVisit"] = (by, ids) =>
        [
            new Wire.PlanVisitRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, PersonId = ids.Person, PlannedOn = "2099-01-01" },
            new Wire.PlanVisitRequest { Context = by.Context(), RequestId = Some.RequestId(), CaseId = ids.Case, PersonId = ids.Person, PlannedOn = "2099-01-01", RunId = ids.Run },
        ],
        ["VisitService/RecordVisit"] = (by, ids) => [by.Visit(ids.Visit, DateTimeOffset.UnixEpoch)],
        ["VisitService/RecordAttempt"] = (by, ids) => [by.Attempt(ids.Visit, DateTimeOffset.UnixEpoch)],
        ["VisitService/RescheduleVisit"] = (by, ids) => [by.Reschedule(ids.Visit, "2099-01-01")],
        ["VisitService/CancelVisit"] = (by, ids) => [by.Cancel(ids.Visit)],
        ["VisitService/EndProtocol"] = (by, ids) => [by.Ending(ids.Run), by.Ending(ids.Run, VisitMoves.Why)],
        ["VisitService/GetProtocol"] = (by, ids) => [new Wire.GetProtocolRequest { Context = by.Context(), RunId = ids.Run }],
        ["VisitService/ListVisits"] = (by, ids) =>
        [
            new Wire.ListVisitsRequest { Context = by.Context(), CaseId = ids.Case, Listing = Wire.VisitListing.All },
            new Wire.ListVisitsRequest { Context = by.Context(), RunId = ids.Run, Listing = Wire.VisitListing.All },
        ],
        ["LeadDisputeService/GetLeadDispute"] = (by, ids) => [new Wire.GetLeadDisputeRequest { Context = by.Context(), DisputeId = ids.Dispute }],
    };

    private const string Register = "a delivery is no personal data; whoever is no household office is refused before any is looked for, and another register's is as absent (HouseholdDeliveryTests)";

    /// <summary>Methods to which existence is told on purpose, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> ToldOnPurpose = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["BreakGlassService/BreakGlass"] = "in a danger the caller is told at once; it is noticed, reviewed and counted (docs/decisions/0010)",
        ["PolicyService/ActivatePolicy"] = "proposals are no personal data; two officers talk about them",
        ["PolicyService/GetPolicy"] = "every member may read a policy, proposed or in force",
        ["AuditService/ReportAccesses"] = "a security officer asks who looked, for the person itself, and is told (R-AUD-5)",
        ["AuditService/ListPossibleViewers"] = "a security officer asks who could have looked, and is told (R-AUD-4)",
        ["RetentionService/PlaceLegalHold"] = "a hold is placed on what there is and will be; its answer repeats what the officer stated",
        ["RetentionService/ReleaseLegalHold"] = "holds are no personal data; the officers of a jurisdiction talk about them",
        ["ReportService/SubmitReports"] = "each message is taken exactly as SubmitReport takes it, which is asked",
        ["HouseholdDeliveryService/DeliverRows"] = "each message loads its delivery as CompleteDelivery does; rows are the register's own and are told to it",
        ["HouseholdDeliveryService/CompleteDelivery"] = Register,
        ["HouseholdDeliveryService/AbandonDelivery"] = Register,
        ["HouseholdDeliveryService/GetDelivery"] = Register,
        ["HouseholdDeliveryService/ListRejectedRows"] = Register,
        ["PersonLinkService/DecidePersonLink"] = "a register decides on whom it has registered itself; of the other number the answer is the same, known or not (PersonLinkTests)",
        ["PersonLinkService/ListPersonLinks"] = "a register reads its own decisions; whom it has decided on it knows",
        ["AuditService/SearchAccesses"] = "a security officer asks who looked, and is told (R-AUD-4)",
        ["AuditService/ListAccesses"] = "a security officer asks whether anybody looked, and is told (R-AUD-4)",
    };

    /// <summary>The request has a field, however deep, by which something or somebody is found.</summary>
    public static bool TakesAnId(MessageDescriptor request) => request.Fields.InDeclarationOrder().Any(field =>
        field.Name is not ("context" or "request_id" or "page_token") && (field.FieldType == FieldType.Message
            ? field.MessageType.File.Package == "safetynet.exchange.v1" && (field.MessageType == Wire.NameAndBirthDate.Descriptor || field.MessageType == Wire.LookUpKey.Descriptor || TakesAnId(field.MessageType))
            : field.GetOptions()?.GetExtension(Wire.OptionsExtensions.Rules) is { Format: Wire.TextFormat.Uuid or Wire.TextFormat.NationalId }));

    private static Wire.LookUpHouseholdRequest LookUp(Ids ids, Wire.AccessContext context, bool byName) => byName
        ? new Wire.LookUpHouseholdRequest { Context = context, NameAndBirthDate = new() { Name = ids.Name, BirthDate = ids.BirthDate } }
        : new Wire.LookUpHouseholdRequest { Context = context, NationalId = ids.NationalId };

    private static Wire.LookUpKey Key(Ids ids, bool byName) =>
        byName ? new Wire.LookUpKey { Name = ids.Name, BirthDate = ids.BirthDate } : new Wire.LookUpKey { NationalId = ids.NationalId };

    private static Wire.ConveneConferenceRequest Convening(Party by, Ids ids) =>
        new(by.Conference(ids.Case, TimeProvider.System.GetUtcNow().AddDays(3), [], Wire.ConfidentialityClass.Identity)) { UnitIds = { "tpe-school" } };

    private static Wire.AccessContext Justified(Wire.AccessContext context)
    {
        context.Justification = "協尋行方不明兒少，需向主責單位了解最近聯繫情形";
        return context;
    }

    // The words of the caller are the same; only the number is known or not.
    private static Wire.ReferralSubject Subject(Ids ids) => new() { NationalId = ids.NationalId, Name = "測試某", BirthDate = "2014-05-06" };
}
