using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>How a unit stands to a report.</summary>
internal enum ReportParty
{
    /// <summary>The screening centre that has it.</summary>
    Intake,

    /// <summary>The unit that accepted it.</summary>
    Lead,

    /// <summary>The unit that handed it in.</summary>
    Reporter,
}

/// <summary>Facts of a report for the need-to-know decision.</summary>
internal static class ReportPolicy
{
    /// <summary>The reporting unit sees the persons as it described them, and what became of it; nothing that others added (R-NTK-4).</summary>
    private static readonly ClassSet Supplied = ClassSet.Of(Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact);

    /// <summary>The acting unit's part in a report; null: none, so there is nothing to see.</summary>
    public static ReportParty? PartyOf(this Report report, string unitId) =>
        Same(report.IntakeUnitId, unitId) ? ReportParty.Intake : Same(report.LeadUnitId, unitId) ? ReportParty.Lead : Same(report.SubmittedByUnitId, unitId) ? ReportParty.Reporter : null;

    public static Decision DecideOn(this Call call, Report report) => call.Decide(report.PartyOf(call.Unit.UnitId) switch
    {
        ReportParty.Intake => AtIntake(call, report),
        ReportParty.Lead => AtLead(call, report),
        ReportParty.Reporter => OfReporter(call, report.Jurisdiction),
        _ => call.Ask(RelationshipSet.None, report.Jurisdiction),
    });

    /// <summary>What the unit that hands a report in sees of it.</summary>
    public static NeedToKnowQuestion OfReporter(Call call, Wire.Jurisdiction jurisdiction) =>
        call.Ask(RelationshipSet.Of(Wire.Relationship.Referrer), jurisdiction) with { Supplied = Supplied };

    /// <summary>The screening centre while it screens sees who reported too (R-NTK-5); afterwards what became of it.</summary>
    private static NeedToKnowQuestion AtIntake(Call call, Report report)
    {
        var isProtected = call.Read.HasProtected(call.Read.SubjectsOfReport(report.ReportId));
        return call.Ask(RelationshipSet.Of(Wire.Relationship.CentralIntake), report.Jurisdiction) with { Screening = report.IsScreening, ProtectedAddress = isProtected };
    }

    /// <summary>The unit that accepted sees the report as far as the view of its referral opens it; a protection centre that has the case, who reported (R-NTK-5).</summary>
    private static NeedToKnowQuestion AtLead(Call call, Report report)
    {
        foreach (var offer in call.Read.OffersOf(report.ReportId))
        {
            if (!Same(offer.UnitId, call.Unit.UnitId) || call.Read.FindReferral(offer.ReferralId) is not { } referral) continue;
            var standing = Standing.OfReceiver(referral.State, referral.ViewClasses, referral.ViewUntil, call.Now);
            if (standing.Relationships == RelationshipSet.None) continue;
            var subjects = call.Read.SubjectsOfReport(report.ReportId);
            var isProtected = call.Read.HasProtected(subjects);
            return call.Ask(standing.Relationships, report.Jurisdiction) with
            {
                Sent = standing.Sent, HoldsCase = true, ProtectedAddress = isProtected, ServesOtherParty = isProtected && call.Read.ServesOtherParty(call.Unit.UnitId, subjects),
            };
        }

        return call.Ask(RelationshipSet.None, report.Jurisdiction);
    }

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.Ordinal);
}
