namespace SafetyNet.Exchange.Server.Policy;

/// <summary>Everything a need-to-know decision looks at (R-NTK-15): who asks, for what, how the unit stands to the person, and the facts of the data.
/// Facts left at their default open nothing.</summary>
internal readonly record struct NeedToKnowQuestion
{
    /// <summary>System of the network that the caller's agency belongs to.</summary>
    public required Wire.AgencyKind AgencyKind { get; init; }

    /// <summary>Kind of the acting person's unit.</summary>
    public required Wire.UnitKind UnitKind { get; init; }

    /// <summary>Jurisdiction of the acting person's unit; TW for a central-level duty (R-NTK-13).</summary>
    public required Wire.Jurisdiction CallerJurisdiction { get; init; }

    /// <summary>Classes that the agency may hold at all, by registry and token. NOT_PERSONAL and PUBLIC_STATUS need not be among them.</summary>
    public required ClassSet Holdable { get; init; }

    public required Wire.Purpose Purpose { get; init; }

    public required Wire.LegalBasis LegalBasis { get; init; }

    /// <summary>Relationships by live rows; empty: nothing is shown. NONE (無) is a member only where a rule for strangers may apply (a search for a missing
    /// person).</summary>
    public required RelationshipSet Relationships { get; init; }

    /// <summary>Jurisdiction of the person or case; UNSPECIFIED counts as another one.</summary>
    public required Wire.Jurisdiction ResourceJurisdiction { get; init; }

    /// <summary>Civil date of the call in Taiwan (UTC+8): rules and legal bases count from and until a day. The default lies before all of them.</summary>
    public DateOnly On { get; init; }

    /// <summary>Classes that open sender's views of referrals addressed to the unit show it (R-NTK-17).</summary>
    public ClassSet Sent { get; init; }

    /// <summary>Classes of this data that the caller itself supplied: what a referrer sent, a roster's own rows, the class of a note of its own.</summary>
    public ClassSet Supplied { get; init; }

    /// <summary>Classes that the convenor put on the agenda of an open conference to which the unit is invited.</summary>
    public ClassSet Agenda { get; init; }

    /// <summary>Classes of a note or other data that its author shared with the unit; counts only with <see cref="SharedWithCaller"/>.</summary>
    public ClassSet Shared { get; init; }

    /// <summary>The author shared this very data with the unit, and the share is open.</summary>
    public bool SharedWithCaller { get; init; }

    /// <summary>Basis under which the author shared; for shared classes it counts beside the basis of the call. UNSPECIFIED: none.</summary>
    public Wire.LegalBasis ShareBasis { get; init; }

    /// <summary>Protective classes on the scope of the service that the unit gives this person (R-NTK-9).</summary>
    public ClassSet ServiceScope { get; init; }

    /// <summary>Classes that the open grant which the access names shows the unit of this person (R-NTK-12), of those that a unit of its kind may hold.</summary>
    public ClassSet Granted { get; init; }

    /// <summary>Classes that the reveal of a pseudonym opens to this officer now (R-AUD-6): the words of the request, and of the dispositions of a finding of misuse, to officers of the jurisdiction, IDENTITY to the requester
    /// while an approval by a second officer is open.</summary>
    public ClassSet Revealed { get; init; }

    /// <summary>The access stands on an open break-glass of the unit for this very person (R-NTK-11), or is the review of one.</summary>
    public bool BreakGlass { get; init; }

    /// <summary>The record was written by the caller's unit.</summary>
    public bool OwnUnit { get; init; }

    /// <summary>The person's whereabouts are protected (R-NTK-10).</summary>
    public bool ProtectedAddress { get; init; }

    /// <summary>The unit serves the other party (相對人) of the same case (R-NTK-10).</summary>
    public bool ServesOtherParty { get; init; }

    /// <summary>The unit is screening a report on the person now (R-NTK-5).</summary>
    public bool Screening { get; init; }

    /// <summary>The unit holds the open case that the rule is about: the protective case (R-NTK-5), the missing-person case.</summary>
    public bool HoldsCase { get; init; }
}
