using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>A resolution of a conference (決議, R-CON-3); never changed. Its text lies sealed.</summary>
internal sealed class Resolution : IFamilyFact
{
    public Guid ResolutionId { get; set; }

    public Guid ConferenceId { get; set; }

    public Wire.ConfidentialityClass ConfidentialityClass { get; set; }

    public DateTimeOffset RecordedAt { get; set; }

    public string PersonId { get; set; } = "";

    public byte[] Sealed { get; set; } = [];

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>A unit at a meeting: whether it came (R-CON-6), and what it says of the removal of the case from the list (R-CON-4).</summary>
internal sealed class MeetingUnitRow : IVersioned, IFamilyFact
{
    public Guid ConferenceId { get; set; }

    public string UnitId { get; set; } = "";

    public Wire.Attendance Attendance { get; set; }

    public Wire.ListConsent Consent { get; set; }

    /// <summary>When it said so; null: it has not.</summary>
    public DateTimeOffset? ConsentAt { get; set; }

    /// <summary>Id under which the reason is sealed.</summary>
    public Guid ReasonId { get; set; }

    /// <summary>Why, sealed; empty: nothing was said.</summary>
    public byte[] Reason { get; set; } = [];

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>What a unit put onto the table before a meeting (會前資料); a later one replaces it. Its text lies sealed.</summary>
internal sealed class ExtractRow : IVersioned, IFamilyFact
{
    public Guid ExtractId { get; set; }

    public Guid ConferenceId { get; set; }

    public string UnitId { get; set; } = "";

    public Wire.ConfidentialityClass ConfidentialityClass { get; set; }

    public DateTimeOffset SubmittedAt { get; set; }

    public string PersonId { get; set; } = "";

    public byte[] Sealed { get; set; } = [];

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Rules of meetings.</summary>
internal static class Meeting
{
    /// <summary>The meeting has begun: what is recorded of it is a fact.</summary>
    public static void RequireMet(Conference conference, DateTimeOffset now, string action)
    {
        if (now < conference.MeetingAt) throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", "CONVENED"), ("action", action), ("allowed", "AMEND, INVITE, WITHDRAW, SUBMIT_EXTRACT"));
    }

    public static void RequireNotMet(Conference conference, DateTimeOffset now, string action)
    {
        if (now >= conference.MeetingAt)
            throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", "HELD"), ("action", action), ("allowed", "RECORD_ATTENDANCE, RECORD_RESOLUTION, STATE_CONSENT, REMOVE_FROM_LIST"));
    }

    /// <summary>What is said of the list counts, and attendance may be corrected, until the next meeting on the case.</summary>
    public static void RequireLatest(Call call, Conference conference, string action)
    {
        RequireMet(conference, call.Now, action);
        if (call.Read.HasMetSince(conference, call.Now))
            throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", "NEXT_MEETING_HELD"), ("action", action), ("allowed", "RECORD_RESOLUTION"));
    }

    /// <summary>
    /// Units that must agree and have not (R-CON-4): those invited that were present or whose attendance is not recorded, and whoever objects. The chair agrees by its deed, unless it has said otherwise.
    /// </summary>
    public static IReadOnlyList<string> WithoutConsent(ConferenceTable table, IReadOnlyList<MeetingUnitRow> units)
    {
        var known = units.ToDictionary(unit => unit.UnitId, StringComparer.Ordinal);
        var missing = table.Invited.Where(id => !known.TryGetValue(id, out var unit)
            || (unit.Attendance is Wire.Attendance.Present or Wire.Attendance.Unspecified && unit.Consent != Wire.ListConsent.Agrees)).ToList();
        var chair = table.Conference.ConvenedByUnitId;
        if (known.TryGetValue(chair, out var own) && own.Consent == Wire.ListConsent.Objects) missing.Add(chair);
        return missing;
    }
}

/// <summary>Where meetings lie.</summary>
internal sealed class MeetingMapping : IEntityTypeConfiguration<Resolution>, IEntityTypeConfiguration<MeetingUnitRow>, IEntityTypeConfiguration<ExtractRow>
{
    public void Configure(EntityTypeBuilder<Resolution> builder)
    {
        builder.ToTable("conference_resolution");
        builder.HasKey(r => r.ResolutionId);
        builder.HasIndex(r => new { r.ConferenceId, r.ResolutionId });
    }

    public void Configure(EntityTypeBuilder<MeetingUnitRow> builder)
    {
        builder.ToTable("conference_unit");
        builder.HasKey(u => new { u.ConferenceId, u.UnitId });
        builder.Property(u => u.Version).IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<ExtractRow> builder)
    {
        builder.ToTable("conference_extract");
        builder.HasKey(e => e.ExtractId);
        builder.Property(e => e.Version).IsConcurrencyToken();
        builder.HasIndex(e => new { e.ConferenceId, e.UnitId }).IsUnique();
    }
}

/// <summary>Reads meetings.</summary>
internal static class MeetingQueries
{
    public static readonly SealedColumn ResolutionColumn = new("conference_resolution", "sealed");

    public static readonly SealedColumn ReasonColumn = new("conference_unit", "reason");

    public static readonly SealedColumn ExtractColumn = new("conference_extract", "sealed");

    /// <summary>SQL: the unit $1 has to do with conference $0 at all; it costs the same whether or not there is one (R-NTK-14).</summary>
    private const string ReachSql = """
        SELECT 1 FROM conference AS c WHERE c.conference_id = $0 AND (c.convened_by_unit_id = $1
        OR EXISTS (SELECT 1 FROM conference_invitation AS v WHERE v.conference_id = c.conference_id AND v.unit_id = $1)
        OR EXISTS (SELECT 1 FROM case_participant AS p WHERE p.case_id = c.case_id AND p.unit_id = $1))
        """;

    public static bool ReachesConference(this ReadSession session, Guid conferenceId, string unitId)
    {
        using var reader = session.Query(ReachSql, conferenceId.ToByteArray(true), unitId);
        return reader.Read();
    }

    public static List<Resolution> ResolutionsOf(this ReadSession session, Guid conferenceId) =>
        [.. session.Db.Set<Resolution>().AsNoTracking().Where(r => r.ConferenceId == conferenceId).OrderBy(r => r.ResolutionId)];

    public static List<MeetingUnitRow> UnitsAtMeeting(this ReadSession session, Guid conferenceId) =>
        [.. session.Db.Set<MeetingUnitRow>().AsNoTracking().Where(u => u.ConferenceId == conferenceId).OrderBy(u => u.UnitId)];

    public static List<ExtractRow> ExtractsFor(this ReadSession session, Guid conferenceId) =>
        [.. session.Db.Set<ExtractRow>().AsNoTracking().Where(e => e.ConferenceId == conferenceId).OrderBy(e => e.UnitId)];
}
