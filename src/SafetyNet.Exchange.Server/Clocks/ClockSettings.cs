namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>What time limits go by.</summary>
internal sealed record ClockSettings
{
    /// <summary>File of rules (form: <c>clock-rules.schema.json</c>) that takes the place of the built-in one; empty (default): none. Clocks that run keep the limits they were started with.</summary>
    public string RulesPath { get; init; } = "";

    public IEnumerable<string> Problems()
    {
        if (RulesPath.Length > 0 && !File.Exists(RulesPath)) yield return "Exchange:Clocks:RulesPath names a file that is not there: the rules of time limits";
    }
}
