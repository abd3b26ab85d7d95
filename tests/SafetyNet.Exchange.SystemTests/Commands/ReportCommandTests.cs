using System.Globalization;
using System.Text;
using System.Text.Json;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Commands;

/// <summary>A file of reports handed in through a cut, and a duty officer who screens and dispatches one of them at the command line.</summary>
[Trait("Rule", "R-INT-1")]
[Trait("Rule", "R-INT-5")]
public sealed class ReportCommandTests : IAsyncLifetime
{
    private const int GoodRows = 700;
    private const string Header = "source_system,kind,reporter_kind,problems,needs,reported_at,district,subject1_national_id,subject1_name,subject1_birth_date,"
        + "subject2_national_id,subject2_name,subject2_birth_date,subject2_relation,fact1_class,fact1_text";

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-reports-").FullName;
    private SandboxProcess? _sandbox;

    private string Csv => Path.Combine(_folder, "reports.csv");

    private string Results => Path.Combine(_folder, "results.csv");

    private string[] Import => ["report", "import", Csv, "--results", Results, .. School];

    private string[] School => ["--as", "tpe-edu", "--unit", "tpe-school", .. _sandbox!.CliOptions];

    private string[] Desk => [.. _sandbox!.CliOptions];

    private string[] Centre => ["--unit", "tpe-wanhua-swc", .. _sandbox!.CliOptions];

    public async ValueTask InitializeAsync() => _sandbox = await SandboxProcess.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_mixed_file_goes_on_after_a_cut_with_nothing_twice_and_a_report_of_it_is_screened_and_dispatched()
    {
        await File.WriteAllBytesAsync(Csv, MixedFile(), TestContext.Current.CancellationToken);

        // The command is killed once the first stream is answered, as a machine that fails.
        await using (var cut = ChildProcess.StartDotnet(Repository.CliDll, Import, _folder))
        {
            while (!cut.HasExited && TakenReceipts().Count == 0) await Task.Delay(5, TestContext.Current.CancellationToken);
            cut.Kill();
        }

        var before = TakenReceipts();
        Assert.True(before.Count is > 0 and < GoodRows, $"{before.Count} were taken before the cut");
        var run = await RunAsync(Import);
        Assert.True(run.ExitCode == 1, run.ToString());
        Assert.Contains($"{GoodRows} of {GoodRows + 6} reports taken", run.Output, StringComparison.Ordinal);
        var after = TakenReceipts();
        Assert.Equal(GoodRows, after.Count);
        Assert.All(before, one => Assert.Equal(one.Value, after[one.Key]));
        Assert.Equal(GoodRows, (await ListAsync()).Count);

        // A run that has lost its results is answered with the first receipts.
        File.Delete(Results);
        Assert.Equal(1, (await RunAsync(Import)).ExitCode);
        Assert.Equal(after, TakenReceipts());
        Assert.Equal(GoodRows, (await ListAsync()).Count);
        var refused = (await File.ReadAllLinesAsync(Results, TestContext.Current.CancellationToken)).Select(line => line.Split(',')).Where(cells => cells[1] is "refused").Select(cells => $"{cells[4]} {cells[5]}".Trim());
        Assert.Equal(["INVALID_FIELD reported_at", "NOT_ONE_FAMILY", "INVALID_FIELD kind", "CSV_ENCODING district", "CSV_ROW_TOO_LONG", "INVALID_FIELD subject1_national_id"], refused);

        var report = (await ListAsync())[0].GetProperty("reportId").GetString()!;
        Assert.Contains("已收案", (await AsksAsync(["report", "list", "--limit", "3", .. Desk])).Output, StringComparison.Ordinal);
        await AsksAsync(["report", "capacity", "--service", "CARE_VISIT=12", "FINANCIAL_AID=3", .. Centre]);
        var screening = await AsksAsync(["report", "screen", report, .. Desk]);
        Assert.Contains("TRIAGE-", screening.Output, StringComparison.Ordinal);
        Assert.Contains("just now", screening.Output, StringComparison.Ordinal);
        Assert.Contains($"safetynet report screen {report} --class NEW", screening.Output, StringComparison.Ordinal);
        Assert.Contains("已篩案", (await AsksAsync(["report", "screen", report, "--class", "NEW", .. Desk])).Output, StringComparison.Ordinal);
        var early = await RunAsync(["report", "recall", report, .. Desk]);
        Assert.True(early.ExitCode == 1 && early.Errors.Contains("MOVE_NOT_ALLOWED", StringComparison.Ordinal), early.ToString());
        var referral = await DispatchToTheCentreAsync(report);
        Assert.Contains("已接觸", (await AsksAsync(["report", "contact", referral, .. Centre])).Output, StringComparison.Ordinal);
        var shown = (await AsksAsync(["report", "show", report, .. Desk])).Output;
        Assert.Contains("已接觸", shown, StringComparison.Ordinal);
        Assert.Contains("tpe-wanhua-swc", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_with_wrong_columns_is_refused_as_a_whole_and_one_report_is_handed_in_by_its_JSON()
    {
        await File.WriteAllTextAsync(Csv, $"{Header.Replace("kind,", "art,", StringComparison.Ordinal)}\n{Row(1)}\n", TestContext.Current.CancellationToken);
        var refused = await RunAsync(Import);
        Assert.True(refused.ExitCode == 1 && string.Join(' ', refused.Errors.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)).Contains("Unknown: art, reporter_art.", StringComparison.Ordinal), refused.ToString());
        Assert.False(File.Exists(Results));
        Assert.Empty(await ListAsync());

        var json = Path.Combine(_folder, "report.json");
        await File.WriteAllTextAsync(
            json,
            $$"""
            {"sourceSystem":"SOURCE_SYSTEM_E_CARE_REPORT","kind":"REPORT_KIND_VULNERABLE_FAMILY","reporter":{"kind":"REPORTER_KIND_MANDATED"},"problems":["REPORT_PROBLEM_SCHOOL_ABSENCE"],
             "subjects":[{"nationalId":"{{NationalIdOf(1)}}","name":"許小功","birthDate":"2015-03-04"}],"facts":[{"confidentialityClass":"CONFIDENTIALITY_CLASS_EDUCATION_RECORD","text":"連續缺課三日"}],
             "reportedAt":"{{TimeProvider.System.GetUtcNow().AddHours(-1):yyyy-MM-dd'T'HH:mm:ss'Z'}}"}
            """,
            TestContext.Current.CancellationToken);
        var first = Json(await AsksAsync(["report", "submit", json, "--json", .. School])).GetProperty("receipt").GetProperty("receiptNumber").GetString();
        Assert.Equal(first, Json(await AsksAsync(["report", "submit", json, "--json", .. School])).GetProperty("receipt").GetProperty("receiptNumber").GetString());
        var report = Assert.Single(await ListAsync()).GetProperty("reportId").GetString()!;
        await AsksAsync(["report", "screen", report, "--class", "NEW", .. Desk]);
        Assert.Contains("未開案", (await AsksAsync(["report", "close", report, "--reason", "NEED_ALREADY_MET", .. Desk])).Output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Rule", "R-INT-9")]
    public async Task A_dispute_over_the_lead_is_opened_ruled_appealed_and_found_as_a_precedent()
    {
        await File.WriteAllTextAsync(Csv, $"{Header}\n{Row(1)}\n", TestContext.Current.CancellationToken);
        await AsksAsync(Import);
        var report = Assert.Single(await ListAsync()).GetProperty("reportId").GetString()!;
        await AsksAsync(["report", "screen", report, "--class", "NEW", .. Desk]);
        await DispatchToTheCentreAsync(report);

        string[] opening = ["dispute", "open", report, "--propose", "tpe-central-swc", "--rule", "R-INT-5", "--statement", "案家實際居住地在他區，依派案規則應由該地之中心主責"];
        var dispute = Json(await AsksAsync([.. opening, "--json", .. Centre])).GetProperty("dispute").GetProperty("disputeId").GetString()!;
        var again = await RunAsync([.. opening, .. Centre]);
        Assert.True(again.ExitCode == 1 && again.Errors.Contains("LEAD_DISPUTE_OPEN", StringComparison.Ordinal), again.ToString());
        Assert.Contains("yours to rule", (await AsksAsync(["dispute", "list", "--state", "OPEN", .. Desk])).Output, StringComparison.Ordinal);
        string[] ruling = ["dispute", "decide", dispute, "--lead", "tpe-wanhua-swc", "--rule", "R-INT-5", "--principle", "居住地與戶籍地不同時，由已建立服務關係之中心續行主責", "--grounds", "訪視紀錄顯示服務關係已建立，改派將中斷服務"];
        Assert.Contains("已裁定", (await AsksAsync([.. ruling, "--person", "DESK01", .. Desk])).Output, StringComparison.Ordinal);
        Assert.Contains("申訴中", (await AsksAsync(["dispute", "appeal", dispute, "--statement", "裁定未審酌案家遷居後之通勤距離與幼兒就學情形", .. Centre])).Output, StringComparison.Ordinal);
        Assert.Contains("裁定確定", (await AsksAsync([.. ruling, "--person", "CITY01", "--unit", "tpe-dosw-office", .. Desk])).Output, StringComparison.Ordinal);
        Assert.Contains("裁定未審酌案家遷居後之通勤距離與幼兒就學情形", (await AsksAsync(["dispute", "show", dispute, .. Desk])).Output, StringComparison.Ordinal);
        var precedents = (await AsksAsync(["dispute", "precedents", "--rule", "R-INT-5", "--json", .. Desk])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, precedents.Length);
        Assert.Contains("續行主責", (await AsksAsync(["dispute", "precedents", "--rule", "R-INT-5", .. Desk])).Output, StringComparison.Ordinal);
    }

    /// <summary>Offers a screened report to the centre, which takes it and leads from now on; answers its referral.</summary>
    private async Task<string> DispatchToTheCentreAsync(string report)
    {
        var dispatched = Json(await AsksAsync(["report", "dispatch", report, "--to", "tpe-wanhua-swc", "--service", "CARE_VISIT", "--view", "IDENTITY", "ECONOMIC", "--json", .. Desk]));
        var referral = dispatched.GetProperty("report").GetProperty("offers")[0].GetProperty("referralId").GetString()!;
        var notices = Json(await AsksAsync(["call", "InboxService/ListNotices", "--as", "tpe-dosw", .. Centre])).GetProperty("notices");
        await AsksAsync(["call", "InboxService/AcknowledgeNotices", "--as", "tpe-dosw", "--data", $$"""{"upToSequence":"{{notices[notices.GetArrayLength() - 1].GetProperty("sequence").GetString()}}"}""", .. Centre]);
        await AsksAsync(["call", "ReferralService/AcceptReferral", "--as", "tpe-dosw", "--data", $$"""{"referralId":"{{referral}}"}""", .. Centre]);
        return referral;
    }

    private static byte[] MixedFile() =>
    [
        .. Utf8(Header + "\n"), .. Utf8(string.Concat(Enumerable.Range(1, GoodRows - 1).Select(n => Row(n) + "\n"))),
        .. Utf8(Row(2001).Replace(Today, "2099-01-01", StringComparison.Ordinal) + "\n"),
        .. Utf8(Row(2002, $"{NationalIdOf(3002)},林乙,1985-01-02,NOT_FAMILY") + "\n"), .. Utf8(Row(2003).Replace("VULNERABLE_FAMILY", "VULNERABLE", StringComparison.Ordinal) + "\n"),
        .. CodePagesEncodingProvider.Instance.GetEncoding(950)!.GetBytes(Row(2004) + "\n"), .. Utf8(new string('x', 1_000_000) + "\n"),
        .. Utf8(Row(2005).Replace(NationalIdOf(2005), NationalIdOf(2005)[..9] + (char)('0' + ((NationalIdOf(2005)[9] - '0' + 1) % 10)), StringComparison.Ordinal) + "\n"),
        .. Utf8(Row(2006, $"{NationalIdOf(3006)},林乙,1985-01-02,PARENT") + "\n"),
    ];

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static string Today { get; } = TimeProvider.System.GetUtcNow().AddHours(7).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Row(int n, string second = ",,,") =>
        $"E_CARE_REPORT,VULNERABLE_FAMILY,NEIGHBOR,ECONOMIC_HARDSHIP,FINANCIAL_AID CARE_VISIT,{TimeProvider.System.GetUtcNow().AddHours(7):yyyy-MM-dd'T'HH:mm},萬華區,{NationalIdOf(n)},許功蓋,2015-03-04,{second},ECONOMIC,\"積欠房租,\n三個月\"";

    private static string NationalIdOf(int n)
    {
        var nine = "A1" + n.ToString("0000000", CultureInfo.InvariantCulture);
        return nine + NationalId.ComputeCheckDigit(nine);
    }

    private Dictionary<string, string> TakenReceipts() => !File.Exists(Results) ? []
        : File.ReadAllText(Results).Split('\n')[..^1].Select(line => line.Split(',')).Where(cells => cells.Length > 2 && cells[1] is "taken").ToDictionary(cells => cells[0], cells => cells[2], StringComparer.Ordinal);

    private async Task<List<JsonElement>> ListAsync() =>
        [.. (await AsksAsync(["report", "list", "--limit", "0", "--json", .. Desk])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    private static JsonElement Json(Finished finished) => JsonDocument.Parse(finished.Output).RootElement;

    private async Task<Finished> AsksAsync(string[] arguments)
    {
        var finished = await RunAsync(arguments);
        Assert.True(finished.ExitCode == 0, finished.ToString());
        return finished;
    }

    private Task<Finished> RunAsync(string[] arguments) => ChildProcess.RunDotnetAsync(Repository.CliDll, arguments, _folder);
}
