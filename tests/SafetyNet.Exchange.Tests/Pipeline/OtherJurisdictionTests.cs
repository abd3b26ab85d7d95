using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Tests.Audit;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Conferences;
using SafetyNet.Exchange.Tests.Disputes;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Misuse;
using SafetyNet.Exchange.Tests.PersonLinks;
using SafetyNet.Exchange.Tests.Reports;
using SafetyNet.Exchange.Tests.Visits;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Pipeline;

/// <summary>Another county at a case of this one: as if absent, in every method that reads (R-NTK-13).</summary>
[Trait("Rule", "R-NTK-13")]
[Trait("Abuse", "B45")]
public sealed class OtherJurisdictionTests(TestExchange exchange) : WireTests(exchange)
{
    private const Wire.ConfidentialityClass Identity = Wire.ConfidentialityClass.Identity;

    /// <summary>Methods whose answers hold nothing of a person or case.</summary>
    private static readonly string[] Impersonal =
        ["GetSelf", "ListUnits", "GetCheckpoint", "GetInclusionProof", "GetConsistencyProof", "GetPolicy", "ListExpiringBases", "ListMisuseRules", "GetRetention", "ListSourceSystems", "ListProtocols",
            "SearchPrecedents", "GetCaseload", "GetDelivery", "ListRejectedRows"];

    [Fact]
    public async Task Every_reading_method_answers_another_county_as_if_there_were_nothing()
    {
        var family = Some.Family();
        var subject = Some.SubjectOf(family.Child);
        var referral = await The.Centre.TakesInAsync(The.School, subject);
        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId);
        await The.Centre.AsksInAsync(opened.CaseId, The.Labor, Wire.Article6Service.EmploymentGuidance);
        await The.Labor.JoinsAsync(opened.CaseId);
        await The.Centre.WritesAsync(The.Centre.Note(opened.CaseId, CaseNote, "本轄紀錄", new Wire.NoteShare { UnitId = The.Labor.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver }));
        var met = await The.Centre.ConvenesAsync(The.Centre.Conference(opened.CaseId, Exchange.Clock.GetUtcNow().AddDays(3), [The.Police], Identity));
        var correction = await The.School.CorrectsAsync(Wire.DisclosureStep.Referral, referral.ReferralId, subject.NationalId, Identity);
        var grant = await The.Centre.GrantsAsync((await The.Police.AppliesAsync(The.Police.Application(Exchange, subject.NationalId, Identity))).GrantId);
        var decision = (await The.Centre.SeesCaseAsync(opened.CaseId)).Disclosure.DecisionId;
        var pseudonym = (await The.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = The.Officer.Context(), NationalId = subject.NationalId }))).Pseudonym;
        var reveal = (await The.Officer.RequestsRevealAsync(pseudonym)).RevealId;
        await The.Officer.PlantsAsync(subject.NationalId);
        await The.Register.DecidesAsync(subject.NationalId, Some.StrangersId());
        await The.Centre.LooksUpAsync(subject.NationalId, inCase: opened.CaseId);
        var finding = (await The.Officer.FindsAsync(Exchange, Wire.MisuseRuleId.Canary)).First(f => f.Subject == pseudonym).FindingId;
        var ours = new Ids(subject.NationalId, family.Child.Id.ToString(), family.Child.Name, $"{family.Child.BirthDate:yyyy-MM-dd}", referral.ReferralId, opened.CaseId, met.ConferenceId,
            correction.CorrectionId, decision, grant.GrantId, reveal, finding)
        {
            Report = (await The.School.ReportsAsync(ReportMoves.Content(subject))).ReportId,
            Item = (await The.Centre.ResolvesAsync(await The.Centre.HoldsAsync(Exchange, opened.CaseId, Wire.ConferenceLevel.Case, [The.Labor]), The.Labor.Owes("媒合就業")))[0].ItemId,
            Run = (await The.Centre.StartsAsync(new VisitedCase(opened.CaseId, family.Child.Id.ToString()))).RunId,
            Dispute = (await The.WanhuaCentre.DisputesAsync((await The.LedByAsync(The.WanhuaCentre)).ReportId, The.Centre)).DisputeId,
        };
        var nobodys = new Ids(Some.StrangersId(), The.NobodysUuid, "查無此人", ours.BirthDate, The.NobodysUuid, The.NobodysUuid, The.NobodysUuid, The.NobodysUuid, The.NobodysUuid, The.NobodysUuid,
            The.NobodysUuid, The.NobodysUuid);

        var reads = Contract.Methods.All.Where(m => !m.ChangesState).Select(m => m.FullName[(m.FullName.LastIndexOf('/') + 1)..]).ToHashSet(StringComparer.Ordinal);
        var walked = Reads().Select(r => r.Method).Concat(Impersonal).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(reads.Order(StringComparer.Ordinal), walked.Order(StringComparer.Ordinal));
        foreach (var (method, by, ask) in Reads())
        {
            var (told, absent) = (await LookAsync(by, ask, ours), await LookAsync(by, ask, nobodys));
            Assert.True(told == absent, $"{method}: {told}\nis not what is told of nothing:\n{absent}");
            foreach (var secret in (string[])[ours.NationalId, ours.PersonId, ours.Name, ours.Referral, ours.Case, ours.Conference, ours.Correction, ours.Grant, ours.Dispute, ours.Run, ours.Item])
                Assert.DoesNotContain(secret, told, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_changing_method_on_a_thing_of_another_county_refuses_as_if_it_were_not_there()
    {
        var family = Some.Family();
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId);
        var met = await The.Centre.ConvenesAsync(The.Centre.Conference(opened.CaseId, Exchange.Clock.GetUtcNow().AddDays(3), [The.Police], Identity));
        var tao = The.CentreOfTaoyuan;
        var ahead = Exchange.Clock.GetUtcNow().AddDays(3);
        var id = family.Child.NationalId.Canonical;
        foreach (var ask in (Func<string, string, string, Task>[])
            [
                (one, _, _) => tao.ConvenesAsync(tao.Conference(one, ahead, [The.OfficerOfTaoyuan], Identity)),
                (_, two, _) => tao.AmendsAsync(two, Identity),
                (_, two, _) => tao.InvitesAsync(two, The.OfficerOfTaoyuan),
                (_, two, _) => tao.UninvitesAsync(two, The.Police),
                (_, two, _) => tao.ResolvesAsync(two, tao.Owes("媒合就業")),
                (_, two, _) => tao.CountsAsync(two, (The.Police, Wire.Attendance.Present)),
                (_, two, _) => tao.SaysAsync(two),
                (_, two, _) => tao.TakesOffListAsync(two),
                (_, two, _) => tao.SubmitsAsync(tao.Extract(two, CaseNote, "摘要")),
                (one, _, _) => tao.FinishesAsync(one),
                (one, _, _) => tao.MarksOtherPartyAsync(one, Some.StrangersId()),
                (one, _, _) => tao.AssignsAsync(one, "W9001"),
                (one, _, _) => tao.HandsOverAsync(one, tao),
                (one, _, _) => tao.TakesOverAsync(one),
                (one, _, _) => tao.DeclinesPrimaryAsync(one),
                (one, _, _) => tao.TakesProposalBackAsync(one),
                (one, _, _) => tao.LeavesAsync(one),
                (one, _, _) => tao.ClosesCaseAsync(one),
                (one, _, _) => tao.ReopensAsync(one),
                (one, _, _) => tao.MergesAsync(one, one),
                (one, _, _) => tao.SetsGoalAsync(tao.Goal(one, tao, "媒合就業")),
                (one, _, _) => tao.ScopesAsync(one, The.Labor, DomesticViolence),
                (one, _, three) => tao.ProtectsAsync(three, one),
                (_, two, _) => tao.NarrowsAsync(Wire.DisclosureStep.Conference, two, The.Police),
                (_, two, three) => tao.CorrectsAsync(Wire.DisclosureStep.Conference, two, three, Identity),
                (one, _, _) => tao.AcknowledgesAsync(one),
            ])
        {
            var theirs = await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => ask(opened.CaseId, met.ConferenceId, id));
            var nobodys = await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => ask(The.NobodysUuid, The.NobodysUuid, Some.StrangersId()));
            Assert.Equal(nobodys.Look(), theirs.Look());
        }
    }

    private IEnumerable<(string Method, Party By, Func<Party, Ids, Task<object>> Ask)> Reads()
    {
        var (centre, officer, recorded) = (The.CentreOfTaoyuan, The.OfficerOfTaoyuan, (ulong)Exchange.RecordCount());
        yield return ("ListPersonLinks", The.RegisterOfTaoyuan, async (p, id) => await p.ListsLinksAsync(id.NationalId));
        yield return ("GetReferral", centre, async (p, id) => await p.AskAsync(to => to.Referrals.GetReferralAsync(new() { Context = p.Context(), ReferralId = id.Referral })));
        // The log up to here: what the other questions of this test leave in it names what they asked for.
        yield return ("ReadLog", officer, async (p, _) => await ReadLogAsync(p, recorded));
        yield return ("ListReferrals", centre, async (p, _) => await p.AskAsync(to => to.Referrals.ListReferralsAsync(new() { Context = p.Context(), PageSize = 100 })));
        yield return ("GetCase", centre, async (p, id) => await p.SeesCaseAsync(id.Case));
        yield return ("GetCase", centre, async (p, id) => await p.SeesCaseAtAsync(id.Conference, id.Case));
        yield return ("ListNotes", centre, async (p, id) => await p.ReadsNotesAsync(id.Case));
        yield return ("ListCaseMoves", centre, async (p, id) => await p.ListsCaseMovesAsync(id.Case));
        yield return ("ListGoals", centre, async (p, id) => await p.ListsGoalsAsync(id.Case));
        yield return ("ListNotes", centre, async (p, id) => await p.ReadsNotesAtAsync(id.Conference, id.Case));
        yield return ("SearchNotes", centre, async (p, id) => await p.FindsNotesAsync(id.Case, ""));
        yield return ("ListNoteVersions", centre, async (p, id) => await p.ReadsVersionsAsync(id.Case, id.Case));
        yield return ("LookUpHousehold", centre, async (p, id) => await p.LooksUpAsync(id.NationalId, referral: id.Referral));
        yield return ("LookUpHousehold", centre, async (p, id) => await p.LooksUpAsync(id.NationalId, inCase: id.Case));
        yield return ("LookUpHousehold", centre, async (p, id) => await p.LooksUpAtAsync(id.Conference, id.NationalId));
        yield return ("LookUpHousehold", centre, async (p, id) => await p.AskAsync(to => to.Households.LookUpHouseholdAsync(new()
        {
            Context = p.Context(inCase: id.Case), NameAndBirthDate = new() { Name = id.Name, BirthDate = id.BirthDate },
        })));
        yield return ("BatchLookUpHouseholds", centre, async (p, id) => (await p.LooksUpAllAsync(p.Context(inCase: id.Case), new Wire.LookUpKey { NationalId = id.NationalId },
            new Wire.LookUpKey { Name = id.Name, BirthDate = id.BirthDate })).Select(result => $"{result.Found} {result.Reason} {result.MessageEn} {result.MessageZh}"));
        yield return ("GetProtocol", centre, async (p, id) => await p.SeesProtocolAsync(id.Run));
        yield return ("ListVisits", centre, async (p, id) => await p.AskAsync(to => to.Visits.ListVisitsAsync(new() { Context = p.Context(), CaseId = id.Case })));
        yield return ("ListVisits", centre, async (p, id) => await p.AskAsync(to => to.Visits.ListVisitsAsync(new() { Context = p.Context(), RunId = id.Run })));
        yield return ("GetLeadDispute", centre, async (p, id) => await p.SeesDisputeAsync(id.Dispute));
        yield return ("ListLeadDisputes", centre, async (p, _) => await p.AskAsync(to => to.LeadDisputes.ListLeadDisputesAsync(new() { Context = p.Context() })));
        yield return ("ListNotices", centre, async (p, _) => await p.AskAsync(to => to.Inbox.ListNoticesAsync(new() { Context = p.Context(), PageSize = 500 })));
        yield return ("ListParkedNotices", centre, async (p, _) => await p.AskAsync(to => to.Inbox.ListParkedNoticesAsync(new() { Context = p.Context() })));
        yield return ("ListClocks", centre, async (p, _) => await p.AskAsync(to => to.Clocks.ListClocksAsync(new() { Context = p.Context(), UnitId = The.Centre.UnitId })));
        yield return ("WatchInbox", centre, async (p, _) => await WatchAsync(p));
        yield return ("WatchCases", centre, async (p, _) => string.Join('\n', (await p.WatchesCasesAsync(CaseWatching.FromTheBeginning, TimeSpan.FromMilliseconds(300))).Select(change => change.ToString())));
        yield return ("ListAccesses", officer, async (p, id) => WithoutPseudonym(await p.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = p.Context(), NationalId = id.NationalId }))));
        yield return ("SearchAccesses", officer, async (p, id) => await OthersFoundAsync(p, new() { Context = p.Context(), NationalId = id.NationalId }));
        yield return ("SearchAccesses", officer, async (p, id) => await OthersFoundAsync(p, new() { Context = p.Context(), Resource = $"referral/{id.Referral}" }));
        yield return ("ExplainDecision", centre, async (p, id) => await p.AskAsync(to => to.Audit.ExplainDecisionAsync(new() { Context = p.Context(), DecisionId = id.Decision })));
        yield return ("ExplainDecision", officer, async (p, id) => await p.AskAsync(to => to.Audit.ExplainDecisionAsync(new() { Context = p.Context(), DecisionId = id.Decision })));
        yield return ("ReportAccesses", officer, async (p, id) => OwnReported(await p.AskAsync(to => to.Audit.ReportAccessesAsync(new() { Context = p.Context(), NationalId = id.NationalId }))));
        yield return ("ListPossibleViewers", officer, async (p, id) => WithoutPseudonym(await p.AskAsync(to => to.Audit.ListPossibleViewersAsync(new() { Context = p.Context(), NationalId = id.NationalId }))));
        yield return ("ListLegalHolds", officer, async (p, _) => await p.AskAsync(to => to.Retention.ListLegalHoldsAsync(new() { Context = p.Context() })));
        yield return ("GetConference", centre, async (p, id) => await p.SeesConferenceAsync(id.Conference));
        yield return ("GetPreRead", centre, async (p, id) => await p.ReadsBeforeAsync(id.Conference));
        yield return ("GetMinutes", centre, async (p, id) => await p.ReadsMinutesAsync(id.Conference));
        yield return ("GetItem", centre, async (p, id) => await p.SeesItemAsync(id.Item));
        yield return ("ListOpenItems", centre, async (p, _) => await p.ListsOpenItemsAsync());
        yield return ("ListOwnItems", centre, async (p, _) => await p.ListsOwnItemsAsync());
        yield return ("ListConferences", centre, async (p, _) => await p.AskAsync(to => to.Conferences.ListConferencesAsync(new() { Context = p.AtConference() })));
        yield return ("ListDisclosures", centre, async (p, id) => await p.ListsDisclosuresAsync(id.NationalId));
        yield return ("ListDisclosures", centre, async (p, id) => await p.AskAsync(to => to.Disclosures.ListDisclosuresAsync(new() { Context = p.Context(), PersonId = id.PersonId })));
        yield return ("ListDisclosures", officer, async (p, id) => await p.ListsDisclosuresAsync(id.NationalId));
        yield return ("GetCorrection", centre, async (p, id) => await p.ReadsCorrectionAsync(id.Correction));
        yield return ("ListCorrections", centre, async (p, _) => await p.ListsCorrectionsAsync());
        yield return ("GetGrant", centre, async (p, id) => await p.SeesGrantAsync(id.Grant));
        yield return ("ListGrants", centre, async (p, _) => await p.AskAsync(to => to.Grants.ListGrantsAsync(new() { Context = p.Context(Wire.Purpose.CaseCoordination) })));
        yield return ("LookUpHousehold", centre, async (p, id) => await p.LooksUpOnAsync(p.On(id.Grant), id.NationalId));
        yield return ("GetCase", centre, async (p, id) => await p.SeesCaseOnAsync(p.On(id.Grant), id.Case));
        yield return ("ListBreakGlassReviews", officer, async (p, _) => await p.AskAsync(to => to.BreakGlass.ListBreakGlassReviewsAsync(new() { Context = p.Context() })));
        yield return ("ListCorrections", centre, async (p, _) => await p.ListsCorrectionsAsync(sent: true));
        yield return ("GetReveal", officer, async (p, id) => await p.GetsRevealAsync(id.Reveal));
        yield return ("ListReveals", officer, async (p, _) => await p.ListsRevealsAsync());
        yield return ("GetFinding", officer, async (p, id) => await p.GetsFindingAsync(id.Finding));
        var desk = new Party(Exchange, The.CentreOfTaoyuan.System, "tao-intake", "W9500", Wire.ActorRole.Worker);
        yield return ("GetReport", centre, async (p, id) => await p.SeesReportAsync(id.Report));
        yield return ("GetReport", desk, async (p, id) => await p.SeesReportAsync(id.Report, p.Screening()));
        yield return ("GetScreening", desk, async (p, id) => await p.LooksIntoAsync(id.Report));
        yield return ("ListReports", desk, async (p, _) => await p.AskAsync(to => to.Reports.ListReportsAsync(new() { Context = p.Context(), PageSize = 500 })));
        yield return ("ListFindings", officer, async (p, _) => await p.AskAsync(to => to.Misuse.ListFindingsAsync(new() { Context = p.Context() })));
    }

    /// <summary>Everything of an answer or refusal that could tell, ids of decision and record left out.</summary>
    private static async Task<string> LookAsync(Party by, Func<Party, Ids, Task<object>> ask, Ids ids)
    {
        object? answer = null;
        if (await Refused.IfAsync(async () => answer = await ask(by, ids)) is { } refused) return refused.Look();
        return answer switch
        {
            Google.Protobuf.IMessage message => WithoutDecision(message),
            System.Collections.IEnumerable all => string.Join('\n', all.Cast<object>()),
            _ => $"{answer}",
        };
    }

    private static string WithoutDecision(Google.Protobuf.IMessage message)
    {
        if (message.Descriptor.FindFieldByName("disclosure") is { } field && field.Accessor.GetValue(message) is Wire.Disclosure disclosure) disclosure.DecisionId = "";
        return message.ToString()!;
    }

    /// <summary>The pseudonym follows from the national id that the caller gave itself.</summary>
    private static Wire.ListAccessesResponse WithoutPseudonym(Wire.ListAccessesResponse listed)
    {
        // The officer's own questions of this test are records too, of its own county and about whom it asked.
        Assert.All(listed.Entries, e => Assert.Equal(Wire.Jurisdiction.Tao, e.Record.Jurisdiction));
        listed.Entries.Clear();
        listed.Pseudonym = "";
        return listed;
    }

    /// <summary>The other questions of this test are accesses too, refused ones of the county that asked.</summary>
    private static Wire.ReportAccessesResponse OwnReported(Wire.ReportAccessesResponse report)
    {
        Assert.All(report.Accesses, access => Assert.Equal(Wire.Jurisdiction.Tao, access.Jurisdiction));
        report.Accesses.Clear();
        return report;
    }

    private static Wire.ListPossibleViewersResponse WithoutPseudonym(Wire.ListPossibleViewersResponse listed)
    {
        listed.Pseudonym = "";
        return listed;
    }

    private static async Task<Wire.SearchAccessesResponse> OthersFoundAsync(Party by, Wire.SearchAccessesRequest request)
    {
        var found = await by.AskAsync(to => to.Audit.SearchAccessesAsync(request));
        Assert.All(found.Entries, e => Assert.Equal(Wire.Jurisdiction.Tao, e.Record.Jurisdiction));
        found.Entries.Clear();
        return found;
    }

    /// <summary>Every record that is given, as text, so that an id in it would be seen; of the others a word.</summary>
    private static async Task<string> ReadLogAsync(Party by, ulong end)
    {
        using var reading = by.Channel.Audit.ReadLog(new() { Context = by.Context(), End = end });
        var (told, withheld) = (new List<string>(), 0);
        while (await reading.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
        {
            foreach (var entry in reading.ResponseStream.Current.Entries())
            {
                if (entry.Record is null) withheld++;
                told.Add(entry.Record is { } record ? Wire.AuditRecord.Parser.ParseFrom(record.Span).ToString()! : entry.LeafHash.ToHex());
            }
        }

        Assert.Equal(end, (ulong)told.Count);
        Assert.NotEqual(0, withheld);
        return string.Join('\n', told);
    }

    private static async Task<string> WatchAsync(Party by)
    {
        using var watch = by.Channel.Inbox.WatchInbox(new() { Context = by.Context() });
        using var enough = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var seen = "";
        try
        {
            while (await watch.ResponseStream.MoveNext(enough.Token)) seen += watch.ResponseStream.Current;
        }
        catch (OperationCanceledException)
        {
            // Whatever waits was delivered before.
        }

        return seen;
    }

    private sealed record Ids(
        string NationalId, string PersonId, string Name, string BirthDate, string Referral, string Case, string Conference, string Correction, string Decision, string Grant, string Reveal,
        string Finding)
    {
        public string Report { get; init; } = The.NobodysUuid;

        public string Dispute { get; init; } = The.NobodysUuid;

        public string Run { get; init; } = The.NobodysUuid;

        public string Item { get; init; } = The.NobodysUuid;
    }
}
