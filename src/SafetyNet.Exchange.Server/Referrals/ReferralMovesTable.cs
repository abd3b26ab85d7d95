using System.Text;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>docs/referral-moves.md: every move of a referral, as <see cref="Referral.Transitions"/> has it.</summary>
internal static class ReferralMovesTable
{
    /// <summary>The file's text in Markdown, lines ended by a line feed. The same table gives the same text.</summary>
    public static string Render()
    {
        var text = new StringBuilder();
        text.Append(
            """
            # How a referral moves

            Generated from `Referral.Transitions`; do not edit. A test compares it with the table and says how to regenerate it.

            Any move that is not a line here is refused: `NOT_YOUR_MOVE` where only the other party makes it, else `MOVE_NOT_ALLOWED` with the state and the moves
            allowed (R-REF-1). What is pending waits for the other side's answer, and the referral goes on meanwhile (R-REF-6, R-REF-10). The next unit of a transfer
            moves the old referral by accepting or declining the new one; a proposer that takes the new one back ends the transfer the same way.

            | State | Move | By | Needs pending | Not while pending | Then pending | State after |
            |---|---|---|---|---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var move in Referral.Transitions)
        {
            text.Append("| ").AppendJoin(" | ", CodeText.Of(move.From), CodeText.Of(move.Action), NameOf(move.By), Names(move.Needs), Names(move.Bars), Names(move.Sets), CodeText.Of(move.To))
                .Append(" |\n");
        }

        return text.ToString();
    }

    private static string NameOf(ReferralParty party) => party switch
    {
        ReferralParty.Referrer => "referrer",
        ReferralParty.Receiver => "receiver",
        _ => "next unit",
    };

    private static string Names(Handshakes pending) => pending == Handshakes.None ? "-"
        : string.Join(", ", ((Handshakes[])[Handshakes.Withdrawal, Handshakes.Transfer]).Where(one => pending.HasFlag(one)).Select(one => one.ToString().ToUpperInvariant()));
}
