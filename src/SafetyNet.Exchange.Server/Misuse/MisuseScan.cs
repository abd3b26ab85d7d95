using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>
/// Looks at the log behind the calls and raises findings (R-AUD-7). What was just committed the writer hands over (<see cref="MisuseFeed"/>), everything else is read; either way the cursor says what comes
/// next, so that nothing is left out, counted twice or out of its order. What a stretch of the log gives is committed a hundred findings at a time, each time with a record that names them;
/// the last one moves the cursor too. A stretch that was cut short is read again, and counts nothing twice: a finding knows the newest record that it has.
/// </summary>
internal sealed class MisuseScan : IAsyncDisposable
{
    /// <summary>Name of the deed in its records.</summary>
    public const string Method = "misuse/RaiseFinding";

    private const string CursorMethod = "misuse/MoveCursor";
    private const string Actor = "misuse-scan";

    /// <summary>Records that are looked at through one snapshot, and records whose findings are committed together: who is found again and again is written once for all of them.</summary>
    private const int RecordsPerLook = 1000, RecordsPerStretch = 50_000;

    /// <summary>Most findings of one commit: their record stays far below what an export takes.</summary>
    private const int FindingsPerCommit = 100;

    /// <summary>Records after which the cursor is kept though nothing was found; what a restart reads again at most, besides the window of the peers.</summary>
    private const int RecordsPerCursor = 20_000;

    private static readonly TimeSpan IndexWait = TimeSpan.FromSeconds(2);

    private readonly SqliteStore _store;
    private readonly AuditLog _log;
    private readonly SearchIndex _search;
    private readonly CommitQueue _commits;
    private readonly MisuseRules _rules;
    private readonly MisuseChecks _checks;
    private readonly Func<MemberDirectory> _members;
    private readonly PolicyInForce _policy;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _ends = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly MisuseFeed _feed;
    private readonly List<(long Position, ScannedRecord? Record)> _looked = new(RecordsPerLook);
    private readonly List<Trigger> _triggers = [];
    private Task _scanning = Task.CompletedTask;
    private MisuseCursor? _kept;
    private long _next;
    private long _ripe;

    /// <summary>When the record at <see cref="_ripe"/> is ripe, where it was looked at and was not: until then nothing is.</summary>
    private DateTimeOffset _ripeFrom;

    /// <param name="mostFed">Most records that wait for it in memory; 0: it reads all of them from the log.</param>
    public MisuseScan(
        SqliteStore store, AuditLog log, SearchIndex search, CommitQueue commits, MisuseRules rules, MisuseChecks checks, Func<MemberDirectory> members, PolicyInForce policy,
        TimeProvider clock, int mostFed = MisuseFeed.MostWaiting)
    {
        (_store, _log, _search, _commits, _rules, _checks, _members, _policy, _clock) = (store, log, search, commits, rules, checks, members, policy, clock);
        _feed = new MisuseFeed(mostFed);
    }

    /// <summary>Records that it left in the log; what a benchmark takes off.</summary>
    public long Records { get; private set; }

    /// <summary>Records that the writer handed over, and records that were read from the log.</summary>
    public (long Fed, long Read) Looked { get; private set; }

    /// <inheritdoc cref="MisuseFeed.Appended"/>
    public void Appended(long position, AuditEntry entry) => _feed.Appended(position, entry);

    /// <summary>Goes on beside the calls.</summary>
    public void Begin(TimeSpan pause) => _scanning = Task.Run(async () =>
    {
        while (!_ends.IsCancellationRequested)
        {
            try
            {
                await ScanAsync(_ends.Token);
                await Task.Delay(pause, _clock, _ends.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                // Said, and tried again at the next look: whoever waits for findings must not wait in vain.
                _kept = null;
                ServerLog.MisuseScanFailed(e.GetType().Name);
                await Task.Delay(pause, _clock, _ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    });

    /// <summary>
    /// Looks at all records that stand when it begins and were not looked at yet; what comes meanwhile is left for the next time, or it would run after the calls a few records at a time. Where a commit
    /// fails, the rest waits for the next time.
    /// </summary>
    public async Task ScanAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (_kept is null) Resume();
            for (var end = _log.Size; _next < end && await ScanStretchAsync(end);) cancellation.ThrowIfCancellationRequested();
            while (await RipenStretchAsync()) cancellation.ThrowIfCancellationRequested();
            if (_next - _kept!.Next >= RecordsPerCursor || _ripe - _kept.Ripe >= RecordsPerCursor) await CommitAsync([]);
        }
        catch (Exception e) when (e is StaleRowException or KeyTakenException or StoreUnavailableException)
        {
            // An officer disposed of a finding meanwhile, or the store takes nothing now: from the kept cursor once more.
            _kept = null;
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _scanning;
        _ends.Dispose();
        _one.Dispose();
    }

    /// <summary>Takes up where the store says, and counts anew what the peers did in the window before.</summary>
    private void Resume()
    {
        _checks.Forget();
        using var read = _store.Read();
        _kept = read.FindMisuseCursor() ?? new MisuseCursor { Version = 0 };
        (_next, _ripe, _ripeFrom) = (_kept.Next, _kept.Ripe, default);
        var (members, since) = (_members(), CivilDate.InTaiwan(_clock.GetUtcNow()).AddDays(-_rules.PeerWindowDays));
        foreach (var (_, _, body) in read.ReadBackwards(_next))
        {
            if (ScannedRecord.LookedAt(body) is not { } record) continue;
            if (CivilDate.InTaiwan(record.At) < since) break;
            _checks.Recall(record, members);
        }
    }

    /// <summary>The newest records, up to the end or a little beyond; false: there is none left.</summary>
    private async Task<bool> ScanStretchAsync(long end)
    {
        var (found, next, members) = (new Dictionary<FindingKey, GrowingFinding>(), _next, _members());
        while (next < Math.Min(end, _next + RecordsPerStretch))
        {
            // First the records, then the snapshot: staff and decoys are those that the newest of them left behind, or younger.
            _looked.Clear();
            _feed.Take(next, RecordsPerLook, _looked);
            var fed = _looked.Count;
            using var session = _store.Read();
            if (fed == 0) ReadLog(session, next, _feed.First ?? long.MaxValue);
            if (_looked.Count == 0) break;
            Looked = (Looked.Fed + fed, Looked.Read + _looked.Count - fed);
            _checks.BeginStretch(session);
            foreach (var (position, record) in _looked)
            {
                next = position + 1;
                if (record is null) continue;
                _checks.AtOnce(session, record, members, _triggers);
                Join(session, found, position, record);
            }
        }

        if (next == _next) return false;
        await CommitAsync(found.Values, next: next);
        _next = next;
        return true;
    }

    private void ReadLog(ReadSession session, long start, long end)
    {
        foreach (var (position, body) in session.ReadBodies(start, end, RecordsPerLook)) _looked.Add((position, ScannedRecord.LookedAt(body)));
    }

    /// <summary>Records whose days of activity have passed; false: there is none left.</summary>
    private async Task<bool> RipenStretchAsync()
    {
        var (now, size) = (_clock.GetUtcNow(), _log.Size);
        if (_ripe == _next || now < _ripeFrom || !_search.CatchUp(size, IndexWait)) return false;
        var (found, ripe) = (new Dictionary<FindingKey, GrowingFinding>(), _ripe);
        using (var session = _store.Read())
        {
            _looked.Clear();
            ReadLog(session, _ripe, _next);
            foreach (var (position, record) in _looked)
            {
                if (record is not null)
                {
                    _ripeFrom = record.At + _rules.NoActivityWithin;
                    if (now < _ripeFrom) break;
                    _checks.WhenRipe(session, record, size, _triggers);
                    Join(session, found, position, record);
                }

                ripe = position + 1;
            }
        }

        if (ripe == _ripe) return false;
        await CommitAsync(found.Values, ripe: ripe);
        _ripe = ripe;
        return true;
    }

    /// <summary>The record joins the findings that it was found for.</summary>
    private void Join(ReadSession read, Dictionary<FindingKey, GrowingFinding> found, long position, ScannedRecord record)
    {
        foreach (var trigger in _triggers)
        {
            var key = new FindingKey(trigger.Rule, record.Jurisdiction, record.AgencyCode, record.ActorPersonId, trigger.Subject, CivilDate.InTaiwan(record.At));
            if (!found.TryGetValue(key, out var finding)) found[key] = finding = Find(read, key, record);
            finding.Join(position, record.At, trigger.Numbers);
        }
    }

    private GrowingFinding Find(ReadSession read, in FindingKey key, ScannedRecord record)
    {
        var (text, now) = (key.ToText(), _clock.GetUtcNow());
        return read.FindFinding(text) is { } known ? new GrowingFinding(known, isNew: false) : new GrowingFinding(new Finding
        {
            FindingId = Guid.CreateVersion7(now), Key = text, Rule = key.Rule, RulesRevision = _rules.Revision, Jurisdiction = key.Jurisdiction, AgencyCode = key.AgencyCode,
            UnitId = record.ActorUnitId, ActorId = key.ActorId, Subject = key.Subject, RaisedAt = Instants.Whole(now),
        }, isNew: true);
    }

    /// <summary>The findings of each jurisdiction by themselves, as its officers read their records; the cursor with the last. Nothing found: the cursor stays in memory until it has come far
    /// enough.</summary>
    private async Task CommitAsync(IEnumerable<GrowingFinding> all, long? next = null, long? ripe = null)
    {
        var found = all.Where(one => one.HasGrown).ToList();
        var left = found.Count;
        foreach (var some in found.GroupBy(one => one.Finding.Jurisdiction).SelectMany(own => own.Chunk(FindingsPerCommit)))
        {
            var change = new Change();
            foreach (var one in some)
            {
                one.Write();
                if (one.IsNew) change.Add(one.Finding);
                else change.Update(one.Finding);
            }

            left -= some.Length;
            if (left == 0) MoveCursor(change, next ?? _next, ripe ?? _ripe);
            await CommitAsync(Record(Method, some[0].Finding.Jurisdiction, some.Select(one => one.Finding.Subject), some.Select(one => $"finding/{one.Finding.FindingId}")), change);
            foreach (var one in some.Where(one => one.IsNew)) ServerLog.MisuseFound(one.Finding.Rule, one.Finding.FindingId);
        }

        if (found.Count > 0 || next is not null || ripe is not null) return;
        var moved = new Change();
        MoveCursor(moved, _next, _ripe);
        await CommitAsync(Record(CursorMethod, Wire.Jurisdiction.Tw, [], [$"misuse-cursor/{_next}"]), moved);
    }

    private async Task CommitAsync(Wire.AuditRecord record, Change change)
    {
        await _commits.CommitAsync(AuditEntry.Of(record), change);
        Records++;
    }

    private void MoveCursor(Change change, long next, long ripe)
    {
        var cursor = new MisuseCursor { Next = next, Ripe = ripe, Version = _kept!.Version };
        if (cursor.Version == 0)
        {
            cursor.Version = 1;
            change.Add(cursor);
        }
        else
        {
            change.Update(cursor);
        }

        change.Durable = () => _kept = cursor;
    }

    /// <summary>The record of a deed that no caller did.</summary>
    private Wire.AuditRecord Record(string method, Wire.Jurisdiction jurisdiction, IEnumerable<string> subjects, IEnumerable<string> resources)
    {
        var (now, policy) = (Instants.Whole(_clock.GetUtcNow()), _policy.Current);
        var record = new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(now).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Method = method, Jurisdiction = jurisdiction,
            ActorPersonId = Actor, ActorRole = Wire.ActorRole.BatchJob, Purpose = Wire.Purpose.Audit, LegalBasis = Wire.LegalBasis.AuditDuty,
            Outcome = Wire.AuditOutcome.Permitted, PolicyRevision = policy.Revision, PolicyHash = policy.Sha256[..16],
        };
        record.Subjects.Add(subjects.Where(subject => subject.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        record.Resources.Add(resources.Order(StringComparer.Ordinal));
        return record;
    }
}
