using SafetyNet.Exchange.Server.Misuse;

namespace SafetyNet.Exchange.Tests.Misuse;

[Trait("Rule", "R-AUD-7")]
public sealed class RulePrecisionTests
{
    /// <summary>Values of the literature: Newcombe (1998), Statistics in Medicine 17, table I, method 3.</summary>
    [Theory]
    [InlineData(81, 263, 0.2553, 0.3662)]
    [InlineData(15, 148, 0.0624, 0.1605)]
    [InlineData(0, 20, 0.0000, 0.1611)]
    [InlineData(1, 29, 0.0061, 0.1718)]
    public void The_interval_is_that_of_Wilson(long confirmed, long disposed, double low, double high)
    {
        var precision = RulePrecision.Of(confirmed, disposed);
        Assert.Equal(low, precision.Low, 4);
        Assert.Equal(high, precision.High, 4);
    }

    [Fact]
    public void The_interval_holds_the_share_and_mirrors_itself_for_every_count_to_300()
    {
        for (var disposed = 1; disposed <= 300; disposed++)
        {
            for (var confirmed = 0; confirmed <= disposed; confirmed++)
            {
                var (precision, mirrored) = (RulePrecision.Of(confirmed, disposed), RulePrecision.Of(disposed - confirmed, disposed));
                Assert.InRange(precision.Share!.Value, precision.Low, precision.High);
                Assert.True(precision.Low >= 0 && precision.High <= 1);
                Assert.Equal(precision.Low, 1 - mirrored.High, 1e-12);
                // Its ends solve (share - p)^2 = z^2 p (1 - p) / n.
                foreach (var end in ((double[])[precision.Low, precision.High]).Where(e => e is > 0 and < 1))
                    Assert.Equal(Math.Pow(precision.Share.Value - end, 2), Math.Pow(1.959963984540054, 2) * end * (1 - end) / disposed, 1e-12);
            }
        }
    }

    [Fact]
    public void Nothing_disposed_of_says_nothing() => Assert.Equal(new RulePrecision(null, 0, 1), RulePrecision.Of(0, 0));

    [Fact]
    public void More_confirmed_than_disposed_of_cannot_be() => Assert.Throws<ArgumentOutOfRangeException>(() => RulePrecision.Of(2, 1));
}
