using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>One thing that is wrong with a row of a delivery, as it is kept: field and fault, no value.</summary>
internal sealed class DeliveryRejection
{
    public Guid DeliveryId { get; set; }

    public long Line { get; set; }

    /// <summary>Of the row's faults, from 0.</summary>
    public int Number { get; set; }

    public string Field { get; set; } = "";

    public Wire.RegisterFault Fault { get; set; }

    /// <summary>What the rule asks for; empty: nothing to add.</summary>
    public string Argument { get; set; } = "";

    /// <inheritdoc cref="RejectionWrite.SparedHouseholdId"/>
    public Guid? HouseholdId { get; set; }
}

/// <summary>Up to when deliveries of a register have been looked for.</summary>
internal sealed class DeliveryLook : IVersioned, IFamilyFact
{
    public Wire.Jurisdiction Jurisdiction { get; set; }

    public DateTimeOffset LookedUntil { get; set; }

    public int Version { get; set; } = 1;

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Where deliveries lie.</summary>
internal sealed class DeliveryMapping : IEntityTypeConfiguration<HouseholdDelivery>, IEntityTypeConfiguration<DeliveryRejection>, IEntityTypeConfiguration<DeliveryLook>
{
    public void Configure(EntityTypeBuilder<HouseholdDelivery> builder)
    {
        builder.ToTable("household_delivery");
        builder.HasKey(d => d.DeliveryId);
        builder.Property(d => d.AsOf).HasConversion(day => day.DayNumber, number => DateOnly.FromDayNumber(number));
        builder.Property(d => d.Version).IsConcurrencyToken();
        builder.HasIndex(d => new { d.Jurisdiction, d.DeliveryId });
        // A register has one open delivery: of two that begin at once, one finds the other.
        builder.HasIndex(d => d.Jurisdiction).IsUnique().HasFilter($"state IN ({(int)Wire.DeliveryState.Open}, {(int)Wire.DeliveryState.Short})");
    }

    public void Configure(EntityTypeBuilder<DeliveryRejection> builder)
    {
        builder.ToTable("delivery_rejection");
        builder.HasKey(r => new { r.DeliveryId, r.Line, r.Number });
    }

    public void Configure(EntityTypeBuilder<DeliveryLook> builder)
    {
        builder.ToTable("delivery_look");
        builder.HasKey(l => l.Jurisdiction);
        builder.Property(l => l.Jurisdiction).ValueGeneratedNever();
        builder.Property(l => l.Version).IsConcurrencyToken();
    }
}

/// <summary>A person as the register finds it.</summary>
internal sealed class KnownRow
{
    public required Guid PersonId { get; init; }

    public Wire.Jurisdiction Jurisdiction { get; init; }

    public byte[] NationalIdIndex { get; init; } = [];

    public byte[] NameIndex { get; init; } = [];

    public Guid? HouseholdId { get; init; }

    public string District { get; init; } = "";

    public int Place { get; init; }

    public bool IsProtected { get; init; }

    public byte[] Sealed { get; init; } = [];

    public Guid? TakenIn { get; init; }

    /// <inheritdoc cref="RegisterEntry.SinceDay"/>
    public int? SinceDay { get; init; }

    public byte[] Fingerprint { get; init; } = [];

    /// <inheritdoc cref="PersonRow.SameAs"/>
    public Guid? SameAs { get; init; }

    /// <summary>Some register has brought the person; if not, what is known was told by a unit.</summary>
    public bool IsRegistered => HouseholdId is not null || SinceDay is not null;

    /// <summary>What of the person is in memory; null: it is sealed.</summary>
    public Wire.HouseholdMember? Facts { get; set; }

    public Wire.HouseholdMember Open(Vault vault) => Facts ??= vault.OpenFacts(Wire.HouseholdMember.Parser, People.FactsColumn, PersonId, Sealed);
}

/// <summary>Reads deliveries, and persons as deliveries find them.</summary>
internal static class DeliveryQueries
{
    private const string FromKnown = "FROM person AS p LEFT JOIN register_entry AS e ON e.person_id = p.person_id";

    private const string Known = $"""
        SELECT p.person_id, p.jurisdiction, p.national_id_index, p.name_index, p.household_id, p.district, p.place, p.is_protected, p.sealed, e.taken_in, e.since_day, e.fingerprint, p.rowid, p.same_as
        {FromKnown}
        """;

    /// <summary>SQL over a registered person: no row of the delivery $1 is about it, and none that names nobody about its household.</summary>
    private const string IsAbsent = """
        p.household_id IS NOT NULL AND (e.seen_in IS NULL OR e.seen_in <> $1)
        AND p.household_id NOT IN (SELECT household_id FROM delivery_rejection WHERE delivery_id = $1 AND household_id IS NOT NULL)
        """;

    public static HouseholdDelivery? FindDelivery(this ReadSession session, Guid deliveryId) =>
        session.Db.Set<HouseholdDelivery>().AsNoTracking().FirstOrDefault(d => d.DeliveryId == deliveryId);

    public static HouseholdDelivery? FindOpenDelivery(this ReadSession session, Wire.Jurisdiction jurisdiction) => session.Db.Set<HouseholdDelivery>().AsNoTracking()
        .FirstOrDefault(d => d.Jurisdiction == jurisdiction && (d.State == Wire.DeliveryState.Open || d.State == Wire.DeliveryState.Short));

    public static HouseholdDelivery? FindNewestDelivery(this ReadSession session, Wire.Jurisdiction jurisdiction) => session.Db.Set<HouseholdDelivery>().AsNoTracking()
        .Where(d => d.Jurisdiction == jurisdiction).OrderByDescending(d => d.DeliveryId).FirstOrDefault();

    public static HouseholdDelivery? FindLastCompleted(this ReadSession session, Wire.Jurisdiction jurisdiction, Wire.DeliveryKind kind = Wire.DeliveryKind.Unspecified) =>
        session.Db.Set<HouseholdDelivery>().AsNoTracking().Where(d => d.Jurisdiction == jurisdiction && d.State == Wire.DeliveryState.Completed && (kind == Wire.DeliveryKind.Unspecified || d.Kind == kind))
            .OrderByDescending(d => d.DeliveryId).FirstOrDefault();

    /// <summary>A delivery of the register was completed in that time, its end included.</summary>
    public static bool HasCompleted(this ReadSession session, Wire.Jurisdiction jurisdiction, DateTimeOffset after, DateTimeOffset until)
    {
        using var reader = session.Query("SELECT 1 FROM household_delivery WHERE jurisdiction = $0 AND state = $1 AND ended_at > $2 AND ended_at <= $3 LIMIT 1",
            (int)jurisdiction, (int)Wire.DeliveryState.Completed, Instants.ToMicros(after), Instants.ToMicros(until));
        return reader.Read();
    }

    public static List<DeliveryLook> DeliveryLooks(this ReadSession session) => [.. session.Db.Set<DeliveryLook>().AsNoTracking()];

    /// <summary>Persons who are registered in a jurisdiction.</summary>
    public static long CountRegistered(this ReadSession session, Wire.Jurisdiction jurisdiction)
    {
        using var reader = session.Query("SELECT count(*) FROM person WHERE jurisdiction = $0 AND household_id IS NOT NULL", (int)jurisdiction);
        return reader.Read() ? reader.GetInt64(0) : 0;
    }

    /// <summary>The person with that number; also one who was found to be another.</summary>
    public static KnownRow? FindKnown(this ReadSession session, byte[] nationalIdIndex)
    {
        using var reader = session.Query($"{Known} WHERE p.national_id_index = $0", nationalIdIndex);
        return reader.Read() ? Read(reader) : null;
    }

    public static KnownRow? FindKnown(this ReadSession session, Guid personId)
    {
        using var reader = session.Query($"{Known} WHERE p.person_id = $0", personId.ToByteArray(true));
        return reader.Read() ? Read(reader) : null;
    }

    /// <summary>Another person whom this delivery brought has the first place of the household.</summary>
    public static bool HasOtherHead(this ReadSession session, Guid householdId, Guid deliveryId, Guid? personId)
    {
        using var reader = session.Query(
            "SELECT 1 FROM person AS p JOIN register_entry AS e ON e.person_id = p.person_id WHERE p.household_id = $0 AND p.place = 0 AND e.taken_in = $1 AND p.person_id <> $2",
            householdId.ToByteArray(true), deliveryId.ToByteArray(true), (personId ?? Guid.Empty).ToByteArray(true));
        return reader.Read();
    }

    /// <summary>Children who wait for a parent.</summary>
    public static List<(Guid ChildId, bool IsFather)> ChildrenWaitingFor(this ReadSession session, byte[] parentIndex)
    {
        var found = new List<(Guid, bool)>();
        using var reader = session.Query("SELECT child_id, is_father FROM pending_parent WHERE parent_index = $0 ORDER BY child_id", parentIndex);
        while (reader.Read()) found.Add((reader.GetId(0), reader.GetBoolean(1)));
        return found;
    }

    public static List<Guid> ParentsOf(this ReadSession session, Guid childId)
    {
        var found = new List<Guid>();
        using var reader = session.Query("SELECT parent_id FROM parent WHERE child_id = $0", childId.ToByteArray(true));
        while (reader.Read()) found.Add(reader.GetId(0));
        return found;
    }

    /// <summary>How many no row of a delivery names.</summary>
    public static long CountAbsent(this ReadSession session, Wire.Jurisdiction jurisdiction, Guid deliveryId)
    {
        using var reader = session.Query($"SELECT count(*) {FromKnown} WHERE p.jurisdiction = $0 AND {IsAbsent}", (int)jurisdiction, deliveryId.ToByteArray(true));
        return reader.Read() ? reader.GetInt64(0) : 0;
    }

    /// <summary>Persons of the register whom no row of a delivery names, in the order of the store, after a place in it.</summary>
    public static List<(long Place, KnownRow Person)> Absent(this ReadSession session, Wire.Jurisdiction jurisdiction, Guid deliveryId, long after, int count)
    {
        var found = new List<(long, KnownRow)>();
        using var reader = session.Query($"""
            {Known} WHERE p.rowid > $2 AND p.jurisdiction = $0 AND {IsAbsent}
            ORDER BY p.rowid LIMIT $3
            """, (int)jurisdiction, deliveryId.ToByteArray(true), after, count);
        while (reader.Read()) found.Add((reader.GetInt64(12), Read(reader)));
        return found;
    }

    /// <summary>Faults of a delivery after a line and number, in that order.</summary>
    public static List<DeliveryRejection> Rejections(this ReadSession session, Guid deliveryId, long line, int number, int count)
    {
        var found = new List<DeliveryRejection>();
        using var reader = session.Query(
            "SELECT line, number, field, fault, argument FROM delivery_rejection WHERE delivery_id = $0 AND (line, number) > ($1, $2) ORDER BY line, number LIMIT $3",
            deliveryId.ToByteArray(true), line, number, count);
        while (reader.Read())
        {
            found.Add(new DeliveryRejection
            {
                DeliveryId = deliveryId, Line = reader.GetInt64(0), Number = reader.GetInt32(1), Field = reader.GetString(2), Fault = (Wire.RegisterFault)reader.GetInt32(3),
                Argument = reader.GetString(4),
            });
        }

        return found;
    }

    private static KnownRow Read(SqliteDataReader reader) => new()
    {
        PersonId = reader.GetId(0), Jurisdiction = (Wire.Jurisdiction)reader.GetInt32(1), NationalIdIndex = reader.GetFieldValue<byte[]>(2), NameIndex = reader.GetFieldValue<byte[]>(3),
        HouseholdId = reader.IsDBNull(4) ? null : reader.GetId(4), District = reader.GetString(5), Place = reader.GetInt32(6), IsProtected = reader.GetBoolean(7),
        Sealed = reader.GetFieldValue<byte[]>(8), TakenIn = reader.IsDBNull(9) ? null : reader.GetId(9), SinceDay = reader.IsDBNull(10) ? null : reader.GetInt32(10),
        Fingerprint = reader.IsDBNull(11) ? [] : reader.GetFieldValue<byte[]>(11), SameAs = reader.IsDBNull(13) ? null : reader.GetId(13),
    };
}
