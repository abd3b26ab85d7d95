using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>How the acting unit may see a case: by its part in it, by the conference that it is invited to, or by a grant or break-glass on one of its subjects.</summary>
/// <param name="Decision">What it may see.</param>
/// <param name="Question">What was decided on; what is decided about parts of the case starts from it.</param>
/// <param name="Part">Its part in the case; null: it is invited to a conference only.</param>
/// <param name="Invitation">The conference that the access names; null: the access is for another thing.</param>
/// <param name="Subjects">Subjects that it may see something of.</param>
/// <param name="Permission">Grant or break-glass that the access names; none: it stands on a part or an invitation.</param>
internal sealed record CaseView(
    Decision Decision, NeedToKnowQuestion Question, CaseParticipant? Part, ConferenceLink? Invitation, IReadOnlyList<Guid> Subjects, Standing Permission)
{
    /// <summary>The part, where the method is for those who take part.</summary>
    public CaseParticipant OwnPart => Part ?? throw new Refusal(Wire.ErrorReason.NotFound);

    private NeedToKnowQuestion? _aboutAnybody;

    /// <summary>The case has ended: its status is shown and nothing else.</summary>
    public bool IsOver { get; init; }

    /// <summary>The question about what may tell of anybody of the case, whatever the reader's scope; looked up once, however many notes there are.</summary>
    public NeedToKnowQuestion AboutAnybody(Call call, SharedCase shared) => _aboutAnybody ??= CasePolicy.WithWhereabouts(call, Question, shared.Subjects);
}

/// <summary>Facts of a case and its notes for the need-to-know decision.</summary>
internal static class CasePolicy
{
    /// <summary>Classes that a unit serving the person sees only where they are on its scope (R-NTK-9).</summary>
    public static readonly ClassSet Protective =
        ClassSet.Of(Wire.ConfidentialityClass.DomesticViolence, Wire.ConfidentialityClass.SexualAssault, Wire.ConfidentialityClass.ChildProtection);

    /// <summary>Classes of texts by which somebody may be found (R-NTK-10).</summary>
    public static readonly ClassSet Whereabouts = ClassSet.Of(Wire.ConfidentialityClass.Contact, Wire.ConfidentialityClass.Household);

    /// <summary>The case that a request names, where the acting unit takes part in it or names what opens it; to everybody else there is none.</summary>
    public static SharedCase RequireCase(this Call call, string caseId) => call.RequireCase(Guid.Parse(caseId));

    /// <summary>The same by the id that another thing names.</summary>
    public static SharedCase RequireCase(this Call call, Guid id)
    {
        call.Touches("case", id);
        // Asked first: a case of others costs what none costs (R-NTK-14).
        var (context, unitId) = (call.Context!, call.Unit.UnitId);
        var isNamed = context.ReferenceCase switch
        {
            Wire.AccessContext.ReferenceOneofCase.ConferenceId => Reach.IsInvitedTo(call.Read, Guid.Parse(context.ConferenceId), unitId),
            Wire.AccessContext.ReferenceOneofCase.GrantId => Reach.HasGrant(call.Read, Guid.Parse(context.GrantId), unitId),
            Wire.AccessContext.ReferenceOneofCase.BreakGlassId => Reach.BrokeGlass(call.Read, Guid.Parse(context.BreakGlassId), unitId),
            _ => false,
        };
        if (!Reach.IsPartOf(call.Read, id, unitId) && !isNamed) throw new Refusal(Wire.ErrorReason.NotFound);
        return call.Read.FindCase(id) ?? throw new Refusal(Wire.ErrorReason.NotFound);
    }

    /// <summary>The record of the call names the subjects that it may see something of.</summary>
    public static void Concerns(this Call call, CaseView view)
    {
        foreach (var id in view.Subjects)
            if (call.Read.FindPerson(call.Vault, id) is { } person) call.Concerns(person);
    }

    /// <summary>Decides on the case for the acting unit by its part in it, or by what the access names: a conference, a grant, a break-glass; none of them, no case.</summary>
    public static CaseView DecideOn(this Call call, SharedCase shared)
    {
        var isOpen = shared.File.State == Wire.CaseState.Open;
        var part = isOpen ? shared.PartOf(call.Unit.UnitId) : null;
        var invitation = isOpen ? InvitationTo(call, shared) : null;
        var taking = part is null ? RelationshipSet.None : Standing.OfParticipant(part.Role);
        if (isOpen && taking == RelationshipSet.None && FindPermission(call, shared) is var (permission, permitted))
        {
            var asked = WithWhereabouts(call, call.Ask(permission.Relationships, shared.File.Jurisdiction) with
            {
                Granted = permission.Granted, BreakGlass = permission.BreakGlass,
            }, [permitted]);
            return new CaseView(call.Decide(asked), asked, Part: null, Invitation: null, [permitted], permission);
        }

        if (!isOpen && shared.PartOf(call.Unit.UnitId) is { } had && Standing.OfParticipant(had.Role) is var stood && stood != RelationshipSet.None)
        {
            // The step is over, and with it the view (R-NTK-17); that it is over, and where it went, stays known to the unit that took part to its end.
            var ended = call.Ask(stood, shared.File.Jurisdiction) with { Holdable = ClassSet.None };
            return new CaseView(call.Decide(ended), ended, Part: null, Invitation: null, [], Standing.None) { IsOver = true };
        }

        var relationships = taking;
        if (invitation is not null) relationships |= RelationshipSet.Of(Wire.Relationship.Conference);
        IReadOnlyList<Guid> subjects = invitation is not null ? shared.Subjects : part is null ? [] : [.. shared.SubjectsOf(part)];
        var question = call.Ask(relationships, shared.File.Jurisdiction) with
        {
            ServiceScope = taking == RelationshipSet.None ? ClassSet.None : part!.Protective.At(call.Now),
            Agenda = invitation is { } link ? new ClassSet(link.Agenda) : ClassSet.None,
        };
        question = WithWhereabouts(call, question, subjects);
        return new CaseView(call.Decide(question), question, part, invitation, subjects, Standing.None);
    }

    /// <summary>
    /// May the acting unit read this note? Its own always; another's where that unit shared it with this one, the share has not ended, and the note's own
    /// class is permitted too (R-NTK-8, R-NTK-17). At a conference: what its convenor may itself read, as far as the agenda lists the class. By a grant, where it
    /// opens CASE_NOTE and that class (R-NTK-12); by a break-glass, where the note is of a class that is open to it, so not a worker's own record (R-NTK-11).
    /// </summary>
    public static bool MayRead(this Call call, SharedCase shared, CaseView view, CaseNote note, IReadOnlyList<NoteShareRow> shares)
    {
        var own = IsBy(note, call.Unit.UnitId);
        var share = OpenShare(shares, call.Unit.UnitId, call.Now);
        var onTheTable = view.Invitation is { } link && (IsBy(note, link.ConvenorUnitId) || OpenShare(shares, link.ConvenorUnitId, call.Now) is not null);
        if (!own && share is null && !onTheTable && view.Permission.Granted.IsEmpty && !view.Permission.BreakGlass) return false;
        // A note may tell of anybody of the case, whatever the reader's scope: one whose whereabouts are protected withholds the contact of all (R-NTK-10).
        var decision = call.Consider(view.AboutAnybody(call, shared) with
        {
            BreakGlass = view.Permission.BreakGlass && note.ConfidentialityClass != Wire.ConfidentialityClass.CaseNote,
            OwnUnit = own,
            Supplied = own ? ClassSet.Of(note.ConfidentialityClass) : ClassSet.None,
            SharedWithCaller = share is not null,
            ShareBasis = share?.LegalBasis ?? Wire.LegalBasis.Unspecified,
            Shared = share is null ? ClassSet.None : ClassSet.Of(note.ConfidentialityClass, Wire.ConfidentialityClass.CaseNote),
        });
        return decision.Visible.Contains(Wire.ConfidentialityClass.CaseNote) && decision.Visible.Contains(note.ConfidentialityClass);
    }

    /// <summary>
    /// Protective classes go onto a scope by the primary unit or a protection centre that takes part, and only those that it may see itself (R-NTK-9).
    /// </summary>
    public static ProtectiveScope RequireProtective(this Call call, CaseView view, string unitId, IReadOnlyList<Wire.ConfidentialityClass> classes, Timestamp? until)
    {
        if (until is not null && classes.Count == 0) throw Refusal.InvalidField(new FieldFault("protective_until", FieldFaultKind.NotAllowedHere));
        if (until?.ToDateTimeOffset() <= call.Now) throw Refusal.InvalidField(new FieldFault("protective_until", FieldFaultKind.NotInTheFuture));
        var asked = ClassSet.None;
        for (var i = 0; i < classes.Count; i++)
        {
            if (!Protective.Contains(classes[i])) throw Refusal.InvalidField(new FieldFault($"protective_classes[{i}]", FieldFaultKind.NotAllowedHere));
            if (asked.Contains(classes[i])) throw Refusal.InvalidField(new FieldFault($"protective_classes[{i}]", FieldFaultKind.Duplicate));
            if (!view.Decision.Visible.Contains(classes[i]))
                throw new Refusal(Wire.ErrorReason.ViewNotPermitted, ("class", CodeText.Of(classes[i])), ("unit_id", unitId), ("rule", "R-NTK-9"));
            asked |= ClassSet.Of(classes[i]);
        }

        return new ProtectiveScope(asked.Bits, until is null ? null : Instants.Whole(until.ToDateTimeOffset()));
    }

    /// <summary>Of the classes of a referral's view those that its sender may put onto the scope of the receiver's service (R-NTK-9).</summary>
    public static ClassSet ProtectiveBy(this Call call, SharedCase shared, Unit sender, Wire.LegalBasis basis, ClassSet view)
    {
        var found = ClassSet.None;
        if (shared.PartOf(sender.UnitId) is not { } part || !MaySetScope(sender, part)) return found;
        foreach (var one in (view & Protective).InTableOrder())
            if (call.MayHold(sender, basis, one, Standing.OfParticipant(part.Role), part.Protective.At(call.Now))) found |= ClassSet.Of(one);
        return found;
    }

    public static bool MaySetScope(Unit unit, CaseParticipant part) => part.Role == Wire.ParticipantRole.Primary
        || (part.Role == Wire.ParticipantRole.Serving && unit.Kind == Wire.UnitKind.ProtectionCenter);

    private static ConferenceLink? InvitationTo(Call call, SharedCase shared)
    {
        var context = call.Context!;
        if (context.Purpose != Wire.Purpose.CaseConference || context.ReferenceCase != Wire.AccessContext.ReferenceOneofCase.ConferenceId) return null;
        var conferenceId = Guid.Parse(context.ConferenceId);
        foreach (var link in Links.OfPerson(call.Read, shared.Subjects[0]).Conferences)
        {
            if (link.ConferenceId == conferenceId && link.CaseId == shared.File.CaseId && string.Equals(link.UnitId, call.Unit.UnitId, StringComparison.Ordinal)
                && call.Now < Standing.EndOfInvitation(link.MeetingAt)) return link;
        }

        return null;
    }

    /// <summary>The grant on a subject of this case, or the broken glass for one, that the access names, with its subject.</summary>
    private static (Standing Permission, Guid Subject)? FindPermission(Call call, SharedCase shared)
    {
        if (!call.NamesPermission()) return null;
        foreach (var subject in shared.Subjects)
        {
            var links = Links.OfPerson(call.Read, subject);
            var standing = call.StandingByPermission(links with { Grants = [.. links.Grants.Where(g => g.CaseId == shared.File.CaseId)] }, subject);
            if (!standing.Relationships.IsEmpty) return (standing, subject);
        }

        return null;
    }

    public static NeedToKnowQuestion WithWhereabouts(Call call, NeedToKnowQuestion question, IReadOnlyList<Guid> subjects)
    {
        var isProtected = question.Relationships != RelationshipSet.None && call.Read.HasProtected(subjects);
        return question with { ProtectedAddress = isProtected, ServesOtherParty = isProtected && call.Read.ServesOtherParty(call.Unit.UnitId, subjects) };
    }

    private static bool IsBy(CaseNote note, string unitId) => string.Equals(note.AuthorUnitId, unitId, StringComparison.Ordinal);

    private static NoteShareRow? OpenShare(IReadOnlyList<NoteShareRow> shares, string unitId, DateTimeOffset now) =>
        shares.FirstOrDefault(s => string.Equals(s.UnitId, unitId, StringComparison.Ordinal) && s.IsOpenAt(now));
}
