using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Pipeline;

public sealed partial class ContractMethodsTests
{
    private const string CreateReferral = "/safetynet.exchange.v1.ReferralService/CreateReferral";
    private const string GetReferral = "/safetynet.exchange.v1.ReferralService/GetReferral";
    private const string ListAccesses = "/safetynet.exchange.v1.AuditService/ListAccesses";

    [Fact]
    public void Every_method_of_the_contract_has_a_rule() =>
        Assert.Equal(Contract.Services.Sum(service => service.Methods.Count), Contract.Methods.All.Count);

    [Fact]
    public void A_rule_says_what_the_label_says()
    {
        var rule = Contract.Methods.Find(GetReferral)!;

        Assert.Equal("referrals.read", rule.Scope);
        Assert.Equal([Wire.Purpose.ServiceDelivery, Wire.Purpose.CaseCoordination, Wire.Purpose.CrisisResponse], rule.Purposes);
        Assert.Equal([Wire.Relationship.ReferredTo, Wire.Relationship.Referrer], rule.Relationships.InTableOrder());
        Assert.True(rule.PersonalData);
        Assert.False(rule.ChangesState);
        Assert.False(rule.ReferenceRequired);
        Assert.False(rule.BreakGlass);
        Assert.Same(Wire.GetReferralRequest.Descriptor, rule.Input);
        Assert.Same(Wire.GetReferralResponse.Descriptor, rule.Output);
        Assert.True(Contract.Methods.Find("/safetynet.exchange.v1.HouseholdService/LookUpHousehold")!.ReferenceRequired);
    }

    [Theory]
    [InlineData("/safetynet.exchange.v1.ReferralService/getreferral")]
    [InlineData("/safetynet.exchange.v1.ReferralService/DeleteReferral")]
    [InlineData("safetynet.exchange.v1.ReferralService/GetReferral")]
    [InlineData("/grpc.health.v1.Health/Check")]
    [InlineData("")]
    public void What_is_not_a_method_of_the_contract_has_no_rule(string name) => Assert.Null(Contract.Methods.Find(name));

    [Fact]
    public void A_purpose_outside_the_list_is_not_allowed()
    {
        var rule = Contract.Methods.Find(GetReferral)!;

        Assert.True(rule.AllowsPurpose(Wire.Purpose.CrisisResponse));
        Assert.False(rule.AllowsPurpose(Wire.Purpose.Statistics));
        Assert.False(rule.AllowsPurpose(Wire.Purpose.Unspecified));
        Assert.False(rule.AllowsPurpose((Wire.Purpose)(64 + (int)Wire.Purpose.CrisisResponse)));
        Assert.False(rule.AllowsPurpose((Wire.Purpose)(-1)));
    }

    [Fact]
    public void A_list_of_roles_that_is_empty_allows_every_known_role_and_no_other()
    {
        var open = Contract.Methods.Find(GetReferral)!;
        var closed = Contract.Methods.Find(ListAccesses)!;

        Assert.All(Enum.GetValues<Wire.ActorRole>(), role => Assert.Equal(role != Wire.ActorRole.Unspecified, open.AllowsRole(role)));
        Assert.All(Enum.GetValues<Wire.ActorRole>(), role => Assert.Equal(role == Wire.ActorRole.SecurityOfficer, closed.AllowsRole(role)));
        Assert.False(open.AllowsRole((Wire.ActorRole)6));
        Assert.True(open.AllowsUnitKind(Wire.UnitKind.School));
        Assert.False(open.AllowsUnitKind(Wire.UnitKind.Unspecified));
        Assert.False(open.AllowsUnitKind((Wire.UnitKind)25));
    }

    [Fact]
    public void Context_and_request_id_are_read_from_every_request_type()
    {
        foreach (var rule in Contract.Methods.All)
        {
            var empty = rule.Input.Parser.ParseFrom([]);
            Assert.Null(rule.ContextOf(empty));
            Assert.Equal("", rule.RequestIdOf(empty));
        }

        var request = Contract.Referral();
        var create = Contract.Methods.Find(CreateReferral)!;
        Assert.Same(request.Context, create.ContextOf(request));
        Assert.Equal(Contract.AnyUuid, create.RequestIdOf(request));
    }

    [Fact]
    public void A_service_without_labels_stops_the_start_and_each_finding_is_named()
    {
        var error = Assert.Throws<InvalidOperationException>(() => ContractMethods.Build([.. Contract.Services, Health.V1.Health.Descriptor]));

        Assert.Contains("grpc.health.v1.Health.Check has no (access)", error.Message);
        Assert.Contains("grpc.health.v1.Health.Watch has no (access)", error.Message);
        Assert.Contains("grpc.health.v1.HealthCheckRequest.service has no (confidentiality)", error.Message);
        Assert.DoesNotContain("safetynet.exchange.v1", error.Message);
    }

    [Fact]
    public void A_label_that_is_missing_or_contradicts_itself_stops_the_start_and_each_finding_is_named()
    {
        var edited = Contract.Edited(Wire.CasesReflection.Descriptor, file =>
        {
            Access(file, "GetCase").Purposes.Clear();
            Access(file, "ListNotes").Scope = "";
            Access(file, "JoinCase").ChangesState = false;
            Access(file, "OpenCase").Relationships.Add((Wire.Relationship)77);
            Message(file, "InviteUnitRequest").Field.Single(field => field.Name == "context").Name = "who";
            Message(file, "CaseSubject").Field.Single(field => field.Name == "phone").Options = null;
            Message(file, "CaseNote").Field.Single(field => field.Name == "text").Options.SetExtension(Wire.OptionsExtensions.ClassField, "note_id");
        });

        var error = Assert.Throws<InvalidOperationException>(() => ContractMethods.Build(edited.Services));

        Assert.Equal(
            [
                "safetynet.exchange.v1.OpenCase names a code outside its table",
                "safetynet.exchange.v1.GetCase names no purpose",
                "safetynet.exchange.v1.InviteUnitRequest has no context",
                "safetynet.exchange.v1.JoinCase changes state and JoinCaseRequest has no request_id, or the other way round",
                "safetynet.exchange.v1.ListNotes names no scope",
                "safetynet.exchange.v1.CaseSubject.phone has no (confidentiality)",
                "safetynet.exchange.v1.CaseNote.text names a (class_field) that is no class",
            ],
            error.Message.Split(": ", 2)[1].Replace("CaseService.", "", StringComparison.Ordinal).Split("; "));
    }

    [Fact]
    public void Every_rpc_comment_says_who_may_call_what_is_refused_what_is_audited_and_whether_it_repeats()
    {
        var comments = Repository.ContractFiles().SelectMany(file => Repository.Commented(file, RpcLine())).ToList();

        Assert.Equal(Contract.Methods.All.Select(rule => rule.Name).Order(StringComparer.Ordinal), comments.Select(rpc => rpc.Name).Order(StringComparer.Ordinal));
        Assert.All(comments, rpc =>
        {
            Assert.Matches(@"^[A-Z].*\.\s+Callable by: .+\. Refuses: .+\. Audited as: .+\. Idempotent: .+\.$", rpc.Comment);
        });
    }

    [Fact]
    public void Every_reason_that_an_rpc_comment_names_exists()
    {
        var known = Repository.Reasons().Select(reason => reason.Name).ToHashSet(StringComparer.Ordinal);

        foreach (var (name, comment) in Repository.ContractFiles().SelectMany(file => Repository.Commented(file, RpcLine())))
        {
            var refuses = comment.Split("Refuses: ")[1].Split("Audited as: ")[0];
            foreach (Match reason in ReasonName().Matches(refuses))
            {
                var isKnown = reason.Value.EndsWith('_') ? known.Any(one => one.StartsWith(reason.Value, StringComparison.Ordinal)) : known.Contains(reason.Value);
                Assert.True(isKnown, $"{name} refuses {reason.Value}, which error_reason.proto does not have");
            }
        }
    }

    private static Wire.MethodAccess Access(FileDescriptorProto file, string method) =>
        file.Service[0].Method.Single(candidate => candidate.Name == method).Options.GetExtension(Wire.OptionsExtensions.Access);

    private static DescriptorProto Message(FileDescriptorProto file, string name) => file.MessageType.Single(message => message.Name == name);

    [GeneratedRegex(@"^rpc (\w+)\(")]
    private static partial Regex RpcLine();

    [GeneratedRegex("[A-Z]+(?:_[A-Z]*)+")]
    private static partial Regex ReasonName();
}
