using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Visits;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Conferences;

/// <summary>What parties do with meetings and tracked items, as one line each.</summary>
internal static class MeetingMoves
{
    public const string Resolved = "各單位分工辦理，下次會議報告進度", Why = "已與案家及服務單位逐項確認";

    /// <summary>A conference on a case whose meeting began a minute ago.</summary>
    public static async Task<string> HoldsAsync(this Party chair, TestExchange exchange, string caseId, Wire.ConferenceLevel level, Party[] invited, params Wire.ConfidentialityClass[] agenda)
    {
        var met = await chair.BringsAsync(exchange, caseId, level, invited, agenda);
        exchange.MeetAt(met, exchange.Clock.GetUtcNow().AddMinutes(-1));
        return met;
    }

    /// <summary>A conference on a case that meets in a week.</summary>
    public static async Task<string> BringsAsync(this Party chair, TestExchange exchange, string caseId, Wire.ConferenceLevel level, Party[] invited, params Wire.ConfidentialityClass[] agenda)
    {
        var request = chair.Conference(caseId, exchange.Clock.GetUtcNow().AddDays(7), invited, agenda.Length > 0 ? agenda : [CaseNote]);
        request.Level = level;
        return (await chair.ConvenesAsync(request)).ConferenceId;
    }

    /// <summary>As if the meeting had been then.</summary>
    public static void MeetAt(this TestExchange exchange, string conferenceId, DateTimeOffset at) => exchange.Query("UPDATE conference SET meeting_at = $0 WHERE conference_id = $1", _ => 0,
        Instants.ToMicros(at), Guid.Parse(conferenceId).ToByteArray(bigEndian: true));

    /// <summary>As if an item had been due so many days ago.</summary>
    public static void Lapse(this TestExchange exchange, Wire.TrackedItem item, int days = 1) => exchange.Query("UPDATE tracked_item SET due_on = $0 WHERE item_id = $1", _ => 0,
        exchange.Clock.GetUtcNow().DayIn(-days), Guid.Parse(item.ItemId).ToByteArray(bigEndian: true));

    public static Wire.NewItem Owes(this Party owner, string deed, string due = "2099-01-31") => new() { OwnerUnitId = owner.UnitId, Deed = deed, DueDate = due };

    public static Wire.RecordResolutionRequest Resolution(this Party chair, string conferenceId, Wire.ConfidentialityClass one, params Wire.NewItem[] items) => new()
    {
        Context = chair.AtConference(conferenceId), RequestId = Some.RequestId(), ConferenceId = conferenceId, ConfidentialityClass = one, Text = Resolved, Items = { items },
    };

    public static async Task<Wire.Resolution> ResolvesAsync(this Party chair, Wire.RecordResolutionRequest request) => (await chair.AskAsync(to => to.Meetings.RecordResolutionAsync(request))).Resolution;

    public static async Task<IReadOnlyList<Wire.TrackedItem>> ResolvesAsync(this Party chair, string conferenceId, params Wire.NewItem[] items) =>
        (await chair.ResolvesAsync(chair.Resolution(conferenceId, CaseNote, items))).Items;

    public static Wire.RecordAttendanceRequest Attendance(this Party chair, string conferenceId, params (Party Unit, Wire.Attendance Came)[] units) => new()
    {
        Context = chair.AtConference(conferenceId), RequestId = Some.RequestId(), ConferenceId = conferenceId,
        Attendances = { units.Select(one => new Wire.UnitAttendance { UnitId = one.Unit.UnitId, Attendance = one.Came }) },
    };

    public static async Task<Wire.Minutes> CountsAsync(this Party chair, string conferenceId, params (Party Unit, Wire.Attendance Came)[] units) =>
        (await chair.AskAsync(to => to.Meetings.RecordAttendanceAsync(chair.Attendance(conferenceId, units)))).Minutes;

    public static Wire.StateConsentRequest Consent(this Party by, string conferenceId, Wire.ListConsent consent = Wire.ListConsent.Agrees) => new()
    {
        Context = by.AtConference(conferenceId), RequestId = Some.RequestId(), ConferenceId = conferenceId, Consent = consent, Reason = Why,
    };

    public static async Task<Wire.Minutes> SaysAsync(this Party by, string conferenceId, Wire.ListConsent consent = Wire.ListConsent.Agrees) =>
        (await by.AskAsync(to => to.Meetings.StateConsentAsync(by.Consent(conferenceId, consent)))).Minutes;

    public static Wire.RemoveFromListRequest Removal(this Party chair, string conferenceId) =>
        new() { Context = chair.AtConference(conferenceId), RequestId = Some.RequestId(), ConferenceId = conferenceId };

    public static async Task<Wire.Minutes> TakesOffListAsync(this Party chair, string conferenceId) => (await chair.AskAsync(to => to.Meetings.RemoveFromListAsync(chair.Removal(conferenceId)))).Minutes;

    public static async Task<Wire.Minutes> ReadsMinutesAsync(this Party by, string conferenceId) =>
        (await by.AskAsync(to => to.Meetings.GetMinutesAsync(new() { Context = by.AtConference(conferenceId), ConferenceId = conferenceId }))).Minutes;

    public static Wire.SubmitExtractRequest Extract(this Party by, string conferenceId, Wire.ConfidentialityClass one, string text, string etag = "") => new()
    {
        Context = by.AtConference(conferenceId), RequestId = Some.RequestId(), ConferenceId = conferenceId, ConfidentialityClass = one, Text = text, Etag = etag,
    };

    public static async Task<Wire.Extract> SubmitsAsync(this Party by, Wire.SubmitExtractRequest request) => (await by.AskAsync(to => to.Meetings.SubmitExtractAsync(request))).Extract;

    public static Task<Wire.GetPreReadResponse> ReadsBeforeAsync(this Party by, string conferenceId) =>
        by.AskAsync(to => to.Meetings.GetPreReadAsync(new() { Context = by.AtConference(conferenceId), ConferenceId = conferenceId }));

    public static Wire.ReportItemProgressRequest Progress(this Party by, string itemId, string text = "已聯繫案家，安排訪視") =>
        new() { Context = by.AtConference(), RequestId = Some.RequestId(), ItemId = itemId, Text = text };

    public static Wire.ReportItemDoneRequest Done(this Party by, string itemId, string text = "已完成", string etag = "") =>
        new() { Context = by.AtConference(), RequestId = Some.RequestId(), ItemId = itemId, Text = text, Etag = etag };

    public static Wire.ConfirmItemDoneRequest Confirmation(this Party by, string itemId) => new() { Context = by.AtConference(), RequestId = Some.RequestId(), ItemId = itemId };

    public static Wire.ReturnItemRequest Return(this Party by, string itemId, string due = "2099-02-28") =>
        new() { Context = by.AtConference(), RequestId = Some.RequestId(), ItemId = itemId, DueDate = due, Reason = "佐證資料不足，請補訪" };

    public static Wire.AmendItemRequest ItemChange(this Party by, string itemId, string due = "", Party? owner = null, string etag = "") =>
        new() { Context = by.AtConference(), RequestId = Some.RequestId(), ItemId = itemId, DueDate = due, OwnerUnitId = owner?.UnitId ?? "", Reason = "分工調整", Etag = etag };

    public static Wire.EscalateItemRequest Escalation(this Party by, string itemId) =>
        new() { Context = by.AtConference(), RequestId = Some.RequestId(), ItemId = itemId, Reason = "涉跨局處資源，本層級無法解決" };

    public static async Task<Wire.TrackedItem> AdvancesAsync(this Party by, string itemId, string text = "已聯繫案家，安排訪視") =>
        (await by.AskAsync(to => to.TrackedItems.ReportItemProgressAsync(by.Progress(itemId, text)))).Item;

    public static async Task<Wire.TrackedItem> FinishesAsync(this Party by, string itemId) => (await by.AskAsync(to => to.TrackedItems.ReportItemDoneAsync(by.Done(itemId)))).Item;

    public static async Task<Wire.TrackedItem> ConfirmsAsync(this Party by, string itemId) => (await by.AskAsync(to => to.TrackedItems.ConfirmItemDoneAsync(by.Confirmation(itemId)))).Item;

    public static async Task<Wire.TrackedItem> GivesBackAsync(this Party by, string itemId, string due = "2099-02-28") =>
        (await by.AskAsync(to => to.TrackedItems.ReturnItemAsync(by.Return(itemId, due)))).Item;

    public static async Task<Wire.TrackedItem> ChangesItemAsync(this Party by, Wire.AmendItemRequest request) => (await by.AskAsync(to => to.TrackedItems.AmendItemAsync(request))).Item;

    public static async Task<Wire.TrackedItem> EscalatesAsync(this Party by, string itemId) => (await by.AskAsync(to => to.TrackedItems.EscalateItemAsync(by.Escalation(itemId)))).Item;

    public static Task<Wire.GetItemResponse> SeesItemAsync(this Party by, string itemId) =>
        by.AskAsync(to => to.TrackedItems.GetItemAsync(new() { Context = by.AtConference(), ItemId = itemId }));

    /// <summary>All pages of what the unit chairs.</summary>
    public static async Task<List<Wire.TrackedItem>> ListsOpenItemsAsync(this Party by, bool overdue = false, int size = 0)
    {
        var (all, token) = (new List<Wire.TrackedItem>(), "");
        do
        {
            var page = await by.AskAsync(to => to.TrackedItems.ListOpenItemsAsync(new() { Context = by.AtConference(), OverdueOnly = overdue, PageSize = size, PageToken = token }));
            all.AddRange(page.Items);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        return all;
    }

    /// <summary>All pages of what the unit owes.</summary>
    public static async Task<List<Wire.TrackedItem>> ListsOwnItemsAsync(this Party by, bool overdue = false, int size = 0)
    {
        var (all, token) = (new List<Wire.TrackedItem>(), "");
        do
        {
            var page = await by.AskAsync(to => to.TrackedItems.ListOwnItemsAsync(new() { Context = by.AtConference(), OverdueOnly = overdue, PageSize = size, PageToken = token }));
            all.AddRange(page.Items);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        return all;
    }

    /// <summary>A case of a chair with a meeting that is held, and items that the owners owe by it.</summary>
    public static async Task<(string CaseId, string ConferenceId, IReadOnlyList<Wire.TrackedItem> Items)> ListedAsync(this The the, TestExchange exchange, Party chair, params Party[] owners)
    {
        var caseId = await the.SharedCaseAsync(chair);
        var met = await chair.HoldsAsync(exchange, caseId, Wire.ConferenceLevel.Case, [.. owners.Where(one => one != chair).Distinct()]);
        return (caseId, met, await chair.ResolvesAsync(met, [.. owners.Select((owner, i) => owner.Owes($"辦理事項 {i + 1}"))]));
    }
}
