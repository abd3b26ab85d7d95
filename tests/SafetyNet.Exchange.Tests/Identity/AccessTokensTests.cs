using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Tokens;

namespace SafetyNet.Exchange.Tests.Identity;

public sealed class AccessTokensTests : IDisposable
{
    private const string Issuer = "https://tokens.example:5444";
    private const string Audience = "https://exchange.example";
    private static readonly DateTimeOffset Start = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);
    private static readonly MemberCertificate Police = CertificateOf("police");
    private static readonly MemberCertificate OtherOfPolice = Police with { ThumbprintSha256 = "B" + Police.ThumbprintSha256[1..] };

    private readonly StandingClock _clock = new(Start);
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly AccessTokenIssuer _issuer;
    private readonly StubAuthority _authority = new();
    private readonly AuthorityKeys _keys;
    private readonly AccessTokens _tokens;

    public AccessTokensTests()
    {
        _issuer = new AccessTokenIssuer(new Uri(Issuer), Audience, _key, _clock);
        _authority.Serve(_issuer);
        _keys = new AuthorityKeys(new HttpClient(_authority), new Uri(Issuer), _clock, NullLogger.Instance);
        _tokens = new AccessTokens(_keys, Issuer, Audience, _clock, capacity: 4);
    }

    [Fact]
    public async Task A_token_of_the_authority_on_its_own_certificate_is_accepted_with_what_it_says()
    {
        var decision = await Decide(_issuer.Issue(SystemOf("police"), Police, ["referrals.read", "referrals.write"]));
        Assert.Equal(TokenRefusal.None, decision.Refusal);
        var claims = decision.Claims!;
        Assert.Equal(Police.Id, claims.ClientId);
        Assert.Equal(("police", Wire.AgencyKind.Police, Wire.Jurisdiction.Tpe, "dispatch"), (claims.Agency, claims.AgencyKind, claims.Jurisdiction, claims.System));
        Assert.Equal(["referrals.read", "referrals.write"], claims.Scopes.Order(StringComparer.Ordinal));
        Assert.Equal([Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact], claims.Classes.Order());
        Assert.Equal(Start.AddMinutes(10), claims.ExpiresAt);
    }

    [Fact]
    public async Task The_forged_form_without_a_deviation_is_accepted_so_each_refusal_below_is_for_its_own_reason() => await Expect(TokenRefusal.None);

    [Fact]
    public async Task B01_a_token_over_another_certificate_is_refused_also_when_it_was_accepted_over_its_own_before()
    {
        var token = _issuer.Issue(SystemOf("police"), Police, ["referrals.read"]);
        Assert.Equal(TokenRefusal.None, (await Decide(token)).Refusal);
        Assert.Equal(TokenRefusal.OtherCertificate, (await Decide(token, OtherOfPolice)).Refusal);
    }

    [Fact]
    public async Task B02_a_token_without_a_certificate_is_refused() => await Expect(TokenRefusal.OtherCertificate, payload: p => p.Remove("cnf"));

    [Theory]
    [InlineData("")]
    [InlineData("padded")]
    [InlineData("lower")]
    [InlineData("number")]
    public async Task B02_a_thumbprint_that_is_not_the_same_letter_for_letter_is_refused(string form) => await Expect(TokenRefusal.OtherCertificate, payload: p => p["cnf"] = new JsonObject
    {
        ["x5t#S256"] = form switch
        {
            "padded" => Police.ThumbprintSha256 + "=",
            "lower" => Police.ThumbprintSha256.ToLowerInvariant(),
            "number" => 7,
            _ => "",
        },
    });

    [Fact]
    public async Task B03_alg_none_is_refused() => await Expect(TokenRefusal.Algorithm, header: h => h["alg"] = "none", sign: _ => []);

    [Fact]
    public async Task B03_HS256_with_the_public_key_as_secret_is_refused() =>
        await Expect(TokenRefusal.Algorithm, header: h => h["alg"] = "HS256", sign: data => HMACSHA256.HashData(Encoding.ASCII.GetBytes(_key.ExportSubjectPublicKeyInfoPem()), data));

    [Theory]
    [InlineData("jku")]
    [InlineData("x5u")]
    [InlineData("jwk")]
    [InlineData("x5c")]
    [InlineData("crit")]
    public async Task B03_a_header_that_brings_its_own_key_is_refused_and_nothing_is_fetched(string name)
    {
        await Expect(TokenRefusal.HostileHeader, header: h => h[name] = "https://evil.example/keys");
        Assert.Empty(_authority.Asked);
    }

    [Fact]
    public async Task B03_an_unknown_key_id_asks_the_authority_alone_and_at_most_once_in_30_seconds()
    {
        for (var i = 0; i < 5; i++) await Expect(TokenRefusal.UnknownKey, header: h => h["kid"] = $"../../evil-{i}");
        Assert.Equal([Issuer + "/.well-known/openid-configuration", Issuer + "/jwks"], _authority.Asked);
        _clock.Now += TimeSpan.FromSeconds(29);
        await Expect(TokenRefusal.UnknownKey, header: h => h["kid"] = "evil");
        Assert.Equal(2, _authority.Asked.Count);
        _clock.Now += TimeSpan.FromSeconds(1);
        await Expect(TokenRefusal.UnknownKey, header: h => h["kid"] = "evil");
        Assert.Equal(4, _authority.Asked.Count);
    }

    [Fact]
    public async Task A_token_without_a_key_id_is_refused() => await Expect(TokenRefusal.UnknownKey, header: h => h.Remove("kid"));

    [Fact]
    public async Task Another_keys_signature_under_the_authoritys_key_id_is_refused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await Expect(TokenRefusal.Signature, sign: data => other.SignData(data, HashAlgorithmName.SHA256));
    }

    [Theory]
    [InlineData("JWT")]
    [InlineData("AT+JWT")]
    [InlineData("application/at+jwt")]
    [InlineData(null)]
    public async Task B04_another_type_is_refused(string? type) => await Expect(TokenRefusal.Type, header: h => h["typ"] = type);

    [Theory]
    [InlineData("https://other.example")]
    [InlineData("")]
    [InlineData(null)]
    public async Task B04_another_audience_or_none_is_refused(string? audience) => await Expect(TokenRefusal.Audience, payload: p => p["aud"] = audience);

    [Theory]
    [InlineData("https://tokens.example:5444/")]
    [InlineData(null)]
    public async Task Another_issuer_or_none_is_refused(string? issuer) => await Expect(TokenRefusal.Issuer, payload: p => p["iss"] = issuer);

    [Theory]
    [InlineData(-31, TokenRefusal.Expired)]
    [InlineData(-30, TokenRefusal.Expired)]
    [InlineData(-29, TokenRefusal.None)]
    public async Task B04_an_expired_token_is_refused_after_thirty_seconds_of_grace(int seconds, object refusal) =>
        await Expect((TokenRefusal)refusal, payload: p => p["exp"] = Start.AddSeconds(seconds).ToUnixTimeSeconds());

    [Fact]
    public async Task B04_a_token_without_an_end_is_refused() => await Expect(TokenRefusal.Expired, payload: p => p.Remove("exp"));

    [Theory]
    [InlineData("nbf")]
    [InlineData("iat")]
    public async Task B04_a_token_of_the_future_is_refused(string claim) => await Expect(TokenRefusal.NotYetValid, payload: p => p[claim] = Start.AddSeconds(31).ToUnixTimeSeconds());

    [Theory]
    [InlineData("client_id")]
    [InlineData("sub")]
    [InlineData("jti")]
    [InlineData("scope")]
    [InlineData("agency")]
    [InlineData("agency_kind")]
    [InlineData("jurisdiction")]
    [InlineData("system")]
    [InlineData("classes")]
    public async Task Every_claim_of_the_exchange_is_required(string claim) => await Expect(TokenRefusal.Claims, payload: p => p.Remove(claim));

    [Fact]
    public async Task Claims_that_contradict_each_other_are_refused() => await Expect(TokenRefusal.Claims, payload: p => p["agency"] = "health");

    [Fact]
    public async Task A_header_that_says_a_thing_twice_is_refused()
    {
        var parts = Forge().Split('.');
        var twice = Base64Url.EncodeToString("""{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"x"}"""u8);
        Assert.Equal(TokenRefusal.Malformed, (await Decide($"{twice}.{parts[1]}.{parts[2]}")).Refusal);
    }

    [Theory]
    [InlineData(null, TokenRefusal.Missing)]
    [InlineData("", TokenRefusal.Missing)]
    [InlineData("Basic abc", TokenRefusal.Missing)]
    [InlineData("Bearer ", TokenRefusal.Malformed)]
    [InlineData("Bearer a.b", TokenRefusal.Malformed)]
    [InlineData("Bearer a.b.c.d.e", TokenRefusal.Malformed)]
    [InlineData("Bearer é.b.c", TokenRefusal.Malformed)]
    public async Task What_is_no_bearer_token_is_refused(string? authorization, object refusal) =>
        Assert.Equal((TokenRefusal)refusal, (await _tokens.DecideAsync(authorization, Police, TestContext.Current.CancellationToken)).Refusal);

    [Fact]
    public async Task A_token_seen_before_is_answered_from_memory_until_it_ends_and_not_after()
    {
        var token = _issuer.Issue(SystemOf("police"), Police, ["referrals.read"]);
        var first = (await Decide(token)).Claims;
        Assert.Same(first, (await Decide(token)).Claims);
        _clock.Now += TimeSpan.FromMinutes(10) + AccessTokens.ClockSkew;
        Assert.Equal(TokenRefusal.Expired, (await Decide(token)).Refusal);
    }

    [Fact]
    public async Task The_memory_of_tokens_is_bounded()
    {
        var token = _issuer.Issue(SystemOf("police"), Police, ["referrals.read"]);
        var first = (await Decide(token)).Claims;
        for (var i = 0; i < 8; i++) await Decide(_issuer.Issue(SystemOf("police"), Police, [$"scope.s{i}"]));
        Assert.NotSame(first, (await Decide(token)).Claims);
    }

    [Fact]
    public async Task While_the_authority_is_away_known_keys_stay_and_without_any_the_call_may_be_tried_again()
    {
        var token = _issuer.Issue(SystemOf("police"), Police, ["referrals.read"]);
        _authority.IsAway = true;
        Assert.Equal(TokenRefusal.KeysUnavailable, (await Decide(token)).Refusal);
        _authority.IsAway = false;
        _clock.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(TokenRefusal.None, (await Decide(token)).Refusal);
        _authority.IsAway = true;
        _clock.Now += TimeSpan.FromMinutes(1);
        await Expect(TokenRefusal.UnknownKey, header: h => h["kid"] = "unknown");
        Assert.Equal(TokenRefusal.None, (await Decide(_issuer.Issue(SystemOf("police"), Police, ["referrals.read"]))).Refusal);
    }

    [Fact]
    public async Task A_withdrawn_key_ends_tokens_already_in_memory()
    {
        var token = _issuer.Issue(SystemOf("police"), Police, ["referrals.read"]);
        Assert.Equal(TokenRefusal.None, (await Decide(token)).Refusal);
        using var nextKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var next = new AccessTokenIssuer(new Uri(Issuer), Audience, nextKey, _clock);
        _authority.Serve(next);
        _clock.Now += TimeSpan.FromSeconds(30);
        Assert.Equal(TokenRefusal.None, (await Decide(next.Issue(SystemOf("police"), Police, ["referrals.read"]))).Refusal);
        Assert.Equal(TokenRefusal.UnknownKey, (await Decide(token)).Refusal);
    }

    [Fact]
    public async Task A_key_set_on_another_host_is_not_read()
    {
        _authority.JwksUri = "https://evil.example/jwks";
        await Expect(TokenRefusal.KeysUnavailable);
        Assert.DoesNotContain(_authority.Asked, asked => asked.Contains("evil", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", Audience)]
    [InlineData(Issuer, "")]
    [InlineData(Issuer, " ")]
    public void B05_without_issuer_or_audience_nothing_is_validated(string issuer, string audience) =>
        Assert.Throws<ArgumentException>(() => new AccessTokens(_keys, issuer, audience, _clock));

    [Fact]
    public async Task Certificate_token_and_registry_must_agree()
    {
        var claims = (await Decide(_issuer.Issue(SystemOf("police"), Police, ["referrals.read"]))).Claims!;
        Assert.Equal(AgreementRefusal.None, Agree(claims, out var member));
        Assert.Equal("police", member!.System.Agency.Code);
        Assert.Equal(AgreementRefusal.CertificateRevoked, Agree(claims, out _, revocation: RevocationStatus.Revoked));
        Assert.Equal(AgreementRefusal.RevocationUnknown, Agree(claims, out _, revocation: default));
        Assert.Equal(AgreementRefusal.CertificateExpired, Agree(claims, out _, at: Police.NotAfter.AddSeconds(1)));
        Assert.Equal(AgreementRefusal.Mismatch, Agree(claims, out _, certificate: CertificateOf("health")));
        Assert.Equal(AgreementRefusal.NotRegistered, Agree(claims, out _, registry: r => r.Systems.RemoveAt(0)));
        Assert.Equal(AgreementRefusal.Suspended, Agree(claims, out _, registry: r => r.Systems[0].State = Wire.MemberState.Suspended));
        Assert.Equal(AgreementRefusal.Suspended, Agree(claims, out _, registry: r => r.Agencies[0].State = Wire.MemberState.Unspecified));
        Assert.Equal(AgreementRefusal.Mismatch, Agree(claims, out _, registry: r => r.Systems[0].Scopes.Clear()));
        Assert.Equal(AgreementRefusal.Mismatch, Agree(claims, out _, registry: r => r.Agencies[0].Classes.Clear()));
        Assert.Equal(AgreementRefusal.Mismatch, Agree(claims, out _, registry: r => r.Agencies[0].Kind = Wire.AgencyKind.Fire));
    }

    public void Dispose()
    {
        _keys.Dispose();
        _key.Dispose();
    }

    private static AgreementRefusal Agree(
        TokenClaims claims, out CallingMember? member, RevocationStatus revocation = RevocationStatus.Good, MemberCertificate? certificate = null,
        DateTimeOffset? at = null, Action<Wire.MemberRegistry>? registry = null)
    {
        var members = TestRegistry.Of("police", "health");
        registry?.Invoke(members);
        return MemberAgreement.Decide(certificate ?? Police, revocation, claims, MemberDirectory.FromWire(members), at ?? Start, out member);
    }

    private static MemberCertificate CertificateOf(string agency) => new(
        TestRegistry.IdOf(agency), Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(agency))), "issuer", "01", Start.AddDays(-1), Start.AddDays(1));

    private static MemberSystem SystemOf(string agency) => MemberDirectory.FromWire(TestRegistry.Of(agency)).FindSystem(TestRegistry.IdOf(agency).Uri)!;

    private async Task<TokenDecision> Decide(string token, MemberCertificate? certificate = null) =>
        await _tokens.DecideAsync("Bearer " + token, certificate ?? Police, TestContext.Current.CancellationToken);

    private async Task Expect(TokenRefusal refusal, Action<JsonObject>? header = null, Action<JsonObject>? payload = null, Func<byte[], byte[]>? sign = null) =>
        Assert.Equal(refusal, (await Decide(Forge(header, payload, sign))).Refusal);

    /// <summary>Takes a good token apart, changes it, and signs it anew with the authority's key unless told otherwise.</summary>
    private string Forge(Action<JsonObject>? header = null, Action<JsonObject>? payload = null, Func<byte[], byte[]>? sign = null)
    {
        var parts = _issuer.Issue(SystemOf("police"), Police, ["referrals.read"]).Split('.');
        var signed = Changed(parts[0], header) + "." + Changed(parts[1], payload);
        var data = Encoding.ASCII.GetBytes(signed);
        return signed + "." + Base64Url.EncodeToString(sign is null ? _key.SignData(data, HashAlgorithmName.SHA256) : sign(data));
    }

    private static string Changed(string part, Action<JsonObject>? change)
    {
        var json = JsonNode.Parse(Base64Url.DecodeFromChars(part))!.AsObject();
        change?.Invoke(json);
        return Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    /// <summary>Answers as the authority would, and writes down what it was asked.</summary>
    private sealed class StubAuthority : HttpMessageHandler
    {
        private string _jwks = "";

        public List<string> Asked { get; } = [];

        public bool IsAway { get; set; }

        public string JwksUri { get; set; } = Issuer + "/jwks";

        public void Serve(AccessTokenIssuer issuer)
        {
            var key = issuer.PublicKey;
            _jwks = JsonSerializer.Serialize(new { keys = new[] { new { kty = key.Kty, crv = key.Crv, x = key.X, y = key.Y, kid = key.Kid, use = key.Use, alg = key.Alg } } });
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (IsAway) throw new HttpRequestException("away");
            var address = request.RequestUri!.ToString();
            Asked.Add(address);
            var body = address.EndsWith("/jwks", StringComparison.Ordinal) ? _jwks : JsonSerializer.Serialize(new { issuer = Issuer, jwks_uri = JwksUri });
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body) });
        }
    }
}
