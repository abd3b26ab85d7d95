namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>The machine's clock, set forward at will. Timers run by the machine's clock alone.</summary>
internal sealed class TestClock : TimeProvider
{
    private long _aheadTicks;
    private long _stepTicks;

    /// <summary>How much the clock leaps at each look at it; a call takes that long between any two looks. Default none.</summary>
    public TimeSpan StepPerLook
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _stepTicks));
        set => Interlocked.Exchange(ref _stepTicks, value.Ticks);
    }

    public override DateTimeOffset GetUtcNow() =>
        base.GetUtcNow().AddTicks(Interlocked.Add(ref _aheadTicks, Interlocked.Read(ref _stepTicks)));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _aheadTicks, by.Ticks);
}
