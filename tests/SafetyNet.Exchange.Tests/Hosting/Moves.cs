using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>What parties do with referrals and cases, as one line each.</summary>
internal static class Moves
{
    /// <summary>Makes a referral; it is SUBMITTED.</summary>
    public static async Task<Wire.Referral> RefersAsync(this Party from, Wire.CreateReferralRequest request) =>
        (await from.AskAsync(to => to.Referrals.CreateReferralAsync(request))).Referral;

    public static Task<Wire.Referral> RefersAsync(this Party from, Party to, Wire.ReferralSubject? subject = null,
        Wire.Article6Service service = Wire.Article6Service.CareVisit) => from.RefersAsync(Some.Referral(from, to.UnitId, subject, service));

    public static async Task<Wire.Referral> ReadsAsync(this Party by, string referralId) =>
        (await by.AskAsync(to => to.Referrals.GetReferralAsync(new Wire.GetReferralRequest { Context = by.Context(), ReferralId = referralId }))).Referral;

    /// <summary>Acknowledges all that waits in the party's inbox.</summary>
    public static async Task<IReadOnlyList<Wire.Notice>> EmptiesInboxAsync(this Party by)
    {
        var all = new List<Wire.Notice>();
        while (true)
        {
            var listed = await by.AskAsync(to => to.Inbox.ListNoticesAsync(new Wire.ListNoticesRequest { Context = by.Context(), PageSize = 500 }));
            if (listed.Notices.Count == 0) return all;
            all.AddRange(listed.Notices);
            await by.AskAsync(to => to.Inbox.AcknowledgeNoticesAsync(new Wire.AcknowledgeNoticesRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), UpToSequence = listed.Notices[^1].Sequence,
            }));
        }
    }

    /// <summary>Makes one move by its RPC, complete in itself; DELIVER is the acknowledgement of the inbox.</summary>
    public static async Task<Wire.Referral> MovesAsync(this Party by, Wire.ReferralAction action, string referralId, string etag = "", string remark = "")
    {
        var (context, requestId) = (by.Context(), Some.RequestId());
        switch (action)
        {
            case Wire.ReferralAction.Deliver:
                await by.EmptiesInboxAsync();
                return await by.ReadsAsync(referralId);
            case Wire.ReferralAction.See:
                return (await by.AskAsync(to => to.Referrals.MarkReferralSeenAsync(new() { Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark }))).Referral;
            case Wire.ReferralAction.Accept:
                return (await by.AskAsync(to => to.Referrals.AcceptReferralAsync(new() { Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark }))).Referral;
            case Wire.ReferralAction.Return:
                return (await by.AskAsync(to => to.Referrals.ReturnReferralAsync(new()
                {
                    Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark, Missing = { Wire.MissingPart.Contact },
                }))).Referral;
            case Wire.ReferralAction.Resubmit:
                return (await by.AskAsync(to => to.Referrals.ResubmitReferralAsync(new() { Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark }))).Referral;
            case Wire.ReferralAction.Decline:
                return (await by.AskAsync(to => to.Referrals.DeclineReferralAsync(new()
                {
                    Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark, Reason = Wire.DeclineReason.NeedAlreadyMet,
                }))).Referral;
            case Wire.ReferralAction.Withdraw:
                return (await by.AskAsync(to => to.Referrals.WithdrawReferralAsync(new() { Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark }))).Referral;
            case Wire.ReferralAction.BeginService:
                return (await by.AskAsync(to => to.Referrals.BeginServiceAsync(new() { Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark }))).Referral;
            case Wire.ReferralAction.Close:
                return (await by.AskAsync(to => to.Referrals.CloseReferralAsync(new()
                {
                    Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark, Outcome = Wire.ReferralOutcome.GoalsMet,
                }))).Referral;
            case Wire.ReferralAction.RequestWithdrawal:
                return (await by.AskAsync(to => to.ReferralHandshakes.RequestWithdrawalAsync(new() { Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark }))).Referral;
            case Wire.ReferralAction.ConfirmWithdrawal:
                return (await by.AskAsync(to => to.ReferralHandshakes.ConfirmWithdrawalAsync(new() { Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark }))).Referral;
            case Wire.ReferralAction.RefuseWithdrawal:
                return (await by.AskAsync(to => to.ReferralHandshakes.RefuseWithdrawalAsync(new() { Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark }))).Referral;
            case Wire.ReferralAction.ProposeTransfer:
                return (await by.ProposesAsync(by.Transfer(referralId, "tpe-central-swc", etag, remark))).Referral;
            case Wire.ReferralAction.Assign:
                return (await by.AskAsync(to => to.ReferralWork.AssignReferralAsync(new()
                {
                    Context = context, RequestId = requestId, ReferralId = referralId, Etag = etag, Remark = remark, AssignedPersonId = "W0777",
                }))).Referral;
            case Wire.ReferralAction.RecordPersuasion:
                var read = await by.ReadsAsync(referralId);
                return (await by.AskAsync(to => to.ReferralWork.RecordPersuasionAsync(by.Persuasion(read, Wire.PersuasionResult.Unwilling, etag, remark)))).Referral;
            case Wire.ReferralAction.RecordSearch:
                return (await by.SearchesAsync(referralId, Wire.SearchStepKind.HomeVisit, etag, remark));
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, "no RPC makes this move");
        }
    }

    /// <summary>A transfer to a next unit that sees identity and contact.</summary>
    public static Wire.ProposeTransferRequest Transfer(this Party by, string referralId, string toUnitId, string etag = "", string remark = "",
        Wire.Article6Service service = Wire.Article6Service.CareVisit, string inCase = "") => new()
        {
            Context = by.Context(), RequestId = Some.RequestId(), ReferralId = referralId, Etag = etag, Remark = remark, ToUnitId = toUnitId, Services = { service },
            View = Some.View(), CaseId = inCase,
        };

    public static Task<Wire.ProposeTransferResponse> ProposesAsync(this Party by, Wire.ProposeTransferRequest request) =>
        by.AskAsync(to => to.ReferralHandshakes.ProposeTransferAsync(request));

    /// <summary>An attempt to win over the first subject, made when the referral was.</summary>
    public static Wire.RecordPersuasionRequest Persuasion(this Party by, Wire.Referral of, Wire.PersuasionResult result, string etag = "", string remark = "") => new()
    {
        Context = by.Context(), RequestId = Some.RequestId(), ReferralId = of.ReferralId, Etag = etag, Remark = remark, Kind = Wire.PersuasionKind.HomeVisit, Result = result,
        ClientPersonId = of.Subjects[0].PersonId.Length > 0 ? of.Subjects[0].PersonId : The.NobodysUuid, MadeAt = of.CreatedAt,
    };

    public static async Task<Wire.Referral> SearchesAsync(this Party by, string referralId, Wire.SearchStepKind kind, string etag = "", string remark = "") =>
        (await by.AskAsync(to => to.ReferralWork.RecordSearchStepAsync(new()
        {
            Context = by.Context(), RequestId = Some.RequestId(), ReferralId = referralId, Etag = etag, Remark = remark, Kind = kind,
            MadeAt = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 1_700_000_000 },
        }))).Referral;

    /// <summary>Several moves of one party, one after the other; before it reads, its system takes note of its inbox (R-REF-1).</summary>
    public static async Task<Wire.Referral> MovesAsync(this Party by, string referralId, params Wire.ReferralAction[] actions)
    {
        Wire.Referral? last = null;
        if (actions is [Wire.ReferralAction.See, ..]) await by.EmptiesInboxAsync();
        foreach (var action in actions) last = await by.MovesAsync(action, referralId);
        return last!;
    }

    /// <summary>Takes a person into service on the school's referral: the referral is ACCEPTED.</summary>
    public static async Task<Wire.Referral> TakesInAsync(this Party by, Party from, Wire.ReferralSubject subject,
        Wire.Article6Service service = Wire.Article6Service.CareVisit)
    {
        var made = await from.RefersAsync(by, subject, service);
        return await by.MovesAsync(made.ReferralId, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
    }

    public static async Task<Wire.Case> OpensCaseAsync(this Party by, string referralId, params Guid[] further) => (await by.AskAsync(to => to.Cases.OpenCaseAsync(new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination, referral: referralId), RequestId = Some.RequestId(), ReferralId = referralId,
        PersonIds = { further.Select(id => id.ToString()) },
    }))).Case;

    public static async Task<Wire.Case> AsksInAsync(this Party by, string caseId, Party whom, Wire.Article6Service service, params Guid[] persons) =>
        (await by.AskAsync(to => to.Cases.InviteUnitAsync(new()
        {
            Context = by.Context(Wire.Purpose.CaseCoordination, inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId, UnitId = whom.UnitId, Services = { service },
            PersonIds = { persons.Select(id => id.ToString()) },
        }))).Case;

    public static async Task<Wire.Case> JoinsAsync(this Party by, string caseId) => (await by.AskAsync(to => to.Cases.JoinCaseAsync(new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination, inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId,
    }))).Case;

    public static Task<Wire.GetCaseResponse> SeesCaseAsync(this Party by, string caseId) => by.AskAsync(to => to.Cases.GetCaseAsync(new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination, inCase: caseId), CaseId = caseId,
    }));

    public static Wire.LookUpHouseholdRequest LookUp(this Party by, string nationalId, string? referral = null, string? inCase = null) =>
        new() { Context = by.Context(referral: referral, inCase: inCase), NationalId = nationalId };

    public static Task<Wire.LookUpHouseholdResponse> LooksUpAsync(this Party by, string nationalId, string? referral = null, string? inCase = null) =>
        by.AskAsync(to => to.Households.LookUpHouseholdAsync(by.LookUp(nationalId, referral, inCase)));

    public static Wire.BatchLookUpHouseholdsRequest LookUpAll(this Party by, Wire.AccessContext context, params Wire.LookUpKey[] keys)
    {
        Assert.Equal(by.UnitId, context.Actor.UnitId);
        return new Wire.BatchLookUpHouseholdsRequest { Context = context, Keys = { keys } };
    }

    public static async Task<IReadOnlyList<Wire.HouseholdLookUp>> LooksUpAllAsync(this Party by, Wire.AccessContext context, params Wire.LookUpKey[] keys) =>
        (await by.AskAsync(to => to.Households.BatchLookUpHouseholdsAsync(by.LookUpAll(context, keys)))).Results;

    public static Wire.CreateNoteRequest Note(this Party by, string caseId, Wire.ConfidentialityClass one, string text, params Wire.NoteShare[] shares) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination, inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId, ConfidentialityClass = one, Text = text,
        Shares = { shares },
    };

    public static async Task<Wire.CaseNote> WritesAsync(this Party by, Wire.CreateNoteRequest note) => (await by.AskAsync(to => to.Cases.CreateNoteAsync(note))).Note;

    public static Wire.AmendNoteRequest Amendment(this Party by, string caseId, Wire.CaseNote note, string text, bool corrects = false) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination, inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId, NoteId = note.NoteId, BaseVersion = note.Version,
        ConfidentialityClass = note.ConfidentialityClass, Text = text, Reason = "補充訪視所得資料", Corrects = corrects,
    };

    public static async Task<Wire.CaseNote> AmendsAsync(this Party by, Wire.AmendNoteRequest request) => (await by.AskAsync(to => to.CaseNotes.AmendNoteAsync(request))).Note;

    public static Wire.ShareNotesRequest Sharing(this Party by, string caseId, Wire.NoteShare share, params Wire.CaseNote[] notes) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination, inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId, NoteIds = { notes.Select(note => note.NoteId) }, Share = share,
    };

    public static Task<Wire.ShareNotesResponse> SharesAsync(this Party by, Wire.ShareNotesRequest request) => by.AskAsync(to => to.CaseNotes.ShareNotesAsync(request));

    public static Task<Wire.ListNoteVersionsResponse> ReadsVersionsAsync(this Party by, string caseId, string noteId, int size = 0, string token = "") => by.AskAsync(to => to.CaseNotes.ListNoteVersionsAsync(
        new() { Context = by.Context(Wire.Purpose.CaseCoordination, inCase: caseId), CaseId = caseId, NoteId = noteId, PageSize = size, PageToken = token }));

    public static Task<Wire.SearchNotesResponse> FindsNotesAsync(this Party by, string caseId, string text, Action<Wire.SearchNotesRequest>? more = null)
    {
        var request = new Wire.SearchNotesRequest { Context = by.Context(Wire.Purpose.CaseCoordination, Wire.LegalBasis.SubjectWaiver, inCase: caseId), CaseId = caseId, Text = text };
        more?.Invoke(request);
        return by.AskAsync(to => to.CaseNotes.SearchNotesAsync(request));
    }

    public static Task<Wire.ListNotesResponse> ReadsNotesAsync(this Party by, string caseId, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService) =>
        by.AskAsync(to => to.Cases.ListNotesAsync(new() { Context = by.Context(Wire.Purpose.CaseCoordination, basis, inCase: caseId), CaseId = caseId }));

    /// <summary>The signed head of the log, once it covers a position.</summary>
    public static async Task<Wire.GetCheckpointResponse> AwaitsCheckpointOverAsync(this Party by, TestExchange exchange, long position)
    {
        await Eventually.TrueAsync(() => exchange.Composition.Log.Published is { } head && head.Size > position, "a signed head over the record");
        return await by.AskAsync(to => to.Audit.GetCheckpointAsync(new() { Context = by.Context() }));
    }
}
