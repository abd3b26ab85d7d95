using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>Facts of goals, and of the words of moves, for the need-to-know decision; and what it takes to put a goal into another unit's hands.</summary>
internal static class GoalPolicy
{
    private static readonly ClassSet Note = ClassSet.Of(Wire.ConfidentialityClass.CaseNote);

    /// <summary>The goal is one that R-CASE-2 shows the unit in full: its own, and to the primary unit every one. Whether its words may be seen is decided by their class besides.</summary>
    public static bool IsForFull(this Call call, CaseView view, ServiceGoal goal) =>
        view.Part?.Role == Wire.ParticipantRole.Primary || string.Equals(goal.OwnerUnitId, call.Unit.UnitId, StringComparison.Ordinal);

    /// <summary>May the acting unit read words of this class by that author? What others wrote is seen as a note that they shared with it (R-NTK-8, R-NTK-9).</summary>
    public static bool MayReadWords(this Call call, SharedCase shared, CaseView view, string authorUnitId, Wire.ConfidentialityClass one, Wire.LegalBasis basis)
    {
        var own = string.Equals(authorUnitId, call.Unit.UnitId, StringComparison.Ordinal);
        var decision = call.Consider(view.AboutAnybody(call, shared) with
        {
            OwnUnit = own, Supplied = own ? ClassSet.Of(one) : ClassSet.None,
            SharedWithCaller = !own, Shared = own ? ClassSet.None : ClassSet.Of(one) | Note, ShareBasis = own ? Wire.LegalBasis.Unspecified : basis,
        });
        return decision.Visible.Contains(Wire.ConfidentialityClass.CaseNote) && decision.Visible.Contains(one);
    }

    /// <summary>May the acting unit read why a case was moved? It wrote it, or it was written to it.</summary>
    public static bool MayReadWords(this Call call, CaseView view, CaseMoveRow move)
    {
        var own = string.Equals(move.UnitId, call.Unit.UnitId, StringComparison.Ordinal);
        if (!own && !string.Equals(move.OtherUnitId, call.Unit.UnitId, StringComparison.Ordinal)) return false;
        return call.Consider(view.Question with
        {
            OwnUnit = own, Supplied = own ? Note : ClassSet.None, SharedWithCaller = !own, Shared = own ? ClassSet.None : Note,
            ShareBasis = own ? Wire.LegalBasis.Unspecified : call.Context!.LegalBasis,
        }).Visible.Contains(Wire.ConfidentialityClass.CaseNote);
    }

    /// <summary>A goal is owned by a unit of the case (R-CASE-2) that may hold its class.</summary>
    public static void RequireOwner(Call call, SharedCase shared, string unitId, Wire.ConfidentialityClass one, Wire.LegalBasis basis)
    {
        if (shared.PartOf(unitId) is not { Role: not Wire.ParticipantRole.Invited } part || call.Members.FindUnit(unitId) is not { } unit)
            throw new Refusal(Wire.ErrorReason.UnitNotInCase, ("unit_id", unitId), ("field", "owner_unit_id"), ("rule", "R-CASE-2"));
        if (!string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal)
            && !call.MayHold(unit, basis, one, Standing.OfParticipant(part.Role), part.Protective.At(call.Now)))
            throw new Refusal(Wire.ErrorReason.ViewNotPermitted, ("class", CodeText.Of(one)), ("unit_id", unitId), ("rule", "R-NTK-17"));
    }

    /// <summary>The ledger says that the goal is shown to a unit from now on, where it is and was not so already (R-NTK-17).</summary>
    public static void ShowTo(this Call call, SharedCase shared, ServiceGoal goal, string unitId)
    {
        if (string.Equals(unitId, goal.AuthorUnitId, StringComparison.Ordinal) || call.Members.FindUnit(unitId) is not { } unit || shared.PartOf(unitId) is not { } part
            || !call.MayHold(unit, goal.LegalBasis, goal.ConfidentialityClass, Standing.OfParticipant(part.Role), part.Protective.At(call.Now))
            || call.Read.DisclosuresOfStep(Wire.DisclosureStep.ServiceGoal, goal.GoalId).Concat(call.Change.Added.OfType<DisclosureRow>().Where(line => line.StepId == goal.GoalId))
                .Any(line => line.IsOpenAt(call.Now) && string.Equals(line.ToUnitId, unitId, StringComparison.Ordinal)))
            return;
        call.Disclose(goal.Step(shared), shared.Subjects, unitId, ClassSet.Of(goal.ConfidentialityClass), goal.LegalBasis, null, goal.AuthorUnitId);
    }

    /// <summary>A unit leaves: what it works on passes to another, so that no goal is owned outside of the case.</summary>
    public static void PassGoalsOn(this Call call, SharedCase shared, string fromUnitId, string toUnitId)
    {
        foreach (var goal in call.Read.ActiveGoals(call.Read.WithMerged(shared.File.CaseId)).Where(goal => string.Equals(goal.OwnerUnitId, fromUnitId, StringComparison.Ordinal)))
        {
            goal.OwnerUnitId = toUnitId;
            call.Change.Update(goal);
            call.ShowTo(shared, goal, toUnitId);
            call.TellOfGoal(shared, goal);
        }
    }

    /// <summary>The primary role passes: the plan is shown to the new primary unit, and to the one before no more than its own goals.</summary>
    /// <param name="leaves">The unit before leaves the case, and all that was shown to it ends with its part.</param>
    public static void PassPlanTo(this Call call, SharedCase shared, string fromUnitId, string toUnitId, bool leaves)
    {
        foreach (var goal in call.Read.ListGoals(call.Read.WithMerged(shared.File.CaseId), Guid.Empty, int.MaxValue))
        {
            call.ShowTo(shared, goal, toUnitId);
            if (!leaves && !string.Equals(goal.OwnerUnitId, fromUnitId, StringComparison.Ordinal)) call.EndDisclosures(goal.Step(shared), fromUnitId);
        }
    }

    public static void TellOfGoal(this Call call, SharedCase shared, ServiceGoal goal)
    {
        if (!string.Equals(goal.OwnerUnitId, call.Unit.UnitId, StringComparison.Ordinal))
            call.Change.Notify(new NoticeDraft(goal.OwnerUnitId, Wire.NoticeKind.GoalAssigned, null, shared.File.CaseId, $"goal/{goal.GoalId}"));
    }
}
