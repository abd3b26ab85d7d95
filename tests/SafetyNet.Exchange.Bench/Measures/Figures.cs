using SafetyNet.Exchange.Bench.Roles;

namespace SafetyNet.Exchange.Bench.Measures;

/// <summary>Median of some values with their range, or with the interval that it lies in with 95 % confidence.</summary>
internal sealed record Spread(double Median, double Low, double High)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        if (sorted.Count == 0) return new Spread(0, 0, 0);
        var middle = sorted.Count / 2;
        return new Spread(sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2, sorted[0], sorted[^1]);
    }

    /// <summary>Of ten values or more: the interval is that of the median, by the places of sorted values, whatever their distribution.</summary>
    public static Spread OfMany(IReadOnlyCollection<double> values)
    {
        var sorted = values.Order().ToList();
        var beside = (int)Math.Floor((sorted.Count - (1.96 * Math.Sqrt(sorted.Count))) / 2);
        return sorted.Count < 10 ? Of(sorted) : Of(sorted) with { Low = sorted[beside], High = sorted[^(beside + 1)] };
    }
}

/// <summary>What one case cost in one round.</summary>
/// <param name="Rate">Calls a second.</param>
/// <param name="CpuMicros">Server processor time of one call.</param>
/// <param name="AllocatedBytes">Bytes that the server allocated for one call.</param>
/// <param name="Flushes">Flushes of one call; below 1 where calls share them.</param>
internal sealed record Sample(string Case, int Round, long Calls, double Rate, double P50Micros, double P99Micros, double CpuMicros, double AllocatedBytes, double Flushes)
{
    public static Sample Of(string name, int round, LoadResult load, ServerReading before, ServerReading after) => new(
        name, round, load.Calls, load.Calls / load.Seconds, load.P50Micros, load.P99Micros, (double)(after.CpuMicros - before.CpuMicros) / load.Calls,
        (double)(after.AllocatedBytes - before.AllocatedBytes) / load.Calls, (double)(after.Flushes - before.Flushes) / load.Calls);
}

/// <summary>A figure of the run with its goal.</summary>
/// <param name="Name">What is divided by what.</param>
/// <param name="Value">Median of the rounds' values with their range; of pairs, of which there are many, with its 95 % interval.</param>
/// <param name="Goal">Bound of design.md 11; null: none is set.</param>
/// <param name="IsCeiling">The goal is a most, not a least.</param>
internal sealed record Figure(string Name, Spread Value, double? Goal = null, bool IsCeiling = false)
{
    public bool? IsReached => Goal is not { } goal ? null : IsCeiling ? Value.Median <= goal : Value.Median >= goal;
}

/// <summary>Answers against records: each answer of the exchange has its record, and no record is without an answer.</summary>
internal sealed record AuditBalance(long Answers, long Records)
{
    public bool IsEven => Answers == Records;
}

/// <summary>Everything that a run found.</summary>
internal sealed record Findings(
    DateTimeOffset StartedAt, string Command, int Processors, string Load, int Persons, int Rounds, double Seconds, int Connections, int InFlight,
    int RequestBytes, int AnswerBytes, int RowBytes, double FlushMicros, bool ServerGarbageCollection, IReadOnlyList<Sample> Samples, IReadOnlyList<Figure> Figures,
    AuditBalance Audit);
