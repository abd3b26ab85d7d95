using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Year;

/// <summary>
/// The server of the year and the time that passes there: what is to be done when, and by whom. At each instant first the server's own jobs run, then units read their inboxes, then
/// reports come in, then whoever has something to do does it, one family after the other in itself and many beside each other.
/// </summary>
internal sealed class YearWorld(YearPlan plan, YearUnits units) : IAsyncDisposable
{
    private const int AtOnce = 24;

    private readonly SortedDictionary<int, List<(YearFamily Family, int Order, string Reads, Func<Task> Deed)>> _agenda = [];
    private readonly PriorityQueue<YearReport, long> _ends = new();
    private readonly ConcurrentDictionary<string, ConcurrentBag<YearReferral>> _underWay = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ulong> _read = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private string? _folder;
    private Dictionary<string, Party> _parties = [];
    private TestExchange? _exchange;
    private int _tick, _order;

    public YearPlan Plan { get; } = plan;

    public YearUnits Units { get; } = units;

    public ExpectedClocks Clocks { get; } = new();

    public ConcurrentBag<YearReferral> Referrals { get; } = [];

    /// <summary>Instants at which the jobs ran, in order.</summary>
    public List<DateTimeOffset> JobRuns { get; } = [];

    /// <summary>What each unit was told, in order.</summary>
    public ConcurrentDictionary<string, List<Wire.Notice>> Told { get; } = new(StringComparer.Ordinal);

    /// <summary>How often something happened, by name.</summary>
    public ConcurrentDictionary<string, int> Happened { get; } = new(StringComparer.Ordinal);

    public int Restarts { get; private set; }

    public DateTimeOffset Now => Plan.Ticks[_tick];

    public Timestamp NowOnWire => Timestamp.FromDateTimeOffset(Now);

    public TestExchange Exchange => _exchange!;

    /// <summary>What became of the offers whose time was over, as the deeds know it.</summary>
    public Action<YearReport>? OffersEnd { get; set; }

    public Party Of(string unit) => _parties[unit];

    public void Count(string what) => Happened.AddOrUpdate(what, 1, (_, count) => count + 1);

    /// <summary>Puts a deed of a family down for the first tick from an instant on, and never for this one.</summary>
    public void Later(DateTimeOffset at, YearFamily family, Func<Task> deed)
    {
        lock (_lock) Put(Math.Max(Plan.TickAt(at), _tick + 1), (family, _order++, "", deed));
    }

    /// <summary>The same for a deed of a unit, which does nothing while it is silent, and reads its inbox first.</summary>
    public void LaterAt(string unit, DateTimeOffset at, YearFamily family, Func<Task> deed)
    {
        var awake = Plan.AwakeAt(unit, at);
        lock (_lock) Put(Math.Max(Plan.TickAt(awake), _tick + 1), (family, _order++, unit, deed));
    }

    /// <summary>Puts a deed down for this very tick, whose deeds are not done yet.</summary>
    public void AtOnceFor(YearFamily family, Func<Task> deed)
    {
        lock (_lock) Put(_tick, (family, _order++, "", deed));
    }

    public void Watch(YearReport report, DateTimeOffset until)
    {
        lock (_lock) _ends.Enqueue(report, until.UtcTicks);
    }

    /// <summary>The test knows of a referral that is on its way to a unit.</summary>
    public void Sent(YearReferral referral, bool isNew = true)
    {
        if (isNew) Referrals.Add(referral);
        _underWay.GetOrAdd(referral.ToUnit, _ => []).Add(referral);
    }

    /// <summary>Lets the year pass.</summary>
    /// <param name="submit">Hands the reports of an instant in.</param>
    /// <param name="staff">Workers that leave at an instant.</param>
    /// <param name="daily">What is looked at once a day.</param>
    public async Task PassAsync(Func<IReadOnlyList<YearReport>, Task> submit, Action<string, int> staff, Action daily)
    {
        var (reports, leavings, lastDay) = (new Queue<(int Tick, YearReport Report)>(Plan.Reports), new Queue<(DateTimeOffset At, string Unit, int Place)>(Plan.Leavings.OrderBy(one => one.At)), DateOnly.MinValue);
        await StartAsync(folder: null);
        for (_tick = 0; _tick < Plan.Ticks.Count; _tick++)
        {
            var isDown = Plan.Downs.Exists(down => down.Contains(Now));
            if (isDown)
            {
                if (_exchange is not null) await StopAsync();
                continue;
            }

            var day = DateOnly.FromDateTime(Now.UtcDateTime);
            var isBusy = _agenda.Count > 0 && _agenda.First().Key <= _tick;
            if (!isBusy && (reports.Count == 0 || reports.Peek().Tick > _tick) && day == lastDay && _exchange is not null) continue;
            if (_exchange is null) await StartAsync(_folder);
            Exchange.Clock.PinAt(Now);
            await RunJobsAsync();
            while (leavings.Count > 0 && leavings.Peek().At <= Now)
            {
                var (_, unit, place) = leavings.Dequeue();
                staff(unit, place);
            }

            var due = TakeDue();
            await ReadInboxesAsync(due.Select(one => one.Reads).Where(unit => unit.Length > 0).Distinct(StringComparer.Ordinal));
            var handedIn = new List<YearReport>();
            while (reports.Count > 0 && reports.Peek().Tick <= _tick) handedIn.Add(reports.Dequeue().Report);
            if (handedIn.Count > 0) await submit(handedIn);
            await Parallel.ForEachAsync(due.GroupBy(one => one.Family), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (family, _) =>
            {
                foreach (var one in family.OrderBy(deed => deed.Order)) await one.Deed();
            });
            if (day == lastDay) continue;
            lastDay = day;
            daily();
        }

        _tick = Plan.Ticks.Count - 1;
        await ReadInboxesAsync(Units.Agencies.Keys);
    }

    public async ValueTask DisposeAsync()
    {
        if (_exchange is not null) await StopAsync();
    }

    private void Put(int tick, (YearFamily, int, string, Func<Task>) deed)
    {
        if (tick >= Plan.Ticks.Count) return;
        if (!_agenda.TryGetValue(tick, out var deeds)) _agenda[tick] = deeds = [];
        deeds.Add(deed);
    }

    /// <summary>All that was put down until now, what a standstill of the server held up too.</summary>
    private List<(YearFamily Family, int Order, string Reads, Func<Task> Deed)> TakeDue()
    {
        var due = new List<(YearFamily Family, int Order, string Reads, Func<Task> Deed)>();
        lock (_lock)
        {
            while (_agenda.Count > 0 && _agenda.First() is var (tick, deeds) && tick <= _tick)
            {
                due.AddRange(deeds);
                _agenda.Remove(tick);
            }
        }

        return due;
    }

    private async Task StartAsync(string? folder)
    {
        if (folder is not null) Restarts++;
        _exchange = await TestExchange.StartAsync(folder: folder, span: (Now, YearPlan.End.AddDays(5)));
        _folder = _exchange.Folder;
        await _exchange.ChangeRegistryAsync(registry =>
        {
            foreach (var unit in registry.Units)
                if (Units.Supervisors.TryGetValue(unit.UnitId, out var supervisor)) unit.SupervisorUnitId = supervisor;
        });
        _parties = Units.Agencies.Select((unit, place) => new Party(_exchange, SpiffeId.Of("tpe", unit.Value, "case-system"), unit.Key, $"Y{1000 + place}", Wire.ActorRole.Worker))
            .ToDictionary(party => party.UnitId, StringComparer.Ordinal);
    }

    private async Task StopAsync()
    {
        await _exchange!.StopAsync();
        _exchange = null;
    }

    /// <summary>What the server does by itself: steps of clocks, then offers that have ended; no more of them than the test knows of.</summary>
    private async Task RunJobsAsync()
    {
        await Exchange.Composition.Clocks.RunAsync(CancellationToken.None);
        var ended = await Exchange.Composition.Offers.RunAsync(CancellationToken.None);
        JobRuns.Add(Now);
        var expected = 0;
        while (_ends.TryPeek(out var report, out var until) && until <= Now.UtcTicks)
        {
            _ends.Dequeue();
            if (!report.LiveOffers.Any(offer => offer.Until <= Now)) continue;
            expected++;
            OffersEnd?.Invoke(report);
        }

        Assert.Equal(expected, ended);
    }

    private Task ReadInboxesAsync(IEnumerable<string> readers) => Parallel.ForEachAsync(readers, async (unit, _) =>
    {
        var (party, told) = (Of(unit), Told.GetOrAdd(unit, _ => []));
        for (var isMore = true; isMore;)
        {
            var listed = await party.AskAsync(to => to.Inbox.ListNoticesAsync(new() { Context = party.Context(), PageSize = 500 }));
            foreach (var notice in listed.Notices)
            {
                Assert.Equal(_read.AddOrUpdate(unit, 1, (_, last) => last + 1), notice.Sequence);
                told.Add(notice);
            }

            isMore = listed.Notices.Count == 500;
            if (listed.Notices.Count == 0) break;
            await party.AskAsync(to => to.Inbox.AcknowledgeNoticesAsync(new() { Context = party.Context(), RequestId = Some.RequestId(), UpToSequence = listed.Notices[^1].Sequence }));
        }

        if (!_underWay.TryRemove(unit, out var arrived)) return;
        foreach (var referral in arrived)
            if (referral.State == Wire.ReferralState.Submitted) referral.State = Wire.ReferralState.Delivered;
    });
}
