using Google.Protobuf.WellKnownTypes;
using Microsoft.Data.Sqlite;
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

/// <summary>What stands at one place of an inbox.</summary>
/// <param name="Notice">Null: it cannot be read, for a reason.</param>
internal readonly record struct NoticePlace(long Sequence, Wire.Notice? Notice, Wire.ParkedReason Reason);

/// <summary>Reads inboxes.</summary>
internal static class InboxQueries
{
    /// <summary>Where an inbox stands; zeros where nothing ever came.</summary>
    public static (long Last, long Acknowledged) FindInbox(this ReadSession session, string unitId)
    {
        using var reader = session.Query("SELECT last_sequence, acknowledged_sequence FROM inbox WHERE unit_id = $0", unitId);
        return reader.Read() ? (reader.GetInt64(0), reader.GetInt64(1)) : (0, 0);
    }

    private const string Conference = "conference/", Correction = "correction/", Clock = "clock/", Report = "report/", Dispute = "dispute/", Goal = "goal/", Visit = "visit/", Item = "item/", Delivery = "household-delivery/", PersonLink = "person-link/";

    /// <summary>Places of an inbox after a sequence number, in order and without gaps: a row that is not there is a notice that cannot be read.</summary>
    public static List<NoticePlace> ReadInbox(this ReadSession session, string unitId, long after, int count)
    {
        var found = new List<NoticePlace>();
        var last = session.FindInbox(unitId).Last;
        if (after == long.MaxValue) return found;
        using var reader = session.Query(
            "SELECT sequence, kind, at, referral_id, case_id, cause_unit_id, decision_id, grant_id, break_glass_id, resource FROM notice WHERE unit_id = $0 AND sequence > $1 ORDER BY sequence LIMIT $2",
            unitId, after, count);
        var next = after + 1;
        while (found.Count < count && reader.Read())
        {
            var sequence = reader.GetInt64(0);
            AddMissing(sequence - 1);
            if (found.Count == count) return found;
            found.Add(ReadNotice(reader, sequence));
            next = sequence + 1;
        }

        AddMissing(last);
        return found;

        void AddMissing(long upTo)
        {
            for (; next <= upTo && found.Count < count; next++) found.Add(new NoticePlace(next, null, Wire.ParkedReason.Missing));
        }
    }

    /// <summary>The notice of a row, or what is wrong with the row.</summary>
    private static NoticePlace ReadNotice(SqliteDataReader reader, long sequence)
    {
        var wrong = Wire.ParkedReason.Kind;
        try
        {
            var notice = new Wire.Notice { Sequence = (ulong)sequence, Kind = (Wire.NoticeKind)reader.GetInt32(1) };
            if (notice.Kind <= Wire.NoticeKind.Unspecified) return new NoticePlace(sequence, null, wrong);
            wrong = Wire.ParkedReason.Time;
            if (reader.GetInt64(2) is var micros && micros is <= 0 or > Instants.LastMicros) return new NoticePlace(sequence, null, wrong);
            notice.NoticedAt = Timestamp.FromDateTimeOffset(Instants.FromMicros(micros));
            wrong = Wire.ParkedReason.Id;
            notice.UnitId = reader.GetString(5);
            notice.DecisionId = reader.GetId(6).ToString();
            notice.ReferralId = IdAt(reader, 3);
            notice.CaseId = IdAt(reader, 4);
            notice.GrantId = IdAt(reader, 7);
            notice.BreakGlassId = IdAt(reader, 8);
            var resource = reader.GetString(9);
            if (resource.StartsWith(Conference, StringComparison.Ordinal)) notice.ConferenceId = IdOf(resource, Conference);
            else if (resource.StartsWith(Correction, StringComparison.Ordinal)) notice.CorrectionId = IdOf(resource, Correction);
            else if (resource.StartsWith(Clock, StringComparison.Ordinal)) notice.ClockId = IdOf(resource, Clock);
            else if (resource.StartsWith(Report, StringComparison.Ordinal)) notice.ReportId = IdOf(resource, Report);
            else if (resource.StartsWith(Dispute, StringComparison.Ordinal)) notice.DisputeId = IdOf(resource, Dispute);
            else if (resource.StartsWith(Goal, StringComparison.Ordinal)) notice.GoalId = IdOf(resource, Goal);
            else if (resource.StartsWith(Visit, StringComparison.Ordinal)) notice.VisitId = IdOf(resource, Visit);
            else if (resource.StartsWith(Item, StringComparison.Ordinal)) notice.ItemId = IdOf(resource, Item);
            else if (resource.StartsWith(Delivery, StringComparison.Ordinal)) notice.DeliveryId = IdOf(resource, Delivery);
            else if (resource.StartsWith(PersonLink, StringComparison.Ordinal)) (notice.PersonId, notice.OtherPersonId) = (IdOf(resource[..resource.LastIndexOf('/')], PersonLink), IdOf(resource, resource[..(resource.LastIndexOf('/') + 1)]));
            else notice.Resource = resource;
            return new NoticePlace(sequence, notice, Wire.ParkedReason.Unspecified);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or InvalidOperationException or OverflowException)
        {
            // One row stands in nobody's way: it is parked, and the reader goes on.
            return new NoticePlace(sequence, null, wrong);
        }
    }

    /// <summary>Referrals received by the notices of a stretch of an inbox.</summary>
    public static List<Guid> ReferralsReceived(this ReadSession session, string unitId, long after, long upTo)
    {
        var found = new List<Guid>();
        using var reader = session.Query(
            "SELECT DISTINCT referral_id FROM notice WHERE unit_id = $0 AND sequence > $1 AND sequence <= $2 AND kind = $3 AND length(referral_id) = 16",
            unitId, after, upTo, (int)Wire.NoticeKind.ReferralReceived);
        while (reader.Read()) found.Add(reader.GetId(0));
        return found;
    }

    private static string IdAt(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? "" : reader.GetId(column).ToString();

    /// <summary>The id of a thing of a kind.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    private static string IdOf(string resource, string kind) => Guid.ParseExact(resource.AsSpan(kind.Length), "D").ToString();
}
