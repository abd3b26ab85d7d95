using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.BreakGlass;

/// <summary>Whose limit of a shift a break-glass reached.</summary>
[Flags]
internal enum ReachedLimits
{
    None = 0,
    OfPerson = 1,
    OfAgency = 2,
}

/// <summary>
/// A view of one person, opened in danger, with its review (緊急調閱, R-NTK-11). The words of who broke it and of who reviewed it lie sealed; the person is a
/// pseudonym to the reviewers.
/// </summary>
internal sealed class BrokenGlass : IVersioned, IFamilyFact, INamesPersons
{
    /// <summary>How long the view is open.</summary>
    public static readonly TimeSpan OpenFor = TimeSpan.FromHours(24);

    /// <summary>Time for the review.</summary>
    public const int ReviewWorkingDays = 3;

    public Guid BreakGlassId { get; set; }

    /// <summary>Agency of who broke it, as <see cref="KeyOf"/> writes it.</summary>
    public string AgencyKey { get; set; } = "";

    /// <summary>1, 2, 3 ... within the agency: two at once cannot both be the last that a limit allows.</summary>
    public long Number { get; set; }

    public string UnitId { get; set; } = "";

    /// <summary>Staff number of who broke it.</summary>
    public string ActorId { get; set; } = "";

    /// <summary>Jurisdiction of the agency, whose keys seal the words.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>Person whose data is open; null: no register knows the person.</summary>
    public Guid? PersonId { get; set; }

    /// <summary>Pseudonym of the person, as it stands in the log.</summary>
    public string Subject { get; set; } = "";

    public Wire.LegalBasis Basis { get; set; }

    public DateTimeOffset BrokenAt { get; set; }

    /// <summary>End of the view, exclusive.</summary>
    public DateTimeOffset Until { get; set; }

    /// <summary>Last day of the review.</summary>
    public DateOnly DueOn { get; set; }

    public ReachedLimits Reached { get; set; }

    /// <summary>Why it was broken, sealed.</summary>
    public byte[] Justification { get; set; } = [];

    public Wire.BreakGlassVerdict Verdict { get; set; }

    /// <summary>Why the verdict, sealed; empty: open.</summary>
    public byte[] VerdictReason { get; set; } = [];

    public DateTimeOffset? ReviewedAt { get; set; }

    /// <summary>Staff number of the reviewer; empty: open.</summary>
    public string ReviewerId { get; set; } = "";

    public int Version { get; set; }

    /// <summary>One agency's key over all jurisdictions.</summary>
    public static string KeyOf(Protocol.Identity.Agency agency) => $"{CodeText.Of(agency.Jurisdiction)}/{agency.Code}";

    /// <summary>It belongs to the family of its person; that of nobody is shown by none.</summary>
    public IEnumerable<Guid> AffectedIds() => PersonId is { } person ? [person] : [];

    /// <summary>The review's last day has passed without a verdict.</summary>
    public bool IsOverdue(DateOnly today) => Verdict == Wire.BreakGlassVerdict.Unspecified && today > DueOn;

    /// <summary>
    /// Closes the review, once, by another pair of eyes than those that broke it: nobody of the jurisdiction with the same staff number, whatever agency it is
    /// of now.
    /// </summary>
    public void Review(Wire.BreakGlassVerdict verdict, Wire.Jurisdiction reviewerJurisdiction, string reviewerId, DateTimeOffset now)
    {
        if (reviewerJurisdiction == Jurisdiction && string.Equals(reviewerId, ActorId, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "an officer other than who broke the glass"));
        if (Verdict != Wire.BreakGlassVerdict.Unspecified)
            throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(Verdict)), ("action", "REVIEW"), ("allowed", ""));
        (Verdict, ReviewerId, ReviewedAt) = (verdict, reviewerId, now);
    }

    public IEnumerable<Guid> NamedPersons() => PersonId is { } person ? [person] : [];
}
