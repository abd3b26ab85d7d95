using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>The log's statement of all it holds at one moment: its name, how many entries, and their root.</summary>
/// <remarks>Text form: origin, size in decimal without leading zeros, root in base64, then extension lines if any; every line ends in a
/// newline and none is empty. Two checkpoints are equal where their texts are. Source: C2SP tlog-checkpoint; R-AUD-3.</remarks>
public sealed class Checkpoint : IEquatable<Checkpoint>
{
    /// <summary>Errors: <see cref="ArgumentException"/> for an empty line, a control character, a negative size, or size 0 with another
    /// root than the empty one.</summary>
    /// <param name="origin">The log's identity, the name of the key that signs it by custom.</param>
    /// <param name="size">Entries, 0 or more.</param>
    /// <param name="root">Root over exactly these entries.</param>
    /// <param name="extensions">Opaque lines without their newline; none by default. A verifier of the tree does not look at them, the
    /// signature covers them.</param>
    public Checkpoint(string origin, long size, in MerkleHash root, IReadOnlyList<string>? extensions = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        if (size == 0 && root != MerkleTree.EmptyRoot)
            throw new ArgumentException("A log without entries has the empty root.", nameof(root));
        if (!IsLine(origin))
            throw new ArgumentException("The origin is one line of text, not empty.", nameof(origin));
        if (extensions is not null && !extensions.All(IsLine))
            throw new ArgumentException("An extension is one line of text, not empty.", nameof(extensions));
        Origin = origin;
        Size = size;
        Root = root;
        Extensions = extensions is null ? [] : [.. extensions];
    }

    public string Origin { get; }

    public long Size { get; }

    public MerkleHash Root { get; }

    /// <summary>Lines after the root, without their newlines; empty for none.</summary>
    public IReadOnlyList<string> Extensions { get; }

    public string ToText() =>
        string.Create(
            CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Root.ToBase64()}\n{string.Concat(Extensions.Select(e => e + "\n"))}");

    public override string ToString() => ToText();

    /// <summary>Reads the text form; one spelling only.</summary>
    /// <param name="text">All lines, the last newline included.</param>
    /// <param name="checkpoint">What it says, or null.</param>
    /// <param name="problem">The line at fault and why; null on success.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out Checkpoint? checkpoint, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        checkpoint = null;
        problem = Take(text, ref checkpoint);
        return checkpoint is not null;
    }

    public bool Equals(Checkpoint? other) => other is not null && string.Equals(ToText(), other.ToText(), StringComparison.Ordinal);

    public override bool Equals(object? obj) => Equals(obj as Checkpoint);

    public override int GetHashCode() => HashCode.Combine(Size, Root);

    private static string? Take(string text, ref Checkpoint? checkpoint)
    {
        if (!NoteText.IsValid(text))
            return "A checkpoint ends in a newline and has no other control character.";
        var lines = text.Split('\n')[..^1];
        if (lines.Length < 3)
            return "A checkpoint has three lines at least: origin, size, root.";
        if (lines.Any(line => line.Length == 0))
            return "A checkpoint has no empty line.";
        if (!TryParseSize(lines[1], out var size))
            return "Line 2, the size, is a decimal number without sign or leading zeros, at most 9223372036854775807.";
        if (!MerkleHash.TryParseBase64(lines[2], out var root))
            return "Line 3, the root, is 32 bytes in standard base64.";
        if (size == 0 && root != MerkleTree.EmptyRoot)
            return "Line 3: a log without entries has the empty root.";
        checkpoint = new Checkpoint(lines[0], size, root, lines[3..]);
        return null;
    }

    private static bool TryParseSize(string line, out long size) =>
        long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out size)
        && (line.Length == 1 || line[0] != '0');

    private static bool IsLine(string? line) =>
        !string.IsNullOrEmpty(line) && !line.Any(c => c < ' ') && NoteText.IsEncodable(line);
}
