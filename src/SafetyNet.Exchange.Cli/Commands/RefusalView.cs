using SafetyNet.Exchange.Protocol.Refusals;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Lays a refusal out for a person: reason, both languages, each field at fault.</summary>
internal static class RefusalView
{
    public static void Write(IAnsiConsole console, ReceivedRefusal refusal)
    {
        var lines = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        Row(lines, "reason", $"{refusal.ReasonName} ({refusal.StatusCode})");
        Row(lines, "English", refusal.MessageEn);
        Row(lines, "中文", refusal.MessageZh);
        foreach (var fault in refusal.Faults)
            Row(lines, "field", $"{fault.Field}: {fault.DescriptionEn} {fault.DescriptionZh}".TrimEnd());
        foreach (var (key, value) in refusal.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Row(lines, "with", $"{key} = {value}");
        if (refusal.RetryAfter is { } delay)
            Row(lines, "retry after", $"{delay.TotalSeconds:0.#} s");
        if (refusal.DecisionId.Length > 0)
            Row(lines, "decision", refusal.DecisionId);
        console.Write(new Panel(lines).Header("[red] refused 拒絕 [/]").BorderColor(Color.Red).RoundedBorder());
    }

    private static void Row(Grid lines, string label, string value)
    {
        if (value.Length > 0)
            lines.AddRow(new Markup(label, new Style(Color.Grey)), new Text(value));
    }
}
