using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>What the moves of an item share: its history, its clock, whom it tells.</summary>
internal static class ItemSteps
{
    /// <summary>Moves an item and keeps the move. What else the move does is done before, so that the history says how the item stands after it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="item">The item, which the call holds.</param>
    /// <param name="action">The move.</param>
    /// <param name="text">What is written of it; empty: nothing.</param>
    public static void Move(Call call, TrackedItem item, Wire.ItemAction action, string text = "")
    {
        item.Move(action, TrackedItem.PartyOf(action));
        call.Change.Update(item);
        Record(call, item, action, text);
    }

    /// <summary>Keeps a move with who and when, and how the item stands after it.</summary>
    public static void Record(Call call, TrackedItem item, Wire.ItemAction action, string text = "")
    {
        call.Touches("item", item.ItemId);
        var move = new ItemMoveRow
        {
            MoveId = call.NewId(), ItemId = item.ItemId, Number = ++item.MoveCount, Action = action, MovedAt = call.Now, UnitId = call.Unit.UnitId, PersonId = call.Context!.Actor.PersonId,
            State = item.State, ConferenceId = item.ConferenceId, Level = item.Level, OwnerUnitId = item.OwnerUnitId, DueOn = item.DueOn,
        };
        if (text.Length > 0) move.Text = call.Vault.SealText(item.Jurisdiction, TrackedItemQueries.TextColumn, move.MoveId, text);
        call.Change.Add(move);
    }

    /// <summary>Tells a unit of an item; the acting unit knows.</summary>
    public static void Tell(Call call, TrackedItem item, string unitId, Wire.NoticeKind kind)
    {
        if (!string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal)) call.Change.Notify(new NoticeDraft(unitId, kind, null, item.CaseId, $"item/{item.ItemId}"));
    }

    /// <summary>Starts the clock of the owner anew: reminder, overdue, and the chair and the owner's supervisor at escalation.</summary>
    public static void StartClock(Call call, TrackedItem item)
    {
        call.StopClocks(item.ItemId);
        var dueAt = new DateTimeOffset(item.DueOn.AddDays(1).ToDateTime(TimeOnly.MinValue), OfficeHours.Taiwan).ToUniversalTime();
        var clock = call.TimeLimits.BeginUntil(Wire.ClockKind.ConferenceItemDue, "item", item.ItemId, item.OwnerUnitId, item.ChairUnitId, item.Jurisdiction, call.Now, dueAt);
        clock.CaseId = item.CaseId;
        call.Change.Add(clock);
    }
}
