using System.Security.Cryptography;

namespace SafetyNet.Exchange.Cli.Csv;

/// <summary>A CSV file that is to be sent: looked through once before anything is sent, so that a file that is wrong as a whole does nothing, then read row by row.</summary>
internal sealed class CsvFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly bool _isMarked;

    private CsvFile(FileStream stream, CsvEncoding encoding, bool isMarked, byte[] hash, int rows) =>
        (_stream, Encoding, _isMarked, Hash, Rows) = (stream, encoding, isMarked, hash, rows);

    public CsvEncoding Encoding { get; }

    /// <summary>SHA-256 of its bytes.</summary>
    public IReadOnlyList<byte> Hash { get; }

    /// <summary>Its rows, the first line not counted, those at fault counted.</summary>
    public int Rows { get; }

    /// <summary>Opens a file and looks it through.</summary>
    /// <param name="readColumns">Takes the first line, each name without the blanks around it; throws where they are not the columns of such a file.</param>
    /// <exception cref="FormatException">Its encoding, its columns, or a quoted field without an end; the message tells the columns or the line.</exception>
    public static CsvFile Open(string path, bool big5, Action<string[]> readColumns)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            var hash = SHA256.HashData(stream);
            var isMarked = CsvEncoding.SkipMark(stream, big5);
            var (encoding, reader) = (CsvEncoding.Of(big5), new CsvReader(stream));
            var header = reader.Read() ?? throw new FormatException("The file is empty, nothing was sent.");
            if (header.Fault != CsvFault.None || !encoding.TryDecode(header.Fields, out var names, out _))
                throw new FormatException($"The first line cannot be read as {encoding.Name} with commas, nothing was sent. {(header.Fault == CsvFault.None ? "" : WordsOf(header.Fault).English)}".TrimEnd());
            readColumns([.. names.Select(name => name.Trim())]);
            return new CsvFile(stream, encoding, isMarked, hash, CountRows(reader));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The rows in their order; again from the first each time.</summary>
    public IEnumerable<CsvRow> ReadRows()
    {
        _stream.Position = _isMarked ? CsvEncoding.MarkBytes : 0;
        var reader = new CsvReader(_stream);
        reader.Read();
        while (reader.Read() is { } row) yield return row;
    }

    /// <summary>What is wrong with a row that cannot be parted into fields, and how to mend it.</summary>
    public static (string Reason, string English, string Chinese) WordsOf(CsvFault fault) => fault switch
    {
        CsvFault.TooLong => ("CSV_ROW_TOO_LONG", "The row is longer than 65,536 bytes; shorten its facts or hand it in by itself.", "本列超過65,536位元組；請縮短內容或單獨通報。"),
        CsvFault.StrayQuote => ("CSV_QUOTES", "A quote within a field that does not begin with one; put the field in quotes and double the quotes in it.", "欄位未以雙引號開頭卻含雙引號；請將欄位括住，內含之雙引號寫兩次。"),
        CsvFault.TextAfterQuote => ("CSV_QUOTES", "Text after a closing quote; double the quotes within a field.", "結尾雙引號後仍有文字；欄位內之雙引號請寫兩次。"),
        CsvFault.StrayReturn => ("CSV_QUOTES", "A return without its line feed; end rows with a line feed, and put fields of several lines in quotes.", "單獨之歸位字元；請以換行結束各列，多行內容以雙引號括住。"),
        _ => ("CSV_QUOTES", "A quoted field that is never closed.", "雙引號未結束。"),
    };

    /// <summary>A request_id that is the same in every run. UUID version 8: SHA-256 over what it stands for; its first 16 bytes.</summary>
    public static string RequestIdOf(ReadOnlySpan<byte> what)
    {
        var id = SHA256.HashData(what).AsSpan(0, 16);
        id[6] = (byte)((id[6] & 0x0F) | 0x80);
        id[8] = (byte)((id[8] & 0x3F) | 0x80);
        return new Guid(id, bigEndian: true).ToString();
    }

    public void Dispose() => _stream.Dispose();

    private static int CountRows(CsvReader reader)
    {
        var rows = 0;
        for (; reader.Read() is { } row; rows++)
        {
            if (row.Fault == CsvFault.NeverClosed)
                throw new FormatException($"The quoted field that begins on line {row.Line} is never closed, so all that follows would be part of it; nothing was sent. 第{row.Line}行之雙引號未結束，未送出任何資料。");
        }

        return rows;
    }
}
