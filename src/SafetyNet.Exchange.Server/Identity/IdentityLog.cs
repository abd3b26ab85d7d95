using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Server.Identity;

internal static partial class IdentityLog
{
    [LoggerMessage(1001, LogLevel.Warning, "Connection from {Remote} refused: certificate {Refusal}; {Advice}")]
    public static partial void CertificateRefused(this ILogger log, System.Net.EndPoint? remote, CertificateRefusal refusal, string advice);

    [LoggerMessage(1002, LogLevel.Warning, "Connection of {Member} refused: {Open} are open already")]
    public static partial void TooManyConnections(this ILogger log, string member, int open);

    [LoggerMessage(1003, LogLevel.Warning, "Connection of {Member} is ended: {Reason}")]
    public static partial void ConnectionEnded(this ILogger log, string member, string reason);

    [LoggerMessage(1004, LogLevel.Error, "Revocation: {Problem} ({Subject}); the lists in force stay until their next update, then the issuer is closed")]
    public static partial void RevocationProblem(this ILogger log, RevocationProblem problem, string subject);

    [LoggerMessage(1005, LogLevel.Error, "Token authority {Authority} gave no usable keys; {Known} keys read before stay in force")]
    public static partial void AuthorityUnreachable(this ILogger log, Uri authority, int known, Exception error);

    [LoggerMessage(1006, LogLevel.Error, "The member registry file cannot be used; the registry read before stays in force until it is repaired")]
    public static partial void RegistryProblem(this ILogger log, Exception error);
}
