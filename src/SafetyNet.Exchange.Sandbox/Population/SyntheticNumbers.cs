using System.Buffers.Binary;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>
/// Gives out national ids, UUIDs and phone numbers by seed and running number alone, so that nothing needs to be remembered to keep them
/// unique: the serial of an id is a keyed permutation of the person's number.
/// </summary>
internal sealed class SyntheticNumbers(int seed)
{
    /// <summary>Serials whose first digit is 0 to 5: nationals by birth, and resident certificates of foreigners.</summary>
    private const int BirthSerials = 6_000_000;

    /// <summary>Serials under one fixed first digit, which tells how a person came to the number.</summary>
    private const int SettledSerials = 1_000_000;

    private static readonly DateTimeOffset Epoch = new(SyntheticPopulation.AsOf, TimeOnly.MinValue, TimeSpan.Zero);

    private readonly ulong key = Draw.Mix((uint)seed ^ 0x5AFE_7E57UL);

    /// <summary>
    /// A valid id no other number gets, whatever letter and form the others have: within one range of serials the numbers never meet, and
    /// ids of different ranges differ in their third character.
    /// </summary>
    /// <param name="personNumber">From 1 to <see cref="SyntheticPopulation.MaximumPersons"/>.</param>
    /// <param name="letter">County of first registration.</param>
    /// <param name="second">Second character: kind and sex.</param>
    /// <param name="settled">6 for a naturalised foreigner, 9 for a person from mainland China; null for the serials of birth.</param>
    public NationalId NationalId(int personNumber, char letter, char second, int? settled)
    {
        var serial = settled is { } digit
            ? (digit * SettledSerials) + Permute(personNumber - 1, SettledSerials)
            : Permute(personNumber - 1, BirthSerials);
        Span<char> text = stackalloc char[Protocol.Identifiers.NationalId.Length];
        text[0] = letter;
        text[1] = second;
        for (var i = 8; i >= 2; i--, serial /= 10)
            text[i] = (char)('0' + (serial % 10));
        text[9] = Protocol.Identifiers.NationalId.ComputeCheckDigit(text[..9]);
        return Protocol.Identifiers.NationalId.Parse(text);
    }

    public Guid PersonId(int number) => Uuid(number, 0);

    public Guid HouseholdId(int number) => Uuid(number, 1);

    /// <summary>09xx-000-xxx; a hundred thousand of them, so not unique in large populations.</summary>
    public string Phone(int personNumber)
    {
        var value = (int)(Draw.Mix(key ^ 0xF0E ^ ((ulong)(uint)personNumber << 20)) % 100_000);
        return string.Create(12, value, static (text, value) =>
        {
            "0900-000-000".CopyTo(text);
            text[2] = (char)('0' + (value / 10_000));
            text[3] = (char)('0' + (value / 1_000 % 10));
            text[9] = (char)('0' + (value / 100 % 10));
            text[10] = (char)('0' + (value / 10 % 10));
            text[11] = (char)('0' + (value % 10));
        });
    }

    /// <summary>Big-endian RFC 9562: 48 bits of milliseconds (epoch + number), version 7, a bit for the kind, the rest drawn.</summary>
    private Guid Uuid(int number, byte kind)
    {
        Span<byte> bytes = stackalloc byte[16];
        var milliseconds = (ulong)(Epoch.ToUnixTimeMilliseconds() + number);
        BinaryPrimitives.WriteUInt64BigEndian(bytes, milliseconds << 16);
        var drawn = Draw.Mix(key ^ ((ulong)(uint)number << 8) ^ kind);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], (ushort)(0x7000 | (drawn & 0xFFF)));
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Draw.Mix(drawn));
        bytes[8] = (byte)(0x80 | (kind << 5) | (bytes[8] & 0x1F));
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>
    /// One to one on 0..<paramref name="size"/>: a four-round Feistel network on the next even number of bits, walked on until it lands inside
    /// (Black, Rogaway 2002: cycle walking).
    /// </summary>
    private int Permute(int value, int size)
    {
        var half = size <= 1 << 20 ? 10 : 12;
        var mask = (1u << half) - 1;
        var walked = (uint)value;
        do
        {
            var left = walked >> half;
            var right = walked & mask;
            for (var round = 0; round < 4; round++)
                (left, right) = (right, left ^ ((uint)Draw.Mix(key + (ulong)round ^ ((ulong)right << 8)) & mask));
            walked = (left << half) | right;
        }
        while (walked >= size);

        return (int)walked;
    }
}
