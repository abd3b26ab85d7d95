using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>strace at a running server: it hits the system calls of a <see cref="Fault"/> from the moment it is attached until it is let go.</summary>
internal sealed class Strace : IAsyncDisposable
{
    private static readonly TimeSpan AttachLimit = TimeSpan.FromSeconds(20);

    /// <summary>128 and SIGKILL.</summary>
    private const int KilledExitCode = 137;

    private readonly ChildProcess _strace;

    private Strace(ChildProcess strace, string line) => (_strace, Line) = (strace, line);

    /// <summary>What to type to make the same injection again.</summary>
    public string Line { get; }

    /// <summary>Attaches to a process and all its threads.</summary>
    public static async Task<Strace> AttachAsync(int processId, IEnumerable<string> options)
    {
        string[] arguments = [.. options, "-p", $"{processId}"];
        var attached = new Strace(ChildProcess.Start("strace", arguments.Where(argument => argument != "-q")), LineOf(arguments));
        var started = TimeProvider.System.GetTimestamp();
        while (!attached._strace.Errors.Contains(" attached", StringComparison.Ordinal))
        {
            if (attached._strace.HasExited || TimeProvider.System.GetElapsedTime(started) > AttachLimit)
                throw new InvalidOperationException($"{attached.Line} does not attach: {attached._strace.Errors}");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TestContext.Current.CancellationToken);
        }

        return attached;
    }

    public static string LineOf(IEnumerable<string> arguments) => "strace " + string.Join(' ', arguments);

    /// <summary>Skips the test, with the reason, where strace is not there or may not attach to a child of the test.</summary>
    public static async Task RequireAsync()
    {
        await using var sleep = ChildProcess.Start("sleep", ["60"]);
        try
        {
            await using var probe = await AttachAsync(sleep.Id, ["-f", "-e", "trace=write", "-e", "inject=write:error=EIO:when=1"]);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("strace is not installed; .ci/install installs it");
        }
        catch (InvalidOperationException refused)
        {
            Assert.Skip($"strace may not attach here (ptrace): {refused.Message}");
        }
    }

    /// <summary>Injections that happened: calls that a trace marks, or the one that killed.</summary>
    /// <param name="trace">What strace wrote.</param>
    /// <param name="fault">What it was asked to do.</param>
    /// <param name="exitCode">How the server ended; null: it did not.</param>
    public static int Count(string trace, Fault fault, int? exitCode) =>
        fault.Kills ? (exitCode == KilledExitCode ? 1 : 0) : trace.Split("(INJECTED)").Length - 1;

    /// <summary>Lets the process go, where it still is, and answers what strace saw.</summary>
    public async Task<string> EndAsync()
    {
        if (!_strace.HasExited)
            await ChildProcess.RunAsync("kill", ["-INT", $"{_strace.Id}"]);
        return (await _strace.FinishAsync(AttachLimit)).Errors;
    }

    public async ValueTask DisposeAsync()
    {
        // SIGKILL on the tracer could leave a call half replaced.
        if (!_strace.HasExited)
            await EndAsync();
        await _strace.DisposeAsync();
    }
}
