using System.CommandLine;
using System.Text;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Evidence;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit receipt</c>: what a calling system keeps of a call, completed to a proof and verified by anybody.</summary>
internal static class AuditReceiptCommand
{
    private const int MostTries = 20;

    public static Command Create() => new("receipt", "Prove that a call is in the log: get the proof while the exchange runs, verify it anywhere") { Get(), Verify() };

    private static CommandWithExamples Get()
    {
        var exchange = new ExchangeOptions();
        var decision = new Option<string>("--decision") { Description = "Decision id of the call, from its trailer safetynet-decision", Required = true };
        var record = new Option<string>("--record") { Description = "The call's commitment, from its trailer safetynet-record: position, colon, hash", Required = true };
        var system = new Option<string>("--as") { Description = "System that made the call, or any other member", DefaultValueFactory = _ => "tpe-edu" };
        var unit = new Option<string>("--unit") { Description = "A unit of that system", DefaultValueFactory = _ => "tpe-school" };
        var person = new Option<string>("--person") { Description = "Staff number", DefaultValueFactory = _ => "CLI001" };
        var output = new Option<string?>("--out") { Description = "File for the proof; default: standard output" };
        var get = new CommandWithExamples(
            "get",
            "Complete a receipt to a proof: a signed head over it, co-signed where there are witnesses, and the way from the record to the head",
            """
            safetynet audit receipt get --decision 01a204bd-49c5-7950-976d-9d3a9025aa62 --record 21:9DnmWlKaM8yTt2... --out proof.json
            """)
        {
            decision, record, system, unit, person, output,
        };
        exchange.AddTo(get);
        get.SetGuardedAction(async (parsed, cancellation) =>
        {
            if (!CallReceipt.TryParseRecord(parsed.GetRequiredValue(record), out var position, out var hash))
                throw new CommandFailedException("--record is a position, a colon and a hash in base64url, as the trailer safetynet-record has it.");
            var sandbox = exchange.Resolve(parsed);
            var identities = SandboxIdentities.Open(sandbox.Certificates);
            using var channel = identities.Connect(identities.Find(parsed.GetRequiredValue(system)), sandbox.Exchange, sandbox.Tokens);
            var context = new Wire.AccessContext
            {
                Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
                Actor = new Wire.ActingPerson { PersonId = parsed.GetRequiredValue(person), UnitId = parsed.GetRequiredValue(unit), Role = Wire.ActorRole.Worker },
            };
            var receipt = new CallReceipt(parsed.GetRequiredValue(decision), position, hash);
            var proof = await ProveAsync(channel, context, receipt, cancellation);
            if (parsed.GetValue(output) is { } path) await File.WriteAllTextAsync(path, proof.ToJson() + "\n", cancellation);
            else Console.Out.WriteLine(proof.ToJson());
            return 0;
        });
        return get;
    }

    private static CommandWithExamples Verify()
    {
        var keys = new LogKeyOptions();
        var file = new Argument<FileInfo>("PROOF") { Description = "File that `receipt get` wrote" };
        var body = new Option<FileInfo?>("--body") { Description = "The record's bytes, where they are at hand: they must give the hash" };
        var verify = new CommandWithExamples(
            "verify",
            "Verify a proof from its file and public keys alone; exit code 0: the call is in the log, 1: it is not proven",
            """
            safetynet audit receipt verify proof.json --key @log.key --witness @witness.pub
            """)
        {
            file, body,
        };
        keys.AddTo(verify);
        verify.SetGuardedAction(async (parsed, cancellation) =>
        {
            if (!ReceiptProof.TryParse(await File.ReadAllTextAsync(parsed.GetRequiredValue(file).FullName, cancellation), out var proof, out var problem)) throw new CommandFailedException(problem);
            if (keys.Log(parsed) is not { } held) throw new CommandFailedException("Give the log's public key as you hold it with --key: a proof is worth what its key is.");
            using var known = HeldKeys.Parse(held, keys.Witnesses(parsed));
            // No file is no record: an empty one would be held against the hash.
            ReadOnlyMemory<byte>? bytes = null;
            if (parsed.GetValue(body) is { } record) bytes = await File.ReadAllBytesAsync(record.FullName, cancellation);
            if (!proof.TryVerify(known.Log!, known.Witnesses, out var head, out problem, bytes))
            {
                Terminal.Output.MarkupLineInterpolated($"[red]NOT proven[/] 未證實: {problem}");
                return 1;
            }

            Console.Out.WriteLine($"decision {proof.DecisionId}");
            Console.Out.WriteLine($"place    {proof.Position} of {head.Checkpoint.Size} in {head.Checkpoint.Origin}");
            Console.Out.WriteLine($"witness  {(head.Witnesses.Count == 0 ? "none that you know" : string.Join(", ", head.Witnesses))}");
            if (known.Witnesses.Count > head.Witnesses.Count)
                Terminal.Output.MarkupLine("[yellow]Not all witnesses that you gave have co-signed this head.[/]");
            Terminal.Output.MarkupLine("[green]In the log[/] 已在軌跡中");
            return 0;
        });
        return verify;
    }

    /// <summary>A head over the record comes within a second, a co-signed one soon after.</summary>
    private static async Task<ReceiptProof> ProveAsync(ExchangeChannel channel, Wire.AccessContext context, CallReceipt receipt, CancellationToken cancellation)
    {
        for (var tries = 1; ; tries++)
        {
            var answer = await channel.Audit.GetCheckpointAsync(new Wire.GetCheckpointRequest { Context = context }, cancellationToken: cancellation);
            var wanted = answer.WitnessKeys.Count > 0 && tries < MostTries ? answer.WitnessedNote : answer.WitnessedNote.Length > 0 ? answer.WitnessedNote : answer.Note;
            if (wanted.Length > 0 && SignedNote.TryParse(Encoding.UTF8.GetBytes(wanted), out var note, out _) && Checkpoint.TryParse(note.Text, out var head, out _) && head.Size > receipt.Position)
            {
                var path = await channel.Audit.GetInclusionProofAsync(
                    new Wire.GetInclusionProofRequest { Context = context, Position = (ulong)receipt.Position, TreeSize = (ulong)head.Size }, cancellationToken: cancellation);
                return new ReceiptProof(
                    receipt.DecisionId, receipt.Position, receipt.RecordHash.ToBase64(), wanted, [.. path.Hashes.Select(hash => new MerkleHash(hash.Span).ToBase64())]);
            }

            if (tries > MostTries) throw new CommandFailedException($"No signed head covers place {receipt.Position} yet; is the receipt of this exchange?");
            await Task.Delay(TimeSpan.FromMilliseconds(250), cancellation);
        }
    }
}
