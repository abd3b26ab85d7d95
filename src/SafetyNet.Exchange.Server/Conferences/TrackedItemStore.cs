using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>Where tracked items lie. What a chair follows and what a unit owes next is each found by an index of open items.</summary>
internal sealed class TrackedItemMapping : IEntityTypeConfiguration<TrackedItem>, IEntityTypeConfiguration<ItemMoveRow>, IEntityTypeConfiguration<ListedCase>
{
    public void Configure(EntityTypeBuilder<TrackedItem> builder)
    {
        builder.ToTable("tracked_item");
        builder.HasKey(i => i.ItemId);
        builder.Ignore(i => i.Step);
        builder.Property(i => i.Version).IsConcurrencyToken();
        builder.HasIndex(i => new { i.ChairUnitId, i.IsOpen, i.DueOn, i.ItemId }, "IX_tracked_item_chair");
        builder.HasIndex(i => new { i.OwnerUnitId, i.IsOpen, i.DueOn, i.ItemId }, "IX_tracked_item_owner");
        builder.HasIndex(i => new { i.CaseId, i.ItemId });
        builder.HasIndex(i => new { i.ConferenceId, i.DueOn, i.ItemId });
        builder.HasIndex(i => i.ResolutionId);
    }

    public void Configure(EntityTypeBuilder<ItemMoveRow> builder)
    {
        builder.ToTable("item_move");
        builder.HasKey(m => m.MoveId);
        builder.HasIndex(m => new { m.ItemId, m.Number }).IsUnique();
    }

    public void Configure(EntityTypeBuilder<ListedCase> builder)
    {
        builder.ToTable("listed_case");
        builder.HasKey(c => c.CaseId);
        builder.Property(c => c.Version).IsConcurrencyToken();
    }
}

/// <summary>An item of a list, with what the decision on it looks at.</summary>
/// <param name="Scope">Protective classes on the acting unit's scope in the case.</param>
internal readonly record struct ItemLine(TrackedItem Item, Wire.Jurisdiction Jurisdiction, ProtectiveScope Scope);

/// <summary>Which open items of a unit a page is about.</summary>
/// <param name="AsChair">Those that it chairs; else those that it owes.</param>
/// <param name="OverdueOn">Only those that are overdue on that day; null: all.</param>
/// <param name="After">Place of the last item of the page before.</param>
internal sealed record ItemPage(string UnitId, bool AsChair, DateOnly? OverdueOn, (DateOnly Day, Guid Id) After, int Count);

/// <summary>Reads tracked items.</summary>
internal static class TrackedItemQueries
{
    /// <summary>Moves of an item that an answer holds at most, the newest.</summary>
    public const int MostMoves = 100;

    public static readonly SealedColumn DeedColumn = new("tracked_item", "deed");

    public static readonly SealedColumn TextColumn = new("item_move", "text");

    /// <summary>SQL: the unit $1 has to do with item $0 at all; it begins at the item, and costs the same whether or not there is one (R-NTK-14).</summary>
    private const string ReachSql = """
        SELECT 1 FROM tracked_item AS i WHERE i.item_id = $0 AND (i.owner_unit_id = $1 OR i.chair_unit_id = $1
        OR EXISTS (SELECT 1 FROM conference_invitation AS v WHERE v.conference_id = i.conference_id AND v.unit_id = $1)
        OR EXISTS (SELECT 1 FROM case_participant AS p WHERE p.case_id = i.case_id AND p.unit_id = $1))
        """;

    private const string PageColumns = """
        SELECT i.item_id, i.case_id, i.conference_id, i.resolution_id, i.jurisdiction, i.chair_unit_id, i.owner_unit_id, i.state, i.level, i.due_on, i.confidentiality_class, i.deed, i.legal_basis, i.made_at,
        i.times_carried_over, i.move_count, i.version, c.jurisdiction, coalesce(p.role, 0), p.protective_classes, p.protective_until
        """;

    private const string PageTables = """
        JOIN case_file AS c ON c.case_id = i.case_id AND c.state = 1
        LEFT JOIN case_participant AS p ON p.case_id = i.case_id AND p.unit_id = $0
        """;

    // Row values seek to the place in the index; the third part leaves out what is not overdue, or nothing.
    private const string PageOrder = """
        AND i.is_open = 1 AND (i.due_on, i.item_id) > ($1, $2) AND ($3 = '' OR (i.due_on < $3 AND i.state IN (1, 4))) ORDER BY i.due_on, i.item_id LIMIT $4
        """;

    private const string ChairSql = $"{PageColumns} FROM tracked_item AS i INDEXED BY IX_tracked_item_chair {PageTables} WHERE i.chair_unit_id = $0 {PageOrder}";

    private const string OwnerSql = $"{PageColumns} FROM tracked_item AS i INDEXED BY IX_tracked_item_owner {PageTables} WHERE i.owner_unit_id = $0 {PageOrder}";

    public static bool ReachesItem(this ReadSession session, Guid itemId, string unitId)
    {
        using var reader = session.Query(ReachSql, itemId.ToByteArray(true), unitId);
        return reader.Read();
    }

    public static TrackedItem? FindItem(this ReadSession session, Guid itemId) => session.Db.Set<TrackedItem>().AsNoTracking().FirstOrDefault(i => i.ItemId == itemId);

    public static List<ItemLine> ListItems(this ReadSession session, ItemPage page)
    {
        var found = new List<ItemLine>();
        using var reader = session.Query(page.AsChair ? ChairSql : OwnerSql, page.UnitId, DayText(page.After.Day), page.After.Id.ToByteArray(true),
            page.OverdueOn is { } day ? DayText(day) : "", page.Count);
        while (reader.Read())
        {
            var role = (Wire.ParticipantRole)reader.GetInt32(18);
            found.Add(new ItemLine(ReadItem(reader), (Wire.Jurisdiction)reader.GetInt32(17),
                Standing.OfParticipant(role) == RelationshipSet.None ? default : ProtectiveScope.Read(reader, 19)));
        }

        return found;
    }

    /// <summary>Items of a case that are on the list.</summary>
    public static List<TrackedItem> ItemsOnList(this ReadSession session, Guid caseId) =>
        [.. session.Db.Set<TrackedItem>().AsNoTracking().Where(i => i.CaseId == caseId && i.State != Wire.ItemState.Removed).OrderBy(i => i.ItemId)];

    /// <summary>Every item of a case.</summary>
    public static List<TrackedItem> ItemsOfCase(this ReadSession session, Guid caseId) => [.. session.Db.Set<TrackedItem>().AsNoTracking().Where(i => i.CaseId == caseId).OrderBy(i => i.ItemId)];

    /// <summary>Items that a conference follows, soonest due first.</summary>
    public static List<TrackedItem> ItemsOfConference(this ReadSession session, Guid conferenceId) =>
        [.. session.Db.Set<TrackedItem>().AsNoTracking().Where(i => i.ConferenceId == conferenceId).OrderBy(i => i.DueOn).ThenBy(i => i.ItemId)];

    /// <summary>Items that resolutions made.</summary>
    public static List<TrackedItem> ItemsOfResolutions(this ReadSession session, IReadOnlyList<Guid> resolutionIds) =>
        [.. session.Db.Set<TrackedItem>().AsNoTracking().Where(i => resolutionIds.Contains(i.ResolutionId)).OrderBy(i => i.DueOn).ThenBy(i => i.ItemId)];

    /// <summary>Moves of items, of each in order.</summary>
    public static ILookup<Guid, ItemMoveRow> MovesOfItems(this ReadSession session, IReadOnlyList<Guid> itemIds) =>
        session.Db.Set<ItemMoveRow>().AsNoTracking().Where(m => itemIds.Contains(m.ItemId)).OrderBy(m => m.ItemId).ThenBy(m => m.Number).ToLookup(m => m.ItemId);

    public static ListedCase? FindListedCase(this ReadSession session, Guid caseId) => session.Db.Set<ListedCase>().AsNoTracking().FirstOrDefault(c => c.CaseId == caseId);

    /// <summary>Whether the unit chairs or owes items of a case that are on the list.</summary>
    public static List<TrackedItem> ItemsChairedBy(this ReadSession session, Guid caseId, string unitId) =>
        [.. session.Db.Set<TrackedItem>().AsNoTracking().Where(i => i.CaseId == caseId && i.ChairUnitId == unitId && i.State != Wire.ItemState.Removed).OrderBy(i => i.ItemId)];

    private static TrackedItem ReadItem(SqliteDataReader reader) => new()
    {
        ItemId = reader.GetId(0), CaseId = reader.GetId(1), ConferenceId = reader.GetId(2), ResolutionId = reader.GetId(3), Jurisdiction = (Wire.Jurisdiction)reader.GetInt32(4),
        ChairUnitId = reader.GetString(5), OwnerUnitId = reader.GetString(6), State = (Wire.ItemState)reader.GetInt32(7), IsOpen = true, Level = (Wire.ConferenceLevel)reader.GetInt32(8),
        DueOn = DateOnly.ParseExact(reader.GetString(9), "yyyy-MM-dd", CultureInfo.InvariantCulture), ConfidentialityClass = (Wire.ConfidentialityClass)reader.GetInt32(10),
        Deed = reader.GetFieldValue<byte[]>(11), LegalBasis = (Wire.LegalBasis)reader.GetInt32(12), MadeAt = Instants.FromMicros(reader.GetInt64(13)), TimesCarriedOver = reader.GetInt32(14),
        MoveCount = reader.GetInt32(15), Version = reader.GetInt32(16),
    };

    private static string DayText(DateOnly day) => CivilDate.ToText(day);
}
