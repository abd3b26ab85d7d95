using System.Security.Cryptography;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>An opened data key with ciphers at hand.</summary>
/// <remarks>A cipher object keeps the nonce of the call under way, so two threads must never share one; making one for each value costs
/// more than
/// opening a short value. Hence a few per key, lent to one caller at a time.</remarks>
internal sealed class DataKey : IDisposable
{
    private const int TagBytes = 16;

    private readonly byte[] _key;
    private readonly AesGcm?[] _idle = new AesGcm?[2 * Environment.ProcessorCount];
    private volatile bool _disposed;

    /// <param name="row">Where the key comes from.</param>
    /// <param name="key">32 bytes, taken over and wiped with this object.</param>
    public DataKey(WrappedKey row, byte[] key)
    {
        Row = row;
        _key = key;
    }

    public WrappedKey Row { get; }

    public byte[] Key => _key;

    /// <summary>A cipher for this caller alone, until <see cref="Return"/>.</summary>
    public AesGcm Rent()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var start = Thread.GetCurrentProcessorId();
        for (var i = 0; i < _idle.Length; i++)
        {
            if (Interlocked.Exchange(ref _idle[(start + i) % _idle.Length], null) is { } cipher)
                return cipher;
        }

        return new AesGcm(_key, TagBytes);
    }

    public void Return(AesGcm cipher)
    {
        var start = Thread.GetCurrentProcessorId();
        for (var i = 0; i < _idle.Length && !_disposed; i++)
        {
            if (Interlocked.CompareExchange(ref _idle[(start + i) % _idle.Length], cipher, null) is null)
                return;
        }

        cipher.Dispose();
    }

    public void Dispose()
    {
        _disposed = true;
        for (var i = 0; i < _idle.Length; i++)
            Interlocked.Exchange(ref _idle[i], null)?.Dispose();
        CryptographicOperations.ZeroMemory(_key);
    }
}
