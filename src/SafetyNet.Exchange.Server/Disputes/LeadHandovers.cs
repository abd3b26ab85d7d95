using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Reports;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Disputes;

/// <summary>
/// How a ruling is carried out (R-INT-9). The named unit gets its referral in the same commit, as the transfer of the interim lead's own: the interim lead serves and leads until it
/// accepts, and goes on where it declines. So nobody is without a unit at any instant, and the referrals move by their own table.
/// </summary>
internal static class LeadHandovers
{
    /// <summary>The referral by which a unit serves in a report; null: none any more.</summary>
    public static Referral? ServingReferral(Call call, Guid reportId, string unitId)
    {
        foreach (var offer in call.Read.OffersOf(reportId).Where(offer => string.Equals(offer.UnitId, unitId, StringComparison.Ordinal)).Reverse())
            if (call.Read.FindReferral(offer.ReferralId) is { } referral && Standing.IsServed(referral.State)) return referral;
        return null;
    }

    /// <summary>Makes the named unit's referral.</summary>
    public static void Begin(Call call, LeadDispute dispute)
    {
        var old = call.Read.FindReferral(dispute.LeadReferralId) ?? throw new InvalidOperationException("a dispute is opened on a referral");
        // A lead that closed its referral since, or that is handing it on or giving it back itself, has nothing to transfer; the named unit gets its referral all the same.
        var isTransfer = Referral.Allowed(old.State, old.Pending, ReferralParty.Receiver).Contains(Wire.ReferralAction.ProposeTransfer);
        var onward = ReferralMaking.ByRuling(call, old, dispute.ProposedUnitId, isTransfer);
        if (isTransfer)
        {
            old.Move(Wire.ReferralAction.ProposeTransfer, ReferralParty.Receiver);
            (old.TransferredToId, old.TransferredToUnitId) = (onward.ReferralId, onward.ToUnitId);
            ReferralSteps.Record(call, old, Wire.ReferralAction.ProposeTransfer, "", old.ToUnitId);
        }

        // By it the new lead sees the report; it is none that the desk could take back or that ends by itself.
        call.Change.Add(new ReportOfferRow { ReferralId = onward.ReferralId, ReportId = dispute.ReportId, UnitId = onward.ToUnitId, OfferedAt = call.Now, IsOver = true });
        (dispute.HandoverReferralId, dispute.Handover) = (onward.ReferralId, Wire.LeadHandover.Pending);
    }

    /// <summary>Takes the named unit's referral back, because the ruling is appealed.</summary>
    public static void TakeBack(Call call, LeadDispute dispute)
    {
        if (dispute is not { Handover: Wire.LeadHandover.Pending, HandoverReferralId: { } onwardId }) return;
        (dispute.HandoverReferralId, dispute.Handover) = (null, Wire.LeadHandover.Unspecified);
        ReferralSteps.WithdrawOffer(call, onwardId, dispute.IntakeUnitId);
    }

    /// <summary>The named unit has answered its referral: where it accepts, it leads.</summary>
    public static void Follow(Call call, ReferralMoved moved)
    {
        if (moved.State is not (Wire.ReferralState.Accepted or Wire.ReferralState.Declined or Wire.ReferralState.Withdrawn)
            || call.Read.FindHandover(moved.ReferralId) is not { } dispute
            || call.Change.Updated.OfType<LeadDispute>().Any(changed => changed.DisputeId == dispute.DisputeId)) return;
        call.Touches("dispute", dispute.DisputeId);
        dispute.Handover = moved.State == Wire.ReferralState.Accepted ? Wire.LeadHandover.Done : Wire.LeadHandover.Declined;
        call.Change.Update(dispute);
        if (dispute.Handover != Wire.LeadHandover.Done || call.Read.FindReport(dispute.ReportId) is not { } report) return;
        // Back on the desk meanwhile, because the interim lead gave it back: the named unit serves, and the desk decides who leads.
        if (!Report.Allowed(report.State).Contains(Wire.ReportAction.LeadChanged)) return;
        report.Move(Wire.ReportAction.LeadChanged);
        report.LeadUnitId = dispute.ProposedUnitId;
        if (report.State == Wire.ReportState.Accepted)
        {
            // The duty to meet the family passes with the lead.
            call.StopClocks(report.ReportId, Wire.ClockKind.ReportFirstContact);
            call.StartClock(Wire.ClockKind.ReportFirstContact, ReportDesk.ProfileOf(report), "report", report.ReportId, report.LeadUnitId, report.IntakeUnitId);
        }

        ReportDesk.Record(call, report, Wire.ReportAction.LeadChanged, "");
    }
}
