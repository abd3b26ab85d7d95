using System.Security.Cryptography;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Evidence;

/// <summary>The definitions of RFC 9162 2.1 written down as they stand, slow and without the product's code: the oracle.</summary>
internal static class NaiveTree
{
    public static byte[] Leaf(byte[] record) => SHA256.HashData([0, .. record]);

    public static byte[] Root(ReadOnlySpan<byte[]> d)
    {
        if (d.Length == 0)
            return SHA256.HashData([]);
        if (d.Length == 1)
            return d[0];
        var k = Split(d.Length);
        return Node(Root(d[..k]), Root(d[k..]));
    }

    public static List<byte[]> Path(int m, ReadOnlySpan<byte[]> d)
    {
        if (d.Length == 1)
            return [];
        var k = Split(d.Length);
        return m < k ? [.. Path(m, d[..k]), Root(d[k..])] : [.. Path(m - k, d[k..]), Root(d[..k])];
    }

    public static List<byte[]> Proof(int m, ReadOnlySpan<byte[]> d, bool whole = true)
    {
        if (m == d.Length)
            return whole ? [] : [Root(d)];
        var k = Split(d.Length);
        return m <= k ? [.. Proof(m, d[..k], whole), Root(d[k..])] : [.. Proof(m - k, d[k..], whole: false), Root(d[..k])];
    }

    public static MerkleHash[] AsHashes(this IEnumerable<byte[]> hashes) => [.. hashes.Select(h => new MerkleHash(h))];

    private static byte[] Node(byte[] left, byte[] right)
    {
        Span<byte> input = stackalloc byte[65];
        input[0] = 1;
        left.CopyTo(input[1..]);
        right.CopyTo(input[33..]);
        return SHA256.HashData(input);
    }

    private static int Split(int n)
    {
        var k = 1;
        while (2 * k < n)
            k *= 2;
        return k;
    }
}
