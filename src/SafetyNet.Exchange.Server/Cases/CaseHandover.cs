using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>How the primary role passes from one unit of a case to another (R-CASE-7): by the one's proposal and the other's acceptance, in one commit, so that there is one primary at every instant.</summary>
internal static class CaseHandover
{
    private const string Rule = "R-CASE-7";

    public static CaseMoveRow Propose(Call call, SharedCase shared, Wire.ProposePrimaryRequest request)
    {
        RealText.Require(request.Reason, "reason");
        if (string.Equals(request.ToUnitId, call.Unit.UnitId, StringComparison.Ordinal))
            throw Refusal.InvalidField(new FieldFault("to_unit_id", FieldFaultKind.NotAllowedHere));
        var unit = Addressee.Require(call, request.ToUnitId);
        CaseSteps.RequireReferredAcross(call, shared, unit, "to_unit_id");
        if (shared.PartOf(unit.UnitId) is not { Role: Wire.ParticipantRole.Serving })
            throw new Refusal(Wire.ErrorReason.UnitNotInCase, ("unit_id", unit.UnitId), ("field", "to_unit_id"), ("rule", Rule));
        (shared.File.ProposedUnitId, shared.File.PrimaryLeaves) = (unit.UnitId, request.Leaves);
        call.Tell(unit.UnitId, Wire.NoticeKind.PrimaryProposed, shared);
        return CaseSteps.Words(call, shared, request.Reason, unit.UnitId);
    }

    /// <summary>The acting unit is primary from now on, for the whole family and in its own jurisdiction; the one before serves on or leaves.</summary>
    public static CaseMoveRow Accept(Call call, SharedCase shared, CaseParticipant part, string remark)
    {
        CaseSteps.RequireReferredAcross(call, shared, call.Unit, "case_id");
        var old = shared.Primary;
        // Sealed before the jurisdiction passes, like all that the case holds so far; each value names its key.
        var move = CaseSteps.Words(call, shared, remark, old.UnitId);
        // The rank of primary is one row's at any time: the old one gives it up first.
        call.Change.UpdateFirst(old);
        old.Role = Wire.ParticipantRole.Serving;
        (part.Role, part.Services, part.PersonIds, part.Since) = (Wire.ParticipantRole.Primary, 0, [], call.Now);
        call.Change.Update(part);
        shared.File.Jurisdiction = call.Agency.Jurisdiction;
        call.PassPlanTo(shared, old.UnitId, part.UnitId, shared.File.PrimaryLeaves);
        var told = shared.Present.Where(p => p.Role != Wire.ParticipantRole.Invited).Select(p => p.UnitId).ToList();
        if (shared.File.PrimaryLeaves)
        {
            call.EndPart(shared, old, part.UnitId);
            // What it was until now, for whoever asks later what it could have seen.
            old.FormerRole = Wire.ParticipantRole.Primary;
        }

        foreach (var unitId in told) call.Tell(unitId, Wire.NoticeKind.CasePrimaryPassed, shared);
        return move;
    }

    public static CaseMoveRow Decline(Call call, SharedCase shared, string reason)
    {
        RealText.Require(reason, "reason");
        call.Tell(shared.Primary.UnitId, Wire.NoticeKind.PrimaryProposalEnded, shared);
        return CaseSteps.Words(call, shared, reason, shared.Primary.UnitId);
    }
}
