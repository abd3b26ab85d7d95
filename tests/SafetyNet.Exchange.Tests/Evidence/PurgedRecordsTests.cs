using System.Security.Cryptography;
using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Evidence;

/// <summary>A log of eight entries whose seventh says what was purged.</summary>
[Trait("Rule", "R-AUD-3")]
public sealed class PurgedRecordsTests : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _key.Dispose();

    [Theory]
    [Trait("Abuse", "B59")]
    [InlineData("purged/1-2", "", null)]
    [InlineData("purged/1-2", "12", null)]
    [InlineData("purged/1-1,purged/2-3", "123", null)]
    [InlineData("purged/1-2", "1", null)]
    [InlineData("purged/1-2", "123", 3)]
    [InlineData("purged/1-1,purged/3-3", "123", 2)]
    [InlineData("", "4", 4)]
    [InlineData("purged/1-7", "7", 7)]
    [InlineData("purged/5-9", "5", 5)]
    [InlineData("purged/2-1", "2", 2)]
    [InlineData("purged/-1", "1", 1)]
    [InlineData("purged/1", "1", 1)]
    [InlineData("purged/+1-2", "1", 1)]
    [InlineData("purged/1-99999999999999999999", "1", 1)]
    public void An_entry_whose_record_is_gone_is_named_by_a_later_purge_or_it_is_the_first_bad_one(string resources, string gone, int? firstBad)
    {
        var verdict = Verify(Log(PurgedRecords.Method, resources, ""), gone);
        Assert.Equal((firstBad is null ? LogFault.None : LogFault.PurgeUnrecorded, (long?)firstBad), (verdict.Fault, verdict.FirstBadIndex));
        if (firstBad is null) Assert.Equal(gone.Length, verdict.PurgedRecords);
    }

    [Theory]
    [InlineData("retention/PurgeRecordsX", "")]
    [InlineData("/safetynet.exchange.v1.CaseService/GetCase", "")]
    [InlineData(PurgedRecords.Method, "spiffe://safetynet.gov.tw/tpe/dosw/case-system")]
    public void A_record_of_a_call_purges_nothing_whatever_it_names(string method, string system) =>
        Assert.Equal(1, Verify(Log(method, "purged/1-2", system), "12").FirstBadIndex);

    [Fact]
    public void A_purge_whose_own_record_is_gone_names_nothing() => Assert.Equal(1, Verify(Log(PurgedRecords.Method, "purged/1-2", ""), "126").FirstBadIndex);

    [Fact]
    public void Ranges_are_put_together_whatever_the_order_they_come_in()
    {
        var random = new Random(3);
        for (var round = 0; round < 300; round++)
        {
            var (ranges, naive) = (new EntryRanges(), new SortedSet<long>());
            for (var i = random.Next(12); i >= 0; i--)
            {
                var first = random.Next(40);
                var range = new EntryRange(first, first + random.Next(6));
                ranges.Add(range);
                for (var at = range.First; at <= range.Last; at++) naive.Add(at);
            }

            Assert.Equal(naive, ranges.All.SelectMany(r => Enumerable.Range((int)r.First, (int)r.Count).Select(at => (long)at)));
            Assert.All(ranges.All.Zip(ranges.All.Skip(1)), pair => Assert.True(pair.First.Last + 1 < pair.Second.First));
            for (var at = 0L; at < 50; at++) Assert.Equal(naive.Contains(at), ranges.Contains(at));
            Assert.Equal(naive.Count, ranges.Count);
        }
    }

    private static List<byte[]> Log(string method, string resources, string system)
    {
        var log = Enumerable.Range(0, 8).Select(at => new Wire.AuditRecord { Version = 1, DecisionId = $"{at}" }.ToByteArray()).ToList();
        log[6] = new Wire.AuditRecord { Version = 1, Method = method, System = system, Resources = { resources.Split(',', StringSplitOptions.RemoveEmptyEntries), "cut-off/2026-11-22T00:00:00Z" } }.ToByteArray();
        return log;
    }

    private LogVerdict Verify(List<byte[]> records, string gone)
    {
        var leaves = records.Select(r => MerkleTree.LeafHash(r)).ToArray();
        var verifier = new LogVerifier([SignedCheckpoint.Sign(new Checkpoint("log.test", leaves.Length, MerkleTree.Root(leaves)), new NoteSigner("log.test", _key))]);
        for (var at = 0; at < records.Count; at++)
            verifier.Add(new LogEntry(at, gone.Contains((char)('0' + at), StringComparison.Ordinal) ? default(ReadOnlyMemory<byte>?) : records[at], leaves[at]));
        return verifier.Finish();
    }
}
