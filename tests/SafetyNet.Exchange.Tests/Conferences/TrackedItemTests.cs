using SafetyNet.Exchange.Server.Conferences;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Visits;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using Level = SafetyNet.Exchange.V1.ConferenceLevel;

namespace SafetyNet.Exchange.Tests.Conferences;

/// <summary>Items of resolutions through the wire: who owes them, who sees them, how they go on from meeting to meeting (R-CON-3, R-CON-5).</summary>
public sealed class TrackedItemTests(TestExchange exchange) : WireTests(exchange)
{
    private Party Chair => The.Centre;

    [Fact]
    [Trait("Rule", "R-CON-3")]
    public async Task R_CON_3_a_resolution_makes_items_that_their_owners_report_and_the_chair_gives_back_or_confirms_with_all_their_history()
    {
        var (caseId, met, items) = await The.ListedAsync(Exchange, Chair, The.Labor, Chair);
        var id = items[0].ItemId;
        Assert.Equal((The.Labor.UnitId, Chair.UnitId, Wire.ItemState.Open, Level.Case, "2099-01-31", "辦理事項 1"), (items[0].OwnerUnitId, items[0].ChairUnitId, items[0].State, items[0].Level, items[0].DueDate, items[0].Deed.Text));
        Assert.True((await Chair.ReadsMinutesAsync(met)).Listed);
        await The.Labor.AdvancesAsync(id, "已完成職業評量");
        var reported = await The.Labor.FinishesAsync(id);
        Assert.Equal(Wire.ItemState.ReportedDone, reported.State);
        await Chair.GivesBackAsync(id, "2099-02-28");
        await Chair.ChangesItemAsync(Chair.ItemChange(id, "2099-03-31"));
        await The.Labor.FinishesAsync(id);
        var done = await Chair.ConfirmsAsync(id);

        Assert.Equal(
            [
                (Wire.ItemAction.Assign, Chair.UnitId, Wire.ItemState.Open, "2099-01-31", ""), (Wire.ItemAction.ReportProgress, The.Labor.UnitId, Wire.ItemState.Open, "2099-01-31", "已完成職業評量"),
                (Wire.ItemAction.ReportDone, The.Labor.UnitId, Wire.ItemState.ReportedDone, "2099-01-31", "已完成"), (Wire.ItemAction.Return, Chair.UnitId, Wire.ItemState.Open, "2099-02-28", "佐證資料不足，請補訪"),
                (Wire.ItemAction.Amend, Chair.UnitId, Wire.ItemState.Open, "2099-03-31", "分工調整"), (Wire.ItemAction.ReportDone, The.Labor.UnitId, Wire.ItemState.ReportedDone, "2099-03-31", "已完成"),
                (Wire.ItemAction.ConfirmDone, Chair.UnitId, Wire.ItemState.Done, "2099-03-31", ""),
            ], done.Moves.Select(move => (move.Action, move.UnitId, move.State, move.DueDate, move.Text?.Text ?? "")));
        Assert.All(done.Moves, move => Assert.Equal((met, Level.Case), (move.ConferenceId, move.Level)));
        Assert.Equal([Wire.NoticeKind.ItemAssigned, Wire.NoticeKind.ItemChanged, Wire.NoticeKind.ItemChanged, Wire.NoticeKind.ItemChanged],
            Exchange.NoticesAbout(The.Labor.UnitId, caseId).Select(n => n.Kind).Where(kind => kind != Wire.NoticeKind.ConferenceInvitation));
        Assert.Equal([Wire.NoticeKind.ItemReportedDone, Wire.NoticeKind.ItemReportedDone], Exchange.NoticesAbout(Chair.UnitId, caseId).Select(n => n.Kind).Where(kind => kind == Wire.NoticeKind.ItemReportedDone));
    }

    [Fact]
    [Trait("Rule", "R-CON-3")]
    public async Task R_CON_3_a_resolution_without_items_owner_or_due_date_or_of_a_class_that_is_not_on_the_agenda_is_refused_alone()
    {
        var caseId = await The.SharedCaseAsync(Chair, null, The.MentalHealthCentre);
        var ahead = await Chair.BringsAsync(Exchange, caseId, Level.Case, [The.Labor]);
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => Chair.ResolvesAsync(ahead, The.Labor.Owes("媒合就業")));
        Exchange.MeetAt(ahead, Exchange.Clock.GetUtcNow().AddMinutes(-1));
        foreach (var (field, spoil) in ((string, Action<Wire.RecordResolutionRequest>)[])
            [
                ("items", r => r.Items.Clear()), ("items[1].owner_unit_id", r => r.Items[1].OwnerUnitId = ""), ("items[0].due_date", r => r.Items[0].DueDate = ""),
                ("items[1].due_date", r => r.Items[1].DueDate = Exchange.Clock.GetUtcNow().DayIn(-1)),
            ])
        {
            var request = Chair.Resolution(ahead, CaseNote, The.Labor.Owes("媒合就業"), Chair.Owes("每月家訪"));
            spoil(request);
            var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ResolutionIncomplete, () => Chair.ResolvesAsync(request));
            Assert.Equal((field, "R-CON-3", field), (refused.Refusal.Metadata["field"], refused.Refusal.Metadata["rule"], refused.Refusal.Faults[0].Field));
        }

        foreach (var spoil in (Action<Wire.RecordResolutionRequest>[])[r => r.Items[0].Deed = "", r => r.Text = "", r => r.ConfidentialityClass = default, r => r.Items.Add(Enumerable.Repeat(r.Items[0], 20))])
        {
            var request = Chair.Resolution(ahead, CaseNote, The.Labor.Owes("媒合就業"));
            spoil(request);
            await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => Chair.ResolvesAsync(request));
        }

        var stranger = await AssertRefusedAloneAsync(Wire.ErrorReason.ItemOwnerNotAtTable, () => Chair.ResolvesAsync(ahead, The.Police.Owes("巡守")));
        Assert.Equal((The.Police.UnitId, "items[0].owner_unit_id", "R-CON-3"), (stranger.Refusal.Metadata["unit_id"], stranger.Refusal.Metadata["field"], stranger.Refusal.Metadata["rule"]));
        var unlisted = await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => Chair.ResolvesAsync(Chair.Resolution(ahead, Economic, The.Labor.Owes("媒合就業"))));
        Assert.Equal("R-CON-2", unlisted.Refusal.Metadata["rule"]);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.ResolvesAsync(ahead, The.Labor.Owes("媒合就業")));
        // A unit that serves in the case owes as one that is invited does.
        Assert.Single(await Chair.ResolvesAsync(ahead, The.MentalHealthCentre.Owes("每週訪視")));
    }

    [Fact]
    [Trait("Rule", "R-NTK-9")]
    public async Task R_CON_3_a_protective_deed_is_owed_only_by_a_unit_that_may_hold_its_class()
    {
        var caseId = await The.SharedCaseAsync(The.ProtectionCentre);
        var met = await The.ProtectionCentre.HoldsAsync(Exchange, caseId, Level.Case, [The.Labor, The.WomenChildrenPolice], DomesticViolence);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted,
            () => The.ProtectionCentre.ResolvesAsync(The.ProtectionCentre.Resolution(met, DomesticViolence, The.Labor.Owes("避免揭露住居所"))));
        Assert.Equal((The.Labor.UnitId, "DOMESTIC_VIOLENCE"), (refused.Refusal.Metadata["unit_id"], refused.Refusal.Metadata["class"]));
        var item = (await The.ProtectionCentre.ResolvesAsync(The.ProtectionCentre.Resolution(met, DomesticViolence, The.WomenChildrenPolice.Owes("約制告誡相對人")))).Items.Single();
        Assert.Equal("約制告誡相對人", (await The.WomenChildrenPolice.SeesItemAsync(item.ItemId)).Item.Deed.Text);
        var seen = await The.Labor.SeesItemAsync(item.ItemId);
        Assert.Null(seen.Item.Deed);
        Assert.Equal((Wire.ItemState.Open, The.WomenChildrenPolice.UnitId), (seen.Item.State, seen.Item.OwnerUnitId));
        Assert.Equal([DomesticViolence], seen.Disclosure.WithheldClasses);
    }

    [Fact]
    [Trait("Rule", "R-CON-2")]
    [Trait("Rule", "R-NTK-14")]
    [Trait("Rule", "R-NTK-17")]
    public async Task R_CON_2_the_owner_reads_what_it_owes_as_long_as_it_is_open_and_others_while_their_invitation_stands()
    {
        var subject = Some.Stranger();
        var caseId = await The.SharedCaseAsync(Chair, subject);
        var met = await Chair.HoldsAsync(Exchange, caseId, Level.Case, [The.Labor, The.School, The.Borough], CaseNote, Wire.ConfidentialityClass.Identity);
        var id = (await Chair.ResolvesAsync(met, The.Labor.Owes("媒合就業")))[0].ItemId;
        Assert.Equal("媒合就業", (await The.School.SeesItemAsync(id)).Item.Deed.Text);
        Assert.Equal("媒合就業", (await The.Borough.SeesItemAsync(id)).Item.Deed.Text);
        // Off the agenda, the texts are for those whom they are addressed to.
        await Chair.AmendsAsync(met, Wire.ConfidentialityClass.Identity);
        Assert.Null((await The.School.SeesItemAsync(id)).Item.Deed);
        Assert.Equal("媒合就業", (await The.Labor.SeesItemAsync(id)).Item.Deed.Text);

        Exchange.MeetAt(met, Exchange.Clock.GetUtcNow().AddDays(-31));
        await The.Labor.AdvancesAsync(id, "已面談");
        Assert.Equal(["", "已面談"], (await The.Labor.SeesItemAsync(id)).Item.Moves.Select(move => move.Text?.Text ?? ""));
        Assert.Equal("媒合就業", Assert.Single(await The.Labor.ListsOwnItemsAsync(), item => item.ItemId == id).Deed.Text);
        Assert.Equal("已面談", (await Chair.SeesItemAsync(id)).Item.Moves[^1].Text.Text);
        foreach (var stranger in (Party[])[The.School, The.Borough, The.Police, The.CentreOfTaoyuan])
        {
            var forbidden = await Refused.ByAsync(() => stranger.SeesItemAsync(id));
            Assert.Equal((await Refused.ByAsync(() => stranger.SeesItemAsync(The.NobodysUuid))).Look(), forbidden.Look());
            Assert.Equal(Wire.ErrorReason.NotFound, forbidden.Reason);
        }

        var line = Assert.Single(await Lines());
        Assert.Equal((id, Chair.UnitId, The.Labor.UnitId, true), (line.StepId, line.FromUnitId, line.ToUnitId, line.Open));
        await The.Labor.FinishesAsync(id);
        await Chair.ConfirmsAsync(id);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.Labor.SeesItemAsync(id))).Reason);
        Assert.False(Assert.Single(await Lines(), l => l.ToUnitId == The.Labor.UnitId).Open);

        async Task<List<Wire.DisclosureEntry>> Lines() =>
            [.. (await Chair.ListsDisclosuresAsync(subject.NationalId)).Where(e => e.Step == Wire.DisclosureStep.TrackedItem && e.ToUnitId != Chair.UnitId)];
    }

    [Fact]
    [Trait("Rule", "R-CON-3")]
    public async Task R_CON_3_open_items_are_on_the_agenda_of_the_next_conference_of_their_level_and_overdue_ones_are_marked()
    {
        var (caseId, first, items) = await The.ListedAsync(Exchange, Chair, The.Labor, The.Labor, The.Labor);
        await The.Labor.FinishesAsync(items[1].ItemId);
        await The.Labor.FinishesAsync(items[2].ItemId);
        await Chair.ConfirmsAsync(items[2].ItemId);
        Exchange.Lapse(items[0]);
        Exchange.Lapse(items[1]);
        Assert.Empty((await Chair.ReadsBeforeAsync(await Chair.BringsAsync(Exchange, caseId, Level.District, [The.Labor]))).PreRead.Items);
        var second = await The.Intake.BringsAsync(Exchange, caseId, Level.Case, [The.Labor]);
        var read = (await The.Labor.ReadsBeforeAsync(second)).PreRead;
        Assert.Equal([(items[0].ItemId, Wire.ItemState.Open, true, 1), (items[1].ItemId, Wire.ItemState.ReportedDone, false, 1)],
            read.Items.Select(item => (item.ItemId, item.State, item.Overdue, item.TimesCarriedOver)).OrderBy(item => item.State));
        Assert.All(read.Items, item => Assert.Equal((The.Intake.UnitId, second, Wire.ItemAction.CarryOver), (item.ChairUnitId, item.ConferenceId, item.Moves[^1].Action)));
        Assert.All(read.Items, item => Assert.Equal(first, item.Moves[0].ConferenceId));
        // Whoever convened the new conference confirms; whoever convened the first does not any more.
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => Chair.ConfirmsAsync(items[1].ItemId));
        Assert.Equal(Wire.ItemState.Done, (await The.Intake.ConfirmsAsync(items[1].ItemId)).State);
        // What a late resolution of the first makes goes to the second at once.
        var late = (await Chair.ResolvesAsync(first, The.Labor.Owes("補件")))[0];
        Assert.Equal((second, The.Intake.UnitId, 1), (late.ConferenceId, late.ChairUnitId, late.TimesCarriedOver));
        Assert.Equal(1, Exchange.Query("SELECT count(*) FROM clock WHERE resource_id = $0 AND stopped_at IS NULL", r => r.GetInt32(0), Guid.Parse(late.ItemId).ToByteArray(bigEndian: true))[0]);
    }

    [Fact]
    [Trait("Rule", "R-CON-5")]
    public async Task R_CON_5_what_a_level_cannot_solve_goes_to_the_next_with_its_history_and_not_beyond_the_central_one()
    {
        var (caseId, first, items) = await The.ListedAsync(Exchange, Chair, The.Labor);
        var id = items[0].ItemId;
        await The.Labor.AdvancesAsync(id, "已洽三家廠商");
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.EscalatesAsync(id));
        var escalated = await Chair.EscalatesAsync(id);
        Assert.Equal((Wire.ItemState.Escalated, Level.District, first), (escalated.State, escalated.Level, escalated.ConferenceId));
        Assert.Contains((Wire.NoticeKind.ItemEscalated, Chair.UnitId), Exchange.NoticesAbout(The.Intake.UnitId, caseId));
        await The.Labor.AdvancesAsync(id, "續洽廠商");
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => The.Labor.FinishesAsync(id));
        var before = (await Chair.SeesItemAsync(id)).Item.Moves;
        var second = await The.Intake.HoldsAsync(Exchange, caseId, Level.District, [The.Labor]);
        var taken = (await The.Labor.SeesItemAsync(id)).Item;
        Assert.Equal((Wire.ItemState.Open, Level.District, second, The.Intake.UnitId), (taken.State, taken.Level, taken.ConferenceId, taken.ChairUnitId));
        Assert.Equal(before, taken.Moves.Take(before.Count));

        // Where a conference of the next level lies ahead already, it has it at once.
        var third = await The.Intake.BringsAsync(Exchange, caseId, Level.City, [The.Labor]);
        var up = await The.Intake.EscalatesAsync(id);
        Assert.Equal((Wire.ItemState.Open, Level.City, third), (up.State, up.Level, up.ConferenceId));
        await The.Intake.EscalatesAsync(id);
        await The.Intake.HoldsAsync(Exchange, caseId, Level.Central, [The.Labor]);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.NoHigherLevel, () => The.Intake.EscalatesAsync(id));
        Assert.Equal(("CENTRAL", "R-CON-5"), (refused.Refusal.Metadata["level"], refused.Refusal.Metadata["rule"]));
        await The.Labor.FinishesAsync(id);
        Assert.Equal(Wire.ItemState.Done, (await The.Intake.ConfirmsAsync(id)).State);
    }

    [Fact]
    [Trait("Rule", "R-CON-3")]
    public async Task An_item_that_passes_to_another_owner_is_closed_to_the_one_before_and_an_old_version_changes_nothing()
    {
        var (caseId, met, items) = await The.ListedAsync(Exchange, Chair, The.Labor, The.School);
        var item = items[0];
        await AssertRefusedAloneAsync(Wire.ErrorReason.ItemOwnerNotAtTable, () => Chair.ChangesItemAsync(Chair.ItemChange(item.ItemId, owner: The.Police)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.ResolutionIncomplete, () => Chair.ChangesItemAsync(Chair.ItemChange(item.ItemId, Exchange.Clock.GetUtcNow().DayIn(-1))));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => Chair.ChangesItemAsync(Chair.ItemChange(item.ItemId)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.School.ChangesItemAsync(The.School.ItemChange(item.ItemId, owner: The.School)));
        await Chair.ChangesItemAsync(Chair.ItemChange(item.ItemId, owner: The.School));
        await AssertRefusedAloneAsync(Wire.ErrorReason.ConcurrentChange, () => Chair.ChangesItemAsync(Chair.ItemChange(item.ItemId, "2099-05-31", etag: item.Etag)));
        Exchange.MeetAt(met, Exchange.Clock.GetUtcNow().AddDays(-31));
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.Labor.SeesItemAsync(item.ItemId))).Reason);
        Assert.DoesNotContain(await The.Labor.ListsOwnItemsAsync(), one => one.ItemId == item.ItemId);
        Assert.Equal("辦理事項 1", (await The.School.SeesItemAsync(item.ItemId)).Item.Deed.Text);
        Assert.Contains((Wire.NoticeKind.ItemAssigned, Chair.UnitId), Exchange.NoticesAbout(The.School.UnitId, caseId));
        Assert.Contains((Wire.NoticeKind.ItemChanged, Chair.UnitId), Exchange.NoticesAbout(The.Labor.UnitId, caseId));
    }

    [Fact]
    [Trait("Rule", "R-CON-4")]
    public async Task R_CON_4_items_go_along_when_their_case_is_merged_and_to_the_primary_unit_when_their_chair_leaves()
    {
        var family = Some.Family();
        var goes = await The.SharedCaseAsync(Chair, Some.SubjectOf(family.Mother));
        var item = (await Chair.ResolvesAsync(await Chair.HoldsAsync(Exchange, goes, Level.Case, [The.Labor, The.School]), The.Labor.Owes("媒合就業")))[0];
        var goesOn = await The.SharedCaseAsync(Chair, Some.SubjectOf(family.Child), The.WanhuaCentre);
        await Chair.MergesAsync(goesOn, goes);
        Assert.Equal(goesOn, (await The.Labor.SeesItemAsync(item.ItemId)).Item.CaseId);
        // The conference stays with the case that went: those invited to it see nothing of the one that goes on.
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.School.SeesItemAsync(item.ItemId))).Reason);
        await The.WanhuaCentre.LeavesAsync(goesOn);
        await AssertRefusedAloneAsync(Wire.ErrorReason.CaseOnList, () => Chair.ClosesCaseAsync(goesOn));

        await Chair.BringsInAsync(goesOn, The.ProtectionCentre);
        await Chair.HandsOverAsync(goesOn, The.ProtectionCentre, leaves: true);
        await The.ProtectionCentre.TakesOverAsync(goesOn);
        Assert.Equal(The.ProtectionCentre.UnitId, (await The.Labor.FinishesAsync(item.ItemId)).ChairUnitId);
        Assert.Equal("媒合就業", Assert.Single(await The.ProtectionCentre.ListsOpenItemsAsync(), one => one.ItemId == item.ItemId).Deed.Text);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => Chair.SeesItemAsync(item.ItemId))).Reason);
        Assert.Equal(Wire.ItemState.Done, (await The.ProtectionCentre.ConfirmsAsync(item.ItemId)).State);
    }

    [Fact]
    [Trait("Rule", "R-CON-3")]
    [Trait("Rule", "R-AUD-1")]
    public async Task The_lists_of_a_chair_and_of_an_owner_are_by_due_date_name_their_subjects_and_find_by_an_index()
    {
        await using var own = await TestExchange.StartAsync();
        var (the, subject) = (new The(own), Some.Stranger());
        var (chair, owner) = (the.Centre, the.Labor);
        var met = await chair.HoldsAsync(own, await the.SharedCaseAsync(chair, subject), Level.Case, [owner]);
        var made = await chair.ResolvesAsync(met, owner.Owes("三", "2099-03-03"), owner.Owes("一", "2099-01-01"), owner.Owes("二", "2099-02-02"), owner.Owes("零", "2099-12-31"));
        own.Lapse(made.Single(item => item.Deed.Text == "零"), days: 3);
        foreach (var size in (int[])[0, 1, 3])
        {
            Assert.Equal(["零", "一", "二", "三"], (await chair.ListsOpenItemsAsync(size: size)).Select(item => item.Deed.Text));
            Assert.Equal(["零", "一", "二", "三"], (await owner.ListsOwnItemsAsync(size: size)).Select(item => item.Deed.Text));
            Assert.Equal(["零"], (await chair.ListsOpenItemsAsync(overdue: true, size: size)).Select(item => item.Deed.Text));
        }

        var answer = await owner.AnswerAsync(to => to.TrackedItems.ListOwnItemsAsync(new() { Context = owner.AtConference() }));
        Assert.Equal([own.Composition.Vault.Pseudonyms.OfNationalId(subject.NationalId)], own.RecordOf(answer.Receipt).Subjects);
        using var store = new SqliteStore(own.Composition.Store.Path);
        using var session = store.Read();
        foreach (var asChair in (bool[])[true, false]) session.ListItems(new ItemPage(chair.UnitId, asChair, null, (DateOnly.MinValue, Guid.Empty), 10));
        session.ReachesItem(Guid.Parse(made[0].ItemId), the.Police.UnitId);
        session.PseudonymsOfCases(own.Composition.Vault, [Guid.Parse(made[0].CaseId)]);
        foreach (var sql in session.Statements.ToList())
        {
            using var plan = session.Query($"EXPLAIN QUERY PLAN {sql}", [.. Enumerable.Repeat<object>(DBNull.Value, 5)]);
            var lines = new List<string>();
            while (plan.Read()) lines.Add(plan.GetString(3));
            Assert.DoesNotContain(lines, line => (line.StartsWith("SCAN ", StringComparison.Ordinal) && !line.StartsWith("SCAN listed", StringComparison.Ordinal) && !line.Contains("CONSTANT", StringComparison.Ordinal))
                || line.Contains("ORDER BY", StringComparison.Ordinal));
            if (sql.Contains("due_on", StringComparison.Ordinal)) Assert.Contains(lines, line => line.Contains("is_open=? AND (due_on,item_id)>(?,?)", StringComparison.Ordinal));
        }
    }

    [Fact]
    [Trait("Rule", "R-CON-3")]
    public async Task R_CON_3_the_owner_is_reminded_before_the_due_date_and_chair_and_supervisor_hear_when_it_is_over()
    {
        var from = VisitMoves.NoonOf("2026-03-02");
        await using var own = await TestExchange.StartAsync(span: (from, from.AddMonths(3)));
        var the = new The(own);
        var (owner, office) = (the.Intake, new Party(own, the.Intake.System, "tpe-dosw-office", "W0600", Wire.ActorRole.Supervisor));
        var caseId = await the.SharedCaseAsync(the.Centre);
        var met = await the.Centre.HoldsAsync(own, caseId, Level.Case, [owner]);
        var items = await the.Centre.ResolvesAsync(met, owner.Owes("媒合就業", "2026-03-31"), owner.Owes("補件", "2026-03-31"), owner.Owes("面談", "2026-03-31"));
        await owner.FinishesAsync(items[1].ItemId);
        await the.Centre.ChangesItemAsync(the.Centre.ItemChange(items[2].ItemId, "2026-05-31"));
        foreach (var party in (Party[])[owner, the.Centre, office]) await party.EmptiesInboxAsync();
        var clock = (await owner.AskAsync(to => to.Clocks.ListClocksAsync(new() { Context = owner.Context(), Kind = Wire.ClockKind.ConferenceItemDue }))).Clocks[0];
        Assert.Equal(($"item/{items[0].ItemId}", false, "2026-04-01 00:00"), (clock.Resource, clock.WorkingTime, Taipei(clock.DueAt)));
        Assert.Equal(["REMINDER 2026-03-26 02:24", "OVERDUE 2026-04-01 00:00", "ESCALATED 2026-04-01 09:00"],
            clock.Steps.Select(step => $"{Server.Pipeline.CodeText.Of(step.Kind)} {Taipei(step.DueAt)}"));

        own.Clock.PinAt(VisitMoves.NoonOf("2026-03-31"));
        await own.Composition.Clocks.RunAsync(CancellationToken.None);
        Assert.Equal([Wire.NoticeKind.ClockReminder], (await owner.EmptiesInboxAsync()).Select(n => n.Kind));
        Assert.Empty(await owner.ListsOwnItemsAsync(overdue: true));
        own.Clock.PinAt(VisitMoves.NoonOf("2026-04-01"));
        await own.Composition.Clocks.RunAsync(CancellationToken.None);
        Assert.Equal([Wire.NoticeKind.ClockOverdue], (await owner.EmptiesInboxAsync()).Select(n => n.Kind));
        foreach (var told in (Party[])[the.Centre, office])
        {
            var notice = Assert.Single(await told.EmptiesInboxAsync());
            Assert.Equal((Wire.NoticeKind.ClockEscalated, clock.ClockId, owner.UnitId, ""), (notice.Kind, notice.ClockId, notice.UnitId, notice.CaseId));
        }

        Assert.Equal([items[0].ItemId], (await owner.ListsOwnItemsAsync(overdue: true)).Select(item => item.ItemId));
        await owner.FinishesAsync(items[0].ItemId);
        Assert.Empty(await owner.ListsOwnItemsAsync(overdue: true));

        static string Taipei(Google.Protobuf.WellKnownTypes.Timestamp at) => $"{at.ToDateTimeOffset().ToOffset(TimeSpan.FromHours(8)):yyyy-MM-dd HH:mm}";
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task What_was_wrong_in_an_item_is_corrected_to_its_owner_and_an_item_is_told_to_who_watches_the_case()
    {
        var subject = Some.Stranger();
        var caseId = await The.SharedCaseAsync(Chair, subject, The.MentalHealthCentre);
        var met = await Chair.HoldsAsync(Exchange, caseId, Level.Case, [The.Labor]);
        var items = await Chair.ResolvesAsync(met, The.Labor.Owes("通知三年級導師"), The.MentalHealthCentre.Owes("每週訪視"));
        var (toLabor, toHealth) = (items.Single(item => item.OwnerUnitId == The.Labor.UnitId).ItemId, items.Single(item => item.OwnerUnitId != The.Labor.UnitId).ItemId);
        var correction = (await Chair.CorrectsAsync(Wire.DisclosureStep.TrackedItem, toLabor, subject.NationalId, CaseNote)).CorrectionId;
        var read = await The.Labor.AskAsync(to => to.Disclosures.GetCorrectionAsync(new() { Context = The.Labor.AtConference(), CorrectionId = correction }));
        Assert.Equal(("原載為三年級", "應為四年級"), (read.Texts.Single().Wrong, read.Texts.Single().Right));
        await The.Labor.FinishesAsync(toLabor);
        await Chair.ConfirmsAsync(toLabor);
        Assert.Equal(Wire.ErrorReason.NotFound,
            (await Refused.ByAsync(() => The.Labor.AskAsync(to => to.Disclosures.GetCorrectionAsync(new() { Context = The.Labor.AtConference(), CorrectionId = correction })))).Reason);

        // Ids and kinds: to the primary unit of all items, to a unit of the case of its own, to who is not in the case of none.
        async Task<List<string>> Told(Party by) => [.. (await by.WatchesCasesAsync(CaseWatching.FromTheBeginning, TimeSpan.FromSeconds(1)))
            .Where(change => change.CaseId == caseId && change.Kind == Wire.CaseChangeKind.TrackedItem).Select(change => change.ItemId)];
        Assert.Equal([toLabor, toLabor, toLabor, toHealth], (await Told(Chair)).OrderBy(id => id == toHealth));
        Assert.Equal([toHealth], await Told(The.MentalHealthCentre));
        Assert.Empty(await Told(The.Labor));
    }

    [Fact]
    [Trait("Rule", "R-NTK-17")]
    public async Task The_ledger_goes_with_a_meeting_that_moves_for_the_chair_too()
    {
        var subject = Some.Stranger();
        var caseId = await The.SharedCaseAsync(Chair, subject);
        var met = await Chair.BringsAsync(Exchange, caseId, Level.Case, [The.Labor]);
        await The.Labor.SubmitsAsync(The.Labor.Extract(met, CaseNote, "待業三個月"));
        var moved = (await Chair.AskAsync(to => to.Conferences.AmendConferenceAsync(new()
        {
            Context = Chair.AtConference(met), RequestId = Some.RequestId(), ConferenceId = met, Agenda = { CaseNote },
            MeetingAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow().AddDays(20)),
        }))).Conference;
        var lines = (await Chair.ListsDisclosuresAsync(subject.NationalId)).Where(e => e.StepId == met && e.ToUnitId == Chair.UnitId).ToList();
        Assert.Equal([true, false], lines.Select(e => e.Open));
        Assert.Equal((The.Labor.UnitId, moved.OpenUntil), (lines[0].FromUnitId, lines[0].Until));
    }

    [Fact]
    [Trait("Rule", "R-CON-3")]
    public async Task What_is_resolved_and_reported_lies_sealed()
    {
        var (_, met, items) = await The.ListedAsync(Exchange, Chair, The.Labor);
        const string Resolved = "決議全文不得外洩之測試字句", Deed = "列管內容不得外洩之測試字句", Told = "進度內容不得外洩之測試字句";
        var request = Chair.Resolution(met, CaseNote, The.Labor.Owes(Deed));
        request.Text = Resolved;
        await The.Labor.AdvancesAsync((await Chair.ResolvesAsync(request)).Items[0].ItemId, Told);
        foreach (var file in (string[])[Exchange.DatabasePath, Exchange.DatabasePath + "-wal"])
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
            foreach (var text in (string[])[Resolved, Deed, Told]) Assert.Equal(-1, bytes.GetBuffer().AsSpan(0, (int)bytes.Length).IndexOf(System.Text.Encoding.UTF8.GetBytes(text)));
        }

        Assert.Single(items);
    }
}
