using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>Who co-signs the heads of the log, and how long the exchange goes on without them.</summary>
internal sealed record WitnessSettings
{
    public IReadOnlyList<WitnessPeer> Peers { get; init; } = [];

    /// <summary>How many of the witnesses must have co-signed a head for it to count; 0: all of them.</summary>
    public int Required { get; init; }

    /// <summary>From this age of the oldest head that still waits for co-signatures on, the operating log says so. Default 2 minutes.</summary>
    public TimeSpan AlertAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>From this age on no call is taken until the witnesses are back. Zero: not set, which a production start refuses.</summary>
    public TimeSpan StopAfter { get; init; }

    /// <summary>Co-signatures that a head needs.</summary>
    public int Needed => Required == 0 ? Peers.Count : Required;

    public IEnumerable<string> Problems()
    {
        for (var at = 0; at < Peers.Count; at++)
        {
            var peer = Peers[at];
            if (!Uri.TryCreate(peer.Address, UriKind.Absolute, out var address) || !IsSafe(address))
                yield return $"Witness:Peers:{at}:Address is the https address of the witness (http on loopback only)";
            if (!NoteVerifier.TryParse(peer.Key, out var key, out var problem)) yield return $"Witness:Peers:{at}:Key is the witness's public key, as `safetynet witness show` prints it. {problem}";
            else key.Dispose();
            if (peer.RootsPath is { Length: > 0 } roots && !File.Exists(roots)) yield return $"Witness:Peers:{at}:RootsPath names no file";
        }

        if (Peers.Select(peer => peer.Key).Distinct(StringComparer.Ordinal).Count() < Peers.Count) yield return "Witness:Peers names one key twice: a witness counts once";
        if (Required < 0 || Required > Peers.Count) yield return $"Witness:Required is 1 to the number of witnesses ({Peers.Count}), or 0 for all";
        if (StopAfter < TimeSpan.Zero || AlertAfter <= TimeSpan.Zero || (StopAfter > TimeSpan.Zero && StopAfter <= AlertAfter))
            yield return "Witness:AlertAfter is more than zero, and Witness:StopAfter longer than it";
    }

    private static bool IsSafe(Uri address) => string.Equals(address.Scheme, Uri.UriSchemeHttps, StringComparison.Ordinal)
        || (string.Equals(address.Scheme, Uri.UriSchemeHttp, StringComparison.Ordinal) && address.IsLoopback);

    /// <summary>Settings that only a production start insists on: a log that nobody else holds a head of does not bind its own administrator (B59).</summary>
    public IEnumerable<string> Missing()
    {
        if (Peers.Count == 0) yield return "Witness:Peers is not set: address and key of at least one witness, run by another party (`safetynet witness`); without one the administrator of this database could rewrite the log";
        if (StopAfter == TimeSpan.Zero) yield return "Witness:StopAfter is not set: how long the exchange goes on without its witnesses, e.g. 04:00:00";
    }
}

/// <summary>One witness.</summary>
internal sealed record WitnessPeer
{
    /// <summary>Where it listens.</summary>
    public string Address { get; init; } = "";

    /// <summary>Its public key in verifier form.</summary>
    public string Key { get; init; } = "";

    /// <summary>PEM file of the roots that its certificate chains to; empty: those of the machine.</summary>
    public string RootsPath { get; init; } = "";
}
