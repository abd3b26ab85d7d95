using System.Buffers;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>Characters of the written forms in options.proto.</summary>
internal static class TextCharacters
{
    /// <summary>TEXT_FORMAT_UNIT_ID.</summary>
    public static readonly SearchValues<char> OfUnitIds = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>TEXT_FORMAT_ACTOR_ID.</summary>
    public static readonly SearchValues<char> OfActorIds = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    /// <summary>TEXT_FORMAT_OPAQUE.</summary>
    public static readonly SearchValues<char> OfBase64Url = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>The form of a registered unit id (TEXT_FORMAT_UNIT_ID).</summary>
    public static bool IsUnitId(string text) => text.Length is >= 3 and <= 64 && !text.AsSpan().ContainsAnyExcept(OfUnitIds);

    /// <summary>The form of a staff number (TEXT_FORMAT_ACTOR_ID). A national id is none: it would stand in the log in plain (R-AUD-6).</summary>
    public static bool IsActorId(string text) => text.Length is >= 2 and <= 64 && !text.AsSpan().ContainsAnyExcept(OfActorIds)
        && (text.Length != 10 || !NationalId.TryParse(text, out _, out _));
}
