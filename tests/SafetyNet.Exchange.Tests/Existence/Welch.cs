namespace SafetyNet.Exchange.Tests.Existence;

/// <summary>
/// Welch's t of two samples of times. Times have a long tail that the machine makes and not the call, so both samples are cropped at one and the same value, the 90th
/// percentile of both together (Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", 2017): where the two are alike this crops them alike.
/// </summary>
internal readonly record struct Welch(double T, double DifferenceTicks, int Kept)
{
    public static Welch Of(IReadOnlyList<long> one, IReadOnlyList<long> other)
    {
        var pooled = one.Concat(other).Order().ToList();
        var most = pooled[(int)(pooled.Count * 0.9)];
        var (left, right) = (Moments(one, most), Moments(other, most));
        var error = Math.Sqrt((left.Variance / left.Count) + (right.Variance / right.Count));
        return new Welch(error == 0 ? 0 : (left.Mean - right.Mean) / error, left.Mean - right.Mean, left.Count + right.Count);
    }

    private static (double Mean, double Variance, int Count) Moments(IReadOnlyList<long> values, long most)
    {
        var (mean, squares, count) = (0.0, 0.0, 0);
        foreach (var value in values)
        {
            if (value > most) continue;
            count++;
            var delta = value - mean;
            mean += delta / count;
            squares += delta * (value - mean);
        }

        return (mean, squares / (count - 1), count);
    }
}
