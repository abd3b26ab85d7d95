using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>How old the copy of each register is. Kept in memory, since every look-up tells it: read once, and renewed with each delivery that is completed.</summary>
internal sealed class RegisterAges
{
    private readonly ConcurrentDictionary<Wire.Jurisdiction, Timestamp> _asOf = new();

    public RegisterAges(SqliteStore store)
    {
        using var read = store.Read();
        foreach (var jurisdiction in System.Enum.GetValues<Wire.Jurisdiction>())
            if (read.FindLastCompleted(jurisdiction) is { } last) _asOf[jurisdiction] = ToWire(last.AsOf);
    }

    /// <summary>Beginning of the day, in Taiwan, that the last completed delivery told of; null: none was completed. Do not change it.</summary>
    public Timestamp? Of(Wire.Jurisdiction jurisdiction) => _asOf.GetValueOrDefault(jurisdiction);

    /// <summary>Rows changed; called by the one writer when the changes are durable and before anybody hears of them.</summary>
    public void Changed(IEnumerable<Change> changes)
    {
        foreach (var change in changes)
            foreach (var delivery in change.Updated.OfType<HouseholdDelivery>())
                if (delivery.State == Wire.DeliveryState.Completed) _asOf[delivery.Jurisdiction] = ToWire(delivery.AsOf);
    }

    private static Timestamp ToWire(DateOnly day) => Timestamp.FromDateTimeOffset(new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), OfficeHours.Taiwan));
}
