using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Starts;

/// <summary>
/// The commands that README tells a newcomer to type, typed. A block of shell commands is tested where the comment <c>&lt;!-- tested --&gt;</c> stands on the
/// line before it.
/// </summary>
public sealed class ReadmeTests
{
    private const string Mark = "<!-- tested -->";
    private const string ServerCommand = "dotnet run --project src/SafetyNet.Exchange.Server";

    /// <summary>A restore and a build may come before the program on a machine with two cores.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task Each_tested_command_of_README_works_from_the_root_of_the_repository()
    {
        var readme = Path.Combine(Repository.Root, "README.md");
        var commands = TestedCommands(File.Exists(readme) ? await File.ReadAllLinesAsync(readme, TestContext.Current.CancellationToken) : []);
        Assert.SkipWhen(commands.Count == 0, $"README.md has no block marked {Mark}");
        // Ports and folders of its own, by the environment alone: who runs the tests may have a sandbox running.
        var folder = Directory.CreateTempSubdirectory("safetynet-readme-").FullName;
        var (exchange, tokens) = SandboxProcess.FreePorts();
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Exchange__Port"] = exchange.ToString(CultureInfo.InvariantCulture),
            ["Sandbox__TokenPort"] = tokens.ToString(CultureInfo.InvariantCulture),
            ["Sandbox__DataDirectory"] = Path.Combine(folder, "data"),
            ["Sandbox__CertificateDirectory"] = Path.Combine(folder, "certs"),
        };
        // As a newcomer does it: the server runs in one terminal while the other commands are typed in a second.
        await using (var servers = new AsyncDisposables())
        {
            foreach (var command in commands)
            {
                if (command.StartsWith(ServerCommand, StringComparison.Ordinal))
                    await AssertServesAsync(servers.Add(StartShell(command, environment)), command, exchange, tokens);
                else
                    await AssertSucceedsAsync(command, environment);
            }
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Only_marked_blocks_are_run_without_their_comments_and_prompts_and_with_lines_joined() => Assert.Equal(
        ["dotnet build", "echo one   two"],
        TestedCommands(["```sh", "rm -rf x", "```", Mark, "", "```sh", "# comment", "$ dotnet build", "", "echo one \\", "  two", "```", "```sh", "exit 1", "```"]));

    /// <summary>Commands of the marked blocks, a line each, comments left out.</summary>
    private static List<string> TestedCommands(string[] lines)
    {
        var commands = new List<string>();
        var marked = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                var block = lines.Skip(i + 1).TakeWhile(inside => !inside.TrimStart().StartsWith("```", StringComparison.Ordinal)).ToList();
                if (marked)
                    commands.AddRange(string.Join('\n', block).Replace("\\\n", "", StringComparison.Ordinal).Split('\n').Select(Command).Where(command => command.Length > 0));
                i += block.Count + 1;
                marked = false;
            }
            else if (line.Length > 0)
            {
                marked = string.Equals(line, Mark, StringComparison.Ordinal);
            }
        }

        return commands;
    }

    private static string Command(string line)
    {
        var command = line.Trim();
        return command.StartsWith('#') ? "" : command.StartsWith("$ ", StringComparison.Ordinal) ? command[2..] : command;
    }

    private static async Task AssertServesAsync(ChildProcess server, string command, int exchange, int tokens)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!(server.Output.Contains("Ctrl+C", StringComparison.Ordinal) && await ListensAsync(exchange) && await ListensAsync(tokens)))
        {
            Assert.False(server.HasExited, $"`{command}` ended.\n{server.Output}\n{server.Errors}");
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Limit, $"`{command}` does not listen.\n{server.Output}\n{server.Errors}");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);
        }
    }

    private static async Task AssertSucceedsAsync(string command, Dictionary<string, string?> environment)
    {
        await using var shell = StartShell(command, environment);
        var ended = await shell.FinishAsync(Limit);
        Assert.True(ended.ExitCode == 0, $"`{command}`: {ended}");
    }

    private static ChildProcess StartShell(string command, Dictionary<string, string?> environment) =>
        ChildProcess.Start("/bin/sh", ["-c", command], Repository.Root, environment);

    private static async Task<bool> ListensAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private sealed class AsyncDisposables : IAsyncDisposable
    {
        private readonly List<ChildProcess> _kept = [];

        public ChildProcess Add(ChildProcess one)
        {
            _kept.Add(one);
            return one;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var one in _kept)
                await one.DisposeAsync();
        }
    }
}
