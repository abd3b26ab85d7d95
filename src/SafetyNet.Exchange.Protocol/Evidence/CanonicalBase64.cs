namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>Standard base64 with one spelling per value: RFC 4648 section 4 with padding, no white space, unused bits zero.</summary>
internal static class CanonicalBase64
{
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        if (text.Length % 4 != 0)
            return false;
        var buffer = new byte[text.Length / 4 * 3];
        if (!Convert.TryFromBase64Chars(text, buffer, out var written))
            return false;
        // The framework skips white space and ignores unused bits; writing the value back shows both.
        if (!text.SequenceEqual(Convert.ToBase64String(buffer, 0, written)))
            return false;
        bytes = buffer[..written];
        return true;
    }
}
