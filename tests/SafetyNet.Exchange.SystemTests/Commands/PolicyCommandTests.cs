using System.Text.RegularExpressions;
using Grpc.Core;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Commands;

/// <summary><c>safetynet policy propose|activate|show|expiring</c> against a running exchange: the whole way of a changed policy, by two officers (R-NTK-16, B50).</summary>
[Trait("Rule", "R-NTK-16")]
public sealed class PolicyCommandTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private readonly SandboxProcess _sandbox = fixture.Sandbox;

    [Fact]
    [Trait("Abuse", "B50")]
    public async Task A_changed_policy_is_proposed_by_one_officer_refused_to_the_same_and_put_in_force_by_another()
    {
        var before = await RunAsync("show");
        Assert.Matches("revision +1  in force 現行", before.Output);
        var nothing = await RunAsync("expiring");
        Assert.True(nothing.ExitCode == 0, nothing.ToString());
        Assert.Contains("No legal basis of revision 1 ends within 60 days. 無即將屆期之法律依據。", nothing.Output, StringComparison.Ordinal);

        // The days of a registry are Taiwan's.
        var ends = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().ToOffset(TimeSpan.FromHours(8)).DateTime).AddDays(30).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        var proposed = await RunAsync("propose", Changed(ends), "--person", "S0007");
        Assert.True(proposed.ExitCode == 0, proposed.ToString());
        Assert.Matches("revision +2  proposed 提案", proposed.Output);
        var proposal = Find(proposed.Output, "proposal +(?<found>[0-9a-f-]{36})");
        var sha256 = Find(proposed.Output, "sha256 +(?<found>[0-9a-f]{64})");
        Assert.Contains($"safetynet policy activate {proposal}", proposed.Output, StringComparison.Ordinal);

        // The same person, in whatever writing of the staff number, is told whom to ask; the old revision stays.
        var same = await RunAsync("activate", proposal, "--person", "s0007", "--yes");
        Assert.Equal(1, same.ExitCode);
        var told = Joined(same.Errors);
        Assert.Contains("SECOND_PERSON_NEEDED", told, StringComparison.Ordinal);
        Assert.Contains("Ask another security officer of the operating agency.", told, StringComparison.Ordinal);
        Assert.Contains("請由營運機關之另一位資訊安全官啟用", told.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", same.Errors, StringComparison.Ordinal);

        // Another hash than that of the proposal is not what the second officer has read.
        var unread = await RunAsync("activate", proposal, "--person", "S0008", "--yes", "--sha256", new string('0', 64));
        Assert.Equal(1, unread.ExitCode);
        Assert.Contains("POLICY_HASH_DIFFERS", unread.Errors, StringComparison.Ordinal);
        Assert.Matches("revision +1  in force", (await RunAsync("show")).Output);

        var shown = await RunAsync("activate", proposal, "--person", "S0008");
        Assert.True(shown.ExitCode == 0, shown.ToString());
        Assert.Contains("loses 減列 CONTACT", shown.Output, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed; add --yes to activate.", shown.Output, StringComparison.Ordinal);
        Assert.Matches("revision +1  in force", (await RunAsync("show")).Output);

        var activated = await RunAsync("activate", proposal, "--person", "S0008", "--yes", "--sha256", sha256);
        Assert.True(activated.ExitCode == 0, activated.ToString());
        var after = await RunAsync("show");
        Assert.Matches("revision +2  in force 現行", after.Output);
        Assert.Equal((proposal, sha256), (Find(after.Output, "proposal +(?<found>[0-9a-f-]{36})"), Find(after.Output, "sha256 +(?<found>[0-9a-f]{64})")));
        Assert.Matches("proposed .* by tpe/security S0007", after.Output);
        Assert.Matches("activated .* by tpe/security S0008", after.Output);

        var expiring = await RunAsync("expiring", "--days", "90");
        Assert.Equal(1, expiring.ExitCode);
        Assert.Contains($"{ends}  LB-ROSTER-MATCHING", expiring.Output, StringComparison.Ordinal);
        Assert.Contains("IDENTITY", expiring.Output, StringComparison.Ordinal);
        Assert.Contains("TPE dosw: 0 open referrals, 0 open cases", expiring.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("expiring", "--days", "20")).ExitCode);

        await AssertInLogAsync(sha256);
        var decision = Find(told, "decision +(?<found>[0-9a-f-]{36})");
        var explained = await ChildProcess.RunDotnetAsync(Repository.CliDll, ["explain", decision, "--as", "tpe-security", "--officer", .. _sandbox.CliOptions], _sandbox.Folder);
        Assert.True(explained.ExitCode == 0, explained.ToString());
        Assert.Contains("reason: SECOND_PERSON_NEEDED", explained.Output, StringComparison.Ordinal);
        Assert.Contains("/safetynet.exchange.v1.PolicyService/ActivatePolicy", explained.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_that_is_not_newer_or_not_there_is_refused_with_what_to_do()
    {
        var old = await RunAsync("propose", PolicyFolder, "--person", "S0007");
        Assert.Equal(1, old.ExitCode);
        Assert.Contains("POLICY_NOT_NEWER", old.Errors, StringComparison.Ordinal);
        var absent = await RunAsync("propose", Path.Combine(_sandbox.Folder, "nowhere.json"));
        Assert.Equal(1, absent.ExitCode);
        Assert.Contains("There is no file", absent.Errors, StringComparison.Ordinal);
        var unknown = await RunAsync("activate", "0192f0a0-0000-7000-8000-000000000001", "--person", "S0008", "--yes");
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("NOT_FOUND", unknown.Errors, StringComparison.Ordinal);
    }

    private static string PolicyFolder => Path.Combine(Repository.Root, "src", "SafetyNet.Exchange.Server", "Policy");

    /// <summary>A folder with the policy of this program as revision 2: only the primary unit knows how to reach a person, and roster matching ends on a day.</summary>
    private string Changed(string ends)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_sandbox.Folder, "changed")).FullName;
        Write("need-to-know.json", "\"id\": \"NTK-CONTACT-SERVING\"", "[\"PRIMARY\", \"SERVING\", \"REFERRED_TO\"]", "[\"PRIMARY\"]");
        Write("legal-bases.json", "\"id\": \"LB-ROSTER-MATCHING\"", "\"approvedBy\"", $"\"until\": \"{ends}\", \"approvedBy\"");
        return folder;

        void Write(string file, string entry, string text, string by)
        {
            var json = File.ReadAllText(Path.Combine(PolicyFolder, file)).Replace("\"revision\": 1,", "\"revision\": 2,", StringComparison.Ordinal);
            var at = json.IndexOf(text, json.IndexOf(entry, StringComparison.Ordinal), StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder, file), json[..at] + by + json[(at + text.Length)..]);
        }
    }

    /// <summary>Who tried, who did, and which policy, stands in the log.</summary>
    private async Task AssertInLogAsync(string sha256)
    {
        using var officer = _sandbox.Connect("security");
        var duty = new Wire.AccessContext
        {
            Purpose = Wire.Purpose.Audit, LegalBasis = Wire.LegalBasis.AuditDuty,
            Actor = new Wire.ActingPerson { PersonId = "S0009", UnitId = "tpe-security", Role = Wire.ActorRole.SecurityOfficer },
        };
        using var reading = officer.Audit.ReadLog(new Wire.ReadLogRequest { Context = duty }, cancellationToken: TestContext.Current.CancellationToken);
        var acts = new List<Wire.AuditRecord>();
        await foreach (var answer in reading.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
            acts.AddRange(answer.Records.Select(Wire.AuditRecord.Parser.ParseFrom).Where(r => r.Method.EndsWith("PolicyService/ProposePolicy", StringComparison.Ordinal)
                || r.Method.EndsWith("PolicyService/ActivatePolicy", StringComparison.Ordinal)));
        var ofThis = acts.Where(r => r.Resources.Contains($"policy/2/{sha256}")).ToList();
        Assert.Equal(
            [("ProposePolicy", "S0007", Wire.AuditOutcome.Permitted, ""), ("ActivatePolicy", "s0007", Wire.AuditOutcome.Refused, "SECOND_PERSON_NEEDED"),
                ("ActivatePolicy", "S0008", Wire.AuditOutcome.Refused, "POLICY_HASH_DIFFERS"), ("ActivatePolicy", "S0008", Wire.AuditOutcome.Permitted, "")],
            ofThis.Select(r => (r.Method.Split('/')[^1], r.ActorPersonId, r.Outcome, r.Reason)));
    }

    private Task<Finished> RunAsync(params IEnumerable<string> arguments) => ChildProcess.RunDotnetAsync(Repository.CliDll, ["policy", .. arguments, .. _sandbox.CliOptions], _sandbox.Folder);

    private static string Find(string output, string pattern) =>
        Regex.Match(output, pattern, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)) is { Success: true } match ? match.Groups["found"].Value : throw new InvalidOperationException($"no {pattern} in: {output}");

    /// <summary>The text of a box, without its lines and the breaks that a terminal of 80 columns puts in.</summary>
    private static string Joined(string text) => Regex.Replace(text.Replace('│', ' '), @"\s+", " ", RegexOptions.None, TimeSpan.FromSeconds(1));
}
