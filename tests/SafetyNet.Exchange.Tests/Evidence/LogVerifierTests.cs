using System.Security.Cryptography;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Evidence;

[Trait("Rule", "R-AUD-3")]
public sealed class LogVerifierTests : IDisposable
{
    private const int Entries = 100;
    private const string Origin = "log.example/taipei";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly NoteSigner _log;
    private readonly List<LogEntry> _entries = [.. Enumerable.Range(0, Entries).Select(i => Entry(i, [(byte)i, 7]))];
    private readonly List<SignedCheckpoint> _heads;

    public LogVerifierTests()
    {
        _log = new NoteSigner(Origin, _key);
        _heads = [.. new[] { 10, 40, Entries }.Select(Head)];
    }

    public void Dispose() => _key.Dispose();

    [Fact]
    public async Task An_untouched_log_is_intact_and_progress_ends_at_its_size()
    {
        var progress = new List<long>();
        var verdict = await LogVerifier.VerifyAsync(
            Stream(_entries), _heads, progress.Add, progressEvery: 30, TestContext.Current.CancellationToken);
        Assert.True(verdict.IsIntact, verdict.Explanation);
        Assert.Equal(
            (Entries, Entries, 0L, null), ((int)verdict.Size, (int)verdict.VouchedSize, verdict.PurgedRecords, verdict.FirstBadIndex));
        Assert.Equal(_heads[^1].Checkpoint.Root, verdict.Root);
        Assert.Equal([30, 60, 90, 100], progress);
    }

    [Fact]
    public void Entries_after_the_last_checkpoint_are_said_to_be_unvouched()
    {
        var verdict = Verify(_entries, [_heads[0]]);
        Assert.True(verdict.IsIntact);
        Assert.Equal(10, verdict.VouchedSize);
        Assert.Contains("90 of them after", verdict.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void Withheld_records_leave_the_log_intact_and_are_counted()
    {
        for (var i = 5; i < 15; i++)
            _entries[i] = _entries[i] with { Record = null, IsWithheld = true };
        var verdict = Verify(_entries, _heads);
        Assert.True(verdict.IsIntact, verdict.Explanation);
        Assert.Equal((10L, 0L), (verdict.WithheldRecords, verdict.PurgedRecords));
    }

    [Fact]
    public void An_empty_log_fits_the_checkpoint_of_an_empty_log()
    {
        var verdict = Verify([], [SignedCheckpoint.Sign(new Checkpoint(Origin, 0, MerkleTree.EmptyRoot), _log)]);
        Assert.True(verdict.IsIntact, verdict.Explanation);
        Assert.Equal(MerkleTree.EmptyRoot, verdict.Root);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(99)]
    public void A_changed_record_is_named(int index)
    {
        _entries[index] = _entries[index] with { Record = new byte[] { (byte)index, 8 } };
        Expect(LogFault.RecordChanged, index);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(9, 0)]
    [InlineData(10, 10)]
    [InlineData(39, 10)]
    [InlineData(40, 40)]
    [InlineData(99, 40)]
    public void A_record_changed_together_with_its_hash_is_found_behind_the_last_checkpoint_that_agrees(int index, int firstBad)
    {
        _entries[index] = Entry(index, [(byte)index, 8]);
        Expect(LogFault.Rewritten, firstBad);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    public void A_deleted_entry_is_named(int index)
    {
        _entries.RemoveAt(index);
        Expect(LogFault.Missing, index);
    }

    [Fact]
    public void A_log_cut_at_its_end_is_found()
    {
        _entries.RemoveAt(99);
        Expect(LogFault.Truncated, 99);
        _entries.Clear();
        Expect(LogFault.Truncated, 0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(98)]
    public void A_deleted_entry_with_the_rest_moved_up_is_found(int index)
    {
        _entries.RemoveAt(index);
        for (var i = index; i < _entries.Count; i++)
            _entries[i] = _entries[i] with { Index = i };
        Assert.False(Verify(_entries, _heads).IsIntact);
    }

    [Fact]
    public void Swapped_duplicated_and_inserted_entries_are_found()
    {
        (_entries[20], _entries[21]) = (_entries[21], _entries[20]);
        Expect(LogFault.Missing, 20);
        _entries[20] = _entries[20] with { Index = 20 };
        _entries[21] = _entries[21] with { Index = 21 };
        Expect(LogFault.Rewritten, 10);
        (_entries[20], _entries[21]) = (_entries[21] with { Index = 20 }, _entries[20] with { Index = 21 });
        Assert.True(Verify(_entries, _heads).IsIntact);

        _entries.Insert(30, _entries[29]);
        Expect(LogFault.OutOfOrder, 30);
        _entries.RemoveAt(30);
        _entries.Insert(30, Entry(30, [0]));
        Expect(LogFault.OutOfOrder, 31);
    }

    [Fact]
    public void Two_signed_stories_of_one_size_are_a_fork()
    {
        var other = SignedCheckpoint.Sign(new Checkpoint(Origin, 40, MerkleTree.LeafHash([9])), _log);
        _heads.Add(other);
        Expect(LogFault.Fork, 10);
    }

    [Fact]
    public void Checkpoints_of_two_logs_are_not_mixed()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var other = SignedCheckpoint.Sign(new Checkpoint("log.example/tainan", 1, MerkleTree.LeafHash([1])),
            new NoteSigner("log.example/tainan", key));
        Assert.Throws<ArgumentException>(() => new LogVerifier([.. _heads, other]));
    }

    [Fact]
    public void After_a_fault_nothing_more_is_taken_and_the_first_fault_stands()
    {
        var verifier = new LogVerifier(_heads);
        Assert.False(verifier.Add(1, [1], MerkleTree.LeafHash([1])));
        Assert.False(verifier.Add(0, [0, 7], MerkleTree.LeafHash([0, 7])));
        Assert.Equal((LogFault.Missing, 0L), (verifier.Finish().Fault, verifier.Finish().FirstBadIndex));
    }

    private static LogEntry Entry(int index, byte[] record) => new(index, record, MerkleTree.LeafHash(record));

    private static LogVerdict Verify(IEnumerable<LogEntry> entries, IEnumerable<SignedCheckpoint> heads) =>
        LogVerifier.VerifyAsync(Stream(entries), heads).GetAwaiter().GetResult();

    private static async IAsyncEnumerable<LogEntry> Stream(IEnumerable<LogEntry> entries)
    {
        foreach (var entry in entries)
        {
            await Task.CompletedTask;
            yield return entry;
        }
    }

    private SignedCheckpoint Head(int size) =>
        SignedCheckpoint.Sign(new Checkpoint(Origin, size, MerkleTree.Root([.. _entries.Take(size).Select(e => e.LeafHash)])), _log);

    private void Expect(LogFault fault, long firstBad)
    {
        var verdict = Verify(_entries, _heads);
        Assert.Equal((fault, firstBad), (verdict.Fault, verdict.FirstBadIndex));
        Assert.False(verdict.IsIntact);
    }
}
