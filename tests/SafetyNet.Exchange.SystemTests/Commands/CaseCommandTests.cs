using System.Globalization;
using System.Text.Json;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Commands;

/// <summary>A worker and a supervisor of a welfare centre with one of its cases, and with the conference on it, at the command line.</summary>
[Trait("Rule", "R-CASE-1")]
[Trait("Rule", "R-CASE-4")]
[Trait("Rule", "R-CASE-6")]
public sealed class CaseCommandTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-cases-").FullName;
    private SandboxProcess? _sandbox;

    private string[] Centre => ["--unit", "tpe-wanhua-swc", .. _sandbox!.CliOptions];

    public async ValueTask InitializeAsync() => _sandbox = await SandboxProcess.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_case_has_its_worker_its_plan_and_its_visits_and_all_of_it_passes_to_the_next_worker_in_one_call()
    {
        var id = await OpenCaseAsync();
        Assert.Contains("1 cases are nobody's", await AsksAsync(["case", "caseload", .. Centre]), StringComparison.Ordinal);
        Assert.Contains("tpe-wanhua-swc", await AsksAsync(["case", "assign", id, "--worker", "S0042", "--supervisor", "S0007", "--role", "CARE_VISITOR", .. Centre]), StringComparison.Ordinal);
        var person = Json(await AsksAsync(["case", "show", id, "--json", .. Centre])).GetProperty("case").GetProperty("subjects")[0].GetProperty("personId").GetString();
        var day = TimeProvider.System.GetUtcNow().AddDays(3).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var visit = Json(await CallAsync("VisitService/PlanVisit", id, $$"""{"caseId":"{{id}}","personId":"{{person}}","plannedOn":"{{day}}"}""")).GetProperty("visit").GetProperty("visitId").GetString()!;
        await CallAsync("ServicePlanService/CreateGoal", id,
            $$"""{"caseId":"{{id}}","ownerUnitId":"tpe-wanhua-swc","confidentialityClass":"CONFIDENTIALITY_CLASS_CASE_NOTE","text":"每週關懷訪視一次","targetDate":"{{day}}"}""");

        var plan = await AsksAsync(["case", "plan", id, .. Centre]);
        Assert.Contains("每週關懷訪視一次", plan, StringComparison.Ordinal);
        Assert.Contains(day, plan, StringComparison.Ordinal);
        Assert.Contains(visit, await AsksAsync(["case", "visits", "--worker", "S0042", .. Centre]), StringComparison.Ordinal);
        Assert.Contains("0 visits", await AsksAsync(["case", "overdue", "--supervisor", "S0007", .. Centre]), StringComparison.Ordinal);

        var moved = await AsksAsync(["case", "reassign", "--from", "S0042", "--to", "S0043", "--person", "S0007", .. Centre]);
        Assert.Contains(id, moved, StringComparison.Ordinal);
        Assert.Contains("1 cases passed from S0042 to S0043", moved, StringComparison.Ordinal);
        Assert.Contains("0 visits", await AsksAsync(["case", "visits", "--worker", "S0042", .. Centre]), StringComparison.Ordinal);
        Assert.Equal(visit, Json(await AsksAsync(["case", "visits", "--worker", "S0043", "--case", id, "--json", .. Centre])).GetProperty("visitId").GetString());
        var load = Json(await AsksAsync(["case", "caseload", "--json", .. Centre])).GetProperty("workers")[0];
        Assert.Equal(("S0043", 1), (load.GetProperty("workerPersonId").GetString(), load.GetProperty("openCases").GetInt32()));
    }

    [Fact]
    [Trait("Rule", "R-CON-3")]
    public async Task A_conference_is_read_before_it_meets_and_what_it_resolved_is_on_the_lists_of_its_chair_and_of_who_owes_it()
    {
        var id = await OpenCaseAsync();
        var meetsAt = TimeProvider.System.GetUtcNow().AddSeconds(8);
        var conference = Json(await CallAsync("ConferenceService/ConveneConference", id,
            $$"""
            {"caseId":"{{id}}","level":"CONFERENCE_LEVEL_CASE","indicators":["CONFERENCE_INDICATOR_SELF_HARM"],"ground":"CONFERENCE_GROUND_CROSS_BUREAU_CONSENSUS","statement":"各單位處遇方向不一，請共識分工",
             "meetingAt":"{{meetsAt:yyyy-MM-dd'T'HH:mm:ss'Z'}}","agenda":["CONFIDENTIALITY_CLASS_CASE_NOTE"],"unitIds":["tpe-cmhc","tpe-employment"]}
            """)).GetProperty("conference").GetProperty("conferenceId").GetString()!;
        string[] health = ["--as", "tpe-health", "--unit", "tpe-cmhc", .. _sandbox!.CliOptions];
        await AsksAsync(["call", "MeetingService/SubmitExtract", "--data", $$"""{"conferenceId":"{{conference}}","confidentialityClass":"CONFIDENTIALITY_CLASS_CASE_NOTE","text":"每兩週門診一次"}""", .. health]);
        var agenda = await AsksAsync(["conference", "agenda", conference, "--as", "tpe-dosw", .. Centre]);
        foreach (var told in (string[])["各單位處遇方向不一，請共識分工", "每兩週門診一次", "tpe-employment", "0 items"]) Assert.Contains(told, agenda, StringComparison.Ordinal);

        while (TimeProvider.System.GetUtcNow() <= meetsAt) await Task.Delay(100, TestContext.Current.CancellationToken);
        await CallAsync("MeetingService/RecordResolution", id,
            $$"""
            {"conferenceId":"{{conference}}","confidentialityClass":"CONFIDENTIALITY_CLASS_CASE_NOTE","text":"由就業服務處協助媒合","items":[{"ownerUnitId":"tpe-employment","deed":"媒合部分工時工作","dueDate":"2099-01-31"}]}
            """);
        var chaired = await AsksAsync(["conference", "items", "--as", "tpe-dosw", .. Centre]);
        foreach (var told in (string[])["媒合部分工時工作", "2099-01-31", "tpe-employment", "1 items"]) Assert.Contains(told, chaired, StringComparison.Ordinal);
        string[] labor = ["--as", "tpe-labor", "--unit", "tpe-employment", .. _sandbox.CliOptions];
        Assert.Equal("媒合部分工時工作", Json(await AsksAsync(["conference", "items", "--own", "--json", .. labor])).GetProperty("deed").GetProperty("text").GetString());
        Assert.Contains("0 items", await AsksAsync(["conference", "items", "--own", "--overdue", .. labor]), StringComparison.Ordinal);
        Assert.Contains("0 items", await AsksAsync(["conference", "items", "--own", .. health]), StringComparison.Ordinal);
    }

    /// <summary>A report that the screening centre offers, the welfare centre takes, and opens a case on.</summary>
    private async Task<string> OpenCaseAsync()
    {
        var file = Path.Combine(_folder, "report.json");
        await File.WriteAllTextAsync(
            file,
            $$"""
            {"sourceSystem":"SOURCE_SYSTEM_E_CARE_REPORT","kind":"REPORT_KIND_VULNERABLE_FAMILY","reporter":{"kind":"REPORTER_KIND_MANDATED"},"problems":["REPORT_PROBLEM_SCHOOL_ABSENCE"],
             "subjects":[{"nationalId":"A123456789","name":"許小功","birthDate":"2015-03-04"}],"facts":[{"confidentialityClass":"CONFIDENTIALITY_CLASS_EDUCATION_RECORD","text":"連續缺課三日"}],
             "reportedAt":"{{TimeProvider.System.GetUtcNow().AddHours(-1):yyyy-MM-dd'T'HH:mm:ss'Z'}}"}
            """,
            TestContext.Current.CancellationToken);
        string[] desk = [.. _sandbox!.CliOptions];
        var report = Json(await AsksAsync(["report", "submit", file, "--json", "--as", "tpe-edu", "--unit", "tpe-school", .. desk])).GetProperty("receipt").GetProperty("reportId").GetString()!;
        await AsksAsync(["report", "screen", report, "--class", "NEW", .. desk]);
        var dispatched = Json(await AsksAsync(["report", "dispatch", report, "--to", "tpe-wanhua-swc", "--service", "CARE_VISIT", "--view", "IDENTITY", "CONTACT", "--json", .. desk]));
        var referral = dispatched.GetProperty("report").GetProperty("offers")[0].GetProperty("referralId").GetString()!;
        var notices = Json(await AsksAsync(["call", "InboxService/ListNotices", "--as", "tpe-dosw", .. Centre])).GetProperty("notices");
        await AsksAsync(["call", "InboxService/AcknowledgeNotices", "--as", "tpe-dosw", "--data", $$"""{"upToSequence":"{{notices[notices.GetArrayLength() - 1].GetProperty("sequence").GetString()}}"}""", .. Centre]);
        await AsksAsync(["call", "ReferralService/AcceptReferral", "--as", "tpe-dosw", "--data", $$"""{"referralId":"{{referral}}"}""", .. Centre]);
        return Json(await AsksAsync(["call", "CaseService/OpenCase", "--as", "tpe-dosw", "--referral", referral, "--data", $$"""{"referralId":"{{referral}}"}""", .. Centre])).GetProperty("case").GetProperty("caseId").GetString()!;
    }

    private Task<string> CallAsync(string method, string caseId, string data) => AsksAsync(["call", method, "--as", "tpe-dosw", "--case", caseId, "--data", data, .. Centre]);

    private static JsonElement Json(string output) => JsonDocument.Parse(output).RootElement;

    private async Task<string> AsksAsync(string[] arguments)
    {
        var finished = await ChildProcess.RunDotnetAsync(Repository.CliDll, arguments, _folder);
        Assert.True(finished.ExitCode == 0, finished.ToString());
        return finished.Output;
    }
}
