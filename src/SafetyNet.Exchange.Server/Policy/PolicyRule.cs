namespace SafetyNet.Exchange.Server.Policy;

/// <summary>Whether a rule opens or withholds; withholding wins.</summary>
internal enum PolicyEffect
{
    Permit,
    Deny,
}

/// <summary>Narrows a rule to classes that someone put forward; several narrow together.</summary>
[Flags]
internal enum RuleLimits
{
    None = 0,

    /// <summary>What the sender's view of a referral, or a share, opens to the unit. Shared classes may stand on the basis of the share.</summary>
    Sent = 1,

    /// <summary>What the caller itself supplied.</summary>
    Supplied = 2,

    /// <summary>What the convenor put on the agenda.</summary>
    Agenda = 4,

    /// <summary>What is on the scope of the unit's service.</summary>
    Scope = 8,

    /// <summary>Only records of the caller's unit.</summary>
    Own = 16,

    /// <summary>Only records of the caller's unit and records shared with it.</summary>
    OwnOrShared = 32,

    /// <summary>What open grants show the unit (R-NTK-12).</summary>
    Granted = 64,

    /// <summary>What the reveal of a pseudonym has opened to the officer by now (R-AUD-6).</summary>
    Revealed = 128,
}

/// <summary>Facts that must hold for a rule.</summary>
[Flags]
internal enum RuleRequirements
{
    None = 0,
    Screening = 1,
    HoldsCase = 2,
    ProtectedAddress = 4,
    ServesOtherParty = 8,
    BreakGlass = 16,
}

/// <summary>When a rule applies, as bit masks over the code tables; every part must hold. All bits set: any code.</summary>
internal readonly record struct RuleCondition(
    uint Relationships,
    uint AgencyKinds,
    uint UnitKinds,
    uint Purposes,
    uint Bases,
    RuleLimits Limits,
    RuleRequirements Requires)
{
    /// <summary>Applies to everyone, always.</summary>
    public static RuleCondition Always { get; } = new(~0u, ~0u, ~0u, ~0u, ~0u, RuleLimits.None, RuleRequirements.None);
}

/// <summary>What a decision can name: a need-to-know rule, an entry of the legal-basis registry, or the rule on other jurisdictions.</summary>
/// <param name="Id">Unique in the file, e.g. <c>NTK-IDENTITY-SERVING</c>.</param>
/// <param name="Effect">Opens or withholds.</param>
/// <param name="Classes">Classes it is about.</param>
/// <param name="When">When it applies.</param>
/// <param name="Unless">For a rule that withholds: to whom it does not apply, by any of these.</param>
/// <param name="Obligations">What goes with a class that it opens.</param>
/// <param name="Sources">Rules of domain.md and articles of law that it stands on; at least one.</param>
/// <param name="TextEn">What it says, in English.</param>
/// <param name="TextZh">What it says, in Traditional Chinese.</param>
internal sealed record PolicyRule(
    string Id,
    PolicyEffect Effect,
    ClassSet Classes,
    RuleCondition When,
    IReadOnlyList<RuleCondition> Unless,
    Obligations Obligations,
    IReadOnlyList<string> Sources,
    string TextEn,
    string TextZh)
{
    /// <summary>First day on which it counts (UTC+8).</summary>
    public DateOnly From { get; init; } = DateOnly.MinValue;

    /// <summary>First day on which it no longer counts.</summary>
    public DateOnly Until { get; init; } = DateOnly.MaxValue;

    /// <summary>The sources in one line, as <c>DecidingRule.source</c> carries them.</summary>
    public string Source { get; } = string.Join("; ", Sources);
}
