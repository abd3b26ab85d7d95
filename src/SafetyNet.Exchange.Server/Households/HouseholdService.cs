using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Deliveries;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>The look-up of a person and household for a live step: load, decide, answer in layers (R-HH-1, R-HH-2).</summary>
internal sealed class HouseholdService(LookUpTally tally, LiveSources sources, RegisterAges ages) : Wire.HouseholdService.HouseholdServiceBase
{
    private static readonly RedactionPlan PersonPlan = RedactionPlan.For(Wire.Person.Descriptor);

    public override async Task<Wire.LookUpHouseholdResponse> LookUpHousehold(Wire.LookUpHouseholdRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        // The office is asked about nobody whom the caller may not see: what it answers, and how soon, tells of no one else (R-NTK-14).
        var live = FindSeen(call, request) is { } seen ? await sources.AskAsync(call.Read, call.Vault, seen, context.CancellationToken) : null;
        return LookUp(call, request, call.Change.Notify, live);
    }

    public override Task<Wire.BatchLookUpHouseholdsResponse> BatchLookUpHouseholds(Wire.BatchLookUpHouseholdsRequest request, ServerCallContext context) =>
        BatchLookUp.RunAsync(Call.Of(context), RowCalls.Of(context, BatchLookUp.SingleMethod), request, (call, single, tell) => LookUp(call, single, tell, live: null));

    public override Task<Wire.ProtectWhereaboutsResponse> ProtectWhereabouts(Wire.ProtectWhereaboutsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var nationalId = NationalId.Parse(request.NationalId).Canonical;
        call.Concerns(nationalId);
        if (tally.Exhausted(call) is { } exhausted) throw exhausted;
        Family family;
        Standing standing;
        try
        {
            family = Reaches(call, nationalId) && Family.Read(call.Read, call.Vault, nationalId) is { } known ? known : throw new Refusal(Wire.ErrorReason.NotFound);
            standing = StandingTo(call, family);
            call.Decide(QuestionOf(call, family.Person, standing));
        }
        catch (Refusal missed) when (!tally.TryCount(call, missed.Reason))
        {
            throw tally.Exhausted(call) ?? missed;
        }

        tally.CountWhenDurable(call);
        var isProtected = call.Replayed is null
            ? Whereabouts.Protect(call, standing, family.Person, request.Lifted, request.Reason)
            : family.Person.Row.IsProtected;
        if (call.Change.Key is { } key) key.Outcome = family.Person.Id.ToString();
        return Task.FromResult(new Wire.ProtectWhereaboutsResponse { Protected = isProtected });
    }

    /// <summary>One look-up, alone or of a batch: one path for both.</summary>
    /// <param name="tell">Takes what other units hear of it.</param>
    /// <param name="live">The family as the household office has it now; null: it was not asked, or did not answer.</param>
    private Wire.LookUpHouseholdResponse LookUp(Call call, Wire.LookUpHouseholdRequest request, Action<NoticeDraft> tell, LiveFamily? live)
    {
        var nationalId = request.KeyCase == Wire.LookUpHouseholdRequest.KeyOneofCase.NationalId ? NationalId.Parse(request.NationalId).Canonical : null;
        // The record names whoever was asked for, also where the day's look-ups are used up: a decoy tells of its first hit and of every one.
        if (tally.Exhausted(call) is { } exhausted)
        {
            if (nationalId is not null) call.Concerns(nationalId);
            throw exhausted;
        }

        var on = DayOf(call, request);
        try
        {
            var (family, standing) = nationalId is not null ? FindById(call, nationalId) : FindByName(call, request.NameAndBirthDate);
            if (family is null) throw new Refusal(Wire.ErrorReason.NotFound);
            if (live is not null) family = live.Family;
            var decision = call.Decide(QuestionOf(call, family.Person, standing));
            // Decided by today; told of the day that was asked for (R-HH-7).
            var answer = Answer(call, on == call.On ? family : PastHouseholds.On(call.Read, call.Vault, family, on), standing, decision, tell);
            (answer.RegisterSource, answer.RegisteredAsOf) = live is null
                ? (Wire.RegisterSource.Copy, ages.Of(family.Person.Row.Jurisdiction)) : (Wire.RegisterSource.Live, Timestamp.FromDateTimeOffset(live.At));
            // What calls beside this one ran into meanwhile holds for it too, found or not.
            if (tally.Exhausted(call) is { } meanwhile) throw meanwhile;
            tally.CountWhenDurable(call);
            return answer;
        }
        catch (Refusal missed) when (!tally.TryCount(call, missed.Reason))
        {
            throw tally.Exhausted(call) ?? missed;
        }
    }

    /// <summary>The day that is asked for.</summary>
    private static DateOnly DayOf(Call call, Wire.LookUpHouseholdRequest request)
    {
        var on = request.AsOf.Length == 0 ? call.On : DateOnly.ParseExact(request.AsOf, "yyyy-MM-dd", CultureInfo.InvariantCulture);
        return on <= call.On ? on : throw Refusal.InvalidField(new FieldFault("as_of", FieldFaultKind.InTheFuture));
    }

    /// <summary>The family that a look-up will find, where its household office serves look-ups and the caller may see it; null: the office is not asked.</summary>
    private Family? FindSeen(Call call, Wire.LookUpHouseholdRequest request)
    {
        if (!sources.ServeAny || DayOf(call, request) != call.On || tally.Exhausted(call) is not null) return null;
        var (family, standing) = request.KeyCase == Wire.LookUpHouseholdRequest.KeyOneofCase.NationalId
            ? FindById(call, NationalId.Parse(request.NationalId).Canonical)
            : FindByName(call, request.NameAndBirthDate);
        return family is not null && sources.Serve(family.Person.Row.Jurisdiction) && call.Consider(QuestionOf(call, family.Person, standing)).Allowed ? family : null;
    }

    private static (Family? Family, Standing Standing) FindById(Call call, string nationalId)
    {
        var known = call.Families.Peek(nationalId);
        // A look at the steps of whoever is in memory takes its time, so somebody else's are looked at where nobody is (R-NTK-14).
        if ((known ?? call.Families.StandIn) is { } looked && StandingTo(call, looked) is { Relationships.IsEmpty: false } standing && ReferenceEquals(looked, known))
        {
            call.Concerns(looked.Person);
            // Asked for by another number of the person's (R-HH-7): the record has both, as when it is not in memory.
            if (!string.Equals(looked.Person.Person.NationalId, nationalId, StringComparison.Ordinal)) call.Concerns(nationalId);
            return (looked, standing);
        }

        // Whoever may not be seen and whoever does not exist go the same way from here, at the same cost: what the step reaches is asked for, and nobody is opened
        // whom it does not reach (R-NTK-14).
        call.Concerns(nationalId);
        if (!Reaches(call, nationalId)) return (null, Standing.None);
        return call.Families.Find(nationalId) is { } family ? (family, StandingTo(call, family)) : (null, Standing.None);
    }

    private static (Family? Family, Standing Standing) FindByName(Call call, Wire.NameAndBirthDate key)
    {
        var index = call.Vault.Index.OfNameAndBirthDate(key.Name, DateOnly.ParseExact(key.BirthDate, "yyyy-MM-dd", CultureInfo.InvariantCulture));
        // The record names whoever was asked for, seen or not; a stand-in costs what they cost and is left out of it.
        var namesakes = call.Read.OpenNamesakes(call.Vault, index, out var standIns);
        foreach (var person in namesakes) call.Concerns(person);
        foreach (var person in standIns) person.PseudonymBy(call.Vault);
        var seen = new List<(Family Family, Standing Standing)>();
        foreach (var id in Reach.OfName(call.Read, call.Unit.UnitId, StepOf(call), index))
        {
            var person = call.Read.FindPerson(call.Vault, id)!;
            // Where the whereabouts are protected, the district does not choose: an answer to one district and none to another would tell it (R-NTK-10).
            if (key.District.Length > 0 && !person.Row.IsProtected && !PostalAddress.AreOne(person.Row.District, key.District)) continue;
            // Reached by the step, so it may be taken from memory, as by id.
            if (call.Families.Find(person.Person.NationalId) is not { } family) continue;
            if (StandingTo(call, family) is { Relationships.IsEmpty: false } standing) seen.Add((family, standing));
        }

        // Whoever cannot be seen does not count, not even towards "several fit" (R-NTK-14).
        if (seen.Count > 1) throw new Refusal(Wire.ErrorReason.Ambiguous, ("field", "name_and_birth_date.district"));
        return seen.Count == 1 ? seen[0] : (null, Standing.None);
    }

    private static bool Reaches(Call call, string nationalId) =>
        Reach.OfNationalId(call.Read, call.Unit.UnitId, StepOf(call), call.Read.KeptIndex(call.Vault.Index.OfNationalId(nationalId)));

    private static Standing StandingTo(Call call, Family family)
    {
        if (call.NamesPermission()) return call.StandingByPermission(family.Links, family.Person.Id);
        var step = StepOf(call);
        return Standing.ToHousehold(family.Links, call.Unit.UnitId, family.Person.Id, step.ReferralId, step.CaseId, call.Now, step.ConferenceId);
    }

    /// <summary>The live step, grant or break-glass that the access names.</summary>
    private static Step StepOf(Call call)
    {
        var context = call.Context!;
        Guid? Named(Wire.AccessContext.ReferenceOneofCase kind, string id) => context.ReferenceCase == kind ? Guid.Parse(id) : null;
        return new Step(Named(Wire.AccessContext.ReferenceOneofCase.ReferralId, context.ReferralId), Named(Wire.AccessContext.ReferenceOneofCase.CaseId, context.CaseId),
            Named(Wire.AccessContext.ReferenceOneofCase.ConferenceId, context.ConferenceId), Named(Wire.AccessContext.ReferenceOneofCase.GrantId, context.GrantId),
            Named(Wire.AccessContext.ReferenceOneofCase.BreakGlassId, context.BreakGlassId));
    }

    private static NeedToKnowQuestion QuestionOf(Call call, KnownPerson person, Standing standing) =>
        // What a sender put into a referral is shown with the referral; it opens nothing of the register (3.1 baseline, "sent").
        call.Ask(standing.Relationships, person.Row.Jurisdiction) with
        {
            ProtectedAddress = person.Row.IsProtected, ServesOtherParty = person.Row.IsProtected && call.Read.ServesOtherParty(call.Unit.UnitId, person.Id),
            ServiceScope = standing.Scope, Agenda = standing.Agenda, Granted = standing.Granted, BreakGlass = standing.BreakGlass,
        };

    /// <summary>A grant and a break-glass are for one person: of the others a grant tells who they are, a break-glass what a serving unit sees.</summary>
    private static Standing ToTheOthers(Standing standing) => standing with
    {
        Granted = standing.Granted & ClassSet.Of(Wire.ConfidentialityClass.Identity), BreakGlass = false,
    };

    private static Wire.LookUpHouseholdResponse Answer(Call call, Family family, Standing standing, Decision decision, Action<NoticeDraft> tell)
    {
        var response = new Wire.LookUpHouseholdResponse { Person = ShownOf(call, family.Person, decision) };
        if (decision.Visible.Contains(Wire.ConfidentialityClass.Household)) AddFamily(call, response, family, standing, decision);
        if (decision.Visible.Contains(Wire.ConfidentialityClass.Involvement)) AddInvolvements(call, response, family, tell);
        return response;
    }

    private static void AddFamily(Call call, Wire.LookUpHouseholdResponse response, Family family, Standing standing, Decision decision)
    {
        var guardiansOnly = (decision.Obligations & Obligations.GuardiansOnly) != Obligations.None;
        foreach (var member in family.Members)
        {
            if (member.Id == family.Person.Id || (guardiansOnly && !IsParent(family.Relatives, member.Id))) continue;
            if (ShownTo(call, member, StandingTo(call, family, member, standing)) is { } person) response.Members.Add(new Wire.HouseholdMember { Person = person, Role = member.Facts.Role });
        }

        foreach (var (relative, kinship) in family.Relatives)
        {
            if (guardiansOnly && kinship != Wire.Kinship.Parent) continue;
            if (ShownTo(call, relative, StandingTo(call, family, relative, standing)) is not { } person) continue;
            response.Relatives.Add(new Wire.Relative
            {
                Person = person, Kinship = kinship,
                SameHousehold = IsMember(family, relative.Id),
            });
        }
    }

    /// <summary>
    /// Standing to a further person of the answer. Whoever answers for one home does not answer for somebody whose whereabouts are protected in another: there it stands as a unit that
    /// serves, unless it is primary there too (R-NTK-10).
    /// </summary>
    private static Standing StandingTo(Call call, Family family, KnownPerson other, Standing standing)
    {
        if (!other.Row.IsProtected || !standing.Relationships.Contains(Wire.Relationship.Primary)) return standing;
        if (other.Row.HouseholdId is { } home && home == family.Person.Row.HouseholdId) return standing;
        var isPrimary = Links.Of(call.Read, other).Cases.Any(link => link.Role == Wire.ParticipantRole.Primary && string.Equals(link.UnitId, call.Unit.UnitId, StringComparison.Ordinal));
        return isPrimary ? standing : standing with { Relationships = standing.Relationships.Without(Wire.Relationship.Primary) | RelationshipSet.Of(Wire.Relationship.Serving) };
    }

    private static bool IsMember(Family family, Guid personId)
    {
        foreach (var member in family.Members)
            if (member.Id == personId) return true;
        return false;
    }

    private static bool IsParent(IReadOnlyList<(KnownPerson Person, Wire.Kinship Kinship)> relatives, Guid personId)
    {
        foreach (var (relative, kinship) in relatives)
            if (kinship == Wire.Kinship.Parent && relative.Id == personId) return true;
        return false;
    }

    /// <summary>
    /// A further person of the answer, decided on by its own protection (R-NTK-10); null: where the person belongs would be told by being in the answer at all, and
    /// the unit serves the other party.
    /// </summary>
    private static Wire.Person? ShownTo(Call call, KnownPerson person, Standing standing)
    {
        var decision = call.Consider(QuestionOf(call, person, standing));
        if (!decision.Visible.Contains(Wire.ConfidentialityClass.Household)) return null;
        call.Concerns(person);
        var narrowed = standing.Granted.IsEmpty && !standing.BreakGlass ? decision : call.Consider(QuestionOf(call, person, ToTheOthers(standing)));
        return ShownOf(call, person, narrowed);
    }

    private static Wire.Person ShownOf(Call call, KnownPerson person, Decision decision)
    {
        call.Withhold(PersonPlan.Carries.Without(decision.Visible));
        return person.ShownWith(PersonPlan, decision.Visible);
    }

    private static void AddInvolvements(Call call, Wire.LookUpHouseholdResponse response, Family family, Action<NoticeDraft> tell)
    {
        foreach (var involvement in Involvements.Of(family.Links, call.Unit.UnitId, call.Members, () => call.Read.ServesOtherParty(call.Unit.UnitId, family.Person.Id)))
            response.Involvements.Add(involvement);
        foreach (var link in Involvements.Told(family.Links, call.Unit, call.Context!.LegalBasis)) tell(new NoticeDraft(link.UnitId, Wire.NoticeKind.HouseholdLookedUp, null, link.CaseId));
    }
}
