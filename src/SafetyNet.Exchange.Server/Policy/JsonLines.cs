using System.Text;
using System.Text.Json;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>On which line of a JSON file each value stands, by its path (<c>$.rules[3].classes</c>): for people who mend the file.</summary>
internal sealed class JsonLines
{
    private readonly Dictionary<string, int> lines = new(StringComparer.Ordinal) { ["$"] = 1 };

    private JsonLines()
    {
    }

    /// <exception cref="JsonException">It is no JSON.</exception>
    public static JsonLines Of(ReadOnlySpan<byte> json)
    {
        var found = new JsonLines();
        var (line, counted) = (1, 0);
        var reader = new Utf8JsonReader(json);
        var open = new Stack<(string Path, int Next)>();
        var name = "";
        while (reader.Read())
        {
            var start = (int)reader.TokenStartIndex;
            line += json[counted..start].Count((byte)'\n');
            counted = start;
            switch (reader.TokenType)
            {
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    open.Pop();
                    continue;
                case JsonTokenType.PropertyName:
                    name = reader.GetString()!;
                    found.lines[$"{open.Peek().Path}.{name}"] = line;
                    continue;
            }

            var path = "$";
            if (open.TryPop(out var outer))
            {
                path = outer.Next < 0 ? $"{outer.Path}.{name}" : $"{outer.Path}[{outer.Next}]";
                open.Push(outer.Next < 0 ? outer : (outer.Path, outer.Next + 1));
                found.lines.TryAdd(path, line);
            }

            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                open.Push((path, reader.TokenType == JsonTokenType.StartArray ? 0 : -1));
        }

        return found;
    }

    /// <summary>Line of the value, from 1; of what it would stand in, where it is missing.</summary>
    public int Find(string path)
    {
        var at = new StringBuilder(path);
        while (at.Length > 0)
        {
            if (lines.TryGetValue(at.ToString(), out var line))
                return line;
            at.Length = at.ToString().LastIndexOfAny(['.', '[']) is var cut and >= 0 ? cut : 0;
        }

        return 1;
    }
}
