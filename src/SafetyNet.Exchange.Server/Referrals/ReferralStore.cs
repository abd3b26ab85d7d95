using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>A person whom a referral is about; which persons units have to do with is read from here at each call.</summary>
internal sealed class ReferralSubjectRow : IFamilyFact, INamesPersons
{
    public Guid ReferralId { get; set; }

    public Guid PersonId { get; set; }

    public IEnumerable<Guid> AffectedIds() => [PersonId];

    public IEnumerable<Guid> NamedPersons() => [PersonId];
}

/// <summary>A move that was made; never changed (R-REF-2).</summary>
internal sealed class ReferralMoveRow : IFamilyFact
{
    public Guid MoveId { get; set; }

    public Guid ReferralId { get; set; }

    /// <summary>Version of the referral that the move made; orders the moves.</summary>
    public int Number { get; set; }

    public Wire.ReferralAction Action { get; set; }

    public Wire.ReferralState State { get; set; }

    public DateTimeOffset MovedAt { get; set; }

    public string UnitId { get; set; } = "";

    public string PersonId { get; set; } = "";

    /// <summary>Remark, sealed; empty: none.</summary>
    public byte[] Remark { get; set; } = [];

    /// <summary>Staff number of the worker who was assigned by this move; empty: it assigned nobody.</summary>
    public string AssignedPersonId { get; set; } = "";

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>What a unit did to win over an involuntary client (R-REF-4) or to find somebody lost (R-REF-8); never changed.</summary>
internal sealed class ReferralEffortRow : IFamilyFact, INamesPersons
{
    public Guid EffortId { get; set; }

    public Guid ReferralId { get; set; }

    /// <summary>The involuntary client; null: it is a step of a search.</summary>
    public Guid? ClientPersonId { get; set; }

    /// <summary>Code of <see cref="Wire.PersuasionKind"/> with a client, else of <see cref="Wire.SearchStepKind"/>.</summary>
    public int Kind { get; set; }

    /// <summary>What came of it; UNSPECIFIED: it is a step of a search.</summary>
    public Wire.PersuasionResult Result { get; set; }

    public DateTimeOffset MadeAt { get; set; }

    public DateTimeOffset RecordedAt { get; set; }

    public string RecordedByPersonId { get; set; } = "";

    /// <summary>Remark, sealed; empty: none.</summary>
    public byte[] Remark { get; set; } = [];

    public IEnumerable<Guid> AffectedIds() => [];

    public IEnumerable<Guid> NamedPersons() => ClientPersonId is { } client ? [client] : [];
}

/// <summary>Where referrals lie.</summary>
internal sealed class ReferralMapping :
    IEntityTypeConfiguration<Referral>, IEntityTypeConfiguration<ReferralSubjectRow>, IEntityTypeConfiguration<ReferralMoveRow>,
    IEntityTypeConfiguration<ReferralEffortRow>
{
    public void Configure(EntityTypeBuilder<Referral> builder)
    {
        builder.ToTable("referral");
        builder.HasKey(r => r.ReferralId);
        builder.Ignore(r => r.Missing);
        builder.Property(r => r.Version).IsConcurrencyToken();
        builder.HasIndex(r => new { r.ToUnitId, r.ReferralId });
        builder.HasIndex(r => new { r.FromUnitId, r.ReferralId });
    }

    public void Configure(EntityTypeBuilder<ReferralSubjectRow> builder)
    {
        builder.ToTable("referral_subject");
        builder.HasKey(s => new { s.ReferralId, s.PersonId });
        builder.HasIndex(s => s.PersonId);
    }

    public void Configure(EntityTypeBuilder<ReferralMoveRow> builder)
    {
        builder.ToTable("referral_move");
        builder.HasKey(m => m.MoveId);
        builder.HasIndex(m => new { m.ReferralId, m.Number });
    }

    public void Configure(EntityTypeBuilder<ReferralEffortRow> builder)
    {
        builder.ToTable("referral_effort");
        builder.HasKey(e => e.EffortId);
        builder.HasIndex(e => e.ReferralId);
    }
}

/// <summary>Reads referrals.</summary>
internal static class ReferralQueries
{
    public static readonly SealedColumn ContentColumn = new("referral", "sealed");

    public static readonly SealedColumn RemarkColumn = new("referral_move", "remark");

    public static readonly SealedColumn EffortColumn = new("referral_effort", "remark");

    public static Referral? FindReferral(this ReadSession session, Guid referralId) =>
        Queries.ById(session.Db, referralId);

    public static List<ReferralMoveRow> MovesOf(this ReadSession session, Guid referralId) =>
        [.. Queries.Moves(session.Db, referralId)];

    /// <summary>In no order.</summary>
    public static List<ReferralEffortRow> EffortsOf(this ReadSession session, Guid referralId) =>
        [.. Queries.Efforts(session.Db, referralId)];

    /// <summary>The whereabouts of one of its subjects are protected, so the contact of none is shown (R-NTK-10).</summary>
    public static bool HasProtectedSubject(this ReadSession session, Guid referralId)
    {
        using var reader = session.Query(
            $"SELECT 1 FROM referral_subject AS s JOIN person ON person.person_id = s.person_id WHERE s.referral_id = $0 AND {People.IsProtected} LIMIT 1",
            referralId.ToByteArray(true));
        return reader.Read();
    }

    public static List<Guid> SubjectsOf(this ReadSession session, Guid referralId) =>
        [.. session.Db.Set<ReferralSubjectRow>().Where(s => s.ReferralId == referralId).Select(s => s.PersonId)];

    /// <summary>Referrals that a unit made or received, newest first, before an id; what is left of one that has ended is for the decision to say.</summary>
    public static List<Referral> ListReferrals(this ReadSession session, string unitId, Wire.ReferralState state, Guid before, int count)
    {
        var query = session.Db.Set<Referral>().Where(r => r.FromUnitId == unitId || r.ToUnitId == unitId);
        if (state != Wire.ReferralState.Unspecified) query = query.Where(r => r.State == state);
        return [.. query.Where(r => r.ReferralId.CompareTo(before) < 0).OrderByDescending(r => r.ReferralId).Take(count)];
    }

    private static class Queries
    {
        public static readonly Func<ExchangeDb, Guid, IEnumerable<ReferralEffortRow>> Efforts =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<ReferralEffortRow>().AsNoTracking().Where(e => e.ReferralId == id));

        public static readonly Func<ExchangeDb, Guid, Referral?> ById =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<Referral>().AsNoTracking().FirstOrDefault(r => r.ReferralId == id));

        public static readonly Func<ExchangeDb, Guid, IEnumerable<ReferralMoveRow>> Moves =
            EF.CompileQuery((ExchangeDb db, Guid id) =>
                db.Set<ReferralMoveRow>().AsNoTracking().Where(m => m.ReferralId == id).OrderBy(m => m.Number).AsQueryable());
    }
}
