using SafetyNet.Exchange.Server.Audit;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>
/// Records on their way from the writer to the scan, so that what was made durable a moment ago need not be read and parsed again. A shortcut only: the scan goes by positions, and what is not here it reads
/// from the log.
/// </summary>
/// <param name="most">Most records that wait. Where so many do, the newest are left to the log, until these are taken.</param>
internal sealed class MisuseFeed(int most = MisuseFeed.MostWaiting)
{
    /// <summary>What a scan of every two seconds leaves waiting under full load, with some to spare. About 1 KB each.</summary>
    public const int MostWaiting = 50_000;

    private readonly Lock _gate = new();

    /// <summary>They follow on one another, from <see cref="_first"/>; null: no rule looks at it.</summary>
    private readonly Queue<ScannedRecord?> _waiting = new();
    private long _first;

    /// <summary>Position of the first that waits, and so where the log need not be read on; null: none waits.</summary>
    public long? First
    {
        get
        {
            lock (_gate) return _waiting.Count > 0 ? _first : null;
        }
    }

    /// <summary>Told by the writer what is durable, in the order of the log; it only puts it down.</summary>
    public void Appended(long position, AuditEntry entry)
    {
        lock (_gate)
        {
            if (_waiting.Count >= most) return;
            if (_waiting.Count == 0) _first = position;
            // Some were left out: what comes after them waits until these are taken.
            if (position != _first + _waiting.Count) return;
            _waiting.Enqueue(entry.Scanned);
        }
    }

    /// <summary>Takes records from a position on into a list, in their order; what lies before it was read from the log already, and goes. None where the position itself does not wait here.</summary>
    public void Take(long next, int count, List<(long Position, ScannedRecord? Record)> into)
    {
        lock (_gate)
        {
            while (_waiting.Count > 0 && _first < next) Drop();
            if (_first != next) return;
            for (; count > 0 && _waiting.Count > 0; count--) into.Add((_first, Drop()));
        }
    }

    private ScannedRecord? Drop()
    {
        _first++;
        return _waiting.Dequeue();
    }
}
