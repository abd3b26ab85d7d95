using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Retention;

/// <summary>What one look through the log did.</summary>
/// <param name="At">When it began.</param>
/// <param name="Purged">Records whose bytes went.</param>
/// <param name="Held">Records beyond their time that an open hold keeps.</param>
internal sealed record RetentionRun(DateTimeOffset At, long Purged, long Held);

/// <summary>
/// Removes the bytes of records whose time is over: at each start and then once a day, a batch to a commit, and with each a record that names what went and names no
/// caller. Interrupted anywhere it goes on with the next run. What stays: places and hashes, so every proof holds.
/// </summary>
/// <remarks>
/// Never purged: what an open hold keeps, with the records of that hold; records of purges, without which a record that is gone could not be told from one that was
/// taken; records of policies, which a start compares with the store; records that no signed head covers; and bytes that are not those that were hashed: they are
/// evidence against whoever changed them.
/// </remarks>
internal sealed class RetentionJob(SqliteStore store, CommitQueue commits, AuditLog log, SearchIndex search, Vault vault, RetentionSettings settings, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Most ranges that one record names: it stays far below what a bundle takes.</summary>
    private const int MostRanges = 200;

    private const int MostTries = 10;

    private static readonly TimeSpan Pause = TimeSpan.FromDays(1), RetryPause = TimeSpan.FromMilliseconds(200);

    private static readonly string[] PolicyMethods =
        ["start/ActivateBuiltInPolicy", "/safetynet.exchange.v1.PolicyService/ActivatePolicy", "/safetynet.exchange.v1.PolicyService/ProposePolicy"];

    private readonly DateTimeOffset _startedAt = Instants.Whole(clock.GetUtcNow());
    private readonly CancellationTokenSource _ends = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private Task _running = Task.CompletedTask;

    /// <summary>Below this no record is too young; those of them that keep their bytes are in <see cref="_kept"/>.</summary>
    private long _settled;
    private EntryRanges _kept = new();
    private bool _isIndexClean, _mustTruncate;
    private volatile RetentionRun? _lastRun;

    /// <summary>Null: none since the start.</summary>
    public RetentionRun? LastRun => _lastRun;

    /// <summary>Of a process that has not run yet: its own start.</summary>
    public DateTimeOffset NextRunAt => _lastRun is { } done ? done.At + Pause : _startedAt;

    /// <summary>Runs from now on.</summary>
    /// <param name="after">The check of the whole log, which must not meet a purge whose record lies beyond what it reads.</param>
    public void Begin(Task after)
    {
        if (settings.KeepDays == 0) return;
        _running = Task.Run(async () =>
        {
            await after;
            while (!_ends.IsCancellationRequested)
            {
                try
                {
                    await RunAsync(_ends.Token);
                }
                catch (Exception e) when (e is StoreUnavailableException or StaleRowException or IOException or UnauthorizedAccessException or Microsoft.Data.Sqlite.SqliteException)
                {
                    ServerLog.RetentionFailed(e.GetType().Name);
                }
                catch (OperationCanceledException)
                {
                    return;
                }

                await Task.Delay(Pause, clock, _ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        });
    }

    /// <summary>Purges what is due now; the tests' way to a run, and that of the loop.</summary>
    /// <exception cref="StoreUnavailableException">The store takes nothing; what was committed stays, the rest is for the next run.</exception>
    public async Task<RetentionRun> RunAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var now = Instants.Whole(clock.GetUtcNow());
            if (!_isIndexClean) search.Forget(PurgedBefore());
            _isIndexClean = true;
            var run = new Pass(now.AddDays(-settings.KeepDays));
            try
            {
                await GoThroughAsync(run, now, cancellation);
            }
            finally
            {
                if (run.Purged.Count > 0)
                {
                    search.Forget(run.Purged);
                    _mustTruncate = true;
                }
            }

            if (_mustTruncate) _mustTruncate = !await TruncateAsync(cancellation);
            (_settled, _kept) = (run.Settled ?? _settled, run.Kept);
            _lastRun = new RetentionRun(now, run.Purged.Count, run.Held);
            if (run.Purged.Count > 0) ServerLog.RetentionRan(run.Purged.Count, run.Held);
            return _lastRun;
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _running;
        _ends.Dispose();
        _one.Dispose();
    }

    /// <summary>What earlier runs purged, by the log itself: a segment of the index that was written before may still know it.</summary>
    private EntryRanges PurgedBefore()
    {
        var (purged, size) = (new EntryRanges(), log.Size);
        while (!search.CatchUp(size, TimeSpan.FromSeconds(2))) _ends.Token.ThrowIfCancellationRequested();
        using var read = store.Read();
        foreach (var position in search.Find(new SearchQuestion([SearchTerm.Method(PurgedRecords.Method)], long.MinValue, long.MaxValue), size))
        {
            foreach (var (at, _, body) in read.ReadEntries(position, position + 1, 1))
                foreach (var range in PurgedRecords.Read(at, body)) purged.Add(range);
        }

        return purged;
    }

    /// <summary>First what earlier runs left, which a hold may have let go of since; then what has grown old.</summary>
    private async Task GoThroughAsync(Pass run, DateTimeOffset now, CancellationToken cancellation)
    {
        var end = log.Published?.Size ?? 0;
        foreach (var range in (EntryRange[])[.. _kept.All.Where(r => r.First < _settled), new EntryRange(_settled, end - 1)])
        {
            for (var next = range.First; next <= range.Last;)
            {
                cancellation.ThrowIfCancellationRequested();
                var batch = await TakeBatchAsync(run, next, range.Last + 1, now);
                if (batch is null) break;
                next = batch.Value;
            }
        }

        run.Settled ??= end;
    }

    /// <summary>Purges what is due of the next records. Null: the stretch ends, or all that follow are too young.</summary>
    private async Task<long?> TakeBatchAsync(Pass run, long start, long end, DateTimeOffset now)
    {
        for (var attempt = 1; ; attempt++)
        {
            var batch = Decide(run, start, end);
            if (batch is not { } decided) return null;
            if (decided.Due.Count == 0) return decided.IsAllYoung ? null : decided.Next;
            try
            {
                await CommitAsync(run, decided, now);
                return decided.Next;
            }
            catch (StaleRowException) when (attempt < MostTries)
            {
                // A hold was placed or released meanwhile: decide anew.
            }
        }
    }

    private Batch? Decide(Pass run, long start, long end)
    {
        using var read = store.Read();
        var revision = read.HoldsRevision();
        var rows = read.ReadKept(start, end, settings.BatchRecords);
        if (rows.Count == 0) return null;
        List<LegalHold> open = read.OpenHolds();
        List<AccessFilter> filters = [.. open.Select(hold => hold.ToFilter(vault))];
        var names = open.Select(hold => hold.Resource).ToHashSet(StringComparer.Ordinal);
        var batch = new Batch(revision, rows[^1].Position + 1);
        foreach (var (position, leaf, body) in rows)
        {
            var record = Read(leaf, body);
            if (record is not null && record.DecidedAt.ToDateTimeOffset() >= run.CutOff)
            {
                run.Settled ??= position;
                continue;
            }

            batch.IsAllYoung = false;
            var isHeld = record is not null && filters.Exists(filter => filter.Fits(record));
            if (record is null || isHeld || IsNeeded(record, names)) batch.Kept.Add((position, isHeld));
            else batch.Due.Add(position);
            if (batch.Due.All.Count < MostRanges) continue;
            batch.Next = position + 1;
            break;
        }

        foreach (var (position, isHeld) in batch.Kept) run.Keep(position, isHeld);
        return batch;
    }

    /// <summary>The record; null: these are not the bytes that were hashed.</summary>
    private static Wire.AuditRecord? Read(byte[] leaf, byte[] body)
    {
        if (!MerkleTree.LeafHash(body).Bytes.SequenceEqual(leaf)) return null;
        try
        {
            return Wire.AuditRecord.Parser.ParseFrom(body);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>A later check of the log, or an open hold, goes by this record.</summary>
    private static bool IsNeeded(Wire.AuditRecord record, HashSet<string> openHolds) =>
        string.Equals(record.Method, PurgedRecords.Method, StringComparison.Ordinal) || PolicyMethods.Contains(record.Method, StringComparer.Ordinal)
        || (record.Method.StartsWith("/safetynet.exchange.v1.RetentionService/", StringComparison.Ordinal) && record.Resources.Any(openHolds.Contains));

    private async Task CommitAsync(Pass run, Batch batch, DateTimeOffset now)
    {
        var record = new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(now).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Method = PurgedRecords.Method,
            Purpose = Wire.Purpose.Audit, LegalBasis = Wire.LegalBasis.AuditDuty, Outcome = Wire.AuditOutcome.Permitted,
        };
        IEnumerable<string> resources = batch.Due.All.Select(PurgedRecords.ToResource);
        record.Resources.Add(resources.Append(PurgedRecords.CutOffPrefix + run.CutOff.ToString("O", CultureInfo.InvariantCulture)).Order(StringComparer.Ordinal));
        await commits.CommitAsync(AuditEntry.Of(record), new Change { Purge = new Purge(batch.Due.All, batch.HoldsRevision) });
        foreach (var range in batch.Due.All) run.Purged.Add(range);
    }

    /// <summary>Nothing of it stays in the write-ahead log either; a reader of an older state is waited for.</summary>
    private async Task<bool> TruncateAsync(CancellationToken cancellation)
    {
        for (var attempt = 1; attempt <= MostTries; attempt++)
        {
            if (await commits.TruncateAsync()) return true;
            await Task.Delay(RetryPause, cancellation);
        }

        return false;
    }

    /// <summary>One run.</summary>
    private sealed class Pass(DateTimeOffset cutOff)
    {
        /// <summary>Exclusive: what was decided before is due.</summary>
        public DateTimeOffset CutOff { get; } = cutOff;

        /// <summary>Position of the first record that is too young; null: none was met yet.</summary>
        public long? Settled { get; set; }

        public EntryRanges Purged { get; } = new();

        public EntryRanges Kept { get; } = new();

        private readonly EntryRanges _held = new();

        public long Held => _held.Count;

        public void Keep(long position, bool isHeld)
        {
            Kept.Add(position);
            if (isHeld) _held.Add(position);
        }
    }

    /// <summary>What was decided on some records that follow each other.</summary>
    private sealed class Batch(long holdsRevision, long next)
    {
        public long HoldsRevision { get; } = holdsRevision;

        public long Next { get; set; } = next;

        public bool IsAllYoung { get; set; } = true;

        public EntryRanges Due { get; } = new();

        public List<(long Position, bool IsHeld)> Kept { get; } = [];
    }
}
