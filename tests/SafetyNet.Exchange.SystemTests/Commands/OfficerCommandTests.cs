using System.Text.Json;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Commands;

/// <summary>Security officers at the command line: a decoy is asked for and found, and two of them reveal who stands behind a pseudonym.</summary>
[Trait("Rule", "R-AUD-6")]
[Trait("Rule", "R-AUD-7")]
public sealed class OfficerCommandTests : IAsyncLifetime
{
    private const string Decoy = "Z123456780";
    private const string Why = "政風調查需通知當事人到場陳述意見，並確認其權益受損情形。";

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-officer-").FullName;
    private SandboxProcess? _sandbox;

    private string[] Options => [.. _sandbox!.CliOptions];

    public async ValueTask InitializeAsync() => _sandbox = await SandboxProcess.StartAsync("--Misuse:PauseSeconds=1");

    public async ValueTask DisposeAsync()
    {
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    [Trait("Abuse", "B32")]
    [Trait("Abuse", "B68")]
    public async Task A_decoy_is_planted_found_and_disposed_of_and_a_pseudonym_revealed_by_two()
    {
        var planted = await AsksAsync(Decoy, "audit", "canary", "plant", "--person", "S0007", "--json");
        await AsksAsync(Decoy, "audit", "staff", "register", "--agency", "edu", "--staff", "T0217");
        var refused = await RunAsync("", "call", "HouseholdService/LookUpHousehold", "--as", "tpe-dosw", "--person", "W0108", "--case", Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString(), "--data", $$"""{"nationalId":"{{Decoy}}"}""");
        Assert.Equal(1, refused.ExitCode);

        var finding = "";
        for (var tries = 0; finding.Length == 0; tries++)
        {
            Assert.True(tries < 60, "the scan found nothing");
            await Task.Delay(TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
            var listed = JsonDocument.Parse(await AsksAsync("", "audit", "findings", "list", "--rule", "CANARY", "--json")).RootElement;
            if (listed.TryGetProperty("findings", out var findings) && findings.GetArrayLength() > 0) finding = findings[0].GetProperty("findingId").GetString()!;
        }

        Assert.Contains("W0108", await AsksAsync("", "audit", "findings", "list", "--state", "OPEN"), StringComparison.Ordinal);
        var shown = await AsksAsync("", "audit", "findings", "show", finding);
        Assert.Contains("refused 1", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(Decoy, shown, StringComparison.Ordinal);
        Assert.Contains("S0007", await AsksAsync("", "audit", "findings", "dispose", finding, "CONFIRMED", "--note", Why, "--person", "S0007"), StringComparison.Ordinal);
        Assert.Contains("100.0 %", await AsksAsync("", "audit", "findings", "rules"), StringComparison.Ordinal);

        var subject = JsonDocument.Parse(await AsksAsync("", "audit", "findings", "show", finding, "--json")).RootElement.GetProperty("finding").GetProperty("subject").GetString()!;
        var requested = JsonDocument.Parse(await AsksAsync("", "audit", "reveal", "request", subject, "--reason", Why, "--proceeding", "115-0042", "--person", "S0007", "--json"));
        var reveal = requested.RootElement.GetProperty("reveal").GetProperty("revealId").GetString()!;
        var early = await RunAsync("", "audit", "reveal", "show", reveal, "--person", "S0007");
        Assert.True(early.ExitCode == 1 && early.Errors.Contains("REVEAL_NOT_APPROVED", StringComparison.Ordinal), early.ToString());
        var own = await RunAsync("", "audit", "reveal", "decide", reveal, "--approve", "--reason", Why, "--person", "S0007");
        Assert.True(own.ExitCode == 1 && own.Errors.Contains("NOT_YOUR_MOVE", StringComparison.Ordinal), own.ToString());
        Assert.Contains(reveal, await AsksAsync("", "audit", "reveal", "list", "--undecided"), StringComparison.Ordinal);
        await AsksAsync("", "audit", "reveal", "decide", reveal, "--approve", "--reason", Why, "--person", "S0008");
        // Nobody has that number: the decoy.
        Assert.Contains("查無此人", await AsksAsync("", "audit", "reveal", "show", reveal, "--person", "S0007"), StringComparison.Ordinal);
        await AsksAsync("", "audit", "canary", "withdraw", JsonDocument.Parse(planted).RootElement.GetProperty("canaryId").GetString()!);
    }

    /// <summary>Runs a command that must succeed; what it printed.</summary>
    private async Task<string> AsksAsync(string input, params string[] arguments)
    {
        var finished = await RunAsync(input, arguments);
        Assert.True(finished.ExitCode == 0, finished.ToString());
        return finished.Output;
    }

    /// <summary>The command with a line on its standard input.</summary>
    private Task<Finished> RunAsync(string input, params string[] arguments) => ChildProcess.RunAsync(
        "/bin/sh", ["-c", "line=$1; shift; printf '%s\\n' \"$line\" | dotnet \"$@\"", "sh", input, Repository.CliDll, .. arguments, .. Options], _folder);
}
