using System.Buffers;
using System.Collections;
using System.Diagnostics;
using System.Text;

namespace Grpc.Core;

/// <summary>Headers or trailers of a call, in the order they were added; a key may occur more than once.</summary>
/// <remarks>
/// Keys: one or more of <c>a-z 0-9 . _ -</c>; upper case is lowered. A key ending in <c>-bin</c> holds bytes, any other holds ASCII text.
/// Names beginning with <c>grpc-</c> belong to the protocol: server and client take them out of what the peer's code gets to see.
/// </remarks>
[DebuggerDisplay("Count = {Count}")]
public sealed class Metadata : IList<Metadata.Entry>
{
    /// <summary>The ending by which a key says that its value is bytes.</summary>
    public const string BinaryHeaderSuffix = "-bin";

    /// <summary>No entries, and none can be added.</summary>
    public static readonly Metadata Empty = new(readOnly: true);

    private readonly List<Entry> entries = [];
    private readonly bool readOnly;

    /// <summary>A list to fill.</summary>
    public Metadata()
    {
    }

    private Metadata(bool readOnly) => this.readOnly = readOnly;

    /// <inheritdoc/>
    public int Count => entries.Count;

    /// <inheritdoc/>
    public bool IsReadOnly => readOnly;

    /// <inheritdoc/>
    public Entry this[int index]
    {
        get => entries[index];
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            Writable()[index] = value;
        }
    }

    /// <summary>The last entry with this (lower-case) key, null when there is none.</summary>
    public Entry? Get(string key)
    {
        for (var i = entries.Count - 1; i >= 0; i--)
        {
            if (entries[i].Key == key) return entries[i];
        }

        return null;
    }

    /// <summary>The text of the last entry with this (lower-case) key, null when there is none.</summary>
    /// <exception cref="InvalidOperationException">the entry holds bytes</exception>
    public string? GetValue(string key) => Get(key)?.Value;

    /// <summary>The bytes of the last entry with this (lower-case) key, null when there is none.</summary>
    public byte[]? GetValueBytes(string key) => Get(key)?.ValueBytes;

    /// <summary>Every entry with this (lower-case) key, in order.</summary>
    public IEnumerable<Entry> GetAll(string key)
    {
        foreach (var entry in entries)
        {
            if (entry.Key == key) yield return entry;
        }
    }

    /// <inheritdoc/>
    public void Add(Entry item)
    {
        ArgumentNullException.ThrowIfNull(item);
        Writable().Add(item);
    }

    /// <summary>Adds a text value.</summary>
    public void Add(string key, string value) => Add(new Entry(key, value));

    /// <summary>Adds a value of bytes; the key must end in <c>-bin</c>.</summary>
    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    /// <inheritdoc/>
    public void Insert(int index, Entry item)
    {
        ArgumentNullException.ThrowIfNull(item);
        Writable().Insert(index, item);
    }

    /// <inheritdoc/>
    public bool Remove(Entry item) => Writable().Remove(item);

    /// <inheritdoc/>
    public void RemoveAt(int index) => Writable().RemoveAt(index);

    /// <inheritdoc/>
    public void Clear() => Writable().Clear();

    /// <inheritdoc/>
    public int IndexOf(Entry item) => entries.IndexOf(item);

    /// <inheritdoc/>
    public bool Contains(Entry item) => entries.Contains(item);

    /// <inheritdoc/>
    public void CopyTo(Entry[] array, int arrayIndex) => entries.CopyTo(array, arrayIndex);

    /// <inheritdoc/>
    public IEnumerator<Entry> GetEnumerator() => entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => entries.GetEnumerator();

    private List<Entry> Writable() => readOnly ? throw new InvalidOperationException("This metadata is read-only.") : entries;

    /// <summary>One key with its value, text or bytes.</summary>
    public class Entry
    {
        private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-");

        private readonly string? text;
        private readonly byte[]? bytes;

        /// <summary>A value of bytes, copied; the key must end in <c>-bin</c>.</summary>
        public Entry(string key, byte[] valueBytes)
        {
            ArgumentNullException.ThrowIfNull(valueBytes);
            Key = Normalise(key);
            if (!HasBinarySuffix(Key)) throw new ArgumentException("The key of a binary value must end in -bin.", nameof(key));
            bytes = valueBytes.AsSpan().ToArray();
        }

        /// <summary>A text value; the key must not end in <c>-bin</c>.</summary>
        public Entry(string key, string value)
        {
            ArgumentNullException.ThrowIfNull(value);
            Key = Normalise(key);
            if (HasBinarySuffix(Key)) throw new ArgumentException("The key of a text value must not end in -bin.", nameof(key));
            text = value;
        }

        /// <summary>In lower case.</summary>
        public string Key { get; }

        /// <summary>True when the value is bytes.</summary>
        public bool IsBinary => bytes is not null;

        /// <summary>The text.</summary>
        /// <exception cref="InvalidOperationException">the value is bytes</exception>
        public string Value => text ?? throw new InvalidOperationException("A binary metadata value has no text.");

        /// <summary>A copy of the bytes; of a text value, its ASCII bytes.</summary>
        public byte[] ValueBytes => bytes is not null ? bytes.AsSpan().ToArray() : Encoding.ASCII.GetBytes(text!);

        /// <inheritdoc/>
        public override string ToString() =>
            bytes is not null ? $"[Entry: key={Key}, valueBytes={Convert.ToHexString(bytes)}]" : $"[Entry: key={Key}, value={text}]";

        private static bool HasBinarySuffix(string key) => key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        private static string Normalise(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            if (key.AsSpan().ContainsAnyExcept(KeyCharacters))
            {
                // ASCII letters only: other letters whose lower case is ASCII stay what they are, and are refused.
                key = string.Create(key.Length, key, static (lower, given) => Ascii.ToLower(given, lower, out _));
            }

            if (key.Length == 0 || key.AsSpan().ContainsAnyExcept(KeyCharacters))
                throw new ArgumentException("A metadata key holds only lower-case letters, digits, underscores, hyphens and dots.", nameof(key));
            return key;
        }
    }
}
