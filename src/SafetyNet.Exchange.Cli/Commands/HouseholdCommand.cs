using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Evidence;
using SafetyNet.Exchange.Cli.Households;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet household</c>: a household register delivered from a file, and its receipt checked anywhere.</summary>
internal static class HouseholdCommand
{
    private const int MostFaults = 20, MostLines = 5;

    public static Command Create() => new("household", "Household registers 戶籍: deliver one from a file, check the receipt of a delivery") { Import(), Receipt() };

    private static Option<bool> Big5() => new("--big5") { Description = "The file is Big5 大五碼; without it: UTF-8" };

    private static CommandWithExamples Import()
    {
        var unit = UnitOptions.OfRegister();
        var file = new Argument<string>("FILE") { Description = "CSV file of the register: docs/formats/household-delivery.md" };
        var full = new Option<bool>("--full") { Description = "The whole register 全量: whoever is not in it is no longer registered" };
        var delta = new Option<bool>("--delta") { Description = "What has changed 異動" };
        var asOf = new Option<string?>("--as-of") { Description = "Day that the file is of, YYYY-MM-DD; default: today" };
        var confirm = new Option<bool>("--confirm-short") { Description = "It is as short as that: complete a full delivery that leaves out so many" };
        var again = new Option<int>("--again") { Description = "Deliver the same file once more: 1, 2, ...", DefaultValueFactory = _ => 0 };
        var (big5, receipt) = (Big5(), new Option<string?>("--receipt") { Description = "File for the receipt; default: FILE.receipt" });
        var json = new Option<bool>("--json") { Description = "Print what became of it as one JSON object, with every fault" };
        var import = new CommandWithExamples(
            "import", "Deliver a file of the register; exit code 0: every row was taken, 1: some were not, it waits for confirmation, or the exchange was lost. Run it again after a cut: it goes on",
            """
            safetynet household import register.csv --full
            safetynet household import changes-big5.csv --delta --big5 --as-of 2026-11-20
            """)
        {
            file, full, delta, asOf, big5, confirm, again, receipt, json,
        };
        unit.AddTo(import);
        import.SetGuardedAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(full) == parsed.GetValue(delta)) throw new CommandFailedException("Say --full or --delta: a full file ends the registration of whoever is not in it.");
            var (path, kind) = (parsed.GetRequiredValue(file), parsed.GetValue(full) ? Wire.DeliveryKind.Full : Wire.DeliveryKind.Delta);
            var day = parsed.GetValue(asOf) ?? TimeProvider.System.GetUtcNow().ToOffset(TimeSpan.FromHours(8)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            using var register = RegisterFile.Open(path, parsed.GetValue(big5));
            using var channel = unit.Connect(parsed);
            var running = new RegisterImport(channel.HouseholdDeliveries, unit.Context(parsed), register);
            Wire.HouseholdDelivery? delivery = null;
            await Terminal.Error.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).StartAsync(async progress =>
            {
                var task = progress.AddTask("delivering", maxValue: Math.Max(1, register.Rows));
                delivery = await running.RunAsync(kind, day, parsed.GetValue(again), parsed.GetValue(confirm), done =>
                {
                    task.Value = done;
                    task.Description = $"delivering {done} of {register.Rows}";
                }, cancellation);
                task.Value = task.MaxValue;
            });
            var saved = "";
            if (delivery!.Receipt.Length > 0)
            {
                saved = parsed.GetValue(receipt) ?? path + ".receipt";
                await File.WriteAllTextAsync(saved, delivery.Receipt, cancellation);
            }

            var faults = delivery.Totals.Rejected == 0 ? [] : await running.RejectionsAsync(delivery.DeliveryId, cancellation);
            return Tell(delivery, faults, LinesOf(register, faults), saved, parsed.GetValue(json));
        });
        return import;
    }

    private static CommandWithExamples Receipt()
    {
        var keys = new LogKeyOptions();
        var file = new Argument<string>("RECEIPT") { Description = "File that `household import` wrote" };
        var of = new Option<string?>("--of") { Description = "The file that was delivered: its content must be that of the receipt" };
        var big5 = Big5();
        var receipt = new CommandWithExamples(
            "receipt", "Check the receipt of a delivery from files and the log's public key alone; exit code 0: the exchange has stated it, 1: it has not",
            """
            safetynet household receipt register.csv.receipt --key @log.pub --of register.csv
            """)
        {
            file, of, big5,
        };
        keys.AddTo(receipt);
        receipt.SetGuardedAction(async (parsed, cancellation) =>
        {
            if (keys.Log(parsed) is not { } held) throw new CommandFailedException("Give the log's public key as you hold it with --key: a receipt is worth what its key is.");
            using var known = HeldKeys.Parse(held, []);
            if (!DeliveryReceipt.TryOpen(await File.ReadAllBytesAsync(parsed.GetRequiredValue(file), cancellation), known.Log!, out var stated, out var problem))
            {
                Terminal.Output.MarkupLineInterpolated($"[red]NOT proven[/] 未證實: {problem}");
                return 1;
            }

            Console.Out.Write(stated.ToText());
            if (parsed.GetValue(of) is { } path)
            {
                using var register = RegisterFile.Open(path, parsed.GetValue(big5));
                if (!string.Equals(Convert.ToHexStringLower(RegisterImport.HashOf(register)), stated.ContentHash, StringComparison.Ordinal))
                {
                    Terminal.Output.MarkupLine("[red]NOT of this file[/] 與檔案內容不符");
                    return 1;
                }
            }

            Terminal.Output.MarkupLine("[green]Stated by the exchange[/] 交換平台已簽認");
            return 0;
        });
        return receipt;
    }

    /// <summary>Lines of the file by lines of the delivery, of those that are wanted.</summary>
    private static Dictionary<long, int> LinesOf(RegisterFile register, List<Wire.RejectedRow> faults)
    {
        var (wanted, lines, line) = (faults.Select(fault => fault.Line).ToHashSet(), new Dictionary<long, int>(), 0L);
        if (wanted.Count == 0) return lines;
        foreach (var (fileLine, _) in register.ReadRows())
            if (wanted.Contains(++line)) lines[line] = fileLine;
        return lines;
    }

    private static int Tell(Wire.HouseholdDelivery delivery, List<Wire.RejectedRow> faults, Dictionary<long, int> lines, string receipt, bool json)
    {
        var totals = delivery.Totals;
        var isDone = delivery.State == Wire.DeliveryState.Completed;
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new
            {
                deliveryId = delivery.DeliveryId, state = ContractCodes.NameOf(delivery.State), rows = delivery.NextLine - 1, added = totals.Added, changed = totals.Changed, unchanged = totals.Unchanged,
                ended = totals.Ended, rejected = totals.Rejected, absent = totals.Absent, contentSha256 = Convert.ToHexStringLower(delivery.ContentSha256.Span), receipt,
                faults = faults.Select(fault => new { line = lines[fault.Line], field = fault.Field, fault = ContractCodes.NameOf(fault.Fault) }),
            }));
            return isDone && totals.Rejected == 0 ? 0 : 1;
        }

        var table = new Table().AddColumn("Rows 筆數").AddColumn(new TableColumn("").RightAligned());
        foreach (var (name, count) in (ReadOnlySpan<(string, long)>)
            [("added 新增", totals.Added), ("changed 變更", totals.Changed), ("unchanged 無異動", totals.Unchanged), ("ended 除籍", totals.Ended), ("rejected 退件", totals.Rejected)])
            table.AddRow(name, count.ToString("N0", CultureInfo.InvariantCulture));
        table.AddRow("[bold]all 合計[/]", $"[bold]{(delivery.NextLine - 1).ToString("N0", CultureInfo.InvariantCulture)}[/]");
        if (totals.Absent > 0) table.AddRow("not in the file, ended 未列名而除籍", totals.Absent.ToString("N0", CultureInfo.InvariantCulture));
        Terminal.Output.Write(table);
        foreach (var group in faults.GroupBy(fault => (fault.Field, fault.Fault)).OrderByDescending(group => group.Count()).Take(MostFaults))
        {
            var told = string.Join(", ", group.Take(MostLines).Select(fault => lines[fault.Line])) + (group.Count() > MostLines ? ", ..." : "");
            Terminal.Output.MarkupLineInterpolated($"  {group.Count(),6}  [yellow]{group.Key.Field}[/] {ContractCodes.BothOf(group.Key.Fault)}: line {told}");
            Terminal.Output.MarkupLineInterpolated($"          [grey]{group.First().DescriptionEn} {group.First().DescriptionZh}[/]");
        }

        if (!isDone) Terminal.Output.MarkupLine("[red]The delivery is 30 % shorter than the last, or leaves out 30 % of those who are registered: nobody was ended, and it waits.[/] 筆數異常待確認。 Look at the file; `--confirm-short` completes it as it is.");
        else Terminal.Output.MarkupLineInterpolated($"[green]Completed[/] 已完成. [grey]Receipt: {receipt}[/]");
        return isDone && totals.Rejected == 0 ? 0 : 1;
    }
}
