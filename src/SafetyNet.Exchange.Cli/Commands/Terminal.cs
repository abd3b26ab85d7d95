using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Where a command writes: answers to standard output, all talk beside them to standard error. Plain text wherever nobody watches.</summary>
internal static class Terminal
{
    private const int WidthOfAFile = 120;

    public static IAnsiConsole Output { get; } = Open(Console.Out, Console.IsOutputRedirected);

    public static IAnsiConsole Error { get; } = Open(Console.Error, Console.IsErrorRedirected);

    /// <summary>For a command whose standard output belongs to a machine.</summary>
    public static IAnsiConsole Silent { get; } = Open(TextWriter.Null, toFile: true);

    private static IAnsiConsole Open(TextWriter writer, bool toFile)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = toFile ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = toFile ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = toFile ? InteractionSupport.No : InteractionSupport.Detect,
        });
        if (toFile)
            console.Profile.Width = WidthOfAFile;
        return console;
    }
}
