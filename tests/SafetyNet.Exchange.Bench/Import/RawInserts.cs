using Microsoft.Data.Sqlite;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Bench.Import;

/// <summary>Bulk inserts of what a delivery left in the tables of persons, into an empty database of the same schema: prepared statements of the bare provider, write-ahead log, every commit flushed.</summary>
internal sealed class RawInserts
{
    private static readonly (string Table, string[] Columns)[] Tables =
    [
        ("person", ["person_id", "jurisdiction", "national_id_index", "name_index", "household_id", "district", "place", "is_protected", "is_shielded", "sealed"]),
        ("register_entry", ["person_id", "taken_in", "seen_in", "since_day", "fingerprint"]), ("parent", ["parent_id", "child_id"]), ("pending_parent", ["child_id", "is_father", "parent_index"]),
    ];

    private readonly string _folder;
    private readonly int _persons;
    private readonly Dictionary<string, List<object[]>> _rows;

    public RawInserts(string folder)
    {
        _folder = folder;
        using var connection = Open(Path.Combine(folder, "exchange.db"));
        _rows = Tables.ToDictionary(one => one.Table, one => ReadAll(connection, one.Table, one.Columns), StringComparer.Ordinal);
        _persons = _rows["person"].Count;
    }

    /// <param name="personsPerFlush">Persons, with the rows of the other tables that fall to them, of one flushed transaction.</param>
    public ImportFigure Run(string name, int round, int personsPerFlush)
    {
        var path = Path.Combine(_folder, $"raw-{Guid.CreateVersion7():N}.db");
        using (var store = new SqliteStore(path)) store.Migrate();
        using var connection = Open(path);
        foreach (var pragma in (string[])["PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=4000", "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-16000", "PRAGMA secure_delete=ON"]) Execute(connection, pragma);
        var transactions = (int)Math.Max(1, Math.Ceiling((double)_persons / personsPerFlush));
        var inserts = Tables.Select(one => Insert(connection, one.Table, one.Columns)).ToList();
        var (since, cpu) = (TimeProvider.System.GetTimestamp(), Environment.CpuUsage.TotalTime);
        for (var number = 0; number < transactions; number++)
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            for (var table = 0; table < Tables.Length; table++)
            {
                var (insert, rows) = (inserts[table], _rows[Tables[table].Table]);
                insert.Transaction = transaction;
                var (from, until) = ((int)((long)rows.Count * number / transactions), (int)((long)rows.Count * (number + 1) / transactions));
                for (var at = from; at < until; at++)
                {
                    for (var column = 0; column < rows[at].Length; column++) insert.Parameters[column].Value = rows[at][column];
                    insert.ExecuteNonQuery();
                }
            }

            transaction.Commit();
        }

        var seconds = TimeProvider.System.GetElapsedTime(since).TotalSeconds;
        var used = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds;
        foreach (var insert in inserts) insert.Dispose();
        return new ImportFigure(name, round, _persons / seconds, used / _persons);
    }

    private static List<object[]> ReadAll(SqliteConnection connection, string table, string[] columns)
    {
        using var select = connection.CreateCommand();
#pragma warning disable CA2100 // Names of the table above.
        select.CommandText = $"SELECT {string.Join(", ", columns)} FROM {table} ORDER BY rowid";
#pragma warning restore CA2100
        using var reader = select.ExecuteReader();
        var rows = new List<object[]>();
        while (reader.Read())
        {
            var row = new object[columns.Length];
            reader.GetValues(row);
            rows.Add(row);
        }

        return rows;
    }

    private static SqliteCommand Insert(SqliteConnection connection, string table, string[] columns)
    {
        var insert = connection.CreateCommand();
#pragma warning disable CA2100 // Names of the table above; values travel as parameters.
        insert.CommandText = $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select((_, at) => $"${at}"))})";
#pragma warning restore CA2100
        for (var at = 0; at < columns.Length; at++) insert.Parameters.Add(new SqliteParameter { ParameterName = $"${at}" });
        return insert;
    }

    private static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
