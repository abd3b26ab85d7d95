using System.Text;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Retention;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Retention;

/// <summary>Retention on a server of its own, whose records are kept for a day.</summary>
[Collection(ExchangeRun.Name)]
[Trait("Rule", "R-AUD-3")]
public sealed class RetentionTests : IAsyncLifetime
{
    private static readonly RetentionSettings OneDay = new() { KeepDays = 1, BatchRecords = 7 };

    private TestExchange? _own;

    private TestExchange Own => _own!;

    private The The => new(Own);

    public async ValueTask InitializeAsync() => _own = await TestExchange.StartAsync(retention: OneDay);

    public async ValueTask DisposeAsync()
    {
        await Own.DisposeAsync();
        Assert.Empty(ServerOutput.TakeErrors());
    }

    [Fact]
    public async Task A_purged_record_is_in_no_file_and_every_proof_over_it_holds()
    {
        var person = Some.Stranger();
        var pseudonym = Own.Composition.Vault.Pseudonyms.OfNationalId(person.NationalId);
        var made = await The.School.AnswerAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(The.School, The.Centre.UnitId, person)));
        var seen = await The.Centre.AnswerAsync(to => to.Referrals.GetReferralAsync(new() { Context = The.Centre.Context(), ReferralId = made.Value.Referral.ReferralId }));
        await SettleAsync();
        Assert.NotEmpty(FilesWith(pseudonym));

        var (before, run) = (Own.RecordCount(), await PurgeADayLaterAsync());

        Assert.Equal((before - 1, 0L), (run.Purged, run.Held));
        Assert.Empty(FilesWith(pseudonym));
        // The record of the first policy stays, and those of the purges name what went, until when, and nobody.
        var purges = Own.RecordsFrom(before);
        Assert.All(purges, record => Assert.Equal(
            (PurgedRecords.Method, "", "", "", Wire.AuditOutcome.Permitted), (record.Method, record.System, record.AgencyCode, record.ActorPersonId, record.Outcome)));
        Assert.Equal((before + OneDay.BatchRecords - 1) / OneDay.BatchRecords, purges.Count);
        Assert.All(purges, record => Assert.Single(record.Resources, name => name.StartsWith(PurgedRecords.CutOffPrefix, StringComparison.Ordinal)));
        var named = new EntryRanges();
        for (var at = 0; at < purges.Count; at++)
            foreach (var range in PurgedRecords.Read(before + at, Google.Protobuf.MessageExtensions.ToByteArray(purges[at]))) named.Add(range);
        Assert.Equal(before - 1, named.Count);

        var head = await SignedAsync(before + purges.Count - 1);
        var verdict = await CheckAsync(The.Officer, head);
        Assert.True(verdict.IsIntact, verdict.Explanation);
        Assert.Equal(before - 1, verdict.PurgedRecords);
        Sweep();
        foreach (var receipt in (CallReceipt[])[made.Receipt, seen.Receipt])
        {
            var proof = await The.School.AskAsync(to => to.Audit.GetInclusionProofAsync(new() { Context = The.School.Context(), Position = (ulong)receipt.Position, TreeSize = (ulong)head.Checkpoint.Size }));
            Assert.Equal(ProofVerdict.Valid, MerkleProof.VerifyInclusion(
                receipt.RecordHash, receipt.Position, head.Checkpoint.Size, [.. proof.Hashes.Select(h => new MerkleHash(h.Span))], head.Checkpoint.Root));
            Assert.Equal(Wire.ErrorReason.NotFound, (await The.School.AskInVainAsync(to => to.Audit.ExplainDecisionAsync(new() { Context = The.School.Context(), DecisionId = receipt.DecisionId }))).Reason);
        }

        var listed = await The.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = The.Officer.Context(), Pseudonym = pseudonym }));
        Assert.Empty(listed.Entries);
        // What a purged record is filed under is no decision that somebody could ask for.
        Assert.Equal(Wire.ErrorReason.NotFound, (await The.Officer.AskInVainAsync(to => to.Audit.ExplainDecisionAsync(new()
        {
            Context = The.Officer.Context(), DecisionId = Purge.NameOf(made.Receipt.Position).ToString(),
        }))).Reason);
    }

    [Fact]
    public async Task A_second_run_purges_nothing_more_and_a_restart_goes_by_the_policy_whose_activation_is_kept()
    {
        await The.School.RefersAsync(The.Centre);
        await SettleAsync();
        Assert.NotEqual(0, (await PurgeADayLaterAsync()).Purged);
        Assert.Equal(0, (await Own.Composition.Retention.RunAsync(CancellationToken.None)).Purged);
        var folder = Own.Folder;
        await Own.StopAsync();
        _own = await TestExchange.StartAsync(folder: folder, retention: OneDay);
        await The.School.AskAsync(to => to.Members.GetSelfAsync(new() { Context = The.School.Context() }));
        Assert.Equal(0, (await Own.Composition.Retention.RunAsync(CancellationToken.None)).Purged);
        Sweep();
    }

    [Fact]
    [Trait("Rule", "R-AUD-4")]
    [Trait("Abuse", "B68")]
    public async Task What_an_officer_holds_is_kept_until_another_officer_lets_it_go()
    {
        var (held, other) = (Some.Stranger(), Some.Stranger());
        await The.School.RefersAsync(The.Centre, held);
        await The.School.RefersAsync(The.Centre, other);
        await SettleAsync();
        Own.Clock.Advance(TimeSpan.FromHours(25));
        var hold = await The.Officer.HoldsAsync(The.Officer.Holding(held.NationalId));
        Assert.Equal((Own.Composition.Vault.Pseudonyms.OfNationalId(held.NationalId), "S0007", "tpe-security", "115-訴-0042"),
            (hold.Pseudonym, hold.PlacedByPersonId, hold.PlacedByUnitId, hold.Reference));

        var run = await Own.Composition.Retention.RunAsync(CancellationToken.None);
        Assert.Equal(1, run.Held);
        Assert.Contains(await FoundAsync(held), entry => entry.Record.Method.EndsWith("/CreateReferral", StringComparison.Ordinal));
        Assert.DoesNotContain(await FoundAsync(other), entry => entry.Record.Method.EndsWith("/CreateReferral", StringComparison.Ordinal));
        var told = await The.Officer.AskAsync(to => to.Retention.GetRetentionAsync(new() { Context = The.Officer.Context() }));
        Assert.Equal((1, 1L, run.Purged, 1), (told.OpenHolds, told.HeldRecords, told.PurgedRecords, told.KeepDays));
        Assert.Equal(run.At.AddDays(1), told.NextRunAt.ToDateTimeOffset());

        foreach (var same in (Party[])[The.Officer, The.Officer.Colleague("s0007")])
            Assert.Equal(Wire.ErrorReason.SecondOfficerNeeded, (await same.AskInVainAsync(to => to.Retention.ReleaseLegalHoldAsync(same.Releasing(hold.HoldId)))).Reason);
        Assert.Equal(Wire.ErrorReason.NotFound, (await The.OfficerOfTaoyuan.AskInVainAsync(to => to.Retention.ReleaseLegalHoldAsync(The.OfficerOfTaoyuan.Releasing(hold.HoldId)))).Reason);
        var second = The.Officer.Colleague("S0008");
        var released = await second.ReleasesAsync(hold.HoldId);
        Assert.Equal(("S0008", HoldMoves.Why), (released.ReleasedByPersonId, released.ReleaseReason));
        Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await second.AskInVainAsync(to => to.Retention.ReleaseLegalHoldAsync(second.Releasing(hold.HoldId)))).Reason);

        Assert.Equal((1L, 0L), await Own.Composition.Retention.RunAsync(CancellationToken.None) is var after ? (after.Purged, after.Held) : default);
        Sweep();
    }

    [Theory]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    public async Task A_hold_by_resource_by_agency_or_by_time_keeps_what_fits_and_nothing_else(bool byResource, bool byAgency, bool byTime)
    {
        var first = await The.School.RefersAsync(The.Centre);
        await The.Police.AskAsync(to => to.Members.GetSelfAsync(new() { Context = The.Police.Context() }));
        var between = Own.Clock.GetUtcNow();
        await The.School.RefersAsync(The.Centre);
        await SettleAsync();
        Own.Clock.Advance(TimeSpan.FromHours(25));
        var request = new Wire.PlaceLegalHoldRequest { Context = The.Officer.Context(), RequestId = Some.RequestId(), Reason = HoldMoves.Why };
        if (byResource) request.Resource = $"referral/{first.ReferralId}";
        if (byAgency) request.AgencyCode = "police";
        if (byTime) request.After = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(between);
        if (byTime) request.Before = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(between.AddHours(1));
        await The.Officer.HoldsAsync(request);
        var run = await Own.Composition.Retention.RunAsync(CancellationToken.None);
        Assert.Equal(1, run.Held);
        var kept = Assert.Single(Own.RecordsFrom(0), r => r.Method.Length > 0 && r.System.Length > 0 && r.DecidedAt.ToDateTimeOffset() < run.At.AddDays(-1));
        Assert.Equal(byAgency ? "police" : "edu", kept.AgencyCode);
        Assert.Equal(byResource, kept.Resources.Contains($"referral/{first.ReferralId}"));
    }

    [Fact]
    public async Task A_hold_that_was_placed_after_a_purge_was_thought_out_stops_it()
    {
        await The.School.RefersAsync(The.Centre);
        await SettleAsync();
        long thought;
        using (var read = Own.Composition.Store.Read()) thought = read.HoldsRevision();
        await The.Officer.HoldsAsync(The.Officer.Holding(Some.StrangersId()));
        var entry = AuditEntry.Of(new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(Own.Clock.GetUtcNow()).ToString(), Method = PurgedRecords.Method, Resources = { "purged/1-1" },
            DecidedAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Own.Clock.GetUtcNow()),
        });
        var count = Own.RecordCount();
        await Assert.ThrowsAsync<StaleRowException>(() => Own.Composition.Commits.CommitAsync(entry, new Change { Purge = new Purge([new EntryRange(1, 1)], thought) }));
        Assert.Equal(count, Own.RecordCount());
        Assert.NotEmpty(Own.RecordsFrom(1)[0].Method);
    }

    /// <summary>Whoever can write to the file takes a record away: with nothing said, beside a purge that says less, or one that an open hold keeps.</summary>
    [Theory]
    [Trait("Abuse", "B59")]
    [InlineData("UPDATE audit_record SET body = x'' WHERE position = $0", false)]
    [InlineData("UPDATE audit_record SET body = x'', decision_id = unhex(printf('%032x', position)) WHERE position = $0", false)]
    [InlineData("UPDATE audit_record SET body = x'', decision_id = unhex(printf('%032x', position)) WHERE position = $0", true)]
    public async Task A_record_that_is_gone_and_that_no_purge_names_is_found_by_its_position(string tampering, bool afterPurge)
    {
        var kept = Some.Stranger();
        await The.School.RefersAsync(The.Centre);
        var made = await The.School.AnswerAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(The.School, The.Centre.UnitId, kept)));
        await SettleAsync();
        if (afterPurge)
        {
            Own.Clock.Advance(TimeSpan.FromHours(25));
            await The.Officer.HoldsAsync(The.Officer.Holding(kept.NationalId));
            Assert.Equal(1, (await Own.Composition.Retention.RunAsync(CancellationToken.None)).Held);
        }

        await SettleAsync();
        var head = await SignedAsync(Own.RecordCount() - 1);
        Assert.True((await CheckAsync(The.Officer, head)).IsIntact);
        Sweep();
        using (var connection = Own.OpenDatabase())
        using (var command = connection.CreateCommand())
        {
#pragma warning disable CA2100 // Constants of the test.
            command.CommandText = tampering;
#pragma warning restore CA2100
            command.Parameters.AddWithValue("$0", made.Receipt.Position);
            Assert.Equal(1, command.ExecuteNonQuery());
        }

        foreach (var officer in (Party[])[The.Officer, The.OfficerOfTaoyuan])
        {
            var verdict = await CheckAsync(officer, head);
            Assert.Equal((LogFault.PurgeUnrecorded, made.Receipt.Position), (verdict.Fault, verdict.FirstBadIndex));
        }

        Assert.Equal(made.Receipt.Position, Assert.Throws<EvidenceException>(Sweep).FirstBadIndex);
    }

    [Theory]
    [Trait("Abuse", "B59")]
    [InlineData("UPDATE audit_record SET decision_id = randomblob(16) WHERE position = $0")]
    [InlineData("UPDATE audit_record SET body = $1 WHERE position = $0")]
    public async Task A_purged_record_that_is_changed_or_put_back_is_found(string tampering)
    {
        var made = await The.School.AnswerAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(The.School, The.Centre.UnitId)));
        await SettleAsync();
        var body = Own.Query("SELECT body FROM audit_record WHERE position = $0", r => r.GetFieldValue<byte[]>(0), made.Receipt.Position)[0];
        Assert.NotEqual(0, (await PurgeADayLaterAsync()).Purged);
        await SettleAsync();
        Sweep();
        using (var connection = Own.OpenDatabase())
        using (var command = connection.CreateCommand())
        {
#pragma warning disable CA2100 // Constants of the test.
            command.CommandText = tampering;
#pragma warning restore CA2100
            command.Parameters.AddWithValue("$0", made.Receipt.Position);
            if (tampering.Contains("$1", StringComparison.Ordinal)) command.Parameters.AddWithValue("$1", body);
            Assert.Equal(1, command.ExecuteNonQuery());
        }

        Assert.Equal(made.Receipt.Position, Assert.Throws<EvidenceException>(Sweep).FirstBadIndex);
    }

    [Fact]
    [Trait("Rule", "R-AUD-4")]
    public async Task A_mistake_in_a_hold_names_the_field_and_the_remedy()
    {
        var officer = The.Officer;
        async Task AssertFaultAsync(string field, Action<Wire.PlaceLegalHoldRequest> spoil)
        {
            var request = officer.Holding(Some.StrangersId());
            spoil(request);
            var refused = await officer.AskInVainAsync(to => to.Retention.PlaceLegalHoldAsync(request));
            Assert.Equal(Wire.ErrorReason.InvalidField, refused.Reason);
            Assert.Equal(field, Assert.Single(refused.Refusal.Faults).Field);
        }

        await AssertFaultAsync("subject", r => r.ClearSubject());
        await AssertFaultAsync("pseudonym", r => r.Pseudonym = "A1");
        await AssertFaultAsync("reason", r => r.Reason = "xxxxxxxxxxxxxxxxxxxxxxxxxx");
        await AssertFaultAsync("before", r => r.After = r.Before = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Own.Clock.GetUtcNow()));
        var again = officer.Holding(Some.StrangersId());
        Assert.Equal((await officer.HoldsAsync(again)).HoldId, (await officer.HoldsAsync(again)).HoldId);
    }

    private async Task<RetentionRun> PurgeADayLaterAsync()
    {
        Own.Clock.Advance(TimeSpan.FromHours(25));
        return await Own.Composition.Retention.RunAsync(CancellationToken.None);
    }

    private async Task<List<Wire.AccessEntry>> FoundAsync(Wire.ReferralSubject person) =>
        [.. (await The.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = The.Officer.Context(), NationalId = person.NationalId }))).Entries];

    /// <summary>Everything is under a signed head.</summary>
    private Task SettleAsync() => Eventually.TrueAsync(() => Own.Composition.Log is { Published: { } head } log && head.Size == log.Size, "everything is under a signed head");

    private void Sweep() => Own.Composition.Log.Sweep(Own.Composition.Store, Own.Composition.Log.Published!, CancellationToken.None);

    private async Task<SignedCheckpoint> SignedAsync(long over)
    {
        var answer = await The.Officer.AwaitsCheckpointOverAsync(Own, over);
        Assert.True(NoteVerifier.TryParse(answer.VerifierKey, out var key, out _));
        Assert.True(SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(answer.Note), key, [], out var signed, out _));
        return signed;
    }

    private static async Task<LogVerdict> CheckAsync(Party officer, SignedCheckpoint head)
    {
        var verifier = new LogVerifier([head]);
        using var reading = officer.Channel.Audit.ReadLog(new() { Context = officer.Context(), End = (ulong)head.Checkpoint.Size });
        while (await reading.ResponseStream.MoveNext(CancellationToken.None))
            foreach (var entry in reading.ResponseStream.Current.Entries()) verifier.Add(entry);
        return verifier.Finish();
    }

    /// <summary>Files of the database's folder in which a pseudonym stands, as text or as a term of the search index.</summary>
    private List<string> FilesWith(string pseudonym)
    {
        var term = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(term, SearchTerm.Subject(pseudonym));
        var found = new List<string>();
        foreach (var path in Directory.EnumerateFiles(Own.Folder, "*", SearchOption.AllDirectories).Where(p => !p.EndsWith(".lock", StringComparison.Ordinal)))
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            if (bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(pseudonym)) >= 0 || (path.EndsWith(".search", StringComparison.Ordinal) && bytes.AsSpan().IndexOf(term) >= 0)) found.Add(path);
        }

        return found;
    }
}
