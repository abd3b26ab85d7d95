using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.PersonLinks;

/// <summary>What was decided of two numbers (R-HH-7), by a clerk or by a delivery; never changed. Of a clerk's decisions the last one counts, and more than any delivery.</summary>
internal sealed class PersonLinkRow : IFamilyFact
{
    public Guid LinkId { get; set; }

    /// <summary>Of the register that decided; its keys seal the content.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>Blind index of the number that is kept, 32 bytes.</summary>
    public byte[] KeptIndex { get; set; } = [];

    /// <summary>Blind index of the other number, 32 bytes; the exchange may not know it.</summary>
    public byte[] OtherIndex { get; set; } = [];

    public Wire.PersonLinkDecision Decision { get; set; }

    public DateTimeOffset DecidedAt { get; set; }

    public string UnitId { get; set; } = "";

    /// <summary>Staff number of the clerk; empty: a delivery.</summary>
    public string DecidedByPersonId { get; set; } = "";

    /// <summary>The delivery; null: a clerk.</summary>
    public Guid? DeliveryId { get; set; }

    /// <summary>Both numbers and the reason, a sealed <see cref="Wire.PersonLink"/>.</summary>
    public byte[] Sealed { get; set; } = [];

    /// <summary>What it changes are the rows that name the two.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    public Wire.PersonLink ToWire(Vault vault)
    {
        var link = vault.OpenFacts(Wire.PersonLink.Parser, PersonLinkQueries.ContentColumn, LinkId, Sealed);
        (link.LinkId, link.Decision, link.DecidedAt) = (LinkId.ToString(), Decision, Timestamp.FromDateTimeOffset(DecidedAt));
        (link.UnitId, link.DecidedByPersonId, link.DeliveryId) = (UnitId, DecidedByPersonId, DeliveryId?.ToString() ?? "");
        return link;
    }
}

/// <summary>Where decisions lie.</summary>
internal sealed class PersonLinkMapping : IEntityTypeConfiguration<PersonLinkRow>
{
    public void Configure(EntityTypeBuilder<PersonLinkRow> builder)
    {
        builder.ToTable("person_link");
        builder.HasKey(l => l.LinkId);
        builder.HasIndex(l => new { l.KeptIndex, l.OtherIndex });
        builder.HasIndex(l => l.OtherIndex);
    }
}

/// <summary>Reads decisions.</summary>
internal static class PersonLinkQueries
{
    public static readonly SealedColumn ContentColumn = new("person_link", "sealed");

    public static PersonLinkRow? FindLink(this ReadSession session, Guid linkId) => session.Db.Set<PersonLinkRow>().AsNoTracking().FirstOrDefault(l => l.LinkId == linkId);

    /// <summary>Decisions of a register, or of all, on a number, before an id, newest first.</summary>
    public static List<PersonLinkRow> LinksOf(this ReadSession session, Wire.Jurisdiction? jurisdiction, byte[] index, Guid before, int count) =>
        [.. session.Db.Set<PersonLinkRow>().AsNoTracking().Where(l => (jurisdiction == null || l.Jurisdiction == jurisdiction) && (l.KeptIndex == index || l.OtherIndex == index) && l.LinkId.CompareTo(before) < 0)
            .OrderByDescending(l => l.LinkId).Take(count)];

    /// <summary>The last that a clerk decided of these two, and its place among all decisions; 0: nothing.</summary>
    public static (long Place, Wire.PersonLinkDecision Decision) LastDecision(this ReadSession session, byte[] one, byte[] other)
    {
        using var reader = session.Query("""
            SELECT rowid, decision FROM person_link WHERE delivery_id IS NULL AND ((kept_index = $0 AND other_index = $1) OR (kept_index = $1 AND other_index = $0))
            ORDER BY rowid DESC LIMIT 1
            """, one, other);
        return reader.Read() ? (reader.GetInt64(0), (Wire.PersonLinkDecision)reader.GetInt32(1)) : default;
    }

    /// <summary>All numbers of a person, by blind index.</summary>
    public static List<byte[]> IndexesOf(this ReadSession session, Guid personId)
    {
        var found = new List<byte[]>();
        using var reader = session.Query("SELECT national_id_index FROM person WHERE person_id = $0 UNION ALL SELECT national_id_index FROM person WHERE same_as = $0", personId.ToByteArray(true));
        while (reader.Read()) found.Add(reader.GetFieldValue<byte[]>(0));
        return found;
    }

    /// <summary>Place of the newest decision, as the snapshot has it.</summary>
    public static long LastLink(this ReadSession session)
    {
        using var reader = session.Query("SELECT coalesce(max(rowid), 0) FROM person_link");
        return reader.Read() ? reader.GetInt64(0) : 0;
    }
}

/// <summary>Refuses a change that was made before something was decided of one of two numbers: no row comes of it.</summary>
internal sealed record UndecidedSince(long LastLink, byte[] KeptIndex, byte[] OtherIndex) : IStatementRow, IFamilyFact
{
    public string Sql => "INSERT INTO person_link SELECT * FROM person_link WHERE rowid > ?1 AND (kept_index IN (?2, ?3) OR other_index IN (?2, ?3))";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, LastLink);
        statement.Bind(2, KeptIndex);
        statement.Bind(3, OtherIndex);
    }

    public IEnumerable<Guid> AffectedIds() => [];
}
