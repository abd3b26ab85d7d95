using System.Globalization;
using SafetyNet.Exchange.SystemTests.Foreign;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>
/// kill -9 while workers of four units work on one case, again and again on one data folder: every acknowledged change is there, none twice, and one unit is primary whenever one looks.
/// </summary>
[Trait("Rule", "R-CASE-1")]
[Trait("Rule", "R-CASE-2")]
[Trait("Rule", "R-CASE-3")]
[Trait("Rule", "R-CASE-5")]
[Trait("Rule", "R-CASE-7")]
public sealed class CaseKillTests(ITestOutputHelper output)
{
    /// <summary>How often the server is killed; SAFETYNET_CAMPAIGN asks for more.</summary>
    private const int DefaultKills = 3;

    private const int WritesBetweenKills = 60;

    [Fact]
    public async Task Killed_at_random_moments_a_case_keeps_every_acknowledged_change_once_and_one_primary()
    {
        var kills = int.TryParse(Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN"), NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : DefaultKills;
        var seed = Environment.TickCount;
        output.WriteLine($"{kills} kills, moments by seed {seed}");
        var random = new Random(seed);
        await using var sandbox = await SandboxProcess.StartAsync("--Limits:PerPersonPerMinute=10000000", "--Limits:PerAgencyPerMinute=10000000");
        var (ledger, promises, restarts) = (new CaseLedger(), new Promises(), new List<TimeSpan>());
        using var load = new CaseLoad(sandbox, ledger, promises);
        await load.BeginAsync();
        using var stop = new CancellationTokenSource();
        var watching = Task.Run(() => WatchPrimaries(sandbox.Database, load.CaseId, stop.Token));
        for (var kill = 1; kill <= kills; kill++)
        {
            await WorkOnAsync(promises);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 400)), TestContext.Current.CancellationToken);
            await sandbox.KillAsync();
            var acknowledged = ledger.Copy();
            // Sometimes it does not even come up before it is killed again.
            if (kill % 4 == 0)
                await sandbox.RunAndKillAsync(TimeSpan.FromMilliseconds(random.Next(200, 2000)));
            Assert.Equal(1L, CaseLedger.CountPrimaries(sandbox.Database, load.CaseId));
            CaseLedger.AssertKept(sandbox.Database, load.CaseId, acknowledged);
            restarts.Add((await sandbox.RunAsync()).Own);
        }

        await WorkOnAsync(promises);
        await load.StopAsync();
        await stop.CancelAsync();
        var (looks, wrong) = await watching;
        output.WriteLine($"{ledger.Notes.Count} notes, {ledger.Notes.Values.Sum() - ledger.Notes.Count} amendments, {ledger.Goals.Values.Sum()} changes of goals, {ledger.Progress.Count} entries of progress, "
            + $"{ledger.Visits.Count} visits, {ledger.Proposed} proposals of the primary role, {ledger.Passed} hand-overs");
        output.WriteLine($"{promises.Writes} acknowledged writes, {promises.Receipts} receipts, {ledger.Unanswered} calls unanswered and made again; refused: {string.Join(", ", ledger.Refused)}");
        output.WriteLine($"{looks} looks at the primary role; slowest restart {restarts.Max().TotalSeconds:0.00} s of its own time");

        Assert.Empty(ledger.Broken);
        Assert.Equal(0, wrong);
        Assert.True(looks > 20 * kills, $"the primaries were looked at only {looks} times");
        ledger.AssertExactly(sandbox.Database, load.CaseId);
        Assert.Empty(promises.FindBroken(sandbox.Database, StoryCast.LogKey(sandbox)));
        // Of each kind of deed enough was done, and calls were cut off, or this shows nothing.
        Assert.All((int[])[ledger.Notes.Count - 2, ledger.Notes.Values.Max() - 1, ledger.Goals.Values.Max(), ledger.Progress.Count, ledger.Visits.Count, ledger.Unanswered], count => Assert.True(count > kills));
        Assert.True(ledger.Passed > 0, "the primary role never passed");
        Assert.Empty(sandbox.LoggedErrors());
    }

    /// <summary>Waits until the server has begun to serve again and some work was done, however busy the machine is.</summary>
    private static async Task WorkOnAsync(Promises promises)
    {
        var (before, since) = (promises.Writes, TimeProvider.System.GetTimestamp());
        while (promises.Writes < before + WritesBetweenKills)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(90), "nothing goes on after a restart");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Looks until told to stop; how often it looked, and how often there was not exactly one.</summary>
    private static (int Looks, int Wrong) WatchPrimaries(string database, string caseId, CancellationToken stop)
    {
        var (looks, wrong) = (0, 0);
        while (!stop.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(2)))
        {
            if (CaseLedger.CountPrimaries(database, caseId) is not { } primaries) continue;
            looks++;
            if (primaries != 1) wrong++;
        }

        return (looks, wrong);
    }
}
