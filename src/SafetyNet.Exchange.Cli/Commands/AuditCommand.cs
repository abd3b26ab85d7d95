using System.CommandLine;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Evidence;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit verify</c>: the whole access log read and verified.</summary>
internal static class AuditCommand
{
    public static Command Create()
    {
        var exchange = new ExchangeOptions();
        var system = new Option<string>("--as") { Description = "System of the security officer", DefaultValueFactory = _ => "tpe-security" };
        var unit = new Option<string>("--unit") { Description = "Unit of the security officer", DefaultValueFactory = _ => "tpe-security" };
        var person = new Option<string>("--person") { Description = "Staff number of the security officer", DefaultValueFactory = _ => "CLI001" };
        var key = new Option<string?>("--key")
        {
            Description = "The log's public key as you hold it (name+hash+base64), or @FILE; without it the exchange's own word is taken, and the log only proven to agree with itself",
        };
        var verify = new CommandWithExamples(
            "verify",
            "Read the whole access log and verify every record against its place and the signed checkpoint; exit code 0 when intact",
            """
            safetynet audit verify
            safetynet audit verify --key @log.key --as tpe-security
            """)
        {
            system, unit, person, key,
        };
        exchange.AddTo(verify);
        verify.SetGuardedAction(async (parsed, cancellation) =>
        {
            var sandbox = exchange.Resolve(parsed);
            var identities = SandboxIdentities.Open(sandbox.Certificates);
            using var channel = identities.Connect(identities.Find(parsed.GetRequiredValue(system)), sandbox.Exchange, sandbox.Tokens);
            var context = new Wire.AccessContext
            {
                Purpose = Wire.Purpose.Audit,
                LegalBasis = Wire.LegalBasis.AuditDuty,
                Actor = new Wire.ActingPerson { PersonId = parsed.GetRequiredValue(person), UnitId = parsed.GetRequiredValue(unit), Role = Wire.ActorRole.SecurityOfficer },
            };
            var held = parsed.GetValue(key) is { } text ? await ReadKeyAsync(text, cancellation) : null;
            return await VerifyAsync(channel, context, held, cancellation);
        });
        return new Command("audit", "The access log: verify it") { verify };
    }

    private static async Task<int> VerifyAsync(ExchangeChannel channel, Wire.AccessContext context, string? heldKey, CancellationToken cancellation)
    {
        var answer = await channel.Audit.GetCheckpointAsync(new Wire.GetCheckpointRequest { Context = context }, cancellationToken: cancellation);
        var signed = LogCheck.Open(answer, heldKey);
        var size = signed.Checkpoint.Size;
        if (size == 0)
        {
            Terminal.Output.MarkupLine("[green]Intact[/]: the log is empty.");
            return 0;
        }

        using var reading = channel.Audit.ReadLog(new Wire.ReadLogRequest { Context = context, End = (ulong)size }, cancellationToken: cancellation);
        var check = await Terminal.Error.Progress().StartAsync(async progress =>
        {
            var task = progress.AddTask("reading the log", maxValue: size);
            return await LogCheck.RunAsync(reading.ResponseStream, signed, (position, _, _) => task.Value = position + 1, cancellation);
        });

        // Unwrapped, to be copied and compared.
        Console.Out.WriteLine($"log     {signed.Checkpoint.Origin}");
        Console.Out.WriteLine($"root    {check.Verdict.Root.ToHex()}");
        Console.Out.WriteLine($"key     {(heldKey is null ? answer.VerifierKey : "the one you gave")}");
        if (heldKey is null)
            Terminal.Output.MarkupLine("[yellow]The key is the exchange's own word for it; give the one you hold with --key.[/]");
        if (!check.Verdict.IsIntact)
        {
            Terminal.Output.MarkupLineInterpolated($"[red]NOT intact[/] 軌跡不完整: {check.Verdict.Explanation}");
            return 1;
        }

        Terminal.Output.MarkupLineInterpolated($"[green]Intact[/] 軌跡完整: {check.Verdict.Size} records, all under the signed checkpoint.");
        return 0;
    }

    private static async Task<string> ReadKeyAsync(string text, CancellationToken cancellation) =>
        text is ['@', .. var file] ? (await File.ReadAllTextAsync(file, cancellation)).Trim() : text.Trim();
}
