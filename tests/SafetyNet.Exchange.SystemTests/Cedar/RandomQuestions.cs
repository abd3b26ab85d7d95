using SafetyNet.Exchange.Server.Policy;
using static SafetyNet.Exchange.V1.Relationship;

namespace SafetyNet.Exchange.SystemTests.Cedar;

/// <summary>Need-to-know questions of a seed: any code of any table, UNSPECIFIED among them, but leaning to such as are permitted, since a wrong permit or a wrong rule
/// shows in those only.</summary>
internal sealed class RandomQuestions(int seed)
{
    /// <summary>Kinds of units as they stand in their agencies.</summary>
    private static readonly (Wire.AgencyKind Agency, Wire.UnitKind Unit)[] Units =
    [
        (Wire.AgencyKind.SocialWelfare, Wire.UnitKind.SocialWelfareCenter), (Wire.AgencyKind.SocialWelfare, Wire.UnitKind.ProtectionCenter),
        (Wire.AgencyKind.SocialWelfare, Wire.UnitKind.CentralIntake), (Wire.AgencyKind.SocialWelfare, Wire.UnitKind.SocialAssistance),
        (Wire.AgencyKind.Health, Wire.UnitKind.CommunityMentalHealthCenter), (Wire.AgencyKind.Health, Wire.UnitKind.Hospital),
        (Wire.AgencyKind.Education, Wire.UnitKind.School), (Wire.AgencyKind.Police, Wire.UnitKind.PolicePrecinct),
        (Wire.AgencyKind.Police, Wire.UnitKind.WomenChildrenPolice), (Wire.AgencyKind.Police, Wire.UnitKind.YouthGuidance),
        (Wire.AgencyKind.Labor, Wire.UnitKind.EmploymentService), (Wire.AgencyKind.HouseholdRegistration, Wire.UnitKind.HouseholdOffice),
        (Wire.AgencyKind.CivilAffairs, Wire.UnitKind.BoroughOffice), (Wire.AgencyKind.CivilAffairs, Wire.UnitKind.DistrictOffice),
        (Wire.AgencyKind.Justice, Wire.UnitKind.ProsecutorsOffice), (Wire.AgencyKind.Immigration, Wire.UnitKind.OtherUnit),
        (Wire.AgencyKind.Finance, Wire.UnitKind.OtherUnit), (Wire.AgencyKind.Ngo, Wire.UnitKind.NgoProvider),
    ];

    private readonly Random random = new(seed);

    /// <summary>The next question of the seed.</summary>
    /// <param name="carries">Whether a basis carries a purpose; most questions take one that does.</param>
    public NeedToKnowQuestion Next(Func<Wire.Purpose, Wire.LegalBasis, bool> carries)
    {
        var relationships = Relationships();
        var purpose = Often(7) ? PurposeOf(relationships) : Any<Wire.Purpose>();
        var fitting = Enum.GetValues<Wire.LegalBasis>().Where(basis => carries(purpose, basis)).ToArray();
        var (agencyKind, unitKind) = Often(6) ? Of(Units) : (Any<Wire.AgencyKind>(), Any<Wire.UnitKind>());
        return new NeedToKnowQuestion
        {
            AgencyKind = agencyKind,
            UnitKind = unitKind,
            CallerJurisdiction = Often(8) ? Wire.Jurisdiction.Tpe : Any<Wire.Jurisdiction>(),
            ResourceJurisdiction = Often(8) ? Wire.Jurisdiction.Tpe : Any<Wire.Jurisdiction>(),
            Holdable = Often(7) ? ClassSet.All : Classes(),
            On = Often(9) ? new DateOnly(2026, 7, 1) : new DateOnly(2023, 1, 1).AddDays(random.Next(2000)),
            Purpose = purpose,
            LegalBasis = fitting.Length != 0 && Often(9) ? Of(fitting) : Any<Wire.LegalBasis>(),
            Relationships = relationships,
            Sent = Classes(),
            Supplied = Classes(),
            Agenda = Classes(),
            Shared = Classes(),
            SharedWithCaller = Often(5),
            ShareBasis = Any<Wire.LegalBasis>(),
            ServiceScope = Classes(),
            Granted = Classes(),
            Revealed = Classes(),
            BreakGlass = Often(3),
            OwnUnit = Often(3),
            ProtectedAddress = Often(3),
            ServesOtherParty = Often(3),
            Screening = Often(5),
            HoldsCase = Often(5),
        };
    }

    private RelationshipSet Relationships() => random.Next(10) switch
    {
        0 => new RelationshipSet((uint)random.Next(1 << 16) & RelationshipSet.All.Bits),
        1 => RelationshipSet.None,
        < 5 => One() | One(),
        _ => One(),
    };

    private RelationshipSet One() => RelationshipSet.Of(Of([.. Enum.GetValues<Wire.Relationship>().Where(r => r != Unspecified)]));

    private Wire.Purpose PurposeOf(RelationshipSet relationships) =>
        relationships.Contains(Wire.Relationship.CentralIntake) ? Wire.Purpose.IntakeScreening
        : relationships.Contains(Conference) ? Wire.Purpose.CaseConference
        : relationships.Contains(Matched) ? Wire.Purpose.RosterMatching
        : relationships.Contains(Wire.Relationship.None) ? Of([Wire.Purpose.MissingPersonSearch, Wire.Purpose.ServiceDelivery, Wire.Purpose.CrisisResponse, Wire.Purpose.Audit])
        : Of([Wire.Purpose.ServiceDelivery, Wire.Purpose.CaseCoordination, Wire.Purpose.CrisisResponse]);

    private ClassSet Classes() => random.Next(4) switch
    {
        0 => ClassSet.None,
        1 => ClassSet.All,
        _ => new ClassSet((uint)random.NextInt64(1L << 32) & ClassSet.All.Bits),
    };

    private bool Often(int ofTen) => random.Next(10) < ofTen;

    private T Of<T>(T[] values) => values[random.Next(values.Length)];

    private T Any<T>()
        where T : struct, Enum => Of(Enum.GetValues<T>());
}
