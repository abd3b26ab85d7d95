using SafetyNet.Exchange.Server.Pipeline;
using static SafetyNet.Exchange.V1.CaseState;
using Deed = SafetyNet.Exchange.V1.CaseAction;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>What a unit is in a case when it makes a move; it is one of these.</summary>
internal enum CaseParty
{
    /// <summary>The unit that answers for the case; of one that has ended, the unit that did.</summary>
    Primary,

    /// <summary>A serving unit to which the primary role is proposed.</summary>
    Proposed,

    /// <summary>A serving unit.</summary>
    Serving,

    /// <summary>A unit that is asked in.</summary>
    Invited,
}

/// <summary>One line of the table of moves (R-CASE-1, R-CASE-7, R-CASE-8).</summary>
/// <param name="From">State before.</param>
/// <param name="Action">The move.</param>
/// <param name="To">State after.</param>
/// <param name="By">Who makes it.</param>
internal readonly record struct CaseTransition(Wire.CaseState From, Wire.CaseAction Action, Wire.CaseState To, CaseParty By)
{
    /// <summary>Whether the primary role must be proposed to a unit; null: it does not matter.</summary>
    public bool? Proposal { get; init; }

    /// <summary>Ends the proposal.</summary>
    public bool EndsProposal { get; init; }

    public bool IsOpenTo(Wire.CaseState state, bool isProposed) => From == state && (Proposal is not { } asked || asked == isProposed);
}

/// <summary>The table of moves; docs/case-moves.md is made of it.</summary>
internal sealed partial class CaseFile
{
    /// <summary>
    /// Every move there is. No line takes the primary role from one unit without giving it to another, and none lets the primary leave: a case is never without a unit while it is open.
    /// </summary>
    public static readonly IReadOnlyList<CaseTransition> Transitions =
    [
        new(Open, Deed.AssignWorkers, Open, CaseParty.Primary),
        new(Open, Deed.AssignWorkers, Open, CaseParty.Proposed),
        new(Open, Deed.AssignWorkers, Open, CaseParty.Serving),
        new(Open, Deed.ProposePrimary, Open, CaseParty.Primary) { Proposal = false },
        new(Open, Deed.WithdrawPrimaryProposal, Open, CaseParty.Primary) { Proposal = true, EndsProposal = true },
        new(Open, Deed.AcceptPrimary, Open, CaseParty.Proposed) { Proposal = true, EndsProposal = true },
        new(Open, Deed.DeclinePrimary, Open, CaseParty.Proposed) { Proposal = true, EndsProposal = true },
        new(Open, Deed.Leave, Open, CaseParty.Serving),
        new(Open, Deed.Leave, Open, CaseParty.Proposed) { Proposal = true, EndsProposal = true },
        new(Open, Deed.TakeIn, Open, CaseParty.Primary),
        new(Open, Deed.Merge, Merged, CaseParty.Primary) { Proposal = false },
        new(Open, Deed.Close, Closed, CaseParty.Primary) { Proposal = false },
        new(Closed, Deed.Reopen, Open, CaseParty.Primary),
    ];

    /// <summary>The primary role is proposed to a unit.</summary>
    public bool IsProposed => ProposedUnitId.Length > 0;

    /// <summary>Moves that a party may make in a state.</summary>
    public static IEnumerable<Wire.CaseAction> Allowed(Wire.CaseState state, bool isProposed, CaseParty party) =>
        Transitions.Where(t => t.By == party && t.IsOpenTo(state, isProposed)).Select(t => t.Action);

    /// <summary>Moves the case, or refuses with what is allowed to this party in this state.</summary>
    public void Move(Wire.CaseAction action, CaseParty party)
    {
        foreach (var transition in Transitions)
        {
            if (transition.Action != action || transition.By != party || !transition.IsOpenTo(State, IsProposed)) continue;
            State = transition.To;
            if (transition.EndsProposal) ProposedUnitId = "";
            return;
        }

        if (Transitions.Any(t => t.Action == action) && Transitions.All(t => t.Action != action || t.By != party))
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", NameOf(Transitions.First(t => t.Action == action).By)));
        throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(State)), ("action", CodeText.Of(action)),
            ("allowed", string.Join(", ", Allowed(State, IsProposed, party).Select(a => CodeText.Of(a)))));
    }

    /// <summary>A party as refusals and the document name it.</summary>
    public static string NameOf(CaseParty party) => party switch
    {
        CaseParty.Primary => "primary",
        CaseParty.Proposed => "proposed primary",
        CaseParty.Serving => "serving",
        _ => "invited",
    };
}
