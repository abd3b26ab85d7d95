using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.BreakGlass;

/// <summary>What an agency's break-glasses say about the next one: nothing stored but the break-glasses themselves, so nothing to reset. Pure.</summary>
/// <param name="Open">Those without a verdict, by number.</param>
/// <param name="Alarms">Those that reached a limit, reviewed or not.</param>
internal sealed record BreakGlassRight(IReadOnlyList<BrokenGlass> Open, IReadOnlyList<BrokenGlass> Alarms)
{
    /// <summary>Overdue reviews with which an agency loses the right (R-NTK-11).</summary>
    public const int OverdueThatSuspend = 3;

    /// <summary>Refuses who may not break glass now, naming the reviews that would give the right back.</summary>
    public void Require(string agency, string actorId, DateOnly today)
    {
        var overdue = Open.Where(g => g.IsOverdue(today)).ToList();
        if (overdue.Count >= OverdueThatSuspend)
            throw new Refusal(Wire.ErrorReason.BreakGlassSuspended, ("agency", agency), ("reviews", Ids(overdue)));
        if (Resting(ReachedLimits.OfPerson, g => string.Equals(g.ActorId, actorId, StringComparison.Ordinal)) is { Count: > 0 } ofPerson)
            throw new Refusal(Wire.ErrorReason.BreakGlassLimited, ("limit", "per person and shift"), ("reviews", Ids(ofPerson)));
        if (Resting(ReachedLimits.OfAgency, _ => true) is { Count: > 0 } ofAgency)
            throw new Refusal(Wire.ErrorReason.BreakGlassLimited, ("limit", "per agency and shift"), ("reviews", Ids(ofAgency)));
    }

    /// <summary>Which limits one more reaches.</summary>
    public ReachedLimits ReachedBy(string actorId, DateTimeOffset now, BreakGlassSettings settings)
    {
        var shift = Open.Where(g => g.BrokenAt > now - TimeSpan.FromHours(settings.ShiftHours)).ToList();
        var reached = shift.Count + 1 >= settings.PerAgencyPerShift ? ReachedLimits.OfAgency : ReachedLimits.None;
        if (shift.Count(g => string.Equals(g.ActorId, actorId, StringComparison.Ordinal)) + 1 >= settings.PerPersonPerShift) reached |= ReachedLimits.OfPerson;
        return reached;
    }

    /// <summary>Reviews that are still open of an alarm and of all before it.</summary>
    private List<BrokenGlass> Resting(ReachedLimits limit, Func<BrokenGlass, bool> concerned)
    {
        var last = Alarms.Where(g => g.Reached.HasFlag(limit) && concerned(g)).Select(g => g.Number).DefaultIfEmpty(0).Max();
        return [.. Open.Where(g => concerned(g) && g.Number <= last)];
    }

    private static string Ids(IEnumerable<BrokenGlass> reviews) => string.Join(", ", reviews.Take(20).Select(g => g.BreakGlassId));
}
