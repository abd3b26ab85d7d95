using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Evidence;

/// <summary>
/// An exported log is verified without the exchange, by our command and by a second verifier in Python that was written from docs/formats/evidence.md: the same
/// verdict and the same first bad entry over the intact folder and over every kind of damage.
/// </summary>
[Trait("Rule", "R-AUD-3")]
[Trait("Abuse", "B59")]
public sealed class OfflineTests(ExportedLog exported) : IClassFixture<ExportedLog>
{
    private const int Intact = 0, NotIntact = 1, Unreadable = 2;

    private static readonly string Script = Path.Combine(Repository.Root, "tests", "SafetyNet.Exchange.SystemTests", "Evidence", "verify_log.py");

    /// <summary>Every kind of damage: the verdict on it, and which entry is named as the first that cannot be trusted.</summary>
    private static readonly (string Kind, string Verdict, Func<ExportedLog, long?> FirstBad, Action<ExportedLog, string> Damage)[] Damages =
    [
        ("flipped bit in a record", "RecordChanged", e => OwnEntry(e), (e, f) => ChangeEntries(f, 0, all => all[OwnEntry(e)][10] ^= 1)),
        ("flipped bit in a tile of leaf hashes", "RecordChanged", e => OwnEntry(e), (e, f) => Flip(f, "tile/0/000", OwnEntry(e) * 32)),
        ("flipped bit in the hash of an entry without its record", "TileChanged", _ => 0, (_, f) => Flip(f, "tile/0/000", HashOnlyEntry(f) * 32)),
        ("flipped bit in a tile above", "TileChanged", _ => 256, (e, f) => Flip(f, UpperTile(e), 32)),
        ("bundle cut within an entry", "FileDamaged", _ => 255, (_, f) => Resize(f, "tile/entries/000", -1)),
        ("tile cut within a hash", "FileDamaged", _ => 255, (_, f) => Resize(f, "tile/0/000", -1)),
        ("garbage after a bundle", "FileDamaged", _ => 512, (_, f) => Resize(f, "tile/entries/001", 3)),
        ("garbage after a tile", "FileDamaged", _ => 512, (_, f) => Resize(f, "tile/0/001", 32)),
        ("garbage after a tile above", "FileDamaged", _ => 0, (e, f) => Resize(f, UpperTile(e), 1)),
        ("missing bundle", "Missing", _ => 256, (_, f) => File.Delete(Path.Combine(f, "tile/entries/001"))),
        ("missing tile", "Missing", _ => 256, (_, f) => File.Delete(Path.Combine(f, "tile/0/001"))),
        ("missing bundle and tile", "Missing", _ => 256, (_, f) => { File.Delete(Path.Combine(f, "tile/0/001")); File.Delete(Path.Combine(f, "tile/entries/001")); }),
        // The narrower one of the first export is still there.
        ("missing tile above", "Missing", _ => 256, (e, f) => File.Delete(Path.Combine(f, UpperTile(e)))),
        ("swapped records", "RecordChanged", e => OwnEntry(e), (e, f) => ChangeEntries(f, 0, all => (all[OwnEntry(e)], all[OwnEntry(e) + 1]) = (all[OwnEntry(e) + 1], all[OwnEntry(e)]))),
        ("swapped entries, records and hashes", "TileChanged", _ => 0, (e, f) =>
        {
            ChangeEntries(f, 0, all => (all[OwnEntry(e)], all[OwnEntry(e) + 1]) = (all[OwnEntry(e) + 1], all[OwnEntry(e)]));
            ChangeTile(f, "tile/0/000", all => (all[OwnEntry(e)], all[OwnEntry(e) + 1]) = (all[OwnEntry(e) + 1], all[OwnEntry(e)]));
        }),
        ("record changed and the suffix hashed anew", "Rewritten", _ => 0, (e, f) => Rewrite(e, f, OwnEntry(e))),
        ("record after the first checkpoint changed and the suffix hashed anew", "Rewritten", e => e.Sizes.First, (e, f) => Rewrite(e, f, (int)e.Sizes.Second - 1)),
        ("log cut in the middle of a tile", "Truncated", _ => 261, (e, f) => Cut(e, f, 261)),
        ("log cut at a full tile", "Truncated", _ => 512, (e, f) => Cut(e, f, 512)),
        ("root in the checkpoint changed", "CheckpointRefused", _ => null, (e, f) => ChangeNote(f, note => note.Replace(Root(note), MerkleTree.EmptyRoot.ToBase64(), StringComparison.Ordinal))),
        ("root changed and signed by a stolen key", "Fork", e => e.Sizes.First, (e, f) => File.WriteAllBytes(Path.Combine(f, "checkpoint"), e.Forge(e.Sizes.Second, MerkleTree.LeafHash([1])))),
        ("signature changed", "CheckpointRefused", _ => null, (_, f) => ChangeNote(f, note => note[..^12] + (note[^12] == 'A' ? 'B' : 'A') + note[^11..])),
        ("signature of another key under the log's name", "CheckpointRefused", _ => null, (_, f) => ChangeNote(f, ByAnotherKey)),
        ("checkpoint of another log", "CheckpointRefused", _ => null, (e, f) => File.WriteAllBytes(Path.Combine(f, "checkpoint"), e.Forge(5, MerkleTree.LeafHash([1]), "another.log"))),
        ("fork: a second checkpoint of the first one's size", "Fork", _ => 0, (e, f) =>
            File.WriteAllBytes(Path.Combine(f, $"checkpoints/{e.Sizes.First}.2"), e.Forge(e.Sizes.First, MerkleTree.LeafHash([1])))),
        ("fork: an earlier head that does not lie on the way", "Rewritten", _ => 0, (e, f) => File.WriteAllBytes(Path.Combine(f, "checkpoints/77"), e.Forge(77, MerkleTree.LeafHash([1])))),
        ("garbage after a checkpoint", "CheckpointRefused", _ => null, (_, f) => ChangeNote(f, note => note + "\n")),
        ("record taken away", "PurgeUnrecorded", e => OwnEntry(e), (e, f) => ChangeEntries(f, 0, all => all[OwnEntry(e)] = [])),
        ("no marks of what was withheld", "PurgeUnrecorded", e => HashOnlyEntry(e.Folder), (_, f) => File.Delete(Path.Combine(f, "tile/withheld/000"))),
        ("marks cut", "PurgeUnrecorded", e => HashOnlyEntry(e.Folder), (_, f) => Resize(f, "tile/withheld/000", -1)),
        // Everything about the purge is good then: what is wrong is that no witness saw it.
        ("purge that names what is gone", "NotWitnessed", _ => null, (e, f) => Purge(e, f, PurgedRecords.Method, [OwnEntry(e), OwnEntry(e) + 1], [OwnEntry(e), OwnEntry(e) + 1])),
        ("purge that names what is still there", "NotWitnessed", _ => null, (e, f) => Purge(e, f, PurgedRecords.Method, [OwnEntry(e), OwnEntry(e) + 1], [OwnEntry(e)])),
        ("purge that names less than is gone", "PurgeUnrecorded", e => OwnEntry(e) + 1, (e, f) => Purge(e, f, PurgedRecords.Method, [OwnEntry(e)], [OwnEntry(e), OwnEntry(e) + 1])),
        ("purge in the name of a call", "PurgeUnrecorded", e => OwnEntry(e), (e, f) => Purge(e, f, "/safetynet.exchange.v1.CaseService/GetCase", [OwnEntry(e)], [OwnEntry(e)])),
        ("no checkpoint", "Unreadable", _ => null, (_, f) => File.Delete(Path.Combine(f, "checkpoint"))),
        ("no witness", "NotWitnessed", _ => null, (_, f) => ChangeNote(f, note => string.Join('\n', note.Split('\n')[..^2]) + "\n")),
    ];

    public static TheoryData<string> Kinds => [.. Damages.Select(d => d.Kind)];

    [Fact]
    public async Task An_export_is_intact_by_both_verifiers_and_goes_on_where_the_folder_ended()
    {
        Assert.Contains("Exported", exported.SecondExport.Output, StringComparison.Ordinal);
        var fetched = exported.Sizes.Second - (exported.Sizes.First / 256 * 256);
        Assert.Contains($"{fetched} of them new", exported.SecondExport.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(exported.Folder, $"checkpoints/{exported.Sizes.First}")));
        var told = await AssertBothSayAsync(exported.Folder, "Intact", firstBad: null, Intact);
        Assert.Equal(exported.Sizes.Second, told.GetProperty("entries").GetInt64());
        Assert.InRange(told.GetProperty("hashOnly").GetInt64(), 100, 200);
        Assert.Equal(exported.Sizes.Second, told.GetProperty("signedEntries").GetInt64());
        Assert.Equal(3, told.GetProperty("checkpoints").GetInt32());
        Assert.Equal(exported.Sizes.Second, Assert.Single(told.GetProperty("witnesses").EnumerateArray()).GetProperty("size").GetInt64());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Damage_is_found_by_both_verifiers_with_the_same_verdict_and_the_same_first_bad_entry(string kind)
    {
        var (_, verdict, firstBad, damage) = Damages.Single(d => d.Kind.Equals(kind, StringComparison.Ordinal));
        var folder = exported.Copy();
        damage(exported, folder);
        await AssertBothSayAsync(folder, verdict, firstBad(exported), verdict.Equals("Unreadable", StringComparison.Ordinal) ? Unreadable : NotIntact);
    }

    [Fact]
    public async Task A_person_is_told_the_verdict_in_words_and_that_a_key_from_the_folder_proves_little()
    {
        var told = await ChildProcess.RunDotnetAsync(Repository.CliDll, ["audit", "verify", exported.Folder], exported.Sandbox.Folder);
        Assert.True(told.ExitCode == Intact, told.ToString());
        Assert.Contains("軌跡完整", told.Output, StringComparison.Ordinal);
        Assert.Contains("of which only the hash was given", Joined(told.Output), StringComparison.Ordinal);
        Assert.Contains("only that the folder agrees with itself", Joined(told.Output), StringComparison.Ordinal);
        var held = await ChildProcess.RunDotnetAsync(Repository.CliDll, ["audit", "verify", exported.Folder, "--key", exported.KeyFile], exported.Sandbox.Folder);
        Assert.DoesNotContain("agrees with itself", Joined(held.Output), StringComparison.Ordinal);
        var folder = exported.Copy();
        Flip(folder, "tile/0/000", OwnEntry(exported) * 32);
        var damaged = await ChildProcess.RunDotnetAsync(Repository.CliDll, ["audit", "verify", folder, "--key", "@" + exported.KeyFile], exported.Sandbox.Folder);
        Assert.Equal(NotIntact, damaged.ExitCode);
        Assert.Contains("軌跡不完整", damaged.Output, StringComparison.Ordinal);
        Assert.Contains($"首筆不可信之紀錄: {OwnEntry(exported)}", damaged.Output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Abuse", "B60")]
    public async Task An_exchange_that_went_back_behind_a_checkpoint_in_the_folder_is_told_of_when_the_export_goes_on()
    {
        var folder = exported.Copy();
        var ahead = exported.Sizes.Second + 1_000_000;
        await File.WriteAllBytesAsync(Path.Combine(folder, $"checkpoints/{ahead}"), exported.Forge(ahead, MerkleTree.LeafHash([1])), TestContext.Current.CancellationToken);
        var told = await ChildProcess.RunDotnetAsync(
            Repository.CliDll, ["audit", "export", "--out", folder, "--key", exported.KeyFile, .. exported.Sandbox.CliOptions], exported.Sandbox.Folder);
        Assert.Equal(NotIntact, told.ExitCode);
        Assert.Contains("it went back", Joined(told.Output), StringComparison.Ordinal);
    }

    private async Task<JsonElement> AssertBothSayAsync(string folder, string verdict, long? firstBad, int exitCode)
    {
        string[] keys = ["--key", exported.KeyFile, "--witness", exported.WitnessKeyFile];
        var ours = await ChildProcess.RunDotnetAsync(Repository.CliDll, ["audit", "verify", folder, "--json", .. keys], exported.Sandbox.Folder);
        var found = AssertSays("safetynet", ours);
        var python = await RequirePythonAsync();
        AssertSays("verify_log.py", await ChildProcess.RunAsync(python, [Script, folder, .. keys], exported.Sandbox.Folder));
        return found;

        JsonElement AssertSays(string verifier, Finished told)
        {
            Assert.True(told.ExitCode == exitCode, $"{verifier}: {told}");
            var of = JsonDocument.Parse(told.Output).RootElement;
            Assert.True(of.GetProperty("verdict").ValueEquals(verdict), $"{verifier}: {told}");
            long? named = of.TryGetProperty("firstBadIndex", out var index) && index.ValueKind == JsonValueKind.Number ? index.GetInt64() : null;
            Assert.True(named == firstBad, $"{verifier}: {named} is not {firstBad}. {told}");
            return of;
        }
    }

    private static async Task<string> RequirePythonAsync()
    {
        foreach (var (program, argument) in ((string, string)[])[("python3", "--version"), ("openssl", "version")])
        {
            try
            {
                await ChildProcess.RunAsync(program, [argument]);
            }
            catch (System.ComponentModel.Win32Exception)
            {
                Assert.Skip($"{program} is not installed; .ci/install installs it");
            }
        }

        return "python3";
    }

    /// <summary>Without the line breaks that a terminal puts in.</summary>
    private static string Joined(string text) => text.ReplaceLineEndings(" ").Replace("  ", " ", StringComparison.Ordinal);

    private static string UpperTile(ExportedLog exported) => LogLayout.TilePath(1, 0, (int)(exported.Sizes.Second / 256));

    /// <summary>An entry of the first tile whose record the officer may read, as it may its neighbour's.</summary>
    private static int OwnEntry(ExportedLog exported)
    {
        var entries = Entries(exported.Folder, "tile/entries/000");
        return Enumerable.Range(40, 100).First(at => entries[at].Length > 0 && entries[at + 1].Length > 0);
    }

    private static int HashOnlyEntry(string folder) => Entries(folder, "tile/entries/000").FindIndex(e => e.Length == 0);

    private static void Flip(string folder, string file, int at)
    {
        var bytes = File.ReadAllBytes(Path.Combine(folder, file));
        bytes[at] ^= 0x10;
        File.WriteAllBytes(Path.Combine(folder, file), bytes);
    }

    private static void Resize(string folder, string file, int by)
    {
        using var opened = File.Open(Path.Combine(folder, file), FileMode.Open);
        opened.SetLength(opened.Length + by);
    }

    private static List<byte[]> Entries(string folder, string bundle)
    {
        var entries = new List<byte[]>();
        var bytes = File.ReadAllBytes(Path.Combine(folder, bundle)).AsSpan();
        while (bytes.Length > 0)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes);
            entries.Add(bytes.Slice(2, length).ToArray());
            bytes = bytes[(2 + length)..];
        }

        return entries;
    }

    private static void WriteEntries(string folder, string bundle, IEnumerable<byte[]> entries) => File.WriteAllBytes(
        Path.Combine(folder, bundle), [.. entries.SelectMany(e => (byte[])[(byte)(e.Length >> 8), (byte)e.Length, .. e])]);

    private static void ChangeEntries(string folder, int bundle, Action<List<byte[]>> change)
    {
        var entries = Entries(folder, LogLayout.BundlePath(bundle));
        change(entries);
        WriteEntries(folder, LogLayout.BundlePath(bundle), entries);
    }

    private static MerkleHash[] Hashes(string folder, string tile) => MemoryMarshal.Cast<byte, MerkleHash>(File.ReadAllBytes(Path.Combine(folder, tile))).ToArray();

    private static void ChangeTile(string folder, string tile, Action<MerkleHash[]> change)
    {
        var hashes = Hashes(folder, tile);
        change(hashes);
        File.WriteAllBytes(Path.Combine(folder, tile), MemoryMarshal.AsBytes(hashes.AsSpan()));
    }

    /// <summary>All entries of the folder, written anew by a change, with every hash above them as it then is; only the checkpoints stay.</summary>
    private static void WriteAnew(ExportedLog exported, string folder, Action<List<LogEntry>> change)
    {
        var entries = new List<LogEntry>();
        for (long n = 0; n * 256 < exported.Sizes.Second; n++)
        {
            var width = (int)Math.Min(256, exported.Sizes.Second - (n * 256));
            var hashes = Hashes(folder, LogLayout.TilePath(0, n, width));
            entries.AddRange(Entries(folder, LogLayout.BundlePath(n, width)).Select((e, i) => new LogEntry((n * 256) + i, e.Length == 0 ? default(ReadOnlyMemory<byte>?) : e, hashes[i], IsWithheld: e.Length == 0)));
        }

        change(entries);
        Directory.Delete(Path.Combine(folder, "tile"), recursive: true);
        var newest = File.ReadAllBytes(Path.Combine(folder, "checkpoint"));
        var writer = LogFolderWriter.Open(folder);
        foreach (var entry in entries)
            writer.Append(entry);
        Assert.True(NoteVerifier.TryParse(File.ReadAllText(exported.KeyFile), out var key, out _));
        using (key)
        {
            Assert.True(SignedCheckpoint.TryOpen(newest, key, [], out var head, out _));
            writer.Complete(head);
        }
    }

    private static void Rewrite(ExportedLog exported, string folder, int at) => WriteAnew(exported, folder, all =>
    {
        byte[] record = [.. all[at].Record?.ToArray() ?? [], 0];
        all[at] = all[at] with { Record = record, LeafHash = MerkleTree.LeafHash(record) };
    });

    /// <summary>The last entry becomes a record of retention, some entries lose theirs, and a stolen key signs it.</summary>
    private static void Purge(ExportedLog exported, string folder, string method, int[] named, int[] gone)
    {
        var root = MerkleTree.EmptyRoot;
        WriteAnew(exported, folder, all =>
        {
            var record = new Wire.AuditRecord
            {
                Version = 1, DecisionId = "0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11", DecidedAt = new Timestamp { Seconds = 1_795_000_000, Nanos = 7 }, Method = method,
                Purpose = Wire.Purpose.Audit, Resources = { named.Select(at => PurgedRecords.ToResource(new EntryRange(at, at))) },
            }.ToByteArray();
            all[^1] = new LogEntry(all.Count - 1, record, MerkleTree.LeafHash(record));
            foreach (var at in gone) all[at] = all[at] with { Record = null };
            root = MerkleTree.Root([.. all.Select(entry => entry.LeafHash)]);
        });
        Directory.Delete(Path.Combine(folder, "checkpoints"), recursive: true);
        File.WriteAllBytes(Path.Combine(folder, "checkpoint"), exported.Forge(exported.Sizes.Second, root));
    }

    private static void Cut(ExportedLog exported, string folder, int size) => WriteAnew(exported, folder, all => all.RemoveRange(size, all.Count - size));

    private static void ChangeNote(string folder, Func<string, string> change)
    {
        var path = Path.Combine(folder, "checkpoint");
        File.WriteAllText(path, change(File.ReadAllText(path, Encoding.UTF8)), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }

    private static string Root(string note) => note.Split('\n')[2];

    /// <summary>The log's signature line with the signature that another key made over the same text, under the log's name and key hash.</summary>
    private static string ByAnotherKey(string note)
    {
        var lines = note.Split('\n');
        var (at, parts) = (Array.FindIndex(lines, line => line.StartsWith('—')), lines.First(line => line.StartsWith('—')).Split(' '));
        using var other = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var text = Encoding.UTF8.GetBytes(string.Concat(lines[..3].Select(line => line + "\n")));
        var signature = other.SignData(text, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.DSASignatureFormat.Rfc3279DerSequence);
        lines[at] = string.Create(CultureInfo.InvariantCulture, $"— {parts[1]} {Convert.ToBase64String([.. Convert.FromBase64String(parts[2])[..4], .. signature])}");
        return string.Join('\n', lines);
    }
}
