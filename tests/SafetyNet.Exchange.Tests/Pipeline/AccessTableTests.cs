using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Pipeline;

public sealed class AccessTableTests
{
    [Fact]
    public void The_access_table_in_docs_is_that_of_the_contract() => GeneratedDocument.AssertCurrent("access-table.md", AccessTable.Render(Contract.Methods));

    [Fact]
    public void The_table_has_a_row_for_every_method_with_all_its_columns()
    {
        var rows = AccessTable.Render(Contract.Methods).Split('\n').Where(line => line.Contains(" | `", StringComparison.Ordinal)).ToList();

        Assert.Equal(Contract.Methods.All.Count, rows.Count);
        Assert.All(rows, row => Assert.Equal(11, row.Count(character => character == '|')));
        Assert.Contains(
            "| ListAccesses | `audit.read` | AUDIT | SECURITY_OFFICER | any | - | - | - | - | - |", rows);
        Assert.Contains(
            "| LookUpHousehold | `households.read` | SERVICE_DELIVERY, CASE_COORDINATION, CRISIS_RESPONSE, CASE_CONFERENCE | any | any | REFERRED_TO, SERVING, PRIMARY, CONFERENCE | yes | required | - | yes |", rows);
    }
}
