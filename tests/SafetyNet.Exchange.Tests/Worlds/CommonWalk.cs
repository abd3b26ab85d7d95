using System.Text.Json;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Tests.Audit;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Deliveries;
using SafetyNet.Exchange.Tests.Disputes;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Misuse;
using SafetyNet.Exchange.Tests.PersonLinks;
using SafetyNet.Exchange.Tests.Pipeline;
using SafetyNet.Exchange.Tests.Reports;
using SafetyNet.Exchange.Tests.Retention;
using SafetyNet.Exchange.Tests.Visits;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>The read methods whose answers are not of one world: the registry and the log, each compared with what it is read from.</summary>
internal static class CommonWalk
{
    public static readonly IReadOnlyDictionary<string, Func<TestExchange, The, Task>> Entries = new Dictionary<string, Func<TestExchange, The, Task>>(StringComparer.Ordinal)
    {
        ["MemberService/GetSelf"] = GetSelfAsync,
        ["MemberService/ListUnits"] = ListUnitsAsync,
        ["AuditService/ListAccesses"] = ListAccessesAsync,
        ["AuditService/SearchAccesses"] = SearchAccessesAsync,
        ["AuditService/ReportAccesses"] = ReportAccessesAsync,
        ["AuditService/ListPossibleViewers"] = ListPossibleViewersAsync,
        ["RetentionService/ListLegalHolds"] = ListLegalHoldsAsync,
        ["RetentionService/GetRetention"] = GetRetentionAsync,
        ["AuditService/GetCheckpoint"] = GetCheckpointAsync,
        ["AuditService/GetInclusionProof"] = GetInclusionProofAsync,
        ["AuditService/GetConsistencyProof"] = GetConsistencyProofAsync,
        ["AuditService/ReadLog"] = ReadLogAsync,
        ["BreakGlassService/ListBreakGlassReviews"] = ListReviewsAsync,
        ["RevealService/ListReveals"] = ListRevealsAsync,
        ["RevealService/GetReveal"] = GetRevealAsync,
        ["MisuseService/ListFindings"] = ListFindingsAsync,
        ["MisuseService/GetFinding"] = GetFindingAsync,
        ["MisuseService/ListMisuseRules"] = ListMisuseRulesAsync,
        ["ClockService/ListClocks"] = ListClocksAsync,
        ["InboxService/ListParkedNotices"] = ListParkedNoticesAsync,
        ["ReportService/ListReports"] = ListReportsAsync,
        ["ReportService/GetReport"] = GetReportAsync,
        ["ReportService/GetScreening"] = GetScreeningAsync,
        ["ReportService/ListSourceSystems"] = ListSourceSystemsAsync,
        ["PolicyService/GetPolicy"] = GetPolicyAsync,
        ["PolicyService/ListExpiringBases"] = ListExpiringBasesAsync,
        ["VisitService/ListVisits"] = ListVisitsAsync,
        ["VisitService/GetProtocol"] = GetProtocolAsync,
        ["VisitService/ListProtocols"] = ListProtocolsAsync,
        ["LeadDisputeService/GetLeadDispute"] = GetLeadDisputeAsync,
        ["LeadDisputeService/ListLeadDisputes"] = ListLeadDisputesAsync,
        ["LeadDisputeService/SearchPrecedents"] = SearchPrecedentsAsync,
        ["CaseLifeService/GetCaseload"] = CaseWalk.GetCaseloadAsync,
        ["CaseLifeService/ListCaseMoves"] = CaseWalk.ListCaseMovesAsync,
        ["ServicePlanService/ListGoals"] = CaseWalk.ListGoalsAsync,
        ["MeetingService/GetPreRead"] = MeetingWalk.GetPreReadAsync,
        ["MeetingService/GetMinutes"] = MeetingWalk.GetMinutesAsync,
        ["TrackedItemService/GetItem"] = MeetingWalk.GetItemAsync,
        ["TrackedItemService/ListOpenItems"] = MeetingWalk.ListOpenItemsAsync,
        ["TrackedItemService/ListOwnItems"] = MeetingWalk.ListOwnItemsAsync,
        ["CaseWatchService/WatchCases"] = WatchCasesAsync,
        ["HouseholdDeliveryService/GetDelivery"] = DeliverAsync,
        ["HouseholdDeliveryService/ListRejectedRows"] = DeliverAsync,
        ["PersonLinkService/ListPersonLinks"] = LinkAsync,
    };

    /// <summary>A delivery is read as it was made, and by its own register alone.</summary>
    private static async Task DeliverAsync(TestExchange exchange, The the)
    {
        var wrong = Register.Person("W1").With(row => row.Name = "");
        var made = await the.Register.DeliversAsync([wrong]);
        Assert.Equal(made, await the.Register.SeesDeliveryAsync(made.DeliveryId));
        Assert.Equal([(1L, "name", Wire.RegisterFault.Required)], (await the.Register.RejectionsAsync(made.DeliveryId)).Select(one => (one.Line, one.Field, one.Fault)));
        Assert.Equal(Wire.ErrorReason.NotFound, (await the.RegisterOfTaoyuan.AskInVainAsync(to => to.HouseholdDeliveries.GetDeliveryAsync(new() { Context = the.RegisterOfTaoyuan.Context(), DeliveryId = made.DeliveryId }))).Reason);
    }

    /// <summary>A decision on two numbers is read as it was made, by both, and by the register that made it alone.</summary>
    private static async Task LinkAsync(TestExchange exchange, The the)
    {
        var ((mother, _), old) = (await the.Register.RegistersAsync(), Some.StrangersId());
        var made = await the.Register.DecidesAsync(mother.NationalId, old);
        foreach (var number in (string[])[mother.NationalId, old])
        {
            Assert.Equal(made, Assert.Single(await the.Register.ListsLinksAsync(number)));
            Assert.Empty(await the.RegisterOfTaoyuan.ListsLinksAsync(number));
        }
    }

    private static async Task GetSelfAsync(TestExchange exchange, The the)
    {
        var self = await the.Centre.AskAsync(to => to.Members.GetSelfAsync(new() { Context = the.Centre.Context() }));
        Assert.Equal(exchange.Composition.Members.Units.Where(u => u.Agency.Code == "dosw" && u.Agency.Jurisdiction == Wire.Jurisdiction.Tpe).Select(u => u.UnitId).Order(StringComparer.Ordinal),
            self.Units.Select(u => u.UnitId));
    }

    private static async Task ListUnitsAsync(TestExchange exchange, The the)
    {
        var expected = exchange.Composition.Members.Units.Where(u => u.Agency.Jurisdiction == Wire.Jurisdiction.Tao && u.IsActive).OrderBy(u => u.UnitId, StringComparer.Ordinal)
            .Select(u =>
            {
                var shown = u.Registered.Clone();
                shown.BatchJobs.Clear();
                return shown;
            }).ToList();
        foreach (var size in (int[])[1, 2, 100])
        {
            var (listed, token) = (new List<Wire.Unit>(), "");
            do
            {
                var page = await the.School.AskAsync(to => to.Members.ListUnitsAsync(new() { Context = the.School.Context(), Jurisdiction = Wire.Jurisdiction.Tao, PageSize = size, PageToken = token }));
                listed.AddRange(page.Units);
                token = page.NextPageToken;
            }
            while (token.Length > 0);
            Assert.Equal(expected, listed);
        }
    }

    private static Task ListAccessesAsync(TestExchange exchange, The the) => FindAccessesAsync(exchange, the, async (pseudonym, size, token) =>
    {
        var page = await the.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = the.Officer.Context(), Pseudonym = pseudonym, PageSize = size, PageToken = token }));
        return (page.Entries, page.NextPageToken);
    });

    private static Task SearchAccessesAsync(TestExchange exchange, The the) => FindAccessesAsync(exchange, the, async (pseudonym, size, token) =>
    {
        var page = await the.Officer.AskAsync(to => to.Audit.SearchAccessesAsync(new() { Context = the.Officer.Context(), Pseudonym = pseudonym, PageSize = size, PageToken = token }));
        return (page.Entries, page.NextPageToken);
    });

    private static async Task FindAccessesAsync(TestExchange exchange, The the, Func<string, int, string, Task<(IEnumerable<Wire.AccessEntry> Entries, string Next)>> ask)
    {
        var person = Hosting.Some.Stranger();
        for (var i = 0; i < 5; i++) await the.School.RefersAsync(the.Centre, person);
        var pseudonym = exchange.Composition.Vault.Pseudonyms.OfNationalId(person.NationalId);
        var expected = exchange.RecordsFrom(0).Where(r => r.Subjects.Contains(pseudonym)).Select(r => r.DecisionId).Reverse().ToList();
        Assert.Equal(5, expected.Count);
        foreach (var size in (int[])[1, 2, 100])
        {
            var (listed, token) = (new List<string>(), "");
            do
            {
                var (entries, next) = await ask(pseudonym, size, token);
                listed.AddRange(entries.Select(e => e.Record.DecisionId));
                token = next;
            }
            while (token.Length > 0);
            // The officer's own look-ups are records about the person too.
            Assert.Equal(expected, listed.Where(expected.Contains));
        }
    }

    private static async Task ReportAccessesAsync(TestExchange exchange, The the)
    {
        var person = Hosting.Some.Stranger();
        for (var i = 0; i < 4; i++) await the.School.RefersAsync(the.Centre, person);
        await the.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = the.Officer.Context(), NationalId = person.NationalId }));
        var pseudonym = exchange.Composition.Vault.Pseudonyms.OfNationalId(person.NationalId);
        var expected = exchange.RecordsFrom(0).Where(r => r.Subjects.Contains(pseudonym) && r.Purpose != Wire.Purpose.Audit).Select(r => r.DecidedAt).Reverse().ToList();
        Assert.Equal(4, expected.Count);
        foreach (var size in (int[])[1, 3, 100])
        {
            var (told, token) = (new List<Google.Protobuf.WellKnownTypes.Timestamp>(), "");
            do
            {
                var page = await the.Officer.AskAsync(to => to.Audit.ReportAccessesAsync(new() { Context = the.Officer.Context(), Pseudonym = pseudonym, PageSize = size, PageToken = token }));
                told.AddRange(page.Accesses.Select(a => a.DecidedAt));
                token = page.NextPageToken;
            }
            while (token.Length > 0);
            Assert.Equal(expected, told);
        }
    }

    private static async Task ListPossibleViewersAsync(TestExchange exchange, The the)
    {
        var child = Hosting.Some.Family().Child;
        var taken = await the.Centre.TakesInAsync(the.School, Hosting.Some.SubjectOf(child));
        var listed = await the.Officer.AskAsync(to => to.Audit.ListPossibleViewersAsync(new() { Context = the.Officer.Context(), NationalId = child.NationalId.Canonical }));
        Assert.Equal(
            exchange.Query("SELECT from_unit_id, to_unit_id FROM referral WHERE referral_id = $0", r => (r.GetString(0), r.GetString(1)), Guid.Parse(taken.ReferralId).ToByteArray(true)),
            [(Of(Wire.ViewingGround.ReferralSent), Of(Wire.ViewingGround.ReferralReceived))]);

        string Of(Wire.ViewingGround ground) => listed.Viewers.Single(v => v.Ground == ground && v.Resource == $"referral/{taken.ReferralId}").UnitId;
    }

    private static async Task ListLegalHoldsAsync(TestExchange exchange, The the)
    {
        for (var i = 0; i < 3; i++) await the.Officer.HoldsAsync(the.Officer.Holding(Hosting.Some.StrangersId()));
        var expected = exchange.Query("SELECT hold_id FROM legal_hold WHERE jurisdiction = $0 ORDER BY hold_id DESC", r => new Guid(r.GetFieldValue<byte[]>(0), true).ToString(), (int)Wire.Jurisdiction.Tpe);
        foreach (var size in (int[])[1, 2, 100])
        {
            var (listed, token) = (new List<string>(), "");
            do
            {
                var page = await the.Officer.AskAsync(to => to.Retention.ListLegalHoldsAsync(new() { Context = the.Officer.Context(), PageSize = size, PageToken = token }));
                listed.AddRange(page.Holds.Select(h => h.HoldId));
                token = page.NextPageToken;
            }
            while (token.Length > 0);
            Assert.Equal(expected, listed);
        }
    }

    private static async Task GetRetentionAsync(TestExchange exchange, The the)
    {
        var told = await the.Officer.AskAsync(to => to.Retention.GetRetentionAsync(new() { Context = the.Officer.Context() }));
        Assert.Equal(
            (exchange.Options.Retention.KeepDays, exchange.Query("SELECT count(*) FROM audit_record WHERE length(body) = 0", r => r.GetInt64(0))[0]), (told.KeepDays, told.PurgedRecords));
        var oldest = exchange.Query("SELECT position, body FROM audit_record WHERE length(body) > 0 ORDER BY position LIMIT 1", r => (Position: (ulong)r.GetInt64(0), Body: r.GetFieldValue<byte[]>(1)))[0];
        Assert.Equal((oldest.Position, Wire.AuditRecord.Parser.ParseFrom(oldest.Body).DecidedAt), (told.OldestKeptPosition, told.OldestKeptAt));
    }

    private static async Task GetCheckpointAsync(TestExchange exchange, The the)
    {
        var told = await the.School.AskAsync(to => to.Audit.GetCheckpointAsync(new() { Context = the.School.Context() }));
        Assert.Equal(System.Text.Encoding.UTF8.GetString(exchange.Composition.Log.Published!.Note), told.Note);
    }

    private static async Task GetInclusionProofAsync(TestExchange exchange, The the)
    {
        var told = await the.School.AskAsync(to => to.Audit.GetInclusionProofAsync(new() { Context = the.School.Context(), Position = 3, TreeSize = 9 }));
        Assert.Equal(exchange.Query("SELECT leaf_hash FROM audit_record WHERE position = 3", r => r.GetFieldValue<byte[]>(0)).Single(), told.RecordHash.ToByteArray());
    }

    private static async Task GetConsistencyProofAsync(TestExchange exchange, The the) =>
        Assert.Empty((await the.School.AskAsync(to => to.Audit.GetConsistencyProofAsync(new() { Context = the.School.Context(), FromSize = 9, ToSize = 9 }))).Hashes);

    private static async Task ListReviewsAsync(TestExchange exchange, The the)
    {
        var made = exchange.Query("SELECT break_glass_id FROM broken_glass", r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString()).Order(StringComparer.Ordinal).ToList();
        IReadOnlyList<string>? whole = null;
        foreach (var size in (int[])[100, 2, 1])
        {
            var (listed, token) = (new List<string>(), "");
            do
            {
                var page = await the.Officer.AskAsync(to => to.BreakGlass.ListBreakGlassReviewsAsync(new() { Context = the.Officer.Context(), PageSize = size, PageToken = token }));
                listed.AddRange(page.Reviews.Select(r => r.BreakGlassId));
                token = page.NextPageToken;
            }
            while (token.Length > 0);
            Assert.Equal(whole ??= listed, listed);
            Assert.Equal(made, listed.Order(StringComparer.Ordinal));
        }
    }

    private static async Task ListRevealsAsync(TestExchange exchange, The the)
    {
        var made = exchange.Query("SELECT reveal_id FROM reveal WHERE jurisdiction = 2 ORDER BY reveal_id", r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString());
        Assert.Equal(made, (await the.Officer.ListsRevealsAsync()).Reveals.Select(r => r.RevealId));
    }

    private static async Task GetRevealAsync(TestExchange exchange, The the)
    {
        // Somebody whom a unit looked up in these worlds, and who is kept.
        var (person, pseudonym) = Some.Population.Select(p => (p, exchange.PseudonymOf(p))).First(p => exchange.RecordsFrom(0).Any(
            r => r.Jurisdiction == Wire.Jurisdiction.Tpe && r.Purpose != Wire.Purpose.Audit && r.Subjects.Contains(p.Item2)));
        var (second, reveal) = (the.Officer.Colleague("S0008"), (await the.Officer.RequestsRevealAsync(pseudonym)).RevealId);
        await second.DecidesRevealAsync(reveal);
        var shown = await the.Officer.GetsRevealAsync(reveal);
        Assert.Equal((person.NationalId.Canonical, person.Name), (shown.Person.NationalId, shown.Person.Name));
    }

    private static async Task GetFindingAsync(TestExchange exchange, The the)
    {
        var decoy = Some.StrangersId();
        await the.Officer.PlantsAsync(decoy);
        await Refused.ByAsync(() => the.Centre.LooksUpAsync(decoy, inCase: The.NobodysUuid));
        var listed = (await the.Officer.FindsAsync(exchange, Wire.MisuseRuleId.Canary))[0];
        Assert.Equal(listed, (await the.Officer.GetsFindingAsync(listed.FindingId)).Finding);
    }

    private static async Task ListFindingsAsync(TestExchange exchange, The the)
    {
        var made = exchange.Query("SELECT finding_id FROM misuse_finding WHERE jurisdiction = 2 ORDER BY finding_id DESC", r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString());
        foreach (var size in (int[])[200, 3])
            Assert.Equal(made, (await the.Officer.ListsFindingsAsync(new() { Context = the.Officer.Context(), PageSize = size })).Select(f => f.FindingId));
    }

    private static async Task ListMisuseRulesAsync(TestExchange exchange, The the)
    {
        var open = exchange.Query("SELECT count(*) FROM misuse_finding WHERE jurisdiction = 2 AND state = 1", r => r.GetInt64(0))[0];
        Assert.Equal(open, (await the.Officer.ListsRulesAsync()).Rules.Sum(r => r.Open));
    }

    private static async Task ListClocksAsync(TestExchange exchange, The the)
    {
        var running = exchange.Query("SELECT clock_id FROM clock WHERE unit_id = $0 AND stopped_at IS NULL ORDER BY due_at, clock_id LIMIT 500",
            r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), the.Centre.UnitId);
        var told = await the.Centre.AskAsync(to => to.Clocks.ListClocksAsync(new() { Context = the.Centre.Context(), PageSize = 500 }));
        Assert.Equal(running, told.Clocks.Select(clock => clock.ClockId));
    }

    /// <summary>Who starts a protocol plans eight visits; each list of it, by any page, is what stands in the table.</summary>
    private static async Task ListVisitsAsync(TestExchange exchange, The the)
    {
        var of = await the.VisitedAsync();
        await the.MentalHealthCentre.StartsAsync(of);
        await the.Centre.PlansAsync(the.Centre.Plan(of, exchange.Clock.GetUtcNow().DayIn(9)));
        foreach (var (by, unit) in ((Party, string)[])[(the.MentalHealthCentre, the.MentalHealthCentre.UnitId), (the.Centre, the.Centre.UnitId)])
        {
            var kept = exchange.Query("SELECT visit_id FROM visit WHERE case_id = $0 AND unit_id = $1 ORDER BY planned_on, visit_id",
                r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), Guid.Parse(of.CaseId).ToByteArray(bigEndian: true), unit);
            foreach (var size in (int[])[1, 2, 100])
                Assert.Equal(kept, (await by.ListsVisitsAsync(new() { CaseId = of.CaseId, PageSize = size })).Select(visit => visit.VisitId));
        }
    }

    private static async Task GetProtocolAsync(TestExchange exchange, The the)
    {
        var started = await the.MentalHealthCentre.StartsAsync(await the.VisitedAsync());
        Assert.Equal(started, await the.MentalHealthCentre.SeesProtocolAsync(started.RunId));
        Assert.Equal([4, 2, 2], started.Months.Select(month => month.Planned));
    }

    /// <summary>Every change that is stored, of each case that the unit takes part in, as far as GetCase would show it; and not one of another.</summary>
    private static async Task WatchCasesAsync(TestExchange exchange, The the)
    {
        var events = exchange.Query("SELECT e.case_id, e.kind, e.unit_id, e.resource_id, e.at FROM case_event AS e ORDER BY e.sequence", r => (
            Case: IdOf(r, 0), Kind: (Wire.CaseChangeKind)r.GetInt32(1), Unit: r.GetString(2), Note: r.IsDBNull(3) ? "" : IdOf(r, 3), At: r.GetInt64(4)));
        foreach (var by in (Party[])[the.Centre, the.Labor, the.MentalHealthCentre, the.School, the.Police])
        {
            var parts = exchange.Query("SELECT case_id, since, role FROM case_participant WHERE unit_id = $0 AND role IN (1, 2)", r => (Case: IdOf(r, 0), Since: r.GetInt64(1), IsPrimary: r.GetInt32(2) == 1), by.UnitId)
                .ToDictionary(part => part.Case, StringComparer.Ordinal);
            var showsParts = new Dictionary<string, bool>(StringComparer.Ordinal);
            foreach (var one in parts.Keys.Where(id => events.Exists(e => e.Case == id)))
                showsParts[one] = (await by.AskAsync(to => to.Cases.GetCaseAsync(new() { Context = by.Context(inCase: one), CaseId = one }))).Case.Participants.Count > 0;
            var expected = events.Where(e => parts.TryGetValue(e.Case, out var part) && (part.IsPrimary || e.At >= part.Since) && e.Kind switch
            {
                Wire.CaseChangeKind.Case => true,
                Wire.CaseChangeKind.Participant => e.Unit == by.UnitId || showsParts[e.Case],
                Wire.CaseChangeKind.Goal or Wire.CaseChangeKind.TrackedItem => e.Unit == by.UnitId || part.IsPrimary,
                _ => e.Unit == by.UnitId,
            }).Select(e => $"{e.Case} {e.Kind} {e.Unit} {e.Note}");
            var told = await by.WatchesCasesAsync(CaseWatching.FromTheBeginning, TimeSpan.FromSeconds(1));
            Assert.Equal(expected, told.Select(change => $"{change.CaseId} {change.Kind} {change.UnitId} {change.NoteId}{change.GoalId}{change.VisitId}{change.ItemId}"));
        }

        static string IdOf(Microsoft.Data.Sqlite.SqliteDataReader reader, int column) => new Guid(reader.GetFieldValue<byte[]>(column), bigEndian: true).ToString();
    }

    private static async Task ListParkedNoticesAsync(TestExchange exchange, The the)
    {
        var told = await the.Centre.AskAsync(to => to.Inbox.ListParkedNoticesAsync(new() { Context = the.Centre.Context() }));
        Assert.Empty(told.Notices);
        Assert.NotEqual(0, exchange.RecordCount());
    }

    private static async Task ListReportsAsync(TestExchange exchange, The the)
    {
        await the.School.ReportsAsync();
        foreach (var (party, column) in ((Party, string)[])[(the.School, "submitted_by_unit_id"), (the.Intake, "intake_unit_id")])
        {
            var kept = exchange.Query($"SELECT report_id FROM report WHERE {column} = $0 ORDER BY report_id", r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), party.UnitId);
            foreach (var size in (int[])[7, 500])
            {
                var (listed, token) = (new List<string>(), "");
                do
                {
                    var page = await party.AskAsync(to => to.Reports.ListReportsAsync(new() { Context = party.Context(), PageSize = size, PageToken = token }));
                    listed.AddRange(page.Reports.Select(report => report.ReportId));
                    token = page.NextPageToken;
                }
                while (token.Length > 0);
                Assert.Equal(kept, listed);
            }
        }
    }

    private static async Task GetReportAsync(TestExchange exchange, The the)
    {
        var content = ReportMoves.Content();
        var receipt = await the.School.ReportsAsync(content);
        var told = await the.Intake.SeesReportAsync(receipt.ReportId, the.Intake.Screening());
        // What the desk is shown is what was handed in: all of it is of classes that screening opens.
        Assert.Equal(content, told.Content);
        Assert.Equal((receipt.ReceiptNumber, receipt.ReceivedAt), (told.ReceiptNumber, told.ReceivedAt));
        Assert.NotEqual(0, exchange.RecordCount());
    }

    private static async Task GetScreeningAsync(TestExchange exchange, The the)
    {
        var family = Some.Family();
        var receipts = new List<Wire.ReportReceipt>();
        for (var number = 0; number < 3; number++) receipts.Add(await the.School.ReportsAsync(ReportMoves.Content(Some.SubjectOf(family.Child))));
        var told = await the.Intake.LooksIntoAsync(receipts[2].ReportId);
        var kept = exchange.Query(
            "SELECT count(*) FROM report_subject AS s JOIN report_subject AS mine ON mine.person_id = s.person_id WHERE mine.report_id = $0 AND s.report_id <> $0", r => r.GetInt32(0),
            Guid.Parse(receipts[2].ReportId).ToByteArray(true))[0];
        Assert.Equal((2, kept, kept), (kept, told.History.Single().Person6Months, told.History.Single().Person12Months));
        Assert.Equal(receipts.Take(2).Select(receipt => receipt.ReportId).Order(StringComparer.Ordinal), told.Candidates.Select(one => one.ReportId).Order(StringComparer.Ordinal));
    }

    private static async Task ListSourceSystemsAsync(TestExchange exchange, The the)
    {
        var told = await the.School.AskAsync(to => to.Reports.ListSourceSystemsAsync(new() { Context = the.School.Context() }));
        var kept = SafetyNet.Exchange.Server.Reports.SourceSystems.Load(exchange.Options.Reports.SourceSystemsPath).Systems;
        Assert.Equal(
            kept.OrderBy(one => one.System).Select(one => $"{one.System} {one.NameZh} {string.Join(',', one.AgencyKinds)} {string.Join(',', one.Kinds)} {string.Join(',', one.Requires)} {string.Join(',', one.RosterLists)}"),
            told.SourceSystems.Select(one => $"{one.SourceSystem} {one.NameZh} {string.Join(',', one.AgencyKinds)} {string.Join(',', one.Kinds)} {string.Join(',', one.RequiredFields)} {string.Join(',', one.RosterLists)}"));
    }

    private static async Task ListProtocolsAsync(TestExchange exchange, The the)
    {
        var told = await the.School.AskAsync(to => to.Visits.ListProtocolsAsync(new() { Context = the.School.Context() }));
        using var file = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src/SafetyNet.Exchange.Server/Visits/visit-protocols.json"), TestContext.Current.CancellationToken));
        Assert.Equal(file.RootElement.GetProperty("revision").GetInt32(), told.Revision);
        Assert.Equal(
            file.RootElement.GetProperty("protocols").EnumerateArray().Select(one => $"{Text(one, "code")} {Text(one, "title")} {Text(one, "minimumMonths")} {string.Join(',', one.GetProperty("visits").EnumerateArray().Select(need => $"{Text(need, "fromMonth")}:{Text(need, "perMonth")}"))} {Text(one.GetProperty("reminders"), "supervisorDaysAfter")}"),
            told.Protocols.Select(one => $"{one.Protocol} {one.TitleZh} {one.MinimumMonths} {string.Join(',', one.Needs.Select(need => $"{need.FromMonth}:{need.PerMonth}"))} {one.SupervisorDaysAfter}"));
        Assert.Equal(Wire.ConfidentialityClass.Suicide, told.Protocols.Single(one => one.Protocol == "SUICIDE_FOLLOW_UP").ConfidentialityClass);

        static string Text(JsonElement of, string name) => of.GetProperty(name).ToString();
    }

    private static async Task GetPolicyAsync(TestExchange exchange, The the)
    {
        var told = await the.School.FindsPolicyInForceAsync();
        Assert.Equal((exchange.Composition.Policy.Current.Revision, exchange.Composition.Policy.Current.Sha256), (told.Revision, told.Sha256));
    }

    private static async Task ListExpiringBasesAsync(TestExchange exchange, The the)
    {
        var told = await the.Officer.AskAsync(to => to.Policies.ListExpiringBasesAsync(new() { Context = the.Officer.Context() }));
        Assert.Equal(exchange.Composition.Policy.Current.Revision, told.PolicyRevision);
    }

    private static async Task GetLeadDisputeAsync(TestExchange exchange, The the)
    {
        var made = await the.WanhuaCentre.DisputesAsync((await the.LedByAsync(the.WanhuaCentre)).ReportId, the.Centre);
        Assert.Equal(made, await the.WanhuaCentre.SeesDisputeAsync(made.DisputeId));
        await the.Intake.RulesAsync(made.DisputeId, the.WanhuaCentre);
        Assert.Equal(1, exchange.Query("SELECT count(*) FROM lead_ruling WHERE dispute_id = $0", r => r.GetInt64(0), Guid.Parse(made.DisputeId).ToByteArray(true))[0]);
    }

    private static async Task ListLeadDisputesAsync(TestExchange exchange, The the)
    {
        var made = exchange.Query("SELECT dispute_id FROM lead_dispute WHERE interim_lead_unit_id = $0 ORDER BY dispute_id",
            r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true).ToString(), the.WanhuaCentre.UnitId);
        foreach (var size in (int[])[500, 1])
        {
            var (told, token) = (new List<string>(), "");
            do
            {
                var page = await the.WanhuaCentre.AskAsync(to => to.LeadDisputes.ListLeadDisputesAsync(new() { Context = the.WanhuaCentre.Context(), PageSize = size, PageToken = token }));
                told.AddRange(page.Disputes.Select(one => one.DisputeId));
                token = page.NextPageToken;
            }
            while (token.Length > 0);
            Assert.Equal(made, told);
        }
    }

    private static async Task SearchPrecedentsAsync(TestExchange exchange, The the)
    {
        var kept = exchange.Query("SELECT principle FROM lead_ruling ORDER BY ruling_id DESC", r => r.GetString(0));
        foreach (var size in (int[])[500, 1])
            Assert.Equal(kept, (await the.School.FindsPrecedentsAsync(size: size)).Select(one => one.Principle));
    }

    private static async Task ReadLogAsync(TestExchange exchange, The the)
    {
        var end = exchange.RecordCount();
        using var reading = the.Officer.Channel.Audit.ReadLog(new() { Context = the.Officer.Context(), End = (ulong)end });
        var read = new List<LogEntry>();
        while (await reading.ResponseStream.MoveNext(TestContext.Current.CancellationToken)) read.AddRange(reading.ResponseStream.Current.Entries());
        var stored = exchange.Query(
            "SELECT body, leaf_hash FROM audit_record WHERE position < $0 ORDER BY position", r => (Body: r.GetFieldValue<byte[]>(0), Hash: r.GetFieldValue<byte[]>(1)), end);
        Assert.Equal(stored.Select(s => Convert.ToHexString(s.Hash)), read.Select(e => Convert.ToHexString(e.LeafHash.Bytes)));
        Assert.Equal(
            stored.Select(s => Wire.AuditRecord.Parser.ParseFrom(s.Body).Jurisdiction == Wire.Jurisdiction.Tpe ? Convert.ToHexString(s.Body) : null),
            read.Select(e => e.Record is { } record ? Convert.ToHexString(record.Span) : null));
    }
}
