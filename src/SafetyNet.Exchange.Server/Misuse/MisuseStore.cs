using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>Where findings, staff and decoys lie.</summary>
internal sealed class MisuseMapping : IEntityTypeConfiguration<Finding>, IEntityTypeConfiguration<Disposition>, IEntityTypeConfiguration<StaffMember>,
    IEntityTypeConfiguration<Canary>, IEntityTypeConfiguration<MisuseCursor>
{
    public void Configure(EntityTypeBuilder<Finding> builder)
    {
        builder.ToTable("misuse_finding");
        builder.HasKey(f => f.FindingId);
        builder.HasIndex(f => f.Key).IsUnique();
        builder.HasIndex(f => new { f.Jurisdiction, f.State });
        builder.Property(f => f.Version).IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<Disposition> builder)
    {
        builder.ToTable("misuse_disposition");
        builder.HasKey(d => d.DispositionId);
        builder.HasIndex(d => d.FindingId);
    }

    public void Configure(EntityTypeBuilder<StaffMember> builder)
    {
        builder.ToTable("staff_member");
        builder.HasKey(s => s.StaffId);
        builder.HasIndex(s => new { s.Jurisdiction, s.AgencyCode, s.ActorId }).IsUnique();
        builder.HasIndex(s => s.Subject);
        builder.Property(s => s.Version).IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<Canary> builder)
    {
        builder.ToTable("canary");
        builder.HasKey(c => c.CanaryId);
        builder.HasIndex(c => c.Subject);
        builder.Property(c => c.Version).IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<MisuseCursor> builder)
    {
        builder.ToTable("misuse_cursor");
        builder.HasKey(c => c.Id);
        builder.Property(c => c.Id).ValueGeneratedNever();
        builder.Property(c => c.Version).IsConcurrencyToken();
    }
}

/// <summary>What officers ask for findings by; unset parts are empty.</summary>
internal sealed record FindingFilter(
    Wire.Jurisdiction Within, Wire.MisuseRuleId Rule, Wire.FindingState State, string ActorId, string UnitId, string AgencyCode, DateTimeOffset After, DateTimeOffset Before);

/// <summary>Reads findings, staff and decoys.</summary>
internal static class MisuseQueries
{
    public static readonly SealedColumn NoteColumn = new("misuse_disposition", "note");

    public static MisuseCursor? FindMisuseCursor(this ReadSession session) => session.Db.Set<MisuseCursor>().FirstOrDefault();

    public static Finding? FindFinding(this ReadSession session, Guid id) => session.Db.Set<Finding>().FirstOrDefault(f => f.FindingId == id);

    public static Finding? FindFinding(this ReadSession session, string key) => session.Db.Set<Finding>().FirstOrDefault(f => f.Key == key);

    public static List<Disposition> DispositionsOf(this ReadSession session, Guid findingId) =>
        [.. session.Db.Set<Disposition>().Where(d => d.FindingId == findingId).OrderBy(d => d.DispositionId)];

    /// <summary>Findings below an id, newest first.</summary>
    public static List<Finding> ListFindings(this ReadSession session, FindingFilter by, Guid below, int count) =>
    [
        .. session.Db.Set<Finding>().Where(f => (by.Within == Wire.Jurisdiction.Tw || f.Jurisdiction == by.Within) && f.FindingId.CompareTo(below) < 0
            && (by.Rule == default || f.Rule == by.Rule) && (by.State == default || f.State == by.State)
            && (by.ActorId == "" || f.ActorId == by.ActorId) && (by.UnitId == "" || f.UnitId == by.UnitId) && (by.AgencyCode == "" || f.AgencyCode == by.AgencyCode)
            && f.LastAt >= by.After && f.LastAt < by.Before).OrderByDescending(f => f.FindingId).Take(count),
    ];

    /// <summary>Findings of a jurisdiction by rule and state; TW: of all.</summary>
    public static Dictionary<(Wire.MisuseRuleId Rule, Wire.FindingState State), long> CountFindings(this ReadSession session, Wire.Jurisdiction within) =>
        session.Db.Set<Finding>().Where(f => within == Wire.Jurisdiction.Tw || f.Jurisdiction == within).GroupBy(f => new { f.Rule, f.State })
            .Select(g => new { g.Key.Rule, g.Key.State, Count = g.LongCount() }).ToDictionary(g => (g.Rule, g.State), g => g.Count);

    public static StaffMember? FindStaff(this ReadSession session, Wire.Jurisdiction jurisdiction, string agencyCode, string actorId) =>
        session.Db.Set<StaffMember>().FirstOrDefault(s => s.Jurisdiction == jurisdiction && s.AgencyCode == agencyCode && s.ActorId == actorId);

    public static Canary? FindCanary(this ReadSession session, Guid id) => session.Db.Set<Canary>().FirstOrDefault(c => c.CanaryId == id);

    /// <summary>Another text after each change of staff or decoys: rows are never removed, and each change counts their version up.</summary>
    public static string MisuseListsRevision(this ReadSession session)
    {
        using var reader = session.Query("""
            SELECT (SELECT count(*) || '/' || coalesce(sum(version), 0) FROM staff_member) || ' ' || (SELECT count(*) || '/' || coalesce(sum(version), 0) FROM canary)
            """);
        reader.Read();
        return reader.GetString(0);
    }

    /// <summary>Staff whom a person is registered for.</summary>
    public static KnownStaff ListStaff(this ReadSession session) => new([.. session.Db.Set<StaffMember>().Where(s => s.Subject != "")]);

    public static ILookup<string, Canary> ListCanaries(this ReadSession session) => session.Db.Set<Canary>().ToLookup(canary => canary.Subject, StringComparer.Ordinal);

    /// <summary>
    /// Pseudonyms of the relatives to the second degree and of the household of the person with that blind index (R-HH-2), and of the other parents of the person's children: a former spouse
    /// is no relative and no longer of the household (B36); and of the person's other numbers (R-HH-7). Without the person by that number.
    /// </summary>
    public static HashSet<string> RelativesOf(this ReadSession session, Vault vault, byte[] nationalIdIndex)
    {
        Guid? personId = null;
        using (var reader = session.Query("SELECT person_id FROM person WHERE national_id_index = $0", session.KeptIndex(nationalIdIndex)))
        {
            if (reader.Read()) personId = reader.GetId(0);
        }

        if (personId is not { } id || session.FindPerson(vault, id) is not { } person) return [];
        var family = Family.Of(session, vault, person);
        var children = family.Relatives.Where(r => r.Kinship == Wire.Kinship.Child).Select(r => r.Person);
        var parents = children.SelectMany(child => session.RelativesOf(vault, child.Id)).Where(r => r.Kinship == Wire.Kinship.Parent);
        return family.Members.Concat(family.Relatives.Concat(parents).Select(r => r.Person)).Where(p => p.Id != id).Select(p => p.PseudonymBy(vault))
            .Concat(session.OtherPseudonyms(vault, nationalIdIndex, Wire.Jurisdiction.Tw)).ToHashSet(StringComparer.Ordinal);
    }
}

/// <summary>Who the staff are, by staff number and by person; held by the scan, which asks for every person of every record.</summary>
internal sealed class KnownStaff(IReadOnlyCollection<StaffMember> staff)
{
    private readonly Dictionary<(Wire.Jurisdiction, string, string), StaffMember> _byActor = staff.ToDictionary(one => (one.Jurisdiction, one.AgencyCode, one.ActorId));
    private readonly ILookup<string, StaffMember> _bySubject = staff.ToLookup(one => one.Subject, StringComparer.Ordinal);

    /// <summary>Nobody is registered: nobody is found to be anybody's relative or colleague.</summary>
    public bool IsEmpty => _byActor.Count == 0;

    /// <summary>Whom a staff number stands for; null: nobody is registered.</summary>
    public StaffMember? FindActor(Wire.Jurisdiction jurisdiction, string agencyCode, string actorId) => _byActor.GetValueOrDefault((jurisdiction, agencyCode, actorId));

    /// <summary>Somebody of the agency's staff, other than the actor, is the person of that pseudonym.</summary>
    public bool IsColleague(Wire.Jurisdiction jurisdiction, string agencyCode, string actorId, string subject)
    {
        foreach (var one in _bySubject[subject])
        {
            if (one.Jurisdiction == jurisdiction && string.Equals(one.AgencyCode, agencyCode, StringComparison.Ordinal) && !string.Equals(one.ActorId, actorId, StringComparison.Ordinal)) return true;
        }

        return false;
    }
}
