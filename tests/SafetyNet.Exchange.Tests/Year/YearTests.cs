using System.Diagnostics;
using System.Globalization;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Year;

/// <summary>
/// A year of one city through the wire, by the clock of the test: reports with their duplicates, silent units, workers who leave, transfers, disputes, a server that is down over deadlines.
/// 400 reports, or SAFETYNET_CAMPAIGN=n of them; SAFETYNET_SEED=n for another year.
/// </summary>
[Trait("Rule", "R-INT-1")]
[Trait("Rule", "R-INT-3")]
[Trait("Rule", "R-INT-6")]
[Trait("Rule", "R-INT-10")]
[Trait("Rule", "R-REF-6")]
[Trait("Rule", "R-REF-7")]
public sealed class YearTests(TestExchange exchange, ITestOutputHelper output) : WireTests(exchange)
{
    private const int DefaultReports = 400, DefaultSeed = 2027;

    [Fact]
    public async Task Every_report_of_a_year_has_one_end_every_breach_one_chain_and_nobody_is_without_a_unit()
    {
        var (count, seed, watch) = (Setting("SAFETYNET_CAMPAIGN", DefaultReports), Setting("SAFETYNET_SEED", DefaultSeed), Stopwatch.StartNew());
        output.WriteLine($"seed {seed}, {count} reports");
        var units = new YearUnits();
        await using var world = new YearWorld(new YearPlan(seed, count, units), units);
        var referrals = new ReferralDeeds(world);
        var reports = new ReportDeeds(world) { Referrals = referrals };
        (referrals.Reports, world.OffersEnd) = (reports, reports.OffersEnd);
        var days = new YearReckoning(world, []);
        await world.PassAsync(reports.SubmitAsync, referrals.Leaves, days.OfTheDay);
        var passed = watch.Elapsed;

        var reckoning = new YearReckoning(world, [.. world.Plan.Reports.Select(one => one.Report), .. reports.Filed]);
        await reckoning.RunAsync();
        foreach (var line in reckoning.Table) output.WriteLine(line);
        output.WriteLine($"the year took {passed.TotalSeconds:F0} s, the reckoning {(watch.Elapsed - passed).TotalSeconds:F0} s");
        foreach (var unit in units.Answering)
            Assert.All(world.Referrals.Where(one => one.IsServed && one.Worker.Length > 0 && one.ToUnit == unit), one => Assert.Contains(one.Worker, referrals.WorkersOf(unit)));
    }

    /// <summary>The calendar that the year is reckoned by, against days that anybody can count.</summary>
    [Theory]
    [InlineData("2027-02-03T10:00", 9, "2027-02-11T10:00")]
    [InlineData("2026-12-24T16:30", 2, "2026-12-28T09:30")]
    [InlineData("2026-11-14T12:00", 27, "2026-11-18T17:30")]
    [InlineData("2026-11-16T17:30", 1, "2026-11-17T09:30")]
    public void Office_time_passes_on_working_days_only(string from, int hours, string until)
    {
        var after = new OfficeCalendar(2026, 2027).After(InTaipei(from), TimeSpan.FromHours(hours));
        Assert.Equal(InTaipei(until), after);

        static DateTimeOffset InTaipei(string text) => new(DateTime.Parse(text, CultureInfo.InvariantCulture), TimeSpan.FromHours(8));
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var set) && set > 0 ? set : otherwise;
}
