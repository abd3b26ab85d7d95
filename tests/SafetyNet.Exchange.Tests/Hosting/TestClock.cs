namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>The machine's clock, set forward at will. Timers run by the machine's clock alone.</summary>
internal sealed class TestClock : TimeProvider
{
    private long _aheadTicks;
    private long _stepTicks;
    private long _pinnedTicks;

    /// <summary>How much the clock leaps at each look at it; a call takes that long between any two looks. Default none.</summary>
    public TimeSpan StepPerLook
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _stepTicks));
        set => Interlocked.Exchange(ref _stepTicks, value.Ticks);
    }

    /// <summary>Stops at an instant, for what happens at that very instant and at no other.</summary>
    public void PinAt(DateTimeOffset instant) => Interlocked.Exchange(ref _pinnedTicks, instant.UtcTicks);

    public override DateTimeOffset GetUtcNow() => Interlocked.Read(ref _pinnedTicks) is not 0 and var pinned
        ? new DateTimeOffset(pinned, TimeSpan.Zero)
        : base.GetUtcNow().AddTicks(Interlocked.Add(ref _aheadTicks, Interlocked.Read(ref _stepTicks)));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _aheadTicks, by.Ticks);
}
