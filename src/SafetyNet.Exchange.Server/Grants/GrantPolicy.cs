using Google.Protobuf.Collections;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Grants;

/// <summary>Who sees an application, and what may be granted at all.</summary>
internal static class GrantPolicy
{
    private static readonly ClassSet OwnWords = ClassSet.Of(Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.CaseNote);

    /// <summary>The acting unit's end of an application; null: neither, so there is nothing to see.</summary>
    public static GrantParty? PartyOf(this Call call, Grant grant) =>
        string.Equals(grant.FromUnitId, call.Unit.UnitId, StringComparison.Ordinal) ? GrantParty.Applicant
        : grant.CaseId is { } caseId && Links.IsPrimary(call.Read, call.Unit.UnitId, caseId) ? GrantParty.Primary
        : null;

    public static Decision DecideOn(this Call call, Grant grant) => call.Decide(Question(call, grant));

    /// <summary>The same, for one of several applications of a list.</summary>
    public static Decision ConsiderOne(this Call call, Grant grant) => call.Consider(Question(call, grant));

    /// <summary>Classes of a request, each once; what can never be granted is a fault of its field.</summary>
    public static ClassSet ReadClasses(RepeatedField<Wire.ConfidentialityClass> classes)
    {
        var read = ClassSet.None;
        for (var i = 0; i < classes.Count; i++)
        {
            var path = $"classes[{i}]";
            if (classes[i] is Wire.ConfidentialityClass.Unspecified or Wire.ConfidentialityClass.NotPersonal or Wire.ConfidentialityClass.ReporterIdentity)
                throw Refusal.InvalidField(new FieldFault(path, FieldFaultKind.NotAllowedHere));
            if (read.Contains(classes[i])) throw Refusal.InvalidField(new FieldFault(path, FieldFaultKind.Duplicate));
            read |= ClassSet.Of(classes[i]);
        }

        return read;
    }

    /// <summary>Each class must be one that a unit of the applicant's kind may hold under the basis (R-NTK-12, R-NTK-17).</summary>
    public static void RequireHoldable(Call call, Unit applicant, Wire.LegalBasis basis, ClassSet classes)
    {
        foreach (var one in classes.Without(call.GrantableTo(applicant, basis, classes)).InTableOrder())
        {
            throw new Refusal(Wire.ErrorReason.GrantNotPermitted,
                ("class", CodeText.Of(one)), ("unit_id", applicant.UnitId), ("rule", "R-NTK-17"));
        }
    }

    /// <summary>A grant is no way into another jurisdiction: only a referral, a transfer or the central level is (R-NTK-13).</summary>
    public static void RequireSameJurisdiction(Unit applicant, Wire.Jurisdiction person, ClassSet classes)
    {
        if (applicant.Agency.Jurisdiction == person || applicant.Agency.Jurisdiction == Wire.Jurisdiction.Tw) return;
        throw new Refusal(Wire.ErrorReason.GrantNotPermitted,
            ("class", CodeText.Of(classes.InTableOrder()[0])), ("unit_id", applicant.UnitId), ("rule", "R-NTK-13"));
    }

    private static NeedToKnowQuestion Question(Call call, Grant grant) => call.PartyOf(grant) switch
    {
        // The applicant is shown its own words, which are the same whether or not they fit anybody.
        GrantParty.Applicant => call.Ask(RelationshipSet.Of(Wire.Relationship.None), call.Agency.Jurisdiction) with { Supplied = OwnWords },
        GrantParty.Primary => call.Ask(RelationshipSet.Of(Wire.Relationship.Primary), call.Agency.Jurisdiction) with
        {
            SharedWithCaller = true, Shared = ClassSet.Of(Wire.ConfidentialityClass.CaseNote), ShareBasis = grant.LegalBasis,
        },
        _ => call.Ask(RelationshipSet.None, call.Agency.Jurisdiction),
    };
}
