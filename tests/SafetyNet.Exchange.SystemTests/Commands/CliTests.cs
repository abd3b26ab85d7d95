using System.Text.Json;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Commands;

/// <summary>The <c>safetynet</c> command as scripts call it: what it prints, where, and with which exit code.</summary>
public sealed class CliTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private readonly SandboxProcess _sandbox = fixture.Sandbox;

    [Fact]
    public async Task Demo_without_a_sandbox_starts_one_of_its_own_and_prints_one_JSON_object()
    {
        var elsewhere = Directory.CreateTempSubdirectory("safetynet-demo-test-").FullName;
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["SAFETYNET_SERVER_DLL"] = Repository.ServerDll };
        var told = await ChildProcess.RunDotnetAsync(Repository.CliDll, ["demo", "--json"], elsewhere, environment);
        Assert.True(told.ExitCode == 0, told.ToString());
        using var figures = JsonDocument.Parse(told.Output);
        Assert.Equal(
            ["calls", "permitted", "refused", "withheldClasses", "recordsInLog", "logVerified"],
            figures.RootElement.EnumerateObject().Select(property => property.Name));
        var of = figures.RootElement;
        Assert.Equal(2, of.GetProperty("refused").GetInt32());
        Assert.Equal(of.GetProperty("calls").GetInt32(), of.GetProperty("permitted").GetInt32() + of.GetProperty("refused").GetInt32());
        Assert.Contains(of.GetProperty("withheldClasses").EnumerateArray(), name => name.ValueEquals("INVOLVEMENT"));
        Assert.True(of.GetProperty("recordsInLog").GetInt64() >= of.GetProperty("calls").GetInt32());
        Assert.True(of.GetProperty("logVerified").GetBoolean());
        // Nothing is left where it was called.
        Assert.Empty(Directory.EnumerateFileSystemEntries(elsewhere));
        Directory.Delete(elsewhere);
    }

    [Fact]
    public async Task Demo_against_a_sandbox_that_runs_tells_the_story_to_a_person()
    {
        var told = await RunAsync(["demo", .. _sandbox.CliOptions]);
        Assert.True(told.ExitCode == 0, told.ToString());
        Assert.Contains("學校轉介", told.Output, StringComparison.Ordinal);
        Assert.Contains("驗證軌跡", told.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Demo_against_an_exchange_that_is_not_there_says_so_and_fails()
    {
        var told = await RunAsync(["demo", "--endpoint", "https://localhost:1", "--certs", _sandbox.Certificates]);
        Assert.Equal(1, told.ExitCode);
        Assert.Contains("No exchange answers at https://localhost:1", Joined(told.Errors), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", told.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certs_init_makes_a_PKI_and_list_shows_it_and_a_second_init_changes_nothing()
    {
        var folder = Path.Combine(_sandbox.Folder, "certs-of-the-command");
        var made = await RunAsync(["certs", "init", "--certs", folder]);
        Assert.True(made.ExitCode == 0, made.ToString());
        var before = Contents(folder);
        Assert.NotEmpty(before);
        var listed = await RunAsync(["certs", "list", "--certs", folder]);
        Assert.Equal(0, listed.ExitCode);
        Assert.Contains("tpe-edu", listed.Output, StringComparison.Ordinal);
        Assert.Contains("spiffe://safetynet.gov.tw/tao/police/case-system", listed.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync(["certs", "init", "--certs", folder])).ExitCode);
        Assert.Equal(before, Contents(folder));
    }

    [Fact]
    public async Task Certs_list_of_a_folder_without_any_fails_with_what_to_do()
    {
        var listed = await RunAsync(["certs", "list", "--certs", Path.Combine(_sandbox.Folder, "nowhere")]);
        Assert.Equal(1, listed.ExitCode);
        Assert.Contains("safetynet certs init", Joined(listed.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_prints_the_answer_as_JSON_and_the_receipt_beside_it()
    {
        var answered = await RunAsync(["call", "MemberService/GetSelf", "--as", "tpe-edu", .. _sandbox.CliOptions]);
        Assert.True(answered.ExitCode == 0, answered.ToString());
        using var self = JsonDocument.Parse(answered.Output);
        Assert.Equal("spiffe://safetynet.gov.tw/tpe/edu/case-system", self.RootElement.GetProperty("system").GetProperty("spiffeId").GetString());
        Assert.Contains("record ", answered.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("subjects[0].national_id", """{"toUnitId":"tpe-central-swc","subjects":[{"nationalId":"A123456788","name":"測試一","birthDate":"2015-05-05"}],"services":["ARTICLE6_SERVICE_CARE_VISIT"],"view":{"classes":["CONFIDENTIALITY_CLASS_IDENTITY"]}}""")]
    [InlineData("subjects[0].birth_date", """{"toUnitId":"tpe-central-swc","subjects":[{"nationalId":"A123456789","name":"測試一","birthDate":"2015-02-30"}],"services":["ARTICLE6_SERVICE_CARE_VISIT"],"view":{"classes":["CONFIDENTIALITY_CLASS_IDENTITY"]}}""")]
    [InlineData("services[0]", """{"toUnitId":"tpe-central-swc","subjects":[{"nationalId":"A123456789","name":"測試一","birthDate":"2015-05-05"}],"services":[999],"view":{"classes":["CONFIDENTIALITY_CLASS_IDENTITY"]}}""")]
    [InlineData("request_id", """{"requestId":"not a uuid","toUnitId":"tpe-central-swc","subjects":[{"nationalId":"A123456789","name":"測試一","birthDate":"2015-05-05"}],"services":["ARTICLE6_SERVICE_CARE_VISIT"],"view":{"classes":["CONFIDENTIALITY_CLASS_IDENTITY"]}}""")]
    public async Task Call_with_a_bad_field_shows_field_reason_and_both_languages_and_fails(string field, string data)
    {
        var refused = await RunAsync(["call", "ReferralService/CreateReferral", "--as", "tpe-edu", "--data", data, .. _sandbox.CliOptions]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Empty(refused.Output);
        Assert.Contains(field, refused.Errors, StringComparison.Ordinal);
        Assert.Contains("INVALID_FIELD", refused.Errors, StringComparison.Ordinal);
        Assert.Contains("English", refused.Errors, StringComparison.Ordinal);
        Assert.Contains("中文", refused.Errors, StringComparison.Ordinal);
        Assert.Contains(refused.Errors, one => one is >= '\u4e00' and <= '\u9fff');
        Assert.DoesNotContain("A123456788", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_as_a_system_without_a_certificate_lists_those_there_are()
    {
        var refused = await RunAsync(["call", "MemberService/GetSelf", "--as", "tpe-bank", .. _sandbox.CliOptions]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("tpe-police", Joined(refused.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audit_verify_reads_the_whole_log_under_the_key_that_the_officer_holds()
    {
        var key = Path.Combine(_sandbox.Folder, "held.key");
        await File.WriteAllTextAsync(key, Foreign.StoryCast.LogKey(_sandbox), TestContext.Current.CancellationToken);
        var verified = await RunAsync(["audit", "verify", "--key", "@" + key, .. _sandbox.CliOptions]);
        Assert.True(verified.ExitCode == 0, verified.ToString());
        Assert.Contains("軌跡完整", verified.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audit_verify_under_another_key_does_not_call_the_log_intact()
    {
        using var another = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        using var verifier = new Protocol.Evidence.NoteSigner("sandbox.safetynet.gov.tw/log", another).ToVerifier();
        var refused = await RunAsync(["audit", "verify", "--key", verifier.ToVerifierKey(), .. _sandbox.CliOptions]);
        Assert.Equal(1, refused.ExitCode);
        Assert.DoesNotContain("軌跡完整", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_tells_a_decision_to_its_caller_in_either_language_and_its_inputs_to_an_officer()
    {
        var refused = await RunAsync(["call", "ReferralService/GetReferral", "--as", "tpe-edu", "--data", """{"referralId":"0192f0a0-0000-7000-8000-000000000001"}""", .. _sandbox.CliOptions]);
        var decision = System.Text.RegularExpressions.Regex.Match(refused.Errors, "decision +(?<id>[0-9a-f-]{36})", System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["id"].Value;
        Assert.Equal(36, decision.Length);

        var english = await RunAsync(["explain", decision, "--as", "tpe-edu", .. _sandbox.CliOptions]);
        Assert.True(english.ExitCode == 0, english.ToString());
        Assert.Contains("reason: NOT_FOUND", english.Output, StringComparison.Ordinal);
        Assert.Contains("LB-ART6-SERVICE", english.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("inputs of the decision", english.Output, StringComparison.Ordinal);

        var chinese = await RunAsync(["explain", decision, "--as", "tpe-edu", "--language", "zh-TW", .. _sandbox.CliOptions]);
        Assert.Contains("結果: 拒絕", chinese.Output, StringComparison.Ordinal);
        Assert.Contains("適用規則", chinese.Output, StringComparison.Ordinal);

        var officer = await RunAsync(["explain", decision, "--as", "tpe-security", "--officer", .. _sandbox.CliOptions]);
        Assert.Contains("inputs of the decision", officer.Output, StringComparison.Ordinal);
        Assert.Contains("/safetynet.exchange.v1.ReferralService/GetReferral", officer.Output, StringComparison.Ordinal);

        var json = await RunAsync(["explain", decision, "--as", "tpe-edu", "--json", .. _sandbox.CliOptions]);
        using var told = JsonDocument.Parse(json.Output);
        Assert.Equal("NOT_FOUND", told.RootElement.GetProperty("reason").GetString());

        var another = await RunAsync(["explain", decision, "--as", "tpe-police", .. _sandbox.CliOptions]);
        Assert.Equal(1, another.ExitCode);
        Assert.Contains("NOT_FOUND", another.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_lists_what_would_open_a_withheld_class()
    {
        var listed = await RunAsync(["call", "ReferralService/ListReferrals", "--as", "tpe-labor", .. _sandbox.CliOptions]);
        using var answer = JsonDocument.Parse(listed.Output);
        var decision = answer.RootElement.GetProperty("disclosure").GetProperty("decisionId").GetString()!;
        var told = await RunAsync(["explain", decision, "--as", "tpe-labor", "--language", "zh-TW", .. _sandbox.CliOptions]);
        Assert.True(told.ExitCode == 0, told.ToString());
        Assert.Contains("得揭露之情形", told.Output, StringComparison.Ordinal);
        Assert.Contains("關係: ", told.Output, StringComparison.Ordinal);
        Assert.Contains("NTK-", told.Output, StringComparison.Ordinal);
    }

    private Task<Finished> RunAsync(IEnumerable<string> arguments) => ChildProcess.RunDotnetAsync(Repository.CliDll, arguments, _sandbox.Folder);

    /// <summary>Without the line breaks that a terminal of 80 columns puts in.</summary>
    private static string Joined(string text) => text.ReplaceLineEndings(" ").Replace("  ", " ", StringComparison.Ordinal);

    private static SortedDictionary<string, string> Contents(string folder) => new(
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".crl", StringComparison.Ordinal))
            .ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllText, StringComparer.Ordinal),
        StringComparer.Ordinal);
}
