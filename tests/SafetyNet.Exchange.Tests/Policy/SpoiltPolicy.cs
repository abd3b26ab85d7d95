using System.Text;
using System.Text.Json.Nodes;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>The policy in force with a change.</summary>
internal static class SpoiltPolicy
{
    /// <summary>The policy with the change made.</summary>
    /// <exception cref="PolicyFileException">The change makes a file that is refused.</exception>
    public static NeedToKnowPolicy Load(Action<JsonObject> change)
    {
        var file = Read(NeedToKnowPolicy.RulesFile);
        change(file);
        return NeedToKnowPolicy.Load(new MemoryStream(Encoding.UTF8.GetBytes(file.ToJsonString())), "spoilt.json");
    }

    /// <summary>The policy with a change made to its registry of legal bases.</summary>
    public static NeedToKnowPolicy LoadBases(Action<JsonObject> change)
    {
        var file = Read(NeedToKnowPolicy.BasesFile);
        change(file);
        return NeedToKnowPolicy.TryLoad(NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.RulesFile), Encoding.UTF8.GetBytes(file.ToJsonString()), out var problems)
            ?? throw new InvalidOperationException(string.Join('\n', problems));
    }

    public static JsonObject Entry(JsonObject bases, string id) => bases["entries"]!.AsArray().Select(entry => entry!.AsObject()).Single(entry => entry["id"]!.GetValue<string>() == id);

    public static JsonObject Rule(JsonObject policy, string id) => policy["rules"]!.AsArray().Select(rule => rule!.AsObject()).Single(rule => rule["id"]!.GetValue<string>() == id);

    private static JsonObject Read(string file) => (JsonObject)JsonNode.Parse(NeedToKnowPolicy.ReadBuiltIn(file))!;
}
