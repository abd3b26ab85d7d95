using SafetyNet.Exchange.Cli.Commands;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Refusals;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace SafetyNet.Exchange.Cli.Demo;

/// <summary>Tells the story on a terminal: who asks what and why, what each sees, what is withheld and by which rule.</summary>
internal sealed class Narrator(IAnsiConsole console)
{
    private const string Withheld = "withheld 不揭露";

    /// <summary>A value of the answer, or in its place whether its class is withheld or there is none.</summary>
    public static string OrAbsent(string value, Wire.Disclosure disclosure, Wire.ConfidentialityClass of) =>
        value.Length > 0 ? value : disclosure.WithheldClasses.Contains(of) ? Withheld : "none 無";

    public void Title(StoryFamily family, string exchange)
    {
        console.WriteLine();
        console.Write(new Panel(new Rows(
            new Markup("[bold]馬上處理！個案不漏接！減少再通報！[/]  Act at once, drop no case, fewer re-reports."),
            new Markup("One family, five agencies, one access log. Each call below is real: mutual TLS, that agency's own certificate and token."),
            new Text(""),
            Facts(
                ("child 學生", $"{family.Child.Name}  born {family.Child.BirthDate:yyyy-MM-dd}"),
                ("mother 母", family.Mother.Name),
                ("grandparent 祖父母", $"{family.Grandparent.Name}, of another household"),
                ("home 住所", family.Home.Address),
                ("exchange", exchange))))
            .Header("[bold] SafetyNet.Exchange 社會安全網資料交換 [/]").RoundedBorder().BorderColor(Color.Teal).Expand());
        console.MarkupLine("[grey]All persons are invented.[/]");
    }

    public void Chapter(int number, string chinese, string english)
    {
        console.WriteLine();
        console.Write(new Rule($"[bold teal]{number}  {Markup.Escape(chinese)}  {Markup.Escape(english)}[/]").LeftJustified());
    }

    public void Says(string text) => console.MarkupLineInterpolated($"[italic]{text}[/]");

    /// <summary>One call: who, what, for which purpose and on which basis.</summary>
    public void Asks(Party party, string call, Wire.AccessContext context)
    {
        console.WriteLine();
        console.MarkupLineInterpolated($"[bold]{party.ChineseName} {party.Name}[/] [grey]{party.UnitId}[/] asks [aqua]{call}[/]");
        console.MarkupLineInterpolated(
            $"  [grey]purpose 目的[/] {ContractCodes.BothOf(context.Purpose)}  [grey]basis 依據[/] {ContractCodes.BothOf(context.LegalBasis)}");
        if (ReferenceOf(context) is { } reference)
            console.MarkupLineInterpolated($"  [grey]for[/] {reference}");
    }

    /// <summary>What the party finds in the answer.</summary>
    public void Sees(Party party, params (string Label, string Value)[] facts) =>
        console.Write(Box(Facts(facts), $" {party.ChineseName} {party.Name} sees ", Color.Green));

    /// <summary>A table of the answer.</summary>
    public void SeesTable(Party party, string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        foreach (var column in columns)
            table.AddColumn(new TableColumn(new Markup(Markup.Escape(column), new Style(Color.Grey))));
        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Text(cell)));
        console.Write(Box(table, $" {party.ChineseName} {party.Name} sees ", Color.Green));
    }

    /// <summary>Why the answer is as it is: what it withholds, and the rules that decided.</summary>
    public void Explains(Wire.Disclosure disclosure, IReadOnlyCollection<Wire.DecidingRule> rules)
    {
        var lines = new List<IRenderable>
        {
            new Markup($"[yellow]withheld 不揭露[/]  {Markup.Escape(string.Join(" · ", disclosure.WithheldClasses.Select(ContractCodes.BothOf)))}"),
            new Markup("[grey]What no rule opens stays closed (R-NTK-2). The rules that decided:[/]"),
        };
        foreach (var rule in rules)
        {
            lines.Add(new Markup($"[grey]{Markup.Escape(rule.RuleId)}[/]  {Markup.Escape(rule.TextZh)}"));
            lines.Add(new Padder(new Markup($"{Markup.Escape(rule.TextEn)} [grey]({Markup.Escape(rule.Source)})[/]"), new Padding(2, 0, 0, 0)));
        }

        console.Write(Box(new Rows(lines), " why 為何 ", Color.Yellow));
    }

    public void Refusal(ReceivedRefusal refusal) => RefusalView.Write(console, refusal);

    public void Works(string text) => console.MarkupLineInterpolated($"  [green]✓[/] {text}");

    public void Ends(Tally tally, Evidence.LogCheck log)
    {
        console.WriteLine();
        console.Write(Box(
            Facts(
                ("calls", $"{tally.Calls}: {tally.Permitted} permitted 准許, {tally.Refused} refused 拒絕"),
                ("withheld somewhere", string.Join(", ", tally.WithheldClasses)),
                ("access log", $"{log.Verdict.Size} records, verified under {log.Signed.Checkpoint.Origin}"),
                ("Merkle root", log.Verdict.Root.ToHex())),
            " the end 結尾 ",
            Color.Teal));
    }

    private static Panel Box(IRenderable content, string header, Color color) =>
        new Panel(content).Header($"[{color.ToMarkup()}]{Markup.Escape(header)}[/]").RoundedBorder().BorderColor(color).Expand();

    private static Grid Facts(params (string Label, string Value)[] facts)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        foreach (var (label, value) in facts)
            grid.AddRow(new Text(label, new Style(Color.Grey)), new Text(value, value.StartsWith(Withheld, StringComparison.Ordinal) ? new Style(Color.Yellow) : null));
        return grid;
    }

    private static string? ReferenceOf(Wire.AccessContext context) => context.ReferenceCase switch
    {
        Wire.AccessContext.ReferenceOneofCase.ReferralId => $"referral 轉介單 {context.ReferralId}",
        Wire.AccessContext.ReferenceOneofCase.CaseId => $"case 共案 {context.CaseId}",
        _ => null,
    };
}
