using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Data.Sqlite;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using static SafetyNet.Exchange.Tests.Audit.TamperedDatabase;

namespace SafetyNet.Exchange.Tests.Audit;

/// <summary>
/// An administrator with the database file and all of our code, but neither the log's key nor the heads that others keep, changes the log below its last signed
/// head in 1 000 random ways, with SAFETYNET_CAMPAIGN in 10 000. A start on the file finds what does not fit together; what was made to fit again does not fit
/// the heads that others keep.
/// </summary>
[Trait("Rule", "R-AUD-3")]
[Trait("Abuse", "B59")]
[Trait("Abuse", "B60")]
public sealed class RandomTamperingTests(ITestOutputHelper output)
{
    private static readonly int Cases = Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN") is { Length: > 0 } ? 10_000 : 1_000;

    /// <summary>Where a tampering must be found, and at which record where that is defined.</summary>
    /// <param name="AtStart">A start of the exchange finds it, from the file and its own key alone.</param>
    /// <param name="FirstAtStart">The record that a start names; null: none is defined.</param>
    /// <param name="ByHeads">The fault that is found by the heads somebody else keeps; null: the records are untouched.</param>
    /// <param name="FirstByHeads">The record that is named there.</param>
    private readonly record struct Expected(bool AtStart, long? FirstAtStart, LogFault? ByHeads, long? FirstByHeads);

    private delegate Expected Tampering(SqliteConnection file, Random random, long at, Func<long, long> lastHeldBefore);

    private static readonly (string Name, Tampering Do)[] Tamperings =
    [
        ("edit the body of a record", (file, random, at, _) => Edit(file, random, at, "audit_record", "body", at)),
        ("edit the hash of a record", (file, random, at, _) => Edit(file, random, at, "audit_record", "leaf_hash", at)),
        ("edit the decision of a record", (file, random, at, _) => Edit(file, random, at, "audit_record", "decision_id", at) with { ByHeads = null, FirstByHeads = null }),
        ("move a record to another place", (file, random, at, _) => Do(
            Run(file, "UPDATE audit_record SET position = $0 WHERE position = $1", random.Next(2) == 0 ? -1 - random.Next(9) : Records, at), new(true, at, LogFault.Missing, at))
            with { ByHeads = null }),
        ("delete the first record", (file, _, _, _) => Do(Run(file, "DELETE FROM audit_record WHERE position = 0"), new(true, 0, LogFault.Missing, 0))),
        ("delete a record", (file, _, at, _) => Do(Run(file, "DELETE FROM audit_record WHERE position = $0", at), new(true, at, LogFault.Missing, at))),
        ("delete the last records", (file, _, at, _) => Do(Run(file, "DELETE FROM audit_record WHERE position >= $0", at), new(true, at, LogFault.Truncated, at))),
        ("delete all records", (file, _, _, _) => Do(Run(file, "DELETE FROM audit_record"), new(true, 0, LogFault.Truncated, 0))),
        ("swap two records", (file, random, at, held) =>
        {
            var (one, other) = Two(random, at);
            Swap(file, one, other, "leaf_hash", "body", "decision_id");
            return new(true, Held(one), LogFault.Rewritten, held(one));
        }),
        ("swap the bodies of two records", (file, random, at, _) =>
        {
            var (one, other) = Two(random, at);
            Swap(file, one, other, "body");
            return new(true, one, LogFault.RecordChanged, one);
        }),
        ("duplicate a record over another", (file, random, at, held) =>
        {
            var (one, other) = Two(random, at);
            // The unique index on decisions asks for another one; its own is not that of the body.
            Run(file, "UPDATE audit_record SET (leaf_hash, body) = (SELECT leaf_hash, body FROM audit_record WHERE position = $0) WHERE position = $1", one, other);
            return new(true, other, LogFault.Rewritten, held(other));
        }),
        ("insert a record", (file, random, at, held) =>
        {
            Shift(file, at, 1);
            var body = new Wire.AuditRecord { Version = 1, DecisionId = new Guid(Bytes(random, 16), bigEndian: true).ToString(), ActorPersonId = "X0000" }.ToByteArray();
            Insert(file, at, body);
            return new(true, Held(at), LogFault.Rewritten, held(at));
        }),
        ("take a record out and close the gap", (file, _, at, held) =>
        {
            Run(file, "DELETE FROM audit_record WHERE position = $0", at);
            Shift(file, at + 1, -1);
            return new(true, Held(at), LogFault.Rewritten, held(at));
        }),
        ("back-date a record with its hash", (file, random, at, held) =>
        {
            Rewrite(file, at, record => record.DecidedAt = Timestamp.FromDateTimeOffset(record.DecidedAt.ToDateTimeOffset().AddDays(-random.Next(1, 99))));
            return new(true, Held(at), LogFault.Rewritten, held(at));
        }),
        ("change who asked, with its hash", (file, random, at, held) =>
        {
            Rewrite(file, at, record => record.ActorPersonId = $"X{random.Next(10_000)}");
            return new(true, Held(at), LogFault.Rewritten, held(at));
        }),
        ("hash the suffix anew, heads too", (file, random, at, held) =>
        {
            Rewrite(file, at, record => record.ActorPersonId = $"X{random.Next(10_000)}");
            HashAnew(file);
            return new(true, null, LogFault.Rewritten, held(at));
        }),
        ("hash the suffix anew and drop the heads over it", (file, random, at, held) =>
        {
            Rewrite(file, at, record => record.ActorPersonId = $"X{random.Next(10_000)}");
            HashAnew(file);
            Run(file, "DELETE FROM audit_checkpoint WHERE size > $0", at);
            return new(false, null, LogFault.Rewritten, held(at));
        }),
        ("restore yesterday's file", (file, _, at, _) =>
        {
            Run(file, "DELETE FROM audit_record WHERE position >= $0", at);
            Run(file, "DELETE FROM audit_checkpoint WHERE size > $0", at);
            Run(file, "DELETE FROM audit_node WHERE ((node_index + 1) << level) > $0", at);
            return new(false, null, LogFault.Truncated, at);
        }),
        ("edit the note of a head", (file, random, at, _) => EditHead(file, random, at, "note")),
        ("edit the frontier of a head", (file, random, at, _) => EditHead(file, random, at, "frontier")),
        ("edit the size of a head", (file, random, at, _) => Do(
            Run(file, "UPDATE audit_checkpoint SET size = size + $0 WHERE size = (SELECT min(size) FROM audit_checkpoint WHERE size > $1)", random.Next(1, 12), at), new(true, null, null, null))),
        ("edit an inner node", (file, random, _, _) => Edit(file, random, 0, "audit_node", "hash", null) with { ByHeads = null, FirstAtStart = 0 }),
        ("delete the inner nodes", (file, _, _, _) => Do(Run(file, "DELETE FROM audit_node"), new(true, 0, null, null))),
        ("move an inner node", (file, random, _, _) => Do(Run(file, "UPDATE audit_node SET node_index = $0", 1 + random.Next(9)), new(true, 0, null, null))),
        ("insert an inner node", (file, random, _, _) => Do(
            Run(file, "INSERT INTO audit_node (level, node_index, hash) VALUES ($0, $1, $2)", 1 + random.Next(7), random.Next(2), Bytes(random, 32)), new(true, null, null, null))),
    ];

    [Fact]
    public void Every_random_tampering_with_the_log_is_found_and_the_first_bad_record_named()
    {
        using var database = new TamperedDatabase();
        var untouched = database.Tamper(-1, _ => { });
        Assert.Null(database.FindAtStart(untouched));
        Assert.True(FindByHeads(untouched, database.Heads).IsIntact);
        var seed = Environment.TickCount;
        output.WriteLine($"{Cases} tamperings by seed {seed}");
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var number = 0; number < Cases; number++)
        {
            var random = new Random(HashCode.Combine(seed, number));
            var (name, tamper) = Tamperings[number % Tamperings.Length];
            counts[name] = counts.GetValueOrDefault(name) + 1;
            // What others keep: the last head, and some of those before.
            List<SignedCheckpoint> kept = [.. database.Heads.SkipLast(1).Where(_ => random.Next(3) == 0), database.Heads[^1]];
            var at = random.NextInt64(1, database.Heads[^1].Checkpoint.Size - 1);
            Expected expected = default;
            var path = database.Tamper(number, file => expected = tamper(file, random, at, position => LastBefore(kept, position)));
            var what = $"tampering {number} of seed {seed}, {name} at {at}";

            var atStart = database.FindAtStart(path);
            Assert.True(expected.AtStart == atStart is not null, $"{what}: a start found {atStart?.Message ?? "nothing"}");
            var first = expected.FirstAtStart is < 0 ? LastBefore(database.Heads, ~expected.FirstAtStart.Value) : expected.FirstAtStart;
            if (first is not null) Assert.True(first == (atStart as EvidenceException)?.FirstBadIndex, $"{what}: {first} is the first bad record, and a start said {atStart?.Message}");

            var verdict = FindByHeads(path, kept);
            if (expected.ByHeads is { } fault)
            {
                Assert.True(fault == verdict.Fault, $"{what}: {verdict.Explanation}");
                Assert.True(expected.FirstByHeads == verdict.FirstBadIndex, $"{what}: {expected.FirstByHeads} is the first bad record. {verdict.Explanation}");
            }

            Assert.True(expected.AtStart || !verdict.IsIntact, $"{what}: found by nobody");
            File.Delete(path);
        }

        foreach (var (name, count) in counts) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count,6}  {name}"));
    }

    /// <summary>A head that lies in the file itself is what a start has to name the place by: the one before this record, once it is known which those are.</summary>
    private static long? Held(long at) => ~at;

    private static long LastBefore(IEnumerable<SignedCheckpoint> heads, long position) =>
        heads.Select(h => h.Checkpoint.Size).Where(size => size <= position).DefaultIfEmpty(0).Max();

    private static Expected Do(int changed, Expected expected)
    {
        Assert.True(changed > 0);
        return expected;
    }

    /// <summary>One byte of a column changed, cut off or added.</summary>
    private static Expected Edit(SqliteConnection file, Random random, long at, string table, string column, long? first)
    {
        var (key, order) = table switch { "audit_record" => ("position", at), "audit_checkpoint" => ("size", at), _ => ("level", 8L) };
        var before = Read(file, $"SELECT {column} FROM {table} WHERE {key} = $0", order);
        var after = random.Next(3) switch
        {
            0 => before[..^1],
            1 => [.. before, (byte)random.Next(256)],
            _ => (byte[])[.. before],
        };
        if (after.Length == before.Length) after[random.Next(after.Length)] ^= (byte)random.Next(1, 256);
        Assert.Equal(1, Run(file, $"UPDATE {table} SET {column} = $0 WHERE {key} = $1", after, order));
        return new(true, first, LogFault.RecordChanged, first);
    }

    private static Expected EditHead(SqliteConnection file, Random random, long at, string column)
    {
        var size = BitConverter.ToInt64(Read(file, "SELECT min(size) FROM audit_checkpoint WHERE size > $0", at));
        Edit(file, random, size, "audit_checkpoint", column, first: null);
        return new(true, null, null, null);
    }

    private static byte[] Read(SqliteConnection file, string sql, long value)
    {
        using var command = file.CreateCommand();
#pragma warning disable CA2100 // Constants of the tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Parameters.AddWithValue("$0", value);
        return command.ExecuteScalar() switch { byte[] bytes => bytes, long number => BitConverter.GetBytes(number), var other => throw new InvalidOperationException($"{other}") };
    }

    /// <summary>Two records under the last head, the earlier first.</summary>
    private static (long One, long Other) Two(Random random, long at)
    {
        var other = random.NextInt64(0, Records - Unsigned - 1);
        if (other >= at) other++;
        return (Math.Min(at, other), Math.Max(at, other));
    }

    private static void Swap(SqliteConnection file, long one, long other, params string[] columns)
    {
        // Through a place that no record has, for decisions are unique.
        var names = string.Join(", ", columns);
        Run(file, "CREATE TEMP TABLE held AS SELECT * FROM audit_record WHERE position IN ($0, $1)", one, other);
        Run(file, $"UPDATE audit_record SET decision_id = randomblob(16) WHERE position IN ($0, $1) AND {columns.Length} > 1", one, other);
        foreach (var (to, from) in ((long, long)[])[(one, other), (other, one)])
            Assert.Equal(1, Run(file, $"UPDATE audit_record SET ({names}) = (SELECT {names} FROM held WHERE position = $0) WHERE position = $1", from, to));
    }

    /// <summary>Moves every record from a position on by one place.</summary>
    private static void Shift(SqliteConnection file, long from, int by)
    {
        Run(file, "UPDATE audit_record SET position = -position WHERE position >= $0", from);
        Run(file, "UPDATE audit_record SET position = -position + $0 WHERE position < 0", by);
    }

    private static void Insert(SqliteConnection file, long at, byte[] body) => Assert.Equal(1, Run(
        file, "INSERT INTO audit_record (position, decision_id, leaf_hash, body) VALUES ($0, $1, $2, $3)",
        at, Guid.Parse(Wire.AuditRecord.Parser.ParseFrom(body).DecisionId).ToByteArray(true), MerkleTree.LeafHash(body).ToArray(), body));

    private static void Rewrite(SqliteConnection file, long at, Action<Wire.AuditRecord> change)
    {
        var record = Wire.AuditRecord.Parser.ParseFrom(Read(file, "SELECT body FROM audit_record WHERE position = $0", at));
        change(record);
        var body = record.ToByteArray();
        Assert.Equal(1, Run(file, "UPDATE audit_record SET body = $0, leaf_hash = $1 WHERE position = $2", body, MerkleTree.LeafHash(body).ToArray(), at));
    }

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
