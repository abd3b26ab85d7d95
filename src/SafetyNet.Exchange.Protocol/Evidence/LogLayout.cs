using System.Globalization;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>Where the parts of an exported log lie in its folder (C2SP tlog-tiles): hashes in tiles of 256, records in bundles of 256.</summary>
/// <remarks>Paths are relative and divided by <c>/</c>. Format: docs/formats/evidence.md, section 6.</remarks>
public static class LogLayout
{
    /// <summary>Hashes in a full tile and entries in a full bundle.</summary>
    public const int Width = 256;

    /// <summary>Levels of the tree from one level of tiles to the next: 256 = 2^8.</summary>
    public const int TreeLevels = 8;

    /// <summary>Longest record that a bundle takes: its length is two bytes. A longer one stands there by its hash alone.</summary>
    public const int MaxRecordBytes = ushort.MaxValue;

    /// <summary>The newest checkpoint of the folder.</summary>
    public const string Checkpoint = "checkpoint";

    /// <summary>Every checkpoint that was ever fetched, one file each.</summary>
    public const string Checkpoints = "checkpoints";

    /// <summary>Time-stamps of checkpoints, <c>SIZE.tst</c> each; need not be there.</summary>
    public const string TimeStamps = "time-stamps";

    /// <summary>The log's verifier key, one line.</summary>
    public const string LogKey = "log.key";

    /// <summary>Verifier keys of witnesses, one a line; the file need not be there.</summary>
    public const string WitnessKeys = "witness.keys";

    /// <summary>Path of a tile: <c>tile/2/x001/234</c>, or <c>tile/2/x001/234.p/17</c> where it has 17 hashes only.</summary>
    /// <param name="level">Level of tiles, 0 for leaf hashes.</param>
    /// <param name="index">Place among the tiles of that level, from 0.</param>
    /// <param name="width">Hashes in it, 1 to 256.</param>
    public static string TilePath(int level, long index, int width = Width) =>
        string.Create(CultureInfo.InvariantCulture, $"tile/{level}/{Place(index, width)}");

    /// <summary>Path of a bundle of records: <c>tile/entries/000</c>, or <c>tile/entries/000.p/17</c>.</summary>
    public static string BundlePath(long index, int width = Width) => $"tile/entries/{Place(index, width)}";

    /// <summary>Path of the marks of a bundle: which of its records were withheld from who exported; <c>tile/withheld/000</c>. 32 bytes, the highest bit of the first
    /// byte for the first record. None where none was.</summary>
    public static string WithheldPath(long index, int width = Width) => $"tile/withheld/{Place(index, width)}";

    private static string Place(long index, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, Width);
        var path = Digits(index % 1000);
        for (var rest = index / 1000; rest > 0; rest /= 1000)
            path = $"x{Digits(rest % 1000)}/{path}";
        return width == Width ? path : string.Create(CultureInfo.InvariantCulture, $"{path}.p/{width}");
    }

    private static string Digits(long value) => value.ToString("000", CultureInfo.InvariantCulture);
}
