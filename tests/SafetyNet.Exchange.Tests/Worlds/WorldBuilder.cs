using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.BreakGlass;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.ReferralAction;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>Makes a world through the wire and keeps what it made; the same number gives the same world.</summary>
internal sealed class WorldBuilder
{
    private static readonly Wire.ConfidentialityClass[] FactClasses =
        [Economic, EducationRecord, EmploymentRecord, HealthRecord, MentalHealth, DomesticViolence, ChildProtection, CaseNote];

    private readonly TestExchange _exchange;
    private readonly Dice _dice;
    private readonly DateTimeOffset _end;
    private readonly World _world;

    /// <param name="exchange">Where; its registry has the world's units.</param>
    /// <param name="number">Which world.</param>
    /// <param name="end">Instant at which the worlds are looked at: views and shares end just before it, at it and just after it.</param>
    private WorldBuilder(TestExchange exchange, int number, DateTimeOffset end)
    {
        (_exchange, _dice, _end) = (exchange, new Dice((ulong)number + 1), end);
        var (child, mother, home) = Hosting.Some.HomeAt(number);
        _world = new World
        {
            Number = number, Cast = CastOf(exchange, number), OfficerOfTaoyuan = new The(exchange).OfficerOfTaoyuan, Child = child, Mother = mother, Home = home,
        };
    }

    private Cast Cast => _world.Cast;

    public static async Task<World> BuildAsync(TestExchange exchange, int number, DateTimeOffset end)
    {
        var builder = new WorldBuilder(exchange, number, end);
        await builder.BuildAsync();
        return builder._world;
    }

    /// <summary>Registers units of their own for so many worlds.</summary>
    public static Task RegisterAsync(TestExchange exchange, int worlds) => exchange.ChangeRegistryAsync(registry =>
    {
        for (var number = 0; number < worlds; number++)
        {
            foreach (var (like, name) in Roles)
            {
                var unit = registry.Units.Single(u => u.UnitId == like).Clone();
                (unit.UnitId, unit.Name) = (UnitId(number, name), $"{unit.Name} {number}");
                registry.Units.Add(unit);
            }
        }
    });

    private static readonly (string Like, string Name)[] Roles =
    [
        ("tpe-school", "school"), ("tpe-central-swc", "centre"), ("tpe-protection", "protection"), ("tpe-employment", "labor"), ("tpe-precinct", "precinct"),
        ("tpe-wcpc", "wcpc"), ("tpe-cmhc", "cmhc"), ("tao-central-swc", "tao"),
    ];

    private static string UnitId(int number, string name) => $"w{number:00}-{name}";

    private static Cast CastOf(TestExchange exchange, int number)
    {
        Party Enter(string jurisdiction, string agency, string name) =>
            new(exchange, SpiffeId.Of(jurisdiction, agency, "case-system"), UnitId(number, name), $"{char.ToUpperInvariant(name[0])}{number:000}", Wire.ActorRole.Worker);
        return new Cast(Enter("tpe", "edu", "school"), Enter("tpe", "dosw", "centre"), Enter("tpe", "dosw", "protection"), Enter("tpe", "labor", "labor"),
            Enter("tpe", "police", "precinct"), Enter("tpe", "police", "wcpc"), Enter("tpe", "health", "cmhc"), Enter("tao", "dosw", "tao"));
    }

    private async Task BuildAsync()
    {
        if (_world.Number % 5 is 1 or 3) Protect(_world.Number % 5 == 1 ? _world.Child.Id : _world.Mother.Id);
        // The first referrals of the worlds go through every state in turn.
        Wire.ReferralState[] states =
        [
            Wire.ReferralState.InService, Wire.ReferralState.Accepted, Wire.ReferralState.Closed, Wire.ReferralState.Seen, Wire.ReferralState.Accepted, Wire.ReferralState.Delivered,
            Wire.ReferralState.InService, Wire.ReferralState.Returned, Wire.ReferralState.Accepted, Wire.ReferralState.Declined, Wire.ReferralState.Withdrawn, Wire.ReferralState.Submitted,
        ];
        var first = await ReferAsync(Cast.School, Cast.Centre, Hosting.Some.SubjectOf(_world.Child, _dice.Falls(50) ? _world.Home : null));
        await BringToAsync(first, states[_world.Number % states.Length]);
        if (first.State is Wire.ReferralState.Accepted or Wire.ReferralState.InService) await OpenCaseAsync(first);
        if (_world.Number % 2 == 0) await BreakGlassAsync();
        if (_world.Number % 3 != 2) await CorrectAsync(first);
        foreach (var receiver in _dice.Some([Cast.Protection, Cast.Labor, Cast.MentalHealth, Cast.WomenPolice, Cast.Taoyuan], 35))
        {
            var whom = _dice.Falls(20) ? Stranger() : Hosting.Some.SubjectOf(_dice.Falls(50) ? _world.Child : _world.Mother);
            await BringToAsync(await ReferAsync(_dice.OneOf(Cast.School, Cast.Precinct), receiver, whom), _dice.OneOf(states));
        }

        if (_world.Number % 4 == 2) await BringToAsync(await ReferAsync(Cast.Taoyuan, Cast.Precinct, Hosting.Some.SubjectOf(_world.Mother)), _dice.OneOf(states));
    }

    private void Protect(Guid person)
    {
        _exchange.Query("UPDATE person SET is_protected = 1 WHERE person_id = $0", _ => 0, person.ToByteArray(bigEndian: true));
        _world.Protected.Add(person);
    }

    private static Wire.ReferralSubject Stranger() => Hosting.Some.Stranger();

    private async Task<MadeReferral> ReferAsync(Party from, Party to, Wire.ReferralSubject subject, MadeCase? inCase = null)
    {
        var unit = _exchange.Composition.Members.FindUnit(to.UnitId)!;
        var request = Hosting.Some.Referral(from, to.UnitId, subject, unit.Registered.Services[0], inCase?.Id);
        if (_dice.Falls(40)) request.Context.LegalBasis = Wire.LegalBasis.SubjectWaiver;
        foreach (var one in _dice.Some(FactClasses, 60).Where(one => MayHold(unit, request.Context.LegalBasis, one, Wire.Relationship.ReferredTo)))
        {
            request.View.Classes.Add(one);
            request.Facts.Add(Hosting.Some.Fact(one, $"事實 {_world.Number} {one} 由 {from.UnitId}"));
        }

        if (_dice.Falls(50)) request.View.Until = End();
        (request.SourceSystem, request.Protective) = (_dice.OneOf(Wire.SourceSystem.Unspecified, Wire.SourceSystem.CampusSafety), _dice.Falls(30));
        var made = await from.RefersAsync(request);
        var person = _exchange.Query("SELECT person_id FROM referral_subject WHERE referral_id = $0", r => new Guid(r.GetFieldValue<byte[]>(0), bigEndian: true), Bytes(made.ReferralId)).Single();
        if (_world.Home.Members.All(m => m.Id != person)) _world.Strangers.TryAdd(person, (subject, JurisdictionOf(from)));
        var referral = new MadeReferral { Id = made.ReferralId, Request = request, Jurisdiction = JurisdictionOf(from), Subjects = [person] };
        referral.Moves.Add(new MadeMove(Submit, referral.State, from.UnitId, from.PersonId, ""));
        _world.Referrals.Add(referral);
        Notice(to.UnitId, Wire.NoticeKind.ReferralReceived, referral, from.UnitId);
        return referral;
    }

    private async Task BringToAsync(MadeReferral referral, Wire.ReferralState target)
    {
        if (target == Wire.ReferralState.Withdrawn && _dice.Falls(50)) await DeliverAsync(Find(referral.To));
        if (target is not (Wire.ReferralState.Submitted or Wire.ReferralState.Withdrawn)) await DeliverAsync(Find(referral.To));
        Wire.ReferralAction[] steps = target switch
        {
            Wire.ReferralState.Seen => [See],
            Wire.ReferralState.Accepted => [See, Accept],
            Wire.ReferralState.InService => [See, Accept, BeginService],
            Wire.ReferralState.Closed => [See, Accept, BeginService, Close],
            Wire.ReferralState.Returned => [See, Return],
            Wire.ReferralState.Declined => [See, Decline],
            Wire.ReferralState.Withdrawn => [Withdraw],
            _ => [],
        };
        foreach (var step in steps) await MoveAsync(referral, step);
    }

    private async Task MoveAsync(MadeReferral referral, Wire.ReferralAction action)
    {
        var by = Find(action == Withdraw ? referral.From : referral.To);
        var remark = _dice.Falls(40) ? $"備註 {action} 由 {by.UnitId}" : "";
        referral.State = (await by.MovesAsync(action, referral.Id, remark: remark)).State;
        referral.Moves.Add(new MadeMove(action, referral.State, by.UnitId, by.PersonId, remark));
        if (action == Accept && referral.Request.CaseId.Length > 0) Join(referral);
        Notice(action == Withdraw ? referral.To : referral.From, Wire.NoticeKind.ReferralMoved, referral, by.UnitId);
    }

    /// <summary>Taking note of an inbox delivers all that waits in it.</summary>
    private async Task DeliverAsync(Party by)
    {
        await by.EmptiesInboxAsync();
        foreach (var referral in _world.Referrals.Where(r => r.To == by.UnitId && r.State == Wire.ReferralState.Submitted))
        {
            referral.State = Wire.ReferralState.Delivered;
            referral.Moves.Add(new MadeMove(Deliver, referral.State, by.UnitId, by.PersonId, ""));
            Notice(referral.From, Wire.NoticeKind.ReferralMoved, referral, by.UnitId);
        }
    }

    /// <summary>What follows from an acceptance for a case: the unit serves in it, within the referral's scope.</summary>
    private void Join(MadeReferral referral)
    {
        var shared = _world.Cases.Single(c => c.Id == referral.Request.CaseId);
        if (shared.PartOf(referral.To) is { } part)
        {
            if (part.Role == Wire.ParticipantRole.Primary) return;
            part.Role = Wire.ParticipantRole.Serving;
            if (part.Services.Count > 0) part.Services.UnionWith(referral.Request.Services);
            if (part.Persons.Count > 0) part.Persons.AddRange(referral.Subjects.Except(part.Persons).ToList());
        }
        else
        {
            shared.Parts.Add(new MadePart(referral.To, Wire.ParticipantRole.Serving, referral.Request.Services, referral.Subjects));
        }

        _world.Notices.Add(new MadeNotice(Primary(shared).UnitId, Wire.NoticeKind.CaseJoined, "", shared.Id, referral.To));
    }

    private async Task OpenCaseAsync(MadeReferral referral)
    {
        var further = _dice.Falls(60) ? [_world.Mother.Id] : Array.Empty<Guid>();
        var opened = await Cast.Centre.OpensCaseAsync(referral.Id, further);
        var shared = new MadeCase
        {
            Id = opened.CaseId, Jurisdiction = Wire.Jurisdiction.Tpe, Subjects = [.. referral.Subjects.Concat(further).OrderBy(id => id.ToString(), StringComparer.Ordinal)],
        };
        shared.Parts.Add(new MadePart(Cast.Centre.UnitId, Wire.ParticipantRole.Primary, [], []));
        _world.Cases.Add(shared);
        foreach (var unit in _dice.Some([Cast.MentalHealth, Cast.Protection, Cast.WomenPolice], 65))
        {
            var service = _exchange.Composition.Members.FindUnit(unit.UnitId)!.Registered.Services[0];
            Guid[] scope = _dice.Falls(40) ? [_dice.OneOf([.. shared.Subjects])] : [];
            await Cast.Centre.AsksInAsync(shared.Id, unit, service, scope);
            shared.Parts.Add(new MadePart(unit.UnitId, Wire.ParticipantRole.Invited, [service], scope));
            _world.Notices.Add(new MadeNotice(unit.UnitId, Wire.NoticeKind.CaseInvitation, "", shared.Id, Cast.Centre.UnitId));
            if (_dice.Falls(25)) continue;
            await unit.JoinsAsync(shared.Id);
            shared.PartOf(unit.UnitId)!.Role = Wire.ParticipantRole.Serving;
            _world.Notices.Add(new MadeNotice(Cast.Centre.UnitId, Wire.NoticeKind.CaseJoined, "", shared.Id, unit.UnitId));
        }

        if (_dice.Falls(70))
        {
            var whom = _dice.OneOf([.. shared.Subjects]) == _world.Child.Id ? _world.Child : further.Length > 0 ? _world.Mother : _world.Child;
            var job = await ReferAsync(Cast.Centre, Cast.Labor, Hosting.Some.SubjectOf(whom), shared);
            await BringToAsync(job, _dice.OneOf(Wire.ReferralState.Accepted, Wire.ReferralState.Accepted, Wire.ReferralState.Seen, Wire.ReferralState.Closed));
        }

        for (var i = _dice.Next(6); i >= 0; i--) await WriteAsync(shared);
        if (_dice.Falls(60)) await ConveneAsync(shared);
        foreach (var applicant in _dice.Some([Cast.School, Cast.Precinct], 40))
        {
            var applied = await applicant.AppliesAsync(applicant.Application(_exchange, _world.Child.NationalId.Canonical, Wire.ConfidentialityClass.Identity));
            var made = Made(applied, shared);
            if (_dice.Falls(50)) await GrantAsync(made, Wire.ConfidentialityClass.Identity);
        }

        await ApplyAsync(shared);
    }

    /// <summary>An application of the precinct that goes, by the number of the world, each way there is.</summary>
    private async Task ApplyAsync(MadeCase shared)
    {
        var unit = _exchange.Composition.Members.FindUnit(Cast.Precinct.UnitId)!;
        Wire.ConfidentialityClass[] classes = [.. ((Wire.ConfidentialityClass[])[Wire.ConfidentialityClass.Identity, Contact, Household, JuvenileJustice, Criminal])
            .Where(one => MayHold(unit, Wire.LegalBasis.Article6IntegratedService, one, Wire.Relationship.ReferredTo, Wire.Relationship.Serving))];
        var request = Cast.Precinct.Application(_exchange, _world.Child.NationalId.Canonical, classes);
        if (_world.Number % 5 == 2) request.Until = EndIn(_world.Number / 5 % 3);
        var made = Made(await Cast.Precinct.AppliesAsync(request), shared);
        switch (_world.Number % 5)
        {
            case 4:
                await Cast.Centre.RefusesAsync(made.Id);
                made.State = Wire.GrantState.Refused;
                Told(made, Wire.NoticeKind.GrantDecided);
                break;
            case 3:
                await GrantAsync(made, classes);
                await Cast.Centre.RevokesAsync(made.Id);
                made.State = Wire.GrantState.Revoked;
                Told(made, Wire.NoticeKind.GrantChanged);
                break;
            case 1:
                await GrantAsync(made, classes);
                (made.Granted, made.GrantedUntil) = ([Wire.ConfidentialityClass.Identity], EndIn(2).ToDateTimeOffset());
                await Cast.Centre.NarrowsAsync(made.Id, EndIn(2), Wire.ConfidentialityClass.Identity);
                Told(made, Wire.NoticeKind.GrantChanged);
                break;
            default:
                await GrantAsync(made, classes);
                break;
        }
    }

    private MadeGrant Made(Wire.Grant applied, MadeCase shared)
    {
        var made = new MadeGrant
        {
            Id = applied.GrantId, Applicant = applied.FromUnitId, Primary = Cast.Centre.UnitId, CaseId = shared.Id, AskedUntil = applied.Until.ToDateTimeOffset(),
        };
        _world.Grants.Add(made);
        _world.Notices.Add(new MadeNotice(made.Primary, Wire.NoticeKind.GrantApplied, "", shared.Id, made.Applicant, made.Id));
        return made;
    }

    private async Task GrantAsync(MadeGrant made, params Wire.ConfidentialityClass[] classes)
    {
        await Cast.Centre.GrantsAsync(made.Id, classes);
        (made.State, made.Granted, made.GrantedUntil) = (Wire.GrantState.Granted, classes, made.AskedUntil);
        Told(made, Wire.NoticeKind.GrantDecided);
    }

    private void Told(MadeGrant made, Wire.NoticeKind kind) => _world.Notices.Add(new MadeNotice(made.Applicant, kind, "", "", made.Primary, made.Id));

    /// <summary>In every fourth world the glass is broken for the child and open; in another fourth a review has closed it.</summary>
    private async Task BreakGlassAsync()
    {
        var onDuty = Cast.Precinct.As(Wire.ActorRole.DutyOfficer, $"D{_world.Number:000}");
        var id = await GlassMoves.BreaksAsync(onDuty, _world.Child.NationalId.Canonical);
        // Of the case there is its primary unit is told, and of the review the unit that broke it; the officers are of no world.
        foreach (var shared in _world.Cases) _world.Notices.Add(new MadeNotice(Primary(shared).UnitId, Wire.NoticeKind.GlassBroken, "", shared.Id, onDuty.UnitId, id));
        var (isClosed, officer) = (_world.Number % 4 == 2, new The(_exchange).Officer);
        if (isClosed) _world.Notices.Add(new MadeNotice(onDuty.UnitId, Wire.NoticeKind.BreakGlassReviewed, "", "", officer.UnitId, id));
        if (isClosed) await GlassMoves.ReviewAsync(officer, id, Wire.BreakGlassVerdict.NotJustified);
        _world.Glasses.Add(new MadeGlass(id, Cast.Precinct.UnitId, isClosed));
    }

    private async Task CorrectAsync(MadeReferral referral)
    {
        var (from, to) = (Find(referral.From), Find(referral.To));
        var made = await from.CorrectsAsync(Wire.DisclosureStep.Referral, referral.Id, referral.Request.Subjects[0].NationalId, Contact);
        _world.Notices.Add(new MadeNotice(to.UnitId, Wire.NoticeKind.DataCorrected, "", "", from.UnitId, made.CorrectionId));
        var isAcknowledged = _world.Number / 12 % 2 == 0;
        if (isAcknowledged)
        {
            await to.AcknowledgesAsync(made.CorrectionId);
            _world.Notices.Add(new MadeNotice(from.UnitId, Wire.NoticeKind.CorrectionAcknowledged, "", "", to.UnitId, made.CorrectionId));
        }

        _world.Corrections.Add(new MadeCorrection(made.CorrectionId, referral, isAcknowledged));
    }

    private async Task ConveneAsync(MadeCase shared)
    {
        Party[] invited = [Cast.Precinct, .. _dice.Some([Cast.School, Cast.Labor, Cast.MentalHealth], 50)];
        Wire.ConfidentialityClass[] agenda = [Wire.ConfidentialityClass.Identity, .. _dice.Some([Household, CaseNote, MentalHealth], 60)];
        var convened = await Cast.Centre.ConvenesAsync(Cast.Centre.Conference(shared.Id, _end.AddDays(3), invited, agenda));
        _world.Conferences.Add(new MadeConference(convened.ConferenceId, shared.Id, Cast.Centre.UnitId, [.. invited.Select(p => p.UnitId)], agenda));
        foreach (var unit in invited) _world.Notices.Add(new MadeNotice(unit.UnitId, Wire.NoticeKind.ConferenceInvitation, "", shared.Id, Cast.Centre.UnitId, convened.ConferenceId));
    }

    private async Task WriteAsync(MadeCase shared)
    {
        var author = Find(_dice.OneOf([.. shared.Parts.Where(p => p.Role != Wire.ParticipantRole.Invited)]).UnitId);
        var one = _dice.OneOf(CaseNote, Economic, MentalHealth, EmploymentRecord, DomesticViolence, EducationRecord);
        var shares = new List<Wire.NoteShare>();
        foreach (var part in shared.Parts.Where(p => p.Role != Wire.ParticipantRole.Invited && p.UnitId != author.UnitId).ToList())
        {
            var basis = _dice.OneOf(Wire.LegalBasis.Article6IntegratedService, Wire.LegalBasis.SubjectWaiver);
            var relationship = part.Role == Wire.ParticipantRole.Primary ? Wire.Relationship.Primary : Wire.Relationship.Serving;
            if (_dice.Falls(30) || !MayHold(_exchange.Composition.Members.FindUnit(part.UnitId)!, basis, one, relationship)) continue;
            shares.Add(new Wire.NoteShare { UnitId = part.UnitId, LegalBasis = basis, Until = _dice.Falls(60) ? End() : null });
        }

        var text = $"紀錄 {_world.Number}/{shared.Notes.Count} {one}";
        var written = await author.WritesAsync(author.Note(shared.Id, one, text, [.. shares]));
        shared.Notes.Add(new MadeNote(written.NoteId, author.UnitId, author.PersonId, one, text, [.. shares.OrderBy(s => s.UnitId, StringComparer.Ordinal)]));
        foreach (var share in shares) _world.Notices.Add(new MadeNotice(share.UnitId, Wire.NoticeKind.NoteShared, "", shared.Id, author.UnitId));
    }

    private bool MayHold(Protocol.Identity.Unit unit, Wire.LegalBasis basis, Wire.ConfidentialityClass one, params Wire.Relationship[] relationships) =>
        unit.Agency.Classes.Contains(one) && _exchange.Composition.Policy.Current.MayHold(
            unit.Agency.Kind, unit.Kind, basis, one, RelationshipSet.Of(relationships), ClassSet.None, CivilDate.InTaiwan(_exchange.Clock.GetUtcNow()));

    /// <summary>A microsecond before the instant of looking, that very instant, or a microsecond after it.</summary>
    private Timestamp End() => EndIn(_dice.Next(3));

    private Timestamp EndIn(int which) => Timestamp.FromDateTimeOffset(_end.AddTicks((which - 1) * TimeSpan.TicksPerMicrosecond));

    private void Notice(string unitId, Wire.NoticeKind kind, MadeReferral referral, string cause) =>
        _world.Notices.Add(new MadeNotice(unitId, kind, referral.Id, referral.Request.CaseId, cause));

    private static MadePart Primary(MadeCase shared) => shared.Parts.Single(p => p.Role == Wire.ParticipantRole.Primary);

    private Party Find(string unitId) => Cast.All.Single(p => p.UnitId == unitId);

    private Wire.Jurisdiction JurisdictionOf(Party party) => party == Cast.Taoyuan ? Wire.Jurisdiction.Tao : Wire.Jurisdiction.Tpe;

    private static byte[] Bytes(string id) => Guid.Parse(id).ToByteArray(bigEndian: true);
}
