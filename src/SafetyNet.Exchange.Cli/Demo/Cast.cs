using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Cli.Demo;

/// <summary>Who takes part in the story: five agencies of Taipei and its security officer, each over a connection and certificate of its own.</summary>
internal sealed class Cast : IDisposable
{
    private readonly SandboxNote _sandbox;
    private readonly SandboxIdentities _identities;
    private readonly Tally _tally;

    public Cast(SandboxNote sandbox, Tally tally)
    {
        _sandbox = sandbox;
        _tally = tally;
        _identities = SandboxIdentities.Open(sandbox.Certificates);
        School = Enter("edu", "The school", "學校", "tpe-school", "T0217");
        Labor = Enter("labor", "The employment service", "就業服務處", "tpe-employment", "L0033");
        Police = Enter("police", "The police precinct", "警察分局", "tpe-precinct", "P1189");
        Health = Enter("health", "The community mental health centre", "社區心衛中心", "tpe-cmhc", "H0452");
        Officer = Enter("security", "The security officer", "資安人員", "tpe-security", "S0007", Wire.ActorRole.SecurityOfficer);
    }

    public Party School { get; }

    public Party Labor { get; }

    public Party Police { get; }

    public Party Health { get; }

    public Party Officer { get; }

    /// <summary>A social worker of a centre; which centre, the school decides.</summary>
    public Party EnterCentre(string unitId) => Enter("dosw", "The social welfare centre", "社福中心", unitId, "W0108");

    public void Dispose()
    {
        foreach (var party in (Party[])[School, Labor, Police, Health, Officer])
            party.Dispose();
    }

    private Party Enter(string agency, string name, string chineseName, string unitId, string personId, Wire.ActorRole role = Wire.ActorRole.Worker) => new(
        name, chineseName, unitId, personId, role, _identities.Connect(SpiffeId.Of("tpe", agency, "case-system"), _sandbox.Exchange, _sandbox.Tokens), _tally);
}
