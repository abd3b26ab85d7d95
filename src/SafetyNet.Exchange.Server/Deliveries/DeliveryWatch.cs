using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>
/// Tells the offices of a register, and the security officers of their agency, of an expected delivery that was not completed in time (R-HH-3): once for each, also for those that fell due while
/// the server was down. Notices, the place up to which was looked, and the record are one commit.
/// </summary>
internal sealed class DeliveryWatch(SqliteStore store, CommitQueue commits, Func<MemberDirectory> members, PolicyInForce policy, DeliverySettings settings, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Name of the deed in its records.</summary>
    public const string Method = "household-deliveries/TellLate";

    private const string Actor = "delivery-watch";

    private readonly SemaphoreSlim _one = new(1, 1);
    private DueLoop? _loop;

    /// <summary>Goes on beside the calls.</summary>
    public void Begin()
    {
        if (settings.Expected.Length == 0) return;
        _loop = new DueLoop(RunAsync, NextAt, ServerLog.DeliveryWatchFailed, clock);
        _loop.Begin();
    }

    /// <summary>Looks for all that fell due; the tests' way to a run, and that of the loop.</summary>
    /// <returns>Deliveries that are late.</returns>
    /// <exception cref="StoreUnavailableException">The store takes nothing; what was committed stays, the rest is for the next run.</exception>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var late = 0;
            foreach (var expected in settings.Expected)
            {
                while (await LookAsync(expected) is { } isLate)
                {
                    cancellation.ThrowIfCancellationRequested();
                    if (isLate) late++;
                }
            }

            return late;
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

    /// <summary>Whom deliveries of a register concern besides who makes them: its active household offices and the security units of their agencies.</summary>
    public static IReadOnlyList<string> ToldOf(MemberDirectory registry, Wire.Jurisdiction register)
    {
        var offices = registry.Units.Where(unit => unit.IsActive && unit.Kind == Wire.UnitKind.HouseholdOffice && unit.Agency.Kind == Wire.AgencyKind.HouseholdRegistration
            && unit.Agency.Jurisdiction == register).ToList();
        return [.. offices.Select(unit => unit.UnitId).Concat(offices.Select(unit => unit.Agency.SecurityUnitId).Where(id => id.Length > 0)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>Looks for the next delivery that fell due; true: it is late, false: it came, null: none is due.</summary>
    private async Task<bool?> LookAsync(ExpectedDelivery expected)
    {
        var now = Instants.Whole(clock.GetUtcNow());
        var (register, change) = (expected.Register, new Change());
        bool isLate;
        DateTimeOffset due;
        using (var read = store.Read())
        {
            if (read.DeliveryLooks().Find(look => look.Jurisdiction == register) is not { } look)
            {
                // From the first look on: what should have come before anybody expected it is not late.
                change.Add(new DeliveryLook { Jurisdiction = register, LookedUntil = now });
                await commits.CommitAsync(AuditEntry.Of(Record(register, now)), change);
                return null;
            }

            due = expected.NextAfter(look.LookedUntil);
            if (due > now) return null;
            isLate = !read.HasCompleted(register, due - TimeSpan.FromDays(expected.EveryDays), due);
            look.LookedUntil = due;
            change.Update(look);
        }

        if (isLate)
        {
            var told = ToldOf(members(), register);
            if (told.Count == 0) ServerLog.NobodyDelivers(register);
            foreach (var unitId in told) change.Notify(new NoticeDraft(unitId, Wire.NoticeKind.HouseholdDeliveryLate, null, null) { CauseUnitId = told[0] });
        }

        await commits.CommitAsync(AuditEntry.Of(Record(register, now)), change);
        return isLate;
    }

    /// <summary>The record of a deed that no caller did.</summary>
    private Wire.AuditRecord Record(Wire.Jurisdiction register, DateTimeOffset now)
    {
        var current = policy.Current;
        return new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(now).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Method = Method, Jurisdiction = register,
            ActorPersonId = Actor, ActorRole = Wire.ActorRole.BatchJob, Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
            Outcome = Wire.AuditOutcome.Permitted, PolicyRevision = current.Revision, PolicyHash = current.Sha256[..16],
        };
    }

    private DateTimeOffset? NextAt()
    {
        using var read = store.Read();
        var looks = read.DeliveryLooks();
        return settings.Expected.Select(expected => looks.Find(look => look.Jurisdiction == expected.Register) is { } look ? expected.NextAfter(look.LookedUntil) : clock.GetUtcNow()).Min();
    }
}
