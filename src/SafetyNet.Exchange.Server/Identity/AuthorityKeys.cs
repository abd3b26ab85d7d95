using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace SafetyNet.Exchange.Server.Identity;

/// <summary>
/// The token authority's public keys, read from its discovery document and key set. They are read again for a key id nobody knows, at most once in 30 seconds, and every
/// ten minutes in any case; while the authority cannot be reached, the keys last read stay in force.
/// </summary>
/// <remarks>The only addresses ever called are the configured authority's own; nothing in a token or key set leads elsewhere (B03).</remarks>
internal sealed class AuthorityKeys : IDisposable
{
    private static readonly TimeSpan RefreshForUnknownKeyEvery = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryWithoutKeysEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefreshEvery = TimeSpan.FromMinutes(10);

    private readonly HttpClient _http;
    private readonly Uri _authority;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _reading = new(1, 1);
    private volatile KeySet _keys = new(FrozenDictionary<string, ECDsaSecurityKey>.Empty, 0);
    private long _triedAt;
    private bool _tried;
    private int _refreshing;

    /// <param name="http">Calls the authority over mutual TLS with the exchange's certificate and the configured roots, see <see cref="NewClient"/>.</param>
    /// <param name="authority">The issuer's address, exactly as it stands in <c>iss</c>; https.</param>
    public AuthorityKeys(HttpClient http, Uri authority, TimeProvider clock, ILogger log)
    {
        if (!string.Equals(authority.Scheme, Uri.UriSchemeHttps, StringComparison.Ordinal)) throw new ArgumentException("the token authority must be an https address", nameof(authority));
        _http = http;
        _authority = authority;
        _clock = clock;
        _log = log;
    }

    /// <summary>Grows when a key was withdrawn: what was validated before is to be looked at again.</summary>
    public int Generation => _keys.Generation;

    public bool HasKeys => _keys.ById.Count > 0;

    /// <summary>A client that trusts the configured roots alone, shows the exchange's certificate, follows no redirect, and gives up after 5 seconds or 64 KiB.</summary>
    public static HttpClient NewClient(System.Net.Security.SslClientAuthenticationOptions tls) => new(new SocketsHttpHandler
    {
        SslOptions = tls,
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
    })
    { Timeout = TimeSpan.FromSeconds(5), MaxResponseContentBufferSize = 64 * 1024 };

    /// <summary>The authority's key of this id; null when it has none. Waits for the authority only when the id is unknown.</summary>
    public ValueTask<ECDsaSecurityKey?> FindAsync(string kid, CancellationToken cancellation)
    {
        if (!_keys.ById.TryGetValue(kid, out var key)) return new(FindAfterReadingAsync(kid, cancellation));
        if (IsDue(RefreshEvery) && Interlocked.Exchange(ref _refreshing, 1) == 0) _ = RefreshInBackgroundAsync();
        return new(key);
    }

    public void Dispose()
    {
        _http.Dispose();
        _reading.Dispose();
    }

    private bool IsDue(TimeSpan every) => !Volatile.Read(ref _tried) || _clock.GetElapsedTime(Volatile.Read(ref _triedAt)) >= every;

    private async Task<ECDsaSecurityKey?> FindAfterReadingAsync(string kid, CancellationToken cancellation)
    {
        await _reading.WaitAsync(cancellation);
        try
        {
            if (!_keys.ById.ContainsKey(kid) && IsDue(HasKeys ? RefreshForUnknownKeyEvery : RetryWithoutKeysEvery)) await ReadAsync(cancellation);
        }
        finally
        {
            _reading.Release();
        }
        return _keys.ById.GetValueOrDefault(kid);
    }

    private async Task RefreshInBackgroundAsync()
    {
        await _reading.WaitAsync();
        try
        {
            if (IsDue(RefreshEvery)) await ReadAsync(CancellationToken.None);
        }
        finally
        {
            _reading.Release();
            Volatile.Write(ref _refreshing, 0);
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        Volatile.Write(ref _triedAt, _clock.GetTimestamp());
        Volatile.Write(ref _tried, true);
        try
        {
            using var discovery = JsonDocument.Parse(await _http.GetStringAsync(Below(".well-known/openid-configuration"), cancellation));
            if (!string.Equals(discovery.RootElement.GetProperty("issuer").GetString(), _authority.OriginalString, StringComparison.Ordinal))
                throw new InvalidDataException("the discovery document is another issuer's");
            var address = new Uri(discovery.RootElement.GetProperty("jwks_uri").GetString()!, UriKind.Absolute);
            if (Uri.Compare(address, _authority, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) != 0)
                throw new InvalidDataException("the key set lies on another host than the authority");
            var keys = Parse(await _http.GetStringAsync(address, cancellation));
            if (keys.Count == 0) throw new InvalidDataException("the key set has no ES256 key");
            var withdrawn = _keys.ById.Keys.Any(known => !keys.ContainsKey(known));
            _keys = new KeySet(keys, _keys.Generation + (withdrawn ? 1 : 0));
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException or JsonException or InvalidDataException or KeyNotFoundException
            or InvalidOperationException or UriFormatException or ArgumentNullException or FormatException or CryptographicException)
        {
            cancellation.ThrowIfCancellationRequested();
            _log.AuthorityUnreachable(_authority, _keys.ById.Count, error);
        }
    }

    private Uri Below(string path) => new(_authority.OriginalString.TrimEnd('/') + "/" + path);

    /// <summary>Takes EC P-256 signing keys with an id; everything else in the set is not for access tokens (RFC 7517, RFC 7518 6.2).</summary>
    private static FrozenDictionary<string, ECDsaSecurityKey> Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var keys = new Dictionary<string, ECDsaSecurityKey>(StringComparer.Ordinal);
        foreach (var key in document.RootElement.GetProperty("keys").EnumerateArray())
        {
            if (Text(key, "kty") is not "EC" || Text(key, "crv") is not "P-256" || Text(key, "use") is not (null or "sig") || Text(key, "alg") is not (null or "ES256")) continue;
            if (Text(key, "kid") is not { Length: > 0 } kid || Text(key, "x") is not { } x || Text(key, "y") is not { } y) continue;
            var point = new ECPoint { X = Base64UrlEncoder.DecodeBytes(x), Y = Base64UrlEncoder.DecodeBytes(y) };
            var curve = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = point });
            keys[kid] = new ECDsaSecurityKey(curve) { KeyId = kid };
        }
        return keys.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) ? value.ValueKind == JsonValueKind.String ? value.GetString() : "" : null;

    private sealed record KeySet(FrozenDictionary<string, ECDsaSecurityKey> ById, int Generation);
}
