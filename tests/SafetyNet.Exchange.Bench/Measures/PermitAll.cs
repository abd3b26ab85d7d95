using System.Text.Json;
using System.Text.Json.Nodes;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Bench.Measures;

/// <summary>A policy that decides nothing: everything is permitted to everyone, in one rule. Beside it a run shows what the deciding adds to a call. It is put in force by a
/// bench role in its own process only: a server takes no policy but by two officers' act.</summary>
internal static class PermitAll
{
    /// <summary>The policy, of the revision after that in force.</summary>
    public static NeedToKnowPolicy After(NeedToKnowPolicy inForce)
    {
        var (rules, bases) = BuiltInAfter(inForce);
        rules["rules"] = new JsonArray(new JsonObject
        {
            ["id"] = "NTK-ALL",
            ["effect"] = "permit",
            // Who reported no file can open but by R-NTK-5.
            ["classes"] = List(CodeTable.Classes.Codes.Except(["NOT_PERSONAL", "REPORTER_IDENTITY"], StringComparer.Ordinal)),
            ["relationships"] = List(CodeTable.Relationships.Codes),
            ["purposes"] = List(CodeTable.Purposes.Codes),
            // What follows from a look-up stays the same.
            ["obligations"] = List(["notifyPrimary"]),
            ["source"] = List(["a measurement"]),
            ["textEn"] = "Everything to everyone, for a measurement.",
            ["textZh"] = "量測用，一律開放。",
        });
        return Load(rules, bases);
    }

    /// <summary>The policy of the product again, of the revision after that in force: none ever goes back.</summary>
    public static NeedToKnowPolicy BackAfter(NeedToKnowPolicy inForce)
    {
        var (rules, bases) = BuiltInAfter(inForce);
        return Load(rules, bases);
    }

    private static (JsonNode Rules, JsonNode Bases) BuiltInAfter(NeedToKnowPolicy inForce)
    {
        var rules = JsonNode.Parse(NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.RulesFile))!;
        var bases = JsonNode.Parse(NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.BasesFile))!;
        rules["revision"] = inForce.RevisionNumber + 1;
        bases["revision"] = inForce.RevisionNumber + 1;
        return (rules, bases);
    }

    private static NeedToKnowPolicy Load(JsonNode rules, JsonNode bases) =>
        NeedToKnowPolicy.TryLoad(JsonSerializer.SerializeToUtf8Bytes(rules), JsonSerializer.SerializeToUtf8Bytes(bases), out var problems)
            ?? throw new BenchFailedException($"The policy of the measurement is refused: {string.Join("; ", problems)}");

    private static JsonArray List(IEnumerable<string> codes) => new([.. codes.Select(code => (JsonNode)code)]);
}
