using System.CommandLine;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Connections;

/// <summary>The options by which a command is told which person of which unit speaks, and what for.</summary>
/// <param name="unit">Unit where none is named.</param>
/// <param name="purpose">What for, where nothing else is said.</param>
/// <param name="basis">Law that permits it.</param>
/// <param name="role">Capacity in which the person speaks.</param>
/// <param name="system">System where none is named.</param>
internal sealed class UnitOptions(
    string unit = "tpe-central-swc", Wire.Purpose purpose = Wire.Purpose.CaseCoordination, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService,
    Wire.ActorRole role = Wire.ActorRole.DutyOfficer, string system = "tpe-dosw")
{
    private readonly ExchangeOptions _exchange = new();
    private readonly Option<string> _system = new("--as") { Description = "System of the unit's agency", DefaultValueFactory = _ => system };
    private readonly Option<string> _unit = new("--unit") { Description = "Unit that asks", DefaultValueFactory = _ => unit };
    private readonly Option<string> _person = new("--person") { Description = "Staff number of who asks", DefaultValueFactory = _ => "CLI001" };
    private readonly Option<string> _purpose = new("--purpose") { Description = "What for", DefaultValueFactory = _ => ContractCodes.NameOf(purpose) };
    private readonly Option<string> _basis = new("--basis") { Description = "Law that permits it", DefaultValueFactory = _ => ContractCodes.NameOf(basis) };

    /// <summary>Of the screening centre (集中篩派案中心) at its desk.</summary>
    public static UnitOptions OfDesk() => new("tpe-intake", Wire.Purpose.IntakeScreening, Wire.LegalBasis.StatutoryReport);

    /// <summary>Of a unit at its work.</summary>
    public static UnitOptions OfWork() => new(purpose: Wire.Purpose.ServiceDelivery);

    /// <summary>Of a unit at the table of a conference.</summary>
    public static UnitOptions OfConference() => new(purpose: Wire.Purpose.CaseConference);

    /// <summary>Of a household office (戶政事務所) that delivers its register.</summary>
    public static UnitOptions OfRegister() => new("tpe-household", Wire.Purpose.ServiceDelivery, role: Wire.ActorRole.Worker, system: "tpe-civil");

    /// <summary>Of a unit's supervisor.</summary>
    public static UnitOptions OfSupervisor() => new(role: Wire.ActorRole.Supervisor);

    public void AddTo(Command command)
    {
        command.Options.Add(_purpose);
        command.Options.Add(_basis);
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
        Purpose = ContractCodes.Parse<Wire.Purpose>(parsed.GetRequiredValue(_purpose)),
        LegalBasis = ContractCodes.Parse<Wire.LegalBasis>(parsed.GetRequiredValue(_basis)),
        Actor = new Wire.ActingPerson { PersonId = parsed.GetRequiredValue(_person), UnitId = parsed.GetRequiredValue(_unit), Role = role },
    };
}
