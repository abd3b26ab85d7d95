using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>A tracked item (列管事項, R-CON-3): what a resolution obliges one unit to do until a day. It belongs to the case, and is followed by one conference at a time.</summary>
internal sealed partial class TrackedItem : IVersioned, IFamilyFact, ICaseRow
{
    public Guid ItemId { get; set; }

    public Guid CaseId { get; set; }

    /// <summary>Conference that follows it now; the former ones stand in its moves.</summary>
    public Guid ConferenceId { get; set; }

    public Guid ResolutionId { get; set; }

    /// <summary>Jurisdiction of the case when it was made; its keys seal the texts.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>Unit that convened the conference which follows it.</summary>
    public string ChairUnitId { get; set; } = "";

    public string OwnerUnitId { get; set; } = "";

    public Wire.ItemState State { get; set; }

    /// <summary>Not confirmed as done; follows from the state, and is what the lists of open items find by.</summary>
    public bool IsOpen { get; set; }

    public Wire.ConferenceLevel Level { get; set; }

    /// <summary>Last day to do it, in Taiwan.</summary>
    public DateOnly DueOn { get; set; }

    public Wire.ConfidentialityClass ConfidentialityClass { get; set; }

    /// <summary>What is to be done, sealed.</summary>
    public byte[] Deed { get; set; } = [];

    /// <summary>Basis under which it was made, and is shown to its owner.</summary>
    public Wire.LegalBasis LegalBasis { get; set; }

    public DateTimeOffset MadeAt { get; set; }

    /// <summary>Later conferences that it was carried over to.</summary>
    public int TimesCarriedOver { get; set; }

    /// <summary>Moves that were made of it; one commit may make two.</summary>
    public int MoveCount { get; set; }

    public int Version { get; set; }

    /// <summary>The step by which it is shown to its owner and its chair.</summary>
    public SharingStep Step => new(Wire.DisclosureStep.TrackedItem, ItemId, CaseId);

    /// <summary>No decision reads it, so no family does.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    public CaseEvent Tells() => new(CaseId, Wire.CaseChangeKind.TrackedItem, OwnerUnitId, ItemId);

    /// <summary>Its last day is over, and nobody says that it is done.</summary>
    public bool IsOverdueOn(DateOnly today) => State is Wire.ItemState.Open or Wire.ItemState.Escalated && DueOn < today;

    /// <summary>A due date that is today or later (R-CON-3).</summary>
    public static DateOnly RequireDue(string text, string field, DateOnly today)
    {
        var fault = text.Length == 0 ? FieldFaultKind.Required : FieldFaultKind.NotInTheFuture;
        return text.Length > 0 && CivilDate.TryParse(text, out var day) && day >= today ? day : throw Incomplete(field, fault);
    }

    public static Refusal Incomplete(string field, FieldFaultKind fault) =>
        new(Wire.ErrorReason.ResolutionIncomplete, ("rule", "R-CON-3"), ("field", field)) { Faults = [new FieldFault(field, fault)] };
}

/// <summary>One move of an item; never changed. What was written lies sealed.</summary>
internal sealed class ItemMoveRow : IFamilyFact
{
    public Guid MoveId { get; set; }

    public Guid ItemId { get; set; }

    /// <summary>Place among the moves of the item, from 1.</summary>
    public int Number { get; set; }

    public Wire.ItemAction Action { get; set; }

    public DateTimeOffset MovedAt { get; set; }

    public string UnitId { get; set; } = "";

    public string PersonId { get; set; } = "";

    /// <summary>State, conference, level, owner and due date afterwards.</summary>
    public Wire.ItemState State { get; set; }

    public Guid ConferenceId { get; set; }

    public Wire.ConferenceLevel Level { get; set; }

    public string OwnerUnitId { get; set; } = "";

    public DateOnly DueOn { get; set; }

    /// <summary>Sealed under <see cref="MoveId"/>; empty: nothing was written.</summary>
    public byte[] Text { get; set; } = [];

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>
/// Whether a case is on the list (列管), as one version: it moves with everything that puts items onto the list or an agenda, or takes them off, and with the closing of the case, so that none of these
/// misses another. A case that was ever brought to a conference has one.
/// </summary>
internal sealed class ListedCase : IVersioned, IFamilyFact
{
    public Guid CaseId { get; set; }

    public bool IsListed { get; set; }

    /// <summary>When it last came onto the list; null: never.</summary>
    public DateTimeOffset? ListedAt { get; set; }

    /// <summary>When it last left the list; null: never.</summary>
    public DateTimeOffset? RemovedAt { get; set; }

    public int Version { get; set; }

    public IEnumerable<Guid> AffectedIds() => [];
}
