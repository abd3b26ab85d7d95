using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>A policy as it was proposed: the very bytes of its two files, and the two persons behind it.</summary>
internal sealed class PolicyRevisionRow : IVersioned
{
    public Guid ProposalId { get; set; }

    public int Revision { get; set; }

    public byte[] Rules { get; set; } = [];

    public byte[] Bases { get; set; } = [];

    /// <summary>Hex digits of the SHA-256 of each file.</summary>
    public string RulesSha256 { get; set; } = "";

    public string BasesSha256 { get; set; } = "";

    /// <summary>Agency as <c>tpe/security</c>; <c>operator</c> for the first policy of a store.</summary>
    public string ProposedByAgency { get; set; } = "";

    public string ProposedByUnit { get; set; } = "";

    public string ProposedByPerson { get; set; } = "";

    public DateTimeOffset ProposedAt { get; set; }

    public string ActivatedByAgency { get; set; } = "";

    public string ActivatedByUnit { get; set; } = "";

    public string ActivatedByPerson { get; set; } = "";

    /// <summary>Null: nobody activated it.</summary>
    public DateTimeOffset? ActivatedAt { get; set; }

    /// <summary>Decision whose record tells of the activation; null: none.</summary>
    public Guid? ActivatedByDecision { get; set; }

    public int Version { get; set; } = 1;

    public string Sha256 => NeedToKnowPolicy.PairHash(RulesSha256, BasesSha256);
}

/// <summary>Which policy decides: one row, so that of two activations at once only one can win.</summary>
internal sealed class PolicyInForceRow : IVersioned
{
    public const int TheOne = 1;

    public int Id { get; set; } = TheOne;

    public Guid ProposalId { get; set; }

    public int Revision { get; set; }

    public int Version { get; set; } = 1;
}

/// <summary>Where policies lie.</summary>
internal sealed class PolicyMapping : IEntityTypeConfiguration<PolicyRevisionRow>, IEntityTypeConfiguration<PolicyInForceRow>
{
    public void Configure(EntityTypeBuilder<PolicyRevisionRow> builder)
    {
        builder.ToTable("policy_revision");
        builder.HasKey(p => p.ProposalId);
        builder.Ignore(p => p.Sha256);
        builder.Property(p => p.Version).IsConcurrencyToken();
    }

    public void Configure(EntityTypeBuilder<PolicyInForceRow> builder)
    {
        builder.ToTable("policy_in_force");
        builder.HasKey(p => p.Id);
        builder.Property(p => p.Id).ValueGeneratedNever();
        builder.Property(p => p.Version).IsConcurrencyToken();
    }
}

/// <summary>Reads policies.</summary>
internal static class PolicyQueries
{
    private static readonly string OpenReferrals =
        $"SELECT to_unit_id, count(*) FROM referral WHERE state IN ({Numbers(Enum.GetValues<Wire.ReferralState>().Where(Standing.IsOpen))}) GROUP BY to_unit_id";

    private static readonly string OpenCases = "SELECT unit_id, count(*) FROM case_participant AS p JOIN case_file AS c ON c.case_id = p.case_id "
        + $"WHERE c.state = {(int)Wire.CaseState.Open} AND p.role IN ({Numbers([Wire.ParticipantRole.Primary, Wire.ParticipantRole.Serving])}) GROUP BY unit_id";

    public static PolicyInForceRow? FindPolicyInForce(this ReadSession session) => session.Db.Set<PolicyInForceRow>().FirstOrDefault();

    public static PolicyRevisionRow? FindPolicy(this ReadSession session, Guid proposalId) =>
        session.Db.Set<PolicyRevisionRow>().FirstOrDefault(p => p.ProposalId == proposalId);

    /// <summary>Open referrals by the unit they are addressed to.</summary>
    public static Dictionary<string, int> CountOpenReferrals(this ReadSession session) =>
        Count(session, OpenReferrals);

    /// <summary>Open cases by the unit that takes part.</summary>
    public static Dictionary<string, int> CountOpenCases(this ReadSession session) => Count(session, OpenCases);

    private static string Numbers<T>(IEnumerable<T> codes)
        where T : struct, Enum => string.Join(", ", codes.Select(code => Convert.ToInt32(code, System.Globalization.CultureInfo.InvariantCulture)));

    private static Dictionary<string, int> Count(ReadSession session, string sql)
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        using var reader = session.Query(sql);
        while (reader.Read()) found[reader.GetString(0)] = reader.GetInt32(1);
        return found;
    }
}
