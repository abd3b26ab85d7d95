using SafetyNet.Exchange.V1;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>The entries of the log as the exchange streams them to an officer.</summary>
public static class LogAnswers
{
    /// <summary>The entries of one answer of ReadLog in order; one whose record was purged, or withheld from the reader, has its hash alone.</summary>
    /// <remarks>Errors: <see cref="FormatException"/> where records and hashes are not as many, a hash has not 32 bytes, or the position is
    /// beyond any log.</remarks>
    public static IEnumerable<LogEntry> Entries(this ReadLogResponse answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (answer.Records.Count != answer.RecordHashes.Count || answer.Position > long.MaxValue - (ulong)answer.Records.Count)
            throw new FormatException($"The exchange answered {answer.Records.Count} records with {answer.RecordHashes.Count} hashes from position {answer.Position}.");
        return Read((long)answer.Position, answer);
    }

    private static IEnumerable<LogEntry> Read(long position, ReadLogResponse answer)
    {
        var withheld = answer.Withheld.ToHashSet();
        for (var i = 0; i < answer.Records.Count; i++)
        {
            var (record, hash) = (answer.Records[i], answer.RecordHashes[i]);
            if (hash.Length != MerkleHash.SizeBytes)
                throw new FormatException($"The exchange answered a hash of {hash.Length} bytes for record {position + i}.");
            // A bare null would become empty memory, by way of a null array.
            yield return new LogEntry(position + i, record.IsEmpty ? default(ReadOnlyMemory<byte>?) : record.Memory, new MerkleHash(hash.Span), record.IsEmpty && withheld.Contains((uint)i));
        }
    }
}
