using System.Text;
using System.Text.Json;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>What reading either file of a policy takes: members of known names, codes of known tables, and every problem with its place.</summary>
internal abstract class PolicyReader(string file, HashSet<string> ids, JsonLines lines)
{
    private const int GreatestRevision = 999_999_999;

    private readonly List<PolicyProblem> problems = [];
    private readonly Dictionary<string, PolicyPlace> places = new(StringComparer.Ordinal);

    protected IReadOnlyList<PolicyProblem> Problems => problems;

    protected IReadOnlyDictionary<string, PolicyPlace> Places => places;

    /// <summary>Parses a file, and says where it stops being JSON.</summary>
    protected static T? Parse<T>(ReadOnlyMemory<byte> json, string file, List<PolicyProblem> problems, Func<JsonElement, JsonLines, T?> read)
        where T : class
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
            return read(document.RootElement, JsonLines.Of(json.Span));
        }
        catch (JsonException broken)
        {
            var line = (int)(broken.LineNumber ?? 0) + 1;
            problems.Add(new PolicyProblem(
                file, line, $"line {line}, byte {broken.BytePositionInLine + 1}", "", "not JSON: truncated, or a wrong character"));
            return null;
        }
    }

    /// <summary>A whole number from 1; its place stands under the empty id.</summary>
    protected int ReadRevision(JsonElement root)
    {
        const string place = "$.revision";
        places[""] = new PolicyPlace(file, lines.Find(place), place);
        if (!root.TryGetProperty("revision", out var value))
            Report(place, id: null, "missing");
        else if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number) || number is < 1 or > GreatestRevision)
            Report(place, id: null, $"not a whole number from 1 to {GreatestRevision}");
        else
            return number;
        return 0;
    }

    protected string ReadId(JsonElement entry, string place)
    {
        var id = ReadText(entry, place, id: null, "id");
        if (id.Length == 0)
            return id;
        if (id.Length > 64 || !id.All(c => c is (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '-'))
            Report($"{place}.id", id, "not 1 to 64 of A-Z, 0-9 and '-'");
        if (!ids.Add(id))
            Report($"{place}.id", id, "used twice");
        places[id] = new PolicyPlace(file, lines.Find(place), place);
        return id;
    }

    protected string ReadText(JsonElement entry, string place, string? id, string member)
    {
        if (!entry.TryGetProperty(member, out var value))
            Report($"{place}.{member}", id, "missing");
        else if (value.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(value.GetString()))
            Report($"{place}.{member}", id, "not a text, or empty");
        else
            return value.GetString()!;
        return "";
    }

    protected string ReadChinese(JsonElement entry, string place, string id, string member)
    {
        var zh = ReadText(entry, place, id, member);
        if (zh.Length != 0 && !zh.EnumerateRunes().Any(rune => rune.Value is >= 0x4E00 and <= 0x9FFF))
            Report($"{place}.{member}", id, "not in Chinese");
        return zh;
    }

    /// <summary>A day; null: not stated.</summary>
    protected DateOnly? ReadDate(JsonElement entry, string place, string id, string member, bool required = false)
    {
        if (!required && !entry.TryGetProperty(member, out _))
            return null;
        var text = ReadText(entry, place, id, member);
        if (text.Length == 0)
            return null;
        if (CivilDate.TryParse(text, out var date))
            return date;
        Report($"{place}.{member}", id, $"'{text}' is no day of the calendar; write YYYY-MM-DD");
        return null;
    }

    protected List<(string Place, JsonElement Entry)> ReadList(JsonElement entry, string place, string member, string? id = null)
    {
        List<(string, JsonElement)> items = [];
        if (!entry.TryGetProperty(member, out var value))
            Report($"{place}.{member}", id, "missing");
        else if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
            Report($"{place}.{member}", id, "not a list, or empty");
        else
            items.AddRange(value.EnumerateArray().Select((item, at) => ($"{place}.{member}[{at}]", item)));
        return items;
    }

    protected uint ReadCodes(JsonElement entry, string place, string id, string member, CodeTable table, bool required = false) =>
        ReadSet(entry, place, id, member, required, code => table.TryParse(code, out var bit) ? bit : 0);

    protected uint ReadNames(JsonElement entry, string place, string id, string member, Dictionary<string, uint> names) =>
        ReadSet(entry, place, id, member, required: false, code => names.GetValueOrDefault(code));

    protected bool IsObject(JsonElement element, string place, string? id, string[] members)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            Report(place, id, "not an object");
            return false;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in element.EnumerateObject())
        {
            if (!members.Contains(member.Name, StringComparer.Ordinal))
                Report($"{place}.{member.Name}", id, "unknown member");
            if (!seen.Add(member.Name))
                Report($"{place}.{member.Name}", id, "twice");
        }

        return true;
    }

    protected void Report(string place, string? id, string what) =>
        problems.Add(new PolicyProblem(file, lines.Find(place), place, id ?? "", what));

    private uint ReadSet(JsonElement entry, string place, string id, string member, bool required, Func<string, uint> bitOf)
    {
        if (!required && !entry.TryGetProperty(member, out _))
            return 0;
        var set = 0u;
        foreach (var (where, item) in ReadList(entry, place, member, id))
        {
            var code = item.ValueKind == JsonValueKind.String ? item.GetString()! : item.GetRawText();
            var bit = bitOf(code);
            if (bit == 0)
                Report(where, id, $"unknown code '{code}'");
            else if ((set & bit) != 0)
                Report(where, id, $"'{code}' twice");
            set |= bit;
        }

        return set;
    }
}
