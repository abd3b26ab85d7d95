using SafetyNet.Exchange.Server.Pipeline;
using static SafetyNet.Exchange.V1.ItemState;
using Moves = SafetyNet.Exchange.V1.ItemAction;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>What a unit is to a tracked item when it makes a move.</summary>
internal enum ItemParty
{
    /// <summary>The unit that owes it.</summary>
    Owner,

    /// <summary>The unit that convened the conference which follows it.</summary>
    Chair,

    /// <summary>The unit that convenes another conference on the case, or chairs the meeting at which the case leaves the list.</summary>
    Meeting,
}

/// <summary>One line of the table of moves (R-CON-3, R-CON-4, R-CON-5).</summary>
/// <param name="From">State before.</param>
/// <param name="Action">The move.</param>
/// <param name="To">State after.</param>
/// <param name="By">Who makes it.</param>
internal readonly record struct ItemTransition(Wire.ItemState From, Wire.ItemAction Action, Wire.ItemState To, ItemParty By)
{
    /// <summary>Only where there is a level above.</summary>
    public bool NeedsHigherLevel { get; init; }

    public bool IsOpenTo(Wire.ItemState state, Wire.ConferenceLevel level) => From == state && (!NeedsHigherLevel || level < Wire.ConferenceLevel.Central);
}

/// <summary>The table of moves; docs/item-moves.md is made of it.</summary>
internal sealed partial class TrackedItem
{
    /// <summary>
    /// Every move there is. None takes an item off the list that is not confirmed as done, and what the chair has not confirmed is carried over as it stands.
    /// </summary>
    public static readonly IReadOnlyList<ItemTransition> Transitions =
    [
        new(Open, Moves.ReportProgress, Open, ItemParty.Owner),
        new(Open, Moves.ReportDone, ReportedDone, ItemParty.Owner),
        new(Open, Moves.Amend, Open, ItemParty.Chair),
        new(Open, Moves.Escalate, Escalated, ItemParty.Chair) { NeedsHigherLevel = true },
        new(Open, Moves.CarryOver, Open, ItemParty.Meeting),
        new(ReportedDone, Moves.ConfirmDone, Done, ItemParty.Chair),
        new(ReportedDone, Moves.Return, Open, ItemParty.Chair),
        new(ReportedDone, Moves.CarryOver, ReportedDone, ItemParty.Meeting),
        new(Escalated, Moves.ReportProgress, Escalated, ItemParty.Owner),
        new(Escalated, Moves.CarryOver, Open, ItemParty.Meeting),
        new(Done, Moves.Remove, Removed, ItemParty.Meeting),
    ];

    /// <summary>Who makes a move.</summary>
    public static ItemParty PartyOf(Wire.ItemAction action) => Transitions.First(t => t.Action == action).By;

    /// <summary>Moves that a party may make in a state at a level.</summary>
    public static IEnumerable<Wire.ItemAction> Allowed(Wire.ItemState state, Wire.ConferenceLevel level, ItemParty party) =>
        Transitions.Where(t => t.By == party && t.IsOpenTo(state, level)).Select(t => t.Action);

    /// <summary>Moves the item, or refuses with what is allowed to this party in this state.</summary>
    public void Move(Wire.ItemAction action, ItemParty party)
    {
        foreach (var transition in Transitions)
        {
            if (transition.Action != action || transition.By != party || !transition.IsOpenTo(State, Level)) continue;
            State = transition.To;
            IsOpen = State is Open or ReportedDone or Escalated;
            if (action == Moves.Escalate) Level++;
            return;
        }

        if (Transitions.Any(t => t.Action == action) && Transitions.All(t => t.Action != action || t.By != party))
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", NameOf(PartyOf(action))));
        if (Transitions.Any(t => t.Action == action && t.By == party && t.From == State))
            throw new Refusal(Wire.ErrorReason.NoHigherLevel, ("level", CodeText.Of(Level)), ("rule", "R-CON-5"));
        throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(State)), ("action", CodeText.Of(action)),
            ("allowed", string.Join(", ", Allowed(State, Level, party).Select(a => CodeText.Of(a)))));
    }

    /// <summary>A party as refusals and the document name it.</summary>
    public static string NameOf(ItemParty party) => party switch
    {
        ItemParty.Owner => "owner",
        ItemParty.Chair => "chair",
        _ => "meeting",
    };
}
