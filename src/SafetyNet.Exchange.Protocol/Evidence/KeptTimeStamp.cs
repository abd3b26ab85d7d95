using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>A time-stamp in an exported log (docs/formats/evidence.md, section 10).</summary>
/// <param name="File">Name of its file.</param>
/// <param name="Size">Entries of the checkpoint that it is said to stamp.</param>
/// <param name="Stamp">What it proves; null: nothing.</param>
/// <param name="Problem">Why it proves nothing; null: it proves what it says.</param>
public sealed record KeptTimeStamp(string File, long Size, TimeStamp? Stamp, string? Problem)
{
    internal const string Extension = ".tst";

    /// <summary>Checks every time-stamp of a folder, smallest checkpoint first.</summary>
    /// <param name="folder">The export.</param>
    /// <param name="log">The log's key, which the stamped checkpoint must be signed with.</param>
    /// <param name="roots">Roots that the reader trusts for time.</param>
    public static IReadOnlyList<KeptTimeStamp> ReadAll(string folder, NoteVerifier log, X509Certificate2Collection roots)
    {
        var kept = Path.Combine(folder, LogLayout.TimeStamps);
        return !Directory.Exists(kept) ? []
            : [.. Directory.EnumerateFiles(kept, "*" + Extension).Select(file => Read(folder, file, log, roots)).OrderBy(stamp => stamp.Size).ThenBy(stamp => stamp.File, StringComparer.Ordinal)];
    }

    private static KeptTimeStamp Read(string folder, string file, NoteVerifier log, X509Certificate2Collection roots)
    {
        var name = Path.GetFileName(file);
        if (!long.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var size))
            return new KeptTimeStamp(name, 0, null, "Its name is not the size of a checkpoint.");
        var checkpoint = Path.Combine(folder, LogLayout.Checkpoints, size.ToString(CultureInfo.InvariantCulture));
        if (!System.IO.File.Exists(checkpoint))
            return new KeptTimeStamp(name, size, null, "The checkpoint that it stamps is not in the folder.");
        if (!SignedCheckpoint.TryOpen(System.IO.File.ReadAllBytes(checkpoint), log, [], out var head, out var problem))
            return new KeptTimeStamp(name, size, null, $"The checkpoint that it stamps is not good. {problem}");
        return TimeStamp.TryOpen(System.IO.File.ReadAllBytes(file), head.Note, roots, out var stamp, out problem)
            ? new KeptTimeStamp(name, size, stamp, null)
            : new KeptTimeStamp(name, size, null, problem);
    }
}
