namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>The hours of an office day in Taiwan (UTC+8). Pure.</summary>
/// <param name="FromHour">Inclusive, 0 to 23.</param>
/// <param name="UntilHour">Exclusive, 1 to 24.</param>
internal sealed record WorkingTime(int FromHour, int UntilHour)
{
    private static readonly TimeSpan Taiwan = TimeSpan.FromHours(8);

    /// <summary>An instant lies in working time.</summary>
    /// <param name="isWorkingDay">By the calendar of days off; null: its year is not loaded, then Monday to Friday are taken for working days.</param>
    public bool Contains(DateTimeOffset at, Func<DateOnly, bool?> isWorkingDay)
    {
        var local = at.ToOffset(Taiwan);
        var works = isWorkingDay(DateOnly.FromDateTime(local.DateTime)) ?? local.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday);
        return works && local.Hour >= FromHour && local.Hour < UntilHour;
    }
}
