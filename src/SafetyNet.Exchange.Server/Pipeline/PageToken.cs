using System.Buffers.Binary;
using System.Buffers.Text;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// Where the next page begins, as opaque text (AIP-158). It opens nothing by itself: each page is decided on anew, so an old token of a caller who has lost
/// its relationship shows nothing (B46).
/// </summary>
internal static class PageToken
{
    private const string Field = "page_token";

    public static string Of(Guid id) => Base64Url.EncodeToString(id.ToByteArray(true));

    public static string Of(long position)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, position);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>A place in what is ordered by an instant and, within it, by id.</summary>
    public static string Of(DateTimeOffset at, Guid id)
    {
        Span<byte> bytes = stackalloc byte[24];
        BinaryPrimitives.WriteInt64BigEndian(bytes, Instants.ToMicros(at));
        id.TryWriteBytes(bytes[8..], bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }

    public static Guid Read(string token, Guid first) => token.Length == 0 ? first : new Guid(Decode(token, 16), true);

    public static long Read(string token, long first, string field = Field) => token.Length == 0 ? first : BinaryPrimitives.ReadInt64BigEndian(Decode(token, 8, field));

    public static (DateTimeOffset At, Guid Id) Read(string token, (DateTimeOffset, Guid) first)
    {
        if (token.Length == 0) return first;
        var bytes = Decode(token, 24);
        // Instants of years that no calendar has are none that was given out here.
        if (BinaryPrimitives.ReadInt64BigEndian(bytes) is var micros && micros is < 0 or > Instants.LastMicros) throw Refusal.InvalidField(new FieldFault(Field, FieldFaultKind.NotOpaque));
        return (Instants.FromMicros(micros), new Guid(bytes.AsSpan(8), bigEndian: true));
    }

    private static byte[] Decode(string token, int length, string field = Field)
    {
        try
        {
            var bytes = Base64Url.DecodeFromChars(token);
            if (bytes.Length == length) return bytes;
        }
        catch (FormatException)
        {
            // Told below like any other token that was not given out here.
        }

        throw Refusal.InvalidField(new FieldFault(field, FieldFaultKind.NotOpaque));
    }
}
