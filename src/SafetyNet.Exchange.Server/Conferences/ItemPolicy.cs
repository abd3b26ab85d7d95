using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>An item with its open case, the conference that follows it, and how the acting unit stands to it.</summary>
internal sealed record ItemInCase(TrackedItem Item, ConferenceCase Case, NeedToKnowQuestion Question);

/// <summary>
/// Facts of tracked items for the need-to-know decision. An item is addressed to its owner as long as it is open, and to its chair until it leaves the list: to them its class counts as on the agenda, also
/// when the invitation is over (R-CON-2), and whether a unit of their kind may hold that class is decided as ever. Other units invited see its texts as far as the agenda goes.
/// </summary>
internal static class ItemPolicy
{
    /// <summary>The item and how the acting unit sees it; refused as absent where it has nothing to do with it (R-NTK-14).</summary>
    public static ItemInCase RequireItem(this Call call, string itemId)
    {
        var id = Guid.Parse(itemId);
        call.Touches("item", id);
        if (!call.Read.ReachesItem(id, call.Unit.UnitId) || call.Read.FindItem(id) is not { } item || call.Read.FindOpenCase(item.CaseId) is not { } about)
            throw new Refusal(Wire.ErrorReason.NotFound);
        var question = QuestionOf(call, item, about, AgendaOf(call, item));
        call.Decide(question);
        about.Concerns(call);
        return new ItemInCase(item, about, question);
    }

    /// <summary>How the acting unit stands to an item.</summary>
    /// <param name="agenda">Classes that the unit's invitation to the conference of the item opens; empty: it has none that stands.</param>
    public static NeedToKnowQuestion QuestionOf(Call call, TrackedItem item, ConferenceCase about, ClassSet? agenda) =>
        QuestionOf(call, item, about.Jurisdiction, about.RelationshipOf(call.Unit.UnitId), about.Scopes.GetValueOrDefault(call.Unit.UnitId).At(call.Now), agenda);

    /// <summary>The same for an item of a list of the unit's own, which it chairs or owes.</summary>
    public static NeedToKnowQuestion QuestionOf(Call call, ItemLine line) => QuestionOf(call, line.Item, line.Jurisdiction, RelationshipSet.None, line.Scope.At(call.Now), agenda: null);

    private static NeedToKnowQuestion QuestionOf(Call call, TrackedItem item, Wire.Jurisdiction jurisdiction, RelationshipSet relationships, ClassSet scope, ClassSet? agenda)
    {
        var isAddressed = IsAddressed(item, call.Unit.UnitId);
        if (isAddressed || agenda is not null) relationships |= RelationshipSet.Of(Wire.Relationship.Conference);
        var own = ClassSet.Of(item.ConfidentialityClass);
        var question = call.Ask(relationships, jurisdiction) with { Agenda = isAddressed ? own : (agenda ?? ClassSet.None) & own, ServiceScope = scope };
        // An item may tell of anybody of its case: one whose whereabouts are protected withholds them from whoever must not know them, also where it is addressed (R-NTK-10).
        return CasePolicy.Whereabouts.Contains(item.ConfidentialityClass) ? CasePolicy.WithWhereabouts(call, question, call.Read.SubjectsOfCase(item.CaseId)) : question;
    }

    /// <summary>May the acting unit read the texts of the item?</summary>
    public static bool MayReadItem(this Call call, TrackedItem item, in NeedToKnowQuestion question) => call.Consider(question).Visible.Contains(item.ConfidentialityClass);

    /// <summary>The acting unit is what it must be for the move.</summary>
    public static void RequireParty(Call call, TrackedItem item, Wire.ItemAction action)
    {
        var party = TrackedItem.PartyOf(action);
        var unitId = party == ItemParty.Owner ? item.OwnerUnitId : item.ChairUnitId;
        if (!string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal)) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", TrackedItem.NameOf(party)));
    }

    /// <summary>An item is owed by the chair, a unit invited, or a unit that takes part in the case, which may hold its class (R-CON-3).</summary>
    public static void RequireOwner(Call call, ConferenceCase about, IEnumerable<string> invited, string unitId, Wire.ConfidentialityClass one, string field)
    {
        var isAtTable = string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal) || invited.Contains(unitId, StringComparer.Ordinal) || about.RelationshipOf(unitId) != RelationshipSet.None;
        if (!isAtTable || call.Members.FindUnit(unitId) is not { IsActive: true } unit)
            throw new Refusal(Wire.ErrorReason.ItemOwnerNotAtTable, ("unit_id", unitId), ("field", field), ("rule", "R-CON-3"));
        RequireHolder(call, about, unit, one);
    }

    /// <summary>The unit, at the table, may be shown a class that is on the agenda.</summary>
    public static void RequireHolder(Call call, ConferenceCase about, Unit unit, Wire.ConfidentialityClass one)
    {
        if (!ConferencePolicy.OpenedTo(call, about, unit, ClassSet.Of(one)).Contains(one))
            throw new Refusal(Wire.ErrorReason.ViewNotPermitted, ("class", CodeText.Of(one)), ("unit_id", unit.UnitId), ("rule", "R-CON-2"));
    }

    /// <summary>The ledger says that the item is shown to a unit from now on, where it is and was not so already (R-NTK-17).</summary>
    public static void ShowTo(this Call call, ConferenceCase about, TrackedItem item, string toUnitId, string fromUnitId)
    {
        if (string.Equals(toUnitId, fromUnitId, StringComparison.Ordinal) || call.Members.FindUnit(toUnitId) is not { } unit) return;
        var classes = ConferencePolicy.OpenedTo(call, about, unit, ClassSet.Of(item.ConfidentialityClass)) & ClassSet.Of(item.ConfidentialityClass);
        if (call.Read.DisclosuresOfStep(Wire.DisclosureStep.TrackedItem, item.ItemId).Concat(call.Change.Added.OfType<DisclosureRow>().Where(line => line.StepId == item.ItemId))
            .Any(line => line.IsOpenAt(call.Now) && string.Equals(line.ToUnitId, toUnitId, StringComparison.Ordinal))) return;
        call.Disclose(item.Step, about.Subjects, toUnitId, classes, item.LegalBasis, until: null, fromUnitId);
    }

    /// <summary>What the acting unit's invitation to the conference of an item opens; null: none stands. A conference on a case that was merged opens nothing of the case that goes on.</summary>
    private static ClassSet? AgendaOf(Call call, TrackedItem item)
    {
        if (call.Read.FindConference(item.ConferenceId) is not { } conference || conference.CaseId != item.CaseId || call.Now >= conference.OpenUntil) return null;
        var isAtTable = ConferencePolicy.IsConvenor(call, conference)
            || call.Read.InvitationsTo(conference.ConferenceId).Exists(i => i.WithdrawnAt is null && string.Equals(i.UnitId, call.Unit.UnitId, StringComparison.Ordinal));
        return isAtTable ? new ClassSet(conference.Agenda) : null;
    }

    private static bool IsAddressed(TrackedItem item, string unitId) =>
        (item.IsOpen && string.Equals(item.OwnerUnitId, unitId, StringComparison.Ordinal))
        || (item.State != Wire.ItemState.Removed && string.Equals(item.ChairUnitId, unitId, StringComparison.Ordinal));
}
