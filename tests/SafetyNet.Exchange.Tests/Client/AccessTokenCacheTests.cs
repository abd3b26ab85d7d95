using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Tests.Client;

public sealed class AccessTokenCacheTests
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly SetClock _clock = new();
    private int _asked;

    [Fact]
    public async Task Calls_share_one_token_until_a_minute_before_its_end()
    {
        using var cache = new AccessTokenCache(Issue, _clock);
        Assert.Equal("token-1", await cache.GetAsync(TestContext.Current.CancellationToken));

        _clock.Advance(Lifetime - TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1));
        Assert.Equal("token-1", await cache.GetAsync(TestContext.Current.CancellationToken));

        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal("token-2", await cache.GetAsync(TestContext.Current.CancellationToken));
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task A_short_token_is_renewed_when_a_fifth_of_its_life_is_left()
    {
        using var cache = new AccessTokenCache(_ => Task.FromResult(new IssuedToken($"token-{++_asked}", TimeSpan.FromSeconds(100))), _clock);
        await cache.GetAsync(TestContext.Current.CancellationToken);

        _clock.Advance(TimeSpan.FromSeconds(79));
        Assert.Equal("token-1", await cache.GetAsync(TestContext.Current.CancellationToken));

        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("token-2", await cache.GetAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Calls_that_wait_for_the_first_token_ask_once_between_them()
    {
        var issued = new TaskCompletionSource<IssuedToken>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var cache = new AccessTokenCache(_ => { _asked++; return issued.Task; }, _clock);
        var waiting = Enumerable.Range(0, 50).Select(_ => cache.GetAsync(TestContext.Current.CancellationToken).AsTask()).ToArray();

        issued.SetResult(new IssuedToken("token", Lifetime));

        Assert.All(await Task.WhenAll(waiting), token => Assert.Equal("token", token));
        Assert.Equal(1, _asked);
    }

    [Fact]
    public async Task Calls_go_on_with_the_old_token_while_another_call_renews_it()
    {
        var renewal = new TaskCompletionSource<IssuedToken>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var cache = new AccessTokenCache(_ => _asked++ == 0 ? Task.FromResult(new IssuedToken("old", Lifetime)) : renewal.Task, _clock);
        await cache.GetAsync(TestContext.Current.CancellationToken);
        _clock.Advance(Lifetime - TimeSpan.FromSeconds(30));

        var renewing = cache.GetAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.Equal("old", await cache.GetAsync(TestContext.Current.CancellationToken));

        renewal.SetResult(new IssuedToken("new", Lifetime));
        Assert.Equal("new", await renewing);
    }

    [Fact]
    public async Task A_failed_renewal_is_survived_until_the_token_has_run_out()
    {
        using var cache = new AccessTokenCache(
            _ => _asked++ == 0 ? Task.FromResult(new IssuedToken("old", Lifetime)) : throw new HttpRequestException("away"), _clock);
        await cache.GetAsync(TestContext.Current.CancellationToken);

        _clock.Advance(Lifetime - TimeSpan.FromSeconds(30));
        Assert.Equal("old", await cache.GetAsync(TestContext.Current.CancellationToken));
        Assert.Equal("old", await cache.GetAsync(TestContext.Current.CancellationToken));
        Assert.Equal(2, _asked);

        _clock.Advance(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<HttpRequestException>(() => cache.GetAsync(TestContext.Current.CancellationToken).AsTask());
    }

    [Fact]
    public async Task A_token_that_was_let_go_is_fetched_anew()
    {
        using var cache = new AccessTokenCache(Issue, _clock);
        await cache.GetAsync(TestContext.Current.CancellationToken);

        cache.Forget();

        Assert.Equal("token-2", await cache.GetAsync(TestContext.Current.CancellationToken));
    }

    private Task<IssuedToken> Issue(CancellationToken cancellation) => Task.FromResult(new IssuedToken($"token-{++_asked}", Lifetime));

    private sealed class SetClock : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 3, 2, 9, 0, 0, TimeSpan.Zero);

        public void Advance(TimeSpan by) => _now += by;

        public override DateTimeOffset GetUtcNow() => _now;
    }
}
