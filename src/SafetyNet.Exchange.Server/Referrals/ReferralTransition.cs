using static SafetyNet.Exchange.V1.ReferralState;
using Deed = SafetyNet.Exchange.V1.ReferralAction;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>Who may make a move.</summary>
internal enum ReferralParty
{
    /// <summary>The unit that made the referral.</summary>
    Referrer,

    /// <summary>The unit it is addressed to.</summary>
    Receiver,

    /// <summary>The unit that a transfer is proposed to; it moves this referral by its answer to the next one.</summary>
    NextUnit,
}

/// <summary>What waits for the other side's answer (R-REF-10), as bits.</summary>
[Flags]
internal enum Handshakes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The referrer asks to take it back.</summary>
    Withdrawal = 1,

    /// <summary>The receiver proposes a next unit.</summary>
    Transfer = 2,
}

/// <summary>One line of the table of moves (R-REF-1, R-REF-10).</summary>
/// <param name="From">State before.</param>
/// <param name="Action">The move.</param>
/// <param name="To">State after; an end leaves nothing pending.</param>
/// <param name="By">Who makes it.</param>
internal readonly record struct ReferralTransition(Wire.ReferralState From, Wire.ReferralAction Action, Wire.ReferralState To, ReferralParty By)
{
    /// <summary>Must be pending.</summary>
    public Handshakes Needs { get; init; }

    /// <summary>Must not be pending.</summary>
    public Handshakes Bars { get; init; }

    /// <summary>Is pending from then on.</summary>
    public Handshakes Sets { get; init; }

    /// <summary>Is pending no more.</summary>
    public Handshakes Clears { get; init; }

    public bool IsOpenTo(Wire.ReferralState state, Handshakes pending) => From == state && (pending & Needs) == Needs && (pending & Bars) == Handshakes.None;
}

/// <summary>The table of moves; docs/referral-moves.md is made of it.</summary>
internal sealed partial class Referral
{
    private const ReferralParty Referrer = ReferralParty.Referrer, Receiver = ReferralParty.Receiver, NextUnit = ReferralParty.NextUnit;

    /// <summary>Every move there is. A referral that has been accepted is taken back or handed on by two sides only.</summary>
    public static readonly IReadOnlyList<ReferralTransition> Transitions =
    [
        new(Submitted, Deed.Deliver, Delivered, Receiver),
        new(Submitted, Deed.Withdraw, Withdrawn, Referrer),
        new(Delivered, Deed.See, Seen, Receiver),
        new(Delivered, Deed.Accept, Accepted, Receiver),
        new(Delivered, Deed.Assign, Delivered, Receiver),
        new(Delivered, Deed.Withdraw, Withdrawn, Referrer),
        new(Seen, Deed.Accept, Accepted, Receiver),
        new(Seen, Deed.Return, Returned, Receiver),
        new(Seen, Deed.Decline, Declined, Receiver),
        new(Seen, Deed.Assign, Seen, Receiver),
        new(Seen, Deed.Withdraw, Withdrawn, Referrer),
        new(Returned, Deed.Resubmit, Submitted, Referrer),
        new(Returned, Deed.Withdraw, Withdrawn, Referrer),
        new(Accepted, Deed.BeginService, InService, Receiver),
        .. WhileServed(Accepted),
        new(InService, Deed.Close, Closed, Receiver) { Bars = Handshakes.Transfer },
        .. WhileServed(InService),
    ];

    /// <summary>Moves that a party may make in a state, with what is pending.</summary>
    public static IEnumerable<Wire.ReferralAction> Allowed(Wire.ReferralState state, Handshakes pending, ReferralParty party) =>
        Transitions.Where(t => t.By == party && t.IsOpenTo(state, pending)).Select(t => t.Action);

    /// <summary>Moves of a referral whose receiver has taken the person into its care, whether service has begun or not.</summary>
    private static IEnumerable<ReferralTransition> WhileServed(Wire.ReferralState state) =>
    [
        new(state, Deed.Assign, state, Receiver),
        new(state, Deed.RecordPersuasion, state, Receiver),
        new(state, Deed.RecordSearch, state, Receiver),
        new(state, Deed.RequestWithdrawal, state, Referrer) { Bars = Handshakes.Withdrawal, Sets = Handshakes.Withdrawal },
        new(state, Deed.ConfirmWithdrawal, Withdrawn, Receiver) { Needs = Handshakes.Withdrawal, Bars = Handshakes.Transfer },
        new(state, Deed.RefuseWithdrawal, state, Receiver) { Needs = Handshakes.Withdrawal, Clears = Handshakes.Withdrawal },
        new(state, Deed.ProposeTransfer, state, Receiver) { Bars = Handshakes.Transfer | Handshakes.Withdrawal, Sets = Handshakes.Transfer },
        new(state, Deed.Transfer, Transferred, NextUnit) { Needs = Handshakes.Transfer },
        new(state, Deed.EndTransfer, state, NextUnit) { Needs = Handshakes.Transfer, Clears = Handshakes.Transfer },
    ];
}
