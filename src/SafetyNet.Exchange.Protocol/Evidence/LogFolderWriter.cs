using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>Writes an exported log, and goes on where an earlier export into the same folder ended.</summary>
/// <remarks>A file appears whole or not at all, flushed before it has its name, and is never written over; only <c>checkpoint</c> is replaced, last of
/// all. What it is given is kept as it is: whether the log is good is for a verifier to say. One writer at a time. Errors: <see cref="IOException"/>.</remarks>
public sealed class LogFolderWriter
{
    private readonly string _folder;
    private readonly CompactRange _range = new();
    private readonly NodeWriter _keepNode;
    private readonly List<List<MerkleHash>> _tiles = [[]];
    private readonly ArrayBufferWriter<byte> _bundle = new();
    private readonly byte[] _withheld = new byte[LogLayout.Width / 8];

    private LogFolderWriter(string folder)
    {
        _folder = folder;
        _keepNode = KeepNode;
    }

    /// <summary>Entries that are in the folder or were appended since; also the index of the next one.</summary>
    public long Size => _range.Size;

    /// <summary>Appended records that no bundle takes for their length, and which stand there by their hash alone.</summary>
    public long LongRecords { get; private set; }

    /// <summary>Opens a folder, or makes it. Goes on after the last full tile that has its bundle; what is not full is read from the exchange anew.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="kept">Told the leaf hash of each entry that is gone on after, in order: what a later checkpoint must agree with too.</param>
    public static LogFolderWriter Open(string folder, Action<MerkleHash>? kept = null)
    {
        Directory.CreateDirectory(Path.Combine(folder, LogLayout.Checkpoints));
        var writer = new LogFolderWriter(folder);
        for (long n = 0; writer.Exists(LogLayout.BundlePath(n)) && writer.Exists(LogLayout.TilePath(0, n)); n++)
        {
            var tile = File.ReadAllBytes(writer.PathOf(LogLayout.TilePath(0, n)));
            if (tile.Length != LogLayout.Width * MerkleHash.SizeBytes)
                throw new IOException($"{LogLayout.TilePath(0, n)} does not have {LogLayout.Width} hashes: the folder is damaged. Verify it, and export into another.");
            foreach (var hash in MemoryMarshal.Cast<byte, MerkleHash>(tile))
            {
                kept?.Invoke(hash);
                writer._range.Append(hash, writer._keepNode);
            }
        }

        return writer;
    }

    /// <summary>Takes the next entry. Errors: <see cref="FormatException"/> for another index than <see cref="Size"/>.</summary>
    public void Append(in LogEntry entry)
    {
        if (entry.Index != Size)
            throw new FormatException($"The exchange gave entry {entry.Index} where {Size} should follow.");
        var record = entry.Record ?? default;
        if (record.Length > LogLayout.MaxRecordBytes)
        {
            LongRecords++;
            record = default;
        }

        if (record.IsEmpty && (entry.IsWithheld || entry.Record is not null))
            _withheld[Size % LogLayout.Width / 8] |= (byte)(0x80 >> (int)(Size % 8));

        Span<byte> length = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)record.Length);
        _bundle.Write(length);
        _bundle.Write(record.Span);
        _range.Append(entry.LeafHash, _keepNode);
    }

    /// <summary>Keeps a checkpoint as evidence, from the moment it was fetched on. Another one of the same size is kept beside it: the two prove a fork.</summary>
    public void Keep(SignedCheckpoint head)
    {
        ArgumentNullException.ThrowIfNull(head);
        for (var copy = 1; ; copy++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{LogLayout.Checkpoints}/{head.Checkpoint.Size}{(copy == 1 ? "" : $".{copy}")}");
            if (!Exists(name))
            {
                Write(name, head.Encode());
                return;
            }

            if (!SignedNote.TryParse(File.ReadAllBytes(PathOf(name)), out var there, out _) || !there.Text.Equals(head.Note.Text, StringComparison.Ordinal))
                continue;
            // The same head, which more witnesses may have signed since.
            if (there.Signatures.Count < head.Note.Signatures.Count)
                Write(name, head.Encode(), replace: true);
            return;
        }
    }

    /// <summary>Keeps the time-stamp of a checkpoint that is kept too.</summary>
    /// <param name="size">Size of the checkpoint.</param>
    /// <param name="token">DER of the token, kept as it is.</param>
    public void KeepTimeStamp(long size, ReadOnlySpan<byte> token)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{LogLayout.TimeStamps}/{size}{KeptTimeStamp.Extension}");
        if (!Exists(name))
            Write(name, token);
    }

    /// <summary>Keeps the keys beside the log. They prove nothing by lying there.</summary>
    public void KeepKeys(NoteVerifier log, IReadOnlyCollection<NoteVerifier> witnesses)
    {
        ArgumentNullException.ThrowIfNull(log);
        if (!Exists(LogLayout.LogKey))
            Write(LogLayout.LogKey, NoteText.Encode($"{log.ToVerifierKey()}\n"));
        if (witnesses.Count > 0)
            Write(LogLayout.WitnessKeys, NoteText.Encode(string.Concat(witnesses.Select(w => $"{w.ToVerifierKey()}\n"))), replace: true);
    }

    /// <summary>Writes what is not full and then the checkpoint, the sign that the export is whole.</summary>
    public void Complete(SignedCheckpoint head)
    {
        ArgumentNullException.ThrowIfNull(head);
        for (var level = 0; level < _tiles.Count; level++)
        {
            if (_tiles[level].Count > 0)
                WriteTile(level, Size >> (LogLayout.TreeLevels * (level + 1)));
        }

        Write(LogLayout.Checkpoint, head.Encode(), replace: true);
    }

    private void KeepNode(int level, long index, in MerkleHash hash)
    {
        if (level % LogLayout.TreeLevels != 0)
            return;
        var of = level / LogLayout.TreeLevels;
        if (of == _tiles.Count)
            _tiles.Add([]);
        _tiles[of].Add(hash);
        if (_tiles[of].Count < LogLayout.Width)
            return;
        WriteTile(of, index / LogLayout.Width);
        _tiles[of].Clear();
    }

    /// <summary>A tile, and with a tile of leaf hashes first the bundle, so that no tile stands without it.</summary>
    private void WriteTile(int level, long index)
    {
        var tile = _tiles[level];
        if (level == 0)
        {
            // Empty while Open reads what is there.
            if (_withheld.AsSpan().ContainsAnyExcept((byte)0))
                WriteOnce(LogLayout.WithheldPath(index, tile.Count), LogLayout.WithheldPath(index), _withheld);
            if (_bundle.WrittenCount > 0)
                WriteOnce(LogLayout.BundlePath(index, tile.Count), LogLayout.BundlePath(index), _bundle.WrittenSpan);
            _bundle.ResetWrittenCount();
            _withheld.AsSpan().Clear();
        }

        WriteOnce(LogLayout.TilePath(level, index, tile.Count), LogLayout.TilePath(level, index), MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(tile)));
    }

    private void WriteOnce(string name, string full, ReadOnlySpan<byte> bytes)
    {
        if (!Exists(name))
            Write(name, bytes);
        // What was not full is in the full one.
        if (name.Equals(full, StringComparison.Ordinal) && Directory.Exists(PathOf($"{full}.p")))
            Directory.Delete(PathOf($"{full}.p"), recursive: true);
    }

    private void Write(string name, ReadOnlySpan<byte> bytes, bool replace = false)
    {
        var path = PathOf(name);
        var temporary = $"{path}.tmp";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, replace);
    }

    private bool Exists(string name) => File.Exists(PathOf(name));

    private string PathOf(string name) => Path.Combine(_folder, name);
}
