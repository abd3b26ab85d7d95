using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>How a certificate or a revocation list is signed, as far as the exchange trusts it: RSA or ECDSA over SHA-256, SHA-384 or SHA-512.</summary>
/// <remarks>Source: RFC 5758 3.2, RFC 8017 A.2.4, RFC 4055 3.1. An algorithm that is not in the list is refused, never guessed.</remarks>
internal sealed record SignatureAlgorithm(HashAlgorithmName Hash, RSASignaturePadding? RsaPadding)
{
    private const string RsaPss = "1.2.840.113549.1.1.10";

    /// <summary>Reads an AlgorithmIdentifier. Null when it is not one the exchange trusts.</summary>
    public static SignatureAlgorithm? Find(ReadOnlyMemory<byte> algorithmIdentifier)
    {
        var sequence = new AsnReader(algorithmIdentifier, AsnEncodingRules.DER).ReadSequence();
        var oid = sequence.ReadObjectIdentifier();
        return oid switch
        {
            "1.2.840.113549.1.1.11" => new(HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "1.2.840.113549.1.1.12" => new(HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
            "1.2.840.113549.1.1.13" => new(HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
            "1.2.840.10045.4.3.2" => new(HashAlgorithmName.SHA256, null),
            "1.2.840.10045.4.3.3" => new(HashAlgorithmName.SHA384, null),
            "1.2.840.10045.4.3.4" => new(HashAlgorithmName.SHA512, null),
            RsaPss => PssHash(sequence) is { } hash ? new(hash, RSASignaturePadding.Pss) : null,
            _ => null,
        };
    }

    /// <summary>Reads how a DER certificate is signed. Null when it is not a way the exchange trusts. Throws <see cref="AsnContentException"/> on bytes that are no certificate.</summary>
    public static SignatureAlgorithm? OfCertificate(X509Certificate2 certificate)
    {
        var fields = new AsnReader(certificate.RawDataMemory, AsnEncodingRules.DER).ReadSequence();
        fields.ReadEncodedValue();
        return Find(fields.ReadEncodedValue());
    }

    /// <summary>True when the signature over <paramref name="signed"/> is by the authority's key. False too when key and algorithm do not fit.</summary>
    public bool Verifies(X509Certificate2 authority, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        if (RsaPadding is not null)
        {
            using var rsa = authority.GetRSAPublicKey();
            return rsa is not null && rsa.VerifyData(signed, signature, Hash, RsaPadding);
        }
        using var ec = authority.GetECDsaPublicKey();
        return ec is not null && ec.VerifyData(signed, signature, Hash, DSASignatureFormat.Rfc3279DerSequence);
    }

    // RSASSA-PSS-params: hashAlgorithm [0] with SHA-1 as its default, so an absent one is a refusal.
    private static HashAlgorithmName? PssHash(AsnReader sequence)
    {
        if (!sequence.HasData) return null;
        var parameters = sequence.ReadSequence();
        var hashTag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        if (!parameters.HasData || parameters.PeekTag() != hashTag) return null;
        return parameters.ReadSequence(hashTag).ReadSequence().ReadObjectIdentifier() switch
        {
            "2.16.840.1.101.3.4.2.1" => HashAlgorithmName.SHA256,
            "2.16.840.1.101.3.4.2.2" => HashAlgorithmName.SHA384,
            "2.16.840.1.101.3.4.2.3" => HashAlgorithmName.SHA512,
            _ => null,
        };
    }
}
