using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>What the moves of a case share: the case itself, the record of the move, what an outcome needs.</summary>
internal static class CaseSteps
{
    /// <summary>Kinds of search steps that must be stated before contact counts as lost (R-REF-8).</summary>
    private const int KindsOfSearch = 2;

    /// <summary>Makes one move of one call: load, decide, move, do what follows from it, record, answer; refused by the state first, then by the etag.</summary>
    /// <param name="context">The call.</param>
    /// <param name="caseId">The case.</param>
    /// <param name="etag">Version that the caller has read; empty: any.</param>
    /// <param name="action">The move.</param>
    /// <param name="make">What else it does in the same commit, given the acting unit's part; answers the record of the move.</param>
    public static Wire.Case Move(ServerCallContext context, string caseId, string etag, Wire.CaseAction action, Func<Call, SharedCase, CaseParticipant, CaseMoveRow> make)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(caseId);
        var view = call.DecideOn(shared);
        if (call.Replayed is not null) return CaseService.Show(call, shared, view);
        Move(call, shared, etag, action, make);
        return CaseService.Show(call, shared, call.DecideOn(shared));
    }

    /// <summary>The same within a call that has loaded and decided.</summary>
    public static void Move(Call call, SharedCase shared, string etag, Wire.CaseAction action, Func<Call, SharedCase, CaseParticipant, CaseMoveRow> make)
    {
        // Who sees the case by a conference, a grant or broken glass takes no part in it.
        var part = shared.PartOf(call.Unit.UnitId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
        var (current, state) = (Etag.Of(shared.File), shared.File.State);
        shared.File.Move(action, shared.PartyOf(part));
        RequireCurrent(etag, current, CodeText.Of(state));
        var move = make(call, shared, part);
        Record(call, shared, action, move);
        call.Change.Update(shared.File);
        call.Change.Key!.Outcome = shared.File.CaseId.ToString();
    }

    /// <summary>What the caller has read is how it is, or it reads again.</summary>
    public static void RequireCurrent(string etag, string current, string state)
    {
        if (etag.Length > 0 && !string.Equals(etag, current, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", current), ("state", state));
    }

    /// <summary>Keeps the move with who and when.</summary>
    public static void Record(Call call, SharedCase shared, Wire.CaseAction action, CaseMoveRow move)
    {
        call.Touches("case", shared.File.CaseId);
        (move.CaseId, move.Action, move.State, move.MovedAt) = (shared.File.CaseId, action, shared.File.State, call.Now);
        (move.UnitId, move.PersonId) = (call.Unit.UnitId, call.Context!.Actor.PersonId);
        call.Change.Add(move);
    }

    /// <summary>A move with the words of who makes it.</summary>
    /// <param name="toUnitId">Unit that may read them besides; empty: none.</param>
    public static CaseMoveRow Words(Call call, SharedCase shared, string remark, string toUnitId = "")
    {
        var move = new CaseMoveRow { MoveId = call.NewId(), OtherUnitId = toUnitId };
        if (remark.Length > 0) move.Remark = call.Vault.SealText(shared.File.Jurisdiction, CaseMoveQueries.RemarkColumn, move.MoveId, remark);
        return move;
    }

    /// <summary>A move by which something ends, with its outcome and what that needs (R-REF-8); an unwilling client is none (R-REF-4).</summary>
    public static CaseMoveRow Ending(Call call, SharedCase shared, Wire.ReferralOutcome outcome, IReadOnlyList<Wire.SearchStepKind> searched, string remark, string toUnitId)
    {
        var kinds = searched.Where(kind => kind != Wire.SearchStepKind.Unspecified).Aggregate(0, (bits, kind) => bits | (1 << (int)kind));
        switch (outcome)
        {
            case Wire.ReferralOutcome.ClientUnwilling:
                throw new Refusal(Wire.ErrorReason.UnwillingIsNoReason, ("rule", "R-REF-4"));
            case Wire.ReferralOutcome.Transferred:
                throw new Refusal(Wire.ErrorReason.OutcomeIncomplete, ("rule", "R-REF-10"), ("field", "outcome"));
            case Wire.ReferralOutcome.LostContact when int.PopCount(kinds) < KindsOfSearch:
                throw new Refusal(Wire.ErrorReason.OutcomeIncomplete, ("rule", "R-REF-8"), ("field", "search_steps"));
            case Wire.ReferralOutcome.MovedAway when !shared.Subjects.Exists(id => IsReferredAway(call, id)):
                throw new Refusal(Wire.ErrorReason.OutcomeIncomplete, ("rule", "R-REF-8"), ("field", "outcome"));
            case Wire.ReferralOutcome.Other when remark.Length == 0:
                throw new Refusal(Wire.ErrorReason.OutcomeIncomplete, ("rule", "R-REF-8"), ("field", "remark"));
            default:
                var move = Words(call, shared, remark, toUnitId);
                (move.Outcome, move.SearchSteps) = (outcome, kinds);
                return move;
        }
    }

    /// <summary>A unit of another jurisdiction has to do with the family by a referral across jurisdictions, or not at all (R-NTK-13, R-REF-9).</summary>
    public static void RequireReferredAcross(Call call, SharedCase shared, Unit unit, string field)
    {
        if (unit.Agency.Jurisdiction == shared.File.Jurisdiction) return;
        foreach (var subject in shared.Subjects)
        {
            if (Links.OfPerson(call.Read, subject).Referrals.Any(link => string.Equals(link.ToUnitId, unit.UnitId, StringComparison.Ordinal) && Standing.IsOpen(link.State)
                && call.Members.FindUnit(link.FromUnitId)?.Agency.Jurisdiction != unit.Agency.Jurisdiction)) return;
        }

        throw new Refusal(Wire.ErrorReason.CrossJurisdictionReferralMissing, ("unit_id", unit.UnitId), ("field", field), ("rule", "R-REF-9"));
    }

    /// <summary>A referral of the person by the acting unit to another jurisdiction was made and stands.</summary>
    private static bool IsReferredAway(Call call, Guid personId) => Links.OfPerson(call.Read, personId).Referrals.Any(link =>
        string.Equals(link.FromUnitId, call.Unit.UnitId, StringComparison.Ordinal) && Standing.IsOpen(link.State)
        && call.Members.FindUnit(link.ToUnitId) is { } to && to.Agency.Jurisdiction != call.Agency.Jurisdiction);
}
