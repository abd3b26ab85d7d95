using System.Numerics;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>An entry of the registry that ends soon, and what nobody carries from then on.</summary>
/// <param name="Entry">The entry.</param>
/// <param name="Purposes">Purposes that lose a class, in table order.</param>
/// <param name="AgencyKinds">Systems of the network that lose one, in table order.</param>
/// <param name="Lost">Classes lost, for one purpose and system or another; empty: other entries carry all of it.</param>
internal sealed record ExpiringBasis(
    LegalBasisEntry Entry, IReadOnlyList<Wire.Purpose> Purposes, IReadOnlyList<Wire.AgencyKind> AgencyKinds, ClassSet Lost);

/// <summary>Finds what the registry will stop carrying (R-NTK-16).</summary>
internal static class ExpiringBases
{
    /// <summary>Entries that have ended, or end within so many days; the first to end first.</summary>
    public static IReadOnlyList<ExpiringBasis> Find(NeedToKnowPolicy policy, DateOnly today, int days) =>
    [
        .. policy.Registry.Entries.Where(e => e.Ends <= Plus(today, days)).OrderBy(e => e.Ends).ThenBy(e => e.Id, StringComparer.Ordinal)
            .Select(e => Of(e, policy.Registry.Entries, e.Ends > today ? e.Ends : today)),
    ];

    private static ExpiringBasis Of(LegalBasisEntry entry, IReadOnlyList<LegalBasisEntry> all, DateOnly then)
    {
        uint purposes = 0, kinds = 0, lost = 0;
        foreach (var purpose in Bits(entry.Rule.When.Purposes))
        foreach (var kind in Bits(entry.Rule.When.AgencyKinds))
        {
            var left = all.Where(e => e.Basis == entry.Basis && e.Carries(then) && (e.Rule.When.Purposes & purpose) != 0 && (e.Rule.When.AgencyKinds & kind) != 0)
                .Aggregate(0u, (classes, e) => classes | e.Rule.Classes.Bits);
            if ((entry.Rule.Classes.Bits & ~left) == 0) continue;
            purposes |= purpose;
            kinds |= kind;
            lost |= entry.Rule.Classes.Bits & ~left;
        }

        return new ExpiringBasis(
            entry, [.. Bits(purposes).Select(p => (Wire.Purpose)BitOperations.TrailingZeroCount(p))],
            [.. Bits(kinds).Select(k => (Wire.AgencyKind)BitOperations.TrailingZeroCount(k))], new ClassSet(lost));
    }

    private static DateOnly Plus(DateOnly day, int days) => days < DateOnly.MaxValue.DayNumber - day.DayNumber ? day.AddDays(days) : DateOnly.MaxValue;

    private static IEnumerable<uint> Bits(uint set)
    {
        for (var rest = set; rest != 0; rest &= rest - 1)
            yield return 1u << BitOperations.TrailingZeroCount(rest);
    }
}
