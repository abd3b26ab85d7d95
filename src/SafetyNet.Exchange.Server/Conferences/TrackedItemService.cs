using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>The RPCs of tracked items: load, decide, move, answer. Identity, access, limits, validation and the record are the pipeline's.</summary>
internal sealed class TrackedItemService : Wire.TrackedItemService.TrackedItemServiceBase
{
    private const int DefaultPage = 100;

    public override Task<Wire.ReportItemProgressResponse> ReportItemProgress(Wire.ReportItemProgressRequest request, ServerCallContext context) => Task.FromResult(new Wire.ReportItemProgressResponse
    {
        Item = Move(context, request.ItemId, "", Wire.ItemAction.ReportProgress, request.Text, (call, of) => call.ShowTo(of.Case, of.Item, of.Item.ChairUnitId, of.Item.OwnerUnitId)),
    });

    public override Task<Wire.ReportItemDoneResponse> ReportItemDone(Wire.ReportItemDoneRequest request, ServerCallContext context) => Task.FromResult(new Wire.ReportItemDoneResponse
    {
        Item = Move(context, request.ItemId, request.Etag, Wire.ItemAction.ReportDone, request.Text, (call, of) =>
        {
            call.ShowTo(of.Case, of.Item, of.Item.ChairUnitId, of.Item.OwnerUnitId);
            call.StopClocks(of.Item.ItemId);
            ItemSteps.Tell(call, of.Item, of.Item.ChairUnitId, Wire.NoticeKind.ItemReportedDone);
        }),
    });

    public override Task<Wire.ConfirmItemDoneResponse> ConfirmItemDone(Wire.ConfirmItemDoneRequest request, ServerCallContext context) => Task.FromResult(new Wire.ConfirmItemDoneResponse
    {
        Item = Move(context, request.ItemId, request.Etag, Wire.ItemAction.ConfirmDone, "", (call, of) =>
        {
            ItemLists.EndShowing(call, of.Item, of.Item.OwnerUnitId);
            ItemSteps.Tell(call, of.Item, of.Item.OwnerUnitId, Wire.NoticeKind.ItemChanged);
        }),
    });

    public override Task<Wire.ReturnItemResponse> ReturnItem(Wire.ReturnItemRequest request, ServerCallContext context) => Task.FromResult(new Wire.ReturnItemResponse
    {
        Item = Move(context, request.ItemId, request.Etag, Wire.ItemAction.Return, request.Reason, (call, of) =>
        {
            ItemSteps.StartClock(call, of.Item);
            ItemSteps.Tell(call, of.Item, of.Item.OwnerUnitId, Wire.NoticeKind.ItemChanged);
        }, (call, of) => of.Item.DueOn = TrackedItem.RequireDue(request.DueDate, "due_date", call.On)),
    });

    public override Task<Wire.AmendItemResponse> AmendItem(Wire.AmendItemRequest request, ServerCallContext context)
    {
        if (request.DueDate.Length == 0 && request.OwnerUnitId.Length == 0) throw Refusal.InvalidField(new FieldFault("due_date", FieldFaultKind.SomeRequired, "due_date, owner_unit_id"));
        var before = "";
        return Task.FromResult(new Wire.AmendItemResponse
        {
            Item = Move(context, request.ItemId, request.Etag, Wire.ItemAction.Amend, request.Reason, (call, of) =>
            {
                ItemSteps.StartClock(call, of.Item);
                var passes = !string.Equals(before, of.Item.OwnerUnitId, StringComparison.Ordinal);
                ItemSteps.Tell(call, of.Item, of.Item.OwnerUnitId, passes ? Wire.NoticeKind.ItemAssigned : Wire.NoticeKind.ItemChanged);
                if (!passes) return;
                ItemSteps.Tell(call, of.Item, before, Wire.NoticeKind.ItemChanged);
                ItemLists.EndShowing(call, of.Item, before);
                call.ShowTo(of.Case, of.Item, of.Item.OwnerUnitId, of.Item.ChairUnitId);
            }, (call, of) =>
            {
                before = of.Item.OwnerUnitId;
                if (request.DueDate.Length > 0) of.Item.DueOn = TrackedItem.RequireDue(request.DueDate, "due_date", call.On);
                if (request.OwnerUnitId.Length == 0) return;
                var invited = call.Read.InvitationsTo(of.Item.ConferenceId).Where(i => i.WithdrawnAt is null).Select(i => i.UnitId);
                ItemPolicy.RequireOwner(call, of.Case, invited, request.OwnerUnitId, of.Item.ConfidentialityClass, "owner_unit_id");
                of.Item.OwnerUnitId = request.OwnerUnitId;
            }),
        });
    }

    public override Task<Wire.EscalateItemResponse> EscalateItem(Wire.EscalateItemRequest request, ServerCallContext context) => Task.FromResult(new Wire.EscalateItemResponse
    {
        Item = Move(context, request.ItemId, request.Etag, Wire.ItemAction.Escalate, request.Reason, (call, of) =>
        {
            ItemLists.Touch(call, of.Case.CaseId);
            foreach (var unitId in Conveners(call, of.Case)) ItemSteps.Tell(call, of.Item, unitId, Wire.NoticeKind.ItemEscalated);
            ItemLists.PutOnNextAgenda(call, of.Case, of.Item.ConferenceId, [of.Item]);
        }),
    });

    public override Task<Wire.GetItemResponse> GetItem(Wire.GetItemRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var of = call.RequireItem(request.ItemId);
        return Task.FromResult(new Wire.GetItemResponse { Item = ItemView.ShowWithMoves(call, of.Item, of.Question) });
    }

    public override Task<Wire.ListOpenItemsResponse> ListOpenItems(Wire.ListOpenItemsRequest request, ServerCallContext context)
    {
        var response = new Wire.ListOpenItemsResponse();
        response.NextPageToken = List(Call.Of(context), asChair: true, request.OverdueOnly, request.PageSize, request.PageToken, response.Items);
        return Task.FromResult(response);
    }

    public override Task<Wire.ListOwnItemsResponse> ListOwnItems(Wire.ListOwnItemsRequest request, ServerCallContext context)
    {
        var response = new Wire.ListOwnItemsResponse();
        response.NextPageToken = List(Call.Of(context), asChair: false, request.OverdueOnly, request.PageSize, request.PageToken, response.Items);
        return Task.FromResult(response);
    }

    /// <summary>Makes one move of one call: load, decide, change, move, do what follows, answer; refused by party and state first, then by the etag.</summary>
    /// <param name="context">The call.</param>
    /// <param name="itemId">The item.</param>
    /// <param name="etag">Version that the caller has read; empty: any.</param>
    /// <param name="action">The move.</param>
    /// <param name="text">What is written of it.</param>
    /// <param name="then">What else it does in the same commit.</param>
    /// <param name="change">What it changes of the item besides the state; null: nothing.</param>
    private static Wire.TrackedItem Move(
        ServerCallContext context, string itemId, string etag, Wire.ItemAction action, string text, Action<Call, ItemInCase> then, Action<Call, ItemInCase>? change = null)
    {
        var call = Call.Of(context);
        var of = call.RequireItem(itemId);
        var item = of.Item;
        if (call.Replayed is not null) return ItemView.ShowWithMoves(call, item, of.Question);
        ItemPolicy.RequireParty(call, item, action);
        var (current, state) = (Etag.Of(item), CodeText.Of(item.State));
        item.Move(action, TrackedItem.PartyOf(action));
        CaseSteps.RequireCurrent(etag, current, state);
        change?.Invoke(call, of);
        call.Change.Update(item);
        ItemSteps.Record(call, item, action, text);
        then(call, of);
        call.Change.Key!.Outcome = item.ItemId.ToString();
        return ItemView.ShowWithMoves(call, item, of.Question);
    }

    /// <summary>A page of the acting unit's own list, by two statements whatever is on it; answers the token of the next page.</summary>
    private static string List(Call call, bool asChair, bool overdueOnly, int pageSize, string pageToken, Google.Protobuf.Collections.RepeatedField<Wire.TrackedItem> items)
    {
        var size = pageSize == 0 ? DefaultPage : pageSize;
        var (after, id) = PageToken.Read(pageToken, (DateTimeOffset.UnixEpoch, Guid.Empty));
        var found = call.Read.ListItems(new ItemPage(call.Unit.UnitId, asChair, overdueOnly ? call.On : null, (DateOnly.FromDateTime(after.UtcDateTime), id), size + 1));
        var shown = new HashSet<Guid>();
        foreach (var line in found.Take(size))
        {
            var question = ItemPolicy.QuestionOf(call, line);
            if (!call.Consider(question).Allowed) continue;
            items.Add(ItemView.Show(call, line.Item, question, []));
            shown.Add(line.Item.CaseId);
        }

        foreach (var pseudonym in call.Read.PseudonymsOfCases(call.Vault, shown)) call.ConcernsPseudonym(pseudonym);
        if (found.Count <= size) return "";
        var last = found[size - 1].Item;
        return PageToken.Of(new DateTimeOffset(last.DueOn.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero), last.ItemId);
    }

    /// <summary>Who may convene a conference of the next level: the primary unit, and the screening centre of the case's jurisdiction.</summary>
    private static IEnumerable<string> Conveners(Call call, ConferenceCase about) => call.Members.Units
        .Where(unit => unit is { IsActive: true, Kind: Wire.UnitKind.CentralIntake } && unit.Agency.Jurisdiction == about.Jurisdiction).Select(unit => unit.UnitId)
        .Append(about.PrimaryUnitId).Distinct(StringComparer.Ordinal);
}
