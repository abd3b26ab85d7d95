using System.Collections.Concurrent;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Inbox;

/// <summary>Wakes those who watch an inbox when a commit has put a notice into it. A signal carries nothing: the reader reads the store.</summary>
internal sealed class InboxSignals : IDisposable
{
    private readonly ConcurrentDictionary<Watcher, string> _watchers = new(ReferenceEqualityComparer.Instance);
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
        var watcher = new Watcher(this);
        _watchers[watcher] = unitId;
        return watcher;
    }

    /// <summary>Wakes every watcher for the last time.</summary>
    public void Stop()
    {
        _isStopping = true;
        foreach (var (watcher, _) in _watchers) watcher.Wake();
    }

    public void Dispose() => _commits.Noticed = null;

    private void Wake(string unitId)
    {
        foreach (var (watcher, watched) in _watchers)
            if (string.Equals(watched, unitId, StringComparison.Ordinal)) watcher.Wake();
    }

    /// <summary>One reader's bell; rung at most once between two waits.</summary>
    internal sealed class Watcher(InboxSignals signals) : IDisposable
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
            signals._watchers.TryRemove(this, out _);
            _bell.Dispose();
        }
    }
}
