using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Inbox;

/// <summary>A notice in its place; ids and kinds only (R-NOT-2).</summary>
internal sealed class NoticeRow
{
    public string UnitId { get; set; } = "";

    public long Sequence { get; set; }

    public Wire.NoticeKind Kind { get; set; }

    public DateTimeOffset At { get; set; }

    public Guid? ReferralId { get; set; }

    public Guid? CaseId { get; set; }

    public Guid? GrantId { get; set; }

    public Guid? BreakGlassId { get; set; }

    public string CauseUnitId { get; set; } = "";

    public Guid DecisionId { get; set; }

    /// <summary>Thing without a column of its own that it is about, as kind and id: <c>conference/UUID</c>, <c>correction/UUID</c>; empty: none.</summary>
    public string Resource { get; set; } = "";
}

/// <summary>How far a unit's inbox goes, and how far it is acknowledged.</summary>
internal sealed class InboxRow
{
    public string UnitId { get; set; } = "";

    public long LastSequence { get; set; }

    public long AcknowledgedSequence { get; set; }
}

/// <summary>Where notices lie.</summary>
internal sealed class InboxMapping : IEntityTypeConfiguration<NoticeRow>, IEntityTypeConfiguration<InboxRow>
{
    public void Configure(EntityTypeBuilder<NoticeRow> builder)
    {
        builder.ToTable("notice");
        builder.HasKey(n => new { n.UnitId, n.Sequence });
    }

    public void Configure(EntityTypeBuilder<InboxRow> builder)
    {
        builder.ToTable("inbox");
        builder.HasKey(i => i.UnitId);
    }
}

/// <summary>Reads inboxes.</summary>
internal static class InboxQueries
{
    /// <summary>Where an inbox stands; zeros where nothing ever came.</summary>
    public static (long Last, long Acknowledged) FindInbox(this ReadSession session, string unitId)
    {
        using var reader = session.Query("SELECT last_sequence, acknowledged_sequence FROM inbox WHERE unit_id = $0", unitId);
        return reader.Read() ? (reader.GetInt64(0), reader.GetInt64(1)) : (0, 0);
    }

    private const string Conference = "conference/", Correction = "correction/";

    /// <summary>Notices after a sequence number, in order.</summary>
    public static List<Wire.Notice> ListNotices(this ReadSession session, string unitId, long after, int count)
    {
        var found = new List<Wire.Notice>();
        using var reader = session.Query(
            "SELECT sequence, kind, at, referral_id, case_id, cause_unit_id, decision_id, grant_id, break_glass_id, resource FROM notice WHERE unit_id = $0 AND sequence > $1 ORDER BY sequence LIMIT $2",
            unitId, after, count);
        while (reader.Read())
        {
            var resource = reader.GetString(9);
            found.Add(new Wire.Notice
            {
                Sequence = (ulong)reader.GetInt64(0), Kind = (Wire.NoticeKind)reader.GetInt32(1),
                NoticedAt = Timestamp.FromDateTimeOffset(Instants.FromMicros(reader.GetInt64(2))),
                ReferralId = reader.IsDBNull(3) ? "" : reader.GetId(3).ToString(), CaseId = reader.IsDBNull(4) ? "" : reader.GetId(4).ToString(),
                UnitId = reader.GetString(5), DecisionId = reader.GetId(6).ToString(),
                ConferenceId = IdOf(resource, Conference), CorrectionId = IdOf(resource, Correction),
                Resource = resource.StartsWith(Conference, StringComparison.Ordinal) || resource.StartsWith(Correction, StringComparison.Ordinal) ? "" : resource,
                GrantId = reader.IsDBNull(7) ? "" : reader.GetId(7).ToString(), BreakGlassId = reader.IsDBNull(8) ? "" : reader.GetId(8).ToString(),
            });
        }

        return found;
    }

    /// <summary>Referrals received by the notices of a stretch of an inbox.</summary>
    public static List<Guid> ReferralsReceived(this ReadSession session, string unitId, long after, long upTo)
    {
        var found = new List<Guid>();
        using var reader = session.Query(
            "SELECT DISTINCT referral_id FROM notice WHERE unit_id = $0 AND sequence > $1 AND sequence <= $2 AND kind = $3 AND referral_id IS NOT NULL",
            unitId, after, upTo, (int)Wire.NoticeKind.ReferralReceived);
        while (reader.Read()) found.Add(reader.GetId(0));
        return found;
    }

    /// <summary>The id of a thing of a kind; empty: it is of another kind.</summary>
    private static string IdOf(string resource, string kind) => resource.StartsWith(kind, StringComparison.Ordinal) ? resource[kind.Length..] : "";
}
