namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>How the log is scanned for misuse.</summary>
internal sealed record MisuseSettings
{
    /// <summary>File of rules (form: <c>misuse-rules.schema.json</c>) that takes the place of the built-in one; empty (default): none.</summary>
    public string RulesPath { get; init; } = "";

    /// <summary>Pause between two looks at the log, 1 to 3600 seconds. Default 2.</summary>
    public int PauseSeconds { get; init; } = 2;

    public IEnumerable<string> Problems()
    {
        if (RulesPath.Length > 0 && !File.Exists(RulesPath)) yield return "Misuse:RulesPath names a file that is not there: the rules of misuse";
        if (PauseSeconds is < 1 or > 3600) yield return "Misuse:PauseSeconds is 1 to 3600";
    }
}
