using System.Globalization;
using SafetyNet.Exchange.Tests.Pipeline;

namespace SafetyNet.Exchange.Tests.Year;

/// <summary>
/// Working time counted anew, by nothing of the server's code: all office hours of the years are laid end to end, and an amount is a place on that line.
/// </summary>
internal sealed class OfficeCalendar
{
    private static readonly TimeSpan Taiwan = TimeSpan.FromHours(8), Opens = new(8, 30, 0), Closes = new(17, 30, 0);

    /// <summary>Beginnings of the office days, in order.</summary>
    private readonly List<DateTimeOffset> _days = [];

    public OfficeCalendar(int firstYear, int lastYear)
    {
        var off = File.ReadLines(Path.Combine(Repository.Root, "src", "SafetyNet.Exchange.Server", "Calendar", "calendar-tw.csv"))
            .Where(line => line.Length > 10 && char.IsAsciiDigit(line[0])).Select(line => DateOnly.ParseExact(line[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture)).ToHashSet();
        for (var day = new DateOnly(firstYear, 1, 1); day.Year <= lastYear; day = day.AddDays(1))
            if (day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday) && !off.Contains(day)) _days.Add(new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), Taiwan) + Opens);
    }

    public static TimeSpan Day => Closes - Opens;

    /// <summary>The first instant at which so much office time has passed.</summary>
    /// <param name="from">An instant of the years.</param>
    /// <param name="amount">More than zero.</param>
    public DateTimeOffset After(DateTimeOffset from, TimeSpan amount)
    {
        var place = PlaceOf(from) + amount.Ticks;
        // A full day ends in the evening, not on the next morning.
        var day = (int)((place - 1) / Day.Ticks);
        return (_days[day] + TimeSpan.FromTicks(place - (day * Day.Ticks))).ToUniversalTime();
    }

    /// <summary>Ticks of office time before an instant.</summary>
    private long PlaceOf(DateTimeOffset instant)
    {
        var next = _days.BinarySearch(instant);
        if (next >= 0) return next * Day.Ticks;
        var day = ~next - 1;
        return (day * Day.Ticks) + Math.Min((instant - _days[day]).Ticks, Day.Ticks);
    }
}
