using Google.Protobuf;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.ReferralAction;
using static SafetyNet.Exchange.V1.ReferralState;

namespace SafetyNet.Exchange.Tests.Referrals;

/// <summary>What takes two sides, and what the unit records of its work.</summary>
public sealed class HandshakeTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-REF-10")]
    [Trait("Rule", "R-REF-2")]
    public async Task Taking_back_what_was_accepted_is_asked_answered_and_told()
    {
        var id = await TakenAsync();
        var asked = await The.School.MovesAsync(RequestWithdrawal, id, remark: "家長改向他處求助");
        Assert.Equal((Accepted, Wire.ReferralHandshake.Withdrawal), (asked.State, Assert.Single(asked.Pending)));
        Assert.Contains((Wire.NoticeKind.ReferralMoved, The.School.UnitId), Exchange.NoticesAbout(The.WanhuaCentre.UnitId, id));
        Assert.Empty((await The.WanhuaCentre.MovesAsync(RefuseWithdrawal, id)).Pending);
        await The.School.MovesAsync(RequestWithdrawal, id);
        var told = Exchange.NoticesAbout(The.School.UnitId, id).Count;
        Assert.Equal(Withdrawn, (await The.WanhuaCentre.MovesAsync(ConfirmWithdrawal, id)).State);
        Assert.Equal(told + 1, Exchange.NoticesAbout(The.School.UnitId, id).Count);
        var seen = await The.School.ReadsAsync(id);
        Assert.Equal((Withdrawn, 0), (seen.State, seen.Pending.Count));
        Assert.Equal([RequestWithdrawal, RefuseWithdrawal, RequestWithdrawal, ConfirmWithdrawal], seen.Moves.Select(m => m.Action).TakeLast(4));
    }

    [Fact]
    [Trait("Rule", "R-REF-6")]
    [Trait("Rule", "R-REF-10")]
    public async Task The_old_unit_serves_until_the_next_one_accepts_and_the_sender_keeps_a_receipt()
    {
        var person = Some.Stranger();
        var id = (await The.WanhuaCentre.TakesInAsync(The.School, person)).ReferralId;
        var (before, toldBefore) = ((await The.School.ReadsAsync(id)).Moves.Count, Exchange.NoticesAbout(The.School.UnitId, id).Count);
        var proposed = await The.WanhuaCentre.ProposesAsync(The.WanhuaCentre.Transfer(id, The.Centre.UnitId));
        var onward = proposed.Onward.ReferralId;
        Assert.Equal((Accepted, onward, The.Centre.UnitId), (proposed.Referral.State, proposed.Referral.TransferredToId, proposed.Referral.TransferredToUnitId));
        Assert.Equal((Submitted, id), (proposed.Onward.State, proposed.Onward.TransferredFromId));
        Assert.Equal(person.NationalId, (await The.WanhuaCentre.LooksUpAsync(person.NationalId, referral: id)).Person.NationalId);
        var meanwhile = await The.School.ReadsAsync(id);
        Assert.Equal((Accepted, 0, "", "", before), (meanwhile.State, meanwhile.Pending.Count, meanwhile.TransferredToId, meanwhile.TransferredToUnitId, meanwhile.Moves.Count));
        Assert.Equal(toldBefore, Exchange.NoticesAbout(The.School.UnitId, id).Count);

        var taken = await The.Centre.MovesAsync(onward, See, Accept);
        Assert.Equal((Accepted, person.Phone), (taken.State, taken.Subjects[0].Phone));
        var receipt = await The.School.ReadsAsync(id);
        Assert.Equal((Transferred, Wire.ReferralOutcome.Transferred, The.Centre.UnitId, ""), (receipt.State, receipt.Outcome, receipt.TransferredToUnitId, receipt.TransferredToId));
        Assert.Equal((Wire.ReferralAction.Transfer, The.Centre.UnitId, ""), (receipt.Moves[^1].Action, receipt.Moves[^1].UnitId, receipt.Moves[^1].PersonId));
        Assert.DoesNotContain(receipt.Moves, m => m.Action == ProposeTransfer);
        Assert.Contains((Wire.NoticeKind.ReferralMoved, The.Centre.UnitId), Exchange.NoticesAbout(The.School.UnitId, id));
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.School.ReadsAsync(onward))).Reason);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.WanhuaCentre.LooksUpAsync(person.NationalId, referral: id))).Reason);
        Assert.Equal(new Wire.ReferralSubject(), (await The.WanhuaCentre.ReadsAsync(id)).Subjects[0]);
    }

    [Fact]
    [Trait("Rule", "R-REF-6")]
    public async Task Where_the_next_unit_declines_or_the_proposer_takes_it_back_the_old_referral_goes_on()
    {
        var id = await TakenAsync();
        var first = (await The.WanhuaCentre.ProposesAsync(The.WanhuaCentre.Transfer(id, The.Centre.UnitId))).Onward.ReferralId;
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => The.WanhuaCentre.MovesAsync(ProposeTransfer, id))).Reason);
        await The.Centre.MovesAsync(first, See, Decline);
        await AssertGoesOnAsync();
        Assert.Contains((Wire.NoticeKind.ReferralMoved, The.Centre.UnitId), Exchange.NoticesAbout(The.WanhuaCentre.UnitId, id));

        var second = (await The.WanhuaCentre.ProposesAsync(The.WanhuaCentre.Transfer(id, The.Centre.UnitId))).Onward.ReferralId;
        await The.Centre.MovesAsync(second, See, Return);
        Assert.Equal([Wire.ReferralHandshake.Transfer], (await The.WanhuaCentre.ReadsAsync(id)).Pending);
        await The.WanhuaCentre.MovesAsync(Withdraw, second);
        await AssertGoesOnAsync();
        await The.WanhuaCentre.MovesAsync(id, BeginService, Close);

        async Task AssertGoesOnAsync()
        {
            var old = await The.WanhuaCentre.ReadsAsync(id);
            Assert.Equal((Accepted, 0, "", ""), (old.State, old.Pending.Count, old.TransferredToId, old.TransferredToUnitId));
        }
    }

    [Fact]
    [Trait("Rule", "R-REF-6")]
    [Trait("Rule", "R-CASE-7")]
    public async Task The_primary_role_passes_in_the_acceptance_and_the_case_is_never_without_a_primary()
    {
        var family = Some.Family();
        var id = (await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId;
        var inCase = (await The.Centre.OpensCaseAsync(id, family.Mother.Id)).CaseId;
        // The next unit serves in the case already, and its row sorts behind and before that of the old one: both ways the one primary is one at every instant.
        foreach (var (from, to) in ((Party, Party)[])[(The.Centre, The.WanhuaCentre), (The.WanhuaCentre, The.Centre)])
        {
            if (from == The.Centre)
            {
                await from.AsksInAsync(inCase, to, Wire.Article6Service.CareVisit);
                await to.JoinsAsync(inCase);
            }

            id = (await from.ProposesAsync(from.Transfer(id, to.UnitId, inCase: inCase))).Onward.ReferralId;
            Assert.Equal(Wire.ParticipantRole.Primary, (await from.SeesCaseAsync(inCase)).Case.OwnRole);
            await to.MovesAsync(id, See, Accept);
            var seen = (await to.SeesCaseAsync(inCase)).Case;
            Assert.Equal((Wire.ParticipantRole.Primary, 2), (seen.OwnRole, seen.Subjects.Count));
            Assert.Equal([to.UnitId], seen.Participants.Select(p => p.UnitId));
            Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => from.SeesCaseAsync(inCase))).Reason);
            Assert.Contains((Wire.NoticeKind.CasePrimaryPassed, to.UnitId), Exchange.Query(
                "SELECT kind, cause_unit_id FROM notice WHERE unit_id = $0 AND case_id = $1", r => ((Wire.NoticeKind)r.GetInt32(0), r.GetString(1)), from.UnitId, Guid.Parse(inCase).ToByteArray(true)));
        }
    }

    [Fact]
    [Trait("Rule", "R-REF-6")]
    public async Task A_serving_part_passes_with_the_referral_that_was_made_for_the_case()
    {
        var family = Some.Family();
        var inCase = (await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId)).CaseId;
        var id = (await The.Centre.RefersAsync(Some.Referral(The.Centre, The.WanhuaCentre.UnitId, Some.SubjectOf(family.Child), inCase: inCase))).ReferralId;
        await The.WanhuaCentre.MovesAsync(id, See, Accept);
        var to = The.ProtectionCentre;
        var service = Exchange.Composition.Members.FindUnit(to.UnitId)!.Registered.Services[0];
        var onward = (await The.WanhuaCentre.ProposesAsync(The.WanhuaCentre.Transfer(id, to.UnitId, service: service))).Onward;
        Assert.Equal(inCase, onward.CaseId);
        Assert.Equal(Wire.ParticipantRole.Serving, (await The.WanhuaCentre.SeesCaseAsync(inCase)).Case.OwnRole);
        await to.MovesAsync(onward.ReferralId, See, Accept);
        Assert.Equal(Wire.ParticipantRole.Serving, (await to.SeesCaseAsync(inCase)).Case.OwnRole);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.WanhuaCentre.SeesCaseAsync(inCase))).Reason);
        Assert.Equal([The.Centre.UnitId, to.UnitId], (await The.Centre.SeesCaseAsync(inCase)).Case.Participants.Select(p => p.UnitId).Order(StringComparer.Ordinal));
        // The unit may be asked in again.
        await The.Centre.AsksInAsync(inCase, The.WanhuaCentre, Wire.Article6Service.CareVisit);
        Assert.Equal(Wire.ParticipantRole.Serving, (await The.WanhuaCentre.JoinsAsync(inCase)).OwnRole);
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    [Trait("Rule", "R-NTK-10")]
    public async Task Nobody_hands_on_what_it_may_not_see_itself()
    {
        var person = Some.Stranger();
        var id = (await The.WanhuaCentre.TakesInAsync(The.School, person)).ReferralId;
        var request = The.WanhuaCentre.Transfer(id, The.MentalHealthCentre.UnitId, service: Wire.Article6Service.MentalHealth);
        request.View = Some.View(MentalHealth);
        request.Facts.Add(Some.Fact(MentalHealth, "不應轉出"));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.WanhuaCentre.ProposesAsync(request));
        Assert.Equal(("MENTAL_HEALTH", The.WanhuaCentre.UnitId), (refused.Refusal.Metadata["class"], refused.Refusal.Metadata["unit_id"]));

        Protect(person.NationalId);
        var open = The.WanhuaCentre.Transfer(id, The.Centre.UnitId);
        refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.WanhuaCentre.ProposesAsync(open));
        Assert.Equal("CONTACT", refused.Refusal.Metadata["class"]);
        open.View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity } };
        var onward = (await The.WanhuaCentre.ProposesAsync(open)).Onward.ReferralId;
        var seen = await The.Centre.MovesAsync(onward, See);
        Assert.Equal((person.Name, "", ""), (seen.Subjects[0].Name, seen.Subjects[0].Phone, seen.Subjects[0].Address));
    }

    [Fact]
    [Trait("Rule", "R-REF-5")]
    public async Task A_transfer_to_a_unit_that_cannot_take_it_is_refused_and_nothing_is_written()
    {
        var id = await TakenAsync();
        var by = The.WanhuaCentre;
        await AssertRefusedAloneAsync(Wire.ErrorReason.ServiceNotOffered, () => by.ProposesAsync(by.Transfer(id, The.Centre.UnitId, service: Wire.Article6Service.MentalHealth)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.UnitNotAvailable, () => by.ProposesAsync(by.Transfer(id, "tpe-nowhere")));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => by.ProposesAsync(by.Transfer(id, The.Centre.UnitId, inCase: The.NobodysUuid)));
        var toItself = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => by.ProposesAsync(by.Transfer(id, by.UnitId)));
        Assert.Equal("to_unit_id", toItself.Refusal.Faults[0].Field);
        var stale = (await by.ReadsAsync(id)).Etag;
        var now = (await by.MovesAsync(BeginService, id)).Etag;
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ConcurrentChange, () => by.ProposesAsync(by.Transfer(id, The.Centre.UnitId, etag: stale)));
        Assert.Equal(now, refused.Refusal.Metadata["etag"]);
    }

    [Fact]
    [Trait("Rule", "R-REF-4")]
    [Trait("Rule", "R-NTK-4")]
    public async Task An_involuntary_client_is_recorded_with_the_attempts_until_won_over_and_the_referrer_sees_none_of_it()
    {
        var id = await TakenAsync();
        var before = await The.School.ReadsAsync(id);
        var recorded = await The.WanhuaCentre.MovesAsync(RecordPersuasion, id, remark: "案母拒訪，隔門會談");
        Assert.Equal((Accepted, true), (recorded.State, recorded.Involuntary));
        var attempt = Assert.Single(recorded.Persuasions);
        Assert.Equal((Wire.PersuasionKind.HomeVisit, Wire.PersuasionResult.Unwilling, "案母拒訪，隔門會談", recorded.Subjects[0].PersonId),
            (attempt.Kind, attempt.Result, attempt.Remark, attempt.ClientPersonId));
        var after = await The.School.ReadsAsync(id);
        Assert.Equal((before.Etag, before.Moves.Count, 0, false), (after.Etag, after.Moves.Count, after.Persuasions.Count, after.Involuntary));
        var won = The.WanhuaCentre.Persuasion(recorded, Wire.PersuasionResult.Willing);
        won.MadeAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow());
        Assert.False((await The.WanhuaCentre.AskAsync(to => to.ReferralWork.RecordPersuasionAsync(won))).Referral.Involuntary);

        won.RequestId = Some.RequestId();
        won.MadeAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow().AddDays(1));
        var ahead = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.WanhuaCentre.AskAsync(to => to.ReferralWork.RecordPersuasionAsync(won)));
        Assert.Equal("made_at", ahead.Refusal.Faults[0].Field);
        (won.MadeAt, won.ClientPersonId) = (before.CreatedAt, The.NobodysUuid);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.WanhuaCentre.AskAsync(to => to.ReferralWork.RecordPersuasionAsync(won)));
    }

    [Fact]
    [Trait("Rule", "R-REF-1")]
    public async Task The_unit_assigns_and_reassigns_a_worker_and_both_stay_in_the_history()
    {
        var id = await TakenAsync();
        foreach (var worker in (string[])["W0311", "W0312"])
        {
            await The.WanhuaCentre.AskAsync(to => to.ReferralWork.AssignReferralAsync(new()
            {
                Context = The.WanhuaCentre.Context(), RequestId = Some.RequestId(), ReferralId = id, AssignedPersonId = worker,
            }));
        }

        var seen = await The.School.ReadsAsync(id);
        Assert.Equal("W0312", seen.AssignedPersonId);
        Assert.Equal(["W0311", "W0312"], seen.Moves.Where(m => m.Action == Assign).Select(m => m.AssignedPersonId));
    }

    [Fact]
    public async Task Each_of_these_calls_that_is_made_again_under_its_request_id_happens_once()
    {
        var (school, by) = (The.School, The.WanhuaCentre);
        var id = await TakenAsync();
        var (read, madeAt) = (await by.ReadsAsync(id), new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 1_700_000_000 });
        await TwiceAsync(new Wire.AssignReferralRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = id, AssignedPersonId = "W0311" },
            r => by.AskAsync(to => to.ReferralWork.AssignReferralAsync(r)));
        await TwiceAsync(by.Persuasion(read, Wire.PersuasionResult.Unwilling), r => by.AskAsync(to => to.ReferralWork.RecordPersuasionAsync(r)));
        await TwiceAsync(new Wire.RecordSearchStepRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = id, Kind = Wire.SearchStepKind.Letter, MadeAt = madeAt },
            r => by.AskAsync(to => to.ReferralWork.RecordSearchStepAsync(r)));
        await TwiceAsync(new Wire.RequestWithdrawalRequest { Context = school.Context(), RequestId = Some.RequestId(), ReferralId = id },
            r => school.AskAsync(to => to.ReferralHandshakes.RequestWithdrawalAsync(r)));
        await TwiceAsync(new Wire.RefuseWithdrawalRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = id },
            r => by.AskAsync(to => to.ReferralHandshakes.RefuseWithdrawalAsync(r)));
        await TwiceAsync(by.Transfer(id, The.Centre.UnitId), r => by.ProposesAsync(r));
        await by.MovesAsync(Withdraw, (await by.ReadsAsync(id)).TransferredToId);
        await school.MovesAsync(RequestWithdrawal, id);
        await TwiceAsync(new Wire.ConfirmWithdrawalRequest { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = id },
            r => by.AskAsync(to => to.ReferralHandshakes.ConfirmWithdrawalAsync(r)));

        async Task TwiceAsync<TRequest, TAnswer>(TRequest request, Func<TRequest, Task<TAnswer>> ask)
            where TAnswer : IMessage
        {
            var first = await ask(request);
            var rows = new Dictionary<string, long>(Exchange.CountRows(), StringComparer.Ordinal);
            var again = await ask(request);
            rows["audit_record"]++;
            Assert.Equal(rows, Exchange.CountRows());
            var field = first.Descriptor.FindFieldByName("referral");
            // The state of the referral comes after the move: what is withheld then is withheld in the replay.
            Assert.Equal(((Wire.Referral)field.Accessor.GetValue(first)).Etag, ((Wire.Referral)field.Accessor.GetValue(again)).Etag);
        }
    }

    private async Task<string> TakenAsync() => (await The.WanhuaCentre.TakesInAsync(The.School, Some.Stranger())).ReferralId;

    private void Protect(string nationalId)
    {
        using var database = Exchange.OpenDatabase();
        using var command = database.CreateCommand();
        command.CommandText = "UPDATE person SET is_protected = 1 WHERE national_id_index = $index";
        command.Parameters.AddWithValue("$index", Exchange.Composition.Vault.Index.OfNationalId(nationalId));
        command.ExecuteNonQuery();
    }
}
