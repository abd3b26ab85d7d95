using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>The one place that turns a duty into instants: rules and calendar in, clocks out (R-INT-6, R-REF-7).</summary>
internal sealed class TimeLimits(ClockRules rules, WorkingTime time)
{
    /// <summary>A clock of a kind from an instant on, with all its steps.</summary>
    /// <exception cref="Refusal">CALENDAR_NOT_LOADED: the limit or a step reaches into a year that is not known.</exception>
    public Clock Begin(Wire.ClockKind kind, string profile, string resource, Guid resourceId, string unitId, string tellsUnitId, Wire.Jurisdiction jurisdiction, DateTimeOffset at)
    {
        var rule = rules.Get(kind, profile);
        return Begin(rule, rule.Limit.LengthBy(rules.Hours), resource, resourceId, unitId, tellsUnitId, jurisdiction, at);
    }

    /// <summary>A clock of a kind that goes by a due date, from an instant to the end of that day.</summary>
    /// <param name="dueAt">First instant after the limit.</param>
    public Clock BeginUntil(Wire.ClockKind kind, string resource, Guid resourceId, string unitId, string tellsUnitId, Wire.Jurisdiction jurisdiction, DateTimeOffset at, DateTimeOffset dueAt) =>
        Begin(rules.Get(kind, ClockRules.Standard), dueAt - at, resource, resourceId, unitId, tellsUnitId, jurisdiction, at);

    private Clock Begin(ClockRule rule, TimeSpan limit, string resource, Guid resourceId, string unitId, string tellsUnitId, Wire.Jurisdiction jurisdiction, DateTimeOffset at)
    {
        ClockStep[] steps = [.. rule.Steps.Select(step => new ClockStep(step.As, step.Tell, After(step.After(limit))))];
        return new Clock
        {
            ClockId = Guid.CreateVersion7(at), Kind = rule.Kind, Profile = rule.Profile, Resource = resource, ResourceId = resourceId, UnitId = unitId, TellsUnitId = tellsUnitId,
            Jurisdiction = jurisdiction, IsWorkingTime = rule.Limit.IsWorkingTime, StartedAt = at, DueAt = After(limit), Steps = Clock.Write(steps), NextAt = steps[0].At,
            RulesRevision = rules.Revision, Version = 1,
        };

        DateTimeOffset After(TimeSpan amount) => rule.Limit.IsWorkingTime ? time.Add(at, amount) : at + amount;
    }

    /// <summary>Starts a clock in a change, with the commit of its cause; where one of that kind runs for the thing at that unit already, that one goes on and nothing happens.</summary>
    /// <param name="change">What is committed; a clock that it stops does not count as running.</param>
    /// <param name="read">State that the change is made from.</param>
    /// <param name="members">Registry.</param>
    /// <param name="at">Now.</param>
    /// <param name="kind">What has the limit.</param>
    /// <param name="profile">Key into the rules, e.g. <c>protective</c> or a report type; unknown ones go by <c>standard</c>.</param>
    /// <param name="resource">Kind of the thing, e.g. <c>referral</c>.</param>
    /// <param name="resourceId">Its id.</param>
    /// <param name="unitId">Unit that must act.</param>
    /// <param name="tellsUnitId">Unit that hears of it at escalation; empty: none.</param>
    /// <exception cref="Refusal">CALENDAR_NOT_LOADED: nothing is started by guess.</exception>
    public void Start(Change change, ReadSession read, MemberDirectory members, DateTimeOffset at, Wire.ClockKind kind, string profile, string resource, Guid resourceId, string unitId,
        string tellsUnitId = "")
    {
        var isStopped = change.ClockStops.Any(stop => stop.ResourceId == resourceId && (stop.Kind == kind || stop.Kind == default));
        if (!isStopped && read.HasRunningClock(resourceId, kind, unitId)) return;
        change.Add(Begin(kind, profile, resource, resourceId, unitId, tellsUnitId, members.FindUnit(unitId)?.Agency.Jurisdiction ?? Wire.Jurisdiction.Tw, at));
    }

    /// <summary>Time from one instant to another in the measure of a clock.</summary>
    public TimeSpan Measure(bool isWorkingTime, DateTimeOffset from, DateTimeOffset until) => isWorkingTime ? time.Between(from, until) : until - from;
}
