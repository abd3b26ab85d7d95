using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>What a refusal says to a person: what is wrong and what to do, in English and Traditional Chinese. Read once from refusals.json.</summary>
/// <remarks>A text holds <c>{key}</c> where the refusal's metadata, or a fault's argument, is put in. Loading fails when a text is missing, so the server does not start.</remarks>
internal sealed class RefusalTexts
{
    private static readonly FrozenDictionary<Wire.ErrorReason, string> Names = Wire.ErrorReasonReflection.Descriptor.EnumTypes
        .Single(type => string.Equals(type.Name, nameof(Wire.ErrorReason), StringComparison.Ordinal)).Values
        .Where(value => value.Number != 0)
        .ToFrozenDictionary(value => (Wire.ErrorReason)value.Number, value => value.Name["ERROR_REASON_".Length..]);

    private readonly FrozenDictionary<Wire.ErrorReason, RefusalText> reasons;
    private readonly FrozenDictionary<string, RefusalText> faults;

    private RefusalTexts(FrozenDictionary<Wire.ErrorReason, RefusalText> reasons, FrozenDictionary<string, RefusalText> faults)
    {
        this.reasons = reasons;
        this.faults = faults;
    }

    /// <summary>The texts that the server carries.</summary>
    /// <exception cref="InvalidOperationException">A reason or fault has no text; all that is missing is named.</exception>
    public static RefusalTexts Default { get; } = LoadDefault();

    /// <summary>The text of a reason, with its placeholders still in.</summary>
    public RefusalText Of(Wire.ErrorReason reason) => reasons[reason];

    /// <summary>The text of a fault with its argument put in.</summary>
    public RefusalText Of(FieldFault fault)
    {
        var kind = fault.Kind.ToString();
        var text = faults.TryGetValue($"{kind}.{fault.Argument}", out var special) ? special : faults[kind];
        return text.Fill(key => string.Equals(key, "argument", StringComparison.Ordinal) ? fault.Argument : null);
    }

    /// <summary>The name of a reason as it stands in ErrorInfo and in the access log, e.g. <c>INVALID_FIELD</c>.</summary>
    public static string NameOf(Wire.ErrorReason reason) => Names[reason];

    /// <summary>Reads the texts.</summary>
    /// <exception cref="InvalidOperationException">A text is missing, empty, or of no known reason or fault; all findings are named.</exception>
    /// <exception cref="JsonException">The stream is not the JSON of such a file.</exception>
    internal static RefusalTexts Load(Stream json)
    {
        using var document = JsonDocument.Parse(json);
        var findings = new List<string>();
        var ofReasons = Read(document.RootElement, "reasons", [.. Names.Values], findings);
        var ofFaults = Read(document.RootElement, "faults", [.. FaultKeys()], findings);
        if (findings.Count > 0)
            throw new InvalidOperationException("refusals.json: " + string.Join("; ", findings));
        return new RefusalTexts(
            Names.ToFrozenDictionary(pair => pair.Key, pair => ofReasons[pair.Value]),
            ofFaults.ToFrozenDictionary(StringComparer.Ordinal));
    }

    private static IEnumerable<string> FaultKeys() =>
    [
        .. Enum.GetNames<FieldFaultKind>(),
        .. Enum.GetValues<NationalIdFault>()
            .Where(fault => fault is not (NationalIdFault.None or NationalIdFault.Empty))
            .Select(fault => $"{nameof(FieldFaultKind.NotANationalId)}.{fault}"),
    ];

    private static Dictionary<string, RefusalText> Read(JsonElement root, string section, HashSet<string> expected, List<string> findings)
    {
        var texts = new Dictionary<string, RefusalText>(StringComparer.Ordinal);
        if (root.TryGetProperty(section, out var entries))
        {
            foreach (var entry in entries.EnumerateObject())
            {
                if (!expected.Contains(entry.Name))
                    findings.Add($"{section}.{entry.Name} is not known");
                else if (Text(entry.Value, "en") is { } en && Text(entry.Value, "zh-Hant-TW") is { } zh)
                    texts[entry.Name] = new RefusalText(en, zh);
            }
        }

        findings.AddRange(expected.Where(name => !texts.ContainsKey(name)).Order(StringComparer.Ordinal)
            .Select(name => $"{section}.{name} lacks a text in en or zh-Hant-TW"));
        return texts;
    }

    private static string? Text(JsonElement entry, string locale) =>
        entry.TryGetProperty(locale, out var text) && text.GetString() is { Length: > 0 } value ? value : null;

    private static RefusalTexts LoadDefault()
    {
        using var stream = typeof(RefusalTexts).Assembly.GetManifestResourceStream("refusals.json")
            ?? throw new InvalidOperationException("refusals.json is not embedded in the server.");
        return Load(stream);
    }
}

/// <summary>One sentence or two in both languages.</summary>
/// <param name="En">English.</param>
/// <param name="Zh">Traditional Chinese as used in Taiwan.</param>
internal sealed record RefusalText(string En, string Zh)
{
    /// <summary>Puts values in the places of their keys; a key without a value becomes "(not stated)" in the language of the text, never an error.</summary>
    public RefusalText Fill(Func<string, string?> valueOf) => new(Fill(En, valueOf, "(not stated)"), Fill(Zh, valueOf, "（未載明）"));

    private static string Fill(string text, Func<string, string?> valueOf, string absent)
    {
        var filled = new StringBuilder(text.Length + 32);
        var rest = text.AsSpan();
        while (rest.IndexOf('{') is >= 0 and var open && rest[open..].IndexOf('}') is > 0 and var length)
        {
            filled.Append(rest[..open]).Append(valueOf(rest.Slice(open + 1, length - 1).ToString()) ?? absent);
            rest = rest[(open + length + 1)..];
        }

        return filled.Append(rest).ToString();
    }
}
