using System.Buffers.Text;
using System.Collections.Frozen;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>
/// Decides whether a client certificate is a member system's. Trust is the configured roots alone: the machine's own store is not asked, nothing is
/// fetched over the network, and revocation is looked at on each call by <see cref="RevocationLists"/>, not here.
/// </summary>
/// <remarks>
/// The tree has three levels: root, the agency's issuing authority, the system. X.509 can limit an authority to the host of a URI but not to its path, so
/// each authority carries its agency's name (<see cref="SpiffeId.AgencyUri"/>) as its own single URI, signed by the root, and it may name only systems below it.
/// Source: design.md 3, abuse cases B06 and B08, RFC 5280 4.2.
/// </remarks>
public sealed class CertificateRules
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string AnyExtendedKeyUsage = "2.5.29.37.0";
    private const string SubjectAlternativeName = "2.5.29.17";
    private const int SmallestRsaBits = 3072;

    private static readonly FrozenSet<string> Curves = new[] { "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35" }.ToFrozenSet(StringComparer.Ordinal);

    private readonly X509Certificate2Collection _roots;

    /// <summary>Trusts these roots and no other. Refuses an empty set with <see cref="ArgumentException"/>: no roots must never mean any root.</summary>
    public CertificateRules(X509Certificate2Collection roots)
    {
        ArgumentNullException.ThrowIfNull(roots);
        if (roots.Count == 0) throw new ArgumentException("at least one trusted root is required", nameof(roots));
        _roots = roots;
    }

    /// <summary>The trusted roots, for a client that checks the exchange's own certificate.</summary>
    public X509Certificate2Collection Roots => [.. _roots];

    /// <summary>The form of <c>cnf.x5t#S256</c>: SHA-256 of the DER certificate, base64url, no padding (RFC 8705 3.1).</summary>
    public static string ThumbprintOf(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return Base64Url.EncodeToString(SHA256.HashData(certificate.RawDataMemory.Span));
    }

    /// <summary>
    /// Looks at one certificate. <paramref name="authorities"/> are candidates for the issuing authority, from the peer or from the configured folder;
    /// they are never trusted for being there.
    /// </summary>
    public CertificateDecision Decide(X509Certificate2? certificate, X509Certificate2Collection authorities, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(authorities);
        if (certificate is null) return Refuse(CertificateRefusal.Missing, "connect with the member system's client certificate");
        try
        {
            return DecideReadable(certificate, authorities, now);
        }
        catch (Exception error) when (error is AsnContentException or CryptographicException)
        {
            return Refuse(CertificateRefusal.Malformed, "the certificate cannot be read as RFC 5280 asks; have it issued anew");
        }
    }

    /// <summary>
    /// The agency an issuing authority may speak for, as <see cref="SpiffeId.AgencyUri"/>; null when the certificate is no such authority under the configured
    /// roots at this time. An authority that may not sign revocation lists is none, for nothing it issued could be taken back.
    /// </summary>
    public string? FindAgencyOfAuthority(X509Certificate2 authority, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(authority);
        try
        {
            if (!HasStrongKey(authority) || SignatureAlgorithm.OfCertificate(authority) is null) return null;
            if (Single<X509BasicConstraintsExtension>(authority) is not { CertificateAuthority: true }) return null;
            if (Single<X509KeyUsageExtension>(authority) is not { } usage || !usage.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign)) return null;
            using var chain = NewChain([], now);
            if (!chain.Build(authority) || chain.ChainElements.Count != 2) return null;
            return FindAgencyName(authority);
        }
        catch (Exception error) when (error is AsnContentException or CryptographicException)
        {
            return null;
        }
    }

    internal static string KeyOf(X509Certificate2 authority) => Base64Url.EncodeToString(SHA256.HashData(authority.PublicKey.ExportSubjectPublicKeyInfo()));

    internal static string SerialOf(ReadOnlySpan<byte> bigEndian) => Convert.ToHexString(bigEndian.TrimStart((byte)0));

    private CertificateDecision DecideReadable(X509Certificate2 certificate, X509Certificate2Collection authorities, DateTimeOffset now)
    {
        if (RepeatsAnExtension(certificate)) return Refuse(CertificateRefusal.Malformed, "an extension stands in the certificate twice; have it issued anew");
        var notBefore = new DateTimeOffset(certificate.NotBefore.ToUniversalTime());
        var notAfter = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        if (now < notBefore) return Refuse(CertificateRefusal.NotYetValid, $"valid from {notBefore:u}; check the clock of the machine that issued it");
        if (now > notAfter) return Refuse(CertificateRefusal.Expired, $"expired at {notAfter:u}; renew it with the agency's issuing authority");
        if (Single<X509KeyUsageExtension>(certificate) is not { } usage || !usage.KeyUsages.HasFlag(X509KeyUsageFlags.DigitalSignature))
            return Refuse(CertificateRefusal.KeyUsage, "key usage must hold digitalSignature");
        if (!HasStrongKey(certificate)) return Refuse(CertificateRefusal.WeakKey, "use a key on P-256 or better, or RSA of 3072 bits or more");
        if (SignatureAlgorithm.OfCertificate(certificate) is null) return Refuse(CertificateRefusal.WeakSignature, "have it signed with SHA-256 or better");
        if (Single<X509BasicConstraintsExtension>(certificate) is { CertificateAuthority: true })
            return Refuse(CertificateRefusal.IsAuthority, "an authority's certificate cannot stand for a system; use the system's own");
        if (!IsForClients(certificate)) return Refuse(CertificateRefusal.ExtendedKeyUsage, "extended key usage must hold clientAuth and must not hold anyExtendedKeyUsage");
        if (FindOnlyUri(certificate) is not { } name) return Refuse(CertificateRefusal.NotOneName, "the subject alternative names must hold exactly one URI and no name of a person");
        if (!SpiffeId.TryParse(name, out var id)) return Refuse(CertificateRefusal.NameShape, $"the URI must be {SpiffeId.Prefix}<jurisdiction>/<agency-code>/<system>, all lower case");

        using var chain = NewChain(authorities, now);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        if (!chain.Build(certificate)) return Refuse(CertificateRefusal.Untrusted, $"does not chain to the exchange's roots ({StatusOf(chain)}); send the issuing authority with it");
        if (chain.ChainElements.Count != 3) return Refuse(CertificateRefusal.Untrusted, "must be issued by an agency's issuing authority directly under a root");
        var authority = chain.ChainElements[1].Certificate;
        if (SignatureAlgorithm.OfCertificate(authority) is null) return Refuse(CertificateRefusal.WeakSignature, "the issuing authority must be signed with SHA-256 or better");
        if (!HasStrongKey(authority)) return Refuse(CertificateRefusal.WeakKey, "the issuing authority's key must be on P-256 or better, or RSA of 3072 bits or more");
        if (!string.Equals(FindAgencyName(authority), id.AgencyUri, StringComparison.Ordinal))
            return Refuse(CertificateRefusal.IssuerOfAnotherAgency, "an issuing authority may name only systems of its own agency");

        return CertificateDecision.Accept(new MemberCertificate(
            id, ThumbprintOf(certificate), KeyOf(authority), SerialOf(certificate.SerialNumberBytes.Span), notBefore, notAfter));
    }

    private X509Chain NewChain(X509Certificate2Collection authorities, DateTimeOffset now)
    {
        var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_roots);
        chain.ChainPolicy.ExtraStore.AddRange(authorities);
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.NoFlag;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        return chain;
    }

    private static string StatusOf(X509Chain chain) => string.Join(", ", chain.ChainStatus.AsEnumerable().Select(status => status.Status.ToString()).Distinct(StringComparer.Ordinal));

    private static bool HasStrongKey(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        if (rsa is not null) return rsa.KeySize >= SmallestRsaBits;
        using var ec = certificate.GetECDsaPublicKey();
        if (ec is null) return false;
        var curve = ec.ExportParameters(includePrivateParameters: false).Curve;
        return curve.IsNamed && curve.Oid.Value is { } oid && Curves.Contains(oid);
    }

    private static bool IsForClients(X509Certificate2 certificate)
    {
        if (Single<X509EnhancedKeyUsageExtension>(certificate) is not { } extension) return false;
        var usages = extension.EnhancedKeyUsages.Cast<Oid>().Select(usage => usage.Value).ToList();
        return usages.Contains(ClientAuthentication, StringComparer.Ordinal) && !usages.Contains(AnyExtendedKeyUsage, StringComparer.Ordinal);
    }

    private static bool RepeatsAnExtension(X509Certificate2 certificate) =>
        certificate.Extensions.GroupBy(extension => extension.Oid?.Value, StringComparer.Ordinal).Any(group => group.Skip(1).Any());

    private static T? Single<T>(X509Certificate2 certificate) where T : X509Extension => certificate.Extensions.OfType<T>().SingleOrDefault();

    private static string? FindAgencyName(X509Certificate2 authority) => FindOnlyUri(authority) is { } name && SpiffeId.IsAgencyUri(name) ? name : null;

    /// <summary>The one URI among the subject alternative names; null when there is none, more than one, or a name of a person or directory entry beside it.</summary>
    /// <remarks>Names of hosts (dNSName, iPAddress) may stand beside it: they name a machine, and the exchange reads nothing from them.</remarks>
    private static string? FindOnlyUri(X509Certificate2 certificate)
    {
        var extension = certificate.Extensions.SingleOrDefault(extension => string.Equals(extension.Oid?.Value, SubjectAlternativeName, StringComparison.Ordinal));
        if (extension is null) return null;
        var outer = new AsnReader(extension.RawData, AsnEncodingRules.DER);
        var names = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        string? uri = null;
        while (names.HasData)
        {
            var tag = names.PeekTag();
            switch (tag.TagValue)
            {
                case 6 when uri is null:
                    uri = names.ReadCharacterString(UniversalTagNumber.IA5String, tag);
                    break;
                case 2 or 7:
                    names.ReadEncodedValue();
                    break;
                default:
                    return null;
            }
        }
        return uri;
    }

    private static CertificateDecision Refuse(CertificateRefusal refusal, string advice) => CertificateDecision.Refuse(refusal, advice);
}
