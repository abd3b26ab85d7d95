using System.Globalization;
using Google.Protobuf;
using SafetyNet.Exchange.V1;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>Consecutive entries of a log.</summary>
/// <param name="First">Index of the first.</param>
/// <param name="Last">Index of the last, not below the first.</param>
public readonly record struct EntryRange(long First, long Last)
{
    /// <summary>How many.</summary>
    public long Count => Last - First + 1;
}

/// <summary>Ranges of entries in order, none of which touches another.</summary>
/// <remarks>Not safe for concurrent use.</remarks>
public sealed class EntryRanges
{
    private readonly List<EntryRange> _ranges = [];

    /// <summary>The ranges, lowest first.</summary>
    public IReadOnlyList<EntryRange> All => _ranges;

    /// <summary>Entries in all of them.</summary>
    public long Count => _ranges.Sum(r => r.Count);

    /// <summary>Adds one entry.</summary>
    public void Add(long index) => Add(new EntryRange(index, index));

    /// <summary>Adds a range, wherever it lies; what is in already stays.</summary>
    public void Add(EntryRange range)
    {
        if (_ranges.Count > 0 && _ranges[^1] is var last && range.First >= last.First)
        {
            // The common case: one after the other.
            if (range.First > last.Last + 1) _ranges.Add(range);
            else _ranges[^1] = new EntryRange(last.First, Math.Max(last.Last, range.Last));
            return;
        }

        var from = _ranges.FindIndex(r => r.Last + 1 >= range.First);
        if (from < 0) from = _ranges.Count;
        var until = from;
        while (until < _ranges.Count && _ranges[until].First <= range.Last + 1)
        {
            range = new EntryRange(Math.Min(range.First, _ranges[until].First), Math.Max(range.Last, _ranges[until].Last));
            until++;
        }

        _ranges.RemoveRange(from, until - from);
        _ranges.Insert(from, range);
    }

    /// <summary>Is the entry in one of them?</summary>
    public bool Contains(long index) => FirstMissing(new EntryRange(index, index)) is null;

    /// <summary>The first entry of a range that is in none of them; null: all are.</summary>
    public long? FirstMissing(EntryRange range)
    {
        // The last range that begins at or before it is the only one that can hold its first entry, and ranges do not touch.
        var (low, high) = (0, _ranges.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].First <= range.First) low = middle + 1;
            else high = middle - 1;
        }

        if (high < 0 || _ranges[high].Last < range.First) return range.First;
        return _ranges[high].Last >= range.Last ? null : _ranges[high].Last + 1;
    }
}

/// <summary>
/// The record by which retention says whose bytes it removed (保存期限屆滿之清除): <c>purged/FIRST-LAST</c> for each range among its resources. It names no caller. An entry
/// whose record is gone and that no later record of this kind names was taken away by somebody else.
/// </summary>
public static class PurgedRecords
{
    /// <summary>Method of the record.</summary>
    public const string Method = "retention/PurgeRecords";

    /// <summary>Before a range, among the resources.</summary>
    public const string RangePrefix = "purged/";

    /// <summary>Before the instant (RFC 3339) up to which records were due, among the resources.</summary>
    public const string CutOffPrefix = "cut-off/";

    private static ReadOnlySpan<byte> MethodBytes => "retention/PurgeRecords"u8;

    /// <summary>A range as a resource of the record.</summary>
    public static string ToResource(EntryRange range) => string.Create(CultureInfo.InvariantCulture, $"{RangePrefix}{range.First}-{range.Last}");

    /// <summary>The ranges that a record at a place in the log says were purged: those before it. None where it is a record of another kind.</summary>
    /// <param name="index">Its place.</param>
    /// <param name="record">Its bytes.</param>
    public static IReadOnlyList<EntryRange> Read(long index, ReadOnlySpan<byte> record)
    {
        // Nearly every record is another, and is not parsed for it.
        if (record.IndexOf(MethodBytes) < 0) return [];
        AuditRecord parsed;
        try
        {
            parsed = AuditRecord.Parser.ParseFrom(record);
        }
        catch (InvalidProtocolBufferException)
        {
            return [];
        }

        if (!parsed.Method.Equals(Method, StringComparison.Ordinal) || parsed.System.Length > 0) return [];
        return [.. parsed.Resources.Select(resource => Parse(resource, index)).OfType<EntryRange>()];
    }

    private static EntryRange? Parse(string resource, long before)
    {
        if (!resource.StartsWith(RangePrefix, StringComparison.Ordinal)) return null;
        var text = resource.AsSpan(RangePrefix.Length);
        var dash = text.IndexOf('-');
        return dash > 0 && TryNumber(text[..dash], out var first) && TryNumber(text[(dash + 1)..], out var last) && first <= last && last < before
            ? new EntryRange(first, last)
            : null;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
