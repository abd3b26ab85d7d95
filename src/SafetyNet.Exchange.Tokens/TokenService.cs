using System.Net;
using System.Net.Security;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Tokens;

/// <summary>What the token service's listener needs to know. It takes the same certificates as the exchange, by the same rules.</summary>
public sealed record TokenListener(
    IReadOnlyList<IPEndPoint> Endpoints,
    SslStreamCertificateContext Certificate,
    CertificateRules Rules,
    RevocationLists Revocation,
    TimeProvider Clock,
    ILogger Log);

/// <summary>
/// The token endpoint with its discovery and key set: client credentials, the client known by its certificate alone (RFC 6749 4.4, RFC 8705 2.1 tls_client_auth).
/// Answers only on connections of its own listener, also when it shares a process with the exchange.
/// </summary>
public static class TokenService
{
    private const long LargestFormSizeBytes = 8 * 1024;

    /// <summary>Opens the listener: TLS 1.3 with a member's certificate or nothing; HTTP/1.1 only, so that no gRPC call can come in here.</summary>
    public static void ListenForTokens(this KestrelServerOptions kestrel, TokenListener listener)
    {
        ArgumentNullException.ThrowIfNull(kestrel);
        ArgumentNullException.ThrowIfNull(listener);
        foreach (var endpoint in listener.Endpoints)
        {
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = TimeSpan.FromSeconds(5),
                    OnConnection = context => new(MemberTls.ForListener(
                        listener.Certificate, listener.Rules, listener.Revocation, listener.Clock, decision => Remember(context.Connection, decision, listener.Log))),
                });
            });
        }
    }

    /// <summary>Maps <c>/.well-known/openid-configuration</c>, <c>/.well-known/oauth-authorization-server</c>, <c>/jwks</c> and <c>/token</c>.</summary>
    /// <param name="members">The registry in force; asked once per request.</param>
    public static void MapTokenService(
        this IEndpointRouteBuilder app, AccessTokenIssuer issuer, Func<MemberDirectory> members, RevocationLists revocation, TimeProvider clock, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        var discovery = new DiscoveryDocument(issuer.Issuer, issuer.Issuer + "/token", issuer.Issuer + "/jwks");
        var keys = new KeySetDocument([issuer.PublicKey]);
        app.MapGet("/.well-known/openid-configuration", OnOwnListener((call, _) => WriteAsync(call, discovery, Documents.Default.DiscoveryDocument)));
        app.MapGet("/.well-known/oauth-authorization-server", OnOwnListener((call, _) => WriteAsync(call, discovery, Documents.Default.DiscoveryDocument)));
        app.MapGet("/jwks", OnOwnListener((call, _) => WriteAsync(call, keys, Documents.Default.KeySetDocument)));
        app.MapPost("/token", OnOwnListener(async (call, certificate) =>
        {
            call.Response.Headers.CacheControl = "no-store";
            var decision = Decide(await ReadFormAsync(call), call.Request.Headers.Authorization, certificate, members(), revocation.StatusOf(certificate), clock.GetUtcNow());
            if (decision.Error is { } error)
            {
                log.TokenRefused(certificate.Id.Uri, error.Error, error.Description);
                call.Response.StatusCode = error.Error is "invalid_client" ? StatusCodes.Status401Unauthorized : StatusCodes.Status400BadRequest;
                await WriteAsync(call, error, Documents.Default.ErrorDocument);
                return;
            }
            var scope = string.Join(' ', decision.Scopes);
            var token = issuer.Issue(decision.System!, certificate, decision.Scopes);
            log.TokenIssued(certificate.Id.Uri, scope);
            await WriteAsync(call, new TokenDocument(token, "Bearer", (int)AccessTokenIssuer.Lifetime.TotalSeconds, scope), Documents.Default.TokenDocument);
        }));
    }

    /// <summary>Decides about a token request. Pure; refuses in the order of the lines (RFC 6749 5.2), and tells an unregistered system no more than a suspended one.</summary>
    internal static TokenRequestDecision Decide(
        IReadOnlyDictionary<string, StringValues>? form, StringValues authorization, MemberCertificate certificate, MemberDirectory members, RevocationStatus revocation, DateTimeOffset now)
    {
        if (form is null) return Refuse("invalid_request", "send application/x-www-form-urlencoded of at most 8 KiB");
        if (form.Any(field => field.Value.Count > 1)) return Refuse("invalid_request", "a parameter stands there twice");
        if (authorization.Count > 0 || form.ContainsKey("client_secret") || form.ContainsKey("client_assertion")) return Refuse("invalid_request", "the client is known by its certificate; send no other credential");
        if (!form.TryGetValue("grant_type", out var grant)) return Refuse("invalid_request", "grant_type is missing");
        if (!string.Equals(grant, "client_credentials", StringComparison.Ordinal)) return Refuse("unsupported_grant_type", "only client_credentials is served");
        if (!form.TryGetValue("client_id", out var client)) return Refuse("invalid_request", "client_id is missing; it is the URI in the client's certificate");
        if (!string.Equals(client, certificate.Id.Uri, StringComparison.Ordinal)) return Refuse("invalid_client", "client_id is not the URI in the client's certificate");
        if (revocation != RevocationStatus.Good) return Refuse("invalid_client", "the certificate was taken back, or its issuer has no current revocation list");
        if (now > certificate.NotAfter) return Refuse("invalid_client", "the certificate has expired");
        if (members.FindSystem(certificate.Id.Uri) is not { IsActive: true } system) return Refuse("invalid_client", "the system is not registered or suspended");
        var wanted = form.TryGetValue("scope", out var scope) ? scope.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries) : [.. system.Scopes];
        if (wanted.Length == 0 || !system.Scopes.IsSupersetOf(wanted)) return Refuse("invalid_scope", "ask for one or more of the scopes registered for the system");
        return new TokenRequestDecision(system, [.. wanted.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)], null);
    }

    private static TokenRequestDecision Refuse(string error, string description) => new(null, [], new ErrorDocument(error, description));

    private static async Task<Dictionary<string, StringValues>?> ReadFormAsync(HttpContext call)
    {
        if (!string.Equals(call.Request.ContentType?.Split(';')[0].Trim(), "application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)) return null;
        if (call.Request.ContentLength > LargestFormSizeBytes) return null;
        if (call.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = LargestFormSizeBytes;
        try
        {
            using var reader = new FormReader(call.Request.Body) { KeyLengthLimit = 100, ValueLengthLimit = (int)LargestFormSizeBytes, ValueCountLimit = 20 };
            return await reader.ReadFormAsync(call.RequestAborted);
        }
        catch (Exception error) when (error is InvalidDataException or Microsoft.AspNetCore.Http.BadHttpRequestException)
        {
            return null;
        }
    }

    private static RequestDelegate OnOwnListener(Func<HttpContext, MemberCertificate, Task> answer) => call =>
    {
        if (call.Features.Get<TokenConnection>() is { } connection) return answer(call, connection.Certificate);
        call.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    };

    private static Task WriteAsync<T>(HttpContext call, T document, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        call.Response.WriteAsJsonAsync(document, type, "application/json", call.RequestAborted);

    private static void Remember(ConnectionContext connection, CertificateDecision decision, ILogger log)
    {
        if (decision.IsAccepted) connection.Features.Set(new TokenConnection(decision.Certificate));
        else log.CertificateRefused(connection.RemoteEndPoint, decision.Refusal, decision.Advice);
    }

    /// <summary>The certificate a connection of this listener was made with; no other listener sets it.</summary>
    private sealed record TokenConnection(MemberCertificate Certificate);
}

/// <summary>The outcome of looking at a token request: a system with its scopes in ordinal order, or an error.</summary>
internal readonly record struct TokenRequestDecision(MemberSystem? System, IReadOnlyList<string> Scopes, ErrorDocument? Error);

/// <summary>RFC 6749 5.2.</summary>
internal sealed record ErrorDocument(string Error, [property: JsonPropertyName("error_description")] string Description);

/// <summary>RFC 6749 5.1.</summary>
internal sealed record TokenDocument(string AccessToken, string TokenType, int ExpiresIn, string Scope);

/// <summary>RFC 7517 5.</summary>
internal sealed record KeySetDocument(IReadOnlyList<PublicKeyDocument> Keys);

/// <summary>RFC 8414 2, RFC 8705 3.3; the last two are what OpenID Connect Discovery asks every provider for.</summary>
internal sealed record DiscoveryDocument(string Issuer, string TokenEndpoint, string JwksUri)
{
    public IReadOnlyList<string> GrantTypesSupported { get; } = ["client_credentials"];

    public IReadOnlyList<string> TokenEndpointAuthMethodsSupported { get; } = ["tls_client_auth"];

    public bool TlsClientCertificateBoundAccessTokens { get; } = true;

    public IReadOnlyList<string> ResponseTypesSupported { get; } = [];

    public IReadOnlyList<string> SubjectTypesSupported { get; } = ["public"];

    public IReadOnlyList<string> IdTokenSigningAlgValuesSupported { get; } = [TokenFormat.Algorithm];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ErrorDocument))]
[JsonSerializable(typeof(TokenDocument))]
[JsonSerializable(typeof(KeySetDocument))]
[JsonSerializable(typeof(DiscoveryDocument))]
internal sealed partial class Documents : JsonSerializerContext;

internal static partial class TokenLog
{
    [LoggerMessage(2001, LogLevel.Information, "Token issued to {Client} for {Scope}")]
    public static partial void TokenIssued(this ILogger log, string client, string scope);

    [LoggerMessage(2002, LogLevel.Warning, "Token refused to {Client}: {Error}, {Description}")]
    public static partial void TokenRefused(this ILogger log, string client, string error, string description);

    [LoggerMessage(2003, LogLevel.Warning, "Connection from {Remote} refused: certificate {Refusal}; {Advice}")]
    public static partial void CertificateRefused(this ILogger log, EndPoint? remote, CertificateRefusal refusal, string advice);

    [LoggerMessage(2004, LogLevel.Error, "Revocation: {Problem} ({Subject})")]
    public static partial void RevocationProblem(this ILogger log, RevocationProblem problem, string subject);

    [LoggerMessage(2005, LogLevel.Error, "The member registry cannot be used; the last good one stays in force")]
    public static partial void RegistryProblem(this ILogger log, Exception error);
}
