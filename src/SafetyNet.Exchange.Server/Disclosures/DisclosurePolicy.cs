using SafetyNet.Exchange.Server.Conferences;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Disclosures;

/// <summary>Facts of disclosures and corrections for the need-to-know decision.</summary>
internal static class DisclosurePolicy
{
    /// <summary>
    /// What the acting unit may know of each line of a person's ledger: of its own lines all; of others', as the primary unit, the classes that it may see itself. That a
    /// class was disclosed tells that there is something of it (R-NTK-2). Neither primary nor sender: no ledger.
    /// </summary>
    public static Func<DisclosureRow, ClassSet> LedgerView(Call call, KnownPerson person)
    {
        var unitId = call.Unit.UnitId;
        var links = Links.OfPerson(call.Read, person.Id);
        var part = links.Cases.FirstOrDefault(c => c.Role == Wire.ParticipantRole.Primary && string.Equals(c.UnitId, unitId, StringComparison.Ordinal));
        var isPrimary = part.CaseId != Guid.Empty;
        var isSender = call.Read.HasDisclosed(unitId, person.Id);
        var relationships = isPrimary ? RelationshipSet.Of(Wire.Relationship.Primary) : RelationshipSet.None;
        if (isSender) relationships |= RelationshipSet.Of(Wire.Relationship.Referrer);
        var decision = call.Decide(call.Ask(relationships, person.Row.Jurisdiction) with { ServiceScope = part.Protective.At(call.Now) });
        // That a worker's record went out is no content; of which class it was is decided like any other.
        var known = isPrimary ? decision.Visible | ClassSet.Of(Wire.ConfidentialityClass.CaseNote) : ClassSet.None;
        return line => string.Equals(line.FromUnitId, unitId, StringComparison.Ordinal) ? new ClassSet(line.Classes) : new ClassSet(line.Classes) & known;
    }

    /// <summary>The receiver's standing by the step that the correction is about, and what that step opens to it.</summary>
    public static NeedToKnowQuestion QuestionOf(Call call, KnownPerson person, Correction correction, DisclosureRow line)
    {
        if (line.Step == Wire.DisclosureStep.TrackedItem)
        {
            return call.Read.FindItem(line.StepId) is { } item && call.Read.FindOpenCase(item.CaseId) is { } about
                ? ItemPolicy.QuestionOf(call, item, about, agenda: null)
                : call.Ask(RelationshipSet.None, person.Row.Jurisdiction);
        }

        var standing = line.Step == Wire.DisclosureStep.Grant
            ? Standing.ByGrant(Links.OfPerson(call.Read, person.Id), call.Unit.UnitId, person.Id, line.StepId, call.Context!.Purpose, call.Now)
            : Standing.ToHousehold(Links.Of(call.Read, person), call.Unit.UnitId, person.Id,
                line.Step == Wire.DisclosureStep.Referral ? line.StepId : null,
                line.Step is Wire.DisclosureStep.NoteShare or Wire.DisclosureStep.ServiceGoal or Wire.DisclosureStep.ServiceScope ? line.CaseId : null, call.Now,
                line.Step == Wire.DisclosureStep.Conference ? line.StepId : null);
        if (standing.Hold is { } held) call.Change.Hold(held);
        var isShare = line.Step is Wire.DisclosureStep.NoteShare or Wire.DisclosureStep.ServiceGoal;
        // What was shown may tell of anybody of the step, and a note or goal of anybody of its case, whomever the line is about: all their whereabouts count (R-NTK-10).
        List<Guid> told = isShare && line.CaseId is { } caseId ? call.Read.SubjectsOfCase(caseId) : [.. call.Read.DisclosuresOfStep(line.Step, line.StepId).Select(one => one.PersonId).Distinct()];
        var isProtected = person.Row.IsProtected || call.Read.HasProtected(told);
        return call.Ask(standing.Relationships, person.Row.Jurisdiction) with
        {
            Sent = line.Step == Wire.DisclosureStep.Referral ? standing.Sent : ClassSet.None,
            SharedWithCaller = isShare,
            Shared = isShare ? ClassSet.Of(correction.ConfidentialityClass) : ClassSet.None,
            ShareBasis = isShare ? line.LegalBasis : Wire.LegalBasis.Unspecified,
            Agenda = standing.Agenda,
            ServiceScope = standing.Scope,
            Granted = standing.Granted & call.GrantableTo(call.Unit, call.Context!.LegalBasis, standing.Granted),
            ProtectedAddress = isProtected,
            ServesOtherParty = isProtected && call.Read.ServesOtherParty(call.Unit.UnitId, told.Append(person.Id)),
        };
    }
}
