using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>Household offices that serve look-ups themselves, beside the copy that they import.</summary>
internal sealed record LiveSourceSettings
{
    /// <summary>One for a jurisdiction at most; empty: every look-up is answered from the copy.</summary>
    public IReadOnlyList<LiveSourcePeer> Peers { get; init; } = [];

    /// <summary>Longest that a look-up waits for the office, up to 5 seconds; then the copy answers. Default 800 ms.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromMilliseconds(800);

    /// <summary>How long an office that failed is not asked again, so that not every look-up waits for it. Default 10 s.</summary>
    public TimeSpan RestAfterFailure { get; init; } = TimeSpan.FromSeconds(10);

    public IEnumerable<string> Problems()
    {
        for (var at = 0; at < Peers.Count; at++)
        {
            if (!SpiffeId.TryParse(Peers[at].System, out _)) yield return $"Households:LiveSources:Peers:{at}:System is the office's system as registered, e.g. spiffe://safetynet.gov.tw/tpe/civil/register";
            if (!Uri.TryCreate(Peers[at].Address, UriKind.Absolute, out var uri) || !string.Equals(uri.Scheme, "https", StringComparison.Ordinal))
                yield return $"Households:LiveSources:Peers:{at}:Address is the https address that the office's system serves HouseholdService at";
        }

        var ids = Peers.Select(peer => SpiffeId.TryParse(peer.System, out var id) ? id.Jurisdiction : peer.System).ToList();
        if (ids.Distinct(StringComparer.Ordinal).Count() < ids.Count) yield return "Households:LiveSources:Peers names two systems of one jurisdiction: there is one register of each";
        if (TimeLimit <= TimeSpan.Zero || TimeLimit > TimeSpan.FromSeconds(5) || RestAfterFailure < TimeSpan.Zero)
            yield return "Households:LiveSources: TimeLimit is more than zero and at most 5 seconds, RestAfterFailure not below zero";
    }
}

/// <summary>A household office's own system.</summary>
internal sealed record LiveSourcePeer
{
    /// <summary>SPIFFE id of the system, a registered member of an agency of household registration; its certificate must name it.</summary>
    public string System { get; init; } = "";

    /// <summary>Where it serves <c>HouseholdService.LookUpHousehold</c>.</summary>
    public string Address { get; init; } = "";
}

/// <summary>Settings of households.</summary>
internal sealed record HouseholdSettings
{
    public LiveSourceSettings LiveSources { get; init; } = new();
}
