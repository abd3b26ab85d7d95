using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Pki;

namespace SafetyNet.Exchange.Tests.Identity;

public sealed class CertificateRulesTests(TestPki pki) : IClassFixture<TestPki>
{
    [Fact]
    public void A_certificate_of_the_sandbox_is_its_members()
    {
        var decision = pki.Decide(pki.Pki.ClientCertificate(TestPki.Police));
        Assert.Equal(CertificateRefusal.None, decision.Refusal);
        Assert.Equal(TestPki.Police, decision.Certificate!.Id);
        Assert.Equal(43, decision.Certificate.ThumbprintSha256.Length);
    }

    [Fact]
    public void The_deviant_builder_without_a_deviation_is_accepted_so_each_refusal_below_is_for_its_own_reason() => Expect(CertificateRefusal.None, new Deviation());

    [Fact]
    public void The_exchange_itself_may_connect_to_the_token_service() => Assert.Equal(SandboxPki.Exchange, pki.Decide(pki.Pki.ServerCertificate).Certificate!.Id);

    [Fact]
    public void A_host_name_beside_the_uri_is_accepted() => Expect(CertificateRefusal.None, new Deviation { DnsName = "dispatch.example" });

    [Fact]
    public void No_certificate_is_refused() => Assert.Equal(CertificateRefusal.Missing, pki.Decide(null).Refusal);

    [Fact]
    public void B08_an_expired_certificate_is_refused() => Expect(CertificateRefusal.Expired, new Deviation { StartsIn = TimeSpan.FromDays(-9), EndsIn = TimeSpan.FromMinutes(-1) }, backdated: true);

    [Fact]
    public void B08_a_certificate_not_yet_valid_is_refused() => Expect(CertificateRefusal.NotYetValid, new Deviation { StartsIn = TimeSpan.FromMinutes(5) });

    [Theory]
    [InlineData(1024)]
    [InlineData(2048)]
    public void B08_a_short_RSA_key_is_refused(int bits)
    {
        using var key = RSA.Create(bits);
        Expect(CertificateRefusal.WeakKey, new Deviation { Key = new PublicKey(key) });
    }

    [Fact]
    public void RSA_of_3072_bits_is_enough()
    {
        using var key = RSA.Create(3072);
        Expect(CertificateRefusal.None, new Deviation { Key = new PublicKey(key) });
    }

    [Fact]
    public void A_curve_that_is_not_listed_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.CreateFromFriendlyName("secp256k1"));
        Expect(CertificateRefusal.WeakKey, new Deviation { Key = new PublicKey(key) });
    }

    [Fact]
    public void B08_a_SHA1_signature_is_refused() => Expect(CertificateRefusal.WeakSignature, new Deviation { Hash = HashAlgorithmName.SHA1 });

    [Fact]
    public void An_authoritys_certificate_is_no_systems() => Expect(CertificateRefusal.IsAuthority, new Deviation { IsAuthority = true });

    [Fact]
    public void A_key_that_may_not_sign_is_refused() => Expect(CertificateRefusal.KeyUsage, new Deviation { KeyUsage = X509KeyUsageFlags.KeyAgreement });

    [Fact]
    public void B06_no_extended_key_usage_is_refused() => Expect(CertificateRefusal.ExtendedKeyUsage, new Deviation { Usages = null });

    [Fact]
    public void B06_serverAuth_alone_is_refused() => Expect(CertificateRefusal.ExtendedKeyUsage, new Deviation { Usages = [TestPki.ServerAuthentication] });

    [Fact]
    public void B06_any_usage_is_refused_even_beside_clientAuth() => Expect(CertificateRefusal.ExtendedKeyUsage, new Deviation { Usages = [TestPki.ClientAuthentication, "2.5.29.37.0"] });

    [Fact]
    public void B08_two_URIs_are_refused() => Expect(CertificateRefusal.NotOneName, new Deviation { Uris = [TestPki.Police.Uri, TestPki.Health.Uri] });

    [Fact]
    public void No_URI_is_refused() => Expect(CertificateRefusal.NotOneName, new Deviation { Uris = [] });

    [Fact]
    public void A_persons_name_beside_the_URI_is_refused() => Expect(CertificateRefusal.NotOneName, new Deviation { Email = "someone@example.tw" });

    [Fact]
    public void B08_an_upper_case_URI_is_refused() => Expect(CertificateRefusal.NameShape, new Deviation { Uris = ["spiffe://safetynet.gov.tw/TPE/police/dispatch"] });

    [Fact]
    public void An_authority_may_not_name_a_system_of_another_agency() => Expect(CertificateRefusal.IssuerOfAnotherAgency, new Deviation { Uris = [TestPki.Health.Uri] });

    [Fact]
    public void A_certificate_straight_under_the_root_is_refused()
    {
        using var root = NewRoot("CN=own root", out _);
        using var certificate = pki.Issue(new Deviation(), root);
        Assert.Equal(CertificateRefusal.Untrusted, new CertificateRules([root]).Decide(certificate, [], TestPki.Now).Refusal);
    }

    [Fact]
    public void A_root_of_the_same_name_with_another_key_is_not_trusted()
    {
        using var root = NewRoot(pki.Pki.Root.Subject, out _);
        Assert.Equal(CertificateRefusal.Untrusted, new CertificateRules([root]).Decide(pki.Pki.ClientCertificate(TestPki.Police), [.. pki.Pki.Issuers.Values], TestPki.Now).Refusal);
    }

    [Fact]
    public void A_self_signed_certificate_that_says_the_right_name_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=self", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(TestPki.ClientAuthentication)], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(TestPki.Police.Uri));
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(TestPki.Now.AddDays(-1), TestPki.Now.AddDays(1));
        Assert.Equal(CertificateRefusal.Untrusted, pki.Decide(certificate).Refusal);
    }

    [Fact]
    public void B05_rules_without_a_root_cannot_be_made() => Assert.Throws<ArgumentException>(() => new CertificateRules([]));

    [Fact]
    public void Only_an_authority_under_the_roots_has_an_agency()
    {
        Assert.Equal(TestPki.Police.AgencyUri, pki.Rules.FindAgencyOfAuthority(pki.Pki.Issuers[TestPki.Police.AgencyUri], TestPki.Now));
        Assert.Null(pki.Rules.FindAgencyOfAuthority(pki.Pki.ClientCertificate(TestPki.Police), TestPki.Now));
        Assert.Null(pki.Rules.FindAgencyOfAuthority(pki.Pki.Root, TestPki.Now));
    }

    private static X509Certificate2 NewRoot(string subject, out ECDsa key)
    {
        key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        return request.CreateSelfSigned(TestPki.Now.AddDays(-20), TestPki.Now.AddDays(20));
    }

    private void Expect(CertificateRefusal refusal, Deviation deviation, bool backdated = false)
    {
        using var certificate = pki.Issue(deviation);
        Assert.Equal(backdated, certificate.NotAfter.ToUniversalTime() < TestPki.Now.UtcDateTime);
        var decision = pki.Decide(certificate);
        Assert.Equal(refusal, decision.Refusal);
        Assert.Equal(refusal == CertificateRefusal.None, decision.Advice.Length == 0);
    }
}
