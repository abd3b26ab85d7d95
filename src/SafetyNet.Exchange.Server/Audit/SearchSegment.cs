using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>When the records of a block were decided, microseconds since 1970, both ends inclusive.</summary>
internal readonly record struct TimeSpanOfBlock(long From, long To)
{
    public bool Meets(long after, long before) => To >= after && From < before;
}

/// <summary>Records of one stretch that have a term.</summary>
/// <param name="Count">How many; known before any is read.</param>
/// <param name="Read">Reads them, as distances from the first of the stretch, rising.</param>
internal readonly record struct Postings(int Count, Func<IReadOnlyList<int>> Read);

/// <summary>
/// Where the terms of a stretch of records occur: one file, written once and never changed. It holds nothing that the log does not, and is made anew from the log where it
/// is lost.
/// </summary>
/// <remarks>
/// Shape, numbers big-endian: <c>SNS1</c>; first position (8 bytes); records (4); terms (4); leaf hash of the last record (32); for each block of
/// <see cref="BlockRecords"/> records the times of its earliest and latest (8 and 8); for each term in rising order the term (8), where its postings begin (4) and how many
/// there are (4); the postings, each the distance from the one before in 7-bit groups, lowest first; SHA-256 over all of it (32).
/// </remarks>
internal sealed unsafe class SearchSegment : IDisposable
{
    public const int BlockRecords = 256;
    private const int HeaderBytes = 4 + 8 + 4 + 4 + 32;
    private const int TermBytes = 16;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _bytes;
    private readonly int _length, _terms, _termsAt, _postingsAt;
    private readonly TimeSpanOfBlock[] _blocks;

    private SearchSegment(string path)
    {
        _length = (int)new FileInfo(path).Length;
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _bytes);
        First = BinaryPrimitives.ReadInt64BigEndian(Bytes[4..]);
        Count = BinaryPrimitives.ReadInt32BigEndian(Bytes[12..]);
        _terms = BinaryPrimitives.ReadInt32BigEndian(Bytes[16..]);
        _blocks = new TimeSpanOfBlock[(Count + BlockRecords - 1) / BlockRecords];
        for (var at = 0; at < _blocks.Length; at++)
        {
            var times = Bytes[(HeaderBytes + (16 * at))..];
            _blocks[at] = new TimeSpanOfBlock(BinaryPrimitives.ReadInt64BigEndian(times), BinaryPrimitives.ReadInt64BigEndian(times[8..]));
        }

        _termsAt = HeaderBytes + (16 * _blocks.Length);
        _postingsAt = _termsAt + (TermBytes * _terms);
    }

    public long First { get; }

    public int Count { get; }

    /// <summary>Position after the last.</summary>
    public long End => First + Count;

    public ReadOnlySpan<byte> LastLeaf => Bytes.Slice(20, 32);

    private ReadOnlySpan<byte> Bytes => new(_bytes, _length);

    /// <summary>Opens a file that is whole.</summary>
    /// <returns>Null where it is not: it was cut or changed, and is to be made anew.</returns>
    public static SearchSegment? TryOpen(string path)
    {
        if (new FileInfo(path) is not { Exists: true, Length: > HeaderBytes + 32 and < int.MaxValue }) return null;
        using (var file = File.OpenRead(path))
        {
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            if (!bytes.AsSpan(0, 4).SequenceEqual("SNS1"u8) || !SHA256.HashData(bytes.AsSpan(0, bytes.Length - 32)).AsSpan().SequenceEqual(bytes.AsSpan(bytes.Length - 32))) return null;
        }

        return new SearchSegment(path);
    }

    /// <summary>Writes a segment whole or not at all.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="first">Position of its first record.</param>
    /// <param name="postings">For each term the records that have it, as distances from <paramref name="first"/>, rising.</param>
    /// <param name="count">Records of the segment.</param>
    /// <param name="blocks">When the records of each block were decided.</param>
    /// <param name="lastLeaf">Leaf hash of the last record.</param>
    public static void Write(string path, long first, int count, IReadOnlyDictionary<ulong, List<int>> postings, IReadOnlyList<TimeSpanOfBlock> blocks, ReadOnlySpan<byte> lastLeaf)
    {
        var draft = path + ".tmp";
        using (var body = new MemoryStream())
        {
            body.Write("SNS1"u8);
            Put(body, first);
            Put(body, count);
            Put(body, postings.Count);
            body.Write(lastLeaf);
            foreach (var block in blocks)
            {
                Put(body, block.From);
                Put(body, block.To);
            }

            var terms = postings.Keys.ToArray();
            Array.Sort(terms);
            using var lists = new MemoryStream();
            foreach (var term in terms)
            {
                Put(body, (long)term);
                Put(body, (int)lists.Length);
                Put(body, postings[term].Count);
                var before = 0;
                foreach (var at in postings[term])
                {
                    var distance = (uint)(at - before);
                    for (; distance >= 0x80; distance >>= 7) lists.WriteByte((byte)(distance | 0x80));
                    lists.WriteByte((byte)distance);
                    before = at;
                }
            }

            lists.WriteTo(body);
            body.Write(SHA256.HashData(body.GetBuffer().AsSpan(0, (int)body.Length)));
            using var file = new FileStream(draft, FileMode.Create, FileAccess.Write, FileShare.None);
            body.WriteTo(file);
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>When the records of each block were decided.</summary>
    /// <param name="times">When each record was, microseconds.</param>
    public static IReadOnlyList<TimeSpanOfBlock> BlocksOf(IReadOnlyList<long> times) =>
        [.. times.Chunk(BlockRecords).Select(block => new TimeSpanOfBlock(block.Min(), block.Max()))];

    /// <summary>Writes the segment anew without what some records can be found by. Terms that no other record has go with them.</summary>
    /// <returns>False: it knew nothing of them, and stays.</returns>
    public bool TryWriteWithout(string path, Protocol.Evidence.EntryRanges gone)
    {
        if (gone.All.All(range => range.Last < First || range.First >= End)) return false;
        var (left, knew) = (new Dictionary<ulong, List<int>>(), false);
        for (var at = 0; at < _terms; at++)
        {
            var entry = Bytes.Slice(_termsAt + (TermBytes * at), TermBytes);
            var all = Decode(BinaryPrimitives.ReadInt32BigEndian(entry[8..]), BinaryPrimitives.ReadInt32BigEndian(entry[12..]));
            List<int> others = [.. all.Where(record => !gone.Contains(First + record))];
            knew |= others.Count < all.Length;
            if (others.Count > 0) left.Add(BinaryPrimitives.ReadUInt64BigEndian(entry), others);
        }

        if (knew) Write(path, First, Count, left, _blocks, LastLeaf);
        return knew;
    }

    /// <summary>Records of a term, as distances from <see cref="First"/>, rising; null: none has it.</summary>
    public Postings? Find(ulong term)
    {
        var (low, high) = (0, _terms - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var entry = Bytes.Slice(_termsAt + (TermBytes * middle), TermBytes);
            var found = BinaryPrimitives.ReadUInt64BigEndian(entry);
            if (found == term)
            {
                var (from, count) = (BinaryPrimitives.ReadInt32BigEndian(entry[8..]), BinaryPrimitives.ReadInt32BigEndian(entry[12..]));
                return new Postings(count, () => Decode(from, count));
            }

            if (found < term) low = middle + 1;
            else high = middle - 1;
        }

        return null;
    }

    public bool Meets(long after, long before)
    {
        foreach (var block in _blocks)
            if (block.Meets(after, before)) return true;
        return false;
    }

    public bool BlockMeets(int at, long after, long before) => _blocks[at / BlockRecords].Meets(after, before);

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    private int[] Decode(int from, int count)
    {
        var found = new int[count];
        var bytes = Bytes[(_postingsAt + from)..];
        var (at, before) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            var (distance, shift) = (0, 0);
            byte octet;
            do
            {
                octet = bytes[at++];
                distance |= (octet & 0x7f) << shift;
                shift += 7;
            }
            while (octet >= 0x80);
            found[i] = before += distance;
        }

        return found;
    }

    private static void Put(MemoryStream to, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        to.Write(bytes);
    }

    private static void Put(MemoryStream to, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        to.Write(bytes);
    }
}
