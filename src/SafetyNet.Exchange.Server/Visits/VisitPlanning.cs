using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Visits;

/// <summary>Plans visits, with the clock that reminds of them, in a change of a call or of a job; and ends them.</summary>
internal static class VisitPlanning
{
    /// <summary>Profile of the clocks of visits; it says nothing of what a visit is for.</summary>
    public const string Profile = "visit";

    private const string Resource = "visit";

    /// <summary>Plans the visits of a month of a protocol.</summary>
    /// <param name="plannedBy">Staff number of who does; empty: the exchange, by the protocol.</param>
    public static IReadOnlyList<Visit> PlanMonth(Change change, ProtocolRun run, int month, DateOnly today, DateTimeOffset now, string plannedBy) =>
        [.. run.Months().PlannedDays(month, today).Select(day => Plan(change, run, day, now, plannedBy))];

    /// <summary>Plans the months of a protocol that have begun and are not planned yet, as far as they are not over, and says when the next one begins.</summary>
    public static IReadOnlyList<Visit> PlanBegun(Change change, ProtocolRun run, DateOnly today, DateTimeOffset now)
    {
        var (months, visits) = (run.Months(), new List<Visit>());
        for (var begun = months.BegunBy(today); run.MonthsPlanned < begun; run.MonthsPlanned++) visits.AddRange(PlanMonth(change, run, run.MonthsPlanned + 1, today, now, plannedBy: ""));
        run.NextMonthAt = BeginOf(months.BeginOf(run.MonthsPlanned + 1));
        change.Update(run);
        return visits;
    }

    /// <summary>Plans a visit of a protocol.</summary>
    public static Visit Plan(Change change, ProtocolRun run, DateOnly day, DateTimeOffset now, string plannedBy)
    {
        var visit = new Visit
        {
            VisitId = Guid.CreateVersion7(now), CaseId = run.CaseId, UnitId = run.UnitId, PersonId = run.PersonId, RunId = run.RunId, Jurisdiction = run.Jurisdiction,
            ConfidentialityClass = run.ConfidentialityClass, State = Wire.VisitState.Planned, PlannedOn = day, Version = 1,
        };
        Add(change, visit, run.ReminderRule(), run.ProtocolsRevision, now, plannedBy);
        return visit;
    }

    /// <summary>A visit that is planned from now on.</summary>
    public static void Add(Change change, Visit visit, VisitReminders reminders, int revision, DateTimeOffset now, string plannedBy)
    {
        change.Add(visit);
        change.Add(new VisitMoveRow
        {
            MoveId = Guid.CreateVersion7(now), VisitId = visit.VisitId, Number = visit.Version, Action = Wire.VisitAction.Plan, MovedAt = now, PersonId = plannedBy, PlannedOn = visit.PlannedOn,
        });
        Remind(change, visit, reminders, revision, now);
    }

    /// <summary>Starts the clock of a visit: reminder and overdue notices at the time of the day that the rule states. What would have been told before now is not told.</summary>
    public static void Remind(Change change, Visit visit, VisitReminders rule, int revision, DateTimeOffset now)
    {
        var (before, after) = (visit.PlannedOn.AddDays(-rule.UpcomingDaysBefore), visit.PlannedOn);
        ClockStep[] steps =
        [
            new(Wire.ClockStepKind.Reminder, [Wire.ClockAudience.Responsible], At(before, rule.Minute)),
            new(Wire.ClockStepKind.Overdue, [Wire.ClockAudience.Responsible], At(after.AddDays(rule.OverdueDaysAfter), rule.Minute)),
            new(Wire.ClockStepKind.Escalated, [Wire.ClockAudience.Supervisor], At(after.AddDays(rule.SupervisorDaysAfter), rule.Minute)),
        ];
        var told = steps.Where(step => step.At > now).ToList();
        change.Add(new Clock
        {
            ClockId = Guid.CreateVersion7(now), Kind = Wire.ClockKind.VisitDue, Profile = Profile, Resource = Resource, ResourceId = visit.VisitId, CaseId = visit.CaseId, UnitId = visit.UnitId,
            Jurisdiction = visit.Jurisdiction, StartedAt = now, DueAt = At(visit.PlannedOn.AddDays(1), 0), Steps = Clock.Write(told), NextAt = told[0].At, RulesRevision = revision, Version = 1,
        });
    }

    /// <summary>Moves a visit, and lets its clock stop unless it stays planned for the same day.</summary>
    public static VisitMoveRow Move(Change change, Visit visit, Wire.VisitAction action, DateTimeOffset now, string personId)
    {
        visit.Move(action);
        change.Update(visit);
        if (action != Wire.VisitAction.RecordAttempt) change.StopClocks(now, visit.VisitId);
        var move = new VisitMoveRow { MoveId = Guid.CreateVersion7(now), VisitId = visit.VisitId, Number = visit.Version, Action = action, MovedAt = now, PersonId = personId };
        change.Add(move);
        return move;
    }

    /// <summary>Marks that a unit plans in a case, or that its part ends: of two that do so at once the second runs again or is refused.</summary>
    public static void TouchPart(Call call, Guid caseId, string unitId)
    {
        if (call.Read.FindVisitPart(caseId, unitId) is { } part) call.Change.Update(part);
        else call.Change.Add(new VisitPart { CaseId = caseId, UnitId = unitId, Version = 1 });
    }

    /// <summary>Begin of a month that the job plans.</summary>
    public static DateTimeOffset BeginOf(DateOnly day) => At(day, 0);

    private static DateTimeOffset At(DateOnly day, int minute) => new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), OfficeHours.Taiwan).AddMinutes(minute).ToUniversalTime();
}

/// <summary>What becomes of a unit's visits when its part in a case ends: what is planned ends with it, what was made stays with the case. Visits of a case that is merged go on in the other.</summary>
internal sealed class VisitEnds : IReactTo<CasePartEnded>, IReactTo<CasesMerged>
{
    public void React(Call call, CasePartEnded happened) => EndVisitsOf(call, happened.CaseId, happened.UnitId);

    public void React(Call call, CasesMerged happened)
    {
        foreach (var unitId in call.Read.UnitsOfCase(happened.CaseId)) VisitPlanning.TouchPart(call, happened.CaseId, unitId);
        foreach (var visit in call.Read.VisitsOfCase(happened.CaseId))
        {
            visit.CaseId = happened.IntoCaseId;
            call.Change.Update(visit);
        }

        foreach (var run in call.Read.RunsOfCase(happened.CaseId))
        {
            run.CaseId = happened.IntoCaseId;
            call.Change.Update(run);
        }

        foreach (var clock in call.Read.RunningClocksOfCase(happened.CaseId))
        {
            clock.CaseId = happened.IntoCaseId;
            call.Change.Update(clock);
        }
    }

    /// <summary>Ends the planned visits and running protocols of a unit in a case, in the commit by which its part ends.</summary>
    public static void EndVisitsOf(Call call, Guid caseId, string unitId)
    {
        VisitPlanning.TouchPart(call, caseId, unitId);
        foreach (var visit in call.Read.PlannedVisitsOf(caseId, unitId)) VisitPlanning.Move(call.Change, visit, Wire.VisitAction.End, call.Now, call.Context!.Actor.PersonId);
        foreach (var run in call.Read.RunningOf(caseId, unitId))
        {
            (run.End, run.EndedOn, run.NextMonthAt) = (Wire.ProtocolEnd.PartEnded, call.On, null);
            call.Change.Update(run);
        }
    }
}
