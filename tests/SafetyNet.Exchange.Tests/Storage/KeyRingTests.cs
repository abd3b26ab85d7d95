using System.Security.Cryptography;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Tests.Storage;

[Trait("Rule", "R-HH-5")]
public sealed class KeyRingTests
{
    private const string Taipei = "63000";
    private const string Tainan = "67000";
    private static readonly byte[] KekBytes = SHA256.HashData("a key for tests"u8);

    [Fact]
    public void A_ring_opened_from_its_stored_rows_has_the_same_keys()
    {
        using var ring = KeyRing.Open(Kek(), []);
        var rows = new List<WrappedKey>();
        foreach (var purpose in Enum.GetValues<KeyPurpose>())
        {
            foreach (var jurisdiction in new[] { Taipei, Tainan })
            {
                var row = ring.Draft(jurisdiction, purpose);
                ring.Admit(row);
                rows.Add(row);
            }
        }

        using var again = KeyRing.Open(Kek(), rows.AsEnumerable().Reverse());
        Assert.Equal(
            rows.Count, rows.Select(r => Convert.ToHexString(again.GetBytes(r.KeyId, r.Purpose))).Distinct(StringComparer.Ordinal).Count());
        foreach (var row in rows)
        {
            Assert.Equal(row.KeyId, again.GetCurrent(row.Jurisdiction, row.Purpose));
            Assert.Equal(ring.GetBytes(row.KeyId, row.Purpose), again.GetBytes(row.KeyId, row.Purpose));
        }
    }

    [Fact]
    public void A_drafted_key_is_not_used_before_its_row_is_admitted()
    {
        using var ring = KeyRing.Open(Kek(), []);
        var lost = ring.Draft(Taipei, KeyPurpose.PersonFacts);
        Assert.False(ring.TryGetCurrent(Taipei, KeyPurpose.PersonFacts, out _));
        Assert.Throws<KeyRingException>(() => new Sealer(ring).Seal(lost.KeyId, [1], []));

        var stored = ring.Draft(Taipei, KeyPurpose.PersonFacts);
        Assert.NotEqual(lost.KeyId, stored.KeyId);
        Assert.Equal(1, stored.Generation);
        ring.Admit(stored);
        ring.Admit(stored);
        Assert.Equal(stored.KeyId, ring.GetCurrent(Taipei, KeyPurpose.PersonFacts));
    }

    [Fact]
    public void A_new_generation_seals_new_values_and_the_old_one_still_opens_its_own()
    {
        using var ring = KeyRing.Open(Kek(), []);
        var first = ring.Draft(Taipei, KeyPurpose.PersonFacts);
        ring.Admit(first);
        var sealer = new Sealer(ring);
        var old = sealer.Seal(first.KeyId, "王小明"u8, []);

        var second = ring.Draft(Taipei, KeyPurpose.PersonFacts);
        ring.Admit(second);
        Assert.Equal(2, second.Generation);
        Assert.Equal(second.KeyId, ring.GetCurrent(Taipei, KeyPurpose.PersonFacts));
        Assert.Equal([second.KeyId, first.KeyId], ring.GetGenerations(Taipei, KeyPurpose.PersonFacts));
        Assert.Equal("王小明"u8, sealer.Open(old, []));
        Assert.Equal(first.KeyId, Sealer.KeyIdOf(old));

        using var loadedOutOfOrder = KeyRing.Open(Kek(), [second, first]);
        Assert.Equal(second.KeyId, loadedOutOfOrder.GetCurrent(Taipei, KeyPurpose.PersonFacts));
        Assert.Equal("王小明"u8, new Sealer(loadedOutOfOrder).Open(old, []));
    }

    [Fact]
    public void The_wrong_key_encryption_key_is_refused_with_what_to_do()
    {
        using var ring = KeyRing.Open(Kek(), []);
        var row = ring.Draft(Taipei, KeyPurpose.PersonFacts);
        var e = Assert.Throws<KeyRingException>(() => KeyRing.Open(new KeyEncryptionKey("other", SHA256.HashData("other"u8)), [row]));
        Assert.Contains("Configure the key this database was made with", e.Message, StringComparison.Ordinal);
        Assert.Contains("other", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_flipped_bit_and_every_moved_row_is_refused()
    {
        using var ring = KeyRing.Open(Kek(), []);
        var row = ring.Draft(Taipei, KeyPurpose.PersonFacts);
        for (var bit = 0; bit < row.Wrapped.Length * 8; bit++)
        {
            var altered = (byte[])row.Wrapped.Clone();
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            Refused(row with { Wrapped = altered });
        }

        Refused(row with { Jurisdiction = Tainan });
        Refused(row with { Purpose = KeyPurpose.FreeText });
        Refused(row with { Generation = 2 });
        Refused(row with { KeyId = 2 });
        Refused(row with { KeyId = 0 });
        Refused(row with { Wrapped = [.. row.Wrapped, 0] });
        Refused(row with { Wrapped = row.Wrapped[..^1] });
        Refused(row with { Wrapped = [] });
        ring.Admit(row);
    }

    [Fact]
    public void Two_keys_for_one_id_or_one_generation_are_refused()
    {
        using var one = KeyRing.Open(Kek(), []);
        using var other = KeyRing.Open(Kek(), []);
        var mine = one.Draft(Taipei, KeyPurpose.PersonFacts);
        var theirs = other.Draft(Taipei, KeyPurpose.PersonFacts);
        one.Admit(mine);
        Assert.Throws<KeyRingException>(() => one.Admit(theirs));
        other.Draft(Tainan, KeyPurpose.PersonFacts);
        var sameGeneration = KeyRing.Open(Kek(), [other.Draft(Tainan, KeyPurpose.FreeText)]).Draft(Taipei, KeyPurpose.PersonFacts);
        Assert.NotEqual(mine.KeyId, sameGeneration.KeyId);
        Assert.Throws<KeyRingException>(() => one.Admit(sameGeneration));
    }

    [Fact]
    public void Rows_rewrapped_for_a_new_key_encryption_key_open_with_it_alone()
    {
        using var ring = KeyRing.Open(Kek(), []);
        ring.Admit(ring.Draft(Taipei, KeyPurpose.PersonFacts));
        ring.Admit(ring.Draft(Tainan, KeyPurpose.FreeText));
        var value = new Sealer(ring).Seal(1, [1, 2, 3], []);

        using var next = new KeyEncryptionKey("next", SHA256.HashData("next"u8));
        var rows = ring.RewrapFor(next);
        Assert.Equal(2, rows.Count);
        using var again = KeyRing.Open(new KeyEncryptionKey("next", SHA256.HashData("next"u8)), rows);
        Assert.Equal([1, 2, 3], new Sealer(again).Open(value, []));
        Assert.Throws<KeyRingException>(() => KeyRing.Open(Kek(), rows));
    }

    [Fact]
    public void A_key_serves_its_own_purpose_only()
    {
        using var ring = KeyRing.Open(Kek(), []);
        var row = ring.Draft(Taipei, KeyPurpose.PersonFacts);
        ring.Admit(row);
        Assert.Throws<KeyRingException>(() => new BlindIndex(ring, row.KeyId));
        Assert.Throws<KeyRingException>(() => new Pseudonymizer(ring, row.KeyId));
        Assert.Throws<KeyRingException>(() => new BlindIndex(ring, 99));
    }

    [Fact]
    public void No_text_form_and_no_message_carries_key_bytes()
    {
        var kek = Kek();
        Assert.DoesNotContain(Convert.ToHexStringLower(KekBytes.AsSpan(0, 4)), kek.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("test (", kek.ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new KeyEncryptionKey("short", new byte[16]));
    }

    private static KeyEncryptionKey Kek() => new("test", KekBytes);

    private static void Refused(WrappedKey row) => Assert.Throws<KeyRingException>(() => KeyRing.Open(Kek(), [row]));
}
