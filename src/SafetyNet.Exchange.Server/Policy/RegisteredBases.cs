using System.Numerics;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>Whether an access may stand on its legal basis.</summary>
internal enum BasisStanding
{
    /// <summary>No entry of the registry ever let such systems access for this purpose on this basis.</summary>
    NotAllowed,

    /// <summary>An entry carries it today.</summary>
    Carries,

    /// <summary>Entries carried it, and all of them have ended.</summary>
    Expired,
}

/// <summary>What the registry says of a basis.</summary>
/// <param name="Standing">Whether it carries.</param>
/// <param name="Entries">Ids of the entries that carry, or that have ended; ordinal order.</param>
/// <param name="EndedAt">First day without any of them; only where expired.</param>
internal readonly record struct BasisAnswer(BasisStanding Standing, IReadOnlyList<string> Entries, DateOnly EndedAt);

/// <summary>One entry as a decision meets it. Days are day numbers of the calendar, the end exclusive.</summary>
internal readonly record struct RegisteredBasis(int Index, uint Classes, int FromDay, int EndDay)
{
    public bool Carries(int day) => FromDay <= day && day < EndDay;

    public bool HasEnded(int day) => EndDay <= day;
}

/// <summary>The legal-basis registry by purpose, basis and system of the network: one step to the few entries that can carry an access.</summary>
internal sealed class RegisteredBases
{
    private static readonly int Bases = Width(CodeTable.Bases);
    private static readonly int Kinds = Width(CodeTable.AgencyKinds);

    private readonly RegisteredBasis[][] cells;

    public RegisteredBases(IReadOnlyList<LegalBasisEntry> entries, Dictionary<string, int> indexes)
    {
        cells = new RegisteredBasis[Width(CodeTable.Purposes) * Bases * Kinds][];
        Array.Fill(cells, []);
        foreach (var entry in entries)
        {
            var one = new RegisteredBasis(indexes[entry.Id], entry.Rule.Classes.Bits, entry.Rule.From.DayNumber, entry.Ends.DayNumber);
            for (var purposes = entry.Rule.When.Purposes; purposes != 0; purposes &= purposes - 1)
            {
                for (var kinds = entry.Rule.When.AgencyKinds; kinds != 0; kinds &= kinds - 1)
                {
                    ref var cell = ref cells[At(BitOperations.TrailingZeroCount(purposes), (int)entry.Basis, BitOperations.TrailingZeroCount(kinds))];
                    cell = [.. cell, one];
                }
            }
        }
    }

    /// <summary>The entries about an access, whatever their days; none for UNSPECIFIED and unknown codes.</summary>
    public RegisteredBasis[] Find(Wire.Purpose purpose, Wire.LegalBasis basis, Wire.AgencyKind kind)
    {
        var at = At((int)purpose, (int)basis, (int)kind);
        return (uint)basis < (uint)Bases && (uint)kind < (uint)Kinds && (uint)at < (uint)cells.Length ? cells[at] : [];
    }

    /// <summary>Classes that entries carry on a day; 0: none of them counts.</summary>
    public static uint Carried(RegisteredBasis[] entries, int day)
    {
        var classes = 0u;
        foreach (ref readonly var entry in entries.AsSpan())
        {
            if (entry.Carries(day))
                classes |= entry.Classes;
        }

        return classes;
    }

    /// <summary>First day on which the last of the ended entries no longer counted.</summary>
    public static int LastEnd(RegisteredBasis[] entries, int day) => entries.Where(e => e.HasEnded(day)).Max(e => e.EndDay);

    private static int At(int purpose, int basis, int kind) => (((purpose * Bases) + basis) * Kinds) + kind;

    private static int Width(CodeTable table) => BitOperations.Log2(table.Known) + 1;
}
