using SafetyNet.Exchange.Server.Policy;
using static SafetyNet.Exchange.V1.AgencyKind;
using static SafetyNet.Exchange.V1.ConfidentialityClass;
using static SafetyNet.Exchange.V1.LegalBasis;
using static SafetyNet.Exchange.V1.Relationship;
using static SafetyNet.Exchange.V1.UnitKind;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>The baseline table of domain.md 3.1, a second time: written from the table's cells and the rules R-NTK-4 to R-NTK-10 and R-NTK-13, without a look at the
/// policy file or its engine. It is slow and plain on purpose.</summary>
internal static class BaselineTable
{
    private static readonly Wire.LegalBasis[] Service =
    [
        Article6IntegratedService, SubjectWaiver, ImminentDanger, DutyToWarn, StatutoryReport, LethalInfection, SuicideRisk, CriminalCase,
        ConferenceResolution,
    ];

    public static ClassSet Visible(NeedToKnowQuestion q)
    {
        if (!Carries(q.Purpose).Contains(q.LegalBasis))
            return ClassSet.None;
        var seen = ClassSet.None;
        foreach (var one in ClassSet.All.InTableOrder())
        {
            var held = one == PublicStatus || q.Holdable.Contains(one);
            if (one != NotPersonal && held && !Withheld(one, q) && Reaching(q).InTableOrder().Any(r => Sees(one, r, q)))
                seen |= ClassSet.Of(one);
        }

        return seen.IsEmpty ? seen : seen | ClassSet.Of(NotPersonal);
    }

    /// <summary>"A valid basis for that purpose": the project's reading of domain.md 2.7 and 2.8.</summary>
    public static Wire.LegalBasis[] Carries(Wire.Purpose purpose) => purpose switch
    {
        Wire.Purpose.ServiceDelivery or Wire.Purpose.CaseCoordination => Service,
        Wire.Purpose.CrisisResponse => [.. Service.Except([Article6IntegratedService, ConferenceResolution])],
        Wire.Purpose.IntakeScreening =>
            [Article6IntegratedService, StatutoryReport, SubjectWaiver, ImminentDanger, DutyToWarn, SuicideRisk],
        Wire.Purpose.MissingPersonSearch =>
            [Article6IntegratedService, SubjectWaiver, ImminentDanger, StatutoryReport, SuicideRisk, CriminalCase],
        Wire.Purpose.RosterMatching => [RosterMatchingPlan],
        Wire.Purpose.CaseConference => [Article6IntegratedService, StatutoryReport, SubjectWaiver, ConferenceResolution],
        Wire.Purpose.Statistics => [Article6IntegratedService, RosterMatchingPlan],
        Wire.Purpose.Audit => [SubjectAccess, AuditDuty],
        _ => [],
    };

    /// <summary>R-NTK-13.</summary>
    private static RelationshipSet Reaching(NeedToKnowQuestion q)
    {
        var same = q.CallerJurisdiction == q.ResourceJurisdiction && q.CallerJurisdiction != Wire.Jurisdiction.Unspecified;
        return same || q.CallerJurisdiction == Wire.Jurisdiction.Tw
            ? q.Relationships
            : q.Relationships & RelationshipSet.Of(ReferredTo, Referrer, Serving, Primary);
    }

    private static bool Withheld(Wire.ConfidentialityClass one, NeedToKnowQuestion q)
    {
        if (one == PublicStatus)
            return false;
        // R-NTK-11: the review of a break-glass reads why; R-AUD-6: a reveal shows what two officers opened.
        if (q.Purpose == Wire.Purpose.Statistics || (q.Purpose == Wire.Purpose.Audit && !q.BreakGlass && !q.Revealed.Contains(one)))
            return true;

        // R-NTK-6
        var onTheAgenda = Reaching(q).Contains(Conference) && q.Purpose == Wire.Purpose.CaseConference && q.Agenda.Contains(one);
        if (q.UnitKind is BoroughOffice or DistrictOffice && !onTheAgenda)
            return true;

        // R-NTK-10
        if (!q.ProtectedAddress)
            return false;
        if (q.ServesOtherParty && one is Contact or Household)
            return true;
        return one == Contact
            && !Reaching(q).Contains(Primary)
            && q.UnitKind != ProtectionCenter
            && !(q.AgencyKind == Police && q.Purpose == Wire.Purpose.CrisisResponse);
    }

    private static bool Sees(Wire.ConfidentialityClass one, Wire.Relationship r, NeedToKnowQuestion q)
    {
        var missing = q.Purpose == Wire.Purpose.MissingPersonSearch && q.AgencyKind is Police or Immigration && q.HoldsCase;
        if (q.AgencyKind == Wire.AgencyKind.Unspecified || q.UnitKind == Wire.UnitKind.Unspecified)
            return false;
        if (one == PublicStatus && r != None)
            return q.Purpose is not (Wire.Purpose.Statistics or Wire.Purpose.Audit);
        if (missing && r is None or Matched or ReferredTo or Referrer or Serving or Primary)
            return one is Wire.ConfidentialityClass.Identity or Contact or Household;

        var service = q.Purpose is Wire.Purpose.ServiceDelivery or Wire.Purpose.CaseCoordination or Wire.Purpose.CrisisResponse;
        return r switch
        {
            Primary => service && (PrimarySees(one, q) || SentShows(one, q) || Shared(one, q) || OwnWriting(one, q)),
            None => GranteeSees(one, service, q),
            Serving => service && (ServingSees(one, q) || GlassOpens(one, q) || SentShows(one, q) || Shared(one, q) || OwnWriting(one, q)),
            ReferredTo => service && (SentShows(one, q) || one is Wire.ConfidentialityClass.Identity or Contact || ReporterByProtection(one, q)
                || (one == CaseNote && Put(one, q))),
            Referrer => (service || q.Purpose == Wire.Purpose.IntakeScreening) && one is Wire.ConfidentialityClass.Identity or Contact && q.Supplied.Contains(one),
            Conference => q.Purpose == Wire.Purpose.CaseConference && ConferenceSees(one, q),
            Matched => q.Purpose == Wire.Purpose.RosterMatching && (one == Involvement || (one == Wire.ConfidentialityClass.Identity && q.Supplied.Contains(one))),
            Wire.Relationship.CentralIntake => q.Purpose == Wire.Purpose.IntakeScreening && IntakeSees(one, q),
            Registrar => q.AgencyKind == HouseholdRegistration && one is Wire.ConfidentialityClass.Identity or Contact or Household
                && q.Purpose is Wire.Purpose.ServiceDelivery or Wire.Purpose.CaseCoordination,
            _ => false,
        };
    }

    private static bool PrimarySees(Wire.ConfidentialityClass one, NeedToKnowQuestion q) => one switch
    {
        Wire.ConfidentialityClass.Identity or Contact or Household or Involvement => true,
        Economic => q.AgencyKind == SocialWelfare,
        EducationRecord or EmploymentRecord or ImmigrationRecord or JuvenileJustice => true,
        ReporterIdentity => ReporterByProtection(one, q),
        _ => BothServe(one, q),
    };

    private static bool ServingSees(Wire.ConfidentialityClass one, NeedToKnowQuestion q) => one switch
    {
        Wire.ConfidentialityClass.Identity or Contact => true,
        Household => q.AgencyKind is SocialWelfare or Wire.AgencyKind.Health or Education,
        Involvement => q.AgencyKind is SocialWelfare or Wire.AgencyKind.Health || (q.AgencyKind == Police && q.UnitKind == WomenChildrenPolice),
        Economic => q.AgencyKind is SocialWelfare or Finance,
        EducationRecord => q.AgencyKind == Education,
        EmploymentRecord => q.AgencyKind == Labor,
        ImmigrationRecord => q.AgencyKind == Immigration,
        JuvenileJustice => q.AgencyKind is Police or Justice || q.UnitKind is YouthGuidance or School,
        _ => BothServe(one, q),
    };

    /// <summary>Rows whose cells are the same for PRIMARY and SERVING.</summary>
    private static bool BothServe(Wire.ConfidentialityClass one, NeedToKnowQuestion q) => one switch
    {
        HealthRecord or MentalHealth or SubstanceUse or Suicide => q.AgencyKind == Wire.AgencyKind.Health || HealthOutside(one, q.LegalBasis, q),
        InfectiousDisease => q.AgencyKind == Wire.AgencyKind.Health || q.LegalBasis == LethalInfection,
        DomesticViolence or SexualAssault or ChildProtection => ProtectiveUnit(q) || q.ServiceScope.Contains(one),
        Criminal => q.AgencyKind is Police or Justice || q.LegalBasis is CriminalCase or ImminentDanger or DutyToWarn,
        CaseNote => q.OwnUnit || q.SharedWithCaller,
        _ => false,
    };

    /// <summary>The column REFERRED_TO, for what was put into a referral or a share.</summary>
    private static bool SentShows(Wire.ConfidentialityClass one, NeedToKnowQuestion q) => Put(one, q) && one switch
    {
        Household => true,
        Economic => q.AgencyKind is SocialWelfare or Finance or Labor or Ngo,
        EducationRecord => q.AgencyKind is Education or SocialWelfare or Labor,
        EmploymentRecord => q.AgencyKind is Labor or SocialWelfare,
        ImmigrationRecord => q.AgencyKind is Immigration or SocialWelfare or Labor,
        HealthRecord or MentalHealth or SubstanceUse or Suicide => q.AgencyKind == Wire.AgencyKind.Health || HealthOutside(one, q.LegalBasis, q) || SharedHealth(one, q),
        InfectiousDisease => q.AgencyKind == Wire.AgencyKind.Health,
        DomesticViolence or SexualAssault or ChildProtection => ProtectiveUnit(q),
        JuvenileJustice => q.AgencyKind is Police or Justice || q.UnitKind is YouthGuidance or School,
        Criminal => q.AgencyKind is Police or Justice,
        _ => false,
    };

    private static bool Put(Wire.ConfidentialityClass one, NeedToKnowQuestion q) =>
        q.Sent.Contains(one) || (q.SharedWithCaller && q.Shared.Contains(one));

    /// <summary>"Its author unit shares it under SUBJECT_WAIVER or one of R-NTK-8's dangers."</summary>
    private static bool SharedHealth(Wire.ConfidentialityClass one, NeedToKnowQuestion q) =>
        q.SharedWithCaller && q.Shared.Contains(one) && HealthOutside(one, q.ShareBasis, q);

    private static bool Shared(Wire.ConfidentialityClass one, NeedToKnowQuestion q) =>
        one == InfectiousDisease && q.SharedWithCaller && q.Shared.Contains(one) && q.ShareBasis == LethalInfection;

    /// <summary>R-NTK-8, outside HEALTH.</summary>
    private static bool HealthOutside(Wire.ConfidentialityClass one, Wire.LegalBasis basis, NeedToKnowQuestion q) =>
        basis is SubjectWaiver or ImminentDanger
        || (one == Suicide && basis == SuicideRisk)
        || (one == SubstanceUse && basis == CriminalCase && q.AgencyKind is Police or Justice);

    /// <summary>R-NTK-9, but for the service scope.</summary>
    private static bool ProtectiveUnit(NeedToKnowQuestion q) =>
        q.UnitKind is ProtectionCenter or Hospital || q.AgencyKind == Justice || (q.AgencyKind == Police && q.UnitKind == WomenChildrenPolice);

    /// <summary>R-NTK-5, second half.</summary>
    private static bool ReporterByProtection(Wire.ConfidentialityClass one, NeedToKnowQuestion q) =>
        one == ReporterIdentity && q.UnitKind == ProtectionCenter && q.HoldsCase;

    /// <summary>What a unit wrote itself it reads back.</summary>
    private static bool OwnWriting(Wire.ConfidentialityClass one, NeedToKnowQuestion q) =>
        q.OwnUnit && q.Supplied.Contains(one) && one is not (Wire.ConfidentialityClass.Identity or ReporterIdentity or CaseNote);

    private static bool ConferenceSees(Wire.ConfidentialityClass one, NeedToKnowQuestion q) => one switch
    {
        Involvement => true,
        Contact or InfectiousDisease or ReporterIdentity => false,
        DomesticViolence or SexualAssault or ChildProtection => q.Agenda.Contains(one) && (ProtectiveUnit(q) || q.ServiceScope.Contains(one)),
        _ => q.Agenda.Contains(one),
    };

    /// <summary>R-NTK-12: exactly what was granted, and the applicant's own words; R-NTK-11: what the reviewer of a break-glass reads.</summary>
    private static bool GranteeSees(Wire.ConfidentialityClass one, bool service, NeedToKnowQuestion q) =>
        (service && one != ReporterIdentity && q.Granted.Contains(one))
        || (service && one is Wire.ConfidentialityClass.Identity or CaseNote && q.Supplied.Contains(one))
        || (q.Purpose == Wire.Purpose.Audit && q.LegalBasis == AuditDuty && q.BreakGlass && one == CaseNote)
        || (q.Purpose == Wire.Purpose.Audit && q.LegalBasis == AuditDuty && q.Revealed.Contains(one) && one is Wire.ConfidentialityClass.Identity or CaseNote);

    /// <summary>R-NTK-11: the safety classes, and the notes that carry them.</summary>
    private static bool GlassOpens(Wire.ConfidentialityClass one, NeedToKnowQuestion q) =>
        q.BreakGlass && q.Purpose == Wire.Purpose.CrisisResponse && q.LegalBasis is ImminentDanger or SuicideRisk
        && one is Suicide or DomesticViolence or SexualAssault or ChildProtection or Criminal or CaseNote;

    private static bool IntakeSees(Wire.ConfidentialityClass one, NeedToKnowQuestion q) => one switch
    {
        HealthRecord or MentalHealth or SubstanceUse => q.LegalBasis is ImminentDanger or StatutoryReport or SuicideRisk,
        InfectiousDisease or CaseNote => false,
        ReporterIdentity => q.UnitKind == Wire.UnitKind.CentralIntake && q.Screening,
        _ => true,
    };
}
