using Microsoft.EntityFrameworkCore;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Tests.Storage;

/// <summary>The stored schema is what the migrations make, and the migrations make all of the model.</summary>
public sealed class MigrationTests
{
    [Fact]
    public void No_change_of_the_model_waits_for_a_migration()
    {
        using var db = new ExchangeDb(new DbContextOptionsBuilder<ExchangeDb>().UseSqlite("Data Source=:memory:").Options);

        Assert.False(db.Database.HasPendingModelChanges(), "Write it: dotnet run --project build/migrations -- NAME");
    }

    [Fact]
    public void A_person_has_one_open_case_and_a_case_one_primary_by_the_schema_itself()
    {
        var path = Path.Combine(Path.GetTempPath(), $"safetynet-{Guid.CreateVersion7():n}.db");
        try
        {
            using var store = new SqliteStore(path);
            store.Migrate();
            using var connection = store.OpenWriter();
            Run(connection, "INSERT INTO case_subject (case_id, person_id, is_open) VALUES (x'01', x'AA', 1)");
            Run(connection, "INSERT INTO case_participant (case_id, unit_id, role, services, person_ids, since) VALUES (x'01', 'a', 1, 0, x'', 0)");

            Assert.Throws<Microsoft.Data.Sqlite.SqliteException>(() =>
                Run(connection, "INSERT INTO case_subject (case_id, person_id, is_open) VALUES (x'02', x'AA', 1)"));
            Assert.Throws<Microsoft.Data.Sqlite.SqliteException>(() =>
                Run(connection, "INSERT INTO case_participant (case_id, unit_id, role, services, person_ids, since) VALUES (x'01', 'b', 1, 0, x'', 0)"));
            Run(connection, "INSERT INTO case_subject (case_id, person_id, is_open) VALUES (x'02', x'AA', 0)");
        }
        finally
        {
            foreach (var file in Directory.GetFiles(Path.GetTempPath(), $"{Path.GetFileName(path)}*")) File.Delete(file);
        }
    }

    /// <summary>A start that was killed while it brought the schema up to date left EF Core's lock in the file, and every later start waited for it without end.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Abuse", "B64")]
    public async Task Bug_A_start_after_one_that_was_killed_at_the_schema_does_not_wait_for_its_lock(bool isMigrated)
    {
        var path = Path.Combine(Path.GetTempPath(), $"safetynet-{Guid.CreateVersion7():n}.db");
        try
        {
            using var store = new SqliteStore(path);
            if (isMigrated) store.Migrate();
            using (var connection = store.OpenWriter())
            {
                Run(connection, "CREATE TABLE IF NOT EXISTS \"__EFMigrationsLock\" (\"Id\" INTEGER NOT NULL PRIMARY KEY, \"Timestamp\" TEXT NOT NULL)");
                Run(connection, "INSERT INTO \"__EFMigrationsLock\" VALUES (1, '2026-01-01 00:00:00')");
            }

            await Task.Run(store.Migrate, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

            using var after = store.OpenWriter();
            using var migrated = SqliteStore.ContextOn(after);
            Assert.Empty(await migrated.Database.GetPendingMigrationsAsync(TestContext.Current.CancellationToken));
        }
        finally
        {
            foreach (var file in Directory.GetFiles(Path.GetTempPath(), $"{Path.GetFileName(path)}*")) File.Delete(file);
        }
    }

    private static void Run(Microsoft.Data.Sqlite.SqliteConnection connection, string sql)
    {
        using var command = SqliteStore.Prepare(connection, sql);
        command.ExecuteNonQuery();
    }
}
