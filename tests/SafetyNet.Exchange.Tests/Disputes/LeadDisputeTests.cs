using SafetyNet.Exchange.Server.Disputes;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Disputes;

[Trait("Rule", "R-INT-9")]
public sealed class LeadDisputeTests
{
    private static readonly Wire.LeadDisputeState[] States = [.. Enum.GetValues<Wire.LeadDisputeState>().Where(state => state != Wire.LeadDisputeState.Unspecified)];

    private static readonly Wire.LeadDisputeAction[] Actions = [.. Enum.GetValues<Wire.LeadDisputeAction>().Where(action => action != Wire.LeadDisputeAction.Unspecified)];

    [Fact]
    public void Every_party_in_every_state_moves_as_the_table_says_or_is_refused()
    {
        foreach (var (state, action, party) in from s in States from a in Actions from p in Enum.GetValues<DisputeParty>() select (s, a, p))
        {
            var dispute = new LeadDispute { State = state };
            var moves = LeadDispute.Transitions.Where(t => t.From == state && t.Action == action && t.By == party).ToList();
            if (moves.Count == 1)
            {
                dispute.Move(action, party);
                Assert.Equal(moves[0].To, dispute.State);
                continue;
            }

            Assert.Empty(moves);
            var refused = Assert.Throws<Refusal>(() => dispute.Move(action, party));
            var isEverTheirs = LeadDispute.Transitions.Any(t => t.Action == action && t.By == party);
            Assert.Equal((isEverTheirs ? Wire.ErrorReason.MoveNotAllowed : Wire.ErrorReason.NotYourMove, state), (refused.Reason, dispute.State));
        }
    }

    [Fact]
    public void The_first_arbiter_rules_first_one_appeal_follows_and_the_city_has_the_last_word()
    {
        Assert.Equal(
            [(Wire.LeadDisputeState.Open, DisputeParty.CentralIntake, Wire.LeadDisputeState.Ruled), (Wire.LeadDisputeState.Appealed, DisputeParty.City, Wire.LeadDisputeState.Final)],
            LeadDispute.Transitions.Where(t => t.Action == Wire.LeadDisputeAction.Rule).Select(t => (t.From, t.By, t.To)));
        Assert.All(LeadDispute.Transitions.Where(t => t.Action == Wire.LeadDisputeAction.Appeal), t => Assert.Equal((Wire.LeadDisputeState.Ruled, Wire.LeadDisputeState.Appealed), (t.From, t.To)));
        Assert.DoesNotContain(LeadDispute.Transitions, t => t.From == Wire.LeadDisputeState.Final);
    }

    [Fact]
    public void A_lead_that_has_passed_is_not_undone_by_an_appeal()
    {
        foreach (var party in (DisputeParty[])[DisputeParty.InterimLead, DisputeParty.ProposedUnit])
        {
            var dispute = new LeadDispute { State = Wire.LeadDisputeState.Ruled, Handover = Wire.LeadHandover.Done };
            var refused = Assert.Throws<Refusal>(() => dispute.Move(Wire.LeadDisputeAction.Appeal, party));
            Assert.Equal((Wire.ErrorReason.MoveNotAllowed, ""), (refused.Reason, refused.Metadata["allowed"]));
        }
    }

    [Theory]
    [InlineData("R-INT-4", true)]
    [InlineData("R-REF-10", true)]
    [InlineData("TRIAGE-SINGLE-NEED", true)]
    [InlineData("TRIAGE-PSYCHIATRIC-1-2", true)]
    [InlineData("TRIAGE", false)]
    [InlineData("R-INT-", false)]
    [InlineData("R-INT-4\n", false)]
    [InlineData("r-int-4", false)]
    [InlineData("王小明", false)]
    public void A_rule_is_cited_by_its_id(string ruleId, bool isOne)
    {
        if (isOne) LeadDispute.RequireRule(ruleId);
        else Assert.Equal(Wire.ErrorReason.InvalidField, Assert.Throws<Refusal>(() => LeadDispute.RequireRule(ruleId)).Reason);
    }

    [Theory]
    [InlineData("依案主王小明之居住地，由該地社會福利服務中心主責辦理")]
    [InlineData("依案主王 小　明之居住地，由該地社會福利服務中心主責辦理")]
    [InlineData("身分證統一編號 A123456789 之家庭由居住地社會福利服務中心主責")]
    [InlineData("身分證統一編號 ａ１２３－４５６７８９ 之家庭由居住地社會福利服務中心主責")]
    [InlineData("依通報人李大華所述之居住地，由該地社會福利服務中心主責辦理")]
    [InlineData("聯絡電話 0900 111 222 之家庭由居住地社會福利服務中心主責辦理")]
    public void A_principle_that_tells_of_somebody_is_refused(string principle) => Assert.Equal(
        Wire.ErrorReason.PrincipleNotGeneral, Assert.Throws<Refusal>(() => Principle.Require(principle, ["王小明", "0900-111-222", "", "李大華"])).Reason);

    [Fact]
    public void A_principle_in_general_words_is_kept_and_one_that_says_nothing_is_not()
    {
        Principle.Require(DisputeMoves.General, ["王小明", "0900-111-222", "", "-"]);
        Assert.Equal(Wire.ErrorReason.InvalidField, Assert.Throws<Refusal>(() => Principle.Require("如題", [])).Reason);
    }
}
