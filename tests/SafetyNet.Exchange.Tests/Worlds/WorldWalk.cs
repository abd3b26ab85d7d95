using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.BreakGlass;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>
/// Asks every unit of a world by every read method, in pages of 1, 2 and 100, and collects where an answer is not what the world's facts give. It compares
/// and does not assert, so that a server with a planted mistake can be asked too.
/// </summary>
internal sealed class WorldWalk(World world, WorldOracle oracle)
{
    private static readonly int[] PageSizes = [1, 2, 100];

    /// <summary>What a method of the contract is asked, of each unit of a world; a read method that has no place here or in <see cref="CommonWalk"/> fails a test.</summary>
    public static readonly IReadOnlyDictionary<string, Func<WorldWalk, Party, Task>> Entries = new Dictionary<string, Func<WorldWalk, Party, Task>>(StringComparer.Ordinal)
    {
        ["ReferralService/GetReferral"] = (walk, by) => walk.GetReferralsAsync(by),
        ["ReferralService/ListReferrals"] = (walk, by) => walk.ListReferralsAsync(by),
        ["CaseService/GetCase"] = (walk, by) => walk.GetCasesAsync(by),
        ["CaseService/ListNotes"] = (walk, by) => walk.ListNotesAsync(by),
        ["CaseNoteService/SearchNotes"] = (walk, by) => walk.SearchNotesAsync(by),
        ["CaseNoteService/ListNoteVersions"] = (walk, by) => walk.ListNoteVersionsAsync(by),
        ["HouseholdService/LookUpHousehold"] = (walk, by) => walk.LookUpAsync(by),
        ["HouseholdService/BatchLookUpHouseholds"] = (_, _) => Task.CompletedTask,
        ["ConferenceService/GetConference"] = (walk, by) => walk.GetConferencesAsync(by),
        ["ConferenceService/ListConferences"] = (_, _) => Task.CompletedTask,
        ["DisclosureService/ListDisclosures"] = (walk, by) => walk.ListDisclosuresAsync(by),
        ["DisclosureService/ListCorrections"] = (walk, by) => walk.ListCorrectionsAsync(by),
        ["DisclosureService/GetCorrection"] = (_, _) => Task.CompletedTask,
        ["GrantService/GetGrant"] = (walk, by) => walk.GetGrantsAsync(by),
        ["GrantService/ListGrants"] = (_, _) => Task.CompletedTask,
        ["AuditService/ExplainDecision"] = (walk, by) => walk.ExplainAsync(by),
        // Asked together with the method above it; inboxes after the look-ups, which put notices into inboxes themselves.
        ["InboxService/ListNotices"] = (_, _) => Task.CompletedTask,
        ["InboxService/WatchInbox"] = (_, _) => Task.CompletedTask,
    };

    private readonly ConcurrentQueue<string> _differences = [];
    private int _answers;

    /// <summary>Where an answer is not what the facts give; empty: all are.</summary>
    public IReadOnlyCollection<string> Differences => _differences;

    /// <summary>Answers that showed something.</summary>
    public int Answers => _answers;

    public async Task WalkAsync()
    {
        await Parallel.ForEachAsync(world.Cast.All, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (by, _) =>
        {
            foreach (var ask in Entries.Values) await ask(this, by);
        });
        foreach (var by in world.Cast.All)
        {
            await ListNoticesAsync(by);
            await WatchInboxAsync(by);
        }
    }

    private async Task GetReferralsAsync(Party by)
    {
        foreach (var (purpose, basis) in Grounds)
        {
            foreach (var id in world.Referrals.Select(r => r.Id).Append(The.NobodysUuid))
            {
                var context = by.Context(purpose, basis);
                var expected = oracle.Referral(by.UnitId, context, id);
                var found = await TryAsync(by, to => to.Referrals.GetReferralAsync(new() { Context = context, ReferralId = id }));
                var what = $"GetReferral {id} by {by.UnitId} for {purpose}";
                Compare(what, Text(expected.Answer), Text(found?.Referral));
                if (found is not null) Compare($"{what}, withheld", expected.Withheld.ToString(), ClassSet.FromWire(found.Disclosure.WithheldClasses).ToString());
            }
        }
    }

    private async Task ListReferralsAsync(Party by)
    {
        foreach (var (purpose, basis) in Grounds)
        {
            var context = by.Context(purpose, basis);
            var expected = oracle.ReferralsOf(by.UnitId, context).Select(id => Text(oracle.Referral(by.UnitId, context, id).Answer));
            foreach (var size in PageSizes)
            {
                var listed = await PagesAsync(by, async token =>
                {
                    var page = await by.AskAsync(to => to.Referrals.ListReferralsAsync(new() { Context = context, PageSize = size, PageToken = token }));
                    return (page.Referrals.Select(Text), page.Referrals.Count, page.NextPageToken);
                });
                Compare($"ListReferrals by {by.UnitId} for {purpose} in pages of {size}", Lines(expected), Lines(listed));
            }
        }
    }

    private async Task GetCasesAsync(Party by)
    {
        foreach (var id in world.Cases.Select(c => c.Id).Append(The.NobodysUuid))
        {
            foreach (var context in ContextsIn(by, id))
            {
                var purpose = context.Purpose;
                var expected = oracle.Case(by.UnitId, context, id);
                var found = await TryAsync(by, to => to.Cases.GetCaseAsync(new() { Context = context, CaseId = id }));
                var what = $"GetCase {id} by {by.UnitId} for {purpose}";
                Compare(what, Text(expected.Answer), Text(found?.Case));
                if (found is not null) Compare($"{what}, withheld", expected.Withheld.ToString(), ClassSet.FromWire(found.Disclosure.WithheldClasses).ToString());
            }
        }
    }

    private async Task ListNotesAsync(Party by)
    {
        foreach (var id in world.Cases.Select(c => c.Id).Append(The.NobodysUuid))
        {
            foreach (var context in ContextsIn(by, id))
            {
                var purpose = context.Purpose;
                var expected = oracle.Notes(by.UnitId, context, id);
                foreach (var size in PageSizes)
                {
                    var listed = await PagesAsync(by, async token =>
                    {
                        var page = await TryAsync(by, to => to.Cases.ListNotesAsync(new() { Context = context, CaseId = id, PageSize = size, PageToken = token }));
                        return page is null ? (["NOT_FOUND"], 1, "") : (page.Notes.Select(Text), page.Notes.Count, page.NextPageToken);
                    });
                    Compare($"ListNotes {id} by {by.UnitId} for {purpose} in pages of {size}", expected is null ? "NOT_FOUND" : Lines(expected.Select(Text)), Lines(listed));
                }
            }
        }
    }

    /// <summary>Of the notes that may be read, those with the text of one, and no others; all of them are what listing shows.</summary>
    private async Task SearchNotesAsync(Party by)
    {
        foreach (var id in world.Cases.Select(c => c.Id).Append(The.NobodysUuid))
        {
            foreach (var context in ContextsIn(by, id))
            {
                var readable = oracle.Notes(by.UnitId, context, id);
                if (world.Cases.Find(c => c.Id == id)?.Notes is not [.., { Text: var text }]) text = "";
                var listed = await PagesAsync(by, async token =>
                {
                    var page = await TryAsync(by, to => to.CaseNotes.SearchNotesAsync(new() { Context = context, CaseId = id, Text = text, PageSize = 2, PageToken = token }));
                    return page is null ? (["NOT_FOUND"], 1, "") : (page.Notes.Select(Text), page.Notes.Count, page.NextPageToken);
                });
                var expected = readable is null ? "NOT_FOUND" : Lines(readable.Where(note => note.Text.Contains(text, StringComparison.Ordinal)).Select(Text));
                Compare($"SearchNotes {id} by {by.UnitId} for {context.Purpose}", expected, Lines(listed));
            }
        }
    }

    /// <summary>What a note said before is its unit's own, on its own work.</summary>
    private async Task ListNoteVersionsAsync(Party by)
    {
        foreach (var one in world.Cases)
        {
            // Whatever else the access names, the part in the case decides; it is asked for its everyday work.
            var context = ContextsIn(by, one.Id).First();
            var readable = one.Parts.Exists(part => part.UnitId == by.UnitId) ? oracle.Notes(by.UnitId, context, one.Id) ?? [] : [];
            foreach (var note in one.Notes)
            {
                var found = await TryAsync(by, to => to.CaseNotes.ListNoteVersionsAsync(new() { Context = context, CaseId = one.Id, NoteId = note.Id }));
                var expected = readable.FirstOrDefault(seen => seen.NoteId == note.Id && seen.AuthorUnitId == by.UnitId);
                Compare($"ListNoteVersions {note.Id} by {by.UnitId} for {context.Purpose}",
                    expected is null ? "NOT_FOUND" : $"1 {expected.ConfidentialityClass} {expected.Text} {expected.AuthorPersonId}",
                    found is null ? "NOT_FOUND" : Lines(found.Versions.Select(version => $"{version.Version} {version.ConfidentialityClass} {version.Text} {version.AuthorPersonId}")));
            }
        }
    }

    private async Task LookUpAsync(Party by)
    {
        var referrals = world.Referrals.Where(r => r.To == by.UnitId || r.From == by.UnitId).Select(r => r.Id).Append(world.Referrals[0].Id).Distinct().Take(3).ToList();
        List<(string? Referral, string? Case)> references = [.. referrals.Select(id => ((string?)id, (string?)null)), .. world.Cases.Select(c => ((string?)null, (string?)c.Id)), (null, The.NobodysUuid)];
        var contexts = Grounds.SelectMany(_ => references, (ground, step) => by.Context(ground.Purpose, ground.Basis, step.Referral, step.Case))
            .Concat(world.Conferences.Select(c => by.AtConference(c.Id))).Concat(PermissionsOf(by));
        foreach (var context in contexts)
        {
            {
                var (purpose, referral, inCase) = (context.Purpose, context.ReferralId, context.CaseId + context.ConferenceId + context.GrantId + context.BreakGlassId);
                var persons = oracle.Persons().ToList();
                var batch = await TryAsync(by, to => to.Households.BatchLookUpHouseholdsAsync(by.LookUpAll(context, [.. persons.Select(person => new Wire.LookUpKey { NationalId = person.NationalId })])));
                foreach (var (person, place) in persons.Select((person, place) => (person, place)))
                {
                    var expected = oracle.LookUp(by.UnitId, context, person.Id);
                    Compare($"BatchLookUpHouseholds {person.Id} by {by.UnitId} for {purpose} by {referral}{inCase}", Text(expected.Answer), Text(batch?.Results[place].Found));
                    var what = $"LookUpHousehold {person.Id} by {by.UnitId} for {purpose} by {referral}{inCase}";
                    var byId = await TryAsync(by, to => to.Households.LookUpHouseholdAsync(new() { Context = context, NationalId = person.NationalId }));
                    Compare(what, Text(expected.Answer), Text(byId));
                    if (byId is not null) Compare($"{what}, withheld", expected.Withheld.ToString(), ClassSet.FromWire(byId.Disclosure.WithheldClasses).ToString());
                    var byName = await TryAsync(by, to => to.Households.LookUpHouseholdAsync(new()
                    {
                        Context = context, NameAndBirthDate = new() { Name = person.Name, BirthDate = person.BirthDate },
                    }));
                    Compare($"{what}, by name", Text(expected.Answer), Text(byName));
                }
            }
        }
    }

    private async Task ExplainAsync(Party by)
    {
        var context = by.Context();
        foreach (var id in world.Referrals.Select(r => r.Id))
        {
            var expected = oracle.Referral(by.UnitId, context, id);
            if (expected.Answer is null || await TryAsync(by, to => to.Referrals.GetReferralAsync(new() { Context = context, ReferralId = id })) is not { } found) continue;
            var decision = found.Disclosure.DecisionId;
            var told = await TryAsync(by, to => to.Audit.ExplainDecisionAsync(new() { Context = context, DecisionId = decision }));
            Compare($"ExplainDecision of GetReferral {id} by {by.UnitId}, rules", Lines(expected.Rules), Lines(told?.Rules.Select(r => r.RuleId) ?? ["NOT_FOUND"]));
            Compare($"ExplainDecision of GetReferral {id} by {by.UnitId}, withheld", expected.Withheld.ToString(), ClassSet.FromWire(told?.WithheldClasses ?? []).ToString());
            // An officer of another jurisdiction has no business with it (R-NTK-13).
            if (by != world.Cast.Taoyuan)
            {
                var officer = world.OfficerOfTaoyuan;
                Compare($"ExplainDecision of {by.UnitId} by the officer of Taoyuan", "NOT_FOUND",
                    Text(await TryAsync(officer, to => to.Audit.ExplainDecisionAsync(new() { Context = officer.Context(), DecisionId = decision }))));
            }

            var stranger = world.Cast.All.First(p => p.System != by.System);
            Compare($"ExplainDecision of {by.UnitId} by {stranger.UnitId}", "NOT_FOUND",
                Text(await TryAsync(stranger, to => to.Audit.ExplainDecisionAsync(new() { Context = stranger.Context(), DecisionId = decision }))));
        }
    }

    private async Task ListNoticesAsync(Party by)
    {
        var context = by.Context();
        foreach (var size in PageSizes)
        {
            var listed = new List<Wire.Notice>();
            while (await TryAsync(by, to => to.Inbox.ListNoticesAsync(new() { Context = context, PageSize = size, AfterSequence = listed.Count == 0 ? 1 : listed[^1].Sequence })) is { Notices.Count: > 0 } page)
                listed.AddRange(page.Notices);
            CompareNotices($"ListNotices by {by.UnitId} in pages of {size}", by, listed);
        }
    }

    private async Task WatchInboxAsync(Party by)
    {
        var all = await TryAsync(by, to => to.Inbox.ListNoticesAsync(new() { Context = by.Context(), PageSize = 500, AfterSequence = 1 }));
        using var ends = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var watched = new List<Wire.Notice>();
        using var watching = by.Channel.Inbox.WatchInbox(new() { Context = by.Context(), AfterSequence = 1 }, cancellationToken: ends.Token);
        while (watched.Count < all!.Notices.Count && await watching.ResponseStream.MoveNext(ends.Token)) watched.Add(watching.ResponseStream.Current.Notice);
        Compare($"WatchInbox by {by.UnitId}", Lines(all.Notices.Select(n => n.ToString())), Lines(watched.Select(n => n.ToString())));
    }

    private IEnumerable<Wire.AccessContext> ContextsIn(Party by, string caseId) =>
        Grounds.Select(g => by.Context(g.Purpose, g.Basis, inCase: caseId)).Concat(world.Conferences.Select(c => by.AtConference(c.Id))).Concat(PermissionsOf(by));

    /// <summary>Accesses on each grant and broken glass of the world, its own or another's, also on a basis and for a purpose that it is not for.</summary>
    private IEnumerable<Wire.AccessContext> PermissionsOf(Party by)
    {
        if (by != world.Cast.School && by != world.Cast.Precinct && by != world.Cast.Centre) yield break;
        foreach (var grant in world.Grants)
        {
            yield return by.On(grant.Id);
            if (grant.Applicant == by.UnitId) yield return by.On(grant.Id, basis: Wire.LegalBasis.SubjectWaiver);
            if (grant.Applicant == by.UnitId) yield return by.On(grant.Id, Wire.Purpose.ServiceDelivery);
        }

        foreach (var glass in world.Glasses)
        {
            yield return GlassMoves.On(by, glass.Id);
            if (glass.UnitId == by.UnitId) yield return GlassMoves.On(by, glass.Id, Wire.LegalBasis.SuicideRisk);
        }
    }

    private async Task GetConferencesAsync(Party by)
    {
        var got = new List<string>();
        foreach (var conference in world.Conferences)
        {
            var found = await TryAsync(by, to => to.Conferences.GetConferenceAsync(new() { Context = by.AtConference(conference.Id), ConferenceId = conference.Id }));
            // Its convenor, who is the primary unit here, and those invited; another participant has no part in it.
            Compare($"GetConference {conference.Id} by {by.UnitId}", $"{conference.Convenor == by.UnitId || conference.Invited.Contains(by.UnitId)}", $"{found is not null}");
            if (found is not null) got.Add(Text(found.Conference));
        }

        foreach (var size in PageSizes)
        {
            var listed = await PagesAsync(by, async token =>
            {
                var page = await by.AskAsync(to => to.Conferences.ListConferencesAsync(new() { Context = by.AtConference(), PageSize = size, PageToken = token }));
                return (page.Conferences.Select(Text), page.Conferences.Count, page.NextPageToken);
            });
            Compare($"ListConferences by {by.UnitId} in pages of {size}", Lines(got), Lines(listed));
        }
    }

    /// <summary>The ledger of a person, in pages of each size the same; what it says is the ledger's own tests' matter.</summary>
    private async Task ListDisclosuresAsync(Party by)
    {
        foreach (var person in oracle.Persons().Take(3))
        {
            string? whole = null;
            foreach (var size in PageSizes.Reverse())
            {
                var listed = await PagesAsync(by, async token =>
                {
                    var page = await TryAsync(by, to => to.Disclosures.ListDisclosuresAsync(new()
                    {
                        Context = by.Context(Wire.Purpose.CaseCoordination), NationalId = person.NationalId, PageSize = size, PageToken = token,
                    }));
                    return page is null ? (["NOT_FOUND"], 1, "") : (page.Entries.Select(Text), page.Entries.Count, page.NextPageToken);
                });
                Compare($"ListDisclosures of {person.Id} by {by.UnitId} in pages of {size}", whole ??= Lines(listed), Lines(listed));
            }
        }
    }

    /// <summary>Each application is found by its two ends, one by one and in pages of each size alike, and by nobody else.</summary>
    private async Task GetGrantsAsync(Party by)
    {
        var got = new List<string>();
        foreach (var grant in world.Grants)
        {
            var found = await TryAsync(by, to => to.Grants.GetGrantAsync(new() { Context = by.Context(Wire.Purpose.CaseCoordination), GrantId = grant.Id }));
            Compare($"GetGrant {grant.Id} by {by.UnitId}", oracle.Grant(by.UnitId, grant) ?? "NOT_FOUND",
                found is null ? "NOT_FOUND" : $"{found.Grant.State} {string.Join(',', found.Grant.GrantedClasses)} {found.Grant.GrantedUntil?.ToDateTimeOffset():O}");
            if (found is not null) got.Add(Text(found.Grant));
        }

        foreach (var size in PageSizes)
        {
            var listed = new List<string>();
            foreach (var side in (Wire.GrantSide[])[Wire.GrantSide.Made, Wire.GrantSide.Received])
            {
                listed.AddRange(await PagesAsync(by, async token =>
                {
                    var page = await by.AskAsync(to => to.Grants.ListGrantsAsync(new()
                    {
                        Context = by.Context(Wire.Purpose.CaseCoordination), Side = side, PageSize = size, PageToken = token,
                    }));
                    return (page.Grants.Select(Text), page.Grants.Count, page.NextPageToken);
                }));
            }

            Compare($"ListGrants by {by.UnitId} in pages of {size}", Lines(got.Order(StringComparer.Ordinal)), Lines(listed.Order(StringComparer.Ordinal)));
        }
    }

    private async Task ListCorrectionsAsync(Party by)
    {
        foreach (var sent in (bool[])[false, true])
        {
            foreach (var size in PageSizes)
            {
                var listed = await PagesAsync(by, async token =>
                {
                    var page = await by.AskAsync(to => to.Disclosures.ListCorrectionsAsync(new() { Context = by.Context(), Sent = sent, PageSize = size, PageToken = token }));
                    return (page.Corrections.Select(Text), page.Corrections.Count, page.NextPageToken);
                });
                Compare($"ListCorrections {(sent ? "sent" : "received")} by {by.UnitId} in pages of {size}", Lines(oracle.Corrections(by.UnitId, sent).Select(Text)), Lines(listed));
            }
        }

        foreach (var correction in world.Corrections)
        {
            var context = by.Context();
            Compare($"GetCorrection {correction.Id} by {by.UnitId}", Text(oracle.Correction(by.UnitId, context, correction)),
                Text(await TryAsync(by, to => to.Disclosures.GetCorrectionAsync(new() { Context = context, CorrectionId = correction.Id }))));
        }

        Compare($"GetCorrection by {by.UnitId}", "NOT_FOUND",
            Text(await TryAsync(by, to => to.Disclosures.GetCorrectionAsync(new() { Context = by.Context(), CorrectionId = world.Referrals[0].Id }))));
    }

    /// <summary>All but the first, which cannot be asked for again once it is acknowledged; what look-ups of this walk put in stands beside.</summary>
    private void CompareNotices(string what, Party by, IEnumerable<Wire.Notice> listed) => Compare(what,
        Lines(world.Notices.Where(n => n.UnitId == by.UnitId).Skip(1).Select(n => $"{n.Kind} {n.ReferralId} {n.CaseId} {n.About} {n.Cause}")),
        Lines(listed.Where(n => World.IsTold(n.Kind)).Select(n => $"{n.Kind} {n.ReferralId} {n.CaseId} {n.GrantId}{n.BreakGlassId}{n.ConferenceId}{n.CorrectionId} {n.UnitId}")));

    /// <summary>Everyday work, with consent, and in a crisis: the same question is answered differently.</summary>
    private static readonly (Wire.Purpose Purpose, Wire.LegalBasis Basis)[] Grounds =
    [
        (Wire.Purpose.ServiceDelivery, Wire.LegalBasis.Article6IntegratedService), (Wire.Purpose.CaseCoordination, Wire.LegalBasis.SubjectWaiver),
        (Wire.Purpose.CrisisResponse, Wire.LegalBasis.ImminentDanger),
    ];

    /// <summary>All elements of a paged list; a page that tells of a next one although it is empty is followed.</summary>
    private async Task<List<string>> PagesAsync(Party by, Func<string, Task<(IEnumerable<string> Elements, int Count, string Next)>> page)
    {
        var (all, token) = (new List<string>(), "");
        for (var pages = 0; pages < 500; pages++)
        {
            try
            {
                var (elements, _, next) = await page(token);
                all.AddRange(elements);
                if (next.Length == 0) return all;
                token = next;
            }
            catch (RpcException error)
            {
                all.Add($"refused: {error.Status.Detail}");
                return all;
            }
        }

        _differences.Enqueue($"a list of {by.UnitId} does not end");
        return all;
    }

    private async Task<T?> TryAsync<T>(Party by, Func<ExchangeChannel, AsyncUnaryCall<T>> ask)
        where T : class
    {
        try
        {
            var answer = await by.AskAsync(ask);
            Interlocked.Increment(ref _answers);
            return answer;
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
        catch (RpcException error)
        {
            _differences.Enqueue($"{by.UnitId} was refused: {error.Status.Detail}");
            return null;
        }
    }

    private void Compare(string what, string expected, string actual)
    {
        if (string.Equals(expected, actual, StringComparison.Ordinal)) return;
        var from = Math.Max(0, expected.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count() - 60);
        _differences.Enqueue($"{what}\n  expected ...{Part(expected, from)}\n  was      ...{Part(actual, from)}");
    }

    private static string Part(string text, int from) => text[from..Math.Min(text.Length, from + 240)];

    private static string Text(IMessage? answer) => answer is null ? "NOT_FOUND" : Naive.Text(answer);

    private static string Lines(IEnumerable<string> lines) => string.Join('\n', lines);
}
