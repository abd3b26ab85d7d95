namespace SafetyNet.Exchange.Server.Retention;

/// <summary>How long the bytes of records are kept. Their places and hashes stay for good.</summary>
internal sealed record RetentionSettings
{
    /// <summary>Least days of a production start: what misuse is found late, or asked after by the person, must still be there. [D figure]</summary>
    public const int LeastDays = 180;

    /// <summary>Days from the decision on, 1 to 36 500. Zero: not set, which a production start refuses and which purges nothing.</summary>
    public int KeepDays { get; init; }

    /// <summary>Records of one purge, which share a commit and a record of their own, 1 to 10 000. Default 1 000.</summary>
    public int BatchRecords { get; init; } = 1000;

    public IEnumerable<string> Problems()
    {
        if (KeepDays is < 0 or > 36_500) yield return "Retention:KeepDays is 1 to 36500 days";
        if (BatchRecords is < 1 or > 10_000) yield return "Retention:BatchRecords is 1 to 10000";
    }

    /// <summary>Settings that only a production start insists on: how long is for the operator to say, and a default would say it for him.</summary>
    public IEnumerable<string> Missing()
    {
        if (KeepDays == 0) yield return $"Retention:KeepDays is not set: days that the bytes of access records are kept before they are purged, at least {LeastDays}, e.g. 1825 for five years";
        else if (KeepDays < LeastDays) yield return $"Retention:KeepDays is {KeepDays}; in production it is at least {LeastDays}, so that misuse that is found late still has its evidence";
    }
}
