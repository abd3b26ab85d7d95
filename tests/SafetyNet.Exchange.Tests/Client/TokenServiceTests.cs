using System.Net;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Tests.Client;

public sealed class TokenServiceTests
{
    private static readonly SpiffeId School = SpiffeId.Of("tpe", "edu", "case-system");

    [Fact]
    public void A_request_names_the_system_and_asks_for_every_scope_it_has()
    {
        Assert.Equal(
            [new("grant_type", "client_credentials"), new("client_id", "spiffe://safetynet.gov.tw/tpe/edu/case-system")],
            TokenService.FormOf(School, []));
    }

    [Fact]
    public void Scopes_are_asked_for_with_one_space_between_them() =>
        Assert.Contains(new("scope", "inbox.read referrals.read"), TokenService.FormOf(School, ["inbox.read", "referrals.read"]));

    [Fact]
    public void A_token_is_read_with_its_lifetime() =>
        Assert.Equal(
            new IssuedToken("abc", TimeSpan.FromSeconds(600)),
            TokenService.Read(HttpStatusCode.OK, """{"access_token":"abc","token_type":"Bearer","expires_in":600,"scope":"x"}"""));

    [Fact]
    public void A_refusal_is_told_with_the_error_of_the_service()
    {
        var refused = Assert.Throws<TokenRefusedException>(() =>
            TokenService.Read(HttpStatusCode.BadRequest, """{"error":"invalid_client","error_description":"no such system"}"""));
        Assert.Equal("invalid_client", refused.Error);
        Assert.Contains("no such system", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("[]")]
    [InlineData("""{"token_type":"Bearer","expires_in":600}""")]
    [InlineData("""{"access_token":"","expires_in":600}""")]
    [InlineData("""{"access_token":"abc"}""")]
    [InlineData("""{"access_token":"abc","expires_in":0}""")]
    [InlineData("""{"access_token":"abc","expires_in":"600"}""")]
    [InlineData("""{"access_token":"abc","expires_in":1e99}""")]
    [InlineData("""{"access_token":"abc","token_type":"DPoP","expires_in":600}""")]
    public void An_answer_that_is_no_bearer_token_with_a_lifetime_is_refused(string body) =>
        Assert.Equal("invalid_response", Assert.Throws<TokenRefusedException>(() => TokenService.Read(HttpStatusCode.OK, body)).Error);

    [Theory]
    [InlineData("""{"token_endpoint":"https://a/t"}""", "https://a/t")]
    [InlineData("""{"token_endpoint":"https://a/t","mtls_endpoint_aliases":{"token_endpoint":"https://m/t"}}""", "https://m/t")]
    [InlineData("""{"token_endpoint":"https://a/t","mtls_endpoint_aliases":{}}""", "https://a/t")]
    public void Discovery_prefers_the_endpoint_that_asks_for_certificates(string metadata, string endpoint) =>
        Assert.Equal(endpoint, TokenService.EndpointOf(metadata).ToString());

    [Theory]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("""{"token_endpoint":"http://a/t"}""")]
    [InlineData("""{"token_endpoint":"/t"}""")]
    public void Metadata_without_an_https_token_endpoint_is_refused(string metadata) =>
        Assert.Equal("discovery_failed", Assert.Throws<TokenRefusedException>(() => TokenService.EndpointOf(metadata)).Error);
}
