namespace SafetyNet.Exchange.Server.Calendar;

/// <summary>The hours of an office day in Taiwan (UTC+8). Pure.</summary>
/// <param name="FromMinute">Minute of the day, inclusive, 0 to 1439.</param>
/// <param name="UntilMinute">Minute of the day, exclusive, 1 to 1440; after <paramref name="FromMinute"/>.</param>
internal sealed record OfficeHours(int FromMinute, int UntilMinute)
{
    public static readonly TimeSpan Taiwan = TimeSpan.FromHours(8);

    public TimeSpan From => TimeSpan.FromMinutes(FromMinute);

    public TimeSpan Until => TimeSpan.FromMinutes(UntilMinute);

    public TimeSpan Length => Until - From;

    /// <summary>An instant lies in working time.</summary>
    /// <param name="isWorkingDay">By the calendar of days off; null: its year is not loaded, then Monday to Friday are taken for working days.</param>
    public bool Contains(DateTimeOffset at, Func<DateOnly, bool?> isWorkingDay)
    {
        var local = at.ToOffset(Taiwan);
        return (isWorkingDay(DateOnly.FromDateTime(local.DateTime)) ?? IsWeekday(local.DayOfWeek)) && local.TimeOfDay >= From && local.TimeOfDay < Until;
    }

    /// <summary>What a day is taken for while nobody knows its calendar.</summary>
    public static bool IsWeekday(DayOfWeek day) => day is not (DayOfWeek.Saturday or DayOfWeek.Sunday);
}
