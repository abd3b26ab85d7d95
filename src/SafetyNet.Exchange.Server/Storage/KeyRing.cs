using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>What a data key is for. A key serves one purpose only, so that one leaked kind of value opens no other.</summary>
/// <remarks>The number is stored and bound into the wrapped key: never renumber.</remarks>
internal enum KeyPurpose : byte
{
    /// <summary>Names, national ids, addresses, phones.</summary>
    PersonFacts = 1,

    /// <summary>Notes, reasons, reports: text a worker wrote.</summary>
    FreeText = 2,

    /// <summary>Search of national ids and names without opening them.</summary>
    BlindIndex = 3,

    /// <summary>Subjects in the audit record.</summary>
    Pseudonym = 4,

    /// <summary>Sealed bodies beside the leaves of the audit log.</summary>
    AuditRecord = 5,
}

/// <summary>The one key kept outside the database, which opens all data keys.</summary>
internal sealed class KeyEncryptionKey : IDisposable
{
    /// <summary>32, an AES-256 key, in bytes.</summary>
    public const int SizeBytes = 32;

    private readonly byte[] _bytes;

    /// <param name="id">How operators call it, for messages; not secret.</param>
    /// <param name="bytes">Exactly 32 random bytes; copied.</param>
    public KeyEncryptionKey(string id, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != SizeBytes)
            throw new ArgumentException($"A key-encryption key has {SizeBytes} bytes, not {bytes.Length}.", nameof(bytes));
        Id = id;
        _bytes = bytes.ToArray();
        Span<byte> check = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_bytes, "safetynet key-encryption key check"u8, check);
        Check = BinaryPrimitives.ReadUInt32BigEndian(check);
    }

    public string Id { get; }

    /// <summary>Four bytes that tell one such key from another and reveal nothing of either.</summary>
    public uint Check { get; }

    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Never the bytes.</summary>
    public override string ToString() => $"{Id} ({Check:x8})";

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);
}

/// <summary>A data key as it lies in the database.</summary>
/// <param name="KeyId">Stands in front of every sealed value; 1 or more, never used again.</param>
/// <param name="Jurisdiction">Whose data; a code of domain.md, or any name the caller keeps to.</param>
/// <param name="Purpose">What for.</param>
/// <param name="Generation">1 for the first key of that jurisdiction and purpose; the highest seals, all open.</param>
/// <param name="Wrapped">65 bytes: version 0x01, check of the wrapping key (4, big-endian), nonce (12), AES-256-GCM ciphertext (32), tag
/// (16). Bound to the four
/// other columns, so that a row moved to another jurisdiction does not open.</param>
internal sealed record WrappedKey(uint KeyId, string Jurisdiction, KeyPurpose Purpose, int Generation, byte[] Wrapped);

/// <summary>The ring cannot do what was asked; the message says what an operator should do. Never carries key bytes.</summary>
internal sealed class KeyRingException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>All data keys, opened once at start: one per jurisdiction, purpose and generation (R-HH-5).</summary>
/// <remarks>No database here: rows come in by <see cref="Open"/> and <see cref="Admit"/>, and go out by <see cref="Draft"/>. Readers
/// take no lock.
/// A data key seals at most 2^32 values (random nonces, NIST SP 800-38D 8.3): draw a new generation long before.</remarks>
internal sealed class KeyRing : IDisposable
{
    private const byte WrapVersion = 1;
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeaderBytes = 1 + sizeof(uint);
    private const int WrappedBytes = HeaderBytes + NonceBytes + KeyBytes + TagBytes;

    private readonly KeyEncryptionKey _kek;
    private readonly Lock _gate = new();
    private volatile Keys _keys = new([], []);
    private uint _highestDrafted;

    private KeyRing(KeyEncryptionKey kek) => _kek = kek;

    /// <summary>Opens all rows. The ring keeps <paramref name="kek"/> and disposes it with itself.</summary>
    /// <remarks>Refuses: a row wrapped with another key-encryption key, an altered row, two rows of one key id or of one jurisdiction,
    /// purpose and generation.</remarks>
    public static KeyRing Open(KeyEncryptionKey kek, IEnumerable<WrappedKey> rows)
    {
        var ring = new KeyRing(kek);
        foreach (var row in rows)
            ring.Admit(row);
        return ring;
    }

    /// <summary>The key that seals new values, or false where none was drawn yet.</summary>
    public bool TryGetCurrent(string jurisdiction, KeyPurpose purpose, out uint keyId) =>
        _keys.Current.TryGetValue((jurisdiction, purpose), out keyId);

    /// <summary>The key that seals new values. Errors: <see cref="KeyRingException"/> where none was drawn yet.</summary>
    public uint GetCurrent(string jurisdiction, KeyPurpose purpose) =>
        TryGetCurrent(jurisdiction, purpose, out var keyId)
            ? keyId
            : throw new KeyRingException($"There is no {purpose} key for jurisdiction {jurisdiction}. Draft one, store its row, admit it.");

    /// <summary>Every key of a jurisdiction and purpose, newest first: what a search by blind index or pseudonym has to try.</summary>
    public IReadOnlyList<uint> GetGenerations(string jurisdiction, KeyPurpose purpose) =>
        [.. _keys.ById.Values
            .Where(k => k.Row.Purpose == purpose && string.Equals(k.Row.Jurisdiction, jurisdiction, StringComparison.Ordinal))
            .OrderByDescending(k => k.Row.Generation)
            .Select(k => k.Row.KeyId)];

    /// <summary>Draws a key: the first of its jurisdiction and purpose, or the next generation.</summary>
    /// <remarks>The ring does not use it yet. Store the row durably, then <see cref="Admit"/> it: a value sealed under a key whose row
    /// was lost is
    /// lost too. Where two nodes draft at once the table's unique key lets one row in; the other node reloads.</remarks>
    public WrappedKey Draft(string jurisdiction, KeyPurpose purpose)
    {
        if (string.IsNullOrEmpty(jurisdiction) || jurisdiction.Length > 255)
            throw new ArgumentException("A key belongs to a jurisdiction, 1 to 255 characters.", nameof(jurisdiction));
        if (!Enum.IsDefined(purpose))
            throw new ArgumentOutOfRangeException(nameof(purpose));

        lock (_gate)
        {
            var generation = TryGetCurrent(jurisdiction, purpose, out var current) ? _keys.ById[current].Row.Generation + 1 : 1;
            _highestDrafted = checked(Math.Max(_highestDrafted, _keys.ById.Keys.DefaultIfEmpty(0u).Max()) + 1);
            Span<byte> key = stackalloc byte[KeyBytes];
            RandomNumberGenerator.Fill(key);
            var row = Wrap(_kek, new WrappedKey(_highestDrafted, jurisdiction, purpose, generation, []), key);
            CryptographicOperations.ZeroMemory(key);
            return row;
        }
    }

    /// <summary>Takes a stored row into use; the newest generation seals from now on. A row already in the ring is passed over.</summary>
    /// <remarks>Refuses what <see cref="Open"/> refuses.</remarks>
    public void Admit(WrappedKey row)
    {
        lock (_gate)
        {
            var keys = _keys;
            if (keys.ById.TryGetValue(row.KeyId, out var known))
            {
                if (known.Row.Wrapped.AsSpan().SequenceEqual(row.Wrapped) && known.Row with { Wrapped = row.Wrapped } == row)
                    return;
                throw new KeyRingException(
                    $"Key {row.KeyId} is in the ring with other content: two rows carry one id. Restore the key table from its backup.");
            }

            if (keys.ById.Values.Any(k => IsSamePlace(k.Row, row)))
            {
                throw new KeyRingException(
                    $"Generation {row.Generation} of {row.Purpose} for {row.Jurisdiction} stands twice in the key table. "
                        + "Restore the key table from its backup.");
            }

            var key = Unwrap(_kek, row);
            var byId = new Dictionary<uint, DataKey>(keys.ById) { [row.KeyId] = new DataKey(row, key) };
            var current = new Dictionary<(string, KeyPurpose), uint>(keys.Current);
            var place = (row.Jurisdiction, row.Purpose);
            if (!current.TryGetValue(place, out var newest) || byId[newest].Row.Generation < row.Generation)
                current[place] = row.KeyId;
            _keys = new Keys(byId, current);
        }
    }

    /// <summary>All rows wrapped anew, to replace the stored ones in one transaction; sealed values stay as they are.</summary>
    public IReadOnlyList<WrappedKey> RewrapFor(KeyEncryptionKey next) =>
        [.. _keys.ById.Values.OrderBy(k => k.Row.KeyId).Select(k => Wrap(next, k.Row, k.Key))];

    /// <summary>False for a key id that no row of the table explains.</summary>
    internal bool TryGet(uint keyId, [NotNullWhen(true)] out DataKey? key) => _keys.ById.TryGetValue(keyId, out key);

    /// <summary>Errors: <see cref="KeyRingException"/> for an unknown id, or a key of another purpose.</summary>
    internal ReadOnlySpan<byte> GetBytes(uint keyId, KeyPurpose purpose)
    {
        if (!TryGet(keyId, out var key))
            throw new KeyRingException($"Key {keyId} is not in the ring. Restore the key table from its backup.");
        return key.Row.Purpose == purpose
            ? key.Key
            : throw new KeyRingException($"Key {keyId} is for {key.Row.Purpose}, not for {purpose}.");
    }

    /// <summary>Wipes every key; nothing may be sealed or opened afterwards.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var key in _keys.ById.Values)
                key.Dispose();
            _keys = new Keys([], []);
            _kek.Dispose();
        }
    }

    private static bool IsSamePlace(WrappedKey one, WrappedKey other) =>
        one.Generation == other.Generation && one.Purpose == other.Purpose
            && string.Equals(one.Jurisdiction, other.Jurisdiction, StringComparison.Ordinal);

    private static WrappedKey Wrap(KeyEncryptionKey kek, WrappedKey row, ReadOnlySpan<byte> key)
    {
        var wrapped = new byte[WrappedBytes];
        wrapped[0] = WrapVersion;
        BinaryPrimitives.WriteUInt32BigEndian(wrapped.AsSpan(1), kek.Check);
        var nonce = wrapped.AsSpan(HeaderBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(kek.Bytes, TagBytes);
        cipher.Encrypt(
            nonce, key, wrapped.AsSpan(HeaderBytes + NonceBytes, KeyBytes), wrapped.AsSpan(WrappedBytes - TagBytes), Binding(row));
        return row with { Wrapped = wrapped };
    }

    private static byte[] Unwrap(KeyEncryptionKey kek, WrappedKey row)
    {
        ReadOnlySpan<byte> wrapped = row.Wrapped;
        if (row.KeyId == 0 || row.Generation < 1 || wrapped.Length != WrappedBytes || wrapped[0] != WrapVersion)
            throw new KeyRingException(
                $"The row of key {row.KeyId} is not a wrapped key, or of a newer version. Restore the key table from its backup.");
        var check = BinaryPrimitives.ReadUInt32BigEndian(wrapped[1..]);
        if (check != kek.Check)
        {
            throw new KeyRingException(
                $"Key {row.KeyId} was wrapped with another key-encryption key ({check:x8}) than the one configured, {kek}. "
                    + "Configure the key this database was made with.");
        }

        var key = new byte[KeyBytes];
        try
        {
            using var cipher = new AesGcm(kek.Bytes, TagBytes);
            cipher.Decrypt(
                wrapped.Slice(HeaderBytes, NonceBytes), wrapped.Slice(HeaderBytes + NonceBytes, KeyBytes),
                wrapped[(WrappedBytes - TagBytes)..], key, Binding(row));
            return key;
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new KeyRingException(
                $"The row of key {row.KeyId} ({row.Purpose} of {row.Jurisdiction}, generation {row.Generation}) was altered. "
                    + "Restore the key table from its backup.", e);
        }
    }

    private static byte[] Binding(WrappedKey row)
    {
        var jurisdiction = Encoding.UTF8.GetBytes(row.Jurisdiction);
        var binding = new byte[sizeof(uint) + 1 + sizeof(int) + jurisdiction.Length];
        BinaryPrimitives.WriteUInt32BigEndian(binding, row.KeyId);
        binding[4] = (byte)row.Purpose;
        BinaryPrimitives.WriteInt32BigEndian(binding.AsSpan(5), row.Generation);
        jurisdiction.CopyTo(binding, 9);
        return binding;
    }

    /// <summary>What readers see, replaced as a whole.</summary>
    private sealed record Keys(Dictionary<uint, DataKey> ById, Dictionary<(string Jurisdiction, KeyPurpose Purpose), uint> Current);
}
