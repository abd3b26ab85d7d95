using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>The RPCs of the life of a case: each makes one move of the table, and what follows from it in the same commit.</summary>
internal sealed class CaseLifeService(CaseloadTargets targets) : Wire.CaseLifeService.CaseLifeServiceBase
{
    private const int MostWorkers = 1000;

    public override Task<Wire.AssignWorkersResponse> AssignWorkers(Wire.AssignWorkersRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        if (call.Replayed is null) CaseWork.Assign(call, shared, request);
        return Task.FromResult(new Wire.AssignWorkersResponse { Case = CaseService.Show(call, shared, view) });
    }

    public override Task<Wire.ReassignWorkerResponse> ReassignWorker(Wire.ReassignWorkerRequest request, ServerCallContext context) =>
        Task.FromResult(CaseWork.Reassign(Call.Of(context), request));

    public override Task<Wire.GetCaseloadResponse> GetCaseload(Wire.GetCaseloadRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var response = new Wire.GetCaseloadResponse();
        foreach (var load in call.Read.Caseload(call.Unit.UnitId, MostWorkers + 1))
        {
            if (load.PersonId.Length == 0)
            {
                response.UnassignedCases = load.OpenCases;
                continue;
            }

            if (response.Workers.Count == MostWorkers) break;
            var target = targets.Of(load.Role);
            response.Workers.Add(new Wire.WorkerLoad
            {
                WorkerPersonId = load.PersonId, CaseloadRole = load.Role, Target = target, OpenCases = load.OpenCases, OverTarget = target > 0 && load.OpenCases > target,
            });
        }

        return Task.FromResult(response);
    }

    public override Task<Wire.ProposePrimaryResponse> ProposePrimary(Wire.ProposePrimaryRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.ProposePrimaryResponse
        {
            Case = CaseSteps.Move(context, request.CaseId, request.Etag, Wire.CaseAction.ProposePrimary, (call, shared, _) => CaseHandover.Propose(call, shared, request)),
        });

    public override Task<Wire.AcceptPrimaryResponse> AcceptPrimary(Wire.AcceptPrimaryRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.AcceptPrimaryResponse
        {
            Case = CaseSteps.Move(context, request.CaseId, request.Etag, Wire.CaseAction.AcceptPrimary, (call, shared, part) => CaseHandover.Accept(call, shared, part, request.Remark)),
        });

    public override Task<Wire.DeclinePrimaryResponse> DeclinePrimary(Wire.DeclinePrimaryRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.DeclinePrimaryResponse
        {
            Case = CaseSteps.Move(context, request.CaseId, request.Etag, Wire.CaseAction.DeclinePrimary, (call, shared, _) => CaseHandover.Decline(call, shared, request.Reason)),
        });

    public override Task<Wire.WithdrawPrimaryProposalResponse> WithdrawPrimaryProposal(Wire.WithdrawPrimaryProposalRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        var proposed = shared.File.ProposedUnitId;
        if (call.Replayed is null)
        {
            CaseSteps.Move(call, shared, request.Etag, Wire.CaseAction.WithdrawPrimaryProposal, (_, _, _) =>
            {
                call.Tell(proposed, Wire.NoticeKind.PrimaryProposalEnded, shared);
                return CaseSteps.Words(call, shared, request.Remark, proposed);
            });
        }

        return Task.FromResult(new Wire.WithdrawPrimaryProposalResponse { Case = CaseService.Show(call, shared, view) });
    }

    public override Task<Wire.LeaveCaseResponse> LeaveCase(Wire.LeaveCaseRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        if (call.Replayed is null)
        {
            var view = call.DecideOn(shared);
            call.Concerns(view);
            CaseSteps.Move(call, shared, request.Etag, Wire.CaseAction.Leave, (_, _, part) =>
            {
                var primary = shared.Primary.UnitId;
                var move = CaseSteps.Ending(call, shared, request.Outcome, request.SearchSteps, request.Remark, primary);
                call.EndPart(shared, part, primary);
                call.Tell(primary, Wire.NoticeKind.CaseLeft, shared);
                return move;
            });
        }
        else
        {
            // The part is over, and with it the view; that it is over stays known to the unit that ended it.
            call.Decide(call.Ask(RelationshipSet.Of(Wire.Relationship.Serving), shared.File.Jurisdiction) with { Holdable = ClassSet.None });
        }

        return Task.FromResult(new Wire.LeaveCaseResponse
        {
            Case = new Wire.Case { CaseId = shared.File.CaseId.ToString(), State = shared.File.State, OwnRole = Wire.ParticipantRole.Former },
        });
    }

    public override Task<Wire.CloseCaseResponse> CloseCase(Wire.CloseCaseRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.CloseCaseResponse
        {
            Case = CaseSteps.Move(context, request.CaseId, request.Etag, Wire.CaseAction.Close, (call, shared, _) =>
            {
                var serving = shared.Present.Where(p => p.Role == Wire.ParticipantRole.Serving).Select(p => p.UnitId).ToList();
                if (serving.Count > 0) throw new Refusal(Wire.ErrorReason.CaseStillServed, ("unit_ids", string.Join(", ", serving)), ("rule", "R-CASE-1"));
                Conferences.ItemLists.RequireOffList(call, shared.File.CaseId);
                var move = CaseSteps.Ending(call, shared, request.Outcome, request.SearchSteps, request.Remark, "");
                call.EndCase(shared);
                return move;
            }),
        });

    public override Task<Wire.ReopenCaseResponse> ReopenCase(Wire.ReopenCaseRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.ReopenCaseResponse
        {
            Case = CaseSteps.Move(context, request.CaseId, request.Etag, Wire.CaseAction.Reopen, (call, shared, part) => CaseReopening.Reopen(call, shared, part, request.Reason)),
        });

    public override Task<Wire.MergeCasesResponse> MergeCases(Wire.MergeCasesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (goesOn, goes) = (call.RequireCase(request.CaseId), call.RequireCase(request.MergedCaseId));
        var view = call.DecideOn(goesOn);
        if (call.Replayed is not null) return Task.FromResult(new Wire.MergeCasesResponse { Case = CaseService.Show(call, goesOn, view) });
        call.DecideOn(goes);
        RealText.Require(request.Reason, "reason");
        CaseSteps.Move(call, goesOn, request.Etag, Wire.CaseAction.TakeIn, (_, _, _) =>
        {
            CaseMerging.Require(call, goesOn, goes);
            CaseSteps.Move(call, goes, "", Wire.CaseAction.Merge, (_, _, _) => ToOther(CaseSteps.Words(call, goes, request.Reason), goesOn));
            var told = goesOn.Present.Concat(goes.Present).Select(p => p.UnitId).Distinct(StringComparer.Ordinal).ToList();
            CaseMerging.Merge(call, goesOn, goes);
            foreach (var unitId in told) call.Tell(unitId, Wire.NoticeKind.CaseMerged, goesOn);
            return ToOther(CaseSteps.Words(call, goesOn, request.Reason), goes);
        });
        return Task.FromResult(new Wire.MergeCasesResponse { Case = CaseService.Show(call, goesOn, call.DecideOn(goesOn)) });

        static CaseMoveRow ToOther(CaseMoveRow move, SharedCase other)
        {
            move.OtherCaseId = other.File.CaseId;
            return move;
        }
    }

    public override Task<Wire.ListCaseMovesResponse> ListCaseMoves(Wire.ListCaseMovesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(request.CaseId);
        var view = call.DecideOn(shared);
        // How a case came about is for those who take part in it.
        if (!view.IsOver && view.OwnPart.Role == Wire.ParticipantRole.Invited) throw new Refusal(Wire.ErrorReason.NotFound);
        call.Touches("case", shared.File.CaseId);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var found = call.Read.ListCaseMoves(call.Read.WithMerged(shared.File.CaseId), PageToken.Read(request.PageToken, Guid.Empty), size + 1);
        var response = new Wire.ListCaseMovesResponse { NextPageToken = found.Count > size ? PageToken.Of(found[size - 1].MoveId) : "" };
        foreach (var move in found.Take(size)) response.Moves.Add(ToWire(call, view, move));
        return Task.FromResult(response);
    }

    private static Wire.CaseMove ToWire(Call call, CaseView view, CaseMoveRow move)
    {
        var wire = new Wire.CaseMove
        {
            CaseId = move.CaseId.ToString(), Action = move.Action, State = move.State, MovedAt = Timestamp.FromDateTimeOffset(move.MovedAt), UnitId = move.UnitId, PersonId = move.PersonId,
            OtherUnitId = move.OtherUnitId, OtherCaseId = move.OtherCaseId?.ToString() ?? "", Outcome = move.Outcome,
        };
        RedactionPlan.For(Wire.CaseMove.Descriptor).Redact(wire, view.Decision.Visible);
        if (!call.MayReadWords(view, move)) return wire;
        if (move.Remark.Length > 0) wire.Remark = call.Vault.OpenText(CaseMoveQueries.RemarkColumn, move.MoveId, move.Remark);
        wire.SearchSteps.Add(System.Enum.GetValues<Wire.SearchStepKind>().Where(kind => kind != Wire.SearchStepKind.Unspecified && (move.SearchSteps & (1 << (int)kind)) != 0));
        return wire;
    }
}
