using System.Buffers.Binary;
using System.Globalization;
using SafetyNet.Exchange.Cli.Csv;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Households;

/// <summary>
/// A file of a household register (戶籍資料檔): looked through once before anything is sent, then read row by row. Every row of the file is a row of the delivery, also one that cannot be read:
/// it is sent as such, so that it is counted and told like any other.
/// </summary>
internal sealed class RegisterFile : IDisposable
{
    /// <summary>What stands for a code or number that the file has and nobody knows: the exchange says so, with its line.</summary>
    private const int Unknown = 9999;

    /// <summary>Columns: the names of the fields of RegisterRow.</summary>
    private static readonly string[] Known =
    [
        "event", "national_id", "name", "romanized_name", "sex", "birth_date", "household_number", "role", "place", "address", "district", "phone", "protected", "father_national_id",
        "mother_national_id", "valid_from", "jurisdiction", "former_national_id",
    ];

    private static readonly string[] Required = ["national_id", "name", "sex", "birth_date", "household_number", "role", "place", "address", "district", "valid_from"];

    private readonly CsvFile _file;
    private readonly Dictionary<string, int> _columns;

    private RegisterFile(CsvFile file, Dictionary<string, int> columns) => (_file, _columns) = (file, columns);

    /// <inheritdoc cref="CsvFile.Hash"/>
    public IReadOnlyList<byte> Hash => _file.Hash;

    /// <inheritdoc cref="CsvFile.Rows"/>
    public long Rows => _file.Rows;

    /// <exception cref="FormatException">It is no such file: its columns, its encoding, or a quoted field without an end; the message tells the columns or the line.</exception>
    public static RegisterFile Open(string path, bool big5)
    {
        Dictionary<string, int> columns = [];
        return new RegisterFile(CsvFile.Open(path, big5, header => columns = ReadColumns(header)), columns);
    }

    /// <summary>The rows in their order, each with the line of the file on which it begins.</summary>
    public IEnumerable<(int FileLine, Wire.RegisterRow Row)> ReadRows() => _file.ReadRows().Select(row => (row.Line, Map(row)));

    /// <summary>Key of the delivery of this file, the same in every run: over the file's hash, what it is delivered as, and the attempt.</summary>
    public string RequestIdOf(Wire.DeliveryKind kind, string asOf, int attempt)
    {
        Span<byte> number = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(number, attempt);
        return CsvFile.RequestIdOf([.. Hash, (byte)kind, .. System.Text.Encoding.UTF8.GetBytes(asOf), .. number]);
    }

    public void Dispose() => _file.Dispose();

    private Wire.RegisterRow Map(CsvRow row)
    {
        if (row.Fault != CsvFault.None || row.Fields.Count != _columns.Count || !_file.Encoding.TryDecode(row.Fields, out var texts, out _)) return new Wire.RegisterRow { Unreadable = true };
        string Of(string name) => _columns.TryGetValue(name, out var at) ? texts[at].Trim() : "";
        var isProtected = TruthOf(Of("protected"));
        return new Wire.RegisterRow
        {
            Event = EventOf(Of("event")), NationalId = Of("national_id"), Name = Of("name"), RomanizedName = Of("romanized_name"), Sex = SexOf(Of("sex")), BirthDate = DateOf(Of("birth_date")),
            HouseholdNumber = Of("household_number"), Role = Of("role"), Place = NumberOf(Of("place")), Address = Of("address"), District = Of("district"), Phone = Of("phone"),
            Protected = isProtected ?? false, FatherNationalId = Of("father_national_id"), MotherNationalId = Of("mother_national_id"), FormerNationalId = Of("former_national_id"), ValidFrom = DateOf(Of("valid_from")),
            Jurisdiction = CodeOf<Wire.Jurisdiction>(Of("jurisdiction")),
            // Whether somebody must be protected is not guessed.
            Unreadable = isProtected is null,
        };
    }

    private static Wire.RegisterEvent EventOf(string text) => text switch
    {
        "" or "設籍" or "變更" => Wire.RegisterEvent.Registered,
        "遷出" or "除籍" => Wire.RegisterEvent.MovedOut,
        "死亡" => Wire.RegisterEvent.Died,
        _ => CodeOf<Wire.RegisterEvent>(text),
    };

    private static Wire.Sex SexOf(string text) => text switch
    {
        "男" or "1" or "M" => Wire.Sex.Male,
        "女" or "2" or "F" => Wire.Sex.Female,
        _ => CodeOf<Wire.Sex>(text),
    };

    private static T CodeOf<T>(string text)
        where T : struct, Enum
    {
        if (text.Length == 0) return default;
        try
        {
            return ContractCodes.Parse<T>(text);
        }
        catch (FormatException)
        {
            return (T)Enum.ToObject(typeof(T), Unknown);
        }
    }

    private static bool? TruthOf(string text) => text.ToUpperInvariant() switch
    {
        "" or "0" or "N" or "FALSE" or "否" => false,
        "1" or "Y" or "TRUE" or "是" => true,
        _ => null,
    };

    private static int NumberOf(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : Unknown;

    /// <summary><c>20260131</c> and <c>2026/01/31</c> are written as the contract has dates; anything else is sent as it stands, and the exchange says what is wrong with it.</summary>
    private static string DateOf(string text) =>
        DateOnly.TryParseExact(text, ["yyyyMMdd", "yyyy/MM/dd"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : text;

    private static Dictionary<string, int> ReadColumns(string[] header)
    {
        var columns = new Dictionary<string, int>(StringComparer.Ordinal);
        var twice = header.Where((name, at) => !columns.TryAdd(name, at)).Distinct(StringComparer.Ordinal).ToList();
        var problems = string.Join(' ', ((string[])
        [
            Told("Missing", Required.Where(name => !columns.ContainsKey(name))), Told("Unknown", columns.Keys.Except(Known, StringComparer.Ordinal)), Told("There twice", twice),
        ]).Where(problem => problem.Length > 0));
        return problems.Length == 0 ? columns
            : throw new FormatException($"The first line has not the columns of a household register, nothing was sent. {problems} See docs/formats/household-delivery.md.");
    }

    private static string Told(string what, IEnumerable<string> names) => names.ToList() is { Count: > 0 } told ? $"{what}: {string.Join(", ", told)}." : "";
}
