using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>A conference (個案研討) on an open case: who brought it, what is on its agenda, when it meets (R-CON-1, R-CON-2).</summary>
internal sealed class Conference : IVersioned, IFamilyFact
{
    /// <summary>How far ahead a meeting may lie, so that no invitation stays open for good.</summary>
    public const int MostDaysAhead = 180;

    public Guid ConferenceId { get; set; }

    public Guid CaseId { get; set; }

    /// <summary>Jurisdiction of the case.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    public Wire.ConferenceLevel Level { get; set; }

    /// <summary>Indicators under which it was submitted, one bit per code of the table.</summary>
    public int Indicators { get; set; }

    public Wire.ConferenceGround Ground { get; set; }

    /// <summary>Statement, sealed.</summary>
    public byte[] Statement { get; set; } = [];

    /// <summary>Classes on the agenda, as bits of the code table.</summary>
    public uint Agenda { get; set; }

    public string ConvenedByUnitId { get; set; } = "";

    public DateTimeOffset ConvenedAt { get; set; }

    public DateTimeOffset MeetingAt { get; set; }

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [CaseId];

    /// <summary>First instant at which those invited see nothing by it any more (R-CON-2).</summary>
    public DateTimeOffset OpenUntil => Standing.EndOfInvitation(MeetingAt);

    public IEnumerable<Wire.ConferenceIndicator> IndicatorList =>
        Enum.GetValues<Wire.ConferenceIndicator>().Where(i => i != Wire.ConferenceIndicator.Unspecified && (Indicators & (1 << (int)i)) != 0);

    /// <summary>A meeting lies ahead, by no more than <see cref="MostDaysAhead"/>.</summary>
    public static void RequireAhead(DateTimeOffset meetingAt, DateTimeOffset now)
    {
        if (meetingAt <= now) throw Refusal.InvalidField(new FieldFault("meeting_at", FieldFaultKind.NotInTheFuture));
        if (meetingAt > now.AddDays(MostDaysAhead)) throw Refusal.InvalidField(new FieldFault("meeting_at", FieldFaultKind.NotAllowedHere));
    }

    /// <summary>Changes agenda and time. After the meeting the agenda can only be narrowed, and its time is a fact.</summary>
    public void Amend(ClassSet agenda, DateTimeOffset? meetingAt, DateTimeOffset now)
    {
        if (meetingAt is { } next && next != MeetingAt)
        {
            RequireBeforeMeeting(now);
            RequireAhead(next, now);
            MeetingAt = next;
        }

        if (!new ClassSet(Agenda).ContainsAll(agenda)) RequireBeforeMeeting(now);
        Agenda = agenda.Bits;
    }

    public void RequireBeforeMeeting(DateTimeOffset now)
    {
        if (now >= MeetingAt) throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", "HELD"), ("action", "AMEND"), ("allowed", "NARROW, WITHDRAW"));
    }
}

/// <summary>A unit invited to a conference.</summary>
internal sealed class ConferenceInvitation
{
    public Guid ConferenceId { get; set; }

    public string UnitId { get; set; } = "";

    public DateTimeOffset InvitedAt { get; set; }

    /// <summary>When the invitation was withdrawn; null: it stands.</summary>
    public DateTimeOffset? WithdrawnAt { get; set; }
}

/// <summary>The case that a conference is about, as far as a conference needs it.</summary>
internal sealed record ConferenceCase(Guid CaseId, Wire.Jurisdiction Jurisdiction, int Version, IReadOnlyList<Guid> Subjects, IReadOnlyDictionary<string, Wire.ParticipantRole> Participants,
    IReadOnlyDictionary<string, ProtectiveScope> Scopes)
{
    public string PrimaryUnitId => Participants.First(p => p.Value == Wire.ParticipantRole.Primary).Key;

    /// <summary>How a unit takes part in the case.</summary>
    public RelationshipSet RelationshipOf(string unitId) => Participants.TryGetValue(unitId, out var role) ? Standing.OfParticipant(role) : RelationshipSet.None;

    /// <summary>The record of the call names the subjects.</summary>
    public void Concerns(Call call)
    {
        foreach (var id in Subjects)
            if (call.Read.FindPerson(call.Vault, id) is { } person) call.Concerns(person);
    }
}
