using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Deliveries;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.BreakGlass;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Conferences;
using SafetyNet.Exchange.Tests.Deliveries;
using SafetyNet.Exchange.Tests.Disputes;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.PersonLinks;
using SafetyNet.Exchange.Tests.Pipeline;
using SafetyNet.Exchange.Tests.Reports;
using SafetyNet.Exchange.Tests.Visits;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Inbox;

/// <summary>Each kind of notice fills the fields that the comment on it in inbox.proto names, and no others (R-NOT-2).</summary>
[Trait("Rule", "R-NOT-2")]
public sealed partial class NoticeFieldsTests(TestExchange exchange) : WireTests(exchange)
{
    private static readonly FieldDescriptor[] Ids =
        [.. Wire.Notice.Descriptor.Fields.InDeclarationOrder().Where(f => f.Name.EndsWith("_id", StringComparison.Ordinal) && f.Name is not ("unit_id" or "decision_id"))];

    [Fact]
    public async Task A_kind_fills_just_the_ids_that_the_contract_says_it_fills()
    {
        var said = Said();
        Assert.Equal(Enum.GetValues<Wire.NoticeKind>().Where(k => k != Wire.NoticeKind.Unspecified).Order(), said.Keys.Order());
        Assert.All(said.Values.SelectMany(f => f.Always.Concat(f.Sometimes)), name => Assert.Contains(name, Ids.Select(f => f.Name)));

        var seen = new Dictionary<Wire.NoticeKind, HashSet<string>>();
        foreach (var notice in await EveryKindAsync())
        {
            var filled = Ids.Where(f => ((string)f.Accessor.GetValue(notice)).Length > 0).Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
            var (always, sometimes) = said[notice.Kind];
            Assert.True(filled.IsSupersetOf(always) && filled.Except(always).All(sometimes.Contains) && (filled.Count > 0 || notice.Kind is Wire.NoticeKind.Parked or Wire.NoticeKind.HouseholdDeliveryLate), $"{notice.Kind} fills {string.Join(", ", filled)}");
            Assert.All(filled, name => Assert.True(Guid.TryParse((string)Wire.Notice.Descriptor.FindFieldByName(name).Accessor.GetValue(notice), out _)));
            Assert.Equal("", notice.Resource);
            if (notice.Kind != Wire.NoticeKind.Parked) Assert.Equal((36, true), (notice.DecisionId.Length, notice.UnitId.Length > 0));
            seen.TryAdd(notice.Kind, []);
            seen[notice.Kind].UnionWith(filled);
        }

        Assert.Equal(said.Keys.Order(), seen.Keys.Order());
        Assert.All(seen, kind => Assert.Equal(said[kind.Key].Always.Concat(said[kind.Key].Sometimes).Order(StringComparer.Ordinal), kind.Value.Order(StringComparer.Ordinal)));
    }

    /// <summary>What the comments say: ids before the first semicolon always, those after it in some case.</summary>
    private static Dictionary<Wire.NoticeKind, (HashSet<string> Always, HashSet<string> Sometimes)> Said()
    {
        var kinds = Wire.InboxReflection.Descriptor.FindTypeByName<EnumDescriptor>(nameof(Wire.NoticeKind));
        return Comments().Matches(File.ReadAllText(Path.Combine(Repository.Root, "protos", "safetynet", "exchange", "v1", "inbox.proto")).ReplaceLineEndings("\n")).ToDictionary(
            comment => (Wire.NoticeKind)kinds.FindValueByName(comment.Groups["kind"].Value).Number,
            comment => (Found(comment.Groups["always"].Value), Found(comment.Groups["sometimes"].Value)));

        static HashSet<string> Found(string text) => Names().Matches(text).Select(name => name.Value).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Notices of a story in which everything happens that anybody is told of.</summary>
    private static async Task<IReadOnlyList<Wire.Notice>> EveryKindAsync()
    {
        await using var own = await TestExchange.StartAsync(deliveries: new DeliverySettings { Expected = [new ExpectedDelivery { Jurisdiction = "TPE", EveryDays = 1 }] });
        await own.Composition.DeliveryWatch.RunAsync(CancellationToken.None);
        var (the, all) = (new The(own), new List<Wire.Notice>());
        var (family, step) = (Some.Family(), Wire.DisclosureStep.Referral);
        var child = family.Child.NationalId.Canonical;
        var request = Some.Referral(the.School, the.Centre.UnitId, Some.SubjectOf(family.Child));
        request.View = Some.View(Economic, EducationRecord);
        var referral = (await the.School.RefersAsync(request)).ReferralId;
        await CollectAsync();
        await the.Centre.MovesAsync(referral, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        var inCase = (await the.Centre.OpensCaseAsync(referral, family.Mother.Id)).CaseId;

        await JoinsAsync(the.MentalHealthCentre);
        await the.MentalHealthCentre.LooksUpAsync(child, inCase: inCase);
        var job = (await the.Centre.RefersAsync(Some.Referral(the.Centre, the.Labor.UnitId, Some.SubjectOf(family.Mother), Wire.Article6Service.EmploymentGuidance, inCase))).ReferralId;
        await CollectAsync();
        await the.Labor.MovesAsync(job, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        var note = await the.Centre.WritesAsync(the.Centre.Note(inCase, Wire.ConfidentialityClass.CaseNote, "家訪紀錄",
            new Wire.NoteShare { UnitId = the.Labor.UnitId, LegalBasis = Wire.LegalBasis.Article6IntegratedService }));
        await the.Centre.AmendsAsync(the.Centre.Amendment(inCase, note, "家訪紀錄，補充"));
        await the.Centre.NarrowsAsync(Wire.DisclosureStep.NoteShare, note.NoteId, the.Labor);

        var applied = await the.Police.AppliesAsync(the.Police.Application(own, child, Wire.ConfidentialityClass.Identity));
        await the.Centre.GrantsAsync(applied.GrantId, Wire.ConfidentialityClass.Identity);
        await the.Centre.RevokesAsync(applied.GrantId);
        var onDuty = the.Police.As(Wire.ActorRole.DutyOfficer, "P2001");
        var glass = "";
        for (var i = 0; i < 5; i++) glass = await GlassMoves.BreaksAsync(onDuty, child);
        await GlassMoves.ReviewAsync(the.Officer, glass);

        var conference = await the.Centre.ConvenesAsync(the.Centre.Conference(inCase, own.Clock.GetUtcNow().AddDays(3), [the.Police], Wire.ConfidentialityClass.Identity, Household));
        await the.Centre.AmendsAsync(conference.ConferenceId, Wire.ConfidentialityClass.Identity);
        await the.Centre.AcknowledgesAsync((await the.School.CorrectsAsync(step, referral, child, EducationRecord)).CorrectionId);
        await the.School.NarrowsAsync(step, referral, the.Centre, Economic);
        await the.WanhuaCentre.MovesAsync((await the.Centre.ProposesAsync(the.Centre.Transfer(referral, the.WanhuaCentre.UnitId, inCase: inCase))).Onward.ReferralId,
            Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        await CollectAsync();
        // A case that is handed over in vain, whose goal passes, which another is merged into, and which is closed.
        var sisters = Some.Family();
        await CollectAsync();
        var life = await the.SharedCaseAsync(the.Centre, Some.SubjectOf(sisters.Child), the.Labor);
        await the.Centre.AsksInAsync(life, the.Police, Wire.Article6Service.PersonalSafety);
        await the.Centre.HandsOverAsync(life, the.Labor);
        await the.Labor.DeclinesPrimaryAsync(life);
        await the.Centre.SetsGoalAsync(the.Centre.Goal(life, the.Labor, "媒合就業"));
        await the.Labor.LeavesAsync(life);
        await CollectAsync();
        await the.Centre.MergesAsync(life, await the.SharedCaseAsync(the.Centre, Some.SubjectOf(sisters.Mother), the.MentalHealthCentre));
        await the.MentalHealthCentre.LeavesAsync(life);
        await the.Centre.ClosesCaseAsync(life);
        // Items of a conference: made, changed, reported, handed to the next level; and a case that leaves the list.
        await CollectAsync();
        var (listed, off) = (await the.ListedAsync(own, the.Centre, the.Labor), await the.ListedAsync(own, the.Centre, the.Labor));
        await the.Centre.ChangesItemAsync(the.Centre.ItemChange(listed.Items[0].ItemId, "2099-06-30"));
        await the.Centre.EscalatesAsync(listed.Items[0].ItemId);
        await the.Labor.FinishesAsync(off.Items[0].ItemId);
        await the.Centre.ConfirmsAsync(off.Items[0].ItemId);
        await the.Centre.CountsAsync(off.ConferenceId, (the.Labor, Wire.Attendance.Absent));
        await the.Centre.TakesOffListAsync(off.ConferenceId);
        // A dispute over the lead, with a ruling and an appeal.
        await CollectAsync();
        await own.ChangeRegistryAsync(registry => registry.Units.Single(u => u.UnitId == the.Intake.UnitId).SupervisorUnitId = the.ProtectionCentre.UnitId);
        var dispute = (await the.Centre.DisputesAsync((await the.LedByAsync(the.Centre)).ReportId, the.WanhuaCentre)).DisputeId;
        await the.Intake.RulesAsync(dispute, the.Centre);
        await the.WanhuaCentre.AppealsAsync(dispute);
        all.AddRange(await the.Intake.EmptiesInboxAsync());
        await CollectAsync();
        await the.Intake.ScreensAsync((await the.School.ReportsAsync()).ReportId, Wire.ReportClass.Invalid);
        await CollectAsync();
        // Clocks that nobody answers: of a referral, and of another thing; and a notice that cannot be read.
        await the.School.RefersAsync(the.Centre);
        await the.Labor.PlansAsync(the.Labor.Plan(new VisitedCase(inCase, family.Mother.Id.ToString()), own.Clock.GetUtcNow().DayIn(4)));
        var (change, clocks) = (new Change(), own.Composition.Clocks);
        using (var read = own.Composition.Store.Read())
            own.Composition.TimeLimits.Start(change, read, own.Composition.Members, own.Clock.GetUtcNow(), Wire.ClockKind.DisputeRuling, "standard", "dispute", Guid.CreateVersion7(own.Clock.GetUtcNow()), the.Centre.UnitId);
        var record = own.RecordsFrom(own.RecordCount() - 1)[0];
        record.DecisionId = Guid.CreateVersion7(own.Clock.GetUtcNow()).ToString();
        await own.Composition.Commits.CommitAsync(AuditEntry.Of(record), change);
        own.Clock.Advance(TimeSpan.FromDays(9));
        await clocks.RunAsync(CancellationToken.None);
        // A register that does not come in time, and then too short.
        await own.Composition.DeliveryWatch.RunAsync(CancellationToken.None);
        await the.Register.DeliversAsync([Register.Person("NF1")], Wire.DeliveryKind.Full);
        all.AddRange(await the.Register.EmptiesInboxAsync());
        await CollectAsync();
        // Two persons who are one, and are not.
        var twice = Some.Stranger();
        await the.School.RefersAsync(the.Centre, twice);
        await the.School.ReportsAsync(ReportMoves.Content(twice));
        await the.Register.AbandonsAsync((await the.Register.SeesDeliveryAsync()).DeliveryId);
        var (kept, _) = await the.Register.RegistersAsync();
        await the.Register.DecidesAsync(kept.NationalId, twice.NationalId);
        await the.Register.DecidesAsync(kept.NationalId, twice.NationalId, Wire.PersonLinkDecision.NotSame);
        await CollectAsync();
        await the.School.RefersAsync(the.Centre);
        own.Query("UPDATE notice SET kind = 0 WHERE unit_id = $0 AND sequence = (SELECT last_sequence FROM inbox WHERE unit_id = $0)", _ => 0, the.Centre.UnitId);
        await CollectAsync();
        Assert.Single(ServerOutput.TakeErrors());
        return all;

        async Task CollectAsync()
        {
            foreach (var party in (Party[])[the.School, the.Centre, the.Labor, the.MentalHealthCentre, the.Police, the.Intake, the.Officer]) all.AddRange(await party.EmptiesInboxAsync());
        }

        async Task JoinsAsync(Party unit)
        {
            await the.Centre.AsksInAsync(inCase, unit, own.Composition.Members.FindUnit(unit.UnitId)!.Registered.Services[0]);
            await unit.JoinsAsync(inCase);
        }
    }

    [GeneratedRegex(@"  // Fills (?<always>[^;.]*)(;(?<sometimes>[^.]*))?\.\n  (?<kind>NOTICE_KIND_\w+) = ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Comments();

    [GeneratedRegex(@"\b[a-z_]+_id\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Names();
}
