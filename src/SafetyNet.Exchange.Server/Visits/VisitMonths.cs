namespace SafetyNet.Exchange.Server.Visits;

/// <summary>A visit or attempt of a protocol, as far as its months are reckoned by it.</summary>
/// <param name="State">Where the visit stands.</param>
/// <param name="PlannedOn">Day that it is planned for.</param>
/// <param name="DoneOn">Day on which it was made; null: it was not.</param>
/// <param name="AttemptedOn">Days on which no one was found.</param>
internal sealed record CountedVisit(Wire.VisitState State, DateOnly PlannedOn, DateOnly? DoneOn, IReadOnlyList<DateOnly> AttemptedOn);

/// <summary>One month of a protocol and what became of it.</summary>
/// <param name="Number">1 for the first.</param>
/// <param name="BeginsOn">First day.</param>
/// <param name="EndsBefore">First day of the next month.</param>
internal sealed record CountedMonth(int Number, DateOnly BeginsOn, DateOnly EndsBefore, int Needed, int Done, int Attempts, int Planned, int Missing);

/// <summary>
/// The months of a protocol (R-CASE-5), by date in Taiwan. Month k begins k - 1 months after the first day: on the same day of the month, or on the last day of a month that has no such day, each time
/// counted from the first day of all. Pure.
/// </summary>
/// <param name="startsOn">First day of the first month.</param>
/// <param name="minimumMonths">Months that it lasts at least.</param>
/// <param name="needs">How many visits a month needs, in the order of their months, the first from month 1.</param>
internal sealed class VisitMonths(DateOnly startsOn, int minimumMonths, IReadOnlyList<VisitNeed> needs)
{
    /// <summary>First day on which it may end without a reason.</summary>
    public DateOnly MinimumEndsBefore => BeginOf(minimumMonths + 1);

    public int MinimumMonths => minimumMonths;

    public DateOnly BeginOf(int month) => startsOn.AddMonths(month - 1);

    /// <summary>Months that have begun by a day; of a day before the first, none.</summary>
    public int BegunBy(DateOnly day)
    {
        var month = 0;
        while (BeginOf(month + 1) <= day) month++;
        return month;
    }

    public int NeededIn(int month) => needs.Last(need => need.FromMonth <= month).PerMonth;

    /// <summary>Days that the visits of a month are planned for: the middle day of each of as many equal parts as it needs visits; none before the day of planning, and none of a month that is over.</summary>
    public IEnumerable<DateOnly> PlannedDays(int month, DateOnly today)
    {
        var (begin, end, needed) = (BeginOf(month), BeginOf(month + 1), NeededIn(month));
        if (end <= today) yield break;
        var days = end.DayNumber - begin.DayNumber;
        for (var i = 1; i <= needed; i++)
        {
            var day = begin.AddDays(days * ((2 * i) - 1) / (2 * needed));
            yield return day < today ? today : day;
        }
    }

    /// <summary>
    /// Its months with what they needed and got: those that it lasts at least and every further one that has begun; after its end those that had begun. A visit counts for the month in which it was
    /// made. What is planned counts towards the need as long as its month is not over.
    /// </summary>
    /// <param name="visits">The visits of the protocol.</param>
    /// <param name="today">Day of the question.</param>
    /// <param name="endedOn">Day on which it ended; null: it runs. The month that it cuts short needs nothing.</param>
    public IReadOnlyList<CountedMonth> Count(IReadOnlyCollection<CountedVisit> visits, DateOnly today, DateOnly? endedOn)
    {
        var last = endedOn is { } end ? BegunBy(end) : Math.Max(minimumMonths, BegunBy(today));
        var months = new List<CountedMonth>(last);
        for (var month = 1; month <= last; month++)
        {
            var (begin, next) = (BeginOf(month), BeginOf(month + 1));
            var needed = endedOn < next ? 0 : NeededIn(month);
            var done = visits.Count(visit => visit.State == Wire.VisitState.Done && IsIn(visit.DoneOn!.Value));
            var planned = visits.Count(visit => visit.State == Wire.VisitState.Planned && IsIn(visit.PlannedOn));
            var attempts = visits.Sum(visit => visit.AttemptedOn.Count(IsIn));
            months.Add(new CountedMonth(month, begin, next, needed, done, attempts, planned, Math.Max(0, needed - done - (today < next ? planned : 0))));

            bool IsIn(DateOnly day) => day >= begin && day < next;
        }

        return months;
    }
}
