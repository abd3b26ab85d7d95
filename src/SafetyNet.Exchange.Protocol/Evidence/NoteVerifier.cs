using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>A public key that may vouch for checkpoints: the log's own, or a witness's.</summary>
/// <remarks>ECDSA on P-256 over SHA-256, signature type 0x02 of C2SP signed-note; the signature is ASN.1 DER (SEQUENCE of r and s).
/// The key hash is the first four bytes, big-endian, of SHA-256 over the DER SubjectPublicKeyInfo, and does not cover the name.
/// Safe for concurrent use.</remarks>
public sealed class NoteVerifier : IDisposable
{
    internal const byte EcdsaSignatureType = 0x02;
    private const string P256 = "1.2.840.10045.3.1.7";

    private readonly ECDsa _key;
    private readonly byte[] _publicKey;
    private readonly Lock _gate = new();

    /// <summary>Takes a key in the DER form that openssl writes with <c>openssl pkey -pubout -outform DER</c>.</summary>
    /// <remarks>Errors: <see cref="ArgumentException"/> for a name outside the rule; <see cref="CryptographicException"/> for another
    /// curve,
    /// another encoding of the same key, or bytes after it.</remarks>
    public NoteVerifier(string name, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        Name = NoteKeyName.Checked(name);
        _key = ImportP256(subjectPublicKeyInfo);
        _publicKey = subjectPublicKeyInfo.ToArray();
        KeyHash = HashOf(subjectPublicKeyInfo);
    }

    public string Name { get; }

    /// <summary>Tells keys of one name apart; an index, not a proof.</summary>
    public uint KeyHash { get; }

    /// <summary>DER SubjectPublicKeyInfo.</summary>
    public ReadOnlyMemory<byte> PublicKey => _publicKey;

    /// <summary>The text by which verifiers are configured: <c>name+hash+base64</c>, hash in 8 lower-case hexadecimal digits,
    /// base64 of the type byte 0x02 and the DER key.</summary>
    public string ToVerifierKey() =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}+{KeyHash:x8}+{Convert.ToBase64String([EcdsaSignatureType, .. _publicKey])}");

    public override string ToString() => ToVerifierKey();

    /// <summary>Reads a verifier key; the base64 may itself contain plus signs.</summary>
    /// <param name="text">What <see cref="ToVerifierKey"/> writes, nothing before or after it.</param>
    /// <param name="verifier">The key, or null.</param>
    /// <param name="problem">Why it was refused, for the person who configured it; null on success.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out NoteVerifier? verifier, [NotNullWhen(false)] out string? problem)
    {
        verifier = null;
        var parts = text?.Split('+', 3) ?? [];
        if (parts.Length != 3)
        {
            problem = "A verifier key has three parts: name+hash+base64.";
            return false;
        }

        if (!NoteKeyName.IsValid(parts[0]))
        {
            problem = "The name of a verifier key is not empty and has no space, plus sign or control character.";
            return false;
        }

        if (!CanonicalBase64.TryDecode(parts[2], out var key) || key.Length < 2)
        {
            problem = "The third part of a verifier key is standard base64 with padding.";
            return false;
        }

        if (key[0] != EcdsaSignatureType)
        {
            problem = $"Signature type 0x{key[0]:x2} is not supported; this exchange signs with 0x02, ECDSA P-256.";
            return false;
        }

        if (!string.Equals(parts[1], HashOf(key.AsSpan(1)).ToString("x8", CultureInfo.InvariantCulture), StringComparison.Ordinal))
        {
            problem = "The hash does not belong to this key: the verifier key was cut, mistyped or altered.";
            return false;
        }

        try
        {
            verifier = new NoteVerifier(parts[0], key.AsSpan(1));
        }
        catch (CryptographicException e)
        {
            problem = e.Message;
            return false;
        }

        problem = null;
        return true;
    }

    /// <summary>True where this key signed exactly these bytes.</summary>
    public bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        // The framework does not promise that one key object serves two threads.
        lock (_gate)
            return _key.VerifyData(text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    public void Dispose() => _key.Dispose();

    internal static uint HashOf(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(subjectPublicKeyInfo, hash);
        return BinaryPrimitives.ReadUInt32BigEndian(hash);
    }

    internal static bool IsP256(ECDsa key) =>
        key.ExportParameters(includePrivateParameters: false).Curve is { IsNamed: true } curve
        && (string.Equals(curve.Oid.Value, P256, StringComparison.Ordinal)
            || string.Equals(curve.Oid.FriendlyName, ECCurve.NamedCurves.nistP256.Oid.FriendlyName, StringComparison.Ordinal));

    private static ECDsa ImportP256(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out var read);
            if (!IsP256(key))
                throw new CryptographicException("A log or witness key is ECDSA on curve P-256.");
            // One key, one hash: a second spelling of the same point would be a second identity.
            if (read != subjectPublicKeyInfo.Length || !key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(subjectPublicKeyInfo))
                throw new CryptographicException("The key is not in the one DER form of SubjectPublicKeyInfo, or has bytes after it.");
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}
