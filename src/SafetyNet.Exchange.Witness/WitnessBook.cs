using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Witness;

/// <summary>
/// The newest head of each log, one file per log in a folder of the witness's own. A head is on disk when <see cref="Keep"/> returns. One process has a book open at a time.
/// </summary>
/// <remarks>
/// Shape of a file: two slots of <see cref="SlotBytes"/>, written in turns, so that a write that was cut leaves the head before it. A slot is SHA-256 (32 bytes) over the
/// rest; turn (8 bytes, from 1; big-endian); length (4 bytes, big-endian); the signed note; zeros.
/// </remarks>
public sealed class WitnessBook : IDisposable
{
    /// <summary>16 KiB.</summary>
    public const int SlotBytes = 16 * 1024;

    private const int HeaderBytes = SHA256.HashSizeInBytes + sizeof(long) + sizeof(int);

    private readonly string _folder;
    private readonly FileStream _lock;
    private readonly Dictionary<string, Page> _pages = new(StringComparer.Ordinal);

    private WitnessBook(string folder, FileStream held) => (_folder, _lock) = (folder, held);

    /// <summary>Longest note that a book takes.</summary>
    public static int MaxNoteBytes => SlotBytes - HeaderBytes;

    /// <summary>Opens the book, or begins an empty one.</summary>
    /// <exception cref="IOException">Another process has it open, or neither slot of a file is a head: it was changed by hand.</exception>
    public static WitnessBook Open(string folder)
    {
        Directory.CreateDirectory(folder);
        FileStream held;
        try
        {
            held = new FileStream(Path.Combine(folder, "book.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new IOException($"The witness's book {folder} is open in another process; two witnesses of one book could sign two histories.", e);
        }

        var book = new WitnessBook(folder, held);
        try
        {
            foreach (var path in Directory.EnumerateFiles(folder, "*.head")) book.Read(path);
            return book;
        }
        catch
        {
            book.Dispose();
            throw;
        }
    }

    /// <summary>Newest heads, by name of the log.</summary>
    public IReadOnlyList<Checkpoint> Heads => [.. _pages.Values.Select(page => page.Head).OrderBy(head => head.Origin, StringComparer.Ordinal)];

    /// <summary>Newest head of a log; null: none was signed yet.</summary>
    public Checkpoint? Find(string origin) => _pages.GetValueOrDefault(origin)?.Head;

    /// <summary>Remembers a head in place of the one before.</summary>
    /// <exception cref="IOException">It may not be on disk; nothing may be signed.</exception>
    public void Keep(Checkpoint head, SignedNote note)
    {
        var bytes = note.Encode();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, MaxNoteBytes, nameof(note));
        var turn = (_pages.GetValueOrDefault(head.Origin)?.Turn ?? 0) + 1;
        var slot = new byte[SlotBytes];
        BinaryPrimitives.WriteInt64BigEndian(slot.AsSpan(SHA256.HashSizeInBytes), turn);
        BinaryPrimitives.WriteInt32BigEndian(slot.AsSpan(SHA256.HashSizeInBytes + sizeof(long)), bytes.Length);
        bytes.CopyTo(slot, HeaderBytes);
        SHA256.HashData(slot.AsSpan(SHA256.HashSizeInBytes), slot);
        using (var file = new FileStream(PathOf(head.Origin), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None))
        {
            file.Position = turn % 2 * SlotBytes;
            file.Write(slot);
            file.Flush(flushToDisk: true);
        }

        _pages[head.Origin] = new Page(turn, head);
    }

    public void Dispose() => _lock.Dispose();

    private string PathOf(string origin) => Path.Combine(_folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(origin))) + ".head");

    private void Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var found = new[] { ReadSlot(bytes, 0), ReadSlot(bytes, 1) }.OfType<Page>().MaxBy(page => page.Turn);
        if (found is null)
        {
            // The very first write was cut: nothing was signed. A file that ever held a head has one whole slot.
            if (bytes.Length <= 2 * SlotBytes && bytes.AsSpan(0, Math.Min(bytes.Length, SlotBytes)).IndexOfAnyExcept((byte)0) < 0) return;
            throw new IOException($"{path} holds no head of a log. Restore it from the newest head that anybody holds: a witness that forgot must not sign.");
        }

        if (!string.Equals(Path.GetFullPath(PathOf(found.Head.Origin)), Path.GetFullPath(path), StringComparison.Ordinal))
            throw new IOException($"{path} holds a head of {found.Head.Origin}, whose file is another: files of the book were renamed.");
        _pages.Add(found.Head.Origin, found);
    }

    private static Page? ReadSlot(ReadOnlySpan<byte> file, int at)
    {
        if (file.Length < (at + 1) * SlotBytes) return null;
        var slot = file.Slice(at * SlotBytes, SlotBytes);
        var rest = slot[SHA256.HashSizeInBytes..];
        if (!SHA256.HashData(rest).AsSpan().SequenceEqual(slot[..SHA256.HashSizeInBytes])) return null;
        var length = BinaryPrimitives.ReadInt32BigEndian(rest[sizeof(long)..]);
        return length >= 0 && length <= MaxNoteBytes && SignedNote.TryParse(slot.Slice(HeaderBytes, length), out var note, out _) && Checkpoint.TryParse(note.Text, out var head, out _)
            ? new Page(BinaryPrimitives.ReadInt64BigEndian(rest), head)
            : null;
    }

    private sealed record Page(long Turn, Checkpoint Head);
}
