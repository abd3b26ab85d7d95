using System.Globalization;
using System.Text.Json;
using SafetyNet.Exchange.Bench.Measures;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Reports;
using SafetyNet.Exchange.Server.Storage;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench.History;

/// <summary>One kind of look-up among many past reports, one at a time.</summary>
/// <param name="Found">Reports that a look-up found, mean.</param>
internal sealed record LookUpFigure(string Kind, int Reports, double Found, double P50Micros, double P99Micros);

/// <summary>What the store takes.</summary>
/// <param name="MemoryBytes">Working set of the exchange after the screenings, 256 MiB of the file mapped at most.</param>
internal sealed record DeskSize(int Reports, int Persons, long FileBytes, long MemoryBytes);

/// <summary>
/// What the history of a screening costs among many past reports and among a tenth of them (R-INT-2): the store's own code without a call around it, a screening as a duty officer
/// asks for it, and one indexed row of the same table for comparison.
/// </summary>
internal static class HistoryRun
{
    private const int LookUps = 4000, Screenings = 1000, WarmUps = 400;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task<int> RunAsync(string folder, int reports, bool asJson, CancellationToken cancellation)
    {
        var talk = Bench.Report.Terminal(Console.Error);
        var (figures, sizes) = (new List<LookUpFigure>(), new List<DeskSize>());
        Directory.CreateDirectory(folder);
        foreach (var size in (int[])[reports / 10, reports])
        {
            var desk = await talk.Progress().AutoClear(true).StartAsync(async progress =>
                await FilledDesk.EnsureAsync(folder, size, what => talk.MarkupLineInterpolated($"{what}"), progress.AddTask("reports", maxValue: 1)));
            var sample = Recent(desk);
            figures.AddRange(LookUp(desk, sample));
            var (screening, memory) = await ScreenAsync(desk, sample, cancellation);
            figures.Add(screening);
            sizes.Add(new DeskSize(size, desk.Persons, new FileInfo(desk.Database).Length, memory));
        }

        if (asJson) await Console.Out.WriteLineAsync(JsonSerializer.Serialize(new { figures, sizes }, Json));
        else Print(figures, sizes, Bench.Report.Terminal(Console.Out));
        return 0;
    }

    /// <summary>The newest reports with a person of each, in an order that has nothing to do with where their rows lie.</summary>
    private static (Guid ReportId, DateTimeOffset At, PersonPlace Person)[] Recent(FilledDesk desk)
    {
        using var store = new SqliteStore(desk.Database);
        using var read = store.Read();
        using var reader = read.Query("""
            SELECT r.report_id, r.received_at, p.person_id, p.jurisdiction, p.household_id, p.district
            FROM (SELECT report_id, received_at FROM report ORDER BY report_id DESC LIMIT $0) AS r CROSS JOIN report_subject AS s ON s.report_id = r.report_id CROSS JOIN person AS p ON p.person_id = s.person_id
            GROUP BY r.report_id
            """, LookUps + WarmUps);
        var found = new List<(Guid, DateTimeOffset, PersonPlace)>();
        while (reader.Read())
            found.Add((reader.GetId(0), Instants.FromMicros(reader.GetInt64(1)), new PersonPlace(reader.GetId(2), (Wire.Jurisdiction)reader.GetInt32(3), reader.GetId(4), reader.GetString(5), IsProtected: false)));
        var sample = found.ToArray();
        new Random(7).Shuffle(sample);
        return sample;
    }

    private static List<LookUpFigure> LookUp(FilledDesk desk, (Guid ReportId, DateTimeOffset At, PersonPlace Person)[] sample)
    {
        using var store = new SqliteStore(desk.Database);
        using var read = store.Read();
        string[] own = ["tpe-school"];
        return
        [
            Measure("history of a household, 12 months", one => read.PastReportsOf(one.Person, one.At.AddMonths(-12), one.At.AddTicks(10), one.ReportId).Count),
            Measure("history of a household, 6 months", one => read.PastReportsOf(one.Person, one.At.AddMonths(-6), one.At.AddTicks(10), one.ReportId).Count),
            Measure("history of a person, 12 months", one => read.PastReportsOf(one.Person with { HouseholdId = null }, one.At.AddMonths(-12), one.At.AddTicks(10), one.ReportId).Count),
            Measure("history of a person, 6 months", one => read.PastReportsOf(one.Person with { HouseholdId = null }, one.At.AddMonths(-6), one.At.AddTicks(10), one.ReportId).Count),
            Measure("own reports beside a new one, a year", one => read.OwnReportsAbout(own, [one.Person.PersonId], one.At.AddMonths(-12)).Count),
            Measure("open duties about a person", one => 1 + read.OpenActionsAbout(own, [one.Person.PersonId]).Count),
            Measure(Baseline, one =>
            {
                using var reader = read.Query("SELECT received_at FROM report WHERE report_id = $0", one.ReportId.ToByteArray(true));
                return reader.Read() ? 1 : 0;
            }),
        ];

        LookUpFigure Measure(string kind, Func<(Guid ReportId, DateTimeOffset At, PersonPlace Person), int> look)
        {
            var (times, found) = (new List<float>(sample.Length), 0L);
            for (var number = 0; number < sample.Length; number++)
            {
                var since = TimeProvider.System.GetTimestamp();
                var count = look(sample[number]);
                var took = TimeProvider.System.GetElapsedTime(since);
                if (number < WarmUps) continue;
                times.Add((float)took.TotalMicroseconds);
                found += count;
            }

            return FigureOf(kind, desk, times, found);
        }
    }

    /// <summary>Screenings over the wire, each a record in the log.</summary>
    private static async Task<(LookUpFigure Figure, long MemoryBytes)> ScreenAsync(FilledDesk desk, (Guid ReportId, DateTimeOffset At, PersonPlace Person)[] sample, CancellationToken cancellation)
    {
        var (exchange, address) = await desk.StartAsync();
        await using var running = exchange;
        var system = SpiffeId.Of("tpe", "dosw", "case-system");
        var name = Path.Combine(desk.Certificates, "systems", $"{system.Jurisdiction}.{system.Agency}.{system.System}");
        using var officer = ExchangeChannel.Open(new ExchangeChannelOptions
        {
            Exchange = address.Exchange, Tokens = address.Tokens, System = system, Identity = MemberTls.LoadIdentity(name + ".pem", name + ".key"),
            Roots = MemberTls.LoadRoots(Path.Combine(desk.Certificates, "root.pem")),
        });
        var (times, found) = (new List<float>(Screenings), 0L);
        foreach (var (number, one) in sample.Take(Screenings + WarmUps).Index())
        {
            var request = new Wire.GetScreeningRequest
            {
                ReportId = one.ReportId.ToString(),
                Context = new Wire.AccessContext
                {
                    Purpose = Wire.Purpose.IntakeScreening, LegalBasis = Wire.LegalBasis.StatutoryReport,
                    Actor = new Wire.ActingPerson { PersonId = string.Create(CultureInfo.InvariantCulture, $"E{10_000 + (number % 100)}"), Role = Wire.ActorRole.Worker, UnitId = FilledDesk.IntakeUnit },
                },
            };
            var since = TimeProvider.System.GetTimestamp();
            var answer = await officer.Reports.GetScreeningAsync(request, cancellationToken: cancellation);
            var took = TimeProvider.System.GetElapsedTime(since);
            if (number < WarmUps) continue;
            times.Add((float)took.TotalMicroseconds);
            found += answer.Screening.History.Sum(history => history.Household12Months);
        }

        return (FigureOf("screening, over the wire, durable record", desk, times, found), (await exchange.ReadAsync(cancellation)).WorkingSetBytes);
    }

    private const string Baseline = "one row by its key (baseline)";

    private static LookUpFigure FigureOf(string kind, FilledDesk desk, List<float> times, long found)
    {
        // Look-ups that never find anything would make a fast look-up of any.
        if (found == 0) throw new BenchFailedException($"no look-up of `{kind}` found anything");
        times.Sort();
        return new LookUpFigure(kind, desk.Reports, (double)found / times.Count, ClosedLoop.Quantile(times, 0.50), ClosedLoop.Quantile(times, 0.99));
    }

    private static void Print(List<LookUpFigure> figures, List<DeskSize> sizes, IAnsiConsole console)
    {
        console.Write(new Rule("[bold]The history[/] of a screening among many past reports").LeftJustified());
        var table = new Table().RoundedBorder().AddColumn("look-up, one at a time");
        foreach (var column in (string[])["reports", "found", "p50 µs", "p99 µs", "of baseline p50", "growth of p50", "of p99"]) table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var kind in figures.GroupBy(f => f.Kind, StringComparer.Ordinal))
        {
            var (small, large) = (kind.First(), kind.Last());
            Row(small, "", "");
            Row(large, Exponent(small.P50Micros, large.P50Micros), Exponent(small.P99Micros, large.P99Micros));
        }

        console.Write(table);
        foreach (var size in sizes)
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{size.Reports:N0} reports of {size.Persons:N0} persons: file {size.FileBytes / 1048576:N0} MiB, the exchange's working set {size.MemoryBytes / 1048576:N0} MiB");

        void Row(LookUpFigure one, string p50, string p99)
        {
            var baseline = figures.Single(f => f.Reports == one.Reports && f.Kind == Baseline);
            table.AddRow(one.Kind, one.Reports.ToString("N0", CultureInfo.InvariantCulture), one.Found.ToString("N1", CultureInfo.InvariantCulture), Text(one.P50Micros), Text(one.P99Micros),
                (one.P50Micros / baseline.P50Micros).ToString("N1", CultureInfo.InvariantCulture), p50, p99);
        }
    }

    private static string Text(double value) => value.ToString("N1", CultureInfo.InvariantCulture);

    /// <summary>0: no growth with ten times the reports; 1: ten times as long.</summary>
    private static string Exponent(double small, double large) => Math.Log10(large / small).ToString("0.00", CultureInfo.InvariantCulture);
}
