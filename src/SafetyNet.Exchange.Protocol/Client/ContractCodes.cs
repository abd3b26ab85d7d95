using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Protocol.Client;

/// <summary>Codes of the contract as people write and read them: <c>SERVICE_DELIVERY</c> in, <c>提供服務 service delivery</c> out.</summary>
/// <remarks>The Chinese terms are those of the comments in the .proto files, which the assembly carries; there is no second table to keep.</remarks>
public static class ContractCodes
{
    private static readonly FrozenDictionary<string, string> ChineseTerms = ReadTerms().ToFrozenDictionary(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<Type, EnumDescriptor> Tables = new();

    /// <summary>Name in its table without the table's prefix, e.g. <c>SERVICE_DELIVERY</c>; a number for a code that this version does not know.</summary>
    public static string NameOf<T>(T code)
        where T : struct, Enum
    {
        var table = TableOf<T>();
        var number = Convert.ToInt32(code, CultureInfo.InvariantCulture);
        return table.FindValueByNumber(number) is { } value ? ShortName(table, value) : number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>In English words, e.g. <c>service delivery</c>.</summary>
    public static string EnglishOf<T>(T code)
        where T : struct, Enum => NameOf(code).Replace('_', ' ').ToLowerInvariant();

    /// <summary>Chinese term, e.g. <c>提供服務</c>; empty where the table gives none.</summary>
    public static string ChineseOf<T>(T code)
        where T : struct, Enum =>
        TableOf<T>().FindValueByNumber(Convert.ToInt32(code, CultureInfo.InvariantCulture)) is { } value ? ChineseTerms.GetValueOrDefault(value.Name, "") : "";

    /// <summary>Both, Chinese first.</summary>
    public static string BothOf<T>(T code)
        where T : struct, Enum => $"{ChineseOf(code)} {EnglishOf(code)}".TrimStart();

    /// <summary>Reads a code by its name, with or without the prefix, in any letter case, words parted by <c>_</c> or <c>-</c>.</summary>
    /// <exception cref="FormatException">It is not in the table, or is UNSPECIFIED; the message lists the table.</exception>
    public static T Parse<T>(string text)
        where T : struct, Enum
    {
        ArgumentNullException.ThrowIfNull(text);
        var table = TableOf<T>();
        var wanted = text.Trim().Replace('-', '_').ToUpperInvariant();
        var known = table.Values.Where(value => value.Number != 0).ToList();
        var found = known.Find(value => wanted.Equals(value.Name, StringComparison.Ordinal) || wanted.Equals(ShortName(table, value), StringComparison.Ordinal))
            ?? throw new FormatException($"`{text}` is no {table.Name}; known are {string.Join(", ", known.Select(value => ShortName(table, value)))}.");
        return (T)Enum.ToObject(typeof(T), found.Number);
    }

    private static EnumDescriptor TableOf<T>() => Tables.GetOrAdd(typeof(T), static type => Contract()
        .SelectMany(file => file.EnumTypes)
        .FirstOrDefault(table => table.ClrType == type) ?? throw new NotSupportedException($"{type.Name} is no code table of the contract."));

    // NOT_PERSONAL of CONFIDENTIALITY_CLASS_NOT_PERSONAL: the prefix is the table's UNSPECIFIED without that word.
    private static string ShortName(EnumDescriptor table, EnumValueDescriptor value)
    {
        var unspecified = table.FindValueByNumber(0).Name;
        var prefix = unspecified[..^"UNSPECIFIED".Length];
        return value.Name.StartsWith(prefix, StringComparison.Ordinal) ? value.Name[prefix.Length..] : value.Name;
    }

    private static FileDescriptor[] Contract() =>
    [
        Wire.CodesReflection.Descriptor, Wire.MembersReflection.Descriptor, Wire.ReferralsReflection.Descriptor, Wire.CasesReflection.Descriptor,
        Wire.HouseholdsReflection.Descriptor, Wire.InboxReflection.Descriptor, Wire.AuditReflection.Descriptor, Wire.GrantsReflection.Descriptor,
        Wire.BreakGlassReflection.Descriptor, Wire.PoliciesReflection.Descriptor, Wire.ConferencesReflection.Descriptor, Wire.DisclosuresReflection.Descriptor, Wire.RevealsReflection.Descriptor, Wire.MisuseReflection.Descriptor,
        Wire.RetentionReflection.Descriptor, Wire.ReportsReflection.Descriptor, Wire.ClocksReflection.Descriptor,
        Wire.ReferralHandshakesReflection.Descriptor, Wire.ReferralWorkReflection.Descriptor, Wire.ErrorReasonReflection.Descriptor,
        Wire.LeadDisputesReflection.Descriptor, Wire.CaseNotesReflection.Descriptor, Wire.CaseWatchReflection.Descriptor, Wire.CaseLifeReflection.Descriptor, Wire.ServicePlansReflection.Descriptor,
        Wire.VisitsReflection.Descriptor, Wire.MeetingsReflection.Descriptor, Wire.TrackedItemsReflection.Descriptor, Wire.HouseholdDeliveriesReflection.Descriptor, Wire.PersonLinksReflection.Descriptor,
    ];

    // A value's term is the first word of the comment above it, where that word is Chinese: `// 提供服務 delivering a service.`
    private static IEnumerable<KeyValuePair<string, string>> ReadTerms()
    {
        var assembly = typeof(ContractCodes).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".proto", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            string? term = null;
            while (reader.ReadLine() is { } line)
            {
                var text = line.Trim();
                if (text.StartsWith("//", StringComparison.Ordinal))
                {
                    term ??= FirstChinese(text);
                    continue;
                }

                if (term is { Length: > 0 } && text.Split(' ') is [var value, "=", ..] && value.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_'))
                    yield return new(value, term);
                term = null;
            }
        }
    }

    private static string FirstChinese(string comment)
    {
        var word = comment.TrimStart('/', ' ').Split(' ', 2)[0].TrimEnd('.', ',', ';', ':');
        return word.Any(c => c is >= '\u4e00' and <= '\u9fff') ? word : "";
    }
}
