using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>A household while its family is being made.</summary>
internal sealed class Home(Relative head, Jurisdiction jurisdiction, string district, string address)
{
    private List<Relative> members = [head];

    public Relative Head { get; set; } = head;

    public Jurisdiction Jurisdiction { get; } = jurisdiction;

    public string District { get; } = district;

    public string Address { get; } = address;

    public IReadOnlyList<Relative> Members => members;

    public void Add(Relative member) => members.Add(member);

    /// <summary>The head first, then by birth; stable, so that the order does not hang on how a runtime sorts.</summary>
    public void PutInOrder() => members = [.. members.OrderBy(member => member != Head).ThenBy(member => member.Birth)];
}
