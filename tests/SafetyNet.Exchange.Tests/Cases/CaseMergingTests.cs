using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ParticipantRole;

namespace SafetyNet.Exchange.Tests.Cases;

/// <summary>Two cases of one family become one, and nobody but the primary unit sees more by it.</summary>
[Trait("Rule", "R-CASE-1")]
public sealed class CaseMergingTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NTK-17")]
    [Trait("Rule", "R-NTK-9")]
    public async Task Both_histories_are_found_in_the_case_that_goes_on_and_every_unit_serves_whom_it_served()
    {
        var family = Some.Family();
        var (child, mother) = (Some.SubjectOf(family.Child), Some.SubjectOf(family.Mother));
        var goesOn = await The.SharedCaseAsync(The.Centre, child, The.MentalHealthCentre);
        var goes = await The.SharedCaseAsync(The.Centre, mother, The.Labor, The.WomenChildrenPolice, The.MentalHealthCentre);
        var first = await The.Centre.WritesAsync(The.Centre.Note(goesOn, Wire.ConfidentialityClass.CaseNote, "孩子的家訪紀錄"));
        var second = await The.Centre.WritesAsync(The.Centre.Note(goes, Wire.ConfidentialityClass.CaseNote, "母親的家訪紀錄", new Wire.NoteShare
        {
            UnitId = The.Labor.UnitId, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
        }));
        await The.Centre.SetsGoalAsync(The.Centre.Goal(goes, The.Labor, "媒合就業"));
        await The.Labor.AssignsAsync(goes, "L0900");

        await AssertRefusedAsync("itself", The.Centre.Merging(goesOn, goesOn));
        await AssertRefusedAsync("not_one_family", The.Centre.Merging(goesOn, await The.SharedCaseAsync(The.Centre)));
        var theirs = await The.SharedCaseAsync(The.WanhuaCentre, Some.SubjectOf(family.Grandparent), The.Centre);
        await AssertRefusedAsync("other_primary", The.Centre.Merging(goesOn, theirs));
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.WanhuaCentre.MergesAsync(theirs, goes))).Reason);
        Assert.Equal(Wire.ErrorReason.NotYourMove, (await Refused.ByAsync(() => The.Labor.AskAsync(to => to.CaseLife.MergeCasesAsync(The.Labor.Merging(goes, goes))))).Reason);

        var merging = The.Centre.Merging(goesOn, goes);
        var merged = (await The.Centre.AskAsync(to => to.CaseLife.MergeCasesAsync(merging))).Case;
        Assert.Equal(2, merged.Subjects.Count);
        Assert.Equal(merged, (await The.Centre.AskAsync(to => to.CaseLife.MergeCasesAsync(merging))).Case);
        Assert.Equal(
            new[] { The.Centre, The.MentalHealthCentre, The.Labor, The.WomenChildrenPolice }.Select(p => p.UnitId).Order(StringComparer.Ordinal),
            merged.Participants.Select(p => p.UnitId).Order(StringComparer.Ordinal));
        foreach (var unit in (Party[])[The.MentalHealthCentre, The.Labor, The.WomenChildrenPolice])
            Assert.Contains((Wire.NoticeKind.CaseMerged, The.Centre.UnitId), Exchange.NoticesAbout(unit.UnitId, goesOn));

        // The case that went says where, to those who took part in it; nothing else of it is shown.
        foreach (var unit in (Party[])[The.Centre, The.Labor])
        {
            var gone = await unit.SeesCaseAsync(goes);
            Assert.Equal((Wire.CaseState.Merged, goesOn, 0), (gone.Case.State, gone.Case.MergedIntoCaseId, gone.Case.Subjects.Count));
            Assert.Empty(gone.Disclosure.ShownClasses);
        }

        Assert.Equal([first.NoteId, second.NoteId], (await The.Centre.ReadsNotesAsync(goesOn)).Notes.Select(n => n.NoteId));
        Assert.Equal([second.NoteId], (await The.Labor.ReadsNotesAsync(goesOn)).Notes.Select(n => n.NoteId));
        Assert.Equal("媒合就業", Assert.Single(await The.Labor.ListsGoalsAsync(goesOn)).Words());
        Assert.Equal("L0900", (await The.Labor.SeesCaseAsync(goesOn)).Case.OwnWorkerPersonId);
        Assert.Equal(
            [(false, Wire.CaseAction.TakeIn), (false, Wire.CaseAction.Open), (true, Wire.CaseAction.AssignWorkers), (true, Wire.CaseAction.Merge), (true, Wire.CaseAction.Open)],
            (await The.Centre.ListsCaseMovesAsync(goesOn)).Where(m => m.Action is not (Wire.CaseAction.Invite or Wire.CaseAction.Join)).Select(m => (m.CaseId == goes, m.Action)).Order());

        // Whom each unit reaches is whom it reached before: the mother's unit not the child, the health centre both, for it served both.
        Assert.Equal([family.Mother.Id.ToString()], (await The.Labor.SeesCaseAsync(goesOn)).Case.Subjects.Select(s => s.PersonId));
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.Labor.LooksUpAsync(child.NationalId, inCase: goesOn))).Reason);
        await The.Labor.LooksUpAsync(mother.NationalId, inCase: goesOn);
        Assert.Equal(2, (await The.MentalHealthCentre.SeesCaseAsync(goesOn)).Case.Subjects.Count);
        // It has ended for good.
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.Centre.LooksUpAsync(mother.NationalId, inCase: goes))).Reason);
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => The.Centre.ReopensAsync(goes))).Reason);
        Assert.Equal(Wire.ErrorReason.CaseAlreadyOpen, (await Refused.ByAsync(async () =>
            await The.WanhuaCentre.OpensCaseAsync((await The.WanhuaCentre.TakesInAsync(The.School, mother)).ReferralId))).Reason);
    }

    [Fact]
    [Trait("Rule", "R-CASE-7")]
    [Trait("Rule", "R-NTK-10")]
    public async Task The_other_primary_accepts_by_handing_its_role_over_and_marks_of_other_parties_go_along()
    {
        var family = Some.Family();
        var (goesOn, goes) = (await The.SharedCaseAsync(The.Centre, Some.SubjectOf(family.Child)), await The.SharedCaseAsync(The.WanhuaCentre, Some.SubjectOf(family.Mother), The.Centre));
        var opposite = Some.StrangersId();
        await The.WanhuaCentre.MarksOtherPartyAsync(goes, opposite);
        await The.WanhuaCentre.HandsOverAsync(goes, The.Centre);
        await The.Centre.TakesOverAsync(goes);
        await The.Centre.MergesAsync(goesOn, goes);
        Assert.Equal(Serving, (await The.WanhuaCentre.SeesCaseAsync(goesOn)).Case.OwnRole);
        Assert.Equal(1, Exchange.Query("SELECT count(*) FROM case_other_party WHERE case_id = $0 AND lifted_at IS NULL", r => r.GetInt64(0), Guid.Parse(goesOn).ToByteArray(bigEndian: true))[0]);
        await The.Centre.MarksOtherPartyAsync(goesOn, opposite, lifted: true);
    }

    private async Task AssertRefusedAsync(string problem, Wire.MergeCasesRequest request)
    {
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.CasesNotMergeable, () => The.Centre.AskAsync(to => to.CaseLife.MergeCasesAsync(request)));
        Assert.Equal((problem, "merged_case_id"), (refused.Refusal.Metadata["problem"], refused.Refusal.Metadata["field"]));
    }
}
