using System.Globalization;
using System.Text.RegularExpressions;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Cli.Reports;

/// <summary>
/// A row of a file as a report. What cannot be put into a message at all, such as a code that is in no table, is told here; everything else is the exchange's to judge.
/// No problem repeats what the row says: results are read by people who may not read the report.
/// </summary>
internal sealed partial class ReportRow
{
    private static readonly string[] Instants = ["yyyy-MM-dd'T'HH:mmzzz", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd HH:mmzzz", "yyyy-MM-dd HH:mm:sszzz"];

    private readonly List<int> _subjects = [];
    private readonly List<int> _facts = [];
    private readonly List<RowProblem> _problems = [];

    private ReportRow()
    {
    }

    /// <summary>What the row says; incomplete where there are problems.</summary>
    public Wire.ReportContent Content { get; } = new();

    /// <summary>Why it is no report; empty: it is one.</summary>
    public IReadOnlyList<RowProblem> Problems => _problems;

    /// <param name="columns">Of the file.</param>
    /// <param name="row">As many texts as there are columns.</param>
    public static ReportRow Map(ReportColumns columns, IReadOnlyList<string> row)
    {
        var mapped = new ReportRow();
        mapped.Fill(name => columns.Of(row, name), columns);
        return mapped;
    }

    /// <summary>Column of a field that the exchange found at fault, e.g. <c>subject2_name</c> of <c>content.subjects[1].name</c>; the path itself where it is of no column.</summary>
    public string ColumnOf(string path)
    {
        var match = Path().Match(path);
        if (!match.Success) return path;
        var (field, at, part) = (match.Groups["field"].Value, match.Groups["at"].Value, match.Groups["part"].Value);
        var place = at.Length == 0 ? 0 : int.Parse(at, CultureInfo.InvariantCulture);
        return field switch
        {
            "subjects" => string.Create(CultureInfo.InvariantCulture, $"subject{(place < _subjects.Count ? _subjects[place] : place + 1)}_{(part.Length == 0 ? "national_id" : part)}"),
            "facts" => string.Create(CultureInfo.InvariantCulture, $"fact{(place < _facts.Count ? _facts[place] : place + 1)}_{(part is "confidentiality_class" ? "class" : "text")}"),
            "reporter" => "reporter_" + (part.Length == 0 ? "kind" : part),
            _ => field,
        };
    }

    private void Fill(Func<string, string> of, ReportColumns columns)
    {
        Content.SourceSystem = Code<Wire.SourceSystem>(of, "source_system");
        Content.Kind = Code<Wire.ReportKind>(of, "kind");
        Content.Jurisdiction = Code<Wire.Jurisdiction>(of, "jurisdiction");
        Content.Reporter = new Wire.Reporter
        {
            Kind = Code<Wire.ReporterKind>(of, "reporter_kind"), Name = of("reporter_name"), Phone = of("reporter_phone"), Organization = of("reporter_organization"),
        };
        AddCodes(of, "problems", Content.Problems);
        AddCodes(of, "risk_facts", Content.RiskFacts);
        AddCodes(of, "needs", Content.Needs);
        (Content.District, Content.SchoolUnitId, Content.AnswersReportId) = (of("district"), of("school_unit_id"), of("answers_report_id"));
        if (of("psychiatric_care_level") is { Length: > 0 } level)
        {
            if (int.TryParse(level, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) Content.PsychiatricCareLevel = number;
            else Add("psychiatric_care_level", "No whole number; 1 to 5, or empty.", "並非整數；請填1至5，或留空。");
        }

        if (of("reported_at") is { Length: > 0 } told)
        {
            if (TryParseInstant(told, out var at)) Content.ReportedAt = Timestamp.FromDateTimeOffset(at);
            else Add("reported_at", "No instant; write 2026-11-23T09:30 in Taiwan time, or with an offset, 2026-11-23T09:30+08:00.", "日期時間格式不符；請填臺灣時間如 2026-11-23T09:30，或加註時差如 2026-11-23T09:30+08:00。");
        }

        for (var n = 1; n <= columns.Subjects; n++) AddSubject(of, n);
        for (var n = 1; n <= columns.Facts; n++) AddFact(of, n);
    }

    private void AddSubject(Func<string, string> of, int n)
    {
        var column = string.Create(CultureInfo.InvariantCulture, $"subject{n}_");
        var subject = new Wire.ReportSubject
        {
            NationalId = of(column + "national_id"), Name = of(column + "name"), BirthDate = DateOf(of(column + "birth_date")), Phone = of(column + "phone"), Address = of(column + "address"),
            Relation = Code<Wire.SubjectRelation>(of, column + "relation"),
        };
        if (subject.CalculateSize() == 0) return;
        Content.Subjects.Add(subject);
        _subjects.Add(n);
    }

    /// <summary>A date in any of its written forms as the contract has it; what is none is the exchange's to judge.</summary>
    private static string DateOf(string told) => RegisteredDate.TryParse(told, out var date) ? RegisteredDate.ToText(date) : told;

    private void AddFact(Func<string, string> of, int n)
    {
        var column = string.Create(CultureInfo.InvariantCulture, $"fact{n}_");
        var fact = new Wire.ReferralFact { ConfidentialityClass = Code<Wire.ConfidentialityClass>(of, column + "class"), Text = of(column + "text") };
        if (fact.CalculateSize() == 0) return;
        Content.Facts.Add(fact);
        _facts.Add(n);
    }

    private void AddCodes<T>(Func<string, string> of, string column, RepeatedField<T> codes)
        where T : struct, System.Enum
    {
        foreach (var word in of(column).Split(' ', StringSplitOptions.RemoveEmptyEntries)) codes.Add(Parse<T>(column, word));
    }

    private T Code<T>(Func<string, string> of, string column)
        where T : struct, System.Enum => of(column) is { Length: > 0 } word ? Parse<T>(column, word) : default;

    private T Parse<T>(string column, string word)
        where T : struct, System.Enum
    {
        try
        {
            return ContractCodes.Parse<T>(word);
        }
        catch (FormatException)
        {
            var known = string.Join(' ', System.Enum.GetValues<T>().Where(code => Convert.ToInt32(code, CultureInfo.InvariantCulture) != 0).Select(code => ContractCodes.NameOf(code)));
            Add(column, $"No code of its table; known are {known}.", $"不在代碼表內；可用代碼：{known}。");
            return default;
        }
    }

    private void Add(string column, string english, string chinese) => _problems.Add(new RowProblem("INVALID_FIELD", column, english, chinese));

    /// <summary>With an offset, or without one in the time of Taiwan.</summary>
    private static bool TryParseInstant(string text, out DateTimeOffset at)
    {
        if (text.EndsWith('Z')) text = text[..^1] + "+00:00";
        else if (text.Length is 16 or 19) text += "+08:00";
        return DateTimeOffset.TryParseExact(text, Instants, CultureInfo.InvariantCulture, DateTimeStyles.None, out at);
    }

    [GeneratedRegex(@"^content\.(?<field>[a-z_]+)(\[(?<at>[0-9]{1,4})\])?(\.(?<part>[a-z_]+))?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Path();
}

/// <summary>Why a row is no report.</summary>
/// <param name="Reason">Reason of the contract, or one of docs/formats/report-csv.md that begins with <c>CSV_</c>.</param>
/// <param name="Column">Column at fault; empty: the row as a whole.</param>
/// <param name="English">What is wrong and what to do.</param>
/// <param name="Chinese">錯誤說明及更正方式。</param>
internal sealed record RowProblem(string Reason, string Column, string English, string Chinese);
