using System.Text.Json;

namespace SafetyNet.Exchange.Bench.Roles;

/// <summary>What a role is told to do, one line of JSON on its standard input; it answers with one line on its standard output.</summary>
/// <param name="Case">What to run; <see cref="Read"/> and <see cref="Quit"/> every server knows.</param>
/// <param name="Seconds">How long.</param>
/// <param name="Connections">Over how many connections.</param>
/// <param name="InFlight">With how many calls in flight on each.</param>
/// <param name="RequestBytes">Size of a request that stands for another, or of a raw row.</param>
/// <param name="AnswerBytes">Size of an answer that stands for another.</param>
internal sealed record Order(string Case, double Seconds = 0, int Connections = 1, int InFlight = 1, int RequestBytes = 0, int AnswerBytes = 0)
{
    public const string Read = "read";
    public const string Quit = "quit";

    /// <summary>An exchange decides nothing from now on (see <see cref="Measures.PermitAll"/>), or decides again.</summary>
    public const string DecideNothing = "decide nothing";
    public const string Decide = "decide";

    public const string Prepare = "prepare";
    public const string Echo = "echo";
    public const string LookUp = "look-up";
    public const string LookUpSmall = "look-up, tenth of the data";
    public const string LookUpDeciding = "look-up, deciding";
    public const string LookUpPermitAll = "look-up, permit all";
    public const string Create = "create referral";
    public const string Accept = "accept referral";
    public const string Submit = "submit report";
    public const string Raw = "raw insert";

    /// <summary>The load sees to it that referrals wait to be accepted; no part of what is measured.</summary>
    public const string Stock = "stock referrals";

    /// <summary>Every case, in the order of a round.</summary>
    public static readonly IReadOnlyList<string> Cases = [LookUp, LookUpPermitAll, Echo, Create, Accept, Submit, Raw, LookUpSmall];
}

/// <summary>Counters of a server process since its start; two readings around a case give what the case cost.</summary>
/// <param name="CpuMicros">Processor time of all its threads.</param>
/// <param name="AllocatedBytes">Bytes allocated on the managed heap.</param>
/// <param name="Flushes">Flushes to disk that made commits durable.</param>
/// <param name="Records">Records of calls in the log; those that the exchange leaves by itself are not counted.</param>
/// <param name="RowBytes">Size of what one created referral leaves in the database, mean of the last ones; 0: none yet.</param>
/// <param name="ServerGarbageCollection">Which collector runs.</param>
/// <param name="CompileMicros">Processor time that went into compiling.</param>
/// <param name="WorkingSetBytes">Memory that the process holds, mapped files with it.</param>
internal sealed record ServerReading(long CpuMicros, long AllocatedBytes, long Flushes, long Records, int RowBytes, bool ServerGarbageCollection, long CompileMicros, long WorkingSetBytes);

/// <summary>What a load saw.</summary>
/// <param name="Calls">Answers, each checked.</param>
/// <param name="Seconds">From the first request to the last answer.</param>
/// <param name="P50Micros">Latency that half of the calls stayed under.</param>
/// <param name="P99Micros">Latency that 99 of 100 calls stayed under.</param>
/// <param name="RequestBytes">Mean size of a request message.</param>
/// <param name="AnswerBytes">Mean size of an answer message.</param>
/// <param name="Problem">What was wrong with the first wrong answer; null: all were right.</param>
internal sealed record LoadResult(long Calls, double Seconds, double P50Micros, double P99Micros, int RequestBytes, int AnswerBytes, string? Problem);

/// <summary>The far end of a role: reads orders, writes answers.</summary>
internal static class OrderLoop
{
    /// <summary>Says that the role is ready, then answers until told to quit or the input ends.</summary>
    public static async Task RunAsync<TAnswer>(Func<Order, Task<TAnswer>> answer)
    {
        await Console.Out.WriteLineAsync("ready");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var order = JsonSerializer.Deserialize<Order>(line)!;
            if (string.Equals(order.Case, Order.Quit, StringComparison.Ordinal)) return;
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(await answer(order)));
        }
    }
}
