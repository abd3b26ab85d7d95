using System.Globalization;
using System.Text;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.SystemTests.Foreign;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>
/// kill -9 while agencies work, again and again on one data folder. What was acknowledged is there, once; what was not is made again and happens once; the log
/// holds every receipt and goes on from every head it ever signed.
/// </summary>
public sealed class KillUnderLoadTests(ITestOutputHelper output)
{
    /// <summary>How often the server is killed; SAFETYNET_CAMPAIGN asks for more.</summary>
    private const int DefaultKills = 10;

    private const int RepeatsPerKill = 5;

    private static readonly TimeSpan RestartLimit = TimeSpan.FromSeconds(5);

    [Fact]
    [Trait("Rule", "R-AUD-8")]
    public async Task Killed_at_random_moments_it_is_back_within_5_seconds_with_every_acknowledged_call_and_a_log_that_verifies()
    {
        var kills = int.TryParse(Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN"), NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : DefaultKills;
        var seed = Environment.TickCount;
        output.WriteLine($"{kills} kills, moments by seed {seed}");
        var random = new Random(seed);
        await using var sandbox = await SandboxProcess.StartAsync("--Limits:PerPersonPerMinute=10000000", "--Limits:PerAgencyPerMinute=10000000", "--Limits:LookUps:PerPerson=10000000", "--Limits:LookUps:PerAgency=10000000");
        var ledger = new Ledger();
        var restarts = new List<StartTime>();
        var heads = new List<SignedCheckpoint>();
        using var load = new Load(sandbox, ledger);
        for (var kill = 1; kill <= kills; kill++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(400, 1600)), TestContext.Current.CancellationToken);
            heads.Add(await GetCheckpointAsync(sandbox));
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 200)), TestContext.Current.CancellationToken);
            await sandbox.KillAsync();
            var (acknowledged, creations) = (new Dictionary<string, Wire.ReferralState>(ledger.Referrals, StringComparer.Ordinal), ledger.Creations.Values.ToList());
            // Sometimes it does not even come up before it is killed again.
            if (kill % 4 == 0)
                await sandbox.RunAndKillAsync(TimeSpan.FromMilliseconds(random.Next(200, 2000)));
            restarts.Add(await sandbox.RunAsync());
            await AssertKeptAsync(sandbox, acknowledged);
            for (var repeat = 0; repeat < RepeatsPerKill && creations.Count > 0; repeat++)
            {
                var creation = creations[random.Next(creations.Count)];
                var again = await load.RepeatAsync(creation);
                Assert.True(ledger.Creations.TryGetValue(again.ReferralId, out var first) && string.Equals(first.RequestId, creation.RequestId, StringComparison.Ordinal), "a repeated request_id answers with what the first call made");
            }
        }

        await load.StopAsync();
        Assert.Empty(ledger.Broken);
        await AssertKeptAsync(sandbox, ledger.Referrals);
        Assert.Equal(ledger.Referrals.Keys.Order(StringComparer.Ordinal), (await ListReferralsAsync(sandbox)).Select(one => one.ReferralId).Order(StringComparer.Ordinal));
        await AssertLogKeepsAsync(sandbox, ledger, heads);

        output.WriteLine($"{ledger.Creations.Count} referrals, {ledger.Receipts.Count} receipts, {ledger.Unanswered} calls unanswered and made again");
        output.WriteLine($"restarts in seconds: {string.Join(", ", restarts)}");
        Assert.All(restarts, restart => Assert.True(restart.Own < RestartLimit, $"{restart}, longer than {RestartLimit}"));
        Assert.Empty(sandbox.LoggedErrors());
    }

    /// <summary>Each acknowledged referral stands at the school in its acknowledged state or a later one, once.</summary>
    private static async Task AssertKeptAsync(SandboxProcess sandbox, IReadOnlyDictionary<string, Wire.ReferralState> acknowledged)
    {
        var found = (await ListReferralsAsync(sandbox)).ToLookup(one => one.ReferralId, one => one.State, StringComparer.Ordinal);
        Assert.All(acknowledged, promise => Assert.True(Assert.Single(found[promise.Key]) >= promise.Value));
    }

    private static async Task<List<Wire.Referral>> ListReferralsAsync(SandboxProcess sandbox)
    {
        using var school = sandbox.Connect("edu");
        var found = new List<Wire.Referral>();
        var request = new Wire.ListReferralsRequest
        {
            Context = new Wire.AccessContext
            {
                Purpose = Wire.Purpose.ServiceDelivery,
                LegalBasis = Wire.LegalBasis.Article6IntegratedService,
                Actor = new Wire.ActingPerson { PersonId = "T0001", Role = Wire.ActorRole.Worker, UnitId = "tpe-school" },
            },
            PageSize = 100,
        };
        do
        {
            var page = await school.Referrals.ListReferralsAsync(request, cancellationToken: TestContext.Current.CancellationToken);
            found.AddRange(page.Referrals);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return found;
    }

    private static async Task<SignedCheckpoint> GetCheckpointAsync(SandboxProcess sandbox)
    {
        using var officer = sandbox.Connect("security");
        Assert.True(NoteVerifier.TryParse(StoryCast.LogKey(sandbox), out var key, out _));
        using (key)
        {
            var answer = await officer.Audit.GetCheckpointAsync(new Wire.GetCheckpointRequest { Context = Duty }, cancellationToken: TestContext.Current.CancellationToken);
            Assert.True(SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(answer.Note), key, [], out var opened, out var problem), problem);
            return opened;
        }
    }

    private static async Task AssertLogKeepsAsync(SandboxProcess sandbox, Ledger ledger, List<SignedCheckpoint> heads)
    {
        var receipts = ledger.Receipts.ToDictionary(receipt => receipt.Position);
        var last = receipts.Keys.Max();
        var started = TimeProvider.System.GetTimestamp();
        while (heads[^1].Checkpoint.Size <= last)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(15), "a record is under a signed head within seconds");
            await Task.Delay(TimeSpan.FromMilliseconds(250), TestContext.Current.CancellationToken);
            heads.Add(await GetCheckpointAsync(sandbox));
        }

        using var officer = sandbox.Connect("security");
        var (verifier, refused) = (new LogVerifier(heads), ledger.Refused);
        var kept = 0;
        var creations = new Dictionary<string, int>(StringComparer.Ordinal);
        using var reading = officer.Audit.ReadLog(new Wire.ReadLogRequest { Context = Duty, End = (ulong)heads[^1].Checkpoint.Size }, cancellationToken: TestContext.Current.CancellationToken);
        await foreach (var answer in reading.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            foreach (var entry in answer.Entries())
            {
                verifier.Add(entry);
                var isPromised = receipts.TryGetValue(entry.Index, out var receipt) && receipt.RecordHash == entry.LeafHash;
                // A call that was refused before its caller was known, as with a token of the run before, is no county's: of its record there is the hash.
                if (entry.Record is not { } bytes)
                {
                    kept += isPromised && refused.Contains(receipt!.DecisionId) ? 1 : 0;
                    continue;
                }

                var record = Wire.AuditRecord.Parser.ParseFrom(bytes.Span);
                if (isPromised && string.Equals(receipt!.DecisionId, record.DecisionId, StringComparison.Ordinal))
                    kept++;
                if (record.Outcome == Wire.AuditOutcome.Permitted && record.Method.EndsWith("/CreateReferral", StringComparison.Ordinal))
                    creations[record.RequestId] = creations.GetValueOrDefault(record.RequestId) + 1;
            }
        }

        var verdict = verifier.Finish();
        Assert.True(verdict.IsIntact, verdict.Explanation);
        Assert.Equal(receipts.Count, ledger.Receipts.Count);
        Assert.Equal(receipts.Count, kept);
        // Once each in the log too, however often it was asked for.
        Assert.Equal(ledger.Creations.Values.Select(one => one.RequestId).Order(StringComparer.Ordinal), creations.Keys.Order(StringComparer.Ordinal));
        Assert.All(creations, one => Assert.Equal(1, one.Value));
    }

    private static Wire.AccessContext Duty => new()
    {
        Purpose = Wire.Purpose.Audit,
        LegalBasis = Wire.LegalBasis.AuditDuty,
        Actor = new Wire.ActingPerson { PersonId = "S0001", Role = Wire.ActorRole.SecurityOfficer, UnitId = "tpe-security" },
    };
}
