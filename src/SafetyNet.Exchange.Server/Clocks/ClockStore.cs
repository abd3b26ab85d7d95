using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>Where clocks lie. What is due next, what a unit has and what a resource has running is each found by an index of the clocks that run alone.</summary>
internal sealed class ClockMapping : IEntityTypeConfiguration<Clock>
{
    private const string Runs = "stopped_at IS NULL", Stopped = "stopped_at IS NOT NULL";

    public void Configure(EntityTypeBuilder<Clock> builder)
    {
        builder.ToTable("clock");
        builder.HasKey(c => c.ClockId);
        builder.Property(c => c.Version).IsConcurrencyToken();
        builder.HasIndex(c => c.NextAt).HasFilter("next_at IS NOT NULL");
        builder.HasIndex(c => new { c.ResourceId, c.Kind, c.UnitId }).HasFilter(Runs).IsUnique();
        builder.HasIndex(c => c.CaseId).HasFilter("stopped_at IS NULL AND case_id IS NOT NULL");
        builder.HasIndex(c => new { c.UnitId, c.DueAt, c.ClockId }, "IX_clock_running").HasFilter(Runs);
        builder.HasIndex(c => new { c.UnitId, c.StoppedAt, c.ClockId }, "IX_clock_stopped").HasFilter(Stopped);
        builder.HasIndex(c => new { c.UnitId, c.Kind, c.Profile, c.StoppedAt }, "IX_clock_history").HasFilter(Stopped);
    }
}

/// <summary>Which clocks of a unit a page of a list is about.</summary>
/// <param name="StoppedSince">Null: those that run.</param>
/// <param name="After">Place of the last clock of the page before: when it is due, or when it stopped; and its id.</param>
internal sealed record ClockPage(string UnitId, Wire.ClockKind Kind, DateTimeOffset? StoppedSince, (DateTimeOffset At, Guid Id) After, int Count);

/// <summary>Reads clocks.</summary>
internal static class ClockQueries
{
    /// <summary>A unit has a clock of a kind running for a thing.</summary>
    public static bool HasRunningClock(this ReadSession session, Guid resourceId, Wire.ClockKind kind, string unitId)
    {
        using var reader = session.Query(
            "SELECT 1 FROM clock WHERE resource_id = $0 AND kind = $1 AND unit_id = $2 AND stopped_at IS NULL", resourceId.ToByteArray(true), (int)kind, unitId);
        return reader.Read();
    }

    /// <summary>When the next step of any clock is due; null: none will be.</summary>
    public static DateTimeOffset? NextStepAt(this ReadSession session)
    {
        using var reader = session.Query("SELECT min(next_at) FROM clock WHERE next_at IS NOT NULL");
        return reader.Read() && !reader.IsDBNull(0) ? Instants.FromMicros(reader.GetInt64(0)) : null;
    }

    /// <summary>Clocks of which a step is due, those that wait longest first.</summary>
    public static List<Clock> DueClocks(this ReadSession session, DateTimeOffset now, int count) =>
        [.. session.Db.Set<Clock>().Where(c => c.NextAt != null && c.NextAt <= now).OrderBy(c => c.NextAt).ThenBy(c => c.ClockId).Take(count)];

    /// <summary>Clocks that run and belong to a case.</summary>
    public static List<Clock> RunningClocksOfCase(this ReadSession session, Guid caseId) => [.. session.Db.Set<Clock>().AsNoTracking().Where(c => c.CaseId == caseId && c.StoppedAt == null)];

    public static List<Clock> ListClocks(this ReadSession session, ClockPage page)
    {
        var ((at, id), clocks) = (page.After, session.Db.Set<Clock>().Where(c => c.UnitId == page.UnitId && (page.Kind == default || c.Kind == page.Kind)));
        return page.StoppedSince is { } since
            ? [.. clocks.Where(c => c.StoppedAt != null && c.StoppedAt >= since && (c.StoppedAt > at || (c.StoppedAt == at && c.ClockId.CompareTo(id) > 0)))
                .OrderBy(c => c.StoppedAt).ThenBy(c => c.ClockId).Take(page.Count)]
            : [.. clocks.Where(c => c.StoppedAt == null && (c.DueAt > at || (c.DueAt == at && c.ClockId.CompareTo(id) > 0)))
                .OrderBy(c => c.DueAt).ThenBy(c => c.ClockId).Take(page.Count)];
    }

    /// <summary>When the unit's last clocks of a kind and profile started and stopped, newest first.</summary>
    public static List<(DateTimeOffset StartedAt, DateTimeOffset StoppedAt)> LastStopped(this ReadSession session, string unitId, Wire.ClockKind kind, string profile, int count)
    {
        var found = new List<(DateTimeOffset, DateTimeOffset)>(count);
        using var reader = session.Query(
            "SELECT started_at, stopped_at FROM clock WHERE unit_id = $0 AND kind = $1 AND profile = $2 AND stopped_at IS NOT NULL ORDER BY stopped_at DESC LIMIT $3",
            unitId, (int)kind, profile, count);
        while (reader.Read()) found.Add((Instants.FromMicros(reader.GetInt64(0)), Instants.FromMicros(reader.GetInt64(1))));
        return found;
    }
}
