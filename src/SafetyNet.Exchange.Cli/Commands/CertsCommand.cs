using System.CommandLine;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Sandbox.Members;
using SafetyNet.Exchange.Sandbox.Pki;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet certs</c>: the development PKI of the sandbox.</summary>
internal static class CertsCommand
{
    public static Command Create()
    {
        var folder = new Option<string?>("--certs") { Description = "Folder of certificates; default: certs/sandbox" };
        var init = new Command(
            "init",
            """
            Make the sandbox's development PKI, or complete what is there: a root, one issuing authority per agency, a certificate per member system.

            Example:
              safetynet certs init --certs certs/sandbox
            """)
        {
            folder,
        };
        init.SetGuardedAction((parsed, _) =>
        {
            var path = parsed.GetValue(folder) ?? SandboxFolders.Certificates;
            Show(SandboxPki.Ensure(path, Systems(), TimeProvider.System));
            Terminal.Output.MarkupLineInterpolated($"[grey]in {path}; for development only, the keys lie beside the certificates[/]");
            return Task.FromResult(0);
        });
        var list = new Command(
            "list",
            """
            List the certificates of the sandbox: whose they are and until when they hold.

            Example:
              safetynet certs list
            """)
        {
            folder,
        };
        list.SetGuardedAction((parsed, _) =>
        {
            var path = parsed.GetValue(folder) ?? SandboxFolders.Certificates;
            if (!File.Exists(Path.Combine(path, "root.pem")))
                throw new CommandFailedException($"No certificates in {path}. Start the sandbox server, or run `safetynet certs init`.");
            Show(SandboxPki.Ensure(path, Systems(), TimeProvider.System));
            return Task.FromResult(0);
        });
        return new Command("certs", "The development PKI of the sandbox: make it, list it") { init, list };
    }

    private static SpiffeId[] Systems() => [.. SandboxMembers.Registry().Systems.Select(system => SpiffeId.Parse(system.SpiffeId))];

    private static void Show(SandboxPki pki)
    {
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        foreach (var column in (string[])["subject", "name in it", "until"])
            table.AddColumn(column);
        table.AddRow(new Text(pki.Root.Subject), new Text("root"), new Text($"{pki.Root.NotAfter:yyyy-MM-dd}"));
        table.AddRow(new Text(pki.ServerCertificate.Subject), new Text(SandboxPki.Exchange.Uri), new Text($"{pki.ServerCertificate.NotAfter:yyyy-MM-dd}"));
        foreach (var system in pki.Systems.OrderBy(system => system.Uri, StringComparer.Ordinal))
        {
            var certificate = pki.ClientCertificate(system);
            table.AddRow(new Text(certificate.Subject), new Text(system.Uri), new Text($"{certificate.NotAfter:yyyy-MM-dd}"));
        }

        Terminal.Output.Write(table);
    }
}
