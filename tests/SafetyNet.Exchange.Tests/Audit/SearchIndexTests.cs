using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Worlds;

namespace SafetyNet.Exchange.Tests.Audit;

/// <summary>What an officer searches for is found, all of it and nothing else, whatever the index looks like on disk.</summary>
[Trait("Rule", "R-AUD-4")]
public sealed class SearchIndexTests(TestExchange exchange) : WireTests(exchange), IAsyncDisposable
{
    /// <summary>Small segments, so that a few hundred records make several.</summary>
    private const int SegmentRecords = 64;

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-search-").FullName;

    [Fact]
    public async Task Every_filter_finds_what_a_look_at_every_record_finds_through_all_pages()
    {
        await DoThingsAsync(SegmentRecords * 3);
        var records = Exchange.RecordsFrom(0);
        await using var index = new SearchIndex(_folder, Exchange.Composition.Store, Exchange.Composition.Log, SegmentRecords);
        Assert.True(index.CatchUp(records.Count, TimeSpan.FromMinutes(1)));
        var dice = new Dice(4);
        var nonEmpty = 0;
        for (var round = 0; round < 400; round++)
        {
            var like = records[dice.Next(records.Count)];
            var filter = FilterLike(like, dice);
            var expected = records.Select((record, position) => (Record: record, Position: (long)position)).Where(r => filter.Fits(r.Record)).Select(r => r.Position).Reverse().ToList();
            var found = index.Find(filter.ToQuestion(), records.Count).Where(position => filter.Fits(records[(int)position])).ToList();
            Assert.Equal(expected, found);
            if (expected.Count > 0) nonEmpty++;
            var below = dice.Next(records.Count);
            Assert.Equal(expected.Where(position => position < below), index.Find(filter.ToQuestion(), below).Where(position => filter.Fits(records[(int)position])));
        }

        Assert.True(nonEmpty > 300, $"only {nonEmpty} searches found anything");
        Assert.True(Directory.GetFiles(_folder, "*.search").Length >= 3, "the newest records alone were searched");
    }

    [Fact]
    public async Task A_restart_goes_on_from_the_segments_and_makes_anew_what_is_damaged_or_of_another_log()
    {
        await DoThingsAsync(SegmentRecords * 3);
        var everything = new SearchQuestion([], long.MinValue, long.MaxValue);
        var size = (int)Exchange.Composition.Log.Size;
        await using (var first = Open()) Assert.Equal(size, FindAll(first));
        var files = Directory.GetFiles(_folder, "*.search").Order(StringComparer.Ordinal).ToArray();
        Assert.True(files.Length >= 3);
        await using (var again = Open()) Assert.Equal(files.Length * SegmentRecords, again.Size);

        var bytes = await File.ReadAllBytesAsync(files[1], TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2]++;
        await File.WriteAllBytesAsync(files[1], bytes, TestContext.Current.CancellationToken);
        await using (var mended = Open())
        {
            Assert.Equal(SegmentRecords, mended.Size);
            Assert.Equal(size, FindAll(mended));
        }

        // A whole segment, and of another stretch: it stands in the place of the second.
        File.Copy(files[0], files[1], overwrite: true);
        await using var other = Open();
        Assert.Equal(SegmentRecords, other.Size);
        Assert.Equal(size, FindAll(other));
        // A log that is new to the index: what cannot be taken in at once comes with the next pages.
        foreach (var file in files) File.Delete(file);
        await using var late = Open();
        Assert.False(late.CatchUp(size, TimeSpan.Zero));
        Assert.True(late.CatchUp(size, TimeSpan.FromMinutes(1)));

        int FindAll(SearchIndex index)
        {
            Assert.True(index.CatchUp(size, TimeSpan.FromMinutes(1)));
            return index.Find(everything, size).Count();
        }
    }

    [Fact]
    [Trait("Rule", "R-AUD-6")]
    public async Task What_was_purged_is_found_by_nothing_and_its_terms_stand_in_no_segment()
    {
        var person = Some.Stranger();
        await The.School.RefersAsync(The.Centre, person);
        for (var i = 0; i < SegmentRecords; i++) await The.School.AskAsync(to => to.Members.GetSelfAsync(new() { Context = The.School.Context() }));
        await The.School.RefersAsync(The.Centre, person);
        var term = SearchTerm.Subject(Exchange.Composition.Vault.Pseudonyms.OfNationalId(person.NationalId));
        var (size, ofSchool) = (Exchange.Composition.Log.Size, new SearchQuestion([SearchTerm.Unit(The.School.UnitId)], long.MinValue, long.MaxValue));
        var of = new SearchQuestion([term], long.MinValue, long.MaxValue);
        await using var index = Open();
        Assert.True(index.CatchUp(size, TimeSpan.FromMinutes(1)));
        var gone = index.Find(of, size).ToList();
        Assert.Equal(2, gone.Count);
        Assert.True(IsInSegments());
        var others = index.Find(ofSchool, size).Except(gone).ToList();
        var purged = new EntryRanges();
        foreach (var position in gone) purged.Add(position);
        // A search that began before goes on over what it found.
        using var walking = index.Find(ofSchool, size).GetEnumerator();
        Assert.True(walking.MoveNext());

        index.Forget(purged);

        while (walking.MoveNext()) Assert.InRange(walking.Current, 0, size);
        Assert.Empty(index.Find(of, size));
        Assert.Equal(others, index.Find(ofSchool, size));
        Assert.False(IsInSegments());

        bool IsInSegments()
        {
            var bytes = new byte[8];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, term);
            return Directory.GetFiles(_folder, "*").Any(file => File.ReadAllBytes(file).AsSpan().IndexOf(bytes) >= 0);
        }
    }

    [Fact]
    public async Task An_officer_searches_by_person_actor_unit_class_basis_decision_and_time()
    {
        var family = Some.Family();
        var referred = await The.School.AskAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(The.School, The.Centre.UnitId, Some.SubjectOf(family.Child, family.Home))));
        var looked = await The.Centre.AnswerAsync(to => to.Households.LookUpHouseholdAsync(new()
        {
            Context = The.Centre.Context(referral: referred.Referral.ReferralId), NationalId = family.Child.NationalId.Canonical,
        }));
        await Assert.ThrowsAsync<RpcException>(() => The.Police.ReadsAsync(The.NobodysUuid));
        var seen = await SearchAsync(The.Officer, r => r.NationalId = family.Child.NationalId.Canonical);
        Assert.Equal(["/safetynet.exchange.v1.HouseholdService/LookUpHousehold", "/safetynet.exchange.v1.ReferralService/CreateReferral"],
            seen.Where(e => e.Record.Method.EndsWith("LookUpHousehold", StringComparison.Ordinal) || e.Record.Method.EndsWith("CreateReferral", StringComparison.Ordinal)).Select(e => e.Record.Method));
        var record = Exchange.RecordOf(looked.Receipt);
        await AssertFoundAsync(r => { r.NationalId = family.Child.NationalId.Canonical; r.ActorPersonId = The.Centre.PersonId; });
        await AssertFoundAsync(r => { r.ActorUnitId = The.Centre.UnitId; r.Method = "HouseholdService/LookUpHousehold"; });
        await AssertFoundAsync(r => { r.ShownClass = Wire.ConfidentialityClass.Contact; r.LegalBasis = record.LegalBasis; });
        await AssertFoundAsync(r => { r.Resource = $"referral/{referred.Referral.ReferralId}"; r.Outcome = Wire.AuditOutcome.Permitted; });
        await AssertFoundAsync(r => { r.AgencyCode = record.AgencyCode; r.Purpose = record.Purpose; r.After = record.DecidedAt; r.Before = Timestamp.FromDateTimeOffset(record.DecidedAt.ToDateTimeOffset().AddMilliseconds(1)); });
        Assert.DoesNotContain(await SearchAsync(The.Officer, r => r.ShownClass = Wire.ConfidentialityClass.Household), e => e.Position == (ulong)looked.Receipt.Position);
        Assert.All(await SearchAsync(The.Officer, r => r.Outcome = Wire.AuditOutcome.Refused), e => Assert.Equal(Wire.AuditOutcome.Refused, e.Record.Outcome));
        Assert.DoesNotContain(await SearchAsync(The.Officer, r => r.Before = record.DecidedAt), e => e.Position == (ulong)looked.Receipt.Position);

        async Task AssertFoundAsync(Action<Wire.SearchAccessesRequest> fill) =>
            Assert.Contains(await SearchAsync(The.Officer, fill), e => e.Position == (ulong)looked.Receipt.Position && e.Record.DecisionId == record.DecisionId && e.Record.Subjects.SequenceEqual(record.Subjects));
    }

    /// <summary>Who looks for what is a record too, and holds no text of the caller's own.</summary>
    [Fact]
    [Trait("Rule", "R-AUD-4")]
    [Trait("Rule", "R-AUD-6")]
    public async Task A_search_leaves_what_it_was_for()
    {
        var someId = Some.RequestId();
        var answer = await The.Officer.AnswerAsync(to => to.Audit.SearchAccessesAsync(new()
        {
            Context = The.Officer.Context(), ActorPersonId = The.Centre.PersonId, ActorUnitId = The.Centre.UnitId, AgencyCode = "dosw", ShownClass = Wire.ConfidentialityClass.Contact,
            LegalBasis = Wire.LegalBasis.Article6IntegratedService, Outcome = Wire.AuditOutcome.Permitted, Method = "HouseholdService/LookUpHousehold", Resource = $"referral/{someId}",
            BreakGlass = true, After = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero)),
        }));
        Assert.Equal(
            [
                "searched/actor/" + The.Centre.PersonId, "searched/after/2026-11-01T00:00:00.0000000+00:00", "searched/agency/dosw", "searched/basis/ARTICLE_6_INTEGRATED_SERVICE", "searched/break-glass/yes",
                "searched/class/CONTACT", "searched/method/HouseholdService/LookUpHousehold", "searched/outcome/PERMITTED", $"searched/referral/{someId}", "searched/unit/" + The.Centre.UnitId,
            ],
            Exchange.RecordOf(answer.Receipt).Resources);

        var words = await The.Officer.AnswerAsync(to => to.Audit.SearchAccessesAsync(new()
        {
            Context = The.Officer.Context(), AgencyCode = "A123456789", Method = "林小明", Resource = "referral/A123456789",
        }));
        Assert.Empty(Exchange.RecordOf(words.Receipt).Resources);
    }

    [Theory]
    [InlineData("no pseudonym")]
    [InlineData("short")]
    public async Task A_text_that_is_no_pseudonym_is_refused(string pseudonym) =>
        Assert.Equal(Wire.ErrorReason.InvalidField, (await Refused.ByAsync(() => SearchAsync(The.Officer, r => r.Pseudonym = pseudonym))).Reason);

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        // xunit calls one of the two.
        Dispose();
        return ValueTask.CompletedTask;
    }

    private SearchIndex Open() => new(_folder, Exchange.Composition.Store, Exchange.Composition.Log, SegmentRecords);

    private static async Task<List<Wire.AccessEntry>> SearchAsync(Party by, Action<Wire.SearchAccessesRequest> fill)
    {
        var (found, token) = (new List<Wire.AccessEntry>(), "");
        do
        {
            var request = new Wire.SearchAccessesRequest { Context = by.Context(), PageSize = 50, PageToken = token };
            fill(request);
            var answer = await by.AskAsync(to => to.Audit.SearchAccessesAsync(request));
            found.AddRange(answer.Entries);
            token = answer.NextPageToken;
        }
        while (token.Length > 0);
        Assert.Equal(found.OrderByDescending(e => e.Position), found);
        return found;
    }

    private async Task DoThingsAsync(int atLeast)
    {
        while (Exchange.Composition.Log.Size < atLeast)
        {
            var subject = Some.Stranger();
            var made = await The.School.RefersAsync(The.Centre, subject);
            await The.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(new() { Context = The.Centre.Context(referral: made.ReferralId), NationalId = subject.NationalId }));
            await Assert.ThrowsAsync<RpcException>(() => The.Police.ReadsAsync(made.ReferralId));
        }
    }

    private static AccessFilter FilterLike(Wire.AuditRecord like, Dice dice)
    {
        var at = like.DecidedAt.ToDateTimeOffset();
        return new AccessFilter
        {
            Within = dice.Falls(50) ? Wire.Jurisdiction.Tw : like.Jurisdiction,
            Pseudonym = dice.Falls(30) && like.Subjects.Count > 0 ? dice.OneOf<string>([.. like.Subjects]) : "",
            ActorPersonId = dice.Falls(20) ? like.ActorPersonId : "", ActorUnitId = dice.Falls(20) ? like.ActorUnitId : "", AgencyCode = dice.Falls(20) ? like.AgencyCode : "",
            ShownClass = dice.Falls(20) && like.ShownClasses.Count > 0 ? dice.OneOf<Wire.ConfidentialityClass>([.. like.ShownClasses]) : default,
            LegalBasis = dice.Falls(20) ? like.LegalBasis : default, Purpose = dice.Falls(20) ? like.Purpose : default, Outcome = dice.Falls(20) ? like.Outcome : default,
            Method = dice.Falls(20) ? like.Method : "", Resource = dice.Falls(20) ? like.Reference : "", BreakGlass = dice.Falls(3) && like.BreakGlass,
            After = dice.Falls(30) ? at.AddMilliseconds(-dice.Next(500)) : DateTimeOffset.UnixEpoch, Before = dice.Falls(30) ? at.AddMilliseconds(1 + dice.Next(500)) : DateTimeOffset.MaxValue,
        };
    }
}
