using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Reports;

namespace SafetyNet.Exchange.Tests.Year;

/// <summary>A stretch of time.</summary>
/// <param name="From">Inclusive.</param>
/// <param name="Until">Exclusive.</param>
internal readonly record struct Stretch(DateTimeOffset From, DateTimeOffset Until)
{
    public bool Contains(DateTimeOffset at) => at >= From && at < Until;
}

/// <summary>What happens in the year by itself, all of it from a seed: who reports what when, which units fall silent, when the server is down, who leaves.</summary>
internal sealed class YearPlan
{
    /// <summary>Time between two instants at which anything happens, before chance moves them.</summary>
    private const int TickMinutes = 90;

    public static readonly DateTimeOffset From = new(2026, 11, 2, 0, 0, 0, TimeSpan.FromHours(8)), Until = From.AddYears(1), End = Until.AddDays(45);

    private static readonly int[] HoursDown = [5, 14, 30, 75, 140];

    private readonly Dictionary<string, List<Stretch>> _silences = new(StringComparer.Ordinal);

    public YearPlan(int seed, int count, YearUnits units)
    {
        var random = new Random(seed);
        for (var at = From; at < End; at = at.AddMinutes(TickMinutes)) Ticks.Add(at.AddSeconds(random.Next(TickMinutes * 60)).ToUniversalTime());
        for (var i = 0; i < HoursDown.Length; i++)
        {
            var from = From.AddDays(40 + (i * 65) + random.Next(20)).AddHours(random.Next(24));
            Downs.Add(new Stretch(from, from.AddHours(HoursDown[i])));
        }

        foreach (var unit in units.Answering)
            _silences[unit] = [.. Enumerable.Range(0, 2).Select(half => From.AddDays((half * 180) + random.Next(140))).Select(from => new Stretch(from, from.AddDays(random.Next(7, 25))))];
        for (var month = 1; month <= 12; month++)
            foreach (var unit in units.Answering) Leavings.Add((From.AddMonths(month).AddDays(-random.Next(25)).AddHours(9), unit, random.Next(YearUnits.Workers)));
        PlanReports(seed, count, random, units);
    }

    /// <summary>Instants at which something may happen, in order.</summary>
    public List<DateTimeOffset> Ticks { get; } = [];

    public List<Stretch> Downs { get; } = [];

    public List<(DateTimeOffset At, string Unit, int Place)> Leavings { get; } = [];

    /// <summary>Reports and when they are handed in, in order.</summary>
    public List<(int Tick, YearReport Report)> Reports { get; } = [];

    public IReadOnlyList<YearFamily> Families { get; private set; } = [];

    /// <summary>The first instant from one on at which the unit answers.</summary>
    public DateTimeOffset AwakeAt(string unit, DateTimeOffset at)
    {
        if (!_silences.TryGetValue(unit, out var silences)) return at;
        foreach (var silence in silences.OrderBy(one => one.From))
            if (silence.Contains(at)) at = silence.Until;
        return at;
    }

    /// <summary>The first tick at or after an instant.</summary>
    public int TickAt(DateTimeOffset at)
    {
        var place = Ticks.BinarySearch(at);
        return Math.Min(place >= 0 ? place : ~place, Ticks.Count - 1);
    }

    private void PlanReports(int seed, int count, Random random, YearUnits units)
    {
        var (families, days) = (new List<YearFamily>(), (int)(Until - From).TotalDays);
        var instants = Enumerable.Range(0, count).Select(_ => From.AddDays(random.Next(days)).AddHours(random.Next(10) < 8 ? 8 + (random.NextDouble() * 10) : random.NextDouble() * 24)).Order().ToList();
        var last = new Dictionary<YearFamily, int>();
        for (var number = 0; number < count; number++)
        {
            var family = families.Count == 0 || random.Next(100) < 62 ? null : families[Math.Max(0, families.Count - 1 - (random.Next(3) == 0 ? random.Next(families.Count) : random.Next(12)))];
            if (family is null) families.Add(family = new YearFamily(families.Count, Some.Stranger()));
            // Of one family one report at an instant: which of two comes first would be chance.
            var tick = Math.Max(TickAt(instants[number]), last.GetValueOrDefault(family, -1) + 1);
            last[family] = tick;
            var report = Make(number, family, Ticks[tick], new Random((seed * 1_000_003) + number), units);
            family.Reports.Add(report);
            Reports.Add((tick, report));
        }

        Families = families;
    }

    /// <summary>A report of one of the kinds, from a unit whose system may send it.</summary>
    private static YearReport Make(int number, YearFamily family, DateTimeOffset at, Random random, YearUnits units)
    {
        var content = ReportMoves.Content(family.Subject, at.AddHours(-1));
        var kind = random.Next(100);
        if (kind < 8)
        {
            (content.SourceSystem, content.Kind) = (Wire.SourceSystem.CampusSafety, Wire.ReportKind.CampusSafety);
            var isAbuse = random.Next(2) == 0;
            if (isAbuse) content.RiskFacts.Add(Wire.RiskFact.Abuse);
            return new YearReport(number, family, units.School, content, isAbuse, isChildProtective: false, random);
        }

        if (kind < 12)
        {
            (content.SourceSystem, content.Kind, content.SchoolUnitId) = (Wire.SourceSystem.JuvenileNotice, Wire.ReportKind.JuvenileNotice, units.School);
            content.Problems[0] = Wire.ReportProblem.JuvenileDeviance;
            content.Facts[0] = Some.Fact(Wire.ConfidentialityClass.JuvenileJustice, "深夜聚集，違反社會秩序維護法");
            return new YearReport(number, family, units.Police, content, isProtective: false, isChildProtective: false, random);
        }

        var reporter = units.Reporters[random.Next(units.Reporters.Count)];
        var isProtective = kind < 35;
        if (isProtective) content.Kind = random.Next(2) == 0 ? Wire.ReportKind.ChildProtection : Wire.ReportKind.DomesticViolence;
        return new YearReport(number, family, reporter, content, isProtective, content.Kind == Wire.ReportKind.ChildProtection, random);
    }
}

/// <summary>The units of the year, by id.</summary>
internal sealed class YearUnits
{
    /// <summary>Workers of each unit at any time.</summary>
    public const int Workers = 4;

    public string Intake => "tpe-intake";

    public string School => "tpe-school";

    public string Police => "tpe-precinct";

    public string Youth => "tpe-youth";

    public string Protection => "tpe-protection";

    /// <summary>Units that take families in, with the service that they are asked for.</summary>
    public IReadOnlyDictionary<string, Wire.Article6Service> Taking { get; } = new Dictionary<string, Wire.Article6Service>(StringComparer.Ordinal)
    {
        ["tpe-central-swc"] = Wire.Article6Service.CareVisit, ["tpe-wanhua-swc"] = Wire.Article6Service.CareVisit, ["tpe-protection"] = Wire.Article6Service.CareVisit,
        ["tpe-phs"] = Wire.Article6Service.MedicalCare, ["tpe-cmhc"] = Wire.Article6Service.MentalHealth,
    };

    /// <summary>Those of them that offer the same service, and so can be offered the same report.</summary>
    public IReadOnlyList<string> Welfare { get; } = ["tpe-central-swc", "tpe-wanhua-swc", "tpe-protection"];

    public IReadOnlyList<string> Reporters { get; } = ["tpe-school", "tpe-precinct", "tpe-phs", "tpe-employment", "tpe-central-swc"];

    public IReadOnlyList<string> Answering { get; } = ["tpe-central-swc", "tpe-wanhua-swc", "tpe-protection", "tpe-phs", "tpe-cmhc", "tpe-school", "tpe-youth"];

    /// <summary>Every unit that anything is told to, with its agency.</summary>
    public IReadOnlyDictionary<string, string> Agencies { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["tpe-intake"] = "dosw", ["tpe-central-swc"] = "dosw", ["tpe-wanhua-swc"] = "dosw", ["tpe-protection"] = "dosw", ["tpe-school"] = "edu", ["tpe-counseling"] = "edu",
        ["tpe-phs"] = "health", ["tpe-cmhc"] = "health", ["tpe-employment"] = "labor", ["tpe-precinct"] = "police", ["tpe-youth"] = "police",
    };

    /// <summary>Who hears of it when a unit is late; of a unit that is not here the unit itself.</summary>
    public IReadOnlyDictionary<string, string> Supervisors { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["tpe-wanhua-swc"] = "tpe-central-swc", ["tpe-intake"] = "tpe-protection", ["tpe-school"] = "tpe-counseling",
    };
}
