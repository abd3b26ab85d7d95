using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http;
using System.Text.Json;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Protocol.Client;

/// <summary>
/// Asks the token service for an access token: OAuth 2.0 client credentials, the client known by its TLS certificate (RFC 6749 4.4, RFC 8705 2.1).
/// </summary>
/// <remarks>The token endpoint is found once by discovery (RFC 8414, then OpenID Connect's form of it); an mTLS alias of it is preferred (RFC 8705 5).</remarks>
public sealed class TokenService
{
    private static readonly string[] DiscoveryPaths = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

    private readonly HttpClient _http;
    private readonly Uri _authority;
    private readonly SpiffeId _client;
    private readonly IReadOnlyList<string> _scopes;
    private Uri? _endpoint;

    /// <param name="http">Presents the client's certificate.</param>
    /// <param name="authority">Address of the token service.</param>
    /// <param name="client">The system that asks; its SPIFFE id is its <c>client_id</c>.</param>
    /// <param name="scopes">Scopes to ask for; empty: all that the client may have.</param>
    public TokenService(HttpClient http, Uri authority, SpiffeId client, IReadOnlyList<string> scopes)
    {
        _http = http;
        _authority = authority;
        _client = client;
        _scopes = scopes;
    }

    /// <summary>Fetches a token.</summary>
    /// <exception cref="TokenRefusedException">The service answered, and not with a token.</exception>
    /// <exception cref="HttpRequestException">The service cannot be reached, or one of the two certificates was not accepted.</exception>
    public async Task<IssuedToken> RequestAsync(CancellationToken cancellation)
    {
        _endpoint ??= await DiscoverAsync(cancellation);
        using var form = new FormUrlEncodedContent(FormOf(_client, _scopes));
        using var answer = await _http.PostAsync(_endpoint, form, cancellation);
        return Read(answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellation));
    }

    /// <summary>The form of a request, in order.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> FormOf(SpiffeId client, IReadOnlyList<string> scopes)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(scopes);
        var form = new List<KeyValuePair<string, string>> { new("grant_type", "client_credentials"), new("client_id", client.Uri) };
        if (scopes.Count > 0)
            form.Add(new("scope", string.Join(' ', scopes)));
        return form;
    }

    /// <summary>Reads the answer of the token endpoint (RFC 6749 5.1, 5.2).</summary>
    /// <exception cref="TokenRefusedException">It is not a bearer token with a lifetime.</exception>
    public static IssuedToken Read(HttpStatusCode status, string body)
    {
        if (!TryParseObject(body, out var json))
            throw new TokenRefusedException("invalid_response", $"The token service answered {(int)status} without a JSON object.");
        if (status != HttpStatusCode.OK)
            throw new TokenRefusedException(Text(json, "error") ?? "invalid_response", Text(json, "error_description") ?? $"The token service answered {(int)status}.");
        if (Text(json, "access_token") is not { Length: > 0 } token)
            throw new TokenRefusedException("invalid_response", "The answer holds no access_token.");
        if (!string.Equals(Text(json, "token_type") ?? "Bearer", "Bearer", StringComparison.OrdinalIgnoreCase))
            throw new TokenRefusedException("invalid_response", "The token is not a bearer token.");
        if (!json.TryGetProperty("expires_in", out var expires) || expires.ValueKind != JsonValueKind.Number || !expires.TryGetInt64(out var seconds) || seconds is < 1 or > 86_400)
            throw new TokenRefusedException("invalid_response", "The answer holds no expires_in between 1 and 86400 seconds.");
        return new IssuedToken(token, TimeSpan.FromSeconds(seconds));
    }

    private async Task<Uri> DiscoverAsync(CancellationToken cancellation)
    {
        foreach (var path in DiscoveryPaths)
        {
            using var answer = await _http.GetAsync(new Uri(_authority, path), cancellation);
            if (answer.StatusCode == HttpStatusCode.NotFound)
                continue;
            if (!answer.IsSuccessStatusCode)
                throw new TokenRefusedException("discovery_failed", $"{path} answered {(int)answer.StatusCode}.");
            return EndpointOf(await answer.Content.ReadAsStringAsync(cancellation));
        }

        throw new TokenRefusedException("discovery_failed", $"{_authority} has no authorization server metadata.");
    }

    /// <summary>The token endpoint in the metadata of the service.</summary>
    /// <exception cref="TokenRefusedException">There is none, or it is not https.</exception>
    public static Uri EndpointOf(string metadata)
    {
        string? found = null;
        if (TryParseObject(metadata, out var json))
        {
            found = json.TryGetProperty("mtls_endpoint_aliases", out var aliases) && aliases.ValueKind == JsonValueKind.Object ? Text(aliases, "token_endpoint") : null;
            found ??= Text(json, "token_endpoint");
        }

        return Uri.TryCreate(found, UriKind.Absolute, out var endpoint) && string.Equals(endpoint.Scheme, Uri.UriSchemeHttps, StringComparison.Ordinal)
            ? endpoint
            : throw new TokenRefusedException("discovery_failed", "The metadata of the token service names no https token_endpoint.");
    }

    private static bool TryParseObject(string text, out JsonElement json)
    {
        json = default;
        try
        {
            using var document = JsonDocument.Parse(text);
            json = document.RootElement.Clone();
            return json.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>The token service gave no token.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "Never without the service's error code.")]
public sealed class TokenRefusedException : Exception
{
    /// <param name="error">Error code of RFC 6749 5.2, e.g. <c>invalid_client</c>; or <c>invalid_response</c>, <c>discovery_failed</c> where the service did not speak the protocol.</param>
    /// <param name="description">For the engineer; nothing secret.</param>
    public TokenRefusedException(string error, string description)
        : base($"No access token: {error}. {description}") => Error = error;

    public string Error { get; }
}
