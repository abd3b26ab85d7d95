namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>Does what falls due beside the calls: sleeps until the next thing is due, or until something begins that is due before, and goes on after a failure.</summary>
/// <param name="run">Does all that is due now.</param>
/// <param name="nextAt">When the next thing is due, by the store; null: nothing will be.</param>
/// <param name="failed">Told the kind of a failure; the run is tried again.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class DueLoop(Func<CancellationToken, Task> run, Func<DateTimeOffset?> nextAt, Action<string> failed, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Longest sleep: the machine's time may be set, or the machine suspended.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMinutes(1), RetryPause = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _ends = new();
    private readonly SemaphoreSlim _bell = new(0, 1);
    private Task _running = Task.CompletedTask;
    private long _sleepsUntilTicks = long.MaxValue;

    public void Begin() => _running = Task.Run(async () =>
    {
        while (!_ends.IsCancellationRequested)
        {
            try
            {
                await run(_ends.Token);
                await SleepAsync();
            }
            catch (OperationCanceledException) when (_ends.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Said, and tried again: whoever relies on being told must not wait in vain.
                failed(e.GetType().Name);
                await Task.Delay(RetryPause, clock, _ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    });

    /// <summary>Something began that is due then.</summary>
    public void Begins(DateTimeOffset dueAt)
    {
        if (dueAt.UtcTicks < Interlocked.Read(ref _sleepsUntilTicks)) Ring();
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _running;
        _ends.Dispose();
        _bell.Dispose();
    }

    private async Task SleepAsync()
    {
        // What begins from here on rings; what began before is read.
        Interlocked.Exchange(ref _sleepsUntilTicks, long.MaxValue);
        var next = nextAt();
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
            // Somebody else rang, or the loop has ended.
        }
    }
}
