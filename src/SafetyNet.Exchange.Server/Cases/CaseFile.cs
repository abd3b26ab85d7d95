using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>A shared case (共案): one family, one primary unit, any number of serving units, each with its scope (R-CASE-1).</summary>
internal sealed partial class CaseFile : IVersioned, IFamilyFact, ICaseRow
{
    public Guid CaseId { get; set; }

    /// <summary>Jurisdiction of the primary unit; its keys seal the notes.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    public Wire.CaseState State { get; set; }

    public DateTimeOffset OpenedAt { get; set; }

    /// <summary>When it was closed or merged; null: it is open.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>When it was last opened again; null: never.</summary>
    public DateTimeOffset? ReopenedAt { get; set; }

    /// <summary>It was opened again within 12 months of a closing, and counts as reopened (R-CASE-8); it stays so.</summary>
    public bool IsReopenedWithinYear { get; set; }

    /// <summary>Unit to which the primary role is proposed (R-CASE-7); empty: none.</summary>
    public string ProposedUnitId { get; set; } = "";

    /// <summary>The primary unit leaves when the unit proposed accepts; means nothing without a proposal.</summary>
    public bool PrimaryLeaves { get; set; }

    /// <summary>Case that it was merged into, by one step however often that one was merged on; null: none.</summary>
    public Guid? MergedIntoId { get; set; }

    public int Version { get; set; }

    /// <summary>Families know their open cases; one that is opened or opened again comes with its subjects' rows.</summary>
    public IEnumerable<Guid> AffectedIds() => [CaseId];

    public CaseEvent Tells() => new(CaseId, Wire.CaseChangeKind.Case);
}

/// <summary>A person of the family whom the case is about. What a case was about stays, when it is closed and when it is merged.</summary>
internal sealed class CaseSubjectRow : IFamilyFact, INamesPersons
{
    public Guid CaseId { get; set; }

    public Guid PersonId { get; set; }

    /// <summary>The case is open; a person has at most one open case (R-INT-4), whoever opens how many at once.</summary>
    public bool IsOpen { get; set; }

    /// <summary>0; of two open cases of persons who were found to be one, the later found has another number until the cases are merged (R-HH-7).</summary>
    public int Beside { get; set; }

    public IEnumerable<Guid> AffectedIds() => [PersonId];

    public IEnumerable<Guid> NamedPersons() => [PersonId];
}

/// <summary>A unit in the case and its scope.</summary>
internal sealed class CaseParticipant : IFamilyFact, ICaseRow
{
    public Guid CaseId { get; set; }

    public string UnitId { get; set; } = "";

    public Wire.ParticipantRole Role { get; set; }

    /// <summary>Services within the scope, one bit per code of the table; 0: all.</summary>
    public long Services { get; set; }

    /// <summary>Subjects within the scope, see <see cref="IdList"/>; empty: all.</summary>
    public byte[] PersonIds { get; set; } = [];

    /// <summary>Protective classes on the scope (R-NTK-9), as bits of the code table; 0: none. What counts at an instant: <see cref="Protective"/>.</summary>
    public uint ProtectiveClasses { get; set; }

    /// <summary>When they leave the scope; null: with the part (R-NTK-17).</summary>
    public DateTimeOffset? ProtectiveUntil { get; set; }

    public ProtectiveScope Protective
    {
        get => new(ProtectiveClasses, ProtectiveUntil);
        set => (ProtectiveClasses, ProtectiveUntil) = (value.Bits, value.Bits == 0 ? null : value.Until);
    }

    public DateTimeOffset Since { get; set; }

    /// <summary>Role until the unit left or its part passed to another unit; UNSPECIFIED: neither ever happened.</summary>
    public Wire.ParticipantRole FormerRole { get; set; }

    /// <summary>When the unit left, its part passed to another unit, or the case ended; null: the part goes on.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    public IEnumerable<Wire.Article6Service> ServiceList =>
        Enum.GetValues<Wire.Article6Service>().Where(s => s != Wire.Article6Service.Unspecified && (Services & (1L << (int)s)) != 0);

    /// <summary>Takes further services and persons into the scope; a scope that is all stays all.</summary>
    public void Widen(IEnumerable<Wire.Article6Service> services, IEnumerable<Guid> persons)
    {
        if (Services != 0) Services |= Bits(services);
        if (PersonIds.Length > 0) PersonIds = IdList.ToBytes(IdList.FromBytes(PersonIds).Union(persons));
    }

    /// <summary>The unit has left, or its part has passed to another unit (R-REF-6).</summary>
    public void End(DateTimeOffset now) => (FormerRole, Role, EndedAt) = (Role, Wire.ParticipantRole.Former, now);

    public IEnumerable<Guid> AffectedIds() => [CaseId];

    public CaseEvent Tells() => new(CaseId, Wire.CaseChangeKind.Participant, UnitId);

    public static long Bits(IEnumerable<Wire.Article6Service> services) => services.Aggregate(0L, (bits, s) => bits | (1L << (int)s));
}

/// <summary>A person marked as the other party (相對人) of a case (R-NTK-10), by blind index of the national id; the reason lies sealed.</summary>
internal sealed class OtherPartyRow
{
    public Guid CaseId { get; set; }

    /// <summary>Blind index of the national id, 32 bytes.</summary>
    public byte[] NationalIdIndex { get; set; } = [];

    public Guid MarkId { get; set; }

    public string MarkedByUnitId { get; set; } = "";

    public DateTimeOffset MarkedAt { get; set; }

    /// <summary>When the mark was lifted; null: it stands.</summary>
    public DateTimeOffset? LiftedAt { get; set; }

    /// <summary>Reason of the last act, sealed under <see cref="MarkId"/>.</summary>
    public byte[] Reason { get; set; } = [];
}

/// <summary>A worker's record in the case (R-CASE-3), as it was written first; its text lies sealed. What it says since an amendment is in the row of its latest version.</summary>
internal sealed class CaseNote : IVersioned, IFamilyFact, ICaseRow
{
    public Guid NoteId { get; set; }

    public Guid CaseId { get; set; }

    public Wire.ConfidentialityClass ConfidentialityClass { get; set; }

    public string AuthorUnitId { get; set; } = "";

    public string AuthorPersonId { get; set; } = "";

    public DateTimeOffset WrittenAt { get; set; }

    public byte[] Sealed { get; set; } = [];

    /// <summary>Its latest version; two amendments of one version are one and a refusal.</summary>
    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];

    /// <summary>To its own unit; those that it is shared with are told by whoever shares it.</summary>
    public CaseEvent Tells() => ToldTo(AuthorUnitId);

    public CaseEvent ToldTo(string unitId) => new(CaseId, Wire.CaseChangeKind.Note, unitId, NoteId);
}

/// <summary>Whom a note is shown to besides its author unit (R-NTK-17).</summary>
internal sealed class NoteShareRow : IFamilyFact
{
    public Guid NoteId { get; set; }

    public string UnitId { get; set; } = "";

    public Wire.LegalBasis LegalBasis { get; set; }

    public DateTimeOffset? Until { get; set; }

    public bool IsOpenAt(DateTimeOffset now) => Until is not { } until || now < until;

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>The case as a whole, as one snapshot holds it; its rules are here.</summary>
internal sealed record SharedCase(CaseFile File, List<Guid> Subjects, List<CaseParticipant> Participants)
{
    /// <summary>The step by which the scopes of this case show data.</summary>
    public SharingStep Scope => new(Wire.DisclosureStep.ServiceScope, File.CaseId, File.CaseId);

    /// <summary>The case as it was read: what is written into it fails where it changed meanwhile, and is made anew.</summary>
    public HeldRow Held => new(HeldTable.Case, File.CaseId, File.Version);

    public CaseParticipant Primary => Participants.Single(p => p.Role == Wire.ParticipantRole.Primary);

    /// <summary>Who takes part now or is asked in; a unit whose part has passed on is as one that never had any.</summary>
    public IEnumerable<CaseParticipant> Present => Participants.Where(p => p.Role != Wire.ParticipantRole.Former);

    public CaseParticipant? PartOf(string unitId) => Present.FirstOrDefault(p => string.Equals(p.UnitId, unitId, StringComparison.Ordinal));

    /// <summary>What the unit of a part is when it moves the case.</summary>
    public CaseParty PartyOf(CaseParticipant part) => part.Role switch
    {
        Wire.ParticipantRole.Primary => CaseParty.Primary,
        Wire.ParticipantRole.Serving when string.Equals(part.UnitId, File.ProposedUnitId, StringComparison.Ordinal) => CaseParty.Proposed,
        Wire.ParticipantRole.Serving => CaseParty.Serving,
        _ => CaseParty.Invited,
    };

    /// <summary>Asks a unit in; one that takes part, or is asked already, is not asked twice.</summary>
    public CaseParticipant Invite(string unitId, IEnumerable<Wire.Article6Service> services, IReadOnlyList<Guid> personIds, DateTimeOffset now)
    {
        if (PartOf(unitId) is { } part) throw new Refusal(Wire.ErrorReason.NotInvited, ("state", CodeText.Of(part.Role)));
        return Add(unitId, Wire.ParticipantRole.Invited, services, personIds, now);
    }

    /// <summary>Takes the invitation.</summary>
    public static void Join(CaseParticipant part, DateTimeOffset now)
    {
        if (part.Role != Wire.ParticipantRole.Invited) throw new Refusal(Wire.ErrorReason.NotInvited, ("state", CodeText.Of(part.Role)));
        (part.Role, part.Since) = (Wire.ParticipantRole.Serving, now);
    }

    /// <summary>A part for a unit that has none; that of a unit that is back begins anew.</summary>
    public CaseParticipant Add(string unitId, Wire.ParticipantRole role, IEnumerable<Wire.Article6Service> services, IReadOnlyList<Guid> personIds, DateTimeOffset now)
    {
        if (Participants.Find(p => string.Equals(p.UnitId, unitId, StringComparison.Ordinal)) is not { } part)
        {
            part = new CaseParticipant { CaseId = File.CaseId, UnitId = unitId };
            Participants.Add(part);
        }

        (part.Role, part.Services, part.PersonIds, part.Since) = (role, CaseParticipant.Bits(services), IdList.ToBytes(personIds), now);
        (part.Protective, part.EndedAt) = (default, null);
        return part;
    }

    /// <summary>Subjects within a participant's scope.</summary>
    public IEnumerable<Guid> SubjectsOf(CaseParticipant part) => Subjects.Where(id => IdList.Covers(part.PersonIds, id.ToByteArray(true)));
}
