using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>
/// Tells the steps of clocks that have fallen due (R-INT-6, R-REF-7): what a step says to whom, that it was said, and the record of it are one commit, and the version of the clock lets it happen
/// once. What fell due while the server was down is told at the next start, each step once and in order, so that what a unit was told does not hang on when the server ran.
/// </summary>
/// <remarks>A deed that stops a clock never waits for this job: where both commit at once, the job finds the clock changed and leaves it.</remarks>
internal sealed class ClockJob(SqliteStore store, CommitQueue commits, Func<MemberDirectory> members, PolicyInForce policy, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Name of the deed in its records.</summary>
    public const string Method = "clocks/TellSteps";

    private const string Actor = "clock-job";

    /// <summary>Most clocks of one commit: its record stays far below what an export takes.</summary>
    private const int ClocksPerCommit = 200;

    /// <summary>Longest sleep: the machine's time may be set, or the machine suspended.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMinutes(1), RetryPause = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _ends = new();
    private readonly SemaphoreSlim _one = new(1, 1), _bell = new(0, 1);
    private Task _running = Task.CompletedTask;
    private long _sleepsUntilTicks = long.MaxValue;

    /// <summary>Goes on beside the calls: sleeps until the next step is due, or a clock starts whose first step is due before.</summary>
    public void Begin() => _running = Task.Run(async () =>
    {
        while (!_ends.IsCancellationRequested)
        {
            try
            {
                await RunAsync(_ends.Token);
                await SleepAsync();
            }
            catch (OperationCanceledException) when (_ends.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Said, and tried again: whoever relies on being told must not wait in vain.
                ServerLog.ClocksFailed(e.GetType().Name);
                await Task.Delay(RetryPause, clock, _ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    });

    /// <summary>Clocks were started; told by the writer when they are durable.</summary>
    public void Changed(IEnumerable<Change> changes)
    {
        foreach (var change in changes)
            foreach (var row in change.Added)
                if (row is Clock { NextAt: { } next } && next.UtcTicks < Interlocked.Read(ref _sleepsUntilTicks)) Ring();
    }

    /// <summary>Tells all that is due now; the tests' way to a run, and that of the loop.</summary>
    /// <returns>Steps told.</returns>
    /// <exception cref="StoreUnavailableException">The store takes nothing; what was committed stays, the rest is for the next run.</exception>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var (told, size) = (0, ClocksPerCommit);
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                var now = Instants.Whole(clock.GetUtcNow());
                List<Clock> due;
                using (var read = store.Read()) due = read.DueClocks(now, size);
                if (due.Count == 0) return told;
                try
                {
                    foreach (var some in due.GroupBy(one => one.Jurisdiction)) told += await TellAsync([.. some], now);
                    size = ClocksPerCommit;
                }
                catch (StaleRowException)
                {
                    // One of them was stopped meanwhile: read anew, fewer at a time, in the end one, which is told or gone.
                    size = Math.Max(1, size / 8);
                }
            }
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
        _bell.Dispose();
    }

    private async Task<int> TellAsync(IReadOnlyList<Clock> due, DateTimeOffset now)
    {
        var (change, registry, told) = (new Change(), members(), 0);
        foreach (var one in due)
        {
            foreach (var step in one.TakeDue(now))
            {
                foreach (var unitId in step.Tells.Select(audience => UnitOf(one, audience, registry)).Where(id => id.Length > 0).Distinct(StringComparer.Ordinal)) change.Notify(NoticeOf(one, step.Kind, unitId));
                told++;
            }

            change.Update(one);
        }

        await commits.CommitAsync(AuditEntry.Of(Record(due, now)), change);
        return told;
    }

    /// <summary>Whose inbox it goes to; empty: nobody waits for it.</summary>
    private static string UnitOf(Clock one, Wire.ClockAudience audience, MemberDirectory registry) => audience switch
    {
        Wire.ClockAudience.Supervisor => registry.FindUnit(one.UnitId)?.SupervisorUnitId is { Length: > 0 } supervisor ? supervisor : one.UnitId,
        Wire.ClockAudience.Referrer => one.TellsUnitId,
        _ => one.UnitId,
    };

    private static NoticeDraft NoticeOf(Clock one, Wire.ClockStepKind kind, string unitId) => new(
        unitId,
        kind switch
        {
            Wire.ClockStepKind.Reminder => Wire.NoticeKind.ClockReminder,
            Wire.ClockStepKind.Overdue => Wire.NoticeKind.ClockOverdue,
            _ => Wire.NoticeKind.ClockEscalated,
        },
        one.Resource is "referral" ? one.ResourceId : null, null, $"clock/{one.ClockId}") { CauseUnitId = one.UnitId };

    /// <summary>The record of a deed that no caller did.</summary>
    private Wire.AuditRecord Record(IReadOnlyList<Clock> due, DateTimeOffset now)
    {
        var current = policy.Current;
        var record = new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(now).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Method = Method, Jurisdiction = due[0].Jurisdiction,
            ActorPersonId = Actor, ActorRole = Wire.ActorRole.BatchJob, Purpose = Wire.Purpose.CaseCoordination, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
            Outcome = Wire.AuditOutcome.Permitted, PolicyRevision = current.Revision, PolicyHash = current.Sha256[..16],
        };
        IEnumerable<string> resources = due.SelectMany(one => new[] { $"clock/{one.ClockId}", $"{one.Resource}/{one.ResourceId}" });
        record.Resources.Add(resources.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        return record;
    }

    private async Task SleepAsync()
    {
        // What starts from here on rings; what started before is read.
        Interlocked.Exchange(ref _sleepsUntilTicks, long.MaxValue);
        DateTimeOffset? next;
        using (var read = store.Read()) next = read.NextStepAt();
        var now = clock.GetUtcNow();
        Interlocked.Exchange(ref _sleepsUntilTicks, next?.UtcTicks ?? long.MaxValue);
        var sleep = next - now is { } left && left < LongestSleep ? left : LongestSleep;
        if (sleep <= TimeSpan.Zero) return;
        using var wakes = new CancellationTokenSource(sleep, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(wakes.Token, _ends.Token);
        try
        {
            await _bell.WaitAsync(both.Token);
        }
        catch (OperationCanceledException) when (!_ends.IsCancellationRequested)
        {
            // The time has come.
        }
    }

    private void Ring()
    {
        try
        {
            if (_bell.CurrentCount == 0) _bell.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // Rung already, or the job has ended.
        }
    }
}
