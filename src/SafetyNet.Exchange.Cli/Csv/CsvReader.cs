using System.Diagnostics.CodeAnalysis;

namespace SafetyNet.Exchange.Cli.Csv;

/// <summary>
/// Reads a CSV file (RFC 4180, comma, LF or CRLF) row by row without holding it. It parts bytes, not characters: in UTF-8 and in Big5 alike no byte of a longer
/// character is a comma, a quote or a line feed, so a row that is not of its encoding is found, told by its line, and harms no other.
/// </summary>
/// <remarks>
/// Strict: a quote stands at both ends of a field or doubled within it, nowhere else. A row at fault ends with its line, and reading goes on behind it; a quoted field
/// that is never closed swallows all that follows, so it is the last row. Lines without a byte are no rows.
/// </remarks>
internal sealed class CsvReader(Stream stream)
{
    /// <summary>Bytes of a row without its end of line; what is longer is told and not kept.</summary>
    public const int MostRowBytes = 64 * 1024;

    private const int None = -1;

    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly List<byte> _field = [];
    private readonly List<byte[]> _fields = [];
    private int _at;
    private int _filled;
    private int _line = 1;

    private enum Place
    {
        StartOfField,
        Unquoted,
        Quoted,
        AfterQuote,
        Skipping,
    }

    /// <summary>The next row; null: there is none.</summary>
    public CsvRow? Read()
    {
        while (true)
        {
            var next = Peek();
            if (next == None) return null;
            if (next is not '\n' && !(next is '\r' && IsEndOfLine())) return ReadRow();
            TakeEndOfLine();
        }
    }

    private CsvRow ReadRow()
    {
        _fields.Clear();
        _field.Clear();
        var (place, fault, length, line, opened) = (Place.StartOfField, CsvFault.None, 0, _line, _line);
        while (true)
        {
            var next = Peek();
            if (next == None)
                return End(place == Place.Quoted ? CsvFault.NeverClosed : fault, place == Place.Quoted ? opened : line);
            if (place != Place.Quoted && (next is '\n' || (next is '\r' && IsEndOfLine())))
            {
                TakeEndOfLine();
                return End(fault, line);
            }

            _at++;
            if (next is '\n') _line++;
            if (++length > MostRowBytes && fault == CsvFault.None) fault = CsvFault.TooLong;
            if (place == Place.StartOfField) opened = _line;
            (place, var found) = Step(place, (byte)next, keep: fault == CsvFault.None);
            if (fault == CsvFault.None) fault = found;
        }
    }

    private (Place Place, CsvFault Fault) Step(Place place, byte next, bool keep)
    {
        switch (place)
        {
            case Place.StartOfField when next is (byte)'"':
                return (Place.Quoted, CsvFault.None);
            case Place.Quoted when next is (byte)'"':
                return (Place.AfterQuote, CsvFault.None);
            case Place.AfterQuote when next is (byte)'"':
            case Place.Quoted:
                if (keep) _field.Add(next);
                return (Place.Quoted, CsvFault.None);
            case Place.Skipping:
                return (Place.Skipping, CsvFault.None);
            case not Place.Quoted when next is (byte)',':
                if (keep) EndField();
                return (Place.StartOfField, CsvFault.None);
            case Place.AfterQuote:
                return (Place.Skipping, CsvFault.TextAfterQuote);
            case not Place.Quoted when next is (byte)'"':
                return (Place.Skipping, CsvFault.StrayQuote);
            case not Place.Quoted when next is (byte)'\r':
                return (Place.Skipping, CsvFault.StrayReturn);
            default:
                if (keep) _field.Add(next);
                return (Place.Unquoted, CsvFault.None);
        }
    }

    private CsvRow End(CsvFault fault, int line)
    {
        EndField();
        return new CsvRow(line, fault == CsvFault.None ? [.. _fields] : [], fault);
    }

    private void EndField()
    {
        _fields.Add([.. _field]);
        _field.Clear();
    }

    private int Peek()
    {
        if (_at < _filled) return _buffer[_at];
        (_at, _filled) = (0, stream.Read(_buffer));
        return _filled == 0 ? None : _buffer[0];
    }

    /// <summary>A return stands here; does a line feed follow it?</summary>
    private bool IsEndOfLine()
    {
        if (_at + 1 == _filled)
        {
            _buffer[0] = (byte)'\r';
            (_at, _filled) = (0, 1 + stream.Read(_buffer.AsSpan(1)));
        }

        return _at + 1 < _filled && _buffer[_at + 1] is (byte)'\n';
    }

    private void TakeEndOfLine()
    {
        _at += Peek() is '\r' ? 2 : 1;
        _line++;
    }
}

/// <summary>A row of a CSV file.</summary>
/// <param name="Line">Line on which it begins, from 1; of a field that is never closed the line on which that begins.</param>
/// <param name="Fields">Its fields without their quotes; empty where it is at fault.</param>
/// <param name="Fault">What is wrong with it.</param>
[SuppressMessage("Performance", "CA1819:Properties should not return arrays", Justification = "Bytes as read; decoded once and let go.")]
internal sealed record CsvRow(int Line, IReadOnlyList<byte[]> Fields, CsvFault Fault);

/// <summary>What is wrong with the form of a row.</summary>
internal enum CsvFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Longer than <see cref="CsvReader.MostRowBytes"/>.</summary>
    TooLong,

    /// <summary>A quote within a field that does not begin with one.</summary>
    StrayQuote,

    /// <summary>Text between a closing quote and the next comma.</summary>
    TextAfterQuote,

    /// <summary>A return without its line feed.</summary>
    StrayReturn,

    /// <summary>The file ends within a quoted field.</summary>
    NeverClosed,
}
