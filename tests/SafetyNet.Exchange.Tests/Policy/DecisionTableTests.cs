using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Pipeline;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>The golden file of all decisions: a change of policy that nobody meant shows here, and one that was meant shows in review.</summary>
[Trait("Rule", "R-NTK-2")]
public sealed class DecisionTableTests
{
    private const string UpdateSwitch = "SAFETYNET_UPDATE_DOCS";

    [Fact]
    public void The_policy_in_force_decides_every_combination_as_the_golden_file_says()
    {
        var table = DecisionTable.Of(Some.Policy);
        var text = DecisionTableText.Write(table);
        if (Environment.GetEnvironmentVariable(UpdateSwitch) == "1")
            File.WriteAllText(Golden.Path, text);

        var golden = Golden.Text;
        if (golden == text)
            return;
        var differences = DecisionTableText.Differences(DecisionTableText.Read(golden), table).ToList();
        Assert.Fail(
            $"""
            The policy decides otherwise than the golden file says, in {differences.Count} ways:
              {string.Join("\n  ", differences.Take(60))}
            If this is meant, renew the file and let its diff be reviewed: {UpdateSwitch}=1 dotnet test tests/SafetyNet.Exchange.Tests --filter FullyQualifiedName~Tests.Policy
            """);
    }

    [Fact]
    public void The_matrix_in_docs_is_that_of_the_policy_in_force() =>
        GeneratedDocument.AssertCurrent("need-to-know-matrix.md", NeedToKnowMatrix.Render(Some.Policy), "Tests.Policy");

    [Fact]
    public void The_golden_file_is_small_enough_to_be_reviewed_and_reads_back_as_it_was_written()
    {
        var golden = Golden.Text;

        Assert.InRange(golden.Length, 10_000, 1_000_000);
        Assert.Equal(golden, DecisionTableText.Write(DecisionTableText.Read(golden)));
    }

    [Fact]
    public void A_rule_that_is_widened_shows_in_words_who_gains_what()
    {
        // A unit that reads its own note sees these classes already.
        var facts = $"facts: plain and {TableFacts.All.Count - 2} others";
        var danger = SpoiltPolicy.Load(policy => SpoiltPolicy.Rule(policy, "NTK-CRIMINAL-DANGER")["bases"]!.AsArray().Add("SUICIDE_RISK"));
        var police = SpoiltPolicy.Load(policy => SpoiltPolicy.Rule(policy, "NTK-INVOLVEMENT-POLICE")["unitKinds"]!.AsArray().Add("POLICE_PRECINCT"));
        var narrower = SpoiltPolicy.Load(policy => SpoiltPolicy.Rule(policy, "NTK-ECONOMIC-SERVING")["agencyKinds"]!.AsArray().RemoveAt(1));

        Assert.Equal(
            $"(any but POLICE, JUSTICE)/(any but DISTRICT_OFFICE, BOROUGH_OFFICE) as SERVING under SUICIDE_RISK gains CRIMINAL, for SERVICE_DELIVERY, CASE_COORDINATION, CRISIS_RESPONSE; {facts}",
            Assert.Single(ForServing(danger)));
        Assert.Equal(
            $"POLICE/POLICE_PRECINCT as SERVING under any basis gains INVOLVEMENT, for SERVICE_DELIVERY, CASE_COORDINATION, CRISIS_RESPONSE; {facts}", Assert.Single(ForServing(police)));
        Assert.StartsWith("(FINANCE)/(any but DISTRICT_OFFICE, BOROUGH_OFFICE) as SERVING under any basis loses ECONOMIC", Assert.Single(ForServing(narrower)), StringComparison.Ordinal);

        static List<string> ForServing(NeedToKnowPolicy policy) => [.. DecisionTableText.Differences(
            Golden.Table, DecisionTable.Of(policy), DecisionTable.Situations.Where(part => part.Relationship == Wire.Relationship.Serving && part.Purpose != Wire.Purpose.MissingPersonSearch))];
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[SERVING, SERVICE_DELIVERY, plain]\n+ SECRETS: any; any; any")]
    [InlineData("[SERVING, SERVICE_DELIVERY, plain]\n+ CONTACT: any; any")]
    [InlineData("[SERVING, SERVICE_DELIVERY, luck]\n+ CONTACT: any; any; any")]
    public void A_golden_file_that_was_written_by_hand_and_wrongly_is_refused(string text) => Assert.Throws<FormatException>(() => DecisionTableText.Read(text));
}

/// <summary>The golden file: what the policy in force is agreed to decide.</summary>
internal static class Golden
{
    private static readonly Lazy<DecisionTable> Read = new(() => DecisionTableText.Read(Text));

    public static string Path { get; } = System.IO.Path.Combine(Repository.Root, "tests", "SafetyNet.Exchange.Tests", "Policy", "decisions.golden.txt");

    public static string Text => File.ReadAllText(Path).ReplaceLineEndings("\n");

    public static DecisionTable Table => Read.Value;
}
