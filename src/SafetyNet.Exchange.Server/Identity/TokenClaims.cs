using System.Collections.Frozen;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Server.Identity;

/// <summary>What a validated access token says about the system that calls. Immutable; shared by all calls that carry the same token.</summary>
/// <param name="ClientId">The member system; the token's <c>client_id</c> and <c>sub</c>.</param>
/// <param name="Classes">Confidentiality classes the agency may hold at all.</param>
/// <param name="TokenId">The token's <c>jti</c>, for the access log.</param>
/// <param name="ExpiresAt">The token's <c>exp</c>, UTC; the clock skew is not yet added.</param>
internal sealed record TokenClaims(
    SpiffeId ClientId,
    string Agency,
    Wire.AgencyKind AgencyKind,
    Wire.Jurisdiction Jurisdiction,
    string System,
    FrozenSet<string> Scopes,
    FrozenSet<Wire.ConfidentialityClass> Classes,
    string TokenId,
    DateTimeOffset ExpiresAt);

/// <summary>Why an access token is refused, in the order in which it is looked at; the first that fails is the answer.</summary>
internal enum TokenRefusal
{
    None = 0,

    /// <summary>No <c>authorization</c> metadata, more than one, or not <c>Bearer</c>.</summary>
    Missing,

    /// <summary>Not a signed JWT of at most 8 KiB, or a header or payload that is no JSON object or names a thing twice.</summary>
    Malformed,

    /// <summary><c>typ</c> is not exactly <c>at+jwt</c> (B04).</summary>
    Type,

    /// <summary><c>alg</c> is not ES256: none, a shared-secret or another one (B03).</summary>
    Algorithm,

    /// <summary>The header brings or points to a key of its own (<c>jwk</c>, <c>jku</c>, <c>x5c</c>, <c>x5u</c>) or demands an extension (<c>crit</c>) (B03).</summary>
    HostileHeader,

    /// <summary>The authority's keys have never been read; a retry may help.</summary>
    KeysUnavailable,

    /// <summary><c>kid</c> is missing or none of the authority's.</summary>
    UnknownKey,
    Signature,
    Issuer,
    Audience,

    /// <summary>Past <c>exp</c>, or none.</summary>
    Expired,

    /// <summary>Before <c>nbf</c> or <c>iat</c>.</summary>
    NotYetValid,

    /// <summary>No <c>cnf.x5t#S256</c>, or another than the connection's certificate, letter for letter (B01, B02).</summary>
    OtherCertificate,

    /// <summary>A claim of the exchange is missing, of another shape, or at odds with another claim.</summary>
    Claims,
}

/// <summary>The outcome of looking at one token: exactly one of the two is set.</summary>
internal readonly record struct TokenDecision(TokenClaims? Claims, TokenRefusal Refusal);
