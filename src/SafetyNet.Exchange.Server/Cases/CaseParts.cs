using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>How units come into a case by referrals and hand their part on, in the commit of the acceptance: the case is never without a unit (R-REF-6).</summary>
internal sealed class CaseParts : IReactTo<ReferralAcceptedForCase>, IReactTo<CasePartPassed>
{
    /// <summary>A unit that took a referral made for the case serves in it from now on, within the scope of that referral.</summary>
    public void React(Call call, ReferralAcceptedForCase happened)
    {
        if (Find(call, happened.CaseId) is not { } shared) return;
        if (shared.PartOf(happened.UnitId)?.Role == Wire.ParticipantRole.Primary) return;
        Take(call, shared, happened);
        CaseSteps.Record(call, shared, Wire.CaseAction.Join, CaseSteps.Words(call, shared, ""));
        call.Change.Notify(new NoticeDraft(shared.Primary.UnitId, Wire.NoticeKind.CaseJoined, null, shared.File.CaseId));
    }

    /// <summary>
    /// The unit that took what was handed on takes the sender's part with it. The sender serves on only where another referral for the case is still its own.
    /// </summary>
    public void React(Call call, CasePartPassed happened)
    {
        var accepted = happened.Accepted;
        if (Find(call, accepted.CaseId) is not { } shared) return;
        if (shared.PartOf(accepted.FromUnitId) is not { Role: not Wire.ParticipantRole.Invited } passing)
        {
            React(call, accepted);
            return;
        }

        if (shared.PartOf(accepted.UnitId)?.Role != Wire.ParticipantRole.Primary) Take(call, shared, accepted);
        else call.Change.Update(shared.File);
        var taken = shared.PartOf(accepted.UnitId)!;
        var (primaryPasses, staysOn) = (passing.Role == Wire.ParticipantRole.Primary, HasOtherReferral(call, happened));
        if (primaryPasses)
        {
            (taken.Role, taken.Services, taken.PersonIds, taken.Since) = (Wire.ParticipantRole.Primary, 0, [], call.Now);
            shared.File.Jurisdiction = call.Agency.Jurisdiction;
            call.PassPlanTo(shared, passing.UnitId, taken.UnitId, leaves: !staysOn);
            call.EndProposal(shared, shared.File.ProposedUnitId);
        }
        else if (string.Equals(shared.File.ProposedUnitId, passing.UnitId, StringComparison.Ordinal))
        {
            call.EndProposal(shared, shared.Primary.UnitId);
        }

        if (staysOn)
        {
            if (primaryPasses) passing.Role = Wire.ParticipantRole.Serving;
        }
        else
        {
            call.EndPart(shared, passing, taken.UnitId);
        }

        call.Change.UpdateFirst(passing);
        CaseSteps.Record(call, shared, Wire.CaseAction.TakePartOver, CaseSteps.Words(call, shared, "", passing.UnitId));
        Tell(call, shared, passing, primaryPasses);
    }

    /// <summary>Adds or widens the part of the unit that accepted, with the protective classes that the sender may put onto it (R-NTK-9).</summary>
    private static void Take(Call call, SharedCase shared, ReferralAcceptedForCase happened)
    {
        var brought = new ProtectiveScope(call.Members.FindUnit(happened.FromUnitId) is { } sender
            ? call.ProtectiveBy(shared, sender, call.Context!.LegalBasis, happened.View).Bits : 0, happened.ViewUntil);
        if (shared.PartOf(happened.UnitId) is { } part)
        {
            if (part.Role == Wire.ParticipantRole.Invited) SharedCase.Join(part, call.Now);
            part.Widen(happened.Services, happened.PersonIds);
            part.Protective = part.Protective.Joined(brought, call.Now);
            call.Change.Update(part);
        }
        else
        {
            var added = shared.Add(happened.UnitId, Wire.ParticipantRole.Serving, happened.Services, happened.PersonIds, call.Now);
            added.Protective = brought;
            call.Keep(added);
        }

        call.Disclose(shared.Scope, happened.PersonIds, happened.UnitId, brought.At(call.Now), call.Context!.LegalBasis, brought.Until, happened.FromUnitId);
        call.Touches("case", shared.File.CaseId);
        call.Change.Update(shared.File);
    }

    /// <summary>The open case, or the one that it was merged into; null: it is over.</summary>
    private static SharedCase? Find(Call call, Guid caseId)
    {
        var shared = call.Read.FindCase(caseId);
        if (shared?.File.MergedIntoId is { } goesOn) shared = call.Read.FindCase(goesOn);
        return shared?.File.State == Wire.CaseState.Open ? shared : null;
    }

    private static bool HasOtherReferral(Call call, CasePartPassed happened) => happened.Accepted.PersonIds.Any(id =>
        Links.OfPerson(call.Read, id).Referrals.Any(link => link.CaseId == happened.Accepted.CaseId && link.ReferralId != happened.ReferralId
            && Standing.IsServed(link.State) && string.Equals(link.ToUnitId, happened.Accepted.FromUnitId, StringComparison.Ordinal)));

    /// <summary>Everyone in the case hears who answers for it now; of another part that passes, the primary unit hears.</summary>
    private static void Tell(Call call, SharedCase shared, CaseParticipant passing, bool primaryPasses)
    {
        if (!primaryPasses)
        {
            if (!IsActing(call, shared.Primary)) call.Change.Notify(new NoticeDraft(shared.Primary.UnitId, Wire.NoticeKind.CaseJoined, null, shared.File.CaseId));
            return;
        }

        foreach (var part in shared.Present.Append(passing).Distinct().Where(p => p.Role != Wire.ParticipantRole.Invited && !IsActing(call, p)))
            call.Change.Notify(new NoticeDraft(part.UnitId, Wire.NoticeKind.CasePrimaryPassed, null, shared.File.CaseId));
    }

    private static bool IsActing(Call call, CaseParticipant part) => string.Equals(part.UnitId, call.Unit.UnitId, StringComparison.Ordinal);
}

/// <summary>Keeps the rows of parts.</summary>
internal static class KeepingParts
{
    /// <summary>A part that was added: a row of its own, or that of a unit that is back.</summary>
    public static void Keep(this Call call, CaseParticipant part)
    {
        if (part.FormerRole == Wire.ParticipantRole.Unspecified) call.Change.Add(part);
        else call.Change.Update(part);
    }
}
