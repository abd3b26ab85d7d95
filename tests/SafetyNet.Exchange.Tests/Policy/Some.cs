using FsCheck;
using FsCheck.Fluent;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>Questions for the need-to-know policy, fixed and random.</summary>
internal static class Some
{
    public static NeedToKnowPolicy Policy { get; } = NeedToKnowPolicy.LoadBuiltIn();

    /// <summary>A day on which every entry of the built-in registry counts.</summary>
    public static DateOnly Today { get; } = new(2026, 7, 1);

    /// <summary>A social welfare centre serves a person of its own city under Article 6; nothing was put forward, nothing is protected.</summary>
    public static NeedToKnowQuestion Question(params ReadOnlySpan<Wire.Relationship> relationships) => new()
    {
        AgencyKind = Wire.AgencyKind.SocialWelfare,
        UnitKind = Wire.UnitKind.SocialWelfareCenter,
        CallerJurisdiction = Wire.Jurisdiction.Tpe,
        ResourceJurisdiction = Wire.Jurisdiction.Tpe,
        Holdable = ClassSet.All,
        Purpose = Wire.Purpose.ServiceDelivery,
        LegalBasis = Wire.LegalBasis.Article6IntegratedService,
        Relationships = RelationshipSet.Of(relationships),
        On = Today,
    };

    public static Gen<ClassSet> ClassSets { get; } = Gen.Frequency(
        (2, Gen.Constant(ClassSet.All)),
        (2, Gen.Constant(ClassSet.None)),
        (4, Gen.Choose(0, int.MaxValue).Select(bits => new ClassSet((uint)bits & ClassSet.All.Bits))));

    public static Gen<RelationshipSet> RelationshipSets { get; } = Gen.Frequency(
        (4, Of<Wire.Relationship>().Where(r => r != Wire.Relationship.Unspecified).Select(r => RelationshipSet.Of(r))),
        (4, Gen.Choose(0, 1023).Select(bits => new RelationshipSet((uint)bits & RelationshipSet.All.Bits))));

    /// <summary>Any question; codes of every table, UNSPECIFIED included. The purpose and the basis fit in most.</summary>
    public static Gen<NeedToKnowQuestion> Questions { get; } =
        from agencyKind in Of<Wire.AgencyKind>()
        from unitKind in Of<Wire.UnitKind>()
        from caller in Jurisdictions()
        from resource in Jurisdictions()
        from holdable in Gen.Frequency((3, Gen.Constant(ClassSet.All)), (1, ClassSets))
        from purpose in Of<Wire.Purpose>()
        from fit in Gen.Choose(0, 7)
        from basis in fit == 0 || BaselineTable.Carries(purpose).Length == 0 ? Of<Wire.LegalBasis>() : Gen.Elements(BaselineTable.Carries(purpose))
        from shareBasis in Of<Wire.LegalBasis>()
        from relationships in RelationshipSets
        from sets in Gen.ArrayOf(ClassSets, 6)
        from flags in Gen.Choose(0, 127)
        select new NeedToKnowQuestion
        {
            AgencyKind = agencyKind,
            UnitKind = unitKind,
            CallerJurisdiction = caller,
            ResourceJurisdiction = resource,
            Holdable = holdable,
            Purpose = purpose,
            LegalBasis = basis,
            ShareBasis = shareBasis,
            Relationships = relationships,
            Sent = sets[0],
            Supplied = sets[1],
            Agenda = sets[2],
            Shared = sets[3],
            ServiceScope = sets[4],
            Granted = sets[5],
            OwnUnit = (flags & 1) != 0,
            SharedWithCaller = (flags & 2) != 0,
            ProtectedAddress = (flags & 4) != 0,
            ServesOtherParty = (flags & 8) != 0,
            Screening = (flags & 16) != 0,
            HoldsCase = (flags & 32) != 0,
            BreakGlass = (flags & 64) != 0,
            On = Today,
        };

    public static Gen<T> Of<T>()
        where T : struct, Enum => Gen.Elements(Enum.GetValues<T>());

    /// <summary>Runs a property on 2,000 cases, or as many times that as SAFETYNET_CAMPAIGN says.</summary>
    public static void Holds<T>(Gen<T> cases, Func<T, bool> property, int count = 2000)
    {
        var campaign = int.TryParse(Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN"), out var times) && times > 0 ? times : 1;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(count * campaign).WithQuietOnSuccess(true), Prop.ForAll(cases.ToArbitrary(), property));
    }

    private static Gen<Wire.Jurisdiction> Jurisdictions() => Gen.Frequency(
        (6, Gen.Constant(Wire.Jurisdiction.Tpe)),
        (1, Gen.Constant(Wire.Jurisdiction.Tw)),
        (1, Of<Wire.Jurisdiction>()));
}
