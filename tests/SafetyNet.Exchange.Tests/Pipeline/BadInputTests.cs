using Google.Protobuf;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Pipeline;

/// <summary>Bad input is told by field and reason in both languages, and nothing of it is kept but the record of the call.</summary>
public sealed class BadInputTests(TestExchange exchange) : WireTests(exchange)
{
    public static TheoryData<string, string, Action<Wire.CreateReferralRequest>> BadReferrals() => new()
    {
        { "subjects[0].national_id", "check digit", r => r.Subjects[0].NationalId = "A123456780" },
        { "subjects[0].national_id", "national id", r => r.Subjects[0].NationalId = "123" },
        { "services[0]", "code", r => r.Services[0] = (Wire.Article6Service)9999 },
        { "subjects[0].name", "100", r => r.Subjects[0].Name = new string('王', 101) },
        { "subjects[0].address", "200", r => r.Subjects[0].Address = new string('路', 201) },
        { "request_id", "UUID", r => r.RequestId = "retry-1" },
        { "request_id", "", r => r.RequestId = "" },
        { "to_unit_id", "", r => r.ToUnitId = "TPE CENTRE!" },
        { "subjects", "", r => r.Subjects.Clear() },
        { "view", "", r => r.View = null },
        { "subjects[0].birth_date", "", r => r.Subjects[0].BirthDate = "2014-02-30" },
    };

    [Theory]
    [MemberData(nameof(BadReferrals))]
    public async Task A_field_that_breaks_a_rule_is_named(string field, string word, Action<Wire.CreateReferralRequest> spoil)
    {
        var request = Some.Referral(The.School, The.Centre.UnitId);
        spoil(request);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.School.RefersAsync(request));
        var fault = Assert.Single(refused.Refusal.Faults);
        Assert.Equal(field, fault.Field);
        Assert.Contains(word, fault.DescriptionEn, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(field, refused.Refusal.Metadata["field"]);
    }

    [Fact]
    public async Task All_faults_are_named_at_once()
    {
        var request = Some.Referral(The.School, The.Centre.UnitId);
        (request.RequestId, request.Subjects[0].NationalId, request.Subjects[0].BirthDate) = ("x", "x", "x");
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.School.RefersAsync(request));
        Assert.Equal(["request_id", "subjects[0].national_id", "subjects[0].birth_date"], refused.Refusal.Faults.Select(f => f.Field));
    }

    [Theory]
    [InlineData("A12345678９")]
    [InlineData("a123456789")]
    public async Task A_national_id_in_another_spelling_is_taken_as_the_same_person(string spelling)
    {
        var request = Some.Referral(The.School, The.Centre.UnitId);
        request.Subjects[0].NationalId = spelling;
        var id = (await The.School.RefersAsync(request)).ReferralId;
        Assert.Equal("A123456789", (await The.Centre.ReadsAsync(id)).Subjects.Single().NationalId);
    }

    [Fact]
    public async Task A_page_token_not_given_out_here_is_refused()
    {
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.School.AskAsync(to => to.Referrals.ListReferralsAsync(
            new() { Context = The.School.Context(), PageToken = "bm90IG91cnM" })));
        Assert.Equal("page_token", refused.Refusal.Faults.Single().Field);
    }

    [Fact]
    public async Task Acknowledging_beyond_the_last_notice_is_refused() =>
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.HealthStation.AskAsync(to => to.Inbox.AcknowledgeNoticesAsync(
            new() { Context = The.HealthStation.Context(), RequestId = Some.RequestId(), UpToSequence = ulong.MaxValue })));

    [Fact]
    [Trait("Rule", "R-AUD-6")]
    public async Task What_was_sent_is_never_told_back_nor_recorded()
    {
        const string marker = "Zx9QqMarker";
        var request = Some.Referral(The.School, The.Centre.UnitId);
        (request.RequestId, request.Subjects[0].NationalId, request.ToUnitId) = (marker, marker, marker);
        request.Context.Actor.PersonId = marker + " 王小明";
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.School.RefersAsync(request));
        Assert.DoesNotContain(marker, refused.Look(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(marker, JsonFormatter.Default.Format(Exchange.RecordOf(refused.Receipt!)), StringComparison.OrdinalIgnoreCase);
    }
}
