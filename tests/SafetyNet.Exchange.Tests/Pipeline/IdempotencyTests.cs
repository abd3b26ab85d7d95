using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ReferralAction;

namespace SafetyNet.Exchange.Tests.Pipeline;

public sealed class IdempotencyTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task Two_hundred_copies_of_one_call_at_once_happen_once_and_get_one_answer()
    {
        var request = Some.Referral(The.School, The.Centre.UnitId, Some.SubjectOf(Some.Family().Child));
        var before = Exchange.CountRows();

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => The.School.AnswerAsync(to => to.Referrals.CreateReferralAsync(request))));

        var after = Exchange.CountRows();
        Assert.Single(answers.Select(a => a.Value.Referral).Distinct());
        foreach (var table in (string[])["referral", "referral_subject", "referral_move", "request_key", "notice"]) Assert.Equal(before[table] + 1, after[table]);
        Assert.Equal(before["audit_record"] + 200, after["audit_record"]);
        Assert.Equal(200, answers.Select(a => a.Receipt.Position).Distinct().Count());
        var records = answers.Select(a => Exchange.RecordOf(a.Receipt)).ToList();
        Assert.Single(records, r => r.Outcome == Wire.AuditOutcome.Permitted);
        Assert.Equal(199, records.Count(r => r.Outcome == Wire.AuditOutcome.Replayed));
        Assert.All(records, r => Assert.Equal(request.RequestId, r.RequestId));
    }

    [Fact]
    public async Task A_move_that_is_sent_again_is_not_made_again()
    {
        var id = (await The.School.RefersAsync(The.Centre)).ReferralId;
        await The.Centre.MovesAsync(See, id);
        var accept = new Wire.AcceptReferralRequest { Context = The.Centre.Context(), RequestId = Some.RequestId(), ReferralId = id };
        var first = await The.Centre.AskAsync(to => to.Referrals.AcceptReferralAsync(accept));
        var again = await The.Centre.AskAsync(to => to.Referrals.AcceptReferralAsync(accept));
        Assert.Equal(first.Referral, again.Referral);
        Assert.Single(again.Referral.Moves, m => m.Action == Accept);
    }

    [Fact]
    public async Task A_request_id_used_for_another_request_is_refused_without_the_first_answer()
    {
        var request = Some.Referral(The.School, The.Centre.UnitId);
        var made = await The.School.RefersAsync(request);
        var other = request.Clone();
        other.Protective = true;
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.IdempotencyMismatch, () => The.School.RefersAsync(other));
        Assert.Equal(request.RequestId, refused.Refusal.Metadata["request_id"]);
        Assert.DoesNotContain(made.ReferralId, refused.Look(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_id_belongs_to_one_person_agency_and_method()
    {
        var request = Some.Referral(The.School, The.Centre.UnitId);
        var first = await The.School.RefersAsync(request);

        var colleague = request.Clone();
        colleague.Context.Actor.PersonId = "T0999";
        var second = await The.School.RefersAsync(colleague);
        Assert.NotEqual(first.ReferralId, second.ReferralId);

        var otherAgency = request.Clone();
        otherAgency.Context = The.Police.Context(Wire.Purpose.CaseCoordination);
        otherAgency.Context.Actor.PersonId = The.School.PersonId;
        var third = await The.Police.RefersAsync(otherAgency);
        Assert.NotEqual(first.ReferralId, third.ReferralId);

        var withdrawn = await The.School.AskAsync(to => to.Referrals.WithdrawReferralAsync(
            new() { Context = The.School.Context(), RequestId = request.RequestId, ReferralId = first.ReferralId }));
        Assert.Equal(Wire.ReferralState.Withdrawn, withdrawn.Referral.State);
    }

    [Fact]
    public async Task A_replay_is_decided_anew_and_shows_no_more_than_a_first_call_would()
    {
        var request = Some.Referral(The.School, The.Centre.UnitId);
        await The.School.RefersAsync(request);
        var spoiled = request.Clone();
        spoiled.Context.Purpose = Wire.Purpose.Statistics;
        await AssertRefusedAloneAsync(Wire.ErrorReason.PurposeNotAllowed, () => The.School.RefersAsync(spoiled));
    }

    [Fact]
    public async Task Referrals_of_one_unknown_person_at_once_are_all_taken()
    {
        var stranger = Some.Stranger();
        var made = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => The.School.RefersAsync(The.Centre, stranger.Clone())));
        Assert.Equal(30, made.Select(r => r.ReferralId).Distinct(StringComparer.Ordinal).Count());
        var persons = await Task.WhenAll(made.Select(async r => (await The.Centre.ReadsAsync(r.ReferralId)).Subjects.Single().PersonId));
        Assert.Single(persons.Distinct(StringComparer.Ordinal));
    }
}
