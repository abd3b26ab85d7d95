using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Bench.History;

/// <summary>Inserts rows of features as the store's own model maps them, by one prepared statement a table: many times as fast as a change that is tracked.</summary>
internal sealed class RowInserts(SqliteConnection connection, ExchangeDb db) : IDisposable
{
    private readonly Dictionary<System.Type, Table> _tables = [];
    private SqliteTransaction? _transaction;

    public void Begin(SqliteTransaction transaction) => _transaction = transaction;

    public void Insert<TRow>(TRow row)
        where TRow : class
    {
        if (!_tables.TryGetValue(typeof(TRow), out var table)) _tables.Add(typeof(TRow), table = Table.Of(connection, db.Model.FindEntityType(typeof(TRow))!));
        table.Insert(row, _transaction);
    }

    public void Dispose()
    {
        foreach (var table in _tables.Values) table.Command.Dispose();
    }

    private sealed record Table(SqliteCommand Command, (Func<object, object?> Read, Func<object?, object?>? Convert)[] Columns)
    {
        public static Table Of(SqliteConnection connection, IEntityType type)
        {
            var properties = type.GetProperties().ToList();
            var command = SqliteStore.Prepare(connection,
                $"INSERT INTO {type.GetTableName()} ({string.Join(", ", properties.Select(p => p.GetColumnName()))}) VALUES ({string.Join(", ", properties.Select((_, at) => $"${at}"))})",
                [.. properties.Select((_, at) => $"${at}")]);
            return new Table(command, [.. properties.Select(p => ((Func<object, object?>)p.PropertyInfo!.GetValue, p.GetTypeMapping().Converter?.ConvertToProvider))]);
        }

        public void Insert(object row, SqliteTransaction? transaction)
        {
            Command.Transaction = transaction;
            for (var at = 0; at < Columns.Length; at++)
            {
                var value = Columns[at].Read(row);
                Command.Parameters[at].Value = (value is null ? null : Columns[at].Convert?.Invoke(value) ?? value) ?? DBNull.Value;
            }

            Command.ExecuteNonQuery();
        }
    }
}
