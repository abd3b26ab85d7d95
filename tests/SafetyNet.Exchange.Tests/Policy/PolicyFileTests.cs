using System.Text;
using System.Text.Json.Nodes;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

public sealed class PolicyFileTests
{
    [Fact]
    public void The_policy_in_force_loads_with_its_revision_and_hash()
    {
        Assert.Equal("1", Some.Policy.Revision);
        Assert.Matches("^[0-9a-f]{64}$", Some.Policy.Sha256);
        Assert.Equal(Some.Policy.Sha256, NeedToKnowPolicy.LoadBuiltIn().Sha256);
        Assert.All(Some.Policy.Rules, rule => Assert.NotEmpty(rule.Sources));
    }

    [Fact]
    public void Every_problem_of_a_file_is_named_with_its_place_and_rule()
    {
        var refused = Refused(policy =>
        {
            policy["revision"] = "1";
            Rule(policy, 0)["classes"] = new JsonArray("CONTACT", "SECRETS");
            Rule(policy, 1).AsObject().Remove("source");
            Rule(policy, 2)["id"] = Rule(policy, 3)["id"]!.GetValue<string>();
            Rule(policy, 4)["effect"] = "perhaps";
            Rule(policy, 5)["colour"] = "blue";
        });

        Assert.Equal("test.json", refused.File);
        Assert.Contains("$.revision: not a whole number from 1 to 999999999", refused.Problems);
        Assert.Contains("$.rules[0].classes[1] (NTK-DENY-BOROUGH): unknown code 'SECRETS'", refused.Problems);
        Assert.Contains("$.rules[1].source (NTK-DENY-PROTECTED-ADDRESS): missing", refused.Problems);
        Assert.Contains("$.rules[3].id (NTK-DENY-STATISTICS): used twice", refused.Problems);
        Assert.Contains("$.rules[4].effect (NTK-DENY-AUDIT): 'perhaps' is neither 'permit' nor 'deny'", refused.Problems);
        Assert.Contains("$.rules[5].colour: unknown member", refused.Problems);
        foreach (var problem in refused.Problems)
            Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("agencyKinds", "SCHOOLS")]
    [InlineData("unitKinds", "POLICE")]
    [InlineData("relationships", "UNSPECIFIED")]
    [InlineData("purposes", "CURIOSITY")]
    [InlineData("bases", "HEARSAY")]
    [InlineData("limits", "most")]
    [InlineData("requires", "luck")]
    [InlineData("obligations", "smile")]
    [InlineData("classes", "NOT_PERSONAL")]
    public void A_code_that_is_in_no_table_is_refused(string member, string code)
    {
        var refused = Refused(policy => Permit(policy, "NTK-IDENTITY-SERVING")[member] = new JsonArray(code));

        Assert.Contains(refused.Problems, p => p.Contains($".{member}", StringComparison.Ordinal) && p.Contains("(NTK-IDENTITY-SERVING)", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("SERVING", "PROTECTION_CENTER", null)]
    [InlineData("PRIMARY", "SOCIAL_WELFARE_CENTER", "holdsCase")]
    [InlineData("CENTRAL_INTAKE", "CENTRAL_INTAKE", "holdsCase")]
    [InlineData("PRIMARY", "CENTRAL_INTAKE", "screening")]
    [InlineData("CENTRAL_INTAKE", null, "screening")]
    [Trait("Rule", "R-NTK-5")]
    [Trait("Rule", "R-NTK-15")]
    public void A_rule_that_tells_who_reported_outside_R_NTK_5_is_refused(string relationship, string? unitKind, string? requires)
    {
        var refused = Refused(policy =>
        {
            var rule = Permit(policy, "NTK-INTAKE-REPORTER");
            rule["relationships"] = new JsonArray(relationship);
            rule["purposes"] = new JsonArray("SERVICE_DELIVERY");
            rule.AsObject().Remove("unitKinds");
            rule.AsObject().Remove("requires");
            if (unitKind is not null)
                rule["unitKinds"] = new JsonArray(unitKind);
            if (requires is not null)
                rule["requires"] = new JsonArray(requires);
        });

        Assert.Contains("REPORTER_IDENTITY is opened by R-NTK-5 only", Assert.Single(refused.Problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("relationships", "PRIMARY")]
    [InlineData("bases", "SUBJECT_WAIVER")]
    [InlineData("limits", "sent")]
    [Trait("Rule", "R-NTK-15")]
    public void A_rule_that_withholds_by_relationship_or_basis_is_refused(string member, string code)
    {
        var refused = Refused(policy => Rule(policy, 1)[member] = new JsonArray(code));

        Assert.Contains("(R-NTK-15)", Assert.Single(refused.Problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\n  \"revision\": \"1\",\n  \"rules\": [")]
    [InlineData("{ \"revision\": 1, }")]
    public void A_truncated_file_is_refused_with_its_line(string json)
    {
        var refused = Assert.Throws<PolicyFileException>(() => NeedToKnowPolicy.Load(new MemoryStream(Encoding.UTF8.GetBytes(json)), "test.json"));

        Assert.Matches("^line [0-9]+, byte [0-9]+: not JSON", Assert.Single(refused.Problems));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"revision\":1,\"otherJurisdictions\":2,\"rules\":[\"x\"]}")]
    public void A_file_of_another_form_is_refused(string json) =>
        Assert.Throws<PolicyFileException>(() => NeedToKnowPolicy.Load(new MemoryStream(Encoding.UTF8.GetBytes(json))));

    [Theory]
    [InlineData("class", "ConfidentialityClass", "NOT_PERSONAL")]
    [InlineData("relationship", "Relationship", null)]
    [InlineData("agencyKind", "AgencyKind", null)]
    [InlineData("unitKind", "UnitKind", null)]
    [InlineData("purpose", "Purpose", null)]
    [InlineData("basis", "LegalBasis", null)]
    public void The_schema_lists_the_codes_of_the_contract(string definition, string table, string? but)
    {
        var codes = table switch
        {
            "ConfidentialityClass" => CodeTable.Classes,
            "Relationship" => CodeTable.Relationships,
            "AgencyKind" => CodeTable.AgencyKinds,
            "UnitKind" => CodeTable.UnitKinds,
            "Purpose" => CodeTable.Purposes,
            _ => CodeTable.Bases,
        };

        var listed = Read("need-to-know.schema.json")["$defs"]![definition]!["enum"]!.AsArray().Select(c => c!.GetValue<string>());
        Assert.Equal(codes.Codes.Where(c => c != but), listed);
    }

    private static PolicyFileException Refused(Action<JsonNode> spoil)
    {
        var policy = Read("need-to-know.json");
        spoil(policy);
        return Assert.Throws<PolicyFileException>(
            () => NeedToKnowPolicy.Load(new MemoryStream(Encoding.UTF8.GetBytes(policy.ToJsonString())), "test.json"));
    }

    private static JsonNode Rule(JsonNode policy, int at) => policy["rules"]![at]!;

    private static JsonNode Permit(JsonNode policy, string id) => policy["rules"]!.AsArray().Single(r => r!["id"]!.GetValue<string>() == id)!;

    private static JsonNode Read(string file)
    {
        using var json = typeof(NeedToKnowPolicy).Assembly.GetManifestResourceStream(file)!;
        return JsonNode.Parse(json)!;
    }
}
