using SafetyNet.Exchange.Server.Calendar;

namespace SafetyNet.Exchange.Server.BreakGlass;

/// <summary>How often glass may be broken before somebody looks (B42), and the calendar that reviews go by.</summary>
internal sealed record BreakGlassSettings
{
    /// <summary>Break-glasses of one person within a shift, not yet reviewed, 1 to 19. The one that reaches it tells the officers; from the next on they are refused
    /// until the reviews are done. Default 5.</summary>
    public int PerPersonPerShift { get; init; } = 5;

    /// <summary>The same for all persons of one agency, 1 to 1000. Default 20.</summary>
    public int PerAgencyPerShift { get; init; } = 20;

    /// <summary>Length of a shift, 1 to 24 hours. Default 8.</summary>
    public int ShiftHours { get; init; } = 8;

    /// <summary>File with the official calendar (form: <see cref="WorkingDays"/>), whose years take the place of the built-in ones; empty (default): none.</summary>
    public string CalendarPath { get; init; } = "";

    public IEnumerable<string> Problems()
    {
        if (PerPersonPerShift is < 1 or > 19) yield return "BreakGlass:PerPersonPerShift is 1 to 19";
        if (PerAgencyPerShift is < 1 or > 1000) yield return "BreakGlass:PerAgencyPerShift is 1 to 1000";
        if (ShiftHours is < 1 or > 24) yield return "BreakGlass:ShiftHours is 1 to 24";
        if (CalendarPath.Length > 0 && !File.Exists(CalendarPath)) yield return "BreakGlass:CalendarPath names a file that is not there: the official calendar of days off";
    }
}
