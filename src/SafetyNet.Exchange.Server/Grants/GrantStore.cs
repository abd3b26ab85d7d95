using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Grants;

/// <summary>Where applications and grants lie.</summary>
internal sealed class GrantMapping : IEntityTypeConfiguration<Grant>
{
    public void Configure(EntityTypeBuilder<Grant> builder)
    {
        builder.ToTable("access_grant");
        builder.HasKey(g => g.GrantId);
        builder.Property(g => g.Version).IsConcurrencyToken();
        builder.HasIndex(g => new { g.FromUnitId, g.GrantId });
        builder.HasIndex(g => new { g.CaseId, g.GrantId });
        builder.HasIndex(g => g.PersonId);
    }
}

/// <summary>Reads applications and grants.</summary>
internal static class GrantQueries
{
    public static readonly SealedColumn ContentColumn = new("access_grant", "sealed");

    public static Grant? FindGrant(this ReadSession session, Guid grantId) => Queries.ById(session.Db, grantId);

    /// <summary>Grants on a case that were not revoked, by id; those whose time is over too.</summary>
    public static List<Grant> GrantsOn(this ReadSession session, Guid caseId) =>
        [.. session.Db.Set<Grant>().AsNoTracking().Where(g => g.CaseId == caseId && g.State == Wire.GrantState.Granted).OrderBy(g => g.GrantId)];

    /// <summary>Applications of a unit, newest first, before an id.</summary>
    public static List<Grant> ListMade(this ReadSession session, string unitId, Guid before, int count) =>
        [.. session.Db.Set<Grant>().Where(g => g.FromUnitId == unitId && g.GrantId.CompareTo(before) < 0).OrderByDescending(g => g.GrantId).Take(count)];

    /// <summary>Applications on the open cases that a unit is primary of, newest first, before an id.</summary>
    public static List<Grant> ListReceived(this ReadSession session, string unitId, Guid before, int count)
    {
        var found = new List<Grant>();
        using (var reader = session.Query(
            $"SELECT grant_id FROM access_grant WHERE case_id IN {Links.CasesLed} AND grant_id < $1 ORDER BY grant_id DESC LIMIT $2",
            unitId, before.ToByteArray(true), count))
        {
            while (reader.Read()) found.Add(new Grant { GrantId = reader.GetId(0) });
        }

        return [.. found.Select(g => session.FindGrant(g.GrantId)!)];
    }

    private static class Queries
    {
        public static readonly Func<ExchangeDb, Guid, Grant?> ById =
            EF.CompileQuery((ExchangeDb db, Guid id) => db.Set<Grant>().AsNoTracking().FirstOrDefault(g => g.GrantId == id));
    }
}
