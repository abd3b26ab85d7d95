using System.Buffers;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>When somebody's persons of a day are far more than those of the peers. Pure.</summary>
/// <param name="LeastPersons">Up to so many nothing is found.</param>
/// <param name="Deviations">Median absolute deviations above the median.</param>
/// <param name="LeastPeers">Counts of peers below which there is no comparison.</param>
/// <param name="WithoutPeers">What is many where there is no comparison.</param>
internal sealed record PeerLimits(int LeastPersons, int Deviations, int LeastPeers, int WithoutPeers)
{
    /// <summary>What a count is held against, with the numbers that it follows from.</summary>
    public PeerLimit Of(ReadOnlySpan<int> peers)
    {
        if (peers.Length < LeastPeers) return new PeerLimit(Math.Max(LeastPersons, WithoutPeers), double.NaN, double.NaN, peers.Length);
        var rented = ArrayPool<double>.Shared.Rent(peers.Length);
        var values = rented.AsSpan(0, peers.Length);
        for (var at = 0; at < peers.Length; at++) values[at] = peers[at];
        var median = Median(values);
        for (var at = 0; at < values.Length; at++) values[at] = Math.Abs(values[at] - median);
        var deviation = Median(values);
        ArrayPool<double>.Shared.Return(rented);
        return new PeerLimit(Math.Max(LeastPersons, median + (Deviations * deviation)), median, deviation, peers.Length);
    }

    /// <summary>The middle value, of an even number the mean of the two in the middle. Sorts them.</summary>
    /// <exception cref="ArgumentException">There is no value.</exception>
    public static double Median(Span<double> values)
    {
        if (values.Length == 0) throw new ArgumentException("No value has no median.", nameof(values));
        values.Sort();
        return values.Length % 2 == 1 ? values[values.Length / 2] : (values[(values.Length / 2) - 1] + values[values.Length / 2]) / 2;
    }
}

/// <summary>A limit of persons in a day.</summary>
/// <param name="Persons">More than so many are a finding.</param>
/// <param name="Median">Median of the peers; NaN: no comparison.</param>
/// <param name="Deviation">Their median absolute deviation; NaN: no comparison.</param>
/// <param name="Peers">Counts compared with.</param>
internal readonly record struct PeerLimit(double Persons, double Median, double Deviation, int Peers)
{
    private static readonly string[] WithoutPeers = ["distinct_persons", "limit", "peer_counts"], WithPeers = [.. WithoutPeers, "peer_median", "peer_deviation"];

    /// <summary>Why so many persons are a finding.</summary>
    public TriggerNumbers Exceeded(int persons) =>
        double.IsNaN(Median) ? new TriggerNumbers(WithoutPeers, persons, Persons, Peers) : new TriggerNumbers(WithPeers, persons, Persons, Peers, Median, Deviation);
}
