namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>
/// What issuer and exchange must agree on in an access token: a JWT of type <c>at+jwt</c> (RFC 9068), signed with ES256, bound to a client certificate by
/// <c>cnf.x5t#S256</c> (RFC 8705). Every claim below is required.
/// </summary>
public static class TokenFormat
{
    public const string Type = "at+jwt";
    public const string Algorithm = "ES256";

    /// <summary>The member system, as in its certificate; <c>sub</c> holds the same text.</summary>
    public const string ClientId = "client_id";

    /// <summary>Scopes separated by one space (RFC 6749 3.3).</summary>
    public const string Scope = "scope";

    /// <summary>Agency code within the jurisdiction, lower case.</summary>
    public const string Agency = "agency";

    /// <summary>Name of domain.md 2.1, for example <c>SOCIAL_WELFARE</c>.</summary>
    public const string AgencyKind = "agency_kind";

    /// <summary>Code of domain.md 2.3, upper case, for example <c>TPE</c>.</summary>
    public const string Jurisdiction = "jurisdiction";

    /// <summary>Last segment of the member system's name.</summary>
    public const string System = "system";

    /// <summary>Array of names of domain.md 2.6: the confidentiality classes the agency may hold at all.</summary>
    public const string Classes = "classes";

    public const string Confirmation = "cnf";
    public const string ConfirmationThumbprint = "x5t#S256";
}
