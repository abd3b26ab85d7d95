using Google.Protobuf;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Pipeline;

/// <summary>The real contract, and valid requests of it. All personal data is invented.</summary>
internal static class Contract
{
    public const string AnyUuid = "0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11";

    /// <summary>Valid checksum, belongs to nobody known to us.</summary>
    public const string AnyNationalId = "A123456789";

    public static IReadOnlyList<ServiceDescriptor> Services { get; } =
    [
        .. new[]
        {
            Wire.AuditReflection.Descriptor, Wire.CasesReflection.Descriptor, Wire.HouseholdsReflection.Descriptor,
            Wire.InboxReflection.Descriptor, Wire.MembersReflection.Descriptor, Wire.ReferralsReflection.Descriptor, Wire.GrantsReflection.Descriptor,
            Wire.BreakGlassReflection.Descriptor, Wire.PoliciesReflection.Descriptor, Wire.ConferencesReflection.Descriptor, Wire.DisclosuresReflection.Descriptor, Wire.RevealsReflection.Descriptor, Wire.MisuseReflection.Descriptor, Wire.RetentionReflection.Descriptor, Wire.ReportsReflection.Descriptor, Wire.ClocksReflection.Descriptor, Wire.ReferralHandshakesReflection.Descriptor, Wire.ReferralWorkReflection.Descriptor,
            Wire.LeadDisputesReflection.Descriptor, Wire.CaseNotesReflection.Descriptor, Wire.CaseWatchReflection.Descriptor, Wire.CaseLifeReflection.Descriptor, Wire.ServicePlansReflection.Descriptor,
            Wire.VisitsReflection.Descriptor, Wire.MeetingsReflection.Descriptor, Wire.TrackedItemsReflection.Descriptor, Wire.HouseholdDeliveriesReflection.Descriptor, Wire.PersonLinksReflection.Descriptor,
        }.SelectMany(file => file.Services),
    ];

    public static ContractMethods Methods { get; } = ContractMethods.Build(Services);

    /// <summary>A file of the contract as it would be after an edit, with its imports as they are. It can be read, not served: it has no generated code.</summary>
    public static FileDescriptor Edited(FileDescriptor file, Action<FileDescriptorProto> edit)
    {
        var labels = new ExtensionRegistry { Wire.OptionsExtensions.Access, Wire.OptionsExtensions.Confidentiality, Wire.OptionsExtensions.Rules, Wire.OptionsExtensions.ClassField };
        var edited = FileDescriptorProto.Parser.WithExtensionRegistry(labels).ParseFrom(file.SerializedData);
        edit(edited);
        var inOrder = new List<ByteString>();
        AddImports(file, inOrder);
        return FileDescriptor.BuildFromByteStrings([.. inOrder, edited.ToByteString()], labels)[^1];
    }

    private static void AddImports(FileDescriptor file, List<ByteString> inOrder)
    {
        foreach (var import in file.Dependencies)
        {
            AddImports(import, inOrder);
            if (!inOrder.Contains(import.SerializedData))
                inOrder.Add(import.SerializedData);
        }
    }

    public static Wire.AccessContext Context() => new()
    {
        Purpose = Wire.Purpose.ServiceDelivery,
        LegalBasis = Wire.LegalBasis.Article6IntegratedService,
        Actor = new Wire.ActingPerson { PersonId = "sw-017", Role = Wire.ActorRole.Worker, UnitId = "tpe-wanhua-swc" },
    };

    public static Wire.ReferralSubject Subject() => new() { NationalId = AnyNationalId, Name = "王小明", BirthDate = "2015-02-28" };

    public static Wire.CreateReferralRequest Referral() => new()
    {
        Context = Context(),
        RequestId = AnyUuid,
        ToUnitId = "tpe-wanhua-swc",
        Subjects = { Subject() },
        Services = { Wire.Article6Service.CareVisit },
        Facts = { new Wire.ReferralFact { ConfidentialityClass = Wire.ConfidentialityClass.EducationRecord, Text = "連續三週未到校。\n\t已家訪一次。" } },
        View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity } },
    };
}
