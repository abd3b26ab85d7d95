using System.Security.Cryptography;
using System.Text;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Evidence;

[Trait("Rule", "R-AUD-3")]
public sealed class SignedNoteTests : IDisposable
{
    private const string Origin = "log.example/taipei";
    private static readonly Checkpoint Head = new(Origin, 1, MerkleTree.LeafHash([1]));

    private readonly ECDsa _logKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _witnessKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly NoteSigner _log;
    private readonly NoteSigner _witness;

    public SignedNoteTests()
    {
        _log = new NoteSigner(Origin, _logKey);
        _witness = new NoteSigner("witness.example/one", _witnessKey);
    }

    public void Dispose()
    {
        _logKey.Dispose();
        _witnessKey.Dispose();
    }

    [Fact]
    public void A_signed_checkpoint_opens_with_the_key_text_alone()
    {
        var bytes = SignedCheckpoint.Sign(Head, _log).WithWitness(_witness).Encode();
        var log = Parsed(_log.ToVerifier().ToVerifierKey());
        var witness = Parsed(_witness.ToVerifier().ToVerifierKey());

        Assert.True(SignedCheckpoint.TryOpen(bytes, log, [witness], out var opened, out var problem), problem);
        Assert.Equal(Head, opened.Checkpoint);
        Assert.Equal(["witness.example/one"], opened.Witnesses);
        Assert.Equal(bytes, opened.Encode());
    }

    [Fact]
    public void The_signature_is_der_over_the_text_and_the_key_hash_is_of_the_public_key()
    {
        var note = SignedCheckpoint.Sign(Head, _log).Note;
        var spki = _logKey.ExportSubjectPublicKeyInfo();
        using var anyone = ECDsa.Create();
        anyone.ImportSubjectPublicKeyInfo(spki, out _);

        var signature = Assert.Single(note.Signatures);
        Assert.True(
            anyone.VerifyData(Encoding.UTF8.GetBytes(Head.ToText()), signature.Signature.Span,
                HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        Assert.Equal(0x30, signature.Signature.Span[0]);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(spki).AsSpan(0, 4)), signature.KeyHash.ToString("x8", null));
        Assert.StartsWith($"— {Origin} ", note.ToString().Split("\n\n")[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Every_changed_byte_of_a_signed_checkpoint_is_refused()
    {
        var bytes = SignedCheckpoint.Sign(Head, _log).Encode();
        var log = _log.ToVerifier();
        for (var i = 0; i < bytes.Length; i++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var altered = (byte[])bytes.Clone();
                altered[i] ^= (byte)(1 << bit);
                Assert.False(SignedCheckpoint.TryOpen(altered, log, [], out _, out var problem), $"byte {i} bit {bit}");
                Assert.NotNull(problem);
            }
        }
    }

    [Fact]
    public void Every_shortened_or_lengthened_checkpoint_is_refused()
    {
        var bytes = SignedCheckpoint.Sign(Head, _log).Encode();
        var log = _log.ToVerifier();
        for (var length = 0; length < bytes.Length; length++)
            Assert.False(SignedCheckpoint.TryOpen(bytes.AsSpan(0, length), log, [], out _, out _), $"length {length}");
        foreach (var tail in new[] { "\n", " ", "\0", "x\n", "\n\n", "— \n" })
            Assert.False(SignedCheckpoint.TryOpen([.. bytes, .. Encoding.UTF8.GetBytes(tail)], log, [], out _, out _), tail);
        Assert.False(SignedCheckpoint.TryOpen([0xEF, 0xBB, 0xBF, .. bytes], log, [], out _, out _));
    }

    [Fact]
    public void A_signature_of_a_known_key_that_does_not_fit_refuses_the_whole_note()
    {
        var good = SignedCheckpoint.Sign(Head, _log);
        var other = SignedCheckpoint.Sign(new Checkpoint(Origin, 2, MerkleTree.LeafHash([2])), _log).WithWitness(_witness);
        var line = other.Note.ToString().Split('\n')[^2];
        var mixed = Encoding.UTF8.GetBytes(good.Note + line + "\n");

        Assert.True(SignedCheckpoint.TryOpen(mixed, _log.ToVerifier(), [], out var unknownWitness, out _));
        Assert.Empty(unknownWitness.Witnesses);
        Assert.False(SignedCheckpoint.TryOpen(mixed, _log.ToVerifier(), [_witness.ToVerifier()], out _, out var problem));
        Assert.Contains("witness.example/one", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_witness_alone_does_not_make_a_checkpoint()
    {
        var bytes = SignedNote.Sign(Head.ToText(), _witness).Encode();
        Assert.False(SignedCheckpoint.TryOpen(bytes, _log.ToVerifier(), [_witness.ToVerifier()], out _, out var problem));
        Assert.Contains("own key", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_of_another_log_signed_with_this_key_is_refused()
    {
        var bytes = SignedNote.Sign(new Checkpoint("log.example/tainan", 1, MerkleTree.LeafHash([1])).ToText(), _log).Encode();
        Assert.False(SignedCheckpoint.TryOpen(bytes, _log.ToVerifier(), [], out _, out var problem));
        Assert.Contains("log.example/tainan", problem, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(
            () => SignedCheckpoint.Sign(new Checkpoint("log.example/tainan", 1, MerkleTree.LeafHash([1])), _log));
    }

    [Fact]
    public void Another_key_under_the_same_name_is_not_the_log()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var bytes = SignedCheckpoint.Sign(Head, new NoteSigner(Origin, key)).Encode();
        Assert.False(SignedCheckpoint.TryOpen(bytes, _log.ToVerifier(), [], out _, out _));
    }

    [Fact]
    public void A_note_whose_text_has_empty_lines_divides_at_the_last()
    {
        var note = SignedNote.Sign("one\n\ntwo\n", _log);
        Assert.True(SignedNote.TryParse(note.Encode(), out var read, out _));
        Assert.Equal("one\n\ntwo\n", read.Text);
        Assert.True(read.TryVerify([_log.ToVerifier()], out var signers, out _));
        Assert.Equal(Origin, Assert.Single(signers).Name);
    }

    [Theory]
    [InlineData("- log.example/taipei AAAAAAA=")]
    [InlineData("—log.example/taipei AAAAAAA=")]
    [InlineData("—  log.example/taipei AAAAAAA=")]
    [InlineData("— log.example/taipei AAAAAAA= ")]
    [InlineData("— log.example/taipei  AAAAAAA=")]
    [InlineData("— log.example/taipei AAAAAAA")]
    [InlineData("— log.example/taipei AAAAAAB=")]
    [InlineData("— log.example/taipei AAAAAA==")]
    [InlineData("— log+example AAAAAAA=")]
    [InlineData("— log\u3000example AAAAAAA=")]
    [InlineData("—  AAAAAAA=")]
    [InlineData("")]
    public void A_signature_line_of_another_form_is_refused(string line)
    {
        var good = "— someone AAAAAAA=\n";
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes($"text\n\n{good}"), out _, out _));
        Assert.False(SignedNote.TryParse(Encoding.UTF8.GetBytes($"text\n\n{good}{line}\n"), out _, out var problem));
        Assert.NotNull(problem);
    }

    [Fact]
    public void Limits_hold_for_size_and_number_of_signatures()
    {
        var line = "— someone AAAAAAA=\n";
        string Note(int lines) => "text\n\n" + string.Concat(Enumerable.Repeat(line, lines));
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(Note(SignedNote.MaxSignatures)), out _, out _));
        Assert.False(SignedNote.TryParse(Encoding.UTF8.GetBytes(Note(SignedNote.MaxSignatures + 1)), out _, out _));
        Assert.False(SignedNote.TryParse(Encoding.UTF8.GetBytes(new string('x', SignedNote.MaxSizeBytes) + Note(1)), out _, out _));
    }

    [Fact]
    public void A_verifier_key_that_was_altered_is_refused_with_the_reason()
    {
        var text = _log.ToVerifier().ToVerifierKey();
        Assert.Equal(text, Parsed(text).ToVerifierKey());
        var parts = text.Split('+', 3);
        foreach (var hostile in new[]
        {
            null, "", Origin, $"{parts[0]}+{parts[1]}", $"+{parts[1]}+{parts[2]}", $"a b+{parts[1]}+{parts[2]}",
            $"{parts[0]}+{parts[1].ToUpperInvariant()}x+{parts[2]}", $"{parts[0]}+00000000+{parts[2]}",
            text + "=", text + "\n", " " + text, text[..^4],
            $"{parts[0]}+{parts[1]}+{Convert.ToBase64String([1, .. _log.ToVerifier().PublicKey.Span])}",
        })
        {
            Assert.False(NoteVerifier.TryParse(hostile, out _, out var problem), hostile);
            Assert.NotEmpty(problem);
        }
    }

    [Fact]
    public void Only_p256_keys_in_their_one_der_form_sign_or_verify()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<ArgumentException>(() => new NoteSigner(Origin, p384));
        Assert.Throws<CryptographicException>(() => new NoteVerifier(Origin, p384.ExportSubjectPublicKeyInfo()));
        Assert.Throws<CryptographicException>(() => new NoteVerifier(Origin, [.. _logKey.ExportSubjectPublicKeyInfo(), 0]));
        Assert.ThrowsAny<CryptographicException>(() => new NoteVerifier(Origin, new byte[91]));
        Assert.Throws<ArgumentException>(() => new NoteVerifier("two words", _logKey.ExportSubjectPublicKeyInfo()));
    }

    [Theory]
    [InlineData("no newline")]
    [InlineData("tab\t\n")]
    [InlineData("")]
    public void Text_that_cannot_be_a_note_is_not_signed(string text) =>
        Assert.Throws<ArgumentException>(() => SignedNote.Sign(text, _log));

    [Fact]
    public void Half_of_a_surrogate_pair_is_not_signed()
    {
        Assert.Throws<ArgumentException>(() => SignedNote.Sign("half \ud800\n", _log));
        Assert.Throws<ArgumentException>(() => SignedNote.Sign("half \udc00\n", _log));
        Assert.Equal("whole \U00020000\n", SignedNote.Sign("whole \U00020000\n", _log).Text);
    }

    [Fact]
    public void A_checkpoint_that_would_not_read_back_cannot_be_made()
    {
        var root = MerkleTree.LeafHash([1]);
        Assert.Throws<ArgumentException>(() => new Checkpoint("", 1, root));
        Assert.Throws<ArgumentException>(() => new Checkpoint("a\nb", 1, root));
        Assert.Throws<ArgumentException>(() => new Checkpoint("a", 1, root, [""]));
        Assert.Throws<ArgumentException>(() => new Checkpoint("a", 1, root, ["x\ny"]));
        Assert.Throws<ArgumentException>(() => new Checkpoint("a", 0, root));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Checkpoint("a", -1, root));
    }

    private static NoteVerifier Parsed(string text)
    {
        Assert.True(NoteVerifier.TryParse(text, out var verifier, out var problem), problem);
        return verifier;
    }
}
