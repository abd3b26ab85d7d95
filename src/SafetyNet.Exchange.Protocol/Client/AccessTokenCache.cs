namespace SafetyNet.Exchange.Protocol.Client;

/// <summary>A token as the token service gave it.</summary>
/// <param name="Value">The token, without <c>Bearer</c>.</param>
/// <param name="Lifetime">From the moment it was given; <c>expires_in</c> of RFC 6749 5.1.</param>
public readonly record struct IssuedToken(string Value, TimeSpan Lifetime);

/// <summary>Keeps the system's access token and renews it before it runs out, so that no call waits for one but the first.</summary>
/// <remarks>
/// Renewed when a fifth of its life is left, a minute at most. One request at a time however many calls wait; calls go on with the old token while a renewal
/// is under way and when it fails, until that one has run out. Safe for concurrent use.
/// </remarks>
public sealed class AccessTokenCache : IDisposable
{
    private static readonly TimeSpan LongestMargin = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly Func<CancellationToken, Task<IssuedToken>> _request;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile Held? _held;

    /// <param name="request">Fetches a new token; what it throws reaches the call that waits.</param>
    /// <param name="clock">Tells the age of the token.</param>
    public AccessTokenCache(Func<CancellationToken, Task<IssuedToken>> request, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(clock);
        _request = request;
        _clock = clock;
    }

    /// <summary>A token that is good now.</summary>
    public ValueTask<string> GetAsync(CancellationToken cancellation = default)
    {
        var held = _held;
        return held is not null && _clock.GetUtcNow() < held.RenewAt ? new ValueTask<string>(held.Value) : new ValueTask<string>(RenewAsync(cancellation));
    }

    /// <summary>Lets go of the token; the next call fetches another.</summary>
    public void Forget() => _held = null;

    public void Dispose() => _gate.Dispose();

    private async Task<string> RenewAsync(CancellationToken cancellation)
    {
        // Whoever still has a good token does not queue behind a renewal.
        if (!await _gate.WaitAsync(0, cancellation))
        {
            if (_held is { } old && _clock.GetUtcNow() < old.ExpiresAt)
                return old.Value;
            await _gate.WaitAsync(cancellation);
        }

        try
        {
            var now = _clock.GetUtcNow();
            var held = _held;
            if (held is not null && now < held.RenewAt)
                return held.Value;
            try
            {
                var token = await _request(cancellation);
                // Counted from before the request: the token may be older than its answer, never younger.
                var margin = TimeSpan.FromTicks(Math.Min(token.Lifetime.Ticks / 5, LongestMargin.Ticks));
                _held = new Held(token.Value, now + token.Lifetime - margin, now + token.Lifetime);
                return token.Value;
            }
            catch (Exception) when (held is not null && !cancellation.IsCancellationRequested && _clock.GetUtcNow() < held.ExpiresAt)
            {
                var retryAt = _clock.GetUtcNow() + RetryDelay;
                _held = held with { RenewAt = retryAt < held.ExpiresAt ? retryAt : held.ExpiresAt };
                return held.Value;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private sealed record Held(string Value, DateTimeOffset RenewAt, DateTimeOffset ExpiresAt);
}
