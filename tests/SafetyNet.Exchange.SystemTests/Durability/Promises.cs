using System.Globalization;
using Microsoft.Data.Sqlite;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>What callers hold of a server and it must never take back.</summary>
internal sealed class Promises
{
    private readonly Lock _gate = new();
    private readonly List<CallReceipt> _receipts = [];
    private readonly List<(string Method, string RequestId)> _writes = [];
    private readonly List<(string Table, string Column, string Id)> _rows = [];
    private readonly List<string> _heads = [];

    /// <summary>An answer, or a refusal, came with its receipt.</summary>
    public void Keep(CallReceipt receipt)
    {
        lock (_gate)
            _receipts.Add(receipt);
    }

    /// <summary>A write was acknowledged.</summary>
    public void Acknowledged(string method, string requestId)
    {
        lock (_gate)
            _writes.Add((method, requestId));
    }

    /// <summary>A row was acknowledged to be there.</summary>
    /// <param name="table">Its table.</param>
    /// <param name="column">The table's id.</param>
    /// <param name="id">UUID as text.</param>
    public void Made(string table, string column, string id)
    {
        lock (_gate)
            _rows.Add((table, column, id));
    }

    /// <summary>A signed head was given out.</summary>
    public void Signed(string note)
    {
        lock (_gate)
            _heads.Add(note);
    }

    public int Receipts => _receipts.Count;

    public int Writes => _writes.Count;

    /// <summary>Reads the database file itself and says what of this is not kept, and whatever else is wrong with the log; empty: all is well.</summary>
    /// <param name="database">The file; a server may have it open.</param>
    /// <param name="logKey">Public key of the log, as an officer holds it.</param>
    public IReadOnlyList<string> FindBroken(string database, string logKey)
    {
        lock (_gate)
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder
            {
                DataSource = database, Mode = SqliteOpenMode.ReadOnly, Pooling = false,
            }.ToString());
            connection.Open();
            using var snapshot = connection.BeginTransaction(deferred: true);
            var broken = new List<string>();
            CheckLog(connection, logKey, broken);
            CheckRows(connection, broken);
            return broken;
        }
    }

    private void CheckLog(SqliteConnection connection, string logKey, List<string> broken)
    {
        Assert.True(NoteVerifier.TryParse(logKey, out var key, out var problem), problem);
        using (key)
        {
            var heads = new List<SignedCheckpoint>();
            foreach (var note in _heads.Select(System.Text.Encoding.UTF8.GetBytes).Concat(Query(connection, "SELECT note FROM audit_checkpoint", row => row.GetFieldValue<byte[]>(0))))
            {
                if (SignedCheckpoint.TryOpen(note, key, [], out var head, out var refused))
                    heads.Add(head);
                else
                    broken.Add($"a head of the log is not signed by its key: {refused}");
            }

            var receipts = _receipts.ToDictionary(receipt => receipt.Position);
            if (receipts.Count != _receipts.Count)
                broken.Add("one place of the log was given to two calls");
            var verifier = new LogVerifier(heads);
            var permitted = new Dictionary<(string, string), int>();
            foreach (var (position, leaf, body) in Query(
                connection, "SELECT position, leaf_hash, body FROM audit_record ORDER BY position", row => (row.GetInt64(0), row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(2))))
            {
                verifier.Add(new LogEntry(position, body, new MerkleHash(leaf)));
                var record = Wire.AuditRecord.Parser.ParseFrom(body);
                if (receipts.TryGetValue(position, out var receipt) && receipt.RecordHash == new MerkleHash(leaf) && string.Equals(receipt.DecisionId, record.DecisionId, StringComparison.Ordinal))
                    receipts.Remove(position);
                if (record.Outcome == Wire.AuditOutcome.Permitted && record.RequestId.Length > 0)
                    permitted[(record.Method, record.RequestId)] = permitted.GetValueOrDefault((record.Method, record.RequestId)) + 1;
            }

            if (verifier.Finish() is { IsIntact: false } verdict)
                broken.Add(verdict.Explanation);
            broken.AddRange(receipts.Values.Select(receipt => $"the record of decision {receipt.DecisionId}, answered with place {receipt.Position}, is not in the log there"));
            broken.AddRange(_writes.Where(write => permitted.GetValueOrDefault(write) != 1)
                .Select(write => string.Create(CultureInfo.InvariantCulture, $"{write.Method} with request_id {write.RequestId} was acknowledged and is in the log {permitted.GetValueOrDefault(write)} times")));
            broken.AddRange(permitted.Where(write => write.Value > 1).Select(write => $"{write.Key} happened {write.Value} times"));
        }
    }

    private void CheckRows(SqliteConnection connection, List<string> broken)
    {
        foreach (var (table, column) in _rows.Select(row => (row.Table, row.Column)).Distinct())
        {
            var there = Query(connection, $"SELECT {column} FROM {table}", row => new Guid(row.GetFieldValue<byte[]>(0), bigEndian: true)).ToLookup(id => id);
            broken.AddRange(_rows.Where(row => string.Equals(row.Table, table, StringComparison.Ordinal) && there[Guid.Parse(row.Id)].Count() != 1)
                .Select(row => $"{table} {row.Id} was acknowledged and stands there {there[Guid.Parse(row.Id)].Count()} times"));
        }

        foreach (var finding in Query(connection, "PRAGMA integrity_check", row => row.GetString(0)).Where(found => !string.Equals(found, "ok", StringComparison.Ordinal)))
            broken.Add($"the database file: {finding}");
    }

    private static List<T> Query<T>(SqliteConnection connection, string sql, Func<SqliteDataReader, T> read)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every statement is a constant of this file, or names a table of the test.
        command.CommandText = sql;
#pragma warning restore CA2100
        using var reader = command.ExecuteReader();
        var all = new List<T>();
        while (reader.Read())
            all.Add(read(reader));
        return all;
    }
}
