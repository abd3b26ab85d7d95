using System.Text;
using System.Text.Json.Nodes;
using SafetyNet.Exchange.Server.Misuse;

namespace SafetyNet.Exchange.Tests.Misuse;

/// <summary>The rule file is read strictly: a threshold that is not understood scans nothing.</summary>
[Trait("Rule", "R-AUD-7")]
public sealed class MisuseRulesTests
{
    private static JsonObject BuiltIn
    {
        get
        {
            using var stream = typeof(MisuseRules).Assembly.GetManifestResourceStream("misuse-rules.json")!;
            return JsonNode.Parse(stream)!.AsObject();
        }
    }

    [Fact]
    public void The_built_in_file_has_every_rule_with_its_source_and_both_languages()
    {
        var rules = MisuseRules.Load("");
        Assert.Equal(Enum.GetValues<Wire.MisuseRuleId>().Where(id => id != Wire.MisuseRuleId.Unspecified), rules.Entries.Select(e => e.Id));
        Assert.All(rules.Entries, entry => Assert.True(entry.Source.Contains("R-AUD-7", StringComparison.Ordinal) && entry.TextZh.Any(c => c is >= '\u4e00' and <= '\u9fff') && entry.TextEn.Length > 0));
        Assert.Equal((2, 64), (rules.Revision, rules.Sha256.Length));
        Assert.DoesNotContain(Wire.UnitKind.SocialWelfareCenter, rules.ExemptUnitKinds);
    }

    public static TheoryData<string, string> Spoilt => new()
    {
        { "rules[4].parameters.deviations", "\"6\"" }, { "rules[4].parameters.deviations", "0" }, { "rules[4].parameters.deviations", "1.5" }, { "rules[4].parameters.more", "1" },
        { "rules[3].parameters.days", "91" }, { "rules[5].parameters.fromHour", "20" }, { "rules[5].parameters.exemptUnitKinds", "[\"KINDERGARTEN\"]" },
        { "rules[5].parameters.exemptRoles", "[\"DUTY_OFFICER\",\"DUTY_OFFICER\"]" }, { "rules[0].id", "\"OTHER\"" }, { "rules[0].id", "\"CANARY\"" }, { "rules[0].textZh", "\"\"" },
        { "rules[0].source", "[]" }, { "rules[0].enabled", "false" }, { "revision", "0" }, { "revision", "null" }, { "rules", "[]" }, { "rules", "{}" }, { "note", "1" },
    };

    [Theory]
    [MemberData(nameof(Spoilt))]
    public void A_spoilt_file_is_refused_with_the_place(string place, string value)
    {
        var file = BuiltIn;
        JsonNode at = file;
        var steps = place.Replace("]", "", StringComparison.Ordinal).Split('.', '[');
        foreach (var step in steps[..^1]) at = int.TryParse(step, out var index) ? at[index]! : at[step]!;
        at[steps[^1]] = JsonNode.Parse(value);
        var refused = Assert.Throws<FormatException>(() => MisuseRules.Read(Encoding.UTF8.GetBytes(file.ToJsonString()), "spoilt.json"));
        Assert.StartsWith("spoilt.json: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains("$", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("{\"revision\": 1, \"revision\": 2}")]
    public void What_is_no_JSON_or_says_something_twice_is_refused(string text) => Assert.Throws<FormatException>(() => MisuseRules.Read(Encoding.UTF8.GetBytes(text), "spoilt.json"));
}
