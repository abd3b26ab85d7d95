namespace SafetyNet.Exchange.Server.Policy;

/// <summary>
/// The policy that decides now, for the whole server: one immutable snapshot, changed for all at once when an activation is durable. Who reads it twice may
/// see two policies; a call therefore takes it once.
/// </summary>
internal sealed class PolicyInForce(NeedToKnowPolicy atStart)
{
    private volatile NeedToKnowPolicy current = atStart;

    public NeedToKnowPolicy Current => current;

    /// <summary>Puts an activated policy in force. A revision never goes back: an older one than that in force is left aside (B50).</summary>
    public void Swap(NeedToKnowPolicy activated)
    {
        if (activated.RevisionNumber > current.RevisionNumber)
            current = activated;
    }
}

/// <summary>How records name a policy: <c>policy/3/&lt;sha256&gt;</c>.</summary>
internal static class PolicyName
{
    public static string Of(string revision, string sha256) => $"policy/{revision}/{sha256}";
}
