using Google.Protobuf;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Pipeline;
using Proto = Google.Protobuf.Reflection.FieldDescriptorProto;

namespace SafetyNet.Exchange.Tests.Abuse;

/// <summary>B48: what somebody adds to the contract without saying what it holds or who may call it does not start, and shows nothing where it runs all the same.</summary>
[Trait("Abuse", "B48")]
[Trait("Rule", "R-NTK-2")]
public sealed class UnlabelledTests
{
    [Fact]
    public void A_new_field_without_a_label_stops_the_start() => AssertStopped(
        Contract.Edited(Wire.HouseholdsReflection.Descriptor, file => file.MessageType.Single(m => m.Name == "Person").Field.Add(
            new Proto { Name = "diagnosis", Number = 100, Type = Proto.Types.Type.String, Label = Proto.Types.Label.Optional })),
        "safetynet.exchange.v1.Person.diagnosis");

    [Fact]
    public void A_new_method_without_an_access_rule_stops_the_start() => AssertStopped(
        Contract.Edited(Wire.CasesReflection.Descriptor, file => file.Service.Single().Method.Add(
            new MethodDescriptorProto { Name = "DumpCases", InputType = ".safetynet.exchange.v1.GetCaseRequest", OutputType = ".safetynet.exchange.v1.GetCaseResponse" })),
        "safetynet.exchange.v1.CaseService.DumpCases");

    [Fact]
    public void A_message_of_another_package_in_an_answer_stops_the_start_unless_it_is_labelled() => AssertStopped(
        Contract.Edited(Wire.CasesReflection.Descriptor, file => file.MessageType.Single(m => m.Name == "CaseSubject").Field.Add(new Proto
        {
            Name = "last_seen_at", Number = 100, Type = Proto.Types.Type.Message, TypeName = ".google.protobuf.Timestamp", Label = Proto.Types.Label.Optional,
        })),
        "safetynet.exchange.v1.CaseSubject.last_seen_at");

    [Fact]
    public void Whatever_the_server_serves_is_among_the_services_that_it_checks_at_start() =>
        Assert.Equal(Contract.Services.Select(s => s.FullName).Order(StringComparer.Ordinal), Composition.ContractServices.Select(s => s.FullName).Order(StringComparer.Ordinal));

    [Fact]
    public void A_field_without_a_label_is_hidden_at_run_time()
    {
        var answer = new Wire.LookUpHouseholdResponse { Person = new Wire.Person { Name = "王小明", Phone = "0900-000-001" } };
        var withoutPhone = RedactionPlan.Compile(Wire.LookUpHouseholdResponse.Descriptor, field => field.Name == "phone" ? new FieldLabel(Class: null, ClassField: "") : FieldLabel.Of(field));
        withoutPhone.Redact(answer, ClassSet.All);
        Assert.Equal(("王小明", ""), (answer.Person.Name, answer.Person.Phone));
    }

    [Fact]
    public void A_text_of_a_class_that_this_version_does_not_know_is_hidden_from_everyone()
    {
        var answer = new Wire.ListNotesResponse { Notes = { new Wire.CaseNote { NoteId = Contract.AnyUuid, ConfidentialityClass = (Wire.ConfidentialityClass)30, Text = "新類別" } } };
        RedactionPlan.For(Wire.ListNotesResponse.Descriptor).Redact(answer, ClassSet.All);
        Assert.Empty(answer.Notes);
        Assert.False(ClassSet.All.Contains((Wire.ConfidentialityClass)30));
    }

    [Fact]
    public void Codes_that_this_version_does_not_know_open_nothing()
    {
        var known = Policy.Some.Question(Wire.Relationship.Primary);
        Assert.True(Policy.Some.Policy.Decide(known).Allowed);
        Assert.False(Policy.Some.Policy.Decide(known with { Purpose = (Wire.Purpose)30 }).Allowed);
        Assert.False(Policy.Some.Policy.Decide(known with { LegalBasis = (Wire.LegalBasis)30 }).Allowed);
        Assert.False(Policy.Some.Policy.Decide(known with { Relationships = new RelationshipSet(1u << 30) }).Allowed);
        Assert.True(ClassSet.All.ContainsAll(Policy.Some.Policy.Decide(known with { AgencyKind = (Wire.AgencyKind)30, UnitKind = (Wire.UnitKind)30 }).Visible));
    }

    private static void AssertStopped(FileDescriptor edited, string named)
    {
        Assert.Contains(ContractLabels.Problems([edited]), problem => problem.StartsWith(named, StringComparison.Ordinal));
        if (edited.Services.Count > 0) Assert.Contains(named, Assert.Throws<InvalidOperationException>(() => ContractMethods.Build(edited.Services)).Message, StringComparison.Ordinal);
    }
}
