using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Pki;

namespace SafetyNet.Exchange.Tests.Identity;

/// <summary>A clock that stands still until told; timers never fire by themselves.</summary>
internal sealed class StandingClock(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => Now.UtcTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Still();

    private sealed class Still : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() { }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>How a certificate differs from one that the sandbox would issue to the police dispatch system.</summary>
internal sealed record Deviation
{
    public string[] Uris { get; init; } = [TestPki.Police.Uri];

    public string? Email { get; init; }

    public string? DnsName { get; init; }

    public string[]? Usages { get; init; } = [TestPki.ClientAuthentication];

    public X509KeyUsageFlags KeyUsage { get; init; } = X509KeyUsageFlags.DigitalSignature;

    public bool IsAuthority { get; init; }

    public HashAlgorithmName Hash { get; init; } = HashAlgorithmName.SHA256;

    public PublicKey? Key { get; init; }

    public TimeSpan StartsIn { get; init; } = TimeSpan.FromMinutes(-1);

    public TimeSpan EndsIn { get; init; } = TimeSpan.FromDays(10);
}

/// <summary>A sandbox PKI in a folder of its own, and certificates no sandbox would issue.</summary>
public sealed class TestPki : IDisposable
{
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    public static readonly SpiffeId Police = SpiffeId.Of("tpe", "police", "dispatch");
    public static readonly SpiffeId Health = SpiffeId.Of("tpe", "health", "mental-care");

    public TestPki()
    {
        Folder = Directory.CreateTempSubdirectory("safetynet-pki-").FullName;
        Pki = SandboxPki.Ensure(Folder, [Police, Health], TimeProvider.System);
        Rules = new CertificateRules([Pki.Root]);
    }

    public string Folder { get; }

    public SandboxPki Pki { get; }

    public CertificateRules Rules { get; }

    public static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public MemberCertificate Member(SpiffeId id) => Decide(Pki.ClientCertificate(id)).Certificate!;

    public CertificateDecision Decide(X509Certificate2? certificate) => Rules.Decide(certificate, [.. Pki.Issuers.Values], Now);

    internal X509Certificate2 Issue(Deviation deviation, X509Certificate2? issuer = null)
    {
        issuer ??= Pki.LoadIssuerWithKey(Police);
        using var fresh = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName("CN=deviant"), deviation.Key ?? new PublicKey(fresh), deviation.Hash);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(deviation.IsAuthority, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(deviation.KeyUsage, critical: true));
        if (deviation.Usages is not null)
        {
            var usages = new OidCollection();
            foreach (var usage in deviation.Usages) usages.Add(new Oid(usage));
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        }
        var names = new SubjectAlternativeNameBuilder();
        foreach (var uri in deviation.Uris) names.AddUri(new Uri(uri, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        if (deviation.Email is not null) names.AddEmailAddress(deviation.Email);
        if (deviation.DnsName is not null) names.AddDnsName(deviation.DnsName);
        if (deviation.Uris.Length > 0) request.CertificateExtensions.Add(names.Build());
        using var key = issuer.GetECDsaPrivateKey()!;
        return request.Create(issuer.SubjectName, deviation.Hash == HashAlgorithmName.SHA1 ? new Sha1Signer(key) : X509SignatureGenerator.CreateForECDsa(key), Now + deviation.StartsIn, Now + deviation.EndsIn, RandomNumberGenerator.GetBytes(8));
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Signs as nobody should any more: ecdsa-with-SHA1 (RFC 3279 2.2.3).</summary>
    private sealed class Sha1Signer(ECDsa key) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) => Convert.FromHexString("300906072A8648CE3D0401");

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key.SignData(data, HashAlgorithmName.SHA1, DSASignatureFormat.Rfc3279DerSequence);

        protected override PublicKey BuildPublicKey() => new(key);
    }
}
