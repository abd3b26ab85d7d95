using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>What a caller must get: the answer as the facts of the world and the pure decision give it. An answer of null is NOT_FOUND.</summary>
/// <param name="Answer">Redacted; null: absent and forbidden alike.</param>
/// <param name="Rules">Ids of the rules that decided; those of the answer as a whole.</param>
internal sealed record Expected<T>(T? Answer, IReadOnlyList<string> Rules, ClassSet Withheld)
    where T : class
{
    public static Expected<T> NotFound { get; } = new(null, [], ClassSet.None);
}

/// <summary>
/// Derives from the facts of a world what each unit may see of it: relationships, views and scopes as domain.md 3.1 and docs/decisions/0004 say them,
/// decided by the pure function of the policy, redacted by <see cref="Naive"/>. Knows nothing of the server's rows, caches and plans.
/// </summary>
internal sealed class WorldOracle(World world, NeedToKnowPolicy policy, MemberDirectory members, DateTimeOffset now)
{
    private static readonly Wire.ReferralState[] Open =
        [Wire.ReferralState.Submitted, Wire.ReferralState.Delivered, Wire.ReferralState.Seen, Wire.ReferralState.Accepted, Wire.ReferralState.InService];

    private static readonly Wire.ReferralState[] Served = [Wire.ReferralState.Accepted, Wire.ReferralState.InService];

    /// <summary>A referral as GetReferral shows it to a unit.</summary>
    public Expected<Wire.Referral> Referral(string unitId, Wire.AccessContext context, string referralId)
    {
        if (world.Referrals.Find(r => r.Id == referralId) is not { } referral || (referral.To != unitId && referral.From != unitId)) return Expected<Wire.Referral>.NotFound;
        var question = Ask(unitId, context, referral.Jurisdiction);
        if (referral.To != unitId)
        {
            question = question with
            {
                Relationships = RelationshipSet.Of(Wire.Relationship.Referrer), Supplied = ClassSet.Of(Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact),
            };
        }
        else if (!Open.Contains(referral.State))
        {
            question = question with { Relationships = RelationshipSet.Of(Wire.Relationship.ReferredTo), Holdable = ClassSet.None };
        }
        else
        {
            question = question with
            {
                Relationships = OfReceiver(referral), Sent = IsOpen(referral.Request.View.Until) ? ClassSet.FromWire(referral.Request.View.Classes) : ClassSet.None,
                ProtectedAddress = referral.Subjects.Any(IsProtected),
            };
        }

        var decision = policy.Decide(question);
        if (!decision.Allowed) return Expected<Wire.Referral>.NotFound;
        var whole = Whole(referral, showIds: referral.To == unitId);
        var told = ClassSet.FromWire(whole.Facts.Select(f => f.ConfidentialityClass));
        var shown = Naive.Redact(whole, decision.Visible);
        return new Expected<Wire.Referral>(shown, decision.Rules,
            (Naive.Carries(Wire.GetReferralResponse.Descriptor).Without(decision.Visible) | told.Without(ClassSet.FromWire(shown.Facts.Select(f => f.ConfidentialityClass)))) & ClassSet.Personal);
    }

    /// <summary>Ids of the referrals that a unit made or received, newest first.</summary>
    public IReadOnlyList<string> ReferralsOf(string unitId, Wire.AccessContext context) =>
        [.. world.Referrals.Where(r => Referral(unitId, context, r.Id).Answer is not null).Select(r => r.Id).OrderDescending(StringComparer.Ordinal)];

    /// <summary>A case as GetCase shows it to a unit.</summary>
    public Expected<Wire.Case> Case(string unitId, Wire.AccessContext context, string caseId)
    {
        if (View(unitId, context, caseId) is not { } view) return Expected<Wire.Case>.NotFound;
        var shared = view.Shared;
        var whole = new Wire.Case
        {
            CaseId = shared.Id, State = Wire.CaseState.Open, Jurisdiction = shared.Jurisdiction, OpenedAt = new Timestamp { Seconds = 1 },
            OwnRole = view.Part?.Role ?? Wire.ParticipantRole.Unspecified,
        };
        if (view.Part is { } own) whole.OwnServices.Add(own.Services);
        foreach (var id in view.Subjects)
        {
            var person = Person(id);
            whole.Subjects.Add(new Wire.CaseSubject { PersonId = person.PersonId, Name = person.Name, BirthDate = person.BirthDate, Phone = person.Phone, Address = person.Address });
        }

        foreach (var one in shared.Parts.OrderBy(p => p.UnitId, StringComparer.Ordinal))
        {
            whole.Participants.Add(new Wire.CaseParticipant
            {
                UnitId = one.UnitId, Role = one.Role, Services = { one.Services }, PersonIds = { one.Persons.Where(view.Subjects.Contains).Select(id => id.ToString()) },
                Since = new Timestamp { Seconds = 1 },
            });
        }

        return new Expected<Wire.Case>(
            Naive.Redact(whole, view.Decision.Visible), view.Decision.Rules, Naive.Carries(Wire.GetCaseResponse.Descriptor).Without(view.Decision.Visible));
    }

    /// <summary>Notes that a unit may read, oldest first; null: the case is not there for it.</summary>
    public IReadOnlyList<Wire.CaseNote>? Notes(string unitId, Wire.AccessContext context, string caseId) => View(unitId, context, caseId) is { } view
        ? [.. view.Shared.Notes.OrderBy(n => n.Id, StringComparer.Ordinal).Where(note => MayRead(unitId, view, note)).Select(note => ToWire(unitId, note))]
        : null;

    /// <summary>A person and household as a look-up shows them.</summary>
    public Expected<Wire.LookUpHouseholdResponse> LookUp(string unitId, Wire.AccessContext context, Guid personId)
    {
        var relationships = OfHousehold(unitId, context, personId);
        if (relationships == RelationshipSet.None) return Expected<Wire.LookUpHouseholdResponse>.NotFound;
        var rules = new SortedSet<string>(StringComparer.Ordinal);
        var (visible, withheld) = (ClassSet.None, ClassSet.None);
        var decision = Decide(personId);
        if (!decision.Allowed) return Expected<Wire.LookUpHouseholdResponse>.NotFound;
        var answer = new Wire.LookUpHouseholdResponse { Person = Show(personId, decision) };
        if (decision.Visible.Contains(Wire.ConfidentialityClass.Household) && !world.Strangers.ContainsKey(personId))
        {
            var guardiansOnly = (decision.Obligations & Obligations.GuardiansOnly) != Obligations.None;
            var kin = Population.KinOf(personId);
            foreach (var member in world.Home.Members.Where(m => m.DeathDate is null && m.Id != personId))
            {
                if (guardiansOnly && !kin.Exists(k => k.Person.Id == member.Id && k.Kinship == Wire.Kinship.Parent)) continue;
                answer.Members.Add(new Wire.HouseholdMember { Person = Show(member.Id, Decide(member.Id)), Role = member.RelationText });
            }

            foreach (var (relative, kinship) in kin)
            {
                if (guardiansOnly && kinship != Wire.Kinship.Parent) continue;
                answer.Relatives.Add(new Wire.Relative
                {
                    Person = Show(relative.Id, Decide(relative.Id)), Kinship = kinship, SameHousehold = relative.HouseholdNumber == world.Home.Number,
                });
            }
        }

        if (decision.Visible.Contains(Wire.ConfidentialityClass.Involvement)) answer.Involvements.Add(Involvements(unitId, personId));
        withheld |= Naive.Carries(Wire.LookUpHouseholdResponse.Descriptor).Without(visible);
        return new Expected<Wire.LookUpHouseholdResponse>(Naive.Redact(answer, visible), [.. rules], withheld);

        Decision Decide(Guid id)
        {
            var one = policy.Decide(Ask(unitId, context, JurisdictionOf(id)) with
            {
                Relationships = relationships, ProtectedAddress = IsProtected(id), Agenda = ClassSet.FromWire(InvitationAbout(unitId, context, personId)?.Agenda ?? []),
            });
            rules.UnionWith(one.Rules);
            visible |= one.Visible;
            return one;
        }

        Wire.Person Show(Guid id, Decision one)
        {
            withheld |= Naive.Carries(Wire.Person.Descriptor).Without(one.Visible);
            return Naive.Redact(Person(id), one.Visible);
        }
    }

    /// <summary>Persons of the world, with their numbers and names as one would ask for them.</summary>
    public IEnumerable<(Guid Id, string NationalId, string Name, string BirthDate)> Persons()
    {
        foreach (var id in world.Home.Members.Where(m => m.DeathDate is null).Select(m => m.Id).Concat(world.Strangers.Keys))
        {
            var person = Person(id);
            yield return (id, person.NationalId, person.Name, person.BirthDate);
        }
    }

    private NeedToKnowQuestion Ask(string unitId, Wire.AccessContext context, Wire.Jurisdiction resource)
    {
        var unit = members.FindUnit(unitId)!;
        return new NeedToKnowQuestion
        {
            AgencyKind = unit.Agency.Kind, UnitKind = unit.Kind, CallerJurisdiction = unit.Agency.Jurisdiction, Holdable = ClassSet.FromWire(unit.Agency.Classes),
            Purpose = context.Purpose, LegalBasis = context.LegalBasis, Relationships = RelationshipSet.None, ResourceJurisdiction = resource,
            On = CivilDate.InTaiwan(now),
        };
    }

    private Wire.Referral Whole(MadeReferral referral, bool showIds)
    {
        var request = referral.Request;
        var whole = new Wire.Referral
        {
            ReferralId = referral.Id, State = referral.State, FromUnitId = referral.From, ToUnitId = referral.To, Services = { request.Services }, Facts = { request.Facts },
            SourceSystem = request.SourceSystem, CaseId = request.CaseId, Protective = request.Protective, CreatedAt = new Timestamp { Seconds = 1 },
        };
        foreach (var (subject, id) in request.Subjects.Zip(referral.Subjects))
        {
            var shown = subject.Clone();
            shown.PersonId = showIds ? id.ToString() : "";
            whole.Subjects.Add(shown);
        }

        foreach (var move in referral.Moves)
        {
            whole.Moves.Add(new Wire.ReferralMove
            {
                Action = move.Action, State = move.State, MovedAt = new Timestamp { Seconds = 1 }, UnitId = move.UnitId, PersonId = move.PersonId, Remark = move.Remark,
            });
        }

        if (referral.State == Wire.ReferralState.Returned) whole.Missing.Add(Wire.MissingPart.Contact);
        if (referral.State == Wire.ReferralState.Declined) whole.DeclineReason = Wire.DeclineReason.NeedAlreadyMet;
        if (referral.State == Wire.ReferralState.Closed) whole.Outcome = Wire.ReferralOutcome.GoalsMet;
        return whole;
    }

    private static RelationshipSet OfReceiver(MadeReferral referral) => Served.Contains(referral.State)
        ? RelationshipSet.Of(Wire.Relationship.ReferredTo, Wire.Relationship.Serving)
        : RelationshipSet.Of(Wire.Relationship.ReferredTo);

    private static RelationshipSet OfPart(MadePart part) => part.Role switch
    {
        Wire.ParticipantRole.Primary => RelationshipSet.Of(Wire.Relationship.Primary),
        Wire.ParticipantRole.Serving => RelationshipSet.Of(Wire.Relationship.Serving),
        _ => RelationshipSet.None,
    };

    /// <summary>By the step that the access names; further steps of the unit with the same household add to it.</summary>
    private RelationshipSet OfHousehold(string unitId, Wire.AccessContext context, Guid personId)
    {
        var atHome = !world.Strangers.ContainsKey(personId);
        bool IsOfHousehold(Guid id) => id == personId || (atHome && !world.Strangers.ContainsKey(id));
        var (all, named) = (RelationshipSet.None, false);
        foreach (var referral in world.Referrals.Where(r => r.To == unitId && Open.Contains(r.State)))
        {
            // One that was made for a case is about its subjects; a first one about their household.
            if (!referral.Subjects.Any(id => referral.Request.CaseId.Length == 0 ? IsOfHousehold(id) : id == personId)) continue;
            all |= OfReceiver(referral);
            named |= context.ReferralId == referral.Id;
        }

        foreach (var shared in world.Cases)
        {
            if (shared.PartOf(unitId) is not { } part || OfPart(part) == RelationshipSet.None) continue;
            var reaches = part.Role == Wire.ParticipantRole.Primary ? shared.Subjects.Any(IsOfHousehold) : shared.ScopeOf(part).Contains(personId);
            if (!reaches) continue;
            all |= OfPart(part);
            named |= context.CaseId == shared.Id;
        }

        if (InvitationAbout(unitId, context, personId) is not null) (all, named) = (all | RelationshipSet.Of(Wire.Relationship.Conference), true);
        return named ? all : RelationshipSet.None;
    }

    /// <summary>The conference that a look-up names counts for the subjects of its case, whatever the purpose says.</summary>
    private MadeConference? InvitationAbout(string unitId, Wire.AccessContext context, Guid personId) => world.Conferences.Find(c =>
        c.Id == context.ConferenceId && c.Invited.Contains(unitId) && world.Cases.Any(shared => shared.Id == c.CaseId && shared.Subjects.Contains(personId)));

    private sealed record CaseView(MadeCase Shared, MadePart? Part, MadeConference? Conference, IReadOnlyList<Guid> Subjects, NeedToKnowQuestion Question, Decision Decision);

    /// <summary>By the unit's part in the case, or by the conference on it that the access names; null: neither, so there is no such case.</summary>
    private CaseView? View(string unitId, Wire.AccessContext context, string caseId)
    {
        if (world.Cases.Find(c => c.Id == caseId) is not { } shared) return null;
        var part = shared.PartOf(unitId) is { } one && OfPart(one) != RelationshipSet.None ? one : null;
        var conference = Invitation(unitId, context);
        if (conference?.CaseId != caseId) conference = null;
        if (part is null && conference is null) return null;
        IReadOnlyList<Guid> subjects = conference is not null ? shared.Subjects : [.. shared.ScopeOf(part!)];
        var question = Ask(unitId, context, shared.Jurisdiction) with
        {
            Relationships = (part is null ? RelationshipSet.None : OfPart(part)) | (conference is null ? RelationshipSet.None : RelationshipSet.Of(Wire.Relationship.Conference)),
            Agenda = ClassSet.FromWire(conference?.Agenda ?? []), ProtectedAddress = subjects.Any(IsProtected),
        };
        var decision = policy.Decide(question);
        return decision.Allowed && (part is not null || question.Relationships.Contains(Wire.Relationship.Conference))
            ? new CaseView(shared, shared.PartOf(unitId), conference, subjects, question, decision)
            : null;
    }

    private MadeConference? Invitation(string unitId, Wire.AccessContext context) => context.Purpose == Wire.Purpose.CaseConference
        ? world.Conferences.Find(c => c.Id == context.ConferenceId && c.Invited.Contains(unitId))
        : null;

    private bool MayRead(string unitId, CaseView view, MadeNote note)
    {
        bool IsShown(string to) => note.UnitId == to || note.Shares.Any(s => s.UnitId == to && IsOpen(s.Until));
        var share = note.Shares.FirstOrDefault(s => s.UnitId == unitId && IsOpen(s.Until));
        var own = note.UnitId == unitId;
        if (!IsShown(unitId) && !(view.Conference is { } conference && IsShown(conference.Convenor))) return false;
        var visible = policy.Decide(view.Question with
        {
            ProtectedAddress = view.Shared.Subjects.Any(IsProtected), OwnUnit = own, Supplied = own ? ClassSet.Of(note.Class) : ClassSet.None, SharedWithCaller = share is not null,
            ShareBasis = share?.LegalBasis ?? Wire.LegalBasis.Unspecified,
            Shared = share is null ? ClassSet.None : ClassSet.Of(note.Class, Wire.ConfidentialityClass.CaseNote),
        }).Visible;
        return visible.Contains(note.Class) && visible.Contains(Wire.ConfidentialityClass.CaseNote);
    }

    private static Wire.CaseNote ToWire(string unitId, MadeNote note)
    {
        var wire = new Wire.CaseNote
        {
            NoteId = note.Id, ConfidentialityClass = note.Class, AuthorUnitId = note.UnitId, AuthorPersonId = note.PersonId, WrittenAt = new Timestamp { Seconds = 1 }, Text = note.Text,
        };
        if (note.UnitId == unitId) wire.Shares.Add(note.Shares);
        return wire;
    }

    private List<Wire.Involvement> Involvements(string unitId, Guid personId)
    {
        var household = world.Strangers.ContainsKey(personId) ? [personId] : world.Home.Members.Select(m => m.Id).ToHashSet();
        var serving = world.Referrals.Where(r => Served.Contains(r.State) && r.Subjects.Any(household.Contains)).Select(r => (UnitId: r.To, IsPrimary: false))
            .Concat(world.Cases.Where(c => c.Subjects.Any(household.Contains)).SelectMany(c => c.Parts).Where(p => OfPart(p) != RelationshipSet.None)
                .Select(p => (p.UnitId, IsPrimary: p.Role == Wire.ParticipantRole.Primary)));
        var found = new List<Wire.Involvement>();
        foreach (var group in serving.GroupBy(s => s.UnitId, StringComparer.Ordinal).Where(g => g.Key != unitId).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var unit = members.FindUnit(group.Key)!;
            var pointer = new Wire.Involvement { ContactWindow = unit.Registered.ContactWindow, Grade = Wire.InvolvementGrade.Protected };
            if (unit.Kind is not (Wire.UnitKind.ProtectionCenter or Wire.UnitKind.WomenChildrenPolice))
            {
                (pointer.Grade, pointer.AgencyKind) = (Wire.InvolvementGrade.System, unit.Agency.Kind);
                if (unit.Agency.Kind is not (Wire.AgencyKind.Health or Wire.AgencyKind.Justice))
                    (pointer.Grade, pointer.UnitId, pointer.Primary) = (Wire.InvolvementGrade.Unit, unit.UnitId, group.Any(s => s.IsPrimary));
            }

            found.Add(pointer);
        }

        return found;
    }

    private bool IsOpen(Timestamp? until) => until is null || now < until.ToDateTimeOffset();

    /// <summary>The address of a home is protected when that of one who lives there is.</summary>
    private bool IsProtected(Guid id) => Population.HomeOf(id) is { } home && home.Members.Any(m => m.DeathDate is null && (m.IsProtected || world.Protected.Contains(m.Id)));

    private Wire.Jurisdiction JurisdictionOf(Guid id) => world.Strangers.TryGetValue(id, out var stranger)
        ? stranger.Jurisdiction
        : CodeNames.TryParse(Population.HomeOf(id)!.JurisdictionCode, out Wire.Jurisdiction jurisdiction) ? jurisdiction : Wire.Jurisdiction.Unspecified;

    private Wire.Person Person(Guid id)
    {
        if (world.Strangers.TryGetValue(id, out var stranger))
            return new Wire.Person { PersonId = id.ToString(), NationalId = stranger.Subject.NationalId, Name = stranger.Subject.Name, BirthDate = stranger.Subject.BirthDate };
        var (person, home) = (Population.Find(id), Population.HomeOf(id)!);
        return new Wire.Person
        {
            PersonId = id.ToString(), NationalId = person.NationalId.Canonical, Name = person.Name, RomanizedName = person.RomanisedName ?? "", Sex = (Wire.Sex)(int)person.Sex,
            BirthDate = $"{person.BirthDate:yyyy-MM-dd}", Address = home.Address, Phone = person.Phone,
        };
    }

    /// <summary>The invented population, found by id.</summary>
    private static class Population
    {
        private static readonly Dictionary<Guid, SyntheticPerson> ById = Hosting.Some.Population.ToDictionary(p => p.Id);

        private static readonly Dictionary<int, SyntheticPerson> ByNumber = Hosting.Some.Population.ToDictionary(p => p.Number);

        private static readonly Dictionary<int, SyntheticHousehold> Homes = Hosting.Some.Homes.ToDictionary(h => h.Number);

        private static readonly ILookup<int, SyntheticPerson> Children = ById.Values.SelectMany(child => ParentNumbers(child).Select(parent => (parent, child))).ToLookup(p => p.parent, p => p.child);

        public static SyntheticPerson Find(Guid id) => ById[id];

        public static SyntheticHousehold? HomeOf(Guid id) => ById.TryGetValue(id, out var person) ? Homes[person.HouseholdNumber] : null;

        /// <summary>Relatives by blood to the second degree who live, nearest first, then by id.</summary>
        public static List<(SyntheticPerson Person, Wire.Kinship Kinship)> KinOf(Guid id)
        {
            var person = ById[id];
            var found = new Dictionary<int, Wire.Kinship>();
            var parents = ParentNumbers(person).Select(n => ByNumber[n]).ToList();
            var children = Children[person.Number].ToList();
            Add(parents, Wire.Kinship.Parent);
            Add(children, Wire.Kinship.Child);
            Add(parents.SelectMany(ParentNumbers).Select(n => ByNumber[n]), Wire.Kinship.Grandparent);
            Add(children.SelectMany(c => Children[c.Number]), Wire.Kinship.Grandchild);
            Add(parents.SelectMany(p => Children[p.Number]), Wire.Kinship.Sibling);
            return [.. found.Select(f => (ByNumber[f.Key], f.Value)).Where(f => f.Item1.DeathDate is null)
                .OrderBy(f => f.Value).ThenBy(f => f.Item1.Id.ToString(), StringComparer.Ordinal)];

            void Add(IEnumerable<SyntheticPerson> people, Wire.Kinship kinship)
            {
                foreach (var one in people)
                    if (one.Number != person.Number) found.TryAdd(one.Number, kinship);
            }
        }

        private static IEnumerable<int> ParentNumbers(SyntheticPerson person) => ((int?[])[person.FatherNumber, person.MotherNumber]).OfType<int>();
    }
}
