using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Tests.Pipeline;
using static SafetyNet.Exchange.V1.CaseAction;
using static SafetyNet.Exchange.V1.CaseState;

namespace SafetyNet.Exchange.Tests.Cases;

[Trait("Rule", "R-CASE-1")]
[Trait("Rule", "R-CASE-7")]
[Trait("Rule", "R-CASE-8")]
public sealed class CaseMovesTests
{
    public static TheoryData<Wire.CaseState, Wire.CaseAction> EveryStateAndAction()
    {
        var data = new TheoryData<Wire.CaseState, Wire.CaseAction>();
        foreach (var state in Enum.GetValues<Wire.CaseState>())
            foreach (var action in Enum.GetValues<Wire.CaseAction>())
                data.Add(state, action);
        return data;
    }

    [Theory]
    [MemberData(nameof(EveryStateAndAction))]
    public void A_move_is_made_as_the_rules_say_or_refused_with_the_state_and_the_moves_allowed(Wire.CaseState state, Wire.CaseAction action)
    {
        foreach (var isProposed in (bool[])[false, true])
        {
            foreach (var party in Enum.GetValues<CaseParty>())
            {
                var file = new CaseFile { State = state, ProposedUnitId = isProposed ? "tpe-wanhua-swc" : "" };
                if (After(state, isProposed, action, party) is var (next, stillProposed))
                {
                    file.Move(action, party);
                    Assert.Equal((next, stillProposed), (file.State, file.IsProposed));
                    continue;
                }

                var refusal = Assert.Throws<Refusal>(() => file.Move(action, party));
                Assert.Equal((state, isProposed), (file.State, file.IsProposed));
                // How units come into a case is no move of those who are in it.
                var isAnothers = Owners(action).Length > 0 && !Owners(action).Contains(party);
                Assert.Equal(isAnothers ? Wire.ErrorReason.NotYourMove : Wire.ErrorReason.MoveNotAllowed, refusal.Reason);
                if (isAnothers) continue;
                Assert.Equal(CodeText.Of(state), refusal.Metadata["state"]);
                var allowed = Enum.GetValues<Wire.CaseAction>().Where(a => After(state, isProposed, a, party) is not null).Select(a => CodeText.Of(a));
                Assert.Equal(allowed.Order(StringComparer.Ordinal), refusal.Metadata["allowed"].Split(", ", StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public void The_table_has_each_move_once_and_what_was_merged_stays_merged()
    {
        Assert.Equal(CaseFile.Transitions.Count, CaseFile.Transitions.Select(t => (t.From, t.Action, t.By)).Distinct().Count());
        Assert.DoesNotContain(CaseFile.Transitions, t => t.From == Merged);
        Assert.DoesNotContain(CaseFile.Transitions, t => t is { Action: Leave, By: CaseParty.Primary });
    }

    [Fact]
    public void The_table_of_moves_in_docs_is_that_of_the_code() => GeneratedDocument.AssertCurrent("case-moves.md", CaseMovesTable.Render(), "Tests.Cases");

    [Theory]
    [InlineData("2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z", true)]
    [InlineData("2026-03-01T02:00:00Z", "2027-03-01T15:59:59Z", true)]
    [InlineData("2026-03-01T02:00:00Z", "2027-03-01T16:00:00Z", false)]
    [InlineData("2028-02-29T02:00:00Z", "2029-02-28T15:00:00Z", true)]
    [InlineData("2028-02-29T02:00:00Z", "2029-03-01T02:00:00Z", false)]
    public void A_case_counts_as_reopened_until_the_same_day_twelve_months_later_in_Taiwan(string ended, string reopened, bool counts) =>
        Assert.Equal(counts, CaseReopening.CountsAsReopened(DateTimeOffset.Parse(ended, System.Globalization.CultureInfo.InvariantCulture), DateTimeOffset.Parse(reopened, System.Globalization.CultureInfo.InvariantCulture)));

    /// <summary>R-CASE-1, R-CASE-7 and R-CASE-8 as domain.md 3.4 has them; null: there is no such move.</summary>
    private static (Wire.CaseState State, bool IsProposed)? After(Wire.CaseState state, bool isProposed, Wire.CaseAction action, CaseParty party)
    {
        if (!Owners(action).Contains(party)) return null;
        return action switch
        {
            AssignWorkers or TakeIn when state == Wire.CaseState.Open => (Wire.CaseState.Open, isProposed),
            // The test sets who is proposed; the move itself leaves that to its maker.
            ProposePrimary when state == Wire.CaseState.Open && !isProposed => (Wire.CaseState.Open, false),
            WithdrawPrimaryProposal or AcceptPrimary or DeclinePrimary when state == Wire.CaseState.Open && isProposed => (Wire.CaseState.Open, false),
            Leave when state == Wire.CaseState.Open && party == CaseParty.Proposed => isProposed ? (Wire.CaseState.Open, false) : null,
            Leave when state == Wire.CaseState.Open => (Wire.CaseState.Open, isProposed),
            Merge when state == Wire.CaseState.Open && !isProposed => (Merged, false),
            Close when state == Wire.CaseState.Open && !isProposed => (Closed, false),
            Reopen when state == Closed => (Wire.CaseState.Open, isProposed),
            _ => null,
        };
    }

    private static CaseParty[] Owners(Wire.CaseAction action) => action switch
    {
        AssignWorkers => [CaseParty.Primary, CaseParty.Proposed, CaseParty.Serving],
        ProposePrimary or WithdrawPrimaryProposal or Close or Reopen or Merge or TakeIn => [CaseParty.Primary],
        AcceptPrimary or DeclinePrimary => [CaseParty.Proposed],
        Leave => [CaseParty.Serving, CaseParty.Proposed],
        _ => [],
    };
}
