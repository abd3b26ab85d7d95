using System.Globalization;
using System.Threading.RateLimiting;
using Grpc.Core;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>How much one caller may ask for.</summary>
internal sealed record CallLimits
{
    /// <summary>Calls a minute of one acting person, 1 or more. Default 600.</summary>
    public int PerPersonPerMinute { get; init; } = 600;

    /// <summary>Calls a minute of one agency, 1 or more. Default 60 000.</summary>
    public int PerAgencyPerMinute { get; init; } = 60_000;

    /// <summary>Look-ups of a day.</summary>
    public LookUpLimits LookUps { get; init; } = new();

    /// <summary>Longest a call may take whatever deadline it came with, 1 to 300 seconds. Default 30.</summary>
    public int DeadlineCapSeconds { get; init; } = 30;
}

/// <summary>
/// How much one caller may look up in a day of Taiwan (R-HH-4), besides the rate of calls. Who sweeps through ids finds nobody again and again, however slowly and spread over however many persons
/// (B32); a desk at work mistypes a few.
/// </summary>
internal sealed record LookUpLimits
{
    /// <summary>Look-ups of one acting person, 1 or more. Default 2000: some ten times a busy day.</summary>
    public int PerPerson { get; init; } = 2000;

    /// <summary>Look-ups of one agency, not less than of one person. Default 200 000.</summary>
    public int PerAgency { get; init; } = 200_000;

    /// <summary>Look-ups of one acting person that find nobody, or nobody whom the caller may see: 1 or more. Default 50.</summary>
    public int MissesPerPerson { get; init; } = 50;

    /// <summary>The same of one agency, not less than of one person. Default 500.</summary>
    public int MissesPerAgency { get; init; } = 500;

    public IEnumerable<string> Problems()
    {
        if (PerPerson < 1 || MissesPerPerson < 1 || PerAgency < PerPerson || MissesPerAgency < MissesPerPerson)
            yield return "Limits:LookUps: PerPerson and MissesPerPerson are 1 or more, PerAgency and MissesPerAgency not less than those of a person";
    }
}

/// <summary>Step 3: rate per person and agency, and a cap on how long a call may run. The exchange answers itself, so that clients do not retry at once (B22).</summary>
internal sealed class LimitStep(CallLimits limits) : IDisposable
{
    private readonly PartitionedRateLimiter<Call> _agencies = PartitionedRateLimiter.Create<Call, (Wire.Jurisdiction, string)>(call => RateLimitPartition.GetTokenBucketLimiter(
        (call.Member!.System.Agency.Jurisdiction, call.Member.System.Agency.Code), _ => Bucket(limits.PerAgencyPerMinute)));

    private readonly PartitionedRateLimiter<Call> _persons = PartitionedRateLimiter.Create<Call, (Wire.Jurisdiction, string, string)>(call => RateLimitPartition.GetTokenBucketLimiter(
        (call.Member!.System.Agency.Jurisdiction, call.Member.System.Agency.Code, PersonOf(call)), _ => Bucket(limits.PerPersonPerMinute)));

    public void Admit(Call call)
    {
        if ((WaitFor(_persons, call) ?? WaitFor(_agencies, call)) is { } wait) throw new Refusal(Wire.ErrorReason.RateLimited, ("limit", "calls per minute")) { RetryAfter = wait };
    }

    /// <summary>One message of a stream counts for its agency; a person may hand in as many as one file holds. How long it must wait; null: not at all.</summary>
    public TimeSpan? AdmitRow(Call call) => WaitFor(_agencies, call);

    /// <summary>Before anything is committed: a caller that has gone, or a call that took too long, gets no effect instead of one it does not hear of (B21).</summary>
    public void RequireTime(Call call, ServerCallContext context, TimeProvider clock)
    {
        if (!context.CancellationToken.IsCancellationRequested && clock.GetUtcNow() - call.Now < TimeSpan.FromSeconds(limits.DeadlineCapSeconds)) return;
        throw new Refusal(Wire.ErrorReason.DeadlineExceeded, ("cap_seconds", limits.DeadlineCapSeconds.ToString(CultureInfo.InvariantCulture)));
    }

    public void Dispose()
    {
        _persons.Dispose();
        _agencies.Dispose();
    }

    private static TimeSpan? WaitFor(PartitionedRateLimiter<Call> limiter, Call call)
    {
        using var lease = limiter.AttemptAcquire(call);
        if (lease.IsAcquired) return null;
        return lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1);
    }

    /// <summary>The form of the id is checked after the limits: what has none, of whatever length, shares one bucket.</summary>
    private static string PersonOf(Call call) => call.Context!.Actor.PersonId is var id && TextCharacters.IsActorId(id) ? id : "";

    private static TokenBucketRateLimiterOptions Bucket(int perMinute) => new()
    {
        TokenLimit = perMinute, TokensPerPeriod = Math.Max(1, perMinute / 60), ReplenishmentPeriod = TimeSpan.FromSeconds(1), QueueLimit = 0,
        AutoReplenishment = true,
    };
}
