using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>
/// Reads the log behind the calls and raises findings (R-AUD-7). What a stretch of the log gives is committed a hundred findings at a time, each time with a record that names them;
/// the last one moves the cursor too. A stretch that was cut short is read again, and counts nothing twice: a finding knows the newest record that it has.
/// </summary>
internal sealed class MisuseScan : IAsyncDisposable
{
    /// <summary>Name of the deed in its records.</summary>
    public const string Method = "misuse/RaiseFinding";

    private const string CursorMethod = "misuse/MoveCursor";
    private const string Actor = "misuse-scan";

    /// <summary>Records that are read through one snapshot, and records whose findings are committed together: who is found again and again is written once for all of them.</summary>
    private const int RecordsPerRead = 1000, RecordsPerStretch = 50_000;

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
    private Task _scanning = Task.CompletedTask;
    private MisuseCursor? _kept;
    private long _next;
    private long _ripe;

    public MisuseScan(
        SqliteStore store, AuditLog log, SearchIndex search, CommitQueue commits, MisuseRules rules, MisuseChecks checks, Func<MemberDirectory> members, PolicyInForce policy,
        TimeProvider clock) =>
        (_store, _log, _search, _commits, _rules, _checks, _members, _policy, _clock) = (store, log, search, commits, rules, checks, members, policy, clock);

    /// <summary>Records that it left in the log; what a benchmark takes off.</summary>
    public long Records { get; private set; }

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

    /// <summary>Looks at all records that were not looked at yet. Where a commit fails, the rest waits for the next time.</summary>
    public async Task ScanAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (_kept is null) Resume();
            while (await ScanStretchAsync()) cancellation.ThrowIfCancellationRequested();
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
        (_next, _ripe) = (_kept.Next, _kept.Ripe);
        var (members, since) = (_members(), CivilDate.InTaiwan(_clock.GetUtcNow()).AddDays(-_rules.PeerWindowDays));
        foreach (var (_, _, body) in read.ReadBackwards(_next))
        {
            if (MisuseChecks.Read(body) is not { } record) continue;
            if (CivilDate.InTaiwan(record.DecidedAt.ToDateTimeOffset()) < since) break;
            _checks.Recall(record, members);
        }
    }

    /// <summary>The newest records; false: there is none left.</summary>
    private async Task<bool> ScanStretchAsync()
    {
        var (found, next, members) = (new Dictionary<string, Found>(StringComparer.Ordinal), _next, _members());
        for (var (read, more) = (0, true); more && read < RecordsPerStretch; read += RecordsPerRead)
        {
            using var session = _store.Read();
            _checks.BeginStretch(session);
            var entries = session.ReadEntries(next, long.MaxValue, RecordsPerRead).ToList();
            foreach (var (position, _, body) in entries)
            {
                next = position + 1;
                if (MisuseChecks.Read(body) is not { } record) continue;
                foreach (var trigger in _checks.AtOnce(session, record, members)) Join(session, found, position, record, trigger);
            }

            more = entries.Count == RecordsPerRead;
        }

        if (next == _next) return false;
        await CommitAsync(found.Values, next: next);
        _next = next;
        return true;
    }

    /// <summary>Records whose days of activity have passed; false: there is none left.</summary>
    private async Task<bool> RipenStretchAsync()
    {
        var size = _log.Size;
        if (!_search.CatchUp(size, IndexWait)) return false;
        var (found, ripe, until) = (new Dictionary<string, Found>(StringComparer.Ordinal), _ripe, _clock.GetUtcNow() - _rules.NoActivityWithin);
        using (var read = _store.Read())
        {
            foreach (var (position, _, body) in read.ReadEntries(_ripe, _next, RecordsPerRead).ToList())
            {
                var record = MisuseChecks.Read(body);
                if (record?.DecidedAt.ToDateTimeOffset() > until) break;
                ripe = position + 1;
                if (record is null) continue;
                foreach (var trigger in _checks.WhenRipe(read, record, size)) Join(read, found, position, record, trigger);
            }
        }

        if (ripe == _ripe) return false;
        await CommitAsync(found.Values, ripe: ripe);
        _ripe = ripe;
        return true;
    }

    private void Join(ReadSession read, Dictionary<string, Found> found, long position, Wire.AuditRecord record, Trigger trigger)
    {
        var at = record.DecidedAt.ToDateTimeOffset();
        var key = $"{(int)trigger.Rule}|{(int)record.Jurisdiction}/{record.AgencyCode}|{record.ActorPersonId}|{trigger.Subject}|{CivilDate.ToText(CivilDate.InTaiwan(at))}";
        if (!found.TryGetValue(key, out var known))
        {
            var before = read.FindFinding(key);
            known = new Found(before ?? new Finding
            {
                FindingId = Guid.CreateVersion7(_clock.GetUtcNow()), Key = key, Rule = trigger.Rule, RulesRevision = _rules.Revision, Jurisdiction = record.Jurisdiction,
                AgencyCode = record.AgencyCode, UnitId = record.ActorUnitId, ActorId = record.ActorPersonId, Subject = trigger.Subject, RaisedAt = Instants.Whole(_clock.GetUtcNow()),
            }, IsNew: before is null);
        }

        if (known.Finding.Join(position, at, trigger.Numbers)) found[key] = known;
    }

    /// <summary>The findings of each jurisdiction by themselves, as its officers read their records; the cursor with the last. Nothing found: the cursor stays in memory until it has come far
    /// enough.</summary>
    private async Task CommitAsync(IReadOnlyCollection<Found> found, long? next = null, long? ripe = null)
    {
        var left = found.Count;
        foreach (var some in found.GroupBy(one => one.Finding.Jurisdiction).SelectMany(own => own.Chunk(FindingsPerCommit)))
        {
            var change = new Change();
            foreach (var (finding, isNew) in some)
            {
                if (isNew) change.Add(finding);
                else change.Update(finding);
            }

            left -= some.Length;
            if (left == 0) MoveCursor(change, next ?? _next, ripe ?? _ripe);
            await CommitAsync(Record(Method, some[0].Finding.Jurisdiction, some.Select(one => one.Finding.Subject), some.Select(one => $"finding/{one.Finding.FindingId}")), change);
            foreach (var (finding, _) in some.Where(one => one.IsNew)) ServerLog.MisuseFound(finding.Rule, finding.FindingId);
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

    /// <summary>A finding that the store has to take.</summary>
    private sealed record Found(Finding Finding, bool IsNew);
}
