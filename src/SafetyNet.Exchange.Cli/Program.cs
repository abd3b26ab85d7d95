using System.CommandLine;
using System.Text;
using SafetyNet.Exchange.Cli.Commands;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

var root = new RootCommand("SafetyNet.Exchange 社會安全網資料交換: the command line of an agency, an operator, an auditor. Begin with `safetynet demo`.");
root.Subcommands.Add(DemoCommand.Create());
root.Subcommands.Add(CallCommand.Create());
root.Subcommands.Add(ExplainCommand.Create());
root.Subcommands.Add(ClocksCommand.Create());
root.Subcommands.Add(ReportCommand.Create());
root.Subcommands.Add(DisputeCommand.Create());
root.Subcommands.Add(HouseholdCommand.Create());
root.Subcommands.Add(CaseCommand.Create());
root.Subcommands.Add(ConferenceCommand.Create());
root.Subcommands.Add(AuditCommand.Create());
root.Subcommands.Add(WitnessCommand.Create());
root.Subcommands.Add(PolicyCommand.Create());
root.Subcommands.Add(CertsCommand.Create());
CommandWithExamples.ShowExamplesInHelp(root);
return await root.Parse(args).InvokeAsync();
