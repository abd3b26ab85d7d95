using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// One call on its way through the pipeline: who calls, for what, what was decided, what will change, what the record will say. A feature reads the
/// top half and adds to the bottom half; the pipeline turns the bottom half into one commit.
/// </summary>
internal sealed class Call(MethodRule? rule, string method, string peer, DateTimeOffset now, Exchange exchange)
{
    /// <summary>Hex digits of the policy's hash that a record carries.</summary>
    private const int PolicyHashDigits = 16;

    private readonly List<string> _subjects = [];
    private readonly List<string> _resources = [];
    private readonly List<IReadOnlyList<string>> _rules = [];
    private readonly DecidedQuestions _questions = new();
    private NeedToKnowQuestion _lastQuestion;
    private Decision? _lastDecision;
    private ReadSession? _read;
    private string? _decisionText;

    /// <summary>What the contract says of the method. Server reflection alone has none.</summary>
    public MethodRule Rule => rule ?? throw new InvalidOperationException("the method is not one of the contract");

    public string Method { get; } = method;

    public string Peer { get; } = peer;

    public DateTimeOffset Now { get; } = now;

    /// <summary>Civil date of the call in Taiwan; of a stream, that of its newest chunk.</summary>
    public DateOnly On { get; private set; } = CivilDate.InTaiwan(now);

    /// <summary>The policy that the whole call is decided by; a stream takes it anew for each chunk.</summary>
    public NeedToKnowPolicy Policy { get; private set; } = exchange.Policy;

    /// <summary>Entries of the legal-basis registry that the access stands on, or stood on until they ended; the record names them.</summary>
    public IReadOnlyList<string> StandsOn { get; set; } = [];

    public Guid DecisionId { get; } = Guid.CreateVersion7(now);

    /// <summary>The decision's id as answers and records carry it.</summary>
    public string DecisionText => _decisionText ??= DecisionId.ToString();

    /// <summary>Connection that the call came on; null: not looked at yet.</summary>
    public MemberConnection? Connection { get; set; }

    /// <summary>Calling system, once certificate, token and registry agree.</summary>
    public CallingMember? Member { get; set; }

    /// <summary>What the call says about itself; null: nothing, or not read yet.</summary>
    public Wire.AccessContext? Context { get; set; }

    /// <summary>Unit for which the acting person acts, once checked against the registry.</summary>
    public Unit? ActingUnit { get; set; }

    /// <summary>Registry that the whole call goes by.</summary>
    public MemberDirectory Members { get; } = exchange.Members;

    /// <summary>The record of the call stands; there is never a second one.</summary>
    public bool IsRecorded { get; set; }

    /// <summary>What an earlier call with the same request_id made; null: this is the first.</summary>
    public string? Replayed { get; set; }

    public string RequestId { get; set; } = "";

    /// <summary>The call itself breaks the glass; its record is flagged, as are those of the accesses that stand on it (R-NTK-11).</summary>
    public bool BreaksGlass { get; set; }

    /// <summary>What the call changes; durable with its record, or not at all.</summary>
    public Change Change { get; } = new();

    public Vault Vault => exchange.Vault;

    public Families Families => exchange.Families;

    public TimeLimits TimeLimits => exchange.TimeLimits;

    public Unit Unit => ActingUnit ?? throw new InvalidOperationException("the call has not passed the access step");

    public Agency Agency => Unit.Agency;

    /// <summary>Classes that some decision of the call lets the caller see; nothing else leaves.</summary>
    public ClassSet Visible { get; private set; } = ClassSet.None;

    /// <summary>
    /// Classes that were left out of a part of the answer though other parts show them: the contact of one of several persons, free text that the caller knows
    /// of because the referral is its own or addressed to it.
    /// </summary>
    public ClassSet Withheld { get; private set; } = ClassSet.None;

    public RelationshipSet Relationships { get; private set; } = RelationshipSet.None;

    /// <summary>The snapshot that the whole call reads.</summary>
    public ReadSession Read => _read ??= exchange.Store.Read();

    public static Call Of(ServerCallContext context) =>
        context.GetHttpContext().Features.Get<Call>() ?? throw new InvalidOperationException("the call did not come through the pipeline");

    /// <summary>
    /// The inputs of a need-to-know decision as far as the call itself knows them; the feature adds what it loaded.
    /// </summary>
    public NeedToKnowQuestion Ask(RelationshipSet relationships, Wire.Jurisdiction resource) => new()
    {
        AgencyKind = Agency.Kind,
        UnitKind = Unit.Kind,
        CallerJurisdiction = Agency.Jurisdiction,
        Holdable = exchange.HoldableBy(Member!),
        Purpose = Context!.Purpose,
        LegalBasis = Context.LegalBasis,
        Relationships = relationships,
        ResourceJurisdiction = resource,
        On = On,
    };

    /// <summary>Decides, and lets nothing through without a relationship that the method asks for, or a grant: absent and forbidden are one answer (R-NTK-14).</summary>
    public Decision Decide(in NeedToKnowQuestion question)
    {
        var decision = Consider(question);
        var related = Rule.Relationships.IsEmpty || !question.Granted.IsEmpty || Rule.Relationships.Overlaps(question.Relationships);
        return related && decision.Allowed ? decision : throw new Refusal(Wire.ErrorReason.NotFound);
    }

    /// <summary>Decides on a part of the answer, which the feature leaves out where it may not be seen.</summary>
    public Decision Consider(in NeedToKnowQuestion question)
    {
        // Most persons of one answer are asked about in the same words, and a decision is a pure function of its question (R-NTK-15).
        if (_lastDecision is { } last && question == _lastQuestion) return last;
        var decision = Policy.Decide(question);
        _questions.Add(question, decision);
        (_lastQuestion, _lastDecision) = (question, decision);
        Visible |= decision.Visible;
        Relationships |= question.Relationships;
        // The policy gives the same list for the same rules.
        if (!_rules.Contains(decision.Rules)) _rules.Add(decision.Rules);
        return decision;
    }

    /// <summary>The call of one message of this stream, or of one item of this batch: the same caller, and nothing else of it.</summary>
    /// <param name="at">When it is decided.</param>
    /// <param name="single">The method that takes such an item alone; null: the stream's own.</param>
    public Call ForRow(DateTimeOffset at, MethodRule? single = null) =>
        new(single ?? rule, single?.FullName ?? Method, Peer, at, exchange) { Connection = Connection, Member = Member };

    /// <summary>A call of its own for a part of what this one does, with a record of its own: the same caller, unit and purpose.</summary>
    public Call ForPart(DateTimeOffset at) => new(rule, Method, Peer, at, exchange) { Connection = Connection, Member = Member, Context = Context, ActingUnit = ActingUnit, StandsOn = StandsOn };

    /// <summary>What a message of the stream was answered with stands in the stream's answer too.</summary>
    public void ShowRow(Call row)
    {
        lock (_rules) Visible |= row.Visible;
    }

    public void Withhold(ClassSet classes) => Withheld |= classes;

    /// <summary>Could a unit of this kind, standing so to the person, see a class that is sent to it under a basis? (R-NTK-17)</summary>
    public bool MayHold(Unit unit, Wire.LegalBasis basis, Wire.ConfidentialityClass one, RelationshipSet relationships,
        ClassSet scope = default) => unit.Agency.Classes.Contains(one) && Policy.MayHold(unit.Agency.Kind, unit.Kind, basis, one, relationships, scope, On);

    /// <summary>What a kind of unit that may hold everything would see by an agenda; nothing of it is shown or recorded.</summary>
    public ClassSet OpenedByAgenda(Wire.AgencyKind agencyKind, Wire.UnitKind unitKind, ClassSet agenda) => Policy.Decide(
        Ask(RelationshipSet.Of(Wire.Relationship.Conference), Agency.Jurisdiction) with { AgencyKind = agencyKind, UnitKind = unitKind, Holdable = ClassSet.All, Agenda = agenda }).Visible;

    /// <summary>What another unit would see, standing so; nothing of it is shown or recorded.</summary>
    public ClassSet WouldSee(Unit unit, in NeedToKnowQuestion question) => Policy.Decide(question with
    {
        AgencyKind = unit.Agency.Kind, UnitKind = unit.Kind, CallerJurisdiction = unit.Agency.Jurisdiction, Holdable = ClassSet.Of([.. unit.Agency.Classes]),
    }).Visible & ClassSet.Personal;

    /// <summary>The record will name this person, by pseudonym.</summary>
    public void Concerns(string nationalId) => _subjects.Add(Vault.Pseudonyms.OfNationalId(nationalId));

    /// <summary>The record will name this person, by pseudonym.</summary>
    public void Concerns(KnownPerson person) => _subjects.Add(person.PseudonymBy(Vault));

    /// <summary>The record will name this pseudonym, as it stands in other records.</summary>
    public void ConcernsPseudonym(string pseudonym) => _subjects.Add(pseudonym);

    /// <summary>The record will name this thing: <c>referral</c>, <c>case</c>, <c>note</c>.</summary>
    public void Touches(string kind, Guid id) => _resources.Add($"{kind}/{id}");

    /// <summary>The record will name these lines of a delivery, and the hash of its content up to the last of them.</summary>
    public void TouchesLines(Guid deliveryId, long first, long last, ReadOnlySpan<byte> sha256) =>
        _resources.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"household-delivery/{deliveryId}/{first}-{last}/{Convert.ToHexStringLower(sha256)}"));

    /// <summary>The record will name what was searched the log for: <c>searched/actor/E0042</c>. What a caller wrote freely may hold anything and does not belong there.</summary>
    public void Searches(string criterion, string value) => _resources.Add($"searched/{criterion}/{value}");

    /// <summary>The record will name the limit of the day that the caller has reached.</summary>
    public void TouchesLimit(string counted) => _resources.Add($"limit/{counted}");

    /// <summary>Lets other features do in the same commit what follows from this one's deed.</summary>
    public void Raise<TEvent>(TEvent happened)
        where TEvent : notnull => exchange.Events.Raise(this, happened);

    /// <summary>Id for something made by this call; sorts by time.</summary>
    public Guid NewId() => Guid.CreateVersion7(Now);

    /// <summary>The record will name this policy, by revision and hash.</summary>
    public void TouchesPolicy(string revision, string sha256) => _resources.Add(PolicyName.Of(revision, sha256));

    /// <summary>A stream goes on: the next chunk is decided by the policy and the date of now.</summary>
    public void Renew(DateTimeOffset at) => (On, Policy, _lastDecision) = (CivilDate.InTaiwan(at), exchange.Policy, null);

    /// <summary>Forgets what was read and collected, to run the call again from the idempotency step.</summary>
    public void StartOver()
    {
        EndRead();
        Change.Clear();
        Change.Key = null;
        _subjects.Clear();
        _resources.Clear();
        _rules.Clear();
        _questions.Clear();
        _lastDecision = null;
        (Visible, Withheld, Relationships) = (ClassSet.None, ClassSet.None, RelationshipSet.None);
    }

    /// <summary>On a stream: the acting unit is still registered and active, by the registry of this moment; what is open beside it is decided anew by the feature.</summary>
    public void RequireActive()
    {
        if (exchange.Members.FindUnit(Unit.UnitId) is not { IsActive: true } unit
            || !string.Equals(unit.Agency.Code, Agency.Code, StringComparison.Ordinal) || unit.Agency.Jurisdiction != Agency.Jurisdiction)
            throw new Refusal(Wire.ErrorReason.MemberSuspended, ("member", Unit.UnitId));
    }

    /// <summary>On a stream: each message is decided on by itself.</summary>
    public void BeginNextMessage() => (Visible, Withheld, _lastDecision) = (ClassSet.None, ClassSet.None, null);

    public void EndRead()
    {
        _read?.Dispose();
        _read = null;
    }

    /// <summary>The record of the call, as it goes into the log (R-AUD-1).</summary>
    public Wire.AuditRecord ToRecord(Wire.AuditOutcome outcome, Wire.ErrorReason reason, ClassSet shown, ClassSet withheld)
    {
        var record = new Wire.AuditRecord
        {
            Version = 1,
            DecisionId = DecisionText,
            DecidedAt = Timestamp.FromDateTimeOffset(Now),
            Method = Method,
            System = Connection?.Certificate.Id.Uri ?? "",
            AgencyCode = Member?.System.Agency.Code ?? "",
            Jurisdiction = Member?.System.Agency.Jurisdiction ?? Wire.Jurisdiction.Unspecified,
            Outcome = outcome,
            Reason = reason == Wire.ErrorReason.Unspecified ? "" : RefusalTexts.NameOf(reason),
            PolicyRevision = Policy.Revision,
            PolicyHash = Policy.Sha256[..PolicyHashDigits],
            Peer = Peer,
            RequestId = RequestId,
            BreakGlass = BreaksGlass || Context?.ReferenceCase == Wire.AccessContext.ReferenceOneofCase.BreakGlassId,
        };
        if (Connection is { } connection) record.CertificateSha256 = connection.CertificateSha256;
        if (Context is { } context) Describe(record, context);
        AddSorted(record.Subjects, _subjects);
        AddSorted(record.Resources, _resources);
        AddRules(record.Rules, _rules, StandsOn);
        record.ShownClasses.Add(shown.InTableOrder());
        record.WithheldClasses.Add(withheld.InTableOrder());
        record.Relationships.Add(Relationships.InTableOrder());
        if (Member is { } member) record.Inputs = _questions.ToWire(exchange.HoldableBy(member));
        return record;
    }

    /// <summary>Each once, in ordinal order.</summary>
    private static void AddSorted(RepeatedField<string> field, List<string> values)
    {
        values.Sort(StringComparer.Ordinal);
        string? last = null;
        foreach (var value in values)
        {
            if (!string.Equals(value, last, StringComparison.Ordinal)) field.Add(value);
            last = value;
        }
    }

    /// <summary>The lists of decisions are sorted and without doubles already; mostly there is one, and it names what the access stands on.</summary>
    private static void AddRules(RepeatedField<string> field, List<IReadOnlyList<string>> lists, IReadOnlyList<string> standsOn)
    {
        if (lists.Count == 0) field.AddRange(standsOn);
        else if (lists.Count == 1 && ContainsAll(lists[0], standsOn)) field.AddRange(lists[0]);
        else AddSorted(field, [.. lists.SelectMany(list => list), .. standsOn]);
    }

    private static bool ContainsAll(IReadOnlyList<string> list, IReadOnlyList<string> ids)
    {
        for (var at = 0; at < ids.Count; at++)
        {
            if (!list.Contains(ids[at], StringComparer.Ordinal)) return false;
        }

        return true;
    }

    private void Describe(Wire.AuditRecord record, Wire.AccessContext context)
    {
        record.Purpose = context.Purpose;
        record.LegalBasis = context.LegalBasis;
        record.Reference = ReferenceOf(context);
        if (context.Actor is { } actor)
        {
            // Only what the registry knows, or what has the form of a staff number: a record never repeats free text of a caller.
            record.ActorUnitId = ActingUnit?.UnitId ?? "";
            record.ActorPersonId = TextCharacters.IsActorId(actor.PersonId) ? actor.PersonId : "";
            record.ActorRole = actor.Role;
        }

        if (context.Justification.Length is > 0 and <= 500 && ActingUnit is not null)
        {
            record.JustificationSealed = Google.Protobuf.ByteString.CopyFrom(
                Vault.SealText(Agency.Jurisdiction, JustificationColumn, DecisionId, context.Justification));
        }
    }

    private static readonly SealedColumn JustificationColumn = new("audit_record", "justification");

    private static string ReferenceOf(Wire.AccessContext context)
    {
        var (kind, id) = context.ReferenceCase switch
        {
            Wire.AccessContext.ReferenceOneofCase.ReferralId => ("referral", context.ReferralId),
            Wire.AccessContext.ReferenceOneofCase.CaseId => ("case", context.CaseId),
            Wire.AccessContext.ReferenceOneofCase.ConferenceId => ("conference", context.ConferenceId),
            Wire.AccessContext.ReferenceOneofCase.ReportId => ("report", context.ReportId),
            Wire.AccessContext.ReferenceOneofCase.GrantId => ("grant", context.GrantId),
            Wire.AccessContext.ReferenceOneofCase.BreakGlassId => ("break-glass", context.BreakGlassId),
            _ => ("", ""),
        };
        return Guid.TryParseExact(id, "D", out var parsed) ? $"{kind}/{parsed}" : "";
    }
}
