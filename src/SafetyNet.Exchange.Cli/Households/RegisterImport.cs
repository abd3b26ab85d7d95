using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Cli.Commands;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Refusals;

namespace SafetyNet.Exchange.Cli.Households;

/// <summary>Delivers a file of a register: begins, or finds what it began before; streams from the first line that is not taken; after a cut asks how far it got, and goes on there.</summary>
internal sealed class RegisterImport(Wire.HouseholdDeliveryService.HouseholdDeliveryServiceClient service, Wire.AccessContext context, RegisterFile file)
{
    private const int RowsPerMessage = 500, MessagesPerStream = 100, BytesPerMessage = 2 * 1024 * 1024, Attempts = 8;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500), LongestPause = TimeSpan.FromSeconds(60);

    /// <summary>Runs until the delivery is completed, or waits for a confirmation.</summary>
    /// <param name="kind">Full or delta.</param>
    /// <param name="asOf">Day that the file is of.</param>
    /// <param name="attempt">0; another number delivers the same file once more.</param>
    /// <param name="confirmShort">Somebody has looked: it is as short as that.</param>
    /// <param name="progress">Told of the number of rows that are taken.</param>
    /// <exception cref="CommandFailedException">The exchange was lost and did not come back, or the delivery was given up; what was taken stands.</exception>
    public async Task<Wire.HouseholdDelivery> RunAsync(Wire.DeliveryKind kind, string asOf, int attempt, bool confirmShort, Action<long> progress, CancellationToken cancellation)
    {
        var begin = new Wire.BeginDeliveryRequest { Context = context, RequestId = file.RequestIdOf(kind, asOf, attempt), Kind = kind, AsOf = asOf, AnnouncedRows = file.Rows };
        var delivery = await KeptUpAsync(async () => (await service.BeginDeliveryAsync(begin, cancellationToken: cancellation)).Delivery, cancellation);
        if (delivery.State == Wire.DeliveryState.Abandoned) throw new CommandFailedException("The delivery of this file was given up. `--again 1` delivers it once more.");
        if (delivery.State == Wire.DeliveryState.Completed) return delivery;
        await KeptUpAsync(
            async () =>
            {
                delivery = await AskAsync(delivery.DeliveryId, cancellation);
                while (delivery.State == Wire.DeliveryState.Open && delivery.NextLine <= file.Rows)
                {
                    progress(delivery.NextLine - 1);
                    delivery = await StreamAsync(delivery, progress, cancellation);
                }

                return delivery;
            },
            cancellation);
        progress(file.Rows);
        var complete = new Wire.CompleteDeliveryRequest
        {
            Context = context, RequestId = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString(), DeliveryId = delivery.DeliveryId, TotalRows = file.Rows, ContentSha256 = ByteString.CopyFrom(HashOf(file)),
            ConfirmShort = confirmShort,
        };
        return await KeptUpAsync(async () => (await service.CompleteDeliveryAsync(complete, cancellationToken: cancellation)).Delivery, cancellation);
    }

    /// <summary>Every fault of a delivery, by line.</summary>
    public async Task<List<Wire.RejectedRow>> RejectionsAsync(string deliveryId, CancellationToken cancellation)
    {
        var found = new List<Wire.RejectedRow>();
        var request = new Wire.ListRejectedRowsRequest { Context = context, DeliveryId = deliveryId, PageSize = 1000 };
        do
        {
            var page = await KeptUpAsync(async () => await service.ListRejectedRowsAsync(request, cancellationToken: cancellation), cancellation);
            found.AddRange(page.Rows);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return found;
    }

    /// <summary>Hash of the content of a file, as receipts state it.</summary>
    public static byte[] HashOf(RegisterFile file) => file.ReadRows().Aggregate(DeliveryContent.Start, (hash, row) => DeliveryContent.After(hash, row.Row));

    private async Task<Wire.HouseholdDelivery> AskAsync(string deliveryId, CancellationToken cancellation) =>
        (await service.GetDeliveryAsync(new Wire.GetDeliveryRequest { Context = context, DeliveryId = deliveryId }, cancellationToken: cancellation)).Delivery;

    /// <summary>One stream, from the next line on.</summary>
    private async Task<Wire.HouseholdDelivery> StreamAsync(Wire.HouseholdDelivery delivery, Action<long> progress, CancellationToken cancellation)
    {
        using var call = service.DeliverRows(cancellationToken: cancellation);
        try
        {
            var sent = 0;
            foreach (var message in Messages(delivery))
            {
                await call.RequestStream.WriteAsync(message, cancellation);
                progress(message.FirstLine - 1);
                if (++sent == MessagesPerStream) break;
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // The exchange ended the stream before its end: its answer says why.
        }

        var answer = await call.ResponseAsync;
        if (answer.Reason is Wire.ErrorReason.Unspecified) return answer.Delivery;
        // What passes by itself is asked for again, as is another stream of the same file; the rest is for people.
        return IsPassing(answer.Reason) ? throw new RpcException(new Status(StatusCode.Unavailable, answer.MessageEn)) : throw new CommandFailedException($"{answer.MessageEn} {answer.MessageZh}");
    }

    private IEnumerable<Wire.DeliverRowsRequest> Messages(Wire.HouseholdDelivery delivery)
    {
        var (line, hash, size) = (1L, DeliveryContent.Start, 0);
        Wire.DeliverRowsRequest? message = null;
        foreach (var (_, row) in file.ReadRows())
        {
            if (line >= delivery.NextLine)
            {
                message ??= new Wire.DeliverRowsRequest
                {
                    Context = context, RequestId = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString(), DeliveryId = delivery.DeliveryId, FirstLine = line, Sha256Before = ByteString.CopyFrom(hash),
                };
                message.Rows.Add(row);
                size += row.CalculateSize();
            }

            hash = DeliveryContent.After(hash, row);
            line++;
            if (message is null || (message.Rows.Count < RowsPerMessage && size < BytesPerMessage)) continue;
            yield return message;
            (message, size) = (null, 0);
        }

        if (message is not null) yield return message;
    }

    /// <summary>Does something again where the exchange was lost for a while.</summary>
    private static async Task<T> KeptUpAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        for (var (attempt, pause) = (1, FirstPause); ; attempt++, pause *= 2)
        {
            try
            {
                return await ask();
            }
            catch (RpcException error) when (IsPassing(error.StatusCode))
            {
                if (attempt == Attempts)
                    throw new CommandFailedException($"The exchange was lost ({error.StatusCode}: {error.Status.Detail}). Run the same command again: it goes on where it stopped.");
                if (RefusalReader.TryRead(error, out var refusal) && refusal.RetryAfter is { } told && told > pause) pause = told;
            }

            await Task.Delay(pause < LongestPause ? pause : LongestPause, TimeProvider.System, cancellation);
        }
    }

    private static bool IsPassing(StatusCode status) => status is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.ResourceExhausted or StatusCode.Aborted or StatusCode.Internal;

    private static bool IsPassing(Wire.ErrorReason reason) => reason is Wire.ErrorReason.RateLimited or Wire.ErrorReason.ConcurrentChange or Wire.ErrorReason.DeadlineExceeded
        or Wire.ErrorReason.AuditUnavailable or Wire.ErrorReason.AuthorityUnavailable or Wire.ErrorReason.Internal;
}
