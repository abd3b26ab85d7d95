using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Audit;

/// <summary>What officers do with the reveal of a pseudonym, as one line each.</summary>
internal static class RevealMoves
{
    public const string Why = "政風調查需通知當事人到場陳述意見，並確認其權益受損情形。";

    public static Wire.RequestRevealRequest Requesting(Party by, string pseudonym, string reason = Why) =>
        new() { Context = by.Context(), RequestId = Some.RequestId(), Subject = pseudonym, Reason = reason, Proceeding = "115-政風-0042" };

    public static Wire.DecideRevealRequest Deciding(Party by, string revealId, Wire.RevealState decision = Wire.RevealState.Approved) =>
        new() { Context = by.Context(), RequestId = Some.RequestId(), RevealId = revealId, Decision = decision, Reason = "案件業經立案調查，確有通知當事人到場陳述之必要。" };

    public static async Task<Wire.Reveal> RequestsRevealAsync(this Party by, string pseudonym) =>
        (await by.AskAsync(to => to.Reveals.RequestRevealAsync(Requesting(by, pseudonym)))).Reveal;

    public static async Task<Wire.Reveal> DecidesRevealAsync(this Party by, string revealId, Wire.RevealState decision = Wire.RevealState.Approved) =>
        (await by.AskAsync(to => to.Reveals.DecideRevealAsync(Deciding(by, revealId, decision)))).Reveal;

    public static Task<Wire.GetRevealResponse> GetsRevealAsync(this Party by, string revealId) =>
        by.AskAsync(to => to.Reveals.GetRevealAsync(new() { Context = by.Context(), RevealId = revealId }));

    public static Task<Wire.ListRevealsResponse> ListsRevealsAsync(this Party by, bool undecidedOnly = false, int pageSize = 200, string pageToken = "") =>
        by.AskAsync(to => to.Reveals.ListRevealsAsync(new() { Context = by.Context(), UndecidedOnly = undecidedOnly, PageSize = pageSize, PageToken = pageToken }));
}
