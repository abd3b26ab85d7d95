using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// A prepared statement that every call runs, straight on the engine: the command, reader and parameter objects of the provider around it cost more than it does
/// (docs/decisions/0005). No rows; one thread at a time.
/// </summary>
internal sealed class HotStatement : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly sqlite3_stmt _statement;

    /// <param name="connection">Open, and open for as long as the statement.</param>
    /// <param name="sql">A constant of the caller; values are <c>?1</c>, <c>?2</c> ...</param>
    public HotStatement(SqliteConnection connection, string sql)
    {
        _connection = connection;
        Check(raw.sqlite3_prepare_v2(connection.Handle, sql, out _statement));
    }

    public void Bind(int parameter, long value) => Check(raw.sqlite3_bind_int64(_statement, parameter, value));

    public void Bind(int parameter, string value) => Check(raw.sqlite3_bind_text(_statement, parameter, value));

    public void Bind(int parameter, bool value) => Bind(parameter, value ? 1L : 0L);

    /// <summary>An id as 16 bytes; null: no value.</summary>
    public void Bind(int parameter, Guid? id)
    {
        if (id is not { } value)
        {
            Check(raw.sqlite3_bind_null(_statement, parameter));
            return;
        }

        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        Bind(parameter, bytes);
    }

    /// <summary>The engine copies the bytes.</summary>
    public void Bind(int parameter, ReadOnlySpan<byte> value) => Check(raw.sqlite3_bind_blob(_statement, parameter, value));

    /// <exception cref="SqliteException">The engine refused; nothing of the statement happened.</exception>
    public void Run()
    {
        raw.sqlite3_step(_statement);
        // Resetting answers with what the step answered.
        Check(raw.sqlite3_reset(_statement));
    }

    public void Dispose() => _statement.Dispose();

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, _connection.Handle);
}
