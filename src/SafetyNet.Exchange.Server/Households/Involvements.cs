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
    /// <param name="links">Live steps of the household.</param>
    /// <param name="callerUnitId">Unit that is told.</param>
    /// <param name="members">Who is registered.</param>
    /// <param name="servesOtherParty">Does the caller serve the other party of a case of the household? Asked at most once, and only where it matters.</param>
    public static IEnumerable<Wire.Involvement> Of(Links links, string callerUnitId, MemberDirectory members, Func<bool> servesOtherParty)
    {
        // Few units serve one household: a sorted list beats a grouping on the most frequent call there is.
        var serving = new List<(string UnitId, bool IsPrimary)>(links.Cases.Count + links.Referrals.Count);
        foreach (var link in links.Cases)
            if (Standing.OfParticipant(link.Role) != RelationshipSet.None) serving.Add((link.UnitId, link.Role == Wire.ParticipantRole.Primary));
        foreach (var link in links.Referrals)
            if (Standing.IsServed(link.State)) serving.Add((link.ToUnitId, false));
        serving.Sort(static (left, right) => string.CompareOrdinal(left.UnitId, right.UnitId) is not 0 and var order ? order : right.IsPrimary.CompareTo(left.IsPrimary));
        bool? toOtherParty = null;
        for (var at = 0; at < serving.Count; at++)
        {
            // Of one unit's entries the primary one comes first, and only the first counts.
            var (unitId, isPrimary) = serving[at];
            if (at > 0 && string.Equals(serving[at - 1].UnitId, unitId, StringComparison.Ordinal)) continue;
            if (string.Equals(unitId, callerUnitId, StringComparison.Ordinal) || members.FindUnit(unitId) is not { } unit) continue;
            if (Pointer(unit, isPrimary, InvolvementRules.Default.GradeOf(unit, () => toOtherParty ??= servesOtherParty())) is { } pointer) yield return pointer;
        }
    }

    /// <summary>Cases of the household whose primary unit hears that it was looked up, each once; the caller's own left out, and those from which the look-up is kept.</summary>
    public static IEnumerable<CaseLink> Told(Links links, Unit caller, Wire.LegalBasis basis)
    {
        // Several subjects of one case may be in the household.
        List<Guid>? told = null;
        foreach (var link in links.Cases)
        {
            if (link.Role != Wire.ParticipantRole.Primary || IsOf(link, caller) || told?.Contains(link.CaseId) == true) continue;
            (told ??= []).Add(link.CaseId);
            var isInCase = links.Cases.Any(own => own.CaseId == link.CaseId && IsOf(own, caller) && Standing.OfParticipant(own.Role) != RelationshipSet.None);
            if (!InvolvementRules.Default.IsSilent(basis, caller, isInCase)) yield return link;
        }

        static bool IsOf(CaseLink link, Unit unit) => string.Equals(link.UnitId, unit.UnitId, StringComparison.Ordinal);
    }

    private static Wire.Involvement? Pointer(Unit unit, bool isPrimary, ShownGrade grade) => grade switch
    {
        ShownGrade.None => null,
        ShownGrade.Protected => new Wire.Involvement { Grade = Wire.InvolvementGrade.Protected, ContactWindow = unit.Registered.ContactWindow },
        ShownGrade.System => new Wire.Involvement
        {
            Grade = Wire.InvolvementGrade.System, AgencyKind = unit.Agency.Kind, ContactWindow = unit.Registered.ContactWindow,
        },
        _ => new Wire.Involvement
        {
            Grade = Wire.InvolvementGrade.Unit, AgencyKind = unit.Agency.Kind, UnitId = unit.UnitId, ContactWindow = unit.Registered.ContactWindow,
            Primary = isPrimary,
        },
    };
}
