using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;
using Enum = System.Enum;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>
/// Who could have seen a person's data in an interval (R-AUD-4): the steps that tied units to the person, and what the policy in force opens by each, by the one
/// function that decides every call.
/// </summary>
internal sealed class PossibleViewers(Call call, SearchIndex search, DateTimeOffset after, DateTimeOffset before)
{
    public const int Most = 1000;

    private const int RecordsPerPage = 500;

    private static readonly Wire.Purpose[] Purposes = [.. Enum.GetValues<Wire.Purpose>().Where(p => p != Wire.Purpose.Unspecified)];

    private static readonly Wire.LegalBasis[] Bases = [.. Enum.GetValues<Wire.LegalBasis>().Where(b => b != Wire.LegalBasis.Unspecified)];

    /// <param name="person">Null: nobody who is kept.</param>
    /// <param name="pseudonym">Of the number that was asked for.</param>
    /// <param name="others">Of the person's other numbers.</param>
    /// <param name="below">Records before this position.</param>
    public Wire.ListPossibleViewersResponse List(KnownPerson? person, string pseudonym, IReadOnlyList<string> others, long below)
    {
        var response = new Wire.ListPossibleViewersResponse { Pseudonym = pseudonym, OtherPseudonyms = { others }, PolicyRevision = call.Policy.Revision };
        // For a stranger the same search is made, so that the answer takes no less time (R-NTK-14).
        var accesses = others.Prepend(pseudonym).SelectMany(one => Accesses(one, below)).DistinctBy(one => one.DecisionId, StringComparer.Ordinal).ToLookup(one => one.UnitId, one => one.At, StringComparer.Ordinal);
        if (person is null) return response;
        var steps = call.Read.StepsOf(person.Id, Standing.IsOpen).Where(step => step.Since < before && !(step.Until <= after) && IsConcern(step))
            .OrderBy(step => step.Since).ThenBy(step => step.UnitId, StringComparer.Ordinal).ThenBy(step => step.Ground).ToList();
        response.Incomplete = steps.Count > Most;
        response.Viewers.Add(steps.Take(Most).Select(step => ToWire(person, step, accesses)));
        return response;
    }

    /// <summary>Units of the officer's jurisdiction; one that is registered no longer is for the central level to see.</summary>
    private bool IsConcern(PastStep step) =>
        call.Agency.Jurisdiction == Wire.Jurisdiction.Tw || call.Members.FindUnit(step.UnitId)?.Agency.Jurisdiction == call.Agency.Jurisdiction;

    /// <summary>Permitted accesses to the person in the interval, by unit.</summary>
    private List<(string DecisionId, string UnitId, DateTimeOffset At)> Accesses(string pseudonym, long below)
    {
        var filter = new AccessFilter
        {
            Pseudonym = pseudonym, Outcome = Wire.AuditOutcome.Permitted, After = after, Before = before, Within = call.Agency.Jurisdiction,
        };
        List<(string DecisionId, string UnitId, DateTimeOffset At)> found = [];
        for (long? next = below; next is { } from;)
        {
            var page = AccessSearch.Page(call, search, filter, from, RecordsPerPage);
            found.AddRange(page.Found.Select(one => (one.Record.DecisionId, one.Record.ActorUnitId, one.Record.DecidedAt.ToDateTimeOffset())));
            next = page.GoOnBelow;
        }

        return found;
    }

    private Wire.PossibleViewer ToWire(KnownPerson person, PastStep step, ILookup<string, DateTimeOffset> accesses)
    {
        var unit = call.Members.FindUnit(step.UnitId);
        var viewer = new Wire.PossibleViewer
        {
            UnitId = step.UnitId, Jurisdiction = unit?.Agency.Jurisdiction ?? default, AgencyCode = unit?.Agency.Code ?? "", Ground = step.Ground, Resource = step.Resource,
            Since = Timestamp.FromDateTimeOffset(step.Since), Accesses = accesses[step.UnitId].Count(at => at >= step.Since && !(step.Until <= at)),
        };
        if (step.Until is { } until) viewer.Until = Timestamp.FromDateTimeOffset(until);
        if (unit is not null) viewer.Classes.Add(Opened(person, step, unit).InTableOrder());
        return viewer;
    }

    /// <summary>Over everything that the unit could have stated: which of it would have been true is not known here.</summary>
    private ClassSet Opened(KnownPerson person, PastStep step, Unit unit)
    {
        var opened = ClassSet.None;
        var question = Question(person, step);
        foreach (var purpose in step.Purpose == default ? Purposes : [step.Purpose])
        {
            foreach (var basis in step.Ground == Wire.ViewingGround.BreakGlass ? [step.Basis] : Bases)
                opened |= call.WouldSee(unit, question with { Purpose = purpose, LegalBasis = basis });
        }

        // What the unit sees as a participant, or by an invitation, stands in a line of its own.
        return step.IsOneThing ? opened & new ClassSet(step.Classes) : opened;
    }

    private NeedToKnowQuestion Question(KnownPerson person, PastStep step)
    {
        var classes = new ClassSet(step.Classes);
        var asked = call.Ask(Relationships(step), person.Row.Jurisdiction) with
        {
            ProtectedAddress = person.Row.IsProtected, ServesOtherParty = person.Row.IsProtected && call.Read.ServesOtherParty(step.UnitId, person.Id),
        };
        return step.Ground switch
        {
            Wire.ViewingGround.ReferralSent => asked with { Supplied = ClassSet.Of(Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact) },
            Wire.ViewingGround.ReferralReceived => asked with { Sent = classes },
            Wire.ViewingGround.Case => asked with { ServiceScope = classes },
            Wire.ViewingGround.Grant => asked with { Granted = classes },
            Wire.ViewingGround.NoteShare => asked with { Shared = classes, SharedWithCaller = true, ShareBasis = step.Basis },
            Wire.ViewingGround.Conference => asked with { Agenda = classes },
            _ => asked with { BreakGlass = true },
        };
    }

    private static RelationshipSet Relationships(PastStep step) => step.Ground switch
    {
        Wire.ViewingGround.ReferralSent => RelationshipSet.Of(Wire.Relationship.Referrer),
        Wire.ViewingGround.ReferralReceived => step.WasServed
            ? RelationshipSet.Of(Wire.Relationship.ReferredTo, Wire.Relationship.Serving) : RelationshipSet.Of(Wire.Relationship.ReferredTo),
        Wire.ViewingGround.Case => Standing.OfParticipant(step.Role),
        Wire.ViewingGround.Grant => RelationshipSet.Of(Wire.Relationship.None),
        Wire.ViewingGround.Conference => RelationshipSet.Of(Wire.Relationship.Conference),
        // A note is shared with a unit that takes part; the glass is broken as if the unit served.
        _ => RelationshipSet.Of(Wire.Relationship.Serving),
    };
}
