using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Reports;

namespace SafetyNet.Exchange.Tests.Disputes;

/// <summary>What parties and arbiters do with disputes over the lead, as one line each.</summary>
internal static class DisputeMoves
{
    public const string Why = "案家戶籍與實際居住地均在他區，依派案規則應由居住地之中心主責較為妥適";

    public const string Grounds = "訪視紀錄顯示案家已遷居並由新區里長協助，續由原單位服務往返不便";

    public const string General = "家庭實際居住地與戶籍地不同時，由實際居住地之社會福利服務中心主責";

    /// <summary>A report that a unit has accepted and leads, and the unit's referral.</summary>
    public static async Task<(string ReportId, string ReferralId)> LedByAsync(this The the, Party lead, Wire.ReportContent? content = null)
    {
        var receipt = await the.School.ReportsAsync(content);
        await the.Intake.ScreensAsync(receipt.ReportId);
        var request = the.Intake.Dispatch(receipt.ReportId, lead);
        request.OverrideReason = ReportMoves.Why;
        request.View = Some.View(Wire.ConfidentialityClass.Economic);
        return (receipt.ReportId, (await lead.AcceptsOfferAsync(await the.Intake.DispatchesAsync(request))).ReferralId);
    }

    public static Wire.OpenLeadDisputeRequest Disputing(this Party lead, string reportId, Party proposed) => new()
    {
        Context = lead.Context(), RequestId = Some.RequestId(), ReportId = reportId, RuleId = "R-INT-4", ProposedUnitId = proposed.UnitId, Statement = Why,
    };

    public static async Task<Wire.LeadDispute> DisputesAsync(this Party lead, string reportId, Party proposed) =>
        (await lead.AskAsync(to => to.LeadDisputes.OpenLeadDisputeAsync(lead.Disputing(reportId, proposed)))).Dispute;

    public static Wire.DecideLeadDisputeRequest Ruling(this Party arbiter, string disputeId, Party leads, string principle = General) => new()
    {
        Context = arbiter.Screening(), RequestId = Some.RequestId(), DisputeId = disputeId, LeadUnitId = leads.UnitId, RuleId = "TRIAGE-SINGLE-NEED", Principle = principle, Grounds = Grounds,
    };

    public static async Task<Wire.LeadDispute> RulesAsync(this Party arbiter, string disputeId, Party leads) =>
        (await arbiter.AskAsync(to => to.LeadDisputes.DecideLeadDisputeAsync(arbiter.Ruling(disputeId, leads)))).Dispute;

    public static Wire.AppealLeadDisputeRequest Appealing(this Party by, string disputeId) =>
        new() { Context = by.Context(), RequestId = Some.RequestId(), DisputeId = disputeId, Statement = Why };

    public static async Task<Wire.LeadDispute> AppealsAsync(this Party by, string disputeId) =>
        (await by.AskAsync(to => to.LeadDisputes.AppealLeadDisputeAsync(by.Appealing(disputeId)))).Dispute;

    public static async Task<Wire.LeadDispute> SeesDisputeAsync(this Party by, string disputeId, Wire.AccessContext? context = null) =>
        (await by.AskAsync(to => to.LeadDisputes.GetLeadDisputeAsync(new() { Context = context ?? by.Context(), DisputeId = disputeId }))).Dispute;

    /// <summary>Takes note of its inbox and accepts a referral.</summary>
    public static async Task AcceptsAsync(this Party by, string referralId)
    {
        await by.EmptiesInboxAsync();
        await by.MovesAsync(Wire.ReferralAction.Accept, referralId);
    }

    /// <summary>Kinds of the notices of a dispute that wait for a unit.</summary>
    public static async Task<IReadOnlyList<Wire.NoticeKind>> HearsOfAsync(this Party by, string disputeId) =>
        [.. (await by.EmptiesInboxAsync()).Where(notice => notice.DisputeId == disputeId).Select(notice => notice.Kind)];

    public static async Task<IReadOnlyList<Wire.Precedent>> FindsPrecedentsAsync(this Party by, string rule = "", Wire.UnitKind kind = default, int size = 0)
    {
        var (found, token) = (new List<Wire.Precedent>(), "");
        do
        {
            var page = await by.AskAsync(to => to.LeadDisputes.SearchPrecedentsAsync(new() { Context = by.Context(), RuleId = rule, UnitKind = kind, PageSize = size, PageToken = token }));
            found.AddRange(page.Precedents);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        return found;
    }
}
