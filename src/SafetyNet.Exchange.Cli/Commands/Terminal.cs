using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Where a command writes: answers to standard output, all talk beside them to standard error.</summary>
internal static class Terminal
{
    public static IAnsiConsole Output => AnsiConsole.Console;

    public static IAnsiConsole Error { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>For a command whose standard output belongs to a machine.</summary>
    public static IAnsiConsole Silent { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null), Interactive = InteractionSupport.No });
}
