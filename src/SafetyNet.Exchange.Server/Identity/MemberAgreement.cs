using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Server.Identity;

/// <summary>Why certificate, token and registry do not make one caller, in the order in which they are looked at.</summary>
internal enum AgreementRefusal
{
    None = 0,

    /// <summary>The certificate was taken back.</summary>
    CertificateRevoked,

    /// <summary>The issuer's last good revocation list has run out, or there is none: nothing it issued is believed until a new one arrives.</summary>
    RevocationUnknown,

    /// <summary>The certificate's last instant is past, though the connection is still open.</summary>
    CertificateExpired,

    /// <summary>The token is another system's, or says of agency, scopes or classes what the registry does not (B01).</summary>
    Mismatch,

    /// <summary>Nobody registered the system.</summary>
    NotRegistered,

    /// <summary>The system or its agency is suspended.</summary>
    Suspended,
}

/// <summary>The system that calls, once certificate, token and registry agree.</summary>
/// <param name="System">As registered at the moment of the call.</param>
/// <param name="Token">What its token allows; never more than the registry does.</param>
internal sealed record CallingMember(MemberSystem System, TokenClaims Token, MemberCertificate Certificate);

/// <summary>Decides, on every call, whether certificate, token and registry speak of one active member. Pure; all state comes in.</summary>
/// <remarks>Source: design.md 3; abuse cases B01, B09, B11.</remarks>
internal static class MemberAgreement
{
    public static AgreementRefusal Decide(
        MemberCertificate certificate, RevocationStatus revocation, TokenClaims token, MemberDirectory members, DateTimeOffset now, out CallingMember? member)
    {
        member = null;
        if (revocation == RevocationStatus.Revoked) return AgreementRefusal.CertificateRevoked;
        if (revocation != RevocationStatus.Good) return AgreementRefusal.RevocationUnknown;
        if (now > certificate.NotAfter || now < certificate.NotBefore) return AgreementRefusal.CertificateExpired;
        if (token.ClientId != certificate.Id) return AgreementRefusal.Mismatch;
        if (members.FindSystem(certificate.Id.Uri) is not { } system) return AgreementRefusal.NotRegistered;
        if (!system.IsActive) return AgreementRefusal.Suspended;
        if (token.AgencyKind != system.Agency.Kind || token.Jurisdiction != system.Agency.Jurisdiction
            || !string.Equals(token.Agency, system.Agency.Code, StringComparison.Ordinal)
            || !token.Scopes.IsSubsetOf(system.Scopes) || !token.Classes.IsSubsetOf(system.Agency.Classes)) return AgreementRefusal.Mismatch;
        member = new CallingMember(system, token, certificate);
        return AgreementRefusal.None;
    }
}
