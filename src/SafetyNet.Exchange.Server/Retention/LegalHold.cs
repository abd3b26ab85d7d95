using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Retention;

/// <summary>A legal hold (證據保全): records that fit are not purged until another officer releases it. Whom it is about and why lies sealed.</summary>
internal sealed class LegalHold : IVersioned
{
    public Guid HoldId { get; set; }

    /// <summary>Records of this jurisdiction; TW: of all. Its keys seal the words.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>Pseudonym, resource, agency, reason, reference and reason of the release, as a sealed <see cref="Wire.LegalHold"/>.</summary>
    public byte[] Sealed { get; set; } = [];

    /// <summary>Inclusive; null: from the beginning.</summary>
    public DateTimeOffset? After { get; set; }

    /// <summary>Exclusive; null: without end.</summary>
    public DateTimeOffset? Before { get; set; }

    public DateTimeOffset PlacedAt { get; set; }

    public string PlacedByUnitId { get; set; } = "";

    public string PlacedByPersonId { get; set; } = "";

    /// <summary>Null: it is open.</summary>
    public DateTimeOffset? ReleasedAt { get; set; }

    public string ReleasedByUnitId { get; set; } = "";

    public string ReleasedByPersonId { get; set; } = "";

    public int Version { get; set; }

    /// <summary>What a record of the hold names among its resources.</summary>
    public string Resource => $"{HoldQueries.ResourceKind}/{HoldId}";

    /// <summary>Ends it; two persons stand for a hold that is gone (B68).</summary>
    public void Release(string unitId, string personId, DateTimeOffset now)
    {
        if (string.Equals(PlacedByPersonId, personId, StringComparison.OrdinalIgnoreCase) && string.Equals(PlacedByUnitId, unitId, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.SecondOfficerNeeded);
        if (ReleasedAt is not null) throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", "RELEASED"), ("action", "RELEASE"), ("allowed", "-"));
        (ReleasedAt, ReleasedByUnitId, ReleasedByPersonId) = (now, unitId, personId);
    }

    /// <summary>The hold with its sealed part opened.</summary>
    public Wire.LegalHold Open(Vault vault)
    {
        var hold = vault.OpenFacts(Wire.LegalHold.Parser, HoldQueries.SealedColumn, HoldId, Sealed);
        (hold.HoldId, hold.Jurisdiction) = (HoldId.ToString(), Jurisdiction);
        if (After is { } after) hold.After = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(after);
        if (Before is { } before) hold.Before = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(before);
        (hold.PlacedAt, hold.PlacedByUnitId, hold.PlacedByPersonId) = (Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(PlacedAt), PlacedByUnitId, PlacedByPersonId);
        if (ReleasedAt is { } released) hold.ReleasedAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(released);
        (hold.ReleasedByUnitId, hold.ReleasedByPersonId) = (ReleasedByUnitId, ReleasedByPersonId);
        return hold;
    }

    /// <summary>What it keeps, in the words of a search: what an officer finds by these he can hold.</summary>
    public AccessFilter ToFilter(Vault vault)
    {
        var hold = Open(vault);
        return new AccessFilter
        {
            Pseudonym = hold.Pseudonym, Resource = hold.Resource, AgencyCode = hold.AgencyCode, Within = Jurisdiction,
            After = After ?? DateTimeOffset.UnixEpoch, Before = Before ?? DateTimeOffset.MaxValue,
        };
    }
}
