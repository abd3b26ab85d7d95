using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// Accesses that stand on a grant (R-NTK-12) or a break-glass (R-NTK-11): the access names it, and it is looked at in the snapshot of the call and once more
/// by the writer, so that nothing is shown by one that was revoked, narrowed or closed before (B46).
/// </summary>
internal static class NamedPermission
{
    /// <summary>A grantee stands as one who is asked to serve and was sent just these classes; what such a unit may not hold is not granted either.</summary>
    private static readonly RelationshipSet AsIfServing = RelationshipSet.Of(Wire.Relationship.ReferredTo, Wire.Relationship.Serving);

    /// <summary>The access names a grant or a break-glass, and no live step.</summary>
    public static bool NamesPermission(this Call call) => call.Context!.ReferenceCase
        is Wire.AccessContext.ReferenceOneofCase.GrantId or Wire.AccessContext.ReferenceOneofCase.BreakGlassId;

    /// <summary>
    /// Standing of the acting unit to a person by what the access names. None where it is not open, is another unit's or another person's, or where the method
    /// does not go by it: a grant opens what reads, a break-glass only what the contract says.
    /// </summary>
    public static Standing StandingByPermission(this Call call, Links links, Guid personId)
    {
        var context = call.Context!;
        var standing = context.ReferenceCase switch
        {
            Wire.AccessContext.ReferenceOneofCase.GrantId when !call.Rule.ChangesState =>
                Standing.ByGrant(links, call.Unit.UnitId, personId, Guid.Parse(context.GrantId), context.Purpose, call.Now),
            Wire.AccessContext.ReferenceOneofCase.BreakGlassId when call.Rule.BreakGlass => Standing.ByBreakGlass(
                links, call.Unit.UnitId, personId, Guid.Parse(context.BreakGlassId), context.Purpose, context.LegalBasis, call.Now),
            _ => Standing.None,
        };
        if (standing.Hold is { } row) call.Change.Hold(row);
        return standing with { Granted = standing.Granted & call.GrantableTo(call.Unit, context.LegalBasis, standing.Granted) };
    }

    /// <summary>Those of the classes that a unit may be granted under a basis: what its kind may hold, never who reported (R-NTK-5, R-NTK-12).</summary>
    public static ClassSet GrantableTo(this Call call, Unit unit, Wire.LegalBasis basis, ClassSet classes)
    {
        var grantable = ClassSet.None;
        foreach (var one in classes.Without(Wire.ConfidentialityClass.ReporterIdentity).InTableOrder())
            if (call.MayHold(unit, basis, one, AsIfServing)) grantable |= ClassSet.Of(one);
        return grantable;
    }
}
