using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>
/// How a unit stands to a person or household, derived from live steps (R-NTK-3). Pure.
/// A unit that took a referral is an active participant from then on: it serves (SERVING) while the referral is open. What was made for a case, or joined
/// within a scope, reaches the persons of that scope only; a first referral and the primary role reach the household.
/// </summary>
internal readonly record struct Standing(RelationshipSet Relationships, ClassSet Sent)
{
    /// <summary>How long those invited see what is on the agenda, from the meeting on (R-CON-2).</summary>
    public const int DaysAfterMeeting = 30;

    public static Standing None => new(RelationshipSet.None, ClassSet.None);

    /// <summary>Protective classes on the scope of the service that the unit gives the person (R-NTK-9).</summary>
    public ClassSet Scope { get; init; }

    /// <summary>Classes on the agenda of the conference that the access is for (R-CON-2).</summary>
    public ClassSet Agenda { get; init; }

    /// <summary>First instant at which those invited to a meeting see nothing by it any more.</summary>
    public static DateTimeOffset EndOfInvitation(DateTimeOffset meetingAt) => meetingAt.AddDays(DaysAfterMeeting);

    /// <summary>Classes of the grant that the access names; empty: it stands on none.</summary>
    public ClassSet Granted { get; init; }

    /// <summary>The access stands on a break-glass.</summary>
    public bool BreakGlass { get; init; }

    /// <summary>Row that the standing hangs on, which must be as it was read when the answer leaves (B46); null: derived from live steps.</summary>
    public HeldRow? Hold { get; init; }

    /// <summary>A referral that is not at its end: the receiver stands in it.</summary>
    public static bool IsOpen(Wire.ReferralState state) => state is Wire.ReferralState.Submitted or Wire.ReferralState.Delivered or Wire.ReferralState.Seen
        or Wire.ReferralState.Accepted or Wire.ReferralState.InService;

    /// <summary>A referral whose receiver has taken the person into its care.</summary>
    public static bool IsServed(Wire.ReferralState state) => state is Wire.ReferralState.Accepted or Wire.ReferralState.InService;

    /// <summary>Standing of the receiver of one referral at an instant.</summary>
    public static Standing OfReceiver(Wire.ReferralState state, uint viewClasses, DateTimeOffset? viewUntil, DateTimeOffset now)
    {
        if (!IsOpen(state)) return None;
        var sent = viewUntil is { } until && until <= now ? ClassSet.None : new ClassSet(viewClasses);
        return new Standing(
            IsServed(state) ? RelationshipSet.Of(Wire.Relationship.ReferredTo, Wire.Relationship.Serving) : RelationshipSet.Of(Wire.Relationship.ReferredTo), sent);
    }

    /// <summary>Standing of a participant of an open case; an invitation is none yet.</summary>
    public static RelationshipSet OfParticipant(Wire.ParticipantRole role) => role switch
    {
        Wire.ParticipantRole.Primary => RelationshipSet.Of(Wire.Relationship.Primary),
        Wire.ParticipantRole.Serving => RelationshipSet.Of(Wire.Relationship.Serving),
        _ => RelationshipSet.None,
    };

    /// <summary>Standing of a unit to a person by the links of the person's household, by the very step that the access is for.</summary>
    /// <param name="links">Links of everyone of the household.</param>
    /// <param name="unitId">The calling unit.</param>
    /// <param name="personId">Whom it asks for.</param>
    /// <param name="referralId">Referral that the access names; null: it names another thing.</param>
    /// <param name="caseId">Case that the access names; null: it names another thing.</param>
    /// <param name="now">Instant of the call.</param>
    /// <param name="conferenceId">Conference that the access names; null: it names another thing.</param>
    public static Standing ToHousehold(Links links, string unitId, Guid personId, Guid? referralId, Guid? caseId, DateTimeOffset now, Guid? conferenceId = null)
    {
        var (relationships, sent, named) = (RelationshipSet.None, ClassSet.None, false);
        var (scope, agenda) = (ClassSet.None, ClassSet.None);
        foreach (var link in links.Referrals)
        {
            if (!Same(link.ToUnitId, unitId) || (link.CaseId is not null && link.PersonId != personId)) continue;
            var standing = OfReceiver(link.State, link.ViewClasses, link.ViewUntil, now);
            relationships |= standing.Relationships;
            sent |= standing.Sent;
            named |= link.ReferralId == referralId && standing.Relationships != RelationshipSet.None;
        }

        foreach (var link in links.Cases)
        {
            if (!Same(link.UnitId, unitId)) continue;
            if (link.Role != Wire.ParticipantRole.Primary && (link.PersonId != personId || !link.IsInScope)) continue;
            var standing = OfParticipant(link.Role);
            relationships |= standing;
            named |= link.CaseId == caseId && standing != RelationshipSet.None;
            if (standing != RelationshipSet.None) scope |= link.Protective.At(now);
        }

        foreach (var link in links.Conferences)
        {
            // The agenda is that of the conference which is named, about the subjects of its case and nobody else of the household.
            if (link.ConferenceId != conferenceId || link.PersonId != personId || !Same(link.UnitId, unitId) || now >= EndOfInvitation(link.MeetingAt)) continue;
            relationships |= RelationshipSet.Of(Wire.Relationship.Conference);
            agenda |= new ClassSet(link.Agenda);
            named = true;
        }

        return named ? new Standing(relationships, sent) { Scope = scope, Agenda = agenda } : None;
    }

    /// <summary>Standing of a unit to a person by a grant: no relationship, and the classes granted, while the grant and
    /// its case are open, and for its purpose (R-NTK-12).</summary>
    public static Standing ByGrant(Links links, string unitId, Guid personId, Guid grantId, Wire.Purpose purpose, DateTimeOffset now)
    {
        foreach (var link in links.Grants)
        {
            if (link.GrantId != grantId || link.PersonId != personId || !link.IsCaseOpen || !Same(link.UnitId, unitId) || link.Purpose != purpose || now >= link.Until) continue;
            return new Standing(RelationshipSet.Of(Wire.Relationship.None), ClassSet.None)
            {
                Granted = new ClassSet(link.Classes), Hold = new HeldRow(HeldTable.Grant, grantId, link.Version),
            };
        }

        return None;
    }

    /// <summary>Standing of a unit to a person for whom it broke the glass: as if it served, in a crisis and on the basis stated then (R-NTK-11).</summary>
    public static Standing ByBreakGlass(
        Links links, string unitId, Guid personId, Guid breakGlassId, Wire.Purpose purpose, Wire.LegalBasis basis, DateTimeOffset now)
    {
        if (purpose != Wire.Purpose.CrisisResponse) return None;
        foreach (var link in links.BreakGlasses)
        {
            if (link.BreakGlassId != breakGlassId || link.PersonId != personId || !Same(link.UnitId, unitId) || link.Basis != basis || now >= link.Until) continue;
            return new Standing(RelationshipSet.Of(Wire.Relationship.Serving), ClassSet.None)
            {
                BreakGlass = true, Hold = new HeldRow(HeldTable.BreakGlass, breakGlassId, link.Version),
            };
        }

        return None;
    }

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.Ordinal);
}
