using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>What a search asks for: records that have all the terms, in a window of time.</summary>
/// <param name="Terms">None: every record.</param>
/// <param name="After">Microseconds since 1970, inclusive.</param>
/// <param name="Before">Microseconds since 1970, exclusive.</param>
internal readonly record struct SearchQuestion(IReadOnlyList<ulong> Terms, long After, long Before);

/// <summary>
/// Finds records of the log by what is in them. Built behind the log and never in the way of a call: the newest records in memory, every
/// <see cref="SegmentRecords"/> of them written away as a segment.
/// </summary>
/// <remarks>Trust: whoever can write to its folder can hide a record from a search, and never from the verification of the log, which does not look here. A segment that is
/// damaged, or of another log, is made anew.</remarks>
internal sealed class SearchIndex : IAsyncDisposable
{
    /// <summary>Most records that wait in memory to be taken in; what comes beyond is read from the log.</summary>
    private const int MostAppended = 100_000;

    /// <summary>Records of a segment.</summary>
    public const int SegmentRecords = 65_536;

    /// <summary>Postings that are read in the time in which one record is opened, about; a list that is longer than that is not read, the records that are left are asked instead.</summary>
    private const int PostingsPerRecord = 1000;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>No search looks at a segment for so long.</summary>
    private static readonly TimeSpan LongestSearch = TimeSpan.FromMinutes(1);

    private readonly string _folder;
    private readonly SqliteStore _store;
    private readonly AuditLog _log;
    private readonly int _segmentRecords;
    private readonly Lock _gate = new();
    private readonly List<SearchSegment> _segments = [];
    private readonly Dictionary<ulong, List<int>> _tail = [];
    private readonly List<long> _tailTimes = [];
    private readonly CancellationTokenSource _ends = new();
    private Task _following = Task.CompletedTask;
    private readonly ConcurrentQueue<(long Position, AuditEntry Entry)> _appended = new();
    private readonly Queue<(SearchSegment Segment, long Since)> _retired = new();
    private byte[] _lastLeaf = [];
    private int _appendedCount;

    /// <param name="folder">Folder of the segments; made where there is none.</param>
    /// <param name="segmentRecords">Records of a segment; a test takes fewer.</param>
    public SearchIndex(string folder, SqliteStore store, AuditLog log, int segmentRecords = SegmentRecords)
    {
        (_folder, _store, _log, _segmentRecords) = (folder, store, log, segmentRecords);
        Directory.CreateDirectory(folder);
        OpenSegments();
    }

    /// <summary>Records that are in the index.</summary>
    public long Size
    {
        get
        {
            lock (_gate) return TailStart + _tailTimes.Count;
        }
    }

    private long TailStart => _segments.Count == 0 ? 0 : _segments[^1].End;

    /// <summary>Told by the writer what is durable, in the order of the log; it only puts it down here, and the record need not be read again.</summary>
    public void Appended(long position, AuditEntry entry)
    {
        if (Volatile.Read(ref _appendedCount) >= MostAppended) return;
        Interlocked.Increment(ref _appendedCount);
        _appended.Enqueue((position, entry));
    }

    /// <summary>Follows the log from now on.</summary>
    public void Begin() => _following = Task.Run(async () =>
    {
        while (!_ends.IsCancellationRequested)
        {
            try
            {
                DropRetired();
                if (!TakeSome()) await Task.Delay(Pause, _ends.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or Microsoft.Data.Sqlite.SqliteException)
            {
                // Searches go on over what there is, and take the rest from the log itself as soon as it can be read again.
                ServerLog.SearchIndexFailed(e.GetType().Name);
                await Task.Delay(TimeSpan.FromSeconds(5), CancellationToken.None);
            }
        }
    });

    /// <summary>Takes in what was answered before a search begins, so that it is found whatever the index lags behind.</summary>
    /// <param name="below">Positions that the search is about.</param>
    /// <param name="most">How long at most: a log that was never indexed takes a while.</param>
    /// <returns>False: it is not all in yet.</returns>
    public bool CatchUp(long below, TimeSpan most)
    {
        var (since, wanted) = (Stopwatch.GetTimestamp(), Math.Min(below, _log.Size));
        while (Size < wanted)
        {
            if (!TakeSome() || Stopwatch.GetElapsedTime(since) > most) return Size >= wanted;
        }

        return true;
    }

    /// <summary>Positions below <paramref name="below"/> that may answer, newest first, as far as the index is; whoever asked looks at each record before it counts.</summary>
    public IEnumerable<long> Find(SearchQuestion question, long below)
    {
        List<long> found = [];
        SearchSegment[] segments;
        lock (_gate)
        {
            segments = [.. _segments];
            var (start, count) = (TailStart, _tailTimes.Count);
            Collect(question, below, start, count, FindInTail, at => _tailTimes[at] >= question.After && _tailTimes[at] < question.Before, found);
        }

        foreach (var position in found) yield return position;
        for (var at = segments.Length - 1; at >= 0; at--)
        {
            var segment = segments[at];
            if (segment.First >= below || !segment.Meets(question.After, question.Before)) continue;
            found.Clear();
            Collect(question, below, segment.First, segment.Count, segment.Find, record => segment.BlockMeets(record, question.After, question.Before), found);
            foreach (var position in found) yield return position;
        }
    }

    /// <summary>Forgets what records can be found by whose bytes were purged: in memory, and in every segment, which is written anew where it knew them.</summary>
    public void Forget(EntryRanges purged)
    {
        if (purged.Count == 0) return;
        // What waits to be taken in may be of them.
        while (!CatchUp(_log.Size, TimeSpan.FromSeconds(2))) _ends.Token.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var start = TailStart;
            foreach (var (term, list) in _tail.ToList())
            {
                if (list.RemoveAll(at => purged.Contains(start + at)) > 0 && list.Count == 0) _tail.Remove(term);
            }

            for (var at = 0; at < _segments.Count; at++)
            {
                var path = PathOf(_segments[at].First);
                if (!_segments[at].TryWriteWithout(path, purged)) continue;
                // A search may be walking through the old one.
                _retired.Enqueue((_segments[at], Stopwatch.GetTimestamp()));
                _segments[at] = SearchSegment.TryOpen(path) ?? throw new IOException("A segment of the search index cannot be read back.");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _following;
        _ends.Dispose();
        foreach (var segment in _segments) segment.Dispose();
        foreach (var (segment, _) in _retired) segment.Dispose();
    }

    private void DropRetired()
    {
        lock (_gate)
        {
            while (_retired.TryPeek(out var oldest) && Stopwatch.GetElapsedTime(oldest.Since) > LongestSearch) _retired.Dequeue().Segment.Dispose();
        }
    }

    /// <summary>Positions of one stretch, newest first: of all terms, or all where none is asked for. Of terms that very many records have, each record is asked itself.</summary>
    private static void Collect(SearchQuestion question, long below, long first, int count, Func<ulong, Postings?> find, Func<int, bool> meets, List<long> found)
    {
        List<Postings> wanted = [];
        foreach (var term in question.Terms)
        {
            if (find(term) is not { } postings) return;
            wanted.Add(postings);
        }

        wanted.Sort((a, b) => a.Count.CompareTo(b.Count));
        List<IReadOnlyList<int>> lists = [.. wanted.Where(one => one.Count <= (long)wanted[0].Count * PostingsPerRecord).Select(one => one.Read())];
        var ends = lists.Select(list => list.Count - 1).ToArray();
        for (var step = (lists.Count == 0 ? count : lists[0].Count) - 1; step >= 0; step--)
        {
            var at = lists.Count == 0 ? step : lists[0][step];
            if (first + at < below && IsInAll(lists, ends, at) && meets(at)) found.Add(first + at);
        }
    }

    /// <summary>Walks all lists down together, each once.</summary>
    private static bool IsInAll(List<IReadOnlyList<int>> lists, int[] ends, int at)
    {
        for (var i = 1; i < lists.Count; i++)
        {
            while (ends[i] >= 0 && lists[i][ends[i]] > at) ends[i]--;
            if (ends[i] < 0 || lists[i][ends[i]] != at) return false;
        }

        return true;
    }

    private Postings? FindInTail(ulong term) => _tail.TryGetValue(term, out var list) ? new Postings(list.Count, () => list) : null;

    /// <summary>Takes the next stretch of the log in; false: there is none.</summary>
    private bool TakeSome()
    {
        lock (_gate)
        {
            var taken = TakeAppended();
            if (taken == 0) taken = TakeFromLog();
            if (taken == 0) return false;
            if (_tailTimes.Count == _segmentRecords) WriteAway();
            return true;
        }
    }

    /// <summary>What the writer told of, as far as it follows on what is in; what was read from the log meanwhile is passed over.</summary>
    private int TakeAppended()
    {
        var (taken, next) = (0, TailStart + _tailTimes.Count);
        while (taken < 4096 && _tailTimes.Count < _segmentRecords && _appended.TryPeek(out var one) && one.Position <= next)
        {
            _appended.TryDequeue(out _);
            Interlocked.Decrement(ref _appendedCount);
            if (one.Position < next) continue;
            Add(one.Entry.Terms, Instants.ToMicros(one.Entry.DecidedAt), one.Entry.LeafHash);
            (taken, next) = (taken + 1, next + 1);
        }

        return taken;
    }

    private int TakeFromLog()
    {
        var start = TailStart + _tailTimes.Count;
        var end = Math.Min(_log.Size, start + Math.Min(4096, _segmentRecords - _tailTimes.Count));
        if (start >= end) return 0;
        using var session = _store.Read();
        foreach (var (_, leaf, body) in session.ReadEntries(start, end, 4096))
        {
            if (body.Length == 0)
            {
                // It was purged: it keeps its place, and is found by nothing.
                Add([], _tailTimes.Count > 0 ? _tailTimes[^1] : 0, leaf);
                continue;
            }

            var record = Wire.AuditRecord.Parser.ParseFrom(body);
            Add(SearchTerm.Of(record), Instants.ToMicros(record.DecidedAt.ToDateTimeOffset()), leaf);
        }

        return (int)(TailStart + _tailTimes.Count - start);
    }

    private void Add(IEnumerable<ulong> terms, long micros, byte[] leaf)
    {
        var at = _tailTimes.Count;
        foreach (var term in terms)
        {
            ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(_tail, term, out _);
            list ??= [];
            if (list.Count == 0 || list[^1] != at) list.Add(at);
        }

        _tailTimes.Add(micros);
        _lastLeaf = leaf;
    }

    private void WriteAway()
    {
        var path = PathOf(TailStart);
        SearchSegment.Write(path, TailStart, _tailTimes.Count, _tail, SearchSegment.BlocksOf(_tailTimes), _lastLeaf);
        _segments.Add(SearchSegment.TryOpen(path) ?? throw new IOException("A segment of the search index cannot be read back."));
        _tail.Clear();
        _tailTimes.Clear();
    }

    /// <summary>Takes the segments that are whole and of this log, in order; what comes after the first that is not is made anew.</summary>
    private void OpenSegments()
    {
        using var session = _store.Read();
        while (SearchSegment.TryOpen(PathOf(TailStart)) is { } segment)
        {
            var last = segment.End <= _log.Size ? session.ReadEntries(segment.End - 1, segment.End, 1).FirstOrDefault().LeafHash : null;
            if (segment.First != TailStart || segment.Count != _segmentRecords || last is null || !segment.LastLeaf.SequenceEqual(last))
            {
                segment.Dispose();
                break;
            }

            _segments.Add(segment);
        }
    }

    private string PathOf(long first) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{first:d15}.search"));
}
