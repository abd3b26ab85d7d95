using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>Finds a person by national id or by name and birth date without opening a single stored value (R-HH-5).</summary>
/// <remarks>HMAC-SHA-256, 32 bytes, of a one-byte field label and the normalised value, so that equal texts in two fields give unrelated
/// bytes. Whoever holds the key can
/// test guesses (there are some 10^9 national ids): the key never leaves the ring. Equal persons have equal bytes within one key only;
/// after a rotation a search
/// tries every generation until rows are indexed anew. Safe for concurrent use.</remarks>
internal sealed class BlindIndex
{
    /// <summary>32 bytes.</summary>
    public const int SizeBytes = 32;

    // Stored by their effect in every index value: never renumber.
    private const byte NationalIdLabel = 1;
    private const byte NameAndBirthDateLabel = 2;
    private const byte HouseholdLabel = 3;
    private const byte RegisterRowLabel = 4;
    private const int StackLimitBytes = 256;

    /// <summary>What is its own normal form.</summary>
    private static readonly SearchValues<char> Plain = SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    private readonly KeyRing _ring;
    private readonly uint _keyId;

    /// <param name="ring">Holds the key.</param>
    /// <param name="keyId">A key of purpose <see cref="KeyPurpose.BlindIndex"/>.</param>
    public BlindIndex(KeyRing ring, uint keyId)
    {
        _ring = ring;
        _keyId = keyId;
        _ = ring.GetBytes(keyId, KeyPurpose.BlindIndex);
    }

    /// <summary>The key, to store beside the index value.</summary>
    public uint KeyId => _keyId;

    /// <summary>Writes 32 bytes for a national id or resident-certificate number; case, width and surrounding space do not
    /// matter.</summary>
    public void OfNationalId(string nationalId, Span<byte> index) => Compute(NationalIdLabel, Normalised(nationalId), 0, index);

    /// <inheritdoc cref="OfNationalId(string, Span{byte})"/>
    public byte[] OfNationalId(string nationalId)
    {
        var index = new byte[SizeBytes];
        OfNationalId(nationalId, index);
        return index;
    }

    /// <summary>Writes 32 bytes for a full name and a birth date; spellings that <see cref="PersonName"/> has as one are one.</summary>
    public void OfNameAndBirthDate(string name, DateOnly birthDate, Span<byte> index) =>
        Compute(NameAndBirthDateLabel, PersonName.ToSearchForm(name), birthDate.DayNumber, index);

    /// <inheritdoc cref="OfNameAndBirthDate(string, DateOnly, Span{byte})"/>
    public byte[] OfNameAndBirthDate(string name, DateOnly birthDate)
    {
        var index = new byte[SizeBytes];
        OfNameAndBirthDate(name, birthDate, index);
        return index;
    }

    /// <summary>The exchange's id of a household, by the number that its register has for it: the same for the same number, and nothing of the number in it. UUID version 8.</summary>
    public Guid OfHousehold(Wire.Jurisdiction jurisdiction, string number)
    {
        Span<byte> index = stackalloc byte[SizeBytes];
        Compute(HouseholdLabel, number.Trim().Normalize(NormalizationForm.FormKC).ToUpperInvariant(), (int)jurisdiction, index);
        var id = index[..16];
        id[6] = (byte)((id[6] & 0x0F) | 0x80);
        id[8] = (byte)((id[8] & 0x3F) | 0x80);
        return new Guid(id, bigEndian: true);
    }

    /// <summary>32 bytes by which a row of a register is known again, unread.</summary>
    public byte[] OfRegisterRow(Wire.Jurisdiction jurisdiction, ReadOnlySpan<byte> row)
    {
        var input = new byte[1 + sizeof(int) + row.Length];
        input[0] = RegisterRowLabel;
        BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(1), (int)jurisdiction);
        row.CopyTo(input.AsSpan(1 + sizeof(int)));
        var index = HMACSHA256.HashData(_ring.GetBytes(_keyId, KeyPurpose.BlindIndex), input);
        CryptographicOperations.ZeroMemory(input);
        return index;
    }

    private void Compute(byte label, string value, int number, Span<byte> index)
    {
        // Label and number have fixed lengths, so no two (label, value, number) give the same bytes.
        var length = 1 + sizeof(int) + Encoding.UTF8.GetByteCount(value);
        Span<byte> input = length <= StackLimitBytes ? stackalloc byte[length] : new byte[length];
        input[0] = label;
        BinaryPrimitives.WriteInt32BigEndian(input[1..], number);
        Encoding.UTF8.GetBytes(value, input[(1 + sizeof(int))..]);
        HMACSHA256.HashData(_ring.GetBytes(_keyId, KeyPurpose.BlindIndex), input, index[..SizeBytes]);
        CryptographicOperations.ZeroMemory(input);
    }

    /// <summary>NFKC, upper case, no white space.</summary>
    private static string Normalised(string value)
    {
        if (!value.AsSpan().ContainsAnyExcept(Plain)) return value;
        return string.Concat(value.Normalize(NormalizationForm.FormKC).ToUpperInvariant().Where(c => !char.IsWhiteSpace(c)));
    }
}
