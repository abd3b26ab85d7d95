using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>A move of a referral as it was made.</summary>
internal sealed record MadeMove(Wire.ReferralAction Action, Wire.ReferralState State, string UnitId, string PersonId, string Remark);

/// <summary>A referral as the builder of a world made it; what its two ends may see follows from this alone.</summary>
internal sealed class MadeReferral
{
    public required string Id { get; init; }

    public required Wire.CreateReferralRequest Request { get; init; }

    public required Wire.Jurisdiction Jurisdiction { get; init; }

    public string From => Request.Context.Actor.UnitId;

    public string To => Request.ToUnitId;

    public Wire.ReferralState State { get; set; } = Wire.ReferralState.Submitted;

    /// <summary>Ids of the subjects as the exchange knows them, in the order of the request.</summary>
    public required IReadOnlyList<Guid> Subjects { get; init; }

    public List<MadeMove> Moves { get; } = [];
}

/// <summary>A unit's part in a case.</summary>
internal sealed class MadePart(string unitId, Wire.ParticipantRole role, IEnumerable<Wire.Article6Service> services, IEnumerable<Guid> persons)
{
    public string UnitId { get; } = unitId;

    public Wire.ParticipantRole Role { get; set; } = role;

    /// <summary>In table order.</summary>
    public SortedSet<Wire.Article6Service> Services { get; } = [.. services];

    /// <summary>Empty: all subjects.</summary>
    public List<Guid> Persons { get; } = [.. persons];
}

/// <summary>A note with those it is shared with.</summary>
internal sealed record MadeNote(string Id, string UnitId, string PersonId, Wire.ConfidentialityClass Class, string Text, IReadOnlyList<Wire.NoteShare> Shares);

/// <summary>A case as the builder made it.</summary>
internal sealed class MadeCase
{
    public required string Id { get; init; }

    public required Wire.Jurisdiction Jurisdiction { get; init; }

    public required IReadOnlyList<Guid> Subjects { get; init; }

    public List<MadePart> Parts { get; } = [];

    public List<MadeNote> Notes { get; } = [];

    public MadePart? PartOf(string unitId) => Parts.Find(p => p.UnitId == unitId);

    public IEnumerable<Guid> ScopeOf(MadePart part) => Subjects.Where(id => part.Persons.Count == 0 || part.Persons.Contains(id));
}

/// <summary>A conference on a case, with those invited and what is on its agenda.</summary>
internal sealed record MadeConference(string Id, string CaseId, string Convenor, IReadOnlyList<string> Invited, IReadOnlyList<Wire.ConfidentialityClass> Agenda);

/// <summary>A notice that an inbox must hold; what look-ups by others put into it is not listed.</summary>
internal sealed record MadeNotice(string UnitId, Wire.NoticeKind Kind, string ReferralId, string CaseId, string Cause);

/// <summary>The units of one world; no other world has to do with them.</summary>
internal sealed record Cast(
    Party School, Party Centre, Party Protection, Party Labor, Party Precinct, Party WomenPolice, Party MentalHealth, Party Taoyuan)
{
    public IEnumerable<Party> All => [School, Centre, Protection, Labor, Precinct, WomenPolice, MentalHealth, Taoyuan];
}

/// <summary>A small world: a family, units of several kinds, and what happened between them, all of it known.</summary>
internal sealed class World
{
    public required int Number { get; init; }

    public required Cast Cast { get; init; }

    /// <summary>Reads the records of Taoyuan, and no others.</summary>
    public required Party OfficerOfTaoyuan { get; init; }

    public required SyntheticPerson Child { get; init; }

    public required SyntheticPerson Mother { get; init; }

    public required SyntheticHousehold Home { get; init; }

    /// <summary>Persons of the family's home whose whereabouts are protected.</summary>
    public HashSet<Guid> Protected { get; } = [];

    /// <summary>Persons whom no register knows, as the first to name them did.</summary>
    public Dictionary<Guid, (Wire.ReferralSubject Subject, Wire.Jurisdiction Jurisdiction)> Strangers { get; } = [];

    public List<MadeReferral> Referrals { get; } = [];

    public List<MadeCase> Cases { get; } = [];

    public List<MadeConference> Conferences { get; } = [];

    /// <summary>Applications for a grant, with their two ends.</summary>
    public List<(string Id, string Applicant, string Primary)> Grants { get; } = [];

    public List<MadeNotice> Notices { get; } = [];

    /// <summary>Notices of this kind are listed in <see cref="Notices"/>; look-ups and applications put in others.</summary>
    public static bool IsTold(Wire.NoticeKind kind) => kind is Wire.NoticeKind.ReferralReceived or Wire.NoticeKind.ReferralMoved or Wire.NoticeKind.CaseInvitation
        or Wire.NoticeKind.CaseJoined or Wire.NoticeKind.NoteShared or Wire.NoticeKind.ConferenceInvitation;

    public override string ToString() => $"world {Number}: {string.Join(", ", Referrals.Select(r => $"{r.State}"))}; {Cases.Sum(c => c.Parts.Count)} parts, {Cases.Sum(c => c.Notes.Count)} notes";
}
