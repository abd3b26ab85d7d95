using System.Globalization;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Deliveries;

/// <summary>A whole register with planted mistakes, delivered in one go and cut again and again (R-HH-3). SAFETYNET_CAMPAIGN asks for more rows, SAFETYNET_SEED for another register.</summary>
[Trait("Rule", "R-HH-3")]
public sealed class DeliveredRegisterTests(TestExchange exchange) : WireTests(exchange)
{
    private const int DefaultRows = 3000;

    /// <summary>Two rows of a hundred are wrong.</summary>
    private const int RowsPerMistake = 50;

    [Fact]
    public async Task R_HH_3_A_delivery_cut_anywhere_ends_as_one_that_was_not_and_every_planted_mistake_is_named()
    {
        var (count, seed) = (Asked("SAFETYNET_CAMPAIGN", DefaultRows), Asked("SAFETYNET_SEED", 11));
        var (rows, planted) = Planted(count, seed);
        var random = new Random(seed);

        var (inOne, all) = await DeliveredAsync(rows, null);
        // Every row is in one bucket, and every mistake, and nothing else, is in that of the rejected, named by line, field and fault.
        Assert.Equal((rows.Count - planted.Count, 0, 0, 0, planted.Count), inOne.Buckets());
        Assert.Equal(planted.Keys.Order(), all.Select(one => one.Line).Distinct().Order());
        var told = all.ToLookup(one => one.Line);
        Assert.All(planted, one => Assert.True(told[one.Key].Any(found => found.Field == one.Value.Field && found.Fault == one.Value.Fault),
            $"line {one.Key}: {one.Value.Field} {one.Value.Fault}, told: {string.Join("; ", told[one.Key].Select(found => $"{found.Field} {found.Fault}"))}"));
        Assert.True(planted.Values.Select(one => (one.Field, one.Fault)).Distinct().Count() >= 15);
        Assert.All(all, one => Assert.Contains(one.DescriptionZh, c => c is >= '\u4e00' and <= '\u9fff'));

        var (cut, allOfCut) = await DeliveredAsync(rows, random);
        Assert.Equal(inOne.Buckets(), cut.Buckets());
        Assert.Equal(inOne.ContentSha256, cut.ContentSha256);
        Assert.Equal(all, allOfCut);
    }

    /// <summary>Delivers rows to an exchange that has none, and what is rejected; where there is chance, streams end anywhere, also within what the exchange takes, and messages have any size.</summary>
    private static async Task<(Wire.HouseholdDelivery Delivery, List<Wire.RejectedRow> Rejected)> DeliveredAsync(List<Wire.RegisterRow> rows, Random? random)
    {
        var hashes = new List<byte[]>(rows.Count + 1) { DeliveryContent.Start };
        foreach (var row in rows) hashes.Add(DeliveryContent.After(hashes[^1], row));
        await using var own = await TestExchange.StartEmptyAsync();
        var register = new The(own).Register;
        var delivery = await register.BeginsAsync(Wire.DeliveryKind.Full);
        var id = delivery.DeliveryId;
        if (random is null)
        {
            foreach (var stream in register.Messages(id, rows).Chunk(100)) delivery = (await register.StreamsAsync(stream)).Delivery;
        }

        for (var cuts = 0; random is not null && (delivery = await register.SeesDeliveryAsync(id)).NextLine <= rows.Count; cuts++)
        {
            // Some lines that were taken already come again, as they do where an answer was lost.
            var from = Math.Max(1, delivery.NextLine - random.Next(0, 40));
            using var call = register.Channel.HouseholdDeliveries.DeliverRows();
            var messages = register.Messages(id, rows, from, random.Next(1, Math.Clamp(rows.Count / 50, 200, 1000)), hashes[(int)from - 1]).Take(random.Next(1, 9)).ToList();
            foreach (var message in messages) await call.RequestStream.WriteAsync(message);
            if (random.Next(3) == 0)
            {
                await call.RequestStream.CompleteAsync();
                Assert.Equal(Wire.ErrorReason.Unspecified, (await call).Reason);
                continue;
            }

            await Task.Delay(random.Next(0, 30));
            call.Dispose();
            Assert.True(cuts < 20_000, "it gets no further");
        }

        Assert.Equal(rows.Count + 1, delivery.NextLine);
        var completed = await register.CompletesAsync(id, rows);
        Assert.Equal(Wire.DeliveryState.Completed, completed.State);
        return (completed, await register.RejectionsAsync(id));
    }

    /// <summary>A register of some size in which every fiftieth row has a mistake, the kinds in turn, by the line of each.</summary>
    private static (List<Wire.RegisterRow> Rows, Dictionary<long, Mistake> Planted) Planted(int count, int seed)
    {
        var rows = Register.Of(seed, count);
        var (good, planted) = (new List<Wire.RegisterRow>(), new Dictionary<long, Mistake>());
        var next = 0;
        for (var at = 0; at < rows.Count; at++)
        {
            // The head of a household is left right: without it, a second one would be the first.
            if (at < RowsPerMistake * (planted.Count + 1) || rows[at].Place == 0)
            {
                if (good.Count < 1000) good.Add(rows[at]);
                continue;
            }

            var mistake = Mistake.All[next++ % Mistake.All.Count];
            mistake.Plant(rows[at], good);
            planted.Add(at + 1, mistake);
        }

        return (rows, planted);
    }

    private static int Asked(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var asked) && asked >= 2000 ? asked : otherwise;
}
