using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>The RPCs of what the receiving unit records of its work; none of them moves the referral.</summary>
internal sealed class ReferralWorkService : Wire.ReferralWorkService.ReferralWorkServiceBase
{
    public override Task<Wire.AssignReferralResponse> AssignReferral(Wire.AssignReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.AssignReferralResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Assign,
                then: (_, referral) => referral.AssignedPersonId = request.AssignedPersonId),
        });

    public override Task<Wire.RecordPersuasionResponse> RecordPersuasion(Wire.RecordPersuasionRequest request, ServerCallContext context)
    {
        return Task.FromResult(new Wire.RecordPersuasionResponse
        {
            Referral = Record(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.RecordPersuasion, request.MadeAt, (call, referral) =>
            {
                var client = call.Read.Kept(Guid.Parse(request.ClientPersonId));
                if (!call.Read.SubjectsOf(referral.ReferralId).Contains(client)) throw new Refusal(Wire.ErrorReason.NotFound);
                return new ReferralEffortRow { ClientPersonId = client, Kind = (int)request.Kind, Result = request.Result };
            }),
        });
    }

    public override Task<Wire.RecordSearchStepResponse> RecordSearchStep(Wire.RecordSearchStepRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.RecordSearchStepResponse
        {
            Referral = Record(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.RecordSearch, request.MadeAt,
                (_, _) => new ReferralEffortRow { Kind = (int)request.Kind }),
        });

    /// <summary>
    /// Records an effort where the table lets the unit do so. The referral keeps its version: an etag that changes would tell the referrer that there is
    /// something recorded (R-NTK-4).
    /// </summary>
    private static Wire.Referral Record(ServerCallContext context, string referralId, string etag, string remark, Wire.ReferralAction action, Timestamp madeAt,
        Func<Call, Referral, ReferralEffortRow> make)
    {
        var call = Call.Of(context);
        var referral = ReferralSteps.Load(call, Guid.Parse(referralId));
        var decision = call.DecideOn(referral);
        if (call.Replayed is not null) return ReferralView.Show(call, referral, decision);
        referral.Move(action, referral.PartyOf(call.Unit.UnitId)!.Value);
        ReferralSteps.RequireCurrent(etag, Etag.Of(referral), referral.State);
        if (madeAt.ToDateTimeOffset() > call.Now) throw Refusal.InvalidField(new FieldFault("made_at", FieldFaultKind.InTheFuture));
        var effort = make(call, referral);
        (effort.EffortId, effort.ReferralId, effort.MadeAt, effort.RecordedAt) = (call.NewId(), referral.ReferralId, madeAt.ToDateTimeOffset(), call.Now);
        effort.RecordedByPersonId = call.Context!.Actor.PersonId;
        if (remark.Length > 0) effort.Remark = call.Vault.SealText(referral.Jurisdiction, ReferralQueries.EffortColumn, effort.EffortId, remark);
        call.Change.Add(effort);
        call.Change.Key!.Outcome = referral.ReferralId.ToString();
        return ReferralView.Show(call, referral, decision);
    }
}
