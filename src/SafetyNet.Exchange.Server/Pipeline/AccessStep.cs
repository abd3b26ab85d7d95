using Google.Protobuf;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// Step 2: what the contract says of the method (MethodAccess) against what the call says of itself. Nothing stored is looked at, so nothing can be learnt
/// from the answer but one's own mistakes.
/// </summary>
internal static class AccessStep
{
    public static void Admit(Call call, IMessage request)
    {
        var rule = call.Rule;
        var context = rule.ContextOf(request);
        call.Context = context;
        RequireContext(context);
        AdmitActor(call, context!.Actor);
        if (!call.Member!.Token.Scopes.Contains(rule.Scope)) throw new Refusal(Wire.ErrorReason.ScopeMissing, ("scope", rule.Scope));
        if (!rule.AllowsPurpose(context.Purpose))
            throw new Refusal(Wire.ErrorReason.PurposeNotAllowed, ("purpose", Name(context.Purpose)), ("allowed", Names(rule.Purposes)));
        if (!rule.AllowsRole(context.Actor.Role))
            throw new Refusal(Wire.ErrorReason.RoleNotAllowed, ("role", Name(context.Actor.Role)), ("allowed", Names(rule.Roles)));
        if (!rule.AllowsUnitKind(call.Unit.Kind))
            throw new Refusal(Wire.ErrorReason.UnitKindNotAllowed, ("unit_kind", Name(call.Unit.Kind)), ("allowed", Names(rule.UnitKinds)));
        RequireBasis(call);
    }

    /// <summary>An entry of the legal-basis registry carries the access today (R-NTK-16); the record names it. Asked again before each chunk of a stream.</summary>
    public static void RequireBasis(Call call)
    {
        var (purpose, basis, kind) = (call.Context!.Purpose, call.Context.LegalBasis, call.Agency.Kind);
        var answer = call.Policy.AskBasis(purpose, basis, kind, call.On);
        call.StandsOn = answer.Entries;
        switch (answer.Standing)
        {
            case BasisStanding.NotAllowed:
                throw new Refusal(Wire.ErrorReason.LegalBasisNotAllowed, ("legal_basis", Name(basis)), ("purpose", Name(purpose)),
                    ("allowed", call.Policy.BasesOf(purpose, kind, call.On)));
            case BasisStanding.Expired:
                throw new Refusal(Wire.ErrorReason.LegalBasisExpired, ("entry", string.Join(", ", answer.Entries)), ("expired", CivilDate.ToText(answer.EndedAt)));
        }
    }

    private static void RequireContext(Wire.AccessContext? context)
    {
        var missing = context switch
        {
            null => "context",
            { Purpose: Wire.Purpose.Unspecified } => "context.purpose",
            { LegalBasis: Wire.LegalBasis.Unspecified } => "context.legal_basis",
            _ => null,
        };
        if (missing is not null) throw new Refusal(Wire.ErrorReason.ContextMissing, ("field", missing));
    }

    /// <summary>A natural person of one of the agency's units, or a batch job that the unit registered (B16).</summary>
    private static void AdmitActor(Call call, Wire.ActingPerson? actor)
    {
        var missing = actor switch
        {
            null => "context.actor",
            { PersonId: "" } => "context.actor.person_id",
            { Role: Wire.ActorRole.Unspecified } => "context.actor.role",
            { UnitId: "" } => "context.actor.unit_id",
            _ => null,
        };
        if (missing is not null) throw new Refusal(Wire.ErrorReason.ActorMissing, ("field", missing));
        var unit = call.Members.FindUnit(actor!.UnitId);
        if (unit is null || unit.Agency != call.Member!.System.Agency)
        {
            // The id is told back only in the form of a unit id: it is the caller's own, but may hold anything.
            throw new Refusal(Wire.ErrorReason.ActorUnitMismatch, ("unit_id", TextCharacters.IsUnitId(actor.UnitId) ? actor.UnitId : ""));
        }

        call.ActingUnit = unit;
        if (!unit.IsActive) throw new Refusal(Wire.ErrorReason.MemberSuspended, ("member", unit.UnitId));
        if (actor.Role == Wire.ActorRole.BatchJob && !unit.BatchJobs.Contains(actor.PersonId))
            throw new Refusal(Wire.ErrorReason.ActorMissing, ("field", "context.actor.person_id"));
    }

    private static string Name(Enum code) => CodeText.Of(code);

    private static string Names<TCode>(IEnumerable<TCode> codes)
        where TCode : struct, Enum => string.Join(", ", codes.Select(code => CodeText.Of(code)));
}
