using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Reports;

namespace SafetyNet.Exchange.Tests.Disputes;

/// <summary>Disputes over the lead through the wire (R-INT-9): an interim lead at every instant, a ruling, one appeal, and precedents that hold nothing personal.</summary>
[Trait("Rule", "R-INT-9")]
public sealed class LeadDisputeWireTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task The_interim_lead_serves_until_the_unit_of_the_ruling_accepts_and_a_third_dispute_is_refused()
    {
        var (reportId, referralId) = await The.LedByAsync(The.WanhuaCentre);
        await The.Intake.EmptiesInboxAsync();
        await The.Centre.EmptiesInboxAsync();
        var dispute = await The.WanhuaCentre.DisputesAsync(reportId, The.Centre);
        Assert.Equal((Wire.LeadDisputeState.Open, The.WanhuaCentre.UnitId, The.Centre.UnitId, The.Intake.UnitId, DisputeMoves.Why),
            (dispute.State, dispute.InterimLeadUnitId, dispute.ProposedUnitId, dispute.ArbiterUnitId, dispute.Statement));
        Assert.Equal([Wire.NoticeKind.LeadDisputeOpened], await The.Intake.HearsOfAsync(dispute.DisputeId));
        Assert.Equal([Wire.NoticeKind.LeadDisputeOpened], await The.Centre.HearsOfAsync(dispute.DisputeId));
        Assert.Equal(DisputeMoves.Why, (await The.Intake.SeesDisputeAsync(dispute.DisputeId, The.Intake.Screening())).Statement);
        Assert.True((await The.Intake.AskAsync(to => to.LeadDisputes.ListLeadDisputesAsync(new() { Context = The.Intake.Screening(), PageSize = 500 }))).Disputes
            .Single(one => one.DisputeId == dispute.DisputeId).ToBeRuled);
        Assert.Equal(1, Running(dispute.DisputeId, The.Intake));
        var second = await AssertRefusedAloneAsync(Wire.ErrorReason.LeadDisputeOpen, () => The.WanhuaCentre.DisputesAsync(reportId, The.Centre));
        Assert.Equal(dispute.DisputeId, second.Refusal.Metadata["dispute_id"]);

        var ruled = await The.Intake.RulesAsync(dispute.DisputeId, The.Centre);
        Assert.Equal((Wire.LeadDisputeState.Ruled, Wire.LeadHandover.Pending, 0), (ruled.State, ruled.Handover, Running(dispute.DisputeId, The.Intake)));
        Assert.Equal([Wire.NoticeKind.LeadDisputeRuled], await The.WanhuaCentre.HearsOfAsync(dispute.DisputeId));
        Assert.Equal((The.Centre.UnitId, DisputeMoves.Grounds), (ruled.Rulings.Single().LeadUnitId, (await The.WanhuaCentre.SeesDisputeAsync(dispute.DisputeId)).Rulings[0].Grounds));
        // Until the new one accepts, the old one leads and serves; the first contact is its duty and its deed.
        Assert.Equal((The.WanhuaCentre.UnitId, Wire.ReferralState.Accepted), (await LeadAsync(reportId), (await The.WanhuaCentre.ReadsAsync(referralId)).State));
        await AssertRefusedAloneAsync(Wire.ErrorReason.LeadDisputeOpen, () => The.WanhuaCentre.DisputesAsync(reportId, The.Centre));
        await The.Centre.AcceptsAsync(ruled.HandoverReferralId);
        var taken = await The.Centre.ReadsAsync(ruled.HandoverReferralId);
        Assert.Equal((The.Intake.UnitId, "積欠房租三個月", referralId), (taken.FromUnitId, Assert.Single(taken.Facts).Text, taken.TransferredFromId));
        Assert.Equal((The.Centre.UnitId, Wire.ReferralState.Transferred), (await LeadAsync(reportId), (await The.WanhuaCentre.ReadsAsync(referralId)).State));
        var report = await The.Intake.SeesReportAsync(reportId, The.Intake.Screening());
        Assert.Equal((Wire.ReportState.Accepted, Wire.ReportAction.LeadChanged), (report.State, report.Moves[^1].Action));
        Assert.Equal((0, 1), (Running(reportId, The.WanhuaCentre), Running(reportId, The.Centre)));
        Assert.Equal((Wire.LeadHandover.Done, ""), ((await The.WanhuaCentre.SeesDisputeAsync(dispute.DisputeId)) is var after ? (after.Handover, after.Statement) : default));
        Assert.Equal(DisputeMoves.Why, (await The.Centre.SeesDisputeAsync(dispute.DisputeId)).Statement);
        Assert.Equal(Wire.ErrorReason.NotFound, (await The.WanhuaCentre.AskInVainAsync(to => to.Reports.GetReportAsync(new() { Context = The.WanhuaCentre.Context(), ReportId = reportId }))).Reason);
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => The.WanhuaCentre.AppealsAsync(dispute.DisputeId));

        // The second hop back, which the unit declines: the lead stays, and there is no third dispute.
        var back = await The.Centre.DisputesAsync(reportId, The.WanhuaCentre);
        var declined = (await The.Intake.RulesAsync(back.DisputeId, The.WanhuaCentre)).HandoverReferralId;
        await The.WanhuaCentre.MovesAsync(declined, Wire.ReferralAction.See, Wire.ReferralAction.Decline);
        Assert.Equal((Wire.LeadHandover.Declined, The.Centre.UnitId), ((await The.Centre.SeesDisputeAsync(back.DisputeId)).Handover, await LeadAsync(reportId)));
        Assert.Equal(Wire.ReferralState.Accepted, (await The.Centre.ReadsAsync(ruled.HandoverReferralId)).State);
        Assert.Equal("2", (await AssertRefusedAloneAsync(Wire.ErrorReason.LeadDisputesExhausted, () => The.Centre.DisputesAsync(reportId, The.WanhuaCentre))).Refusal.Metadata["limit"]);
    }

    [Fact]
    [Trait("Rule", "R-INT-4")]
    public async Task Bug_A_ruling_that_moves_the_lead_moves_the_case_that_the_interim_lead_answered_for()
    {
        var (reportId, referralId) = await The.LedByAsync(The.WanhuaCentre);
        var ruled = await The.Intake.RulesAsync((await The.WanhuaCentre.DisputesAsync(reportId, The.Centre)).DisputeId, The.Centre);
        var opened = (await The.WanhuaCentre.OpensCaseAsync(referralId)).CaseId;
        await The.Centre.AcceptsAsync(ruled.HandoverReferralId);

        var parts = (await The.Centre.SeesCaseAsync(opened)).Case.Participants;
        Assert.Equal([The.Centre.UnitId], parts.Where(part => part.Role == Wire.ParticipantRole.Primary).Select(part => part.UnitId));
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.WanhuaCentre.SeesCaseAsync(opened))).Reason);
        Assert.Contains(await The.WanhuaCentre.EmptiesInboxAsync(), notice => notice.Kind == Wire.NoticeKind.CasePrimaryPassed && notice.CaseId == opened);
    }

    [Fact]
    public async Task An_appeal_goes_to_the_city_level_whose_ruling_is_final_and_a_late_ruling_is_told_above()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var (reportId, referralId) = await the.LedByAsync(the.WanhuaCentre);
        var dispute = (await the.WanhuaCentre.DisputesAsync(reportId, the.Centre)).DisputeId;
        var ruled = await the.Intake.RulesAsync(dispute, the.Centre);
        await own.ChangeRegistryAsync(registry => registry.Units.Single(u => u.UnitId == the.Intake.UnitId).SupervisorUnitId = "");
        await AssertRefusedAloneAsync(Wire.ErrorReason.NoHigherArbiter, () => the.Centre.AppealsAsync(dispute), own);
        await own.ChangeRegistryAsync(registry => registry.Units.Single(u => u.UnitId == the.Intake.UnitId).SupervisorUnitId = the.ProtectionCentre.UnitId);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => the.ProtectionCentre.SeesDisputeAsync(dispute, the.ProtectionCentre.Screening()))).Reason);

        await the.Intake.EmptiesInboxAsync();
        var appealed = await the.Centre.AppealsAsync(dispute);
        Assert.Equal((Wire.LeadDisputeState.Appealed, the.ProtectionCentre.UnitId, Wire.LeadHandover.Unspecified), (appealed.State, appealed.ArbiterUnitId, appealed.Handover));
        Assert.Equal(Wire.ReferralState.Withdrawn, (await the.Centre.ReadsAsync(ruled.HandoverReferralId)).State);
        Assert.Empty((await the.WanhuaCentre.ReadsAsync(referralId)).Pending);
        Assert.Equal([Wire.NoticeKind.LeadDisputeAppealed], await the.ProtectionCentre.HearsOfAsync(dispute));
        Assert.Equal([Wire.NoticeKind.LeadDisputeAppealed], await the.Intake.HearsOfAsync(dispute));
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => the.WanhuaCentre.AppealsAsync(dispute), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => the.Intake.RulesAsync(dispute, the.Centre), own);
        // Who worked on it for a party, or ruled before, in whatever unit of the agency, is no arbiter.
        await AssertRefusedAloneAsync(Wire.ErrorReason.ArbiterTookPart, () => the.ProtectionCentre.Colleague(the.WanhuaCentre.PersonId).RulesAsync(dispute, the.Centre), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.ArbiterTookPart, () => the.ProtectionCentre.Colleague(the.Intake.PersonId).RulesAsync(dispute, the.Centre), own);

        var final = await the.ProtectionCentre.RulesAsync(dispute, the.WanhuaCentre);
        Assert.Equal((Wire.LeadDisputeState.Final, 2, Wire.ArbiterLevel.City, ""), (final.State, final.Rulings.Count, final.Rulings[1].Level, final.HandoverReferralId));
        Assert.Equal([Wire.NoticeKind.LeadDisputeRuled], await the.Intake.HearsOfAsync(dispute));
        var precedents = await the.CentreOfTaoyuan.FindsPrecedentsAsync("R-INT-4");
        Assert.Equal([(Wire.ArbiterLevel.City, false, false), (Wire.ArbiterLevel.CentralIntake, true, true)], precedents.Select(one => (one.Level, one.LeadChanges, one.Overruled)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => the.WanhuaCentre.AppealsAsync(dispute), own);

        // A second dispute that nobody rules on: the desk hears of it, then its supervisor and the interim lead.
        var late = (await the.WanhuaCentre.DisputesAsync(reportId, the.Centre)).DisputeId;
        foreach (var party in (Party[])[the.Intake, the.ProtectionCentre, the.WanhuaCentre]) await party.EmptiesInboxAsync();
        var clock = (await the.Intake.AskAsync(to => to.Clocks.ListClocksAsync(new() { Context = the.Intake.Context(), PageSize = 500 }))).Clocks.Single(one => one.Resource == $"dispute/{late}");
        own.Clock.Advance(TimeSpan.FromDays(14));
        await own.Composition.Clocks.RunAsync(CancellationToken.None);
        Assert.Equal([Wire.NoticeKind.ClockReminder, Wire.NoticeKind.ClockOverdue], await ToldAsync(the.Intake));
        Assert.Equal([Wire.NoticeKind.ClockEscalated], await ToldAsync(the.ProtectionCentre));
        Assert.Equal([Wire.NoticeKind.ClockEscalated], await ToldAsync(the.WanhuaCentre));

        async Task<IEnumerable<Wire.NoticeKind>> ToldAsync(Party party) => (await party.EmptiesInboxAsync()).Where(n => n.ClockId == clock.ClockId).Select(n => n.Kind);
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task A_dispute_is_the_parties_and_the_arbiters_and_to_others_as_if_it_were_not_there()
    {
        var (reportId, _) = await The.LedByAsync(The.WanhuaCentre);
        var open = await The.WanhuaCentre.DisputesAsync(reportId, The.Centre);
        foreach (var stranger in (Party[])[The.ProtectionCentre, The.School, The.Police])
        {
            var (there, nowhere) = (await Refused.ByAsync(() => stranger.SeesDisputeAsync(open.DisputeId)), await Refused.ByAsync(() => stranger.SeesDisputeAsync(The.NobodysUuid)));
            Assert.Equal((Wire.ErrorReason.NotFound, nowhere.Look()), (there.Reason, there.Look()));
            await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => stranger.AppealsAsync(open.DisputeId));
            await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => stranger.DisputesAsync(reportId, The.Centre));
            Assert.DoesNotContain((await stranger.AskAsync(to => to.LeadDisputes.ListLeadDisputesAsync(new() { Context = stranger.Context(), PageSize = 500 }))).Disputes, one => one.DisputeId == open.DisputeId);
        }

        // A party cannot rule; it sees what is said. For another purpose it sees states only.
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.WanhuaCentre.RulesAsync(open.DisputeId, The.Centre));
        Assert.Equal(DisputeMoves.Why, (await The.Centre.SeesDisputeAsync(open.DisputeId)).Statement);
        Assert.Equal((Wire.LeadDisputeState.Open, ""), (await The.Centre.SeesDisputeAsync(open.DisputeId, The.Centre.Screening())) is var seen ? (seen.State, seen.Statement) : default);
        foreach (var text in (string[])[DisputeMoves.Why, DisputeMoves.Grounds])
            Assert.Equal(0, Exchange.Query("SELECT count(*) FROM lead_dispute WHERE instr(statement, CAST($0 AS BLOB)) > 0", r => r.GetInt64(0), text)[0]);
    }

    [Fact]
    public async Task What_a_dispute_asks_for_is_refused_where_it_cannot_be_and_a_precedent_tells_of_nobody()
    {
        var content = ReportMoves.Content();
        content.Subjects[0].Name = "陳測某";
        var (reportId, _) = await The.LedByAsync(The.WanhuaCentre, content);
        await RefusesAsync(Wire.ErrorReason.InvalidField, request => request.RuleId = "因為我忙");
        await RefusesAsync(Wire.ErrorReason.InvalidField, request => request.Statement = "太忙");
        await RefusesAsync(Wire.ErrorReason.InvalidField, request => request.ProposedUnitId = The.WanhuaCentre.UnitId);
        await RefusesAsync(Wire.ErrorReason.InvalidField, request => request.ProposedUnitId = The.Intake.UnitId);
        await RefusesAsync(Wire.ErrorReason.UnitNotAvailable, request => request.ProposedUnitId = "tpe-nowhere");
        await RefusesAsync(Wire.ErrorReason.ServiceNotOffered, request => request.ProposedUnitId = The.Police.UnitId);
        var dispute = (await The.WanhuaCentre.DisputesAsync(reportId, The.Centre)).DisputeId;
        foreach (var told in (string[])[$"陳測某之家庭，{DisputeMoves.General}", $"{content.Subjects[0].NationalId} 之家庭，{DisputeMoves.General}", $"通報某所述，{DisputeMoves.General}"])
        {
            await AssertRefusedAloneAsync(Wire.ErrorReason.PrincipleNotGeneral,
                () => The.Intake.AskAsync(to => to.LeadDisputes.DecideLeadDisputeAsync(The.Intake.Ruling(dispute, The.Centre, told))));
        }

        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Intake.RulesAsync(dispute, The.School));
        await AssertRefusedAloneAsync(Wire.ErrorReason.ArbiterTookPart, () => The.Intake.Colleague(The.WanhuaCentre.PersonId).RulesAsync(dispute, The.Centre));
        var request = The.Intake.Ruling(dispute, The.WanhuaCentre);
        var first = await The.Intake.AskAsync(to => to.LeadDisputes.DecideLeadDisputeAsync(request));
        var again = await The.Intake.AskAsync(to => to.LeadDisputes.DecideLeadDisputeAsync(request));
        Assert.Equal((first.Dispute, 1), (again.Dispute, again.Dispute.Rulings.Count));
        Assert.Equal((Wire.LeadHandover.Unspecified, The.WanhuaCentre.UnitId), (first.Dispute.Handover, await LeadAsync(reportId)));

        var found = await The.CentreOfTaoyuan.FindsPrecedentsAsync("TRIAGE-SINGLE-NEED", Wire.UnitKind.SocialWelfareCenter);
        var precedent = found[0];
        Assert.Equal(
            ("R-INT-4", "TRIAGE-SINGLE-NEED", false, DisputeMoves.General, Wire.ReportKind.VulnerableFamily),
            (precedent.CitedRuleId, precedent.RuleId, precedent.LeadChanges, precedent.Principle, precedent.ReportKind));
        foreach (var secret in (string[])[reportId, dispute, content.Subjects[0].NationalId, "陳測某", DisputeMoves.Grounds, DisputeMoves.Why, The.WanhuaCentre.UnitId])
            Assert.DoesNotContain(secret, precedent.ToString(), StringComparison.Ordinal);
        Assert.Equal(found, await The.School.FindsPrecedentsAsync("TRIAGE-SINGLE-NEED", Wire.UnitKind.SocialWelfareCenter, size: 1));
        Assert.Empty(await The.School.FindsPrecedentsAsync("R-INT-99"));
        Assert.Empty(await The.School.FindsPrecedentsAsync("R-INT-4", Wire.UnitKind.BoroughOffice));

        Task RefusesAsync(Wire.ErrorReason reason, Action<Wire.OpenLeadDisputeRequest> change)
        {
            var asked = The.WanhuaCentre.Disputing(reportId, The.Centre);
            change(asked);
            return AssertRefusedAloneAsync(reason, () => The.WanhuaCentre.AskAsync(to => to.LeadDisputes.OpenLeadDisputeAsync(asked)));
        }
    }

    private async Task<string> LeadAsync(string reportId) => (await The.Intake.SeesReportAsync(reportId, The.Intake.Screening())).LeadUnitId;

    /// <summary>How many clocks of a thing run at a unit.</summary>
    private long Running(string id, Party unit) => Exchange.Query(
        "SELECT count(*) FROM clock WHERE resource_id = $0 AND unit_id = $1 AND stopped_at IS NULL", r => r.GetInt64(0), Guid.Parse(id).ToByteArray(true), unit.UnitId)[0];
}
