using System.CommandLine;
using System.Text;
using SafetyNet.Exchange.Cli.Commands;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

var root = new RootCommand(
    """
    SafetyNet.Exchange 社會安全網資料交換: the command line of an agency, an operator, an auditor.

    Try first:
      safetynet demo                       one family's story across five agencies, by real calls
      safetynet call MemberService/GetSelf --as tpe-edu
      safetynet audit verify               read the whole access log and verify it
    """);
root.Subcommands.Add(DemoCommand.Create());
root.Subcommands.Add(CallCommand.Create());
root.Subcommands.Add(AuditCommand.Create());
root.Subcommands.Add(CertsCommand.Create());
return await root.Parse(args).InvokeAsync();
