using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>The RPCs of what takes both sides (R-REF-10). The next unit of a transfer answers by moving the referral that is made to it.</summary>
internal sealed class ReferralHandshakeService : Wire.ReferralHandshakeService.ReferralHandshakeServiceBase
{
    public override Task<Wire.RequestWithdrawalResponse> RequestWithdrawal(Wire.RequestWithdrawalRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.RequestWithdrawalResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.RequestWithdrawal),
        });

    public override Task<Wire.ConfirmWithdrawalResponse> ConfirmWithdrawal(Wire.ConfirmWithdrawalRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.ConfirmWithdrawalResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.ConfirmWithdrawal),
        });

    public override Task<Wire.RefuseWithdrawalResponse> RefuseWithdrawal(Wire.RefuseWithdrawalRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.RefuseWithdrawalResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.RefuseWithdrawal),
        });

    public override Task<Wire.ProposeTransferResponse> ProposeTransfer(Wire.ProposeTransferRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var old = ReferralSteps.Load(call, Guid.Parse(request.ReferralId));
        var decision = call.DecideOn(old);
        var onward = call.Replayed is { } made ? ReferralSteps.Load(call, Guid.Parse(made)) : Propose(call, old, decision, request);
        return Task.FromResult(new Wire.ProposeTransferResponse
        {
            Referral = ReferralView.Show(call, old, decision), Onward = ReferralView.Show(call, onward, call.DecideOn(onward)),
        });
    }

    private static Referral Propose(Call call, Referral old, Policy.Decision decision, Wire.ProposeTransferRequest request)
    {
        ReferralSteps.RequireReceiver(call, old);
        old.Move(Wire.ReferralAction.ProposeTransfer, ReferralParty.Receiver);
        ReferralSteps.RequireCurrent(request.Etag, Etag.Of(old), old.State);
        var onward = ReferralMaking.Onward(call, old, decision, request);
        (old.TransferredToId, old.TransferredToUnitId) = (onward.ReferralId, onward.ToUnitId);
        ReferralSteps.Record(call, old, Wire.ReferralAction.ProposeTransfer, request.Remark);
        call.Change.Key!.Outcome = onward.ReferralId.ToString();
        return onward;
    }
}
