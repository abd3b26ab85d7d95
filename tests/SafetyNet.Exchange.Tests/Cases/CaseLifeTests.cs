using System.Collections.Concurrent;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ParticipantRole;

namespace SafetyNet.Exchange.Tests.Cases;

/// <summary>Who has a case in hand, how the primary role passes, and how parts and cases end.</summary>
public sealed class CaseLifeTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-CASE-1")]
    public async Task Each_unit_states_its_worker_which_it_and_the_primary_unit_see()
    {
        var id = await The.SharedCaseAsync(The.Centre, null, The.MentalHealthCentre, The.Labor);
        var before = (await The.Centre.SeesCaseAsync(id)).Case.Etag;
        Assert.Equal(("H0900", "H0901"), Own(await The.MentalHealthCentre.AssignsAsync(id, "H0900", "H0901")));
        Assert.Equal(("L0900", ""), Own(await The.Labor.AssignsAsync(id, "L0900")));
        // A supervisor that is not stated stays.
        Assert.Equal(("H0902", "H0901"), Own(await The.MentalHealthCentre.AssignsAsync(id, "H0902")));
        var seen = (await The.Centre.SeesCaseAsync(id)).Case;
        Assert.Equal(("H0902", "H0901"), Stated(seen, The.MentalHealthCentre));
        Assert.Equal(("L0900", ""), Stated(seen, The.Labor));
        Assert.Equal(("", ""), Own(seen));
        Assert.Equal(before, seen.Etag);
        var others = (await The.MentalHealthCentre.SeesCaseAsync(id)).Case;
        Assert.Equal(("H0902", "H0901"), Stated(others, The.MentalHealthCentre));
        Assert.DoesNotContain("L0900", others.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("H0902", (await The.Labor.SeesCaseAsync(id)).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Rule", "R-CASE-4")]
    [Trait("Rule", "R-CASE-6")]
    public async Task A_supervisor_moves_all_cases_of_a_worker_at_once_and_the_caseload_shows_who_is_over_the_target()
    {
        var (one, other) = ("W26-ONE", "W26-OTHER");
        var supervisor = The.Centre.As(Wire.ActorRole.Supervisor, "W0199");
        var cases = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 26), new ParallelOptions { MaxDegreeOfParallelism = 6 }, async (_, _) =>
        {
            var id = (await The.Centre.OpensCaseAsync((await AcceptedAsync()).ReferralId)).CaseId;
            await The.Centre.AssignsAsync(id, one);
            cases.Add(id);
        });
        await The.Centre.AssignsAsync(cases.First(), one, role: Wire.CaseloadRole.MentalHealthSocialWorker);
        await The.Centre.ClosesCaseAsync(cases.Last());
        Assert.Equal((25, 25, false), Load(await The.Centre.CountsCasesAsync(), one));
        await The.Centre.ReopensAsync(cases.Last());
        Assert.Equal((26, 25, true), Load(await The.Centre.CountsCasesAsync(), one));

        await AssertRefusedAloneAsync(Wire.ErrorReason.RoleNotAllowed, () => The.Centre.AskAsync(to => to.CaseLife.ReassignWorkerAsync(The.Centre.Reassignment(one, other))));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => supervisor.AskAsync(to => to.CaseLife.ReassignWorkerAsync(supervisor.Reassignment(one, one))));
        var request = supervisor.Reassignment(one, other);
        var moved = await supervisor.AskAsync(to => to.CaseLife.ReassignWorkerAsync(request));
        Assert.Equal(cases.Order(StringComparer.Ordinal), moved.CaseIds);
        Assert.Equal(0, moved.CasesLeft);
        Assert.Equal(moved, await supervisor.AskAsync(to => to.CaseLife.ReassignWorkerAsync(request)));
        var loads = await The.Centre.CountsCasesAsync();
        Assert.DoesNotContain(loads.Workers, w => w.WorkerPersonId == one);
        Assert.Equal((26, 0, false), Load(loads, other));
        Assert.Equal(other, (await The.Centre.SeesCaseAsync(cases.First())).Case.OwnWorkerPersonId);
        // The unit's own: another unit's supervisor moves nothing of it.
        var elsewhere = The.Labor.As(Wire.ActorRole.Supervisor, "L0199");
        Assert.Empty((await elsewhere.AskAsync(to => to.CaseLife.ReassignWorkerAsync(elsewhere.Reassignment(other, one)))).CaseIds);
    }

    [Fact]
    [Trait("Rule", "R-CASE-7")]
    public async Task The_primary_role_passes_by_the_acceptance_of_the_new_primary_and_not_before()
    {
        var id = await The.SharedCaseAsync(The.Centre, null, The.WanhuaCentre, The.Labor);
        Assert.Equal("to_unit_id", (await RefusedAsync(Wire.ErrorReason.InvalidField, The.Centre, The.Centre.Handover(id, The.Centre))).Refusal.Metadata["field"]);
        var outside = await RefusedAsync(Wire.ErrorReason.UnitNotInCase, The.Centre, The.Centre.Handover(id, The.ProtectionCentre));
        Assert.Equal((The.ProtectionCentre.UnitId, "to_unit_id", "R-CASE-7"), (outside.Refusal.Metadata["unit_id"], outside.Refusal.Metadata["field"], outside.Refusal.Metadata["rule"]));
        await RefusedAsync(Wire.ErrorReason.NotYourMove, The.Labor, The.Labor.Handover(id, The.WanhuaCentre));
        await RefusedAsync(Wire.ErrorReason.MoveNotAllowed, () => The.Centre.TakesProposalBackAsync(id));

        var proposed = await The.Centre.HandsOverAsync(id, The.WanhuaCentre);
        Assert.Equal((Primary, The.WanhuaCentre.UnitId), (proposed.OwnRole, proposed.ProposedPrimaryUnitId));
        Assert.Equal((Serving, The.WanhuaCentre.UnitId), Told((await The.WanhuaCentre.SeesCaseAsync(id)).Case));
        Assert.Equal((Serving, ""), Told((await The.Labor.SeesCaseAsync(id)).Case));
        Assert.Contains((Wire.NoticeKind.PrimaryProposed, The.Centre.UnitId), Exchange.NoticesAbout(The.WanhuaCentre.UnitId, id));
        // A second primary is proposed to nobody while the first has not answered.
        await RefusedAsync(Wire.ErrorReason.MoveNotAllowed, The.Centre, The.Centre.Handover(id, The.Labor));
        await RefusedAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.TakesOverAsync(id));
        await The.WanhuaCentre.DeclinesPrimaryAsync(id);
        Assert.Contains((Wire.NoticeKind.PrimaryProposalEnded, The.WanhuaCentre.UnitId), Exchange.NoticesAbout(The.Centre.UnitId, id));
        await RefusedAsync(Wire.ErrorReason.NotYourMove, () => The.WanhuaCentre.TakesOverAsync(id));

        var stale = (await The.Centre.SeesCaseAsync(id)).Case.Etag;
        await The.Centre.HandsOverAsync(id, The.WanhuaCentre, etag: stale);
        await The.Centre.TakesProposalBackAsync(id);
        var late = await RefusedAsync(Wire.ErrorReason.ConcurrentChange, The.Centre, The.Centre.Handover(id, The.WanhuaCentre, etag: stale));
        Assert.Equal((await The.Centre.SeesCaseAsync(id)).Case.Etag, late.Refusal.Metadata["etag"]);
        await The.Centre.HandsOverAsync(id, The.WanhuaCentre);
        var taken = await The.WanhuaCentre.TakesOverAsync(id);
        Assert.Equal((Primary, ""), Told(taken));
        Assert.Equal((Serving, ""), Told((await The.Centre.SeesCaseAsync(id)).Case));
        foreach (var unit in (Party[])[The.Centre, The.Labor])
            Assert.Contains((Wire.NoticeKind.CasePrimaryPassed, The.WanhuaCentre.UnitId), Exchange.NoticesAbout(unit.UnitId, id));

        await The.WanhuaCentre.HandsOverAsync(id, The.Centre, leaves: true);
        await The.Centre.TakesOverAsync(id);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.WanhuaCentre.SeesCaseAsync(id))).Reason);
        Assert.Equal([The.Centre.UnitId, The.Labor.UnitId], (await The.Centre.SeesCaseAsync(id)).Case.Participants.Select(p => p.UnitId).Order(StringComparer.Ordinal));
        Assert.Equal(1, PrimariesOf(id));
    }

    [Fact]
    [Trait("Rule", "R-CASE-7")]
    [Trait("Rule", "R-REF-9")]
    [Trait("Rule", "R-NTK-13")]
    public async Task A_unit_of_another_jurisdiction_takes_over_by_a_cross_jurisdiction_referral_only()
    {
        var subject = Some.Stranger();
        var id = await The.SharedCaseAsync(The.Centre, subject);
        var tao = The.CentreOfTaoyuan;
        var refused = await RefusedAsync(Wire.ErrorReason.CrossJurisdictionReferralMissing, The.Centre, The.Centre.Handover(id, tao));
        Assert.Equal((tao.UnitId, "to_unit_id", "R-REF-9"), (refused.Refusal.Metadata["unit_id"], refused.Refusal.Metadata["field"], refused.Refusal.Metadata["rule"]));
        var across = await The.Centre.RefersAsync(Some.Referral(The.Centre, tao.UnitId, subject, inCase: id));
        await RefusedAsync(Wire.ErrorReason.UnitNotInCase, The.Centre, The.Centre.Handover(id, tao));
        await tao.MovesAsync(across.ReferralId, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        await The.Centre.HandsOverAsync(id, tao);
        var taken = await tao.TakesOverAsync(id);
        Assert.Equal((Primary, Wire.Jurisdiction.Tao), (taken.OwnRole, taken.Jurisdiction));
        Assert.Equal(subject.Name, Assert.Single(taken.Subjects).Name);
        Assert.Equal(Serving, (await The.Centre.SeesCaseAsync(id)).Case.OwnRole);
        Assert.Equal(tao.UnitId, Assert.Single(taken.Participants, p => p.Role == Primary).UnitId);
    }

    [Fact]
    [Trait("Rule", "R-REF-9")]
    [Trait("Rule", "R-NTK-13")]
    public async Task Bug_a_unit_of_another_jurisdiction_was_asked_into_a_case_without_a_referral_across()
    {
        var (subject, tao) = (Some.Stranger(), The.CentreOfTaoyuan);
        var id = await The.SharedCaseAsync(The.Centre, subject);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.CrossJurisdictionReferralMissing, () => The.Centre.AsksInAsync(id, tao, Wire.Article6Service.CareVisit));
        Assert.Equal((tao.UnitId, "unit_id", "R-REF-9"), (refused.Refusal.Metadata["unit_id"], refused.Refusal.Metadata["field"], refused.Refusal.Metadata["rule"]));

        // One that was made by another unit, and is not about this case, is a referral across too; it stands from when it is made.
        var across = await The.School.RefersAsync(tao, subject);
        await The.Centre.AsksInAsync(id, tao, Wire.Article6Service.CareVisit);
        Assert.Equal(Serving, (await tao.JoinsAsync(id)).OwnRole);
        await tao.LeavesAsync(id);
        await The.School.MovesAsync(Wire.ReferralAction.Withdraw, across.ReferralId);
        Assert.Equal(Wire.ErrorReason.CrossJurisdictionReferralMissing, (await Refused.ByAsync(() => The.Centre.AsksInAsync(id, tao, Wire.Article6Service.CareVisit))).Reason);
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    [Trait("Rule", "R-REF-8")]
    [Trait("Rule", "R-REF-4")]
    public async Task A_unit_that_leaves_sees_nothing_more_in_the_same_commit_and_its_goals_pass_to_the_primary()
    {
        var subject = Some.Stranger();
        var id = await The.SharedCaseAsync(The.Centre, subject, The.MentalHealthCentre, The.Labor);
        await The.Labor.AssignsAsync(id, "L0900");
        var note = await The.Centre.WritesAsync(The.Centre.Note(id, Wire.ConfidentialityClass.CaseNote, "家訪紀錄", new Wire.NoteShare { UnitId = The.Labor.UnitId, LegalBasis = Wire.LegalBasis.Article6IntegratedService }));
        var goal = await The.Centre.SetsGoalAsync(The.Centre.Goal(id, The.Labor, "媒合就業"));
        Assert.Single((await The.Labor.ReadsNotesAsync(id)).Notes);
        await The.Labor.LooksUpAsync(subject.NationalId, inCase: id);

        await RefusedAsync(Wire.ErrorReason.NotYourMove, () => The.Centre.LeavesAsync(id));
        foreach (var (outcome, reason) in ((Wire.ReferralOutcome, Wire.ErrorReason)[])
            [
                (Wire.ReferralOutcome.ClientUnwilling, Wire.ErrorReason.UnwillingIsNoReason), (Wire.ReferralOutcome.Transferred, Wire.ErrorReason.OutcomeIncomplete),
                (Wire.ReferralOutcome.LostContact, Wire.ErrorReason.OutcomeIncomplete), (Wire.ReferralOutcome.MovedAway, Wire.ErrorReason.OutcomeIncomplete),
                (Wire.ReferralOutcome.Other, Wire.ErrorReason.OutcomeIncomplete),
            ])
            await RefusedAsync(reason, () => The.Labor.AskAsync(to => to.CaseLife.LeaveCaseAsync(The.Labor.Leaving(id, outcome, searched: Wire.SearchStepKind.PhoneCall))));
        var leaving = The.Labor.Leaving(id, Wire.ReferralOutcome.LostContact, "", Wire.SearchStepKind.PhoneCall, Wire.SearchStepKind.HomeVisit);
        var left = (await The.Labor.AskAsync(to => to.CaseLife.LeaveCaseAsync(leaving))).Case;
        Assert.Equal((Wire.CaseState.Open, Former, 0), (left.State, left.OwnRole, left.Subjects.Count));
        Assert.Equal(left, (await The.Labor.AskAsync(to => to.CaseLife.LeaveCaseAsync(leaving))).Case);

        foreach (var ask in (Func<Task>[])[() => The.Labor.SeesCaseAsync(id), () => The.Labor.ReadsNotesAsync(id), () => The.Labor.LooksUpAsync(subject.NationalId, inCase: id), () => The.Labor.ListsGoalsAsync(id)])
            Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(ask)).Reason);
        Assert.Contains((Wire.NoticeKind.CaseLeft, The.Labor.UnitId), Exchange.NoticesAbout(The.Centre.UnitId, id));
        var passed = Assert.Single(await The.Centre.ListsGoalsAsync(id));
        Assert.Equal((goal.GoalId, The.Centre.UnitId, true), (passed.GoalId, passed.OwnerUnitId, passed.Own));
        Assert.DoesNotContain(The.Labor.UnitId, (await The.Centre.SeesCaseAsync(id)).ToString(), StringComparison.Ordinal);
        var ledger = (await The.Centre.ListsDisclosuresAsync(subject.NationalId)).Where(e => e.ToUnitId == The.Labor.UnitId).ToList();
        Assert.Equal([note.NoteId, goal.GoalId], ledger.Select(e => e.StepId).OrderBy(step => step != note.NoteId));
        Assert.All(ledger, e => Assert.False(e.Open));

        // Back again it finds neither the share nor its worker.
        await The.Centre.BringsInAsync(id, The.Labor);
        Assert.Empty((await The.Labor.ReadsNotesAsync(id)).Notes);
        Assert.Equal(("", ""), Own((await The.Labor.SeesCaseAsync(id)).Case));
        var moves = await The.Centre.ListsCaseMovesAsync(id, size: 1);
        Assert.Equal(
            [Wire.CaseAction.AssignWorkers, Wire.CaseAction.Leave, Wire.CaseAction.Open],
            moves.Select(m => m.Action).Where(a => a is not (Wire.CaseAction.Invite or Wire.CaseAction.Join)).Order());
        Assert.Equal(2, moves.Count(m => m.Action == Wire.CaseAction.Invite && m.OtherUnitId == The.Labor.UnitId));
        Assert.Equal(2, moves.Count(m => m.Action == Wire.CaseAction.Join && m.UnitId == The.Labor.UnitId));
        var departure = moves.Single(m => m.Action == Wire.CaseAction.Leave);
        Assert.Equal((The.Labor.UnitId, Wire.ReferralOutcome.LostContact, 2), (departure.UnitId, departure.Outcome, departure.SearchSteps.Count));
    }

    [Fact]
    [Trait("Rule", "R-CASE-1")]
    [Trait("Rule", "R-CASE-8")]
    [Trait("Rule", "R-NTK-17")]
    public async Task A_case_is_closed_when_nobody_else_serves_and_opened_again_by_the_unit_that_was_primary()
    {
        var subject = Some.Stranger();
        var id = await The.SharedCaseAsync(The.Centre, subject, The.Labor);
        await The.Centre.AsksInAsync(id, The.Police, Wire.Article6Service.PersonalSafety);
        await The.Centre.WritesAsync(The.Centre.Note(id, Wire.ConfidentialityClass.CaseNote, "家訪紀錄"));
        var served = await RefusedAsync(Wire.ErrorReason.CaseStillServed, () => The.Centre.ClosesCaseAsync(id));
        Assert.Equal((The.Labor.UnitId, "R-CASE-1"), (served.Refusal.Metadata["unit_ids"], served.Refusal.Metadata["rule"]));
        await RefusedAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.ClosesCaseAsync(id));
        await The.Labor.LeavesAsync(id);
        await RefusedAsync(Wire.ErrorReason.UnwillingIsNoReason, () => The.Centre.AskAsync(to => to.CaseLife.CloseCaseAsync(The.Centre.Closing(id, Wire.ReferralOutcome.ClientUnwilling))));
        var closing = The.Centre.Closing(id);
        var closed = (await The.Centre.AskAsync(to => to.CaseLife.CloseCaseAsync(closing))).Case;
        Assert.Equal((Wire.CaseState.Closed, 0, 0, true), (closed.State, closed.Subjects.Count, closed.Participants.Count, closed.EndedAt is not null));
        Assert.Equal(closed, (await The.Centre.AskAsync(to => to.CaseLife.CloseCaseAsync(closing))).Case);
        Assert.Contains((Wire.NoticeKind.CaseClosed, The.Centre.UnitId), Exchange.NoticesAbout(The.Police.UnitId, id));

        var status = await The.Centre.SeesCaseAsync(id);
        Assert.Equal((Wire.CaseState.Closed, 0), (status.Case.State, status.Case.Subjects.Count));
        Assert.Empty(status.Disclosure.ShownClasses);
        foreach (var ask in (Func<Task>[])
            [
                () => The.Police.JoinsAsync(id), () => The.Labor.SeesCaseAsync(id), () => The.Centre.ReadsNotesAsync(id), () => The.Centre.LooksUpAsync(subject.NationalId, inCase: id),
                () => The.Centre.ListsGoalsAsync(id), () => The.Centre.AsksInAsync(id, The.Labor, Wire.Article6Service.EmploymentGuidance),
                () => The.Centre.WritesAsync(The.Centre.Note(id, Wire.ConfidentialityClass.CaseNote, "結案後之紀錄")), () => The.Labor.ReopensAsync(id),
            ])
            Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(ask)).Reason);
        await RefusedAsync(Wire.ErrorReason.MoveNotAllowed, () => The.Centre.ClosesCaseAsync(id));

        var again = await The.Centre.ReopensAsync(id);
        Assert.Equal((Wire.CaseState.Open, Primary, true, 1), (again.State, again.OwnRole, again.ReopenedWithinYear, again.Subjects.Count));
        Assert.Single((await The.Centre.ReadsNotesAsync(id)).Notes);
        Assert.Equal([The.Centre.UnitId], again.Participants.Select(p => p.UnitId));
        await The.Centre.ClosesCaseAsync(id);
        // The family has a case elsewhere meanwhile: there is one case and no second (R-INT-4).
        var elsewhere = (await The.WanhuaCentre.OpensCaseAsync((await The.WanhuaCentre.TakesInAsync(The.School, subject)).ReferralId)).CaseId;
        await RefusedAsync(Wire.ErrorReason.CaseAlreadyOpen, () => The.Centre.ReopensAsync(id));
        await The.WanhuaCentre.ClosesCaseAsync(elsewhere);
        Assert.Equal(Wire.CaseState.Open, (await The.Centre.ReopensAsync(id)).State);
    }

    [Fact]
    [Trait("Rule", "R-REF-2")]
    [Trait("Rule", "R-NTK-4")]
    public async Task The_words_of_a_move_are_read_by_who_wrote_them_and_whom_they_were_written_to()
    {
        var id = await The.SharedCaseAsync(The.Centre, null, The.WanhuaCentre, The.MentalHealthCentre, The.Labor);
        await The.Centre.HandsOverAsync(id, The.WanhuaCentre);
        await The.WanhuaCentre.DeclinesPrimaryAsync(id);
        foreach (var (reader, words) in ((Party, int)[])[(The.Centre, 2), (The.WanhuaCentre, 2), (The.MentalHealthCentre, 0), (The.Labor, 0)])
        {
            var moves = await reader.ListsCaseMovesAsync(id);
            Assert.Equal([Wire.CaseAction.ProposePrimary, Wire.CaseAction.DeclinePrimary], moves.Select(m => m.Action).Where(a => a < Wire.CaseAction.Open));
            Assert.Equal(words, moves.Count(m => m.Remark == CaseLifeMoves.Why));
            // Which systems serve a family is not for every serving unit (INVOLVEMENT).
            Assert.Equal(reader != The.Labor, moves.All(m => m.UnitId.Length > 0));
        }
    }

    [Fact]
    [Trait("Rule", "R-CASE-7")]
    public async Task Sixty_four_that_propose_and_accept_at_once_leave_one_primary()
    {
        Party[] units = [The.Centre, The.WanhuaCentre];
        var id = await The.SharedCaseAsync(The.Centre, null, The.WanhuaCentre);
        var accepted = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 64), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            var (by, other) = (units[i % 2], units[1 - (i % 2)]);
            var refused = await Refused.IfAsync(async () =>
            {
                if (i / 2 % 2 == 0)
                {
                    await by.HandsOverAsync(id, other);
                }
                else
                {
                    await by.TakesOverAsync(id);
                    Interlocked.Increment(ref accepted);
                }
            });
            if (refused is not null) Assert.True(refused.Reason is Wire.ErrorReason.ConcurrentChange or Wire.ErrorReason.NotYourMove or Wire.ErrorReason.MoveNotAllowed, $"{refused.Reason}");
        });
        Assert.Equal(1, PrimariesOf(id));
        var moves = await units[accepted % 2].ListsCaseMovesAsync(id, size: 7);
        Assert.Equal(accepted, moves.Count(m => m.Action == Wire.CaseAction.AcceptPrimary));
        Assert.Equal(Primary, (await units[accepted % 2].SeesCaseAsync(id)).Case.OwnRole);

        // One proposal, taken by sixty-four calls of the unit proposed: one of them takes it.
        var (lead, next) = (units[accepted % 2], units[1 - (accepted % 2)]);
        if ((await lead.SeesCaseAsync(id)).Case.ProposedPrimaryUnitId.Length == 0) await lead.HandsOverAsync(id, next);
        var taken = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 64), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (_, _) =>
        {
            if (await Refused.IfAsync(() => next.TakesOverAsync(id)) is null) Interlocked.Increment(ref taken);
        });
        Assert.Equal((1, 1), (taken, PrimariesOf(id)));
    }

    private static (string, string) Own(Wire.Case seen) => (seen.OwnWorkerPersonId, seen.OwnSupervisorPersonId);

    private static (Wire.ParticipantRole, string) Told(Wire.Case seen) => (seen.OwnRole, seen.ProposedPrimaryUnitId);

    private static (string, string) Stated(Wire.Case seen, Party unit)
    {
        var part = seen.Participants.Single(p => p.UnitId == unit.UnitId);
        return (part.WorkerPersonId, part.SupervisorPersonId);
    }

    private static (int, int, bool) Load(Wire.GetCaseloadResponse loads, string worker)
    {
        var load = loads.Workers.Single(w => w.WorkerPersonId == worker);
        return (load.OpenCases, load.Target, load.OverTarget);
    }

    private async Task<Wire.Referral> AcceptedAsync()
    {
        var made = await The.School.RefersAsync(The.Centre);
        await The.Centre.EmptiesInboxAsync();
        return await The.Centre.MovesAsync(Wire.ReferralAction.Accept, made.ReferralId);
    }

    private long PrimariesOf(string caseId) => Exchange.Query(
        "SELECT count(*) FROM case_participant WHERE case_id = $0 AND role = 1", r => r.GetInt64(0), Guid.Parse(caseId).ToByteArray(bigEndian: true))[0];

    private Task<Refused> RefusedAsync(Wire.ErrorReason reason, Party by, Wire.ProposePrimaryRequest request) =>
        RefusedAsync(reason, () => by.AskAsync(to => to.CaseLife.ProposePrimaryAsync(request)));

    private Task<Refused> RefusedAsync(Wire.ErrorReason reason, Func<Task> call) => AssertRefusedAloneAsync(reason, call);
}
