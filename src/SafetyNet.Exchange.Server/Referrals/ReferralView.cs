using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>A referral as one of its ends may see it.</summary>
internal static class ReferralView
{
    public static Wire.Referral Show(Call call, Referral referral, Decision decision)
    {
        var wire = ReferralSteps.Open(call, referral);
        call.Touches("referral", referral.ReferralId);
        // The referrer is shown its own words only: our id of the person would tell it whether the person was known before (R-NTK-14).
        var isReferrer = referral.PartyOf(call.Unit.UnitId) == ReferralParty.Referrer;
        foreach (var subject in wire.Subjects)
        {
            call.Concerns(subject.NationalId);
            if (isReferrer) subject.PersonId = "";
        }

        wire.ReferralId = referral.ReferralId.ToString();
        wire.State = referral.State;
        wire.FromUnitId = referral.FromUnitId;
        wire.ToUnitId = referral.ToUnitId;
        wire.CaseId = referral.CaseId?.ToString() ?? "";
        wire.Protective = referral.IsProtective;
        wire.CreatedAt = Timestamp.FromDateTimeOffset(referral.CreatedAt);
        wire.DeclineReason = referral.DeclineReason;
        wire.ProposedUnitId = referral.ProposedUnitId;
        wire.Missing.Add(referral.Missing);
        wire.Outcome = referral.Outcome;
        wire.Etag = Etag.Of(referral);
        wire.AssignedPersonId = referral.AssignedPersonId;
        wire.TransferredFromId = referral.TransferredFromId?.ToString() ?? "";
        if (!isReferrer || referral.State == Wire.ReferralState.Transferred) wire.TransferredToUnitId = referral.TransferredToUnitId;
        if (!isReferrer) wire.TransferredToId = referral.TransferredToId?.ToString() ?? "";
        if (referral.Pending.HasFlag(Handshakes.Withdrawal)) wire.Pending.Add(Wire.ReferralHandshake.Withdrawal);
        if (!isReferrer && referral.Pending.HasFlag(Handshakes.Transfer)) wire.Pending.Add(Wire.ReferralHandshake.Transfer);
        foreach (var move in call.Read.MovesOf(referral.ReferralId).Concat(call.Change.Added.OfType<ReferralMoveRow>()))
            if (move.ReferralId == referral.ReferralId && !(isReferrer && IsOfReceiver(move.Action))) wire.Moves.Add(ToWire(call, move, isReferrer));
        var plan = RedactionPlan.For(Wire.Referral.Descriptor);
        var told = plan.TextClasses(wire);
        var visible = call.VisibleFacts(referral, wire.Facts, decision);
        foreach (var hidden in wire.Facts.Where(fact => !visible.Contains(fact.ConfidentialityClass)).ToList()) wire.Facts.Remove(hidden);
        plan.Redact(wire, decision.Visible);
        call.Withhold(told.Without(plan.TextClasses(wire)));
        ShowEfforts(call, referral, wire);
        return wire;
    }

    /// <summary>Until a transfer comes about it is the receiver's work, of which the referrer sees nothing (R-NTK-4, R-REF-10).</summary>
    private static bool IsOfReceiver(Wire.ReferralAction action) => action is Wire.ReferralAction.ProposeTransfer or Wire.ReferralAction.EndTransfer;

    /// <summary>
    /// What the receiver recorded of its own work, to itself while it serves; left out as a whole elsewhere, since how often a unit tried would tell of its work, too (R-NTK-4).
    /// </summary>
    private static void ShowEfforts(Call call, Referral referral, Wire.Referral wire)
    {
        var efforts = call.Read.EffortsOf(referral.ReferralId).Concat(call.Change.Added.OfType<ReferralEffortRow>().Where(e => e.ReferralId == referral.ReferralId))
            .OrderBy(e => e.MadeAt).ThenBy(e => e.EffortId).ToList();
        if (efforts.Count == 0 || !call.MaySeeOwnWork(referral)) return;
        foreach (var effort in efforts)
        {
            var remark = effort.Remark.Length == 0 ? "" : call.Vault.OpenText(ReferralQueries.EffortColumn, effort.EffortId, effort.Remark);
            if (effort.ClientPersonId is { } client)
            {
                wire.Persuasions.Add(new Wire.ReferralPersuasion
                {
                    PersuasionId = effort.EffortId.ToString(), ClientPersonId = client.ToString(), Kind = (Wire.PersuasionKind)effort.Kind, Result = effort.Result,
                    MadeAt = Timestamp.FromDateTimeOffset(effort.MadeAt), RecordedByPersonId = effort.RecordedByPersonId, Remark = remark,
                });
            }
            else
            {
                wire.SearchSteps.Add(new Wire.ReferralSearchStep
                {
                    SearchStepId = effort.EffortId.ToString(), Kind = (Wire.SearchStepKind)effort.Kind, MadeAt = Timestamp.FromDateTimeOffset(effort.MadeAt),
                    RecordedByPersonId = effort.RecordedByPersonId, Remark = remark,
                });
            }
        }

        wire.Involuntary = wire.Persuasions.GroupBy(p => p.ClientPersonId, StringComparer.Ordinal).Any(client => client.Last().Result != Wire.PersuasionResult.Willing);
    }

    /// <summary>Of a transfer the referrer learns the unit; who of that unit acted is not its business (R-REF-10).</summary>
    private static Wire.ReferralMove ToWire(Call call, ReferralMoveRow move, bool isReferrer) => new()
    {
        Action = move.Action, State = move.State, MovedAt = Timestamp.FromDateTimeOffset(move.MovedAt), UnitId = move.UnitId,
        PersonId = isReferrer && move.Action == Wire.ReferralAction.Transfer ? "" : move.PersonId, AssignedPersonId = move.AssignedPersonId,
        Remark = move.Remark.Length == 0 ? "" : call.Vault.OpenText(ReferralQueries.RemarkColumn, move.MoveId, move.Remark),
    };
}
