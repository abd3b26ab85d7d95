using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Identity;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>Step 1: the certificate of the connection, the token of the call and the registry name one active system.</summary>
internal sealed class IdentityStep(AccessTokens tokens, RevocationLists revocation, TimeProvider clock, string tokenEndpoint)
{
    public async ValueTask AdmitAsync(Call call, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        var connection = http.GetMember();
        call.Connection = connection;
        var header = http.Request.Headers.Authorization;
        var token = await tokens.DecideAsync(header.Count == 0 ? null : header.ToString(), connection, context.CancellationToken);
        if (token.Claims is not { } claims) throw Because(token.Refusal);
        var refusal = MemberAgreement.Decide(
            connection.Certificate, revocation.StatusOf(connection.Certificate), claims, call.Members, clock.GetUtcNow(), out var member);
        if (member is null) throw Because(refusal, connection.Certificate);
        call.Member = member;
    }

    private Refusal Because(TokenRefusal refusal) => refusal switch
    {
        TokenRefusal.Missing => new Refusal(Wire.ErrorReason.TokenMissing, ("token_endpoint", tokenEndpoint)),
        TokenRefusal.Expired => new Refusal(Wire.ErrorReason.TokenExpired),
        TokenRefusal.KeysUnavailable => new Refusal(Wire.ErrorReason.AuthorityUnavailable) { RetryAfter = TimeSpan.FromSeconds(2) },
        TokenRefusal.OtherCertificate => new Refusal(Wire.ErrorReason.TokenCertificateMismatch),
        _ => new Refusal(Wire.ErrorReason.TokenNotAccepted, ("rule", refusal.ToString())),
    };

    private static Refusal Because(AgreementRefusal refusal, MemberCertificate certificate) => refusal switch
    {
        AgreementRefusal.CertificateRevoked or AgreementRefusal.RevocationUnknown => new Refusal(Wire.ErrorReason.CertificateRevoked),
        AgreementRefusal.CertificateExpired => new Refusal(Wire.ErrorReason.CertificateNotAccepted, ("rule", nameof(CertificateRefusal.Expired))),
        AgreementRefusal.Suspended => new Refusal(Wire.ErrorReason.MemberSuspended, ("member", certificate.Id.Uri)),
        _ => new Refusal(Wire.ErrorReason.IdentityMismatch),
    };
}
