using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>A unit acknowledged its inbox up to a number; the referrals among the notices are delivered by that.</summary>
internal sealed record NoticesAcknowledged(string UnitId, IReadOnlyList<Guid> ReferralIds);

/// <summary>A unit took a referral that was made for a case; it serves in that case from now on, for these persons and services.</summary>
/// <param name="CaseId">The case.</param>
/// <param name="FromUnitId">Unit that made the referral.</param>
/// <param name="UnitId">Unit that took it.</param>
/// <param name="PersonIds">Whom it is about.</param>
/// <param name="Services">What is asked for.</param>
/// <param name="View">Classes of the sender's view; protective ones come onto the scope of the service (R-NTK-9).</param>
internal sealed record ReferralAcceptedForCase(
    Guid CaseId, string FromUnitId, string UnitId, IReadOnlyList<Guid> PersonIds, IReadOnlyList<Wire.Article6Service> Services, ClassSet View, DateTimeOffset? ViewUntil);

/// <summary>A unit took what another handed on to it, with that unit's part in the case: it takes that part over, in the same instant (R-REF-6).</summary>
/// <param name="Accepted">The acceptance; its sender is the unit whose part passes.</param>
/// <param name="ReferralId">Referral that was handed on.</param>
internal sealed record CasePartPassed(ReferralAcceptedForCase Accepted, Guid ReferralId);

/// <summary>A unit's part in a case ends: it left, its part passed to another unit, or the case is closed. What it had planned in the case ends in the same commit.</summary>
/// <param name="CaseId">The case.</param>
/// <param name="UnitId">Unit whose part ends.</param>
internal sealed record CasePartEnded(Guid CaseId, string UnitId);

/// <summary>A case is closed as a whole. What was opened on it by steps of others than its units ends in the same commit, for good: a case that is opened again does not find it open (R-NTK-17).</summary>
/// <param name="CaseId">The case.</param>
internal sealed record CaseClosed(Guid CaseId);

/// <summary>A case was merged into another of the family: what units have planned in it goes on there, with the parts that they have there now.</summary>
/// <param name="CaseId">The case that goes.</param>
/// <param name="IntoCaseId">The case that goes on.</param>
internal sealed record CasesMerged(Guid CaseId, Guid IntoCaseId);

/// <summary>A referral came to be or made a move, in the commit that is being made; what hangs on its states, such as its time limits, follows from this.</summary>
/// <param name="ReferralId">The referral.</param>
/// <param name="FromUnitId">Unit that made it.</param>
/// <param name="ToUnitId">Unit that it is addressed to.</param>
/// <param name="IsProtective">A protective matter (R-REF-7).</param>
/// <param name="State">State after the move.</param>
/// <param name="Action">The move.</param>
internal sealed record ReferralMoved(
    Guid ReferralId, string FromUnitId, string ToUnitId, bool IsProtective, Wire.ReferralState State, Wire.ReferralAction Action);

/// <summary>A sender takes classes out of a view that it gave by one of its steps; the feature of the step does so in the same commit (R-NTK-17).</summary>
/// <param name="Step">The step; the sender has been checked.</param>
/// <param name="ToUnitId">Receiver whose view is narrowed.</param>
/// <param name="Classes">Classes taken out.</param>
internal sealed record ViewNarrowed(SharingStep Step, string ToUnitId, ClassSet Classes)
{
    /// <summary>Set by the feature that did it; unset: no step of that kind can be narrowed so.</summary>
    public bool IsDone { get; set; }
}

/// <summary>What a step of the acting unit showed to others was wrong: everyone who holds it, or held it, is sent the correction (R-NTK-17).</summary>
/// <param name="Step">The step; the sender has been checked.</param>
/// <param name="ConfidentialityClass">Class of the texts.</param>
/// <param name="Wrong">As it was shown.</param>
/// <param name="Right">As it is.</param>
internal sealed record SharedDataCorrected(SharingStep Step, Wire.ConfidentialityClass ConfidentialityClass, string Wrong, string Right);

/// <summary>What a feature does because of another, in the same commit.</summary>
internal interface IReactTo<in TEvent>
{
    void React(Call call, TEvent happened);
}

/// <summary>Hands an event to every feature that reacts to it, before the call is committed.</summary>
internal sealed class DomainEvents(params IReadOnlyList<object> reactors)
{
    public void Raise<TEvent>(Call call, TEvent happened)
    {
        foreach (var reactor in reactors)
            if (reactor is IReactTo<TEvent> interested) interested.React(call, happened);
    }
}
