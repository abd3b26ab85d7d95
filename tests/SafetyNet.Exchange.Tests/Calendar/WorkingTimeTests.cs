using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Calendar;

/// <summary>Arithmetic of working time against a plain count of minutes.</summary>
[Trait("Rule", "R-INT-6")]
[Trait("Rule", "R-REF-7")]
public sealed class WorkingTimeTests
{
    private static readonly WorkingDays Days = WorkingDays.Load("");
    private static readonly WorkingTime Office = new(Days, new OfficeHours((8 * 60) + 30, (17 * 60) + 30));

    /// <summary>Minute 0 of the two years that are loaded, in Taiwan.</summary>
    private static readonly DateTimeOffset Zero = new(2026, 1, 1, 0, 0, 0, TimeSpan.FromHours(8));

    /// <summary>Working minutes before each minute of 2026 and 2027.</summary>
    private static readonly int[] Before = Count();

    [Fact]
    public void Time_between_any_two_minutes_is_the_count_of_working_minutes_in_between()
    {
        var random = new Random(11);
        for (var i = 0; i < 20_000; i++)
        {
            var (one, other) = (random.Next(Before.Length), random.Next(Before.Length));
            Assert.Equal(TimeSpan.FromMinutes(Before[other] - Before[one]), Office.Between(Zero.AddMinutes(one), Zero.AddMinutes(other)));
        }
    }

    [Fact]
    public void Adding_ends_at_the_first_minute_before_which_that_much_was_worked()
    {
        var random = new Random(12);
        for (var i = 0; i < 20_000; i++)
        {
            var (from, amount) = (random.Next(Before.Length * 9 / 10), random.Next(1, 10_000));
            if (Before[from] + amount > Before[^1]) continue;
            var expected = Array.BinarySearch(Before, Before[from] + amount);
            while (Before[expected - 1] == Before[from] + amount) expected--;
            var end = Office.Add(Zero.AddMinutes(from), TimeSpan.FromMinutes(amount));
            Assert.Equal(Zero.AddMinutes(expected), end);
            Assert.Equal(TimeSpan.FromMinutes(amount), Office.Between(Zero.AddMinutes(from), end));
        }
    }

    [Fact]
    public void From_every_day_of_both_years_three_working_days_end_on_the_third_that_is_worked()
    {
        for (var day = new DateOnly(2026, 1, 1); day < new DateOnly(2027, 12, 20); day = day.AddDays(1))
        {
            var noon = new DateTimeOffset(day.ToDateTime(new TimeOnly(12, 0)), TimeSpan.FromHours(8));
            var end = Office.Add(noon, Office.Hours.Length * 3).ToOffset(TimeSpan.FromHours(8));
            // At noon of a working day a part of it is left: the same hour of the third day after. Of a day off nothing is: the end of the third.
            Assert.Equal((Days.After(day, 3), Days.IsWorkingDay(day) ? new TimeOnly(12, 0) : new TimeOnly(17, 30)), (DateOnly.FromDateTime(end.DateTime), TimeOnly.FromDateTime(end.DateTime)));
        }
    }

    [Theory]
    [InlineData("2026-02-13T16:30+08:00", 9, "2026-02-23T16:30+08:00")] // over the lunar new year.
    [InlineData("2026-11-23T17:30+08:00", 1, "2026-11-24T09:30+08:00")] // after closing time.
    [InlineData("2026-11-23T07:00+08:00", 9, "2026-11-23T17:30+08:00")] // one day from before opening ends with that day.
    [InlineData("2026-12-31T17:00+08:00", 1, "2027-01-04T09:00+08:00")] // over the end of the year.
    public void An_amount_of_hours_goes_by_the_calendar_of_Taiwan(string from, int hours, string end) => Assert.Equal(At(end), Office.Add(At(from), TimeSpan.FromHours(hours)));

    [Fact]
    public void A_make_up_workday_is_worked_and_no_amount_leaves_the_instant_as_it_is()
    {
        var days = WorkingDays.Parse(new StringReader("2026-06-19,端午節\n2026-06-13,補行上班\n"), "test");
        var time = new WorkingTime(days, Office.Hours);
        Assert.Equal(At("2026-06-13T10:00+08:00"), time.Add(At("2026-06-12T16:00+08:00"), TimeSpan.FromHours(3)));
        Assert.Equal(At("2026-06-14T03:00+08:00"), time.Add(At("2026-06-14T03:00+08:00"), TimeSpan.Zero));
    }

    [Fact]
    public void A_limit_into_a_year_without_a_calendar_is_refused_and_what_is_only_measured_counts_Monday_to_Friday()
    {
        var refusal = Assert.Throws<Refusal>(() => Office.Add(At("2027-12-31T15:00+08:00"), TimeSpan.FromHours(3)));
        Assert.Equal((Wire.ErrorReason.CalendarNotLoaded, "2028"), (refusal.Reason, refusal.Metadata["year"]));
        Assert.Equal(TimeSpan.FromHours(2.5 + 9), Office.Between(At("2027-12-31T15:00+08:00"), At("2028-01-03T17:30+08:00")));
    }

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static int[] Count()
    {
        var before = new int[((365 * 2) * 24 * 60) + 1];
        for (var minute = 0; minute + 1 < before.Length; minute++)
        {
            var (day, ofDay) = (new DateOnly(2026, 1, 1).AddDays(minute / 1440), minute % 1440);
            before[minute + 1] = before[minute] + (ofDay is >= 510 and < 1050 && Days.IsWorkingDay(day) ? 1 : 0);
        }

        return before;
    }
}
