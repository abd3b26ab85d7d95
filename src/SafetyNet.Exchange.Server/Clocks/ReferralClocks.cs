using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>
/// The clocks of a referral: one runs while the receiver has neither accepted nor given it back (R-REF-7), one while the referrer has not completed what was returned to it (R-REF-1),
/// one while the receiver has not answered the referrer's request to take it back (R-REF-10). What is handed on waits for the next unit by the clock of the referral that is made to it.
/// </summary>
internal sealed class ReferralClocks : IReactTo<ReferralMoved>
{
    public void React(Call call, ReferralMoved happened)
    {
        var profile = happened.IsProtective ? ClockRules.Protective : ClockRules.Standard;
        if (happened.Action is Wire.ReferralAction.Submit or Wire.ReferralAction.Resubmit)
            call.StartClock(Wire.ClockKind.ReferralAcceptance, profile, "referral", happened.ReferralId, happened.ToUnitId, happened.FromUnitId);
        else if (happened.State is Wire.ReferralState.Accepted or Wire.ReferralState.Returned || !Standing.IsOpen(happened.State))
            call.StopClocks(happened.ReferralId, Wire.ClockKind.ReferralAcceptance);
        if (happened.State == Wire.ReferralState.Returned)
            call.StartClock(Wire.ClockKind.ReferralCompletion, profile, "referral", happened.ReferralId, happened.FromUnitId, happened.ToUnitId);
        else if (happened.Action == Wire.ReferralAction.Resubmit || !Standing.IsOpen(happened.State))
            call.StopClocks(happened.ReferralId, Wire.ClockKind.ReferralCompletion);
        if (happened.Action == Wire.ReferralAction.RequestWithdrawal)
            call.StartClock(Wire.ClockKind.HandshakeConfirmation, profile, "referral", happened.ReferralId, happened.ToUnitId, happened.FromUnitId);
        else if (happened.Action == Wire.ReferralAction.RefuseWithdrawal || !Standing.IsOpen(happened.State))
            call.StopClocks(happened.ReferralId, Wire.ClockKind.HandshakeConfirmation);
    }
}
