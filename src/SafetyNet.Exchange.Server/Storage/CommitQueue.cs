using System.Diagnostics.CodeAnalysis;
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

    /// <summary>Result codes of SQLite: nothing was written and a later try may succeed; a rule of the schema.</summary>
    private const int Busy = 5, Full = 13, Constraint = 19;

    /// <summary>
    /// Longest that a flush may take before its calls, and all that come after them, are told that the store is lost for now: with the looks in between, they hear of it within a
    /// second (R-AUD-2). What the flush holds may become durable after all; a repetition with the same request_id finds it.
    /// </summary>
    private static readonly TimeSpan LostAfter = TimeSpan.FromMilliseconds(800);

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(100);

    private readonly Channel<Pending> _waiting = Channel.CreateBounded<Pending>(new BoundedChannelOptions(8192) { FullMode = BoundedChannelFullMode.Wait });
    private readonly SqliteStore _store;
    private readonly AuditLog _log;
    private readonly TimeProvider _clock;
    private readonly Action _stop;
    private readonly Thread _writer;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Timer _looks;

    /// <summary>What is being flushed, and since when by <see cref="Environment.TickCount64"/>; 0: nothing is.</summary>
    private readonly List<Pending> _batch = new(MostPerFlush);
    private long _flushingSince;
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
        return PutAsync(new Pending(entry, change));
    }

    /// <summary>Keeps the co-signatures of a head that is in the store already; it is no deed of anybody and leaves no record.</summary>
    public Task KeepAsync(LogHead witnessed, DateTimeOffset at) =>
        _broken is { } broken ? Task.FromException(new StoreUnavailableException(broken)) : PutAsync(new Pending(witnessed, at));

    /// <summary>Brings everything into the database file and empties the write-ahead log, so that nothing that was removed is left in it.</summary>
    /// <returns>False: somebody reads an older state; ask again.</returns>
    public async Task<bool> TruncateAsync()
    {
        if (_broken is { } broken) throw new StoreUnavailableException(broken);
        var pending = new Pending();
        await PutAsync(pending);
        return pending.IsTruncated;
    }

    /// <summary>Keeps the time-stamp of a head that is in the store already; it is no deed of anybody and leaves no record.</summary>
    public Task KeepAsync(StampedHead stamped) =>
        _broken is { } broken ? Task.FromException(new StoreUnavailableException(broken)) : PutAsync(new Pending(stamped));

    private Task<LogPlace> PutAsync(Pending pending) => _waiting.Writer.TryWrite(pending) ? pending.Done.Task : WaitForPlaceAsync(pending);

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _stopped.Task;
        await _looks.DisposeAsync();
    }

    /// <summary>From now on calls wait for the store: one that does not answer is told to be lost. What a start writes may take longer.</summary>
    public void Begin() => _looks.Change(BetweenLooks, BetweenLooks);

    /// <summary>Is the flush that runs later than any may be? Then nobody waits for it any longer, until the disk has answered.</summary>
    private void Look()
    {
        var since = Interlocked.Read(ref _flushingSince);
        if (since == 0 || Environment.TickCount64 - since < LostAfter.TotalMilliseconds) return;
        if (!_isLost) ServerLog.StoreLost(LostAfter);
        _isLost = true;
        Pending[] flushing;
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
    private async Task<LogPlace> WaitForPlaceAsync(Pending pending)
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
        Session? session = null;
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
                    session ??= new Session(_store, _log);
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

    private void Flush(Session session, List<Pending> batch)
    {
        using var transaction = session.Connection.BeginTransaction(deferred: false);
        session.Begin(transaction);
        var committed = new List<(Pending Pending, LogPlace Place)>(batch.Count);
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
            else if (pending.Change is { Notices.Count: > 0 } change && Noticed is { } noticed)
                foreach (var notice in change.Notices) noticed(notice.UnitId);
        }
    }

    private static bool HasRows(Pending pending) =>
        pending.Failure is null && pending.Change is { } change && (change.Added.Count > 0 || change.Updated.Count > 0);

    /// <summary>What waits for a flush: a call's record with its change, or the co-signatures or the time-stamp of a head.</summary>
    private sealed class Pending
    {
        public Pending(AuditEntry entry, Change? change) => (Entry, Change) = (entry, change);

        public Pending(LogHead witnessed, DateTimeOffset at) => (Witnessed, WitnessedAt) = (witnessed, at);

        /// <summary>Only empties the write-ahead log.</summary>
        public Pending() => IsTruncation = true;

        public bool IsTruncation { get; }

        public bool IsTruncated { get; set; }

        public Pending(StampedHead stamped) => Stamped = stamped;

        public AuditEntry? Entry { get; }

        public Change? Change { get; }

        public LogHead? Witnessed { get; }

        public DateTimeOffset WitnessedAt { get; }

        public StampedHead? Stamped { get; }

        public TaskCompletionSource<LogPlace> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Exception? Failure { get; set; }
    }

    /// <summary>The writer's own connection: prepared commands for what every call writes, EF Core for the rows of features.</summary>
    private sealed class Session : IDisposable
    {
        private readonly AuditLog _log;
        private readonly ExchangeDb _db;
        private readonly HotStatement _record;
        private readonly SqliteCommand _key, _notice, _sequence, _inbox, _acknowledge, _grant, _brokenGlass, _node, _checkpoint, _witnessed, _stamp, _purge, _holds, _savepoint, _release, _rollback;
        private readonly Dictionary<string, long> _sequences = new(StringComparer.Ordinal);
        private readonly List<string> _sequencesOfCommit = [];

        public Session(SqliteStore store, AuditLog log)
        {
            _log = log;
            Connection = store.OpenWriter();
            _db = SqliteStore.ContextOn(Connection);
            _db.Database.AutoSavepointsEnabled = false;
            _savepoint = Command("SAVEPOINT one");
            _release = Command("RELEASE one");
            _rollback = Command("ROLLBACK TO one");
            _record = new HotStatement(Connection, "INSERT INTO audit_record (position, decision_id, leaf_hash, body) VALUES (?1, ?2, ?3, ?4)");
            _key = Command("INSERT INTO request_key (key, request_hash, outcome, at) VALUES ($key, $hash, $outcome, $at) ON CONFLICT DO NOTHING",
                "$key", "$hash", "$outcome", "$at");
            _notice = Command("INSERT INTO notice (unit_id, sequence, kind, at, referral_id, case_id, cause_unit_id, decision_id, grant_id, break_glass_id, resource) "
                + "VALUES ($unit, $sequence, $kind, $at, $referral, $case, $cause, $decision, $grant, $glass, $resource)",
                "$unit", "$sequence", "$kind", "$at", "$referral", "$case", "$cause", "$decision", "$grant", "$glass", "$resource");
            _grant = Command("SELECT 1 FROM access_grant WHERE grant_id = $id AND version = $version", "$id", "$version");
            _brokenGlass = Command("SELECT 1 FROM broken_glass WHERE break_glass_id = $id AND version = $version", "$id", "$version");
            _sequence = Command("SELECT last_sequence FROM inbox WHERE unit_id = $unit", "$unit");
            _inbox = Command("INSERT INTO inbox (unit_id, last_sequence, acknowledged_sequence) VALUES ($unit, $sequence, 0) "
                + "ON CONFLICT (unit_id) DO UPDATE SET last_sequence = excluded.last_sequence", "$unit", "$sequence");
            _acknowledge = Command("UPDATE inbox SET acknowledged_sequence = max(acknowledged_sequence, $sequence) "
                + "WHERE unit_id = $unit AND last_sequence >= $sequence", "$unit", "$sequence");
            _node = Command("INSERT INTO audit_node (level, node_index, hash) VALUES ($level, $index, $hash)", "$level", "$index", "$hash");
            _checkpoint = Command("INSERT INTO audit_checkpoint (size, signed_at, frontier, note) VALUES ($size, $at, $frontier, $note)",
                "$size", "$at", "$frontier", "$note");
            _purge = Command("UPDATE audit_record SET body = x'', decision_id = unhex(printf('%032x', position)) WHERE position >= $first AND position <= $last AND length(body) > 0",
                "$first", "$last");
            _holds = Command(Purge.HoldsRevisionSql);
            _witnessed = Command("UPDATE audit_checkpoint SET witnessed_at = $at, note = $note WHERE size = $size", "$size", "$at", "$note");
            _stamp = Command("INSERT INTO audit_time_stamp (size, stamped_at, token) VALUES ($size, $at, $token) ON CONFLICT (size) DO NOTHING", "$size", "$at", "$token");
        }

        public SqliteConnection Connection { get; }

        public void Begin(SqliteTransaction transaction)
        {
            foreach (var command in Commands()) command.Transaction = transaction;
            _db.Database.UseTransaction(transaction);
        }

        public void Committed() => _db.Database.UseTransaction(null);

        /// <summary>Writes one commit behind a savepoint; answers why it was left out, or null.</summary>
        public Exception? TryWrite(Pending pending, out LogPlace place)
        {
            place = default;
            if (pending.Stamped is { } stamped)
            {
                Set(_stamp, stamped.Size, Instants.ToMicros(stamped.StampedAt), stamped.Token);
                _stamp.ExecuteNonQuery();
                return null;
            }

            if (pending.Entry is not { } entry)
            {
                Set(_witnessed, pending.Witnessed!.Size, Instants.ToMicros(pending.WitnessedAt), pending.Witnessed.Note);
                _witnessed.ExecuteNonQuery();
                return null;
            }

            var change = pending.Change;
            if (change is null or { IsEmpty: true, Key: null })
            {
                place = Append(entry);
                return null;
            }

            _savepoint.ExecuteNonQuery();
            _sequencesOfCommit.Clear();
            Exception? refused = null;
            try
            {
                Write(change, entry);
            }
            catch (DbUpdateConcurrencyException)
            {
                refused = new StaleRowException();
            }
            catch (DbUpdateException e) when (e.InnerException is SqliteException { SqliteErrorCode: Constraint })
            {
                refused = new KeyTakenException();
            }
            catch (Exception e) when (!IsOfDisk(e))
            {
                // A mistake in one change is that call's own: the others of the flush go on.
                refused = e;
            }

            if (refused is not null)
            {
                _rollback.ExecuteNonQuery();
                _release.ExecuteNonQuery();
                foreach (var unit in _sequencesOfCommit) _sequences.Remove(unit);
                return refused;
            }

            place = Append(entry);
            _release.ExecuteNonQuery();
            return null;
        }

        public void Write(IReadOnlyList<LogNode> nodes)
        {
            foreach (var node in nodes)
            {
                Set(_node, node.Level, node.Index, node.Hash.ToArray());
                _node.ExecuteNonQuery();
            }
        }

        public void Write(LogHead checkpoint)
        {
            Set(_checkpoint, checkpoint.Size, Instants.ToMicros(checkpoint.SignedAt), checkpoint.Frontier, checkpoint.Note);
            _checkpoint.ExecuteNonQuery();
        }

        /// <summary>False: a reader of an older state keeps something of it in use.</summary>
        public bool Truncate()
        {
            using var truncate = Command("PRAGMA wal_checkpoint(TRUNCATE)");
            using var reader = truncate.ExecuteReader();
            return reader.Read() && reader.GetInt64(0) == 0;
        }

        public void Dispose()
        {
            foreach (var command in Commands()) command.Dispose();
            _record.Dispose();
            _db.Dispose();
            Connection.Dispose();
        }

        private LogPlace Append(AuditEntry entry)
        {
            var place = new LogPlace(_log.Append(entry.LeafHash), entry.LeafHash);
            Span<byte> decision = stackalloc byte[16];
            entry.DecisionId.TryWriteBytes(decision, bigEndian: true, out _);
            _record.Bind(1, place.Position);
            _record.Bind(2, decision);
            _record.Bind(3, entry.LeafHash);
            _record.Bind(4, entry.Body);
            _record.Run();
            return place;
        }

        private void Write(Change change, AuditEntry entry)
        {
            foreach (var held in change.Held) Require(held);
            var at = Instants.ToMicros(entry.DecidedAt);
            if (change.Key is { } key)
            {
                Set(_key, key.Key, key.RequestHash, key.Outcome, at);
                if (_key.ExecuteNonQuery() == 0) throw new KeyTakenException();
            }

            Save(change);
            foreach (var notice in change.Notices)
            {
                var sequence = NextSequence(notice.UnitId);
                Set(_notice, notice.UnitId, sequence, (int)notice.Kind, at, Bytes(notice.ReferralId), Bytes(notice.CaseId),
                    entry.ActingUnitId, entry.DecisionId.ToByteArray(true), Bytes(notice.GrantId), Bytes(notice.BreakGlassId), notice.Resource);
                _notice.ExecuteNonQuery();
                Set(_inbox, notice.UnitId, sequence);
                _inbox.ExecuteNonQuery();
            }

            if (change.Purge is { } purge) Write(purge);
            if (change.Acknowledged is { } acknowledged)
            {
                Set(_acknowledge, acknowledged.UnitId, acknowledged.UpToSequence);
                if (_acknowledge.ExecuteNonQuery() == 0) throw new StaleRowException();
            }
        }

        private void Write(Purge purge)
        {
            if ((long)_holds.ExecuteScalar()! != purge.HoldsRevision) throw new StaleRowException();
            foreach (var range in purge.Ranges)
            {
                Set(_purge, range.First, range.Last);
                if (_purge.ExecuteNonQuery() != range.Count) throw new StaleRowException();
            }
        }

        private void Require(HeldRow held)
        {
            var command = held.Table == HeldTable.Grant ? _grant : _brokenGlass;
            Set(command, held.Id.ToByteArray(true), held.Version);
            if (command.ExecuteScalar() is null) throw new StaleRowException();
        }

        [SuppressMessage("ApiDesign", "RS0030", Justification = "The one place that saves: it holds the audit entry.")]
        private void Save(Change change)
        {
            if (change.Added.Count == 0 && change.Updated.Count == 0) return;
            try
            {
                foreach (var row in change.Added) _db.Add(row);
                foreach (var row in change.Updated)
                {
                    var tracked = _db.Attach(row);
                    tracked.State = EntityState.Modified;
                    if (row is not IVersioned) continue;
                    var version = tracked.Property(nameof(IVersioned.Version));
                    version.OriginalValue = (int)version.CurrentValue! - 1;
                }

                _db.SaveChanges();
            }
            finally
            {
                _db.ChangeTracker.Clear();
            }
        }

        /// <summary>The disk, not the change: nothing of this flush can be trusted to be written.</summary>
        private static bool IsOfDisk(Exception e) =>
            (e as SqliteException ?? e.InnerException as SqliteException) is { SqliteErrorCode: not Constraint };

        private long NextSequence(string unitId)
        {
            if (!_sequences.TryGetValue(unitId, out var last))
            {
                Set(_sequence, unitId);
                last = _sequence.ExecuteScalar() is long stored ? stored : 0;
            }

            _sequencesOfCommit.Add(unitId);
            return _sequences[unitId] = last + 1;
        }

        private IEnumerable<SqliteCommand> Commands() =>
            [_key, _notice, _sequence, _inbox, _acknowledge, _grant, _brokenGlass, _node, _checkpoint, _witnessed, _stamp, _purge, _holds, _savepoint, _release, _rollback];

        private SqliteCommand Command(string sql, params ReadOnlySpan<string> parameters) => SqliteStore.Prepare(Connection, sql, parameters);

        private static void Set(SqliteCommand command, params ReadOnlySpan<object> values)
        {
            for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
        }

        private static object Bytes(Guid? id) => id is { } value ? value.ToByteArray(true) : DBNull.Value;
    }
}
