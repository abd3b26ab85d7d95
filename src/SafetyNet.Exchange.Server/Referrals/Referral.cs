using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>
/// A referral (轉介) and its states. Which moves exist is a table (<see cref="Transitions"/>) and nothing else; a move outside of it is refused with the moves that
/// are allowed. What is personal in it lies sealed.
/// </summary>
internal sealed partial class Referral : IVersioned, IFamilyFact
{
    /// <summary>Kinds of search steps that must be recorded before contact counts as lost (R-REF-8).</summary>
    public const int KindsOfSearch = 2;

    public Guid ReferralId { get; set; }

    public string FromUnitId { get; set; } = "";

    public string ToUnitId { get; set; } = "";

    /// <summary>Jurisdiction of the referrer, whose keys seal the content.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    public Wire.ReferralState State { get; set; }

    /// <summary>What waits for the other side's answer (R-REF-10).</summary>
    public Handshakes Pending { get; set; }

    /// <summary>Case for which it was made; null: none.</summary>
    public Guid? CaseId { get; set; }

    public bool IsProtective { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>Classes of the sender's view, as bits of the code table.</summary>
    public uint ViewClasses { get; set; }

    /// <summary>When the sender's view ends; null: with the referral.</summary>
    public DateTimeOffset? ViewUntil { get; set; }

    public Wire.DeclineReason DeclineReason { get; set; }

    public string ProposedUnitId { get; set; } = "";

    /// <summary>What the receiver misses while the referral is returned, one bit per code of the table.</summary>
    public int MissingParts { get; set; }

    public IEnumerable<Wire.MissingPart> Missing =>
        Enum.GetValues<Wire.MissingPart>().Where(part => part != Wire.MissingPart.Unspecified && (MissingParts & (1 << (int)part)) != 0);

    public Wire.ReferralOutcome Outcome { get; set; }

    /// <summary>The referral that this one hands on; null: it comes of no transfer.</summary>
    public Guid? TransferredFromId { get; set; }

    /// <summary>The referral that hands this one on, from the proposal on; null: none, or its proposal came to nothing.</summary>
    public Guid? TransferredToId { get; set; }

    /// <summary>Unit that it is handed on to; empty: none.</summary>
    public string TransferredToUnitId { get; set; } = "";

    /// <summary>The sender's part in the case passes to the receiver when it accepts (R-REF-6).</summary>
    public bool PassesCasePart { get; set; }

    /// <summary>Staff number of the receiver's worker who has it in hand; empty: nobody is assigned.</summary>
    public string AssignedPersonId { get; set; } = "";

    /// <summary>Subjects, services, facts and source, as a sealed <see cref="Wire.Referral"/>.</summary>
    public byte[] Sealed { get; set; } = [];

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [ReferralId];

    /// <summary>Moves the referral, or refuses with what is allowed to this party in this state.</summary>
    public void Move(Wire.ReferralAction action, ReferralParty party)
    {
        foreach (var transition in Transitions)
        {
            if (transition.Action != action || transition.By != party || !transition.IsOpenTo(State, Pending)) continue;
            State = transition.To;
            Pending = Policy.Standing.IsServed(State) ? (Pending | transition.Sets) & ~transition.Clears : Handshakes.None;
            return;
        }

        if (Transitions.Any(t => t.Action == action) && Transitions.All(t => t.Action != action || t.By != party))
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", Transitions.First(t => t.Action == action).By == ReferralParty.Referrer ? "referrer" : "receiver"));
        throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(State)), ("action", CodeText.Of(action)),
            ("allowed", string.Join(", ", Allowed(State, Pending, party).Select(a => CodeText.Of(a)))));
    }

    /// <summary>Declines, with a reason that counts and, unless the need is met, where to go instead (R-REF-3, R-REF-4).</summary>
    public void Decline(Wire.DeclineReason reason, string proposedUnitId)
    {
        if (reason == Wire.DeclineReason.ClientUnwilling) throw new Refusal(Wire.ErrorReason.UnwillingIsNoReason, ("rule", "R-REF-4"));
        if (reason != Wire.DeclineReason.NeedAlreadyMet && proposedUnitId.Length == 0)
            throw new Refusal(Wire.ErrorReason.ProposedUnitMissing, ("rule", "R-REF-3"));
        Move(Wire.ReferralAction.Decline, ReferralParty.Receiver);
        (DeclineReason, ProposedUnitId) = (reason, proposedUnitId);
    }

    /// <summary>Sends it back, saying what is missing; cleared when it is handed in again.</summary>
    public void Return(IEnumerable<Wire.MissingPart> missing)
    {
        Move(Wire.ReferralAction.Return, ReferralParty.Receiver);
        MissingParts = missing.Aggregate(0, (bits, part) => bits | (1 << (int)part));
    }

    /// <summary>Closes with an outcome and what it needs (R-REF-8); an unwilling client is none (R-REF-4), and a transfer is a handshake (R-REF-10).</summary>
    /// <param name="outcome">What became of the person.</param>
    /// <param name="explanation">The closing remark; empty: none.</param>
    /// <param name="kindsOfSearch">How many kinds of search steps are recorded.</param>
    /// <param name="isReferredOn">A referral of the same persons to another jurisdiction was made and stands.</param>
    public void Close(Wire.ReferralOutcome outcome, string explanation, int kindsOfSearch, bool isReferredOn)
    {
        switch (outcome)
        {
            case Wire.ReferralOutcome.ClientUnwilling:
                throw new Refusal(Wire.ErrorReason.UnwillingIsNoReason, ("rule", "R-REF-4"));
            case Wire.ReferralOutcome.Transferred:
                throw new Refusal(Wire.ErrorReason.OutcomeIncomplete, ("rule", "R-REF-10"), ("field", "outcome"));
            case Wire.ReferralOutcome.LostContact when kindsOfSearch < KindsOfSearch:
                throw new Refusal(Wire.ErrorReason.OutcomeIncomplete, ("rule", "R-REF-8"), ("field", "search_steps"));
            case Wire.ReferralOutcome.MovedAway when !isReferredOn:
                throw new Refusal(Wire.ErrorReason.OutcomeIncomplete, ("rule", "R-REF-8"), ("field", "onward_referral_id"));
            case Wire.ReferralOutcome.Other when explanation.Length == 0:
                throw new Refusal(Wire.ErrorReason.OutcomeIncomplete, ("rule", "R-REF-8"), ("field", "remark"));
            default:
                Move(Wire.ReferralAction.Close, ReferralParty.Receiver);
                Outcome = outcome;
                return;
        }
    }

    /// <summary>The next unit has accepted.</summary>
    public void Transfer()
    {
        Move(Wire.ReferralAction.Transfer, ReferralParty.NextUnit);
        Outcome = Wire.ReferralOutcome.Transferred;
    }

    /// <summary>The next unit has declined, or the proposal was taken back.</summary>
    public void EndTransfer()
    {
        Move(Wire.ReferralAction.EndTransfer, ReferralParty.NextUnit);
        (TransferredToId, TransferredToUnitId) = (null, "");
    }
}
