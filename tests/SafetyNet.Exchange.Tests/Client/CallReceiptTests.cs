using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Client;

[Trait("Rule", "R-AUD-8")]
public sealed class CallReceiptTests
{
    private const string Hash = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    private static readonly MerkleHash HashBytes = new([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);

    [Fact]
    public void A_receipt_is_read_from_the_two_trailers()
    {
        var trailers = new Metadata { { "safetynet-record", $"41:{Hash}" }, { "safetynet-decision", "0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11" } };
        Assert.Equal(new CallReceipt("0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11", 41, HashBytes), CallReceipt.Read(trailers));
    }

    [Fact]
    public void A_call_that_never_reached_the_log_has_no_receipt()
    {
        Assert.Null(CallReceipt.Read(null));
        Assert.Null(CallReceipt.Read([]));
        Assert.Null(CallReceipt.Read(new Metadata { { "safetynet-record", $"41:{Hash}" } }));
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        Assert.Equal($"41:{Hash}", CallReceipt.FormatRecord(41, HashBytes));
        Assert.True(CallReceipt.TryParseRecord($"0:{Hash}", out var position, out var hash));
        Assert.Equal((0L, HashBytes), (position, hash));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("41")]
    [InlineData(":" + Hash)]
    [InlineData("-1:" + Hash)]
    [InlineData("+1:" + Hash)]
    [InlineData("041:" + Hash)]
    [InlineData(" 41:" + Hash)]
    [InlineData("9223372036854775808:" + Hash)]
    [InlineData("41:" + Hash + "=")]
    [InlineData("41:" + Hash + "A")]
    [InlineData("41:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9")]
    [InlineData("41:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh")]
    [InlineData("41:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH/8")]
    public void Any_other_spelling_is_no_receipt(string? text) => Assert.False(CallReceipt.TryParseRecord(text, out _, out _));
}
