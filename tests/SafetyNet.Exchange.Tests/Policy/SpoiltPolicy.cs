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
        var file = Read();
        change(file);
        return NeedToKnowPolicy.Load(new MemoryStream(Encoding.UTF8.GetBytes(file.ToJsonString())), "spoilt.json");
    }

    public static JsonObject Rule(JsonObject policy, string id) => policy["rules"]!.AsArray().Select(rule => rule!.AsObject()).Single(rule => rule["id"]!.GetValue<string>() == id);

    private static JsonObject Read()
    {
        using var json = typeof(NeedToKnowPolicy).Assembly.GetManifestResourceStream("need-to-know.json")!;
        return (JsonObject)JsonNode.Parse(json)!;
    }
}
