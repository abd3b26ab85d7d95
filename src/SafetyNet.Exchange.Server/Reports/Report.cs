using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>One line of the table of moves of a report.</summary>
/// <param name="Class">Class that the move gives; UNSPECIFIED: it gives none.</param>
internal readonly record struct ReportTransition(Wire.ReportState From, Wire.ReportAction Action, Wire.ReportState To, Wire.ReportClass Class = Wire.ReportClass.Unspecified);

/// <summary>
/// A report (通報) and its states, from the receipt to the first contact. Which moves exist is a table and nothing else. Whom it is about lies in rows of their own, what
/// it says is sealed.
/// </summary>
internal sealed class Report : IVersioned, IFamilyFact
{
    /// <summary>Every move there is; screening can be done again until the report is dispatched (R-INT-3).</summary>
    public static readonly IReadOnlyList<ReportTransition> Transitions =
    [
        .. new[] { Wire.ReportState.Received, Wire.ReportState.Screened, Wire.ReportState.Linked, Wire.ReportState.SetAside }.SelectMany(from => new ReportTransition[]
        {
            new(from, Wire.ReportAction.Screen, Wire.ReportState.Screened, Wire.ReportClass.New),
            new(from, Wire.ReportAction.Screen, Wire.ReportState.Screened, Wire.ReportClass.ReReport),
            new(from, Wire.ReportAction.Screen, Wire.ReportState.Linked, Wire.ReportClass.Duplicate),
            new(from, Wire.ReportAction.Screen, Wire.ReportState.SetAside, Wire.ReportClass.Invalid),
            new(from, Wire.ReportAction.Screen, Wire.ReportState.SetAside, Wire.ReportClass.Erroneous),
        }),
        new(Wire.ReportState.Screened, Wire.ReportAction.Dispatch, Wire.ReportState.Offered),
        new(Wire.ReportState.Screened, Wire.ReportAction.Close, Wire.ReportState.NotOpened),
        new(Wire.ReportState.Offered, Wire.ReportAction.Dispatch, Wire.ReportState.Offered),
        new(Wire.ReportState.Offered, Wire.ReportAction.Recall, Wire.ReportState.Screened),
        new(Wire.ReportState.Offered, Wire.ReportAction.OfferDeclined, Wire.ReportState.Screened),
        new(Wire.ReportState.Offered, Wire.ReportAction.OfferEnded, Wire.ReportState.Screened),
        new(Wire.ReportState.Offered, Wire.ReportAction.Accept, Wire.ReportState.Accepted),
        new(Wire.ReportState.Accepted, Wire.ReportAction.Contact, Wire.ReportState.Contacted),
        new(Wire.ReportState.Accepted, Wire.ReportAction.LeadChanged, Wire.ReportState.Accepted),
        new(Wire.ReportState.Contacted, Wire.ReportAction.LeadChanged, Wire.ReportState.Contacted),
        new(Wire.ReportState.Accepted, Wire.ReportAction.LeadWithdrawn, Wire.ReportState.Screened),
        new(Wire.ReportState.Contacted, Wire.ReportAction.LeadWithdrawn, Wire.ReportState.Screened),
    ];

    public Guid ReportId { get; set; }

    /// <summary>Number for people; unique.</summary>
    public string ReceiptNumber { get; set; } = "";

    /// <summary>Jurisdiction of the screening centre, whose keys seal the content.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    public string IntakeUnitId { get; set; } = "";

    public string SubmittedByUnitId { get; set; } = "";

    public Wire.ReportState State { get; set; }

    public Wire.ReportClass Class { get; set; }

    public bool IsProtective { get; set; }

    public DateTimeOffset ReceivedAt { get; set; }

    /// <summary>Report that this one is a duplicate of; null: none.</summary>
    public Guid? FirstReportId { get; set; }

    /// <summary>Unit that accepted and leads; empty: none yet.</summary>
    public string LeadUnitId { get; set; } = "";

    public DateTimeOffset? FirstContactAt { get; set; }

    public Wire.NotOpenedReason NotOpenedReason { get; set; }

    /// <summary>What the reporting unit still has to do, or had; UNSPECIFIED: nothing.</summary>
    public Wire.RequiredActionKind RequiredAction { get; set; }

    public DateTimeOffset? ActionDoneAt { get; set; }

    public Guid? ActionDoneBy { get; set; }

    /// <summary>What it says, as a sealed <see cref="Wire.ReportContent"/>.</summary>
    public byte[] Sealed { get; set; } = [];

    public int Version { get; set; }

    /// <summary>The screening centre still screens: it sees who reported (R-NTK-5).</summary>
    public bool IsScreening => State is Wire.ReportState.Received or Wire.ReportState.Screened or Wire.ReportState.Offered;

    public bool HasOpenAction => RequiredAction != Wire.RequiredActionKind.Unspecified && ActionDoneAt is null;

    public IEnumerable<Guid> AffectedIds() => [];

    /// <summary>Moves the report, or refuses with what is allowed in this state.</summary>
    public void Move(Wire.ReportAction action, Wire.ReportClass reportClass = Wire.ReportClass.Unspecified)
    {
        foreach (var transition in Transitions)
        {
            if (transition.From != State || transition.Action != action || transition.Class != reportClass) continue;
            State = transition.To;
            if (reportClass != Wire.ReportClass.Unspecified) Class = reportClass;
            return;
        }

        throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(State)), ("action", CodeText.Of(action)), ("allowed", string.Join(", ", Allowed(State).Select(a => CodeText.Of(a)))));
    }

    public static IEnumerable<Wire.ReportAction> Allowed(Wire.ReportState state) => Transitions.Where(t => t.From == state).Select(t => t.Action).Distinct();

    /// <summary>Ends it without service; that the client is unwilling is no reason (R-REF-4).</summary>
    public void Close(Wire.NotOpenedReason reason, string remark)
    {
        if (reason == Wire.NotOpenedReason.ClientUnwilling) throw new Refusal(Wire.ErrorReason.UnwillingIsNoReason, ("rule", "R-REF-4"));
        if (reason == Wire.NotOpenedReason.NotLocated) RealText.Require(remark, "remark");
        Move(Wire.ReportAction.Close);
        NotOpenedReason = reason;
    }

    /// <summary>The report's type or facts make it protective (保護性): it has hours, not days (R-INT-6).</summary>
    public static bool IsProtectiveContent(Wire.ReportContent content) =>
        content.Kind is Wire.ReportKind.ChildProtection or Wire.ReportKind.DomesticViolence or Wire.ReportKind.SexualAssault or Wire.ReportKind.AdultProtection
        || content.RiskFacts.Any(fact => fact is Wire.RiskFact.Violence or Wire.RiskFact.Abuse or Wire.RiskFact.SexualAssault or Wire.RiskFact.ChildInDanger)
        || content.Problems.Any(problem => problem is Wire.ReportProblem.PartnerViolence or Wire.ReportProblem.ChildAbuse or Wire.ReportProblem.AdultAbuse or Wire.ReportProblem.SexualAssault);

    /// <summary>Facts by which a child is to be protected: beside a campus-safety report a protective one is due (R-INT-7).</summary>
    public static bool HasChildProtectionFacts(Wire.ReportContent content) =>
        content.RiskFacts.Any(fact => fact is Wire.RiskFact.Abuse or Wire.RiskFact.Violence or Wire.RiskFact.SexualAssault or Wire.RiskFact.ChildInDanger)
        || content.Problems.Any(problem => problem is Wire.ReportProblem.ChildAbuse or Wire.ReportProblem.SexualAssault)
        || content.Facts.Any(fact => fact.ConfidentialityClass == Wire.ConfidentialityClass.ChildProtection);

    /// <summary>Type of the report that such a duty asks for.</summary>
    public static bool IsChildProtective(Wire.ReportContent content) => content.Kind is Wire.ReportKind.ChildProtection or Wire.ReportKind.SexualAssault;

    /// <summary>Jurisdiction, day and 40 bits of the id that chance drew: no counter that all intake would wait for.</summary>
    public static string NumberOf(Wire.Jurisdiction jurisdiction, DateTimeOffset receivedAt, Guid reportId)
    {
        const string digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        Span<byte> bytes = stackalloc byte[16];
        reportId.TryWriteBytes(bytes, bigEndian: true, out _);
        var chance = 0L;
        foreach (var octet in bytes[11..]) chance = (chance << 8) | octet;
        return string.Create(null, $"{CodeText.Of(jurisdiction)}-{CivilDate.InTaiwan(receivedAt):yyyyMMdd}-")
            + string.Create(8, chance, (text, value) => { for (var at = 7; at >= 0; at--, value >>= 5) text[at] = digits[(int)(value & 31)]; });
    }

    /// <summary>National ids of the subjects, canonical, in the order of the report.</summary>
    public static IEnumerable<string> SubjectsOf(Wire.ReportContent content) => content.Subjects.Select(subject => NationalId.Parse(subject.NationalId).Canonical);
}
