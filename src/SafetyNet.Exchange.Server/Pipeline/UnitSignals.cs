using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>Wakes those who watch something of a unit, its inbox or its cases, when a commit has changed it. A signal carries nothing: the reader reads the store.</summary>
internal sealed class UnitSignals
{
    /// <summary>By unit: a commit wakes those who watch it, and costs nothing for all others.</summary>
    private readonly ConcurrentDictionary<string, ImmutableArray<Watcher>> _watchers = new(StringComparer.Ordinal);
    private volatile bool _isStopping;

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

    public void Wake(string unitId)
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
    internal sealed class Watcher(UnitSignals signals, string unitId) : IDisposable
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
