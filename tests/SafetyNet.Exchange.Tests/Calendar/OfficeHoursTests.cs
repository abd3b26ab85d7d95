using SafetyNet.Exchange.Server.Calendar;

namespace SafetyNet.Exchange.Tests.Calendar;

[Trait("Rule", "R-AUD-7")]
public sealed class OfficeHoursTests
{
    private static readonly OfficeHours Hours = new(7 * 60, 20 * 60);

    [Fact]
    public void Every_quarter_hour_of_two_weeks_is_working_time_by_day_and_hour_of_Taiwan()
    {
        for (var at = new DateTimeOffset(2026, 11, 15, 16, 0, 0, TimeSpan.Zero); at < new DateTimeOffset(2026, 11, 29, 16, 0, 0, TimeSpan.Zero); at = at.AddMinutes(15))
        {
            // UTC+8: an hour from 16 on is of the next day.
            var (hour, day) = ((at.Hour + 8) % 24, at.Hour >= 16 ? at.Date.AddDays(1) : at.Date);
            var expected = hour is >= 7 and < 20 && day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday);
            Assert.Equal(expected, Hours.Contains(at, _ => null));
            Assert.Equal(hour is >= 7 and < 20, Hours.Contains(at, _ => true));
            Assert.False(Hours.Contains(at, _ => false));
        }
    }

    [Fact]
    public void The_calendar_is_asked_for_the_day_in_Taiwan()
    {
        List<DateOnly> asked = [];
        Hours.Contains(new DateTimeOffset(2026, 12, 31, 16, 0, 0, TimeSpan.Zero), day =>
        {
            asked.Add(day);
            return true;
        });
        Assert.Equal([new DateOnly(2027, 1, 1)], asked);
    }
}
