namespace SafetyNet.Exchange.Server.Visits;

/// <summary>What visits go by.</summary>
internal sealed record VisitSettings
{
    /// <summary>File of protocols (form: <c>visit-protocols.schema.json</c>) that takes the place of the built-in one; empty (default): none. Protocols that run keep the rule they were started by.</summary>
    public string ProtocolsPath { get; init; } = "";

    public IEnumerable<string> Problems()
    {
        if (ProtocolsPath.Length > 0 && !File.Exists(ProtocolsPath)) yield return "Exchange:Visits:ProtocolsPath names a file that is not there: the protocols of visits. Mend the path, or remove the setting to go by the built-in ones";
    }
}
