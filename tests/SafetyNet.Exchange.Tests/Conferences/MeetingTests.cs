using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using Level = SafetyNet.Exchange.V1.ConferenceLevel;

namespace SafetyNet.Exchange.Tests.Conferences;

/// <summary>Meetings through the wire: what is read before, who came, when a case leaves the list (R-CON-3, R-CON-4, R-CON-6).</summary>
public sealed class MeetingTests(TestExchange exchange) : WireTests(exchange)
{
    private Party Chair => The.Centre;

    [Fact]
    [Trait("Rule", "R-CON-6")]
    public async Task R_CON_6_attendance_is_recorded_for_each_unit_invited_from_the_meeting_on_and_corrected_until_the_next()
    {
        var caseId = await The.SharedCaseAsync(Chair);
        var met = await Chair.BringsAsync(Exchange, caseId, Level.Case, [The.Labor, The.School]);
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => Chair.CountsAsync(met, (The.Labor, Wire.Attendance.Present)));
        Exchange.MeetAt(met, Exchange.Clock.GetUtcNow().AddMinutes(-1));
        var uninvited = await AssertRefusedAloneAsync(Wire.ErrorReason.UnitNotAtMeeting, () => Chair.CountsAsync(met, (The.Labor, Wire.Attendance.Present), (The.Police, Wire.Attendance.Absent)));
        Assert.Equal((The.Police.UnitId, "attendances[1].unit_id", "R-CON-6"), (uninvited.Refusal.Metadata["unit_id"], uninvited.Refusal.Metadata["field"], uninvited.Refusal.Metadata["rule"]));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => Chair.CountsAsync(met, (The.Labor, Wire.Attendance.Present), (The.Labor, Wire.Attendance.Absent)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => Chair.CountsAsync(met, (The.Labor, default)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.CountsAsync(met, (The.Labor, Wire.Attendance.Present)));
        await Chair.CountsAsync(met, (The.Labor, Wire.Attendance.Absent), (The.School, Wire.Attendance.Excused));
        var corrected = await Chair.CountsAsync(met, (The.Labor, Wire.Attendance.Present));
        Assert.Equal(
            [(Chair.UnitId, Wire.Attendance.Present), (The.Labor.UnitId, Wire.Attendance.Present), (The.School.UnitId, Wire.Attendance.Excused)], corrected.Units.Select(unit => (unit.UnitId, unit.Attendance)));
        Assert.Equal(corrected.Units, (await The.School.ReadsMinutesAsync(met)).Units);

        Exchange.MeetAt(met, Exchange.Clock.GetUtcNow().AddDays(-2));
        await Chair.HoldsAsync(Exchange, caseId, Level.District, [The.Labor]);
        var late = await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => Chair.CountsAsync(met, (The.Labor, Wire.Attendance.Absent)));
        Assert.Equal("NEXT_MEETING_HELD", late.Refusal.Metadata["state"]);
    }

    [Fact]
    [Trait("Rule", "R-CON-4")]
    public async Task R_CON_4_a_case_leaves_the_list_when_every_item_is_done_and_every_unit_that_was_present_agrees()
    {
        var (caseId, met, items) = await The.ListedAsync(Exchange, Chair, The.Labor, The.School, The.Labor);
        var never = await Chair.HoldsAsync(Exchange, await The.SharedCaseAsync(Chair), Level.Case, [The.Labor]);
        Assert.Equal("R-CON-4", (await AssertRefusedAloneAsync(Wire.ErrorReason.NotOnList, () => Chair.TakesOffListAsync(never))).Refusal.Metadata["rule"]);
        await The.Labor.FinishesAsync(items[0].ItemId);
        await Chair.ConfirmsAsync(items[0].ItemId);
        await The.School.FinishesAsync(items[1].ItemId);
        var open = await AssertRefusedAloneAsync(Wire.ErrorReason.ItemsNotDone, () => Chair.TakesOffListAsync(met));
        Assert.Equal(("2", "R-CON-4"), (open.Refusal.Metadata["items"], open.Refusal.Metadata["rule"]));
        var listed = await AssertRefusedAloneAsync(Wire.ErrorReason.CaseOnList, () => Chair.ClosesCaseAsync(caseId));
        Assert.Equal(("3", "R-CON-4"), (listed.Refusal.Metadata["items"], listed.Refusal.Metadata["rule"]));
        await Chair.ConfirmsAsync(items[1].ItemId);
        await The.Labor.FinishesAsync(items[2].ItemId);
        await Chair.ConfirmsAsync(items[2].ItemId);

        // Nobody has recorded who came: that is no agreement.
        Assert.Equal($"{The.Labor.UnitId}, {The.School.UnitId}", (await AssertRefusedAloneAsync(Wire.ErrorReason.ConsentMissing, () => Chair.TakesOffListAsync(met))).Refusal.Metadata["unit_ids"]);
        var early = await AssertRefusedAloneAsync(Wire.ErrorReason.NotPresent, () => The.Labor.SaysAsync(met));
        Assert.Equal(("NOT_RECORDED", "R-CON-4"), (early.Refusal.Metadata["attendance"], early.Refusal.Metadata["rule"]));
        await Chair.CountsAsync(met, (The.Labor, Wire.Attendance.Present), (The.School, Wire.Attendance.Excused));
        Assert.Equal("EXCUSED", (await AssertRefusedAloneAsync(Wire.ErrorReason.NotPresent, () => The.School.SaysAsync(met))).Refusal.Metadata["attendance"]);
        await The.Labor.SaysAsync(met, Wire.ListConsent.Objects);
        Assert.Equal(The.Labor.UnitId, (await AssertRefusedAloneAsync(Wire.ErrorReason.ConsentMissing, () => Chair.TakesOffListAsync(met))).Refusal.Metadata["unit_ids"]);
        Assert.Equal(MeetingMoves.Why, Unit(await Chair.ReadsMinutesAsync(met), The.Labor).Reason.Text);
        Assert.Null(Unit(await The.School.ReadsMinutesAsync(met), The.Labor).Reason);
        var agreed = await The.Labor.SaysAsync(met);
        Assert.Equal((Wire.ListConsent.Agrees, MeetingMoves.Why), (Unit(agreed, The.Labor).Consent, Unit(agreed, The.Labor).Reason.Text));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Labor.TakesOffListAsync(met));

        var off = await Chair.TakesOffListAsync(met);
        Assert.False(off.Listed);
        Assert.All(off.Resolutions.SelectMany(resolution => resolution.Items), item => Assert.Equal(Wire.ItemState.Removed, item.State));
        foreach (var owner in (Party[])[The.Labor, The.School]) Assert.Contains((Wire.NoticeKind.CaseOffList, Chair.UnitId), Exchange.NoticesAbout(owner.UnitId, caseId));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotOnList, () => Chair.TakesOffListAsync(met));
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => Chair.EscalatesAsync(items[0].ItemId));
        Assert.Equal(Wire.CaseState.Closed, (await Chair.ClosesCaseAsync(caseId)).State);

        static Wire.MeetingUnit Unit(Wire.Minutes minutes, Party unit) => minutes.Units.Single(one => one.UnitId == unit.UnitId);
    }

    [Fact]
    [Trait("Rule", "R-CON-4")]
    public async Task R_CON_4_who_agreed_before_a_further_resolution_agrees_anew()
    {
        var (_, met, items) = await The.ListedAsync(Exchange, Chair, The.Labor);
        await Chair.CountsAsync(met, (The.Labor, Wire.Attendance.Present));
        await The.Labor.SaysAsync(met);
        var further = (await Chair.ResolvesAsync(met, Chair.Owes("每月家訪")))[0];
        foreach (var item in (Wire.TrackedItem[])[items[0], further])
        {
            await (item.OwnerUnitId == Chair.UnitId ? Chair : The.Labor).FinishesAsync(item.ItemId);
            await Chair.ConfirmsAsync(item.ItemId);
        }

        await AssertRefusedAloneAsync(Wire.ErrorReason.ConsentMissing, () => Chair.TakesOffListAsync(met));
        await The.Labor.SaysAsync(met);
        Assert.False((await Chair.TakesOffListAsync(met)).Listed);
    }

    [Fact]
    [Trait("Rule", "R-CON-4")]
    public async Task R_CON_4_removal_resolutions_and_closing_at_the_same_time_never_drop_an_item()
    {
        for (var round = 0; round < 4; round++)
        {
            var (caseId, met, items) = await The.ListedAsync(Exchange, Chair, The.Labor);
            await The.Labor.FinishesAsync(items[0].ItemId);
            await Chair.ConfirmsAsync(items[0].ItemId);
            await Chair.CountsAsync(met, (The.Labor, Wire.Attendance.Absent));
            await Parallel.ForEachAsync(Enumerable.Range(0, 12), new ParallelOptions { MaxDegreeOfParallelism = 12 }, async (i, _) => await Refused.IfAsync(() => (i % 4) switch
            {
                0 => Chair.TakesOffListAsync(met),
                1 => Chair.ResolvesAsync(met, Chair.Owes($"續辦 {i}")),
                2 => Chair.ClosesCaseAsync(caseId),
                _ => Chair.BringsAsync(Exchange, caseId, Level.Case, [The.Labor]),
            }));
            var id = Guid.Parse(caseId).ToByteArray(bigEndian: true);
            var (isOpen, isListed) = Exchange.Query("SELECT c.state = 1, l.is_listed FROM case_file AS c JOIN listed_case AS l ON l.case_id = c.case_id WHERE c.case_id = $0", r => (r.GetBoolean(0), r.GetBoolean(1)), id)[0];
            var left = Exchange.Query("SELECT count(*) FROM tracked_item WHERE case_id = $0 AND state <> 5", r => r.GetInt32(0), id)[0];
            Assert.Equal((left > 0, isOpen || left == 0), (isListed, true));
            // What is open is on the agenda of the conference that lies ahead, if there is one.
            var ahead = Exchange.Query("SELECT conference_id FROM conference WHERE case_id = $0 AND meeting_at > $1", r => new Guid(r.GetFieldValue<byte[]>(0), true), id, Server.Storage.Instants.ToMicros(Exchange.Clock.GetUtcNow()));
            var followed = Exchange.Query("SELECT DISTINCT conference_id FROM tracked_item WHERE case_id = $0 AND is_open", r => new Guid(r.GetFieldValue<byte[]>(0), true), id);
            if (ahead.Count > 0) Assert.All(followed, conference => Assert.Contains(conference, ahead));
        }
    }

    [Fact]
    [Trait("Rule", "R-NTK-8")]
    [Trait("Rule", "R-NTK-12")]
    [Trait("Rule", "R-NTK-17")]
    public async Task What_is_read_before_a_meeting_shows_each_unit_the_extracts_of_the_classes_that_the_agenda_opens_to_it()
    {
        var subject = Some.Stranger();
        var caseId = await The.SharedCaseAsync(The.ProtectionCentre, subject, The.MentalHealthCentre);
        var chair = The.ProtectionCentre;
        var met = await chair.BringsAsync(Exchange, caseId, Level.Case, [The.Labor, The.WomenChildrenPolice, The.Borough], CaseNote, MentalHealth, DomesticViolence);
        await The.MentalHealthCentre.SubmitsAsync(The.MentalHealthCentre.Extract(met, MentalHealth, "規律回診"));
        await The.WomenChildrenPolice.SubmitsAsync(The.WomenChildrenPolice.Extract(met, DomesticViolence, "已約制告誡"));
        var first = await The.Labor.SubmitsAsync(The.Labor.Extract(met, CaseNote, "初稿"));
        await AssertRefusedAloneAsync(Wire.ErrorReason.ConcurrentChange, () => The.Labor.SubmitsAsync(The.Labor.Extract(met, CaseNote, "他版", "AAAAAA")));
        await The.Labor.SubmitsAsync(The.Labor.Extract(met, CaseNote, "待業三個月", first.Etag));
        Assert.Equal("R-CON-2", (await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.Labor.SubmitsAsync(The.Labor.Extract(met, Economic, "負債")))).Refusal.Metadata["rule"]);
        await AssertRefusedAloneAsync(Wire.ErrorReason.ViewNotPermitted, () => The.Labor.SubmitsAsync(The.Labor.Extract(met, DomesticViolence, "聽聞")));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.School.SubmitsAsync(The.School.Extract(met, CaseNote, "出席狀況")));

        var all = new[] { (The.MentalHealthCentre.UnitId, "規律回診"), (The.Labor.UnitId, "待業三個月"), (The.WomenChildrenPolice.UnitId, "已約制告誡") };
        foreach (var (by, withheld) in ((Party, Wire.ConfidentialityClass[])[])[(chair, []), (The.WomenChildrenPolice, []), (The.Labor, [DomesticViolence]), (The.Borough, [DomesticViolence])])
        {
            var read = await by.ReadsBeforeAsync(met);
            Assert.Equal(all.Select(one => (one.Item1, withheld.Length > 0 && one.Item1 == The.WomenChildrenPolice.UnitId ? "" : one.Item2)).Order(),
                read.PreRead.Extracts.Select(extract => (extract.UnitId, extract.Content?.Text ?? "")).Order());
            Assert.Equal(withheld, read.Disclosure.WithheldClasses);
            Assert.Equal([The.Borough.UnitId], read.PreRead.MissingUnitIds);
            Assert.Equal("網絡內多次協調後仍無成效", read.PreRead.Statement);
        }

        // A unit of the case that is not invited may put something onto the table, and does not sit at it.
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.MentalHealthCentre.ReadsBeforeAsync(met))).Reason);
        // The ledger has a line for the chair too, of each that put something onto its table; it lists those classes to it that it may see itself.
        var lines = Exchange.Query("SELECT from_unit_id, ended_at IS NULL FROM disclosure WHERE step_id = $0 AND to_unit_id = $1 ORDER BY from_unit_id", r => (r.GetString(0), r.GetBoolean(1)),
            Guid.Parse(met).ToByteArray(bigEndian: true), chair.UnitId);
        Assert.Equal([(The.MentalHealthCentre.UnitId, true), (The.Labor.UnitId, true), (The.WomenChildrenPolice.UnitId, true)], lines);
        Assert.Contains(await chair.ListsDisclosuresAsync(subject.NationalId), e => e.StepId == met && e.ToUnitId == chair.UnitId && e.Classes.Contains(DomesticViolence));
        await chair.AmendsAsync(met, CaseNote);
        Assert.Equal(["待業三個月"], (await chair.ReadsBeforeAsync(met)).PreRead.Extracts.Where(extract => extract.Content is not null).Select(extract => extract.Content.Text));
        Exchange.MeetAt(met, Exchange.Clock.GetUtcNow().AddMinutes(-1));
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => The.Labor.SubmitsAsync(The.Labor.Extract(met, CaseNote, "遲交")));
        Exchange.MeetAt(met, Exchange.Clock.GetUtcNow().AddDays(-30));
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => The.Labor.ReadsBeforeAsync(met))).Reason);
        var after = (await chair.ReadsBeforeAsync(met)).PreRead;
        Assert.All(after.Extracts, extract => Assert.Null(extract.Content));
        Assert.Equal("", after.Statement);
    }

    [Fact]
    [Trait("Rule", "R-CON-3")]
    public async Task A_resolution_that_is_sent_twice_happens_once_and_a_screening_centre_that_convened_reads_what_its_meeting_resolved()
    {
        var caseId = await The.SharedCaseAsync(Chair);
        var met = await The.Intake.HoldsAsync(Exchange, caseId, Level.City, [The.Labor]);
        var request = The.Intake.Resolution(met, CaseNote, The.Labor.Owes("媒合就業"));
        Assert.Equal(await The.Intake.ResolvesAsync(request), await The.Intake.ResolvesAsync(request));
        var minutes = await The.Intake.ReadsMinutesAsync(met);
        Assert.Equal([MeetingMoves.Resolved], minutes.Resolutions.Select(resolution => resolution.Content.Text));
        Assert.Equal(["媒合就業"], minutes.Resolutions.SelectMany(resolution => resolution.Items).Select(item => item.Deed.Text));
        // The primary unit, which is not at the table, sees that there are items, who owes them and until when.
        var status = Assert.Single((await Chair.ReadsMinutesAsync(met)).Resolutions.SelectMany(resolution => resolution.Items));
        Assert.Equal((The.Labor.UnitId, "2099-01-31", null), (status.OwnerUnitId, status.DueDate, status.Deed));
    }
}
