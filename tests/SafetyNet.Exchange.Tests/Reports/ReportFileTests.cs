using System.Text;
using SafetyNet.Exchange.Cli.Reports;

namespace SafetyNet.Exchange.Tests.Reports;

[Trait("Rule", "R-INT-1")]
public sealed class ReportFileTests : IDisposable
{
    private const string Header = "source_system,kind,reporter_kind,problems,reported_at,subject1_national_id,subject1_name,subject1_birth_date";
    private const string Row = "E_CARE_REPORT,VULNERABLE_FAMILY,NEIGHBOR,ECONOMIC_HARDSHIP,2026-11-23T09:30,A123456789,許功蓋,2015-03-04";

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-csv-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_row_becomes_the_report_that_it_says()
    {
        using var file = Open(
            Header + ",subject2_national_id,subject2_name,subject2_birth_date,subject2_relation,subject3_national_id,subject3_name,subject3_birth_date,subject3_relation,fact1_class,fact1_text,risk_facts,needs,jurisdiction,psychiatric_care_level,district\n"
            + Row + ",,,,,A223456781,林甲,1980-01-02,PARENT,economic,\"欠租,\r\n三個月\",WEAPON  ABUSE,CARE_VISIT,TPE,2,萬華區\n");
        var content = Assert.Single(file.ReadRows()).Report!.Content;
        Assert.Equal((Wire.SourceSystem.ECareReport, Wire.ReportKind.VulnerableFamily, Wire.ReporterKind.Neighbor), (content.SourceSystem, content.Kind, content.Reporter.Kind));
        Assert.Equal(new DateTimeOffset(2026, 11, 23, 1, 30, 0, TimeSpan.Zero), content.ReportedAt.ToDateTimeOffset());
        Assert.Equal(["許功蓋", "林甲"], content.Subjects.Select(subject => subject.Name));
        Assert.Equal(Wire.SubjectRelation.Parent, content.Subjects[1].Relation);
        Assert.Equal((Wire.ConfidentialityClass.Economic, "欠租,\n三個月"), (content.Facts[0].ConfidentialityClass, content.Facts[0].Text));
        Assert.Equal([Wire.RiskFact.Weapon, Wire.RiskFact.Abuse], content.RiskFacts);
        Assert.Equal((2, "萬華區", Wire.Jurisdiction.Tpe), (content.PsychiatricCareLevel, content.District, content.Jurisdiction));
        // The exchange counts persons, the file columns: subject2 of this row is empty.
        var row = file.ReadRows().Single().Report!;
        Assert.Equal(
            ["subject3_name", "subject1_national_id", "fact1_text", "problems", "reporter_phone", "context.purpose"],
            ((string[])["content.subjects[1].name", "content.subjects[0].national_id", "content.facts[0].text", "content.problems[0]", "content.reporter.phone", "context.purpose"]).Select(row.ColumnOf));
    }

    [Theory]
    [InlineData("2026-11-23T09:30", "2026-11-23T01:30:00Z")]
    [InlineData("2026-11-23 09:30:15", "2026-11-23T01:30:15Z")]
    [InlineData("2026-11-23T09:30Z", "2026-11-23T09:30:00Z")]
    [InlineData("2026-11-23T09:30+09:00", "2026-11-23T00:30:00Z")]
    [InlineData("115/11/23 09:30", null)]
    [InlineData("2026-11-23", null)]
    [InlineData("2026-02-30T09:30", null)]
    public void Instants_are_of_Taiwan_unless_they_say_otherwise(string told, string? expected)
    {
        using var file = Open($"{Header}\n{Row.Replace("2026-11-23T09:30", told, StringComparison.Ordinal)}\n");
        var row = file.ReadRows().Single().Report!;
        if (expected is null) Assert.Equal("reported_at", Assert.Single(row.Problems).Column);
        else Assert.Equal(DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), row.Content.ReportedAt.ToDateTimeOffset());
    }

    [Theory]
    [Trait("Rule", "R-HH-1")]
    [InlineData("104/3/4", "2015-03-04")]
    [InlineData("1040304", "2015-03-04")]
    [InlineData("民國104年3月4日", "2015-03-04")]
    [InlineData("2015/3/4", "2015-03-04")]
    // Two dates, or none: the exchange says so by its column.
    [InlineData("040304", "040304")]
    [InlineData("不詳", "不詳")]
    public void A_birth_date_of_either_calendar_is_the_one_form(string told, string expected)
    {
        using var file = Open($"{Header}\n{Row.Replace("2015-03-04", told, StringComparison.Ordinal)}\n");
        Assert.Equal(expected, Assert.Single(file.ReadRows().Single().Report!.Content.Subjects).BirthDate);
    }

    [Fact]
    public void What_is_in_no_table_is_told_by_its_column_and_never_repeated()
    {
        using var file = Open($"{Header},psychiatric_care_level\n{Row.Replace("NEIGHBOR,ECONOMIC_HARDSHIP", "王秘密,ECONOMIC_HARDSHIP 秘密", StringComparison.Ordinal)},兩級\n");
        var problems = file.ReadRows().Single().Report!.Problems;
        Assert.Equal(["reporter_kind", "problems", "psychiatric_care_level"], problems.Select(problem => problem.Column));
        Assert.All(problems, problem => Assert.DoesNotContain("秘密", problem.English + problem.Chinese, StringComparison.Ordinal));
        Assert.Contains("BOROUGH_HEAD", problems[0].Chinese, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kind", "Missing: kind.")]
    [InlineData("subject1_name", "Missing: subject1_name.")]
    public void A_missing_column_refuses_the_file(string missing, string told) =>
        Assert.Contains(told, Refuses(string.Join(',', Header.Split(',').Where(name => name != missing)) + "\n"), StringComparison.Ordinal);

    [Theory]
    [InlineData(",nickname,kind", "Unknown: nickname. There twice: kind.")]
    [InlineData(",subject3_name", "Missing: subject2_national_id, subject2_name, subject2_birth_date, subject2_relation, subject3_national_id, subject3_birth_date, subject3_relation.")]
    [InlineData(",fact2_text", "Missing: fact1_class, fact1_text, fact2_class.")]
    [InlineData(",subject21_phone", "Unknown: subject21_phone.")]
    [InlineData(",fact51_text", "Unknown: fact51_text.")]
    [InlineData(",subject01_phone", "Unknown: subject01_phone.")]
    [InlineData(",Kind", "Unknown: Kind.")]
    [InlineData(",", "(a column without a name)")]
    public void A_wrong_column_refuses_the_file(string more, string told) => Assert.Contains(told, Refuses($"{Header}{more}\n"), StringComparison.Ordinal);

    [Fact]
    public void A_quoted_field_that_is_never_closed_refuses_the_file_and_tells_its_line() =>
        Assert.Contains("line 3 is never closed", Refuses($"{Header}\n{Row}\n\"{Row}\n{Row}\n"), StringComparison.Ordinal);

    [Fact]
    public void Big5_and_UTF_8_give_the_same_report_and_neither_is_taken_for_the_other()
    {
        var big5 = CodePagesEncodingProvider.Instance.GetEncoding(950)!;
        var text = $"{Header}\n{Row}\n";
        using (var file = Open(big5.GetBytes(text), big5: true)) Assert.Equal("許功蓋", file.ReadRows().Single().Report!.Content.Subjects[0].Name);
        using (var file = Open(Encoding.UTF8.GetPreamble().Concat(Encoding.UTF8.GetBytes(text)).ToArray())) Assert.Equal("許功蓋", file.ReadRows().Single().Report!.Content.Subjects[0].Name);
        using (var file = Open(big5.GetBytes(text))) Assert.Equal(("CSV_ENCODING", "subject1_name", 2), Fault(file));
        using (var file = Open(Encoding.UTF8.GetBytes(text), big5: true)) Assert.Equal(("CSV_ENCODING", "", 2), Fault(file));
        Assert.Contains("--big5", Assert.Throws<FormatException>(() => Open([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)], big5: true)).Message, StringComparison.Ordinal);
        Assert.Contains("UTF-16", Assert.Throws<FormatException>(() => Open([0xFF, 0xFE, .. Encoding.Unicode.GetBytes(text)])).Message, StringComparison.Ordinal);
        // Characters of one agency's own making, and half a character.
        using (var file = Open(Encoding.UTF8.GetBytes(text.Replace('功', '\uE123')))) Assert.Equal(("CSV_ENCODING", "subject1_name", 2), Fault(file));
        using (var file = Open([.. Encoding.UTF8.GetBytes(Header + "\n"), .. Encoding.UTF8.GetBytes(Row)[..^12], 0xE8, .. ",2015-03-04\n"u8])) Assert.Equal("CSV_ENCODING", Fault(file).Reason);
    }

    [Fact]
    public void One_faulty_row_harms_no_other()
    {
        var big5 = CodePagesEncodingProvider.Instance.GetEncoding(950)!;
        using var file = Open([
            .. Encoding.UTF8.GetBytes($"{Header}\n{Row}\n"), .. big5.GetBytes(Row + "\n"), .. Encoding.UTF8.GetBytes($"{Row},too,many\n{new string('x', 1_000_000)}\nA,\"B\"C\n{Row}\n"),
        ]);
        Assert.Equal(6, file.Rows);
        Assert.Equal(
            ["2:", "3:CSV_ENCODING", "4:CSV_COLUMNS", "5:CSV_ROW_TOO_LONG", "6:CSV_QUOTES", "7:"], file.ReadRows().Select(row => $"{row.Line}:{row.Problem?.Reason}"));
    }

    [Fact]
    public void A_row_has_the_same_key_in_every_run_and_another_in_every_other_file_and_line()
    {
        using var first = Open($"{Header}\n{Row}\n{Row}\n");
        using var again = Open($"{Header}\n{Row}\n{Row}\n");
        using var other = Open($"{Header}\n{Row}\n{Row}\n\n");
        Assert.Equal(first.ReadRows().Select(row => row.RequestId), again.ReadRows().Select(row => row.RequestId));
        Assert.Equal(4, first.ReadRows().Concat(other.ReadRows()).Select(row => row.RequestId).Distinct(StringComparer.Ordinal).Count());
        Assert.All(first.ReadRows(), row => Assert.True(Guid.TryParseExact(row.RequestId, "D", out var id) && id.Version == 8));
    }

    [Fact]
    public void Results_keep_what_was_taken_through_a_cut_and_belong_to_one_file_and_one_person()
    {
        var path = Path.Combine(_folder, "results.csv");
        using var file = Open($"{Header}\n{Row}\n{Row}\n{Row}\n");
        using (var results = ReportResults.Open(path, file, "tpe-school CLI001"))
        {
            results.Add([Result(3, RowResult.Taken), Result(2, RowResult.Refused), Result(4, RowResult.Taken)]);
        }

        // The last line was torn.
        File.WriteAllText(path, File.ReadAllText(path)[..^3]);
        using (var results = ReportResults.Open(path, file, "tpe-school CLI001"))
        {
            Assert.Equal([false, true, false], ((int[])[2, 3, 4]).Select(results.IsTaken));
            results.Add([Result(4, RowResult.Taken), Result(2, RowResult.Taken)]);
            results.Finish();
        }

        var lines = File.ReadAllLines(path);
        Assert.Equal([ReportResults.Header, "1,begun", "2,taken", "3,taken", "4,taken"], lines.Select((line, at) => at == 0 ? line : string.Join(',', line.Split(',')[..2])));
        // Nothing that a spreadsheet runs.
        Assert.Contains("\"'=1+1, twice\"", lines[1 + 1], StringComparison.Ordinal);
        Assert.Contains("as that person", Assert.Throws<FormatException>(() => ReportResults.Open(path, file, "tpe-school CLI002")).Message, StringComparison.Ordinal);
        using var other = Open($"{Header}\n{Row}\n");
        Assert.Contains("another file", Assert.Throws<FormatException>(() => ReportResults.Open(path, other, "tpe-school CLI001")).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "my notes\n");
        Assert.Contains("has no results", Assert.Throws<FormatException>(() => ReportResults.Open(path, file, "tpe-school CLI001")).Message, StringComparison.Ordinal);

        RowResult Result(int line, string outcome) => new(line, outcome, "", "", "", "", "=1+1, twice", "", file.RequestIdOf(line), "tpe-school CLI001");
    }

    private static (string Reason, string Column, int Line) Fault(ReportFile file) => file.ReadRows().Single() is var row ? (row.Problem!.Reason, row.Problem.Column, row.Line) : default;

    private string Refuses(string text) => Assert.Throws<FormatException>(() => Open(text)).Message;

    private ReportFile Open(string text) => Open(Encoding.UTF8.GetBytes(text));

    private ReportFile Open(byte[] bytes, bool big5 = false)
    {
        var path = Path.Combine(_folder, Path.GetRandomFileName());
        File.WriteAllBytes(path, bytes);
        return ReportFile.Open(path, big5);
    }
}
