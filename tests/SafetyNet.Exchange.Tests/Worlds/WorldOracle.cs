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
internal sealed class WorldOracle(World world, NeedToKnowPolicy policy, MemberDirectory members, DateTimeOffset now, IReadOnlySet<Guid>? shielded = null)
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
        var permission = PermissionOf(unitId, context);
        var relationships = !NamesPermission(context) ? OfHousehold(unitId, context, personId) : permission?.Person == personId ? permission.Relationships : RelationshipSet.None;
        if (relationships == RelationshipSet.None) return Expected<Wire.LookUpHouseholdResponse>.NotFound;
        var rules = new SortedSet<string>(StringComparer.Ordinal);
        var (visible, withheld) = (ClassSet.None, ClassSet.None);
        var decision = Decide(personId);
        if (!decision.Allowed) return Expected<Wire.LookUpHouseholdResponse>.NotFound;
        var answer = new Wire.LookUpHouseholdResponse { Person = Show(personId, decision), RegisterSource = Wire.RegisterSource.Copy };
        if (decision.Visible.Contains(Wire.ConfidentialityClass.Household) && !world.Strangers.ContainsKey(personId))
        {
            var guardiansOnly = (decision.Obligations & Obligations.GuardiansOnly) != Obligations.None;
            var kin = Population.KinOf(personId);
            foreach (var member in world.Home.Members.Where(m => m.DeathDate is null && m.Id != personId))
            {
                if (guardiansOnly && !kin.Exists(k => k.Person.Id == member.Id && k.Kinship == Wire.Kinship.Parent)) continue;
                if (ShowOther(member.Id) is { } shown) answer.Members.Add(new Wire.HouseholdMember { Person = shown, Role = member.RelationText });
            }

            foreach (var (relative, kinship) in kin)
            {
                if (guardiansOnly && kinship != Wire.Kinship.Parent) continue;
                if (ShowOther(relative.Id) is not { } shown) continue;
                answer.Relatives.Add(new Wire.Relative
                {
                    Person = shown, Kinship = kinship, SameHousehold = relative.HouseholdNumber == world.Home.Number,
                });
            }
        }

        if (decision.Visible.Contains(Wire.ConfidentialityClass.Involvement)) answer.Involvements.Add(Involvements(unitId, personId));
        withheld |= Naive.Carries(Wire.LookUpHouseholdResponse.Descriptor).Without(visible);
        return new Expected<Wire.LookUpHouseholdResponse>(Naive.Redact(answer, visible), [.. rules], withheld);

        Decision Decide(Guid id, bool isOther = false)
        {
            // A grant tells of the others who they are, a break-glass what a serving unit sees (docs/decisions/0009, 0010).
            var granted = permission?.Granted ?? ClassSet.None;
            var one = policy.Decide(Ask(unitId, context, JurisdictionOf(id)) with
            {
                Relationships = RelationshipsTo(id), ProtectedAddress = IsProtected(id), Agenda = ClassSet.FromWire(InvitationAbout(unitId, context, personId)?.Agenda ?? []),
                Granted = isOther ? granted & ClassSet.Of(Wire.ConfidentialityClass.Identity) : granted, BreakGlass = permission is { BreakGlass: true } && !isOther,
            });
            rules.UnionWith(one.Rules);
            visible |= one.Visible;
            return one;
        }

        // Primary of one home is not primary of who is protected in another (R-NTK-10).
        RelationshipSet RelationshipsTo(Guid id) => relationships.Contains(Wire.Relationship.Primary) && IsProtected(id) && Population.HomeOf(id)!.Number is var home && home != Population.HomeOf(personId)?.Number
            && !world.Cases.Any(c => c.PartOf(unitId)?.Role == Wire.ParticipantRole.Primary && c.Subjects.Any(s => Population.HomeOf(s)?.Number == home))
            ? relationships.Without(Wire.Relationship.Primary) | RelationshipSet.Of(Wire.Relationship.Serving)
            : relationships;

        Wire.Person? ShowOther(Guid id) => !Decide(id).Visible.Contains(Wire.ConfidentialityClass.Household) ? null : Show(id, Decide(id, isOther: permission is not null));

        Wire.Person Show(Guid id, Decision one)
        {
            withheld |= Naive.Carries(Wire.Person.Descriptor).Without(one.Visible);
            return Naive.Redact(Person(id), one.Visible);
        }
    }

    /// <summary>State, classes and end of an application at the instant of looking, for its two ends; null: for nobody else.</summary>
    public string? Grant(string unitId, MadeGrant grant)
    {
        if (unitId != grant.Applicant && unitId != grant.Primary) return null;
        var hasEnded = (grant.State == Wire.GrantState.Applied && now >= grant.AskedUntil) || (grant.State == Wire.GrantState.Granted && now >= grant.GrantedUntil);
        return $"{(hasEnded ? Wire.GrantState.Expired : grant.State)} {string.Join(',', grant.Granted)} {grant.GrantedUntil:O}";
    }

    /// <summary>Corrections that a unit sent or received, newest first; a receiver is told of itself only.</summary>
    public IEnumerable<Wire.Correction> Corrections(string unitId, bool sent) => world.Corrections.Where(c => unitId == (sent ? c.Referral.From : c.Referral.To))
        .OrderByDescending(c => c.Id, StringComparer.Ordinal).Select(ToWire);

    /// <summary>A correction with its text, for its receiver while the view that it is about is open and shows how to reach the person.</summary>
    public Wire.GetCorrectionResponse? Correction(string unitId, Wire.AccessContext context, MadeCorrection correction)
    {
        var referral = correction.Referral;
        if (unitId != referral.To || !Open.Contains(referral.State) || !IsOpen(referral.Request.View.Until)) return null;
        var (person, step) = (referral.Subjects[0], context.Clone());
        step.ReferralId = referral.Id;
        var decision = policy.Decide(Ask(unitId, context, JurisdictionOf(person)) with { Relationships = OfHousehold(unitId, step, person), ProtectedAddress = IsProtected(person) });
        return !decision.Allowed ? null : Naive.Redact(
            new Wire.GetCorrectionResponse
            {
                Correction = ToWire(correction),
                Texts = { new Wire.CorrectedText { ConfidentialityClass = Wire.ConfidentialityClass.Contact, Wrong = "原載為三年級", Right = "應為四年級" } },
            },
            decision.Visible);
    }

    private static Wire.Correction ToWire(MadeCorrection made) => new()
    {
        CorrectionId = made.Id, Step = Wire.DisclosureStep.Referral, StepId = made.Referral.Id, ConfidentialityClass = Wire.ConfidentialityClass.Contact,
        FromUnitId = made.Referral.From, CorrectedAt = new Timestamp { Seconds = 1 },
        Receivers = { new Wire.CorrectionReceiver { UnitId = made.Referral.To, AcknowledgedAt = made.IsAcknowledged ? new Timestamp { Seconds = 1 } : null } },
    };

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

    private sealed record CaseView(
        MadeCase Shared, MadePart? Part, MadeConference? Conference, IReadOnlyList<Guid> Subjects, NeedToKnowQuestion Question, Decision Decision, Permission? Permission = null);

    /// <summary>What a grant or a break-glass that the access names opens of the child; <paramref name="CaseId"/> null: in whatever case.</summary>
    private sealed record Permission(Guid Person, string? CaseId, RelationshipSet Relationships, ClassSet Granted, bool BreakGlass);

    private static bool NamesPermission(Wire.AccessContext context) =>
        context.ReferenceCase is Wire.AccessContext.ReferenceOneofCase.GrantId or Wire.AccessContext.ReferenceOneofCase.BreakGlassId;

    /// <summary>Null: there is none of that id, it is not this unit's, it is not for this purpose and basis, or it has ended (R-NTK-11, R-NTK-12).</summary>
    private Permission? PermissionOf(string unitId, Wire.AccessContext context)
    {
        if (world.Grants.Find(g => g.Id == context.GrantId) is { } grant)
        {
            if (grant.Applicant != unitId || grant.State != Wire.GrantState.Granted || context.Purpose != Wire.Purpose.CaseCoordination || now >= grant.GrantedUntil) return null;
            var unit = members.FindUnit(unitId)!;
            var holdable = grant.Granted.Where(one => unit.Agency.Classes.Contains(one) && policy.MayHold(
                unit.Agency.Kind, unit.Kind, context.LegalBasis, one, RelationshipSet.Of(Wire.Relationship.ReferredTo, Wire.Relationship.Serving), ClassSet.None, CivilDate.InTaiwan(now)));
            return new Permission(world.Child.Id, grant.CaseId, RelationshipSet.Of(Wire.Relationship.None), ClassSet.FromWire(holdable), BreakGlass: false);
        }

        return world.Glasses.Exists(g => g.Id == context.BreakGlassId && g.UnitId == unitId && !g.IsClosed)
            && context is { Purpose: Wire.Purpose.CrisisResponse, LegalBasis: Wire.LegalBasis.ImminentDanger }
            ? new Permission(world.Child.Id, CaseId: null, RelationshipSet.Of(Wire.Relationship.Serving), ClassSet.None, BreakGlass: true)
            : null;
    }

    /// <summary>By the unit's part in the case, or by the conference on it that the access names; null: neither, so there is no such case.</summary>
    private CaseView? View(string unitId, Wire.AccessContext context, string caseId)
    {
        if (world.Cases.Find(c => c.Id == caseId) is not { } shared) return null;
        var part = shared.PartOf(unitId) is { } one && OfPart(one) != RelationshipSet.None ? one : null;
        var conference = Invitation(unitId, context);
        if (conference?.CaseId != caseId) conference = null;
        if (part is null && NamesPermission(context)) return ViewByPermission(unitId, context, shared);
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

    private CaseView? ViewByPermission(string unitId, Wire.AccessContext context, MadeCase shared)
    {
        if (PermissionOf(unitId, context) is not { } permission || !shared.Subjects.Contains(permission.Person) || (permission.CaseId ?? shared.Id) != shared.Id) return null;
        var question = Ask(unitId, context, shared.Jurisdiction) with
        {
            Relationships = permission.Relationships, Granted = permission.Granted, BreakGlass = permission.BreakGlass, ProtectedAddress = IsProtected(permission.Person),
        };
        var decision = policy.Decide(question);
        return decision.Allowed ? new CaseView(shared, null, null, [permission.Person], question, decision, permission) : null;
    }

    private MadeConference? Invitation(string unitId, Wire.AccessContext context) => context.Purpose == Wire.Purpose.CaseConference
        ? world.Conferences.Find(c => c.Id == context.ConferenceId && c.Invited.Contains(unitId))
        : null;

    private bool MayRead(string unitId, CaseView view, MadeNote note)
    {
        bool IsShown(string to) => note.UnitId == to || note.Shares.Any(s => s.UnitId == to && IsOpen(s.Until));
        var share = note.Shares.FirstOrDefault(s => s.UnitId == unitId && IsOpen(s.Until));
        var own = note.UnitId == unitId;
        var isPermitted = view.Permission is { BreakGlass: true } or { Granted.IsEmpty: false };
        if (!IsShown(unitId) && !(view.Conference is { } conference && IsShown(conference.Convenor)) && !isPermitted) return false;
        var visible = policy.Decide(view.Question with
        {
            // A break-glass opens notes of the safety classes, not a worker's own record.
            BreakGlass = view.Permission is { BreakGlass: true } && note.Class != Wire.ConfidentialityClass.CaseNote,
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
            Version = 1,
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

    /// <summary>The address of a home is protected when that of one who lives there is. Families of worlds on one server are related: what one protects is protected to the others.</summary>
    private bool IsProtected(Guid id) => Population.HomeOf(id) is { } home && home.Members.Any(m => m.DeathDate is null && (m.IsProtected || (shielded ?? world.Protected).Contains(m.Id)));

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
