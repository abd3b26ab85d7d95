using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SafetyNet.Exchange.Cli.Commands;

namespace SafetyNet.Exchange.Cli.Connections;

/// <summary>A sandbox server of our own: on free loopback ports, over a folder that is thrown away, gone when the command ends.</summary>
internal sealed class PrivateSandbox : IAsyncDisposable
{
    private const string ServerAssembly = "SafetyNet.Exchange.Server.dll";
    private const string ServerVariable = "SAFETYNET_SERVER_DLL";
    private const int KeptLines = 30;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);

    private readonly Process _server;
    private readonly string _folder;
    private readonly Queue<string> _lastLines = new();

    private PrivateSandbox(Process server, string folder)
    {
        _server = server;
        _folder = folder;
    }

    /// <summary>Where it listens; set once it does.</summary>
    public SandboxNote Note { get; private set; } = null!;

    /// <summary>Starts one and waits until it listens.</summary>
    /// <exception cref="CommandFailedException">The server is not built, ends by itself, or does not listen in time; the message holds its last lines.</exception>
    public static async Task<PrivateSandbox> StartAsync(TimeProvider clock, CancellationToken cancellation)
    {
        var assembly = FindServer();
        var folder = Directory.CreateTempSubdirectory("safetynet-demo-").FullName;
        var sandbox = new PrivateSandbox(new Process { StartInfo = StartOf(assembly, folder), EnableRaisingEvents = true }, folder);
        try
        {
            sandbox._server.OutputDataReceived += (_, line) => sandbox.Keep(line.Data);
            sandbox._server.ErrorDataReceived += (_, line) => sandbox.Keep(line.Data);
            sandbox._server.Start();
            sandbox._server.BeginOutputReadLine();
            sandbox._server.BeginErrorReadLine();
            await sandbox.WaitUntilListeningAsync(clock, cancellation);
            return sandbox;
        }
        catch
        {
            await sandbox.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _server.Kill(entireProcessTree: true);
            await _server.WaitForExitAsync();
        }
        catch (InvalidOperationException)
        {
            // It never started, or has ended by itself.
        }

        _server.Dispose();
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // A temporary folder that outlives us harms nobody.
        }
    }

    private static ProcessStartInfo StartOf(string assembly, string folder)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        var (exchange, tokens) = FreePorts();
        foreach (var argument in (string[])
        [
            assembly,
            $"--Exchange:Port={exchange}",
            $"--Sandbox:TokenPort={tokens}",
            $"--Sandbox:DataDirectory={Path.Combine(folder, "data")}",
            $"--Sandbox:CertificateDirectory={Path.Combine(folder, "certs")}",
            $"--Sandbox:Persons={SandboxNote.DefaultPersons}",
            $"--Sandbox:Seed={SandboxNote.DefaultSeed}",
        ])
            start.ArgumentList.Add(argument);
        // The caller may itself be a production machine; the throw-away server is a sandbox whatever it says.
        start.Environment.Remove("DOTNET_ENVIRONMENT");
        start.Environment.Remove("ASPNETCORE_ENVIRONMENT");
        start.Environment.Remove("ASPNETCORE_URLS");
        return start;
    }

    /// <summary>The server built beside this command: the sibling project's output of the same configuration and framework, or what the variable names.</summary>
    private static string FindServer()
    {
        if (Environment.GetEnvironmentVariable(ServerVariable) is { Length: > 0 } named)
            return File.Exists(named) ? Path.GetFullPath(named) : throw new CommandFailedException($"{ServerVariable} names {named}, which is not there.");
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var beside = Path.Combine(own.FullName, ServerAssembly);
        var framework = own.Name;
        var configuration = own.Parent?.Name ?? "";
        var sibling = Path.GetFullPath(Path.Combine(own.FullName, "..", "..", "..", "..", "SafetyNet.Exchange.Server", "bin", configuration, framework, ServerAssembly));
        return File.Exists(beside) ? beside
            : File.Exists(sibling) ? sibling
            : throw new CommandFailedException(
                $"No exchange answers, and no server is built at {sibling} to start one. Build the solution, name a server with {ServerVariable}, or an exchange with --endpoint.");
    }

    private static (int Exchange, int Tokens) FreePorts()
    {
        // Both held before either is let go, or the second could be the first again.
        using var one = new TcpListener(IPAddress.Loopback, 0);
        using var other = new TcpListener(IPAddress.Loopback, 0);
        one.Start();
        other.Start();
        return (((IPEndPoint)one.LocalEndpoint).Port, ((IPEndPoint)other.LocalEndpoint).Port);
    }

    private async Task WaitUntilListeningAsync(TimeProvider clock, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        while (clock.GetElapsedTime(started) < StartLimit)
        {
            if (_server.HasExited)
                throw new CommandFailedException($"The private sandbox ended by itself with code {_server.ExitCode.ToString(CultureInfo.InvariantCulture)}:\n{LastLines()}");
            if (SandboxNote.Find(Path.Combine(_folder, "data")) is { } note && await SandboxNote.AnswersAsync(note.Exchange, cancellation))
            {
                Note = note;
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), clock, cancellation);
        }

        throw new CommandFailedException($"The private sandbox does not listen after {StartLimit.TotalSeconds:0} seconds:\n{LastLines()}");
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_lastLines)
        {
            _lastLines.Enqueue(line);
            if (_lastLines.Count > KeptLines)
                _lastLines.Dequeue();
        }
    }

    private string LastLines()
    {
        lock (_lastLines)
            return string.Join('\n', _lastLines);
    }
}
