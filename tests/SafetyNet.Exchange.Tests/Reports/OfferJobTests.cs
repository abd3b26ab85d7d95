using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Reports;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Reports;

/// <summary>Offers that nobody answers end by themselves (R-INT-10), and a report has a lead that serves, or is on the desk.</summary>
public sealed class OfferJobTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-INT-10")]
    public async Task Bug_An_offer_ends_by_itself_and_the_report_is_back_on_the_desk_with_a_notice_a_clock_and_a_record()
    {
        var first = await TestExchange.StartAsync();
        var the = new The(first);
        var report = (await the.School.ReportsAsync(ReportMoves.Content(reportedAt: first.Clock.GetUtcNow().AddHours(-1)))).ReportId;
        await the.Intake.ScreensAsync(report);
        var early = await OfferAsync(first, the, report, the.WanhuaCentre, TimeSpan.FromMinutes(30));
        var late = await OfferAsync(first, the, report, the.Centre, TimeSpan.FromHours(3));
        await the.WanhuaCentre.EmptiesInboxAsync();
        await the.Intake.EmptiesInboxAsync();
        Assert.Equal(0, await first.Composition.Offers.RunAsync(CancellationToken.None));

        first.Clock.Advance(TimeSpan.FromMinutes(31));
        var before = first.RecordCount();
        Assert.Equal((1, 0), (await first.Composition.Offers.RunAsync(CancellationToken.None), await first.Composition.Offers.RunAsync(CancellationToken.None)));
        var record = Assert.Single(first.RecordsFrom(before));
        Assert.Equal((OfferJob.Method, "offer-job", the.Intake.UnitId, Wire.Jurisdiction.Tpe, Wire.AuditOutcome.Permitted),
            (record.Method, record.ActorPersonId, record.ActorUnitId, record.Jurisdiction, record.Outcome));
        Assert.Contains($"referral/{early}", record.Resources);
        var half = await the.Intake.SeesReportAsync(report, the.Intake.Screening());
        Assert.Equal((Wire.ReportState.Offered, Wire.ReferralState.Withdrawn, Wire.NextAction.OfferAgain), (half.State, half.Offers[0].State, half.Offers[0].NextAction));
        Assert.Equal([Wire.NoticeKind.ReportMoved], (await the.Intake.EmptiesInboxAsync()).Select(notice => notice.Kind));
        Assert.Contains(await the.WanhuaCentre.EmptiesInboxAsync(), notice => notice.Kind == Wire.NoticeKind.ReferralMoved && notice.ReferralId == early && notice.UnitId == the.Intake.UnitId);
        Assert.Equal([Wire.ClockKind.ReferralAcceptance], Running(first, early, late));
        await the.School.EmptiesInboxAsync();
        await first.StopAsync();

        // The server is down over the end of the last one.
        await using var second = await TestExchange.StartAsync(folder: first.Folder);
        the = new The(second);
        second.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal((1, 0), (await second.Composition.Offers.RunAsync(CancellationToken.None), await second.Composition.Offers.RunAsync(CancellationToken.None)));
        var back = await the.Intake.SeesReportAsync(report, the.Intake.Screening());
        Assert.Equal((Wire.ReportState.Screened, Wire.ReportAction.OfferEnded, ""), (back.State, back.Moves[^1].Action, back.Moves[^1].PersonId));
        Assert.Equal([Wire.NoticeKind.ReportMoved], (await the.Intake.EmptiesInboxAsync()).Select(notice => notice.Kind));
        Assert.Equal([Wire.NoticeKind.ReportMoved], (await the.School.EmptiesInboxAsync()).Select(notice => notice.Kind));
        Assert.Equal([Wire.ClockKind.ReportDispatch], Running(second, report, early, late));
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => the.Centre.MovesAsync(Wire.ReferralAction.Accept, late))).Reason);
        var again = await the.Intake.DispatchesAsync(the.Intake.Dispatch(report, the.WanhuaCentre));
        await the.WanhuaCentre.AcceptsOfferAsync(again);
        Assert.Equal(the.WanhuaCentre.UnitId, (await the.School.SeesReportAsync(report)).LeadUnitId);
    }

    [Fact]
    [Trait("Rule", "R-INT-10")]
    public async Task The_job_wakes_when_an_offer_ends_that_was_made_after_it_went_to_sleep()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        own.Composition.Offers.Begin();
        var report = (await the.School.ReportsAsync(ReportMoves.Content(reportedAt: own.Clock.GetUtcNow().AddHours(-1)))).ReportId;
        await the.Intake.ScreensAsync(report);
        await OfferAsync(own, the, report, the.WanhuaCentre, TimeSpan.FromSeconds(2));
        await Eventually.TrueAsync(() => own.Query("SELECT state FROM report", r => (Wire.ReportState)r.GetInt32(0)).Single() == Wire.ReportState.Screened, "the offer was taken back");
    }

    [Fact]
    [Trait("Rule", "R-REF-6")]
    public async Task Bug_Whoever_takes_over_what_the_lead_hands_on_leads_and_has_its_duty()
    {
        var (report, referral) = await LedByWanhuaAsync();
        var onward = (await The.WanhuaCentre.ProposesAsync(The.WanhuaCentre.Transfer(referral, The.Centre.UnitId))).Onward.ReferralId;
        Assert.Equal(The.WanhuaCentre.UnitId, (await The.Intake.SeesReportAsync(report, The.Intake.Screening())).LeadUnitId);
        await The.Centre.MovesAsync(onward, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        var read = await The.Intake.SeesReportAsync(report, The.Intake.Screening());
        Assert.Equal((Wire.ReportState.Accepted, The.Centre.UnitId, Wire.ReportAction.LeadChanged), (read.State, read.LeadUnitId, read.Moves[^1].Action));
        Assert.Equal([The.Centre.UnitId], Exchange.Query("SELECT unit_id FROM clock WHERE resource_id = $0 AND stopped_at IS NULL", r => r.GetString(0), Guid.Parse(report).ToByteArray(true)));
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.WanhuaCentre.SeesReportAsync(report))).Reason);
        Assert.Equal(report, (await The.Centre.SeesReportAsync(report)).ReportId);
        await ContactsAsync(The.Centre, onward);

        // It follows each further hand.
        var back = (await The.Centre.ProposesAsync(The.Centre.Transfer(onward, The.WanhuaCentre.UnitId))).Onward.ReferralId;
        await The.WanhuaCentre.MovesAsync(back, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        var last = await The.WanhuaCentre.SeesReportAsync(report);
        Assert.Equal((Wire.ReportState.Contacted, The.WanhuaCentre.UnitId), (last.State, last.LeadUnitId));
        Assert.Empty(Running(Exchange, report));
    }

    [Fact]
    [Trait("Rule", "R-REF-10")]
    public async Task Bug_A_report_that_its_lead_gives_back_is_on_the_desk_again_and_the_request_has_a_clock()
    {
        var (report, referral) = await LedByWanhuaAsync();
        await The.Intake.MovesAsync(Wire.ReferralAction.RequestWithdrawal, referral);
        Assert.Equal([Wire.ClockKind.HandshakeConfirmation], Running(Exchange, referral));
        await The.WanhuaCentre.MovesAsync(Wire.ReferralAction.RefuseWithdrawal, referral);
        Assert.Empty(Running(Exchange, referral));
        await The.Intake.MovesAsync(Wire.ReferralAction.RequestWithdrawal, referral);
        await The.Intake.EmptiesInboxAsync();
        await The.WanhuaCentre.MovesAsync(Wire.ReferralAction.ConfirmWithdrawal, referral);
        Assert.Empty(Running(Exchange, referral));
        var back = await The.Intake.SeesReportAsync(report, The.Intake.Screening());
        Assert.Equal((Wire.ReportState.Screened, "", Wire.ReportAction.LeadWithdrawn), (back.State, back.LeadUnitId, back.Moves[^1].Action));
        Assert.Contains(await The.Intake.EmptiesInboxAsync(), notice => notice.Kind == Wire.NoticeKind.ReportMoved && notice.ReportId == report);
        Assert.Equal([Wire.ClockKind.ReportDispatch], Running(Exchange, report));
        await The.Centre.AcceptsOfferAsync(await The.Intake.DispatchesAsync(WithReason(The.Intake.Dispatch(report, The.Centre))));
        Assert.Equal(The.Centre.UnitId, (await The.Intake.SeesReportAsync(report, The.Intake.Screening())).LeadUnitId);
    }

    [Fact]
    [Trait("Rule", "R-REF-1")]
    public async Task Bug_A_referral_that_was_returned_has_a_clock_at_whoever_is_to_complete_it()
    {
        var referral = (await The.School.RefersAsync(The.Centre)).ReferralId;
        foreach (var (next, running) in ((Wire.ReferralAction, Wire.ClockKind)[])[(Wire.ReferralAction.Resubmit, Wire.ClockKind.ReferralAcceptance), (Wire.ReferralAction.Withdraw, default)])
        {
            await The.Centre.MovesAsync(referral, Wire.ReferralAction.See, Wire.ReferralAction.Return);
            Assert.Equal([(Wire.ClockKind.ReferralCompletion, The.School.UnitId)], Exchange.Query(
                "SELECT kind, unit_id FROM clock WHERE resource_id = $0 AND stopped_at IS NULL", r => ((Wire.ClockKind)r.GetInt32(0), r.GetString(1)), Guid.Parse(referral).ToByteArray(true)));
            await The.School.MovesAsync(next, referral);
            Assert.Equal(running == default ? [] : [running], Running(Exchange, referral));
        }
    }

    [Fact]
    [Trait("Rule", "R-INT-6")]
    public async Task Bug_A_lead_that_closed_its_referral_is_not_reminded_of_the_first_contact_for_ever()
    {
        var (report, referral) = await LedByWanhuaAsync();
        Assert.Equal([Wire.ClockKind.ReportFirstContact], Running(Exchange, report));
        await The.WanhuaCentre.MovesAsync(referral, Wire.ReferralAction.BeginService, Wire.ReferralAction.Close);
        Assert.Empty(Running(Exchange, report));
    }

    private static async Task<string> OfferAsync(TestExchange exchange, The the, string report, Party to, TimeSpan during)
    {
        var request = WithReason(the.Intake.Dispatch(report, to));
        request.OfferUntil = Timestamp.FromDateTimeOffset(exchange.Clock.GetUtcNow() + during);
        return (await the.Intake.DispatchesAsync(request)).OfferOf(to);
    }

    private static Wire.DispatchReportRequest WithReason(Wire.DispatchReportRequest request)
    {
        request.OverrideReason = ReportMoves.Why;
        return request;
    }

    private async Task<(string ReportId, string ReferralId)> LedByWanhuaAsync()
    {
        var report = (await The.School.ReportsAsync()).ReportId;
        await The.Intake.ScreensAsync(report);
        return (report, (await The.WanhuaCentre.AcceptsOfferAsync(await The.Intake.DispatchesAsync(The.Intake.Dispatch(report, The.WanhuaCentre)))).ReferralId);
    }

    private async Task ContactsAsync(Party lead, string referral)
    {
        var request = new Wire.RecordFirstContactRequest { Context = lead.Context(), RequestId = Some.RequestId(), ReferralId = referral, ContactedAt = Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow()) };
        await lead.AskAsync(to => to.Reports.RecordFirstContactAsync(request));
    }

    /// <summary>Clocks that run for these things.</summary>
    private static List<Wire.ClockKind> Running(TestExchange exchange, params string[] ids) =>
        [.. ids.SelectMany(id => exchange.Query("SELECT kind FROM clock WHERE resource_id = $0 AND stopped_at IS NULL ORDER BY kind", r => (Wire.ClockKind)r.GetInt32(0), Guid.Parse(id).ToByteArray(true)))];
}
