using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// One snapshot of the store: whatever is read through it belongs together, relationships and the data they open alike. Statements are prepared once
/// and kept with the connection; EF Core reads through the same connection where speed does not matter.
/// </summary>
internal sealed class ReadSession : IDisposable
{
    private readonly SqliteStore _store;
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);
    private readonly sqlite3_stmt _begin, _end;
    private ExchangeDb? _db;

    public ReadSession(SqliteStore store, SqliteConnection connection)
    {
        (_store, _connection) = (store, connection);
        _begin = Prepare("BEGIN DEFERRED");
        _end = Prepare("COMMIT");
    }

    /// <summary>EF Core over this snapshot, without change tracking.</summary>
    public ExchangeDb Db => _db ??= SqliteStore.ContextOn(_connection);

    public void Begin() => Run(_begin);

    /// <summary>Runs a constant statement with its values in the order of its parameters $0, $1 ...</summary>
    public SqliteDataReader Query(string sql, params ReadOnlySpan<object> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = SqliteStore.Prepare(_connection, sql);
            for (var i = 0; i < values.Length; i++) command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
            command.Prepare();
            _commands.Add(sql, command);
        }

        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
        return command.ExecuteReader();
    }

    /// <summary>Ends the snapshot and gives the session back to the pool.</summary>
    public void Dispose()
    {
        Run(_end);
        _store.Return(this);
    }

    public void Close()
    {
        foreach (var command in _commands.Values) command.Dispose();
        _begin.Dispose();
        _end.Dispose();
        _db?.Dispose();
        _connection.Dispose();
    }

    // The two statements of every call, without parameters or rows, straight to the engine: a command and a reader around them cost as much as they do.
    private sqlite3_stmt Prepare(string sql)
    {
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(_connection.Handle, sql, out var statement), _connection.Handle);
        return statement;
    }

    private void Run(sqlite3_stmt statement)
    {
        raw.sqlite3_step(statement);
        SqliteException.ThrowExceptionForRC(raw.sqlite3_reset(statement), _connection.Handle);
    }
}
