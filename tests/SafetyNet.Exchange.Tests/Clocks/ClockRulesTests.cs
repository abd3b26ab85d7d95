using System.Text;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Tests.Pipeline;

namespace SafetyNet.Exchange.Tests.Clocks;

[Trait("Rule", "R-INT-6")]
public sealed class ClockRulesTests
{
    private static readonly ClockRules BuiltIn = ClockRules.Load("");
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "src", "SafetyNet.Exchange.Server", "Clocks", "clock-rules.json"));

    [Theory]
    [InlineData(Wire.ClockKind.ReportDispatch, "protective", 2, false)]
    [InlineData(Wire.ClockKind.ReportDispatch, "standard", 9, true)]
    [InlineData(Wire.ClockKind.ReportFirstContact, "protective", 24, false)]
    [InlineData(Wire.ClockKind.ReportFirstContact, "suicide-report", 27, true)]
    [InlineData(Wire.ClockKind.ReferralAcceptance, "standard", 27, true)]
    [InlineData(Wire.ClockKind.ReferralAcceptance, "protective", 24, false)]
    [InlineData(Wire.ClockKind.DisputeRuling, "protective", 9, true)]
    public void The_limits_are_those_of_the_rules_and_an_unknown_profile_goes_by_the_standard(Wire.ClockKind kind, string profile, int hours, bool isWorkingTime)
    {
        var limit = BuiltIn.Get(kind, profile).Limit;
        Assert.Equal((TimeSpan.FromHours(hours), isWorkingTime), (limit.LengthBy(BuiltIn.Hours), limit.IsWorkingTime));
    }

    [Fact]
    public void A_clock_fixes_all_its_instants_when_it_starts_and_hands_out_each_step_once()
    {
        var limits = new TimeLimits(BuiltIn, new WorkingTime(WorkingDays.Load(""), BuiltIn.Hours));
        var start = new DateTimeOffset(2026, 11, 27, 8, 30, 0, TimeSpan.FromHours(8));
        var clock = limits.Begin(Wire.ClockKind.ReferralAcceptance, "standard", "referral", Guid.Empty, "a", "b", Wire.Jurisdiction.Tpe, start);
        // Friday, Monday, Tuesday; four hours into Wednesday for the escalation.
        Assert.Equal(
            ["1 1 2026-11-30 13:00", "1 1 2026-12-01 12:06", "2 1 2026-12-01 17:30", "3 23 2026-12-02 12:30"],
            clock.StepList().Select(s => $"{(int)s.Kind} {string.Concat(s.Tells.Select(t => (int)t))} {s.At.ToOffset(TimeSpan.FromHours(8)):yyyy-MM-dd HH:mm}"));
        Assert.Equal(new DateTimeOffset(2026, 12, 1, 17, 30, 0, TimeSpan.FromHours(8)), clock.DueAt);
        Assert.Empty(clock.TakeDue(clock.NextAt!.Value.AddTicks(-10)));
        Assert.Single(clock.TakeDue(clock.NextAt.Value));
        Assert.Equal(2, clock.TakeDue(clock.DueAt).Count);
        Assert.Equal([Wire.ClockStepKind.Escalated], clock.TakeDue(clock.DueAt.AddDays(30)).Select(s => s.Kind));
        Assert.Equal((4, null), (clock.StepsTold, clock.NextAt));
    }

    [Theory]
    [InlineData("\"revision\": 1", "\"revision\": 0", "$.revision")]
    [InlineData("\"from\": \"08:30\"", "\"from\": \"18:30\"", "$.officeHours")]
    [InlineData("{\"hours\": 2}", "{\"hours\": 2, \"workingDays\": 1}", "$.rules[3].limit")]
    [InlineData("{\"hours\": 2}", "{\"minutes\": 2}", "clock-rules.schema.json")]
    [InlineData("\"kind\": \"DISPUTE_RULING\", \"profile\": \"standard\"", "\"kind\": \"DISPUTE_RULING\", \"profile\": \"other\"", "DISPUTE_RULING under standard is missing")]
    [InlineData("\"kind\": \"REPORT_DISPATCH\", \"profile\": \"protective\"", "\"kind\": \"REPORT_DISPATCH\", \"profile\": \"standard\"", "twice")]
    [InlineData("\"kind\": \"DISPUTE_RULING\"", "\"kind\": \"NO_KIND\"", "clock-rules.schema.json")]
    [InlineData("\"sharePercent\": 50", "\"sharePercent\": 100", "REMINDER lies before the limit")]
    [InlineData("\"sharePercent\": 80", "\"sharePercent\": 40", "due before the step that stands before it")]
    [InlineData("\"as\": \"OVERDUE\"", "\"as\": \"ESCALATED\"", "not one step OVERDUE")]
    public void Rules_that_are_not_in_the_form_are_refused_with_their_place(string part, string wrong, string said)
    {
        var at = Text.IndexOf(part, StringComparison.Ordinal);
        var file = string.Concat(Text.AsSpan(0, at), wrong, Text.AsSpan(at + part.Length));
        Assert.Contains(said, Assert.Throws<FormatException>(() => ClockRules.Read(Encoding.UTF8.GetBytes(file), "rules.json")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9, 5, 10, false, Wire.ClockForecast.OnTime)] // too few to go by: by the first step.
    [InlineData(9, 5, 10, true, Wire.ClockForecast.AtRisk)]
    [InlineData(10, 5, 10, true, Wire.ClockForecast.OnTime)] // four in five took 8 hours.
    [InlineData(10, 8, 10, false, Wire.ClockForecast.AtRisk)] // it has run as long as four in five did.
    [InlineData(10, 1, 7, false, Wire.ClockForecast.AtRisk)] // four in five take longer than the limit.
    public void The_forecast_goes_by_the_units_own_history(int count, int elapsed, int limit, bool isFirstStepReached, Wire.ClockForecast expected)
    {
        var history = Enumerable.Range(1, count).Select(hours => TimeSpan.FromHours(hours)).Reverse().ToList();
        Assert.Equal(expected, ClockForecast.Of(false, TimeSpan.FromHours(elapsed), TimeSpan.FromHours(limit), isFirstStepReached, history));
        Assert.Equal(Wire.ClockForecast.Overdue, ClockForecast.Of(true, TimeSpan.FromHours(elapsed), TimeSpan.FromHours(limit), isFirstStepReached, history));
    }
}
