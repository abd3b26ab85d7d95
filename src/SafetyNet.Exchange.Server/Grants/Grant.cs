using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Grants;

/// <summary>Who of the two ends of an application asks.</summary>
internal enum GrantParty
{
    /// <summary>The unit that applied.</summary>
    Applicant,

    /// <summary>The unit that is primary of the case now.</summary>
    Primary,
}

/// <summary>One line of the table of moves; every move is the primary unit's.</summary>
internal readonly record struct GrantTransition(Wire.GrantState From, Wire.GrantAction Action, Wire.GrantState To);

/// <summary>
/// An application for a view of one person's data, and the grant that it becomes (權限申請, R-NTK-12). That it expired is derived from its end, never
/// stored. Whom it is about and why lies sealed.
/// </summary>
internal sealed class Grant : IVersioned, IFamilyFact, INamesPersons
{
    /// <summary>Longest time a grant is open, from the application on.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(90);

    /// <summary>Every move there is (R-NTK-12).</summary>
    public static readonly IReadOnlyList<GrantTransition> Transitions =
    [
        new(Wire.GrantState.Applied, Wire.GrantAction.Grant, Wire.GrantState.Granted),
        new(Wire.GrantState.Applied, Wire.GrantAction.Refuse, Wire.GrantState.Refused),
        new(Wire.GrantState.Granted, Wire.GrantAction.Narrow, Wire.GrantState.Granted),
        new(Wire.GrantState.Granted, Wire.GrantAction.Revoke, Wire.GrantState.Revoked),
    ];

    public Guid GrantId { get; set; }

    public string FromUnitId { get; set; } = "";

    /// <summary>Jurisdiction of the applicant, whose keys seal the content.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>Person it is about; null: no register knows the person.</summary>
    public Guid? PersonId { get; set; }

    /// <summary>Open case whose primary unit decides; null: there was none, and nobody ever decides.</summary>
    public Guid? CaseId { get; set; }

    /// <summary>As stored: EXPIRED is none of these.</summary>
    public Wire.GrantState State { get; set; }

    /// <summary>Classes asked for, as bits of the code table.</summary>
    public uint Classes { get; set; }

    public Wire.Purpose Purpose { get; set; }

    public Wire.LegalBasis LegalBasis { get; set; }

    public DateTimeOffset AppliedAt { get; set; }

    /// <summary>End asked for.</summary>
    public DateTimeOffset Until { get; set; }

    /// <summary>Classes granted, as bits of the code table; 0: none yet.</summary>
    public uint GrantedClasses { get; set; }

    /// <summary>End of the grant, exclusive; null: not granted.</summary>
    public DateTimeOffset? GrantedUntil { get; set; }

    /// <summary>Why it was refused or revoked; UNSPECIFIED: neither.</summary>
    public Wire.GrantRefusal Reason { get; set; }

    public DateTimeOffset MovedAt { get; set; }

    /// <summary>National id and justification, as a sealed <see cref="Wire.Grant"/>.</summary>
    public byte[] Sealed { get; set; } = [];

    public int Version { get; set; }

    /// <summary>A grant belongs to the family of its person; that of nobody is shown by none.</summary>
    public IEnumerable<Guid> AffectedIds() => PersonId is { } person ? [person] : [];

    /// <summary>Where it stands at an instant: an application or grant whose end has passed is EXPIRED.</summary>
    public Wire.GrantState StateAt(DateTimeOffset now) => State switch
    {
        Wire.GrantState.Applied when now >= Until => Wire.GrantState.Expired,
        Wire.GrantState.Granted when now >= GrantedUntil => Wire.GrantState.Expired,
        _ => State,
    };

    /// <summary>Moves that the primary unit may make in a state.</summary>
    public static IEnumerable<Wire.GrantAction> Allowed(Wire.GrantState state) => Transitions.Where(t => t.From == state).Select(t => t.Action);

    /// <summary>Moves it, or refuses with what is allowed.</summary>
    public void Move(Wire.GrantAction action, GrantParty party, DateTimeOffset now)
    {
        if (party != GrantParty.Primary) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "primary"));
        var state = StateAt(now);
        foreach (var transition in Transitions)
        {
            if (transition.From != state || transition.Action != action) continue;
            (State, MovedAt) = (transition.To, now);
            return;
        }

        throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(state)), ("action", CodeText.Of(action)),
            ("allowed", string.Join(", ", Allowed(state).Select(a => CodeText.Of(a)))));
    }

    /// <summary>Sets what is open from now on: within what was asked for, or within what is open already; never more.</summary>
    /// <param name="classes">Classes that stay; empty: all of them.</param>
    /// <param name="until">End; null: as it is.</param>
    /// <param name="now">Instant of the call.</param>
    public void Open(ClassSet classes, DateTimeOffset? until, DateTimeOffset now)
    {
        var (most, latest) = (new ClassSet(GrantedClasses == 0 ? Classes : GrantedClasses), GrantedUntil ?? Until);
        if (!most.ContainsAll(classes)) throw Refusal.InvalidField(new FieldFault("classes", FieldFaultKind.NotAllowedHere));
        if (until <= now) throw Refusal.InvalidField(new FieldFault("until", FieldFaultKind.NotInTheFuture));
        if (until > latest) throw Refusal.InvalidField(new FieldFault("until", FieldFaultKind.NotAllowedHere));
        (GrantedClasses, GrantedUntil) = ((classes.IsEmpty ? most : classes).Bits, until ?? latest);
    }

    public IEnumerable<Guid> NamedPersons() => PersonId is { } person ? [person] : [];
}
