using System.Globalization;
using System.Text;
using SafetyNet.Exchange.Cli.Csv;
using SafetyNet.Exchange.Cli.Evidence;

namespace SafetyNet.Exchange.Cli.Reports;

/// <summary>What became of a row.</summary>
/// <param name="Line">Line of the row; 1: the run itself.</param>
/// <param name="Outcome"><c>taken</c>, <c>refused</c>, or <c>begun</c> on line 1.</param>
internal sealed record RowResult(
    int Line, string Outcome, string ReceiptNumber, string ReportId, string Reason, string Field, string MessageEn, string MessageZh, string RequestId, string By)
{
    public const string Begun = "begun";
    public const string Taken = "taken";
    public const string Refused = "refused";

    public bool IsTaken => string.Equals(Outcome, Taken, StringComparison.Ordinal);
}

/// <summary>
/// The result file: what became of each row, written as it goes, so that a cut run goes on where it stood. Codes and line numbers only, no personal value; a text that a
/// spreadsheet would run as a formula does not stand in it as one.
/// </summary>
internal sealed class ReportResults : IDisposable
{
    /// <summary>First line of the file.</summary>
    public const string Header = "line,result,receipt_number,report_id,reason,field,message_en,message_zh,request_id,submitted_by";

    private const int Columns = 10;

    private readonly string _path;
    private readonly SortedDictionary<int, RowResult> _results = [];
    private StreamWriter? _writer;

    private ReportResults(string path) => _path = path;

    /// <summary>Results, without the run itself.</summary>
    public IEnumerable<RowResult> All => _results.Values.Where(result => result.Line > 1);

    /// <summary>Begins a results file, or goes on with that of an earlier run of the same file: what was taken then is kept, what was refused is judged anew.</summary>
    /// <exception cref="FormatException">The file holds something else, or the results of another file or of another person's run.</exception>
    public static ReportResults Open(string path, ReportFile file, string by)
    {
        var results = new ReportResults(path);
        if (File.Exists(path) && new FileInfo(path).Length > 0)
        {
            foreach (var kept in ReadKept(path))
            {
                if (!string.Equals(kept.RequestId, file.RequestIdOf(kept.Line), StringComparison.Ordinal))
                    throw new FormatException($"{path} has the results of another file; name another with --results. If the file was changed since: what was taken before the change would be reported again, so hand in the other rows alone.");
                if (!string.Equals(kept.By, by, StringComparison.Ordinal))
                    throw new FormatException($"{path} is of a run by {kept.By}: go on as that person, or reports whose receipt was lost on the way would be made twice.");
                if (kept.IsTaken) results._results[kept.Line] = kept;
            }
        }

        results._results[1] = new RowResult(1, RowResult.Begun, "", "", "", "", "", "", file.RequestIdOf(1), by);
        results.Rewrite();
        results._writer = new StreamWriter(path, append: true, Utf8) { NewLine = "\n" };
        return results;
    }

    /// <summary>Was this row taken in an earlier run?</summary>
    public bool IsTaken(int line) => _results.TryGetValue(line, out var result) && result.IsTaken;

    /// <summary>Adds results and has them written out before it returns.</summary>
    public void Add(IEnumerable<RowResult> more)
    {
        foreach (var result in more)
        {
            _results[result.Line] = result;
            _writer!.WriteLine(LineOf(result));
        }

        _writer!.Flush();
    }

    /// <summary>Puts all in the order of the lines.</summary>
    public void Finish()
    {
        Dispose();
        Rewrite();
    }

    public void Dispose()
    {
        _writer?.Dispose();
        _writer = null;
    }

    private static UTF8Encoding Utf8 { get; } = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Whole rows of an earlier run; the last may have been torn when that was cut, and is then not among them.</summary>
    private static List<RowResult> ReadKept(string path)
    {
        var kept = new List<RowResult>();
        using var stream = File.OpenRead(path);
        stream.Position = stream.Length - 1;
        var isWhole = stream.ReadByte() == '\n';
        stream.Position = 0;
        stream.Position = stream.ReadByte() == 0xEF ? 3 : 0;
        var (reader, encoding) = (new CsvReader(stream), CsvEncoding.Of(big5: false));
        var header = reader.Read();
        if (header is null || !encoding.TryDecode(header.Fields, out var names, out _) || !string.Equals(string.Join(',', names), Header, StringComparison.Ordinal))
            throw new FormatException($"{path} is there and has no results; name another with --results.");
        while (reader.Read() is { } row)
        {
            if (row.Fault == CsvFault.None && row.Fields.Count == Columns && encoding.TryDecode(row.Fields, out var v, out _)
                && int.TryParse(v[0], NumberStyles.None, CultureInfo.InvariantCulture, out var line) && v[9].Length > 0)
                kept.Add(new RowResult(line, v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]));
            else if (row.Fault != CsvFault.None)
                isWhole = true;
        }

        return isWhole || kept.Count == 0 ? kept : kept[..^1];
    }

    /// <summary>The mark lets a spreadsheet read the Chinese.</summary>
    private void Rewrite()
    {
        var draft = _path + ".new";
        File.WriteAllText(draft, Header + "\n" + string.Concat(_results.Values.Select(result => LineOf(result) + "\n")), Encoding.UTF8);
        File.Move(draft, _path, overwrite: true);
    }

    private static string LineOf(RowResult result) => string.Join(',', ((string[])
    [
        result.Line.ToString(CultureInfo.InvariantCulture), result.Outcome, result.ReceiptNumber, result.ReportId, result.Reason, result.Field, result.MessageEn, result.MessageZh,
        result.RequestId, result.By,
    ]).Select(AccessFormats.Cell));
}
