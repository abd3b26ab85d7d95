using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Visits;

/// <summary>
/// Plans the visits of the months that a protocol goes on beyond those that it lasts at least (R-CASE-5), each month on its first day: visits, their clocks, and the record are one commit, and the
/// version of the run lets it happen once. Of months that began while the server was down it plans what is not over; what such a month got stays what it got.
/// </summary>
internal sealed class ProtocolJob(SqliteStore store, CommitQueue commits, PolicyInForce policy, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Name of the deed in its records.</summary>
    public const string Method = "visits/PlanMonth";

    private const string Actor = "protocol-job";

    private const int RunsAtOnce = 100;

    private readonly SemaphoreSlim _one = new(1, 1);
    private DueLoop? _loop;

    /// <summary>Goes on beside the calls.</summary>
    public void Begin()
    {
        _loop = new DueLoop(RunAsync, NextAt, ServerLog.ProtocolsFailed, clock);
        _loop.Begin();
    }

    /// <summary>Protocols were started; told by the writer when they are durable.</summary>
    public void Changed(IEnumerable<Change> changes)
    {
        foreach (var change in changes)
            foreach (var row in change.Added)
                if (row is ProtocolRun { NextMonthAt: { } next }) _loop?.Begins(next);
    }

    /// <summary>Plans all months that have begun; the tests' way to a run, and that of the loop.</summary>
    /// <returns>Months planned.</returns>
    /// <exception cref="StoreUnavailableException">The store takes nothing; what was committed stays, the rest is for the next run.</exception>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            for (var planned = 0; ;)
            {
                cancellation.ThrowIfCancellationRequested();
                var now = Instants.Whole(clock.GetUtcNow());
                List<ProtocolRun> runs;
                using (var read = store.Read()) runs = read.RunsWithNewMonth(now, RunsAtOnce);
                if (runs.Count == 0) return planned;
                // At once, so that they share a flush.
                planned += (await Task.WhenAll(runs.Select(run => PlanAsync(run, now)))).Sum();
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

    /// <summary>One run in one commit; 0: it ended meanwhile, or was planned by another.</summary>
    private async Task<int> PlanAsync(ProtocolRun run, DateTimeOffset now)
    {
        var (change, before) = (new Change(), run.MonthsPlanned);
        var visits = VisitPlanning.PlanBegun(change, run, CivilDate.InTaiwan(now), now);
        try
        {
            await commits.CommitAsync(AuditEntry.Of(Record(run, visits, now)), change);
            return run.MonthsPlanned - before;
        }
        catch (Exception e) when (e is StaleRowException or KeyTakenException)
        {
            return 0;
        }
    }

    /// <summary>The record of a deed that no caller did.</summary>
    private Wire.AuditRecord Record(ProtocolRun run, IReadOnlyList<Visit> visits, DateTimeOffset now)
    {
        var current = policy.Current;
        var record = new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(now).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Method = Method, Jurisdiction = run.Jurisdiction,
            ActorPersonId = Actor, ActorRole = Wire.ActorRole.BatchJob, Purpose = Wire.Purpose.CaseCoordination, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
            Outcome = Wire.AuditOutcome.Permitted, PolicyRevision = current.Revision, PolicyHash = current.Sha256[..16],
        };
        record.Resources.Add(visits.Select(visit => $"visit/{visit.VisitId}").Append($"case/{run.CaseId}").Append($"protocol-run/{run.RunId}").Order(StringComparer.Ordinal));
        return record;
    }

    private DateTimeOffset? NextAt()
    {
        using var read = store.Read();
        return read.NextMonthAt();
    }
}
