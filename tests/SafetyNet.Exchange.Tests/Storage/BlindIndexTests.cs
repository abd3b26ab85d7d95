using System.Security.Cryptography;
using System.Text;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Tests.Storage;

public sealed class BlindIndexTests : IDisposable
{
    private static readonly DateOnly Birthday = new(2015, 3, 14);
    private readonly KeyRing _ring = KeyRing.Open(new KeyEncryptionKey("test", SHA256.HashData("a key for tests"u8)), []);
    private readonly BlindIndex _index;
    private readonly Pseudonymizer _pseudonyms;

    public BlindIndexTests()
    {
        _index = new BlindIndex(_ring, NewKey(KeyPurpose.BlindIndex));
        _pseudonyms = new Pseudonymizer(_ring, NewKey(KeyPurpose.Pseudonym));
    }

    public void Dispose() => _ring.Dispose();

    [Theory]
    [Trait("Rule", "R-HH-5")]
    [InlineData("A123456789")]
    [InlineData("a123456789")]
    [InlineData(" A123456789 ")]
    [InlineData("Ａ１２３４５６７８９")]
    public void A_national_id_is_found_however_it_was_typed(string typed) =>
        Assert.Equal(_index.OfNationalId("A123456789"), _index.OfNationalId(typed));

    [Theory]
    [Trait("Rule", "R-HH-5")]
    [InlineData("林・美玲", "林‧美玲")]
    [InlineData("林・美玲", "林 · 美玲")]
    [InlineData("Nguyen Thi Hoa", "NGUYEN THI　HOA")]
    [InlineData("王小明", "王 小明")]
    [InlineData("Nguyễn", "Nguye\u0302\u0303n")]
    [InlineData("林峰", "林峯")]
    public void A_name_is_found_however_it_was_typed(string stored, string typed) =>
        Assert.Equal(_index.OfNameAndBirthDate(stored, Birthday), _index.OfNameAndBirthDate(typed, Birthday));

    [Fact]
    [Trait("Rule", "R-HH-5")]
    public void Other_values_fields_dates_and_keys_give_other_bytes()
    {
        var other = new BlindIndex(_ring, NewKey(KeyPurpose.BlindIndex));
        byte[][] all =
        [
            _index.OfNationalId("A123456789"), _index.OfNationalId("A123456788"),
            other.OfNationalId("A123456789"), _index.OfNationalId("0912345678"),
            _index.OfNameAndBirthDate("王小明", Birthday), _index.OfNameAndBirthDate("王小明", Birthday.AddDays(1)),
            _index.OfNameAndBirthDate("王大明", Birthday),
            _index.OfNameAndBirthDate("A123456789", DateOnly.MinValue),
        ];
        Assert.Equal(all.Length, all.Select(Convert.ToHexString).Distinct(StringComparer.Ordinal).Count());
        Assert.All(all, index => Assert.Equal(BlindIndex.SizeBytes, index.Length));
    }

    [Fact]
    [Trait("Rule", "R-HH-5")]
    public void The_index_is_hmac_over_label_number_and_value()
    {
        var key = _ring.GetBytes(_index.KeyId, KeyPurpose.BlindIndex);
        Assert.Equal(HMACSHA256.HashData(key, (byte[])[1, 0, 0, 0, 0, .. "A123456789"u8]), _index.OfNationalId("A123456789"));
    }

    [Fact]
    [Trait("Rule", "R-HH-5")]
    public void Indexing_a_plain_national_id_allocates_nothing()
    {
        var bytes = new byte[BlindIndex.SizeBytes];
        for (var i = 0; i < 200; i++)
            _index.OfNationalId("A123456789", bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            _index.OfNationalId("A123456789", bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
    }

    [Fact]
    [Trait("Rule", "R-AUD-6")]
    public void A_subject_keeps_one_pseudonym_that_tells_nothing_and_differs_by_kind_and_key()
    {
        var id = new Guid("0192a000-0000-7000-8000-000000000001");
        var person = _pseudonyms.Of(SubjectKind.Person, id);
        Assert.Equal(person, _pseudonyms.Of(SubjectKind.Person, id));
        Assert.Matches("^[0-9a-f]{32}$", person);
        Assert.DoesNotContain("0192a000", person, StringComparison.Ordinal);

        var raw = new byte[Pseudonymizer.SizeBytes];
        _pseudonyms.Write(SubjectKind.Person, id, raw);
        Assert.Equal(person, Pseudonymizer.ToText(raw));

        var next = new Pseudonymizer(_ring, NewKey(KeyPurpose.Pseudonym));
        string[] all =
        [
            person, _pseudonyms.Of(SubjectKind.Household, id), next.Of(SubjectKind.Person, id),
            _pseudonyms.OfNationalId("A123456789"), _pseudonyms.OfNationalId("A123456788"),
        ];
        Assert.Equal(all.Length, all.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    [Trait("Rule", "R-AUD-6")]
    public void A_national_id_is_nowhere_the_same_in_the_index_and_in_the_record()
    {
        var index = Convert.ToHexStringLower(_index.OfNationalId("A123456789"));
        Assert.DoesNotContain(_pseudonyms.OfNationalId("A123456789"), index, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexStringLower(Encoding.UTF8.GetBytes("A123456789")), index, StringComparison.Ordinal);
    }

    private uint NewKey(KeyPurpose purpose)
    {
        var row = _ring.Draft("63000", purpose);
        _ring.Admit(row);
        return row.KeyId;
    }
}
