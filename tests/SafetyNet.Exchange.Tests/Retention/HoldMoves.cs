using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Retention;

/// <summary>What officers do with legal holds, as one line each.</summary>
internal static class HoldMoves
{
    public const string Why = "地方法院函請保全本案相關之查閱紀錄，以供審理使用。";

    /// <summary>A hold of every record in which a person occurs.</summary>
    public static Wire.PlaceLegalHoldRequest Holding(this Party by, string nationalId) =>
        new() { Context = by.Context(), RequestId = Some.RequestId(), NationalId = nationalId, Reason = Why, Reference = "115-訴-0042" };

    public static Wire.ReleaseLegalHoldRequest Releasing(this Party by, string holdId) =>
        new() { Context = by.Context(), RequestId = Some.RequestId(), HoldId = holdId, Reason = Why };

    public static async Task<Wire.LegalHold> HoldsAsync(this Party by, Wire.PlaceLegalHoldRequest request) =>
        (await by.AskAsync(to => to.Retention.PlaceLegalHoldAsync(request))).Hold;

    public static async Task<Wire.LegalHold> ReleasesAsync(this Party by, string holdId) =>
        (await by.AskAsync(to => to.Retention.ReleaseLegalHoldAsync(by.Releasing(holdId)))).Hold;
}
