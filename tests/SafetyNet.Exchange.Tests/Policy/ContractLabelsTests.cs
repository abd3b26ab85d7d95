using Google.Protobuf;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Server.Policy;
using Proto = Google.Protobuf.Reflection.FieldDescriptorProto;

namespace SafetyNet.Exchange.Tests.Policy;

[Trait("Abuse", "B48")]
public sealed class ContractLabelsTests
{
    private static readonly FileDescriptor[] Contract =
    [
        Wire.OptionsReflection.Descriptor, Wire.CodesReflection.Descriptor, Wire.AccessReflection.Descriptor, Wire.MembersReflection.Descriptor,
        Wire.ReferralsReflection.Descriptor, Wire.CasesReflection.Descriptor, Wire.HouseholdsReflection.Descriptor, Wire.AuditReflection.Descriptor, Wire.PoliciesReflection.Descriptor,
        Wire.InboxReflection.Descriptor, Wire.ErrorReasonReflection.Descriptor, Wire.ConferencesReflection.Descriptor, Wire.DisclosuresReflection.Descriptor, Wire.RevealsReflection.Descriptor, Wire.MisuseReflection.Descriptor, Wire.RetentionReflection.Descriptor, Wire.ReportsReflection.Descriptor, Wire.ClocksReflection.Descriptor, Wire.GrantsReflection.Descriptor, Wire.BreakGlassReflection.Descriptor, Wire.ReferralHandshakesReflection.Descriptor, Wire.ReferralWorkReflection.Descriptor,
        Wire.LeadDisputesReflection.Descriptor, Wire.CaseNotesReflection.Descriptor, Wire.CaseWatchReflection.Descriptor, Wire.CaseLifeReflection.Descriptor, Wire.ServicePlansReflection.Descriptor,
        Wire.VisitsReflection.Descriptor, Wire.MeetingsReflection.Descriptor, Wire.TrackedItemsReflection.Descriptor, Wire.HouseholdDeliveriesReflection.Descriptor, Wire.PersonLinksReflection.Descriptor,
    ];

    [Fact]
    public void The_contract_labels_every_field_and_method() => Assert.Empty(ContractLabels.Problems(Contract));

    [Fact]
    public void Every_file_of_the_contract_is_among_those_checked()
    {
        var generated = typeof(Wire.Referral).Assembly.GetTypes()
            .Where(t => t.Namespace == "SafetyNet.Exchange.V1" && t.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(t => ((FileDescriptor)t.GetProperty("Descriptor")!.GetValue(null)!).Name);

        Assert.Equal(generated.Order(StringComparer.Ordinal), Contract.Select(f => f.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_field_without_a_label_is_listed()
    {
        var thing = new DescriptorProto { Name = "Thing", Field = { Text("name", 1), Text("phone", 2, Wire.ConfidentialityClass.Contact) } };
        thing.NestedType.Add(new DescriptorProto { Name = "Inner", Field = { Text("note", 1) } });

        Assert.Equal(
            ["safetynet.exchange.v1.Thing.name: no (confidentiality)", "safetynet.exchange.v1.Thing.Inner.note: no (confidentiality)"],
            Problems(new FileDescriptorProto { MessageType = { thing } }));
    }

    [Fact]
    public void A_timestamp_needs_a_label_and_a_message_of_the_contract_does_not()
    {
        var thing = new DescriptorProto
        {
            Name = "Thing",
            Field = { Message("at", 1, ".google.protobuf.Timestamp"), Message("context", 2, ".safetynet.exchange.v1.AccessContext") },
        };

        Assert.Equal(["safetynet.exchange.v1.Thing.at: no (confidentiality)"], Problems(new FileDescriptorProto { MessageType = { thing } }));
    }

    [Fact]
    public void A_label_that_hides_from_everyone_is_listed()
    {
        var thing = new DescriptorProto { Name = "Thing", Field = { Text("name", 1, Wire.ConfidentialityClass.Unspecified) } };

        Assert.Contains("which is never shown", Assert.Single(Problems(new FileDescriptorProto { MessageType = { thing } })), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("name")]
    [InlineData("kind")]
    public void A_class_field_that_is_no_class_beside_the_text_is_listed(string classField)
    {
        var text = Text("text", 1);
        text.Options = new FieldOptions();
        text.Options.SetExtension(Wire.OptionsExtensions.ClassField, classField);
        var kind = Text("kind", 3, Wire.ConfidentialityClass.NotPersonal);
        (kind.Type, kind.TypeName) = (Proto.Types.Type.Enum, ".safetynet.exchange.v1.AgencyKind");
        var thing = new DescriptorProto { Name = "Thing", Field = { text, Text("name", 2, Wire.ConfidentialityClass.Identity), kind } };

        Assert.Equal(
            [$"safetynet.exchange.v1.Thing.text: (class_field) names '{classField}', which is no single ConfidentialityClass beside it"],
            Problems(new FileDescriptorProto { MessageType = { thing } }));
    }

    [Fact]
    public void A_method_without_its_access_rule_is_listed() =>
        Assert.Equal(["safetynet.exchange.v1.ThingService.Do: no (access)"], Problems(Service(access: null, withContext: true)));

    [Fact]
    public void Each_lack_of_an_access_rule_is_listed()
    {
        var problems = Problems(Service(new Wire.MethodAccess { PersonalData = true }, withContext: false));

        Assert.Equal(
            [
                "safetynet.exchange.v1.ThingService.Do: (access) without scope",
                "safetynet.exchange.v1.ThingService.Do: (access) without purposes: nobody may call it",
                "safetynet.exchange.v1.ThingService.Do: reads personal data without naming relationships (R-NTK-2)",
                "safetynet.exchange.v1.ThingService.Do: touches personal data, but DoResponse has no Disclosure (R-NTK-2)",
                "safetynet.exchange.v1.ThingService.Do: DoRequest has no required context of AccessContext (R-NTK-1)",
            ],
            problems);
    }

    [Fact]
    public void A_method_that_changes_state_needs_a_request_id()
    {
        var access = new Wire.MethodAccess { Scope = "things.write", Purposes = { Wire.Purpose.ServiceDelivery }, ChangesState = true };

        Assert.Equal(
            ["safetynet.exchange.v1.ThingService.Do: changes state, but DoRequest has no required request_id"],
            Problems(Service(access, withContext: true)));
    }

    [Fact]
    public void Files_of_other_packages_are_left_alone() =>
        Assert.Empty(ContractLabels.Problems([Google.Protobuf.WellKnownTypes.TimestampReflection.Descriptor, DescriptorReflection.Descriptor]));

    private static FileDescriptorProto Service(Wire.MethodAccess? access, bool withContext)
    {
        var request = new DescriptorProto { Name = "DoRequest" };
        if (withContext)
        {
            var context = Message("context", 1, ".safetynet.exchange.v1.AccessContext");
            context.Options = new FieldOptions();
            context.Options.SetExtension(Wire.OptionsExtensions.Rules, new Wire.FieldRules { Required = true });
            request.Field.Add(context);
        }

        var method = new MethodDescriptorProto { Name = "Do", InputType = ".safetynet.exchange.v1.DoRequest", OutputType = ".safetynet.exchange.v1.DoResponse" };
        if (access is not null)
        {
            method.Options = new MethodOptions();
            method.Options.SetExtension(Wire.OptionsExtensions.Access, access);
        }

        return new FileDescriptorProto
        {
            MessageType = { request, new DescriptorProto { Name = "DoResponse" } },
            Service = { new ServiceDescriptorProto { Name = "ThingService", Method = { method } } },
        };
    }

    private static Proto Text(string name, int number, Wire.ConfidentialityClass? label = null)
    {
        var field = new Proto { Name = name, Number = number, Type = Proto.Types.Type.String, Label = Proto.Types.Label.Optional };
        if (label is { } one)
        {
            field.Options = new FieldOptions();
            field.Options.SetExtension(Wire.OptionsExtensions.Confidentiality, one);
        }

        return field;
    }

    private static Proto Message(string name, int number, string type) => new()
    {
        Name = name, Number = number, Type = Proto.Types.Type.Message, TypeName = type, Label = Proto.Types.Label.Optional,
    };

    private static IReadOnlyList<string> Problems(FileDescriptorProto file)
    {
        file.Name = "safetynet/exchange/v1/thing.proto";
        file.Package = "safetynet.exchange.v1";
        file.Syntax = "proto3";
        FileDescriptor[] known =
        [
            DescriptorReflection.Descriptor, Google.Protobuf.WellKnownTypes.TimestampReflection.Descriptor, Wire.CodesReflection.Descriptor,
            Wire.OptionsReflection.Descriptor, Wire.AccessReflection.Descriptor,
        ];
        file.Dependency.AddRange(known.Select(k => k.Name));
        var built = FileDescriptor.BuildFromByteStrings(
            known.Select(k => k.SerializedData).Append(file.ToByteString()),
            [Wire.OptionsExtensions.Confidentiality, Wire.OptionsExtensions.ClassField, Wire.OptionsExtensions.Rules, Wire.OptionsExtensions.Access]);
        return ContractLabels.Problems([built[^1]]);
    }
}
