using SafetyNet.Exchange.V1;

namespace SafetyNet.Exchange.Sandbox.Members;

/// <summary>
/// Agencies, units and systems of two local governments, Taipei (TPE) and Taoyuan (TAO), as a sandbox registers them. All names are those of
/// kinds of offices; phones are from the 0900 test range.
/// </summary>
public static class SandboxMembers
{
    private static readonly string[] EverydayScopes =
        ["members.read", "referrals.read", "referrals.write", "cases.read", "cases.write", "households.read", "households.write", "inbox.read",
            "conferences.read", "conferences.write", "disclosures.read", "disclosures.write", "grants.read", "grants.write", "break-glass.write", "reports.read", "reports.write"];

    private static readonly string[] OfficerScopes = ["members.read", "inbox.read", "audit.read", "audit.hold", "disclosures.read", "break-glass.review", "audit.reveal", "misuse.review"];

    /// <summary>Of the agency that operates the sandbox: its officers propose and activate the need-to-know policy.</summary>
    private static readonly string[] OperatorScopes = [.. OfficerScopes, "policy.write"];

    private static readonly ConfidentialityClass[] EveryClass =
        [.. Enum.GetValues<ConfidentialityClass>().Where(c => c > ConfidentialityClass.NotPersonal)];

    /// <summary>The registry: seven agencies of Taipei, five of Taoyuan, one system each.</summary>
    public static MemberRegistry Registry()
    {
        var registry = new MemberRegistry();
        foreach (var (jurisdiction, code, city) in new[] { (Jurisdiction.Tpe, "tpe", "臺北市"), (Jurisdiction.Tao, "tao", "桃園市") })
        {
            AddAgency(registry, jurisdiction, "dosw", AgencyKind.SocialWelfare, $"{city}政府社會局", [.. EverydayScopes, "reports.screen"], EveryClass);
            AddAgency(registry, jurisdiction, "edu", AgencyKind.Education, $"{city}政府教育局", EverydayScopes, EveryClass);
            AddAgency(registry, jurisdiction, "health", AgencyKind.Health, $"{city}政府衛生局", EverydayScopes, EveryClass);
            AddAgency(registry, jurisdiction, "labor", AgencyKind.Labor, $"{city}政府勞動局", EverydayScopes, EveryClass);
            AddAgency(registry, jurisdiction, "police", AgencyKind.Police, $"{city}政府警察局", EverydayScopes, EveryClass);
            AddAgency(registry, jurisdiction, "civil", AgencyKind.HouseholdRegistration, $"{city}政府民政局", [.. EverydayScopes, "households.import", "households.link"], EveryClass);
            AddAgency(registry, jurisdiction, "security", AgencyKind.Other, $"{city}政府資訊局", jurisdiction == Jurisdiction.Tpe ? OperatorScopes : OfficerScopes,
                [ConfidentialityClass.Identity, ConfidentialityClass.CaseNote]);

            Article6Service[] welfare =
            [
                Article6Service.CareVisit, Article6Service.FinancialAid, Article6Service.ChildCareSubsidy, Article6Service.SocialAssistance,
                Article6Service.LifeGuidance,
            ];
            AddUnit(registry, jurisdiction, "dosw", $"{code}-central-swc", UnitKind.SocialWelfareCenter, $"{city}社會福利服務中心", [], welfare);
            AddUnit(registry, jurisdiction, "dosw", $"{code}-protection", UnitKind.ProtectionCenter, $"{city}家庭暴力暨性侵害防治中心", [], welfare);
            AddUnit(registry, jurisdiction, "dosw", $"{code}-intake", UnitKind.CentralIntake, $"{city}集中篩派案中心", [], welfare);
            Article6Service[] schooling = [Article6Service.RightToSchooling, Article6Service.DevelopmentalCounseling];
            AddUnit(registry, jurisdiction, "edu", $"{code}-school", UnitKind.School, $"{city}示範國民中學", [], schooling);
            AddUnit(registry, jurisdiction, "edu", $"{code}-counseling", UnitKind.StudentCounselingCenter, $"{city}學生輔導諮商中心", [], schooling);
            Article6Service[] health =
            [
                Article6Service.MedicalCare, Article6Service.Vaccination, Article6Service.HealthInsurance, Article6Service.AddictionTreatment,
                Article6Service.MentalHealth,
            ];
            AddUnit(registry, jurisdiction, "health", $"{code}-cmhc", UnitKind.CommunityMentalHealthCenter, $"{city}社區心理衛生中心", [], health);
            AddUnit(registry, jurisdiction, "health", $"{code}-phs", UnitKind.PublicHealthStation, $"{city}衛生所", [], health);
            Article6Service[] labor = [Article6Service.VocationalTraining, Article6Service.EmploymentGuidance];
            AddUnit(registry, jurisdiction, "labor", $"{code}-employment", UnitKind.EmploymentService, $"{city}就業服務處", [], labor);
            Article6Service[] police =
                [Article6Service.PersonalSafety, Article6Service.OffencePrevention, Article6Service.MissingPersonSearch];
            AddUnit(registry, jurisdiction, "police", $"{code}-precinct", UnitKind.PolicePrecinct, $"{city}警察分局", [], police);
            AddUnit(registry, jurisdiction, "police", $"{code}-wcpc", UnitKind.WomenChildrenPolice, $"{city}婦幼警察隊", [], police);
            AddUnit(registry, jurisdiction, "police", $"{code}-youth", UnitKind.YouthGuidance, $"{city}少年輔導委員會", [], [Article6Service.OffencePrevention]);
            AddUnit(registry, jurisdiction, "civil", $"{code}-household", UnitKind.HouseholdOffice, $"{city}戶政事務所", [],
                [Article6Service.KinshipData, Article6Service.RegisterLookUp]);
            AddUnit(registry, jurisdiction, "security", $"{code}-security", UnitKind.OtherUnit, $"{city}資訊安全官辦公室", [], []);
        }

        AddUnit(registry, Jurisdiction.Tpe, "dosw", "tpe-wanhua-swc", UnitKind.SocialWelfareCenter, "臺北市萬華社會福利服務中心",
            ["萬華區", "中正區"], [Article6Service.CareVisit, Article6Service.FinancialAid, Article6Service.ChildCareSubsidy,
                Article6Service.SocialAssistance, Article6Service.LifeGuidance]);
        AddUnit(registry, Jurisdiction.Tpe, "civil", "tpe-borough", UnitKind.BoroughOffice, "臺北市示範里辦公處", ["中正區"], []);
        // The city level: supervises the screening centre and rules where one of its rulings is appealed against (R-INT-9).
        foreach (var (jurisdiction, code, city) in new[] { (Jurisdiction.Tpe, "tpe", "臺北市"), (Jurisdiction.Tao, "tao", "桃園市") })
        {
            AddUnit(registry, jurisdiction, "dosw", $"{code}-dosw-office", UnitKind.OtherUnit, $"{city}政府社會局社會安全網督導組", [], []);
            registry.Units.Single(unit => string.Equals(unit.UnitId, $"{code}-intake", StringComparison.Ordinal)).SupervisorUnitId = $"{code}-dosw-office";
        }
        return registry;
    }

    private static void AddAgency(MemberRegistry registry, Jurisdiction jurisdiction, string code, AgencyKind kind, string name,
        string[] scopes, ConfidentialityClass[] classes)
    {
        registry.Agencies.Add(new Agency
        {
            Code = code, Jurisdiction = jurisdiction, Kind = kind, Name = name, State = MemberState.Active, Classes = { classes },
            SecurityUnitId = $"{CodeOf(jurisdiction)}-security",
        });
        registry.Systems.Add(new MemberSystem
        {
            SpiffeId = $"spiffe://safetynet.gov.tw/{CodeOf(jurisdiction)}/{code}/case-system",
            AgencyCode = code, Jurisdiction = jurisdiction, State = MemberState.Active, Scopes = { scopes },
        });
    }

    private static void AddUnit(MemberRegistry registry, Jurisdiction jurisdiction, string agency, string unitId, UnitKind kind, string name,
        string[] districts, Article6Service[] services) => registry.Units.Add(new Unit
        {
            UnitId = unitId, AgencyCode = agency, Jurisdiction = jurisdiction, Kind = kind, Name = name, State = MemberState.Active,
            Districts = { districts }, Services = { services },
            ContactWindow = $"0900-000-{registry.Units.Count + 1:000}", BatchJobs = { "nightly" },
        });

    private static string CodeOf(Jurisdiction jurisdiction) => jurisdiction == Jurisdiction.Tpe ? "tpe" : "tao";
}
