using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// The embedded database: one file, write-ahead log, every commit flushed (synchronous=FULL). One connection writes (<see cref="CommitQueue"/>),
/// a pool of others reads snapshots (<see cref="ReadSession"/>).
/// </summary>
internal sealed class SqliteStore(string path) : IDisposable
{
    private readonly ConcurrentBag<ReadSession> _idle = [];

    /// <summary>The engine's count of its own memory costs every allocation a lock that all connections share; nobody reads it.</summary>
    static SqliteStore()
    {
        SQLitePCL.Batteries_V2.Init();
        SQLitePCL.raw.sqlite3_config(SQLitePCL.raw.SQLITE_CONFIG_MEMSTATUS, 0);
    }

    /// <summary>Where the database file is.</summary>
    public string Path { get; } = path;

    /// <summary>Most pages (4 KiB) that the file may grow to; 0: as many as the disk takes. In force from the next connection that writes.</summary>
    public int MaximumPages { get; set; }

    /// <summary>Takes the file over from whoever had it last and brings its schema up to date; run once, before anything else opens it.</summary>
    /// <exception cref="SqliteException">The disk does not take what it should hold already; do not start.</exception>
    public void Migrate()
    {
        using var connection = OpenWriter();
        // After a flush that failed, pages of the write-ahead log may be in memory only, and a crash leaves them looking whole. They are written and flushed
        // anew, into the file, before anything is put on top; SQLite would do so when it closes, and keep a failure to itself.
        Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        using var db = ContextOn(connection);
        if (!db.Database.GetPendingMigrations().Any()) return;
        // One process has the file (StoreLease): a lock in it is of one that was killed, and EF Core would wait for it forever.
        Execute(connection, "DROP TABLE IF EXISTS \"__EFMigrationsLock\"");
        db.Database.Migrate();
    }

    /// <summary>Builds EF Core's model, which takes a good part of a start, beside what else a start does; whoever needs it first waits for it.</summary>
    public static void WarmUp() => _ = Task.Run(() =>
    {
        using var connection = new SqliteConnection();
        using var db = ContextOn(connection);
        _ = db.Model;
    });

    /// <summary>The connection that writes; never more than one at a time.</summary>
    public SqliteConnection OpenWriter()
    {
        var connection = Open(SqliteOpenMode.ReadWriteCreate);
        Execute(connection, "PRAGMA journal_mode=WAL");
        Execute(connection, "PRAGMA synchronous=FULL");
        Execute(connection, "PRAGMA wal_autocheckpoint=4000");
        if (MaximumPages > 0) Execute(connection, $"PRAGMA max_page_count={MaximumPages}");
        return connection;
    }

    public static ExchangeDb ContextOn(SqliteConnection connection) =>
        new(new DbContextOptionsBuilder<ExchangeDb>().UseSqlite(connection).UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking).Options);

    /// <summary>A session with a snapshot of its own; give it back by disposing of it.</summary>
    public ReadSession Read()
    {
        if (!_idle.TryTake(out var session)) session = new ReadSession(this, Open(SqliteOpenMode.ReadWrite));
        session.Begin();
        return session;
    }

    public void Return(ReadSession session) => _idle.Add(session);

    public static SqliteCommand Prepare(SqliteConnection connection, string sql, params ReadOnlySpan<string> parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every statement is a constant of the caller; values travel as parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var parameter in parameters) command.Parameters.Add(new SqliteParameter { ParameterName = parameter });
        return command;
    }

    public void Dispose()
    {
        while (_idle.TryTake(out var session)) session.Close();
        SqliteConnection.ClearAllPools();
    }

    private SqliteConnection Open(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Path, Mode = mode, Pooling = false, ForeignKeys = true, DefaultTimeout = 30,
        }.ToString());
        connection.Open();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        // Sorting and temporary tables stay in memory: nothing personal in temporary files. Deleted rows are overwritten.
        Execute(connection, "PRAGMA temp_store=MEMORY");
        Execute(connection, "PRAGMA secure_delete=ON");
        Execute(connection, "PRAGMA mmap_size=268435456");
        Execute(connection, "PRAGMA cache_size=-16000");
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = Prepare(connection, sql);
        command.ExecuteNonQuery();
    }
}
