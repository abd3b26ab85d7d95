using System.Numerics;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>
/// What would open a class to a unit of a kind, by the policy alone (R-NTK-15): told to whoever was refused the class. It looks at no row, so it is the same
/// whether or not there is anything to see (R-NTK-14). Pure.
/// </summary>
internal static class Openings
{
    /// <summary>Rules that permit the class to an agency and unit of these kinds, under whatever relationship, purpose and basis; by id, ordinal order.</summary>
    /// <param name="rules">The need-to-know rules of the policy, without its entries on jurisdictions and legal bases.</param>
    /// <param name="agencyKind">System of the agency.</param>
    /// <param name="unitKind">Kind of the unit.</param>
    /// <param name="one">The class.</param>
    public static IEnumerable<PolicyRule> Of(
        IReadOnlyList<PolicyRule> rules, Wire.AgencyKind agencyKind, Wire.UnitKind unitKind, Wire.ConfidentialityClass one)
    {
        var (agency, unit) = (CodeTable.AgencyKinds.BitOf((int)agencyKind), CodeTable.UnitKinds.BitOf((int)unitKind));
        var denies = rules.Where(r => r.Effect == PolicyEffect.Deny && Applies(r)).ToList();
        return rules.Where(r => r.Effect == PolicyEffect.Permit && Applies(r)
            && denies.TrueForAll(deny => deny.When.Requires != RuleRequirements.None || (r.When.Purposes & CodeTable.Purposes.Known & ~deny.When.Purposes) != 0
                || deny.Unless.Any(exception => Meets(r.When, exception))))
            .OrderBy(r => r.Id, StringComparer.Ordinal);

        bool Applies(PolicyRule rule) => rule.Classes.Contains(one) && (rule.When.AgencyKinds & agency) != 0 && (rule.When.UnitKinds & unit) != 0;
    }

    /// <summary>The codes that a condition asks for, in table order; empty: any.</summary>
    public static IEnumerable<TCode> Codes<TCode>(CodeTable table, uint asked)
        where TCode : struct, Enum
    {
        if ((asked & table.Known) == table.Known) yield break;
        for (var rest = asked & table.Known; rest != 0; rest &= rest - 1)
            yield return (TCode)Enum.ToObject(typeof(TCode), BitOperations.TrailingZeroCount(rest));
    }

    /// <summary>What somebody has to put forward, as the contract names it.</summary>
    public static IEnumerable<Wire.OpeningLimit> LimitsOf(RuleLimits limits)
    {
        if (limits.HasFlag(RuleLimits.Sent)) yield return Wire.OpeningLimit.Sent;
        if (limits.HasFlag(RuleLimits.Supplied)) yield return Wire.OpeningLimit.Supplied;
        if (limits.HasFlag(RuleLimits.Agenda)) yield return Wire.OpeningLimit.Agenda;
        if (limits.HasFlag(RuleLimits.Scope)) yield return Wire.OpeningLimit.Scope;
        if (limits.HasFlag(RuleLimits.Own)) yield return Wire.OpeningLimit.Own;
        if (limits.HasFlag(RuleLimits.Granted)) yield return Wire.OpeningLimit.Granted;
        if (limits.HasFlag(RuleLimits.Revealed)) yield return Wire.OpeningLimit.Revealed;
        if (limits.HasFlag(RuleLimits.OwnOrShared)) yield return Wire.OpeningLimit.OwnOrShared;
    }

    /// <summary>Facts that have to hold, as the contract names them.</summary>
    public static IEnumerable<Wire.DecisionFact> FactsOf(RuleRequirements requires)
    {
        if (requires.HasFlag(RuleRequirements.ProtectedAddress)) yield return Wire.DecisionFact.ProtectedAddress;
        if (requires.HasFlag(RuleRequirements.ServesOtherParty)) yield return Wire.DecisionFact.ServesOtherParty;
        if (requires.HasFlag(RuleRequirements.Screening)) yield return Wire.DecisionFact.Screening;
        if (requires.HasFlag(RuleRequirements.BreakGlass)) yield return Wire.DecisionFact.BreakGlass;
        if (requires.HasFlag(RuleRequirements.HoldsCase)) yield return Wire.DecisionFact.HoldsCase;
    }

    /// <summary>A rule may apply where an exception from withholding does.</summary>
    private static bool Meets(in RuleCondition rule, in RuleCondition exception) =>
        (rule.Relationships & exception.Relationships) != 0 && (rule.Purposes & exception.Purposes) != 0 && (rule.Bases & exception.Bases) != 0
        && (exception.Limits & ~rule.Limits) == RuleLimits.None;
}
