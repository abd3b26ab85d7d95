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
        [Seen] = [(false, See)],
        [Accepted] = [(false, See), (false, Accept)],
        [Returned] = [(false, See), (false, Return)],
        [Declined] = [(false, See), (false, Decline)],
        [InService] = [(false, See), (false, Accept), (false, BeginService)],
        [Closed] = [(false, See), (false, Accept), (false, BeginService), (false, Close)],
        [Withdrawn] = [(true, Withdraw)],
    };

    private static readonly Wire.ReferralAction[] Calls = [See, Accept, Return, Resubmit, Decline, Withdraw, BeginService, Close];

    public static TheoryData<Wire.ReferralState> ReachableStates() => [.. WayTo.Keys];

    [Theory]
    [MemberData(nameof(ReachableStates))]
    [Trait("Rule", "R-REF-1")]
    public async Task Every_call_of_either_party_moves_the_referral_as_the_table_says_or_leaves_it(Wire.ReferralState state)
    {
        string? at = null;
        foreach (var action in Calls)
        {
            foreach (var byReferrer in (bool[])[true, false])
            {
                at ??= await ReferralInAsync(state);
                var party = byReferrer ? The.School : The.WanhuaCentre;
                var move = Referral.Transitions.Where(t => t.From == state && t.Action == action && t.By == ReferralParty.Referrer == byReferrer).ToList();
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
        await The.WanhuaCentre.MovesAsync(See, id);
        await The.WanhuaCentre.MovesAsync(Return, id, remark: "缺聯絡地址");
        await The.School.MovesAsync(Resubmit, id, remark: "已補");
        await The.WanhuaCentre.Colleague("W0301").MovesAsync(See, id);
        await The.WanhuaCentre.Colleague("W0301").MovesAsync(Accept, id);

        var moves = (await The.WanhuaCentre.ReadsAsync(id)).Moves;
        Assert.Equal(
            [
                (Submit, Submitted, The.School.UnitId, The.School.PersonId), (See, Seen, The.WanhuaCentre.UnitId, The.WanhuaCentre.PersonId),
                (Return, Returned, The.WanhuaCentre.UnitId, The.WanhuaCentre.PersonId), (Resubmit, Submitted, The.School.UnitId, The.School.PersonId),
                (See, Seen, The.WanhuaCentre.UnitId, "W0301"), (Accept, Accepted, The.WanhuaCentre.UnitId, "W0301"),
            ],
            moves.Select(m => (m.Action, m.State, m.UnitId, m.PersonId)));
        Assert.All(moves, m => Assert.InRange(m.MovedAt.ToDateTimeOffset(), made.CreatedAt.ToDateTimeOffset(), Exchange.Clock.GetUtcNow()));
        Assert.Equal(moves.Select(m => m.MovedAt.ToDateTimeOffset()).Order(), moves.Select(m => m.MovedAt.ToDateTimeOffset()));

        Assert.Equal(
            [(Wire.NoticeKind.ReferralReceived, The.School.UnitId), (Wire.NoticeKind.ReferralReceived, The.School.UnitId)],
            Exchange.NoticesAbout(The.WanhuaCentre.UnitId, id));
        Assert.Equal(
            Enumerable.Repeat((Wire.NoticeKind.ReferralMoved, The.WanhuaCentre.UnitId), 4), Exchange.NoticesAbout(The.School.UnitId, id));
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

    [Theory]
    [InlineData(Wire.ReferralOutcome.LostContact)]
    [InlineData(Wire.ReferralOutcome.Other)]
    [Trait("Rule", "R-REF-8")]
    public async Task An_outcome_that_needs_words_is_refused_without_them(Wire.ReferralOutcome outcome)
    {
        var id = await ReferralInAsync(InService);
        var refused = await CloseInVainAsync(id, outcome, "");
        Assert.Equal((Wire.ErrorReason.OutcomeIncomplete, "R-REF-8", "remark"), (refused.Reason, refused.Refusal.Metadata["rule"], refused.Refusal.Metadata["field"]));
        var closed = await The.WanhuaCentre.AskAsync(to => to.Referrals.CloseReferralAsync(Closing(id, outcome, "已依序電訪、家訪、函查")));
        Assert.Equal((Closed, outcome), (closed.Referral.State, closed.Referral.Outcome));
    }

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
        var seen = await The.WanhuaCentre.MovesAsync(See, made.ReferralId, made.Etag);
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

    private async Task<string> ReferralInAsync(Wire.ReferralState state)
    {
        var id = (await The.School.RefersAsync(The.WanhuaCentre)).ReferralId;
        foreach (var (byReferrer, action) in WayTo[state]) await (byReferrer ? The.School : The.WanhuaCentre).MovesAsync(action, id);
        return id;
    }

    private Wire.DeclineReferralRequest Declining(string id, Wire.DeclineReason reason, string proposed) => new()
    {
        Context = The.WanhuaCentre.Context(), RequestId = Some.RequestId(), ReferralId = id, Reason = reason, ProposedUnitId = proposed,
    };

    private Wire.CloseReferralRequest Closing(string id, Wire.ReferralOutcome outcome, string remark) => new()
    {
        Context = The.WanhuaCentre.Context(), RequestId = Some.RequestId(), ReferralId = id, Outcome = outcome, Remark = remark,
    };

    private Task<Refused> DeclineInVainAsync(string id, Wire.DeclineReason reason, string proposed) =>
        The.WanhuaCentre.AskInVainAsync(to => to.Referrals.DeclineReferralAsync(Declining(id, reason, proposed)));

    private Task<Refused> CloseInVainAsync(string id, Wire.ReferralOutcome outcome, string remark) =>
        The.WanhuaCentre.AskInVainAsync(to => to.Referrals.CloseReferralAsync(Closing(id, outcome, remark)));

    private Task<Refused> RefuseReferralAsync(Wire.CreateReferralRequest request) => The.School.AskInVainAsync(to => to.Referrals.CreateReferralAsync(request));
}
