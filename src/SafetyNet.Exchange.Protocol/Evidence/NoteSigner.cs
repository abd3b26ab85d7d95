using System.Buffers.Binary;
using System.Security.Cryptography;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>A private key that signs checkpoints under a name. Safe for concurrent use.</summary>
public sealed class NoteSigner
{
    private readonly ECDsa _key;
    private readonly byte[] _publicKey;
    private readonly Lock _gate = new();

    /// <summary>Borrows the key; whoever made it disposes it.</summary>
    /// <remarks>Errors: <see cref="ArgumentException"/> for a name outside the rule or a key that is not ECDSA P-256.</remarks>
    public NoteSigner(string name, ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (!NoteVerifier.IsP256(key))
            throw new ArgumentException("A log or witness key is ECDSA on curve P-256.", nameof(key));
        Name = NoteKeyName.Checked(name);
        _key = key;
        _publicKey = key.ExportSubjectPublicKeyInfo();
        KeyHash = NoteVerifier.HashOf(_publicKey);
    }

    public string Name { get; }

    /// <inheritdoc cref="NoteVerifier.KeyHash"/>
    public uint KeyHash { get; }

    /// <summary>The public half, to hand to those who check.</summary>
    public NoteVerifier ToVerifier() => new(Name, _publicKey);

    internal NoteSignature Sign(ReadOnlySpan<byte> text)
    {
        lock (_gate)
            return new NoteSignature(Name, KeyHash, _key.SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }
}

/// <summary>One signature line of a note.</summary>
/// <param name="KeyName">Who claims to have signed.</param>
/// <param name="KeyHash">Which of that name's keys.</param>
/// <param name="Signature">At least one byte, in the form of the key's type; DER for ours.</param>
public sealed record NoteSignature(string KeyName, uint KeyHash, ReadOnlyMemory<byte> Signature)
{
    internal string ToLine()
    {
        var bytes = new byte[sizeof(uint) + Signature.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, KeyHash);
        Signature.Span.CopyTo(bytes.AsSpan(sizeof(uint)));
        return $"— {KeyName} {Convert.ToBase64String(bytes)}\n";
    }

    internal static NoteSignature? FromLine(string line)
    {
        var parts = line.Split(' ');
        if (parts is not ["—", var name, var base64] || !NoteKeyName.IsValid(name)
            || !CanonicalBase64.TryDecode(base64, out var bytes) || bytes.Length <= sizeof(uint))
        {
            return null;
        }

        return new NoteSignature(name, BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes.AsMemory(sizeof(uint)));
    }
}
