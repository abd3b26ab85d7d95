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

/// <summary>An application for a view of the child, and what became of it.</summary>
internal sealed class MadeGrant
{
    public required string Id { get; init; }

    public required string Applicant { get; init; }

    public required string Primary { get; init; }

    public required string CaseId { get; init; }

    public required DateTimeOffset AskedUntil { get; init; }

    /// <summary>As it was left: that its end has passed is for the instant of looking to say.</summary>
    public Wire.GrantState State { get; set; } = Wire.GrantState.Applied;

    /// <summary>In table order; empty: nothing was granted.</summary>
    public IReadOnlyList<Wire.ConfidentialityClass> Granted { get; set; } = [];

    public DateTimeOffset? GrantedUntil { get; set; }
}

/// <summary>Glass that was broken for the child, in imminent danger; closed: a review found it not justified.</summary>
internal sealed record MadeGlass(string Id, string UnitId, bool IsClosed);

/// <summary>A correction of how to reach the subject of a referral, sent to its receiver.</summary>
internal sealed record MadeCorrection(string Id, MadeReferral Referral, bool IsAcknowledged);

/// <summary>A notice that an inbox must hold; what look-ups by others put into it is not listed.</summary>
/// <param name="About">The grant, break-glass, conference or correction; empty: none.</param>
internal sealed record MadeNotice(string UnitId, Wire.NoticeKind Kind, string ReferralId, string CaseId, string Cause, string About = "");

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

    public List<MadeGrant> Grants { get; } = [];

    public List<MadeGlass> Glasses { get; } = [];

    public List<MadeCorrection> Corrections { get; } = [];

    public List<MadeNotice> Notices { get; } = [];

    /// <summary>Notices of this kind are listed in <see cref="Notices"/>; the look-ups of a walk put in the others.</summary>
    public static bool IsTold(Wire.NoticeKind kind) => kind != Wire.NoticeKind.HouseholdLookedUp;

    public override string ToString() => $"world {Number}: {string.Join(", ", Referrals.Select(r => $"{r.State}"))}; {Cases.Sum(c => c.Parts.Count)} parts, {Cases.Sum(c => c.Notes.Count)} notes";
}
