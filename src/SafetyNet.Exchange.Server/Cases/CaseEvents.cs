using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>A change of a case in its place among all, as its commit wrote it; ids and kinds only.</summary>
internal sealed class CaseEventRow
{
    /// <summary>Place in the order of commits; one that was given is never given again.</summary>
    public long Sequence { get; set; }

    public Guid CaseId { get; set; }

    public Wire.CaseChangeKind Kind { get; set; }

    public DateTimeOffset At { get; set; }

    public string UnitId { get; set; } = "";

    public Guid? ResourceId { get; set; }
}

/// <summary>Where changes of cases lie.</summary>
internal sealed class CaseEventMapping : IEntityTypeConfiguration<CaseEventRow>
{
    public void Configure(EntityTypeBuilder<CaseEventRow> builder)
    {
        builder.ToTable("case_event");
        builder.HasKey(e => e.Sequence);
        builder.Property(e => e.Sequence).ValueGeneratedOnAdd();
    }
}

/// <summary>A change of a case that a unit takes part in, with its part.</summary>
internal readonly record struct CaseEventLine(
    long Sequence, Guid CaseId, Wire.CaseChangeKind Kind, DateTimeOffset At, string UnitId, Guid? ResourceId, Wire.ParticipantRole Role, ProtectiveScope Protective, Wire.Jurisdiction Jurisdiction);

/// <summary>Some changes of a unit's cases, in order.</summary>
/// <param name="Lines">The changes.</param>
/// <param name="Last">How far was looked: there is none between the last line and here.</param>
/// <param name="IsEnd">Nothing comes after that yet.</param>
internal readonly record struct CaseEventPage(List<CaseEventLine> Lines, long Last, bool IsEnd);

/// <summary>Reads changes of cases.</summary>
internal static class CaseEventQueries
{
    /// <summary>Changes that are taken from the store at once; the next ones when the reader has room for them.</summary>
    public const int EventsAtOnce = 200;

    /// <summary>Places that one read goes through, whosever they are: a reader from long ago keeps no snapshot open for long.</summary>
    private const int PlacesAtOnce = 20_000;

    public static long LastCaseEvent(this ReadSession session)
    {
        using var reader = session.Query("SELECT coalesce(max(sequence), 0) FROM case_event");
        return reader.Read() ? reader.GetInt64(0) : 0;
    }

    /// <summary>Changes, after a place, of the cases in which a unit is primary or serves; serving, from the beginning of its part on: whoever took the primary role over hears of all that it resumes from.</summary>
    public static CaseEventPage CaseEventsOf(this ReadSession session, string unitId, long after)
    {
        var lines = new List<CaseEventLine>();
        var end = session.LastCaseEvent();
        if (after >= end) return new CaseEventPage(lines, after, IsEnd: true);
        var last = Math.Min(end, after + PlacesAtOnce);
        using var reader = session.Query(
            $"""
            SELECT e.sequence, e.case_id, e.kind, e.at, e.unit_id, e.resource_id, p.role, p.protective_classes, p.protective_until, c.jurisdiction
            FROM case_event AS e CROSS JOIN case_participant AS p ON p.case_id = e.case_id AND p.unit_id = $0 JOIN case_file AS c ON c.case_id = e.case_id
            WHERE e.sequence > $1 AND e.sequence <= $2 AND (p.role = {(int)Wire.ParticipantRole.Primary} OR (p.role = {(int)Wire.ParticipantRole.Serving} AND e.at >= p.since))
            ORDER BY e.sequence LIMIT {EventsAtOnce}
            """, unitId, after, last);
        while (reader.Read())
        {
            lines.Add(new CaseEventLine(reader.GetInt64(0), reader.GetId(1), (Wire.CaseChangeKind)reader.GetInt32(2), Instants.FromMicros(reader.GetInt64(3)), reader.GetString(4),
                reader.IsDBNull(5) ? null : reader.GetId(5), (Wire.ParticipantRole)reader.GetInt32(6), ProtectiveScope.Read(reader, 7), (Wire.Jurisdiction)reader.GetInt32(9)));
        }

        if (lines.Count == EventsAtOnce) last = lines[^1].Sequence;
        return new CaseEventPage(lines, last, IsEnd: last == end);
    }
}
