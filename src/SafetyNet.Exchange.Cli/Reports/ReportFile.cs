using System.Buffers.Binary;
using System.Security.Cryptography;
using SafetyNet.Exchange.Cli.Csv;

namespace SafetyNet.Exchange.Cli.Reports;

/// <summary>
/// A file of reports: looked through once before anything is sent, so that a file that is wrong as a whole does nothing, then read row by row. The request_id of a row
/// comes of the file's bytes and of the row's line, so that the same file handed in again is the same reports and no new ones.
/// </summary>
internal sealed class ReportFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly CsvEncoding _encoding;
    private readonly bool _isMarked;

    private ReportFile(FileStream stream, CsvEncoding encoding, bool isMarked, byte[] hash, ReportColumns columns, int rows)
    {
        (_stream, _encoding, _isMarked) = (stream, encoding, isMarked);
        (Hash, Columns, Rows) = (hash, columns, rows);
    }

    /// <summary>SHA-256 of its bytes.</summary>
    public IReadOnlyList<byte> Hash { get; }

    public ReportColumns Columns { get; }

    /// <summary>Its rows, the first line not counted, those at fault counted.</summary>
    public int Rows { get; }

    /// <summary>Opens a file and looks it through.</summary>
    /// <exception cref="FormatException">It is no file of reports: its columns, its encoding, or a quoted field without an end; the message tells the columns or the line.</exception>
    public static ReportFile Open(string path, bool big5)
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
            var columns = ReportColumns.Read([.. names.Select(name => name.Trim())]);
            return new ReportFile(stream, encoding, isMarked, hash, columns, CountRows(reader));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The rows in their order.</summary>
    public IEnumerable<FileRow> ReadRows()
    {
        _stream.Position = _isMarked ? CsvEncoding.MarkBytes : 0;
        var reader = new CsvReader(_stream);
        reader.Read();
        while (reader.Read() is { } row) yield return new FileRow(row.Line, RequestIdOf(row.Line), MapRow(row, out var problem), problem);
    }

    /// <summary>Of a line, from 1. UUID version 8: SHA-256 over the file's hash and the line as 4 bytes, highest first; its first 16 bytes.</summary>
    public string RequestIdOf(int line)
    {
        Span<byte> input = stackalloc byte[SHA256.HashSizeInBytes + sizeof(int)];
        for (var at = 0; at < Hash.Count; at++) input[at] = Hash[at];
        BinaryPrimitives.WriteInt32BigEndian(input[SHA256.HashSizeInBytes..], line);
        var id = SHA256.HashData(input).AsSpan(0, 16);
        id[6] = (byte)((id[6] & 0x0F) | 0x80);
        id[8] = (byte)((id[8] & 0x3F) | 0x80);
        return new Guid(id, bigEndian: true).ToString();
    }

    public void Dispose() => _stream.Dispose();

    private ReportRow? MapRow(CsvRow row, out RowProblem? problem)
    {
        problem = null;
        if (row.Fault != CsvFault.None)
        {
            var (reason, english, chinese) = WordsOf(row.Fault);
            problem = new RowProblem(reason, "", english, chinese);
        }
        else if (row.Fields.Count != Columns.Count)
        {
            problem = new RowProblem("CSV_COLUMNS", "", $"{row.Fields.Count} fields where the first line has {Columns.Count}; a comma within a field stands in quotes.",
                $"本列有{row.Fields.Count}欄，首列有{Columns.Count}欄；欄位內之逗號須以雙引號括住。");
        }
        else if (!_encoding.TryDecode(row.Fields, out var texts, out var faulty))
        {
            problem = new RowProblem("CSV_ENCODING", faulty < 0 ? "" : Columns.NameAt(faulty),
                $"Not of the file's encoding {_encoding.Name}, or a private character; write the whole file in one encoding, UTF-8 for rare characters.",
                $"內容非{_encoding.Name}編碼或含造字；全檔須為同一編碼，罕用字請用UTF-8。");
        }
        else
        {
            return ReportRow.Map(Columns, texts);
        }

        return null;
    }

    private static (string Reason, string English, string Chinese) WordsOf(CsvFault fault) => fault switch
    {
        CsvFault.TooLong => ("CSV_ROW_TOO_LONG", "The row is longer than 65,536 bytes; shorten its facts or hand it in by itself.", "本列超過65,536位元組；請縮短內容或單獨通報。"),
        CsvFault.StrayQuote => ("CSV_QUOTES", "A quote within a field that does not begin with one; put the field in quotes and double the quotes in it.", "欄位未以雙引號開頭卻含雙引號；請將欄位括住，內含之雙引號寫兩次。"),
        CsvFault.TextAfterQuote => ("CSV_QUOTES", "Text after a closing quote; double the quotes within a field.", "結尾雙引號後仍有文字；欄位內之雙引號請寫兩次。"),
        CsvFault.StrayReturn => ("CSV_QUOTES", "A return without its line feed; end rows with a line feed, and put fields of several lines in quotes.", "單獨之歸位字元；請以換行結束各列，多行內容以雙引號括住。"),
        _ => ("CSV_QUOTES", "A quoted field that is never closed.", "雙引號未結束。"),
    };

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

/// <summary>A row of the file.</summary>
/// <param name="Line">Line on which it begins, from 1.</param>
/// <param name="RequestId">Key of its report, the same in every run.</param>
/// <param name="Report">The report; null: the row cannot be read.</param>
/// <param name="Problem">Why not; null where there is a report.</param>
internal sealed record FileRow(int Line, string RequestId, ReportRow? Report, RowProblem? Problem);
