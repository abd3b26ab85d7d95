using System.Buffers.Binary;
using SafetyNet.Exchange.Cli.Csv;

namespace SafetyNet.Exchange.Cli.Reports;

/// <summary>
/// A file of reports: looked through once before anything is sent, so that a file that is wrong as a whole does nothing, then read row by row. The request_id of a row
/// comes of the file's bytes and of the row's line, so that the same file handed in again is the same reports and no new ones.
/// </summary>
internal sealed class ReportFile : IDisposable
{
    private readonly CsvFile _file;

    private ReportFile(CsvFile file, ReportColumns columns) => (_file, Columns) = (file, columns);

    /// <inheritdoc cref="CsvFile.Hash"/>
    public IReadOnlyList<byte> Hash => _file.Hash;

    public ReportColumns Columns { get; }

    /// <inheritdoc cref="CsvFile.Rows"/>
    public int Rows => _file.Rows;

    /// <summary>Opens a file and looks it through.</summary>
    /// <exception cref="FormatException">It is no file of reports: its columns, its encoding, or a quoted field without an end; the message tells the columns or the line.</exception>
    public static ReportFile Open(string path, bool big5)
    {
        ReportColumns? columns = null;
        return new ReportFile(CsvFile.Open(path, big5, header => columns = ReportColumns.Read(header)), columns!);
    }

    /// <summary>The rows in their order.</summary>
    public IEnumerable<FileRow> ReadRows() => _file.ReadRows().Select(row => new FileRow(row.Line, RequestIdOf(row.Line), MapRow(row, out var problem), problem));

    /// <summary>Of a line, from 1: over the file's hash and the line as 4 bytes, highest first.</summary>
    public string RequestIdOf(int line)
    {
        Span<byte> number = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(number, line);
        return CsvFile.RequestIdOf([.. Hash, .. number]);
    }

    public void Dispose() => _file.Dispose();

    private ReportRow? MapRow(CsvRow row, out RowProblem? problem)
    {
        problem = null;
        if (row.Fault != CsvFault.None)
        {
            var (reason, english, chinese) = CsvFile.WordsOf(row.Fault);
            problem = new RowProblem(reason, "", english, chinese);
        }
        else if (row.Fields.Count != Columns.Count)
        {
            problem = new RowProblem("CSV_COLUMNS", "", $"{row.Fields.Count} fields where the first line has {Columns.Count}; a comma within a field stands in quotes.",
                $"本列有{row.Fields.Count}欄，首列有{Columns.Count}欄；欄位內之逗號須以雙引號括住。");
        }
        else if (!_file.Encoding.TryDecode(row.Fields, out var texts, out var faulty))
        {
            problem = new RowProblem("CSV_ENCODING", faulty < 0 ? "" : Columns.NameAt(faulty),
                $"Not of the file's encoding {_file.Encoding.Name}, or a private character; write the whole file in one encoding, UTF-8 for rare characters.",
                $"內容非{_file.Encoding.Name}編碼或含造字；全檔須為同一編碼，罕用字請用UTF-8。");
        }
        else
        {
            return ReportRow.Map(Columns, texts);
        }

        return null;
    }
}

/// <summary>A row of the file.</summary>
/// <param name="Line">Line on which it begins, from 1.</param>
/// <param name="RequestId">Key of its report, the same in every run.</param>
/// <param name="Report">The report; null: the row cannot be read.</param>
/// <param name="Problem">Why not; null where there is a report.</param>
internal sealed record FileRow(int Line, string RequestId, ReportRow? Report, RowProblem? Problem);
