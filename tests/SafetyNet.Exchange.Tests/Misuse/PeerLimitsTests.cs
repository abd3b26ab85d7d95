using FsCheck;
using FsCheck.Fluent;
using SafetyNet.Exchange.Server.Misuse;

namespace SafetyNet.Exchange.Tests.Misuse;

[Trait("Rule", "R-AUD-7")]
public sealed class PeerLimitsTests
{
    private static readonly PeerLimits Limits = new(LeastPersons: 3, Deviations: 2, LeastPeers: 2, WithoutPeers: 9);

    private static readonly Gen<int[]> Peers = Gen.Choose(0, 60).ArrayOf();

    [Fact]
    public void The_limit_of_every_small_group_is_the_median_plus_deviations_counted_naively()
    {
        foreach (var peers in Groups(most: 5, size: 4))
        {
            var limit = Limits.Of(peers);
            if (peers.Length < 2)
            {
                Assert.Equal((9, peers.Length), (limit.Persons, limit.Peers));
                continue;
            }

            var median = Naive([.. peers.Select(p => (double)p)]);
            Assert.Equal(Math.Max(3, median + (2 * Naive([.. peers.Select(p => Math.Abs(p - median))]))), limit.Persons);
            Assert.Equal((median, peers.Length), (limit.Median, limit.Peers));
        }
    }

    [Fact]
    public void The_order_of_peers_has_no_meaning_and_the_limit_is_never_below_the_least() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(20_000).WithQuietOnSuccess(true),
        Prop.ForAll(Peers.ToArbitrary(), peers => Limits.Of(peers).Persons == Limits.Of([.. peers.Reverse()]).Persons && Limits.Of(peers).Persons >= 3));

    [Fact]
    public void One_peer_out_of_all_proportion_moves_the_limit_by_no_more_than_one_step() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(20_000).WithQuietOnSuccess(true),
        Prop.ForAll(Peers.Where(p => p.Length >= 3).ToArbitrary(), peers => Limits.Of([.. peers, 1_000_000]).Persons <= peers.Max() + (2 * (peers.Max() - peers.Min())) + 3));

    [Fact]
    public void No_value_has_no_median() => Assert.Throws<ArgumentException>(() => PeerLimits.Median([]));

    /// <summary>The middle by counting how many are not above: without sorting.</summary>
    private static double Naive(double[] values)
    {
        double At(int rank) => values.Distinct().Where(v => values.Count(o => o <= v) > rank).Min();
        return (At((values.Length - 1) / 2) + At(values.Length / 2)) / 2;
    }

    private static IEnumerable<int[]> Groups(int most, int size) => size == 0
        ? [[]]
        : Groups(most, size - 1).SelectMany(group => group.Length == size - 1 ? (int[][])[group, .. Enumerable.Range(0, most + 1).Select(next => (int[])[.. group, next])] : [group]);
}
