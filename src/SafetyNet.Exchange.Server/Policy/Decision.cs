namespace SafetyNet.Exchange.Server.Policy;

/// <summary>What the caller of the decision must do besides showing (附帶義務).</summary>
[Flags]
internal enum Obligations
{
    None = 0,

    /// <summary>Tell the primary unit of the case who asked and why (R-HH-6, R-NTK-11).</summary>
    NotifyPrimary = 1,

    /// <summary>Of the household, show the guardians of the person served only. Set where no rule opens the household as a whole.</summary>
    GuardiansOnly = 2,

    /// <summary>Queue the access for review by the security officers (R-NTK-11).</summary>
    ReviewBreakGlass = 4,
}

/// <summary>The outcome of one need-to-know question.</summary>
/// <param name="Allowed">At least PUBLIC_STATUS may be seen; otherwise the answer is that of a person who does not exist (R-NTK-14).</param>
/// <param name="Visible">Classes that may be seen; empty where not allowed, and holding NOT_PERSONAL where allowed.</param>
/// <param name="Rules">Ids of the rules that opened or withheld something, ordinal order, each once; empty: no rule permits (the default).</param>
/// <param name="Obligations">What must be done besides showing.</param>
/// <param name="PolicyRevision">Revision of the policy that decided.</param>
internal sealed record Decision(
    bool Allowed,
    ClassSet Visible,
    IReadOnlyList<string> Rules,
    Obligations Obligations,
    string PolicyRevision);
