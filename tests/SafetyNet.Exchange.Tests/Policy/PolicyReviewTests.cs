using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>A policy that would decide wrongly, or never, is found before anybody activates it; each problem with file, line and id.</summary>
[Trait("Rule", "R-NTK-16")]
public sealed class PolicyReviewTests
{
    private const string AnyRule = "\"source\": [\"R-NTK-2\"], \"textEn\": \"A rule of a test.\", \"textZh\": \"測試規則。\"";

    private static readonly PolicyText BuiltIn = PolicyText.BuiltIn;

    [Fact]
    public void The_built_in_policy_makes_sense() => Assert.Empty(BuiltIn.Problems(Some.Today));

    [Fact]
    public void An_unknown_class_is_named_with_its_line() => AssertFound(
        BuiltIn.WithRule("NTK-STATUS", "[\"PUBLIC_STATUS\"]", "[\"PUBLIC_STATUS\", \"SECRETS\"]"), "need-to-know.json", PolicyText.LineOf(BuiltIn.Rules, "NTK-STATUS", "\"classes\""),
        "$.rules[5].classes[1] (NTK-STATUS): unknown code 'SECRETS'");

    [Fact]
    public void A_rule_without_source_is_named_where_it_begins() => AssertFound(
        BuiltIn.WithRule("NTK-STATUS", "\"source\": [\"domain.md 3.1 baseline\", \"R-NTK-4\"],", ""), "need-to-know.json",
        PolicyText.LineOf(BuiltIn.Rules, "NTK-STATUS", "\"NTK-STATUS\"") - 1, "$.rules[5].source (NTK-STATUS): missing");

    [Fact]
    public void A_permit_that_a_denial_withholds_as_a_whole_is_a_contradiction()
    {
        var problems = BuiltIn.WithRule("NTK-INTAKE-HEALTH", "\"relationships\"", "\"unitKinds\": [\"BOROUGH_OFFICE\"], \"relationships\"").Problems(Some.Today);

        Assert.Contains("(NTK-INTAKE-HEALTH): contradiction: NTK-DENY-BOROUGH withholds all that this rule opens", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_permit_that_several_denials_withhold_between_them_is_a_contradiction()
    {
        var problems = BuiltIn.WithNewRule($$"""{"id": "NTK-NEW", "effect": "permit", "classes": ["CONTACT"], "relationships": ["PRIMARY"], "agencyKinds": ["LABOR"], "purposes": ["CRISIS_RESPONSE"], "requires": ["protectedAddress", "servesOtherParty"], {{AnyRule}}}""")
            .Problems(Some.Today);

        Assert.Contains("(NTK-NEW): contradiction: NTK-DENY-BOROUGH, NTK-DENY-OTHER-PARTY withholds", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_permit_that_another_covers_is_unreachable_and_of_two_alike_the_second()
    {
        const string narrow = "\"effect\": \"permit\", \"classes\": [\"IDENTITY\"], \"relationships\": [\"PRIMARY\"], \"purposes\": [\"CRISIS_RESPONSE\"]";

        Assert.Contains("(NTK-NEW): unreachable: NTK-IDENTITY-SERVING opens the same", Assert.Single(
            BuiltIn.WithNewRule($$"""{"id": "NTK-NEW", {{narrow}}, {{AnyRule}}}""").Problems(Some.Today)), StringComparison.Ordinal);
        Assert.Empty(BuiltIn.WithNewRule($$"""{"id": "NTK-NEW", {{narrow}}, "obligations": ["notifyPrimary"], {{AnyRule}}}""").Problems(Some.Today));
        Assert.Contains("(NTK-IDENTITY-SERVING): unreachable: NTK-NEW", Assert.Single(
            BuiltIn.WithNewRule($$"""{"id": "NTK-NEW", "effect": "permit", "classes": ["IDENTITY"], "relationships": ["PRIMARY", "SERVING", "REFERRED_TO"], "purposes": ["SERVICE_DELIVERY", "CASE_COORDINATION", "CRISIS_RESPONSE"], {{AnyRule}}}""")
                .Problems(Some.Today)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"from\": \"2026-05-01\", \"until\": \"2026-05-01\", ", "unreachable: it ends before it begins")]
    [InlineData("\"until\": \"2026-07-01\", ", "expired on 2026-07-01")]
    [InlineData("\"until\": \"2026-13-01\", ", "'2026-13-01' is no day of the calendar")]
    [InlineData("\"until\": \"2026-07-02\", ", null)]
    public void The_days_of_a_rule_and_of_an_entry_are_looked_at(string days, string? problem)
    {
        var rule = BuiltIn.WithRule("NTK-REGISTRAR", "\"effect\"", $"{days}\"effect\"").Problems(Some.Today);
        var entry = BuiltIn.WithEntry("LB-ROSTER-MATCHING", "\"from\": \"2024-01-01\",", days.Contains("from", StringComparison.Ordinal) ? days : $"\"from\": \"2024-01-01\", {days}")
            .Problems(Some.Today);

        if (problem is null)
        {
            Assert.Empty(rule.Concat(entry));
            return;
        }

        Assert.Contains(problem, Assert.Single(rule), StringComparison.Ordinal);
        Assert.StartsWith($"need-to-know.json:{PolicyText.LineOf(BuiltIn.Rules, "NTK-REGISTRAR", "NTK-REGISTRAR")}"[..19], rule[0], StringComparison.Ordinal);
        Assert.Contains(problem, Assert.Single(entry), StringComparison.Ordinal);
        Assert.Contains("(LB-ROSTER-MATCHING)", entry[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_permit_that_no_legal_basis_carries_is_named_with_the_class_and_the_basis()
    {
        var withoutClass = BuiltIn.WithEntry("LB-ROSTER-MATCHING", "\"INVOLVEMENT\", ", "").Problems(Some.Today);
        Assert.Contains("(NTK-MATCHED-INVOLVEMENT): no entry of the legal-basis registry carries INVOLVEMENT", string.Join('\n', withoutClass), StringComparison.Ordinal);

        var withoutBasis = BuiltIn.WithRule("NTK-SUICIDE-RISK", "[\"SUICIDE_RISK\"]", "[\"SUICIDE_RISK\", \"AUDIT_DUTY\"]").Problems(Some.Today);
        Assert.Contains("carries AUDIT_DUTY", Assert.Single(withoutBasis), StringComparison.Ordinal);
    }

    [Fact]
    public void Both_files_carry_one_revision_and_share_their_ids()
    {
        Assert.Contains("legal-bases.json:3: $.revision: revision 1, but the rules are revision 2", Assert.Single((BuiltIn.As(2) with { Bases = BuiltIn.Bases }).Problems(Some.Today)), StringComparison.Ordinal);
        var twice = BuiltIn with { Rules = BuiltIn.Rules.Replace("\"NTK-REGISTRAR\"", "\"LB-ROSTER-MATCHING\"", StringComparison.Ordinal) };
        Assert.Contains("legal-bases.json:", Assert.Single(twice.Problems(Some.Today)), StringComparison.Ordinal);
        Assert.Contains("(LB-ROSTER-MATCHING): used twice", twice.Problems(Some.Today)[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(20_000)]
    public void A_truncated_file_is_refused_with_the_line_where_it_stops(int bytes)
    {
        var rules = BuiltIn with { Rules = BuiltIn.Rules[..bytes] };
        Assert.Contains("not JSON: truncated", Assert.Single(rules.Problems(Some.Today)), StringComparison.Ordinal);
        Assert.StartsWith($"need-to-know.json:{rules.Rules.Count(c => c == '\n') + 1}: line ", rules.Problems(Some.Today)[0], StringComparison.Ordinal);
        Assert.StartsWith("legal-bases.json:", Assert.Single((BuiltIn with { Bases = BuiltIn.Bases[..bytes] }).Problems(Some.Today)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"LB-DUTY-AUDIT\",", "\"AUDIT-DUTY\",", "an entry of the registry is called LB-...")]
    [InlineData("\"AUDIT_DUTY\"", "\"HUNCH\"", "unknown code 'HUNCH'")]
    [InlineData("[\"NOT_PERSONAL\"]", "[\"NOT_PERSONAL\", \"CONTACT\"]", "NOT_PERSONAL stands alone")]
    [InlineData("\"law\": \"domain.md\",", "", "$.entries[29].law (LB-DUTY-AUDIT): missing")]
    [InlineData("\"from\": \"2024-01-01\",", "", "$.entries[29].from (LB-DUTY-AUDIT): missing")]
    [InlineData("\"approvedBy\": \"baseline\",", "", "$.entries[29].approvedBy (LB-DUTY-AUDIT): missing")]
    [InlineData("\"approvedAt\"", "\"colour\": 1, \"approvedAt\"", "$.entries[29].colour: unknown member")]
    public void An_entry_of_another_form_is_refused(string text, string by, string problem) => Assert.Contains(
        BuiltIn.WithEntry("LB-DUTY-AUDIT", text, by).Problems(Some.Today), p => p.Contains(problem, StringComparison.Ordinal));

    [Theory]
    [InlineData("class", "ConfidentialityClass")]
    [InlineData("agencyKind", "AgencyKind")]
    [InlineData("purpose", "Purpose")]
    [InlineData("basis", "LegalBasis")]
    public void The_schema_of_the_registry_lists_the_codes_of_the_contract(string definition, string table)
    {
        var codes = table switch
        {
            "ConfidentialityClass" => CodeTable.Classes,
            "AgencyKind" => CodeTable.AgencyKinds,
            "Purpose" => CodeTable.Purposes,
            _ => CodeTable.Bases,
        };
        using var json = typeof(NeedToKnowPolicy).Assembly.GetManifestResourceStream("legal-bases.schema.json")!;
        var listed = System.Text.Json.Nodes.JsonNode.Parse(json)!["$defs"]![definition]!["enum"]!.AsArray().Select(c => c!.GetValue<string>());

        Assert.Equal(codes.Codes.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    private static void AssertFound(PolicyText files, string file, int line, string problem) =>
        Assert.Equal($"{file}:{line}: {problem}", Assert.Single(files.Problems(Some.Today)));
}
