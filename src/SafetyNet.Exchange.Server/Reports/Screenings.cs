using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Households;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>What the exchange knows of a reported family, for the screener (R-INT-2, R-INT-3, R-INT-5).</summary>
internal static class Screenings
{
    private const int MostCandidates = 20, MostSuggestions = 20;

    /// <summary>Reports so far apart are no candidates for one and the same.</summary>
    private static readonly TimeSpan CandidatesWithin = TimeSpan.FromDays(90);

    private static readonly TimeSpan SamePeriod = TimeSpan.FromDays(7);

    public static Wire.Screening Of(Call call, Report report, Wire.ReportContent content, TriageRules triage)
    {
        var screening = new Wire.Screening { TriageRevision = triage.Revision, SuggestedClass = Wire.ReportClass.New };
        var past = new Dictionary<Guid, PastReport>();
        foreach (var nationalId in Report.SubjectsOf(content))
        {
            if (call.Read.FindPerson(call.Vault, nationalId) is not { } person) continue;
            var history = HistoryOf(call, report, person, past);
            screening.History.Add(history);
            if (history.HadClosedCase) screening.SuggestedClass = Wire.ReportClass.ReReport;
        }

        screening.Candidates.Add(CandidatesOf(call, report, content, past.Values));
        screening.Suggestions.Add(SuggestionsOf(call, content, triage));
        return screening;
    }

    /// <summary>Active units of the screening centre's jurisdiction.</summary>
    public static IReadOnlyList<Unit> UnitsOf(Call call) =>
        [.. call.Members.Units.Where(unit => unit.IsActive && unit.Agency.Jurisdiction == call.Agency.Jurisdiction && !string.Equals(unit.UnitId, call.Unit.UnitId, StringComparison.Ordinal)).OrderBy(unit => unit.UnitId, StringComparer.Ordinal)];

    /// <summary>Primary units of open cases of the very persons reported (R-INT-4).</summary>
    public static IReadOnlySet<string> PrimariesOf(Call call, Wire.ReportContent content)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var nationalId in Report.SubjectsOf(content))
        {
            if (call.Read.FindPlace(call.Vault, nationalId) is not { } person) continue;
            foreach (var link in Links.OfPerson(call.Read, person.PersonId).Cases)
                if (link.Role == Wire.ParticipantRole.Primary) found.Add(link.UnitId);
        }

        return found;
    }

    private static Wire.ReportHistory HistoryOf(Call call, Report report, KnownPerson person, Dictionary<Guid, PastReport> past)
    {
        var (half, year) = (report.ReceivedAt.AddMonths(-6), report.ReceivedAt.AddMonths(-12));
        var history = new Wire.ReportHistory { NationalId = person.Person.NationalId, HadClosedCase = call.Read.HadClosedCase(person.Id) };
        foreach (var one in call.Read.PastReportsOf(person.Row, year, report.ReceivedAt.AddTicks(TimeSpan.TicksPerMicrosecond), report.ReportId))
        {
            past[one.ReportId] = past.TryGetValue(one.ReportId, out var known) && known.SamePerson ? known : one;
            history.Household12Months++;
            if (one.SamePerson) history.Person12Months++;
            if (one.ReceivedAt < half) continue;
            history.Household6Months++;
            if (one.SamePerson) history.Person6Months++;
        }

        var links = Links.Of(call.Read, person);
        if (links.PrimaryFor(person.Id) is { } primary) (history.OpenCaseId, history.PrimaryUnitId) = (primary.CaseId.ToString(), primary.UnitId);
        history.Involvements.Add(Involvements.Of(links, call.Unit.UnitId, call.Members, () => call.Read.ServesOtherParty(call.Unit.UnitId, person.Id)));
        return history;
    }

    /// <summary>Reports of the same desk that share a person or a household with this one, the likeliest first.</summary>
    private static IEnumerable<Wire.DuplicateCandidate> CandidatesOf(Call call, Report report, Wire.ReportContent content, IEnumerable<PastReport> past)
    {
        var found = new List<Wire.DuplicateCandidate>();
        foreach (var one in past.Where(one => report.ReceivedAt - one.ReceivedAt <= CandidatesWithin).OrderByDescending(one => one.ReceivedAt).Take(MostCandidates))
        {
            if (call.Read.FindReport(one.ReportId) is not { } other || !string.Equals(other.IntakeUnitId, report.IntakeUnitId, StringComparison.Ordinal)) continue;
            var candidate = new Wire.DuplicateCandidate
            {
                ReportId = other.ReportId.ToString(), ReceiptNumber = other.ReceiptNumber, State = other.State, ReceivedAt = Timestamp.FromDateTimeOffset(other.ReceivedAt),
            };
            candidate.Reasons.Add(one.SamePerson ? Wire.DuplicateReason.SameSubject : Wire.DuplicateReason.SameHousehold);
            var said = call.Vault.OpenFacts(Wire.ReportContent.Parser, ReportQueries.ContentColumn, other.ReportId, other.Sealed);
            if (said.Problems.Any(content.Problems.Contains)) candidate.Reasons.Add(Wire.DuplicateReason.SameProblem);
            if (report.ReceivedAt - other.ReceivedAt <= SamePeriod) candidate.Reasons.Add(Wire.DuplicateReason.SamePeriod);
            found.Add(candidate);
        }

        return found.OrderByDescending(candidate => candidate.Reasons.Count).ThenBy(candidate => candidate.Reasons[0]);
    }

    /// <summary>The primary unit of an open case, or the units of the rules that fit, in the order of the rules; of one rule those of the district first, then those that say
    /// they have room, the newest statement first.</summary>
    private static IEnumerable<Wire.DispatchSuggestion> SuggestionsOf(Call call, Wire.ReportContent content, TriageRules triage)
    {
        var classes = ClassSet.FromWire(content.Facts.Select(fact => fact.ConfidentialityClass)) | ClassSet.Of(Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact);
        var primaries = PrimariesOf(call, content);
        if (primaries.Count > 0)
        {
            return primaries.Select(id => call.Members.FindUnit(id)).OfType<Unit>().Select(unit => Suggestion(call, content, unit, "R-INT-4",
                "The person has an open case: the report goes to its primary unit.", "當事人已有開案中之個案，應派該案主責單位。", classes, []));
        }

        var (units, suggested, suggestions) = (UnitsOf(call), new HashSet<string>(StringComparer.Ordinal), new List<Wire.DispatchSuggestion>());
        var capacities = call.Read.CapacitiesOf([.. units.Select(unit => unit.UnitId)]);
        foreach (var rule in triage.Fitting(content))
        {
            suggestions.AddRange(units.Where(unit => rule.Suggests(unit, content) && suggested.Add(unit.UnitId))
                .Select(unit => Suggestion(call, content, unit, rule.Id, rule.TextEn, rule.TextZh, classes, capacities))
                .OrderByDescending(one => one.ServesDistrict).ThenByDescending(one => one.OpenPlaces > 0).ThenByDescending(one => one.CapacityStatedAt?.ToDateTimeOffset() ?? DateTimeOffset.MinValue));
        }

        return suggestions.Take(MostSuggestions);
    }

    private static Wire.DispatchSuggestion Suggestion(
        Call call, Wire.ReportContent content, Unit unit, string ruleId, string textEn, string textZh, ClassSet classes, IEnumerable<CapacityRow> capacities)
    {
        // Of several services, the one with the least room says how much there is.
        var stated = capacities.Where(row => string.Equals(row.UnitId, unit.UnitId, StringComparison.Ordinal) && (content.Needs.Count == 0 || content.Needs.Contains(row.Service))).ToList();
        var suggestion = new Wire.DispatchSuggestion
        {
            UnitId = unit.UnitId, RuleId = ruleId, ReasonEn = textEn, ReasonZh = textZh, CapacityStated = stated.Count > 0,
            ServesDistrict = content.District.Length > 0 && unit.Registered.Districts.Contains(content.District),
        };
        if (stated.Count > 0)
        {
            suggestion.OpenPlaces = stated.Min(row => row.OpenPlaces);
            suggestion.CapacityStatedAt = Timestamp.FromDateTimeOffset(stated.Min(row => row.StatedAt));
        }

        suggestion.View.Add(classes.InTableOrder().Where(one => call.MayHold(unit, call.Context!.LegalBasis, one, RelationshipSet.Of(Wire.Relationship.ReferredTo))));
        return suggestion;
    }
}
