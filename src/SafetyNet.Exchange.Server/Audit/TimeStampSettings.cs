namespace SafetyNet.Exchange.Server.Audit;

/// <summary>The authority that time-stamps heads of the log (RFC 3161), and how long the exchange goes on without it (R-AUD-9).</summary>
internal sealed record TimeStampSettings
{
    /// <summary>Where the authority takes requests, http or https: its answer is signed either way. Empty: there is none, and no head is stamped.</summary>
    public string Address { get; init; } = "";

    /// <summary>PEM file of the roots that the authority's stamping certificate chains to.</summary>
    public string RootsPath { get; init; } = "";

    /// <summary>From one stamp to the next; what the log gained meanwhile is under the next one. Default 10 minutes.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>From this age of the oldest head without a stamp on, the operating log says so. Default 1 hour.</summary>
    public TimeSpan AlertAfter { get; init; } = TimeSpan.FromHours(1);

    /// <summary>From this age on no call is taken until the authority is back. Zero: not set, which a production start with an authority refuses.</summary>
    public TimeSpan StopAfter { get; init; }

    public bool IsSet => Address.Length > 0;

    public IEnumerable<string> Problems()
    {
        if (!IsSet)
        {
            if (RootsPath.Length > 0) yield return "TimeStamps:RootsPath is set without TimeStamps:Address: where the authority takes requests";
            yield break;
        }

        if (!Uri.TryCreate(Address, UriKind.Absolute, out var address) || !(string.Equals(address.Scheme, Uri.UriSchemeHttps, StringComparison.Ordinal) || string.Equals(address.Scheme, Uri.UriSchemeHttp, StringComparison.Ordinal)))
            yield return "TimeStamps:Address is the http or https address where the time-stamp authority takes requests (RFC 3161)";
        if (!File.Exists(RootsPath)) yield return "TimeStamps:RootsPath names no file: PEM of the roots that the time-stamp authority's certificate chains to";
        if (Every <= TimeSpan.Zero || AlertAfter < Every) yield return "TimeStamps:Every is more than zero, and TimeStamps:AlertAfter not shorter than it";
        if (StopAfter < TimeSpan.Zero || (StopAfter > TimeSpan.Zero && StopAfter <= AlertAfter)) yield return "TimeStamps:StopAfter is longer than TimeStamps:AlertAfter";
    }

    /// <summary>Settings that only a production start insists on.</summary>
    public IEnumerable<string> Missing()
    {
        if (IsSet && StopAfter == TimeSpan.Zero) yield return "TimeStamps:StopAfter is not set: how long the exchange goes on while the time-stamp authority is away, e.g. 3.00:00:00 for three days";
    }
}
