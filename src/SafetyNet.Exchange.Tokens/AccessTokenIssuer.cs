using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Tokens;

/// <summary>Writes and signs access tokens (RFC 9068) that only the holder of one certificate can use (RFC 8705 3).</summary>
public sealed class AccessTokenIssuer
{
    /// <summary>How long a token is good for. Short, for a token outlives a suspension in the registry of its issuer; the exchange looks at its own on every call.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials _credentials;
    private readonly string _audience;
    private readonly TimeProvider _clock;

    /// <param name="issuer">The service's own address as clients call it; https, without a slash at the end.</param>
    /// <param name="audience">The exchange that the tokens are for.</param>
    /// <param name="signingKey">EC on P-256 with its private part; refused with <see cref="ArgumentException"/> when it is another.</param>
    public AccessTokenIssuer(Uri issuer, string audience, ECDsa signingKey, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        ArgumentNullException.ThrowIfNull(signingKey);
        ArgumentException.ThrowIfNullOrWhiteSpace(audience);
        var point = signingKey.ExportParameters(includePrivateParameters: false);
        if (!string.Equals(point.Curve.Oid.Value, ECCurve.NamedCurves.nistP256.Oid.Value, StringComparison.Ordinal))
            throw new ArgumentException("the token key must be on P-256", nameof(signingKey));
        Issuer = issuer.OriginalString;
        _audience = audience;
        _clock = clock;
        var x = Base64Url.EncodeToString(point.Q.X);
        var y = Base64Url.EncodeToString(point.Q.Y);
        // RFC 7638 3: the key's name is the hash of its required members in this order, without spaces.
        KeyId = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""")));
        PublicKey = new PublicKeyDocument("EC", "P-256", x, y, KeyId, "sig", TokenFormat.Algorithm);
        _credentials = new SigningCredentials(new ECDsaSecurityKey(signingKey) { KeyId = KeyId }, SecurityAlgorithms.EcdsaSha256);
    }

    public string Issuer { get; }

    /// <summary>RFC 7638 thumbprint of the public key.</summary>
    public string KeyId { get; }

    /// <summary>The public key as it stands in the key set.</summary>
    public PublicKeyDocument PublicKey { get; }

    /// <summary>Issues a token for the system, bound to its certificate. The scopes have been checked against the registry by the caller.</summary>
    public string Issue(MemberSystem system, MemberCertificate certificate, IEnumerable<string> scopes)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(certificate);
        var now = _clock.GetUtcNow();
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            TokenType = TokenFormat.Type,
            SigningCredentials = _credentials,
            Claims = new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["iss"] = Issuer,
                ["aud"] = _audience,
                ["sub"] = system.Id.Uri,
                [TokenFormat.ClientId] = system.Id.Uri,
                ["iat"] = now.ToUnixTimeSeconds(),
                ["exp"] = (now + Lifetime).ToUnixTimeSeconds(),
                ["jti"] = Guid.CreateVersion7(now).ToString(),
                [TokenFormat.Scope] = string.Join(' ', scopes),
                [TokenFormat.Agency] = system.Agency.Code,
                [TokenFormat.AgencyKind] = CodeNames.Of(system.Agency.Kind),
                [TokenFormat.Jurisdiction] = CodeNames.Of(system.Agency.Jurisdiction),
                [TokenFormat.System] = system.Id.System,
                [TokenFormat.Classes] = system.Agency.Classes.Order().Select(CodeNames.Of).ToArray(),
                [TokenFormat.Confirmation] = new Dictionary<string, object>(StringComparer.Ordinal) { [TokenFormat.ConfirmationThumbprint] = certificate.ThumbprintSha256 },
            },
        });
    }
}

/// <summary>One key of the key set (RFC 7517 4, RFC 7518 6.2.1).</summary>
public sealed record PublicKeyDocument(string Kty, string Crv, string X, string Y, string Kid, string Use, string Alg);
