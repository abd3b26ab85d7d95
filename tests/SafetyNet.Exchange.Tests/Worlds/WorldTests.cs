using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Pipeline;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>Forty small worlds on one server, built once; the clock stands at the instant at which views and shares end.</summary>
public sealed class FortyWorlds : IAsyncLifetime
{
    public const int Count = 40;

    private TestExchange? _exchange;

    internal TestExchange Exchange => _exchange!;

    internal IReadOnlyList<World> Worlds { get; private set; } = [];

    internal DateTimeOffset Now { get; private set; }

    public async ValueTask InitializeAsync()
    {
        _exchange = await TestExchange.StartAsync();
        await WorldBuilder.RegisterAsync(_exchange, Count);
        Now = Whole(_exchange.Clock.GetUtcNow().AddMinutes(20));
        var worlds = new World[Count];
        await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, _) => worlds[number] = await WorldBuilder.BuildAsync(_exchange, number, Now));
        Worlds = worlds;
        await Eventually.TrueAsync(() => !_exchange.Composition.Log.HasUnsigned, "a signed head over all of it");
        _exchange.Clock.PinAt(Now);
    }

    public async ValueTask DisposeAsync()
    {
        if (_exchange is not null) await _exchange.DisposeAsync();
    }

    internal WorldWalk Walk(World world) => new(world, new WorldOracle(world, Exchange.Composition.Policy.Current, Exchange.Composition.Members, Now, Worlds.SelectMany(w => w.Protected).ToHashSet()));

    private static DateTimeOffset Whole(DateTimeOffset at) => new(at.Ticks - (at.Ticks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
}

/// <summary>Whatever the way to it, a caller sees the same, and just what the facts and the policy give (R-NTK-2, R-NTK-15).</summary>
[Trait("Rule", "R-NTK-2")]
[Trait("Rule", "R-NTK-15")]
public sealed class WorldTests(TestExchange exchange, FortyWorlds worlds) : WireTests(exchange), IClassFixture<FortyWorlds>
{
    public static IEnumerable<TheoryDataRow<int>> Numbers => Enumerable.Range(0, FortyWorlds.Count).Select(n => new TheoryDataRow<int>(n));

    [Theory]
    [MemberData(nameof(Numbers))]
    [Trait("Rule", "R-NTK-13")]
    [Trait("Rule", "R-NTK-14")]
    [Trait("Rule", "R-NTK-17")]
    public async Task Every_unit_sees_by_every_method_and_page_size_what_the_facts_give(int number)
    {
        var walk = worlds.Walk(worlds.Worlds[number]);
        await walk.WalkAsync();
        Assert.True(walk.Differences.Count == 0, $"{worlds.Worlds[number]}\n{walk.Differences.Count} differences:\n{string.Join("\n", walk.Differences.Take(5))}");
        Assert.True(walk.Answers > 20, $"{worlds.Worlds[number]} shows almost nothing");
    }

    [Fact]
    public async Task What_is_read_of_registry_and_log_is_what_stands_there()
    {
        var the = new The(worlds.Exchange);
        foreach (var ask in CommonWalk.Entries.Values) await ask(worlds.Exchange, the);
    }

    [Fact]
    public async Task Every_decision_can_be_made_anew_from_its_record()
    {
        // Worlds with grants and broken glass are walked for it, whichever test came before this one.
        foreach (var number in (int[])[0, 1, 6]) await worlds.Walk(worlds.Worlds[number]).WalkAsync();
        var records = worlds.Exchange.RecordsFrom(0).Where(r => r.Inputs is not null).ToList();
        Assert.True(records.Count > 1000, $"{records.Count} records");
        foreach (var record in records) Audit.ExplainTests.AssertDecidedAnew(worlds.Exchange.Composition.Policy.Current, record);
        Assert.All(records, record => Assert.Equal(0u, record.Inputs.FurtherQuestions));
    }

    [Fact]
    public void Every_read_method_of_the_contract_is_asked()
    {
        var reads = Contract.Methods.All.Where(m => !m.ChangesState).Select(m => $"{m.Service}/{m.Name}");
        Assert.Equal(reads.Order(StringComparer.Ordinal), WorldWalk.Entries.Keys.Concat(CommonWalk.Entries.Keys).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_worlds_have_every_state_and_every_kind_of_end()
    {
        var referrals = worlds.Worlds.SelectMany(w => w.Referrals).ToList();
        Assert.Equal(
            Enum.GetValues<Wire.ReferralState>().Where(s => s is not (Wire.ReferralState.Unspecified or Wire.ReferralState.Transferred)).Order(),
            referrals.Select(r => r.State).Distinct().Order());
        var notes = worlds.Worlds.SelectMany(w => w.Cases).SelectMany(c => c.Notes).ToList();
        foreach (var end in (TimeSpan[])[TimeSpan.FromMicroseconds(-1), TimeSpan.Zero, TimeSpan.FromMicroseconds(1)])
        {
            Assert.Contains(referrals, r => r.Request.View.Until?.ToDateTimeOffset() == worlds.Now + end);
            Assert.Contains(notes.SelectMany(n => n.Shares), s => s.Until?.ToDateTimeOffset() == worlds.Now + end);
        }

        Assert.Contains(worlds.Worlds, w => w.Protected.Count > 0 && w.Cases.Count > 0);
        Assert.Contains(worlds.Worlds, w => w.Strangers.Count > 0);
        Assert.Contains(referrals, r => r.Jurisdiction == Wire.Jurisdiction.Tao);
        Assert.Contains(worlds.Worlds.SelectMany(w => w.Cases).SelectMany(c => c.Parts), p => p.Role == Wire.ParticipantRole.Invited);
    }

    [Fact]
    [Trait("Rule", "R-NTK-11")]
    [Trait("Rule", "R-NTK-12")]
    public void The_worlds_have_grants_and_broken_glass_and_corrections_that_go_every_way()
    {
        var grants = worlds.Worlds.SelectMany(w => w.Grants).ToList();
        Assert.Equal([Wire.GrantState.Applied, Wire.GrantState.Granted, Wire.GrantState.Refused, Wire.GrantState.Revoked], grants.Select(g => g.State).Distinct().Order());
        var granted = grants.Where(g => g.State == Wire.GrantState.Granted).ToList();
        Assert.Contains(granted, g => g.GrantedUntil > worlds.Now && g.Granted.Count > 1);
        Assert.Contains(granted, g => g.GrantedUntil > worlds.Now && g.GrantedUntil < g.AskedUntil);
        Assert.Contains(granted, g => g.GrantedUntil <= worlds.Now);
        foreach (var isClosed in (bool[])[false, true])
            Assert.Contains(worlds.Worlds, w => w.Cases.Count > 0 && w.Glasses.Exists(g => g.IsClosed == isClosed));
        var corrections = worlds.Worlds.SelectMany(w => w.Corrections).ToList();
        foreach (var isAcknowledged in (bool[])[false, true])
        {
            Assert.Contains(corrections, c => c.IsAcknowledged == isAcknowledged && c.Referral.State is (Wire.ReferralState.Accepted or Wire.ReferralState.InService));
            Assert.Contains(corrections, c => c.IsAcknowledged == isAcknowledged && c.Referral.State is (Wire.ReferralState.Withdrawn or Wire.ReferralState.Declined));
        }
    }
}
