using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.SystemTests.Cedar;

/// <summary>The need-to-know policy, written a second time for an engine of others, answers every question alike: outcome, classes and deciding rules.</summary>
[Trait("Rule", "R-NTK-2")]
[Trait("Rule", "R-NTK-15")]
public sealed class CedarTests
{
    private const string CampaignSwitch = "SAFETYNET_CAMPAIGN";
    private const int Seed = 20_261_122;
    private const int QuestionsOfASlice = 5_000;

    private static readonly DateOnly Today = new(2026, 7, 1);

    [Fact]
    public async Task Cedar_decides_every_random_question_as_the_exchange_does()
    {
        await CedarEngine.RequireAsync();
        var policy = NeedToKnowPolicy.LoadBuiltIn();
        var campaign = int.TryParse(Environment.GetEnvironmentVariable(CampaignSwitch), CultureInfo.InvariantCulture, out var times) && times > 0;
        var questions = campaign ? 1_000_000 * times : 20_000;

        var disagreements = new List<string>();
        var deciding = new HashSet<string>(StringComparer.Ordinal);
        var permitted = 0;
        await Parallel.ForAsync(
            0,
            questions / QuestionsOfASlice,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = TestContext.Current.CancellationToken },
            async (slice, _) =>
            {
                var asked = Ask(policy, Seed + slice, QuestionsOfASlice);
                var answers = await CedarEngine.AnswerAsync(asked);
                lock (disagreements)
                {
                    foreach (var (question, cedar) in asked.Zip(answers))
                    {
                        var decision = policy.Decide(question);
                        permitted += decision.Allowed ? 1 : 0;
                        deciding.UnionWith(decision.Rules);
                        if (Said.By(decision) is var exchange && exchange != cedar)
                            disagreements.Add(Tell(question, exchange, cedar));
                    }
                }
            });

        Assert.True(disagreements.Count == 0, $"{disagreements.Count} of {questions} questions are answered differently:\n{string.Join('\n', disagreements.Take(5))}");
        Assert.True(permitted > questions / 2, $"only {permitted} of {questions} questions were permitted: the others say little");
        // No rule opens personal data for statistics and audits, so the two that forbid it never come to decide, nor do the bases of such accesses.
        Assert.Equal(["LB-ART6-STATISTICS", "LB-DUTY-AUDIT", "LB-ROSTER-STATISTICS", "LB-SUBJECT-AUDIT", "NTK-DENY-AUDIT", "NTK-DENY-STATISTICS"], policy.Rules.Select(rule => rule.Id).Except(deciding, StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    /// <summary>The comparison is worth something only if it notices: each rule of the file, left out of it, makes the engines disagree.</summary>
    [Fact]
    public async Task Each_rule_left_out_of_the_policy_is_noticed()
    {
        await CedarEngine.RequireAsync();
        using var json = typeof(NeedToKnowPolicy).Assembly.GetManifestResourceStream("need-to-know.json")!;
        var file = (await JsonNode.ParseAsync(json, cancellationToken: TestContext.Current.CancellationToken))!;
        var asked = Ask(NeedToKnowPolicy.LoadBuiltIn(), Seed, 10_000);
        var cedar = await CedarEngine.AnswerAsync(asked);

        var unnoticed = new List<string>();
        for (var at = 0; at < file["rules"]!.AsArray().Count; at++)
        {
            var fewer = file.DeepClone();
            var id = fewer["rules"]![at]!["id"]!.GetValue<string>();
            fewer["rules"]!.AsArray().RemoveAt(at);
            var policy = NeedToKnowPolicy.Load(new MemoryStream(Encoding.UTF8.GetBytes(fewer.ToJsonString())));
            if (asked.Zip(cedar).All(pair => Said.By(policy.Decide(pair.First)) == pair.Second))
                unnoticed.Add(id);
        }

        Assert.Equal(["NTK-DENY-STATISTICS", "NTK-DENY-AUDIT"], unnoticed);
    }

    private static List<NeedToKnowQuestion> Ask(NeedToKnowPolicy policy, int seed, int count)
    {
        var random = new RandomQuestions(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next((purpose, basis) => policy.AskBasis(purpose, basis, Wire.AgencyKind.SocialWelfare, Today).Standing == BasisStanding.Carries))];
    }

    private static string Tell(NeedToKnowQuestion question, Said exchange, Said cedar) => $"""
        {CedarEngine.Line(question)}
          exchange: {exchange.Classes} by {exchange.Rules}
          Cedar:    {cedar.Classes} by {cedar.Rules}
        """;
}
