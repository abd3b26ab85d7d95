using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Misuse;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>
/// The record of one call in its final bytes, with its leaf hash (RFC 6962). Without one nothing can be committed; it can only be made from a record that
/// names its decision.
/// </summary>
internal sealed class AuditEntry
{
    private AuditEntry(Guid decisionId, DateTimeOffset decidedAt, string actingUnitId, byte[] body, ulong[] terms, ScannedRecord? scanned)
    {
        (DecisionId, DecidedAt, ActingUnitId, Body, Terms, Scanned) = (decisionId, decidedAt, actingUnitId, body, terms, scanned);
        LeafHash = MerkleTree.LeafHash(body).ToArray();
    }

    public Guid DecisionId { get; }

    public DateTimeOffset DecidedAt { get; }

    /// <summary>Unit that acted; empty where the call was refused before it was known.</summary>
    public string ActingUnitId { get; }

    /// <summary>Canonical bytes of the <see cref="Wire.AuditRecord"/>.</summary>
    public byte[] Body { get; }

    /// <summary>What the record can be found by; <see cref="SearchTerm"/>.</summary>
    public ulong[] Terms { get; }

    /// <summary>What rules of misuse look at; null: none does.</summary>
    public ScannedRecord? Scanned { get; }

    /// <summary>32 bytes.</summary>
    public byte[] LeafHash { get; }

    public static AuditEntry Of(Wire.AuditRecord record) =>
        new(Guid.Parse(record.DecisionId), record.DecidedAt.ToDateTimeOffset(), record.ActorUnitId, record.ToByteArray(), [.. SearchTerm.Of(record)], ScannedRecord.LookedAt(record));
}
