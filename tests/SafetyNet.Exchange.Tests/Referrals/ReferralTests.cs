using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Referrals;
using static SafetyNet.Exchange.V1.ReferralAction;
using static SafetyNet.Exchange.V1.ReferralState;

namespace SafetyNet.Exchange.Tests.Referrals;

[Trait("Rule", "R-REF-1")]
public sealed class ReferralTests
{
    /// <summary>R-REF-1 as domain.md 3.3 has it, TRANSFERRED left out (R-REF-10 is not there yet).</summary>
    private static readonly (Wire.ReferralState From, Wire.ReferralAction Action, Wire.ReferralState To)[] Rule =
    [
        (Submitted, Deliver, Delivered), (Delivered, See, Seen),
        (Seen, Accept, Accepted), (Seen, Return, Returned), (Seen, Decline, Declined), (Delivered, Accept, Accepted),
        (Returned, Resubmit, Submitted),
        (Accepted, BeginService, InService), (InService, Close, Closed),
        (Submitted, Withdraw, Withdrawn), (Delivered, Withdraw, Withdrawn), (Seen, Withdraw, Withdrawn), (Returned, Withdraw, Withdrawn),
    ];

    private static readonly Wire.ReferralAction[] MovesOfTheReferrer = [Resubmit, Withdraw];

    public static TheoryData<Wire.ReferralState, Wire.ReferralAction> EveryStateAndAction()
    {
        var data = new TheoryData<Wire.ReferralState, Wire.ReferralAction>();
        foreach (var state in Enum.GetValues<Wire.ReferralState>())
            foreach (var action in Enum.GetValues<Wire.ReferralAction>())
                data.Add(state, action);
        return data;
    }

    [Fact]
    public void The_table_of_moves_is_the_rule_and_no_more()
    {
        var table = Referral.Transitions.Select(t => (t.From, t.Action, t.To)).ToHashSet();
        Assert.Equal([.. Rule], table);
        Assert.Equal(table.Count, Referral.Transitions.Count);
        Assert.All(Referral.Transitions, t => Assert.Equal(MovesOfTheReferrer.Contains(t.Action) ? ReferralParty.Referrer : ReferralParty.Receiver, t.By));
    }

    [Theory]
    [MemberData(nameof(EveryStateAndAction))]
    public void A_move_is_made_as_the_rule_says_or_refused_with_the_state_and_the_moves_allowed(Wire.ReferralState state, Wire.ReferralAction action)
    {
        var owner = MovesOfTheReferrer.Contains(action) ? ReferralParty.Referrer : ReferralParty.Receiver;
        var exists = Rule.Any(t => t.Action == action);
        foreach (var party in Enum.GetValues<ReferralParty>())
        {
            var referral = new Referral { State = state };
            var next = Rule.Where(t => t.From == state && t.Action == action && party == owner).Select(t => t.To).ToList();
            if (next.Count > 0)
            {
                referral.Move(action, party);
                Assert.Equal(Assert.Single(next), referral.State);
                continue;
            }

            var refusal = Assert.Throws<Refusal>(() => referral.Move(action, party));
            Assert.Equal(state, referral.State);
            Assert.Equal(exists && party != owner ? Wire.ErrorReason.NotYourMove : Wire.ErrorReason.MoveNotAllowed, refusal.Reason);
            if (refusal.Reason != Wire.ErrorReason.MoveNotAllowed) continue;
            Assert.Equal(CodeText.Of(state), refusal.Metadata["state"]);
            var allowed = Rule.Where(t => t.From == state && MovesOfTheReferrer.Contains(t.Action) == (party == ReferralParty.Referrer))
                .Select(t => CodeText.Of(t.Action));
            Assert.Equal(allowed.Order(StringComparer.Ordinal), refusal.Metadata["allowed"].Split(", ", StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        }
    }
}
