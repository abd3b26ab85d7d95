using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.ReferralAction;
using static SafetyNet.Exchange.V1.ReferralState;

namespace SafetyNet.Exchange.Tests.Referrals;

public sealed class ReferralWireTests(TestExchange exchange) : WireTests(exchange)
{
    /// <summary>How each state is reached, by whom (true: the referrer).</summary>
    private static readonly Dictionary<Wire.ReferralState, (bool ByReferrer, Wire.ReferralAction Action)[]> WayTo = new()
    {
        [Submitted] = [],
        [Delivered] = [(false, Deliver)],
        [Seen] = [(false, Deliver), (false, See)],
        [Accepted] = [(false, Deliver), (false, See), (false, Accept)],
        [Returned] = [(false, Deliver), (false, See), (false, Return)],
        [Declined] = [(false, Deliver), (false, See), (false, Decline)],
        [InService] = [(false, Deliver), (false, See), (false, Accept), (false, BeginService)],
        [Closed] = [(false, Deliver), (false, See), (false, Accept), (false, BeginService), (false, Close)],
        [Withdrawn] = [(true, Withdraw)],
        [Transferred] = [(false, Deliver), (false, See), (false, Accept), (false, ProposeTransfer)],
    };

    private static readonly Dictionary<Handshakes, (bool ByReferrer, Wire.ReferralAction Action)[]> WayToPending = new()
    {
        [Handshakes.None] = [],
        [Handshakes.Withdrawal] = [(true, RequestWithdrawal)],
        [Handshakes.Transfer] = [(false, ProposeTransfer)],
        [Handshakes.Withdrawal | Handshakes.Transfer] = [(false, ProposeTransfer), (true, RequestWithdrawal)],
    };

    private static readonly Wire.ReferralAction[] Calls = 
    [
        See, Accept, Return, Resubmit, Decline, Withdraw, BeginService, Close, RequestWithdrawal, ConfirmWithdrawal, RefuseWithdrawal, ProposeTransfer, Assign,
        RecordPersuasion, RecordSearch,
    ];

    public static TheoryData<Wire.ReferralState, int> ReachableStates()
    {
        var data = new TheoryData<Wire.ReferralState, int>();
        foreach (var state in WayTo.Keys) data.Add(state, 0);
        foreach (var pending in WayToPending.Keys.Where(p => p != Handshakes.None)) data.Add(InService, (int)pending);
        data.Add(Accepted, (int)Handshakes.Withdrawal);
        return data;
    }

    [Theory]
    [MemberData(nameof(ReachableStates))]
    [Trait("Rule", "R-REF-1")]
    [Trait("Rule", "R-REF-10")]
    public async Task Every_call_of_either_party_moves_the_referral_as_the_table_says_or_leaves_it(Wire.ReferralState state, int pendingBits)
    {
        var pending = (Handshakes)pendingBits;
        string? at = null;
        foreach (var action in Calls)
        {
            foreach (var byReferrer in (bool[])[true, false])
            {
                at ??= await ReferralInAsync(state, pending);
                var party = byReferrer ? The.School : The.WanhuaCentre;
                var move = Referral.Transitions.Where(t => t.IsOpenTo(state, pending) && t.Action == action && t.By == (byReferrer ? ReferralParty.Referrer : ReferralParty.Receiver)).ToList();
                if (move.Count == 1)
                {
                    Assert.Equal(move[0].To, (await party.MovesAsync(action, at)).State);
                    at = null;
                    continue;
                }

                var refused = await Refused.ByAsync(() => party.MovesAsync(action, at));
                var isOwn = Referral.Transitions.Any(t => t.Action == action && t.By == ReferralParty.Referrer == byReferrer);
                Assert.Equal(isOwn ? Wire.ErrorReason.MoveNotAllowed : Wire.ErrorReason.NotYourMove, refused.Reason);
                if (isOwn) Assert.Equal((CodeText.Of(state), CodeText.Of(action)), (refused.Refusal.Metadata["state"], refused.Refusal.Metadata["action"]));
                Assert.Equal(state, (await The.School.ReadsAsync(at)).State);
            }
        }
    }

    [Fact]
    [Trait("Rule", "R-REF-2")]
    public async Task Each_move_is_kept_with_who_when_and_why_and_the_other_side_hears_of_it()
    {
        var made = await The.School.RefersAsync(The.WanhuaCentre);
        var id = made.ReferralId;
        await The.WanhuaCentre.MovesAsync(id, Deliver, See);
        await The.WanhuaCentre.MovesAsync(Return, id, remark: "缺聯絡地址");
        await The.School.MovesAsync(Resubmit, id, remark: "已補");
        await The.WanhuaCentre.Colleague("W0301").MovesAsync(id, Deliver, See);
        await The.WanhuaCentre.Colleague("W0301").MovesAsync(Accept, id);

        var moves = (await The.WanhuaCentre.ReadsAsync(id)).Moves;
        Assert.Equal(
            [
                (Submit, Submitted, The.School.UnitId, The.School.PersonId), (Deliver, Delivered, The.WanhuaCentre.UnitId, The.WanhuaCentre.PersonId), (See, Seen, The.WanhuaCentre.UnitId, The.WanhuaCentre.PersonId),
                (Return, Returned, The.WanhuaCentre.UnitId, The.WanhuaCentre.PersonId), (Resubmit, Submitted, The.School.UnitId, The.School.PersonId),
                (Deliver, Delivered, The.WanhuaCentre.UnitId, "W0301"), (See, Seen, The.WanhuaCentre.UnitId, "W0301"), (Accept, Accepted, The.WanhuaCentre.UnitId, "W0301"),
            ],
            moves.Select(m => (m.Action, m.State, m.UnitId, m.PersonId)));
        Assert.All(moves, m => Assert.InRange(m.MovedAt.ToDateTimeOffset(), made.CreatedAt.ToDateTimeOffset(), Exchange.Clock.GetUtcNow()));
        Assert.Equal(moves.Select(m => m.MovedAt.ToDateTimeOffset()).Order(), moves.Select(m => m.MovedAt.ToDateTimeOffset()));

        Assert.Equal(
            [(Wire.NoticeKind.ReferralReceived, The.School.UnitId), (Wire.NoticeKind.ReferralReceived, The.School.UnitId)],
            Exchange.NoticesAbout(The.WanhuaCentre.UnitId, id));
        Assert.Equal(
            Enumerable.Repeat((Wire.NoticeKind.ReferralMoved, The.WanhuaCentre.UnitId), 6), Exchange.NoticesAbout(The.School.UnitId, id));
    }

    [Fact]
    [Trait("Rule", "R-REF-3")]
    public async Task Declining_needs_a_proposed_unit_unless_the_need_is_met()
    {
        var id = await ReferralInAsync(Seen);
        Assert.Equal(Wire.ErrorReason.ProposedUnitMissing, (await DeclineInVainAsync(id, Wire.DeclineReason.NoCapacity, "")).Reason);
        Assert.Equal(Wire.ErrorReason.UnitNotAvailable, (await DeclineInVainAsync(id, Wire.DeclineReason.NoCapacity, "tpe-nowhere")).Reason);
        var noReason = await DeclineInVainAsync(id, Wire.DeclineReason.Unspecified, The.Centre.UnitId);
        Assert.Equal((Wire.ErrorReason.InvalidField, "reason"), (noReason.Reason, noReason.Refusal.Faults[0].Field));

        var declined = await The.WanhuaCentre.AskAsync(to => to.Referrals.DeclineReferralAsync(Declining(id, Wire.DeclineReason.NoCapacity, The.Centre.UnitId)));
        Assert.Equal((Declined, Wire.DeclineReason.NoCapacity, The.Centre.UnitId), (declined.Referral.State, declined.Referral.DeclineReason, declined.Referral.ProposedUnitId));
        var told = await The.School.ReadsAsync(id);
        Assert.Equal((Declined, Wire.DeclineReason.NoCapacity, The.Centre.UnitId), (told.State, told.DeclineReason, told.ProposedUnitId));

        var met = await ReferralInAsync(Seen);
        Assert.Equal(Declined, (await The.WanhuaCentre.AskAsync(to => to.Referrals.DeclineReferralAsync(Declining(met, Wire.DeclineReason.NeedAlreadyMet, "")))).Referral.State);
    }

    [Fact]
    [Trait("Rule", "R-REF-4")]
    public async Task Declining_because_the_client_is_unwilling_is_refused()
    {
        var id = await ReferralInAsync(Seen);
        var refused = await DeclineInVainAsync(id, Wire.DeclineReason.ClientUnwilling, The.Centre.UnitId);
        Assert.Equal((Wire.ErrorReason.UnwillingIsNoReason, "R-REF-4"), (refused.Reason, refused.Refusal.Metadata["rule"]));
        Assert.Equal(Seen, (await The.School.ReadsAsync(id)).State);
    }

    [Fact]
    [Trait("Rule", "R-REF-4")]
    public async Task Closing_because_the_client_is_unwilling_is_refused()
    {
        var id = await ReferralInAsync(InService);
        var refused = await CloseInVainAsync(id, Wire.ReferralOutcome.ClientUnwilling, "三次拒訪");
        Assert.Equal((Wire.ErrorReason.UnwillingIsNoReason, "R-REF-4"), (refused.Reason, refused.Refusal.Metadata["rule"]));
        Assert.Equal(InService, (await The.School.ReadsAsync(id)).State);
    }

    [Fact]
    [Trait("Rule", "R-REF-5")]
    public async Task A_service_that_the_receiver_does_not_offer_is_refused_with_those_it_offers()
    {
        var refused = await RefuseReferralAsync(Some.Referral(The.School, The.Centre.UnitId, service: Wire.Article6Service.MentalHealth));
        Assert.Equal(Wire.ErrorReason.ServiceNotOffered, refused.Reason);
        Assert.Equal(("MENTAL_HEALTH", The.Centre.UnitId), (refused.Refusal.Metadata["service"], refused.Refusal.Metadata["unit_id"]));
        Assert.Contains("CARE_VISIT", refused.Refusal.Metadata["offered"], StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Rule", "R-REF-8")]
    public async Task Another_outcome_is_refused_without_an_explanation()
    {
        var id = await ReferralInAsync(InService);
        AssertIncomplete("R-REF-8", "remark", await CloseInVainAsync(id, Wire.ReferralOutcome.Other, ""));
        var closed = await The.WanhuaCentre.AskAsync(to => to.Referrals.CloseReferralAsync(Closing(id, Wire.ReferralOutcome.Other, "轉由宗教團體持續陪伴")));
        Assert.Equal((Closed, Wire.ReferralOutcome.Other), (closed.Referral.State, closed.Referral.Outcome));
    }

    [Fact]
    [Trait("Rule", "R-REF-8")]
    public async Task Contact_counts_as_lost_only_after_search_steps_of_two_kinds()
    {
        var id = await ReferralInAsync(InService);
        AssertIncomplete("R-REF-8", "search_steps", await CloseInVainAsync(id, Wire.ReferralOutcome.LostContact, "已多方協尋"));
        await The.WanhuaCentre.SearchesAsync(id, Wire.SearchStepKind.PhoneCall);
        await The.WanhuaCentre.SearchesAsync(id, Wire.SearchStepKind.PhoneCall);
        await The.WanhuaCentre.MovesAsync(RecordPersuasion, id);
        AssertIncomplete("R-REF-8", "search_steps", await CloseInVainAsync(id, Wire.ReferralOutcome.LostContact, "已多方協尋"));
        await The.WanhuaCentre.SearchesAsync(id, Wire.SearchStepKind.HomeVisit);
        var closed = await The.WanhuaCentre.AskAsync(to => to.Referrals.CloseReferralAsync(Closing(id, Wire.ReferralOutcome.LostContact, "")));
        Assert.Equal((Closed, Wire.ReferralOutcome.LostContact), (closed.Referral.State, closed.Referral.Outcome));
    }

    [Fact]
    [Trait("Rule", "R-REF-8")]
    [Trait("Rule", "R-REF-9")]
    public async Task Moved_away_needs_the_units_own_referral_of_the_same_persons_to_another_jurisdiction()
    {
        var person = Some.Stranger();
        var id = (await The.WanhuaCentre.TakesInAsync(The.School, person)).ReferralId;
        await The.WanhuaCentre.MovesAsync(BeginService, id);
        var within = (await The.WanhuaCentre.RefersAsync(The.Centre, person)).ReferralId;
        var ofAnother = (await The.Centre.RefersAsync(The.CentreOfTaoyuan, person)).ReferralId;
        var aboutAnother = (await The.WanhuaCentre.RefersAsync(The.CentreOfTaoyuan)).ReferralId;
        var takenBack = (await The.WanhuaCentre.RefersAsync(The.CentreOfTaoyuan, person)).ReferralId;
        await The.WanhuaCentre.MovesAsync(Withdraw, takenBack);
        foreach (var wrong in (string[])["", The.NobodysUuid, id, within, ofAnother, aboutAnother, takenBack])
            AssertIncomplete("R-REF-8", "onward_referral_id", await CloseInVainAsync(id, Wire.ReferralOutcome.MovedAway, "遷居", wrong));
        var right = (await The.WanhuaCentre.RefersAsync(The.CentreOfTaoyuan, person)).ReferralId;
        var closed = await The.WanhuaCentre.AskAsync(to => to.Referrals.CloseReferralAsync(Closing(id, Wire.ReferralOutcome.MovedAway, "", right)));
        Assert.Equal((Closed, Wire.ReferralOutcome.MovedAway), (closed.Referral.State, closed.Referral.Outcome));
    }

    [Fact]
    [Trait("Rule", "R-REF-10")]
    public async Task Closing_as_transferred_is_refused_since_a_transfer_is_a_handshake()
    {
        var id = await ReferralInAsync(InService);
        AssertIncomplete("R-REF-10", "outcome", await CloseInVainAsync(id, Wire.ReferralOutcome.Transferred, "已轉他單位"));
        Assert.Equal(InService, (await The.School.ReadsAsync(id)).State);
    }

    [Fact]
    [Trait("Rule", "R-REF-9")]
    public async Task A_referral_to_another_jurisdiction_goes_the_whole_way_and_nothing_beside_it_opens()
    {
        var family = Some.Family();
        var subject = Some.SubjectOf(family.Child);
        var tao = The.CentreOfTaoyuan;
        var id = (await The.School.RefersAsync(tao, subject)).ReferralId;
        Assert.Contains((Wire.NoticeKind.ReferralReceived, The.School.UnitId), Exchange.NoticesAbout(tao.UnitId, id));
        var seen = await tao.MovesAsync(id, See);
        Assert.Equal((subject.NationalId, subject.Name), (seen.Subjects[0].NationalId, seen.Subjects[0].Name));
        await tao.MovesAsync(id, Accept, Assign, BeginService);
        Assert.Equal(subject.NationalId, (await tao.LooksUpAsync(subject.NationalId, referral: id)).Person.NationalId);
        await tao.MovesAsync(Close, id);
        var told = await The.School.ReadsAsync(id);
        Assert.Equal((Closed, Wire.ReferralOutcome.GoalsMet, "W0777"), (told.State, told.Outcome, told.AssignedPersonId));
        Assert.Equal([Submit, Deliver, See, Accept, Assign, BeginService, Close], told.Moves.Select(m => m.Action));
        // The relationship ends with the referral, and with it the other jurisdiction's sight (R-NTK-13).
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => tao.LooksUpAsync(subject.NationalId, referral: id))).Reason);
    }

    [Fact]
    [Trait("Rule", "R-REF-1")]
    public async Task Of_64_writers_on_one_referral_one_wins_and_the_others_learn_how_it_stands()
    {
        var id = await ReferralInAsync(Seen);
        Wire.ReferralAction[] moves = [Accept, Return, Decline, Accept];
        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Refused.IfAsync(() => The.WanhuaCentre.Colleague($"W{i:0000}").MovesAsync(moves[i % moves.Length], id))));
        var state = (await The.School.ReadsAsync(id)).State;
        Assert.Single(answers, a => a is null);
        foreach (var lost in answers.OfType<Refused>())
        {
            Assert.Contains(lost.Reason, (Wire.ErrorReason[])[Wire.ErrorReason.ConcurrentChange, Wire.ErrorReason.MoveNotAllowed]);
            if (lost.Reason == Wire.ErrorReason.MoveNotAllowed) Assert.Equal(CodeText.Of(state), lost.Refusal.Metadata["state"]);
            else Assert.Equal(Grpc.Core.StatusCode.Aborted, lost.Exception.StatusCode);
        }

        Assert.Single((await The.School.ReadsAsync(id)).Moves, m => m.State is Accepted or Returned or Declined);
    }

    private static void AssertIncomplete(string rule, string field, Refused refused) => Assert.Equal(
        (Wire.ErrorReason.OutcomeIncomplete, rule, field), (refused.Reason, refused.Refusal.Metadata["rule"], refused.Refusal.Metadata["field"]));

    [Fact]
    [Trait("Rule", "R-REF-8")]
    public async Task Closing_without_an_outcome_is_refused()
    {
        var refused = await CloseInVainAsync(await ReferralInAsync(InService), Wire.ReferralOutcome.Unspecified, "");
        Assert.Equal((Wire.ErrorReason.InvalidField, "outcome"), (refused.Reason, refused.Refusal.Faults[0].Field));
    }

    [Fact]
    public async Task A_move_on_an_old_version_is_refused_with_the_version_of_now()
    {
        var made = await The.School.RefersAsync(The.WanhuaCentre);
        var delivered = await The.WanhuaCentre.MovesAsync(Deliver, made.ReferralId);
        var seen = await The.WanhuaCentre.MovesAsync(See, made.ReferralId, delivered.Etag);
        Assert.NotEqual(made.Etag, seen.Etag);
        var refused = await Refused.ByAsync(() => The.WanhuaCentre.MovesAsync(Accept, made.ReferralId, made.Etag));
        Assert.Equal((Wire.ErrorReason.ConcurrentChange, seen.Etag), (refused.Reason, refused.Refusal.Metadata["etag"]));
        Assert.Equal(Accepted, (await The.WanhuaCentre.MovesAsync(Accept, made.ReferralId, seen.Etag)).State);
    }

    [Fact]
    public async Task Of_two_workers_who_accept_at_once_one_is_first()
    {
        for (var round = 0; round < 10; round++)
        {
            var id = await ReferralInAsync(Seen);
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
                (await Refused.IfAsync(() => The.WanhuaCentre.Colleague($"W{i:0000}").MovesAsync(Accept, id)))?.Reason ?? Wire.ErrorReason.Unspecified));
            Assert.Single(answers, Wire.ErrorReason.Unspecified);
            Assert.All(answers, a => Assert.Contains(a, (Wire.ErrorReason[])[Wire.ErrorReason.Unspecified, Wire.ErrorReason.ConcurrentChange, Wire.ErrorReason.MoveNotAllowed]));
            Assert.Single((await The.School.ReadsAsync(id)).Moves, m => m.Action == Accept);
        }
    }

    [Theory]
    [InlineData(Closed)]
    [InlineData(Declined)]
    [InlineData(Withdrawn)]
    [InlineData(Returned)]
    [Trait("Rule", "R-NTK-17")]
    public async Task The_receiver_of_a_referral_that_is_over_sees_its_status_only(Wire.ReferralState state)
    {
        var request = Some.Referral(The.School, The.WanhuaCentre.UnitId);
        request.View = Some.View(EducationRecord);
        request.Facts.Add(Some.Fact(EducationRecord, "缺課 11 天"));
        var id = (await The.School.RefersAsync(request)).ReferralId;
        foreach (var (byReferrer, action) in WayTo[state]) await (byReferrer ? The.School : The.WanhuaCentre).MovesAsync(action, id);

        var answer = await The.WanhuaCentre.AskAsync(to => to.Referrals.GetReferralAsync(new() { Context = The.WanhuaCentre.Context(), ReferralId = id }));
        Assert.Equal(state, answer.Referral.State);
        Assert.All(answer.Referral.Subjects, s => Assert.Equal(new Wire.ReferralSubject(), s));
        Assert.All(answer.Referral.Facts, f => Assert.Empty(f.Text));
        Assert.Empty(answer.Referral.Services);
        Assert.All(answer.Referral.Moves, m => Assert.Empty(m.Remark));
        Assert.Equal([PublicStatus], answer.Disclosure.ShownClasses.DefaultIfEmpty(PublicStatus));
        Assert.Contains(Wire.ConfidentialityClass.Identity, answer.Disclosure.WithheldClasses);
        Assert.Contains(EducationRecord, answer.Disclosure.WithheldClasses);
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task The_senders_view_ends_when_the_sender_said()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var request = Some.Referral(the.School, the.Centre.UnitId);
        request.View = Some.View(EducationRecord);
        request.View.Until = Timestamp.FromDateTimeOffset(own.Clock.GetUtcNow() + TimeSpan.FromMinutes(2));
        request.Facts.Add(Some.Fact(EducationRecord, "缺課 11 天"));
        var id = (await the.School.RefersAsync(request)).ReferralId;
        Assert.Equal("缺課 11 天", (await the.Centre.ReadsAsync(id)).Facts.Single().Text);

        own.Clock.Advance(TimeSpan.FromMinutes(2));

        var after = await the.Centre.AskAsync(to => to.Referrals.GetReferralAsync(new() { Context = the.Centre.Context(), ReferralId = id }));
        Assert.All(after.Referral.Facts, f => Assert.Empty(f.Text));
        Assert.Contains(EducationRecord, after.Disclosure.WithheldClasses);
        // The referral itself is still open: whom to reach stays known (R-NTK-2, table of 3.1).
        Assert.NotEmpty(after.Referral.Subjects.Single().Name);
    }

    [Theory]
    [InlineData(MentalHealth)]
    [InlineData(ReporterIdentity)]
    [InlineData(Criminal)]
    [Trait("Rule", "R-NTK-17")]
    public async Task A_view_that_the_receiver_may_not_hold_is_refused_and_nothing_is_written(Wire.ConfidentialityClass one)
    {
        var request = Some.Referral(The.School, The.Labor.UnitId, service: Wire.Article6Service.EmploymentGuidance);
        request.View = Some.View(one);
        request.Facts.Add(Some.Fact(one, "不應外流"));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.School.RefersAsync(request));
        Assert.Equal((CodeText.Of(one), The.Labor.UnitId, "R-NTK-17"), (refused.Refusal.Metadata["class"], refused.Refusal.Metadata["unit_id"], refused.Refusal.Metadata["rule"]));
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task A_fact_outside_of_the_view_is_refused()
    {
        var request = Some.Referral(The.School, The.Centre.UnitId);
        request.Facts.Add(Some.Fact(Economic, "欠費"));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.School.RefersAsync(request));
        Assert.Equal("facts[0].confidentiality_class", refused.Refusal.Faults.Single().Field);
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task A_referrer_is_not_told_whether_the_person_was_known()
    {
        var known = await The.School.RefersAsync(The.Centre, Some.SubjectOf(Some.Family().Child));
        var unknown = await The.School.RefersAsync(The.Centre);
        Assert.Equal("", known.Subjects.Single().PersonId);
        Assert.Equal("", unknown.Subjects.Single().PersonId);
        Assert.NotEmpty((await The.Centre.ReadsAsync(known.ReferralId)).Subjects.Single().PersonId);
    }

    private async Task<string> ReferralInAsync(Wire.ReferralState state, Handshakes pending = Handshakes.None)
    {
        var id = (await The.School.RefersAsync(The.WanhuaCentre)).ReferralId;
        foreach (var (byReferrer, action) in WayTo[state].Concat(WayToPending[pending])) await (byReferrer ? The.School : The.WanhuaCentre).MovesAsync(action, id);
        if (state == Transferred) await The.Centre.MovesAsync((await The.WanhuaCentre.ReadsAsync(id)).TransferredToId, See, Accept);
        return id;
    }

    private Wire.DeclineReferralRequest Declining(string id, Wire.DeclineReason reason, string proposed) => new()
    {
        Context = The.WanhuaCentre.Context(), RequestId = Some.RequestId(), ReferralId = id, Reason = reason, ProposedUnitId = proposed,
    };

    private Wire.CloseReferralRequest Closing(string id, Wire.ReferralOutcome outcome, string remark, string onward = "") => new()
    {
        Context = The.WanhuaCentre.Context(), RequestId = Some.RequestId(), ReferralId = id, Outcome = outcome, Remark = remark, OnwardReferralId = onward,
    };

    private Task<Refused> DeclineInVainAsync(string id, Wire.DeclineReason reason, string proposed) =>
        The.WanhuaCentre.AskInVainAsync(to => to.Referrals.DeclineReferralAsync(Declining(id, reason, proposed)));

    private Task<Refused> CloseInVainAsync(string id, Wire.ReferralOutcome outcome, string remark, string onward = "") =>
        The.WanhuaCentre.AskInVainAsync(to => to.Referrals.CloseReferralAsync(Closing(id, outcome, remark, onward)));

    private Task<Refused> RefuseReferralAsync(Wire.CreateReferralRequest request) => The.School.AskInVainAsync(to => to.Referrals.CreateReferralAsync(request));
}
