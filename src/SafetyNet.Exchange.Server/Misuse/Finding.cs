using System.Globalization;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>
/// A finding of misuse as a work item (R-AUD-7): one rule, one actor, one person or all, one day in Taiwan. What repeats joins it, so that a flood is one item.
/// </summary>
internal sealed class Finding : IVersioned, IFamilyFact
{
    /// <summary>Positions that are kept; the others are counted.</summary>
    public const int MostPositions = 100;

    public Guid FindingId { get; set; }

    /// <summary>Rule, agency, actor, person and day; unique, so that nothing is found twice.</summary>
    public string Key { get; set; } = "";

    public Wire.MisuseRuleId Rule { get; set; }

    public int RulesRevision { get; set; }

    public Wire.Jurisdiction Jurisdiction { get; set; }

    public string AgencyCode { get; set; } = "";

    public string UnitId { get; set; } = "";

    /// <summary>Staff number of who acted.</summary>
    public string ActorId { get; set; } = "";

    /// <summary>Pseudonym of the person; empty: the rule is about no one person.</summary>
    public string Subject { get; set; } = "";

    /// <summary>Records that triggered it.</summary>
    public long Records { get; set; }

    /// <summary>Position of the newest of them: a record that is read again does not count again.</summary>
    public long LastPosition { get; set; } = -1;

    /// <summary>Their positions, ascending, with commas; the first <see cref="MostPositions"/>.</summary>
    public string Positions { get; set; } = "";

    /// <summary>The numbers of the newest trigger: <c>name=value</c>, with semicolons.</summary>
    public string Numbers { get; set; } = "";

    public DateTimeOffset FirstAt { get; set; }

    public DateTimeOffset LastAt { get; set; }

    public DateTimeOffset RaisedAt { get; set; }

    public Wire.FindingState State { get; set; } = Wire.FindingState.Open;

    public int Version { get; set; } = 1;

    /// <summary>It changes no family: no call of a unit shows it.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    /// <summary>An officer other than whom it is about says what it is: once, and from then on as a correction.</summary>
    public void Dispose(Wire.FindingState state, bool isCorrection, Wire.Jurisdiction jurisdiction, string officerId)
    {
        if (jurisdiction == Jurisdiction && string.Equals(officerId, ActorId, StringComparison.OrdinalIgnoreCase))
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "an officer whom the finding is not about"));
        if (isCorrection == (State == Wire.FindingState.Open))
            throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(State)), ("action", isCorrection ? "CORRECT" : "DISPOSE"), ("allowed", isCorrection ? "DISPOSE" : "CORRECT"));
        State = state;
    }

    public IEnumerable<ulong> PositionList() => Positions.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => ulong.Parse(p, CultureInfo.InvariantCulture));

    public IEnumerable<Wire.MisuseNumber> NumberList() => Numbers.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
        .Select(pair => new Wire.MisuseNumber { Name = pair[0], Value = double.Parse(pair[1], CultureInfo.InvariantCulture) });
}

/// <summary>What one officer said about a finding; never changed, a correction comes after it.</summary>
internal sealed class Disposition : IFamilyFact
{
    public Guid DispositionId { get; set; }

    public Guid FindingId { get; set; }

    public Wire.FindingState State { get; set; }

    /// <summary>Sealed with the key of the finding's jurisdiction.</summary>
    public byte[] Note { get; set; } = [];

    public string OfficerId { get; set; } = "";

    public string UnitId { get; set; } = "";

    public DateTimeOffset DisposedAt { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Who a staff number is, as keyed hashes only: they answer "is this the one?" and nothing else.</summary>
internal sealed class StaffMember : IVersioned, IFamilyFact
{
    public Guid StaffId { get; set; }

    public Wire.Jurisdiction Jurisdiction { get; set; }

    public string AgencyCode { get; set; } = "";

    /// <summary>Staff number.</summary>
    public string ActorId { get; set; } = "";

    /// <summary>Pseudonym of the person, as records have it; empty: the registration is ended.</summary>
    public string Subject { get; set; } = "";

    /// <summary>Blind index of the national id, 32 bytes, by which the person's relatives are found; empty: the registration is ended.</summary>
    public byte[] NationalIdIndex { get; set; } = [];

    public int Version { get; set; } = 1;

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>A decoy, as a pseudonym only.</summary>
internal sealed class Canary : IVersioned, IFamilyFact
{
    public Guid CanaryId { get; set; }

    /// <summary>Jurisdiction whose officers may withdraw it.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    public string Subject { get; set; } = "";

    public DateTimeOffset PlantedAt { get; set; }

    /// <summary>Null: it stands.</summary>
    public DateTimeOffset? WithdrawnAt { get; set; }

    public int Version { get; set; } = 1;

    public bool StoodAt(DateTimeOffset at) => PlantedAt <= at && (WithdrawnAt is not { } until || at < until);

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>How far the scan has come: one row.</summary>
internal sealed class MisuseCursor : IVersioned, IFamilyFact
{
    public const int TheOne = 1;

    public int Id { get; set; } = TheOne;

    /// <summary>First record that was not looked at.</summary>
    public long Next { get; set; }

    /// <summary>First record whose days of activity have not passed, or were not looked at.</summary>
    public long Ripe { get; set; }

    public int Version { get; set; } = 1;

    public IEnumerable<Guid> AffectedIds() => [];
}
