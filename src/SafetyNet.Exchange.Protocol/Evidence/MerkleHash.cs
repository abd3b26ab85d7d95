using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>One SHA-256 value in the evidence log: a leaf, an inner node or a root.</summary>
/// <remarks>Shape: exactly 32 bytes held by value, so that a batch of hashes is one block of memory. Text forms: standard
/// base64 with padding (checkpoints), lower-case hexadecimal (people). Source: RFC 6962 2.1.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly struct MerkleHash : IEquatable<MerkleHash>
{
    /// <summary>32, the length of SHA-256 in bytes.</summary>
    public const int SizeBytes = 32;

    private readonly ulong _a, _b, _c, _d;

    /// <summary>Takes over a stored hash. Errors: <see cref="ArgumentException"/> unless the source has exactly 32 bytes.</summary>
    public MerkleHash(ReadOnlySpan<byte> source)
    {
        if (source.Length != SizeBytes)
            throw new ArgumentException($"A hash has {SizeBytes} bytes, not {source.Length}.", nameof(source));
        this = MemoryMarshal.Read<MerkleHash>(source);
    }

    /// <summary>The 32 bytes in place, without a copy; valid as long as the variable they live in.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(new ReadOnlySpan<MerkleHash>(in this));

    public void CopyTo(Span<byte> destination) => Bytes.CopyTo(destination);

    public byte[] ToArray() => Bytes.ToArray();

    /// <summary>The form in checkpoints: 44 characters of standard base64.</summary>
    public string ToBase64() => Convert.ToBase64String(Bytes);

    /// <summary>The form for people and vectors: 64 lower-case hexadecimal digits.</summary>
    public string ToHex() => Convert.ToHexStringLower(Bytes);

    public override string ToString() => ToHex();

    /// <summary>Reads the 44 characters of a checkpoint; any other spelling of the same bytes is refused.</summary>
    public static bool TryParseBase64(ReadOnlySpan<char> text, out MerkleHash hash)
    {
        hash = default;
        return text.Length == 44 && CanonicalBase64.TryDecode(text, out var bytes) && TryRead(bytes, out hash);
    }

    /// <summary>Reads 64 hexadecimal digits of either case.</summary>
    public static bool TryParseHex(ReadOnlySpan<char> text, out MerkleHash hash)
    {
        hash = default;
        Span<byte> bytes = stackalloc byte[SizeBytes];
        return text.Length == 2 * SizeBytes
            && Convert.FromHexString(text, bytes, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == SizeBytes
            && TryRead(bytes, out hash);
    }

    public bool Equals(MerkleHash other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    public override bool Equals(object? obj) => obj is MerkleHash other && Equals(other);

    /// <summary>SHA-256 output is already spread evenly: its first bytes serve.</summary>
    public override int GetHashCode() => _a.GetHashCode();

    public static bool operator ==(MerkleHash left, MerkleHash right) => left.Equals(right);

    public static bool operator !=(MerkleHash left, MerkleHash right) => !left.Equals(right);

    internal static Span<byte> Writable(ref MerkleHash hash) => MemoryMarshal.AsBytes(new Span<MerkleHash>(ref hash));

    private static bool TryRead(ReadOnlySpan<byte> bytes, out MerkleHash hash)
    {
        hash = default;
        if (bytes.Length != SizeBytes)
            return false;
        hash = new MerkleHash(bytes);
        return true;
    }
}
