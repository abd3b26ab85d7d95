using System.Collections.Frozen;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>
/// Codes of the contract as they are written outside protobuf messages (token claims, configuration): the name of domain.md 2, without the prefix that protobuf asks
/// for, for example <c>SOCIAL_WELFARE</c>, <c>TPE</c>, <c>MENTAL_HEALTH</c>.
/// </summary>
public static class CodeNames
{
    private static readonly Table<Wire.AgencyKind> AgencyKinds = new(nameof(Wire.AgencyKind), "AGENCY_KIND_", value => (Wire.AgencyKind)value);
    private static readonly Table<Wire.Jurisdiction> Jurisdictions = new(nameof(Wire.Jurisdiction), "JURISDICTION_", value => (Wire.Jurisdiction)value);
    private static readonly Table<Wire.ConfidentialityClass> Classes = new(nameof(Wire.ConfidentialityClass), "CONFIDENTIALITY_CLASS_", value => (Wire.ConfidentialityClass)value);

    /// <summary>The code's name. A value outside the table, UNSPECIFIED included, throws <see cref="KeyNotFoundException"/>.</summary>
    public static string Of(Wire.AgencyKind kind) => AgencyKinds.Names[kind];

    /// <inheritdoc cref="Of(Wire.AgencyKind)"/>
    public static string Of(Wire.Jurisdiction jurisdiction) => Jurisdictions.Names[jurisdiction];

    /// <inheritdoc cref="Of(Wire.AgencyKind)"/>
    public static string Of(Wire.ConfidentialityClass confidentialityClass) => Classes.Names[confidentialityClass];

    /// <summary>Reads a name; false for anything but an exact one.</summary>
    public static bool TryParse(string name, out Wire.AgencyKind kind) => AgencyKinds.Values.TryGetValue(name, out kind);

    /// <inheritdoc cref="TryParse(string, out Wire.AgencyKind)"/>
    public static bool TryParse(string name, out Wire.Jurisdiction jurisdiction) => Jurisdictions.Values.TryGetValue(name, out jurisdiction);

    /// <inheritdoc cref="TryParse(string, out Wire.AgencyKind)"/>
    public static bool TryParse(string name, out Wire.ConfidentialityClass confidentialityClass) => Classes.Values.TryGetValue(name, out confidentialityClass);

    internal static bool Knows(Wire.AgencyKind kind) => AgencyKinds.Names.ContainsKey(kind);

    internal static bool Knows(Wire.Jurisdiction jurisdiction) => Jurisdictions.Names.ContainsKey(jurisdiction);

    internal static bool Knows(Wire.ConfidentialityClass confidentialityClass) => Classes.Names.ContainsKey(confidentialityClass);

    private sealed class Table<TCode> where TCode : struct, Enum
    {
        public Table(string type, string prefix, Func<int, TCode> toCode)
        {
            EnumDescriptor descriptor = Wire.CodesReflection.Descriptor.EnumTypes.Single(candidate => string.Equals(candidate.Name, type, StringComparison.Ordinal));
            Values = descriptor.Values.Where(value => value.Number != 0).ToFrozenDictionary(value => value.Name[prefix.Length..], value => toCode(value.Number), StringComparer.Ordinal);
            Names = Values.ToFrozenDictionary(pair => pair.Value, pair => pair.Key);
        }

        public FrozenDictionary<string, TCode> Values { get; }

        public FrozenDictionary<TCode, string> Names { get; }
    }
}
