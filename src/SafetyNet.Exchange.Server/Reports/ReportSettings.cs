namespace SafetyNet.Exchange.Server.Reports;

/// <summary>Data files of a deployment for intake and dispatch; empty: those that the server is built with.</summary>
internal sealed record ReportSettings
{
    /// <summary>Profiles of the originating systems.</summary>
    public string SourceSystemsPath { get; init; } = "";

    /// <summary>Rules by which units are suggested (R-INT-5).</summary>
    public string TriageRulesPath { get; init; } = "";
}
