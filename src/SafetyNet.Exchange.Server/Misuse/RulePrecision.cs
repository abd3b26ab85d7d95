namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>How good a rule is: of the findings disposed of, the share that was confirmed, with the interval that so few allow. Pure.</summary>
/// <param name="Share">0 to 1; null: none was disposed of.</param>
/// <param name="Low">Lower end of the 95 % interval.</param>
/// <param name="High">Upper end.</param>
internal readonly record struct RulePrecision(double? Share, double Low, double High)
{
    /// <summary>97.5 % quantile of the normal distribution.</summary>
    private const double Z = 1.959963984540054;

    /// <summary>By the score interval of Wilson (1927), which stays within 0 and 1 and says something of a few findings too.</summary>
    public static RulePrecision Of(long confirmed, long disposed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(confirmed);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(confirmed, disposed);
        if (disposed == 0) return new RulePrecision(null, 0, 1);
        double n = disposed, share = confirmed / n, z2 = Z * Z;
        var center = (share + (z2 / (2 * n))) / (1 + (z2 / n));
        var half = Z / (1 + (z2 / n)) * Math.Sqrt((share * (1 - share) / n) + (z2 / (4 * n * n)));
        return new RulePrecision(share, confirmed == 0 ? 0 : Math.Max(0, center - half), confirmed == disposed ? 1 : Math.Min(1, center + half));
    }
}
