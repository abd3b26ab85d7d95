using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>The TLS settings both ends of every connection of the exchange agree on: TLS 1.3 only, both sides with a certificate under the exchange's own roots.</summary>
public static class MemberTls
{
    /// <summary>
    /// The listening side. A peer without a certificate, with one that breaks a rule, or with a revoked one ends the handshake; one whose issuer has no current
    /// revocation list is let in, to be refused call by call with an answer its operator can read. Resumed sessions are looked at in the same way (B12).
    /// </summary>
    /// <param name="decided">Called once for each handshake with the outcome, before the first byte of the application is read.</param>
    public static SslServerAuthenticationOptions ForListener(
        SslStreamCertificateContext server, CertificateRules rules, RevocationLists revocation, TimeProvider clock, Action<CertificateDecision> decided)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(revocation);
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(decided);
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = server,
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificateRequired = true,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            AllowRenegotiation = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                var authorities = revocation.Authorities;
                if (chain is not null) authorities.AddRange(chain.ChainPolicy.ExtraStore);
                var decision = rules.Decide(certificate as X509Certificate2, authorities, clock.GetUtcNow());
                if (decision.IsAccepted && revocation.StatusOf(decision.Certificate) == RevocationStatus.Revoked)
                    decision = CertificateDecision.Refuse(CertificateRefusal.Revoked, "the certificate was taken back; have a new one issued");
                decided(decision);
                return decision.IsAccepted;
            },
        };
    }

    /// <summary>The calling side. The exchange's certificate must chain to <paramref name="roots"/> and name the host that was called; nothing else is asked, nothing fetched.</summary>
    public static SslClientAuthenticationOptions ForClient(X509Certificate2Collection roots, SslStreamCertificateContext? client)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            DisableCertificateDownloads = true,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.AddRange(roots);
        return new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            CertificateChainPolicy = policy,
            ClientCertificateContext = client,
        };
    }

    /// <summary>Reads a certificate with its chain and key from PEM files, in a form every operating system's TLS can use.</summary>
    /// <param name="certificatePath">The certificate first, then its issuing authorities, root left out.</param>
    /// <param name="keyPath">The private key, PKCS#8, not encrypted; its protection is the file's mode.</param>
    public static SslStreamCertificateContext LoadIdentity(string certificatePath, string keyPath)
    {
        using var pem = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
        var usable = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(certificatePath);
        chain.RemoveAt(0);
        return SslStreamCertificateContext.Create(usable, chain, offline: true);
    }

    /// <summary>Reads the roots to trust from one PEM file. Refuses a file without a certificate with <see cref="InvalidDataException"/>.</summary>
    public static X509Certificate2Collection LoadRoots(string path)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(path);
        return roots.Count > 0 ? roots : throw new InvalidDataException($"no certificate in {path}");
    }
}
