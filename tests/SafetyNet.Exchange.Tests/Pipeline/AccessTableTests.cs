using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Pipeline;

public sealed class AccessTableTests
{
    private const string UpdateSwitch = "SAFETYNET_UPDATE_DOCS";

    [Fact]
    public void The_access_table_in_docs_is_that_of_the_contract()
    {
        var path = Path.Combine(Repository.Root, "docs", "access-table.md");
        var rendered = AccessTable.Render(Contract.Methods);
        if (Environment.GetEnvironmentVariable(UpdateSwitch) == "1")
            File.WriteAllText(path, rendered);

        var committed = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";

        Assert.True(committed == rendered, $"docs/access-table.md is not what the contract says. Run: {UpdateSwitch}=1 dotnet test tests/SafetyNet.Exchange.Tests --filter AccessTable");
    }

    [Fact]
    public void The_table_has_a_row_for_every_method_with_all_its_columns()
    {
        var rows = AccessTable.Render(Contract.Methods).Split('\n').Where(line => line.Contains(" | `", StringComparison.Ordinal)).ToList();

        Assert.Equal(Contract.Methods.All.Count, rows.Count);
        Assert.All(rows, row => Assert.Equal(11, row.Count(character => character == '|')));
        Assert.Contains(
            "| ListAccesses | `audit.read` | AUDIT | SECURITY_OFFICER | any | - | - | - | - | - |", rows);
        Assert.Contains(
            "| LookUpHousehold | `households.read` | SERVICE_DELIVERY, CASE_COORDINATION, CRISIS_RESPONSE | any | any | PRIMARY, SERVING, REFERRED_TO | yes | required | - | - |", rows);
    }
}
