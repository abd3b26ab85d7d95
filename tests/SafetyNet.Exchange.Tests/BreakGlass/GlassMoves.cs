using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.BreakGlass;

/// <summary>What parties do with break-glass and its review, as one line each.</summary>
internal static class GlassMoves
{
    public const string Why = "當事人於電話中表示要帶孩子跳樓，需立即確認住所與同住家人。";

    public static Wire.BreakGlassRequest Breaking(Party by, string nationalId)
    {
        var request = new Wire.BreakGlassRequest
        {
            Context = by.Context(Wire.Purpose.CrisisResponse, Wire.LegalBasis.ImminentDanger), RequestId = Some.RequestId(), NationalId = nationalId,
        };
        request.Context.Justification = Why;
        return request;
    }

    public static async Task<string> BreaksAsync(Party by, string nationalId) =>
        (await by.AskAsync(to => to.BreakGlass.BreakGlassAsync(Breaking(by, nationalId)))).Opened.BreakGlassId;

    public static Wire.AccessContext On(Party by, string breakGlassId, Wire.LegalBasis basis = Wire.LegalBasis.ImminentDanger)
    {
        var context = by.Context(Wire.Purpose.CrisisResponse, basis);
        context.BreakGlassId = breakGlassId;
        return context;
    }

    public static Wire.ReviewBreakGlassRequest Reviewing(Party by, string breakGlassId, Wire.BreakGlassVerdict verdict, string reason) => new()
    {
        Context = by.Context(), RequestId = Some.RequestId(), BreakGlassId = breakGlassId, Verdict = verdict, Reason = reason,
    };

    public static async Task<Wire.BreakGlassReview> ReviewAsync(
        Party by, string breakGlassId, Wire.BreakGlassVerdict verdict = Wire.BreakGlassVerdict.Justified, string reason = "已向值班主管及現場員警查證，通報紀錄與調閱時間相符。") =>
        (await by.AskAsync(to => to.BreakGlass.ReviewBreakGlassAsync(Reviewing(by, breakGlassId, verdict, reason)))).Review;
}
