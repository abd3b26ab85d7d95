using System.Security.Cryptography;
using System.Text;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>What a pseudonym stands for. Stored by its effect in every pseudonym: never renumber.</summary>
internal enum SubjectKind : byte
{
    Person = 1,
    Household = 2,

    /// <summary>A national id that was asked for, whether or not anybody has it: attempts on a person not in the database can be
    /// counted.</summary>
    NationalId = 3,

    Case = 4,
    Referral = 5,
    Report = 6,
}

/// <summary>Names subjects in the audit record so that their records can be found again, but not who they are (R-AUD-6).</summary>
/// <remarks>The first 16 bytes of HMAC-SHA-256 over the kind and the id. With the key of another purpose than sealing and search, so
/// that an auditor's
/// export and the database's index cannot be joined. Text form: 32 lower-case hexadecimal digits, safe in any spreadsheet. Safe for
/// concurrent use.</remarks>
internal sealed class Pseudonymizer
{
    /// <summary>16 bytes: among 10^9 subjects two share a pseudonym with a chance of about 10^-21.</summary>
    public const int SizeBytes = 16;

    private readonly KeyRing _ring;
    private readonly uint _keyId;

    /// <param name="ring">Holds the key.</param>
    /// <param name="keyId">A key of purpose <see cref="KeyPurpose.Pseudonym"/>.</param>
    public Pseudonymizer(KeyRing ring, uint keyId)
    {
        _ring = ring;
        _keyId = keyId;
        _ = ring.GetBytes(keyId, KeyPurpose.Pseudonym);
    }

    /// <summary>The key; a search over older records tries each generation.</summary>
    public uint KeyId => _keyId;

    /// <summary>Writes 16 bytes.</summary>
    public void Write(SubjectKind kind, Guid id, Span<byte> pseudonym)
    {
        Span<byte> input = stackalloc byte[1 + 16];
        input[0] = (byte)kind;
        id.TryWriteBytes(input[1..], bigEndian: true, out _);
        Write(input, pseudonym);
    }

    /// <summary>The text form of a subject with an id.</summary>
    public string Of(SubjectKind kind, Guid id)
    {
        Span<byte> pseudonym = stackalloc byte[SizeBytes];
        Write(kind, id, pseudonym);
        return ToText(pseudonym);
    }

    /// <summary>The text form for a national id that was asked for; the id as validation left it.</summary>
    public string OfNationalId(string nationalId)
    {
        var length = 1 + Encoding.UTF8.GetByteCount(nationalId);
        Span<byte> input = length <= 128 ? stackalloc byte[length] : new byte[length];
        input[0] = (byte)SubjectKind.NationalId;
        Encoding.UTF8.GetBytes(nationalId, input[1..]);
        Span<byte> pseudonym = stackalloc byte[SizeBytes];
        Write(input, pseudonym);
        CryptographicOperations.ZeroMemory(input);
        return ToText(pseudonym);
    }

    /// <summary>Has the form that <see cref="ToText"/> gives; a name or number typed in its place has not.</summary>
    public static bool IsText(string text) => text.Length == 2 * SizeBytes && text.All(char.IsAsciiHexDigitLower);

    public static string ToText(ReadOnlySpan<byte> pseudonym) => Convert.ToHexStringLower(pseudonym);

    private void Write(ReadOnlySpan<byte> input, Span<byte> pseudonym)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_ring.GetBytes(_keyId, KeyPurpose.Pseudonym), input, mac);
        mac[..SizeBytes].CopyTo(pseudonym);
    }
}
