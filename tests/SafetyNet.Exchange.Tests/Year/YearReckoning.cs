using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Reports;

namespace SafetyNet.Exchange.Tests.Year;

/// <summary>Compares what the server says at the end of the year with what the test did and was answered.</summary>
internal sealed class YearReckoning(YearWorld world, IReadOnlyList<YearReport> reports)
{
    /// <summary>Reports and referrals that are read one by one; of more, an even share.</summary>
    private const int MostReadOneByOne = 3000, PageSize = 500;

    private readonly OfficeCalendar _calendar = new(YearPlan.From.Year, YearPlan.End.Year);

    public List<string> Table { get; } = [];

    private Party Desk => world.Of(world.Units.Intake);

    public async Task RunAsync()
    {
        await ReportsAsync();
        await OneByOneAsync();
        await ClocksAsync();
        foreach (var (what, count) in world.Happened.OrderBy(one => one.Key, StringComparer.Ordinal)) Line(what, count);
        Line("restarts of the server", world.Restarts);
        Line("notices told, none lost", world.Told.Sum(one => one.Value.Count));
        Line("records in the log", world.Exchange.RecordCount());
    }

    /// <summary>What must hold on every day: one primary unit to each open case, nobody who leads without serving, no offer that outlives its end.</summary>
    public void OfTheDay()
    {
        Assert.Equal(0, Number($"""
            SELECT count(*) FROM case_file AS c WHERE c.state = {(int)Wire.CaseState.Open}
              AND (SELECT count(*) FROM case_participant AS p WHERE p.case_id = c.case_id AND p.role = {(int)Wire.ParticipantRole.Primary}) <> 1
            """));
        Assert.Equal(0, Number($"""
            SELECT count(*) FROM report AS r WHERE r.state IN ({(int)Wire.ReportState.Accepted}, {(int)Wire.ReportState.Contacted}) AND NOT EXISTS (
              SELECT 1 FROM report_offer AS o JOIN referral AS f ON f.referral_id = o.referral_id WHERE o.report_id = r.report_id AND o.unit_id = r.lead_unit_id
                AND f.state IN ({(int)Wire.ReferralState.Accepted}, {(int)Wire.ReferralState.InService}, {(int)Wire.ReferralState.Closed}))
            """));
        Assert.Equal(0, Number($"SELECT count(*) FROM report_offer WHERE is_over = 0 AND until <= {world.Now.UtcTicks / TimeSpan.TicksPerMicrosecond - (DateTimeOffset.UnixEpoch.UtcTicks / TimeSpan.TicksPerMicrosecond)}"));
        Assert.Equal(world.Happened.GetValueOrDefault("cases opened"), Number("SELECT count(*) FROM case_file"));
        world.Count("days looked at");
    }

    /// <summary>Every report is there once, in one state, and the totals are those of the test.</summary>
    private async Task ReportsAsync()
    {
        var (listed, token) = (new Dictionary<string, Wire.ReportLine>(StringComparer.Ordinal), "");
        do
        {
            var page = await Desk.AskAsync(to => to.Reports.ListReportsAsync(new() { Context = Desk.Screening(), PageSize = PageSize, PageToken = token }));
            foreach (var line in page.Reports) listed.Add(line.ReportId, line);
            token = page.NextPageToken;
        }
        while (token.Length > 0);

        Assert.Equal(reports.Count, listed.Count);
        Assert.All(reports, report => Assert.Equal(
            (report.State, report.Class, report.LeadUnit, report.IsProtective, report.IsDutyOpen), Said(listed[report.Id])));
        // Whatever was received is at an end, and at one only.
        Wire.ReportState[] ends = [Wire.ReportState.Linked, Wire.ReportState.SetAside, Wire.ReportState.NotOpened, Wire.ReportState.Accepted, Wire.ReportState.Contacted];
        Assert.All(listed.Values, line => Assert.Contains(line.State, ends));
        Line("reports received", reports.Count);
        foreach (var state in ends) Line($"  ended as {state}", listed.Values.Count(line => line.State == state));
        Assert.Equal(reports.Count, ends.Sum(state => listed.Values.Count(line => line.State == state)));
        foreach (var one in reports.GroupBy(report => report.Class).OrderBy(one => one.Key))
        {
            Assert.Equal(one.Count(), listed.Values.Count(line => line.ReportClass == one.Key));
            Line($"  classed {one.Key}", one.Count());
        }

        static (Wire.ReportState, Wire.ReportClass, string, bool, bool) Said(Wire.ReportLine line) => (line.State, line.ReportClass, line.LeadUnitId, line.Protective, line.ActionRequired);
    }

    private async Task OneByOneAsync()
    {
        var every = 1 + (reports.Count / MostReadOneByOne);
        await Parallel.ForEachAsync(reports.Where((_, place) => place % every == 0), async (report, _) =>
        {
            var read = await Desk.SeesReportAsync(report.Id, Desk.Screening());
            Assert.Equal((report.State, report.First?.Id ?? "", report.State), (read.State, read.FirstReportId, read.Moves[^1].State));
            Assert.Equal(report.Offers.Select(offer => (offer.Id, offer.State)).Order(), read.Offers.Select(offer => (offer.ReferralId, offer.State)).Order());
        });
        var states = world.Exchange.Query("SELECT referral_id, state FROM referral", r => (Id: new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), State: (Wire.ReferralState)r.GetInt32(1)))
            .ToDictionary(one => one.Id, one => one.State, StringComparer.Ordinal);
        Assert.Equal(world.Referrals.Count, states.Count);
        Assert.All(world.Referrals, referral => Assert.Equal(referral.State, states[referral.Id]));
        Line("referrals", states.Count);
        var parted = 1 + (states.Count / MostReadOneByOne);
        await Parallel.ForEachAsync(world.Referrals.Where((referral, place) => place % parted == 0 && referral.IsServed), async (referral, _) =>
        {
            var read = await world.Of(referral.ToUnit).ReadsAsync(referral.Id);
            Assert.Equal((referral.State, referral.Worker), (read.State, read.AssignedPersonId));
        });
        await Parallel.ForEachAsync(reports.Select(report => report.Family).Distinct().Where((family, place) => family.CaseId.Length > 0 && place % every == 0), async (family, _) =>
        {
            var read = (await world.Of(family.PrimaryUnit).SeesCaseAsync(family.CaseId)).Case;
            Assert.Equal(family.PrimaryUnit, Assert.Single(read.Participants, part => part.Role == Wire.ParticipantRole.Primary).UnitId);
        });
    }

    /// <summary>Every clock ran from the deed that starts it to the deed that stops it, and each of its steps that fell due was told once, to whom it concerns, when the server could.</summary>
    private async Task ClocksAsync()
    {
        var listed = new List<Wire.Clock>();
        foreach (var unit in world.Units.Agencies.Keys)
        {
            listed.AddRange(await ListAsync(unit, stoppedSince: null));
            listed.AddRange(await ListAsync(unit, Timestamp.FromDateTimeOffset(YearPlan.From.AddDays(-1))));
        }

        var expected = world.Clocks.All.ToDictionary(KeyOf);
        Assert.Equal(expected.Count, listed.Count);
        var told = world.Told.SelectMany(unit => unit.Value.Where(notice => notice.ClockId.Length > 0).Select(notice => (notice.ClockId, Unit: unit.Key, notice.Kind, At: notice.NoticedAt.ToDateTimeOffset())))
            .ToLookup(one => one.ClockId, one => (one.Unit, one.Kind, one.At), StringComparer.Ordinal);
        var (chains, inTime, steps) = (new SortedDictionary<string, int>(StringComparer.Ordinal), 0, 0);
        foreach (var clock in listed)
        {
            Assert.True(expected.Remove((clock.Resource, clock.Kind, clock.UnitId, clock.StartedAt.ToDateTimeOffset()), out var known), $"a clock that nothing started: {clock}");
            var limit = Limits.Of(known.Kind, known.IsProtective);
            var due = limit.StepsFrom(known.StartedAt, _calendar).ToList();
            var overdueAt = due.Single(step => step.Says == Wire.NoticeKind.ClockOverdue).At;
            Assert.Equal((clock.ToString(), known.StoppedAt, overdueAt, limit.IsWorkingTime), (clock.ToString(), clock.StoppedAt?.ToDateTimeOffset(), clock.DueAt.ToDateTimeOffset(), clock.WorkingTime));
            Assert.Equal(due.Select(step => step.At), clock.Steps.Select(step => step.DueAt.ToDateTimeOffset()));
            var chain = due.Select(step => (step.Says, ToldAt: ToldAt(step.At, known.StoppedAt))).Where(step => step.ToldAt is not null)
                .SelectMany(step => AudienceOf(known, limit, step.Says).Select(unit => (Unit: unit, Kind: step.Says, At: step.ToldAt!.Value))).Order().ToList();
            Assert.Equal(chain, told[clock.ClockId].Order());
            steps += chain.Count;
            if (chain.Exists(step => step.Kind == Wire.NoticeKind.ClockOverdue)) chains[known.Kind.ToString()] = chains.GetValueOrDefault(known.Kind.ToString()) + 1;
            else inTime++;
        }

        Assert.Empty(expected);
        Assert.Equal(steps, told.Sum(one => one.Count()));
        Line("clocks", listed.Count);
        Line("  in time, or stopped before", inTime);
        foreach (var (kind, count) in chains) Line($"  breached, one chain each: {kind}", count);
        Line("steps told", steps);
    }

    private async Task<List<Wire.Clock>> ListAsync(string unit, Timestamp? stoppedSince)
    {
        var (found, token, by) = (new List<Wire.Clock>(), "", world.Of(unit));
        do
        {
            var page = await by.AskAsync(to => to.Clocks.ListClocksAsync(new() { Context = by.Context(), PageSize = PageSize, PageToken = token, StoppedSince = stoppedSince }));
            found.AddRange(page.Clocks);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        return found;
    }

    /// <summary>The first run of the server's jobs at or after the step, if the clock ran till then; at the instant of a deed they run before it.</summary>
    private DateTimeOffset? ToldAt(DateTimeOffset due, DateTimeOffset? stoppedAt)
    {
        var place = world.JobRuns.BinarySearch(due);
        if (place < 0) place = ~place;
        return place < world.JobRuns.Count && !(world.JobRuns[place] > stoppedAt) ? world.JobRuns[place] : null;
    }

    private IEnumerable<string> AudienceOf(YearClock clock, Limit limit, Wire.NoticeKind says)
    {
        if (says != Wire.NoticeKind.ClockEscalated) return [clock.Unit];
        var above = world.Units.Supervisors.GetValueOrDefault(clock.Unit, clock.Unit);
        return limit.TellsReferrer && clock.Tells.Length > 0 && !string.Equals(clock.Tells, above, StringComparison.Ordinal) ? [above, clock.Tells] : [above];
    }

    private static (string, Wire.ClockKind, string, DateTimeOffset) KeyOf(YearClock clock) => (clock.Resource, clock.Kind, clock.Unit, clock.StartedAt);

    private long Number(string sql) => world.Exchange.Query(sql, r => r.GetInt64(0))[0];

    private void Line(string what, long count) => Table.Add(string.Create(CultureInfo.InvariantCulture, $"{what,-60} {count,10:N0}"));
}
