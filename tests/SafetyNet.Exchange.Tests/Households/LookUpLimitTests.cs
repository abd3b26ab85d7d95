using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Misuse;

namespace SafetyNet.Exchange.Tests.Households;

/// <summary>What one person, and one agency, may look up in a day, and how often in vain (R-HH-4, B32).</summary>
[Trait("Rule", "R-HH-4")]
public sealed class LookUpLimitTests(TestExchange exchange) : WireTests(exchange), IAsyncLifetime
{
    private const int Most = 1_000_000;

    private TestExchange? _own;

    private TestExchange Own => _own!;

    private The Those { get; set; } = null!;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_own is not null) await _own.DisposeAsync();
        Dispose();
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task R_HH_4_After_so_many_misses_of_a_day_a_person_looks_up_nobody_until_midnight()
    {
        await StartAsync(new LookUpLimits { MissesPerPerson = 3, MissesPerAgency = Most });
        var family = Some.Family();
        var (opened, forbidden) = (await Those.HasCaseOnAsync(family.Child), Some.Family().Child.NationalId.Canonical);
        // Absent, forbidden and by name: a miss is a miss.
        foreach (var miss in (Func<Task>[])
            [
                () => Those.Centre.LooksUpAsync(Some.StrangersId(), inCase: opened), () => Those.Centre.LooksUpAsync(forbidden, inCase: opened),
                () => Those.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(new() { Context = Those.Centre.Context(inCase: opened), NameAndBirthDate = new() { Name = "無此人", BirthDate = "1990-01-01" } })),
            ])
            await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, miss, Own);

        // Whoever may be seen as well, and whereabouts too; the record names whom it was about and the limit.
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.LookUpsExhausted, () => Those.Centre.LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened), Own);
        Assert.Equal((StatusCode.ResourceExhausted, "person-misses", "3", "R-HH-4"),
            (refused.Refusal.StatusCode, refused.Refusal.Metadata["counted"], refused.Refusal.Metadata["limit"], refused.Refusal.Metadata["rule"]));
        var record = Own.RecordOf(refused.Receipt!);
        Assert.Equal((Own.PseudonymOf(family.Child), "limit/person-misses"), (Assert.Single(record.Subjects), Assert.Single(record.Resources)));
        var midnight = Own.Clock.GetUtcNow() + refused.Refusal.RetryAfter!.Value;
        Assert.Equal(0, Math.Round(midnight.ToOffset(TimeSpan.FromHours(8)).TimeOfDay.TotalMinutes) % (24 * 60));
        var protect = new Wire.ProtectWhereaboutsRequest { Context = Those.Centre.Context(inCase: opened), RequestId = Some.RequestId(), NationalId = family.Child.NationalId.Canonical, Reason = "保護令核發中" };
        await AssertRefusedAloneAsync(Wire.ErrorReason.LookUpsExhausted, () => Those.Centre.AskAsync(to => to.Households.ProtectWhereaboutsAsync(protect)), Own);
        // A colleague is not held up.
        await Those.Centre.Colleague("W0999").LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened);

        Own.Clock.Advance(refused.Refusal.RetryAfter!.Value + TimeSpan.FromSeconds(1));
        await Those.Centre.LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => Those.Centre.LooksUpAsync(Some.StrangersId(), inCase: opened), Own);
    }

    [Fact]
    public async Task R_HH_4_After_so_many_look_ups_of_a_day_there_are_no_more()
    {
        await StartAsync(new LookUpLimits { PerPerson = 4, PerAgency = 6 });
        var family = Some.Family();
        var opened = await Those.HasCaseOnAsync(family.Child);
        Task LookUp(Party by) => by.LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened);
        for (var i = 0; i < 3; i++) await LookUp(Those.Centre);
        await Refused.ByAsync(() => Those.Centre.LooksUpAsync(Some.StrangersId(), inCase: opened));
        Assert.Equal("person-look-ups", (await AssertRefusedAloneAsync(Wire.ErrorReason.LookUpsExhausted, () => LookUp(Those.Centre), Own)).Refusal.Metadata["counted"]);
        for (var i = 0; i < 2; i++) await LookUp(Those.Centre.Colleague($"W100{i}"));
        Assert.Equal("agency-look-ups", (await AssertRefusedAloneAsync(Wire.ErrorReason.LookUpsExhausted, () => LookUp(Those.Centre.Colleague("W1009")), Own)).Refusal.Metadata["counted"]);
        // Another agency has its own.
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => LookUp(Those.Police), Own);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task R_HH_4_Neither_a_restart_nor_a_kill_gives_a_second_allowance(bool isKilled)
    {
        var limits = new LookUpLimits { MissesPerPerson = 4, MissesPerAgency = 6, PerPerson = 5, PerAgency = 9 };
        await StartAsync(limits);
        var family = Some.Family();
        var opened = await Those.HasCaseOnAsync(family.Child);
        for (var i = 0; i < 2; i++) await MissAsync(Those.Centre, opened);
        for (var i = 0; i < 2; i++) await Those.Centre.LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened);
        for (var i = 0; i < 2; i++) await MissAsync(Those.Centre.Colleague("W0700"), opened);
        var (folder, now) = (Own.Folder, Own.Clock.GetUtcNow());
        if (isKilled)
        {
            // What lies on the disk while it runs is what a kill leaves; the one that runs has no part in it.
            folder = Directory.CreateTempSubdirectory("safetynet-killed-").FullName;
            foreach (var file in Directory.EnumerateFiles(Own.Folder).Where(one => !one.EndsWith(".lock", StringComparison.Ordinal))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        await Own.StopAsync();
        _own = await TestExchange.StartAsync(Limits(limits), folder);
        Own.Clock.Advance(now - Own.Clock.GetUtcNow());
        Those = new The(Own);
        // Of the person: 4 look-ups, of which 2 missed; of the agency 6 and 4.
        await Those.Centre.LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened);
        Assert.Equal("person-look-ups", (await Refused.ByAsync(() => Those.Centre.LooksUpAsync(family.Child.NationalId.Canonical, inCase: opened))).Refusal.Metadata["counted"]);
        for (var i = 0; i < 2; i++) await MissAsync(Those.Centre.Colleague("W0701"), opened);
        Assert.Equal("agency-misses", (await Refused.ByAsync(() => Those.Centre.Colleague("W0702").LooksUpAsync(Some.StrangersId(), inCase: opened))).Refusal.Metadata["counted"]);
    }

    [Fact]
    public async Task R_HH_4_However_many_are_asked_for_at_once_no_more_are_missed_than_may_be()
    {
        await StartAsync(new LookUpLimits { MissesPerPerson = 10, MissesPerAgency = Most });
        var refused = await Task.WhenAll(Enumerable.Range(0, 80).Select(_ => Refused.ByAsync(() => Those.Centre.LooksUpAsync(Some.StrangersId(), inCase: The.NobodysUuid))));
        Assert.Equal((10, 70), (refused.Count(r => r.Reason == Wire.ErrorReason.NotFound), refused.Count(r => r.Reason == Wire.ErrorReason.LookUpsExhausted)));
        // None of the person's losses is the agency's.
        await MissAsync(Those.Centre.Colleague("W0703"), The.NobodysUuid);
    }

    [Fact]
    [Trait("Abuse", "B32")]
    public async Task A_slow_sweep_of_valid_ids_spread_over_the_staff_of_an_agency_ends_and_its_officer_is_told()
    {
        await StartAsync(new LookUpLimits { MissesPerPerson = 10, MissesPerAgency = 30 }, atWork: true);
        var decoy = Some.StrangersId();
        await Those.Officer.PlantsAsync(decoy);
        var staff = Enumerable.Range(0, 15).Select(i => Those.Centre.Colleague($"W08{i:00}")).ToList();
        // Each asks for two, one every few minutes over the morning; the seventh id is the decoy.
        for (var i = 0; i < 30; i++)
        {
            var by = staff[i % staff.Count];
            Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => by.LooksUpAsync(i == 6 ? decoy : Some.StrangersId(), inCase: The.NobodysUuid))).Reason);
            Own.Clock.Advance(TimeSpan.FromMinutes(3));
            if (i != 6) continue;
            var hit = Assert.Single(await Those.Officer.FindsAsync(Own));
            Assert.Equal((Wire.MisuseRuleId.Canary, by.PersonId), (hit.Rule, hit.ActorPersonId));
        }

        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.LookUpsExhausted, () => staff[0].LooksUpAsync(Some.StrangersId(), inCase: The.NobodysUuid), Own);
        Assert.Equal(("agency-misses", "30"), (refused.Refusal.Metadata["counted"], refused.Refusal.Metadata["limit"]));
        await AssertRefusedAloneAsync(Wire.ErrorReason.LookUpsExhausted, () => Those.Centre.Colleague("W0899").LooksUpAsync(decoy, inCase: The.NobodysUuid), Own);
        var found = await Those.Officer.FindsAsync(Own);
        Assert.Equal(
            [(Wire.MisuseRuleId.Canary, staff[6].PersonId), (Wire.MisuseRuleId.Canary, "W0899"), (Wire.MisuseRuleId.Sweep, staff[0].PersonId), (Wire.MisuseRuleId.Sweep, "W0899")],
            found.Select(f => (f.Rule, f.ActorPersonId)).OrderBy(f => f.Rule).ThenBy(f => f.ActorPersonId, StringComparer.Ordinal));
        Assert.All(found.Where(f => f.Rule == Wire.MisuseRuleId.Sweep), f => Assert.Equal([("misses", 1.0), ("of_agency", 1.0)], f.Numbers.Select(n => (n.Name, n.Value))));
        // Others are not held up by it.
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => Those.Police.LooksUpAsync(Some.StrangersId(), inCase: The.NobodysUuid), Own);
    }

    [Theory]
    [InlineData(0, 10, 1, 10)]
    [InlineData(10, 9, 1, 10)]
    [InlineData(1, 10, 0, 10)]
    [InlineData(1, 10, -1, 10)]
    [InlineData(1, 10, 11, 10)]
    public void Limits_that_make_no_sense_keep_the_server_from_starting(int perPerson, int perAgency, int missesPerPerson, int missesPerAgency)
    {
        var limits = new LookUpLimits { PerPerson = perPerson, PerAgency = perAgency, MissesPerPerson = missesPerPerson, MissesPerAgency = missesPerAgency };
        Assert.Single(limits.Problems());
        Assert.Contains(limits.Problems().Single(), new Server.ServerOptions { Limits = Limits(limits) }.Problems());
        Assert.Empty(new LookUpLimits().Problems());
    }

    private static CallLimits Limits(LookUpLimits lookUps) => new() { PerPersonPerMinute = Most, PerAgencyPerMinute = Most, LookUps = lookUps };

    private async Task StartAsync(LookUpLimits lookUps, bool atWork = false)
    {
        _own = atWork ? await MisuseMoves.StartAtWorkAsync(limits: Limits(lookUps)) : await TestExchange.StartAsync(Limits(lookUps));
        // Far enough from midnight that no test runs over it.
        if (!atWork) Own.AdvanceToHour(10);
        Those = new The(Own);
    }

    private static async Task MissAsync(Party by, string inCase) =>
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => by.LooksUpAsync(Some.StrangersId(), inCase: inCase))).Reason);
}
