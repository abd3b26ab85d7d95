using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>What became of a row.</summary>
internal enum Bucket
{
    Added,
    Changed,
    Unchanged,
    Ended,
    Rejected,
}

/// <summary>A delivery of a register (R-HH-3): how far it is, and the rows so far by bucket. It changes with each message that is taken, in the same commit; whoever read it before is too late.</summary>
internal sealed class HouseholdDelivery : IVersioned, IFamilyFact
{
    public Guid DeliveryId { get; set; }

    public Wire.Jurisdiction Jurisdiction { get; set; }

    public string UnitId { get; set; } = "";

    public Wire.DeliveryKind Kind { get; set; }

    /// <summary>Day that the register is told of.</summary>
    public DateOnly AsOf { get; set; }

    public Wire.DeliveryState State { get; set; }

    public long AnnouncedRows { get; set; }

    /// <summary>Line of the first row that is not taken, from 1.</summary>
    public long NextLine { get; set; } = 1;

    public long Added { get; set; }

    public long Changed { get; set; }

    public long Unchanged { get; set; }

    public long Ended { get; set; }

    public long Rejected { get; set; }

    /// <summary>Persons whom no row named and whose registration a full delivery ended.</summary>
    public long Absent { get; set; }

    /// <summary>32 bytes; see <see cref="DeliveryContent"/>.</summary>
    public byte[] ContentHash { get; set; } = DeliveryContent.Start;

    public DateTimeOffset BegunAt { get; set; }

    /// <summary>When it was completed or abandoned.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>Signed note; empty: it is not completed.</summary>
    public string Receipt { get; set; } = "";

    public int Version { get; set; } = 1;

    /// <summary>It waits for something: rows, completion, or a confirmation.</summary>
    public bool IsOpen => State is Wire.DeliveryState.Open or Wire.DeliveryState.Short;

    /// <summary>Rows that stand for somebody who is registered.</summary>
    public long Registered => Added + Changed + Unchanged;

    /// <summary>It holds 30 % fewer than what it takes the place of, or fewer still.</summary>
    public bool IsShort(long before) => Kind == Wire.DeliveryKind.Full && Registered * 10 <= before * 7;

    /// <summary>It would end the registration of 30 % of those who were registered without it, or more.</summary>
    /// <param name="absent">Persons whom no row names.</param>
    /// <param name="registered">Persons who are registered, those whom it added among them.</param>
    public bool EndsTooMany(long absent, long registered) => Kind == Wire.DeliveryKind.Full && absent > 0 && absent * 10 >= (registered - Added) * 3;

    public void Count(Bucket bucket)
    {
        switch (bucket)
        {
            case Bucket.Added: Added++; break;
            case Bucket.Changed: Changed++; break;
            case Bucket.Unchanged: Unchanged++; break;
            case Bucket.Ended: Ended++; break;
            default: Rejected++; break;
        }
    }

    public Wire.DeliveryTotals Totals() => new() { Added = Added, Changed = Changed, Unchanged = Unchanged, Ended = Ended, Rejected = Rejected, Absent = Absent };

    /// <summary>What is signed when it is completed.</summary>
    public DeliveryReceipt ToReceipt(DateTimeOffset at) => new(
        DeliveryId, Jurisdiction, Pipeline.CodeText.Of(Kind), AsOf, Totals(), Convert.ToHexStringLower(ContentHash), at);

    public Wire.HouseholdDelivery ToWire() => new()
    {
        DeliveryId = DeliveryId.ToString(), Jurisdiction = Jurisdiction, Kind = Kind, AsOf = CivilDate.ToText(AsOf), State = State, AnnouncedRows = AnnouncedRows, NextLine = NextLine,
        Totals = Totals(), ContentSha256 = Google.Protobuf.ByteString.CopyFrom(ContentHash), BegunAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(BegunAt),
        EndedAt = EndedAt is { } at ? Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(at) : null, Receipt = Receipt,
    };

    /// <summary>No family shows it; the persons that it brings say themselves whom they change.</summary>
    public IEnumerable<Guid> AffectedIds() => [];
}
