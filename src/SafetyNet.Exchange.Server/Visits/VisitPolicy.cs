using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Visits;

/// <summary>Facts of visits for the need-to-know decision, which is that of the case and, for a unit's own visits, that of its own notes.</summary>
internal static class VisitPolicy
{
    /// <summary>The case and how the acting unit sees it; refused as absent where it takes no part (R-NTK-14).</summary>
    public static (SharedCase Shared, CaseView View) LoadCaseOfVisits(this Call call, Guid caseId)
    {
        var shared = call.RequireCase(caseId);
        var view = call.DecideOn(shared);
        _ = view.OwnPart;
        return (shared, view);
    }

    /// <summary>The same for one of several cases; null: the unit takes no part in it any more, or sees nothing of it.</summary>
    public static (SharedCase Shared, CaseView View)? FindCaseOfVisits(this Call call, Guid caseId)
    {
        try
        {
            return call.LoadCaseOfVisits(caseId);
        }
        catch (Refusal refusal) when (refusal.Reason == Wire.ErrorReason.NotFound)
        {
            return null;
        }
    }

    /// <summary>May the acting unit see that there is such a visit or protocol? Its own within the classes it may hold; another's as primary, where it may see the class; nobody else's.</summary>
    public static bool MaySeeVisit(this Call call, CaseView view, string unitId, Wire.ConfidentialityClass one) =>
        string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal)
            ? call.MayReadOwn(view, one)
            : view.Part?.Role == Wire.ParticipantRole.Primary && view.Decision.Visible.Contains(one);

    /// <summary>May the acting unit read what it wrote itself, of this class? (R-CASE-3)</summary>
    public static bool MayReadOwn(this Call call, CaseView view, Wire.ConfidentialityClass one) =>
        call.Consider(view.Question with { OwnUnit = true, Supplied = ClassSet.Of(one) }).Visible.Contains(one);

    /// <summary>A unit writes nothing of a class that it may not read back.</summary>
    public static void RequireOwn(this Call call, CaseView view, Wire.ConfidentialityClass one)
    {
        if (!call.MayReadOwn(view, one)) throw new Refusal(Wire.ErrorReason.ViewNotPermitted, ("class", CodeText.Of(one)), ("unit_id", call.Unit.UnitId), ("rule", "R-NTK-2"));
    }
}
