using System.Globalization;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>
/// The reveal of a pseudonym by two officers (假名還原, R-AUD-6, B68). The words of both lie sealed; the person is found when it is approved, and shown to the requester
/// alone.
/// </summary>
internal sealed class Reveal : IVersioned, IFamilyFact
{
    public Guid RevealId { get; set; }

    /// <summary>Jurisdiction of the requester, whose officers decide and whose keys seal the words.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>Pseudonym, as it stands in the log.</summary>
    public string Subject { get; set; } = "";

    /// <summary>Staff number of the requester.</summary>
    public string RequesterId { get; set; } = "";

    public string UnitId { get; set; } = "";

    /// <summary>Why, sealed.</summary>
    public byte[] Reason { get; set; } = [];

    /// <summary>Number of the proceeding, sealed.</summary>
    public byte[] Proceeding { get; set; } = [];

    public DateTimeOffset RequestedAt { get; set; }

    /// <summary>REQUESTED, APPROVED or DECLINED; what time makes of it says <see cref="StateAt"/>.</summary>
    public Wire.RevealState State { get; set; } = Wire.RevealState.Requested;

    /// <summary>End of the wait for a decision, or of the approval; exclusive.</summary>
    public DateTimeOffset Until { get; set; }

    /// <summary>Staff number of who decided; empty: nobody.</summary>
    public string DeciderId { get; set; } = "";

    public string DeciderUnitId { get; set; } = "";

    /// <summary>Why the decision, sealed; empty: none.</summary>
    public byte[] DecisionReason { get; set; } = [];

    public DateTimeOffset? DecidedAt { get; set; }

    /// <summary>The person, once approved; null: not approved, or nobody whom the exchange keeps.</summary>
    public Guid? PersonId { get; set; }

    public int Version { get; set; } = 1;

    /// <summary>It changes no family: no call of a unit shows it.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    public Wire.RevealState StateAt(DateTimeOffset now) => State != Wire.RevealState.Declined && now >= Until ? Wire.RevealState.Ended : State;

    /// <summary>Somebody is who made the request: the same staff number of the jurisdiction, whatever agency it is of now.</summary>
    public bool IsOf(Wire.Jurisdiction jurisdiction, string officerId) => jurisdiction == Jurisdiction && string.Equals(officerId, RequesterId, StringComparison.OrdinalIgnoreCase);

    /// <summary>A second pair of eyes says yes or no, once and in time.</summary>
    public void Decide(Wire.RevealState decision, Wire.Jurisdiction jurisdiction, string officerId, string unitId, DateTimeOffset now, TimeSpan openFor)
    {
        if (jurisdiction != Jurisdiction || IsOf(jurisdiction, officerId))
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "a second security officer of the jurisdiction"));
        if (State != Wire.RevealState.Requested)
            throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(StateAt(now))), ("action", "DECIDE"), ("allowed", ""));
        RequireOpen(now);
        (State, DeciderId, DeciderUnitId, DecidedAt) = (decision, officerId, unitId, now);
        Until = decision == Wire.RevealState.Approved ? now + openFor : now;
    }

    /// <summary>Only the requester sees the answer, once a second officer has approved it, and not for long.</summary>
    public void RequireShownTo(Wire.Jurisdiction jurisdiction, string officerId, DateTimeOffset now)
    {
        if (!IsOf(jurisdiction, officerId)) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "the officer who requested the reveal"));
        if (State == Wire.RevealState.Declined) throw new Refusal(Wire.ErrorReason.RevealNotApproved, ("state", CodeText.Of(State)));
        RequireOpen(now);
        if (State != Wire.RevealState.Approved) throw new Refusal(Wire.ErrorReason.RevealNotApproved, ("state", CodeText.Of(State)));
    }

    private void RequireOpen(DateTimeOffset now)
    {
        if (StateAt(now) == Wire.RevealState.Ended)
            throw new Refusal(Wire.ErrorReason.RevealEnded, ("until", Until.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)));
    }
}
