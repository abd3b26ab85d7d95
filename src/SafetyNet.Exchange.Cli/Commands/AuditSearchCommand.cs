using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Evidence;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit search</c>: who saw whom and why, for a person to read or for another program to take in.</summary>
internal static class AuditSearchCommand
{
    private const int PageSize = 500;

    public static Command Create()
    {
        var officer = new OfficerOptions();
        var subject = new Option<string?>("--subject") { Description = "Pseudonym of the person, as records have it; or `-`: a national id, read from standard input so that it stands in no history" };
        var actor = new Option<string?>("--actor") { Description = "Staff number of who acted" };
        var unit = new Option<string?>("--actor-unit") { Description = "Unit for which was acted" };
        var agency = new Option<string?>("--agency") { Description = "Code of the agency" };
        var shown = new Option<string?>("--class") { Description = "A class that was shown, e.g. HOUSEHOLD" };
        var basis = new Option<string?>("--basis") { Description = "Legal basis, e.g. SUICIDE_RISK" };
        var purpose = new Option<string?>("--purpose") { Description = "Purpose, e.g. CRISIS_RESPONSE" };
        var outcome = new Option<string?>("--outcome") { Description = "PERMITTED, REFUSED or REPLAYED" };
        var method = new Option<string?>("--method") { Description = "Method, e.g. HouseholdService/LookUpHousehold" };
        var resource = new Option<string?>("--resource") { Description = "What was touched or named, e.g. case/ID" };
        var glass = new Option<bool>("--break-glass") { Description = "Only accesses that broke glass or stood on it" };
        var after = new Option<DateTimeOffset?>("--after") { Description = "From this instant on, e.g. 2026-11-01T00:00+08:00" };
        var before = new Option<DateTimeOffset?>("--before") { Description = "Until this instant, exclusive" };
        var limit = new Option<int>("--limit") { Description = "Most records; 0: all", DefaultValueFactory = _ => 100 };
        var format = new Option<string>("--format") { Description = $"table, or one record one line: {string.Join(", ", AccessFormats.ByName.Keys)}", DefaultValueFactory = _ => "table" };
        format.AcceptOnlyFromAmong(["table", .. AccessFormats.ByName.Keys]);
        var search = new CommandWithExamples(
            "search",
            "Search the access log, newest first; the search itself is a record of it",
            """
            safetynet audit search --outcome REFUSED --limit 20
            safetynet audit search --actor W0108 --after 2026-11-01T00:00+08:00 --format csv > accesses.csv
            echo A123456789 | safetynet audit search --subject -
            """)
        {
            subject, actor, unit, agency, shown, basis, purpose, outcome, method, resource, glass, after, before, limit, format,
        };
        officer.AddTo(search);
        search.SetGuardedAction(async (parsed, cancellation) =>
        {
            var request = new Wire.SearchAccessesRequest
            {
                Context = officer.Context(parsed), ActorPersonId = parsed.GetValue(actor) ?? "", ActorUnitId = parsed.GetValue(unit) ?? "", AgencyCode = parsed.GetValue(agency) ?? "",
                ShownClass = Code<Wire.ConfidentialityClass>(parsed.GetValue(shown)), LegalBasis = Code<Wire.LegalBasis>(parsed.GetValue(basis)),
                Purpose = Code<Wire.Purpose>(parsed.GetValue(purpose)), Outcome = Code<Wire.AuditOutcome>(parsed.GetValue(outcome)), Method = parsed.GetValue(method) ?? "",
                Resource = parsed.GetValue(resource) ?? "", BreakGlass = parsed.GetValue(glass), PageSize = PageSize,
            };
            if (parsed.GetValue(subject) is "-") request.NationalId = (await Console.In.ReadLineAsync(cancellation))?.Trim() ?? "";
            else if (parsed.GetValue(subject) is { } pseudonym) request.Pseudonym = pseudonym;
            if (parsed.GetValue(after) is { } from) request.After = Timestamp.FromDateTimeOffset(from);
            if (parsed.GetValue(before) is { } to) request.Before = Timestamp.FromDateTimeOffset(to);
            using var channel = officer.Connect(parsed);
            var most = parsed.GetValue(limit) is > 0 and var given ? given : int.MaxValue;
            var wanted = parsed.GetRequiredValue(format);
            if (wanted is "table") Show(await TakeAsync(channel, request, most, cancellation).ToListAsync(cancellation), most);
            else await WriteAsync(TakeAsync(channel, request, most, cancellation), wanted);
            return 0;
        });
        return search;
    }

    /// <summary>Page after page, until there are enough.</summary>
    private static async IAsyncEnumerable<Wire.AccessEntry> TakeAsync(
        ExchangeChannel channel, Wire.SearchAccessesRequest request, int most, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var taken = 0;
        while (true)
        {
            var page = await channel.Audit.SearchAccessesAsync(request, cancellationToken: cancellation);
            if (request.PageToken.Length == 0)
                foreach (var other in page.OtherPseudonyms) await Console.Error.WriteLineAsync($"The person has another number; what was asked under it: safetynet audit search --subject {other}");
            foreach (var entry in page.Entries)
            {
                if (taken++ == most) yield break;
                yield return entry;
            }

            if (page.NextPageToken.Length == 0) yield break;
            request.PageToken = page.NextPageToken;
        }
    }

    private static async Task WriteAsync(IAsyncEnumerable<Wire.AccessEntry> entries, string format)
    {
        if (format is "csv") await Console.Out.WriteLineAsync(AccessFormats.CsvHeader);
        var line = AccessFormats.ByName[format];
        await foreach (var entry in entries) await Console.Out.WriteLineAsync(line(entry));
    }

    private static void Show(List<Wire.AccessEntry> entries, int most)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        foreach (var column in (string[])["when", "who", "what", "why", "decision"]) table.AddColumn(new TableColumn(column).NoWrap());
        foreach (var record in entries.Select(entry => entry.Record))
        {
            var decision = record.Reason.Length > 0 ? record.Reason : ContractCodes.EnglishOf(record.Outcome) + (record.BreakGlass ? ", break-glass" : "");
            table.AddRow(
                new Text($"{record.DecidedAt.ToDateTimeOffset().ToOffset(TimeSpan.FromHours(8)):yyyy-MM-dd HH:mm:ss}"), new Text($"{record.ActorUnitId}\n{record.ActorPersonId}"),
                new Text($"{record.Method[(record.Method.LastIndexOf('/') + 1)..]}\n{string.Join(' ', record.ShownClasses.Select(one => ContractCodes.ChineseOf(one)))}"),
                new Text($"{ContractCodes.ChineseOf(record.Purpose)}\n{ContractCodes.ChineseOf(record.LegalBasis)}"),
                new Text($"{decision}\n{record.DecisionId}", record.Outcome == Wire.AuditOutcome.Refused ? new Style(Color.Red) : record.BreakGlass ? new Style(Color.Yellow) : Style.Plain));
        }

        Terminal.Output.Write(table);
        Terminal.Output.MarkupLineInterpolated($"[grey]{entries.Count} records{(entries.Count == most ? "; there may be more, see --limit" : "")}. Times of Taiwan. One of them in full: safetynet explain DECISION_ID[/]");
    }

    private static T Code<T>(string? text)
        where T : struct, System.Enum => text is null ? default : ContractCodes.Parse<T>(text);
}
