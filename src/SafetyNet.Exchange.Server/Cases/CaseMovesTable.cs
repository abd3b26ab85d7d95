using System.Text;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>docs/case-moves.md: every move of a case, as <see cref="CaseFile.Transitions"/> has it.</summary>
internal static class CaseMovesTable
{
    /// <summary>The file's text in Markdown, lines ended by a line feed. The same table gives the same text.</summary>
    public static string Render()
    {
        var text = new StringBuilder();
        text.Append(
            """
            # How a case moves

            Generated from `CaseFile.Transitions`; do not edit. A test compares it with the table and says how to regenerate it.

            Any move that is not a line here is refused: `NOT_YOUR_MOVE` where only another party makes it, else `MOVE_NOT_ALLOWED` with the state and the moves
            allowed. While the primary role is proposed to a unit, that unit is the proposed primary and no longer just serving; the primary unit answers for the case
            until it accepts (R-CASE-7). A case is opened by `OpenCase`, and units come into it by `InviteUnit` and `JoinCase` or by a referral that is made for it:
            its history tells these as `OPEN`, `INVITE`, `JOIN` and `TAKE_PART_OVER`.
            `CLOSE` needs that no other unit serves any more, `MERGE` and `TAKE_IN` are the two sides of one merging.

            | State | Move | By | Primary role proposed before | Proposed afterwards | State after |
            |---|---|---|---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var move in CaseFile.Transitions)
        {
            text.Append("| ").AppendJoin(" | ", CodeText.Of(move.From), CodeText.Of(move.Action), CaseFile.NameOf(move.By), Word(move.Proposal), After(move), CodeText.Of(move.To)).Append(" |\n");
        }

        return text.ToString();
    }

    private static string Word(bool? asked) => asked switch
    {
        true => "yes",
        false => "no",
        _ => "-",
    };

    private static string After(CaseTransition move) => move.Action == Wire.CaseAction.ProposePrimary ? "yes" : move.EndsProposal ? "no" : "as before";
}
