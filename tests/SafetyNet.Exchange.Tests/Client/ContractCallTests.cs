using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Tests.Client;

public sealed class ContractCallTests
{
    private static readonly ContextWords Words = new("T001", "tpe-school");

    [Theory]
    [InlineData("ReferralService/CreateReferral")]
    [InlineData("referralservice/createreferral")]
    [InlineData("safetynet.exchange.v1.ReferralService/CreateReferral")]
    [InlineData("/safetynet.exchange.v1.ReferralService/CreateReferral")]
    public void A_call_is_found_by_its_name(string name) => Assert.Equal("CreateReferral", ContractMethods.Find(name)?.Name);

    [Fact]
    public void Bug_a_caller_by_name_did_not_know_the_calls_about_conferences_and_disclosures() => Assert.Equal(
        Pipeline.Contract.Services.SelectMany(s => s.Methods).Select(m => m.FullName).Order(StringComparer.Ordinal),
        ContractMethods.All.Select(m => m.FullName).Order(StringComparer.Ordinal));

    [Fact]
    public void A_call_that_the_contract_does_not_have_is_not_found() => Assert.Null(ContractMethods.Find("ReferralService/Delete"));

    [Fact]
    public void A_request_is_completed_with_context_and_request_id()
    {
        var method = ContractMethods.Find("ReferralService/AcceptReferral")!;
        var request = (Wire.AcceptReferralRequest)RequestJson.Build(method, """{"referralId":"r"}""", RequestJson.Context(method, Words), "id-1");
        Assert.Equal(("r", "id-1", "T001", "tpe-school"), (request.ReferralId, request.RequestId, request.Context.Actor.PersonId, request.Context.Actor.UnitId));
    }

    [Fact]
    public void What_the_request_says_itself_stays()
    {
        var method = ContractMethods.Find("ReferralService/AcceptReferral")!;
        var request = (Wire.AcceptReferralRequest)RequestJson.Build(
            method, """{"requestId":"mine","context":{"purpose":"PURPOSE_CRISIS_RESPONSE"}}""", RequestJson.Context(method, Words), "id-1");
        Assert.Equal("mine", request.RequestId);
        Assert.Equal(Wire.Purpose.CrisisResponse, request.Context.Purpose);
        Assert.Null(request.Context.Actor);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"nobody\":1}")]
    [InlineData("{\"referralId\":{}}")]
    [InlineData("{\"context\":{\"purpose\":\"PURPOSE_CURIOSITY\"}}")]
    public void Data_that_is_not_the_request_is_refused_by_name(string json)
    {
        var method = ContractMethods.Find("ReferralService/AcceptReferral")!;
        Assert.Contains("AcceptReferralRequest", Assert.Throws<FormatException>(() => RequestJson.Build(method, json, null, "id")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Purpose_basis_and_role_follow_from_the_call_where_nothing_is_said()
    {
        var everyday = RequestJson.Context(ContractMethods.Find("ReferralService/CreateReferral")!, Words);
        Assert.Equal(
            (Wire.Purpose.ServiceDelivery, Wire.LegalBasis.Article6IntegratedService, Wire.ActorRole.Worker), (everyday.Purpose, everyday.LegalBasis, everyday.Actor.Role));

        var audit = RequestJson.Context(ContractMethods.Find("AuditService/ListAccesses")!, Words);
        Assert.Equal((Wire.Purpose.Audit, Wire.LegalBasis.AuditDuty, Wire.ActorRole.SecurityOfficer), (audit.Purpose, audit.LegalBasis, audit.Actor.Role));
    }

    [Fact]
    public void What_is_said_of_the_context_goes_before_what_follows()
    {
        var method = ContractMethods.Find("HouseholdService/LookUpHousehold")!;
        var context = RequestJson.Context(
            method, Words with { Purpose = "crisis-response", LegalBasis = "IMMINENT_DANGER", Role = "ACTOR_ROLE_DUTY_OFFICER", CaseId = "c", Justification = "why" });
        Assert.Equal(
            (Wire.Purpose.CrisisResponse, Wire.LegalBasis.ImminentDanger, Wire.ActorRole.DutyOfficer, "c", "why"),
            (context.Purpose, context.LegalBasis, context.Actor.Role, context.CaseId, context.Justification));
    }

    [Theory]
    [InlineData("CURIOSITY")]
    [InlineData("UNSPECIFIED")]
    [InlineData("")]
    [InlineData("2")]
    public void A_code_that_is_not_in_its_table_is_refused_with_the_table(string text) =>
        Assert.Contains("SERVICE_DELIVERY", Assert.Throws<FormatException>(() => ContractCodes.Parse<Wire.Purpose>(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Codes_are_read_aloud_in_both_languages()
    {
        Assert.Equal("提供服務 service delivery", ContractCodes.BothOf(Wire.Purpose.ServiceDelivery));
        Assert.Equal("脆弱家庭辦法第6條 article 6 integrated service", ContractCodes.BothOf(Wire.LegalBasis.Article6IntegratedService));
        Assert.Equal("99", ContractCodes.NameOf((Wire.Purpose)99));
    }

    [Fact]
    public void Every_code_that_people_read_has_its_chinese_term()
    {
        Assert.Empty(Untranslated<Wire.AgencyKind>());
        Assert.Empty(Untranslated<Wire.UnitKind>());
        Assert.Empty(Untranslated<Wire.Jurisdiction>());
        Assert.Empty(Untranslated<Wire.Article6Service>());
        Assert.Empty(Untranslated<Wire.ConfidentialityClass>());
        Assert.Empty(Untranslated<Wire.LegalBasis>());
        Assert.Empty(Untranslated<Wire.Purpose>());
        Assert.Empty(Untranslated<Wire.Relationship>());
        Assert.Empty(Untranslated<Wire.ActorRole>());
        Assert.Empty(Untranslated<Wire.ReferralState>());
        Assert.Empty(Untranslated<Wire.ReferralAction>());
        Assert.Empty(Untranslated<Wire.ReferralOutcome>());
        Assert.Empty(Untranslated<Wire.DeclineReason>());
        Assert.Empty(Untranslated<Wire.CaseState>());
        Assert.Empty(Untranslated<Wire.ParticipantRole>());
        Assert.Empty(Untranslated<Wire.Sex>());
        Assert.Empty(Untranslated<Wire.Kinship>());
        Assert.Empty(Untranslated<Wire.NoticeKind>());
        Assert.Empty(Untranslated<Wire.AuditOutcome>());
        Assert.Empty(Untranslated<Wire.MemberState>());
        Assert.Empty(Untranslated<Wire.VisitState>());
        Assert.Empty(Untranslated<Wire.GoalState>());
        Assert.Empty(Untranslated<Wire.CaseloadRole>());
        Assert.Empty(Untranslated<Wire.ConferenceLevel>());
        Assert.Empty(Untranslated<Wire.ConferenceGround>());
        Assert.Empty(Untranslated<Wire.ConferenceIndicator>());
        Assert.Empty(Untranslated<Wire.ItemState>());
        Assert.Empty(Untranslated<Wire.ItemAction>());
    }

    private static IEnumerable<T> Untranslated<T>()
        where T : struct, Enum => Enum.GetValues<T>().Where(code => Convert.ToInt32(code, null) != 0 && ContractCodes.ChineseOf(code).Length == 0);
}
