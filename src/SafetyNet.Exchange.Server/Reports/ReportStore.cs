using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>A person whom a report is about; the history of a person is read from here (R-INT-2).</summary>
internal sealed class ReportSubjectRow : IFamilyFact, INamesPersons
{
    public Guid ReportId { get; set; }

    public Guid PersonId { get; set; }

    /// <summary>Of the report, so that a history is read from the index alone.</summary>
    public DateTimeOffset ReceivedAt { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];

    public IEnumerable<Guid> NamedPersons() => [PersonId];
}

/// <summary>A move that was made; never changed.</summary>
internal sealed class ReportMoveRow : IFamilyFact
{
    public Guid MoveId { get; set; }

    public Guid ReportId { get; set; }

    /// <summary>Version of the report that the move made; orders the moves.</summary>
    public int Number { get; set; }

    public Wire.ReportAction Action { get; set; }

    public Wire.ReportState State { get; set; }

    public DateTimeOffset MovedAt { get; set; }

    public string UnitId { get; set; } = "";

    /// <summary>Staff number; empty: the exchange itself.</summary>
    public string PersonId { get; set; } = "";

    /// <summary>Remark, sealed; empty: none.</summary>
    public byte[] Remark { get; set; } = [];

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>An offer of a report to a unit: a referral of the screening centre. Its state is the referral's.</summary>
internal sealed class ReportOfferRow : IFamilyFact
{
    public Guid ReferralId { get; set; }

    public Guid ReportId { get; set; }

    public string UnitId { get; set; } = "";

    public DateTimeOffset OfferedAt { get; set; }

    /// <summary>When it ends by itself (<see cref="OfferJob"/>); from then on it cannot be accepted. Null: it does not.</summary>
    public DateTimeOffset? Until { get; set; }

    /// <summary>Nobody can accept it any more, or somebody has.</summary>
    public bool IsOver { get; set; }

    /// <summary>Why this unit, sealed under the referral's id; empty: the rules suggest it.</summary>
    public byte[] OverrideReason { get; set; } = [];

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>A referral by which a juvenile notice reached the school or the youth guidance committee (R-INT-8).</summary>
internal sealed class ReportNoticeRow : IFamilyFact
{
    public Guid ReferralId { get; set; }

    public Guid ReportId { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>A unit's last statement of its capacity for a service (R-INT-10).</summary>
internal sealed class CapacityRow : IVersioned, IFamilyFact
{
    public string UnitId { get; set; } = "";

    public Wire.Article6Service Service { get; set; }

    public int OpenPlaces { get; set; }

    public DateTimeOffset StatedAt { get; set; }

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Where reports lie.</summary>
internal sealed class ReportMapping : IEntityTypeConfiguration<Report>, IEntityTypeConfiguration<ReportSubjectRow>, IEntityTypeConfiguration<ReportMoveRow>,
    IEntityTypeConfiguration<ReportOfferRow>, IEntityTypeConfiguration<ReportNoticeRow>, IEntityTypeConfiguration<CapacityRow>
{
    public void Configure(EntityTypeBuilder<Report> builder)
    {
        builder.ToTable("report");
        builder.HasKey(r => r.ReportId);
        builder.Ignore(r => r.IsScreening);
        builder.Ignore(r => r.HasOpenAction);
        builder.Property(r => r.Version).IsConcurrencyToken();
        builder.HasIndex(r => r.ReceiptNumber).IsUnique();
        builder.HasIndex(r => new { r.IntakeUnitId, r.State, r.ReportId });
        builder.HasIndex(r => new { r.IntakeUnitId, r.ReportId });
        builder.HasIndex(r => new { r.LeadUnitId, r.ReportId });
        builder.HasIndex(r => new { r.SubmittedByUnitId, r.ReportId });
        builder.HasIndex(r => r.FirstReportId);
    }

    public void Configure(EntityTypeBuilder<ReportSubjectRow> builder)
    {
        builder.ToTable("report_subject");
        builder.HasKey(s => new { s.ReportId, s.PersonId });
        builder.HasIndex(s => new { s.PersonId, s.ReceivedAt });
    }

    public void Configure(EntityTypeBuilder<ReportMoveRow> builder)
    {
        builder.ToTable("report_move");
        builder.HasKey(m => m.MoveId);
        builder.HasIndex(m => new { m.ReportId, m.Number });
    }

    public void Configure(EntityTypeBuilder<ReportOfferRow> builder)
    {
        builder.ToTable("report_offer");
        builder.HasKey(o => o.ReferralId);
        builder.HasIndex(o => o.ReportId);
        builder.HasIndex(o => new { o.IsOver, o.Until });
    }

    public void Configure(EntityTypeBuilder<ReportNoticeRow> builder)
    {
        builder.ToTable("report_notice");
        builder.HasKey(n => n.ReferralId);
        builder.HasIndex(n => n.ReportId);
    }

    public void Configure(EntityTypeBuilder<CapacityRow> builder)
    {
        builder.ToTable("unit_capacity");
        builder.HasKey(c => new { c.UnitId, c.Service });
        builder.Property(c => c.Version).IsConcurrencyToken();
    }
}

/// <summary>An earlier report of a person or household.</summary>
/// <param name="SamePerson">Of one of the persons asked for; else of their household.</param>
internal readonly record struct PastReport(Guid ReportId, DateTimeOffset ReceivedAt, bool SamePerson);

/// <summary>Reads reports.</summary>
internal static class ReportQueries
{
    public static readonly SealedColumn ContentColumn = new("report", "sealed");

    public static readonly SealedColumn RemarkColumn = new("report_move", "remark");

    public static readonly SealedColumn OverrideColumn = new("report_offer", "override_reason");

    public static Report? FindReport(this ReadSession session, Guid reportId) => Queries.ById(session.Db, reportId);

    public static List<ReportMoveRow> MovesOfReport(this ReadSession session, Guid reportId) =>
        [.. session.Db.Set<ReportMoveRow>().AsNoTracking().Where(m => m.ReportId == reportId).OrderBy(m => m.Number)];

    public static List<ReportOfferRow> OffersOf(this ReadSession session, Guid reportId) =>
        [.. session.Db.Set<ReportOfferRow>().AsNoTracking().Where(o => o.ReportId == reportId).OrderBy(o => o.ReferralId)];

    /// <summary>Offers that nobody has answered by their end, those that ended first in front.</summary>
    public static List<ReportOfferRow> EndedOffers(this ReadSession session, DateTimeOffset now, int count) =>
        [.. session.Db.Set<ReportOfferRow>().AsNoTracking().Where(o => !o.IsOver && o.Until != null && o.Until <= now).OrderBy(o => o.Until).ThenBy(o => o.ReferralId).Take(count)];

    /// <summary>When the next offer ends; null: none will.</summary>
    public static DateTimeOffset? NextOfferEndAt(this ReadSession session) =>
        session.Db.Set<ReportOfferRow>().Where(o => !o.IsOver && o.Until != null).OrderBy(o => o.Until).Select(o => o.Until).FirstOrDefault();

    /// <summary>Referrals by which the notice went out, in the order they were made.</summary>
    public static List<Guid> NoticesOf(this ReadSession session, Guid reportId) =>
        [.. session.Db.Set<ReportNoticeRow>().Where(n => n.ReportId == reportId).OrderBy(n => n.ReferralId).Select(n => n.ReferralId)];

    public static ReportOfferRow? FindOffer(this ReadSession session, Guid referralId) => Queries.Offer(session.Db, referralId);

    public static List<Guid> SubjectsOfReport(this ReadSession session, Guid reportId) =>
        [.. session.Db.Set<ReportSubjectRow>().Where(s => s.ReportId == reportId).Select(s => s.PersonId)];

    public static bool HasDuplicates(this ReadSession session, Guid reportId) => session.Db.Set<Report>().Any(r => r.FirstReportId == reportId && r.State == Wire.ReportState.Linked);

    /// <summary>Reports of a unit's desk or of its own handing in, oldest first, after an id.</summary>
    public static List<Report> ListReports(this ReadSession session, string unitId, bool atIntake, Wire.ReportState state, bool protectiveOnly, Guid after, int count)
    {
        var query = session.Db.Set<Report>().AsNoTracking().Where(r => r.ReportId.CompareTo(after) > 0);
        query = atIntake ? query.Where(r => r.IntakeUnitId == unitId) : query.Where(r => r.SubmittedByUnitId == unitId);
        if (state != Wire.ReportState.Unspecified) query = query.Where(r => r.State == state);
        if (protectiveOnly) query = query.Where(r => r.IsProtective);
        return [.. query.OrderBy(r => r.ReportId).Take(count)];
    }

    /// <summary>
    /// Reports of a person, and of everybody of the household, within a stretch of time, newest first; invalid, erroneous and duplicate ones do not count (R-INT-2). Read
    /// through the index of persons and times: what it costs grows with the family's reports, not with all.
    /// </summary>
    public static List<PastReport> PastReportsOf(this ReadSession session, PersonPlace person, DateTimeOffset from, DateTimeOffset before, Guid except)
    {
        var found = new Dictionary<Guid, PastReport>();
        var sql = person.HouseholdId is null ? OfPerson : OfHousehold;
        using var reader = session.Query(sql, (person.HouseholdId ?? person.PersonId).ToByteArray(true), Instants.ToMicros(from), Instants.ToMicros(before), except.ToByteArray(true));
        while (reader.Read())
        {
            var (id, same) = (reader.GetId(0), reader.GetId(2) == person.PersonId);
            if (!found.TryGetValue(id, out var known) || (same && !known.SamePerson)) found[id] = new PastReport(id, Instants.FromMicros(reader.GetInt64(1)), same);
        }

        return [.. found.Values.OrderByDescending(past => past.ReceivedAt)];
    }

    private const string Counted = " AND r.report_id <> $3 AND r.class NOT IN (2, 3, 4)";

    private const string OfPerson = """
        SELECT s.report_id, s.received_at, s.person_id FROM report_subject AS s CROSS JOIN report AS r
        WHERE s.person_id = $0 AND s.received_at >= $1 AND s.received_at < $2 AND r.report_id = s.report_id
        """ + Counted;

    private const string OfHousehold = """
        SELECT s.report_id, s.received_at, s.person_id FROM person AS p CROSS JOIN report_subject AS s CROSS JOIN report AS r
        WHERE p.household_id = $0 AND s.person_id = p.person_id AND s.received_at >= $1 AND s.received_at < $2 AND r.report_id = s.report_id
        """ + Counted;

    /// <summary>Open campus-safety duties of an agency's units about one of these persons (R-INT-7).</summary>
    public static List<Report> OpenActionsAbout(this ReadSession session, IReadOnlyCollection<string> unitIds, IReadOnlyCollection<Guid> personIds) =>
        [.. OwnAbout(session, WithOpenAction, unitIds, personIds, DateTimeOffset.UnixEpoch).Select(id => session.FindReport(id)!)];

    /// <summary>Reports of an agency's units about one of these persons, received since an instant, newest first.</summary>
    public static List<Report> OwnReportsAbout(this ReadSession session, IReadOnlyCollection<string> unitIds, IReadOnlyCollection<Guid> personIds, DateTimeOffset since) =>
        [.. OwnAbout(session, Any, unitIds, personIds, since).Take(20).Select(id => session.FindReport(id)!)];

    /// <summary>Ids, newest first. From the persons to their reports: an agency's reports are many, a person's few.</summary>
    private static IEnumerable<Guid> OwnAbout(ReadSession session, string sql, IReadOnlyCollection<string> unitIds, IEnumerable<Guid> personIds, DateTimeOffset since)
    {
        var found = new Dictionary<Guid, DateTimeOffset>();
        foreach (var person in personIds)
        {
            using var reader = session.Query(sql, person.ToByteArray(true), Instants.ToMicros(since));
            while (reader.Read())
                if (unitIds.Contains(reader.GetString(2), StringComparer.Ordinal)) found[reader.GetId(0)] = Instants.FromMicros(reader.GetInt64(1));
        }

        return found.OrderByDescending(one => one.Value).Select(one => one.Key);
    }

    private const string Any = """
        SELECT s.report_id, s.received_at, r.submitted_by_unit_id FROM report_subject AS s CROSS JOIN report AS r
        WHERE s.person_id = $0 AND s.received_at >= $1 AND r.report_id = s.report_id
        """;

    private const string WithOpenAction = Any + " AND r.required_action <> 0 AND r.action_done_at IS NULL";

    /// <summary>The person had a case that is closed.</summary>
    public static bool HadClosedCase(this ReadSession session, Guid personId)
    {
        using var reader = session.Query(
            "SELECT 1 FROM case_subject AS s JOIN case_file AS c ON c.case_id = s.case_id WHERE s.person_id = $0 AND c.state <> 1 LIMIT 1", personId.ToByteArray(true));
        return reader.Read();
    }

    public static List<CapacityRow> CapacitiesOf(this ReadSession session, IReadOnlyCollection<string> unitIds) =>
        [.. session.Db.Set<CapacityRow>().AsNoTracking().Where(c => unitIds.Contains(c.UnitId))];

    private static class Queries
    {
        public static readonly Func<ExchangeDb, Guid, Report?> ById =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<Report>().AsNoTracking().FirstOrDefault(r => r.ReportId == id));

        public static readonly Func<ExchangeDb, Guid, ReportOfferRow?> Offer =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<ReportOfferRow>().AsNoTracking().FirstOrDefault(o => o.ReferralId == id));
    }
}
