using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

public sealed class BaselineTableTests
{
    public static TheoryData<Wire.Relationship> Relationships => new(Enum.GetValues<Wire.Relationship>());

    /// <summary>Every class x relationship x agency kind x unit kind x purpose x basis, with nothing and with everything put forward.</summary>
    [Theory]
    [MemberData(nameof(Relationships))]
    [Trait("Rule", "R-NTK-2")]
    [Trait("Rule", "R-NTK-4")]
    [Trait("Rule", "R-NTK-5")]
    [Trait("Rule", "R-NTK-6")]
    [Trait("Rule", "R-NTK-7")]
    [Trait("Rule", "R-NTK-8")]
    [Trait("Rule", "R-NTK-9")]
    public void Each_cell_of_the_baseline_is_decided_as_the_table_says(Wire.Relationship relationship)
    {
        var relationships = relationship == Wire.Relationship.Unspecified ? RelationshipSet.None : RelationshipSet.Of(relationship);
        var cells = 0;
        foreach (var agencyKind in Enum.GetValues<Wire.AgencyKind>())
        foreach (var unitKind in Enum.GetValues<Wire.UnitKind>())
        foreach (var purpose in Enum.GetValues<Wire.Purpose>())
        foreach (var basis in BaselineTable.Carries(purpose).Append(Wire.LegalBasis.Unspecified))
        foreach (var forward in (bool[])[false, true])
        {
            var put = forward ? ClassSet.All : ClassSet.None;
            var question = Some.Question() with
            {
                AgencyKind = agencyKind,
                UnitKind = unitKind,
                Relationships = relationships,
                Purpose = purpose,
                LegalBasis = basis,
                Sent = put,
                Supplied = put,
                Agenda = put,
                Screening = forward,
                HoldsCase = forward,
                Granted = put,
                Revealed = put,
                BreakGlass = forward,
            };
            var decision = Some.Policy.Decide(question);
            if (decision.Visible != BaselineTable.Visible(question))
                Assert.Fail($"{question}\n shows {decision.Visible}\n table {BaselineTable.Visible(question)}\n by {string.Join(", ", decision.Rules)}");
            Assert.Equal(!decision.Visible.IsEmpty, decision.Allowed);
            cells++;
        }

        Assert.True(cells > 25_000, $"only {cells} questions were asked");
    }

    [Fact]
    [Trait("Rule", "R-NTK-2")]
    [Trait("Rule", "R-NTK-10")]
    [Trait("Rule", "R-NTK-13")]
    [Trait("Rule", "R-NTK-17")]
    public void Any_question_with_any_facts_is_decided_as_the_table_says() => Some.Holds(
        Some.Questions,
        question => Some.Policy.Decide(question).Visible == BaselineTable.Visible(question),
        20_000);

    /// <summary>A test that only ever saw empty answers would prove nothing.</summary>
    [Fact]
    public void Every_rule_of_the_file_decides_some_question()
    {
        var deciding = new HashSet<string>(StringComparer.Ordinal);
        foreach (var question in FsCheck.Fluent.Gen.Sample(Some.Questions, 60_000))
            deciding.UnionWith(Some.Policy.Decide(question).Rules);
        var idle = Some.Policy.Rules.Select(r => r.Id).Except(deciding, StringComparer.Ordinal).Order(StringComparer.Ordinal);
        // No rule opens personal data for statistics and audits, so the two that forbid it never have to decide, nor do the bases of such accesses.
        Assert.Equal(
            ["LB-ART6-STATISTICS", "LB-DUTY-AUDIT", "LB-ROSTER-STATISTICS", "LB-SUBJECT-AUDIT", "NTK-DENY-AUDIT", "NTK-DENY-STATISTICS"], idle);
    }
}
