using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace SafetyNet.Exchange.SystemTests.Processes;

/// <summary>What a program left behind when it ended.</summary>
/// <param name="ExitCode">As the operating system tells it.</param>
/// <param name="Output">Standard output, whole.</param>
/// <param name="Errors">Standard error, whole.</param>
internal sealed record Finished(int ExitCode, string Output, string Errors)
{
    /// <summary>Everything, for the message of a test that fails.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"exit code {ExitCode}\n--- output\n{Output}\n--- errors\n{Errors}");
}

/// <summary>A program started by a test: its output is kept, and it never outlives the test run, whichever way that ends.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<ChildProcess, bool> Living = new();

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    static ChildProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (var child in Living.Keys)
            child.Kill();
    };

    private ChildProcess(ProcessStartInfo start) => _process = new Process { StartInfo = start };

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it has used of the processors so far, all its threads together.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public string Output => Text(_output);

    public string Errors => Text(_errors);

    /// <summary>Starts a program.</summary>
    /// <param name="program">A file, or a name to look for on the PATH.</param>
    /// <param name="arguments">As they are, without a shell.</param>
    /// <param name="workingDirectory">Where it runs; null: here.</param>
    /// <param name="environment">Variables to set, or with null to unset, beside those it inherits.</param>
    public static ChildProcess Start(
        string program, IEnumerable<string> arguments, string? workingDirectory = null, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        // What the test run was started with says nothing about the programs under test.
        foreach (var name in (string[])["DOTNET_ENVIRONMENT", "ASPNETCORE_ENVIRONMENT", "ASPNETCORE_URLS", "SAFETYNET_SERVER_DLL"])
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>(StringComparer.Ordinal))
        {
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }

        var child = new ChildProcess(start);
        child._process.OutputDataReceived += (_, line) => Keep(child._output, line.Data);
        child._process.ErrorDataReceived += (_, line) => Keep(child._errors, line.Data);
        child._process.Start();
        Living.TryAdd(child, true);
        child._process.StandardInput.Close();
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Starts a program built by this solution.</summary>
    public static ChildProcess StartDotnet(
        string dll, IEnumerable<string> arguments, string? workingDirectory = null, IReadOnlyDictionary<string, string?>? environment = null) =>
        Start(DotnetHost, [dll, .. arguments], workingDirectory, environment);

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="TimeoutException">It did not end in time and was killed; the message holds its output.</exception>
    public static async Task<Finished> RunAsync(
        string program, IEnumerable<string> arguments, string? workingDirectory = null, IReadOnlyDictionary<string, string?>? environment = null, TimeSpan? limit = null)
    {
        await using var child = Start(program, arguments, workingDirectory, environment);
        return await child.FinishAsync(limit);
    }

    /// <inheritdoc cref="RunAsync"/>
    public static async Task<Finished> RunDotnetAsync(
        string dll, IEnumerable<string> arguments, string? workingDirectory = null, IReadOnlyDictionary<string, string?>? environment = null, TimeSpan? limit = null)
    {
        await using var child = StartDotnet(dll, arguments, workingDirectory, environment);
        return await child.FinishAsync(limit);
    }

    /// <summary>SIGKILL, to its children too; nothing is flushed, nothing is said.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>Waits for its end and all of its output.</summary>
    public async Task<Finished> FinishAsync(TimeSpan? limit = null)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(limit ?? TimeSpan.FromMinutes(2));
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException late)
        {
            Kill();
            throw new TimeoutException($"{_process.StartInfo.FileName} did not end in time.\n--- output\n{Output}\n--- errors\n{Errors}", late);
        }

        return new Finished(_process.ExitCode, Output, Errors);
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        Living.TryRemove(this, out _);
        _process.Dispose();
    }

    private static string DotnetHost => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    private static void Keep(StringBuilder kept, string? line)
    {
        if (line is null)
            return;
        lock (kept)
            kept.Append(line).Append('\n');
    }

    private static string Text(StringBuilder kept)
    {
        lock (kept)
            return kept.ToString();
    }
}
