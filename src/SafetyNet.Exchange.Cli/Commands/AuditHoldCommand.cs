using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit hold</c>: records kept beyond their time for proceedings (證據保全), by one officer, and let go by another.</summary>
internal static class AuditHoldCommand
{
    public static Command Create() => new("hold", "Legal holds: records that no purge takes, until another officer lets them go") { Place(), Release(), List() };

    private static CommandWithExamples Place()
    {
        var officer = new OfficerOptions();
        var subject = new SubjectOption(isRequired: false);
        var resource = new Option<string?>("--resource") { Description = "Thing that was touched or named, e.g. case/ID" };
        var agency = new Option<string?>("--agency") { Description = "Code of the agency that acted" };
        var after = new Option<DateTimeOffset?>("--after") { Description = "From this instant on, e.g. 2026-11-01T00:00+08:00" };
        var before = new Option<DateTimeOffset?>("--before") { Description = "Until this instant, exclusive" };
        var reason = new Option<string>("--reason") { Description = "Why, in your own words; names nobody", Required = true };
        var reference = new Option<string?>("--reference") { Description = "File number of the proceedings (案號)" };
        var json = Json();
        var place = new CommandWithExamples(
            "place", "Keep every record that fits from being purged; what is stated must all fit",
            """
            echo A123456789 | safetynet audit hold place --subject - --reason "The district court asks for who looked at this family" --reference 115-訴-0042
            safetynet audit hold place --agency education --after 2026-11-01T00:00+08:00 --reason "Complaint about look-ups by the school in autumn"
            """)
        {
            resource, agency, after, before, reason, reference, json,
        };
        subject.AddTo(place);
        officer.AddTo(place);
        place.SetGuardedAction(async (parsed, cancellation) =>
        {
            var request = new Wire.PlaceLegalHoldRequest
            {
                Context = officer.Context(parsed), RequestId = NewRequestId(), Resource = parsed.GetValue(resource) ?? "", AgencyCode = parsed.GetValue(agency) ?? "",
                Reason = parsed.GetRequiredValue(reason), Reference = parsed.GetValue(reference) ?? "",
            };
            await subject.TakeAsync(parsed, id => request.NationalId = id, pseudonym => request.Pseudonym = pseudonym);
            if (parsed.GetValue(after) is { } from) request.After = Timestamp.FromDateTimeOffset(from);
            if (parsed.GetValue(before) is { } to) request.Before = Timestamp.FromDateTimeOffset(to);
            using var channel = officer.Connect(parsed);
            Show((await channel.Retention.PlaceLegalHoldAsync(request, cancellationToken: cancellation)).Hold, parsed.GetValue(json), "Placed 已設定證據保全");
            return 0;
        });
        return place;
    }

    private static CommandWithExamples Release()
    {
        var officer = new OfficerOptions();
        var hold = new Argument<string>("HOLD") { Description = "Id of the hold" };
        var reason = new Option<string>("--reason") { Description = "Why, in your own words; names nobody", Required = true };
        var json = Json();
        var release = new CommandWithExamples(
            "release", "Let go of what a hold keeps; another officer than the one who placed it",
            """
            safetynet audit hold release 01a204bd-49c5-7950-976d-9d3a9025aa62 --reason "The judgment is final and no appeal was made" --person S0008
            """)
        {
            hold, reason, json,
        };
        officer.AddTo(release);
        release.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var released = await channel.Retention.ReleaseLegalHoldAsync(new Wire.ReleaseLegalHoldRequest
            {
                Context = officer.Context(parsed), RequestId = NewRequestId(), HoldId = parsed.GetRequiredValue(hold), Reason = parsed.GetRequiredValue(reason),
            }, cancellationToken: cancellation);
            Show(released.Hold, parsed.GetValue(json), "Released 已解除證據保全; what it alone kept goes with the next purge");
            return 0;
        });
        return release;
    }

    private static CommandWithExamples List()
    {
        var officer = new OfficerOptions();
        var all = new Option<bool>("--all") { Description = "Released ones too" };
        var json = Json();
        var list = new CommandWithExamples(
            "list", "The legal holds of the officer's jurisdiction, newest first",
            """
            safetynet audit hold list
            safetynet audit hold list --all --json
            """)
        {
            all, json,
        };
        officer.AddTo(list);
        list.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var request = new Wire.ListLegalHoldsRequest { Context = officer.Context(parsed), OpenOnly = !parsed.GetValue(all) };
            List<Wire.LegalHold> holds = [];
            do
            {
                var page = await channel.Retention.ListLegalHoldsAsync(request, cancellationToken: cancellation);
                holds.AddRange(page.Holds);
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0);

            if (parsed.GetValue(json)) holds.ForEach(hold => Console.Out.WriteLine(JsonFormatter.Default.Format(hold)));
            else ShowAll(holds);
            return 0;
        });
        return list;
    }

    private static Option<bool> Json() => new("--json") { Description = "One hold one line, as JSON" };

    private static string NewRequestId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();

    private static void Show(Wire.LegalHold hold, bool asJson, string told)
    {
        if (asJson)
        {
            Console.Out.WriteLine(JsonFormatter.Default.Format(hold));
            return;
        }

        Terminal.Output.MarkupLineInterpolated($"[green]{told}[/]");
        // Unwrapped, to be copied.
        Console.Out.WriteLine($"hold       {hold.HoldId}");
        Console.Out.WriteLine($"keeps      {What(hold)}");
        Console.Out.WriteLine($"placed     {Local(hold.PlacedAt)} by {hold.PlacedByPersonId} of {hold.PlacedByUnitId}");
        Console.Out.WriteLine($"reason     {hold.Reason}");
        if (hold.Reference.Length > 0) Console.Out.WriteLine($"reference  {hold.Reference}");
        if (hold.ReleasedAt is { } released)
            Console.Out.WriteLine($"released   {Local(released)} by {hold.ReleasedByPersonId} of {hold.ReleasedByUnitId}: {hold.ReleaseReason}");
    }

    private static void ShowAll(List<Wire.LegalHold> holds)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        table.AddColumn(new TableColumn("hold").NoWrap());
        foreach (var column in (string[])["keeps", "placed", "why", "released"]) table.AddColumn(new TableColumn(column));
        foreach (var hold in holds)
        {
            table.AddRow(
                new Text(hold.HoldId), new Text(What(hold)), new Text($"{Local(hold.PlacedAt)}\n{hold.PlacedByPersonId}, {hold.PlacedByUnitId}"),
                new Text(hold.Reference.Length > 0 ? $"{hold.Reason}\n{hold.Reference}" : hold.Reason),
                new Text(hold.ReleasedAt is { } released ? $"{Local(released)}\n{hold.ReleasedByPersonId}, {hold.ReleasedByUnitId}" : "-"));
        }

        if (holds.Count > 0) Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{holds.Count} legal holds. Times of Taiwan.[/]");
    }

    /// <summary>In words: what must all fit.</summary>
    private static string What(Wire.LegalHold hold)
    {
        List<string> parts = [];
        if (hold.Pseudonym.Length > 0) parts.Add($"person {hold.Pseudonym}");
        if (hold.Resource.Length > 0) parts.Add(hold.Resource);
        if (hold.AgencyCode.Length > 0) parts.Add($"agency {hold.AgencyCode}");
        if (hold.After is { } after) parts.Add($"from {Local(after)}");
        if (hold.Before is { } before) parts.Add($"until {Local(before)}");
        parts.Add($"in {ContractCodes.NameOf(hold.Jurisdiction)}");
        return string.Join(", ", parts);
    }

    private static string Local(Timestamp at) => $"{at.ToDateTimeOffset().ToOffset(TimeSpan.FromHours(8)):yyyy-MM-dd HH:mm}";
}
