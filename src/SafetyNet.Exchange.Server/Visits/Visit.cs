using System.Globalization;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;
using static SafetyNet.Exchange.V1.VisitState;
using Deed = SafetyNet.Exchange.V1.VisitAction;

namespace SafetyNet.Exchange.Server.Visits;

/// <summary>One line of the table of moves.</summary>
/// <param name="From">State before.</param>
/// <param name="Action">The move.</param>
/// <param name="To">State after.</param>
internal readonly record struct VisitTransition(Wire.VisitState From, Wire.VisitAction Action, Wire.VisitState To);

/// <summary>
/// A visit (訪視) of a unit of a case, and its states. It belongs to the unit's part and names no worker: who makes it is found through the part (R-CASE-4). Which moves exist is a table and nothing
/// else. What was written of it lies sealed with its moves.
/// </summary>
internal sealed class Visit : IVersioned, IFamilyFact, ICaseRow, INamesPersons
{
    /// <summary>Every move there is; a visit that is made, cancelled or ended stays so.</summary>
    public static readonly IReadOnlyList<VisitTransition> Transitions =
    [
        new(Planned, Deed.RecordVisit, Done),
        new(Planned, Deed.RecordAttempt, Planned),
        new(Planned, Deed.Reschedule, Planned),
        new(Planned, Deed.Cancel, Cancelled),
        new(Planned, Deed.End, Ended),
    ];

    public Guid VisitId { get; set; }

    public Guid CaseId { get; set; }

    public string UnitId { get; set; } = "";

    public Guid PersonId { get; set; }

    /// <summary>Run of the protocol that it belongs to; null: none.</summary>
    public Guid? RunId { get; set; }

    /// <summary>Jurisdiction of the case when it was planned; its keys seal the texts.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>Class of what it tells by being there.</summary>
    public Wire.ConfidentialityClass ConfidentialityClass { get; set; }

    public Wire.VisitState State { get; set; }

    /// <summary>Day in Taiwan.</summary>
    public DateOnly PlannedOn { get; set; }

    /// <summary>Null: it was not made.</summary>
    public DateTimeOffset? DoneAt { get; set; }

    public int Version { get; set; }

    /// <summary>No family is made of it.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    public CaseEvent Tells() => new(CaseId, Wire.CaseChangeKind.Visit, UnitId, VisitId);

    /// <summary>It is planned, and its day is over.</summary>
    public bool IsOverdueOn(DateOnly today) => State == Planned && PlannedOn < today;

    /// <summary>Moves the visit, or refuses with what is allowed in its state.</summary>
    public void Move(Wire.VisitAction action)
    {
        foreach (var transition in Transitions)
        {
            if (transition.From != State || transition.Action != action) continue;
            State = transition.To;
            return;
        }

        throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(State)), ("action", CodeText.Of(action)),
            ("allowed", string.Join(", ", Transitions.Where(t => t.From == State && t.Action != Deed.End).Select(t => CodeText.Of(t.Action)))));
    }

    public IEnumerable<Guid> NamedPersons() => [PersonId];
}

/// <summary>One thing done with a visit; never changed.</summary>
internal sealed class VisitMoveRow : IFamilyFact
{
    public Guid MoveId { get; set; }

    public Guid VisitId { get; set; }

    /// <summary>Place among the moves of the visit: its version after the move.</summary>
    public int Number { get; set; }

    public Wire.VisitAction Action { get; set; }

    public DateTimeOffset MovedAt { get; set; }

    /// <summary>Staff number; empty: the exchange itself.</summary>
    public string PersonId { get; set; } = "";

    /// <summary>When the visit or attempt was made; null: neither.</summary>
    public DateTimeOffset? HappenedAt { get; set; }

    public Wire.VisitChannel Channel { get; set; }

    /// <summary>Day that it is planned for from then on; null: the move plans nothing.</summary>
    public DateOnly? PlannedOn { get; set; }

    /// <summary>Class of the text; UNSPECIFIED: there is none.</summary>
    public Wire.ConfidentialityClass TextClass { get; set; }

    /// <summary>What was written, sealed under <see cref="MoveId"/>; empty: nothing.</summary>
    public byte[] Text { get; set; } = [];

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>What a unit has planned in a case, as one version: it moves with everything that is planned and with the end of the unit's part, so that neither misses the other.</summary>
internal sealed class VisitPart : IVersioned, IFamilyFact
{
    public Guid CaseId { get; set; }

    public string UnitId { get; set; } = "";

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>
/// A protocol that a unit follows for a person (訪視方案). It keeps the rule by which it was started, so that no later file moves it. Changed when it ends, and by the job that plans its further months.
/// </summary>
internal sealed class ProtocolRun : IVersioned, IFamilyFact, INamesPersons
{
    public Guid RunId { get; set; }

    public Guid CaseId { get; set; }

    public string UnitId { get; set; } = "";

    public Guid PersonId { get; set; }

    /// <summary>Jurisdiction of the case when it was started; its keys seal the reason of its end.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>Code of the protocol.</summary>
    public string Protocol { get; set; } = "";

    public Wire.ConfidentialityClass ConfidentialityClass { get; set; }

    public int ProtocolsRevision { get; set; }

    /// <summary>Day in Taiwan.</summary>
    public DateOnly StartsOn { get; set; }

    public int MinimumMonths { get; set; }

    /// <summary>Visits by month as <see cref="Write(IEnumerable{VisitNeed})"/> writes them.</summary>
    public string Needs { get; set; } = "";

    /// <summary>Reminders as <see cref="Write(VisitReminders)"/> writes them.</summary>
    public string Reminders { get; set; } = "";

    /// <summary>Months of which the visits are planned, from the first on.</summary>
    public int MonthsPlanned { get; set; }

    /// <summary>When the next month begins whose visits are to be planned; null: it has ended.</summary>
    public DateTimeOffset? NextMonthAt { get; set; }

    public DateTimeOffset StartedAt { get; set; }

    /// <summary>UNSPECIFIED: it runs.</summary>
    public Wire.ProtocolEnd End { get; set; }

    /// <summary>Day in Taiwan; null: it runs.</summary>
    public DateOnly? EndedOn { get; set; }

    /// <summary>Reason of an early end, sealed; empty: none.</summary>
    public byte[] EndReason { get; set; } = [];

    public int Version { get; set; }

    public VisitMonths Months() => new(StartsOn, MinimumMonths, [.. Needs.Split(';').Select(text => text.Split(':')).Select(pair => new VisitNeed(Number(pair[0]), Number(pair[1])))]);

    public VisitReminders ReminderRule()
    {
        var parts = Reminders.Split(';');
        return new VisitReminders { At = parts[0], UpcomingDaysBefore = Number(parts[1]), OverdueDaysAfter = Number(parts[2]), SupervisorDaysAfter = Number(parts[3]) };
    }

    /// <summary>As month and visits from that month on: <c>1:4;2:2</c>.</summary>
    public static string Write(IEnumerable<VisitNeed> needs) => string.Join(';', needs.Select(need => string.Create(CultureInfo.InvariantCulture, $"{need.FromMonth}:{need.PerMonth}")));

    /// <summary>As time of the day and days: <c>08:30;2;1;3</c>.</summary>
    public static string Write(VisitReminders reminders) =>
        string.Create(CultureInfo.InvariantCulture, $"{reminders.At};{reminders.UpcomingDaysBefore};{reminders.OverdueDaysAfter};{reminders.SupervisorDaysAfter}");

    /// <summary>No family is made of it.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    public IEnumerable<Guid> NamedPersons() => [PersonId];
}
