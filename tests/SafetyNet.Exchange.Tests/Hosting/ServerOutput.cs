using System.Collections.Concurrent;
using System.Globalization;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>
/// Everything the servers under test write to their operating log. A test that does not expect an error fails when there is one. The log of a process is one,
/// so tests that start a server run one after the other (<see cref="WireTests"/>).
/// </summary>
internal sealed class ServerOutput : ILogEventSink
{
    private static readonly ServerOutput Sink = new();
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly ConcurrentQueue<string> _errors = new();

    private ServerOutput()
    {
    }

    /// <summary>The logger that a server under test writes to; as loud as production may be set and then all of it.</summary>
    public static ILogger Logger { get; } = new LoggerConfiguration().MinimumLevel.Debug().WriteTo.Sink(Sink).CreateLogger();

    /// <summary>The same sink without any threshold.</summary>
    public static ILogger Traced { get; } = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(Sink).CreateLogger();

    /// <summary>Every line since the process started, oldest first.</summary>
    public static IReadOnlyCollection<string> Lines => Sink._lines;

    /// <summary>Takes the errors logged since they were taken last.</summary>
    public static IReadOnlyList<string> TakeErrors()
    {
        var taken = new List<string>();
        while (Sink._errors.TryDequeue(out var error)) taken.Add(error);
        return taken;
    }

    public void Emit(LogEvent logEvent)
    {
        // Properties that the message does not show would still reach a structured log.
        var properties = string.Join(' ', logEvent.Properties.Select(p => $"{p.Key}={p.Value}"));
        var line = $"{logEvent.Level} {logEvent.RenderMessage(CultureInfo.InvariantCulture)} {properties} {logEvent.Exception}";
        _lines.Enqueue(line);
        // A client that takes its call back before it was read is no error of the server, though the framework calls it one.
        var hasLeft = logEvent.Exception is IOException { Message: "The client reset the request stream." };
        // Somebody took a port between finding and using it: the server of the test is started again.
        var isPortTaken = logEvent.Exception is IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException };
        if (logEvent.Level >= LogEventLevel.Error && !hasLeft && !isPortTaken) _errors.Enqueue(line);
    }
}
