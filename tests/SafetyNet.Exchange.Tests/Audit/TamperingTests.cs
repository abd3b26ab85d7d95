using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Audit;

/// <summary>Who can write to the database file can change what is in it, but not the log without the check finding it.</summary>
[Trait("Rule", "R-AUD-3")]
public sealed class TamperingTests(TestExchange exchange) : WireTests(exchange)
{
    /// <summary>What is found at the start: the head that was signed, and every record after it.</summary>
    [Theory]
    [InlineData("DELETE FROM audit_record WHERE position = (SELECT max(position) FROM audit_record)")]
    [InlineData("DELETE FROM audit_record WHERE position > 3")]
    [InlineData("DELETE FROM audit_record")]
    [InlineData("UPDATE audit_checkpoint SET note = replace(note, 'e', 'f') WHERE size = (SELECT max(size) FROM audit_checkpoint)")]
    [InlineData("UPDATE audit_checkpoint SET frontier = (SELECT frontier FROM audit_checkpoint ORDER BY size LIMIT 1) WHERE size = (SELECT max(size) FROM audit_checkpoint)")]
    [InlineData("UPDATE audit_checkpoint SET size = size + 1 WHERE size = (SELECT max(size) FROM audit_checkpoint)")]
    public async Task A_log_that_was_cut_or_whose_head_was_changed_does_not_open(string tampering)
    {
        var (path, key) = await StoppedAsync(signed: true);
        Assert.NotNull(Open(path, key));
        Change(path, tampering);
        Assert.ThrowsAny<Exception>(() => Open(path, key));
    }

    [Theory]
    [InlineData("UPDATE audit_record SET body = body || x'00' WHERE position = {0}")]
    [InlineData("UPDATE audit_record SET leaf_hash = zeroblob(32) WHERE position = {0}")]
    [InlineData("DELETE FROM audit_record WHERE position = {0}")]
    public async Task A_record_after_the_last_signed_head_that_was_changed_or_removed_is_found_at_the_start(string tampering)
    {
        var (path, key) = await StoppedAsync(signed: false);
        var size = Open(path, key)!.Size;
        Change(path, string.Format(System.Globalization.CultureInfo.InvariantCulture, tampering, size - 2));
        var error = Assert.Throws<EvidenceException>(() => Open(path, key));
        Assert.Contains("missing or was changed after the last signed head", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_signed_by_another_key_does_not_open()
    {
        var (path, _) = await StoppedAsync(signed: true);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Throws<EvidenceException>(() => Open(path, other.ExportPkcs8PrivateKeyPem()));
    }

    /// <summary>Below the signed head a start looks at nothing; the check of the whole log finds it, and no proof over it verifies.</summary>
    [Theory]
    [InlineData("UPDATE audit_record SET body = body || x'00' WHERE position = 2", true)]
    [InlineData("UPDATE audit_record SET body = body || x'00', leaf_hash = zeroblob(32) WHERE position = 2", false)]
    [InlineData("DELETE FROM audit_record WHERE position = 2", false)]
    public async Task A_record_under_the_signed_head_that_was_changed_is_found_by_the_check_of_the_whole_log(string tampering, bool proofHolds)
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var made = await the.School.AnswerAsync(to => to.Members.GetSelfAsync(new() { Context = the.School.Context() }));
        for (var i = 0; i < 5; i++) made = await the.School.AnswerAsync(to => to.Members.GetSelfAsync(new() { Context = the.School.Context() }));
        var answer = await the.Officer.AwaitsCheckpointOverAsync(own, made.Receipt.Position);
        Assert.True(NoteVerifier.TryParse(answer.VerifierKey, out var key, out _));
        Assert.True(SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(answer.Note), key, [], out var signed, out _));
        Assert.True((await CheckAsync()).IsIntact);

        Change(own.DatabasePath, tampering);

        Assert.False((await CheckAsync()).IsIntact);
        var size = signed.Checkpoint.Size;
        try
        {
            var proof = await the.School.AskAsync(to => to.Audit.GetInclusionProofAsync(new() { Context = the.School.Context(), Position = 1, TreeSize = (ulong)size }));
            var holds = MerkleProof.VerifyInclusion(new MerkleHash(proof.RecordHash.Span), 1, size, [.. proof.Hashes.Select(h => new MerkleHash(h.Span))], signed.Checkpoint.Root);
            Assert.Equal(proofHolds, holds == ProofVerdict.Valid);
        }
        catch (RpcException) when (!proofHolds)
        {
            // No proof at all is as good as none that verifies; the exchange says in its log why it has none.
            Assert.NotEmpty(ServerOutput.TakeErrors());
        }

        async Task<LogVerdict> CheckAsync()
        {
            var verifier = new LogVerifier([signed]);
            using var reading = the.Officer.Channel.Audit.ReadLog(new() { Context = the.Officer.Context(), End = (ulong)signed.Checkpoint.Size });
            while (await reading.ResponseStream.MoveNext(CancellationToken.None))
                foreach (var entry in reading.ResponseStream.Current.Entries()) verifier.Add(entry);

            return verifier.Finish();
        }
    }

    private static readonly Lazy<Task<(string Path, string Key)>> Signed = new(() => StopAsync(signed: true)), Unsigned = new(() => StopAsync(signed: false));

    /// <summary>Data of an exchange that took some calls and was stopped, its newest records under a signed head or not; a copy of one's own.</summary>
    private static async Task<(string Path, string Key)> StoppedAsync(bool signed)
    {
        var (path, key) = await (signed ? Signed : Unsigned).Value;
        var copy = $"{path}.{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}";
        File.Copy(path, copy);
        return (copy, key);
    }

    private static async Task<(string Path, string Key)> StopAsync(bool signed)
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        for (var i = 0; i < 3; i++) await the.School.RefersAsync(the.Centre);
        await Eventually.TrueAsync(() => own.Composition.Log is { Published: { } head } log && head.Size == log.Size, "everything is under a signed head");
        // Calls within half a second of a head are under none yet.
        if (!signed) for (var i = 0; i < 4; i++) await the.School.RefersAsync(the.Centre);
        var key = await File.ReadAllTextAsync(own.Options.Evidence.SigningKeyPath);
        await own.StopAsync();
        // Where a slow machine signed after all, the head goes, as if the stop had come before it.
        if (!signed) Change(own.DatabasePath, "DELETE FROM audit_checkpoint WHERE size > (SELECT max(position) + 1 - 4 FROM audit_record)", mayBeNone: true);
        return (own.DatabasePath, key);
    }

    private static AuditLog? Open(string path, string keyPem)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(keyPem);
        using var store = new SqliteStore(path);
        return AuditLog.Open(store, new NoteSigner("sandbox.safetynet.gov.tw/log", key));
    }

    private static void Change(string path, string sql, bool mayBeNone = false)
    {
        using var connection = TestExchange.OpenDatabase(path);
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of the tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        Assert.True(command.ExecuteNonQuery() > 0 || mayBeNone);
    }
}
