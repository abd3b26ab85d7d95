using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Tests.Identifiers;

public sealed class SpiffeIdTests
{
    [Theory]
    [InlineData("spiffe://safetynet.gov.tw/tpe/police/dispatch")]
    [InlineData("spiffe://safetynet.gov.tw/tw/mohw/e-care-2")]
    public void A_name_in_its_one_spelling_is_read_and_written_back_unchanged(string text) => Assert.Equal(text, SpiffeId.Parse(text).Uri);

    [Fact]
    public void Its_parts_are_jurisdiction_agency_and_system()
    {
        var id = SpiffeId.Parse("spiffe://safetynet.gov.tw/tpe/police/dispatch");
        Assert.Equal(("tpe", "police", "dispatch", "spiffe://safetynet.gov.tw/tpe/police"), (id.Jurisdiction, id.Agency, id.System, id.AgencyUri));
        Assert.Equal(id, SpiffeId.Of("tpe", "police", "dispatch"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("spiffe://safetynet.gov.tw/TPE/police/dispatch")]
    [InlineData("SPIFFE://safetynet.gov.tw/tpe/police/dispatch")]
    [InlineData("spiffe://Safetynet.gov.tw/tpe/police/dispatch")]
    [InlineData("spiffe://safetynet.gov.tw/xyz/police/dispatch")]
    [InlineData("spiffe://safetynet.gov.tw/tpe/police")]
    [InlineData("spiffe://safetynet.gov.tw/tpe/police/dispatch/")]
    [InlineData("spiffe://safetynet.gov.tw/tpe/police/dispatch/x1")]
    [InlineData("spiffe://safetynet.gov.tw//police/dispatch")]
    [InlineData("spiffe://safetynet.gov.tw/tpe/p/dispatch")]
    [InlineData("spiffe://safetynet.gov.tw/tpe/police/abcdefghijklmnopqrstuvwxyz0123456")]
    [InlineData("spiffe://safetynet.gov.tw/tpe/police/dis%70atch")]
    [InlineData("spiffe://safetynet.gov.tw/tpe/police/dispatch?x")]
    [InlineData("spiffe://safetynet.gov.tw:443/tpe/police/dispatch")]
    [InlineData("spiffe://safetynet.gov.tw/tpe/police/dispatch ")]
    [InlineData("spiffe://safetynet.gov.tw/tpe/polіce/dispatch")] // a Cyrillic letter
    [InlineData("https://safetynet.gov.tw/tpe/police/dispatch")]
    public void Any_other_spelling_is_refused(string? text) => Assert.False(SpiffeId.TryParse(text, out _));
}
