using System.Diagnostics;
using Grpc.Core;

namespace SafetyNet.Exchange.Bench.Roles;

/// <summary>Sizes of one call's messages, bytes; 0: not measured on this call.</summary>
internal readonly record struct CallSize(int Request, int Answer);

/// <summary>An answer came that was not right.</summary>
internal sealed class WrongAnswerException(string message) : Exception(message);

/// <summary>There is nothing more to call about: the loop ends before its time, with what it has.</summary>
internal sealed class OutOfStockException : Exception;

/// <summary>Callers that each send the next request when the last was answered: measures capacity.</summary>
internal static class ClosedLoop
{
    /// <summary>Runs an order. One wrong answer or refusal stops the loop: a rate of errors is no rate.</summary>
    /// <param name="order">How long and how many at once.</param>
    /// <param name="call">One checked call, over a connection, by a caller, with the caller's own random numbers.</param>
    public static async Task<LoadResult> RunAsync(Order order, Func<int, int, Random, Task<CallSize>> call)
    {
        using var stop = new CancellationTokenSource();
        string? problem = null;
        var start = Stopwatch.GetTimestamp();
        var until = start + (long)(order.Seconds * Stopwatch.Frequency);
        var callers = await Task.WhenAll(Enumerable.Range(0, order.Connections * order.InFlight).Select(caller => Task.Run(() => CallAsync(caller))));
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var latencies = callers.SelectMany(c => c.Latencies).Order().ToList();
        var sized = Math.Max(1, callers.Sum(c => c.Sized));
        return new LoadResult(latencies.Count, seconds, Quantile(latencies, 0.50), Quantile(latencies, 0.99),
            (int)(callers.Sum(c => c.RequestBytes) / sized), (int)(callers.Sum(c => c.AnswerBytes) / sized), problem);

        async Task<Caller> CallAsync(int number)
        {
            var caller = new Caller();
            var random = new Random(number);
            while (Stopwatch.GetTimestamp() is var sent && sent < until && !stop.IsCancellationRequested)
            {
                try
                {
                    var size = await call(number % order.Connections, number, random);
                    caller.Add(Stopwatch.GetElapsedTime(sent), size);
                }
                catch (OutOfStockException)
                {
                    return caller;
                }
                catch (Exception error) when (error is RpcException or WrongAnswerException)
                {
                    Interlocked.CompareExchange(ref problem, error.Message, null);
                    await stop.CancelAsync();
                }
            }

            return caller;
        }
    }

    /// <summary>Value at a quantile of sorted values, nearest rank; 0 where there are none.</summary>
    public static double Quantile(IReadOnlyList<float> sorted, double quantile) =>
        sorted.Count == 0 ? 0 : sorted[Math.Clamp((int)Math.Ceiling(quantile * sorted.Count) - 1, 0, sorted.Count - 1)];

    private sealed class Caller
    {
        public List<float> Latencies { get; } = new(4096);

        public long RequestBytes { get; private set; }

        public long AnswerBytes { get; private set; }

        public long Sized { get; private set; }

        public void Add(TimeSpan latency, CallSize size)
        {
            Latencies.Add((float)latency.TotalMicroseconds);
            if (size.Request == 0) return;
            Sized++;
            RequestBytes += size.Request;
            AnswerBytes += size.Answer;
        }
    }
}
