using System.Numerics;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>How a unit stands to a person or case (關係, R-NTK-3): every relationship that live rows give it at this instant, one bit per code.</summary>
/// <param name="Bits">Bit <c>n</c> stands for the relationship with number <c>n</c>; bit 0 is never set.</param>
internal readonly record struct RelationshipSet(uint Bits)
{
    /// <summary>No relationship; nothing is shown.</summary>
    public static RelationshipSet None => default;

    /// <summary>Every relationship of the code table, NONE (無) included.</summary>
    public static RelationshipSet All { get; } = new(CodeTable.Relationships.Known);

    public bool IsEmpty => Bits == 0;

    public int Count => BitOperations.PopCount(Bits);

    /// <exception cref="ArgumentOutOfRangeException">A relationship is UNSPECIFIED or not in the code table.</exception>
    public static RelationshipSet Of(params ReadOnlySpan<Wire.Relationship> relationships)
    {
        var bits = 0u;
        foreach (var one in relationships)
        {
            var bit = CodeTable.Relationships.BitOf((int)one);
            ArgumentOutOfRangeException.ThrowIfZero(bit, nameof(relationships));
            bits |= bit;
        }

        return new RelationshipSet(bits);
    }

    public bool Contains(Wire.Relationship one) => (Bits & CodeTable.Relationships.BitOf((int)one)) != 0;

    public bool Overlaps(RelationshipSet other) => (Bits & other.Bits) != 0;

    public RelationshipSet Without(Wire.Relationship one) => new(Bits & ~CodeTable.Relationships.BitOf((int)one));

    public RelationshipSet Without(RelationshipSet other) => new(Bits & ~other.Bits);

    /// <summary>The relationships in the order of the code table, as <c>AuditRecord</c> lists them.</summary>
    public IReadOnlyList<Wire.Relationship> InTableOrder()
    {
        var relationships = new Wire.Relationship[Count];
        var at = 0;
        for (var rest = Bits; rest != 0; rest &= rest - 1)
            relationships[at++] = (Wire.Relationship)BitOperations.TrailingZeroCount(rest);
        return relationships;
    }

    public static RelationshipSet operator |(RelationshipSet left, RelationshipSet right) => new(left.Bits | right.Bits);

    public static RelationshipSet operator &(RelationshipSet left, RelationshipSet right) => new(left.Bits & right.Bits);

    public static RelationshipSet operator -(RelationshipSet left, RelationshipSet right) => left.Without(right);

    public override string ToString() => CodeTable.Relationships.Names(Bits);
}
