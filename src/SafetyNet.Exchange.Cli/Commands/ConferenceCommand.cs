using System.CommandLine;
using Google.Protobuf;
using SafetyNet.Exchange.Cli.Connections;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet conference</c>: meetings of conferences and their tracked items (個案研討, 列管).</summary>
internal static class ConferenceCommand
{
    private const int PageSize = 200;

    public static Command Create() => new("conference", "Conferences 個案研討: what is read before a meeting, and the items 列管事項 that a unit chairs or owes") { Agenda(), Items() };

    private static CommandWithExamples Agenda()
    {
        var (unit, json) = (UnitOptions.OfConference(), OfficerAnswers.JsonOption());
        var id = new Argument<string>("CONFERENCE") { Description = "Id of the conference" };
        var agenda = new CommandWithExamples("agenda", "What is read before a meeting 會前資料: why it meets, its open items, the extracts that the unit may see", "safetynet conference agenda 0199...") { id, json };
        unit.AddTo(agenda);
        agenda.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var context = unit.Context(parsed);
            context.ConferenceId = parsed.GetRequiredValue(id);
            var answer = await channel.Meetings.GetPreReadAsync(new() { Context = context, ConferenceId = context.ConferenceId }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => ConferenceView.ShowAgenda(answer.PreRead, answer.Disclosure));
        });
        return agenda;
    }

    private static CommandWithExamples Items()
    {
        var unit = UnitOptions.OfConference();
        var overdue = new Option<bool>("--overdue") { Description = "Only those whose due date is over 逾期" };
        var own = new Option<bool>("--own") { Description = "Those that the unit owes itself; unset: those of all conferences that it chairs" };
        var json = new Option<bool>("--json") { Description = "One item one line, as JSON" };
        var items = new CommandWithExamples(
            "items", "Open items 列管中, those due first",
            """
            safetynet conference items --overdue
            safetynet conference items --own --unit tpe-employment --as tpe-labor
            """) { overdue, own, json };
        unit.AddTo(items);
        items.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var (found, token) = (new List<Wire.TrackedItem>(), "");
            do
            {
                if (parsed.GetValue(own))
                {
                    var page = await channel.TrackedItems.ListOwnItemsAsync(
                        new() { Context = unit.Context(parsed), OverdueOnly = parsed.GetValue(overdue), PageSize = PageSize, PageToken = token }, cancellationToken: cancellation);
                    found.AddRange(page.Items);
                    token = page.NextPageToken;
                }
                else
                {
                    var page = await channel.TrackedItems.ListOpenItemsAsync(
                        new() { Context = unit.Context(parsed), OverdueOnly = parsed.GetValue(overdue), PageSize = PageSize, PageToken = token }, cancellationToken: cancellation);
                    found.AddRange(page.Items);
                    token = page.NextPageToken;
                }
            }
            while (token.Length > 0);
            if (!parsed.GetValue(json)) ConferenceView.ShowItems(found);
            else
                foreach (var item in found) Console.Out.WriteLine(JsonFormatter.Default.Format(item));
            return 0;
        });
        return items;
    }
}
