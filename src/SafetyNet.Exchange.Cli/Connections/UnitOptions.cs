using System.CommandLine;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Connections;

/// <summary>The options by which a command is told which person of which unit speaks.</summary>
internal sealed class UnitOptions
{
    private readonly ExchangeOptions _exchange = new();
    private readonly Option<string> _system = new("--as") { Description = "System of the unit's agency", DefaultValueFactory = _ => "tpe-dosw" };
    private readonly Option<string> _unit = new("--unit") { Description = "Unit that asks", DefaultValueFactory = _ => "tpe-central-swc" };
    private readonly Option<string> _person = new("--person") { Description = "Staff number of who asks", DefaultValueFactory = _ => "CLI001" };

    public void AddTo(Command command)
    {
        command.Options.Add(_system);
        command.Options.Add(_unit);
        command.Options.Add(_person);
        _exchange.AddTo(command);
    }

    public ExchangeChannel Connect(ParseResult parsed)
    {
        var sandbox = _exchange.Resolve(parsed);
        var identities = SandboxIdentities.Open(sandbox.Certificates);
        return identities.Connect(identities.Find(parsed.GetRequiredValue(_system)), sandbox.Exchange, sandbox.Tokens);
    }

    public Wire.AccessContext Context(ParseResult parsed) => new()
    {
        Purpose = Wire.Purpose.CaseCoordination,
        LegalBasis = Wire.LegalBasis.Article6IntegratedService,
        Actor = new Wire.ActingPerson { PersonId = parsed.GetRequiredValue(_person), UnitId = parsed.GetRequiredValue(_unit), Role = Wire.ActorRole.DutyOfficer },
    };
}
