using System.Globalization;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Bench.Measures;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench.Evidence;

/// <summary>One kind of search, over the wire as an officer makes it.</summary>
/// <param name="Records">Of the log.</param>
/// <param name="Entries">Entries of an answer, mean.</param>
internal sealed record SearchFigure(string Kind, int Records, double Entries, double P50Micros, double P99Micros);

/// <summary>
/// What the evidence costs where there is much of it: an officer's searches and the sweep of the whole log, in a log of a tenth and in the whole one, so that the growth is seen.
/// </summary>
internal static class EvidenceRun
{
    private const int SearchesOfAKind = 400, WarmUps = 40;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task<int> RunAsync(string folder, int records, bool asJson, CancellationToken cancellation)
    {
        var talk = Report.Terminal(Console.Error);
        var (searches, sweeps) = (new List<SearchFigure>(), new List<(int Records, double PerSecond)>());
        Directory.CreateDirectory(folder);
        foreach (var size in (int[])[records / 10, records])
        {
            var log = await talk.Progress().AutoClear(true).StartAsync(async progress =>
                await FilledLog.EnsureAsync(folder, size, what => talk.MarkupLineInterpolated($"{what}"), progress.AddTask("records", maxValue: 1)));
            sweeps.Add((size, log.Sweep()));
            searches.AddRange(await SearchAsync(log, cancellation));
        }

        if (asJson) await Console.Out.WriteLineAsync(JsonSerializer.Serialize(new { searches, sweeps = sweeps.Select(s => new { records = s.Records, perSecond = s.PerSecond }) }, Json));
        else Print(searches, sweeps, Report.Terminal(Console.Out));
        return 0;
    }

    private static async Task<List<SearchFigure>> SearchAsync(FilledLog log, CancellationToken cancellation)
    {
        var (exchange, address) = await log.StartAsync();
        await using var running = exchange;
        using var officer = Officer(log, address);
        var random = new Random(7);
        Wire.SearchAccessesRequest New() => new() { Context = Context(), PageSize = 100 };
        Timestamp At(double share) => Timestamp.FromDateTimeOffset(FilledLog.At((long)(share * log.Records), log.Records));
        (string Kind, Func<Wire.SearchAccessesRequest> Next)[] kinds =
        [
            ("person", () => With(New(), r => r.Pseudonym = FilledLog.PersonOf(random.Next(1_000_000)))),
            ("actor", () => With(New(), r => r.ActorPersonId = FilledLog.ActorOf(random.Next()))),
            ("hour of the year", () => With(New(), r => (r.After, r.Before) = Hour(random.NextDouble()))),
            ("actor, in a week", () => With(New(), r => (r.ActorPersonId, (r.After, r.Before)) = (FilledLog.ActorOf(random.Next()), Week(random.NextDouble())))),
            ("person, class, basis", () => With(New(), r => (r.Pseudonym, r.ShownClass, r.LegalBasis) = (FilledLog.PersonOf(random.Next(1_000_000)), Wire.ConfidentialityClass.Contact, Wire.LegalBasis.Article6IntegratedService))),
        ];
        (Timestamp, Timestamp) Hour(double share) => (At(share), At(share + (1.0 / (365 * 24))));
        (Timestamp, Timestamp) Week(double share) => (At(share), At(share + (1.0 / 52)));
        var figures = new List<SearchFigure>();
        foreach (var (kind, next) in kinds)
        {
            var (times, entries) = (new List<double>(SearchesOfAKind), 0L);
            for (var number = -WarmUps; number < SearchesOfAKind; number++)
            {
                var (request, since) = (next(), TimeProvider.System.GetTimestamp());
                var answer = await officer.Audit.SearchAccessesAsync(request, cancellationToken: cancellation);
                var took = TimeProvider.System.GetElapsedTime(since);
                if (number < 0) continue;
                times.Add(took.TotalMicroseconds);
                entries += answer.Entries.Count;
            }

            times.Sort();
            // In a log of a million records a person may have none; kinds that never find anything would make a fast search of any.
            if (entries == 0) throw new BenchFailedException($"no search by `{kind}` found anything");
            figures.Add(new SearchFigure(kind, log.Records, (double)entries / SearchesOfAKind, times[times.Count / 2], times[times.Count * 99 / 100]));
        }

        return figures;
    }

    private static Wire.SearchAccessesRequest With(Wire.SearchAccessesRequest request, Action<Wire.SearchAccessesRequest> set)
    {
        set(request);
        return request;
    }

    private static ExchangeChannel Officer(FilledLog log, ExchangeAddress address)
    {
        var system = SpiffeId.Of("tpe", "security", "case-system");
        var name = Path.Combine(log.Certificates, "systems", $"{system.Jurisdiction}.{system.Agency}.{system.System}");
        return ExchangeChannel.Open(new ExchangeChannelOptions
        {
            Exchange = address.Exchange, Tokens = address.Tokens, System = system, Identity = MemberTls.LoadIdentity(name + ".pem", name + ".key"),
            Roots = MemberTls.LoadRoots(Path.Combine(log.Certificates, "root.pem")),
        });
    }

    private static Wire.AccessContext Context() => new()
    {
        Purpose = Wire.Purpose.Audit, LegalBasis = Wire.LegalBasis.AuditDuty,
        Actor = new Wire.ActingPerson { PersonId = "S0007", UnitId = "tpe-security", Role = Wire.ActorRole.SecurityOfficer },
    };

    private static void Print(List<SearchFigure> searches, List<(int Records, double PerSecond)> sweeps, IAnsiConsole console)
    {
        console.Write(new Rule("[bold]The evidence[/] where there is much of it").LeftJustified());
        var table = new Table().RoundedBorder().AddColumn("search, one at a time, over the wire");
        foreach (var column in (string[])["records", "entries", "p50 µs", "p99 µs", "growth of p50", "of p99"]) table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var kind in searches.GroupBy(s => s.Kind, StringComparer.Ordinal))
        {
            var (small, large) = (kind.First(), kind.Last());
            Row(small, "", "");
            Row(large, Exponent(small.P50Micros, large.P50Micros), Exponent(small.P99Micros, large.P99Micros));
        }

        console.Write(table);
        foreach (var (records, perSecond) in sweeps)
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"sweep of {records:N0} records, one thread: {perSecond:N0} a second (goal 200,000)");

        void Row(SearchFigure one, string p50, string p99) => table.AddRow(one.Kind, Text(one.Records), one.Entries.ToString("N1", CultureInfo.InvariantCulture), Text(one.P50Micros), Text(one.P99Micros), p50, p99);
    }

    private static string Text(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>0: no growth with ten times the records; 1: ten times as long.</summary>
    private static string Exponent(double small, double large) => Math.Log10(large / small).ToString("0.00", CultureInfo.InvariantCulture);
}
