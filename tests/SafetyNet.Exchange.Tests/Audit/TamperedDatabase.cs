using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Data.Sqlite;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Audit;

/// <summary>A database with a log of some hundred records and a dozen signed heads, made by the exchange's own code once; tests take copies of it.</summary>
internal sealed class TamperedDatabase : IDisposable
{
    /// <summary>Past a kept inner node, so that those are there too.</summary>
    public const int Records = 420;

    /// <summary>Records after the last head: signed by nobody yet.</summary>
    public const int Unsigned = 10;

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-tampered-").FullName;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly NoteSigner _signer;

    public TamperedDatabase()
    {
        _signer = new NoteSigner("test.safetynet.gov.tw/log", _key);
        using (var store = new SqliteStore(Original))
        {
            store.Migrate();
            Heads = Fill(store);
        }

        // One file, without a log beside it, and no flush: the copies live for a moment.
        using var connection = TestExchange.OpenDatabase(Original);
        Run(connection, "PRAGMA journal_mode=DELETE");
        Run(connection, "VACUUM");
    }

    /// <summary>Every signed head, smallest first; what somebody else keeps are some of these.</summary>
    public IReadOnlyList<SignedCheckpoint> Heads { get; }

    private string Original => Path.Combine(_folder, "exchange.db");

    public void Dispose()
    {
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A copy, changed by somebody who can write to the file.</summary>
    public string Tamper(int number, Action<SqliteConnection> change)
    {
        var copy = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"copy-{number}.db"));
        File.Copy(Original, copy);
        using var connection = TestExchange.OpenDatabase(copy);
        Run(connection, "PRAGMA synchronous=OFF");
        Run(connection, "PRAGMA journal_mode=MEMORY");
        Run(connection, "BEGIN");
        change(connection);
        Run(connection, "COMMIT");
        return copy;
    }

    /// <summary>What a start of the exchange on this file finds: at once, or by the sweep beside the first calls. Null: nothing.</summary>
    public Exception? FindAtStart(string path)
    {
        using var store = new SqliteStore(path);
        try
        {
            var log = AuditLog.Open(store, _signer);
            if (log.Published is { } head) log.Sweep(store, head, CancellationToken.None);
            return null;
        }
        catch (Exception found) when (found is EvidenceException or SqliteException or FormatException or InvalidCastException or ArgumentException)
        {
            return found;
        }
    }

    /// <summary>What a reader finds who holds the records of the file against heads that somebody else keeps.</summary>
    public static LogVerdict FindByHeads(string path, IEnumerable<SignedCheckpoint> kept)
    {
        using var connection = TestExchange.OpenDatabase(path);
        var verifier = new LogVerifier(kept);
        foreach (var (position, leaf, body) in ReadRecords(connection))
        {
            if (leaf.Length != MerkleHash.SizeBytes) return new LogVerdict(LogFault.RecordChanged, position, default, 0, 0, position, "no hash");
            if (!verifier.Add(position, body, new MerkleHash(leaf))) break;
        }

        return verifier.Finish();
    }

    public static List<(long Position, byte[] Leaf, byte[] Body)> ReadRecords(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT position, leaf_hash, body FROM audit_record ORDER BY position";
        using var reader = command.ExecuteReader();
        var records = new List<(long, byte[], byte[])>();
        while (reader.Read()) records.Add((reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2)));
        return records;
    }

    public static int Run(SqliteConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of the tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 0; i < values.Length; i++) command.Parameters.AddWithValue($"${i}", values[i]);
        return command.ExecuteNonQuery();
    }

    /// <summary>Hashes, nodes, frontiers and the roots in the heads as they follow from the bodies that are there; the signatures stay what they were.</summary>
    public static void HashAnew(SqliteConnection connection)
    {
        var (range, nodes) = (new CompactRange(), new List<LogNode>());
        NodeWriter keep = (int level, long index, in MerkleHash hash) =>
        {
            if (level > 0 && level % LogNode.LevelsPerTile == 0) nodes.Add(new LogNode(level, index, hash));
        };
        var heads = ReadHeads(connection);
        foreach (var (position, _, body) in ReadRecords(connection))
        {
            var leaf = MerkleTree.LeafHash(body);
            Run(connection, "UPDATE audit_record SET leaf_hash = $0 WHERE position = $1", leaf.ToArray(), position);
            range.Append(leaf, keep);
            if (!heads.TryGetValue(range.Size, out var note)) continue;
            var lines = note.Split('\n');
            lines[2] = range.Root().ToBase64();
            Run(connection, "UPDATE audit_checkpoint SET frontier = $0, note = $1 WHERE size = $2", range.Snapshot(), Encoding.UTF8.GetBytes(string.Join('\n', lines)), range.Size);
        }

        Run(connection, "DELETE FROM audit_node");
        foreach (var node in nodes) Run(connection, "INSERT INTO audit_node (level, node_index, hash) VALUES ($0, $1, $2)", node.Level, node.Index, node.Hash.ToArray());
    }

    private static Dictionary<long, string> ReadHeads(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT size, note FROM audit_checkpoint";
        using var reader = command.ExecuteReader();
        var heads = new Dictionary<long, string>();
        while (reader.Read()) heads.Add(reader.GetInt64(0), Encoding.UTF8.GetString(reader.GetFieldValue<byte[]>(1)));
        return heads;
    }

    private List<SignedCheckpoint> Fill(SqliteStore store)
    {
        var (log, random, heads) = (AuditLog.Open(store, _signer), new Random(7), new List<SignedCheckpoint>());
        var now = new DateTimeOffset(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);
        var nextHead = 20;
        using var connection = store.OpenWriter();
        Run(connection, "BEGIN");
        for (var at = 0; at < Records; at++)
        {
            now += TimeSpan.FromSeconds(1);
            var entry = AuditEntry.Of(new Wire.AuditRecord
            {
                Version = 1, DecisionId = Guid.CreateVersion7(now).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Jurisdiction = Wire.Jurisdiction.Tpe,
                ActorPersonId = $"W{random.Next(1000):0000}", ActorUnitId = "tpe-central-swc", Method = "/safetynet.exchange.v1.CaseService/GetCase", Outcome = Wire.AuditOutcome.Permitted,
            });
            var position = log.Append(entry.LeafHash);
            Run(connection, "INSERT INTO audit_record (position, decision_id, leaf_hash, body) VALUES ($0, $1, $2, $3)", position, entry.DecisionId.ToByteArray(true), entry.LeafHash, entry.Body);
            foreach (var node in log.NewNodes) Run(connection, "INSERT INTO audit_node (level, node_index, hash) VALUES ($0, $1, $2)", node.Level, node.Index, node.Hash.ToArray());
            LogHead? head = null;
            if (at + 1 == nextHead)
            {
                head = log.SignIfDue(now)!;
                Run(connection, "INSERT INTO audit_checkpoint (size, signed_at, frontier, note) VALUES ($0, $1, $2, $3)", head.Size, Instants.ToMicros(now), head.Frontier, head.Note);
                using var key = _signer.ToVerifier();
                Assert.True(SignedCheckpoint.TryOpen(head.Note, key, [], out var signed, out _));
                heads.Add(signed);
                // Never close to another: a tampering moves a head by up to a dozen.
                nextHead = at + 1 + random.Next(15, 60);
                if (nextHead > Records - Unsigned - 15) nextHead = Records - Unsigned;
            }

            log.Publish(head);
        }

        Run(connection, "COMMIT");
        return heads;
    }
}
