using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace SafetyNet.Exchange.Cli.Csv;

/// <summary>How the bytes of a CSV file are characters: UTF-8, or the Big5 (大五碼) that older systems of agencies write. Nothing is guessed and nothing replaced.</summary>
internal sealed class CsvEncoding
{
    /// <summary>Bytes of the mark by which a file says that it is UTF-8.</summary>
    public const int MarkBytes = 3;

    private static readonly byte[] Utf8Mark = [0xEF, 0xBB, 0xBF];
    private static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Encoding _encoding;
    private readonly bool _isBig5;

    private CsvEncoding(bool isBig5)
    {
        _isBig5 = isBig5;
        _encoding = isBig5 ? CodePagesEncodingProvider.Instance.GetEncoding(950, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)! : Utf8;
    }

    public static CsvEncoding Of(bool big5) => new(big5);

    public string Name => _isBig5 ? "Big5" : "UTF-8";

    /// <summary>Sets a file to its first row, behind the mark where it has one.</summary>
    /// <returns>It has one.</returns>
    /// <exception cref="FormatException">It says of itself that it is of another encoding.</exception>
    public static bool SkipMark(Stream stream, bool big5)
    {
        Span<byte> start = stackalloc byte[3];
        stream.Position = 0;
        var read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        if (read >= 2 && start[..2] is [0xFF, 0xFE] or [0xFE, 0xFF]) throw new FormatException("The file is UTF-16, nothing was sent; save it as CSV UTF-8.");
        var isMarked = start[..read].SequenceEqual(Utf8Mark);
        if (isMarked && big5) throw new FormatException("The file says of itself that it is UTF-8, nothing was sent; leave out --big5.");
        stream.Position = isMarked ? MarkBytes : 0;
        return isMarked;
    }

    /// <summary>
    /// The fields as texts, an end of line within a field as a line feed. False: a field is not of the encoding, or holds a private character (造字) that means nothing
    /// elsewhere; <paramref name="faulty"/> is its place, from 0, or -1 where the row as a whole is of the other encoding.
    /// </summary>
    public bool TryDecode(IReadOnlyList<byte[]> fields, [NotNullWhen(true)] out string[]? texts, out int faulty)
    {
        texts = null;
        faulty = -1;
        // Text of any length that is UTF-8 is hardly ever Big5, but two or three characters can be: taken as Big5 they would be other people's names.
        if (_isBig5 && fields.Any(HasLongCharacters) && fields.All(field => IsUtf8(field))) return false;
        var read = new string[fields.Count];
        for (faulty = 0; faulty < read.Length; faulty++)
        {
            try
            {
                read[faulty] = _encoding.GetString(fields[faulty]).Replace("\r\n", "\n", StringComparison.Ordinal);
            }
            catch (DecoderFallbackException)
            {
                return false;
            }

            if (read[faulty].AsSpan().IndexOfAnyInRange('\uE000', '\uF8FF') >= 0) return false;
        }

        texts = read;
        return true;
    }

    private static bool HasLongCharacters(byte[] field) => field.AsSpan().IndexOfAnyInRange((byte)0x80, (byte)0xFF) >= 0;

    private static bool IsUtf8(byte[] field)
    {
        try
        {
            return Utf8.GetCharCount(field) >= 0;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
