using static SafetyNet.Exchange.V1.ClockKind;

namespace SafetyNet.Exchange.Tests.Year;

/// <summary>A time limit and when it speaks.</summary>
/// <param name="IsWorkingTime">Counted in office hours; else in real ones.</param>
/// <param name="Length">How long a unit has.</param>
/// <param name="RemindsAtPercent">Shares of the limit at which the unit is reminded.</param>
/// <param name="EscalatesAfter">How long after the limit those above hear of it.</param>
/// <param name="TellsReferrer">Whoever waits for the deed hears of the escalation too.</param>
internal sealed record Limit(bool IsWorkingTime, TimeSpan Length, int[] RemindsAtPercent, TimeSpan EscalatesAfter, bool TellsReferrer)
{
    /// <summary>When each step is due, and what its notice is.</summary>
    public IEnumerable<(Wire.NoticeKind Says, DateTimeOffset At)> StepsFrom(DateTimeOffset start, OfficeCalendar calendar)
    {
        foreach (var percent in RemindsAtPercent) yield return (Wire.NoticeKind.ClockReminder, After(Length * percent / 100));
        yield return (Wire.NoticeKind.ClockOverdue, After(Length));
        yield return (Wire.NoticeKind.ClockEscalated, After(Length + EscalatesAfter));

        DateTimeOffset After(TimeSpan amount) => IsWorkingTime ? calendar.After(start, amount) : start + amount;
    }
}

/// <summary>The time limits of R-INT-6 to R-INT-9, R-REF-7 and R-REF-10, written down anew.</summary>
internal static class Limits
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1), HalfHour = TimeSpan.FromMinutes(30), TwoHours = TimeSpan.FromHours(2), FourHours = TimeSpan.FromHours(4), OneDay = TimeSpan.FromHours(24);

    private static readonly Dictionary<(Wire.ClockKind Kind, bool IsProtective), Limit> Table = new()
    {
        [(ReferralAcceptance, false)] = new(true, 3 * OfficeCalendar.Day, [50, 80], FourHours, true),
        [(ReferralAcceptance, true)] = new(false, OneDay, [50, 80], Hour, true),
        [(ReportDispatch, false)] = new(true, OfficeCalendar.Day, [50], TwoHours, false),
        [(ReportDispatch, true)] = new(false, TwoHours, [50], HalfHour, false),
        [(ReportFirstContact, false)] = new(true, 3 * OfficeCalendar.Day, [50, 80], FourHours, true),
        [(ReportFirstContact, true)] = new(false, OneDay, [50, 80], Hour, true),
        [(ProtectiveReportDue, false)] = new(false, OneDay, [25, 75], Hour, true),
        [(JuvenileNoticeAcknowledgement, false)] = new(true, 3 * OfficeCalendar.Day, [50], FourHours, true),
        [(DisputeRuling, false)] = new(true, OfficeCalendar.Day, [50], TwoHours, true),
        [(HandshakeConfirmation, false)] = new(true, 3 * OfficeCalendar.Day, [50], FourHours, true),
        [(HandshakeConfirmation, true)] = new(false, OneDay, [50], Hour, true),
        [(ReferralCompletion, false)] = new(true, OfficeCalendar.Day, [50], TwoHours, false),
        [(ReferralCompletion, true)] = new(false, TwoHours, [50], HalfHour, false),
    };

    public static Limit Of(Wire.ClockKind kind, bool isProtective) => Table[(kind, isProtective && HasProtective(kind))];

    /// <summary>Protective matters have a limit of their own of this kind.</summary>
    public static bool HasProtective(Wire.ClockKind kind) => Table.ContainsKey((kind, true));
}
