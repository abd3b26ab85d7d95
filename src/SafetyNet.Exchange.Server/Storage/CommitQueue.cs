using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using SafetyNet.Exchange.Server.Audit;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>Where a call's record stands in the log: position from 0, and leaf hash (32 bytes).</summary>
internal readonly record struct LogPlace(long Position, byte[] LeafHash);

/// <summary>A call that ran at the same time committed a row of the same key first: the same request_id, the same new person, the same open case.</summary>
internal sealed class KeyTakenException : Exception;

/// <summary>A row changed after the call had read it.</summary>
internal sealed class StaleRowException : Exception;

/// <summary>The store cannot make anything durable now; nothing of the call happened.</summary>
internal sealed class StoreUnavailableException(Exception? cause) : Exception("The store cannot take the record of the call.", cause);

/// <summary>
/// The only way anything becomes durable. One writer drains all that waits, gives each commit a savepoint of its own and all of them one flush
/// (design.md 7): change, request key, notices and audit record of a call stand together or not at all.
/// A commit without an audit entry does not compile; nothing else in the server may save (BannedSymbols.txt).
/// Trust: who can write to the database file can change what is in it, but not the log without the check finding it.
/// </summary>
internal sealed class CommitQueue : IAsyncDisposable
{
    /// <summary>Most commits that share one flush; bounds how long the first of them waits for the last.</summary>
    private const int MostPerFlush = 512;

    /// <summary>Result codes of SQLite: nothing was written and a later try may succeed.</summary>
    private const int Busy = 5, Full = 13;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(100);

    private readonly Channel<PendingCommit> _waiting = Channel.CreateBounded<PendingCommit>(new BoundedChannelOptions(8192) { FullMode = BoundedChannelFullMode.Wait });
    private readonly SqliteStore _store;
    private readonly AuditLog _log;
    private readonly TimeProvider _clock;
    private readonly Action _stop;
    private readonly Thread _writer;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Timer _looks;

    /// <summary>What is being flushed, and since when by <see cref="Environment.TickCount64"/>; 0: nothing is.</summary>
    private readonly List<PendingCommit> _batch = new(MostPerFlush);
    private long _flushingSince;
    private TimeSpan _lostAfter;
    private volatile bool _isLost;
    private volatile Exception? _broken;

    public CommitQueue(SqliteStore store, AuditLog log, TimeProvider clock, Action stop)
    {
        (_store, _log, _clock, _stop) = (store, log, clock, stop);
        _writer = new Thread(WriteAll) { Name = "commit", IsBackground = true };
        _writer.Start();
        _looks = new Timer(_ => Look());
    }

    /// <summary>Told after a flush which unit has new notices; called on the writer's thread, so it only rings a bell.</summary>
    public Action<string>? Noticed { get; set; }

    /// <summary>Told after a flush which unit takes part in a case that changed; as <see cref="Noticed"/>.</summary>
    public Action<string>? CaseChanged { get; set; }

    /// <summary>Told after a flush which changes of features' rows are durable, before any of its calls is answered.</summary>
    public Action<IEnumerable<Change>>? Changed { get; set; }

    /// <summary>Told after a flush which records are durable, in their order; called on the writer's thread, so it only puts them down.</summary>
    public Action<long, AuditEntry>? Appended { get; set; }

    /// <summary>A flush failed, and nothing more is taken until a restart has looked at the disk.</summary>
    public bool IsBroken => _broken is not null;

    /// <summary>Nothing is taken for now: the witnesses of the log are later than the setting allows.</summary>
    public Func<bool> IsHeld { get; set; } = () => false;

    /// <summary>Takes nothing more: the log below is not the one that was signed, and nothing may be put on top of it.</summary>
    public void Refuse(Exception because) => _broken = because;

    /// <summary>Flushes so far; what a benchmark divides by.</summary>
    public long Flushes { get; private set; }

    /// <summary>Makes a call's change and its audit entry durable, and says where the entry stands in the log. Returns only after the flush.</summary>
    /// <exception cref="KeyTakenException">Run the call again: it sees the other's row now.</exception>
    /// <exception cref="StaleRowException">Somebody else was first.</exception>
    /// <exception cref="StoreUnavailableException">Nothing happened.</exception>
    public Task<LogPlace> CommitAsync(AuditEntry entry, Change? change)
    {
        if (_broken is not null || _isLost || IsHeld()) return Task.FromException<LogPlace>(new StoreUnavailableException(_broken));
        return PutAsync(new PendingCommit(entry, change));
    }

    /// <summary>Keeps the co-signatures of a head that is in the store already; it is no deed of anybody and leaves no record.</summary>
    public Task KeepAsync(LogHead witnessed, DateTimeOffset at) =>
        _broken is { } broken ? Task.FromException(new StoreUnavailableException(broken)) : PutAsync(new PendingCommit(witnessed, at));

    /// <summary>Brings everything into the database file and empties the write-ahead log, so that nothing that was removed is left in it.</summary>
    /// <returns>False: somebody reads an older state; ask again.</returns>
    public async Task<bool> TruncateAsync()
    {
        if (_broken is { } broken) throw new StoreUnavailableException(broken);
        var pending = new PendingCommit();
        await PutAsync(pending);
        return pending.IsTruncated;
    }

    /// <summary>Keeps the time-stamp of a head that is in the store already; it is no deed of anybody and leaves no record.</summary>
    public Task KeepAsync(StampedHead stamped) =>
        _broken is { } broken ? Task.FromException(new StoreUnavailableException(broken)) : PutAsync(new PendingCommit(stamped));

    private Task<LogPlace> PutAsync(PendingCommit pending) => _waiting.Writer.TryWrite(pending) ? pending.Done.Task : WaitForPlaceAsync(pending);

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _stopped.Task;
        await _looks.DisposeAsync();
    }

    /// <summary>From now on calls wait for the store: one that does not answer is told to be lost. What a start writes may take longer.</summary>
    /// <param name="lostAfter">
    /// Longest that a flush may take before its calls, and all that come after them, are told that the store is lost for now. What the flush holds may become durable after all; a repetition
    /// with the same request_id finds it.
    /// </param>
    public void Begin(TimeSpan lostAfter)
    {
        _lostAfter = lostAfter;
        _looks.Change(BetweenLooks, BetweenLooks);
    }

    /// <summary>Is the flush that runs later than any may be? Then nobody waits for it any longer, until the disk has answered.</summary>
    private void Look()
    {
        var since = Interlocked.Read(ref _flushingSince);
        if (since == 0 || Environment.TickCount64 - since < _lostAfter.TotalMilliseconds) return;
        if (!_isLost) ServerLog.StoreLost(_lostAfter);
        _isLost = true;
        PendingCommit[] flushing;
        lock (_batch) flushing = [.. _batch];
        foreach (var pending in flushing) pending.Done.TrySetException(new StoreUnavailableException(null));
        // Nothing of these was written, and nothing will be.
        while (_waiting.Reader.TryRead(out var pending)) pending.Done.TrySetException(new StoreUnavailableException(null));
    }

    private void EndFlush()
    {
        Interlocked.Exchange(ref _flushingSince, 0);
        if (!_isLost) return;
        _isLost = false;
        ServerLog.StoreBack();
    }

    /// <summary>The queue is full, or closed.</summary>
    private async Task<LogPlace> WaitForPlaceAsync(PendingCommit pending)
    {
        try
        {
            await _waiting.Writer.WriteAsync(pending);
        }
        catch (ChannelClosedException closed)
        {
            throw new StoreUnavailableException(closed);
        }

        return await pending.Done.Task;
    }

    private void WriteAll()
    {
        var batch = _batch;
        CommitSession? session = null;
        try
        {
            while (WaitForWork())
            {
                lock (batch)
                {
                    batch.Clear();
                    while (batch.Count < MostPerFlush && _waiting.Reader.TryRead(out var pending)) batch.Add(pending);
                }

                if (_broken is { } broken)
                {
                    foreach (var pending in batch) pending.Done.TrySetException(new StoreUnavailableException(broken));
                    continue;
                }

                try
                {
                    Interlocked.Exchange(ref _flushingSince, Environment.TickCount64);
                    session ??= new CommitSession(_store, _log);
                    if (batch.Count == 0 || !batch.TrueForAll(p => p.IsTruncation)) Flush(session, batch);
                    EndFlush();
                    // It may take its time: a store that is emptying its log is not lost.
                    foreach (var pending in batch.Where(p => p.IsTruncation))
                    {
                        pending.IsTruncated = session.Truncate();
                        pending.Done.TrySetResult(default);
                    }
                }
                catch (Exception e)
                {
                    session?.Dispose();
                    session = null;
                    _log.ForgetUncommitted();
                    Break(e);
                    foreach (var pending in batch) pending.Done.TrySetException(new StoreUnavailableException(e));
                    EndFlush();
                }
            }
        }
        finally
        {
            session?.Dispose();
            _waiting.Writer.TryComplete();
            while (_waiting.Reader.TryRead(out var left)) left.Done.TrySetException(new StoreUnavailableException(_broken));
            _stopped.TrySetResult();
        }
    }

    /// <summary>Waits for a commit, or for a checkpoint to fall due; false: the queue is closed and empty.</summary>
    private bool WaitForWork()
    {
        while (true)
        {
            if (_waiting.Reader.TryPeek(out _)) return true;
            var wait = _waiting.Reader.WaitToReadAsync().AsTask();
            if (!_log.HasUnsigned) return wait.GetAwaiter().GetResult();
            if (wait.Wait(AuditLog.SignWithin)) return wait.Result;
            return true;
        }
    }

    /// <summary>After a failed flush nobody knows what the disk holds (a failed fsync is never retried as success): stop, and let a restart look.</summary>
    private void Break(Exception e)
    {
        if (e is SqliteException { SqliteErrorCode: Full or Busy } or DbUpdateException { InnerException: SqliteException { SqliteErrorCode: Full or Busy } }) return;
        _broken = e;
        ServerLog.StoreBroke(e.GetType().Name);
        _stop();
    }

    private void Flush(CommitSession session, List<PendingCommit> batch)
    {
        using var transaction = session.Connection.BeginTransaction(deferred: false);
        session.Begin(transaction);
        var committed = new List<(PendingCommit Pending, LogPlace Place)>(batch.Count);
        foreach (var pending in batch.Where(p => !p.IsTruncation))
        {
            if (session.TryWrite(pending, out var place) is { } refused) pending.Failure = refused;
            else committed.Add((pending, place));
        }

        session.Write(_log.NewNodes);
        var checkpoint = _log.SignIfDue(_clock.GetUtcNow());
        if (checkpoint is not null) session.Write(checkpoint);
        transaction.Commit();
        Flushes++;
        _log.Publish(checkpoint);
        session.Committed();
        if (batch.Exists(HasRows)) Changed?.Invoke(batch.Where(HasRows).Select(p => p.Change!));
        foreach (var (pending, _) in committed) pending.Change?.Durable?.Invoke();
        foreach (var (pending, place) in committed)
        {
            if (pending.Entry is { } entry) Appended?.Invoke(place.Position, entry);
            pending.Done.TrySetResult(place);
        }

        foreach (var pending in batch)
        {
            if (pending.Failure is { } failure) pending.Done.TrySetException(failure);
            else if (pending.Change is { } change) Ring(change);
        }
    }

    private void Ring(Change change)
    {
        if (Noticed is { } noticed)
            foreach (var notice in change.Notices) noticed(notice.UnitId);
        if (CaseChanged is { } changed)
            foreach (var unitId in change.Heard) changed(unitId);
    }

    private static bool HasRows(PendingCommit pending) =>
        pending is { Failure: null, Change.HasRows: true };
}
