using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>How items come onto agendas and cases onto the list and off it (列管, R-CON-3, R-CON-4, R-CON-5).</summary>
internal static class ItemLists
{
    /// <summary>Marks that something of the case's list changes: of two that do so at once the second runs again.</summary>
    public static ListedCase Touch(Call call, Guid caseId)
    {
        if (call.Change.Added.Concat(call.Change.Updated).OfType<ListedCase>().FirstOrDefault(row => row.CaseId == caseId) is { } touched) return touched;
        if (call.Read.FindListedCase(caseId) is { } row)
        {
            call.Change.Update(row);
            return row;
        }

        row = new ListedCase { CaseId = caseId, Version = 1 };
        call.Change.Add(row);
        return row;
    }

    /// <summary>A conference follows these items from now on (賡續列管): they are on its agenda, and its chair is theirs.</summary>
    public static void CarryOver(Call call, ConferenceCase about, Conference conference, IEnumerable<TrackedItem> items)
    {
        foreach (var item in items)
        {
            var (before, isOtherChair) = (item.ChairUnitId, !string.Equals(item.ChairUnitId, conference.ConvenedByUnitId, StringComparison.Ordinal));
            (item.ConferenceId, item.ChairUnitId) = (conference.ConferenceId, conference.ConvenedByUnitId);
            item.TimesCarriedOver++;
            ItemSteps.Move(call, item, Wire.ItemAction.CarryOver);
            ItemSteps.Tell(call, item, item.OwnerUnitId, Wire.NoticeKind.ItemChanged);
            if (!isOtherChair) continue;
            EndShowing(call, item, before);
            call.ShowTo(about, item, item.ChairUnitId, before);
            // One that this call makes has none yet.
            if (item.State == Wire.ItemState.Open && !call.Change.Added.Contains(item)) ItemSteps.StartClock(call, item);
        }
    }

    /// <summary>Items that came to a level, where a conference of it lies ahead already, are on its agenda at once.</summary>
    public static void PutOnNextAgenda(Call call, ConferenceCase about, Guid notThis, IReadOnlyList<TrackedItem> items)
    {
        if (items.Count > 0 && call.Read.NextConference(about.CaseId, items[0].Level, notThis, call.Now) is { } next) CarryOver(call, about, next, items);
    }

    /// <summary>Takes a case off the list, where all is done and all agree (R-CON-4).</summary>
    public static void Remove(Call call, ConferenceTable table)
    {
        const string Rule = "R-CON-4";
        var (about, conference) = (table.Case, table.Conference);
        var listed = Touch(call, about.CaseId);
        if (!listed.IsListed) throw new Refusal(Wire.ErrorReason.NotOnList, ("rule", Rule));
        var items = call.Read.ItemsOnList(about.CaseId);
        if (items.Count(item => item.IsOpen) is > 0 and var open) throw new Refusal(Wire.ErrorReason.ItemsNotDone, ("items", $"{open}"), ("rule", Rule));
        if (Meeting.WithoutConsent(table, call.Read.UnitsAtMeeting(conference.ConferenceId)) is { Count: > 0 } missing)
            throw new Refusal(Wire.ErrorReason.ConsentMissing, ("unit_ids", string.Join(", ", missing)), ("rule", Rule));
        foreach (var item in items)
        {
            ItemSteps.Move(call, item, Wire.ItemAction.Remove);
            call.EndDisclosures(item.Step);
        }

        (listed.IsListed, listed.RemovedAt) = (false, call.Now);
        foreach (var unitId in items.Select(item => item.OwnerUnitId).Append(about.PrimaryUnitId).Distinct(StringComparer.Ordinal).Where(id => !string.Equals(id, call.Unit.UnitId, StringComparison.Ordinal)))
            ConferenceTable.Notify(call, unitId, Wire.NoticeKind.CaseOffList, conference);
    }

    /// <summary>A case is not closed while it is on the list: its items would drop with it (R-CON-4).</summary>
    public static void RequireOffList(Call call, Guid caseId)
    {
        if (call.Read.FindListedCase(caseId) is not { } listed) return;
        if (listed.IsListed) throw new Refusal(Wire.ErrorReason.CaseOnList, ("items", $"{call.Read.ItemsOnList(caseId).Count}"), ("rule", "R-CON-4"));
        // A resolution in this instant finds the case closed, or the closing runs again.
        call.Change.Update(listed);
    }

    /// <summary>What was shown to a unit that neither owes nor chairs the item any more is over.</summary>
    public static void EndShowing(Call call, TrackedItem item, string unitId)
    {
        var isStillShown = (item.IsOpen && string.Equals(item.OwnerUnitId, unitId, StringComparison.Ordinal)) || string.Equals(item.ChairUnitId, unitId, StringComparison.Ordinal);
        if (!isStillShown) call.EndDisclosures(item.Step, unitId);
    }
}

/// <summary>What becomes of items when their case is merged into another, or their chair leaves it: nothing drops (R-CON-4).</summary>
internal sealed class ItemHeirs : IReactTo<CasesMerged>, IReactTo<CasePartEnded>
{
    /// <summary>Items go on in the other case; the conferences stay with theirs, so that no unit invited sees more by it than before.</summary>
    public void React(Call call, CasesMerged happened)
    {
        if (call.Read.FindListedCase(happened.CaseId) is not { } before) return;
        call.Change.Update(before);
        var goesOn = ItemLists.Touch(call, happened.IntoCaseId);
        if (before.IsListed)
        {
            (before.IsListed, before.RemovedAt) = (false, call.Now);
            if (!goesOn.IsListed) (goesOn.IsListed, goesOn.ListedAt) = (true, call.Now);
        }

        foreach (var item in call.Read.ItemsOfCase(happened.CaseId))
        {
            item.CaseId = happened.IntoCaseId;
            call.Change.Update(item);
        }
    }

    /// <summary>What a unit that leaves the case chairs is chaired by the primary unit from now on.</summary>
    public void React(Call call, CasePartEnded happened)
    {
        foreach (var item in call.Read.ItemsChairedBy(happened.CaseId, happened.UnitId))
        {
            if (call.Read.FindOpenCase(happened.CaseId) is not { } about) return;
            var heir = string.Equals(about.PrimaryUnitId, happened.UnitId, StringComparison.Ordinal) ? call.Unit.UnitId : about.PrimaryUnitId;
            if (string.Equals(heir, happened.UnitId, StringComparison.Ordinal)) return;
            item.ChairUnitId = heir;
            call.Change.Update(item);
            ItemLists.EndShowing(call, item, happened.UnitId);
            call.ShowTo(about, item, heir, happened.UnitId);
            if (item.State is Wire.ItemState.Open or Wire.ItemState.Escalated) ItemSteps.StartClock(call, item);
        }
    }
}
