using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Demo;

/// <summary>Counts what the story's calls came to, and keeps the receipt of each.</summary>
internal sealed class Tally
{
    private readonly SortedSet<Wire.ConfidentialityClass> _withheld = [];
    private readonly List<CallReceipt> _receipts = [];

    public int Permitted { get; private set; }

    public int Refused { get; private set; }

    public int Calls => Permitted + Refused;

    /// <summary>Names of the classes that some answer withheld from its caller, in the order of the code table.</summary>
    public IReadOnlyList<string> WithheldClasses => [.. _withheld.Select(ContractCodes.NameOf)];

    public IReadOnlyList<CallReceipt> Receipts => _receipts;

    public void CountPermitted(IMessage answer, CallReceipt? receipt)
    {
        Permitted++;
        Keep(receipt);
        if (answer.Descriptor.FindFieldByName("disclosure")?.Accessor.GetValue(answer) is Wire.Disclosure disclosure)
            _withheld.UnionWith(disclosure.WithheldClasses);
    }

    public void CountRefused(CallReceipt? receipt)
    {
        Refused++;
        Keep(receipt);
    }

    private void Keep(CallReceipt? receipt) =>
        _receipts.Add(receipt ?? throw new StoryBrokenException("An answer came without its receipt: the trailers safetynet-record and safetynet-decision."));
}
