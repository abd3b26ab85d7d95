using Microsoft.Data.Sqlite;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>Protective classes that somebody put onto the scope of a unit's service (R-NTK-9), until an instant (R-NTK-17). Whoever decides asks for those of the instant of the call.</summary>
/// <param name="Bits">Classes as bits of the code table; 0: none.</param>
/// <param name="Until">End, exclusive; null: with the unit's part.</param>
internal readonly record struct ProtectiveScope(uint Bits, DateTimeOffset? Until)
{
    /// <summary>Classes that are on the scope at an instant.</summary>
    public ClassSet At(DateTimeOffset now) => Until <= now ? ClassSet.None : new ClassSet(Bits);

    /// <summary>With what a further service brings. One scope has one end: where it brings a class that was not there, the earlier end counts for all.</summary>
    public ProtectiveScope Joined(ProtectiveScope further, DateTimeOffset now)
    {
        var (known, added) = (At(now), further.At(now));
        if (known.ContainsAll(added)) return this;
        return known.IsEmpty ? further : new ProtectiveScope((known | added).Bits, Earlier(Until, further.Until));
    }

    /// <summary>Classes that are on both scopes, until the first of them ends.</summary>
    public ProtectiveScope Common(ProtectiveScope other, DateTimeOffset now) => new((At(now) & other.At(now)).Bits, Earlier(Until, other.Until));

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other : one;

    /// <summary>Read from the columns <c>protective_classes, protective_until</c>, the first of which is at a place; null in both: none.</summary>
    public static ProtectiveScope Read(SqliteDataReader reader, int at) =>
        reader.IsDBNull(at) ? default : new ProtectiveScope((uint)reader.GetInt64(at), reader.IsDBNull(at + 1) ? null : Instants.FromMicros(reader.GetInt64(at + 1)));
}
