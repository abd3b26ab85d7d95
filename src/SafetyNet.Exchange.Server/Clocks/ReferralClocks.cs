using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>The clock of a referral: it runs while the receiver has neither accepted nor given it back, and tells the referrer at escalation (R-REF-7).</summary>
internal sealed class ReferralClocks : IReactTo<ReferralMoved>
{
    public void React(Call call, ReferralMoved happened)
    {
        if (happened.Action is Wire.ReferralAction.Submit or Wire.ReferralAction.Resubmit)
        {
            call.StartClock(Wire.ClockKind.ReferralAcceptance, happened.IsProtective ? ClockRules.Protective : ClockRules.Standard, "referral", happened.ReferralId,
                happened.ToUnitId, happened.FromUnitId);
        }
        else if (happened.State is Wire.ReferralState.Accepted or Wire.ReferralState.Returned or Wire.ReferralState.Declined or Wire.ReferralState.Withdrawn)
        {
            call.StopClocks(happened.ReferralId, Wire.ClockKind.ReferralAcceptance);
        }
    }
}
