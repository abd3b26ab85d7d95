using System.Text.RegularExpressions;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;
using static SafetyNet.Exchange.V1.LeadDisputeState;
using Deed = SafetyNet.Exchange.V1.LeadDisputeAction;

namespace SafetyNet.Exchange.Server.Disputes;

/// <summary>How a unit stands to a dispute.</summary>
internal enum DisputeParty
{
    /// <summary>The unit that opened it and leads meanwhile.</summary>
    InterimLead,

    /// <summary>The unit that it proposes.</summary>
    ProposedUnit,

    /// <summary>The screening centre of the report, the first arbiter.</summary>
    CentralIntake,

    /// <summary>The city level, the arbiter of an appeal.</summary>
    City,
}

/// <summary>One line of the table of moves of a dispute.</summary>
internal readonly record struct DisputeTransition(Wire.LeadDisputeState From, Wire.LeadDisputeAction Action, Wire.LeadDisputeState To, DisputeParty By);

/// <summary>
/// A dispute over the lead (主責爭議, R-INT-9) and its states. Which moves exist is a table and nothing else. What the parties say of the family lies sealed; the rulings lie in
/// rows of their own.
/// </summary>
internal sealed partial class LeadDispute : IVersioned, IFamilyFact
{
    /// <summary>Disputes of one report: each may move the lead by one hop.</summary>
    public const int MostOfReport = 2;

    /// <summary>Every move there is.</summary>
    public static readonly IReadOnlyList<DisputeTransition> Transitions =
    [
        new(Open, Deed.Rule, Ruled, DisputeParty.CentralIntake),
        new(Ruled, Deed.Appeal, Appealed, DisputeParty.InterimLead),
        new(Ruled, Deed.Appeal, Appealed, DisputeParty.ProposedUnit),
        new(Appealed, Deed.Rule, Final, DisputeParty.City),
    ];

    public Guid DisputeId { get; set; }

    public Guid ReportId { get; set; }

    /// <summary>Jurisdiction of the screening centre, whose keys seal what is said.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    public Wire.LeadDisputeState State { get; set; }

    public string InterimLeadUnitId { get; set; } = "";

    public string ProposedUnitId { get; set; } = "";

    public string IntakeUnitId { get; set; } = "";

    /// <summary>Arbiter of the appeal; empty: nobody appealed.</summary>
    public string CityUnitId { get; set; } = "";

    /// <summary>Rule that it cites.</summary>
    public string RuleId { get; set; } = "";

    public DateTimeOffset OpenedAt { get; set; }

    /// <summary>Staff number of who opened it.</summary>
    public string OpenedByPersonId { get; set; } = "";

    /// <summary>Why, sealed.</summary>
    public byte[] Statement { get; set; } = [];

    public DateTimeOffset? AppealedAt { get; set; }

    /// <summary>Party that appealed; empty: none.</summary>
    public string AppealedByUnitId { get; set; } = "";

    public string AppealedByPersonId { get; set; } = "";

    /// <summary>Why it appealed, sealed; empty: nobody did.</summary>
    public byte[] AppealStatement { get; set; } = [];

    /// <summary>Referral by which the interim lead serves.</summary>
    public Guid LeadReferralId { get; set; }

    /// <summary>Referral by which the unit that the last ruling names takes over; null: none.</summary>
    public Guid? HandoverReferralId { get; set; }

    public Wire.LeadHandover Handover { get; set; }

    public int Version { get; set; }

    /// <summary>Unit that rules, or ruled last.</summary>
    public string ArbiterUnitId => CityUnitId.Length > 0 ? CityUnitId : IntakeUnitId;

    /// <summary>A ruling is awaited.</summary>
    public bool IsWaiting => State is Open or Appealed;

    /// <summary>It stands in the way of another one: a ruling is awaited, or is being carried out.</summary>
    public bool IsPending => IsWaiting || Handover == Wire.LeadHandover.Pending;

    public IEnumerable<Guid> AffectedIds() => [];

    /// <summary>The unit's part in the dispute; null: none, so there is nothing to see.</summary>
    public DisputeParty? PartyOf(string unitId) =>
        Same(InterimLeadUnitId, unitId) ? DisputeParty.InterimLead : Same(ProposedUnitId, unitId) ? DisputeParty.ProposedUnit
        : Same(IntakeUnitId, unitId) ? DisputeParty.CentralIntake : Same(CityUnitId, unitId) ? DisputeParty.City : null;

    /// <summary>Moves the dispute, or refuses with what is allowed to this party in this state.</summary>
    public void Move(Wire.LeadDisputeAction action, DisputeParty party)
    {
        foreach (var transition in Transitions)
        {
            // What has been handed over is not undone by an appeal: the lead that came of it would have to be disputed.
            if (transition.From != State || transition.Action != action || transition.By != party || (action == Deed.Appeal && Handover == Wire.LeadHandover.Done)) continue;
            State = transition.To;
            return;
        }

        if (Transitions.All(t => t.Action != action || t.By != party)) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", action == Deed.Rule ? "arbiter" : "party"));
        var allowed = Transitions.Where(t => t.From == State && t.By == party && !(t.Action == Deed.Appeal && Handover == Wire.LeadHandover.Done));
        throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(State)), ("action", CodeText.Of(action)), ("allowed", string.Join(", ", allowed.Select(t => CodeText.Of(t.Action)))));
    }

    /// <summary>Refuses what has not the form of a rule's id: <c>R-INT-4</c>, or of a triage rule <c>TRIAGE-SINGLE-NEED</c>.</summary>
    public static void RequireRule(string ruleId)
    {
        if (!RuleForm().IsMatch(ruleId)) throw Refusal.InvalidField(new FieldFault("rule_id", FieldFaultKind.NotAllowedHere));
    }

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.Ordinal);

    [GeneratedRegex(@"^(R-[A-Z]{2,4}-[0-9]{1,3}|TRIAGE(-[A-Z0-9]{1,12}){1,5})\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 100)]
    private static partial Regex RuleForm();
}
