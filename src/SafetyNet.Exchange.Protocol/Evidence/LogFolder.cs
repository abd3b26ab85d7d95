using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>How far a witness signed.</summary>
/// <param name="Name">Name of its key.</param>
/// <param name="Size">Size of the largest checkpoint in the folder that it signed; 0: none.</param>
public readonly record struct WitnessedHead(string Name, long Size);

/// <summary>What checking an exported log found.</summary>
/// <param name="Log">The verdict over the entries.</param>
/// <param name="Origin">Which log.</param>
/// <param name="Checkpoints">How many signed heads it was held against.</param>
/// <param name="Witnesses">How far each given witness signed.</param>
public sealed record LogFolderVerdict(LogVerdict Log, string Origin, int Checkpoints, IReadOnlyList<WitnessedHead> Witnesses);

/// <summary>Reads and verifies an exported log: files and public keys, no server (R-AUD-3).</summary>
/// <remarks>Needs only <c>checkpoint</c>, <c>checkpoints/</c> and <c>tile/</c>; what else lies in the folder is not looked at. The order in which things are
/// checked, and so which fault stands where there are several, is that of docs/formats/evidence.md, section 7. Errors, of every method:
/// <see cref="FormatException"/> where this is no finished export, <see cref="IOException"/> and <see cref="UnauthorizedAccessException"/> where it cannot be read.</remarks>
public sealed class LogFolder
{
    /// <summary>Longest bundle there can be; more is not read.</summary>
    private const int MaxBundleBytes = LogLayout.Width * (sizeof(ushort) + LogLayout.MaxRecordBytes);

    private readonly string _folder;
    private readonly long _size;
    private readonly LogVerifier _verifier;
    private byte[] _tile = new byte[(LogLayout.Width * MerkleHash.SizeBytes) + 1];
    private byte[] _bundle = new byte[128 * 1024];

    private LogFolder(string folder, IReadOnlyCollection<SignedCheckpoint> heads)
    {
        _folder = folder;
        _size = heads.Max(h => h.Checkpoint.Size);
        _verifier = new LogVerifier(heads, new UpperTiles(folder, _size).Find);
    }

    /// <summary>The log's key as the folder has it, which proves only that the folder agrees with itself.</summary>
    public static string ReadKey(string folder)
    {
        var path = Path.Combine(folder, LogLayout.LogKey);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : throw new FormatException($"There is no {LogLayout.LogKey} in {folder}; give the log's key that you hold.");
    }

    /// <summary>The witnesses' keys as the folder has them; none where it has no such file.</summary>
    public static IReadOnlyList<string> ReadWitnessKeys(string folder)
    {
        var path = Path.Combine(folder, LogLayout.WitnessKeys);
        return File.Exists(path) ? [.. File.ReadAllLines(path).Where(line => line.Length > 0)] : [];
    }

    /// <summary>Opens every kept checkpoint.</summary>
    /// <param name="folder">The export.</param>
    /// <param name="log">The log's key.</param>
    /// <param name="witnesses">Keys of known witnesses.</param>
    /// <param name="problem">The first file that is refused and why; null: all are good.</param>
    public static IReadOnlyList<SignedCheckpoint> ReadCheckpoints(
        string folder, NoteVerifier log, IReadOnlyCollection<NoteVerifier> witnesses, out string? problem)
    {
        var (newest, kept) = (Path.Combine(folder, LogLayout.Checkpoint), Path.Combine(folder, LogLayout.Checkpoints));
        IEnumerable<string> files = File.Exists(newest) ? [newest] : [];
        if (Directory.Exists(kept))
            files = files.Concat(Directory.EnumerateFiles(kept).Where(f => !f.EndsWith(".tmp", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        var heads = new List<SignedCheckpoint>();
        foreach (var file in files)
        {
            var bytes = Read(file, SignedNote.MaxSizeBytes + 1);
            if (!SignedCheckpoint.TryOpen(bytes, log, witnesses, out var head, out var why))
            {
                problem = $"{Path.GetRelativePath(folder, file).Replace('\\', '/')} cannot be taken for a checkpoint of the log: {why}";
                return heads;
            }

            heads.Add(head);
        }

        problem = null;
        return heads;
    }

    /// <summary>Verifies an export from its first entry to the size of its largest checkpoint.</summary>
    /// <param name="folder">The export.</param>
    /// <param name="log">The log's key.</param>
    /// <param name="witnesses">Keys of known witnesses; each must have signed one checkpoint at least.</param>
    /// <param name="progress">Told entries read and entries in all after each bundle; null for nobody.</param>
    /// <param name="cancellation">Stops between two bundles.</param>
    public static LogFolderVerdict Verify(
        string folder, NoteVerifier log, IReadOnlyCollection<NoteVerifier> witnesses, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(witnesses);
        if (!File.Exists(Path.Combine(folder, LogLayout.Checkpoint)))
            throw new FormatException($"There is no {LogLayout.Checkpoint} in {folder}: this is no export of a log, or one that was not finished. Run the export again.");
        var heads = ReadCheckpoints(folder, log, witnesses, out var problem);
        if (problem is not null)
            return new LogFolderVerdict(new LogVerdict(LogFault.CheckpointRefused, 0, MerkleTree.EmptyRoot, 0, 0, FirstBadIndex: null, problem), log.Name, heads.Count, []);
        var verdict = new LogFolder(folder, heads).Verify(progress, cancellation);
        IReadOnlyList<WitnessedHead> signed = [.. witnesses.Select(w => new WitnessedHead(
            w.Name, heads.Where(h => h.Witnesses.Contains(w.Name, StringComparer.Ordinal)).Select(h => h.Checkpoint.Size).DefaultIfEmpty(0).Max()))];
        if (verdict.IsIntact && signed.FirstOrDefault(w => w.Size == 0) is { Name: { } absent })
            verdict = verdict with { Fault = LogFault.NotWitnessed, Explanation = $"The witness {absent} signed none of the checkpoints: the log's holder alone vouches for it." };
        return new LogFolderVerdict(verdict, heads[0].Checkpoint.Origin, heads.Count, signed);
    }

    private LogVerdict Verify(Action<long, long>? progress, CancellationToken cancellation)
    {
        for (long n = 0; n * LogLayout.Width < _size; n++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!Take(n, (int)Math.Min(LogLayout.Width, _size - (n * LogLayout.Width))))
                break;
            progress?.Invoke(_verifier.Size, _size);
        }

        return _verifier.Finish();
    }

    /// <summary>One tile of leaf hashes beside its bundle. False: the log ends here, or a fault was found.</summary>
    private bool Take(long n, int width)
    {
        var tile = Find(_folder, w => LogLayout.TilePath(0, n, w), width);
        var bundle = Find(_folder, w => LogLayout.BundlePath(n, w), width);
        var hashes = tile.Width == 0 ? default : Read(tile.Path, ref _tile, _tile.Length);
        var rest = bundle.Width == 0 ? default : Read(bundle.Path, ref _bundle, MaxBundleBytes + 1);
        if (hashes.Length != tile.Width * MerkleHash.SizeBytes)
            return Damaged(tile.Path, (n * LogLayout.Width) + Math.Min(hashes.Length / MerkleHash.SizeBytes, tile.Width));
        var withheld = ReadWithheld(n, bundle.Width);
        var leaves = MemoryMarshal.Cast<byte, MerkleHash>(hashes);
        for (var i = 0; i < Math.Max(tile.Width, bundle.Width); i++)
        {
            var index = (n * LogLayout.Width) + i;
            if (i >= tile.Width || i >= bundle.Width)
                return _verifier.Fail(LogFault.Missing, index, $"The {(i >= tile.Width ? "hash" : "bundle")} of entry {index} is not there.");
            if (rest.Length < sizeof(ushort) || rest.Length - sizeof(ushort) < BinaryPrimitives.ReadUInt16BigEndian(rest))
                return Damaged(bundle.Path, index);
            var record = rest.Slice(sizeof(ushort), BinaryPrimitives.ReadUInt16BigEndian(rest));
            rest = rest[(sizeof(ushort) + record.Length)..];
            var taken = !record.IsEmpty ? _verifier.Add(index, record, leaves[i])
                : (withheld[i / 8] & (0x80 >> (i % 8))) != 0 ? _verifier.AddWithheld(index, leaves[i])
                : _verifier.AddPurged(index, leaves[i]);
            if (!taken)
                return false;
        }

        if (!rest.IsEmpty)
            return Damaged(bundle.Path, (n * LogLayout.Width) + bundle.Width);
        if (bundle.Width == width)
            return true;
        return HasAfter(n) && _verifier.Fail(LogFault.Missing, _verifier.Size, $"Entry {_verifier.Size} is not there, but later ones are.");
    }

    /// <summary>Marks of the bundle's records that were withheld; a file of another length marks none.</summary>
    private byte[] ReadWithheld(long n, int width)
    {
        var path = width == 0 ? "" : Path.Combine(_folder, LogLayout.WithheldPath(n, width));
        return width > 0 && File.Exists(path) && File.ReadAllBytes(path) is { Length: LogLayout.Width / 8 } marks ? marks : new byte[LogLayout.Width / 8];
    }

    private bool Damaged(string path, long index) => _verifier.Fail(
        LogFault.FileDamaged, index, $"{Path.GetRelativePath(_folder, path).Replace('\\', '/')} is shorter or longer than what it should hold, at entry {index}.");

    /// <summary>Some later tile or bundle that the checkpoints ask for is there.</summary>
    private bool HasAfter(long n)
    {
        for (var later = n + 1; later * LogLayout.Width < _size; later++)
        {
            var width = (int)Math.Min(LogLayout.Width, _size - (later * LogLayout.Width));
            if (Find(_folder, w => LogLayout.TilePath(0, later, w), width).Width > 0 || Find(_folder, w => LogLayout.BundlePath(later, w), width).Width > 0)
                return true;
        }

        return false;
    }

    /// <summary>The file of the width asked for; else the widest narrower one, so that it is seen where a log was cut; width 0 where there is none.</summary>
    private static (string Path, int Width) Find(string folder, Func<int, string> nameOf, int width)
    {
        var path = Path.Combine(folder, nameOf(width));
        if (File.Exists(path))
            return (path, width);
        var narrow = Path.Combine(folder, $"{nameOf(LogLayout.Width)}.p");
        if (!Directory.Exists(narrow))
            return ("", 0);
        for (var less = width - 1; less > 0; less--)
        {
            path = Path.Combine(narrow, less.ToString(CultureInfo.InvariantCulture));
            if (File.Exists(path))
                return (path, less);
        }

        return ("", 0);
    }

    private static Span<byte> Read(string path, scoped ref byte[] buffer, int most)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan);
        var length = (int)Math.Min(RandomAccess.GetLength(file), most);
        if (buffer.Length < length)
            buffer = new byte[length];
        for (var read = 0; read < length;)
        {
            var got = RandomAccess.Read(file, buffer.AsSpan(read, length - read), read);
            if (got == 0)
                throw new EndOfStreamException($"{path} became shorter while it was read.");
            read += got;
        }

        return buffer.AsSpan(0, length);
    }

    private static Span<byte> Read(string path, int most)
    {
        byte[] buffer = [];
        return Read(path, ref buffer, most);
    }

    /// <summary>The tiles above the leaves, each level read in order.</summary>
    private sealed class UpperTiles(string folder, long size)
    {
        private readonly Dictionary<int, (long Index, int Width, MerkleHash[]? Hashes)> _open = [];

        /// <summary>The stored hash of a subtree of 256^level entries: what it is, or which fault stands in its place.</summary>
        public LogFault Find(int level, long index, out MerkleHash hash)
        {
            hash = default;
            var (n, i) = Math.DivRem(index, LogLayout.Width);
            if (!_open.TryGetValue(level, out var tile) || tile.Index != n)
                _open[level] = tile = Open(level, n);
            if (tile.Hashes is null)
                return LogFault.FileDamaged;
            if (i >= tile.Width)
                return LogFault.Missing;
            hash = tile.Hashes[i];
            return LogFault.None;
        }

        private (long, int, MerkleHash[]?) Open(int level, long n)
        {
            var width = (int)Math.Min(LogLayout.Width, (size >> (LogLayout.TreeLevels * level)) - (n * LogLayout.Width));
            var (path, found) = LogFolder.Find(folder, w => LogLayout.TilePath(level, n, w), width);
            if (found == 0)
                return (n, 0, []);
            var bytes = LogFolder.Read(path, (LogLayout.Width * MerkleHash.SizeBytes) + 1);
            return (n, found, bytes.Length == found * MerkleHash.SizeBytes ? MemoryMarshal.Cast<byte, MerkleHash>(bytes).ToArray() : null);
        }
    }
}
