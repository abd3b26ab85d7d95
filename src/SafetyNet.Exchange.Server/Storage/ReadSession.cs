using Microsoft.Data.Sqlite;

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
    private readonly HotStatement _begin, _end;
    private ExchangeDb? _db;

    public ReadSession(SqliteStore store, SqliteConnection connection)
    {
        (_store, _connection) = (store, connection);
        _begin = new HotStatement(connection, "BEGIN DEFERRED");
        _end = new HotStatement(connection, "COMMIT");
    }

    /// <summary>EF Core over this snapshot, without change tracking.</summary>
    public ExchangeDb Db => _db ??= SqliteStore.ContextOn(_connection);

    /// <summary>Statements that ran through this session, each prepared once.</summary>
    public IReadOnlyCollection<string> Statements => _commands.Keys;

    public void Begin() => _begin.Run();

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
        _end.Run();
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
}
