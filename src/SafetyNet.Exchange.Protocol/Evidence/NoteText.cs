using System.Text;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>What may be signed: UTF-8 lines, each ended by a newline, without any other control character.</summary>
internal static class NoteText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static bool IsValid(string text) =>
        text.EndsWith('\n') && !text.Any(c => c < ' ' && c != '\n') && IsEncodable(text);

    public static byte[] Encode(string text) => Strict.GetBytes(text);

    public static bool TryDecode(ReadOnlySpan<byte> bytes, out string text)
    {
        text = "";
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
            return false;
        text = Strict.GetString(bytes);
        return true;
    }

    /// <summary>False for text with half a surrogate pair, which has no UTF-8 form.</summary>
    public static bool IsEncodable(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }

        return true;
    }
}
