using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Calendar;

[Trait("Rule", "R-NTK-11")]
public sealed class WorkingDaysTests
{
    private static readonly WorkingDays Taiwan = WorkingDays.Load("");

    [Theory]
    [InlineData("2026-11-23", "2026-11-26")] // Monday to Thursday.
    [InlineData("2026-11-26", "2026-12-01")] // over a weekend.
    [InlineData("2026-11-28", "2026-12-02")] // broken on a Saturday.
    [InlineData("2026-02-13", "2026-02-25")] // over the lunar new year of 2026, its substitute day included.
    [InlineData("2026-04-02", "2026-04-09")] // Children's Day and Tomb Sweeping Day.
    [InlineData("2026-09-24", "2026-10-01")] // Mid-Autumn on Friday, Teachers' Day on Monday.
    [InlineData("2026-12-24", "2026-12-30")] // Constitution Day.
    [InlineData("2026-12-30", "2027-01-05")] // over the end of the year.
    [InlineData("2027-02-03", "2027-02-15")] // over the lunar new year of 2027.
    [InlineData("2027-10-22", "2027-10-28")] // Retrocession Day on a Monday.
    public void The_third_working_day_goes_by_the_calendar_of_Taiwan(string from, string due) =>
        Assert.Equal(DateOnly.Parse(due, System.Globalization.CultureInfo.InvariantCulture),
            Taiwan.After(DateOnly.Parse(from, System.Globalization.CultureInfo.InvariantCulture), 3));

    [Fact]
    public void A_year_that_is_not_loaded_is_not_guessed_and_the_refusal_says_which()
    {
        foreach (var (from, year) in ((DateOnly, string)[])[(new(2027, 12, 29), "2028"), (new(2028, 3, 1), "2028"), (new(2025, 12, 1), "2025")])
        {
            var refusal = Assert.Throws<Refusal>(() => Taiwan.After(from, 3));
            Assert.Equal((Wire.ErrorReason.CalendarNotLoaded, year), (refusal.Reason, refusal.Metadata["year"]));
            Assert.Contains("BreakGlass:CalendarPath", RefusalTexts.Default.Of(refusal.Reason).En, StringComparison.Ordinal);
        }

        Assert.Equal(new DateOnly(2027, 12, 31), Taiwan.After(new(2027, 12, 28), 3));
    }

    [Fact]
    public void The_official_calendar_takes_the_place_of_the_year_it_names()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "date,name\n2027-10-25,臺灣光復節\n2028-01-03,元旦補假\n2028-01-08,補行上班\n");
            var loaded = WorkingDays.Load(path);
            Assert.Equal(new DateOnly(2028, 1, 5), loaded.After(new(2027, 12, 31), 2));
            Assert.True(loaded.IsWorkingDay(new(2028, 1, 8)));
            Assert.False(loaded.IsWorkingDay(new(2028, 1, 9)));
            // All of 2027 is the official one's now, all of 2026 as before.
            Assert.True(loaded.IsWorkingDay(new(2027, 2, 5)));
            Assert.False(loaded.IsWorkingDay(new(2026, 2, 17)));
            File.WriteAllText(path, "2028-13-01,x\n");
            Assert.Contains("line 1", Assert.Throws<FormatException>(() => WorkingDays.Load(path)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_date_is_that_of_Taiwan()
    {
        Assert.Equal(new DateOnly(2026, 11, 24), WorkingDays.DateOf(new(2026, 11, 23, 16, 0, 0, TimeSpan.Zero)));
        Assert.Equal(new DateOnly(2026, 11, 23), WorkingDays.DateOf(new(2026, 11, 23, 15, 59, 59, TimeSpan.Zero)));
    }
}
