using SafetyNet.Exchange.Server.BreakGlass;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.BreakGlass;

[Trait("Rule", "R-NTK-11")]
public sealed class BreakGlassRightTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 1, 0, 0, TimeSpan.Zero);
    private static readonly DateOnly Today = new(2026, 11, 23);
    private static readonly BreakGlassSettings Settings = new() { PerPersonPerShift = 3, PerAgencyPerShift = 5, ShiftHours = 8 };

    [Fact]
    public void Three_overdue_reviews_suspend_the_agency_and_two_do_not()
    {
        var glasses = Enumerable.Range(1, 3).Select(n => Glass(n, "P1", dueOn: Today.AddDays(-1))).ToList();
        new BreakGlassRight(glasses[..2], []).Require("TPE/police", "P2", Today);
        // On the last day itself a review is not overdue.
        new BreakGlassRight(glasses, []).Require("TPE/police", "P2", Today.AddDays(-1));
        var refusal = Assert.Throws<Refusal>(() => new BreakGlassRight(glasses, []).Require("TPE/police", "P2", Today));
        Assert.Equal(Wire.ErrorReason.BreakGlassSuspended, refusal.Reason);
        Assert.Equal(string.Join(", ", glasses.Select(g => g.BreakGlassId)), refusal.Metadata["reviews"]);
    }

    [Fact]
    [Trait("Abuse", "B42")]
    public void Whoever_reaches_the_limit_of_a_shift_rests_until_all_of_those_reviews_are_done_however_late_it_is()
    {
        var glasses = Enumerable.Range(1, 3).Select(n => Glass(n, "P1")).ToList();
        Assert.Equal(ReachedLimits.None, new BreakGlassRight(glasses[..1], []).ReachedBy("P1", Now, Settings));
        Assert.Equal(ReachedLimits.OfPerson, new BreakGlassRight(glasses[..2], []).ReachedBy("P1", Now, Settings));
        Assert.Equal(ReachedLimits.None, new BreakGlassRight(glasses[..2], []).ReachedBy("P2", Now, Settings));
        // What lies a shift back does not count.
        Assert.Equal(ReachedLimits.None, new BreakGlassRight(glasses[..2], []).ReachedBy("P1", Now + TimeSpan.FromHours(9), Settings));

        glasses[2].Reached = ReachedLimits.OfPerson;
        var alarm = glasses[2];
        var refusal = Assert.Throws<Refusal>(() => new BreakGlassRight(glasses, [alarm]).Require("a", "P1", Today));
        Assert.Equal(Wire.ErrorReason.BreakGlassLimited, refusal.Reason);
        new BreakGlassRight(glasses, [alarm]).Require("a", "P2", Today);
        // The alarm itself is reviewed, one before it is not.
        Assert.Throws<Refusal>(() => new BreakGlassRight(glasses[..1], [alarm]).Require("a", "P1", Today));
        new BreakGlassRight([], [alarm]).Require("a", "P1", Today);
        new BreakGlassRight([Glass(4, "P1")], [alarm]).Require("a", "P1", Today);
    }

    [Fact]
    [Trait("Abuse", "B42")]
    public void An_agency_whose_persons_share_the_work_rests_as_a_whole()
    {
        var glasses = Enumerable.Range(1, 4).Select(n => Glass(n, $"P{n}")).ToList();
        Assert.Equal(ReachedLimits.OfAgency, new BreakGlassRight(glasses, []).ReachedBy("P9", Now, Settings));
        glasses[3].Reached = ReachedLimits.OfAgency;
        Assert.Throws<Refusal>(() => new BreakGlassRight(glasses, [glasses[3]]).Require("a", "P9", Today));
    }

    [Fact]
    public void A_review_is_made_once_and_by_other_eyes()
    {
        var glass = Glass(1, "P1");
        var own = Assert.Throws<Refusal>(() => glass.Review(Wire.BreakGlassVerdict.Justified, Wire.Jurisdiction.Tpe, "P1", Now));
        Assert.Equal(Wire.ErrorReason.NotYourMove, own.Reason);
        glass.Review(Wire.BreakGlassVerdict.NotJustified, Wire.Jurisdiction.Tpe, "S1", Now);
        var again = Assert.Throws<Refusal>(() => glass.Review(Wire.BreakGlassVerdict.Justified, Wire.Jurisdiction.Tpe, "S2", Now));
        Assert.Equal((Wire.ErrorReason.MoveNotAllowed, Wire.BreakGlassVerdict.NotJustified), (again.Reason, glass.Verdict));
    }

    private static BrokenGlass Glass(long number, string actor, DateOnly? dueOn = null) => new()
    {
        BreakGlassId = Guid.CreateVersion7(Now), Number = number, ActorId = actor, Jurisdiction = Wire.Jurisdiction.Tpe, BrokenAt = Now - TimeSpan.FromMinutes(10),
        DueOn = dueOn ?? Today.AddDays(3),
    };
}
