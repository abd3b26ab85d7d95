using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>
/// A time-stamp (時戳, RFC 3161) over a checkpoint: whoever trusts its authority knows that the log had come that far at that time, whatever the exchange says of its own
/// clock. Stamped is the checkpoint's text (docs/formats/evidence.md, sections 3 and 10), so co-signatures that come later change nothing.
/// </summary>
/// <param name="At">When the authority stamped.</param>
/// <param name="Authority">Subject of the certificate that it stamped with.</param>
public sealed record TimeStamp(DateTimeOffset At, string Authority)
{
    /// <summary>Most bytes of a token; a longer one is refused unread.</summary>
    public const int MaxTokenBytes = 64 * 1024;

    private const string TimeStamping = "1.3.6.1.5.5.7.3.8";

    /// <summary>SHA-256, SHA-384 and SHA-512: what a message imprint may be made with.</summary>
    private static readonly string[] Hashes = ["2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"];

    /// <summary>What an authority is asked: the SHA-256 of the text, a fresh nonce, and its certificate to come along.</summary>
    public static Rfc3161TimestampRequest Ask(SignedNote note)
    {
        ArgumentNullException.ThrowIfNull(note);
        return Rfc3161TimestampRequest.CreateFromData(NoteText.Encode(note.Text), HashAlgorithmName.SHA256, nonce: RandomNumberGenerator.GetBytes(16), requestSignerCertificates: true);
    }

    /// <summary>Checks a token against the checkpoint that it is said to stamp, and against the roots that the reader trusts for time.</summary>
    /// <param name="token">DER of the TimeStampToken, a CMS SignedData; nothing may follow it.</param>
    /// <param name="note">The checkpoint as a signed note; its signatures are for others to check.</param>
    /// <param name="roots">Roots that the authority's certificate must chain to, as of the time stamped. Revocation is not asked for: the token must be checkable without a network.</param>
    /// <param name="stamp">Who stamped, and when.</param>
    /// <param name="problem">Why it proves nothing, in a sentence.</param>
    public static bool TryOpen(
        ReadOnlyMemory<byte> token, SignedNote note, X509Certificate2Collection roots, [NotNullWhen(true)] out TimeStamp? stamp, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(note);
        ArgumentNullException.ThrowIfNull(roots);
        stamp = null;
        if (token.Length > MaxTokenBytes || !Rfc3161TimestampToken.TryDecode(token, out var read, out var length) || length != token.Length)
        {
            problem = "It is no RFC 3161 time-stamp token.";
            return false;
        }

        if (!Hashes.Contains(read.TokenInfo.HashAlgorithmId.Value, StringComparer.Ordinal))
        {
            problem = $"It was made over a hash of another kind than SHA-2 ({read.TokenInfo.HashAlgorithmId.Value}).";
            return false;
        }

        if (!read.VerifySignatureForData(NoteText.Encode(note.Text), out var signer))
        {
            problem = "It does not stamp this checkpoint, or its signature does not hold.";
            return false;
        }

        if (!IsTrusted(signer, read.AsSignedCms().Certificates, roots, read.TokenInfo.Timestamp, out problem))
            return false;
        stamp = new TimeStamp(read.TokenInfo.Timestamp.ToUniversalTime(), signer.Subject);
        return true;
    }

    private static bool IsTrusted(
        X509Certificate2 signer, X509Certificate2Collection beside, X509Certificate2Collection roots, DateTimeOffset at, [NotNullWhen(false)] out string? problem)
    {
        using var chain = new X509Chain
        {
            ChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, VerificationTime = at.UtcDateTime,
                DisableCertificateDownloads = true,
            },
        };
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(TimeStamping));
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.ExtraStore.AddRange(beside);
        problem = chain.Build(signer) ? null
            : $"The certificate that stamped it, {signer.Subject}, is not trusted for time: {string.Join(" ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct(StringComparer.Ordinal))}";
        return problem is null;
    }
}
