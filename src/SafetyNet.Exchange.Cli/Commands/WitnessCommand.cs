using System.CommandLine;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Witness;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet witness</c>: co-signs the heads of logs, on a machine of another party than the log's.</summary>
internal static class WitnessCommand
{
    private const string KeyFile = "witness.key", PublicFile = "witness.pub", BookFolder = "book";

    public static Command Create() => new("witness", "Co-sign the heads of access logs for another party 見證: make a key, serve, show what was signed") { Init(), Serve(), Show() };

    private static Argument<string> Folder() => new("folder") { Description = "Folder of the witness: its key and its book" };

    private static CommandWithExamples Init()
    {
        var (folder, name) = (Folder(), new Option<string>("--name") { Description = "Name of the witness in its signatures, a host name of its own by custom", Required = true });
        var init = new CommandWithExamples(
            "init",
            "Make the witness's key; prints the public key that the exchange and every verifier are given",
            """
            safetynet witness init /var/lib/witness --name witness.audit.gov.tw
            """)
        {
            folder, name,
        };
        init.SetGuardedAction((parsed, _) =>
        {
            var path = parsed.GetRequiredValue(folder);
            Directory.CreateDirectory(path);
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            string text;
            try
            {
                text = new NoteSigner(parsed.GetRequiredValue(name), key).ToVerifier().ToVerifierKey();
            }
            catch (ArgumentException problem)
            {
                throw new CommandFailedException(problem.Message);
            }

            WriteSecret(Path.Combine(path, KeyFile), key.ExportPkcs8PrivateKeyPem());
            File.WriteAllText(Path.Combine(path, PublicFile), text + "\n");
            Console.Out.WriteLine(text);
            return Task.FromResult(0);
        });
        return init;
    }

    private static CommandWithExamples Serve()
    {
        var folder = Folder();
        var logs = new Option<string[]>("--log") { Description = "Public key of a log that is watched (name+hash+base64), or @FILE; several times for several", Required = true };
        var listen = new Option<string>("--listen") { Description = "Address and port", DefaultValueFactory = _ => "127.0.0.1:5445" };
        var certificate = new Option<string?>("--certificate") { Description = "PEM file of the certificate; without one on loopback only" };
        var certificateKey = new Option<string?>("--certificate-key") { Description = "PEM file of the certificate's key" };
        var serve = new CommandWithExamples(
            "serve",
            "Co-sign what contains the head that was signed before, and nothing else, until interrupted",
            """
            safetynet witness serve /var/lib/witness --log @log.key
            safetynet witness serve /var/lib/witness --log @log.key --listen 0.0.0.0:5445 --certificate tls.pem --certificate-key tls.key
            """)
        {
            folder, logs, listen, certificate, certificateKey,
        };
        serve.SetGuardedAction(async (parsed, cancellation) =>
        {
            var path = parsed.GetRequiredValue(folder);
            if (!IPEndPoint.TryParse(parsed.GetRequiredValue(listen), out var endpoint)) throw new CommandFailedException("--listen is an address and a port, e.g. 127.0.0.1:5445");
            List<NoteVerifier> watched = [];
            foreach (var text in parsed.GetRequiredValue(logs)) watched.Add(ReadKey(text));
            using var key = ECDsa.Create();
            key.ImportFromPem(await File.ReadAllTextAsync(Path.Combine(path, KeyFile), cancellation));
            if (!NoteVerifier.TryParse((await File.ReadAllTextAsync(Path.Combine(path, PublicFile), cancellation)).Trim(), out var own, out var problem)) throw new CommandFailedException($"{PublicFile} is not the witness's public key. {problem}");
            var signer = new NoteSigner(own.Name, key);
            if (signer.KeyHash != own.KeyHash) throw new CommandFailedException($"{PublicFile} is not of {KeyFile}: the witness would sign with a key that nobody was given.");
            using var book = WitnessBook.Open(Path.Combine(path, BookFolder));
            using var tls = parsed.GetValue(certificate) is { } chain ? X509Certificate2.CreateFromPemFile(chain, parsed.GetValue(certificateKey) ?? chain) : null;
            var witness = new HeadWitness(signer, watched, book);
            await using var serving = await StartAsync(witness, endpoint, tls);
            Console.Out.WriteLine($"witness {serving.Urls.Single()}");
            Console.Out.WriteLine($"key     {own.ToVerifierKey()}");
            foreach (var log in watched) Console.Out.WriteLine($"log     {log.Name}, last head {book.Find(log.Name)?.Size ?? 0} entries");
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            catch (OperationCanceledException)
            {
                // Interrupted: what was signed is in the book.
            }

            return 0;
        });
        return serve;
    }

    private static async Task<Microsoft.AspNetCore.Builder.WebApplication> StartAsync(HeadWitness witness, IPEndPoint endpoint, X509Certificate2? tls)
    {
        try
        {
            return await WitnessHost.StartAsync(witness, endpoint, tls, Tell);
        }
        catch (ArgumentException problem)
        {
            throw new CommandFailedException(problem.Message);
        }
    }

    private static CommandWithExamples Show()
    {
        var folder = Folder();
        var show = new CommandWithExamples(
            "show",
            "Print the witness's public key and the newest head of each log it has signed",
            """
            safetynet witness show /var/lib/witness
            """)
        {
            folder,
        };
        show.SetGuardedAction((parsed, _) =>
        {
            var path = parsed.GetRequiredValue(folder);
            Console.Out.WriteLine(File.ReadAllText(Path.Combine(path, PublicFile)).Trim());
            using var book = WitnessBook.Open(Path.Combine(path, BookFolder));
            var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey).AddColumn("log").AddColumn(new TableColumn("entries").RightAligned()).AddColumn("root");
            foreach (var head in book.Heads) table.AddRow(new Text(head.Origin), new Text($"{head.Size}"), new Text(head.Root.ToHex()));
            Terminal.Output.Write(table);
            return Task.FromResult(0);
        });
        return show;
    }

    /// <summary>What is not signed is what the person at the witness must see; what is signed comes every second.</summary>
    private static void Tell(WitnessAnswer answer)
    {
        if (answer.Verdict is WitnessVerdict.CoSigned) return;
        var colour = answer.Verdict is WitnessVerdict.Inconsistent or WitnessVerdict.Conflict ? "red" : "yellow";
        Terminal.Error.MarkupLine($"[{colour}]not signed, {(int)answer.Verdict}[/] {Markup.Escape(answer.Text.Trim())}");
    }

    private static NoteVerifier ReadKey(string text)
    {
        var key = text is ['@', .. var file] ? File.ReadAllText(file).Trim() : text;
        return NoteVerifier.TryParse(key, out var verifier, out var problem) ? verifier : throw new CommandFailedException($"--log {problem}");
    }

    private static void WriteSecret(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(path, options);
        using var writer = new StreamWriter(stream);
        writer.Write(text);
    }
}
