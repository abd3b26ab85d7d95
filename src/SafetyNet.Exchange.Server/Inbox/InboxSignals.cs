using System.Collections.Concurrent;
using System.Collections.Immutable;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Inbox;

/// <summary>Wakes those who watch an inbox when a commit has put a notice into it. A signal carries nothing: the reader reads the store.</summary>
internal sealed class InboxSignals : IDisposable
{
    /// <summary>By unit: a commit wakes those who watch its inbox, and costs nothing for all others.</summary>
    private readonly ConcurrentDictionary<string, ImmutableArray<Watcher>> _watchers = new(StringComparer.Ordinal);
    private readonly CommitQueue _commits;
    private volatile bool _isStopping;

    public InboxSignals(CommitQueue commits)
    {
        _commits = commits;
        commits.Noticed = Wake;
    }

    /// <summary>The server stops: whoever watches is to leave, and resumes elsewhere from its cursor.</summary>
    public bool IsStopping => _isStopping;

    public Watcher Watch(string unitId)
    {
        var watcher = new Watcher(this, unitId);
        _watchers.AddOrUpdate(unitId, _ => [watcher], (_, watching) => watching.Add(watcher));
        return watcher;
    }

    /// <summary>Wakes every watcher for the last time.</summary>
    public void Stop()
    {
        _isStopping = true;
        foreach (var (_, watching) in _watchers)
            foreach (var watcher in watching) watcher.Wake();
    }

    public void Dispose() => _commits.Noticed = null;

    private void Wake(string unitId)
    {
        if (!_watchers.TryGetValue(unitId, out var watching)) return;
        foreach (var watcher in watching) watcher.Wake();
    }

    /// <summary>The reader has left; nothing is kept of a unit that nobody watches.</summary>
    private void Leave(string unitId, Watcher watcher)
    {
        while (_watchers.TryGetValue(unitId, out var watching))
        {
            var left = watching.Remove(watcher);
            if (left.IsEmpty ? _watchers.TryRemove(KeyValuePair.Create(unitId, watching)) : _watchers.TryUpdate(unitId, left, watching)) return;
        }
    }

    /// <summary>One reader's bell; rung at most once between two waits.</summary>
    internal sealed class Watcher(InboxSignals signals, string unitId) : IDisposable
    {
        private readonly SemaphoreSlim _bell = new(0, 1);

        public Task WaitAsync(CancellationToken cancellation) => _bell.WaitAsync(cancellation);

        public void Wake()
        {
            try
            {
                if (_bell.CurrentCount == 0) _bell.Release();
            }
            catch (SemaphoreFullException)
            {
                // Rung by two commits at once; once is enough.
            }
            catch (ObjectDisposedException)
            {
                // The reader has left.
            }
        }

        public void Dispose()
        {
            signals.Leave(unitId, this);
            _bell.Dispose();
        }
    }
}
