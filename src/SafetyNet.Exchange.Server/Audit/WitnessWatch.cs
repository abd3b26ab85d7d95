using System.Text;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>
/// Brings each new head to the witnesses and keeps what they sign with it: from then on nobody who runs this database can show another history (R-AUD-3, B59, B60). Says
/// when they are late, and holds all calls where they are later than the setting allows.
/// </summary>
internal sealed class WitnessWatch : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AlertAgain = TimeSpan.FromMinutes(1);

    private readonly AuditLog _log;
    private readonly SqliteStore _store;
    private readonly CommitQueue _commits;
    private readonly WitnessSettings _settings;
    private readonly TimeProvider _clock;
    private readonly List<WitnessClient> _clients;
    private readonly CancellationTokenSource _ends = new();
    private Task _watching = Task.CompletedTask;
    private DateTimeOffset _alertedAt;

    /// <summary>When the oldest head that still waits was signed, in ticks; 0: none waits.</summary>
    private long _waitsSince;

    private volatile LogHead? _witnessed;

    public WitnessWatch(AuditLog log, SqliteStore store, CommitQueue commits, WitnessSettings settings, TimeProvider clock)
    {
        (_log, _store, _commits, _settings, _clock) = (log, store, commits, settings, clock);
        using (var session = store.Read()) _witnessed = session.FindWitnessed();
        _clients = [.. settings.Peers.Select(peer => new WitnessClient(peer, store, _witnessed?.Size ?? 0))];
        if (_clients.Count == 0) return;
        _waitsSince = OldestWaiting()?.UtcTicks ?? 0;
    }

    /// <summary>Newest head that enough witnesses have co-signed; null: none yet.</summary>
    public LogHead? Witnessed => _clients.Count == 0 ? null : _witnessed;

    /// <summary>Keys of the witnesses, in verifier form.</summary>
    public IEnumerable<string> Keys => _clients.Select(client => client.Key.ToVerifierKey());

    /// <summary>Age of the oldest head that still waits; zero: none does.</summary>
    public TimeSpan Lag => Interlocked.Read(ref _waitsSince) is var since && since == 0 ? TimeSpan.Zero
        : _clock.GetUtcNow() - new DateTimeOffset(since, TimeSpan.Zero) is var lag && lag > TimeSpan.Zero ? lag : TimeSpan.Zero;

    /// <summary>The witnesses are later than the setting allows.</summary>
    public bool IsOver => _settings.StopAfter > TimeSpan.Zero && Lag > _settings.StopAfter;

    /// <summary>
    /// Holds the head of the store against what the witnesses signed, before anything is served. A witness that cannot be reached does not keep the exchange from
    /// starting: how long it may go on so is the setting, counted from the last head that was co-signed.
    /// </summary>
    /// <exception cref="EvidenceException">The log is not the one that was witnessed.</exception>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        if (_clients.Count == 0) return;
        if (_log.Published is { } head) await BringAsync(head, cancellation);
        else await AskAsync(_log.EmptyHead(_clock.GetUtcNow()), cancellation);
    }

    /// <summary>Goes on beside the calls.</summary>
    /// <param name="stop">Stops the server where the log is not the one that was witnessed.</param>
    public void Begin(Action stop)
    {
        if (_clients.Count > 0) _watching = Task.Run(() => WatchAsync(stop));
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _watching;
        _ends.Dispose();
        foreach (var client in _clients) client.Dispose();
    }

    private async Task WatchAsync(Action stop)
    {
        while (!_ends.IsCancellationRequested)
        {
            try
            {
                if (_log.Published is { } head && head.Size > (_witnessed?.Size ?? 0))
                {
                    if (Interlocked.Read(ref _waitsSince) == 0) Interlocked.Exchange(ref _waitsSince, head.SignedAt.UtcTicks);
                    await BringAsync(head, _ends.Token);
                }

                Alert();
                await Task.Delay(Pause, _ends.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (EvidenceException found)
            {
                _commits.Refuse(found);
                ServerLog.EvidenceBroken(found.Message);
                stop();
                return;
            }
            catch (StoreUnavailableException)
            {
                // The store says so itself; the head stays unwitnessed until it is back.
            }
        }
    }

    /// <summary>Brings a head to all witnesses; where enough have signed, the note with their signatures takes the place of the one without.</summary>
    private async Task BringAsync(LogHead head, CancellationToken cancellation)
    {
        if (await AskAsync(head, cancellation) is not { } note) return;
        var witnessed = head with { Note = note };
        await _commits.KeepAsync(witnessed, _clock.GetUtcNow());
        _witnessed = witnessed;
        Interlocked.Exchange(ref _waitsSince, _log.Published is { } newest && newest.Size > head.Size ? newest.SignedAt.UtcTicks : 0);
    }

    /// <summary>The head's note with the co-signatures; null: too few.</summary>
    private async Task<byte[]?> AskAsync(LogHead head, CancellationToken cancellation)
    {
        var answers = await Task.WhenAll(_clients.Select(client => client.CoSignAsync(head, cancellation)));
        var signed = answers.OfType<string>().ToList();
        return signed.Count >= _settings.Needed ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(head.Note) + string.Concat(signed)) : null;
    }

    private void Alert()
    {
        var (lag, now) = (Lag, _clock.GetUtcNow());
        if (lag <= _settings.AlertAfter || now - _alertedAt < AlertAgain) return;
        _alertedAt = now;
        ServerLog.WitnessesLate(lag, _settings.StopAfter);
    }

    private DateTimeOffset? OldestWaiting()
    {
        using var session = _store.Read();
        return session.FindFirstHeadAfter(_witnessed?.Size ?? 0);
    }
}
