using System.Globalization;
using System.Text.Json;
using SafetyNet.Exchange.Bench.Measures;
using SafetyNet.Exchange.Bench.Roles;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench;

/// <summary>
/// One run: the servers and the load in processes of their own, every case warmed up, then rounds in which the cases take turns; at the end answers against
/// records. Ratios are taken within a round, so that what else the machine does falls on both sides (design.md 11).
/// </summary>
internal sealed class MeasuredRun
{
    private const string Alone = ", one in flight";
    private const long WarmCalls = 20_000;
    private const int MostWarmUps = 12;

    /// <summary>Pairs of a look-up with and without deciding in a round, each a third as long as a case.</summary>
    private const int PairsOfARound = 4;

    /// <summary>Share of a server's processor time that may still go into compiling when it counts as warm.</summary>
    private const double StillCompiling = 0.01;

    private readonly BenchOptions _options;
    private readonly Servers _servers;
    private readonly RoleProcess _load;
    private readonly List<Sample> _samples = [];
    private readonly List<DecisionCost> _decisions = [];
    private int _requestBytes, _answerBytes, _rowBytes;
    private long _answers;

    private MeasuredRun(BenchOptions options, Servers servers, RoleProcess load) => (_options, _servers, _load) = (options, servers, load);

    /// <summary>Runs and reports; answers the exit code.</summary>
    public static async Task<int> RunAsync(BenchOptions options, CancellationToken cancellation)
    {
        var talk = Report.Terminal(Console.Error);
        try
        {
            if (IsDebugBuild) talk.MarkupLine("[yellow]This is a Debug build: its figures say nothing. Use -c Release.[/]");
            var findings = await MeasureAsync(options, talk, cancellation);
            var json = JsonSerializer.Serialize(findings, Report.Json);
            if (options.Json is "-") await Console.Out.WriteLineAsync(json);
            else if (options.Json is { } path) await File.WriteAllTextAsync(path, json, cancellation);
            if (options.Json is not "-") Report.Print(findings, Report.Terminal(Console.Out));
            if (findings.Audit.IsEven) return 0;
            talk.MarkupLineInterpolated($"[red]{findings.Audit.Answers} answers, but {findings.Audit.Records} records: the figures say nothing.[/]");
            return 1;
        }
        catch (BenchFailedException error)
        {
            talk.MarkupLineInterpolated($"[red]{error.Message}[/]");
            return 1;
        }
    }

    private static async Task<Findings> MeasureAsync(BenchOptions options, IAnsiConsole talk, CancellationToken cancellation)
    {
        var startedAt = TimeProvider.System.GetUtcNow();
        Directory.CreateDirectory(options.Folder);
        void Tell(string what) => talk.MarkupLineInterpolated($"{what}");
        var large = await Dataset.EnsureAsync(options.Folder, options.Persons, Tell, cancellation);
        var small = await Dataset.EnsureAsync(options.Folder, options.Persons / 10, Tell, cancellation);
        await using var servers = await Servers.StartAsync(options, large, small);
        await using var load = await RoleProcess.StartAsync(RoleCommands.Load, isServer: false, JsonSerializer.Serialize(servers.Plan));
        var run = new MeasuredRun(options, servers, load);
        var before = await run.RecordsAsync(cancellation);
        await run.RoundsAsync(talk, cancellation);
        var records = await run.RecordsAsync(cancellation) - before;
        var reading = await servers.Of(Order.LookUp).ReadAsync(cancellation);
        return new Findings(startedAt, Environment.CommandLine, Environment.ProcessorCount, await LoadAverageAsync(cancellation), options.Persons, options.Rounds, options.Seconds,
            options.Connections, options.InFlight, run._requestBytes, run._answerBytes, run._rowBytes, Spread.Of(run._samples.Where(s => s.Case == Order.Raw + Alone).Select(s => s.P50Micros)).Median, reading.ServerGarbageCollection,
            run._samples, run.Figures(), new AuditBalance(run._answers, records));
    }

    private async Task RoundsAsync(IAnsiConsole talk, CancellationToken cancellation)
    {
        bool IsRun(string name) => _options.Only.Count == 0 || _options.Only.Contains(name, StringComparer.Ordinal);
        string[] crowded = [.. Order.Cases.Where(name => name is not Order.LookUpPermitAll && IsRun(name))];
        // A raw insert alone is one flush of the engine and little else: the unit in which added latency is told.
        string[] alone = [.. ((string[])[Order.Raw, Order.Echo, Order.LookUp, Order.Create, Order.Accept, Order.Submit]).Where(IsRun)];
        await talk.Progress().AutoClear(true).StartAsync(async progress =>
        {
            var bar = progress.AddTask("warm-up", maxValue: crowded.Length + (_options.Rounds * (crowded.Length + alone.Length + 1)));
            // The look-up first: its sizes are what the echo stands for.
            foreach (var name in crowded)
            {
                bar.Description = $"warm-up: {name}";
                await WarmUpAsync(name, cancellation);
                bar.Increment(1);
            }

            for (var round = 1; round <= _options.Rounds; round++)
            {
                foreach (var name in round % 2 == 1 ? crowded : crowded.Reverse())
                {
                    bar.Description = string.Create(CultureInfo.InvariantCulture, $"round {round} of {_options.Rounds}: {name}");
                    _samples.Add(await SampleAsync(name, name, round, _options.Seconds, _options.Connections, _options.InFlight, cancellation));
                    bar.Increment(1);
                }

                foreach (var name in round % 2 == 1 ? alone : alone.Reverse())
                {
                    _samples.Add(await SampleAsync(name, name + Alone, round, _options.Seconds / 3, 1, 1, cancellation));
                    bar.Increment(1);
                }

                bar.Description = string.Create(CultureInfo.InvariantCulture, $"round {round} of {_options.Rounds}: {Order.LookUpPermitAll}");
                if (IsRun(Order.LookUpPermitAll)) await PairsAsync(round, cancellation);
                bar.Increment(1);
                _decisions.Add(DecisionCost.Measure(_options.Seconds / 3));
            }
        });
    }

    /// <summary>
    /// Look-ups with and without deciding by turns, in one process and on one database, whose age and size would else be part of the difference; what a pair differs by
    /// is small, so there are many short ones.
    /// </summary>
    private async Task PairsAsync(int round, CancellationToken cancellation)
    {
        var (server, seconds) = (_servers.Of(Order.LookUp), _options.Seconds / 3);
        for (var pair = 1; pair <= PairsOfARound; pair++)
        {
            var number = ((round - 1) * PairsOfARound) + pair;
            string[] turns = [Order.LookUpDeciding, Order.LookUpPermitAll];
            foreach (var name in pair % 2 == 1 ? turns : turns.Reverse())
            {
                await server.AskAsync<ServerReading>(new Order(name is Order.LookUpPermitAll ? Order.DecideNothing : Order.Decide), cancellation);
                _samples.Add(await SampleAsync(name, name, number, seconds, _options.Connections, _options.InFlight, cancellation));
                _samples.Add(await SampleAsync(name, name + Alone, number, seconds, 1, 1, cancellation));
            }
        }

        await server.AskAsync<ServerReading>(new Order(Order.Decide), cancellation);
    }

    /// <summary>
    /// For the set time, then until enough calls have run and the compiler has done its last work on them: on a busy machine the time alone measures
    /// code that is still being compiled. A smoke run takes the time alone.
    /// </summary>
    private async Task WarmUpAsync(string name, CancellationToken cancellation)
    {
        var (calls, isWarm) = (0L, false);
        for (var turn = 1; turn <= MostWarmUps && (turn == 1 || (!isWarm && _options.WarmUpSeconds >= 5)); turn++)
        {
            var before = await _servers.Of(name).ReadAsync(cancellation);
            await StockAsync(name, _options.WarmUpSeconds, _options.Connections, _options.InFlight, cancellation);
            calls += (await RunAsync(name, _options.WarmUpSeconds, _options.Connections, _options.InFlight, cancellation)).Calls;
            var after = await _servers.Of(name).ReadAsync(cancellation);
            isWarm = calls >= WarmCalls && after.CompileMicros - before.CompileMicros < StillCompiling * (after.CpuMicros - before.CpuMicros);
        }
    }

    private async Task<Sample> SampleAsync(string name, string as_, int round, double seconds, int connections, int inFlight, CancellationToken cancellation)
    {
        var server = _servers.Of(name);
        await StockAsync(name, seconds, connections, inFlight, cancellation);
        var before = await server.ReadAsync(cancellation);
        var load = await RunAsync(name, seconds, connections, inFlight, cancellation);
        return Sample.Of(as_, round, load, before, await server.ReadAsync(cancellation));
    }

    /// <summary>What an acceptance takes up must be there before; its calls have their records too.</summary>
    private async Task StockAsync(string name, double seconds, int connections, int inFlight, CancellationToken cancellation)
    {
        if (name is not Order.Accept) return;
        var stocked = await _load.AskAsync<LoadResult>(new Order(Order.Stock, seconds, connections, inFlight), cancellation);
        if (stocked.Problem is { } problem) throw new BenchFailedException($"`{Order.Stock}` got a wrong answer: {problem}");
        _answers += stocked.Calls;
    }

    private async Task<LoadResult> RunAsync(string name, double seconds, int connections, int inFlight, CancellationToken cancellation)
    {
        var (isRaw, isEcho) = (name is Order.Raw, name is Order.Echo);
        var order = new Order(name, seconds, connections, inFlight, isRaw ? _rowBytes : _requestBytes, _answerBytes);
        var result = await (isRaw ? _servers.Of(Order.Raw) : _load).AskAsync<LoadResult>(order, cancellation);
        if (result.Problem is { } problem) throw new BenchFailedException($"`{name}` got a wrong answer: {problem}");
        if (result.Calls == 0) throw new BenchFailedException($"`{name}` got no answer in {seconds} seconds.");
        if (!isRaw && !isEcho) _answers += result.Calls;
        if (name is Order.LookUp && _answerBytes == 0) (_requestBytes, _answerBytes) = (result.RequestBytes, result.AnswerBytes);
        if (name is Order.Create) _rowBytes = (await _servers.Of(name).ReadAsync(cancellation)).RowBytes;
        return result;
    }

    private async Task<long> RecordsAsync(CancellationToken cancellation) =>
        (await _servers.Of(Order.LookUp).ReadAsync(cancellation)).Records + (await _servers.Of(Order.LookUpSmall).ReadAsync(cancellation)).Records;

    /// <summary>The figures whose cases were run.</summary>
    private List<Figure> Figures()
    {
        var figures = new List<Figure>();
        Add("look-up / echo, rate", Order.LookUp, Order.Echo, (a, b) => a.Rate / b.Rate, 0.60);
        Add("echo / look-up, server CPU a call", Order.Echo, Order.LookUp, (a, b) => a.CpuMicros / b.CpuMicros);
        Add("look-up / echo, bytes allocated a call", Order.LookUp, Order.Echo, (a, b) => a.AllocatedBytes / b.AllocatedBytes, 1.9, isCeiling: true);
        Add("create referral / look-up, rate", Order.Create, Order.LookUp, (a, b) => a.Rate / b.Rate, 0.70);
        Add("create referral / raw insert, rate", Order.Create, Order.Raw, (a, b) => a.Rate / b.Rate);
        foreach (var name in (string[])[Order.Create, Order.Accept, Order.Submit]) Add($"{name} / echo, rate", name, Order.Echo, (a, b) => a.Rate / b.Rate);
        foreach (var name in (string[])[Order.Accept, Order.Submit]) Add($"{name} / raw insert, rate", name, Order.Raw, (a, b) => a.Rate / b.Rate);
        Add("look-up / raw insert, rate", Order.LookUp, Order.Raw, (a, b) => a.Rate / b.Rate);
        Add("look-ups a second / flushes a second of one thread", Order.LookUp, Order.Raw + Alone, (a, b) => a.Rate / b.Rate);
        Add("look-ups that share a flush", Order.LookUp, Order.LookUp, (a, _) => 1 / a.Flushes);
        if (Has(Order.Raw + Alone))
            Add("added latency of one look-up in flight / flush", Order.LookUp + Alone, Order.Echo + Alone, (a, b) => (a.P50Micros - b.P50Micros) / FlushMicros(a.Round), 2.5, isCeiling: true);
        Add("added by deciding to a look-up in flight alone, % of its p50", Order.LookUpDeciding + Alone, Order.LookUpPermitAll + Alone, (a, b) => 100 * (a.P50Micros - b.P50Micros) / a.P50Micros, 5, isCeiling: true);
        Add("added by deciding to a look-up among many, % of its p50", Order.LookUpDeciding, Order.LookUpPermitAll, (a, b) => 100 * (a.P50Micros - b.P50Micros) / a.P50Micros, 5, isCeiling: true);
        Add("added by deciding to a look-up, % of its server CPU", Order.LookUpDeciding, Order.LookUpPermitAll, (a, b) => 100 * (a.CpuMicros - b.CpuMicros) / a.CpuMicros);
        figures.Add(new("decisions a second, one thread", Spread.Of(_decisions.Select(d => d.DecisionsPerSecond))));
        figures.Add(new("redacting a look-up's answer, µs", Spread.Of(_decisions.Select(d => d.RedactionMicros))));
        Add("growth exponent of look-up CPU with the data", Order.LookUp, Order.LookUpSmall, (a, b) => Math.Log10(a.CpuMicros / b.CpuMicros));
        return figures;

        void Add(string name, string first, string second, Func<Sample, Sample, double> value, double? goal = null, bool isCeiling = false)
        {
            if (Has(first) && Has(second)) figures.Add(new Figure(name, Each(first, second, value), goal, isCeiling));
        }

        bool Has(string name) => _samples.Exists(sample => sample.Case == name);
    }

    private double FlushMicros(int round) => _samples.Single(s => s.Round == round && s.Case == Order.Raw + Alone).P50Micros;

    /// <summary>A value of each round, or pair, out of its two cases.</summary>
    private Spread Each(string first, string second, Func<Sample, Sample, double> value)
    {
        var values = _samples.Where(s => s.Case == first).Select(one => value(one, _samples.Single(s => s.Round == one.Round && s.Case == second))).ToList();
        return values.Count > _options.Rounds ? Spread.OfMany(values) : Spread.Of(values);
    }

    private static async Task<string> LoadAverageAsync(CancellationToken cancellation) =>
        File.Exists("/proc/loadavg") ? (await File.ReadAllTextAsync("/proc/loadavg", cancellation)).Trim() : "";

    private static bool IsDebugBuild =>
#if DEBUG
        true;
#else
        false;
#endif

    /// <summary>The server processes of a run.</summary>
    private sealed class Servers : IAsyncDisposable
    {
        private readonly List<RoleProcess> _started = [];
        private RoleProcess? _large, _small, _echo, _raw;

        public LoadPlan? Plan { get; private set; }

        public static async Task<Servers> StartAsync(BenchOptions options, Dataset large, Dataset small)
        {
            var servers = new Servers();
            try
            {
                (servers._large, var largeAddress) = servers.Keep(await large.StartAsync());
                (servers._small, var smallAddress) = servers.Keep(await small.StartAsync());
                (servers._echo, var echoAddress) = servers.Keep(await large.StartEchoAsync());
                servers._raw = await RoleProcess.StartAsync(RoleCommands.Raw, isServer: true, JsonSerializer.Serialize(Path.Combine(options.Folder, "raw.db")));
                servers._started.Add(servers._raw);
                servers.Plan = large.PlanOf(options.Connections, largeAddress, smallAddress, echoAddress);
                return servers;
            }
            catch
            {
                await servers.DisposeAsync();
                throw;
            }
        }

        public RoleProcess Of(string name) => name switch
        {
            Order.Echo => _echo!,
            Order.Raw => _raw!,
            Order.LookUpSmall => _small!,
            _ => _large!,
        };

        public async ValueTask DisposeAsync()
        {
            foreach (var process in _started) await process.DisposeAsync();
        }

        private (RoleProcess, T) Keep<T>((RoleProcess Process, T Address) started)
        {
            _started.Add(started.Process);
            return started;
        }
    }
}
