using System.Security.Cryptography;
using System.Text;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Evidence;

/// <summary>The export folder of the log (C2SP tlog-tiles). That damage is found, and by another verifier too, is proven on a real exchange in SystemTests.</summary>
[Trait("Rule", "R-AUD-3")]
public sealed class LogFolderTests : IDisposable
{
    private const string Origin = "log.test";

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-folder-").FullName;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly NoteSigner _signer;
    private readonly NoteVerifier _verifier;

    public LogFolderTests() => (_signer, _verifier) = (new NoteSigner(Origin, _key), new NoteSigner(Origin, _key).ToVerifier());

    public void Dispose()
    {
        _key.Dispose();
        _verifier.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(0, 0, 256, "tile/0/000")]
    [InlineData(1, 999, 256, "tile/1/999")]
    [InlineData(0, 1000, 17, "tile/0/x001/000.p/17")]
    [InlineData(63, 1_234_067, 256, "tile/63/x001/x234/067")]
    [InlineData(0, 1_000_000, 1, "tile/0/x001/x000/000.p/1")]
    public void A_tile_lies_where_tlog_tiles_says(int level, long index, int width, string path)
    {
        Assert.Equal(path, LogLayout.TilePath(level, index, width));
        Assert.Equal(path.Replace($"tile/{level}/", "tile/entries/", StringComparison.Ordinal), LogLayout.BundlePath(index, width));
    }

    /// <summary>The example of the specification: 70 000 entries are 273 full tiles and one of 112, one full tile above and one of 17, and one of 1.</summary>
    [Fact]
    public void A_log_of_70000_entries_has_the_tiles_that_tlog_tiles_names()
    {
        Export(70_000);
        Assert.Equal(273, Directory.EnumerateFiles(Path.Combine(_folder, "tile", "0")).Count());
        Assert.Equal(["000"], Directory.EnumerateFiles(Path.Combine(_folder, "tile", "1")).Select(Path.GetFileName));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_folder, "tile", "2")));
        foreach (var (path, bytes) in ((string, int)[])[("tile/0/273.p/112", 112 * 32), ("tile/1/000", 8192), ("tile/1/001.p/17", 17 * 32), ("tile/2/000.p/1", 32)])
            Assert.Equal(bytes, new FileInfo(Path.Combine(_folder, path)).Length);
        Assert.Empty(Directory.EnumerateFiles(_folder, "*.tmp", SearchOption.AllDirectories));
        AssertIntact(70_000, checkpoints: 2);
    }

    [Theory]
    [InlineData(1, 2, 3)]
    [InlineData(255, 256, 257)]
    [InlineData(300, 511, 512, 513, 900)]
    [InlineData(65_535, 65_536, 65_537, 66_000)]
    public void An_export_that_goes_on_is_the_same_as_one_made_at_once(params int[] sizes)
    {
        foreach (var size in sizes)
        {
            Export(size);
            AssertIntact(size, checkpoints: 1 + Array.IndexOf(sizes, size) + 1);
        }
    }

    [Fact]
    public void An_export_that_stopped_in_the_middle_is_shorter_than_what_was_signed_until_it_goes_on()
    {
        Export(300);
        var writer = LogFolderWriter.Open(_folder);
        var head = Head(1000);
        writer.Keep(head);
        for (var at = 256; at < 700; at++) writer.Append(Entry(at));
        // Killed here: two full tiles, and what was not full is lost.
        var cut = Verify().Log;
        Assert.Equal((LogFault.Truncated, 512L), (cut.Fault, cut.FirstBadIndex));
        Assert.Contains("1000 were signed", cut.Explanation, StringComparison.Ordinal);
        Export(1000);
        AssertIntact(1000, checkpoints: 3);
    }

    [Fact]
    public void A_second_checkpoint_of_one_size_is_kept_beside_the_first()
    {
        Export(300);
        var other = SignedCheckpoint.Sign(new Checkpoint(Origin, 300, MerkleTree.LeafHash([1])), _signer);
        LogFolderWriter.Open(_folder).Keep(other);
        Assert.True(File.Exists(Path.Combine(_folder, "checkpoints", "300.2")));
        Assert.Equal(LogFault.Fork, Verify().Log.Fault);
        // The same again, co-signed, takes the place of the one without.
        using var witness = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        LogFolderWriter.Open(_folder).Keep(other.WithWitness(new NoteSigner("witness.test", witness)));
        Assert.Equal(2, Directory.EnumerateFiles(Path.Combine(_folder, "checkpoints")).Count());
        Assert.Contains("witness.test", File.ReadAllText(Path.Combine(_folder, "checkpoints", "300.2")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_longer_than_a_bundle_takes_stands_by_its_hash()
    {
        var writer = LogFolderWriter.Open(_folder);
        var (longest, tooLong) = (new byte[LogLayout.MaxRecordBytes], new byte[LogLayout.MaxRecordBytes + 1]);
        writer.Append(new LogEntry(0, longest, MerkleTree.LeafHash(longest)));
        writer.Append(new LogEntry(1, tooLong, MerkleTree.LeafHash(tooLong)));
        Assert.Equal(1, writer.LongRecords);
        var head = SignedCheckpoint.Sign(new Checkpoint(Origin, 2, MerkleTree.NodeHash(MerkleTree.LeafHash(longest), MerkleTree.LeafHash(tooLong))), _signer);
        writer.Complete(head);
        var verdict = Verify().Log;
        Assert.True(verdict.IsIntact, verdict.Explanation);
        Assert.Equal(1, verdict.WithheldRecords);
        Assert.Equal("Intact: 2 entries, all under a signed checkpoint, 1 entry of which only the hash was given.", verdict.Explanation);
    }

    [Fact]
    public void An_entry_out_of_its_place_is_not_written()
    {
        var writer = LogFolderWriter.Open(_folder);
        Assert.Throws<FormatException>(() => writer.Append(Entry(1)));
        writer.Append(Entry(0));
        Assert.Throws<FormatException>(() => writer.Append(Entry(0)));
    }

    [Fact]
    public void A_folder_without_a_checkpoint_is_no_export()
    {
        Assert.Throws<FormatException>(Verify);
        Assert.Throws<FormatException>(() => LogFolder.ReadKey(_folder));
    }

    private static byte[] Record(int at) => Encoding.UTF8.GetBytes($"record {at}");

    /// <summary>Every fifth is given by its hash alone.</summary>
    private static LogEntry Entry(int at) => new(at, at % 5 == 4 ? default(ReadOnlyMemory<byte>?) : Record(at), MerkleTree.LeafHash(Record(at)), IsWithheld: at % 5 == 4);

    private SignedCheckpoint Head(int size) => SignedCheckpoint.Sign(
        new Checkpoint(Origin, size, MerkleTree.Root(Enumerable.Range(0, size).Select(at => MerkleTree.LeafHash(Record(at))).ToArray())), _signer);

    private void Export(int size)
    {
        var writer = LogFolderWriter.Open(_folder);
        var head = Head(size);
        writer.Keep(head);
        for (var at = (int)writer.Size; at < size; at++) writer.Append(Entry(at));
        writer.Complete(head);
    }

    private LogFolderVerdict Verify() => LogFolder.Verify(_folder, _verifier, []);

    private void AssertIntact(int size, int checkpoints)
    {
        var found = Verify();
        Assert.True(found.Log.IsIntact, found.Log.Explanation);
        Assert.Equal((size, size, size / 5, checkpoints, Origin), ((int)found.Log.Size, (int)found.Log.VouchedSize, (int)found.Log.WithheldRecords, found.Checkpoints, found.Origin));
    }
}
