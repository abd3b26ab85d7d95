using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>Facts of a referral for the need-to-know decision, and what a sender may put into one.</summary>
internal static class ReferralPolicy
{
    /// <summary>What the referrer sent and may see again: the person as it described the person (R-NTK-4).</summary>
    private static readonly ClassSet Supplied = ClassSet.Of(Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact);

    /// <summary>The acting unit's part in a referral; null: none, so there is nothing to see.</summary>
    public static ReferralParty? PartyOf(this Referral referral, string unitId) =>
        string.Equals(referral.ToUnitId, unitId, StringComparison.Ordinal) ? ReferralParty.Receiver
        : string.Equals(referral.FromUnitId, unitId, StringComparison.Ordinal) ? ReferralParty.Referrer
        : null;

    public static Decision DecideOn(this Call call, Referral referral) => call.Decide(Question(call, referral));

    /// <summary>The same, for one of several referrals of a list.</summary>
    public static Decision ConsiderOne(this Call call, Referral referral) => call.Consider(Question(call, referral));

    /// <summary>The receiver's own records are its own unit's notes, which it sees while it serves.</summary>
    public static bool MaySeeOwnWork(this Call call, Referral referral) => referral.PartyOf(call.Unit.UnitId) == ReferralParty.Receiver && call.Consider(Question(call, referral) with
    {
        OwnUnit = true, Supplied = ClassSet.Of(Wire.ConfidentialityClass.CaseNote),
    }).Visible.Contains(Wire.ConfidentialityClass.CaseNote);

    /// <summary>
    /// Each class of the view must be one that the receiver's kind may hold (R-NTK-17), and each fact of a class that the view opens.
    /// </summary>
    public static void RequireView(Call call, Protocol.Identity.Unit receiver, ClassSet view, DateTimeOffset? until, IReadOnlyList<Wire.ReferralFact> facts)
    {
        if (until <= call.Now) throw Refusal.InvalidField(new FieldFault("view.until", FieldFaultKind.NotInTheFuture));
        foreach (var shown in view.InTableOrder())
        {
            if (!call.MayHold(receiver, call.Context!.LegalBasis, shown, RelationshipSet.Of(Wire.Relationship.ReferredTo)))
            {
                throw new Refusal(Wire.ErrorReason.ViewNotPermitted,
                    ("class", CodeText.Of(shown)), ("unit_id", receiver.UnitId), ("rule", "R-NTK-17"));
            }
        }

        for (var i = 0; i < facts.Count; i++)
        {
            if (!view.Contains(facts[i].ConfidentialityClass) || facts[i].ConfidentialityClass == Wire.ConfidentialityClass.NotPersonal)
                throw Refusal.InvalidField(new FieldFault($"facts[{i}].confidentiality_class", FieldFaultKind.NotAllowedHere));
        }
    }

    /// <summary>
    /// Classes of facts that the acting unit may see. The facts of a referral that was made for a case may tell of anybody of that case, whoever its own subjects are, as a note may: the
    /// whereabouts of all of them count (R-NTK-10).
    /// </summary>
    public static ClassSet VisibleFacts(this Call call, Referral referral, IEnumerable<Wire.ReferralFact> facts, Decision decision)
    {
        if (referral.CaseId is not { } caseId || referral.PartyOf(call.Unit.UnitId) != ReferralParty.Receiver) return decision.Visible;
        if (!facts.Any(fact => CasePolicy.Whereabouts.Contains(fact.ConfidentialityClass))) return decision.Visible;
        var family = call.Read.SubjectsOfCase(caseId);
        if (!call.Read.HasProtected(family)) return decision.Visible;
        return decision.Visible & call.Consider(Question(call, referral) with
        {
            ProtectedAddress = true, ServesOtherParty = call.Read.ServesOtherParty(call.Unit.UnitId, family),
        }).Visible;
    }

    private static NeedToKnowQuestion Question(Call call, Referral referral) => referral.PartyOf(call.Unit.UnitId) switch
    {
        ReferralParty.Receiver when !Standing.IsOpen(referral.State) =>
            // The step is over, and with it the view; what the receiver itself did to it stays known to it.
            call.Ask(RelationshipSet.Of(Wire.Relationship.ReferredTo), referral.Jurisdiction) with { Holdable = ClassSet.None },
        ReferralParty.Receiver when Standing.OfReceiver(referral.State, referral.ViewClasses, referral.ViewUntil, call.Now) is var standing =>
            call.Ask(standing.Relationships, referral.Jurisdiction) with
            {
                Sent = standing.Sent, ProtectedAddress = call.Read.HasProtectedSubject(referral.ReferralId),
                ServesOtherParty = call.Read.HasProtectedSubject(referral.ReferralId)
                    && call.Read.ServesOtherParty(call.Unit.UnitId, call.Read.SubjectsOf(referral.ReferralId)),
            },
        ReferralParty.Referrer => call.Ask(RelationshipSet.Of(Wire.Relationship.Referrer), referral.Jurisdiction) with { Supplied = Supplied },
        _ => call.Ask(RelationshipSet.None, referral.Jurisdiction),
    };
}
