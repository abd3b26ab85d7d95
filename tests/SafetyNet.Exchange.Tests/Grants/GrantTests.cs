using SafetyNet.Exchange.Server.Grants;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.GrantAction;
using static SafetyNet.Exchange.V1.GrantState;
using GrantMove = SafetyNet.Exchange.V1.GrantAction;

namespace SafetyNet.Exchange.Tests.Grants;

[Trait("Rule", "R-NTK-12")]
public sealed class GrantTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 1, 0, 0, TimeSpan.Zero);

    /// <summary>R-NTK-12: the primary approves or refuses; what is granted can be narrowed or revoked.</summary>
    private static readonly (Wire.GrantState From, GrantMove Action, Wire.GrantState To)[] Rule =
        [(Applied, GrantMove.Grant, Granted), (Applied, Refuse, Refused), (Granted, Narrow, Granted), (Granted, Revoke, Revoked)];

    public static TheoryData<Wire.GrantState, GrantMove> EveryStateAndAction()
    {
        var data = new TheoryData<Wire.GrantState, GrantMove>();
        foreach (var state in Enum.GetValues<Wire.GrantState>())
            foreach (var action in Enum.GetValues<GrantMove>())
                data.Add(state, action);
        return data;
    }

    [Fact]
    public void The_table_of_moves_is_the_rule_and_no_more() => Assert.Equal(Rule, Server.Grants.Grant.Transitions.Select(t => (t.From, t.Action, t.To)));

    [Theory]
    [MemberData(nameof(EveryStateAndAction))]
    public void A_move_is_made_by_the_primary_as_the_rule_says_or_refused_with_the_moves_allowed(Wire.GrantState state, GrantMove action)
    {
        var byApplicant = Assert.Throws<Refusal>(() => In(state).Move(action, GrantParty.Applicant, Now));
        Assert.Equal((Wire.ErrorReason.NotYourMove, "primary"), (byApplicant.Reason, byApplicant.Metadata["party"]));

        var grant = In(state);
        if (Rule.Where(t => t.From == state && t.Action == action).Select(t => t.To).ToList() is [var next])
        {
            grant.Move(action, GrantParty.Primary, Now);
            Assert.Equal((next, Now), (grant.State, grant.MovedAt));
            return;
        }

        var refusal = Assert.Throws<Refusal>(() => grant.Move(action, GrantParty.Primary, Now));
        Assert.Equal((Wire.ErrorReason.MoveNotAllowed, CodeText.Of(state), state), (refusal.Reason, refusal.Metadata["state"], grant.StateAt(Now)));
        Assert.Equal(string.Join(", ", Rule.Where(t => t.From == state).Select(t => CodeText.Of(t.Action))), refusal.Metadata["allowed"]);
    }

    [Fact]
    public void It_expires_at_its_end_and_not_an_instant_before()
    {
        var end = Now + TimeSpan.FromHours(1);
        var granted = new Server.Grants.Grant { State = Granted, Until = end + TimeSpan.FromDays(1), GrantedUntil = end };
        var applied = new Server.Grants.Grant { State = Applied, Until = end };
        foreach (var one in (Server.Grants.Grant[])[granted, applied])
        {
            Assert.Equal(one.State, one.StateAt(end - TimeSpan.FromMicroseconds(1)));
            Assert.Equal(Expired, one.StateAt(end));
        }
    }

    [Fact]
    public void What_is_opened_never_grows()
    {
        var grant = new Server.Grants.Grant { Classes = ClassSet.Of(Wire.ConfidentialityClass.Identity, Contact).Bits, Until = Now + TimeSpan.FromDays(30) };
        AssertFault("classes", FieldFaultKind.NotAllowedHere, () => grant.Open(ClassSet.Of(Wire.ConfidentialityClass.Identity, Household), null, Now));
        AssertFault("until", FieldFaultKind.NotAllowedHere, () => grant.Open(ClassSet.None, Now + TimeSpan.FromDays(31), Now));
        AssertFault("until", FieldFaultKind.NotInTheFuture, () => grant.Open(ClassSet.None, Now, Now));
        Assert.Equal((0u, null), (grant.GrantedClasses, grant.GrantedUntil));

        grant.Open(ClassSet.Of(Contact), Now + TimeSpan.FromDays(10), Now);
        Assert.Equal((ClassSet.Of(Contact).Bits, Now + TimeSpan.FromDays(10)), (grant.GrantedClasses, grant.GrantedUntil));
        // What was asked for once does not widen what was granted.
        AssertFault("classes", FieldFaultKind.NotAllowedHere, () => grant.Open(ClassSet.Of(Wire.ConfidentialityClass.Identity), null, Now));
        AssertFault("until", FieldFaultKind.NotAllowedHere, () => grant.Open(ClassSet.None, Now + TimeSpan.FromDays(11), Now));
        grant.Open(ClassSet.None, Now + TimeSpan.FromDays(1), Now);
        Assert.Equal((ClassSet.Of(Contact).Bits, Now + TimeSpan.FromDays(1)), (grant.GrantedClasses, grant.GrantedUntil));
    }

    private static void AssertFault(string field, FieldFaultKind kind, Action open)
    {
        var refusal = Assert.Throws<Refusal>(open);
        Assert.Equal((field, kind), (refusal.Faults[0].Path, refusal.Faults[0].Kind));
    }

    /// <summary>One that stands in a state now; EXPIRED is a grant whose end has come.</summary>
    private static Server.Grants.Grant In(Wire.GrantState state) => new()
    {
        State = state == Expired ? Granted : state, Until = Now + TimeSpan.FromDays(30), GrantedUntil = state == Expired ? Now : Now + TimeSpan.FromDays(30),
    };
}
