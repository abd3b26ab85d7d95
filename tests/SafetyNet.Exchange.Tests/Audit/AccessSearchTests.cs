using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Audit;

public sealed class AccessSearchTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-AUD-6")]
    public async Task Bug_a_national_id_that_an_officer_searched_as_a_pseudonym_stood_in_the_log_in_plain()
    {
        var id = Some.StrangersId();
        var refused = await The.Officer.AskInVainAsync(to => to.Audit.ListAccessesAsync(new() { Context = The.Officer.Context(), Pseudonym = id }));
        Assert.Equal(Wire.ErrorReason.InvalidField, refused.Reason);
        Assert.Empty(Exchange.RecordOf(refused.Receipt!).Subjects);
    }
}
