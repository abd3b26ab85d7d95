using System.Security.Cryptography;
using System.Text.Json;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>One rule of the file.</summary>
/// <param name="Numbers">Thresholds by name.</param>
/// <param name="Codes">Lists of codes by name, as the contract spells them without the prefix of their enum.</param>
internal sealed record MisuseRuleEntry(
    Wire.MisuseRuleId Id, string Source, string TextEn, string TextZh, IReadOnlyDictionary<string, int> Numbers, IReadOnlyDictionary<string, IReadOnlyList<string>> Codes);

/// <summary>
/// What the scan takes for unusual, as versioned data (form: <c>misuse-rules.schema.json</c>). Read strictly: every rule once, every parameter in its bounds, nothing else.
/// Immutable.
/// </summary>
internal sealed class MisuseRules
{
    private const string BuiltIn = "misuse-rules.json";

    /// <summary>Bounds of each rule's thresholds, inclusive.</summary>
    private static readonly Dictionary<Wire.MisuseRuleId, Dictionary<string, (int Least, int Most)>> Bounds = new()
    {
        [Wire.MisuseRuleId.Self] = [], [Wire.MisuseRuleId.Colleague] = [], [Wire.MisuseRuleId.Relative] = [], [Wire.MisuseRuleId.Canary] = [], [Wire.MisuseRuleId.Sweep] = [],
        [Wire.MisuseRuleId.NoActivity] = new(StringComparer.Ordinal) { ["days"] = (1, 90) },
        [Wire.MisuseRuleId.Volume] = new(StringComparer.Ordinal)
        {
            ["leastPersons"] = (1, 10_000), ["deviations"] = (1, 100), ["windowDays"] = (1, 31), ["leastPeers"] = (1, 1000), ["withoutPeers"] = (1, 10_000),
        },
        [Wire.MisuseRuleId.OffHours] = new(StringComparer.Ordinal) { ["fromHour"] = (0, 23), ["untilHour"] = (1, 24) },
    };

    private static readonly string[] Lists = ["exemptUnitKinds", "exemptRoles"];

    private MisuseRules(int revision, string sha256, IReadOnlyList<MisuseRuleEntry> entries)
    {
        (Revision, Sha256, Entries) = (revision, sha256, entries);
        var (volume, hours) = (Numbers(Wire.MisuseRuleId.Volume), Numbers(Wire.MisuseRuleId.OffHours));
        NoActivityWithin = TimeSpan.FromDays(Numbers(Wire.MisuseRuleId.NoActivity)["days"]);
        Peers = new PeerLimits(volume["leastPersons"], volume["deviations"], volume["leastPeers"], volume["withoutPeers"]);
        PeerWindowDays = volume["windowDays"];
        var exempt = entries.Single(e => e.Id == Wire.MisuseRuleId.OffHours).Codes;
        Hours = new OfficeHours(hours["fromHour"] * 60, hours["untilHour"] * 60);
        ExemptUnitKinds = exempt["exemptUnitKinds"].Select(code => Enum.GetValues<Wire.UnitKind>().Single(kind => IsNamed(kind, code))).ToHashSet();
        ExemptRoles = exempt["exemptRoles"].Select(code => Enum.GetValues<Wire.ActorRole>().Single(role => IsNamed(role, code))).ToHashSet();
    }

    public int Revision { get; }

    /// <summary>SHA-256 of the file, 64 lower-case hex digits.</summary>
    public string Sha256 { get; }

    /// <summary>By number of the rule.</summary>
    public IReadOnlyList<MisuseRuleEntry> Entries { get; }

    public TimeSpan NoActivityWithin { get; }

    public PeerLimits Peers { get; }

    public int PeerWindowDays { get; }

    public OfficeHours Hours { get; }

    public IReadOnlySet<Wire.UnitKind> ExemptUnitKinds { get; }

    public IReadOnlySet<Wire.ActorRole> ExemptRoles { get; }

    /// <summary>The rules of a deployment, or those that the server is built with.</summary>
    /// <param name="path">File of the rules; empty: the built-in ones.</param>
    /// <exception cref="FormatException">The file is not in the form; every problem is named.</exception>
    public static MisuseRules Load(string path)
    {
        if (path.Length > 0) return Read(File.ReadAllBytes(path), Path.GetFileName(path));
        using var embedded = typeof(MisuseRules).Assembly.GetManifestResourceStream(BuiltIn) ?? throw new InvalidOperationException($"{BuiltIn} is not embedded in the server.");
        using var bytes = new MemoryStream();
        embedded.CopyTo(bytes);
        return Read(bytes.ToArray(), BuiltIn);
    }

    /// <exception cref="FormatException">The file is not in the form; every problem is named.</exception>
    public static MisuseRules Read(byte[] json, string file)
    {
        var problems = new List<string>();
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = document.RootElement;
            RequireMembers(root, "$", ["$schema", "revision", "description", "rules"], ["revision", "description", "rules"], problems);
            if (problems.Count == 0)
            {
                var revision = Number(root, "revision", "$", (1, int.MaxValue), problems);
                Text(root, "description", "$", problems);
                var entries = ReadEntries(root.GetProperty("rules"), problems);
                if (problems.Count == 0) return new MisuseRules(revision, Convert.ToHexStringLower(SHA256.HashData(json)), entries);
            }
        }
        catch (JsonException notJson)
        {
            problems.Add($"line {notJson.LineNumber + 1}: no JSON");
        }

        throw new FormatException($"{file}: {problems.Count} problem(s).\n{string.Join('\n', problems.Select(p => $"  {p}"))}");
    }

    private static List<MisuseRuleEntry> ReadEntries(JsonElement rules, List<string> problems)
    {
        var entries = new List<MisuseRuleEntry>();
        if (rules.ValueKind != JsonValueKind.Array)
        {
            problems.Add("$.rules: no list");
            return entries;
        }

        foreach (var (rule, at) in rules.EnumerateArray().Select((rule, at) => (rule, at)))
        {
            var (place, before) = ($"$.rules[{at}]", problems.Count);
            RequireMembers(rule, place, ["id", "source", "textEn", "textZh", "parameters"], ["id", "source", "textEn", "textZh", "parameters"], problems);
            if (problems.Count > before) continue;
            var id = Bounds.Keys.FirstOrDefault(one => IsNamed(one, Text(rule, "id", place, problems)));
            if (id == Wire.MisuseRuleId.Unspecified) problems.Add($"{place}.id: no rule of this program");
            else if (entries.Exists(e => e.Id == id)) problems.Add($"{place}.id: {CodeText.Of(id)} stands in the file twice");
            else entries.Add(ReadEntry(rule, place, id, problems));
        }

        foreach (var missing in Bounds.Keys.Where(id => problems.Count == 0 && entries.TrueForAll(e => e.Id != id))) problems.Add($"$.rules: {CodeText.Of(missing)} is missing");
        return [.. entries.OrderBy(e => e.Id)];
    }

    private static MisuseRuleEntry ReadEntry(JsonElement rule, string place, Wire.MisuseRuleId id, List<string> problems)
    {
        var (numbers, codes) = (new Dictionary<string, int>(StringComparer.Ordinal), new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal));
        var parameters = rule.GetProperty("parameters");
        string[] lists = id == Wire.MisuseRuleId.OffHours ? Lists : [];
        string[] all = [.. Bounds[id].Keys, .. lists];
        RequireMembers(parameters, $"{place}.parameters", all, all, problems);
        foreach (var (name, bounds) in Bounds[id]) numbers[name] = Number(parameters, name, $"{place}.parameters", bounds, problems);
        foreach (var name in lists) codes[name] = CodesOf(parameters, name, $"{place}.parameters", problems);
        if (id == Wire.MisuseRuleId.OffHours && numbers["fromHour"] >= numbers["untilHour"]) problems.Add($"{place}.parameters.untilHour: not after fromHour");
        return new MisuseRuleEntry(
            id, string.Join("; ", Texts(rule, "source", place, problems)), Text(rule, "textEn", place, problems), Text(rule, "textZh", place, problems), numbers, codes);
    }

    private static List<string> CodesOf(JsonElement parameters, string name, string place, List<string> problems)
    {
        var known = string.Equals(name, Lists[0], StringComparison.Ordinal) ? Names<Wire.UnitKind>() : Names<Wire.ActorRole>();
        var texts = Texts(parameters, name, place, problems, mayBeEmpty: true);
        problems.AddRange(texts.Where(text => !known.Contains(text)).Select(text => $"{place}.{name}: unknown code '{text}'"));
        if (texts.Distinct(StringComparer.Ordinal).Count() != texts.Count) problems.Add($"{place}.{name}: a code stands in it twice");
        return texts;
    }

    private static HashSet<string> Names<T>()
        where T : struct, Enum => Enum.GetValues<T>().Where(one => !one.Equals(default(T))).Select(one => CodeText.Of(one)).ToHashSet(StringComparer.Ordinal);

    private static bool IsNamed<T>(T code, string name)
        where T : struct, Enum => !code.Equals(default(T)) && string.Equals(CodeText.Of(code), name, StringComparison.Ordinal);

    private static void RequireMembers(JsonElement element, string place, string[] allowed, string[] required, List<string> problems)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{place}: no object");
            return;
        }

        problems.AddRange(element.EnumerateObject().Where(member => !allowed.Contains(member.Name, StringComparer.Ordinal)).Select(member => $"{place}.{member.Name}: unknown"));
        problems.AddRange(required.Where(name => !element.TryGetProperty(name, out _)).Select(name => $"{place}.{name}: missing"));
    }

    private static int Number(JsonElement element, string name, string place, (int Least, int Most) bounds, List<string> problems)
    {
        if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            && number >= bounds.Least && number <= bounds.Most)
        {
            return number;
        }

        problems.Add($"{place}.{name}: not a whole number of {bounds.Least} to {bounds.Most}");
        return bounds.Least;
    }

    private static string Text(JsonElement element, string name, string place, List<string> problems)
    {
        if (element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(value.GetString())) return value.GetString()!;
        problems.Add($"{place}.{name}: no text");
        return "";
    }

    private static List<string> Texts(JsonElement element, string name, string place, List<string> problems, bool mayBeEmpty = false)
    {
        if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
            && (mayBeEmpty || value.GetArrayLength() > 0) && value.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(one.GetString())))
        {
            return [.. value.EnumerateArray().Select(one => one.GetString()!)];
        }

        problems.Add($"{place}.{name}: no list of texts");
        return [];
    }

    private IReadOnlyDictionary<string, int> Numbers(Wire.MisuseRuleId id) => Entries.Single(e => e.Id == id).Numbers;
}
