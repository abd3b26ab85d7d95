using System.Text.RegularExpressions;
using SafetyNet.Exchange.Server.Reports;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;
using Family = SafetyNet.Exchange.Server.Storage.Family;

namespace SafetyNet.Exchange.Tests.Storage;

/// <summary>The statements of a look-up find what they ask for by an index: what they cost grows neither with the persons nor with the work of a unit.</summary>
public sealed partial class QueryPlanTests(TestExchange exchange) : WireTests(exchange)
{
    /// <summary>What a statement makes itself of a few rows, and may go through from end to end.</summary>
    private static readonly string[] Made = ["kin", "nearest", "home", "opposite", "reached", "CONSTANT"];

    [Fact]
    public void Bug_a_look_up_went_through_all_referrals_to_the_unit()
    {
        var family = Some.Family();
        var (id, index) = (family.Child.Id, Exchange.Composition.Vault.Index.OfNationalId(family.Child.NationalId.Canonical));
        // Its own store: the sessions of the exchange's are pooled, and have run other statements before.
        using var store = new SqliteStore(Exchange.Composition.Store.Path);
        using var session = store.Read();
        Assert.NotNull(Family.Read(session, Exchange.Composition.Vault, family.Child.NationalId.Canonical));
        session.OpenNamesakes(Exchange.Composition.Vault, index, out _);
        session.HasProtected([id]);
        session.ServesOtherParty(The.Centre.UnitId, id);
        Links.IsPrimary(session, The.Centre.UnitId, id);
        foreach (var step in (Step[])[new(id, null, null, null, null), new(null, id, null, null, null), new(null, null, id, null, null), new(null, null, null, id, null), new(null, null, null, null, id)])
        {
            Reach.OfNationalId(session, The.Centre.UnitId, step, index);
            Reach.OfName(session, The.Centre.UnitId, step, index);
        }

        Assert.InRange(session.Statements.Count, 20, 60);
        Assert.Empty(WalksOf(session));
    }

    [Fact]
    [Trait("Rule", "R-INT-2")]
    [Trait("Rule", "R-INT-7")]
    public void Bug_taking_in_a_protective_report_went_through_all_reports_of_the_agency()
    {
        using var store = new SqliteStore(Exchange.Composition.Store.Path);
        using var session = store.Read();
        var (child, now) = (session.FindPlace(Exchange.Composition.Vault, Some.Family().Child.NationalId.Canonical)!.Value, Exchange.Clock.GetUtcNow());
        var before = session.Statements.Count;
        session.OwnReportsAbout([The.School.UnitId], [child.PersonId], now.AddMonths(-1));
        session.OpenActionsAbout([The.School.UnitId], [child.PersonId]);
        session.PastReportsOf(child, now.AddMonths(-12), now, Guid.Empty);
        session.PastReportsOf(child with { HouseholdId = null }, now.AddMonths(-12), now, Guid.Empty);
        Assert.Equal(before + 4, session.Statements.Count);
        Assert.Empty(WalksOf(session));
    }

    [Fact]
    [Trait("Rule", "R-CASE-6")]
    public void Bug_a_caseload_went_through_all_cases_that_the_unit_ever_had()
    {
        using var store = new SqliteStore(Exchange.Composition.Store.Path);
        using var session = store.Read();
        session.Caseload(The.Centre.UnitId, 10);
        using var plan = session.Query($"EXPLAIN QUERY PLAN {session.Statements.Single()}", The.Centre.UnitId, 10);
        var lines = new List<string>();
        while (plan.Read()) lines.Add(plan.GetString(3));
        Assert.Contains(lines, line => line.Contains(" p USING INDEX ix_case_participant_now (unit_id=?)", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains(" AUTOMATIC ", StringComparison.Ordinal));
    }

    private static List<string> WalksOf(ReadSession session)
    {
        var walks = new List<string>();
        foreach (var sql in session.Statements.ToList())
        {
            var parameters = Parameter().Matches(sql).Select(m => m.Value).Distinct(StringComparer.Ordinal).Count();
            using var plan = session.Query($"EXPLAIN QUERY PLAN {sql}", new object[parameters].Select(_ => (object)DBNull.Value).ToArray());
            while (plan.Read())
            {
                var line = plan.GetString(3);
                if (IsWalk(line)) walks.Add($"{line}: {sql}");
            }
        }

        return walks;
    }

    /// <summary>The engine goes through a table from end to end, or through all that a unit has.</summary>
    private static bool IsWalk(string line) =>
        (line.StartsWith("SCAN ", StringComparison.Ordinal) && !Made.Contains(line.Split(' ')[1], StringComparer.Ordinal))
        || line.Contains("unit_id=?)", StringComparison.Ordinal) && !line.Contains(" AND ", StringComparison.Ordinal)
        || line.Contains(" AUTOMATIC ", StringComparison.Ordinal);

    [GeneratedRegex(@"\$\d", RegexOptions.None, 1000)]
    private static partial Regex Parameter();
}
