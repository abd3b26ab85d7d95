using System.Diagnostics.CodeAnalysis;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>A client certificate that has passed every rule of <see cref="CertificateRules"/>, reduced to what later steps ask about it.</summary>
/// <param name="Id">The member system it names.</param>
/// <param name="ThumbprintSha256">SHA-256 of the DER certificate, base64url without padding: the form of <c>cnf.x5t#S256</c> (RFC 8705 3.1). 43 characters; compare ordinally.</param>
/// <param name="IssuerKey">The issuing authority's key: SHA-256 of its SubjectPublicKeyInfo, base64url without padding.</param>
/// <param name="Serial">Serial number in upper-case hexadecimal without leading zeros, as <see cref="RevocationLists"/> keeps them.</param>
/// <param name="NotBefore">First instant of validity, inclusive, UTC.</param>
/// <param name="NotAfter">Last instant of validity, inclusive, UTC. A connection may outlive it: look at it on each call.</param>
public sealed record MemberCertificate(
    SpiffeId Id, string ThumbprintSha256, string IssuerKey, string Serial, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

/// <summary>Why a certificate is not a member's, in the order in which the rules are looked at; the first that fails is the answer.</summary>
public enum CertificateRefusal
{
    /// <summary>Every rule holds.</summary>
    None = 0,

    /// <summary>The peer sent no certificate.</summary>
    Missing,

    /// <summary>An extension cannot be read, or stands there twice.</summary>
    Malformed,

    /// <summary>Before its first or after its last instant (B08).</summary>
    NotYetValid,
    Expired,

    /// <summary>Key usage lacks digitalSignature.</summary>
    KeyUsage,

    /// <summary>Neither EC on P-256, P-384, P-521 nor RSA of 3072 bits or more, on the certificate or its issuer (B08).</summary>
    WeakKey,

    /// <summary>Signed with SHA-1, MD5 or an algorithm nobody vouches for, below the root (B08).</summary>
    WeakSignature,

    /// <summary>An authority's certificate used as a system's.</summary>
    IsAuthority,

    /// <summary>No extended key usage, none that says clientAuth, or anyExtendedKeyUsage (B06).</summary>
    ExtendedKeyUsage,

    /// <summary>Not exactly one URI among the subject alternative names, or a further name of a person or directory entry (B08).</summary>
    NotOneName,

    /// <summary>The URI is not a member system's name in its one spelling (B08).</summary>
    NameShape,

    /// <summary>Does not chain to the configured roots through exactly one issuing authority.</summary>
    Untrusted,

    /// <summary>The issuing authority names no agency, or another one than the certificate.</summary>
    IssuerOfAnotherAgency,

    /// <summary>On its issuer's revocation list.</summary>
    Revoked,
}

/// <summary>The outcome of looking at one certificate: a member's certificate, or why not and what its owner can do about it.</summary>
public sealed record CertificateDecision
{
    private CertificateDecision(MemberCertificate? certificate, CertificateRefusal refusal, string advice)
    {
        Certificate = certificate;
        Refusal = refusal;
        Advice = advice;
    }

    /// <summary>Set exactly when <see cref="Refusal"/> is <see cref="CertificateRefusal.None"/>.</summary>
    public MemberCertificate? Certificate { get; }

    public CertificateRefusal Refusal { get; }

    /// <summary>What to do, for the log of the side that refused; empty when accepted. Holds nothing secret.</summary>
    public string Advice { get; }

    [MemberNotNullWhen(true, nameof(Certificate))]
    public bool IsAccepted => Certificate is not null;

    internal static CertificateDecision Accept(MemberCertificate certificate) => new(certificate, CertificateRefusal.None, "");

    internal static CertificateDecision Refuse(CertificateRefusal refusal, string advice) => new(null, refusal, advice);
}
