using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>Facts of a conference for the need-to-know decision, and what an agenda may open.</summary>
internal static class ConferencePolicy
{
    /// <summary>How the acting unit stands to a case that is, or is to be, brought to a conference: as participant, or as the screening centre of the case's jurisdiction.</summary>
    public static NeedToKnowQuestion QuestionOf(Call call, ConferenceCase of)
    {
        var relationships = of.Participants.TryGetValue(call.Unit.UnitId, out var role) ? Standing.OfParticipant(role) : RelationshipSet.None;
        if (call.Unit.Kind == Wire.UnitKind.CentralIntake && call.Agency.Jurisdiction == of.Jurisdiction)
            relationships |= RelationshipSet.Of(Wire.Relationship.CentralIntake);
        return call.Ask(relationships, of.Jurisdiction);
    }

    /// <summary>
    /// How the acting unit stands to a conference: as its convenor or the primary unit of its case, or as invited and not yet 30 days past the meeting (R-CON-2). Another
    /// participant of the case has no part in it unless invited.
    /// </summary>
    public static NeedToKnowQuestion QuestionOf(Call call, ConferenceCase of, Conference conference, IEnumerable<ConferenceInvitation> invitations)
    {
        var relationships = RelationshipSet.None;
        if (IsConvenor(call, conference) || string.Equals(of.PrimaryUnitId, call.Unit.UnitId, StringComparison.Ordinal)) relationships = QuestionOf(call, of).Relationships;
        var invited = call.Now < conference.OpenUntil
            && invitations.Any(i => i.WithdrawnAt is null && string.Equals(i.UnitId, call.Unit.UnitId, StringComparison.Ordinal));
        if (invited) relationships |= RelationshipSet.Of(Wire.Relationship.Conference);
        return call.Ask(relationships, of.Jurisdiction) with
        {
            Agenda = invited ? new ClassSet(conference.Agenda) : ClassSet.None, ServiceScope = of.Scopes.GetValueOrDefault(call.Unit.UnitId).At(call.Now),
        };
    }

    public static bool IsConvenor(Call call, Conference conference) => string.Equals(conference.ConvenedByUnitId, call.Unit.UnitId, StringComparison.Ordinal);

    /// <summary>Each class of an agenda must be one that some rule opens by an agenda; the rest of who may see it is decided for each unit invited.</summary>
    public static ClassSet RequireAgenda(Call call, IReadOnlyList<Wire.ConfidentialityClass> classes)
    {
        var agenda = ClassSet.Of([.. classes]) & ClassSet.Personal;
        // A protection centre may see by an agenda whatever any unit may.
        var open = call.OpenedByAgenda(Wire.AgencyKind.SocialWelfare, Wire.UnitKind.ProtectionCenter, agenda);
        foreach (var one in agenda.InTableOrder())
            if (!open.Contains(one)) throw new Refusal(Wire.ErrorReason.ViewNotPermitted, ("class", CodeText.Of(one)), ("unit_id", call.Unit.UnitId), ("rule", "R-CON-2"));
        return agenda;
    }

    /// <summary>Units that are registered, active, invited once each, and of the case's jurisdiction or the central level: an invitation does not reach across (R-NTK-13).</summary>
    public static IReadOnlyList<Unit> RequireInvited(Call call, ConferenceCase of, IReadOnlyList<string> unitIds)
    {
        var units = new List<Unit>();
        for (var i = 0; i < unitIds.Count; i++)
        {
            var unit = Addressee.Require(call, unitIds[i]);
            if (units.Contains(unit)) throw Refusal.InvalidField(new FieldFault($"unit_ids[{i}]", FieldFaultKind.Duplicate));
            if (string.Equals(unit.UnitId, call.Unit.UnitId, StringComparison.Ordinal)) throw Refusal.InvalidField(new FieldFault($"unit_ids[{i}]", FieldFaultKind.NotAllowedHere));
            if (unit.Agency.Jurisdiction != of.Jurisdiction && unit.Agency.Jurisdiction != Wire.Jurisdiction.Tw)
                throw new Refusal(Wire.ErrorReason.UnitNotAvailable, ("unit_id", unit.UnitId));
            units.Add(unit);
        }

        return units;
    }

    /// <summary>What the agenda opens to a unit invited, for the ledger (R-NTK-17).</summary>
    public static ClassSet OpenedTo(Call call, ConferenceCase of, Unit unit, ClassSet agenda)
    {
        var isProtected = !(agenda & CasePolicy.Whereabouts).IsEmpty && call.Read.HasProtected(of.Subjects);
        return call.WouldSee(unit, call.Ask(RelationshipSet.Of(Wire.Relationship.Conference), of.Jurisdiction) with
        {
            Agenda = agenda, ServiceScope = of.Scopes.GetValueOrDefault(unit.UnitId).At(call.Now),
            ProtectedAddress = isProtected, ServesOtherParty = isProtected && call.Read.ServesOtherParty(unit.UnitId, of.Subjects),
        });
    }
}
