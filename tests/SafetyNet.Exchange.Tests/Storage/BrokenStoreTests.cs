using System.Security.Cryptography;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Data.Sqlite;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Storage;

public sealed class BrokenStoreTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-AUD-2")]
    public async Task Bug_commits_that_waited_behind_a_failed_flush_were_made_on_a_disk_that_nobody_had_looked_at()
    {
        var folder = Directory.CreateTempSubdirectory("safetynet-broken-").FullName;
        try
        {
            using var store = new SqliteStore(Path.Combine(folder, "exchange.db"));
            store.Migrate();
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var log = AuditLog.Open(store, new NoteSigner("test.safetynet.gov.tw/log", key));
            using var other = TestExchange.OpenDatabase(store.Path);
            // The disk fails once, and would take the next flush: the worst kind of failure.
            await using var commits = new CommitQueue(store, log, TimeProvider.System, stop: () => Run(other, "ALTER TABLE lost RENAME TO audit_record"));
            await commits.CommitAsync(Entry(), change: null);

            Run(other, "BEGIN IMMEDIATE");
            var first = commits.CommitAsync(Entry(), change: null);
            await Task.Delay(200, TestContext.Current.CancellationToken);
            var waiting = Enumerable.Range(0, 20).Select(_ => commits.CommitAsync(Entry(), change: null)).ToList();
            Run(other, "ALTER TABLE audit_record RENAME TO lost");
            Run(other, "COMMIT");

            await Assert.ThrowsAsync<StoreUnavailableException>(() => first);
            foreach (var one in waiting) await Assert.ThrowsAsync<StoreUnavailableException>(() => one);
            Assert.True(commits.IsBroken);
            ServerOutput.TakeErrors();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static AuditEntry Entry() => AuditEntry.Of(new Wire.AuditRecord
    {
        Version = 1, DecisionId = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow()),
    });

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of the tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
