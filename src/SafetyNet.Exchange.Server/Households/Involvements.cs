using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>
/// The involvement pointer (R-HH-6): which systems serve a household, derived from its live cases and referrals and told as plainly as the service
/// is sensitive. Pure.
/// </summary>
internal static class Involvements
{
    /// <summary>Units that take part in a case or hold an accepted referral, the caller's own left out; one entry each, by unit id.</summary>
    public static IEnumerable<Wire.Involvement> Of(Links links, string callerUnitId, MemberDirectory members)
    {
        // Few units serve one household: a sorted list beats a grouping on the most frequent call there is.
        var serving = new List<(string UnitId, bool IsPrimary)>(links.Cases.Count + links.Referrals.Count);
        foreach (var link in links.Cases)
            if (Standing.OfParticipant(link.Role) != RelationshipSet.None) serving.Add((link.UnitId, link.Role == Wire.ParticipantRole.Primary));
        foreach (var link in links.Referrals)
            if (Standing.IsServed(link.State)) serving.Add((link.ToUnitId, false));
        serving.Sort(static (left, right) => string.CompareOrdinal(left.UnitId, right.UnitId) is not 0 and var order ? order : right.IsPrimary.CompareTo(left.IsPrimary));
        for (var at = 0; at < serving.Count; at++)
        {
            // Of one unit's entries the primary one comes first, and only the first counts.
            var (unitId, isPrimary) = serving[at];
            if (at > 0 && string.Equals(serving[at - 1].UnitId, unitId, StringComparison.Ordinal)) continue;
            if (string.Equals(unitId, callerUnitId, StringComparison.Ordinal) || members.FindUnit(unitId) is not { } unit) continue;
            yield return Pointer(unit, isPrimary);
        }
    }

    private static Wire.Involvement Pointer(Unit unit, bool isPrimary) => GradeOf(unit) switch
    {
        Wire.InvolvementGrade.Protected => new Wire.Involvement { Grade = Wire.InvolvementGrade.Protected, ContactWindow = unit.Registered.ContactWindow },
        Wire.InvolvementGrade.System => new Wire.Involvement
        {
            Grade = Wire.InvolvementGrade.System, AgencyKind = unit.Agency.Kind, ContactWindow = unit.Registered.ContactWindow,
        },
        _ => new Wire.Involvement
        {
            Grade = Wire.InvolvementGrade.Unit, AgencyKind = unit.Agency.Kind, UnitId = unit.UnitId, ContactWindow = unit.Registered.ContactWindow,
            Primary = isPrimary,
        },
    };

    private static Wire.InvolvementGrade GradeOf(Unit unit) => unit.Kind switch
    {
        Wire.UnitKind.ProtectionCenter or Wire.UnitKind.WomenChildrenPolice => Wire.InvolvementGrade.Protected,
        _ when unit.Agency.Kind is Wire.AgencyKind.Health or Wire.AgencyKind.Justice => Wire.InvolvementGrade.System,
        _ => Wire.InvolvementGrade.Unit,
    };
}
