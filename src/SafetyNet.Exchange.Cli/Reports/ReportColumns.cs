using System.Globalization;
using System.Text.RegularExpressions;

namespace SafetyNet.Exchange.Cli.Reports;

/// <summary>The columns of a file of reports, by their names in its first line: docs/formats/report-csv.md.</summary>
internal sealed partial class ReportColumns
{
    /// <summary>Persons of one row; the contract takes no more.</summary>
    public const int MostSubjects = 20;

    /// <summary>Facts of one row; the contract takes no more.</summary>
    public const int MostFacts = 50;

    private const int MostTold = 10;

    private static readonly string[] Required = ["source_system", "kind", "reporter_kind", "problems", "reported_at"];

    private static readonly string[] Others =
    [
        "reporter_name", "reporter_phone", "reporter_organization", "risk_facts", "needs", "psychiatric_care_level", "district", "jurisdiction", "school_unit_id",
        "answers_report_id",
    ];

    private static readonly string[] OfSubjects = ["national_id", "name", "birth_date", "phone", "address", "relation"];
    private static readonly string[] OfFacts = ["class", "text"];

    private readonly Dictionary<string, int> _places;

    private ReportColumns(Dictionary<string, int> places, int subjects, int facts)
    {
        _places = places;
        (Subjects, Facts) = (subjects, facts);
    }

    /// <summary>Fields that every row must have.</summary>
    public int Count => _places.Count;

    /// <summary>Persons that a row has columns for.</summary>
    public int Subjects { get; }

    /// <summary>Facts that a row has columns for.</summary>
    public int Facts { get; }

    /// <summary>Reads the first line.</summary>
    /// <exception cref="FormatException">A column is missing, unknown or there twice; the message names them all.</exception>
    public static ReportColumns Read(IReadOnlyList<string> header)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var twice = header.Where((name, at) => !places.TryAdd(name, at)).Distinct(StringComparer.Ordinal).ToList();
        var (subjects, facts) = (Highest(places.Keys, OfSubject()), Highest(places.Keys, OfFact()));
        var must = Required.Concat(Numbered("subject", Math.Clamp(subjects, 1, MostSubjects), n => n == 1 ? OfSubjects[..3] : [.. OfSubjects[..3], "relation"]))
            .Concat(Numbered("fact", Math.Min(facts, MostFacts), _ => OfFacts));
        var may = must.Concat(Others).Concat(Numbered("subject", MostSubjects, _ => OfSubjects)).Concat(Numbered("fact", MostFacts, _ => OfFacts)).ToHashSet(StringComparer.Ordinal);
        var problems = string.Join(' ', ((string[])
        [
            Told("Missing", must.Where(name => !places.ContainsKey(name))), Told("Unknown", places.Keys.Where(name => !may.Contains(name))), Told("There twice", twice),
        ]).Where(problem => problem.Length > 0));
        return problems.Length == 0 ? new ReportColumns(places, subjects, facts)
            : throw new FormatException($"The first line has not the columns of a file of reports, nothing was sent. {problems} See docs/formats/report-csv.md.");
    }

    /// <summary>What a row has in a column, without blanks around it; empty where the file has no such column.</summary>
    public string Of(IReadOnlyList<string> row, string column) => _places.TryGetValue(column, out var at) ? row[at].Trim() : "";

    /// <summary>Name of the column at a place, from 0.</summary>
    public string NameAt(int place) => _places.First(one => one.Value == place).Key;

    private static string Told(string what, IEnumerable<string> names)
    {
        var all = names.Select(name => name.Length == 0 ? "(a column without a name)" : name.Length > 40 ? name[..40] + "..." : name).ToList();
        return all.Count == 0 ? "" : $"{what}: {string.Join(", ", all.Take(MostTold))}{(all.Count > MostTold ? $" and {all.Count - MostTold} more" : "")}.";
    }

    private static IEnumerable<string> Numbered(string of, int most, Func<int, string[]> parts) =>
        Enumerable.Range(1, most).SelectMany(n => parts(n).Select(part => string.Create(CultureInfo.InvariantCulture, $"{of}{n}_{part}")));

    private static int Highest(IEnumerable<string> names, Regex pattern) => names.Select(name => pattern.Match(name)).Where(match => match.Success)
        .Select(match => int.Parse(match.Groups["number"].ValueSpan, CultureInfo.InvariantCulture)).DefaultIfEmpty().Max();

    [GeneratedRegex("^subject(?<number>[1-9][0-9]?)_", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OfSubject();

    [GeneratedRegex("^fact(?<number>[1-9][0-9]?)_", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OfFact();
}
