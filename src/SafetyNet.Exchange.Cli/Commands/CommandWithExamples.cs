using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>A command whose own help ends with commands to try; the help above it shows its one line only.</summary>
internal sealed class CommandWithExamples(string name, string description, string examples) : Command(name, description)
{
    /// <summary>Lets the help of every command of the tree end with its examples.</summary>
    public static void ShowExamplesInHelp(RootCommand root)
    {
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            if (help.Action is HelpAction plain)
                help.Action = new HelpThenExamples(plain);
        }
    }

    private sealed class HelpThenExamples(HelpAction plain) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var code = plain.Invoke(parseResult);
            if (parseResult.CommandResult.Command is CommandWithExamples { } command)
                parseResult.InvocationConfiguration.Output.WriteLine(command.Text);
            return code;
        }
    }

    private string Text => "Examples:\n  " + examples.ReplaceLineEndings("\n  ") + "\n";
}
