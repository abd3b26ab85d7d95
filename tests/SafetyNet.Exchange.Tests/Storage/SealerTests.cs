using System.Security.Cryptography;
using System.Text;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Tests.Storage;

[Trait("Rule", "R-HH-5")]
public sealed class SealerTests : IDisposable
{
    private static readonly SealedColumn Name = new("persons", "name");
    private static readonly SealedColumn Address = new("persons", "address");
    private static readonly Guid Row = new("0192a000-0000-7000-8000-000000000001");
    private static readonly Guid OtherRow = new("0192a000-0000-7000-8000-000000000002");

    private readonly KeyRing _ring = KeyRing.Open(new KeyEncryptionKey("test", SHA256.HashData("a key for tests"u8)), []);
    private readonly Sealer _sealer;
    private readonly uint _key;

    public SealerTests()
    {
        var row = _ring.Draft("63000", KeyPurpose.PersonFacts);
        _ring.Admit(row);
        _key = row.KeyId;
        _sealer = new Sealer(_ring);
    }

    public void Dispose() => _ring.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(100_000)]
    public void A_value_of_any_length_opens_to_itself(int length)
    {
        var value = RandomNumberGenerator.GetBytes(length);
        var bytes = _sealer.Seal(_key, value, "place"u8);
        Assert.Equal(length + Sealer.OverheadBytes, bytes.Length);
        Assert.Equal(value, _sealer.Open(bytes, "place"u8));

        var text = new string('王', length);
        Assert.Equal(text, _sealer.OpenText(Name, Row, _sealer.SealText(_key, Name, Row, text)));
    }

    [Fact]
    public void Nothing_of_the_value_is_in_the_sealed_bytes()
    {
        var bytes = _sealer.SealText(_key, Name, Row, "A123456789 王小明");
        Assert.True(bytes.AsSpan().IndexOf("A1234"u8) < 0);
        Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes("王")) < 0);
    }

    [Fact]
    public void Every_flipped_bit_and_every_cut_is_refused_and_leaves_no_value_behind()
    {
        var value = "王小明"u8.ToArray();
        var bytes = _sealer.Seal(_key, value, "place"u8);
        var destination = new byte[bytes.Length];
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var altered = (byte[])bytes.Clone();
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            Array.Fill(destination, (byte)0xAA);
            Assert.Throws<SealedValueException>(() => _sealer.Open(altered, "place"u8, destination));
            Assert.True(destination.AsSpan().IndexOf(value.AsSpan(0, 3)) < 0);
        }

        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<SealedValueException>(() => _sealer.Open(bytes.AsSpan(0, length), "place"u8));
        Assert.Throws<SealedValueException>(() => _sealer.Open([.. bytes, 0], "place"u8));
    }

    [Fact]
    public void A_value_moved_to_another_row_column_or_key_does_not_open()
    {
        var bytes = _sealer.SealText(_key, Name, Row, "王小明");
        Assert.Equal("王小明", _sealer.OpenText(Name, Row, bytes));
        Assert.Throws<SealedValueException>(() => _sealer.OpenText(Name, OtherRow, bytes));
        var e = Assert.Throws<SealedValueException>(() => _sealer.OpenText(Address, Row, bytes));
        Assert.Contains("persons.address", e.Message, StringComparison.Ordinal);
        Assert.Throws<SealedValueException>(() => _sealer.OpenText(new SealedColumn("personsn", "ame"), Row, bytes));

        var second = _ring.Draft("63000", KeyPurpose.PersonFacts);
        _ring.Admit(second);
        var relabelled = (byte[])bytes.Clone();
        relabelled[4] = (byte)second.KeyId;
        Assert.Equal(second.KeyId, Sealer.KeyIdOf(relabelled));
        Assert.Throws<SealedValueException>(() => _sealer.OpenText(Name, Row, relabelled));
    }

    [Fact]
    public void Row_numbers_bind_as_row_ids_do()
    {
        Span<byte> one = stackalloc byte[SealedColumn.BindingBytes];
        Span<byte> two = stackalloc byte[SealedColumn.BindingBytes];
        Name.Bind(1L, one);
        Name.Bind(2L, two);
        Assert.False(one.SequenceEqual(two));
        Address.Bind(1L, two);
        Assert.False(one.SequenceEqual(two));
    }

    [Fact]
    public void A_hundred_thousand_seals_have_as_many_nonces_and_no_value_repeats()
    {
        var nonces = new HashSet<UInt128>();
        for (var i = 0; i < 100_000; i++)
        {
            var bytes = _sealer.Seal(_key, [1], []);
            Assert.True(nonces.Add(new UInt128(BitConverter.ToUInt64(bytes, 5), BitConverter.ToUInt32(bytes, 13))));
        }
    }

    [Fact]
    public void Many_threads_seal_and_open_at_once_without_mixing_values()
    {
        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
        {
            var row = new Guid(i, 0, 0, new byte[8]);
            var text = $"王小明 {i}";
            Assert.Equal(text, _sealer.OpenText(Name, row, _sealer.SealText(_key, Name, row, text)));
        });
    }

    [Fact]
    public void Opening_into_the_callers_memory_allocates_nothing()
    {
        var bytes = _sealer.Seal(_key, new byte[60], "place"u8);
        var destination = new byte[60];
        for (var i = 0; i < 200; i++)
            _sealer.Open(bytes, "place"u8, destination);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            _sealer.Open(bytes, "place"u8, destination);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
    }

    [Fact]
    public void A_wiped_ring_neither_seals_nor_opens()
    {
        var bytes = _sealer.Seal(_key, [1], []);
        _ring.Dispose();
        Assert.Throws<KeyRingException>(() => _sealer.Seal(_key, [1], []));
        Assert.Throws<SealedValueException>(() => _sealer.Open(bytes, []));
    }
}
