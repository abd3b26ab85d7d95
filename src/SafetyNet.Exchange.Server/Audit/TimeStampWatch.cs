using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>
/// Has a head of the log stamped by an outside authority from time to time, and keeps the tokens. The log goes on without it: the time left is counted down and shown,
/// and only a set limit ends it (R-AUD-9).
/// </summary>
internal sealed class TimeStampWatch : IAsyncDisposable
{
    private const string Query = "application/timestamp-query";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AlertAgain = TimeSpan.FromMinutes(10);

    private readonly AuditLog _log;
    private readonly SqliteStore _store;
    private readonly CommitQueue _commits;
    private readonly TimeStampSettings _settings;
    private readonly TimeProvider _clock;
    private readonly X509Certificate2Collection _roots;
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
    {
        Timeout = TimeSpan.FromSeconds(20), MaxResponseContentBufferSize = TimeStamp.MaxTokenBytes + 1024,
    };

    private readonly CancellationTokenSource _ends = new();
    private Task _watching = Task.CompletedTask;
    private DateTimeOffset _alertedAt, _askedAt;

    /// <summary>When the oldest head without a stamp was signed, in ticks; 0: the newest has one.</summary>
    private long _waitsSince;

    private volatile StampedHead? _newest;

    public TimeStampWatch(AuditLog log, SqliteStore store, CommitQueue commits, TimeStampSettings settings, TimeProvider clock)
    {
        (_log, _store, _commits, _settings, _clock) = (log, store, commits, settings, clock);
        _roots = settings.IsSet ? MemberTls.LoadRoots(settings.RootsPath) : [];
        using var session = store.Read();
        _newest = session.FindNewestStamp();
        if (settings.IsSet) _waitsSince = session.FindFirstHeadAfter(_newest?.Size ?? 0)?.UtcTicks ?? 0;
    }

    /// <summary>The newest head that was stamped; null: none yet.</summary>
    public StampedHead? Newest => _newest;

    /// <summary>Age of the oldest head without a stamp; zero: there is none, or no authority.</summary>
    public TimeSpan Lag => Interlocked.Read(ref _waitsSince) is var since && since == 0 ? TimeSpan.Zero
        : _clock.GetUtcNow() - new DateTimeOffset(since, TimeSpan.Zero) is var lag && lag > TimeSpan.Zero ? lag : TimeSpan.Zero;

    /// <summary>How long calls are still taken if the authority stays away; null: there is no limit, or no authority.</summary>
    public TimeSpan? Left => !_settings.IsSet || _settings.StopAfter == TimeSpan.Zero ? null
        : _settings.StopAfter - Lag is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>The authority has been away for longer than the setting allows.</summary>
    public bool IsOver => Left is { } left && left == TimeSpan.Zero;

    /// <summary>Goes on beside the calls.</summary>
    public void Begin()
    {
        if (_settings.IsSet) _watching = Task.Run(WatchAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _watching;
        _ends.Dispose();
        _http.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!_ends.IsCancellationRequested)
        {
            try
            {
                if (_log.Published is { } head && head.Size > (_newest?.Size ?? 0))
                {
                    if (Interlocked.Read(ref _waitsSince) == 0) Interlocked.Exchange(ref _waitsSince, head.SignedAt.UtcTicks);
                    if (IsDue(_clock.GetUtcNow())) await StampAsync(head);
                }

                Alert();
                await Task.Delay(Pause, _ends.Token);
            }
            catch (OperationCanceledException) when (_ends.IsCancellationRequested)
            {
                return;
            }
            catch (StoreUnavailableException)
            {
                // The store says so itself; the head stays without a stamp until it is back.
            }
        }
    }

    /// <summary>A stamp is due, and so is another try: while the authority is away it is asked a tenth of the time again, and at least every half second.</summary>
    private bool IsDue(DateTimeOffset now)
    {
        // A clock that was set back must not keep heads from being stamped.
        var sinceStamp = _newest is { } newest ? now - newest.StampedAt : TimeSpan.MaxValue;
        var (isDue, isTurn) = (sinceStamp >= _settings.Every || sinceStamp < TimeSpan.Zero, now - _askedAt >= _settings.Every / 10 || now < _askedAt);
        if (isDue && isTurn) _askedAt = now;
        return isDue && isTurn;
    }

    private async Task StampAsync(LogHead head)
    {
        if (!SignedNote.TryParse(head.Note, out var note, out _)) return;
        if (await AskAsync(note) is not { } token) return;
        if (!TimeStamp.TryOpen(token, note, _roots, out var stamp, out var problem))
        {
            ServerLog.TimeStampRefused(problem);
            return;
        }

        var stamped = new StampedHead(head.Size, _clock.GetUtcNow(), stamp.At, head.Note, token);
        await _commits.KeepAsync(stamped);
        _newest = stamped;
        using var session = _store.Read();
        Interlocked.Exchange(ref _waitsSince, session.FindFirstHeadAfter(head.Size)?.UtcTicks ?? 0);
    }

    /// <summary>The authority's token; null: it is away, or did not give one.</summary>
    private async Task<byte[]?> AskAsync(SignedNote note)
    {
        try
        {
            var request = TimeStamp.Ask(note);
            using var content = new ByteArrayContent(request.Encode()) { Headers = { ContentType = new MediaTypeHeaderValue(Query) } };
            using var response = await _http.PostAsync(new Uri(_settings.Address), content, _ends.Token);
            if (!response.IsSuccessStatusCode)
            {
                ServerLog.TimeStampRefused($"It answered with status {(int)response.StatusCode}.");
                return null;
            }

            var answer = await response.Content.ReadAsByteArrayAsync(_ends.Token);
            // Holds imprint and nonce of the answer against what was asked.
            return request.ProcessResponse(answer, out _).AsSignedCms().Encode();
        }
        catch (CryptographicException e)
        {
            ServerLog.TimeStampRefused(e.Message);
            return null;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !_ends.IsCancellationRequested)
        {
            return null;
        }
    }

    private void Alert()
    {
        var (lag, now) = (Lag, _clock.GetUtcNow());
        if (lag <= _settings.AlertAfter || (now >= _alertedAt && now - _alertedAt < AlertAgain)) return;
        _alertedAt = now;
        ServerLog.TimeStampsLate(lag, Left);
    }
}
