using System.Text.Json;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Commands;

/// <summary>The officer's commands about keeping records and telling persons of them, against a sandbox.</summary>
[Trait("Rule", "R-AUD-4")]
public sealed class RetentionCommandTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private const string Why = "The district court asks for every look-up of this family";

    private static readonly string Somebody = new('a', 32);

    private SandboxProcess Sandbox => fixture.Sandbox;

    [Fact]
    [Trait("Abuse", "B68")]
    public async Task An_officer_places_a_hold_and_only_another_releases_it()
    {
        var placed = await CliAsync("audit", "hold", "place", "--subject", Somebody, "--agency", "edu", "--reason", Why, "--reference", "115-訴-0042", "--person", "S0007");
        Assert.True(placed.ExitCode == 0, placed.ToString());
        Assert.Contains($"person {Somebody}, agency edu, in TPE", placed.Output, StringComparison.Ordinal);
        var listed = await CliAsync("audit", "hold", "list", "--json");
        var hold = Assert.Single(listed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => line.Contains("115-訴-0042", StringComparison.Ordinal));
        var id = JsonDocument.Parse(hold).RootElement.GetProperty("holdId").GetString()!;
        var told = await CliAsync("audit", "retention");
        Assert.True(told.ExitCode == 0, told.ToString());
        Assert.Contains("1825 days", told.Output, StringComparison.Ordinal);
        Assert.Contains("1 open", told.Output, StringComparison.Ordinal);

        var same = await CliAsync("audit", "hold", "release", id, "--reason", Why, "--person", "S0007");
        Assert.Equal(1, same.ExitCode);
        Assert.Contains("SECOND_OFFICER_NEEDED", same.Errors, StringComparison.Ordinal);
        var released = await CliAsync("audit", "hold", "release", id, "--reason", Why, "--person", "S0008");
        Assert.True(released.ExitCode == 0, released.ToString());
        Assert.Contains("by S0008 of tpe-security", released.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(id, (await CliAsync("audit", "hold", "list", "--json")).Output, StringComparison.Ordinal);
        Assert.Contains(id, (await CliAsync("audit", "hold", "list", "--all", "--json")).Output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Rule", "R-AUD-5")]
    public async Task A_report_is_a_page_in_either_language_or_json_and_says_that_it_may_be_incomplete()
    {
        var chinese = await CliAsync("audit", "report", "--subject", Somebody);
        Assert.True(chinese.ExitCode == 0, chinese.ToString());
        Assert.Contains("個人資料查閱紀錄", chinese.Output, StringComparison.Ordinal);
        Assert.Contains("本紀錄可能不完整", chinese.Output, StringComparison.Ordinal);
        var english = await CliAsync("audit", "report", "--subject", Somebody, "--language", "en", "--for-officer");
        Assert.Contains("This report may be incomplete", english.Output, StringComparison.Ordinal);
        // What was left out is never on the page: the officer's own look-up a moment ago.
        Assert.Contains("SUP-8", english.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("SUP-", english.Output, StringComparison.Ordinal);
        var json = await CliAsync("audit", "report", "--subject", Somebody, "--json");
        Assert.All(json.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => JsonDocument.Parse(line).Dispose());
        Assert.Contains("noticeZh", json.Output, StringComparison.Ordinal);
        var nothing = await CliAsync("audit", "report", "--subject", "A1");
        Assert.Equal(1, nothing.ExitCode);
        Assert.Contains("pseudonym", nothing.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Possible_viewers_are_asked_for_by_a_national_id_from_standard_input()
    {
        var command = string.Join(' ', (string[])["dotnet", Repository.CliDll, "audit", "viewers", "--json", .. Sandbox.CliOptions]);
        var told = await ChildProcess.RunAsync("sh", ["-c", $"echo A123456789 | {command}"], Sandbox.Folder);
        Assert.True(told.ExitCode == 0, told.ToString());
        var wrong = await ChildProcess.RunAsync("sh", ["-c", $"echo A123456788 | {command}"], Sandbox.Folder);
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("national_id", wrong.Errors, StringComparison.Ordinal);
    }

    private Task<Finished> CliAsync(params string[] arguments) => ChildProcess.RunDotnetAsync(Repository.CliDll, [.. arguments, .. Sandbox.CliOptions], Sandbox.Folder);
}
