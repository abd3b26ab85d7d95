using Grpc.Core;

namespace SafetyNet.Exchange.Tests.GrpcCalls;

public sealed class MetadataTests
{
    [Fact]
    public void Keys_are_lowered()
    {
        var entry = new Metadata.Entry("X-Request-ID", "7");
        Assert.Equal("x-request-id", entry.Key);
        Assert.Equal("7", entry.Value);
        Assert.False(entry.IsBinary);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":path")]
    [InlineData("with space")]
    [InlineData("with\nnewline")]
    [InlineData("semi;colon")]
    [InlineData("安全")]
    [InlineData("\u212A")] // The Kelvin sign, whose lower case is an ASCII letter.
    public void A_key_with_other_characters_is_refused(string key) => Assert.Throws<ArgumentException>(() => new Metadata.Entry(key, "value"));

    [Theory]
    [InlineData("a")]
    [InlineData("0.a_b-c")]
    [InlineData("grpc-status-details")]
    public void A_key_of_letters_digits_dots_underscores_and_hyphens_is_taken(string key) => Assert.Equal(key, new Metadata.Entry(key, "").Key);

    [Fact]
    public void Only_keys_ending_in_bin_hold_bytes_and_they_hold_nothing_else()
    {
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("trace", new byte[] { 1 }));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("trace-bin", "text"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("Trace-BIN", "text"));
        Assert.Throws<InvalidOperationException>(() => new Metadata.Entry("trace-bin", [1]).Value);
    }

    [Fact]
    public void Bytes_are_copied_in_and_out()
    {
        byte[] bytes = [1, 2, 3];
        var entry = new Metadata.Entry("trace-bin", bytes);
        bytes[0] = 9;
        entry.ValueBytes[1] = 9;
        Assert.True(entry.IsBinary);
        Assert.Equal([1, 2, 3], entry.ValueBytes);
    }

    [Fact]
    public void A_text_value_has_ascii_bytes() => Assert.Equal("ok"u8.ToArray(), new Metadata.Entry("a", "ok").ValueBytes);

    [Fact]
    public void Null_is_refused_everywhere()
    {
        Assert.Throws<ArgumentNullException>(() => new Metadata.Entry(null!, "value"));
        Assert.Throws<ArgumentNullException>(() => new Metadata.Entry("a", (string)null!));
        Assert.Throws<ArgumentNullException>(() => new Metadata.Entry("a-bin", (byte[])null!));
        Assert.Throws<ArgumentNullException>(() => new Metadata().Add(null!));
    }

    [Fact]
    public void Of_a_repeated_key_the_last_counts_and_all_are_kept_in_order()
    {
        var metadata = new Metadata { { "a", "1" }, { "b", "2" }, { "a", "3" }, { "c-bin", [4] } };
        Assert.Equal("3", metadata.GetValue("a"));
        Assert.Equal(["1", "3"], metadata.GetAll("a").Select(entry => entry.Value));
        Assert.Equal(["a", "b", "a", "c-bin"], metadata.Select(entry => entry.Key));
        Assert.Equal([4], metadata.GetValueBytes("c-bin"));
        Assert.Null(metadata.Get("d"));
        Assert.Null(metadata.GetValue("d"));
        Assert.Null(metadata.GetValueBytes("d"));
        Assert.Empty(metadata.GetAll("d"));
    }

    [Fact]
    public void It_is_a_list()
    {
        var first = new Metadata.Entry("a", "1");
        var second = new Metadata.Entry("b", "2");
        var metadata = new Metadata { second };
        metadata.Insert(0, first);
        Assert.Equal(1, metadata.IndexOf(second));
        metadata[1] = first;
        Assert.DoesNotContain(second, metadata);
        Assert.True(metadata.Remove(first));
        metadata.RemoveAt(0);
        Assert.Empty(metadata);
        Assert.False(metadata.IsReadOnly);
    }

    [Fact]
    public void The_shared_empty_one_cannot_be_changed()
    {
        Assert.Empty(Metadata.Empty);
        Assert.True(Metadata.Empty.IsReadOnly);
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("a", "1"));
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Insert(0, new("a", "1")));
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Clear());
    }
}
