using System.Diagnostics;

namespace SafetyNet.Exchange.Bench.Measures;

/// <summary>How long the disk under the databases takes to make one page durable, probed in the run itself: append 4 KiB, flush, again.</summary>
internal static class FlushProbe
{
    private const int PageBytes = 4096;

    /// <summary>Median of the flushes of a stretch of time, microseconds.</summary>
    public static double MedianMicros(string folder, TimeSpan time)
    {
        var path = Path.Combine(folder, "flush.probe");
        var page = new byte[PageBytes];
        var flushes = new List<double>();
        using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
        {
            var start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < time || flushes.Count < 3)
            {
                var one = Stopwatch.GetTimestamp();
                RandomAccess.Write(file, page, (long)flushes.Count * PageBytes);
                RandomAccess.FlushToDisk(file);
                flushes.Add(Stopwatch.GetElapsedTime(one).TotalMicroseconds);
            }
        }

        File.Delete(path);
        return Spread.Of(flushes).Median;
    }
}
