using System.Buffers;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace SafetyNet.Exchange.Protocol.Identifiers;

/// <summary>
/// The one name a member system goes by in its certificate, its token and the member registry:
/// <c>spiffe://safetynet.gov.tw/&lt;jurisdiction&gt;/&lt;agency-code&gt;/&lt;system&gt;</c>.
/// </summary>
/// <remarks>
/// Shape: all lower case; jurisdiction is a code of domain.md 2.3 in lower case (<c>tpe</c>, <c>tw</c>); agency code and system are 2 to 32 of
/// <c>a-z 0-9 -</c>. Nothing is normalised: two spellings of one name would be two keys in every table that compares names byte for byte.
/// Source: SPIFFE-ID 2.1 (the path is ours), design.md 3.
/// </remarks>
public sealed record SpiffeId
{
    /// <summary>The trust domain every member of the exchange belongs to.</summary>
    public const string TrustDomain = "safetynet.gov.tw";

    /// <summary>What every member system's name starts with.</summary>
    public const string Prefix = "spiffe://" + TrustDomain + "/";

    private const int ShortestPart = 2;
    private const int LongestPart = 32;

    private static readonly SearchValues<char> PartCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private static readonly FrozenSet<string> Jurisdictions = new[]
    {
        "tw", "tpe", "nwt", "tao", "txg", "tnn", "khh", "kee", "hsz", "hsq", "mia", "cha", "nan", "yun", "cyi", "cyq", "pif", "ila", "hua", "ttt", "pen", "kin", "lie",
    }.ToFrozenSet(StringComparer.Ordinal);

    private SpiffeId(string jurisdiction, string agency, string system)
    {
        Jurisdiction = jurisdiction;
        Agency = agency;
        System = system;
        Uri = $"{Prefix}{jurisdiction}/{agency}/{system}";
    }

    /// <summary>Where the agency answers, in lower case: <c>tpe</c> 臺北市, <c>tw</c> the central level.</summary>
    public string Jurisdiction { get; }

    /// <summary>The agency within its jurisdiction, for example <c>police</c>.</summary>
    public string Agency { get; }

    /// <summary>The back-end system of the agency, for example <c>dispatch</c>.</summary>
    public string System { get; }

    /// <summary>The full name, exactly as it stands in certificates, tokens and the registry. Compare it ordinally.</summary>
    public string Uri { get; }

    /// <summary>The agency's own name, which its issuing authority carries: the full name without the system.</summary>
    public string AgencyUri => $"{Prefix}{Jurisdiction}/{Agency}";

    /// <summary>Names a system from its parts. Refuses parts of another shape with <see cref="FormatException"/>.</summary>
    public static SpiffeId Of(string jurisdiction, string agency, string system) => Parse($"{Prefix}{jurisdiction}/{agency}/{system}");

    /// <summary>Reads a name that must be one. Refuses anything else with <see cref="FormatException"/>.</summary>
    public static SpiffeId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new FormatException($"not a member system's name; expected {Prefix}<jurisdiction>/<agency-code>/<system>, all lower case");

    /// <summary>Reads a name as sent. False for null and for every spelling but the exact one: upper case, ports, escapes, queries, empty or further segments.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SpiffeId? id)
    {
        id = null;
        if (text is null || !TrySegments(text, wanted: 3, out var jurisdiction, out var rest)) return false;
        var cut = rest.IndexOf('/', StringComparison.Ordinal);
        id = new SpiffeId(jurisdiction, rest[..cut], rest[(cut + 1)..]);
        return true;
    }

    /// <summary>Reads the name of an agency (two segments), as an issuing authority carries it; gives it back as <see cref="AgencyUri"/> would.</summary>
    public static bool IsAgencyUri([NotNullWhen(true)] string? text) => text is not null && TrySegments(text, wanted: 2, out _, out _);

    public override string ToString() => Uri;

    public bool Equals(SpiffeId? other) => other is not null && string.Equals(Uri, other.Uri, StringComparison.Ordinal);

    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Uri);

    private static bool TrySegments(string text, int wanted, out string jurisdiction, out string rest)
    {
        jurisdiction = rest = "";
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var segments = text[Prefix.Length..].Split('/');
        if (segments.Length != wanted || !Jurisdictions.Contains(segments[0])) return false;
        if (!segments.Skip(1).All(IsPart)) return false;
        jurisdiction = segments[0];
        rest = string.Join('/', segments[1..]);
        return true;
    }

    private static bool IsPart(string segment) =>
        segment.Length is >= ShortestPart and <= LongestPart && !segment.AsSpan().ContainsAnyExcept(PartCharacters);
}
