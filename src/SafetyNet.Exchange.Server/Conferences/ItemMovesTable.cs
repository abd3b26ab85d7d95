using System.Text;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>docs/item-moves.md: every move of a tracked item, as <see cref="TrackedItem.Transitions"/> has it.</summary>
internal static class ItemMovesTable
{
    /// <summary>The file's text in Markdown, lines ended by a line feed. The same table gives the same text.</summary>
    public static string Render()
    {
        var text = new StringBuilder();
        text.Append(
            """
            # How a tracked item of a conference moves

            Generated from `TrackedItem.Transitions`; do not edit. A test compares it with the table and says how to regenerate it.

            Any move that is not a line here is refused: `NOT_YOUR_MOVE` where only another party makes it, else `MOVE_NOT_ALLOWED` with the state and the moves
            allowed, or `NO_HIGHER_LEVEL` at the central level. An item comes to be (`ASSIGN`) by a resolution. The owner is the unit that owes it; the chair the unit
            that convened the conference which follows it. `CARRY_OVER` is made by convening the next conference of its level, `REMOVE` by the meeting that takes the
            case off the list (R-CON-4), when all items of the case are `DONE` and the units of the meeting agree. `ESCALATE` takes it to the next level (R-CON-5).

            | State | Move | By | State after | Level after |
            |---|---|---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var move in TrackedItem.Transitions)
        {
            text.Append("| ").AppendJoin(" | ", CodeText.Of(move.From), CodeText.Of(move.Action), TrackedItem.NameOf(move.By), CodeText.Of(move.To), move.NeedsHigherLevel ? "the next" : "as before")
                .Append(" |\n");
        }

        return text.ToString();
    }
}
