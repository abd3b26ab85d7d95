using SafetyNet.Exchange.Server.Audit;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>What waits for a flush: a call's record with its change, or the co-signatures or the time-stamp of a head.</summary>
internal sealed class PendingCommit
{
    public PendingCommit(AuditEntry entry, Change? change) => (Entry, Change) = (entry, change);

    public PendingCommit(LogHead witnessed, DateTimeOffset at) => (Witnessed, WitnessedAt) = (witnessed, at);

    public PendingCommit(StampedHead stamped) => Stamped = stamped;

    /// <summary>Only empties the write-ahead log.</summary>
    public PendingCommit() => IsTruncation = true;

    public bool IsTruncation { get; }

    public bool IsTruncated { get; set; }

    public AuditEntry? Entry { get; }

    public Change? Change { get; }

    public LogHead? Witnessed { get; }

    public DateTimeOffset WitnessedAt { get; }

    public StampedHead? Stamped { get; }

    public TaskCompletionSource<LogPlace> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Exception? Failure { get; set; }
}
