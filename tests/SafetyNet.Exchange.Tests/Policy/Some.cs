using FsCheck;
using FsCheck.Fluent;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Worlds;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>Questions for the need-to-know policy, fixed and random.</summary>
internal static class Some
{
    /// <summary>Cases of a property in a normal run.</summary>
    private const int AllCases = 100_000;

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

    public static Gen<ClassSet> ClassSets { get; } = Drawn(ClassSetOf);

    public static Gen<RelationshipSet> RelationshipSets { get; } = Drawn(RelationshipSetOf);

    /// <summary>Kinds of units that rules name, in their agencies: by chance alone few would meet.</summary>
    private static (Wire.AgencyKind Agency, Wire.UnitKind Unit)[] Units { get; } =
    [
        (Wire.AgencyKind.SocialWelfare, Wire.UnitKind.SocialWelfareCenter), (Wire.AgencyKind.SocialWelfare, Wire.UnitKind.ProtectionCenter),
        (Wire.AgencyKind.SocialWelfare, Wire.UnitKind.CentralIntake), (Wire.AgencyKind.Health, Wire.UnitKind.Hospital),
        (Wire.AgencyKind.Education, Wire.UnitKind.School), (Wire.AgencyKind.Police, Wire.UnitKind.PolicePrecinct),
        (Wire.AgencyKind.Police, Wire.UnitKind.WomenChildrenPolice), (Wire.AgencyKind.Police, Wire.UnitKind.YouthGuidance),
        (Wire.AgencyKind.Labor, Wire.UnitKind.EmploymentService), (Wire.AgencyKind.HouseholdRegistration, Wire.UnitKind.HouseholdOffice),
        (Wire.AgencyKind.CivilAffairs, Wire.UnitKind.BoroughOffice), (Wire.AgencyKind.Justice, Wire.UnitKind.ProsecutorsOffice),
        (Wire.AgencyKind.Immigration, Wire.UnitKind.OtherUnit), (Wire.AgencyKind.Finance, Wire.UnitKind.OtherUnit), (Wire.AgencyKind.Ngo, Wire.UnitKind.NgoProvider),
    ];

    /// <summary>Bases that carry a purpose.</summary>
    private static Dictionary<Wire.Purpose, Wire.LegalBasis[]> Carrying { get; } = Enum.GetValues<Wire.Purpose>().ToDictionary(purpose => purpose, BaselineTable.Carries);

    /// <summary>Any question; codes of every table, UNSPECIFIED included. The purpose and the basis fit in most, the kinds of agency and unit in half.</summary>
    public static Gen<NeedToKnowQuestion> Questions { get; } = Drawn(QuestionOf);

    /// <summary>What FsCheck draws once a case is a seed; what it stands for is drawn from that. A tree of generators costs as much as a hundred decisions.</summary>
    public static Gen<T> Drawn<T>(Func<Dice, T> draw) =>
        from high in Gen.Choose(0, int.MaxValue) from low in Gen.Choose(0, int.MaxValue) select draw(new Dice(((ulong)high << 31) | (uint)low));

    public static NeedToKnowQuestion QuestionOf(Dice dice)
    {
        var kinds = dice.Falls(50) ? Units[dice.Next(Units.Length)] : (Agency: CodeOf<Wire.AgencyKind>(dice), Unit: CodeOf<Wire.UnitKind>(dice));
        var purpose = CodeOf<Wire.Purpose>(dice);
        var carrying = Carrying[purpose];
        var flags = dice.Next(128);
        return new NeedToKnowQuestion
        {
            AgencyKind = kinds.Agency,
            UnitKind = kinds.Unit,
            CallerJurisdiction = JurisdictionOf(dice),
            ResourceJurisdiction = JurisdictionOf(dice),
            Holdable = dice.Next(4) == 0 ? ClassSetOf(dice) : ClassSet.All,
            Purpose = purpose,
            LegalBasis = carrying.Length == 0 || dice.Next(8) == 0 ? CodeOf<Wire.LegalBasis>(dice) : carrying[dice.Next(carrying.Length)],
            ShareBasis = CodeOf<Wire.LegalBasis>(dice),
            Relationships = RelationshipSetOf(dice),
            Sent = ClassSetOf(dice),
            Supplied = ClassSetOf(dice),
            Agenda = ClassSetOf(dice),
            Shared = ClassSetOf(dice),
            ServiceScope = ClassSetOf(dice),
            Granted = ClassSetOf(dice),
            Revealed = ClassSetOf(dice),
            OwnUnit = (flags & 1) != 0,
            SharedWithCaller = (flags & 2) != 0,
            ProtectedAddress = (flags & 4) != 0,
            ServesOtherParty = (flags & 8) != 0,
            Screening = (flags & 16) != 0,
            HoldsCase = (flags & 32) != 0,
            BreakGlass = (flags & 64) != 0,
            On = Today,
        };
    }

    public static Gen<T> Of<T>()
        where T : struct, Enum => Gen.Elements(Codes<T>.All);

    public static T CodeOf<T>(Dice dice)
        where T : struct, Enum => Codes<T>.All[dice.Next(Codes<T>.All.Length)];

    /// <summary>Runs a property on that many cases; with SAFETYNET_CAMPAIGN=n on at least 100,000, n times.</summary>
    public static void Holds<T>(Gen<T> cases, Func<T, bool> property, int count = AllCases)
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN"), out var times) && times > 0)
            count = Math.Max(count, AllCases) * times;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true), Prop.ForAll(cases.ToArbitrary(), property));
    }

    /// <summary>Runs a property of random policies on 100,000 questions in all, or n times that with SAFETYNET_CAMPAIGN=n.</summary>
    public static void HoldsForPolicies<T>(Gen<T> cases, Func<T, bool> property)
    {
        var times = int.TryParse(Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN"), out var set) && set > 0 ? set : 1;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(AllCases / RandomPolicies.QuestionsEach * times).WithQuietOnSuccess(true), Prop.ForAll(cases.ToArbitrary(), property));
    }

    /// <summary>A quarter all, a quarter none, else any.</summary>
    private static ClassSet ClassSetOf(Dice dice) => dice.Next(8) switch
    {
        0 or 1 => ClassSet.All,
        2 or 3 => ClassSet.None,
        _ => new ClassSet((uint)dice.Next(int.MaxValue) & ClassSet.All.Bits),
    };

    /// <summary>Half one, half any.</summary>
    private static RelationshipSet RelationshipSetOf(Dice dice) => dice.Falls(50)
        ? RelationshipSet.Of(Codes<Wire.Relationship>.All[1 + dice.Next(Codes<Wire.Relationship>.All.Length - 1)])
        : new RelationshipSet((uint)dice.Next(1024) & RelationshipSet.All.Bits);

    private static Wire.Jurisdiction JurisdictionOf(Dice dice) => dice.Next(8) switch
    {
        < 6 => Wire.Jurisdiction.Tpe,
        6 => Wire.Jurisdiction.Tw,
        _ => CodeOf<Wire.Jurisdiction>(dice),
    };

    /// <summary>The codes of a table, UNSPECIFIED first.</summary>
    private static class Codes<T>
        where T : struct, Enum
    {
        public static T[] All { get; } = Enum.GetValues<T>();
    }
}
