using System.Text;
using SafetyNet.Exchange.Cli.Csv;

namespace SafetyNet.Exchange.Tests.Reports;

[Trait("Rule", "R-INT-1")]
public sealed class CsvReaderTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("\n\r\n\n", "")]
    [InlineData("a,b", "1:a|b")]
    [InlineData("a,b\n", "1:a|b")]
    [InlineData("a,b\r\nc,d\r\n", "1:a|b 2:c|d")]
    [InlineData("a,b\n\n\r\nc,d", "1:a|b 4:c|d")]
    [InlineData(",", "1:|")]
    [InlineData("a,,", "1:a||")]
    [InlineData("\"\",\"\"", "1:|")]
    [InlineData("\"a,b\",c", "1:a,b|c")]
    [InlineData("\"a\nb\",c\nd,e", "1:a~b|c 3:d|e")]
    [InlineData("\"a\r\nb\",c\r\nd,e", "1:a~b|c 3:d|e")]
    [InlineData("\"a\"\"b\",\"\"\"\"\n", "1:a\"b|\"")]
    [InlineData("a,\"\"\"b\"\"\"", "1:a|\"b\"")]
    [InlineData("a, \"b\n", "1!StrayQuote")]
    [InlineData("a,b\"c\",d\ne,f", "1!StrayQuote 2:e|f")]
    [InlineData("\"a\"b,c\nd,e", "1!TextAfterQuote 2:d|e")]
    [InlineData("\"a\" ,c\nd,e", "1!TextAfterQuote 2:d|e")]
    [InlineData("a\rb,c\nd,e", "1!StrayReturn 2:d|e")]
    [InlineData("a,b\r", "1!StrayReturn")]
    [InlineData("a,b\n\"c\n\nd", "1:a|b 2!NeverClosed")]
    [InlineData("a,b\nc,\"d", "1:a|b 2!NeverClosed")]
    [InlineData("\"a\nb\",\"c\nd", "2!NeverClosed")]
    [InlineData("a,\"b\nc,\"d\",e\nf,g", "1!TextAfterQuote 3:f|g")]
    public void Rows_fields_and_faults_stand_on_their_lines(string text, string expected)
    {
        Assert.Equal(expected, Told(text, 64 * 1024));
        // However the bytes arrive.
        Assert.Equal(expected, Told(text, 1));
    }

    [Fact]
    public void A_row_of_64_KiB_is_read_and_a_longer_one_is_told_without_being_kept_and_harms_no_other()
    {
        var longest = new string('x', CsvReader.MostRowBytes - 2);
        Assert.Equal(CsvReader.MostRowBytes - 2, Rows($"a,{longest}\n")[0].Fields[1].Length);
        Assert.Equal("1!TooLong 2:c|d", Told($"a,{longest}x\nc,d", 64 * 1024));
        Assert.Equal("1!TooLong 2:c|d", Told($"{new string(',', 1_000_000)}\nc,d", 64 * 1024));
        // Quotes are followed through what is not kept.
        Assert.Equal("1!TooLong 3:c|d", Told($"\"{new string('y', 1_000_000)}\n\"\"\",b\nc,d", 64 * 1024));
    }

    private static string Told(string text, int atOnce) => string.Join(' ', Rows(text, atOnce).Select(row => row.Fault == CsvFault.None
        ? $"{row.Line}:{string.Join('|', row.Fields.Select(field => Encoding.UTF8.GetString(field).Replace("\r\n", "~", StringComparison.Ordinal).Replace('\n', '~')))}" : $"{row.Line}!{row.Fault}"));

    private static List<CsvRow> Rows(string text, int atOnce = 4096)
    {
        using var stream = new Dripping(Encoding.UTF8.GetBytes(text), atOnce);
        var (reader, rows) = (new CsvReader(stream), new List<CsvRow>());
        while (reader.Read() is { } row) rows.Add(row);
        return rows;
    }

    /// <summary>Gives a few bytes at a time, as a pipe may.</summary>
    private sealed class Dripping(byte[] bytes, int atOnce) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(atOnce, buffer.Length)]);
    }
}
