using System.Globalization;
using System.Text;
using Google.Protobuf;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>The two files of a policy as text, to be changed as a person would change them: in place, so that lines stay where they are.</summary>
internal sealed record PolicyText(string Rules, string Bases)
{
    public const string UnderArticle6 = "LB-ART6-SERVICE";

    public static PolicyText BuiltIn { get; } = new(
        Encoding.UTF8.GetString(NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.RulesFile)), Encoding.UTF8.GetString(NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.BasesFile)));

    public byte[] RuleBytes => Encoding.UTF8.GetBytes(Rules);

    public byte[] BasisBytes => Encoding.UTF8.GetBytes(Bases);

    /// <summary>The same as another revision.</summary>
    public PolicyText As(int revision)
    {
        var number = $"\"revision\": {revision.ToString(CultureInfo.InvariantCulture)},";
        return new PolicyText(Once(Rules, "\"revision\": 1,", number), Once(Bases, "\"revision\": 1,", number));
    }

    /// <summary>The same as the revision after the one in force.</summary>
    public PolicyText Next(TestExchange exchange) => As(exchange.Composition.Policy.Current.RevisionNumber + 1);

    /// <summary>Changes the rule of an id: the first text after it.</summary>
    public PolicyText WithRule(string id, string text, string by) => this with { Rules = After(Rules, id, text, by) };

    /// <summary>Adds a rule before all others.</summary>
    public PolicyText WithNewRule(string json) => this with { Rules = Once(Rules, "\"rules\": [", $"\"rules\": [{json},") };

    /// <summary>Changes the entry of an id: the first text after it.</summary>
    public PolicyText WithEntry(string id, string text, string by) => this with { Bases = After(Bases, id, text, by) };

    /// <summary>The entry ends on a day.</summary>
    public PolicyText Ending(string id, DateOnly until) =>
        WithEntry(id, "\"approvedBy\"", $"\"until\": \"{CivilDate.ToText(until)}\", \"approvedBy\"");

    /// <summary>Line of the first such text after an id, from 1.</summary>
    public static int LineOf(string file, string id, string text) =>
        1 + file[..file.IndexOf(text, file.IndexOf($"\"{id}\"", StringComparison.Ordinal), StringComparison.Ordinal)].Count(c => c == '\n');

    public NeedToKnowPolicy Load() =>
        NeedToKnowPolicy.TryLoad(RuleBytes, BasisBytes, out var problems) ?? throw new PolicyFileException("test", problems);

    /// <summary>What a review of a day finds, as text with file and line.</summary>
    public IReadOnlyList<string> Problems(DateOnly today)
    {
        PolicyReview.TryAccept(RuleBytes, BasisBytes, today, out var problems);
        return [.. problems.Select(p => p.ToString())];
    }

    private static string Once(string file, string text, string by) => Replace(file, file.IndexOf(text, StringComparison.Ordinal), text, by);

    private static string After(string file, string id, string text, string by) =>
        Replace(file, file.IndexOf(text, file.IndexOf($"\"{id}\"", StringComparison.Ordinal), StringComparison.Ordinal), text, by);

    private static string Replace(string file, int at, string text, string by) => $"{file[..at]}{by}{file[(at + text.Length)..]}";
}

/// <summary>What officers do to the policy.</summary>
internal static class PolicyMoves
{
    public static Wire.ProposePolicyRequest Proposal(this Party officer, PolicyText files) => new()
    {
        Context = officer.Context(), RequestId = Some.RequestId(), RuleFile = ByteString.CopyFrom(files.RuleBytes), BasisFile = ByteString.CopyFrom(files.BasisBytes),
    };

    public static Wire.ActivatePolicyRequest Activation(this Party officer, Wire.Policy proposed) => new()
    {
        Context = officer.Context(), RequestId = Some.RequestId(), ProposalId = proposed.ProposalId, Sha256 = proposed.Sha256,
    };

    public static async Task<Wire.Policy> ProposesAsync(this Party officer, PolicyText files) =>
        (await officer.AskAsync(to => to.Policies.ProposePolicyAsync(officer.Proposal(files)))).Policy;

    public static async Task<Wire.Policy> ActivatesAsync(this Party officer, Wire.Policy proposed) =>
        (await officer.AskAsync(to => to.Policies.ActivatePolicyAsync(officer.Activation(proposed)))).Policy;

    public static async Task<Wire.Policy> FindsPolicyInForceAsync(this Party member) =>
        (await member.AskAsync(to => to.Policies.GetPolicyAsync(new() { Context = member.Context() }))).Policy;
}
