using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Evidence;

namespace SafetyNet.Exchange.Tests.Evidence;

/// <summary>A record stays one record on one line, whatever is in it, and no spreadsheet runs it.</summary>
[Trait("Rule", "R-AUD-4")]
public sealed class AccessFormatsTests
{
    public static TheoryData<string> Formats => new(AccessFormats.ByName.Keys);

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_record_is_one_line_whatever_is_in_it(string format)
    {
        foreach (var text in (string[])["a", "line\nbreak", "return\r\nbreak", "quote\"s", "pipe|=\\", "=1+1", "comma,", "\u2028", "中文"])
        {
            var line = AccessFormats.ByName[format](Entry(text));
            Assert.NotEmpty(line);
            if (format == "csv") continue;
            Assert.DoesNotContain('\n', line);
            Assert.DoesNotContain('\r', line);
        }
    }

    [Theory]
    [InlineData("=HYPERLINK(1)", "'=HYPERLINK(1)")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@cmd", "'@cmd")]
    [InlineData("\tx", "'\tx")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("say \"no\"", "\"say \"\"no\"\"\"")]
    [InlineData("two\nlines", "\"two\nlines\"")]
    [InlineData("plain", "plain")]
    public void A_cell_is_quoted_and_never_a_formula(string reference, string cell)
    {
        var columns = AccessFormats.CsvHeader.Split(',');
        var line = AccessFormats.ByName["csv"](Entry(reference));
        Assert.Contains($",{cell},", line, StringComparison.Ordinal);
        Assert.Equal(24, columns.Length);
        if (cell == reference) Assert.Equal(columns.Length, line.Split(',').Length);
    }

    [Fact]
    public void Json_lines_read_back_as_the_record_they_were()
    {
        var entry = Entry("case/x");
        Assert.Equal(entry, JsonParser.Default.Parse<Wire.AccessEntry>(AccessFormats.ByName["jsonl"](entry)));
    }

    [Fact]
    public void Ocsf_is_an_api_activity_with_who_what_and_when()
    {
        var line = JsonNode.Parse(AccessFormats.ByName["ocsf"](Entry("case/x")))!;
        Assert.Equal((6, 6003, 2, 600_302), ((int)line["category_uid"]!, (int)line["class_uid"]!, (int)line["activity_id"]!, (int)line["type_uid"]!));
        Assert.Equal(1_781_236_922_123, (long)line["time"]!);
        Assert.Equal("LookUpHousehold", (string)line["api"]!["operation"]!);
        Assert.Equal("W0108", (string)line["actor"]!["user"]!["uid"]!);
        Assert.Equal("10.1.2.3", (string)line["src_endpoint"]!["ip"]!);
        Assert.Equal((1, 1), ((int)line["status_id"]!, (int)line["severity_id"]!));
        var refused = JsonNode.Parse(AccessFormats.ByName["ocsf"](Entry("case/x", Wire.AuditOutcome.Refused)))!;
        Assert.Equal(2, (int)refused["status_id"]!);
    }

    [Fact]
    public void Cef_has_its_eight_parts_and_escapes_them()
    {
        var line = AccessFormats.ByName["cef"](Entry("a=b\\c"));
        Assert.StartsWith("CEF:0|SafetyNet|SafetyNet.Exchange|1|/safetynet.exchange.v1.HouseholdService/LookUpHousehold|LookUpHousehold|2|rt=1781236922123 ", line, StringComparison.Ordinal);
        Assert.Contains("cs6=a\\=b\\\\c", line, StringComparison.Ordinal);
        Assert.Contains("src=10.1.2.3 ", line, StringComparison.Ordinal);
    }

    private static Wire.AccessEntry Entry(string reference, Wire.AuditOutcome outcome = Wire.AuditOutcome.Permitted) => new()
    {
        Position = 7, RecordHash = ByteString.CopyFrom(new byte[32]),
        Record = new Wire.AuditRecord
        {
            DecisionId = "01a204ad-0e57-767d-8492-2ec1781175b1", DecidedAt = Timestamp.FromDateTimeOffset(DateTimeOffset.FromUnixTimeMilliseconds(1_781_236_922_123)),
            Method = "/safetynet.exchange.v1.HouseholdService/LookUpHousehold", AgencyCode = "dosw", ActorPersonId = "W0108", ActorUnitId = "tpe-central-swc", Outcome = outcome,
            Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService, Reference = reference, Peer = "ipv4:10.1.2.3:55738",
            Subjects = { "0aa1fc4cf12e652d2ef24c2cd43d1101" }, ShownClasses = { Wire.ConfidentialityClass.Identity },
        },
    };
}
