using System.Globalization;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>The look-up of a person and household for a live step: load, decide, answer in layers (R-HH-1, R-HH-2).</summary>
internal sealed class HouseholdService : Wire.HouseholdService.HouseholdServiceBase
{
    public override Task<Wire.LookUpHouseholdResponse> LookUpHousehold(Wire.LookUpHouseholdRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var candidates = FindAll(call, request);
        // Whoever cannot be seen does not count, not even towards "several fit" (R-NTK-14).
        var seen = candidates.Select(person => (Person: person, Links: Links.Of(call.Read, person)))
            .Select(found => (found.Person, found.Links, Standing: StandingTo(call, found.Person, found.Links)))
            .Where(found => found.Standing.Relationships != RelationshipSet.None).ToList();
        if (seen.Count > 1) throw new Refusal(Wire.ErrorReason.Ambiguous, ("field", "name_and_birth_date.district"));
        if (seen.Count == 0) throw new Refusal(Wire.ErrorReason.NotFound);
        var (person, links, standing) = seen[0];
        var decision = call.Decide(QuestionOf(call, person, standing));
        return Task.FromResult(Answer(call, person, links, standing, decision));
    }

    private static List<KnownPerson> FindAll(Call call, Wire.LookUpHouseholdRequest request)
    {
        if (request.KeyCase == Wire.LookUpHouseholdRequest.KeyOneofCase.NationalId)
        {
            var nationalId = NationalId.Parse(request.NationalId).Canonical;
            call.Concerns(nationalId);
            return call.Read.FindPerson(call.Vault, nationalId) is { } person ? [person] : [];
        }

        var key = request.NameAndBirthDate;
        var found = call.Read.FindPersons(call.Vault, key.Name, DateOnly.ParseExact(key.BirthDate, "yyyy-MM-dd", CultureInfo.InvariantCulture));
        // Where the whereabouts are protected, the district does not choose: an answer to one district and none to another would tell it (R-NTK-10).
        if (key.District.Length > 0) found.RemoveAll(p => !p.Row.IsProtected && !string.Equals(p.Row.District, key.District, StringComparison.Ordinal));
        foreach (var person in found) call.Concerns(person.Person.NationalId);
        return found;
    }

    private static Standing StandingTo(Call call, KnownPerson person, Links links)
    {
        var context = call.Context!;
        return Standing.ToHousehold(links, call.Unit.UnitId, person.Id,
            context.ReferenceCase == Wire.AccessContext.ReferenceOneofCase.ReferralId ? Guid.Parse(context.ReferralId) : null,
            context.ReferenceCase == Wire.AccessContext.ReferenceOneofCase.CaseId ? Guid.Parse(context.CaseId) : null, call.Now);
    }

    private static NeedToKnowQuestion QuestionOf(Call call, KnownPerson person, Standing standing) =>
        // What a sender put into a referral is shown with the referral; it opens nothing of the register (3.1 baseline, "sent").
        call.Ask(standing.Relationships, person.Row.Jurisdiction) with { ProtectedAddress = person.Row.IsProtected };

    private static Wire.LookUpHouseholdResponse Answer(Call call, KnownPerson person, Links links, Standing standing, Decision decision)
    {
        var response = new Wire.LookUpHouseholdResponse { Person = ShownOf(call, person, decision) };
        if (decision.Visible.Contains(Wire.ConfidentialityClass.Household)) AddFamily(call, response, person, standing, decision);
        if (decision.Visible.Contains(Wire.ConfidentialityClass.Involvement)) AddInvolvements(call, response, links);
        return response;
    }

    private static void AddFamily(Call call, Wire.LookUpHouseholdResponse response, KnownPerson person, Standing standing, Decision decision)
    {
        var guardiansOnly = (decision.Obligations & Obligations.GuardiansOnly) != Obligations.None;
        // Most relatives are of the household: each person is opened and decided on once, and may stand in the answer twice.
        var opened = new Dictionary<Guid, KnownPerson> { [person.Id] = person };
        var shown = new HashSet<Guid>();
        var relatives = call.Read.RelativesOf(call.Vault, person.Id, opened);
        if (person.Row.HouseholdId is { } household)
        {
            foreach (var member in call.Read.MembersOf(call.Vault, household, opened))
            {
                if (member.Id == person.Id || (guardiansOnly && !IsParent(relatives, member.Id))) continue;
                response.Members.Add(new Wire.HouseholdMember { Person = ShownTo(call, member, standing, shown), Role = member.Facts.Role });
            }
        }

        foreach (var (relative, kinship) in relatives)
        {
            if (guardiansOnly && kinship != Wire.Kinship.Parent) continue;
            response.Relatives.Add(new Wire.Relative
            {
                Person = ShownTo(call, relative, standing, shown), Kinship = kinship,
                SameHousehold = relative.Row.HouseholdId is { } home && home == person.Row.HouseholdId,
            });
        }
    }

    private static bool IsParent(List<(KnownPerson Person, Wire.Kinship Kinship)> relatives, Guid personId)
    {
        foreach (var (relative, kinship) in relatives)
            if (kinship == Wire.Kinship.Parent && relative.Id == personId) return true;
        return false;
    }

    /// <summary>A further person of the answer, decided on by its own protection (R-NTK-10).</summary>
    private static Wire.Person ShownTo(Call call, KnownPerson person, Standing standing, HashSet<Guid> shown)
    {
        if (!shown.Add(person.Id)) return person.Person;
        call.Concerns(person.Person.NationalId);
        return ShownOf(call, person, call.Consider(QuestionOf(call, person, standing)));
    }

    private static Wire.Person ShownOf(Call call, KnownPerson person, Decision decision)
    {
        var plan = RedactionPlan.For(Wire.Person.Descriptor);
        call.Withhold(plan.Carries.Without(decision.Visible));
        plan.Redact(person.Person, decision.Visible);
        return person.Person;
    }

    private static void AddInvolvements(Call call, Wire.LookUpHouseholdResponse response, Links links)
    {
        foreach (var involvement in Involvements.Of(links, call.Unit.UnitId, call.Members)) response.Involvements.Add(involvement);
        // The primary unit hears who was shown that it is involved (R-HH-6).
        foreach (var primary in links.Cases.Where(c => c.Role == Wire.ParticipantRole.Primary
            && !string.Equals(c.UnitId, call.Unit.UnitId, StringComparison.Ordinal)).Select(c => (c.UnitId, c.CaseId)).Distinct())
            call.Change.Notify(new NoticeDraft(primary.UnitId, Wire.NoticeKind.HouseholdLookedUp, null, primary.CaseId));
    }
}
