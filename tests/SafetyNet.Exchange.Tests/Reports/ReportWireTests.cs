using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Reports;

public sealed class ReportWireTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-INT-1")]
    [Trait("Rule", "R-INT-6")]
    public async Task A_report_gets_a_receipt_is_screened_dispatched_accepted_and_the_family_is_met()
    {
        await The.Intake.EmptiesInboxAsync();
        var (family, content) = (Some.Family(), ReportMoves.Content());
        content.Subjects[0] = ReportMoves.Subject(Some.SubjectOf(family.Child, family.Home));
        content.Subjects.Add(ReportMoves.Subject(Some.SubjectOf(family.Mother, family.Home), Wire.SubjectRelation.Parent));
        var receipt = await The.School.ReportsAsync(content);
        Assert.StartsWith("TPE-", receipt.ReceiptNumber, StringComparison.Ordinal);
        Assert.Equal((The.Intake.UnitId, 0), (receipt.IntakeUnitId, receipt.RequiredActions.Count));
        var notice = Assert.Single(await The.Intake.EmptiesInboxAsync(), n => n.ReportId == receipt.ReportId);
        Assert.Equal(Wire.NoticeKind.ReportReceived, notice.Kind);

        var atDesk = await The.Intake.SeesReportAsync(receipt.ReportId, The.Intake.Screening());
        Assert.Equal((Wire.ReportState.Received, "通報某", "積欠房租三個月"), (atDesk.State, atDesk.Content.Reporter.Name, atDesk.Content.Facts[0].Text));
        Assert.Equal(Wire.ReportState.Screened, (await The.Intake.ScreensAsync(receipt.ReportId)).State);
        var dispatched = await The.Intake.DispatchesAsync(With(The.Intake.Dispatch(receipt.ReportId, The.WanhuaCentre), d => d.View = Some.View(Economic)));
        Assert.Equal((Wire.ReportState.Offered, The.WanhuaCentre.UnitId), (dispatched.State, dispatched.Offers.Single().UnitId));

        var referral = await The.WanhuaCentre.AcceptsOfferAsync(dispatched);
        Assert.Equal("積欠房租三個月", Assert.Single(referral.Facts).Text);
        Assert.Equal(2, referral.Subjects.Count);
        var met = Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow());
        await The.WanhuaCentre.AskAsync(to => to.Reports.RecordFirstContactAsync(new()
        {
            Context = The.WanhuaCentre.Context(), RequestId = Some.RequestId(), ReferralId = referral.ReferralId, ContactedAt = met, Remark = "家訪，母親在家",
        }));
        var ended = await The.Intake.SeesReportAsync(receipt.ReportId, The.Intake.Screening());
        Assert.Equal((Wire.ReportState.Contacted, The.WanhuaCentre.UnitId, Wire.ReportClass.New), (ended.State, ended.LeadUnitId, ended.ReportClass));
        Assert.Equal(
            [Wire.ReportAction.Submit, Wire.ReportAction.Screen, Wire.ReportAction.Dispatch, Wire.ReportAction.Accept, Wire.ReportAction.Contact], ended.Moves.Select(move => move.Action));
        // Screening is over: who reported is told no more (R-NTK-5), nor what the unit wrote.
        Assert.Empty(ended.Content?.Reporter?.Name ?? "");
        Assert.Empty(ended.Moves[^1].Remark);

        // The reporting unit hears how it goes on, and sees status and its own words only (R-NTK-4).
        var loop = await The.School.SeesReportAsync(receipt.ReportId);
        Assert.Equal((Wire.ReportState.Contacted, 0, ""), (loop.State, loop.Offers.Count, loop.Content.Reporter.Name));
        Assert.All(loop.Content.Facts, fact => Assert.Empty(fact.Text));
        Assert.Contains(await The.School.EmptiesInboxAsync(), n => n.Kind == Wire.NoticeKind.ReportMoved && n.ReportId == receipt.ReportId);
    }

    [Fact]
    [Trait("Rule", "R-INT-6")]
    [Trait("Rule", "R-REF-7")]
    public async Task The_clocks_of_dispatch_and_first_contact_run_and_stop_with_the_deeds()
    {
        var receipt = await The.School.ReportsAsync();
        Assert.Equal([Wire.ClockKind.ReportDispatch], Running(receipt.ReportId));
        await The.Intake.ScreensAsync(receipt.ReportId, Wire.ReportClass.Invalid);
        Assert.Empty(Running(receipt.ReportId));
        await The.Intake.ScreensAsync(receipt.ReportId);
        Assert.Equal([Wire.ClockKind.ReportDispatch], Running(receipt.ReportId));
        var dispatched = await The.Intake.DispatchesAsync(The.Intake.Dispatch(receipt.ReportId, The.Centre));
        Assert.Empty(Running(receipt.ReportId));
        var referral = await The.Centre.AcceptsOfferAsync(dispatched);
        Assert.Equal([Wire.ClockKind.ReportFirstContact], Running(receipt.ReportId));
        await The.Centre.AskAsync(to => to.Reports.RecordFirstContactAsync(new()
        {
            Context = The.Centre.Context(), RequestId = Some.RequestId(), ReferralId = referral.ReferralId, ContactedAt = Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow()),
        }));
        Assert.Empty(Running(receipt.ReportId));
    }

    [Fact]
    [Trait("Rule", "R-INT-2")]
    [Trait("Rule", "R-INT-3")]
    public async Task Screening_tells_the_history_of_person_and_household_and_what_may_be_the_same()
    {
        var family = Some.Family();
        var (child, mother) = (Some.SubjectOf(family.Child), Some.SubjectOf(family.Mother));
        var first = await The.School.ReportsAsync(ReportMoves.Content(child));
        await The.Police.ReportsAsync(ReportMoves.Content(mother));
        var invalid = await The.Police.ReportsAsync(ReportMoves.Content(child));
        await The.Intake.ScreensAsync(invalid.ReportId, Wire.ReportClass.Invalid);
        var now = await The.School.ReportsAsync(ReportMoves.Content(child));

        var screening = await The.Intake.LooksIntoAsync(now.ReportId);
        var history = Assert.Single(screening.History);
        Assert.Equal((1, 1, 2, 2), (history.Person6Months, history.Person12Months, history.Household6Months, history.Household12Months));
        Assert.Equal(Wire.ReportClass.New, screening.SuggestedClass);
        Assert.Equal(2, screening.Candidates.Count);
        Assert.Equal((first.ReportId, first.ReceiptNumber), (screening.Candidates[0].ReportId, screening.Candidates[0].ReceiptNumber));
        Assert.Equal([Wire.DuplicateReason.SameSubject, Wire.DuplicateReason.SameProblem, Wire.DuplicateReason.SamePeriod], screening.Candidates[0].Reasons);
        Assert.Equal(Wire.DuplicateReason.SameHousehold, screening.Candidates[1].Reasons[0]);

        var linked = await The.Intake.ScreensAsync(now.ReportId, Wire.ReportClass.Duplicate, first.ReportId);
        Assert.Equal((Wire.ReportState.Linked, first.ReportId), (linked.State, linked.FirstReportId));
        // A chain has one end, and nothing is a duplicate of itself or of what is a duplicate.
        await RefusesAsync(Wire.ErrorReason.LinkNotPossible, The.Intake.Class(first.ReportId, Wire.ReportClass.Duplicate, now.ReportId), "first_is_linked");
        await RefusesAsync(Wire.ErrorReason.LinkNotPossible, The.Intake.Class(first.ReportId, Wire.ReportClass.Duplicate, first.ReportId), "itself");
        var third = await The.School.ReportsAsync(ReportMoves.Content(child));
        await RefusesAsync(Wire.ErrorReason.LinkNotPossible, The.Intake.Class(first.ReportId, Wire.ReportClass.Duplicate, third.ReportId), "others_link_to_it");
        await RefusesAsync(Wire.ErrorReason.InvalidField, The.Intake.Class(third.ReportId, Wire.ReportClass.Duplicate));
        await RefusesAsync(Wire.ErrorReason.InvalidField, The.Intake.Class(third.ReportId, Wire.ReportClass.New, first.ReportId));

        async Task RefusesAsync(Wire.ErrorReason reason, Wire.ScreenReportRequest request, string problem = "")
        {
            var refused = await AssertRefusedAloneAsync(reason, () => The.Intake.AskAsync(to => to.Reports.ScreenReportAsync(request)));
            if (problem.Length > 0) Assert.Equal(problem, refused.Refusal.Metadata["problem"]);
        }
    }

    [Fact]
    [Trait("Rule", "R-INT-4")]
    public async Task A_person_with_an_open_case_goes_to_its_primary_unit_and_to_no_other()
    {
        var family = Some.Family();
        var taken = await The.WanhuaCentre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var opened = await The.WanhuaCentre.OpensCaseAsync(taken.ReferralId);
        var receipt = await The.Police.ReportsAsync(ReportMoves.Content(Some.SubjectOf(family.Child)));
        var screening = await The.Intake.LooksIntoAsync(receipt.ReportId);
        Assert.Equal((opened.CaseId, The.WanhuaCentre.UnitId), (screening.History[0].OpenCaseId, screening.History[0].PrimaryUnitId));
        Assert.Equal((The.WanhuaCentre.UnitId, "R-INT-4"), (screening.Suggestions.Single().UnitId, screening.Suggestions.Single().RuleId));
        await The.Intake.ScreensAsync(receipt.ReportId);
        var elsewhere = With(The.Intake.Dispatch(receipt.ReportId, The.Centre), d => d.OverrideReason = ReportMoves.Why);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.PrimaryUnitLeads, () => The.Intake.DispatchesAsync(elsewhere));
        Assert.Equal((The.WanhuaCentre.UnitId, "R-INT-4"), (refused.Refusal.Metadata["unit_id"], refused.Refusal.Metadata["rule"]));
        Assert.Equal(Wire.ReportState.Offered, (await The.Intake.DispatchesAsync(The.Intake.Dispatch(receipt.ReportId, The.WanhuaCentre))).State);
    }

    [Fact]
    [Trait("Rule", "R-INT-5")]
    [Trait("Rule", "R-INT-10")]
    public async Task Suggestions_follow_the_rules_name_them_and_put_the_district_and_stated_capacity_first()
    {
        var content = ReportMoves.Content();
        content.Needs.Add(Wire.Article6Service.CareVisit);
        var receipt = await The.School.ReportsAsync(content);
        await The.Centre.AskAsync(to => to.Reports.StateCapacityAsync(new()
        {
            Context = The.Centre.Context(), RequestId = Some.RequestId(), Capacities = { new Wire.ServiceCapacity { Service = Wire.Article6Service.CareVisit, OpenPlaces = 3 }, new Wire.ServiceCapacity { Service = Wire.Article6Service.FinancialAid, OpenPlaces = 7 } },
        }));
        var suggestions = (await The.Intake.LooksIntoAsync(receipt.ReportId)).Suggestions;
        Assert.All(suggestions, one => Assert.Equal("TRIAGE-SEVERAL-OR-UNCLEAR", one.RuleId));
        Assert.Equal([The.WanhuaCentre.UnitId, The.Centre.UnitId], suggestions.Select(one => one.UnitId));
        Assert.Equal((true, false, false, true), (suggestions[0].ServesDistrict, suggestions[0].CapacityStated, suggestions[1].ServesDistrict, suggestions[1].CapacityStated));
        Assert.Equal(3, suggestions[1].OpenPlaces);
        Assert.InRange(Exchange.Clock.GetUtcNow() - suggestions[1].CapacityStatedAt.ToDateTimeOffset(), TimeSpan.Zero, TimeSpan.FromMinutes(5));
        Assert.Equal([Wire.ConfidentialityClass.Identity, Contact, Economic], suggestions[0].View);

        await The.Intake.ScreensAsync(receipt.ReportId);
        var other = With(The.Intake.Dispatch(receipt.ReportId, The.HealthStation), d => (d.Services[0], d.OverrideReason) = (Wire.Article6Service.MedicalCare, ""));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.OverrideReasonMissing, () => The.Intake.DispatchesAsync(other));
        Assert.Equal(("TRIAGE-SEVERAL-OR-UNCLEAR", "SOCIAL_WELFARE_CENTER"), (refused.Refusal.Metadata["rule"], refused.Refusal.Metadata["unit_kinds"]));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Intake.DispatchesAsync(With(other.Clone(), d => (d.RequestId, d.OverrideReason) = (Some.RequestId(), "因為因為因為因為因為"))));
        var overridden = await The.Intake.DispatchesAsync(With(other.Clone(), d => (d.RequestId, d.OverrideReason) = (Some.RequestId(), ReportMoves.Why)));
        Assert.Equal(ReportMoves.Why, overridden.Offers.Single().OverrideReason);
    }

    [Fact]
    [Trait("Rule", "R-INT-10")]
    public async Task Of_several_offers_the_first_acceptance_wins_and_the_others_are_withdrawn()
    {
        var receipt = await The.School.ReportsAsync();
        await The.Intake.ScreensAsync(receipt.ReportId);
        var dispatched = await The.Intake.DispatchesAsync(With(The.Intake.Dispatch(receipt.ReportId, The.Centre, The.WanhuaCentre), d => d.OverrideReason = ReportMoves.Why));
        await The.Centre.EmptiesInboxAsync();
        await The.WanhuaCentre.EmptiesInboxAsync();
        var both = await Task.WhenAll(
            Refused.IfAsync(() => The.Centre.MovesAsync(Wire.ReferralAction.Accept, dispatched.OfferOf(The.Centre))),
            Refused.IfAsync(() => The.WanhuaCentre.MovesAsync(Wire.ReferralAction.Accept, dispatched.OfferOf(The.WanhuaCentre))));
        Assert.Single(both, refused => refused is null);
        Assert.Contains(both.Single(refused => refused is not null)!.Reason, (Wire.ErrorReason[])[Wire.ErrorReason.ConcurrentChange, Wire.ErrorReason.MoveNotAllowed]);
        var after = await The.Intake.SeesReportAsync(receipt.ReportId, The.Intake.Screening());
        var (winner, loser) = both[0] is null ? (The.Centre, The.WanhuaCentre) : (The.WanhuaCentre, The.Centre);
        Assert.Equal((Wire.ReportState.Accepted, winner.UnitId), (after.State, after.LeadUnitId));
        Assert.Equal(Wire.ReferralState.Withdrawn, after.Offers.Single(offer => offer.UnitId == loser.UnitId).State);
        Assert.Contains(await loser.EmptiesInboxAsync(), notice => notice.Kind == Wire.NoticeKind.ReferralMoved && notice.ReferralId == dispatched.OfferOf(loser));
        // Who took it is not the loser's to know.
        Assert.DoesNotContain((await loser.ReadsAsync(dispatched.OfferOf(loser))).Moves, move => move.UnitId == winner.UnitId);
    }

    [Fact]
    [Trait("Rule", "R-INT-10")]
    public async Task A_declined_report_is_back_on_the_desk_with_the_next_action_and_a_clock()
    {
        var receipt = await The.School.ReportsAsync();
        await The.Intake.ScreensAsync(receipt.ReportId);
        var dispatched = await The.Intake.DispatchesAsync(The.Intake.Dispatch(receipt.ReportId, The.WanhuaCentre));
        var offer = dispatched.OfferOf(The.WanhuaCentre);
        await The.WanhuaCentre.EmptiesInboxAsync();
        await The.WanhuaCentre.MovesAsync(Wire.ReferralAction.See, offer);
        await The.WanhuaCentre.AskAsync(to => to.Referrals.DeclineReferralAsync(new()
        {
            Context = The.WanhuaCentre.Context(), RequestId = Some.RequestId(), ReferralId = offer, Reason = Wire.DeclineReason.NoCapacity, ProposedUnitId = The.Centre.UnitId,
        }));
        var back = await The.Intake.SeesReportAsync(receipt.ReportId, The.Intake.Screening());
        Assert.Equal((Wire.ReportState.Screened, Wire.NextAction.DispatchWithCapacity, The.Centre.UnitId), (back.State, back.Offers[0].NextAction, back.Offers[0].ProposedUnitId));
        Assert.Equal([Wire.ClockKind.ReportDispatch], Running(receipt.ReportId));
        var again = await The.Intake.DispatchesAsync(The.Intake.Dispatch(receipt.ReportId, The.Centre));
        Assert.Equal(2, again.Offers.Count);
        var recalled = (await The.Intake.AskAsync(to => to.Reports.RecallReportAsync(new() { Context = The.Intake.Screening(), RequestId = Some.RequestId(), ReportId = receipt.ReportId }))).Report;
        Assert.Equal((Wire.ReportState.Screened, Wire.ReferralState.Withdrawn), (recalled.State, recalled.Offers[1].State));
        var closed = (await The.Intake.AskAsync(to => to.Reports.CloseReportAsync(new()
        {
            Context = The.Intake.Screening(), RequestId = Some.RequestId(), ReportId = receipt.ReportId, Reason = Wire.NotOpenedReason.NeedAlreadyMet, Etag = recalled.Etag,
        }))).Report;
        Assert.Equal((Wire.ReportState.NotOpened, 0), (closed.State, Running(receipt.ReportId).Count));
    }

    [Fact]
    [Trait("Rule", "R-INT-10")]
    public async Task An_offer_that_has_ended_is_not_accepted_and_the_next_dispatch_takes_it_back()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var receipt = await the.School.ReportsAsync(ReportMoves.Content(reportedAt: own.Clock.GetUtcNow().AddHours(-1)));
        await the.Intake.ScreensAsync(receipt.ReportId);
        var until = Timestamp.FromDateTimeOffset(own.Clock.GetUtcNow().AddMinutes(30));
        var offered = await the.Intake.DispatchesAsync(With(the.Intake.Dispatch(receipt.ReportId, the.WanhuaCentre), d => d.OfferUntil = until));
        await the.WanhuaCentre.EmptiesInboxAsync();
        own.Clock.Advance(TimeSpan.FromMinutes(31));
        var late = await Refused.ByAsync(() => the.WanhuaCentre.MovesAsync(Wire.ReferralAction.Accept, offered.OfferOf(the.WanhuaCentre)));
        Assert.Equal(Wire.ErrorReason.OfferEnded, late.Reason);
        Assert.Equal(Wire.NextAction.OfferAgain, (await the.Intake.SeesReportAsync(receipt.ReportId, the.Intake.Screening())).Offers[0].NextAction);
        var again = await the.Intake.DispatchesAsync(the.Intake.Dispatch(receipt.ReportId, the.WanhuaCentre));
        Assert.Equal([Wire.ReferralState.Withdrawn, Wire.ReferralState.Submitted], again.Offers.Select(offer => offer.State));
        await the.WanhuaCentre.AcceptsOfferAsync(again);
        Assert.Equal((Wire.ReportState.Accepted, the.WanhuaCentre.UnitId), ((await the.Intake.SeesReportAsync(receipt.ReportId, the.Intake.Screening())).State, (await the.Intake.SeesReportAsync(receipt.ReportId, the.Intake.Screening())).LeadUnitId));
    }

    [Fact]
    [Trait("Rule", "R-INT-7")]
    public async Task A_campus_report_of_a_child_in_danger_asks_for_the_protective_report_until_it_is_filed()
    {
        var subject = Some.Stranger();
        // What another agency has filed does not count, and is not told.
        await The.Police.ReportsAsync(With(ReportMoves.Content(subject), c => c.Kind = Wire.ReportKind.ChildProtection));
        var campus = await The.School.ReportsAsync(ReportMoves.CampusSafety(subject));
        var duty = Assert.Single(campus.RequiredActions);
        Assert.Equal((Wire.RequiredActionKind.FileProtectiveReport, null), (duty.Kind, duty.DoneAt));
        Assert.Contains(Wire.ClockKind.ProtectiveReportDue, Running(campus.ReportId));
        await The.Intake.ScreensAsync(campus.ReportId, Wire.ReportClass.New);
        Assert.Null((await The.School.SeesReportAsync(campus.ReportId)).RequiredActions.Single().DoneAt);
        var lines = await The.School.AskAsync(to => to.Reports.ListReportsAsync(new() { Context = The.School.Context(), PageSize = 1, PageToken = PageToken.Of(Before(campus.ReportId)) }));
        Assert.Equal((campus.ReportId, true), (lines.Reports[0].ReportId, lines.Reports[0].ActionRequired));

        var answers = With(ReportMoves.Content(subject), c => (c.SourceSystem, c.Kind, c.AnswersReportId) = (Wire.SourceSystem.CampusSafety, Wire.ReportKind.ChildProtection, campus.ReportId));
        var stranger = With(answers.Clone(), c => c.Subjects[0] = ReportMoves.Subject(Some.Stranger()));
        await AssertRefusedAloneAsync(Wire.ErrorReason.LinkNotPossible, () => The.School.ReportsAsync(stranger));
        var filed = await The.School.ReportsAsync(answers);
        Assert.Empty(filed.RequiredActions);
        var done = (await The.School.SeesReportAsync(campus.ReportId)).RequiredActions.Single();
        Assert.Equal(filed.ReportId, done.DoneByReportId);
        Assert.NotNull(done.DoneAt);
        Assert.DoesNotContain(Wire.ClockKind.ProtectiveReportDue, Running(campus.ReportId));
        // With the protective report beside it, a further campus report asks for nothing.
        Assert.Empty((await The.School.ReportsAsync(ReportMoves.CampusSafety(subject))).RequiredActions);
        Assert.Empty((await The.School.ReportsAsync(With(ReportMoves.CampusSafety(), c => c.RiskFacts.Clear()))).RequiredActions);
    }

    [Fact]
    [Trait("Rule", "R-INT-7")]
    public async Task Bug_A_campus_report_that_the_desk_does_not_open_leaves_its_school_the_clock_of_the_protective_report()
    {
        var campus = await The.School.ReportsAsync(ReportMoves.CampusSafety(Some.Stranger()));
        await The.Intake.ScreensAsync(campus.ReportId, Wire.ReportClass.New);
        await The.Intake.AskAsync(to => to.Reports.CloseReportAsync(new()
        {
            Context = The.Intake.Screening(), RequestId = Some.RequestId(), ReportId = campus.ReportId, Reason = Wire.NotOpenedReason.NeedAlreadyMet,
        }));
        Assert.Null((await The.School.SeesReportAsync(campus.ReportId)).RequiredActions.Single().DoneAt);
        Assert.Equal([Wire.ClockKind.ProtectiveReportDue], Running(campus.ReportId));
    }

    [Fact]
    [Trait("Rule", "R-INT-8")]
    public async Task A_juvenile_notice_reaches_the_school_and_the_youth_guidance_committee_and_the_school_takes_note()
    {
        var youth = The.YouthGuidance;
        await The.School.EmptiesInboxAsync();
        await youth.EmptiesInboxAsync();
        var content = With(ReportMoves.Content(), c =>
        {
            (c.SourceSystem, c.Kind, c.SchoolUnitId) = (Wire.SourceSystem.JuvenileNotice, Wire.ReportKind.JuvenileNotice, The.School.UnitId);
            c.Problems[0] = Wire.ReportProblem.JuvenileDeviance;
            c.Facts[0] = Some.Fact(JuvenileJustice, "深夜聚集，違反社會秩序維護法");
        });
        var receipt = await The.Police.ReportsAsync(content);
        Assert.Equal(2, receipt.ReferralIds.Count);
        foreach (var (unit, referral) in ((Party, string)[])[(The.School, receipt.ReferralIds[0]), (youth, receipt.ReferralIds[1])])
        {
            Assert.Contains(await unit.EmptiesInboxAsync(), n => n.Kind == Wire.NoticeKind.ReferralReceived && n.ReferralId == referral);
            var notice = await unit.ReadsAsync(referral);
            Assert.Equal("深夜聚集，違反社會秩序維護法", Assert.Single(notice.Facts).Text);
        }

        Assert.Equal([Wire.ClockKind.JuvenileNoticeAcknowledgement], Running(receipt.ReferralIds[0], Wire.ClockKind.JuvenileNoticeAcknowledgement));
        Assert.Empty(Running(receipt.ReferralIds[1], Wire.ClockKind.JuvenileNoticeAcknowledgement));
        await The.School.MovesAsync(Wire.ReferralAction.See, receipt.ReferralIds[0]);
        Assert.Empty(Running(receipt.ReferralIds[0], Wire.ClockKind.JuvenileNoticeAcknowledgement));
        var noSchool = With(content.Clone(), c => c.SchoolUnitId = The.Centre.UnitId);
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Police.ReportsAsync(noSchool));
    }

    [Fact]
    [Trait("Rule", "R-NTK-5")]
    public async Task Who_reported_is_seen_by_the_desk_while_it_screens_and_by_the_protection_centre_that_has_it_and_by_nobody_else()
    {
        var protective = With(ReportMoves.Content(), c => (c.Kind, c.Facts[0]) = (Wire.ReportKind.ChildProtection, Some.Fact(ChildProtection, "身上多處瘀傷")));
        var receipt = await The.School.ReportsAsync(protective);
        await The.Intake.ScreensAsync(receipt.ReportId);
        var dispatched = await The.Intake.DispatchesAsync(With(The.Intake.Dispatch(receipt.ReportId, The.ProtectionCentre), d => d.View = Some.View(ChildProtection)));
        Assert.True(dispatched.Protective);
        Assert.Equal("通報某", dispatched.Content.Reporter.Name);
        var offered = await Refused.ByAsync(() => The.ProtectionCentre.SeesReportAsync(receipt.ReportId));
        Assert.Equal(Wire.ErrorReason.NotFound, offered.Reason);
        await The.ProtectionCentre.AcceptsOfferAsync(dispatched);
        var held = await The.ProtectionCentre.SeesReportAsync(receipt.ReportId);
        Assert.Equal(("通報某", "身上多處瘀傷"), (held.Content.Reporter.Name, held.Content.Facts[0].Text));
        Assert.Empty((await The.Intake.SeesReportAsync(receipt.ReportId, The.Intake.Screening())).Content.Reporter?.Name ?? "");

        var plain = await The.School.ReportsAsync();
        await The.Intake.ScreensAsync(plain.ReportId);
        await The.WanhuaCentre.AcceptsOfferAsync(await The.Intake.DispatchesAsync(The.Intake.Dispatch(plain.ReportId, The.WanhuaCentre)));
        Assert.Empty((await The.WanhuaCentre.SeesReportAsync(plain.ReportId)).Content.Reporter?.Name ?? "");
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task A_receipt_is_the_same_whether_anybody_is_known_and_strangers_get_nothing_of_a_report()
    {
        var known = await The.School.AnswerAsync(to => to.Reports.SubmitReportAsync(The.School.Report(ReportMoves.Content(Some.SubjectOf(Some.Family().Child)))));
        var unknown = await The.School.AnswerAsync(to => to.Reports.SubmitReportAsync(The.School.Report(ReportMoves.Content())));
        // An instant takes more or fewer bytes by its fraction of a second.
        known.Value.Receipt.ReceivedAt = unknown.Value.Receipt.ReceivedAt;
        Assert.Equal(known.Value.CalculateSize(), unknown.Value.CalculateSize());
        Assert.Equal(known.Value.Disclosure.ShownClasses, unknown.Value.Disclosure.ShownClasses);
        foreach (var stranger in (Party[])[The.Police, The.CentreOfTaoyuan, The.HealthStation])
        {
            var theirs = await Refused.ByAsync(() => stranger.SeesReportAsync(known.Value.Receipt.ReportId));
            var nobodys = await Refused.ByAsync(() => stranger.SeesReportAsync(The.NobodysUuid));
            Assert.Equal((Wire.ErrorReason.NotFound, nobodys.Refusal.MessageEn), (theirs.Reason, theirs.Refusal.MessageEn));
        }
    }

    /// <summary>What is handed in wrongly, the field that is told, and the reason.</summary>
    public static TheoryData<string, string, Wire.ErrorReason, string> Wrong() => new()
    {
        { "no subject", "school", Wire.ErrorReason.InvalidField, "content.subjects" },
        { "two families", "school", Wire.ErrorReason.NotOneFamily, "content.subjects[1].relation" },
        { "no relation", "school", Wire.ErrorReason.InvalidField, "content.subjects[1].relation" },
        { "twice", "school", Wire.ErrorReason.InvalidField, "content.subjects[1].national_id" },
        { "future", "school", Wire.ErrorReason.InvalidField, "content.reported_at" },
        { "long ago", "school", Wire.ErrorReason.InvalidField, "content.reported_at" },
        { "unborn", "school", Wire.ErrorReason.InvalidField, "content.subjects[0].birth_date" },
        { "not its system", "police", Wire.ErrorReason.SourceNotYours, "" },
        { "not its kind", "school", Wire.ErrorReason.ReportKindNotOfSource, "" },
        { "no facts", "school", Wire.ErrorReason.InvalidField, "content.facts" },
        { "a school where none belongs", "school", Wire.ErrorReason.InvalidField, "content.school_unit_id" },
        { "a county without a centre", "school", Wire.ErrorReason.UnitNotAvailable, "" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    [Trait("Rule", "R-INT-1")]
    public async Task A_wrong_report_is_refused_with_field_reason_and_remedy_and_leaves_nothing_but_its_record(string what, string who, Wire.ErrorReason reason, string field)
    {
        var content = ReportMoves.Content();
        switch (what)
        {
            case "no subject": content.Subjects.Clear(); break;
            case "two families": content.Subjects.Add(ReportMoves.Subject(Some.Stranger(), Wire.SubjectRelation.NotFamily)); break;
            case "no relation": content.Subjects.Add(ReportMoves.Subject(Some.Stranger())); break;
            case "twice": content.Subjects.Add(With(content.Subjects[0].Clone(), s => (s.NationalId, s.Relation) = (s.NationalId.ToLowerInvariant(), Wire.SubjectRelation.Child))); break;
            case "future": content.ReportedAt = Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow().AddHours(1)); break;
            case "long ago": content.ReportedAt = Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow().AddDays(-400)); break;
            case "unborn": content.Subjects[0].BirthDate = "2150-01-01"; break;
            case "not its system": content.SourceSystem = Wire.SourceSystem.CampusSafety; break;
            case "not its kind": content.Kind = Wire.ReportKind.EmploymentNeed; break;
            case "no facts": content.Facts.Clear(); break;
            case "a school where none belongs": content.SchoolUnitId = The.School.UnitId; break;
            case "a county without a centre": content.Jurisdiction = Wire.Jurisdiction.Kin; break;
        }

        var party = who == "police" ? The.Police : The.School;
        var refused = await AssertRefusedAloneAsync(reason, () => party.ReportsAsync(content));
        if (field.Length > 0 && reason == Wire.ErrorReason.InvalidField) Assert.Equal(field, refused.Refusal.Faults[0].Field);
        else if (field.Length > 0) Assert.Equal(field, refused.Refusal.Metadata["field"]);
    }

    [Fact]
    [Trait("Rule", "R-INT-1")]
    public async Task A_report_is_taken_once_per_request_id_and_its_replay_tells_the_first_receipt()
    {
        var request = The.School.Report(ReportMoves.CampusSafety());
        var first = (await The.School.AskAsync(to => to.Reports.SubmitReportAsync(request))).Receipt;
        var rows = Exchange.Query("SELECT count(*) FROM report", r => r.GetInt64(0))[0];
        Assert.Equal(first, (await The.School.AskAsync(to => to.Reports.SubmitReportAsync(request))).Receipt);
        Assert.Equal(rows, Exchange.Query("SELECT count(*) FROM report", r => r.GetInt64(0))[0]);
        await AssertRefusedAloneAsync(Wire.ErrorReason.IdempotencyMismatch, () => The.School.AskAsync(to => to.Reports.SubmitReportAsync(With(request.Clone(), r => r.Content.District = "中正區"))));
    }

    [Fact]
    [Trait("Rule", "R-INT-1")]
    public async Task A_stream_takes_each_message_by_itself_tells_of_each_in_order_and_once_per_request_id()
    {
        var rows = Enumerable.Range(0, 40).Select(number => new Wire.SubmitReportsRequest
        {
            Context = The.School.Context(), RequestId = Some.RequestId(), Content = With(ReportMoves.Content(), c =>
            {
                if (number % 10 == 3) c.Subjects[0].NationalId = "A123456788";
                if (number % 10 == 7) c.ReportedAt = Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow().AddDays(1));
            }),
        }).ToList();
        rows[20].Context.Purpose = Wire.Purpose.Statistics;
        var (before, records) = (Count(), Exchange.RecordCount());
        var answer = await StreamAsync(rows);
        Assert.Equal(Enumerable.Range(1, 40), answer.Results.Select(result => result.Number));
        Assert.Equal(rows.Select(row => row.RequestId), answer.Results.Select(result => result.RequestId));
        Assert.Equal((31, 9), (answer.Taken, answer.Refused));
        Assert.Equal(before + 31, Count());
        Assert.Equal(41, Exchange.RecordsFrom(records).Count);
        foreach (var (result, number) in answer.Results.Select((result, number) => (result, number)))
        {
            var wrong = number switch { 20 => "", _ when number % 10 == 3 => "content.subjects[0].national_id", _ when number % 10 == 7 => "content.reported_at", _ => null };
            Assert.Equal(wrong is null, result.Receipt is not null);
            Assert.Matches("^[0-9]+:", result.Record);
            if (wrong is null) continue;
            Assert.Equal(number == 20 ? Wire.ErrorReason.PurposeNotAllowed : Wire.ErrorReason.InvalidField, result.Reason);
            Assert.NotEmpty(result.MessageZh);
            if (wrong.Length > 0) Assert.Equal(wrong, result.Fields[0].Field);
        }

        // Handed in again after a cut, and with one more: those that were taken tell their first receipt.
        rows.Add(new Wire.SubmitReportsRequest { Context = The.School.Context(), RequestId = Some.RequestId(), Content = ReportMoves.Content() });
        var again = await StreamAsync(rows);
        Assert.Equal(answer.Results.Select(result => result.Receipt), again.Results.Take(40).Select(result => result.Receipt));
        Assert.Equal((32, before + 32), (again.Taken, Count()));

        long Count() => Exchange.Query("SELECT count(*) FROM report", r => r.GetInt64(0))[0];
    }

    [Fact]
    public async Task A_stream_of_too_many_messages_takes_a_thousand_and_refuses_the_others_one_by_one()
    {
        var content = ReportMoves.Content();
        var rows = Enumerable.Range(0, 1003).Select(_ => new Wire.SubmitReportsRequest { Context = The.School.Context(), RequestId = Some.RequestId(), Content = content });
        var answer = await StreamAsync(rows);
        Assert.Equal((1000, 3), (answer.Taken, answer.Refused));
        Assert.All(answer.Results.Skip(1000), result => Assert.Equal(Wire.ErrorReason.TooManyRows, result.Reason));
    }

    private async Task<Wire.SubmitReportsResponse> StreamAsync(IEnumerable<Wire.SubmitReportsRequest> rows)
    {
        using var call = The.School.Channel.Reports.SubmitReports();
        foreach (var row in rows) await call.RequestStream.WriteAsync(row);
        await call.RequestStream.CompleteAsync();
        return await call;
    }

    /// <summary>The greatest id below one.</summary>
    private static Guid Before(string id)
    {
        var bytes = Guid.Parse(id).ToByteArray(bigEndian: true);
        for (var at = 15; bytes[at]-- == 0; at--) continue;
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>Clocks that run for a thing.</summary>
    private List<Wire.ClockKind> Running(string id, params Wire.ClockKind[] kinds) =>
        [.. Exchange.Query("SELECT kind FROM clock WHERE resource_id = $0 AND stopped_at IS NULL ORDER BY kind", r => (Wire.ClockKind)r.GetInt32(0), Guid.Parse(id).ToByteArray(true))
            .Where(kind => kinds.Length == 0 || kinds.Contains(kind))];

    private static T With<T>(T message, Action<T> set)
    {
        set(message);
        return message;
    }
}
