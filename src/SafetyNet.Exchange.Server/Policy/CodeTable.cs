using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>One code table of domain.md 2, read from the contract: the names a policy file writes (without the enum's prefix) and a bit per code.</summary>
internal sealed class CodeTable
{
    private readonly FrozenDictionary<string, uint> bits;

    private CodeTable(string enumName)
    {
        var table = Wire.CodesReflection.Descriptor.FindTypeByName<EnumDescriptor>(enumName);
        var prefix = table.FindValueByNumber(0).Name[..^"UNSPECIFIED".Length];
        if (table.Values.Any(v => v.Number is < 0 or > 31))
            throw new InvalidOperationException($"{enumName} has a code over 31: sets of it no longer fit 32 bits.");
        bits = table.Values.Where(v => v.Number != 0).ToFrozenDictionary(v => v.Name[prefix.Length..], v => 1u << v.Number, StringComparer.Ordinal);
        Known = bits.Values.Aggregate(0u, (all, bit) => all | bit);
    }

    public static CodeTable Classes { get; } = new("ConfidentialityClass");

    public static CodeTable Relationships { get; } = new("Relationship");

    public static CodeTable AgencyKinds { get; } = new("AgencyKind");

    public static CodeTable UnitKinds { get; } = new("UnitKind");

    public static CodeTable Purposes { get; } = new("Purpose");

    public static CodeTable Bases { get; } = new("LegalBasis");

    /// <summary>The bits of all codes but UNSPECIFIED.</summary>
    public uint Known { get; }

    /// <summary>The codes as a policy file writes them, in the order of the table.</summary>
    public IEnumerable<string> Codes => bits.OrderBy(b => b.Value).Select(b => b.Key);

    /// <summary>The bit of a code; 0 for UNSPECIFIED and for numbers outside the table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint BitOf(int number) => (uint)number < 32 ? (1u << number) & Known : 0;

    public bool TryParse(string code, out uint bit) => bits.TryGetValue(code, out bit);

    /// <summary>The codes of a set, in the order of the table, for people.</summary>
    public string Names(uint set) => string.Join(", ", bits.Where(b => (b.Value & set) != 0).OrderBy(b => b.Value).Select(b => b.Key));
}
