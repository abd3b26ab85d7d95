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

    private readonly SemaphoreSlim _one = new(1, 1);
    private DueLoop? _loop;

    /// <summary>Goes on beside the calls.</summary>
    public void Begin()
    {
        _loop = new DueLoop(RunAsync, NextAt, ServerLog.ClocksFailed, clock);
        _loop.Begin();
    }

    /// <summary>Clocks were started; told by the writer when they are durable.</summary>
    public void Changed(IEnumerable<Change> changes)
    {
        foreach (var change in changes)
            foreach (var row in change.Added)
                if (row is Clock { NextAt: { } next }) _loop?.Begins(next);
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
        if (_loop is { } loop) await loop.DisposeAsync();
        _one.Dispose();
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
        // The supervisor of a visit is a person of the unit (R-CASE-1), and reads the unit's own inbox.
        Wire.ClockAudience.Supervisor when one.Kind == Wire.ClockKind.VisitDue => one.UnitId,
        Wire.ClockAudience.Supervisor => registry.FindUnit(one.UnitId)?.SupervisorUnitId is { Length: > 0 } supervisor ? supervisor : one.UnitId,
        Wire.ClockAudience.Referrer => one.TellsUnitId,
        _ => one.UnitId,
    };

    private static NoticeDraft NoticeOf(Clock one, Wire.ClockStepKind kind, string unitId) => one.Kind == Wire.ClockKind.VisitDue
        ? new NoticeDraft(unitId, kind switch
        {
            Wire.ClockStepKind.Reminder => Wire.NoticeKind.VisitUpcoming,
            Wire.ClockStepKind.Overdue => Wire.NoticeKind.VisitOverdue,
            _ => Wire.NoticeKind.VisitOverdueSupervisor,
        }, null, one.CaseId, $"visit/{one.ResourceId}") { CauseUnitId = one.UnitId }
        : new NoticeDraft(unitId, kind switch
        {
            Wire.ClockStepKind.Reminder => Wire.NoticeKind.ClockReminder,
            Wire.ClockStepKind.Overdue => Wire.NoticeKind.ClockOverdue,
            _ => Wire.NoticeKind.ClockEscalated,
        }, one.Resource is "referral" ? one.ResourceId : null, null, $"clock/{one.ClockId}") { CauseUnitId = one.UnitId };

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

    private DateTimeOffset? NextAt()
    {
        using var read = store.Read();
        return read.NextStepAt();
    }
}
