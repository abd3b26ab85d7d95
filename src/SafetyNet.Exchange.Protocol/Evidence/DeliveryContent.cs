using System.Security.Cryptography;
using Google.Protobuf;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>
/// Hash of all rows of a delivery of the household register, in their order: sender and exchange compute it each for itself and compare (R-HH-3). It binds every row to its line.
/// </summary>
/// <remarks>32 zero bytes at the beginning; then, for each row, SHA-256 over the 32 bytes before it and the row in protobuf's wire form, fields by ascending number, defaults left out, nothing unknown.</remarks>
public static class DeliveryContent
{
    /// <summary>32 bytes.</summary>
    public const int SizeBytes = SHA256.HashSizeInBytes;

    /// <summary>Hash before the first row.</summary>
    public static byte[] Start => new byte[SizeBytes];

    /// <summary>Hash after one more row.</summary>
    /// <param name="before">32 bytes.</param>
    /// <param name="row">Row in wire form.</param>
    public static byte[] After(ReadOnlySpan<byte> before, ReadOnlySpan<byte> row)
    {
        if (before.Length != SizeBytes) throw new ArgumentException($"A hash of content has {SizeBytes} bytes.", nameof(before));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(before);
        hash.AppendData(row);
        return hash.GetHashAndReset();
    }

    /// <inheritdoc cref="After(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public static byte[] After(ReadOnlySpan<byte> before, Wire.RegisterRow row) => After(before, row.ToByteArray());
}
