using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>What every move of a referral takes: the referral itself, the record of the move, and who hears of it.</summary>
internal static class ReferralSteps
{
    /// <summary>Makes one move of one call: load, decide, move, record, answer; refused by the state first, then by the etag.</summary>
    /// <param name="context">The call.</param>
    /// <param name="referralId">The referral.</param>
    /// <param name="etag">Version that the caller has read; empty: any.</param>
    /// <param name="remark">The mover's remark; empty: none.</param>
    /// <param name="action">The move.</param>
    /// <param name="move">How it moves where more than the table decides; the receiver's move then. Null: by the table.</param>
    /// <param name="then">What else the move does in the same commit; null: nothing.</param>
    public static Wire.Referral Move(ServerCallContext context, string referralId, string etag, string remark, Wire.ReferralAction action,
        Action<Call, Referral>? move = null, Action<Call, Referral>? then = null)
    {
        var call = Call.Of(context);
        var referral = Load(call, Guid.Parse(referralId));
        var decision = call.DecideOn(referral);
        if (call.Replayed is not null) return ReferralView.Show(call, referral, decision);
        var (current, state) = (Etag.Of(referral), referral.State);
        if (move is null) referral.Move(action, referral.PartyOf(call.Unit.UnitId)!.Value);
        else move(call, RequireReceiver(call, referral));
        RequireCurrent(etag, current, state);
        then?.Invoke(call, referral);
        Record(call, referral, action, remark);
        Answer(call, referral, action);
        call.Change.Key!.Outcome = referral.ReferralId.ToString();
        return ReferralView.Show(call, referral, decision);
    }

    public static Referral RequireReceiver(Call call, Referral referral) =>
        referral.PartyOf(call.Unit.UnitId) == ReferralParty.Receiver ? referral : throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "receiver"));

    /// <summary>What the caller has read is how it is, or it reads again.</summary>
    public static void RequireCurrent(string etag, string current, Wire.ReferralState state)
    {
        if (etag.Length > 0 && !string.Equals(etag, current, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", current), ("state", CodeText.Of(state)));
    }

    public static SharingStep StepOf(Referral referral) => new(Wire.DisclosureStep.Referral, referral.ReferralId, referral.CaseId);

    /// <summary>The move with who, when and why, and the other side's notice of it (R-REF-2).</summary>
    /// <param name="inNameOf">Unit whose own deed leads to the move by itself, and which stands for it; null: the acting unit.</param>
    public static void Record(Call call, Referral referral, Wire.ReferralAction action, string remark, string? inNameOf = null)
    {
        call.Touches("referral", referral.ReferralId);
        if (action != Wire.ReferralAction.Submit) call.Change.Update(referral);
        if (!Standing.IsOpen(referral.State)) call.EndDisclosures(StepOf(referral));
        var moveId = call.NewId();
        call.Change.Add(new ReferralMoveRow
        {
            MoveId = moveId, Number = referral.Version, ReferralId = referral.ReferralId, Action = action, State = referral.State, MovedAt = call.Now, UnitId = inNameOf ?? call.Unit.UnitId,
            PersonId = inNameOf is null ? call.Context!.Actor.PersonId : "", AssignedPersonId = action == Wire.ReferralAction.Assign ? referral.AssignedPersonId : "",
            Remark = remark.Length == 0 ? [] : call.Vault.SealText(referral.Jurisdiction, ReferralQueries.RemarkColumn, moveId, remark),
        });
        foreach (var unitId in Hearing(referral, action).Distinct(StringComparer.Ordinal).Where(id => !string.Equals(id, call.Unit.UnitId, StringComparison.Ordinal)))
        {
            call.Change.Notify(new NoticeDraft(
                unitId, action is Wire.ReferralAction.Submit or Wire.ReferralAction.Resubmit ? Wire.NoticeKind.ReferralReceived : Wire.NoticeKind.ReferralMoved,
                referral.ReferralId, referral.CaseId));
        }

        call.Raise(new ReferralMoved(referral.ReferralId, referral.FromUnitId, referral.ToUnitId, referral.IsProtective, referral.State, action));
    }

    /// <summary>Withdraws an offer that a unit made of the same thing to several, because another has accepted it or the unit takes it back.</summary>
    /// <param name="unitId">The unit that made the offers, in whose name it is withdrawn.</param>
    public static void WithdrawOffer(Call call, Guid referralId, string unitId)
    {
        if (call.Read.FindReferral(referralId) is not { } referral) return;
        referral.Move(Wire.ReferralAction.Withdraw, ReferralParty.Referrer);
        Record(call, referral, Wire.ReferralAction.Withdraw, "", unitId);
        Answer(call, referral, Wire.ReferralAction.Withdraw);
    }

    /// <summary>Who hears of a move (R-REF-2). A proposed transfer is told to the next unit by the referral that is made to it, and to the referrer once it comes about.</summary>
    private static string[] Hearing(Referral referral, Wire.ReferralAction action) => action switch
    {
        Wire.ReferralAction.Submit or Wire.ReferralAction.Resubmit or Wire.ReferralAction.Withdraw or Wire.ReferralAction.RequestWithdrawal
            or Wire.ReferralAction.EndTransfer => [referral.ToUnitId],
        Wire.ReferralAction.Transfer => [referral.FromUnitId, referral.ToUnitId],
        Wire.ReferralAction.ProposeTransfer => [],
        _ => [referral.FromUnitId],
    };

    /// <summary>What a move of a referral that comes of a transfer says to the one before it (R-REF-6).</summary>
    private static void Answer(Call call, Referral referral, Wire.ReferralAction action)
    {
        if (referral.TransferredFromId is not { } id || call.Read.FindReferral(id) is not { } old) return;
        switch (action)
        {
            case Wire.ReferralAction.Accept:
                old.Transfer();
                Record(call, old, Wire.ReferralAction.Transfer, "");
                break;
            case Wire.ReferralAction.Decline or Wire.ReferralAction.Withdraw:
                old.EndTransfer();
                Record(call, old, Wire.ReferralAction.EndTransfer, "");
                break;
            default:
                break;
        }
    }

    public static Referral Load(Call call, Guid referralId)
    {
        call.Touches("referral", referralId);
        // Asked first, by an index that begins with the unit: a referral of others costs what none costs (R-NTK-14).
        if (!Reach.IsEndOf(call.Read, referralId, call.Unit.UnitId)) throw new Refusal(Wire.ErrorReason.NotFound);
        return call.Read.FindReferral(referralId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
    }

    /// <summary>What a referral says; persons by the ids that they have now (R-HH-7).</summary>
    public static Wire.Referral Open(Call call, Referral referral)
    {
        var content = OpenAsWritten(call, referral);
        foreach (var subject in content.Subjects) subject.PersonId = call.Read.Kept(Guid.Parse(subject.PersonId)).ToString();
        return content;
    }

    /// <summary>What a referral says, as it was sealed.</summary>
    public static Wire.Referral OpenAsWritten(Call call, Referral referral) =>
        call.Vault.OpenFacts(Wire.Referral.Parser, ReferralQueries.ContentColumn, referral.ReferralId, referral.Sealed);
}
