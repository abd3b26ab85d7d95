using System.Collections.Frozen;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>Districts 行政區 of each jurisdiction, by their official names.</summary>
/// <remarks>Form of the file: UTF-8, a jurisdiction a line as <c>CODE,name,name ...</c>; lines that begin with <c>#</c> are skipped.</remarks>
internal sealed class Districts
{
    private const string BuiltIn = "districts-tw.csv";

    private readonly FrozenDictionary<Wire.Jurisdiction, FrozenSet<string>> _names;

    private Districts(Dictionary<Wire.Jurisdiction, FrozenSet<string>> names) => _names = names.ToFrozenDictionary();

    /// <summary>The list that the server is built with, or that of a deployment in its place.</summary>
    /// <param name="path">File of a deployment; empty: none.</param>
    /// <exception cref="FormatException">A line is none; the message names file and line.</exception>
    public static Districts Load(string path)
    {
        if (path.Length > 0)
        {
            using var file = new StreamReader(path);
            return Parse(file, Path.GetFileName(path));
        }

        using var embedded = typeof(Districts).Assembly.GetManifestResourceStream(BuiltIn) ?? throw new InvalidOperationException($"{BuiltIn} is not embedded in the server.");
        using var reader = new StreamReader(embedded);
        return Parse(reader, BuiltIn);
    }

    /// <summary>The jurisdiction has a district of that name.</summary>
    public bool Has(Wire.Jurisdiction jurisdiction, string district) => _names.TryGetValue(jurisdiction, out var names) && names.Contains(district);

    private static Districts Parse(TextReader reader, string name)
    {
        var names = new Dictionary<Wire.Jurisdiction, FrozenSet<string>>();
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var parts = line.Split(',');
            if (parts.Length < 2 || parts.Any(part => part.Length == 0) || !CodeNames.TryParse(parts[0], out Wire.Jurisdiction jurisdiction)
                || !names.TryAdd(jurisdiction, parts[1..].ToFrozenSet(StringComparer.Ordinal)))
                throw new FormatException($"{name}, line {number}: a jurisdiction's code, once, and its districts, parted by commas");
        }

        return new Districts(names);
    }
}
