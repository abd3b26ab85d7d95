using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>The RPCs of referrals: load, decide, change, answer. Identity, access, limits, validation and the record are the pipeline's.</summary>
internal sealed class ReferralService : Wire.ReferralService.ReferralServiceBase, IReactTo<NoticesAcknowledged>, IReactTo<ViewNarrowed>
{
    private static readonly Guid AfterEverything = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    public override Task<Wire.CreateReferralResponse> CreateReferral(Wire.CreateReferralRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var referral = call.Replayed is { } made ? ReferralSteps.Load(call, Guid.Parse(made)) : ReferralMaking.Create(call, request);
        return Task.FromResult(new Wire.CreateReferralResponse { Referral = ReferralView.Show(call, referral, call.DecideOn(referral)) });
    }

    public override Task<Wire.GetReferralResponse> GetReferral(Wire.GetReferralRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var referral = ReferralSteps.Load(call, Guid.Parse(request.ReferralId));
        return Task.FromResult(new Wire.GetReferralResponse { Referral = ReferralView.Show(call, referral, call.DecideOn(referral)) });
    }

    public override Task<Wire.ListReferralsResponse> ListReferrals(Wire.ListReferralsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var found = call.Read.ListReferrals(call.Unit.UnitId, request.State, PageToken.Read(request.PageToken, AfterEverything), size + 1);
        var response = new Wire.ListReferralsResponse();
        foreach (var referral in found.Take(size))
        {
            var decision = call.ConsiderOne(referral);
            if (decision.Allowed) response.Referrals.Add(ReferralView.Show(call, referral, decision));
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].ReferralId);
        return Task.FromResult(response);
    }

    public override Task<Wire.MarkReferralSeenResponse> MarkReferralSeen(Wire.MarkReferralSeenRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.MarkReferralSeenResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.See),
        });

    public override Task<Wire.AcceptReferralResponse> AcceptReferral(Wire.AcceptReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.AcceptReferralResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Accept, then: ServeInCase),
        });

    public override Task<Wire.ReturnReferralResponse> ReturnReferral(Wire.ReturnReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.ReturnReferralResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Return,
                (_, referral) => referral.Return(request.Missing)),
        });

    public override Task<Wire.ResubmitReferralResponse> ResubmitReferral(Wire.ResubmitReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.ResubmitReferralResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Resubmit,
                then: (call, referral) => ReferralMaking.Complete(call, referral, request)),
        });

    public override Task<Wire.DeclineReferralResponse> DeclineReferral(Wire.DeclineReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.DeclineReferralResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Decline, (call, referral) =>
            {
                if (request.ProposedUnitId.Length > 0) Addressee.Require(call, request.ProposedUnitId);
                referral.Decline(request.Reason, request.ProposedUnitId);
            }),
        });

    public override Task<Wire.WithdrawReferralResponse> WithdrawReferral(Wire.WithdrawReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.WithdrawReferralResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Withdraw),
        });

    public override Task<Wire.BeginServiceResponse> BeginService(Wire.BeginServiceRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.BeginServiceResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.BeginService),
        });

    public override Task<Wire.CloseReferralResponse> CloseReferral(Wire.CloseReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.CloseReferralResponse
        {
            Referral = ReferralSteps.Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Close,
                (call, referral) => Close(call, referral, request)),
        });

    /// <summary>The receiver's system has the notice: what was SUBMITTED is DELIVERED, in the same commit as the acknowledgement (R-REF-1).</summary>
    public void React(Call call, NoticesAcknowledged happened)
    {
        foreach (var id in happened.ReferralIds)
        {
            if (call.Read.FindReferral(id) is not { State: Wire.ReferralState.Submitted } referral
                || referral.PartyOf(happened.UnitId) != ReferralParty.Receiver) continue;
            referral.Move(Wire.ReferralAction.Deliver, ReferralParty.Receiver);
            ReferralSteps.Record(call, referral, Wire.ReferralAction.Deliver, "");
        }
    }

    /// <summary>The sender takes classes out of its view; the receiver sees them no more from this commit on.</summary>
    public void React(Call call, ViewNarrowed happened)
    {
        if (happened.Step.Kind != Wire.DisclosureStep.Referral || call.Read.FindReferral(happened.Step.Id) is not { } referral) return;
        referral.ViewClasses &= ~happened.Classes.Bits;
        call.Change.Update(referral);
        call.Touches("referral", referral.ReferralId);
        happened.IsDone = true;
    }

    /// <summary>
    /// The receiver serves from now on in the case that the referral was made for; what comes of a transfer takes over the sender's part (R-REF-6), and what comes of a ruling on
    /// the lead the case that the interim lead answers for, whether or not it was open when it was ruled (R-INT-9): later reports go to whoever leads (R-INT-4).
    /// </summary>
    private static void ServeInCase(Call call, Referral referral)
    {
        var before = referral.TransferredFromId is { } from ? call.Read.FindReferral(from) : null;
        var isByRuling = before is not null && !string.Equals(before.ToUnitId, referral.FromUnitId, StringComparison.Ordinal);
        if (referral.CaseId is null && !isByRuling) return;
        var content = ReferralSteps.Open(call, referral);
        Guid[] persons = [.. content.Subjects.Select(s => Guid.Parse(s.PersonId)).Distinct()];
        var led = isByRuling ? CaseLedBy(call, before!.ToUnitId, persons) : null;
        if ((led ?? referral.CaseId) is not { } caseId) return;
        var accepted = new ReferralAcceptedForCase(caseId, led is null ? referral.FromUnitId : before!.ToUnitId, referral.ToUnitId, persons, [.. content.Services], new ClassSet(referral.ViewClasses),
            referral.ViewUntil);
        if (before is not null && (led is not null || referral.PassesCasePart)) call.Raise(new CasePartPassed(accepted, before.ReferralId));
        else call.Raise(accepted);
    }

    /// <summary>The open case of all these persons that the unit is primary of; null: there is none.</summary>
    private static Guid? CaseLedBy(Call call, string unitId, Guid[] persons)
    {
        HashSet<Guid>? led = null;
        foreach (var person in persons)
        {
            var ofPerson = Links.OfPerson(call.Read, person).Cases
                .Where(link => link.Role == Wire.ParticipantRole.Primary && string.Equals(link.UnitId, unitId, StringComparison.Ordinal)).Select(link => link.CaseId);
            if (led is null) led = [.. ofPerson];
            else led.IntersectWith(ofPerson);
        }

        return led is { Count: > 0 } ? led.Order().First() : null;
    }

    /// <summary>What the outcome hangs on is looked up where it is asked for only (R-REF-8).</summary>
    private static void Close(Call call, Referral referral, Wire.CloseReferralRequest request) => referral.Close(
        request.Outcome, request.Remark,
        request.Outcome == Wire.ReferralOutcome.LostContact
            ? call.Read.EffortsOf(referral.ReferralId).Where(e => e.ClientPersonId is null).Select(e => e.Kind).Distinct().Count() : 0,
        request.Outcome == Wire.ReferralOutcome.MovedAway && request.OnwardReferralId.Length > 0 && IsReferredOn(call, referral, Guid.Parse(request.OnwardReferralId)));

    /// <summary>The acting unit has referred all the persons to a unit of another jurisdiction, and that stands.</summary>
    private static bool IsReferredOn(Call call, Referral referral, Guid onwardId) =>
        call.Read.FindReferral(onwardId) is { State: not (Wire.ReferralState.Declined or Wire.ReferralState.Withdrawn) } onward
        && string.Equals(onward.FromUnitId, call.Unit.UnitId, StringComparison.Ordinal)
        && call.Members.FindUnit(onward.ToUnitId) is { } receiver && receiver.Agency.Jurisdiction != call.Agency.Jurisdiction
        && !call.Read.SubjectsOf(referral.ReferralId).Except(call.Read.SubjectsOf(onwardId)).Any();
}
