using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Misuse;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Worlds;
using Scan = SafetyNet.Exchange.Server.Misuse.MisuseScan;

namespace SafetyNet.Exchange.Tests.Misuse;

/// <summary>What the writer hands to the scan is a shortcut: whatever of it was left out, lost or read twice, the findings are those of the log alone.</summary>
[Trait("Rule", "R-AUD-7")]
public sealed class MisuseFeedTests : IAsyncLifetime
{
    private const string LookUp = "/safetynet.exchange.v1.HouseholdService/LookUpHousehold", Changes = "/safetynet.exchange.v1.ReferralService/CreateReferral";

    private TestExchange Own { get; set; } = null!;

    public async ValueTask InitializeAsync() => Own = await MisuseMoves.StartAtWorkAsync();

    public async ValueTask DisposeAsync() => await Own.DisposeAsync();

    [Theory]
    [InlineData(1000, 1)]
    [InlineData(7, 2)]
    [InlineData(1, 3)]
    [InlineData(0, 4)]
    public async Task What_is_handed_over_and_what_did_not_fit_find_what_the_log_alone_finds(int mostFed, ulong seed)
    {
        var (dice, before) = (new Dice(seed), Own.Composition.Log.Size);
        await AddStaffAndDecoysAsync();
        var scan = Begin(mostFed);
        await ActAsync(dice, 600, async () => await scan.ScanAsync(CancellationToken.None), everyPercent: 5);
        await AssertFoundAsInTheLogAloneAsync(scan);
        Assert.True(scan.Looked.Read >= before, "what stood before it began is read from the log");
        Assert.Equal(mostFed > 0, scan.Looked.Fed > 0);
        if (mostFed == 1000) Assert.True(scan.Looked.Fed > 600, $"{scan.Looked}: hardly anything was handed over");
        else Assert.True(scan.Looked.Read > before + 100, $"{scan.Looked}: nothing was left out");
    }

    [Fact]
    public async Task A_restart_in_the_middle_finds_what_the_log_alone_finds()
    {
        var dice = new Dice(5);
        await AddStaffAndDecoysAsync();
        var scan = Begin(50);
        for (var start = 0; start < 3; start++)
        {
            await ActAsync(dice, 200, async () => await scan.ScanAsync(CancellationToken.None), everyPercent: 4);
            // What is committed now is handed over, and lost with the process.
            await ActAsync(dice, 20, () => Task.CompletedTask, everyPercent: 0);
            var (folder, now) = (Own.Folder, Own.Clock.GetUtcNow());
            await Own.StopAsync();
            Own = await MisuseMoves.StartAtWorkAsync(folder);
            Own.Clock.Advance(now - Own.Clock.GetUtcNow());
            scan = Begin(50);
        }

        await AssertFoundAsInTheLogAloneAsync(scan);
    }

    [Fact]
    public async Task Where_a_commit_of_findings_fails_what_was_handed_over_is_read_again()
    {
        var (dice, failed) = (new Dice(6), 0);
        await AddStaffAndDecoysAsync();
        var (scan, isHeld) = (Begin(50), false);
        Own.Composition.Commits.IsHeld = () => isHeld;
        await ActAsync(dice, 500, async () =>
        {
            isHeld = dice.Falls(40);
            if (isHeld) failed++;
            await scan.ScanAsync(CancellationToken.None);
            isHeld = false;
        }, everyPercent: 6);
        Assert.True(failed > 5);
        await AssertFoundAsInTheLogAloneAsync(scan);
    }

    [Fact]
    public async Task Beside_the_writer_nothing_is_left_out_or_counted_twice()
    {
        await AddStaffAndDecoysAsync();
        var scan = Begin(40);
        using var ends = new CancellationTokenSource();
        var scanning = Task.Run(async () =>
        {
            while (!ends.IsCancellationRequested) await scan.ScanAsync(CancellationToken.None);
        }, CancellationToken.None);
        var dice = new Dice(7);
        for (var burst = 0; burst < 60; burst++) await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => CommitAsync(dice)));
        await ends.CancelAsync();
        await scanning;
        Assert.True(scan.Looked is { Fed: > 100, Read: > 100 }, $"{scan.Looked}");
        await AssertFoundAsInTheLogAloneAsync(scan, rules: 5);
    }

    [Fact]
    public void Records_leave_the_queue_once_in_their_order_and_only_where_they_follow()
    {
        var some = new Dice(8);
        var entries = Enumerable.Range(0, 200).Select(_ => EntryOf(some)).Where(one => one.Scanned is not null).ToList();
        for (var seed = 0UL; seed < 200; seed++)
        {
            var dice = new Dice(seed);
            var (most, appended, next) = (dice.Next(6), dice.Next(3), 0L);
            var (feed, taken, handed) = (new MisuseFeed(most), new List<(long Position, ScannedRecord? Record)>(), 0);
            for (var step = 0; step < 300; step++)
            {
                for (var more = dice.Next(4); more > 0; more--) feed.Appended(appended, At(appended++));
                taken.Clear();
                var count = dice.Next(5);
                feed.Take(next, count, taken);
                Assert.Equal(Enumerable.Range(0, taken.Count).Select(at => next + at), taken.Select(one => one.Position));
                Assert.InRange(taken.Count, 0, Math.Min(count, most));
                Assert.All(taken, one => Assert.Same(At(one.Position).Scanned, one.Record));
                (handed, next) = (handed + taken.Count, next + taken.Count);
                // What waits lies ahead; up to there the log is read, or a part of it.
                Assert.True(feed.First is null || feed.First >= next, $"{feed.First} waits, {next} is next");
                if (taken.Count == 0 && dice.Falls(60)) next = Math.Min(appended, next + dice.Next((int)Math.Min(feed.First ?? appended, appended) - (int)next + 2));
            }

            Assert.Equal(most > 0, handed > 0);
        }

        AuditEntry At(long position) => entries[(int)(position % entries.Count)];
    }

    /// <summary>A scan of one's own beside the exchange's, which looks at nothing.</summary>
    private Scan Begin(int mostFed)
    {
        var made = Own.Composition;
        var rules = MisuseRules.Load(Own.Options.Misuse.RulesPath);
        var checks = new MisuseChecks(rules, made.Methods, Server.Calendar.WorkingDays.Load("").Find, made.Vault, made.Search);
        var scan = new Scan(made.Store, made.Log, made.Search, made.Commits, rules, checks, () => made.Members, made.Policy, Own.Clock, mostFed);
        made.Commits.Appended = (position, entry) =>
        {
            made.Search.Appended(position, entry);
            scan.Appended(position, entry);
        };
        return scan;
    }

    private async Task AssertFoundAsInTheLogAloneAsync(Scan scan, int rules = 7)
    {
        await scan.ScanAsync(CancellationToken.None);
        var found = Findings();
        using (var database = Own.OpenDatabase())
        {
            using var delete = database.CreateCommand();
            delete.CommandText = "DELETE FROM misuse_finding; DELETE FROM misuse_cursor";
            Assert.True(delete.ExecuteNonQuery() > rules);
        }

        var alone = Begin(mostFed: 0);
        await alone.ScanAsync(CancellationToken.None);
        Assert.Equal(0, alone.Looked.Fed);
        Assert.Equal(Findings(), found);
        // Every rule but the one that needs a register was at work.
        Assert.Equal(rules, found.Select(one => one.Split('|')[0]).Distinct(StringComparer.Ordinal).Count());
    }

    /// <summary>All that the scan says of each finding; ids and the time when it was raised are its own.</summary>
    private List<string> Findings() => Own.Query(
        "SELECT f.\"key\" || ' ' || unit_id || ' ' || records || ' ' || last_position || ' ' || positions || ' ' || numbers || ' ' || first_at || ' ' || last_at || ' ' || state FROM misuse_finding AS f ORDER BY f.\"key\"",
        r => r.GetString(0));

    /// <summary>Records at random, some minutes apart each, and something else between them now and then.</summary>
    private async Task ActAsync(Dice dice, int records, Func<Task> between, int everyPercent)
    {
        for (var number = 0; number < records; number++)
        {
            Own.Clock.Advance(TimeSpan.FromMinutes(dice.Next(25)));
            await CommitAsync(dice);
            if (dice.Falls(everyPercent)) await between();
        }
    }

    private async Task CommitAsync(Dice dice) => await Own.Composition.Commits.CommitAsync(EntryOf(dice), change: null);

    private AuditEntry EntryOf(Dice dice)
    {
        var (now, isRefused) = (Instants.Whole(Own.Clock.GetUtcNow()), dice.Falls(25));
        var record = new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(now).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Method = dice.Falls(75) ? LookUp : Changes,
            AgencyCode = dice.Falls(80) ? "dosw" : "labor", Jurisdiction = dice.Falls(90) ? Wire.Jurisdiction.Tpe : Wire.Jurisdiction.Tao, ActorPersonId = $"W{dice.Next(9)}",
            ActorRole = dice.OneOf(Wire.ActorRole.Worker, Wire.ActorRole.Worker, Wire.ActorRole.Supervisor, Wire.ActorRole.DutyOfficer, Wire.ActorRole.BatchJob),
            ActorUnitId = dice.OneOf("tpe-central-swc", "tpe-central-swc", "tpe-protection", "no-unit"), Purpose = dice.Falls(10) ? Wire.Purpose.Audit : Wire.Purpose.ServiceDelivery,
            Reference = dice.Falls(20) ? $"case/{dice.Next(30)}" : "", Outcome = isRefused ? Wire.AuditOutcome.Refused : dice.OneOf(Wire.AuditOutcome.Permitted, Wire.AuditOutcome.Permitted, Wire.AuditOutcome.Replayed),
            Reason = isRefused ? dice.OneOf("NOT_FOUND", "NOT_FOUND", "LOOK_UPS_EXHAUSTED", "FORBIDDEN") : "", BreakGlass = dice.Falls(5),
        };
        record.Subjects.Add(dice.Some(Enumerable.Range(0, 40).Select(number => $"p-{number:d2}"), dice.Next(8)));
        if (dice.Falls(20)) record.Resources.Add(dice.OneOf("limit/person-misses", "limit/agency-misses", $"case/{dice.Next(30)}"));
        if (!isRefused && dice.Falls(85)) record.ShownClasses.Add(Wire.ConfidentialityClass.Identity);
        return AuditEntry.Of(record);
    }

    /// <summary>Four persons work for the agency; 3 is a decoy, and 4 was one for a day.</summary>
    private async Task AddStaffAndDecoysAsync()
    {
        var (change, now) = (new Change(), Own.Clock.GetUtcNow());
        foreach (var number in (int[])[1, 2, 5, 6])
        {
            change.Add(new StaffMember
            {
                StaffId = Guid.CreateVersion7(now), Jurisdiction = Wire.Jurisdiction.Tpe, AgencyCode = "dosw", ActorId = $"W{number}", Subject = $"p-{number:d2}",
            });
        }

        change.Add(new Canary { CanaryId = Guid.CreateVersion7(now), Jurisdiction = Wire.Jurisdiction.Tpe, Subject = "p-03", PlantedAt = now });
        change.Add(new Canary { CanaryId = Guid.CreateVersion7(now), Jurisdiction = Wire.Jurisdiction.Tpe, Subject = "p-04", PlantedAt = now, WithdrawnAt = now.AddDays(1) });
        await Own.Composition.Commits.CommitAsync(EntryOf(new Dice(99)), change);
    }
}
