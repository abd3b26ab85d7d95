using System.Numerics;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>A set of confidentiality classes (機密類別, domain.md 2.6), one bit per code; UNSPECIFIED and codes outside the table are never in one.</summary>
/// <param name="Bits">Bit <c>n</c> stands for the class with number <c>n</c>; bit 0 is never set.</param>
internal readonly record struct ClassSet(uint Bits)
{
    private const int MostLists = 4096;

    private static readonly KeptLists<uint, Wire.ConfidentialityClass> Lists = new(MostLists);

    /// <summary>No class at all.</summary>
    public static ClassSet None => default;

    /// <summary>Every class of the code table.</summary>
    public static ClassSet All { get; } = new(CodeTable.Classes.Known);

    /// <summary>Classes that tell something about a person: all but NOT_PERSONAL and PUBLIC_STATUS.</summary>
    public static ClassSet Personal { get; } = All.Without(Wire.ConfidentialityClass.NotPersonal).Without(Wire.ConfidentialityClass.PublicStatus);

    public bool IsEmpty => Bits == 0;

    public int Count => BitOperations.PopCount(Bits);

    /// <exception cref="ArgumentOutOfRangeException">A class is UNSPECIFIED or not in the code table.</exception>
    public static ClassSet Of(params ReadOnlySpan<Wire.ConfidentialityClass> classes)
    {
        var bits = 0u;
        foreach (var one in classes)
        {
            var bit = CodeTable.Classes.BitOf((int)one);
            ArgumentOutOfRangeException.ThrowIfZero(bit, nameof(classes));
            bits |= bit;
        }

        return new ClassSet(bits);
    }

    /// <summary>The classes of a wire list; UNSPECIFIED and unknown codes are left out, so that they open nothing.</summary>
    public static ClassSet FromWire(IEnumerable<Wire.ConfidentialityClass> classes)
    {
        var bits = 0u;
        foreach (var one in classes)
            bits |= CodeTable.Classes.BitOf((int)one);
        return new ClassSet(bits);
    }

    public bool Contains(Wire.ConfidentialityClass one) => (Bits & CodeTable.Classes.BitOf((int)one)) != 0;

    public bool ContainsAll(ClassSet other) => (other.Bits & ~Bits) == 0;

    public ClassSet Without(Wire.ConfidentialityClass one) => new(Bits & ~CodeTable.Classes.BitOf((int)one));

    public ClassSet Without(ClassSet other) => new(Bits & ~other.Bits);

    /// <summary>The classes in the order of the code table, as <c>Disclosure</c> lists them.</summary>
    public IReadOnlyList<Wire.ConfidentialityClass> InTableOrder()
    {
        // Few of the possible sets occur, each on very many answers and records.
        if (Lists.TryFind(Bits, out var known)) return known;
        var classes = new Wire.ConfidentialityClass[Count];
        var at = 0;
        for (var rest = Bits; rest != 0; rest &= rest - 1)
            classes[at++] = (Wire.ConfidentialityClass)BitOperations.TrailingZeroCount(rest);
        var list = Array.AsReadOnly(classes);
        Lists.Keep(Bits, list);
        return list;
    }

    public static ClassSet operator |(ClassSet left, ClassSet right) => new(left.Bits | right.Bits);

    public static ClassSet operator &(ClassSet left, ClassSet right) => new(left.Bits & right.Bits);

    public static ClassSet operator -(ClassSet left, ClassSet right) => left.Without(right);

    public override string ToString() => CodeTable.Classes.Names(Bits);
}
