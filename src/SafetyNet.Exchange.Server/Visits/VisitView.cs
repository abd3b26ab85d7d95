using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Visits;

/// <summary>Visits and protocols as the acting unit sees them. Texts are shown to the unit that wrote them, each within its class; the pipeline redacts the rest by the labels.</summary>
internal static class VisitView
{
    /// <summary>A visit that the acting unit may see.</summary>
    /// <param name="call">The call.</param>
    /// <param name="view">How the unit sees the case.</param>
    /// <param name="visit">The visit.</param>
    /// <param name="protocol">Code of its protocol; empty: none.</param>
    /// <param name="moves">What was done with it, in order.</param>
    public static Wire.Visit Show(Call call, CaseView view, Visit visit, string protocol, IReadOnlyList<VisitMoveRow> moves)
    {
        call.Touches("visit", visit.VisitId);
        Concern(call, visit.PersonId);
        var worker = WorkerOf(call, visit);
        var wire = new Wire.Visit
        {
            VisitId = visit.VisitId.ToString(), CaseId = visit.CaseId.ToString(), UnitId = visit.UnitId, PersonId = visit.PersonId.ToString(), RunId = visit.RunId?.ToString() ?? "", Protocol = protocol,
            ConfidentialityClass = visit.ConfidentialityClass, State = visit.State, Overdue = visit.IsOverdueOn(call.On), PlannedOn = CivilDate.ToText(visit.PlannedOn),
            DoneAt = ToWire(visit.DoneAt), Channel = moves.FirstOrDefault(move => move.Action == Wire.VisitAction.RecordVisit)?.Channel ?? default,
            Attempts = moves.Count(move => move.Action == Wire.VisitAction.RecordAttempt), WorkerPersonId = worker?.WorkerPersonId ?? "", SupervisorPersonId = worker?.SupervisorPersonId ?? "",
            Etag = Etag.Of(visit),
        };
        foreach (var move in moves)
        {
            wire.Moves.Add(new Wire.VisitMove
            {
                Action = move.Action, MovedAt = Timestamp.FromDateTimeOffset(move.MovedAt), PersonId = move.PersonId, HappenedAt = ToWire(move.HappenedAt), Channel = move.Channel,
                PlannedOn = move.PlannedOn is { } day ? CivilDate.ToText(day) : "", Text = TextOf(call, view, visit.UnitId, move.TextClass, VisitQueries.TextColumn, move.MoveId, move.Text),
            });
        }

        return wire;
    }

    /// <summary>A protocol that the acting unit may see, month by month.</summary>
    public static Wire.ProtocolRun Show(Call call, CaseView view, ProtocolRun run, IReadOnlyCollection<CountedVisit> visits)
    {
        call.Touches("protocol-run", run.RunId);
        Concern(call, run.PersonId);
        var (rule, months) = (run.Months(), run.Months().Count(visits, call.On, run.EndedOn));
        var wire = new Wire.ProtocolRun
        {
            RunId = run.RunId.ToString(), CaseId = run.CaseId.ToString(), UnitId = run.UnitId, PersonId = run.PersonId.ToString(), Protocol = run.Protocol, ConfidentialityClass = run.ConfidentialityClass,
            ProtocolsRevision = run.ProtocolsRevision, StartsOn = CivilDate.ToText(run.StartsOn), MinimumEndsOn = CivilDate.ToText(rule.MinimumEndsBefore.AddDays(-1)), End = run.End,
            EndedOn = run.EndedOn is { } ended ? CivilDate.ToText(ended) : "", Short = months.Any(month => month.Missing > 0), Etag = Etag.Of(run),
            EndReason = TextOf(call, view, run.UnitId, ReasonClass(run.ConfidentialityClass), VisitQueries.EndReasonColumn, run.RunId, run.EndReason),
        };
        wire.Months.Add(months.Select(month => new Wire.ProtocolMonth
        {
            Number = month.Number, BeginsOn = CivilDate.ToText(month.BeginsOn), EndsOn = CivilDate.ToText(month.EndsBefore.AddDays(-1)), Needed = month.Needed, Done = month.Done,
            Attempts = month.Attempts, Planned = month.Planned, Missing = month.Missing,
        }));
        return wire;
    }

    /// <summary>A protocol that may be started.</summary>
    public static Wire.VisitProtocol Show(VisitProtocol protocol) => new()
    {
        Protocol = protocol.Code, TitleZh = protocol.Title, Sources = { protocol.Source }, ConfidentialityClass = protocol.ConfidentialityClass, MinimumMonths = protocol.MinimumMonths,
        Needs = { protocol.Visits.Select(need => new Wire.VisitNeed { FromMonth = need.FromMonth, PerMonth = need.PerMonth }) }, UpcomingDaysBefore = protocol.Reminders.UpcomingDaysBefore,
        OverdueDaysAfter = protocol.Reminders.OverdueDaysAfter, SupervisorDaysAfter = protocol.Reminders.SupervisorDaysAfter,
    };

    /// <summary>Class of a reason: that of the visit or protocol, which it may tell of.</summary>
    public static Wire.ConfidentialityClass ReasonClass(Wire.ConfidentialityClass one) =>
        one == Wire.ConfidentialityClass.PublicStatus ? Wire.ConfidentialityClass.CaseNote : one;

    /// <summary>Who makes a visit: the worker of its unit's part in the case now, and that worker's supervisor; null: nobody was ever assigned. The one place that looks (R-CASE-4).</summary>
    private static CaseWorkerRow? WorkerOf(Call call, Visit visit) => call.Read.FindWorker(visit.CaseId, visit.UnitId);

    /// <summary>A text, for the unit that wrote it and within its class; null: there is none, or none to be read.</summary>
    private static Wire.VisitText? TextOf(Call call, CaseView view, string unitId, Wire.ConfidentialityClass one, SealedColumn column, Guid row, byte[] text)
    {
        if (text.Length == 0 || !string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal)) return null;
        if (call.MayReadOwn(view, one)) return new Wire.VisitText { ConfidentialityClass = one, Text = call.Vault.OpenText(column, row, text) };
        call.Withhold(ClassSet.Of(one));
        return null;
    }

    private static void Concern(Call call, Guid personId)
    {
        if (call.Read.FindPerson(call.Vault, personId) is { } person) call.Concerns(person);
    }

    private static Timestamp? ToWire(DateTimeOffset? at) => at is { } instant ? Timestamp.FromDateTimeOffset(instant) : null;
}
