using Google.Protobuf;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Conferences;

/// <summary>One request of each method of meetings and tracked items that will be permitted, made so that none stands in another's way.</summary>
internal static class MeetingRequests
{
    public static async Task<Dictionary<string, (Party, IMessage)>> MeetingRequestsAsync(this The the, TestExchange exchange)
    {
        var (chair, owner) = (the.WanhuaCentre, the.Labor);
        async Task<string> Item() => (await the.ListedAsync(exchange, chair, owner)).Items[0].ItemId;
        async Task<string> Reported()
        {
            var id = await Item();
            await owner.FinishesAsync(id);
            return id;
        }

        async Task<string> Held() => await chair.HoldsAsync(exchange, await the.SharedCaseAsync(chair), Wire.ConferenceLevel.Case, [owner]);
        var ahead = await chair.BringsAsync(exchange, await the.SharedCaseAsync(chair), Wire.ConferenceLevel.Case, [owner]);
        var done = await the.ListedAsync(exchange, chair, owner);
        await owner.FinishesAsync(done.Items[0].ItemId);
        await chair.ConfirmsAsync(done.Items[0].ItemId);
        await chair.CountsAsync(done.ConferenceId, (owner, Wire.Attendance.Absent));
        var asked = await the.ListedAsync(exchange, chair, owner);
        await chair.CountsAsync(asked.ConferenceId, (owner, Wire.Attendance.Present));
        return new(StringComparer.Ordinal)
        {
            ["SubmitExtract"] = (owner, owner.Extract(ahead, CaseNote, "求職輔導摘要")),
            ["GetPreRead"] = (owner, new Wire.GetPreReadRequest { Context = owner.AtConference(ahead), ConferenceId = ahead }),
            ["RecordAttendance"] = (chair, chair.Attendance(await Held(), (owner, Wire.Attendance.Present))),
            ["RecordResolution"] = (chair, chair.Resolution(await Held(), CaseNote, owner.Owes("媒合就業"))),
            ["StateConsent"] = (owner, owner.Consent(asked.ConferenceId)),
            ["RemoveFromList"] = (chair, chair.Removal(done.ConferenceId)),
            ["GetMinutes"] = (owner, new Wire.GetMinutesRequest { Context = owner.AtConference(asked.ConferenceId), ConferenceId = asked.ConferenceId }),
            ["ReportItemProgress"] = (owner, owner.Progress(await Item())),
            ["ReportItemDone"] = (owner, owner.Done(await Item())),
            ["ConfirmItemDone"] = (chair, chair.Confirmation(await Reported())),
            ["ReturnItem"] = (chair, chair.Return(await Reported())),
            ["AmendItem"] = (chair, chair.ItemChange(await Item(), "2099-06-30")),
            ["EscalateItem"] = (chair, chair.Escalation(await Item())),
            ["GetItem"] = (owner, new Wire.GetItemRequest { Context = owner.AtConference(), ItemId = await Item() }),
            ["ListOpenItems"] = (chair, new Wire.ListOpenItemsRequest { Context = chair.AtConference() }),
            ["ListOwnItems"] = (owner, new Wire.ListOwnItemsRequest { Context = owner.AtConference() }),
        };
    }
}
