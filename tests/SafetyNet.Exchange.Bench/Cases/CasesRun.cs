using System.Globalization;
using System.Text.Json;
using SafetyNet.Exchange.Bench.Measures;
using SafetyNet.Exchange.Bench.Roles;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench.Cases;

/// <summary>One kind of reading at one size.</summary>
/// <param name="Found">Things that an operation found, mean.</param>
/// <param name="Calls">Calls of an operation.</param>
internal sealed record ReadingFigure(string Name, int Cases, double Found, int Calls, double P50Micros, double P99Micros);

/// <summary>What the store takes.</summary>
internal sealed record CasesSize(int Cases, long FileBytes, long MemoryBytes);

/// <summary>
/// What it costs a back end to read a large shared case, beside bare echoes of the same messages and bare reads of the same rows; and whether reading a case, a caseload or the overdue visits
/// grows with the cases that there are. Latency of one operation at a time; the exchange in a process of its own, every call with its durable record.
/// </summary>
internal static class CasesRun
{
    private const int WarmUps = 400, Rounds = 5;

    public static async Task<int> RunAsync(string folder, int cases, bool asJson, CancellationToken cancellation)
    {
        var talk = Bench.Report.Terminal(Console.Error);
        var (large, growing, sizes) = (new List<IReadOnlyList<ReadingFigure>>(), new List<ReadingFigure>(), new List<CasesSize>());
        Directory.CreateDirectory(folder);
        foreach (var size in (int[])[cases / 10, cases])
        {
            var filled = await talk.Progress().AutoClear(true).StartAsync(async progress =>
                await FilledCases.EnsureAsync(folder, size, what => talk.MarkupLineInterpolated($"{what}"), progress.AddTask("cases", maxValue: 1)));
            var (exchange, address) = await filled.StartAsync();
            await using var running = exchange;
            using var readings = new CaseReadings(filled, address);
            foreach (var reading in readings.Growing) growing.Add(await MeasureAsync(reading, size, cancellation));
            if (size == cases)
            {
                large.Add(await MeasureBesideAsync(readings.LargeCase, filled, raw => raw.ReadCaseAsync(FilledCases.LargeCase), cancellation));
                large.Add(await MeasureBesideAsync(readings.ChairsList, filled, raw => raw.ReadChairAsync(FilledCases.LeadUnit), cancellation));
            }

            sizes.Add(new CasesSize(size, new FileInfo(filled.Database).Length, (await exchange.ReadAsync(cancellation)).WorkingSetBytes));
        }

        if (asJson) await Console.Out.WriteLineAsync(JsonSerializer.Serialize(new { large, growing, sizes }, Bench.Report.Json));
        else Print(large, growing, sizes, Bench.Report.Terminal(Console.Out));
        return 0;
    }

    private static async Task<ReadingFigure> MeasureAsync(Reading reading, int cases, CancellationToken cancellation)
    {
        for (var number = 0; number < Math.Min(WarmUps, reading.Count); number++) await reading.Read(number);
        var times = new List<float>(reading.Count);
        var (found, calls) = await TimeAsync(reading.Read, reading.Count, times, cancellation);
        return FigureOf(reading.Name, cases, times, found, calls);
    }

    /// <summary>In rounds that take turns, so that what else the machine does falls on all three.</summary>
    private static async Task<IReadOnlyList<ReadingFigure>> MeasureBesideAsync(Reading reading, FilledCases filled, Func<RawReadings, Task<ReadOperation>> readRaw, CancellationToken cancellation)
    {
        var (echo, address) = await filled.StartEchoAsync();
        await using var echoing = echo;
        using var echoes = new EchoReadings(filled, address);
        using var raw = new RawReadings(filled);
        var sizes = (await reading.Read(0)).Calls;
        (string Name, Func<int, Task<ReadOperation>> Read, List<float> Times)[] beside =
        [
            (reading.Name, reading.Read, []), ($"echo of its {sizes.Count} calls, the same bytes", _ => echoes.ReadAsync(sizes), []), ("its rows, bare reads of SQLite", _ => readRaw(raw), []),
        ];
        var figures = new (long Found, int Calls)[beside.Length];
        foreach (var one in beside) await TimeAsync(one.Read, Math.Min(WarmUps, reading.Count), [], cancellation);
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (place, one) in beside.Index())
            {
                var (found, calls) = await TimeAsync(one.Read, reading.Count / Rounds, one.Times, cancellation);
                figures[place] = (figures[place].Found + found, calls);
            }
        }

        return [.. beside.Select((one, place) => FigureOf(one.Name, filled.Count, one.Times, figures[place].Found, figures[place].Calls))];
    }

    private static async Task<(long Found, int Calls)> TimeAsync(Func<int, Task<ReadOperation>> read, int count, List<float> times, CancellationToken cancellation)
    {
        var (found, calls) = (0L, 0);
        for (var number = 0; number < count; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            var since = TimeProvider.System.GetTimestamp();
            var one = await read(number);
            times.Add((float)TimeProvider.System.GetElapsedTime(since).TotalMicroseconds);
            found += one.Found;
            calls = one.Calls.Count;
        }

        return (found, calls);
    }

    private static ReadingFigure FigureOf(string name, int cases, List<float> times, long found, int calls)
    {
        // Readings that never find anything would make a fast reading of any.
        if (found == 0) throw new BenchFailedException($"no `{name}` found anything");
        times.Sort();
        return new ReadingFigure(name, cases, (double)found / times.Count, calls, ClosedLoop.Quantile(times, 0.50), ClosedLoop.Quantile(times, 0.99));
    }

    private static void Print(List<IReadOnlyList<ReadingFigure>> large, List<ReadingFigure> growing, List<CasesSize> sizes, IAnsiConsole console)
    {
        console.Write(new Rule("[bold]A large case, and a chair's list[/] beside bare baselines").LeftJustified());
        var beside = new Table().RoundedBorder().AddColumn("one operation, one at a time");
        foreach (var column in (string[])["found", "calls", "p50 µs", "p99 µs", "ours is, at p50", "at p99"]) beside.AddColumn(new TableColumn(column).RightAligned());
        foreach (var (ours, one) in large.SelectMany(group => group.Select(one => (group[0], one))))
        {
            var isBaseline = one != ours;
            beside.AddRow(Markup.Escape(one.Name), Text(one.Found), one.Calls.ToString(CultureInfo.InvariantCulture), Text(one.P50Micros), Text(one.P99Micros),
                isBaseline ? $"{Text(ours.P50Micros / one.P50Micros)} times" : "", isBaseline ? $"{Text(ours.P99Micros / one.P99Micros)} times" : "");
        }

        console.Write(beside);
        console.MarkupLineInterpolated($"Of a case: GetCase, ListGoals and every page of ListNotes, of 100 each, one after the other, as one serving unit. Of a chair: every page of ListOpenItems, of 200. Each call decided, redacted, and recorded durably.");
        console.Write(new Rule("[bold]Growth[/] with the cases that there are").LeftJustified());
        var table = new Table().RoundedBorder().AddColumn("operation, one at a time");
        foreach (var column in (string[])["cases", "found", "p50 µs", "p99 µs", "growth of p50", "of p99"]) table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var kind in growing.GroupBy(one => one.Name, StringComparer.Ordinal))
        {
            var (small, most) = (kind.First(), kind.Last());
            Row(small, "", "");
            Row(most, Exponent(small.P50Micros, most.P50Micros), Exponent(small.P99Micros, most.P99Micros));
        }

        console.Write(table);
        console.MarkupLineInterpolated($"Growth: 0 where ten times the cases cost no more, 1 where they cost ten times as much.");
        foreach (var size in sizes)
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{size.Cases:N0} cases: file {size.FileBytes / 1048576:N0} MiB, the exchange's working set {size.MemoryBytes / 1048576:N0} MiB");

        void Row(ReadingFigure one, string p50, string p99) =>
            table.AddRow(Markup.Escape(one.Name), one.Cases.ToString("N0", CultureInfo.InvariantCulture), Text(one.Found), Text(one.P50Micros), Text(one.P99Micros), p50, p99);
    }

    private static string Text(double value) => value.ToString("N1", CultureInfo.InvariantCulture);

    private static string Exponent(double small, double large) => Math.Log10(large / small).ToString("0.00", CultureInfo.InvariantCulture);
}
