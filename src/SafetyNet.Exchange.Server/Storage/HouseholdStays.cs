using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// A time that is over, in which a person was registered so (R-HH-7): household, place and facts as they were. What holds now stands in the person's row, since the day in its
/// <see cref="RegisterEntry"/>.
/// </summary>
internal sealed class HouseholdStay
{
    public Guid StayId { get; set; }

    public Guid PersonId { get; set; }

    public Guid HouseholdId { get; set; }

    /// <summary>First day, as <see cref="DateOnly.DayNumber"/>; 0: not known, from ever.</summary>
    public int FromDay { get; set; }

    /// <summary>The day after the last one.</summary>
    public int UntilDay { get; set; }

    public string District { get; set; } = "";

    public int Place { get; set; }

    /// <summary>A sealed <see cref="Wire.HouseholdMember"/>.</summary>
    public byte[] Sealed { get; set; } = [];
}

/// <summary>What a register has said of a person last. A person without one was never in a delivery.</summary>
internal sealed class RegisterEntry
{
    public Guid PersonId { get; set; }

    /// <summary>Last delivery of which a row about the person was taken; null: none yet.</summary>
    public Guid? TakenIn { get; set; }

    /// <summary>Last delivery that had a row about the person, right or wrong.</summary>
    public Guid? SeenIn { get; set; }

    /// <summary>Day since when it is as it is, as <see cref="DateOnly.DayNumber"/>; null: not known, from ever.</summary>
    public int? SinceDay { get; set; }

    /// <summary>Keyed hash of the row, 32 bytes; empty: what holds is not of a row.</summary>
    public byte[] Fingerprint { get; set; } = [];
}

/// <summary>A parent whom a row names and nobody has brought yet: found when it comes, by blind index.</summary>
internal sealed class PendingParent
{
    public Guid ChildId { get; set; }

    public bool IsFather { get; set; }

    /// <summary>Blind index of the national id, 32 bytes.</summary>
    public byte[] ParentIndex { get; set; } = [];
}

/// <summary>Where stays, entries and parents to come lie.</summary>
internal sealed class HouseholdStayMapping : IEntityTypeConfiguration<HouseholdStay>, IEntityTypeConfiguration<RegisterEntry>, IEntityTypeConfiguration<PendingParent>
{
    public void Configure(EntityTypeBuilder<HouseholdStay> builder)
    {
        builder.ToTable("household_stay");
        builder.HasKey(s => s.StayId);
        builder.HasIndex(s => new { s.PersonId, s.FromDay }).IsUnique();
        builder.HasIndex(s => new { s.HouseholdId, s.FromDay });
    }

    public void Configure(EntityTypeBuilder<RegisterEntry> builder)
    {
        builder.ToTable("register_entry");
        builder.HasKey(e => e.PersonId);
    }

    public void Configure(EntityTypeBuilder<PendingParent> builder)
    {
        builder.ToTable("pending_parent");
        builder.HasKey(p => new { p.ChildId, p.IsFather });
        builder.HasIndex(p => p.ParentIndex);
    }
}

/// <summary>A stay that ends.</summary>
internal sealed record EndedStay(Guid StayId, Guid PersonId, Guid HouseholdId, int FromDay, int UntilDay, string District, int Place, byte[] Sealed) : IStatementRow, IFamilyFact
{
    public static readonly SealedColumn FactsColumn = new("household_stay", "sealed");

    public string Sql => "INSERT INTO household_stay (stay_id, person_id, household_id, from_day, until_day, district, place, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, StayId);
        statement.Bind(2, PersonId);
        statement.Bind(3, HouseholdId);
        statement.Bind(4, (long)FromDay);
        statement.Bind(5, (long)UntilDay);
        statement.Bind(6, District);
        statement.Bind(7, (long)Place);
        statement.Bind(8, Sealed);
    }

    /// <summary>Families are of today.</summary>
    public IEnumerable<Guid> AffectedIds() => [];
}
