using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>
/// Takes back the offers of reports that nobody has answered by their end (R-INT-10): withdrawal, what it leaves of the report, notices and record are one commit, and the version of
/// the referral lets it happen once. What ended while the server was down is taken back at the next start.
/// </summary>
/// <remarks>A deed that takes the offer at the same instant wins or loses as a whole: the job finds the report changed, and looks again.</remarks>
internal sealed class OfferJob(Pipeline.Exchange exchange, CommitQueue commits, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Name of the deed in its records.</summary>
    public const string Method = "reports/EndOffers";

    private const string Actor = "offer-job";

    private const int OffersAtOnce = 200;

    private readonly SemaphoreSlim _one = new(1, 1);
    private DueLoop? _loop;

    /// <summary>Goes on beside the calls.</summary>
    public void Begin()
    {
        _loop = new DueLoop(RunAsync, NextAt, ServerLog.OffersFailed, clock);
        _loop.Begin();
    }

    /// <summary>Offers were made; told by the writer when they are durable.</summary>
    public void Changed(IEnumerable<Change> changes)
    {
        foreach (var change in changes)
            foreach (var row in change.Added)
                if (row is ReportOfferRow { IsOver: false, Until: { } until }) _loop?.Begins(until);
    }

    /// <summary>Takes back all that has ended; the tests' way to a run, and that of the loop.</summary>
    /// <returns>Reports of which offers were taken back.</returns>
    /// <exception cref="StoreUnavailableException">The store takes nothing; what was committed stays, the rest is for the next run.</exception>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            for (var ended = 0; ;)
            {
                cancellation.ThrowIfCancellationRequested();
                List<Guid> reports;
                using (var read = exchange.Store.Read())
                    reports = [.. read.EndedOffers(Instants.Whole(clock.GetUtcNow()), OffersAtOnce).Select(offer => offer.ReportId).Distinct()];
                if (reports.Count == 0) return ended;
                // At once, so that they share a flush.
                ended += (await Task.WhenAll(reports.Select(EndAsync))).Count(isDone => isDone);
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

    /// <summary>One report in one commit; false: somebody else changed it meanwhile.</summary>
    private async Task<bool> EndAsync(Guid reportId)
    {
        var call = new Call(rule: null, Method, peer: "", Instants.Whole(clock.GetUtcNow()), exchange);
        try
        {
            if (call.Read.FindReport(reportId) is not { State: Wire.ReportState.Offered } report || exchange.Members.FindUnit(report.IntakeUnitId) is not { } intake)
                throw new InvalidOperationException($"an offer is open of a report that is not offered: {reportId}");
            ActFor(call, intake);
            ReportDesk.EndOverdueOffers(call, report);
            await commits.CommitAsync(Record(call, intake), call.Change);
            return true;
        }
        catch (StaleRowException)
        {
            return false;
        }
        finally
        {
            call.EndRead();
        }
    }

    /// <summary>What follows from an offer of the screening centre is done in its name; no person does it.</summary>
    private static void ActFor(Call call, Unit intake)
    {
        call.ActingUnit = intake;
        call.Context = new Wire.AccessContext
        {
            Purpose = Wire.Purpose.IntakeScreening, LegalBasis = Wire.LegalBasis.StatutoryReport,
            Actor = new Wire.ActingPerson { Role = Wire.ActorRole.BatchJob, UnitId = intake.UnitId },
        };
    }

    private static AuditEntry Record(Call call, Unit intake)
    {
        var record = call.ToRecord(Wire.AuditOutcome.Permitted, Wire.ErrorReason.Unspecified, ClassSet.None, ClassSet.None);
        (record.ActorPersonId, record.Jurisdiction) = (Actor, intake.Agency.Jurisdiction);
        return AuditEntry.Of(record);
    }

    private DateTimeOffset? NextAt()
    {
        using var read = exchange.Store.Read();
        return read.NextOfferEndAt();
    }
}
