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
        var init = new CommandWithExamples(
            "init",
            "Make the sandbox's development PKI, or complete what is there",
            """
            safetynet certs init
            safetynet certs init --certs certs/sandbox
            """)
        {
            folder,
        };
        init.SetGuardedAction((parsed, _) =>
        {
            var path = parsed.GetValue(folder) ?? SandboxFolders.Certificates;
            SandboxPki.Ensure(path, Systems(), TimeProvider.System);
            Show(SandboxIdentities.Open(path));
            Terminal.Output.MarkupLineInterpolated($"[grey]in {path}; for development only, the keys lie beside the certificates[/]");
            return Task.FromResult(0);
        });
        var list = new CommandWithExamples(
            "list",
            "List certificates: whose they are and until when they hold",
            """
            safetynet certs list
            safetynet certs list --certs certs/sandbox
            """)
        {
            folder,
        };
        list.SetGuardedAction((parsed, _) =>
        {
            var path = parsed.GetValue(folder) ?? SandboxFolders.Certificates;
            Show(SandboxIdentities.Open(path));
            return Task.FromResult(0);
        });
        return new Command("certs", "The development PKI of the sandbox: make it, list it") { init, list };
    }

    private static SpiffeId[] Systems() => [.. SandboxMembers.Registry().Systems.Select(system => SpiffeId.Parse(system.SpiffeId))];

    private static void Show(SandboxIdentities identities)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        foreach (var column in (string[])["subject", "name for --as", "SPIFFE id", "until"])
            table.AddColumn(new TableColumn(column).NoWrap());
        foreach (var one in identities.List())
            table.AddRow(new Text(one.Subject), new Text(one.Name), new Text(one.Uri), new Text($"{one.Until:yyyy-MM-dd}"));
        Terminal.Output.Write(table);
    }
}
