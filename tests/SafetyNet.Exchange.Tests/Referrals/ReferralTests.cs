using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Tests.Pipeline;
using static SafetyNet.Exchange.Server.Referrals.ReferralParty;
using static SafetyNet.Exchange.V1.ReferralAction;
using static SafetyNet.Exchange.V1.ReferralState;

namespace SafetyNet.Exchange.Tests.Referrals;

[Trait("Rule", "R-REF-1")]
[Trait("Rule", "R-REF-10")]
public sealed class ReferralTests
{
    private static readonly Handshakes[] EveryPending = [Handshakes.None, Handshakes.Withdrawal, Handshakes.Transfer, Handshakes.Withdrawal | Handshakes.Transfer];

    /// <summary>Whose move each is; what is not here is nobody's.</summary>
    private static readonly Dictionary<Wire.ReferralAction, ReferralParty> Owners = new()
    {
        [Deliver] = Receiver, [See] = Receiver, [Accept] = Receiver, [Return] = Receiver, [Resubmit] = Referrer, [Decline] = Receiver, [Withdraw] = Referrer,
        [BeginService] = Receiver, [Close] = Receiver, [Wire.ReferralAction.Transfer] = NextUnit, [RequestWithdrawal] = Referrer, [ConfirmWithdrawal] = Receiver,
        [RefuseWithdrawal] = Receiver, [ProposeTransfer] = Receiver, [EndTransfer] = NextUnit, [Assign] = Receiver, [RecordPersuasion] = Receiver, [RecordSearch] = Receiver,
    };

    public static TheoryData<Wire.ReferralState, Wire.ReferralAction> EveryStateAndAction()
    {
        var data = new TheoryData<Wire.ReferralState, Wire.ReferralAction>();
        foreach (var state in Enum.GetValues<Wire.ReferralState>())
            foreach (var action in Enum.GetValues<Wire.ReferralAction>())
                data.Add(state, action);
        return data;
    }

    [Theory]
    [MemberData(nameof(EveryStateAndAction))]
    public void A_move_is_made_as_the_rule_says_or_refused_with_the_state_and_the_moves_allowed(Wire.ReferralState state, Wire.ReferralAction action)
    {
        foreach (var pending in EveryPending)
        {
            foreach (var party in Enum.GetValues<ReferralParty>())
            {
                var referral = new Referral { State = state, Pending = pending };
                var isOwner = Owners.TryGetValue(action, out var owner) && owner == party;
                if (isOwner && After(state, pending, action) is var (next, left))
                {
                    referral.Move(action, party);
                    Assert.Equal((next, left), (referral.State, referral.Pending));
                    continue;
                }

                var refusal = Assert.Throws<Refusal>(() => referral.Move(action, party));
                Assert.Equal((state, pending), (referral.State, referral.Pending));
                Assert.Equal(Owners.ContainsKey(action) && !isOwner ? Wire.ErrorReason.NotYourMove : Wire.ErrorReason.MoveNotAllowed, refusal.Reason);
                if (refusal.Reason != Wire.ErrorReason.MoveNotAllowed) continue;
                Assert.Equal(CodeText.Of(state), refusal.Metadata["state"]);
                var allowed = Owners.Where(o => o.Value == party && After(state, pending, o.Key) is not null).Select(o => CodeText.Of(o.Key));
                Assert.Equal(allowed.Order(StringComparer.Ordinal), refusal.Metadata["allowed"].Split(", ", StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public void The_table_has_each_move_once_and_an_end_is_never_left()
    {
        Assert.Equal(Referral.Transitions.Count, Referral.Transitions.Select(t => (t.From, t.Action, t.By)).Distinct().Count());
        Assert.DoesNotContain(Referral.Transitions, t => t.From is Declined or Closed or Withdrawn or Transferred);
    }

    [Fact]
    public void The_table_of_moves_in_docs_is_that_of_the_code() => GeneratedDocument.AssertCurrent("referral-moves.md", ReferralMovesTable.Render(), "Tests.Referrals");

    /// <summary>R-REF-1, R-REF-6 and R-REF-10 as domain.md 3.3 has them; null: there is no such move.</summary>
    private static (Wire.ReferralState State, Handshakes Pending)? After(Wire.ReferralState state, Handshakes pending, Wire.ReferralAction action)
    {
        var (isServed, asksBack, isOffered) = (state is Accepted or InService, pending.HasFlag(Handshakes.Withdrawal), pending.HasFlag(Handshakes.Transfer));
        return action switch
        {
            Deliver when state == Submitted => (Delivered, Handshakes.None),
            See when state == Delivered => (Seen, Handshakes.None),
            Accept when state is Delivered or Seen => (Accepted, pending),
            Return when state == Seen => (Returned, Handshakes.None),
            Decline when state == Seen => (Declined, Handshakes.None),
            Resubmit when state == Returned => (Submitted, Handshakes.None),
            Withdraw when state is Submitted or Delivered or Seen or Returned => (Withdrawn, Handshakes.None),
            BeginService when state == Accepted => (InService, pending),
            Close when state == InService && !isOffered => (Closed, Handshakes.None),
            RequestWithdrawal when isServed && !asksBack => (state, pending | Handshakes.Withdrawal),
            ConfirmWithdrawal when isServed && asksBack && !isOffered => (Withdrawn, Handshakes.None),
            RefuseWithdrawal when isServed && asksBack => (state, pending & ~Handshakes.Withdrawal),
            ProposeTransfer when isServed && pending == Handshakes.None => (state, Handshakes.Transfer),
            Wire.ReferralAction.Transfer when isServed && isOffered => (Transferred, Handshakes.None),
            EndTransfer when isServed && isOffered => (state, pending & ~Handshakes.Transfer),
            Assign when isServed => (state, pending),
            Assign when state is Delivered or Seen => (state, Handshakes.None),
            RecordPersuasion or RecordSearch when isServed => (state, pending),
            _ => null,
        };
    }
}
