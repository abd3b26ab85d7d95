using Grpc.Core;
using SafetyNet.Exchange.Cli.Commands;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Refusals;

namespace SafetyNet.Exchange.Cli.Reports;

/// <summary>Hands the rows of a file in, stream after stream; a stream that is cut is handed in again, and the exchange answers what it took before with its first receipt.</summary>
internal sealed class ReportImport(Wire.ReportService.ReportServiceClient reports, Wire.AccessContext context, ReportFile file, ReportResults results, string by)
{
    /// <summary>Messages of one stream; the exchange takes 1,000, fewer are sooner answered and kept.</summary>
    public const int RowsOfStream = 250;

    private const int BytesOfStream = 2 * 1024 * 1024;
    private const int Attempts = 6;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    /// <summary>Runs to the end of the file.</summary>
    /// <param name="progress">Told of the number of rows that are done.</param>
    /// <exception cref="CommandFailedException">The exchange was lost and did not come back; what is done stands in the results.</exception>
    public async Task RunAsync(Action<int> progress, CancellationToken cancellation)
    {
        var (batch, bytes, done) = (new List<Sending>(), 0, 0);
        foreach (var row in file.ReadRows())
        {
            if (results.IsTaken(row.Line))
            {
                progress(++done);
                continue;
            }

            var sending = Prepare(row);
            batch.Add(sending);
            bytes += sending.Request?.CalculateSize() ?? 0;
            if (batch.Count < RowsOfStream && bytes < BytesOfStream) continue;
            await SendAsync(batch, cancellation);
            progress(done += batch.Count);
            batch.Clear();
            bytes = 0;
        }

        await SendAsync(batch, cancellation);
        progress(done + batch.Count);
    }

    private sealed class Sending(FileRow row)
    {
        public FileRow Row { get; } = row;

        public Wire.SubmitReportsRequest? Request { get; init; }

        public RowResult? Result { get; set; }
    }

    private Sending Prepare(FileRow row)
    {
        IReadOnlyList<RowProblem> problems = row.Problem is { } whole ? [whole] : row.Report!.Problems;
        return problems.Count == 0
            ? new Sending(row) { Request = new Wire.SubmitReportsRequest { Context = context, RequestId = row.RequestId, Content = row.Report!.Content } }
            : new Sending(row)
            {
                Result = Refused(row, problems[0].Reason, problems.Select(p => p.Column), Sentence(problems.Select(p => (p.Column, p.English))), Sentence(problems.Select(p => (p.Column, p.Chinese)))),
            };
    }

    private async Task SendAsync(List<Sending> batch, CancellationToken cancellation)
    {
        for (var (attempt, pause) = (1, FirstPause); batch.Exists(one => one.Result is null); attempt++, pause *= 2)
        {
            var open = batch.Where(one => one.Result is null).ToList();
            try
            {
                var answer = await StreamAsync(open, cancellation);
                for (var at = 0; at < answer.Results.Count && at < open.Count; at++)
                {
                    // What passes by itself is tried again in the next stream.
                    if (answer.Results[at].Receipt is not null || !IsPassing(answer.Results[at].Reason) || attempt == Attempts)
                        open[at].Result = ResultOf(open[at].Row, answer.Results[at]);
                }
            }
            catch (RpcException error) when (IsPassing(error.StatusCode))
            {
                if (attempt == Attempts)
                {
                    results.Add(batch.Where(one => one.Result is not null).Select(one => one.Result!));
                    throw new CommandFailedException(
                        $"The exchange was lost at line {open[0].Row.Line} ({error.StatusCode}: {error.Status.Detail}). What was taken before stands in the results; run the same command again to go on, nothing is reported twice.");
                }

                if (RefusalReader.TryRead(error, out var refusal) && refusal.RetryAfter is { } told && told > pause) pause = told;
            }

            if (batch.Exists(one => one.Result is null)) await Task.Delay(pause < LongestPause ? pause : LongestPause, TimeProvider.System, cancellation);
        }

        results.Add(batch.Select(one => one.Result!));
    }

    private async Task<Wire.SubmitReportsResponse> StreamAsync(List<Sending> open, CancellationToken cancellation)
    {
        using var call = reports.SubmitReports(cancellationToken: cancellation);
        try
        {
            foreach (var one in open) await call.RequestStream.WriteAsync(one.Request!, cancellation);
            await call.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // The exchange ended the stream before its end: its answer says why.
        }

        return await call.ResponseAsync;
    }

    private RowResult ResultOf(FileRow row, Wire.SubmittedReport answer)
    {
        if (answer.Receipt is { } receipt) return new RowResult(row.Line, RowResult.Taken, receipt.ReceiptNumber, receipt.ReportId, "", "", "", "", row.RequestId, by);
        var columns = answer.Fields.Select(field => row.Report!.ColumnOf(field.Field)).ToList();
        return Refused(row, ContractCodes.NameOf(answer.Reason), columns,
            answer.Fields.Count == 0 ? answer.MessageEn : Sentence(answer.Fields.Select((field, at) => (columns[at], field.DescriptionEn))),
            answer.Fields.Count == 0 ? answer.MessageZh : Sentence(answer.Fields.Select((field, at) => (columns[at], field.DescriptionZh))));
    }

    private RowResult Refused(FileRow row, string reason, IEnumerable<string> columns, string english, string chinese) =>
        new(row.Line, RowResult.Refused, "", "", reason, string.Join(' ', columns.Where(column => column.Length > 0)), english, chinese, row.RequestId, by);

    private static string Sentence(IEnumerable<(string Column, string Words)> problems) =>
        string.Join(' ', problems.Select(problem => problem.Column.Length == 0 ? problem.Words : $"{problem.Column}: {problem.Words}"));

    private static bool IsPassing(StatusCode status) => status is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.ResourceExhausted or StatusCode.Aborted or StatusCode.Internal;

    private static bool IsPassing(Wire.ErrorReason reason) => reason is Wire.ErrorReason.RateLimited or Wire.ErrorReason.ConcurrentChange or Wire.ErrorReason.DeadlineExceeded
        or Wire.ErrorReason.AuditUnavailable or Wire.ErrorReason.AuthorityUnavailable or Wire.ErrorReason.Internal;
}
