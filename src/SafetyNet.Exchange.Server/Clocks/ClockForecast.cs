namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>Whether a clock that runs is likely to be breached, by how long the unit took before. Pure; all times in the measure of the limit.</summary>
internal static class ClockForecast
{
    /// <summary>Stopped clocks that a forecast looks back on at most, and least that it needs.</summary>
    public const int MostLookedAt = 50, LeastNeeded = 10;

    /// <param name="isOverdue">The limit has passed.</param>
    /// <param name="elapsed">How long it has run.</param>
    /// <param name="limit">How long it may run.</param>
    /// <param name="isFirstStepReached">The first step of its rules is due.</param>
    /// <param name="history">How long the last stopped ones of its kind and profile ran, in any order.</param>
    public static Wire.ClockForecast Of(bool isOverdue, TimeSpan elapsed, TimeSpan limit, bool isFirstStepReached, IReadOnlyCollection<TimeSpan> history)
    {
        if (isOverdue) return Wire.ClockForecast.Overdue;
        if (history.Count < LeastNeeded) return isFirstStepReached ? Wire.ClockForecast.AtRisk : Wire.ClockForecast.OnTime;
        var usual = Percentile80(history);
        return usual > limit || elapsed >= usual ? Wire.ClockForecast.AtRisk : Wire.ClockForecast.OnTime;
    }

    /// <summary>The least of the values that four in five do not exceed (nearest rank).</summary>
    public static TimeSpan Percentile80(IReadOnlyCollection<TimeSpan> values) => values.Order().ElementAt(((values.Count * 4) + 4) / 5 - 1);
}
