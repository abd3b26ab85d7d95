using Microsoft.Extensions.Primitives;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Tests.Identity;
using SafetyNet.Exchange.Tokens;

namespace SafetyNet.Exchange.Tests.Tokens;

public sealed class TokenServiceTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);
    private static readonly MemberCertificate Police = new(TestPki.Police, new string('A', 43), "issuer", "01", Now.AddDays(-1), Now.AddDays(1));

    [Fact]
    public void A_registered_system_is_given_the_scopes_it_asks_for()
    {
        var decision = Decide(form => form["scope"] = "referrals.write");
        Assert.Null(decision.Error);
        Assert.Equal(["referrals.write"], decision.Scopes);
    }

    [Fact]
    public void Without_a_scope_it_is_given_all_of_its_own() => Assert.Equal(["referrals.read", "referrals.write"], Decide(_ => { }).Scopes);

    [Theory]
    [InlineData("cases.read")]
    [InlineData("referrals.read cases.read")]
    [InlineData("REFERRALS.READ")]
    [InlineData("")]
    public void A_scope_that_is_not_registered_is_refused(string scope) => Assert.Equal("invalid_scope", Decide(form => form["scope"] = scope).Error!.Error);

    [Theory]
    [InlineData("grant_type", null, "invalid_request")]
    [InlineData("grant_type", "password", "unsupported_grant_type")]
    [InlineData("client_id", null, "invalid_request")]
    [InlineData("client_id", "spiffe://safetynet.gov.tw/tpe/health/mental-care", "invalid_client")]
    [InlineData("client_secret", "x", "invalid_request")]
    [InlineData("client_assertion", "x", "invalid_request")]
    public void A_request_of_another_form_is_refused(string field, string? value, string error) => Assert.Equal(error, Decide(form =>
    {
        if (value is null) form.Remove(field);
        else form[field] = value;
    }).Error!.Error);

    [Fact]
    public void A_parameter_twice_is_refused() => Assert.Equal("invalid_request", Decide(form => form["scope"] = new StringValues(["referrals.read", "referrals.write"])).Error!.Error);

    [Fact]
    public void Another_credential_beside_the_certificate_is_refused() => Assert.Equal("invalid_request", Decide(_ => { }, authorization: "Basic eDp5").Error!.Error);

    [Fact]
    public void A_body_that_is_no_form_is_refused() => Assert.Equal("invalid_request", TokenService.Decide(null, default, Police, Members(), RevocationStatus.Good, Now).Error!.Error);

    [Theory]
    [InlineData(RevocationStatus.Revoked)]
    [InlineData(RevocationStatus.NoCurrentList)]
    public void A_certificate_that_was_taken_back_or_cannot_be_looked_up_is_given_nothing(RevocationStatus revocation) =>
        Assert.Equal("invalid_client", Decide(_ => { }, revocation: revocation).Error!.Error);

    [Fact]
    public void A_certificate_that_ran_out_on_an_open_connection_is_given_nothing() => Assert.Equal("invalid_client", Decide(_ => { }, at: Police.NotAfter.AddSeconds(1)).Error!.Error);

    [Fact]
    public void An_unregistered_and_a_suspended_system_get_the_same_answer()
    {
        var unregistered = Decide(_ => { }, registry: registry => registry.Systems.Clear());
        var suspended = Decide(_ => { }, registry: registry => registry.Systems[0].State = Wire.MemberState.Suspended);
        var agencySuspended = Decide(_ => { }, registry: registry => registry.Agencies[0].State = Wire.MemberState.Suspended);
        Assert.Equal("invalid_client", unregistered.Error!.Error);
        Assert.Equal(unregistered.Error, suspended.Error);
        Assert.Equal(unregistered.Error, agencySuspended.Error);
    }

    [Fact]
    public void B05_a_start_alone_without_settings_names_every_one_that_is_missing()
    {
        var problems = new TokenHostSettings { Port = 0 }.Problems();
        foreach (var setting in (string[])["Issuer", "Audience", "SigningKeyPath", "RegistryPath", "RootsPath", "IssuersDirectory", "CrlDirectory", "CertificatePath", "CertificateKeyPath", "Port"])
            Assert.Contains(problems, problem => problem.StartsWith($"Tokens:{setting} ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_token_key_on_another_curve_is_refused()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP384);
        Assert.Throws<ArgumentException>(() => new AccessTokenIssuer(new Uri("https://tokens.example"), "audience", key, TimeProvider.System));
    }

    private static MemberDirectory Members() => MemberDirectory.FromWire(TestRegistry.Of("police"));

    private static TokenRequestDecision Decide(
        Action<Dictionary<string, StringValues>> change, StringValues authorization = default, RevocationStatus revocation = RevocationStatus.Good, DateTimeOffset? at = null,
        Action<Wire.MemberRegistry>? registry = null)
    {
        var form = new Dictionary<string, StringValues>(StringComparer.Ordinal) { ["grant_type"] = "client_credentials", ["client_id"] = TestPki.Police.Uri };
        change(form);
        var members = TestRegistry.Of("police");
        registry?.Invoke(members);
        return TokenService.Decide(form, authorization, Police, MemberDirectory.FromWire(members), revocation, at ?? Now);
    }
}
