using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>A meeting as the acting unit sees it.</summary>
/// <param name="Table">Who sits at it.</param>
/// <param name="Question">How the unit stands to it; its agenda is what is open to the unit now.</param>
/// <param name="Decision">What it may see.</param>
internal sealed record MeetingView(ConferenceTable Table, NeedToKnowQuestion Question, Decision Decision)
{
    private static readonly ClassSet Note = ClassSet.Of(Wire.ConfidentialityClass.CaseNote);

    public Conference Conference => Table.Conference;

    /// <summary>
    /// The meeting that a request names; refused as absent where the unit has nothing to do with it (R-NTK-14). Its chair sits at its own table: it stands to what is put onto it as those invited do.
    /// </summary>
    public static MeetingView Require(Call call, string conferenceId)
    {
        var id = Guid.Parse(conferenceId);
        call.Touches("conference", id);
        if (!call.Read.ReachesConference(id, call.Unit.UnitId) || ConferenceTable.Find(call, id) is not { } table) throw new Refusal(Wire.ErrorReason.NotFound);
        var (about, isOpen) = (table.Case, call.Now < table.Conference.OpenUntil);
        var isChair = ConferencePolicy.IsConvenor(call, table.Conference);
        var relationships = about.RelationshipOf(call.Unit.UnitId);
        if (isChair || (isOpen && table.IsInvited(call.Unit.UnitId))) relationships |= RelationshipSet.Of(Wire.Relationship.Conference);
        var question = call.Ask(relationships, about.Jurisdiction) with
        {
            Agenda = isOpen && relationships.Contains(Wire.Relationship.Conference) ? new ClassSet(table.Conference.Agenda) : ClassSet.None,
            ServiceScope = about.Scopes.GetValueOrDefault(call.Unit.UnitId).At(call.Now),
        };
        // What is put onto the table may tell of anybody of the case, as a note may (R-NTK-10).
        question = CasePolicy.WithWhereabouts(call, question, about.Subjects);
        var view = new MeetingView(table, question, call.Decide(question));
        about.Concerns(call);
        return view;
    }

    public Conference RequireChair(Call call) =>
        ConferencePolicy.IsConvenor(call, Conference) ? Conference : throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "convenor"));

    /// <summary>The minutes, with what the call changes.</summary>
    /// <param name="call">The call.</param>
    /// <param name="units">Units as they are recorded now.</param>
    public Wire.Minutes Minutes(Call call, IReadOnlyList<MeetingUnitRow> units)
    {
        var resolutions = call.Read.ResolutionsOf(Conference.ConferenceId);
        var listed = call.Change.Updated.OfType<ListedCase>().FirstOrDefault() ?? call.Read.FindListedCase(Table.Case.CaseId);
        var wire = new Wire.Minutes
        {
            ConferenceId = Conference.ConferenceId.ToString(), CaseId = Conference.CaseId.ToString(), Level = Conference.Level, MeetingAt = Timestamp.FromDateTimeOffset(Conference.MeetingAt),
            ChairUnitId = Conference.ConvenedByUnitId, Listed = listed is { IsListed: true }, Etag = Etag.Of(Conference),
        };
        foreach (var unitId in Table.Invited.Append(Conference.ConvenedByUnitId).Order(StringComparer.Ordinal))
            wire.Units.Add(Show(call, unitId, units.FirstOrDefault(unit => string.Equals(unit.UnitId, unitId, StringComparison.Ordinal))));
        var changed = call.Change.Updated.OfType<TrackedItem>().ToDictionary(item => item.ItemId);
        var items = call.Read.ItemsOfResolutions([.. resolutions.Select(r => r.ResolutionId)]).Select(item => changed.GetValueOrDefault(item.ItemId, item)).ToLookup(item => item.ResolutionId);
        foreach (var resolution in resolutions) wire.Resolutions.Add(Show(call, resolution, items[resolution.ResolutionId]));
        return wire;
    }

    public Wire.Resolution Show(Call call, Resolution resolution, IEnumerable<TrackedItem> items)
    {
        var wire = new Wire.Resolution
        {
            ResolutionId = resolution.ResolutionId.ToString(), RecordedAt = Timestamp.FromDateTimeOffset(resolution.RecordedAt), PersonId = resolution.PersonId,
            Content = Text(call, resolution.ConfidentialityClass, MeetingQueries.ResolutionColumn, resolution.ResolutionId, resolution.Sealed),
        };
        wire.Items.Add(items.Select(item => ItemView.Show(call, item, QuestionOf(call, item), [])));
        return wire;
    }

    public Wire.Extract Show(Call call, ExtractRow extract) => new()
    {
        UnitId = extract.UnitId, SubmittedAt = Timestamp.FromDateTimeOffset(extract.SubmittedAt), Etag = Etag.Of(extract),
        Content = Text(call, extract.ConfidentialityClass, MeetingQueries.ExtractColumn, extract.ExtractId, extract.Sealed),
    };

    /// <summary>What is read before the meeting.</summary>
    public Wire.PreRead PreRead(Call call)
    {
        var wire = new Wire.PreRead
        {
            ConferenceId = Conference.ConferenceId.ToString(), CaseId = Conference.CaseId.ToString(), Level = Conference.Level, MeetingAt = Timestamp.FromDateTimeOffset(Conference.MeetingAt),
            Ground = Conference.Ground, Statement = call.Vault.OpenText(ConferenceQueries.StatementColumn, Conference.ConferenceId, Conference.Statement),
        };
        wire.Indicators.Add(Conference.IndicatorList);
        RedactionPlan.For(Wire.PreRead.Descriptor).Redact(wire, Decision.Visible);
        var items = call.Read.ItemsOfConference(Conference.ConferenceId);
        var moves = call.Read.MovesOfItems([.. items.Select(item => item.ItemId)]);
        wire.Items.Add(items.Select(item => ItemView.Show(call, item, QuestionOf(call, item), ItemView.MovesNow(call, item, moves))));
        var extracts = call.Read.ExtractsFor(Conference.ConferenceId);
        wire.Extracts.Add(extracts.Select(extract => Show(call, extract)));
        wire.MissingUnitIds.Add(Table.Invited.Where(id => !extracts.Exists(extract => string.Equals(extract.UnitId, id, StringComparison.Ordinal))));
        return wire;
    }

    private NeedToKnowQuestion QuestionOf(Call call, TrackedItem item) =>
        ItemPolicy.QuestionOf(call, item, Table.Case, Question.Relationships.Contains(Wire.Relationship.Conference) ? Question.Agenda : null);

    private Wire.MeetingUnit Show(Call call, string unitId, MeetingUnitRow? unit)
    {
        var isChair = string.Equals(unitId, Conference.ConvenedByUnitId, StringComparison.Ordinal);
        var wire = new Wire.MeetingUnit
        {
            UnitId = unitId, Attendance = isChair ? Wire.Attendance.Present : unit?.Attendance ?? default, Consent = unit?.Consent ?? default,
            ConsentAt = unit?.ConsentAt is { } at ? Timestamp.FromDateTimeOffset(at) : null,
        };
        if (unit is not { Reason.Length: > 0 }) return wire;
        // It is said to the chair, and to nobody else.
        var isAddressed = string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal) || (ConferencePolicy.IsConvenor(call, Conference) && call.Now < Conference.OpenUntil);
        if (isAddressed && call.Consider(Question with { Agenda = Note }).Visible.Contains(Wire.ConfidentialityClass.CaseNote))
        {
            wire.Reason = new Wire.ConferenceText
            {
                ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, Text = call.Vault.OpenText(MeetingQueries.ReasonColumn, unit.ReasonId, unit.Reason),
            };
        }
        else
        {
            call.Withhold(Note);
        }

        return wire;
    }

    private Wire.ConferenceText? Text(Call call, Wire.ConfidentialityClass one, SealedColumn column, Guid row, byte[] text)
    {
        if (Decision.Visible.Contains(one)) return new Wire.ConferenceText { ConfidentialityClass = one, Text = call.Vault.OpenText(column, row, text) };
        call.Withhold(ClassSet.Of(one));
        return null;
    }
}
