using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Reports;

namespace SafetyNet.Exchange.Tests.Year;

/// <summary>What reporters and the screening desk do with reports, and what must come of it by the rules.</summary>
internal sealed class ReportDeeds(YearWorld world)
{
    private const int MostRounds = 3;

    private static readonly TimeSpan BesideWithin = TimeSpan.FromDays(30), CandidatesWithin = TimeSpan.FromDays(90);

    public required ReferralDeeds Referrals { get; init; }

    private string Intake => world.Units.Intake;

    private Party Desk => world.Of(Intake);

    /// <summary>Reports of one instant: of a reporter that has several, in one stream.</summary>
    public Task SubmitAsync(IReadOnlyList<YearReport> reports) => Task.WhenAll(reports.GroupBy(one => one.ReporterUnit, StringComparer.Ordinal).Select(some => SubmitAsync(world.Of(some.Key), [.. some])));

    private async Task SubmitAsync(Party by, List<YearReport> reports)
    {
        if (reports.Count == 1)
        {
            Received(reports[0], await by.ReportsAsync(reports[0].Content));
            return;
        }

        using var call = by.Channel.Reports.SubmitReports();
        foreach (var one in reports) await call.RequestStream.WriteAsync(new() { Context = by.Context(), RequestId = Some.RequestId(), Content = one.Content });
        await call.RequestStream.CompleteAsync();
        var answer = await call;
        Assert.Equal((reports.Count, reports.Count, 0), (answer.Results.Count, answer.Taken, answer.Refused));
        foreach (var (report, result) in reports.Zip(answer.Results)) Received(report, result.Receipt);
        world.Count("streams of reports");
    }

    /// <summary>The offers of a report whose time is over are taken back by the server itself (R-INT-10).</summary>
    public void OffersEnd(YearReport report)
    {
        foreach (var offer in report.LiveOffers.Where(offer => offer.Until <= world.Now).ToList())
        {
            Referrals.Ends(offer, Wire.ReferralState.Withdrawn);
            world.Count("offers ended by themselves");
        }

        if (!report.LiveOffers.Any()) BackOnDesk(report);
    }

    /// <summary>Nobody has it any more: it waits to be dispatched again, with a clock.</summary>
    public void BackOnDesk(YearReport report)
    {
        (report.State, report.LeadUnit, report.LeadReferral) = (Wire.ReportState.Screened, "", null);
        StartDispatchClock(report);
        world.Later(world.Now + Delay(report, quickPercent: 80), report.Family, () => DispatchAsync(report));
    }

    private void Received(YearReport report, Wire.ReportReceipt receipt)
    {
        (report.Id, report.ReceivedAt, report.State) = (receipt.ReportId, world.Now, Wire.ReportState.Received);
        StartDispatchClock(report);
        var isDuty = report.Content.Kind == Wire.ReportKind.CampusSafety && report.IsProtective && !report.Family.Reports.Exists(other => other.Id.Length > 0 && other.IsChildProtective
            && string.Equals(other.ReporterUnit, world.Units.School, StringComparison.Ordinal) && world.Now - other.ReceivedAt <= BesideWithin);
        Assert.Equal(isDuty ? 1 : 0, receipt.RequiredActions.Count);
        if (isDuty) Owes(report);
        if (report.IsChildProtective && string.Equals(report.ReporterUnit, world.Units.School, StringComparison.Ordinal)) Fulfils(report.Family);
        if (report.Content.Kind == Wire.ReportKind.JuvenileNotice) Referrals.NoticeSent(report, receipt);
        world.Later(world.Now + Delay(report, quickPercent: 85), report.Family, () => ScreenAsync(report));
    }

    /// <summary>The school has to file the protective report (R-INT-7): it does so, does so late, or does not.</summary>
    private void Owes(YearReport report)
    {
        report.IsDutyOpen = true;
        world.Clocks.Start(Wire.ClockKind.ProtectiveReportDue, report.IsProtective, report.Resource, world.Units.School, Intake, world.Now);
        world.Count("duties to file a protective report");
        if (report.Random.Next(100) >= 75) return;
        var at = world.Now.AddHours(report.Random.Next(3) == 0 ? report.Random.Next(26, 90) : report.Random.Next(2, 20));
        world.LaterAt(world.Units.School, at, report.Family, async () =>
        {
            if (!report.IsDutyOpen) return;
            var content = ReportMoves.Content(report.Family.Subject, world.Now.AddHours(-1));
            (content.SourceSystem, content.Kind, content.AnswersReportId) = (Wire.SourceSystem.CampusSafety, Wire.ReportKind.ChildProtection, report.Id);
            var filed = new YearReport(-1 - report.Number, report.Family, world.Units.School, content, isProtective: true, isChildProtective: true, new Random(report.Random.Next()));
            report.Family.Reports.Add(filed);
            lock (Filed) Filed.Add(filed);
            Received(filed, await world.Of(world.Units.School).ReportsAsync(content));
        });
    }

    /// <summary>Protective reports that came because a campus-safety report asked for them.</summary>
    public List<YearReport> Filed { get; } = [];

    private void Fulfils(YearFamily family)
    {
        foreach (var report in family.Reports.Where(one => one.IsDutyOpen))
        {
            report.IsDutyOpen = false;
            world.Clocks.Stop(report.Resource, Wire.ClockKind.ProtectiveReportDue, world.Units.School, world.Now);
            world.Count("duties fulfilled");
        }
    }

    private async Task ScreenAsync(YearReport report)
    {
        var (one, first) = ClassOf(report);
        if (report.Random.Next(7) == 0) await LookIntoAsync(report, first);
        var screened = await Desk.ScreensAsync(report.Id, one, first?.Id ?? "");
        (report.Class, report.First) = (one, first);
        report.State = one switch
        {
            Wire.ReportClass.Duplicate => Wire.ReportState.Linked,
            Wire.ReportClass.Invalid or Wire.ReportClass.Erroneous => Wire.ReportState.SetAside,
            _ => Wire.ReportState.Screened,
        };
        Assert.Equal(report.State, screened.State);
        if (first is not null) first.HasDuplicates = true;
        if (report.State == Wire.ReportState.Screened) StartDispatchClock(report);
        else world.Clocks.Stop(report.Resource, Wire.ClockKind.ReportDispatch, Intake, world.Now);
        // What was taken for an error now and then turns out to be none.
        if (one == Wire.ReportClass.Erroneous && report.Random.Next(4) == 0) world.Later(world.Now.AddHours(report.Random.Next(5, 60)), report.Family, () => ScreenAsync(report));
        if (report.State != Wire.ReportState.Screened) return;
        if (report.Random.Next(100) < 6) world.Later(world.Now + Delay(report, quickPercent: 80), report.Family, () => CloseAsync(report));
        else world.Later(world.Now + Delay(report, quickPercent: 85), report.Family, () => DispatchAsync(report));
    }

    /// <summary>What a screener takes it for; the second time an error turns out to be none.</summary>
    private static (Wire.ReportClass Class, YearReport? First) ClassOf(YearReport report)
    {
        if (report.Class == Wire.ReportClass.Erroneous) return (Wire.ReportClass.New, null);
        var first = report.HasDuplicates ? null : report.Family.Reports.LastOrDefault(other => other.Id.Length > 0 && other.ReceivedAt < report.ReceivedAt && other.State != Wire.ReportState.Linked);
        return report.Random.Next(100) switch
        {
            < 45 when first is not null => (Wire.ReportClass.Duplicate, first),
            < 60 when first is not null => (Wire.ReportClass.ReReport, null),
            >= 96 => (Wire.ReportClass.Invalid, null),
            >= 91 => (Wire.ReportClass.Erroneous, null),
            _ => (Wire.ReportClass.New, null),
        };
    }

    /// <summary>The history shows the open case, and what it is likely to be a duplicate of (R-INT-2, R-INT-3).</summary>
    private async Task LookIntoAsync(YearReport report, YearReport? first)
    {
        if (report.State == Wire.ReportState.SetAside) return;
        var screening = await Desk.LooksIntoAsync(report.Id);
        Assert.Equal((report.Family.CaseId, report.Family.PrimaryUnit), (Assert.Single(screening.History).OpenCaseId, screening.History[0].PrimaryUnitId));
        Assert.NotEmpty(screening.Suggestions);
        if (first is { Class: not (Wire.ReportClass.Invalid or Wire.ReportClass.Erroneous) } && report.ReceivedAt - first.ReceivedAt <= CandidatesWithin)
            Assert.Contains(screening.Candidates, candidate => string.Equals(candidate.ReportId, first.Id, StringComparison.Ordinal));
    }

    private async Task CloseAsync(YearReport report)
    {
        await Desk.AskAsync(to => to.Reports.CloseReportAsync(new()
        {
            Context = Desk.Screening(), RequestId = Some.RequestId(), ReportId = report.Id, Reason = Wire.NotOpenedReason.NeedAlreadyMet,
        }));
        report.State = Wire.ReportState.NotOpened;
        world.Clocks.Stop(report.Resource, Wire.ClockKind.ReportDispatch, Intake, world.Now);
    }

    private async Task DispatchAsync(YearReport report)
    {
        if (report.State != Wire.ReportState.Screened) return;
        var (random, primary, isLast) = (report.Random, report.Family.PrimaryUnit, ++report.Rounds >= MostRounds || world.Now >= YearPlan.Until);
        if (primary.Length > 0 && random.Next(6) == 0)
        {
            var elsewhere = Dispatching(report, [world.Units.Taking.Keys.First(unit => !string.Equals(unit, primary, StringComparison.Ordinal))], until: null);
            Assert.Equal(Wire.ErrorReason.PrimaryUnitLeads, (await Refused.ByAsync(() => Desk.DispatchesAsync(elsewhere))).Reason);
            world.Count("dispatches past the primary unit refused");
        }

        List<string> chosen = primary.Length > 0 ? [primary] : ChosenFor(report, isLast);
        DateTimeOffset? until = !isLast && random.Next(100) < 45 ? world.Now.AddHours(random.Next(20, 96)) : null;
        var dispatched = await Desk.DispatchesAsync(Dispatching(report, chosen, until));
        report.State = Wire.ReportState.Offered;
        world.Clocks.Stop(report.Resource, Wire.ClockKind.ReportDispatch, Intake, world.Now);
        foreach (var unit in chosen)
        {
            var offer = new YearReferral(dispatched.Offers.Last(one => string.Equals(one.UnitId, unit, StringComparison.Ordinal))
                .ReferralId, report.Family, Intake, unit, report.IsProtective) { IsOffer = true, Until = until };
            report.Offers.Add(offer);
            Referrals.Begins(offer);
            Referrals.PlanAnswer(report, offer, isLast);
        }

        if (until is { } end) world.Watch(report, end);
        // Whoever says nothing, and has no end set, is not waited for longer than this.
        else if (!isLast) world.Later(world.Now.AddDays(random.Next(5, 12)), report.Family, () => RecallAsync(report, report.Rounds));
    }

    private static List<string> Shuffled(IEnumerable<string> units, Random random) => [.. units.OrderBy(unit => unit, StringComparer.Ordinal).Select(unit => (unit, random.Next())).OrderBy(one => one.Item2).Select(one => one.unit)];

    private List<string> ChosenFor(YearReport report, bool isLast)
    {
        if (report.IsProtective && report.Random.Next(5) > 0) return [world.Units.Protection];
        if (!isLast && report.Random.Next(3) == 0) return [.. Shuffled(world.Units.Welfare, report.Random).Take(report.Random.Next(2, 4))];
        return [Shuffled(world.Units.Taking.Keys, report.Random)[0]];
    }

    private Wire.DispatchReportRequest Dispatching(YearReport report, List<string> to, DateTimeOffset? until) => new()
    {
        Context = Desk.Screening(), RequestId = Some.RequestId(), ReportId = report.Id, UnitIds = { to }, Services = { world.Units.Taking[to[0]] }, View = Some.View(),
        OverrideReason = ReportMoves.Why, OfferUntil = until is { } end ? Timestamp.FromDateTimeOffset(end) : null,
    };

    private async Task RecallAsync(YearReport report, int round)
    {
        if (report.State != Wire.ReportState.Offered || report.Rounds != round) return;
        await Desk.AskAsync(to => to.Reports.RecallReportAsync(new() { Context = Desk.Screening(), RequestId = Some.RequestId(), ReportId = report.Id }));
        foreach (var offer in report.LiveOffers.ToList()) Referrals.Ends(offer, Wire.ReferralState.Withdrawn);
        world.Count("recalls");
        BackOnDesk(report);
    }

    private void StartDispatchClock(YearReport report) => world.Clocks.Start(Wire.ClockKind.ReportDispatch, report.IsProtective, report.Resource, Intake, "", world.Now);

    /// <summary>Mostly in time, now and then far too late.</summary>
    private static TimeSpan Delay(YearReport report, int quickPercent)
    {
        var random = report.Random;
        if (random.Next(100) < quickPercent) return TimeSpan.FromMinutes(report.IsProtective ? random.Next(1, 40) : random.Next(1, 420));
        return TimeSpan.FromHours(random.Next(report.IsProtective ? 4 : 10, report.IsProtective ? 30 : 100));
    }
}
