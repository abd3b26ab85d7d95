using System.Buffers.Binary;

namespace SafetyNet.Exchange.Tests.Canaries;

/// <summary>Very many short byte strings, each a writing of a value: which values stand in a long one is found in one pass over it.</summary>
internal sealed class Needles
{
    /// <summary>Bytes by which a writing is known; no writing of a canary is shorter.</summary>
    private const int Head = sizeof(ulong);

    private readonly Dictionary<ulong, List<(byte[] Writing, string Value)>> _byHead = [];

    /// <summary>The heads, hashed to 2^22 bits: what most places of a text fail at.</summary>
    private readonly ulong[] _mayBeHead = new ulong[1 << 16];

    public Needles(IEnumerable<string> values, Func<string, IEnumerable<byte[]>> writings)
    {
        foreach (var value in values)
        {
            Count++;
            foreach (var writing in writings(value))
            {
                var head = BinaryPrimitives.ReadUInt64LittleEndian(writing);
                var bit = BitOf(head);
                _mayBeHead[bit >> 6] |= 1UL << (bit & 63);
                if (!_byHead.TryGetValue(head, out var alike)) _byHead.Add(head, alike = []);
                alike.Add((writing, value));
            }
        }
    }

    /// <summary>Values that were given.</summary>
    public int Count { get; }

    /// <summary>Values of which a writing stands in the bytes; each once.</summary>
    public IReadOnlyCollection<string> In(ReadOnlySpan<byte> bytes)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        for (var at = 0; at + Head <= bytes.Length; at++)
        {
            var head = BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
            var bit = BitOf(head);
            if ((_mayBeHead[bit >> 6] & (1UL << (bit & 63))) == 0 || !_byHead.TryGetValue(head, out var alike)) continue;
            foreach (var (writing, value) in alike)
                if (bytes[at..].StartsWith(writing)) found.Add(value);
        }

        return found;
    }

    private static int BitOf(ulong head) => (int)((head * 0x9E3779B97F4A7C15) >> 42);
}
