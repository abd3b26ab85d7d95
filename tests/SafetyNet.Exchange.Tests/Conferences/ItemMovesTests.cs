using SafetyNet.Exchange.Server.Conferences;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Tests.Pipeline;
using static SafetyNet.Exchange.V1.ItemAction;
using static SafetyNet.Exchange.V1.ItemState;
using Level = SafetyNet.Exchange.V1.ConferenceLevel;

namespace SafetyNet.Exchange.Tests.Conferences;

[Trait("Rule", "R-CON-3")]
[Trait("Rule", "R-CON-4")]
[Trait("Rule", "R-CON-5")]
public sealed class ItemMovesTests
{
    public static TheoryData<Wire.ItemState, Wire.ItemAction> EveryStateAndAction()
    {
        var data = new TheoryData<Wire.ItemState, Wire.ItemAction>();
        foreach (var state in Enum.GetValues<Wire.ItemState>())
            foreach (var action in Enum.GetValues<Wire.ItemAction>())
                data.Add(state, action);
        return data;
    }

    [Theory]
    [MemberData(nameof(EveryStateAndAction))]
    public void A_move_is_made_as_the_rules_say_or_refused_with_the_state_and_the_moves_allowed(Wire.ItemState state, Wire.ItemAction action)
    {
        foreach (var level in (Level[])[Level.Case, Level.District, Level.City, Level.Central])
        {
            foreach (var party in Enum.GetValues<ItemParty>())
            {
                var item = new TrackedItem { State = state, Level = level, IsOpen = state is Open or ReportedDone or Escalated };
                if (After(state, action, party, level) is { } next)
                {
                    item.Move(action, party);
                    Assert.Equal((next, next is Open or ReportedDone or Escalated, action == Escalate ? level + 1 : level), (item.State, item.IsOpen, item.Level));
                    continue;
                }

                var refusal = Assert.Throws<Refusal>(() => item.Move(action, party));
                Assert.Equal((state, level), (item.State, item.Level));
                var isAnothers = OwnerOf(action) is { } owner && owner != party;
                var isTop = !isAnothers && (state, action, level) == (Open, Escalate, Level.Central);
                Assert.Equal(isAnothers ? Wire.ErrorReason.NotYourMove : isTop ? Wire.ErrorReason.NoHigherLevel : Wire.ErrorReason.MoveNotAllowed, refusal.Reason);
                if (isTop) Assert.Equal(("CENTRAL", "R-CON-5"), (refusal.Metadata["level"], refusal.Metadata["rule"]));
                if (isAnothers || isTop) continue;
                Assert.Equal(CodeText.Of(state), refusal.Metadata["state"]);
                var allowed = Enum.GetValues<Wire.ItemAction>().Where(a => After(state, a, party, level) is not null).Select(a => CodeText.Of(a));
                Assert.Equal(allowed.Order(StringComparer.Ordinal), refusal.Metadata["allowed"].Split(", ", StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public void The_table_has_each_move_once_and_nothing_leaves_the_list_that_is_not_confirmed_as_done()
    {
        Assert.Equal(TrackedItem.Transitions.Count, TrackedItem.Transitions.Select(t => (t.From, t.Action, t.By)).Distinct().Count());
        Assert.Equal([(Done, Remove)], TrackedItem.Transitions.Where(t => t.To == Removed).Select(t => (t.From, t.Action)));
        Assert.Equal([(ReportedDone, ItemParty.Chair)], TrackedItem.Transitions.Where(t => t.To == Done).Select(t => (t.From, t.By)));
        Assert.DoesNotContain(TrackedItem.Transitions, t => t.From == Removed);
        // Whatever is open is carried over by the next conference; none is stuck at a level.
        Assert.Equal([Open, ReportedDone, Escalated], TrackedItem.Transitions.Where(t => t.Action == CarryOver).Select(t => t.From));
    }

    [Fact]
    public void The_table_of_moves_in_docs_is_that_of_the_code() => GeneratedDocument.AssertCurrent("item-moves.md", ItemMovesTable.Render(), "Tests.Conferences");

    /// <summary>R-CON-3, R-CON-4 and R-CON-5 as domain.md 3.7 has them; null: there is no such move.</summary>
    private static Wire.ItemState? After(Wire.ItemState state, Wire.ItemAction action, ItemParty party, Level level) => OwnerOf(action) != party ? null : action switch
    {
        ReportProgress when state is Open or Escalated => state,
        ReportDone when state == Open => ReportedDone,
        ConfirmDone when state == ReportedDone => Done,
        Return when state == ReportedDone => Open,
        Amend when state == Open => Open,
        Escalate when state == Open && level != Level.Central => Escalated,
        CarryOver when state is Open or Escalated => Open,
        CarryOver when state == ReportedDone => ReportedDone,
        Remove when state == Done => Removed,
        _ => null,
    };

    private static ItemParty? OwnerOf(Wire.ItemAction action) => action switch
    {
        ReportProgress or ReportDone => ItemParty.Owner,
        ConfirmDone or Return or Amend or Escalate => ItemParty.Chair,
        CarryOver or Remove => ItemParty.Meeting,
        _ => null,
    };
}
