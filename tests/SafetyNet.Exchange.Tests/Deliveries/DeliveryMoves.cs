using Grpc.Core;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Deliveries;

/// <summary>What a household office does to deliver its register, as one line each.</summary>
internal static class DeliveryMoves
{
    /// <summary>Day of the deliveries of the tests: later than all that the invented register tells of.</summary>
    public const string AsOf = "2026-11-01";

    public static Wire.BeginDeliveryRequest Delivery(this Party by, Wire.DeliveryKind kind, string asOf = AsOf, long rows = 0) =>
        new() { Context = by.Context(), RequestId = Some.RequestId(), Kind = kind, AsOf = asOf, AnnouncedRows = rows };

    public static async Task<Wire.HouseholdDelivery> BeginsAsync(this Party by, Wire.DeliveryKind kind = Wire.DeliveryKind.Delta, string asOf = AsOf) =>
        (await by.AskAsync(to => to.HouseholdDeliveries.BeginDeliveryAsync(by.Delivery(kind, asOf)))).Delivery;

    public static async Task<Wire.HouseholdDelivery> SeesDeliveryAsync(this Party by, string deliveryId = "") =>
        (await by.AskAsync(to => to.HouseholdDeliveries.GetDeliveryAsync(new() { Context = by.Context(), DeliveryId = deliveryId }))).Delivery;

    /// <summary>Rows as messages, from a line on.</summary>
    /// <param name="before">Hash of the content before the first of them, where it is known.</param>
    public static IEnumerable<Wire.DeliverRowsRequest> Messages(this Party by, string deliveryId, IReadOnlyList<Wire.RegisterRow> rows, long fromLine = 1, int size = 500, byte[]? before = null)
    {
        var hash = before ?? HashOf(rows.Take((int)fromLine - 1));
        for (var at = (int)fromLine - 1; at < rows.Count; at += size)
        {
            var part = rows.Skip(at).Take(size).ToList();
            yield return new Wire.DeliverRowsRequest
            {
                Context = by.Context(), RequestId = Some.RequestId(), DeliveryId = deliveryId, FirstLine = at + 1, Sha256Before = Google.Protobuf.ByteString.CopyFrom(hash), Rows = { part },
            };
            foreach (var row in part) hash = DeliveryContent.After(hash, row);
        }
    }

    public static async Task<Wire.DeliverRowsResponse> StreamsAsync(this Party by, IEnumerable<Wire.DeliverRowsRequest> messages)
    {
        using var call = by.Channel.HouseholdDeliveries.DeliverRows();
        try
        {
            foreach (var message in messages) await call.RequestStream.WriteAsync(message);
            await call.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // The exchange ended the stream first: its answer says why.
        }

        return await call.ResponseAsync;
    }

    public static Wire.CompleteDeliveryRequest Completion(this Party by, string deliveryId, IReadOnlyList<Wire.RegisterRow> rows, bool confirmShort = false) => new()
    {
        Context = by.Context(), RequestId = Some.RequestId(), DeliveryId = deliveryId, TotalRows = rows.Count, ContentSha256 = Google.Protobuf.ByteString.CopyFrom(HashOf(rows)), ConfirmShort = confirmShort,
    };

    public static async Task<Wire.HouseholdDelivery> CompletesAsync(this Party by, string deliveryId, IReadOnlyList<Wire.RegisterRow> rows, bool confirmShort = false) =>
        (await by.AskAsync(to => to.HouseholdDeliveries.CompleteDeliveryAsync(by.Completion(deliveryId, rows, confirmShort)))).Delivery;

    public static async Task<Wire.HouseholdDelivery> AbandonsAsync(this Party by, string deliveryId) => (await by.AskAsync(to => to.HouseholdDeliveries.AbandonDeliveryAsync(
        new() { Context = by.Context(), RequestId = Some.RequestId(), DeliveryId = deliveryId }))).Delivery;

    /// <summary>A whole delivery, begun, streamed and completed.</summary>
    public static async Task<Wire.HouseholdDelivery> DeliversAsync(this Party by, IReadOnlyList<Wire.RegisterRow> rows, Wire.DeliveryKind kind = Wire.DeliveryKind.Delta, string asOf = AsOf,
        bool confirmShort = false)
    {
        var delivery = await by.BeginsAsync(kind, asOf);
        if (rows.Count > 0) Assert.Equal(Wire.ErrorReason.Unspecified, (await by.StreamsAsync(by.Messages(delivery.DeliveryId, rows))).Reason);
        return await by.CompletesAsync(delivery.DeliveryId, rows, confirmShort);
    }

    /// <summary>Every fault of a delivery, in pages.</summary>
    public static async Task<List<Wire.RejectedRow>> RejectionsAsync(this Party by, string deliveryId, int size = 1000)
    {
        var (found, token) = (new List<Wire.RejectedRow>(), "");
        do
        {
            var page = await by.AskAsync(to => to.HouseholdDeliveries.ListRejectedRowsAsync(new() { Context = by.Context(), DeliveryId = deliveryId, PageSize = size, PageToken = token }));
            found.AddRange(page.Rows);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        return found;
    }

    /// <summary>One request of each method that will be permitted; the registers are left without an open delivery, Taoyuan's begun.</summary>
    public static async Task<Dictionary<string, (Party, Google.Protobuf.IMessage)>> DeliveryRequestsAsync(this The the)
    {
        var given = (await the.Register.AbandonsAsync((await the.Register.BeginsAsync()).DeliveryId)).DeliveryId;
        var open = (await the.Register.BeginsAsync()).DeliveryId;
        return new(StringComparer.Ordinal)
        {
            ["BeginDelivery"] = (the.RegisterOfTaoyuan, the.RegisterOfTaoyuan.Delivery(Wire.DeliveryKind.Delta)),
            ["CompleteDelivery"] = (the.Register, the.Register.Completion(open, [])),
            ["AbandonDelivery"] = (the.Register, new Wire.AbandonDeliveryRequest { Context = the.Register.Context(), RequestId = Some.RequestId(), DeliveryId = given }),
            ["GetDelivery"] = (the.Register, new Wire.GetDeliveryRequest { Context = the.Register.Context(), DeliveryId = given }),
            ["ListRejectedRows"] = (the.Register, new Wire.ListRejectedRowsRequest { Context = the.Register.Context(), DeliveryId = given }),
        };
    }

    public static byte[] HashOf(IEnumerable<Wire.RegisterRow> rows) => rows.Aggregate(DeliveryContent.Start, (hash, row) => DeliveryContent.After(hash, row));

    /// <summary>The five buckets, in their order.</summary>
    public static (long Added, long Changed, long Unchanged, long Ended, long Rejected) Buckets(this Wire.HouseholdDelivery of) =>
        (of.Totals.Added, of.Totals.Changed, of.Totals.Unchanged, of.Totals.Ended, of.Totals.Rejected);
}
