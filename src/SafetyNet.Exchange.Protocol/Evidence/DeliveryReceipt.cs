using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>
/// What the exchange states of a completed delivery of the household register, signed with the key of its log: which rows, by their hash, ended in which bucket (R-HH-3). Checked offline.
/// </summary>
/// <remarks>A signed note (C2SP signed-note). Its text, one line each, in this order: <c>safetynet-household-delivery v1</c>, then <c>name value</c> of delivery, jurisdiction, kind, as-of, rows, added,
/// changed, unchanged, ended, rejected, absent, content (SHA-256 in hexadecimal digits), completed (UTC, seconds).</remarks>
/// <param name="DeliveryId">Id of the delivery.</param>
/// <param name="Jurisdiction">Register.</param>
/// <param name="Kind"><c>FULL</c> or <c>DELTA</c>.</param>
/// <param name="AsOf">Day that the register is told of.</param>
/// <param name="Totals">Rows by what became of them.</param>
/// <param name="ContentHash">Hash of the content, 64 lower-case hexadecimal digits.</param>
/// <param name="CompletedAt">When it was completed.</param>
public sealed record DeliveryReceipt(
    Guid DeliveryId, Wire.Jurisdiction Jurisdiction, string Kind, DateOnly AsOf, Wire.DeliveryTotals Totals, string ContentHash, DateTimeOffset CompletedAt)
{
    private const string FirstLine = "safetynet-household-delivery v1";
    private const string InstantForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    private static readonly string[] Names =
        ["delivery", "jurisdiction", "kind", "as-of", "rows", "added", "changed", "unchanged", "ended", "rejected", "absent", "content", "completed"];

    /// <summary>Rows of the delivery: the sum of the five buckets.</summary>
    public long Rows => Totals.Added + Totals.Changed + Totals.Unchanged + Totals.Ended + Totals.Rejected;

    /// <summary>The text that is signed.</summary>
    public string ToText()
    {
        string[] values =
        [
            DeliveryId.ToString(), CodeNames.Of(Jurisdiction), Kind, AsOf.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), Text(Rows), Text(Totals.Added), Text(Totals.Changed),
            Text(Totals.Unchanged), Text(Totals.Ended), Text(Totals.Rejected), Text(Totals.Absent), ContentHash, CompletedAt.UtcDateTime.ToString(InstantForm, CultureInfo.InvariantCulture),
        ];
        return $"{FirstLine}\n{string.Concat(Names.Zip(values, (name, value) => $"{name} {value}\n"))}";
    }

    /// <summary>Opens a receipt that one believes only if the log's key signed it, and every line of it is as the exchange writes it.</summary>
    /// <param name="bytes">The signed note.</param>
    /// <param name="log">The log's public key, held by whoever checks.</param>
    /// <param name="receipt">What it states, or null.</param>
    /// <param name="problem">Why it is refused; null on success.</param>
    public static bool TryOpen(ReadOnlySpan<byte> bytes, NoteVerifier log, [NotNullWhen(true)] out DeliveryReceipt? receipt, [NotNullWhen(false)] out string? problem)
    {
        receipt = null;
        if (!SignedNote.TryParse(bytes, out var note, out problem) || !note.TryVerify([log], out _, out problem)) return false;
        // Only what writes itself back the same is one: no second spelling, no further line.
        if (Read(note.Text) is { } read && string.Equals(read.ToText(), note.Text, StringComparison.Ordinal))
        {
            receipt = read;
            return true;
        }

        problem = "The note is signed, and is no receipt of a delivery.";
        return false;
    }

    private static DeliveryReceipt? Read(string text)
    {
        var lines = text.Split('\n');
        if (lines.Length != Names.Length + 2 || !string.Equals(lines[0], FirstLine, StringComparison.Ordinal)) return null;
        var values = new string[Names.Length];
        for (var at = 0; at < Names.Length; at++)
        {
            if (!lines[at + 1].StartsWith(Names[at] + " ", StringComparison.Ordinal)) return null;
            values[at] = lines[at + 1][(Names[at].Length + 1)..];
        }

        if (!Guid.TryParseExact(values[0], "D", out var id) || !CodeNames.TryParse(values[1], out Wire.Jurisdiction jurisdiction)
            || !DateOnly.TryParseExact(values[3], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var asOf)
            || !DateTimeOffset.TryParseExact(values[12], InstantForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var completed)) return null;
        var numbers = new long[6];
        for (var at = 0; at < numbers.Length; at++)
            if (!long.TryParse(values[at + 5], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[at])) return null;
        var totals = new Wire.DeliveryTotals { Added = numbers[0], Changed = numbers[1], Unchanged = numbers[2], Ended = numbers[3], Rejected = numbers[4], Absent = numbers[5] };
        return new DeliveryReceipt(id, jurisdiction, values[2], asOf, totals, values[11], completed);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
