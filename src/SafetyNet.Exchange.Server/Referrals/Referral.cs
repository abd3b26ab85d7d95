using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>Who of the two ends may make a move.</summary>
internal enum ReferralParty
{
    /// <summary>The unit that made the referral.</summary>
    Referrer,

    /// <summary>The unit it is addressed to.</summary>
    Receiver,
}

/// <summary>One line of the table of moves (R-REF-1).</summary>
internal readonly record struct ReferralTransition(
    Wire.ReferralState From, Wire.ReferralAction Action, Wire.ReferralState To, ReferralParty By);

/// <summary>
/// A referral (轉介) and its states. Which moves exist is a table and nothing else; a move outside of it is refused with the moves that are allowed. What is
/// personal in it lies sealed.
/// </summary>
internal sealed class Referral : IVersioned, IFamilyFact
{
    /// <summary>Every move there is (R-REF-1). TRANSFER waits for the handshake of R-REF-10 and has no RPC yet, so it is not here.</summary>
    public static readonly IReadOnlyList<ReferralTransition> Transitions =
    [
        new(Wire.ReferralState.Submitted, Wire.ReferralAction.Deliver, Wire.ReferralState.Delivered, ReferralParty.Receiver),
        new(Wire.ReferralState.Delivered, Wire.ReferralAction.See, Wire.ReferralState.Seen, ReferralParty.Receiver),
        new(Wire.ReferralState.Delivered, Wire.ReferralAction.Accept, Wire.ReferralState.Accepted, ReferralParty.Receiver),
        new(Wire.ReferralState.Seen, Wire.ReferralAction.Accept, Wire.ReferralState.Accepted, ReferralParty.Receiver),
        new(Wire.ReferralState.Seen, Wire.ReferralAction.Return, Wire.ReferralState.Returned, ReferralParty.Receiver),
        new(Wire.ReferralState.Returned, Wire.ReferralAction.Resubmit, Wire.ReferralState.Submitted, ReferralParty.Referrer),
        new(Wire.ReferralState.Seen, Wire.ReferralAction.Decline, Wire.ReferralState.Declined, ReferralParty.Receiver),
        new(Wire.ReferralState.Submitted, Wire.ReferralAction.Withdraw, Wire.ReferralState.Withdrawn, ReferralParty.Referrer),
        new(Wire.ReferralState.Delivered, Wire.ReferralAction.Withdraw, Wire.ReferralState.Withdrawn, ReferralParty.Referrer),
        new(Wire.ReferralState.Seen, Wire.ReferralAction.Withdraw, Wire.ReferralState.Withdrawn, ReferralParty.Referrer),
        new(Wire.ReferralState.Returned, Wire.ReferralAction.Withdraw, Wire.ReferralState.Withdrawn, ReferralParty.Referrer),
        new(Wire.ReferralState.Accepted, Wire.ReferralAction.BeginService, Wire.ReferralState.InService, ReferralParty.Receiver),
        new(Wire.ReferralState.InService, Wire.ReferralAction.Close, Wire.ReferralState.Closed, ReferralParty.Receiver),
    ];

    public Guid ReferralId { get; set; }

    public string FromUnitId { get; set; } = "";

    public string ToUnitId { get; set; } = "";

    /// <summary>Jurisdiction of the referrer, whose keys seal the content.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    public Wire.ReferralState State { get; set; }

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

    /// <summary>Subjects, services, facts and source, as a sealed <see cref="Wire.Referral"/>.</summary>
    public byte[] Sealed { get; set; } = [];

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [ReferralId];

    /// <summary>Moves the referral, or refuses with what is allowed to this party in this state.</summary>
    public void Move(Wire.ReferralAction action, ReferralParty party)
    {
        foreach (var transition in Transitions)
        {
            if (transition.From != State || transition.Action != action || transition.By != party) continue;
            State = transition.To;
            return;
        }

        if (Transitions.Any(t => t.Action == action) && Transitions.All(t => t.Action != action || t.By != party))
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", party == ReferralParty.Referrer ? "receiver" : "referrer"));
        throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(State)), ("action", CodeText.Of(action)),
            ("allowed", string.Join(", ", Allowed(State, party).Select(a => CodeText.Of(a)))));
    }

    /// <summary>Moves that a party may make in a state.</summary>
    public static IEnumerable<Wire.ReferralAction> Allowed(Wire.ReferralState state, ReferralParty party) =>
        Transitions.Where(t => t.From == state && t.By == party).Select(t => t.Action);

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

    /// <summary>Closes with an outcome (R-REF-8); an unwilling client is none (R-REF-4).</summary>
    public void Close(Wire.ReferralOutcome outcome, string explanation)
    {
        if (outcome == Wire.ReferralOutcome.ClientUnwilling) throw new Refusal(Wire.ErrorReason.UnwillingIsNoReason, ("rule", "R-REF-4"));
        if (outcome is Wire.ReferralOutcome.LostContact or Wire.ReferralOutcome.Other && explanation.Length == 0)
            throw new Refusal(Wire.ErrorReason.OutcomeIncomplete, ("rule", "R-REF-8"), ("field", "remark"));
        Move(Wire.ReferralAction.Close, ReferralParty.Receiver);
        Outcome = outcome;
    }
}
