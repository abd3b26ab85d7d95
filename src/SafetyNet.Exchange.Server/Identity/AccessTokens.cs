using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Server.Identity;

/// <summary>
/// Validates the access token of each call: issued by the authority, for this exchange, now, and to the holder of the certificate that the connection was made with.
/// A token seen before on the same certificate is answered from memory; checking its signature every time would cost more than the rest of the call.
/// </summary>
/// <remarks>Source: RFC 9068 4, RFC 8705 3, RFC 8725, abuse cases B01 to B04.</remarks>
internal sealed class AccessTokens
{
    /// <summary>How far the clocks of authority and exchange may lie apart.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    private const string Bearer = "Bearer ";
    private const int LongestToken = 8 * 1024;
    private static readonly string[] HostileHeaders = ["jwk", "jku", "x5c", "x5u", "crit"];
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    private readonly AuthorityKeys _keys;
    private readonly string _issuer;
    private readonly string _audience;
    private readonly TimeProvider _clock;
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly ValidatedTokens _validated;

    /// <summary>Refuses an empty issuer or audience with <see cref="ArgumentException"/>: neither may ever mean any (B05).</summary>
    /// <param name="capacity">Most validated tokens kept in memory, 2 or more.</param>
    public AccessTokens(AuthorityKeys keys, string issuer, string audience, TimeProvider clock, int capacity = 20_000)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(issuer);
        ArgumentException.ThrowIfNullOrWhiteSpace(audience);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 2);
        _keys = keys;
        _issuer = issuer;
        _audience = audience;
        _clock = clock;
        _validated = new ValidatedTokens(capacity);
    }

    /// <summary>
    /// The same on an open connection, which nearly always sends the token that it sent last: that one is known again by its text, without a hash. The text stays
    /// in memory for as long as the connection, whose decoder keeps the header anyway.
    /// </summary>
    public ValueTask<TokenDecision> DecideAsync(string? authorization, MemberConnection connection, CancellationToken cancellation)
    {
        var generation = _keys.Generation;
        if (connection.LastToken is { } last && last.Generation == generation && string.Equals(last.Authorization, authorization, StringComparison.Ordinal))
            return new(StillValid(last.Claims));
        return RememberAsync(DecideAsync(authorization, connection.Certificate, cancellation), authorization, connection, generation);
    }

    /// <summary>Looks at the value of <c>authorization</c> on a connection made with the certificate of this thumbprint. Completes at once for a token seen before.</summary>
    /// <param name="authorization">The header as sent; null, or several values joined, are refused.</param>
    public ValueTask<TokenDecision> DecideAsync(string? authorization, MemberCertificate certificate, CancellationToken cancellation)
    {
        if (authorization is null || !authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return new(Refuse(TokenRefusal.Missing));
        if (authorization.Length - Bearer.Length is <= 0 or > LongestToken || !Ascii.IsValid(authorization)) return new(Refuse(TokenRefusal.Malformed));
        var key = TokenKey.Of(authorization.AsSpan(Bearer.Length), certificate.ThumbprintSha256);
        if (_validated.Find(key, _keys.Generation) is { } known)
            return new(StillValid(known));
        return new(DecideNewAsync(authorization[Bearer.Length..], key, certificate, cancellation));
    }

    private static async ValueTask<TokenDecision> RememberAsync(
        ValueTask<TokenDecision> deciding, string? authorization, MemberConnection connection, int generation)
    {
        var decision = await deciding;
        if (decision.Claims is { } claims) connection.LastToken = new TokenOfConnection(authorization!, claims, generation);
        return decision;
    }

    private TokenDecision StillValid(TokenClaims claims) =>
        _clock.GetUtcNow() < claims.ExpiresAt + ClockSkew ? new TokenDecision(claims, TokenRefusal.None) : Refuse(TokenRefusal.Expired);

    private async Task<TokenDecision> DecideNewAsync(string text, TokenKey key, MemberCertificate certificate, CancellationToken cancellation)
    {
        if (HeaderRefusal(text, out var kid) is var refusal and not TokenRefusal.None) return Refuse(refusal);
        var generation = _keys.Generation;
        var signingKey = kid.Length == 0 ? null : await _keys.FindAsync(kid, cancellation);
        if (signingKey is null) return Refuse(_keys.HasKeys || kid.Length == 0 ? TokenRefusal.UnknownKey : TokenRefusal.KeysUnavailable);

        var result = await _handler.ValidateTokenAsync(text, new TokenValidationParameters
        {
            ValidTypes = [TokenFormat.Type],
            ValidAlgorithms = [TokenFormat.Algorithm],
            IssuerSigningKey = signingKey,
            TryAllIssuerSigningKeys = false,
            ValidIssuer = _issuer,
            ValidAudience = _audience,
            // Looked at below, by our own clock.
            ValidateLifetime = false,
        });
        if (!result.IsValid)
        {
            return Refuse(result.Exception switch
            {
                SecurityTokenInvalidAudienceException => TokenRefusal.Audience,
                SecurityTokenInvalidIssuerException => TokenRefusal.Issuer,
                SecurityTokenSignatureKeyNotFoundException => TokenRefusal.UnknownKey,
                _ => TokenRefusal.Signature,
            });
        }
        var decision = DecidePayload(text, certificate);
        if (decision.Claims is { } claims) _validated.Keep(key, claims, generation);
        return decision;
    }

    private static TokenRefusal HeaderRefusal(string text, out string kid)
    {
        kid = "";
        var parts = text.Split('.');
        if (parts.Length != 3 || ParsePart(parts[0]) is not { } document) return TokenRefusal.Malformed;
        using (document)
        {
            var header = document.RootElement;
            if (header.ValueKind != JsonValueKind.Object) return TokenRefusal.Malformed;
            if (Text(header, "typ") is not TokenFormat.Type) return TokenRefusal.Type;
            if (Text(header, "alg") is not TokenFormat.Algorithm) return TokenRefusal.Algorithm;
            if (HostileHeaders.Any(name => header.TryGetProperty(name, out _))) return TokenRefusal.HostileHeader;
            kid = Text(header, "kid") ?? "";
            return TokenRefusal.None;
        }
    }

    private TokenDecision DecidePayload(string text, MemberCertificate certificate)
    {
        if (ParsePart(text.Split('.')[1]) is not { } document) return Refuse(TokenRefusal.Malformed);
        using (document)
        {
            var payload = document.RootElement;
            if (payload.ValueKind != JsonValueKind.Object) return Refuse(TokenRefusal.Malformed);
            var now = _clock.GetUtcNow();
            if (Instant(payload, "exp") is not { } expiresAt || now >= expiresAt + ClockSkew) return Refuse(TokenRefusal.Expired);
            if (Instant(payload, "iat") is not { } issuedAt || now < issuedAt - ClockSkew) return Refuse(TokenRefusal.NotYetValid);
            if (payload.TryGetProperty("nbf", out _) && (Instant(payload, "nbf") is not { } notBefore || now < notBefore - ClockSkew)) return Refuse(TokenRefusal.NotYetValid);
            if (!payload.TryGetProperty(TokenFormat.Confirmation, out var confirmation) || confirmation.ValueKind != JsonValueKind.Object
                || Text(confirmation, TokenFormat.ConfirmationThumbprint) is not { Length: > 0 } thumbprint
                || !string.Equals(thumbprint, certificate.ThumbprintSha256, StringComparison.Ordinal))
                return Refuse(TokenRefusal.OtherCertificate);
            return ReadClaims(payload, expiresAt) is { } claims ? new TokenDecision(claims, TokenRefusal.None) : Refuse(TokenRefusal.Claims);
        }
    }

    private static TokenClaims? ReadClaims(JsonElement payload, DateTimeOffset expiresAt)
    {
        if (!SpiffeId.TryParse(Text(payload, TokenFormat.ClientId), out var client) || !string.Equals(Text(payload, "sub"), client.Uri, StringComparison.Ordinal)) return null;
        if (Text(payload, "jti") is not { Length: > 0 } tokenId || Text(payload, TokenFormat.Scope) is not { } scope) return null;
        if (!CodeNames.TryParse(Text(payload, TokenFormat.AgencyKind) ?? "", out Wire.AgencyKind kind)) return null;
        if (!CodeNames.TryParse(Text(payload, TokenFormat.Jurisdiction) ?? "", out Wire.Jurisdiction jurisdiction)) return null;
        if (!string.Equals(Text(payload, TokenFormat.Agency), client.Agency, StringComparison.Ordinal)
            || !string.Equals(Text(payload, TokenFormat.System), client.System, StringComparison.Ordinal)
            || !string.Equals(CodeNames.Of(jurisdiction).ToLowerInvariant(), client.Jurisdiction, StringComparison.Ordinal)) return null;
        if (!payload.TryGetProperty(TokenFormat.Classes, out var listed) || listed.ValueKind != JsonValueKind.Array) return null;
        var classes = new HashSet<Wire.ConfidentialityClass>();
        foreach (var item in listed.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String || !CodeNames.TryParse(item.GetString()!, out Wire.ConfidentialityClass named)) return null;
            classes.Add(named);
        }
        var scopes = scope.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);
        return new TokenClaims(client, client.Agency, kind, jurisdiction, client.System, scopes, classes.ToFrozenSet(), tokenId, expiresAt);
    }

    private static JsonDocument? ParsePart(string part)
    {
        try
        {
            return JsonDocument.Parse(Base64Url.DecodeFromChars(part), Strict);
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // Seconds since 1970 (RFC 7519 2, NumericDate); a bound keeps what follows from overflowing.
    private static DateTimeOffset? Instant(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seconds) && seconds is > 0 and < 100_000_000_000
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static TokenDecision Refuse(TokenRefusal refusal) => new(null, refusal);

    /// <summary>SHA-256 over token and certificate thumbprint, so that one token on two certificates is two entries, and no token text is kept in memory.</summary>
    private readonly record struct TokenKey(ulong A, ulong B, ulong C, ulong D)
    {
        public static TokenKey Of(ReadOnlySpan<char> token, ReadOnlySpan<char> thumbprint)
        {
            Span<byte> text = stackalloc byte[token.Length + 1 + thumbprint.Length];
            Encoding.ASCII.GetBytes(token, text);
            text[token.Length] = 0;
            Encoding.ASCII.GetBytes(thumbprint, text[(token.Length + 1)..]);
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(text, hash);
            return new(BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(hash[16..]), BinaryPrimitives.ReadUInt64LittleEndian(hash[24..]));
        }
    }

    /// <summary>Validated tokens in two halves: when the young half is full it becomes the old one and the old one is forgotten. Bounded; finding takes no lock.</summary>
    private sealed class ValidatedTokens(int capacity)
    {
        private readonly Lock _turning = new();
        private volatile ConcurrentDictionary<TokenKey, Entry> _young = new();
        private volatile ConcurrentDictionary<TokenKey, Entry> _old = new();
        private int _youngCount;

        public TokenClaims? Find(TokenKey key, int generation)
        {
            if (_young.TryGetValue(key, out var entry)) return entry.Generation == generation ? entry.Claims : null;
            if (!_old.TryGetValue(key, out entry) || entry.Generation != generation) return null;
            Keep(key, entry.Claims, generation);
            return entry.Claims;
        }

        public void Keep(TokenKey key, TokenClaims claims, int generation)
        {
            lock (_turning)
            {
                if (_youngCount >= capacity / 2)
                {
                    _old = _young;
                    _young = new();
                    _youngCount = 0;
                }
                if (!_young.ContainsKey(key)) _youngCount++;
                _young[key] = new Entry(claims, generation);
            }
        }

        private sealed record Entry(TokenClaims Claims, int Generation);
    }
}
