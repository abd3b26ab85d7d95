namespace SafetyNet.Exchange.Server.Cases;

/// <summary>Data files of a deployment for cases; empty: those that the server is built with.</summary>
internal sealed record CaseSettings
{
    /// <summary>Targets of caseloads by profession (R-CASE-6).</summary>
    public string CaseloadTargetsPath { get; init; } = "";
}
