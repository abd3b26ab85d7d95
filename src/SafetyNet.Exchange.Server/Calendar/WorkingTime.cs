using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Calendar;

/// <summary>Arithmetic of working time: the office hours of Taiwan's working days, and nothing between them. Pure.</summary>
internal sealed class WorkingTime(WorkingDays days, OfficeHours hours)
{
    public OfficeHours Hours { get; } = hours;

    /// <summary>The first instant at which that much working time has passed since another; of none, that instant itself.</summary>
    /// <param name="amount">Zero or more.</param>
    /// <exception cref="Refusal">CALENDAR_NOT_LOADED: a day on the way lies in a year that is not known; nothing is guessed (fail closed).</exception>
    public DateTimeOffset Add(DateTimeOffset from, TimeSpan amount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(amount, TimeSpan.Zero);
        var (local, left) = (from.ToOffset(OfficeHours.Taiwan), amount);
        if (left == TimeSpan.Zero) return from;
        var (day, begin) = (DateOnly.FromDateTime(local.DateTime), Later(local.TimeOfDay, Hours.From));
        while (true)
        {
            if (days.IsWorkingDay(day) && begin < Hours.Until)
            {
                var rest = Hours.Until - begin;
                if (left <= rest) return At(day, begin + left);
                left -= rest;
            }

            (day, begin) = (day.AddDays(1), Hours.From);
        }
    }

    /// <summary>
    /// Working time from one instant to another; negative where the second is the earlier one. It measures what was or is left and limits nothing, so of a year that is not known Monday to
    /// Friday count.
    /// </summary>
    public TimeSpan Between(DateTimeOffset from, DateTimeOffset until)
    {
        if (until < from) return -Between(until, from);
        var (first, last) = (from.ToOffset(OfficeHours.Taiwan), until.ToOffset(OfficeHours.Taiwan));
        var (day, end, sum) = (DateOnly.FromDateTime(first.DateTime), DateOnly.FromDateTime(last.DateTime), TimeSpan.Zero);
        for (var begin = first.TimeOfDay; day <= end; (day, begin) = (day.AddDays(1), TimeSpan.Zero))
        {
            if (!(days.Find(day) ?? OfficeHours.IsWeekday(day.DayOfWeek))) continue;
            var (opens, closes) = (Later(begin, Hours.From), day == end && last.TimeOfDay < Hours.Until ? last.TimeOfDay : Hours.Until);
            if (closes > opens) sum += closes - opens;
        }

        return sum;
    }

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static DateTimeOffset At(DateOnly day, TimeSpan time) =>
        new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), OfficeHours.Taiwan).Add(time).ToUniversalTime();
}
