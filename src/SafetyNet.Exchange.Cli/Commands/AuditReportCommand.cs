using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Evidence;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit report</c>: a person's own access history, as a page that can be handed over (R-AUD-5).</summary>
internal static class AuditReportCommand
{
    private const int PageSize = 500;

    public static Command Create()
    {
        var officer = new OfficerOptions();
        var subject = new SubjectOption(isRequired: true);
        var after = new Option<DateTimeOffset?>("--after") { Description = "From this instant on, e.g. 2026-11-01T00:00+08:00" };
        var before = new Option<DateTimeOffset?>("--before") { Description = "Until this instant, exclusive" };
        var language = new Option<string>("--language") { Description = "Language of the page: zh-TW or en", DefaultValueFactory = _ => AccessLetter.Chinese };
        language.AcceptOnlyFromAmong(AccessLetter.Chinese, AccessLetter.English);
        var json = new Option<bool>("--json") { Description = "One access one line, as JSON, and the notice last" };
        var forOfficer = new Option<bool>("--for-officer") { Description = "Tell on standard error, for your own file, what was left out by which rule; never hand it over" };
        var report = new CommandWithExamples(
            "report", "A person's own access history for a subject-access request: a page to hand over, without staff names",
            """
            echo A123456789 | safetynet audit report --subject - > letter.txt
            echo A123456789 | safetynet audit report --subject - --language en --for-officer
            """)
        {
            after, before, language, json, forOfficer,
        };
        subject.AddTo(report);
        officer.AddTo(report);
        report.SetGuardedAction(async (parsed, cancellation) =>
        {
            var request = new Wire.ReportAccessesRequest { Context = officer.Context(parsed), PageSize = PageSize, ForOfficer = parsed.GetValue(forOfficer) };
            await subject.TakeAsync(parsed, id => request.NationalId = id, pseudonym => request.Pseudonym = pseudonym);
            if (parsed.GetValue(after) is { } from) request.After = Timestamp.FromDateTimeOffset(from);
            if (parsed.GetValue(before) is { } to) request.Before = Timestamp.FromDateTimeOffset(to);
            using var channel = officer.Connect(parsed);
            List<Wire.ReportedAccess> accesses = [];
            List<Wire.SuppressedAccesses> suppressed = [];
            Wire.ReportAccessesResponse page;
            // A person has had other numbers: what was asked under them belongs to the same history.
            var others = new Queue<string>();
            while (true)
            {
                page = await channel.Audit.ReportAccessesAsync(request, cancellationToken: cancellation);
                accesses.AddRange(page.Accesses);
                suppressed.AddRange(page.Suppressed);
                if (request.SubjectCase == Wire.ReportAccessesRequest.SubjectOneofCase.NationalId && request.PageToken.Length == 0)
                    foreach (var other in page.OtherPseudonyms) others.Enqueue(other);
                request.PageToken = page.NextPageToken;
                if (request.PageToken.Length > 0) continue;
                if (!others.TryDequeue(out var next)) break;
                request.Pseudonym = next;
            }

            accesses.Sort((one, other) => other.DecidedAt.CompareTo(one.DecidedAt));

            if (parsed.GetValue(json))
            {
                accesses.ForEach(access => Console.Out.WriteLine(JsonFormatter.Default.Format(access)));
                Console.Out.WriteLine(JsonFormatter.Default.Format(new Wire.ReportAccessesResponse { NoticeEn = page.NoticeEn, NoticeZh = page.NoticeZh, KeepDays = page.KeepDays }));
            }
            else
            {
                Console.Out.Write(AccessLetter.Write(accesses, page, parsed.GetRequiredValue(language), TimeProvider.System.GetUtcNow()));
            }

            if (request.ForOfficer) TellOfficer(suppressed);
            return 0;
        });
        return report;
    }

    private static void TellOfficer(List<Wire.SuppressedAccesses> suppressed)
    {
        Console.Error.WriteLine(suppressed.Count == 0 ? "For the officer alone: nothing was left out." : "For the officer alone, not to be handed over; left out:");
        foreach (var rule in suppressed.GroupBy(one => one.RuleId, StringComparer.Ordinal).OrderBy(rule => rule.Key, StringComparer.Ordinal))
            Console.Error.WriteLine($"  {rule.Sum(one => one.Count),5}  {rule.Key}  {rule.First().TextZh} {rule.First().TextEn}");
    }
}
