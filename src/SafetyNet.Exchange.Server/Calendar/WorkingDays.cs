using System.Collections.Frozen;
using System.Globalization;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Calendar;

/// <summary>
/// Working days by Taiwan's calendar (政府行政機關辦公日曆表): what reviews (R-NTK-11) and time limits (R-INT-6, R-REF-7) go by. Years whose calendar is not loaded are not guessed. Pure.
/// </summary>
/// <remarks>
/// Form of a calendar: UTF-8, one day a line as <c>YYYY-MM-DD,name</c>, days off other than Saturdays and Sundays; lines that begin with <c>#</c> and the heading
/// <c>date,name</c> are skipped. A day whose name begins with 補行上班 is worked although it is a Saturday. A year is loaded when a line names a day of it.
/// </remarks>
internal sealed class WorkingDays
{
    private const string BuiltIn = "calendar-tw.csv";
    private const string WorkedAllTheSame = "補行上班";

    private readonly FrozenSet<DateOnly> _off;
    private readonly FrozenSet<DateOnly> _worked;
    private readonly FrozenSet<int> _years;

    private WorkingDays(IEnumerable<DateOnly> off, IEnumerable<DateOnly> worked)
    {
        (_off, _worked) = (off.ToFrozenSet(), worked.ToFrozenSet());
        _years = _off.Concat(_worked).Select(day => day.Year).ToFrozenSet();
    }

    /// <summary>Civil date in Taiwan, UTC+8 the whole year.</summary>
    public static DateOnly DateOf(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(OfficeHours.Taiwan).DateTime);

    /// <summary>The calendar that the server is built with, and over it the official one of a deployment.</summary>
    /// <param name="path">File of the official calendar; its years take the place of the built-in ones. Empty: none.</param>
    /// <exception cref="FormatException">A line is no day; the message names file and line.</exception>
    public static WorkingDays Load(string path)
    {
        using var embedded = typeof(WorkingDays).Assembly.GetManifestResourceStream(BuiltIn)
            ?? throw new InvalidOperationException($"{BuiltIn} is not embedded in the server.");
        using var reader = new StreamReader(embedded);
        var builtIn = Parse(reader, BuiltIn);
        if (path.Length == 0) return builtIn;
        using var file = new StreamReader(path);
        var official = Parse(file, Path.GetFileName(path));
        return new WorkingDays(
            official._off.Concat(builtIn._off.Where(day => !official._years.Contains(day.Year))),
            official._worked.Concat(builtIn._worked.Where(day => !official._years.Contains(day.Year))));
    }

    /// <summary>Reads a calendar.</summary>
    /// <exception cref="FormatException">A line is no day; the message names file and line.</exception>
    public static WorkingDays Parse(TextReader calendar, string name)
    {
        List<DateOnly> off = [], worked = [];
        for (var number = 1; calendar.ReadLine() is { } line; number++)
        {
            if (line.Length == 0 || line[0] == '#' || string.Equals(line, "date,name", StringComparison.Ordinal)) continue;
            var parts = line.Split(',', 2);
            if (parts.Length != 2 || !DateOnly.TryParseExact(parts[0], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
                throw new FormatException($"{name} line {number}: not `YYYY-MM-DD,name`.");
            (parts[1].StartsWith(WorkedAllTheSame, StringComparison.Ordinal) ? worked : off).Add(day);
        }

        return new WorkingDays(off, worked);
    }

    /// <summary>The calendar of a year is loaded.</summary>
    public bool Knows(int year) => _years.Contains(year);

    /// <summary>Whether offices are open; null: the year is not known.</summary>
    public bool? Find(DateOnly day) => Knows(day.Year) ? IsWorkingDay(day) : null;

    /// <summary>Whether offices are open.</summary>
    /// <exception cref="Refusal">CALENDAR_NOT_LOADED: the year is not known.</exception>
    public bool IsWorkingDay(DateOnly day)
    {
        if (!Knows(day.Year)) throw new Refusal(Wire.ErrorReason.CalendarNotLoaded, ("year", day.Year.ToString(CultureInfo.InvariantCulture)));
        return _worked.Contains(day) || (day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday) && !_off.Contains(day));
    }

    /// <summary>The last of so many working days after a day; the day itself does not count.</summary>
    /// <exception cref="Refusal">CALENDAR_NOT_LOADED: a year in between is not known.</exception>
    public DateOnly After(DateOnly day, int workingDays)
    {
        for (var left = workingDays; left > 0;)
        {
            day = day.AddDays(1);
            if (IsWorkingDay(day)) left--;
        }

        return day;
    }
}
