using System.Globalization;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>A step of a clock as it was fixed at the start.</summary>
/// <param name="Tells">Whom it tells, in the order of the rules.</param>
internal readonly record struct ClockStep(Wire.ClockStepKind Kind, IReadOnlyList<Wire.ClockAudience> Tells, DateTimeOffset At);

/// <summary>
/// A time limit that runs, or ran (時限). All its instants are fixed when it starts, so that neither other rules nor another calendar, nor a year without one, moves it. Ids and kinds only.
/// Changed by the job that tells its steps, and stopped by the commit of the deed that it waits for (<see cref="ClockStop"/>).
/// </summary>
internal sealed class Clock : IVersioned, IFamilyFact
{
    public Guid ClockId { get; set; }

    public Wire.ClockKind Kind { get; set; }

    /// <summary>Profile of the rule that it was started by.</summary>
    public string Profile { get; set; } = "";

    /// <summary>Kind of what it runs for, e.g. <c>referral</c>.</summary>
    public string Resource { get; set; } = "";

    public Guid ResourceId { get; set; }

    /// <summary>Case that it belongs to; null: none, or none that its notices name.</summary>
    public Guid? CaseId { get; set; }

    /// <summary>Unit that must act.</summary>
    public string UnitId { get; set; } = "";

    /// <summary>Unit that hears of it at escalation; empty: none.</summary>
    public string TellsUnitId { get; set; } = "";

    /// <summary>Jurisdiction of the unit that must act; the records of its steps carry it.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>The limit is in working time, not in real hours.</summary>
    public bool IsWorkingTime { get; set; }

    public DateTimeOffset StartedAt { get; set; }

    public DateTimeOffset DueAt { get; set; }

    /// <summary>The steps in the order in which they are due, as <see cref="Write"/> writes them.</summary>
    public string Steps { get; set; } = "";

    /// <summary>Steps told, from the first on.</summary>
    public int StepsTold { get; set; }

    /// <summary>When the next step is due; null: all are told, or the clock has stopped.</summary>
    public DateTimeOffset? NextAt { get; set; }

    /// <summary>Null: it runs.</summary>
    public DateTimeOffset? StoppedAt { get; set; }

    public int RulesRevision { get; set; }

    public int Version { get; set; }

    /// <summary>No family is made of it.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    /// <summary>The steps, in the order in which they are due.</summary>
    public IReadOnlyList<ClockStep> StepList() =>
    [
        .. Steps.Split(';').Select(text =>
        {
            var parts = text.Split('/');
            return new ClockStep(
                (Wire.ClockStepKind)int.Parse(parts[0], CultureInfo.InvariantCulture),
                [.. parts[1].Select(digit => (Wire.ClockAudience)(digit - '0'))], Instants.FromMicros(long.Parse(parts[2], CultureInfo.InvariantCulture)));
        }),
    ];

    /// <summary>Steps as kind, audiences and microseconds: <c>1/1/1790000000000000;3/23/1790000000000000</c>.</summary>
    public static string Write(IEnumerable<ClockStep> steps) => string.Join(';', steps.Select(step => string.Create(
        CultureInfo.InvariantCulture, $"{(int)step.Kind}/{string.Concat(step.Tells.Select(one => (int)one))}/{Instants.ToMicros(step.At)}")));

    /// <summary>Takes the steps that are due, which are told now, each once.</summary>
    public IReadOnlyList<ClockStep> TakeDue(DateTimeOffset now)
    {
        var steps = StepList();
        var due = steps.Skip(StepsTold).TakeWhile(step => step.At <= now).ToList();
        StepsTold += due.Count;
        NextAt = StepsTold < steps.Count ? steps[StepsTold].At : null;
        return due;
    }
}
