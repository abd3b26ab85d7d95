using System.Globalization;
using System.Net.Http;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Net.Client;
using SafetyNet.Exchange.Bench.Echo;
using SafetyNet.Exchange.Bench.Measures;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Storage;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench.Register;

/// <summary>One kind of look-up at one size, medians of the rounds.</summary>
/// <param name="Rate">Calls a second with many in flight; of a baseline without calls, reads a second of one thread.</param>
/// <param name="P50Micros">Of one in flight.</param>
/// <param name="CpuMicros">Processor time of the server a call, with many in flight; 0: there is no server.</param>
/// <param name="AllocatedBytes">As well.</param>
internal sealed record RegisterFigure(string Name, int Persons, double Rate, double P50Micros, double P99Micros, double CpuMicros, double AllocatedBytes);

/// <summary>What the store takes.</summary>
internal sealed record RegisterSize(int Persons, long FileBytes, long MemoryBytes);

/// <summary>
/// Looks people up by id and by name and birth date in a register of many persons and in one of a tenth (R-HH-1), over the wire, each with its durable record; beside an echo of the same bytes and bare reads
/// of the same file, in rounds that take turns.
/// </summary>
internal static class RegisterRun
{
    private const int Connections = 4, InFlight = 50, Rounds = 5;

    private const string ById = "look-up by id", ByName = "look-up by name and birth date", Echo = "echo of a look-up's bytes (baseline)", Point = "one row by its blind index (baseline)",
        Family = "the same family, read and opened, no call";

    public static async Task<int> RunAsync(string folder, int persons, double seconds, bool asJson, CancellationToken cancellation)
    {
        var talk = Bench.Report.Terminal(Console.Error);
        var (figures, sizes) = (new List<RegisterFigure>(), new List<RegisterSize>());
        Directory.CreateDirectory(folder);
        foreach (var size in (int[])[persons / 10, persons])
        {
            var filled = await talk.Progress().AutoClear(true).StartAsync(async progress =>
                await FilledRegister.EnsureAsync(folder, size, what => talk.MarkupLineInterpolated($"{what}"), progress.AddTask("persons", maxValue: 1)));
            var (exchange, address) = await filled.StartAsync();
            await using var running = exchange;
            var (echo, echoAddress) = await filled.StartEchoAsync();
            await using var echoing = echo;
            figures.AddRange(await MeasureAsync(filled, exchange, address, echo, echoAddress, seconds, cancellation));
            sizes.Add(new RegisterSize(size, new FileInfo(filled.Database).Length, (await exchange.ReadAsync(cancellation)).WorkingSetBytes));
        }

        if (asJson) await Console.Out.WriteLineAsync(JsonSerializer.Serialize(new { figures, sizes }, Bench.Report.Json));
        else Print(figures, sizes, Bench.Report.Terminal(Console.Out));
        return 0;
    }

    private static async Task<IEnumerable<RegisterFigure>> MeasureAsync(
        FilledRegister filled, RoleProcess exchange, ExchangeAddress address, RoleProcess echo, Uri echoAddress, double seconds, CancellationToken cancellation)
    {
        using var caller = new ExchangeCaller(address.SubjectsPath, [.. Enumerable.Range(0, Connections).Select(_ => Connect(filled, address))], []);
        using var echoes = new Echoes(filled, echoAddress);
        // The first look-ups tell how many bytes the echo stands for, and warm up.
        var warm = await LoopAsync(seconds, Connections, InFlight, caller.LookUpAsync);
        await LoopAsync(seconds, Connections, InFlight, caller.LookUpByNameAsync);
        echoes.Size = new CallSize(warm.RequestBytes, warm.AnswerBytes);
        await LoopAsync(seconds, Connections, InFlight, echoes.CallAsync);
        var samples = new List<RegisterFigure>();
        (string Name, RoleProcess Server, Func<int, int, Random, Task<CallSize>> Call)[] cases = [(ById, exchange, caller.LookUpAsync), (ByName, exchange, caller.LookUpByNameAsync), (Echo, echo, echoes.CallAsync)];
        for (var round = 0; round < Rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var (name, server, call) in round % 2 == 0 ? cases : cases.Reverse())
            {
                var before = await server.ReadAsync(cancellation);
                var many = await LoopAsync(seconds, Connections, InFlight, call);
                var after = await server.ReadAsync(cancellation);
                var alone = await LoopAsync(seconds / 2, 1, 1, call);
                samples.Add(new RegisterFigure(name, filled.Persons, many.Calls / many.Seconds, alone.P50Micros, alone.P99Micros,
                    (double)(after.CpuMicros - before.CpuMicros) / many.Calls, (double)(after.AllocatedBytes - before.AllocatedBytes) / many.Calls));
            }

            samples.AddRange(Bare(filled, seconds / 4));
        }

        return samples.GroupBy(one => one.Name, StringComparer.Ordinal).Select(rounds =>
        {
            double Median(Func<RegisterFigure, double> value) => Spread.Of(rounds.Select(value)).Median;
            return new RegisterFigure(rounds.Key, filled.Persons, Median(one => one.Rate), Median(one => one.P50Micros), Median(one => one.P99Micros), Median(one => one.CpuMicros), Median(one => one.AllocatedBytes));
        });
    }

    private static async Task<LoadResult> LoopAsync(double seconds, int connections, int inFlight, Func<int, int, Random, Task<CallSize>> call)
    {
        var result = await ClosedLoop.RunAsync(new Order(ById, seconds, connections, inFlight), call);
        return result.Problem is null && result.Calls > 0 ? result : throw new BenchFailedException($"a wrong answer, or none: {result.Problem}");
    }

    /// <summary>Reads of the same file by one thread, without the exchange.</summary>
    private static List<RegisterFigure> Bare(FilledRegister filled, double seconds)
    {
        using var store = new SqliteStore(filled.Database);
        using var vault = Vault.Open(store, KeyOf(filled));
        var indexes = JsonSerializer.Deserialize<List<Subject>>(File.ReadAllText(filled.Subjects))!.Select(subject => (subject.NationalId, Index: vault.Index.OfNationalId(subject.NationalId))).ToArray();
        return
        [
            Measure(Point, one =>
        {
            using var read = store.Read();
            using var reader = read.Query("SELECT sealed FROM person WHERE national_id_index = $0", one.Index);
            return reader.Read() && reader.GetFieldValue<byte[]>(0).Length > 0;
        }),
            Measure(Family, one =>
        {
            using var read = store.Read();
            return Server.Storage.Family.Read(read, vault, one.NationalId) is { Members.Count: > 1, Relatives.Count: > 0 };
        }),
        ];

        RegisterFigure Measure(string name, Func<(string NationalId, byte[] Index), bool> look)
        {
            var (times, random, since) = (new List<float>(), new Random(1), TimeProvider.System.GetTimestamp());
            while (TimeProvider.System.GetElapsedTime(since).TotalSeconds < seconds)
            {
                var one = indexes[random.Next(indexes.Length)];
                var start = TimeProvider.System.GetTimestamp();
                if (!look(one)) throw new BenchFailedException($"`{name}` found nobody");
                times.Add((float)TimeProvider.System.GetElapsedTime(start).TotalMicroseconds);
            }

            var rate = times.Count / TimeProvider.System.GetElapsedTime(since).TotalSeconds;
            times.Sort();
            return new RegisterFigure(name, filled.Persons, rate, ClosedLoop.Quantile(times, 0.50), ClosedLoop.Quantile(times, 0.99), 0, 0);
        }
    }

    private static KeyEncryptionKey KeyOf(FilledRegister filled)
    {
        var path = Path.Combine(filled.Folder, "storage.key");
        return new KeyEncryptionKey(Path.GetFileName(path), Convert.FromBase64String(File.ReadAllText(path).Trim()));
    }

    private static ExchangeChannel Connect(FilledRegister filled, ExchangeAddress address)
    {
        var system = SpiffeId.Of("tpe", "dosw", "case-system");
        var name = Path.Combine(filled.Certificates, "systems", $"{system.Jurisdiction}.{system.Agency}.{system.System}");
        return ExchangeChannel.Open(new ExchangeChannelOptions
        {
            Exchange = address.Exchange, Tokens = address.Tokens, System = system, Identity = MemberTls.LoadIdentity(name + ".pem", name + ".key"),
            Roots = MemberTls.LoadRoots(Path.Combine(filled.Certificates, "root.pem")),
        });
    }

    private static void Print(List<RegisterFigure> figures, List<RegisterSize> sizes, IAnsiConsole console)
    {
        console.Write(new Rule("[bold]Look-ups[/] in a register of many persons").LeftJustified());
        var table = new Table().RoundedBorder().AddColumn("medians of the rounds");
        foreach (var column in (string[])["persons", "calls/s", "of echo", "p50 µs", "p99 µs", "server CPU µs", "bytes", "growth: rate", "p50", "p99", "CPU"]) table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var kind in figures.GroupBy(one => one.Name, StringComparer.Ordinal))
        {
            var (small, large) = (kind.First(), kind.Last());
            Row(small, "", "", "", "");
            Row(large, Exponent(large.Rate, small.Rate), Exponent(small.P50Micros, large.P50Micros), Exponent(small.P99Micros, large.P99Micros), large.CpuMicros > 0 ? Exponent(small.CpuMicros, large.CpuMicros) : "");
        }

        console.Write(table);
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Calls a second: {Connections} connections with {InFlight} in flight each; p50 and p99: one in flight. {FilledRegister.LookedUp:N0} persons are asked for, of whose families the exchange keeps some half in memory. Growth: 0 where ten times the persons cost no more, 1 where they cost ten times as much.");
        foreach (var size in sizes)
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{size.Persons:N0} persons: file {size.FileBytes / 1048576:N0} MiB, the exchange's working set {size.MemoryBytes / 1048576:N0} MiB");

        void Row(RegisterFigure one, string rate, string p50, string p99, string cpu)
        {
            var echo = figures.Single(f => f.Persons == one.Persons && f.Name == Echo);
            table.AddRow(Markup.Escape(one.Name), Whole(one.Persons), Whole(one.Rate), (one.Rate / echo.Rate).ToString("N2", CultureInfo.InvariantCulture), Text(one.P50Micros), Text(one.P99Micros),
                one.CpuMicros > 0 ? Text(one.CpuMicros) : "", one.AllocatedBytes > 0 ? Whole(one.AllocatedBytes) : "", rate, p50, p99, cpu);
        }
    }

    private static string Text(double value) => value.ToString("N1", CultureInfo.InvariantCulture);

    private static string Whole(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Exponent(double small, double large) => Math.Log10(large / small).ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>The least that a call of the same bytes can cost.</summary>
    private sealed class Echoes : IDisposable
    {
        private readonly List<GrpcChannel> _channels = [];
        private readonly List<EchoService.EchoServiceClient> _clients = [];

        public Echoes(FilledRegister filled, Uri address)
        {
            var (name, roots) = (Path.Combine(filled.Certificates, "systems", "tpe.dosw.case-system"), MemberTls.LoadRoots(Path.Combine(filled.Certificates, "root.pem")));
            for (var number = 0; number < Connections; number++)
            {
                _channels.Add(GrpcChannel.ForAddress(address, new GrpcChannelOptions
                {
                    HttpHandler = new SocketsHttpHandler { SslOptions = MemberTls.ForClient(roots, MemberTls.LoadIdentity(name + ".pem", name + ".key")), UseProxy = false, UseCookies = false, AllowAutoRedirect = false },
                    DisposeHttpClient = true,
                }));
                _clients.Add(new EchoService.EchoServiceClient(_channels[^1]));
            }
        }

        public CallSize Size { get; set; }

        public async Task<CallSize> CallAsync(int connection, int caller, Random random)
        {
            using var call = _clients[connection].SayAsync(new EchoRequest { Payload = ByteString.CopyFrom(new byte[Size.Request]), AnswerBytes = Size.Answer });
            return (await call).Payload.Length == Size.Answer ? Size : throw new WrongAnswerException("the echo is not as long as asked");
        }

        public void Dispose()
        {
            foreach (var channel in _channels) channel.Dispose();
        }
    }
}
