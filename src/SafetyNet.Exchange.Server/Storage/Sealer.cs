using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>A stored value does not open. The message names key and place, never content.</summary>
internal sealed class SealedValueException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Seals personal values for the database and opens them again (R-HH-5). Safe for concurrent use.</summary>
/// <remarks>Sealed form: version 0x01, key id (4, big-endian), random nonce (12), AES-256-GCM ciphertext (as long as the value), tag
/// (16). An empty value has 33 bytes.
/// The length of a value is not hidden.</remarks>
internal sealed class Sealer
{
    /// <summary>33 bytes more than the value.</summary>
    public const int OverheadBytes = HeaderBytes + NonceBytes + TagBytes;

    private const byte Version = 1;
    private const int HeaderBytes = 1 + sizeof(uint);
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int StackLimitBytes = 512;

    private readonly KeyRing _ring;

    public Sealer(KeyRing ring) => _ring = ring;

    /// <summary>Which key sealed a value, for rotation in the background; 0 for bytes that are no sealed value.</summary>
    public static uint KeyIdOf(ReadOnlySpan<byte> sealedValue) =>
        sealedValue.Length >= OverheadBytes && sealedValue[0] == Version ? BinaryPrimitives.ReadUInt32BigEndian(sealedValue[1..]) : 0;

    /// <summary>Seals under a key of the ring, by custom the current one of the row's jurisdiction.</summary>
    /// <param name="keyId">Errors: <see cref="KeyRingException"/> where the ring has no such key.</param>
    /// <param name="value">Any length, empty included.</param>
    /// <param name="associatedData">Not stored; the same bytes are needed to open. See <see cref="SealedColumn"/>.</param>
    public byte[] Seal(uint keyId, ReadOnlySpan<byte> value, ReadOnlySpan<byte> associatedData)
    {
        if (!_ring.TryGet(keyId, out var key))
            throw new KeyRingException($"Key {keyId} is not in the ring: draft, store and admit it before sealing.");
        var bytes = new byte[OverheadBytes + value.Length];
        bytes[0] = Version;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), keyId);
        var nonce = bytes.AsSpan(HeaderBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        var cipher = key.Rent();
        try
        {
            cipher.Encrypt(
                nonce, value, bytes.AsSpan(HeaderBytes + NonceBytes, value.Length), bytes.AsSpan(bytes.Length - TagBytes), associatedData);
        }
        finally
        {
            key.Return(cipher);
        }

        return bytes;
    }

    /// <summary>Opens into the caller's memory.</summary>
    /// <param name="sealedValue">What <see cref="Seal(uint, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/> gave.</param>
    /// <param name="associatedData">The same as at sealing.</param>
    /// <param name="destination">At least <see cref="OverheadBytes"/> shorter than the sealed value; holds zeros after an error.</param>
    /// <returns>The value's length in bytes.</returns>
    /// <remarks>Errors: <see cref="SealedValueException"/> for any changed byte, other associated data, or an unknown key.</remarks>
    public int Open(ReadOnlySpan<byte> sealedValue, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        if (sealedValue.Length < OverheadBytes || sealedValue[0] != Version)
            throw new SealedValueException("A stored value is not in sealed form, or of a newer version.");
        var keyId = BinaryPrimitives.ReadUInt32BigEndian(sealedValue[1..]);
        if (!_ring.TryGet(keyId, out var key))
            throw new SealedValueException(
                $"A stored value was sealed with key {keyId}, which is not in the ring. Restore the key table from its backup.");
        var length = sealedValue.Length - OverheadBytes;
        var cipher = key.Rent();
        try
        {
            cipher.Decrypt(
                sealedValue.Slice(HeaderBytes, NonceBytes),
                sealedValue.Slice(HeaderBytes + NonceBytes, length),
                sealedValue[^TagBytes..],
                destination[..length],
                associatedData);
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new SealedValueException(
                $"A stored value does not open with key {keyId}: it was altered, or moved here from another row or column.", e);
        }
        finally
        {
            key.Return(cipher);
        }

        return length;
    }

    /// <inheritdoc cref="Open(ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/>
    public byte[] Open(ReadOnlySpan<byte> sealedValue, ReadOnlySpan<byte> associatedData)
    {
        var value = new byte[Math.Max(0, sealedValue.Length - OverheadBytes)];
        Open(sealedValue, associatedData, value);
        return value;
    }

    /// <summary>Seals a text as UTF-8 for one row of a column.</summary>
    public byte[] SealText(uint keyId, SealedColumn column, Guid row, ReadOnlySpan<char> text)
    {
        Span<byte> binding = stackalloc byte[SealedColumn.BindingBytes];
        column.Bind(row, binding);
        var length = Encoding.UTF8.GetByteCount(text);
        using var buffer = new Scratch(length, stackalloc byte[length <= StackLimitBytes ? length : 0]);
        Encoding.UTF8.GetBytes(text, buffer.Bytes);
        return Seal(keyId, buffer.Bytes, binding);
    }

    /// <summary>Opens a text; allocates the string and nothing else.</summary>
    public string OpenText(SealedColumn column, Guid row, ReadOnlySpan<byte> sealedValue)
    {
        Span<byte> binding = stackalloc byte[SealedColumn.BindingBytes];
        column.Bind(row, binding);
        var length = Math.Max(0, sealedValue.Length - OverheadBytes);
        using var buffer = new Scratch(length, stackalloc byte[length <= StackLimitBytes ? length : 0]);
        try
        {
            Open(sealedValue, binding, buffer.Bytes);
        }
        catch (SealedValueException e)
        {
            throw new SealedValueException($"{column}, row {row}: {e.Message}", e);
        }

        return Encoding.UTF8.GetString(buffer.Bytes);
    }

    /// <summary>Memory for a value in the clear: the caller's stack for a short one, the shared pool for a long one; wiped at the
    /// end.</summary>
    private readonly ref struct Scratch
    {
        private readonly byte[]? _rented;

        public Scratch(int length, Span<byte> stack)
        {
            _rented = stack.Length < length ? ArrayPool<byte>.Shared.Rent(length) : null;
            Bytes = _rented is null ? stack : _rented.AsSpan(0, length);
        }

        public Span<byte> Bytes { get; }

        public void Dispose()
        {
            CryptographicOperations.ZeroMemory(Bytes);
            if (_rented is not null)
                ArrayPool<byte>.Shared.Return(_rented);
        }
    }
}
