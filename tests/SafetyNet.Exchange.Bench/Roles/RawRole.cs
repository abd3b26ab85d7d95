using System.Diagnostics;
using System.Threading.Channels;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Bench.Roles;

/// <summary>
/// The least that a durable write can cost: one row into SQLite (WAL, synchronous=FULL), one writer that drains all that waits, one flush per batch. No
/// network, no call, no decision; the callers are tasks of the same process.
/// </summary>
internal static class RawRole
{
    private const int MostPerFlush = 512;

    /// <param name="path">Database file; made anew.</param>
    public static async Task RunAsync(string path)
    {
        foreach (var file in (string[])[path, path + "-wal", path + "-shm"]) File.Delete(file);
        using var store = new SqliteStore(path);
        var waiting = Channel.CreateUnbounded<Insert>(new UnboundedChannelOptions { SingleReader = true });
        var flushes = 0L;
        var writer = new Thread(() => WriteAll(store, waiting.Reader, ref flushes)) { Name = "commit", IsBackground = true };
        writer.Start();
        await OrderLoop.RunAsync<object>(async order => string.Equals(order.Case, Order.Read, StringComparison.Ordinal)
            ? ExchangeRole.Read(Volatile.Read(ref flushes), records: 0, order.RequestBytes)
            : await ClosedLoop.RunAsync(order, (_, _, _) => InsertAsync(waiting.Writer, order.RequestBytes)));
        waiting.Writer.Complete();
        writer.Join();
    }

    private static async Task<CallSize> InsertAsync(ChannelWriter<Insert> waiting, int rowBytes)
    {
        var insert = new Insert(new byte[rowBytes]);
        await waiting.WriteAsync(insert);
        await insert.Done.Task;
        return new CallSize(rowBytes, 0);
    }

    private static void WriteAll(SqliteStore store, ChannelReader<Insert> waiting, ref long flushes)
    {
        using var connection = store.OpenWriter();
        using (var create = SqliteStore.Prepare(connection, "CREATE TABLE row (position INTEGER PRIMARY KEY, body BLOB NOT NULL)")) create.ExecuteNonQuery();
        using var insert = SqliteStore.Prepare(connection, "INSERT INTO row (body) VALUES ($body)", "$body");
        var batch = new List<Insert>(MostPerFlush);
        while (waiting.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            batch.Clear();
            while (batch.Count < MostPerFlush && waiting.TryRead(out var next)) batch.Add(next);
            using var transaction = connection.BeginTransaction(deferred: false);
            insert.Transaction = transaction;
            foreach (var one in batch)
            {
                insert.Parameters[0].Value = one.Body;
                insert.ExecuteNonQuery();
            }

            transaction.Commit();
            Volatile.Write(ref flushes, flushes + 1);
            foreach (var one in batch) one.Done.SetResult();
        }
    }

    private sealed class Insert(byte[] body)
    {
        public byte[] Body { get; } = body;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
