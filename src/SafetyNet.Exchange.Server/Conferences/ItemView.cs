using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>Tracked items as the acting unit sees them: that they are and how they stand, and their texts where it may read them.</summary>
internal static class ItemView
{
    /// <summary>An item.</summary>
    /// <param name="call">The call.</param>
    /// <param name="item">The item.</param>
    /// <param name="question">How the acting unit stands to it.</param>
    /// <param name="moves">Its moves in order; empty: they are left out.</param>
    public static Wire.TrackedItem Show(Call call, TrackedItem item, in NeedToKnowQuestion question, IEnumerable<ItemMoveRow> moves)
    {
        call.Touches("item", item.ItemId);
        var mayRead = call.MayReadItem(item, question);
        if (!mayRead) call.Withhold(ClassSet.Of(item.ConfidentialityClass));
        var wire = new Wire.TrackedItem
        {
            ItemId = item.ItemId.ToString(), CaseId = item.CaseId.ToString(), ConferenceId = item.ConferenceId.ToString(), ChairUnitId = item.ChairUnitId, OwnerUnitId = item.OwnerUnitId,
            Own = string.Equals(item.OwnerUnitId, call.Unit.UnitId, StringComparison.Ordinal), State = item.State, Level = item.Level, DueDate = CivilDate.ToText(item.DueOn),
            Overdue = item.IsOverdueOn(call.On), TimesCarriedOver = item.TimesCarriedOver, MadeAt = Timestamp.FromDateTimeOffset(item.MadeAt), Etag = Storage.Etag.Of(item),
            Deed = mayRead ? Text(item, call.Vault.OpenText(TrackedItemQueries.DeedColumn, item.ItemId, item.Deed)) : null,
        };
        foreach (var move in moves)
        {
            wire.Moves.Add(new Wire.ItemMove
            {
                Action = move.Action, MovedAt = Timestamp.FromDateTimeOffset(move.MovedAt), UnitId = move.UnitId, PersonId = move.PersonId, State = move.State,
                ConferenceId = move.ConferenceId.ToString(), Level = move.Level, OwnerUnitId = move.OwnerUnitId, DueDate = CivilDate.ToText(move.DueOn),
                Text = mayRead && move.Text.Length > 0 ? Text(item, call.Vault.OpenText(TrackedItemQueries.TextColumn, move.MoveId, move.Text)) : null,
            });
        }

        return wire;
    }

    /// <summary>The item as it is with what the call made of it.</summary>
    public static Wire.TrackedItem ShowWithMoves(Call call, TrackedItem item, in NeedToKnowQuestion question) =>
        Show(call, item, question, MovesNow(call, item, call.Read.MovesOfItems([item.ItemId])));

    /// <summary>The newest moves of an item in order, those of this call included.</summary>
    public static IEnumerable<ItemMoveRow> MovesNow(Call call, TrackedItem item, ILookup<Guid, ItemMoveRow> kept) =>
        kept[item.ItemId].Concat(call.Change.Added.OfType<ItemMoveRow>().Where(move => move.ItemId == item.ItemId)).TakeLast(TrackedItemQueries.MostMoves);

    private static Wire.ConferenceText Text(TrackedItem item, string text) => new() { ConfidentialityClass = item.ConfidentialityClass, Text = text };
}
