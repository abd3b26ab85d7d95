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
        var serving = links.Cases.Where(c => Standing.OfParticipant(c.Role) != RelationshipSet.None).Select(c => (c.UnitId, IsPrimary: c.Role == Wire.ParticipantRole.Primary))
            .Concat(links.Referrals.Where(r => Standing.IsServed(r.State)).Select(r => (UnitId: r.ToUnitId, IsPrimary: false)));
        foreach (var group in serving.GroupBy(s => s.UnitId, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            if (string.Equals(group.Key, callerUnitId, StringComparison.Ordinal) || members.FindUnit(group.Key) is not { } unit) continue;
            yield return Pointer(unit, group.Any(s => s.IsPrimary));
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
