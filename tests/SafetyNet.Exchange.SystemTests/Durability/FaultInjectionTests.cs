using System.Collections.Concurrent;
using System.Globalization;
using SafetyNet.Exchange.SystemTests.Foreign;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>
/// System calls that fail, or that the server does not survive, at each n-th of them: whoever got an answer has its record in the log, what was acknowledged is
/// there once, the log verifies, and the next start needs nobody.
/// </summary>
public sealed class FaultInjectionTests(ITestOutputHelper output)
{
    /// <summary>Injections of a run; SAFETYNET_CAMPAIGN asks for more.</summary>
    private const int DefaultInjections = 150;

    /// <summary>Servers at a time: a restart keeps one processor busy for seconds.</summary>
    private const int Lanes = 2;

    /// <summary>How often the script runs on a disk that is full now and then.</summary>
    private const int DaysOfFullDisk = 2;

    /// <summary>Draws the moments; SAFETYNET_SEED asks for others.</summary>
    private const int DefaultSeed = 62;

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30), StartLimit = TimeSpan.FromSeconds(60), SignalLimit = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentBag<string> _violations = [];
    private readonly ConcurrentDictionary<string, int> _injections = new(StringComparer.Ordinal);
    private int _next = -1;
    private int _injected;

    [Fact]
    [Trait("Abuse", "B62")]
    [Trait("Abuse", "B64")]
    [Trait("Rule", "R-AUD-8")]
    public async Task Whatever_system_call_fails_or_kills_no_answered_call_is_without_its_record_and_the_next_start_needs_nobody()
    {
        await Strace.RequireAsync();
        var (target, seed) = (Asked("SAFETYNET_CAMPAIGN", DefaultInjections), Asked("SAFETYNET_SEED", DefaultSeed));
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(_ => Task.Run(() => RunLaneAsync(target, seed))));

        output.WriteLine($"{_injected} injections in {_next + 1 - Lanes} rounds, seed {seed}");
        foreach (var (kind, count) in _injections.OrderBy(kind => kind.Key, StringComparer.Ordinal))
            output.WriteLine($"  {kind}: {count}");
        output.WriteLine($"permitted: {FaultScript.Permitted.Count} methods; refused with their record: {FaultScript.Refused.Count}");
        Assert.True(_violations.IsEmpty, string.Join('\n', _violations));
        Assert.True(_injected >= target, $"only {_injected} injections");
    }

    private static int Asked(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : otherwise;

    private async Task RunLaneAsync(int target, int seed)
    {
        await using var sandbox = await SandboxProcess.StartAsync("--Sandbox:Persons=100", "--Limits:PerPersonPerMinute=10000000", "--Limits:PerAgencyPerMinute=10000000", "--Limits:LookUps:PerPerson=10000000", "--Limits:LookUps:PerAgency=10000000");
        var promises = new Promises();
        while (true)
        {
            var number = Interlocked.Increment(ref _next);
            // Each kind at least once, whatever the disks of the first ones counted up to.
            if (number >= Fault.KindsOfTurn && Volatile.Read(ref _injected) >= target)
                return;
            var fault = Fault.At(seed, number);
            var line = Strace.LineOf(fault.Options(sandbox.Data));
            var began = TimeProvider.System.GetTimestamp();
            try
            {
                if (fault.Moment == FaultMoment.AtFirstStart)
                {
                    await sandbox.KillAsync();
                    Directory.Delete(sandbox.Data, recursive: true);
                    promises = new Promises();
                }

                var (injected, what) = fault.Moment switch
                {
                    FaultMoment.AtWork => await MeetAtWorkAsync(sandbox, promises, fault),
                    FaultMoment.AtStop => await MeetAtStopAsync(sandbox, promises, fault),
                    _ => await MeetAtStartAsync(sandbox, fault),
                };
                if (!sandbox.IsRunning)
                    await sandbox.RunAsync();
                List<string> broken = [.. what, .. promises.FindBroken(sandbox.Database, StoryCast.LogKey(sandbox))];
                foreach (var violation in broken)
                    _violations.Add($"{number}: {line}: {violation}");
                Interlocked.Add(ref _injected, injected);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{number}: {fault.Moment} {fault.Call} {fault.Deed} {fault.When}: {injected} in {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s"));
                _injections.AddOrUpdate($"{fault.Moment} {fault.Call} {fault.Deed}", injected, (_, count) => count + injected);
            }
            catch (Exception error)
            {
                _violations.Add($"{number}: {line}: {error}\n{sandbox.Log}");
                return;
            }
        }
    }

    private static async Task<(int Injected, IEnumerable<string> Broken)> MeetAtWorkAsync(SandboxProcess sandbox, Promises promises, Fault fault)
    {
        var broken = new List<string>();
        var strace = await Strace.AttachAsync(sandbox.ProcessId, fault.Options(sandbox.Data));
        await using (strace)
        {
            using var script = new FaultScript(sandbox, promises);
            var isGone = false;
            try
            {
                for (var day = 0; day < (fault.Outcome == FaultOutcome.GoesOn ? DaysOfFullDisk : 1); day++)
                    await script.RunAsync();
            }
            catch (ServerGoneException)
            {
                isGone = true;
            }

            // A stop begins with the failed flush; a signal takes no time.
            var isToEnd = isGone || fault.Outcome == FaultOutcome.Stops;
            var code = await sandbox.WaitForEndAsync(isToEnd ? EndLimit : SignalLimit);
            var injected = Strace.Count(await strace.EndAsync(), fault, code);
            broken.AddRange(script.Broken);
            if (fault.Outcome == FaultOutcome.GoesOn && (isGone || code is not null))
                broken.Add($"a full disk ended the server, or its calls did not get through: exit code {code}, {script.Unrecorded} calls without a record");
            if (injected > 0 && fault.Outcome == FaultOutcome.Stops && code != 3)
                broken.Add($"a failed flush did not stop the server with exit code 3 but {code}");
            if (fault.Outcome == FaultOutcome.GoesOn && script.Unrecorded == 0 && injected > 5)
                broken.Add("no call was refused on a full disk");
            if (sandbox.IsRunning && fault.Outcome == FaultOutcome.GoesOn)
            {
                using var after = new FaultScript(sandbox, promises);
                await after.RunAsync();
                if (after.Unrecorded > 0)
                    broken.Add("calls are refused with room on the disk again");
                broken.AddRange(after.Broken);
            }

            return (injected, broken);
        }
    }

    private static async Task<(int Injected, IEnumerable<string> Broken)> MeetAtStopAsync(SandboxProcess sandbox, Promises promises, Fault fault)
    {
        // Something to put in order.
        using (var script = new FaultScript(sandbox, promises))
            await script.RunAsync();
        var strace = await Strace.AttachAsync(sandbox.ProcessId, fault.Options(sandbox.Data));
        await using (strace)
        {
            await ChildProcess.RunAsync("kill", ["-TERM", $"{sandbox.ProcessId}"]);
            var code = await sandbox.WaitForEndAsync(EndLimit);
            var trace = await strace.EndAsync();
            return (Strace.Count(trace, fault, code), code is null ? ["it does not stop"] : []);
        }
    }

    private static async Task<(int Injected, IEnumerable<string> Broken)> MeetAtStartAsync(SandboxProcess sandbox, Fault fault)
    {
        if (sandbox.IsRunning)
            await sandbox.KillAsync();
        var trace = Path.Combine(sandbox.Folder, "strace.txt");
        var code = await sandbox.RunUnderAsync("strace", [.. fault.Options(sandbox.Data), "-o", trace], StartLimit);
        var injected = Strace.Count(await File.ReadAllTextAsync(trace), fault, code);
        return (injected, injected > 0 && fault.Outcome == FaultOutcome.Stops && code != 2 ? [$"it serves what the disk may not hold, or ended with {code}"] : []);
    }
}
