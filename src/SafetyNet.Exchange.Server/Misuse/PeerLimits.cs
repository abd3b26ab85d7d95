namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>When somebody's persons of a day are far more than those of the peers. Pure.</summary>
/// <param name="LeastPersons">Up to so many nothing is found.</param>
/// <param name="Deviations">Median absolute deviations above the median.</param>
/// <param name="LeastPeers">Counts of peers below which there is no comparison.</param>
/// <param name="WithoutPeers">What is many where there is no comparison.</param>
internal sealed record PeerLimits(int LeastPersons, int Deviations, int LeastPeers, int WithoutPeers)
{
    /// <summary>What a count is held against, with the numbers that it follows from.</summary>
    public PeerLimit Of(IReadOnlyCollection<int> peers)
    {
        if (peers.Count < LeastPeers) return new PeerLimit(Math.Max(LeastPersons, WithoutPeers), double.NaN, double.NaN, peers.Count);
        var median = Median(peers.Select(count => (double)count));
        var deviation = Median(peers.Select(count => Math.Abs(count - median)));
        return new PeerLimit(Math.Max(LeastPersons, median + (Deviations * deviation)), median, deviation, peers.Count);
    }

    /// <summary>The middle value, of an even number the mean of the two in the middle.</summary>
    /// <exception cref="ArgumentException">There is no value.</exception>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0) throw new ArgumentException("No value has no median.", nameof(values));
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>A limit of persons in a day.</summary>
/// <param name="Persons">More than so many are a finding.</param>
/// <param name="Median">Median of the peers; NaN: no comparison.</param>
/// <param name="Deviation">Their median absolute deviation; NaN: no comparison.</param>
/// <param name="Peers">Counts compared with.</param>
internal readonly record struct PeerLimit(double Persons, double Median, double Deviation, int Peers)
{
    public IEnumerable<(string Name, double Value)> Numbers()
    {
        yield return ("limit", Persons);
        yield return ("peer_counts", Peers);
        if (double.IsNaN(Median)) yield break;
        yield return ("peer_median", Median);
        yield return ("peer_deviation", Deviation);
    }
}
